"""Takes the pictures of the page for the docs: ``python -m tests.fakes.web_pictures FOLDER``."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from playwright.async_api import Browser

import bridge.web
from bridge.contract.account import SignIn, SignInState
from bridge.contract.found_broker import FoundBroker
from bridge.contract.light import LightState
from bridge.contract.presence import Activity, Availability, Presence
from bridge.web.data.snapshot import Person, Snapshot
from tests.fakes.web_browser import chromium
from tests.fakes.web_lights import explained
from tests.fakes.web_page import (
    NOON,
    in_browser,
    light,
    person,
    service,
    serving,
    waiting,
)
from tests.fakes.web_trials import CannedTrials, setting_up

FOUND = (
    FoundBroker("localhost", 1883),
    FoundBroker("homeassistant.local", 8883, tls=True, asks_who=True),
)
CLIENT_ID = "1b2c3d4e-0000-4000-8000-123456789abc"
STATIC = Path(bridge.web.__file__).parent / "static"
ICON = """<style>html, body, svg { margin: 0; width: 100%; height: 100%; display: block; }</style>
<svg viewBox="0 0 24 24"><rect width="24" height="24" fill="#17813f"/>
<path d="M8 12.4l2.8 2.8L16 9.6" fill="none" stroke="#fff" stroke-width="1.8" stroke-linecap="round"
stroke-linejoin="round"/></svg>"""
PHONE, TABLET, WIDE = (390, 844), (800, 600), (1200, 900)
DAY = (
    (-24.0, "offline"),
    (-5.0, "away"),
    (-4.6, "available"),
    (-3.9, "call"),
    (-3.2, "busy"),
    (-2.4, "available"),
    (-1.7, "away"),
    (-1.2, "available"),
    (-0.42, "call"),
)
"""Hours before now, and what began then."""


def household() -> Snapshot:
    """Four people, each with something else."""
    outside = Presence(
        Availability.AWAY,
        Activity.OUT_OF_OFFICE,
        out_of_office=True,
        status_message="In the mountains until the 30th.\nAsk Alice.",
    )
    ended = SignIn(
        SignInState.ERROR,
        message="Sign-in with a code is blocked by a policy of your organisation.",
        remedy="Sign in with a browser, or ask your admin to allow the code for this app.",
        who="your admin",
        correlation_id="5f0c7a52-3c1e-4c40-9d0b-0f6b8d2b7a11",
    )
    people = (
        person("alice", says="Back at three"),
        replace(person("bob"), presence=outside),
        person("carol", Availability.AVAILABLE, Activity.AVAILABLE, added_here=True),
        person("dave", presence=None, fresh=False, sign_in=ended, polled_at=None),
    )
    green = LightState(color=(0, 255, 60), brightness=0.4)
    lights = (
        light(why=explained()),
        light("door", mode="manual", look=green),
        light("hall", online=False),
    )
    return Snapshot(service(), people, lights, can_add=True)


def write_history(state_dir: Path, *people: Person) -> None:
    """Seven working days for each of ``people``, somewhat later for each."""
    here = NOON
    lines = [
        json.dumps(
            {
                "at": (here + timedelta(days=-day, hours=hours + 0.2 * place)).isoformat(),
                "account": somebody.account,
                "kind": kind,
            }
        )
        for place, somebody in enumerate(people)
        for day in range(7)
        for hours, kind in DAY
        if hours + 0.2 * place < 0
    ]
    lines.append(json.dumps({"at": here.isoformat()}))
    (state_dir / "history.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


async def picture(
    browser: Browser,
    address: str,
    file: Path,
    *,
    size: tuple[int, int],
    dark: bool = False,
    whole: bool = True,
) -> None:
    """One picture of the page at ``address``."""
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        device_scale_factor=1,
        timezone_id="UTC",
    )
    page = await context.new_page()
    await page.goto(address)
    await page.wait_for_selector("#live.on, .door, #kiosk")
    await page.screenshot(path=file, full_page=whole)
    await context.close()


async def icons(browser: Browser, folder: Path) -> None:
    """The icons that a phone installs: the sign on a ground that a mask may cut."""
    for size in (192, 512):
        page = await browser.new_page(viewport={"width": size, "height": size})
        await page.set_content(ICON)
        await page.screenshot(path=folder / f"icon-{size}.png")
        await page.close()


async def main(folder: Path) -> None:
    """All pictures of the docs, and the icons."""
    everybody = household()
    async with chromium() as browser:
        with tempfile.TemporaryDirectory() as state:
            write_history(Path(state), *everybody.people[:3])
            async with serving(Path(state), everybody) as home:
                await picture(browser, home.address, folder / "page.png", size=WIDE)
                file = folder / "page-phone-dark.png"
                await picture(browser, home.address, file, size=PHONE, dark=True, whole=False)
                door = f"{home.address}?only=alice"
                await picture(browser, door, folder / "door.png", size=TABLET, whole=False)
                week = f"{home.address}history?of=alice"
                await picture(browser, week, folder / "week.png", size=PHONE, whole=False)
        for name, somebody in (("code", waiting()), ("browser", in_browser())):
            with tempfile.TemporaryDirectory() as state:
                async with serving(Path(state), Snapshot(service(), (somebody,))) as home:
                    file = folder / f"sign-in-{name}.png"
                    await picture(browser, home.address, file, size=PHONE, whole=False)
        await icons(browser, STATIC)
        with tempfile.TemporaryDirectory() as empty:
            await set_up(browser, Path(empty), folder)


async def set_up(browser: Browser, empty: Path, folder: Path) -> None:
    """A picture of each step of the guided set-up."""
    async with setting_up(empty, trials=CannedTrials(password=None, found=FOUND)) as server:
        page = await browser.new_page(viewport={"width": 800, "height": 760})
        await page.goto(server.address)
        await page.screenshot(path=folder / "set-up-1.png", full_page=True)
        await page.get_by_role("button", name=f"Use {FOUND[0].text}").click()
        await page.get_by_label("Application (client) ID").wait_for()
        await page.screenshot(path=folder / "set-up-2.png", full_page=True)
        await page.get_by_label("Application (client) ID").fill(CLIENT_ID)
        await page.get_by_label("Directory (tenant) ID").fill("contoso.com")
        await page.get_by_role("button", name="Check").click()
        await page.get_by_label("Name").fill("Alice")
        await page.screenshot(path=folder / "set-up-3.png", full_page=True)


if __name__ == "__main__":
    pictures = Path(sys.argv[1])
    pictures.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(pictures))
