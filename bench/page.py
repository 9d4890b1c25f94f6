"""The figures of the page: news in a real browser, open pages, first paint.

Never compares with a target: ``bench.__main__`` does. Without Chromium the figures that need one
are left out.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
from playwright.async_api import Browser

from bench.figures import change, running
from bench.rig import DEADLINE_S, Rig, free_port, processor_s
from bench.spread import spread
from bench.tap import Tap, tap
from bridge.web.live import FLOOD, WITHIN_S
from tests.fakes.web_browser import PROGRAM, chromium

PAGES = 50
SLOWER = 4
"""A phone's processor is about so many times slower (Lighthouse's mobile profile)."""
SETTLED_S = 3.0
SCRIPTS = ("page", "cards", "clock", "forms", "morph", "stream", "strip", "tab")
ASSETS = ("", "static/page.css", "static/icon.svg", *(f"static/{name}.js" for name in SCRIPTS))
WATCH = """() => {
  const note = () => {
    const text = document.querySelector("#person-alice .state").textContent;
    if (text === window.wanted) window.show(Date.now() / 1000);
  };
  const all = { subtree: true, childList: true, characterData: true };
  new MutationObserver(note).observe(document.querySelector("main"), all);
}"""
SHOWN = """(words) => new Promise((resolve) => {
  window.wanted = words;
  window.show = resolve;
})"""
PAINT = """() => new Promise((resolve) => {
  new PerformanceObserver((list) => resolve(list.getEntries().at(-1).startTime))
    .observe({ type: "largest-contentful-paint", buffered: true });
})"""


async def run(rig: Rig, *, quick: bool) -> dict[str, Any]:
    """All of them."""
    measured: dict[str, Any] = {}
    async with tap(rig.graph_port) as graph, _bridge(rig, graph) as (bridge, address):
        measured["bytes"] = await _bytes(address)
        measured["open_pages"] = await _open(bridge, address, 10 if quick else 20)
        if PROGRAM:
            async with chromium() as browser:
                measured["paint_s"] = await _paint(browser, address, 5 if quick else 10)
                measured["news_ms"] = await _news(
                    rig, graph, browser, address, 30 if quick else 100
                )
    return measured


@asynccontextmanager
async def _bridge(rig: Rig, graph: Tap) -> AsyncIterator[tuple[subprocess.Popen[bytes], str]]:
    port = free_port()
    rig.configure(fastest=20, steady=20, slowest=30, page_port=port, graph_tap=graph.port)
    async with running(rig) as bridge:
        yield bridge, f"http://127.0.0.1:{port}/"


async def _bytes(address: str) -> int:
    """Of the whole page: markup, style sheet, script and icon."""
    async with aiohttp.ClientSession() as session:
        sizes = []
        for path in ASSETS:
            async with session.get(address + path) as answer:
                sizes.append(len(await answer.read()))
    return sum(sizes)


async def _open(bridge: subprocess.Popen[bytes], address: str, seconds: float) -> dict[str, float]:
    """Share of one core, in percent, that ``PAGES`` open pages add while nothing changes."""
    alone = await _processor_percent(bridge, seconds)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session, AsyncExitStack() as streams:
        for _ in range(PAGES):
            stream = await streams.enter_async_context(session.get(f"{address}events"))
            await stream.content.readline()
        await asyncio.sleep(SETTLED_S)
        together = await _processor_percent(bridge, seconds)
    return {"pages": PAGES, "alone_percent": alone, "added_percent": max(0.0, together - alone)}


async def _processor_percent(process: subprocess.Popen[bytes], seconds: float) -> float:
    before = processor_s(process)
    await asyncio.sleep(seconds)
    return 100 * (processor_s(process) - before) / seconds


async def _paint(browser: Browser, address: str, runs: int) -> dict[str, float]:
    """Seconds to the largest paint of a first visit, on a phone's screen and processor."""
    taken = []
    for _ in range(runs):
        async with await browser.new_context(viewport={"width": 393, "height": 727}) as context:
            page = await context.new_page()
            control = await context.new_cdp_session(page)
            await control.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
            await page.goto(address)
            taken.append(await page.evaluate(PAINT) / 1000)
    return {"median": statistics.median(taken), "max": max(taken), "runs": runs}


async def _news(
    rig: Rig, graph: Tap, browser: Browser, address: str, changes: int
) -> dict[str, float]:
    """Milliseconds from Graph's last byte until the open page shows what it says."""
    page = await browser.new_page()
    await page.goto(address)
    await page.locator("#live.on").wait_for()
    await page.evaluate(WATCH)
    await asyncio.sleep(SETTLED_S)  # a page that still loads is another figure
    taken: list[float] = []
    for number in range(changes):
        graph.forget()
        words = "In a call" if number % 2 == 0 else "Available"
        async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
            shown = tasks.create_task(page.evaluate(SHOWN, words))
            await change(rig, number)
        shown_s = shown.result() - time.time() + time.monotonic()
        answered_s = max(at_s for at_s, _ in graph.answered if at_s <= shown_s)
        taken.append((shown_s - answered_s) * 1000)
        await asyncio.sleep(WITHIN_S / FLOOD)  # who changes faster is shown a little later
    await page.close()
    return spread(taken)
