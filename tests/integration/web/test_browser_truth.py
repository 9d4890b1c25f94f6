"""How old the page is, in a real Chromium with a clock of its own: a line that is cut, a machine
that sleeps, a presence that gets too old, a reader in another zone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from bridge.contract.presence import Activity, Availability
from bridge.web.data.snapshot import Snapshot
from tests.fakes.web_page import NOON, RunningPage, person, service, serving
from tests.fakes.web_relay import Relay, relayed
from tests.integration.web.browsing import live
from tests.integration.web.conftest import HOUSEHOLD, PASSWORD

NAMES = ("alice", "bob")
SILENCE_MS, RETRY_MS = 41_000, 16_000
COLOR = "e => getComputedStyle(e).getPropertyValue('--kind')"


@pytest_asyncio.fixture(loop_scope="session")
async def relay(home: RunningPage) -> AsyncIterator[Relay]:
    async with relayed(home.port) as line:
        yield line


async def at(chrome: Browser, address: str, *, zone: str = "UTC", script: bool = True) -> Page:
    """A page at ``address`` whose clock a test moves."""
    context = await chrome.new_context(timezone_id=zone, java_script_enabled=script)
    page = await context.new_page()
    if script:
        await page.clock.install(time=NOON)
    await page.goto(address)
    return page


@pytest.mark.parametrize("only", ["", "?only=alice"])
async def test_a_line_that_is_cut_is_seen_within_45_seconds_and_restored(
    chrome: Browser, home: RunningPage, relay: Relay, only: str
) -> None:
    page = await at(chrome, f"{relay.address}{only}")
    words = page.locator("#age" if only else "#live")
    await expect(words).to_have_text("" if only else "Live")
    relay.whole.clear()
    await page.clock.fast_forward(SILENCE_MS)
    await expect(words).to_contain_text("No news since 12:00")
    assert await words.evaluate("e => getComputedStyle(e).position") == "fixed"
    home.show(person("alice", Availability.AWAY, Activity.AWAY))
    relay.whole.set()
    await page.clock.fast_forward(RETRY_MS)
    await expect(words).to_have_text("" if only else "Live")
    await expect(page.locator("#state" if only else "#person-alice .state")).to_have_text("Away")


async def test_cards_are_grey_while_nothing_comes(
    chrome: Browser, home: RunningPage, relay: Relay
) -> None:
    page = await at(chrome, relay.address)
    await live(page)
    card = page.locator("#person-alice")
    await expect(card).to_have_css("filter", "none")
    relay.whole.clear()
    await page.clock.fast_forward(SILENCE_MS)
    await expect(card).to_have_css("filter", "grayscale(1) opacity(0.7)")


async def test_a_machine_that_slept_shortly_asks_at_once_without_an_alarm(
    chrome: Browser, home: RunningPage
) -> None:
    page = await at(chrome, home.address)
    await live(page)
    async with page.expect_request("**/events?*"):
        await page.clock.fast_forward(12_000)
    await live(page)
    await expect(page.locator("body")).not_to_have_class("stale")


@pytest.mark.parametrize("kind", ["online", "pageshow", "visibilitychange"])
async def test_who_comes_back_gets_news_at_once(
    chrome: Browser, home: RunningPage, kind: str
) -> None:
    page = await at(chrome, home.address)
    await live(page)
    await page.clock.pause_at(NOON + timedelta(minutes=10))
    event = (
        "new PageTransitionEvent(kind, {persisted: true})"
        if kind == "pageshow"
        else "new Event(kind)"
    )
    target = "document" if kind == "visibilitychange" else "window"
    async with page.expect_request("**/events?*"):
        await page.evaluate(f"kind => {target}.dispatchEvent({event})", kind)


@pytest.mark.parametrize(("only", "place"), [("", "#person-alice"), ("?only=alice", "body")])
async def test_a_presence_gets_too_old_by_itself(
    chrome: Browser, tmp_path: Path, only: str, place: str
) -> None:
    soon = person("alice", valid_until=NOON + timedelta(minutes=1), says="Back at three")
    later = person("bob", valid_until=NOON + timedelta(hours=1))
    async with (
        serving(tmp_path, Snapshot(service(), (soon, later))) as home,
        relayed(home.port) as relay,
    ):
        page = await at(chrome, f"{relay.address}{only}")
        await expect(page.locator(place)).to_contain_text("In a call")
        relay.whole.clear()
        await page.clock.fast_forward(30_000)
        await expect(page.get_by_text("Back at three")).to_be_visible()
        await page.clock.fast_forward(31_000)
        await expect(page.locator(f"{place}.old")).to_be_visible()
        await expect(page.get_by_text("Back at three")).to_be_hidden()
        if not only:
            await expect(page.locator("#person-bob .state")).to_be_visible()
            await expect(page.locator("#say")).to_have_text("Alice: too old to show")
            grey, red = [await page.locator(f"#person-{n}").evaluate(COLOR) for n in NAMES]
            assert grey != red


async def test_times_are_those_of_the_reader(chrome: Browser, home: RunningPage) -> None:
    page = await at(chrome, home.address, zone="America/New_York")
    await expect(page.locator("#person-alice .since time")).to_have_text("06:35")
    await expect(page.locator("#person-bob .sign-in")).to_contain_text("works until 07:14 (1")
    home.show(person("alice", changed_at=NOON - timedelta(hours=8)), HOUSEHOLD.people[1])
    await expect(page.locator("#person-alice .since time")).to_have_text("Sun 23:00")


async def test_without_a_script_the_page_says_how_old_it_is(
    chrome: Browser, home: RunningPage
) -> None:
    page = await at(chrome, home.address, script=False, zone="America/New_York")
    await expect(page.locator("#live")).to_have_text("As of 12:00 UTC, not live: reload")
    home.show(person("alice", Availability.AWAY, Activity.AWAY))
    await page.get_by_role("link", name="reload").click()
    await expect(page.locator("#person-alice .state")).to_have_text("Away")
    door = await at(chrome, f"{home.address}?only=alice", script=False)
    await expect(door.locator("#age")).to_have_text("As of 12:00 UTC")
    refresh = door.locator("meta[http-equiv=refresh]")
    await expect(refresh).to_have_attribute("content", "30")


async def test_title_and_icon_have_the_presence_of_the_busiest(
    chrome: Browser, home: RunningPage
) -> None:
    page = await at(chrome, home.address)
    await expect(page).to_have_title("Alice: In a call - Presence")
    icon = "document.querySelector('link[rel=icon]').href"
    red = await page.evaluate(icon)
    assert red.startswith("data:image/svg+xml,")
    home.show(person("alice", Availability.AVAILABLE, Activity.AVAILABLE))
    await expect(page).to_have_title("Available - Presence")
    assert await page.evaluate(icon) != red


async def test_a_screen_whose_session_was_ended_asks_for_the_password(
    chrome: Browser, tmp_path: Path, password_file: Path
) -> None:
    async with serving(tmp_path, HOUSEHOLD, settings={"password_file": password_file}) as home:
        door = await at(chrome, f"{home.address}?only=alice")
        await door.fill("#password", PASSWORD)
        await door.keyboard.press("Enter")
        await expect(door.locator("#state")).to_have_text("In a call")
        page = await door.context.new_page()
        await page.goto(home.address)
        await page.get_by_role("button", name="Lock this page").click()
        await expect(door.locator("#password")).to_be_visible()
        assert door.url == f"{home.address}?only=alice"
