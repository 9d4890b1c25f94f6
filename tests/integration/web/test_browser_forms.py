"""What a press does on the page, in a real Chromium: focus, announcements, the order of the cards,
a bridge that does not answer, and a strip under the finger."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from bridge.contract.account import SignIn
from bridge.contract.errors import PersonMustActError
from bridge.contract.presence import Activity, Availability
from bridge.web.data.snapshot import Person, Snapshot
from tests.fakes.mosquitto import free_port
from tests.fakes.web_page import NOON, RunningPage, in_browser, person, service, serving, waiting
from tests.integration.web.browsing import complaints, live, opened
from tests.integration.web.conftest import HOUSEHOLD

FOLLOWS = '{"state":"ON","effect":"presence"}'
AWAY = (Availability.AWAY, Activity.AWAY)
ORDER = "[...document.querySelectorAll('article')].map((card) => card.id).join(' ')"
NAMED = """() => [...document.querySelectorAll(":is(button, summary, a)[aria-label]")]
    .map((e) => [e.textContent.trim().toLowerCase(), e.getAttribute("aria-label").toLowerCase()])"""


async def test_a_press_while_the_bridge_is_down_can_be_repeated(
    chrome: Browser, tmp_path: Path
) -> None:
    port = free_port()
    async with serving(tmp_path, HOUSEHOLD, port=port) as home:
        page = await opened(chrome, home.address)
        await live(page)
    press = page.get_by_role("button", name="Let door follow presence again")
    await press.click()
    await expect(page.get_by_role("alert")).to_contain_text("press once more when it is back")
    await expect(press).to_be_focused()
    async with serving(tmp_path, HOUSEHOLD, port=port) as home:
        await live(page)
        await press.click()
        await expect(page.locator("#say")).to_have_text("Follow presence: done")
        await expect(page.locator("#said")).to_be_empty()
        assert home.actions.asked == [("command_light", "door", FOLLOWS)]


async def test_a_refusal_leaves_what_was_typed(chrome: Browser, tmp_path: Path) -> None:
    async with serving(tmp_path, Snapshot(service(), (in_browser(),))) as home:
        home.actions.failure = PersonMustActError("that is not it.", remedy="Paste all of it.")
        page = await opened(chrome, home.address)
        await live(page)
        field = page.get_by_label("Address of the last page")
        await field.fill("http://localhost/?co")
        await page.keyboard.press("Enter")
        await expect(page.locator("#said")).to_have_text("That is not it. Paste all of it.")
        await expect(field).to_have_value("http://localhost/?co")
        assert page.url == home.address
        await page.reload()
        await live(page)


async def test_what_had_the_focus_and_is_gone_leaves_it_to_its_card(
    chrome: Browser, tmp_path: Path
) -> None:
    async with serving(tmp_path, Snapshot(service(), (waiting(sign_in=SignIn()),))) as home:
        page = await opened(chrome, home.address)
        await live(page)
        press = page.get_by_role("button", name="Sign in with a code: Alice")
        await press.click()
        await expect(press).to_be_focused()
        home.show(person("alice"))
        await expect(page.locator("#person-alice")).to_be_focused()


async def test_who_was_added_gets_the_focus_when_they_come(
    chrome: Browser, home: RunningPage
) -> None:
    page = await opened(chrome, home.address)
    await live(page)
    await page.get_by_text("Add a person").click()
    await page.get_by_label("Name").fill("Zoë")
    await page.get_by_role("button", name="Add", exact=True).click()
    await expect(page.locator("#say")).to_have_text("Add: done")
    home.show(*HOUSEHOLD.people, waiting("zoe"))
    await expect(page.locator("#person-zoe")).to_be_focused()


async def test_a_search_stays_over_a_press(chrome: Browser, tmp_path: Path) -> None:
    people = tuple(person(f"p{n}", *AWAY, name=f"Person {n:02}") for n in range(60))
    async with serving(tmp_path, Snapshot(service(), people)) as home:
        page = await opened(chrome, f"{home.address}?find=person+5")
        await live(page)
        await page.get_by_label("Sign out Person 55").click()
        await page.locator("#person-p55").get_by_role("button", name="Yes, sign out").click()
        await expect(page.locator("#person-p55")).to_be_focused()
        assert page.url == f"{home.address}?find=person+5"
        assert home.actions.asked == [("sign_out", "p55")]


async def ordered(page: Page, cards: str) -> None:
    """Wait for the cards in this order: the page forbids eval, which a wait by text needs."""
    async with asyncio.timeout(10):
        while await page.evaluate(ORDER) != cards:  # noqa: ASYNC110 - it wakes nobody
            await asyncio.sleep(0.02)


async def test_cards_do_not_jump_under_the_finger(chrome: Browser, tmp_path: Path) -> None:
    def people(busy: str) -> tuple[Person, ...]:
        return tuple(person(n) if n == busy else person(n, *AWAY) for n in ("ann", "ben", "cat"))

    async with serving(tmp_path, Snapshot(service(), people(""))) as home:
        page = await chrome.new_page()
        await page.clock.install(time=NOON)
        await page.goto(home.address)
        await live(page)
        home.show(*people("cat"))
        await ordered(page, "person-cat person-ann person-ben")
        await page.get_by_label("Sign out Cat").focus()
        home.show(*people("ben"))
        await expect(page.locator("#person-ben .state")).to_have_text("In a call")
        home.show(*people("ben"), person("dan", *AWAY))  # the whole section is new
        await expect(page.locator("#person-dan")).to_be_visible()
        assert await page.evaluate(ORDER) == "person-cat person-ann person-ben person-dan"
        await page.evaluate("document.activeElement.blur()")
        await page.clock.run_for(6_000)
        await ordered(page, "person-ben person-ann person-cat person-dan")


async def test_presence_and_message_are_set_on_the_card(chrome: Browser, home: RunningPage) -> None:
    home.show(person("alice", settable=True), person("bob"))
    page = await opened(chrome, home.address)
    await live(page)
    await expect(page.locator("#person-bob")).not_to_contain_text("Set presence")
    await page.locator("#person-alice summary", has_text="Set presence").click()
    await page.get_by_label("Shown as").select_option("Do not disturb")
    await page.get_by_label("For", exact=True).select_option("2 hours")
    home.actions.note = "Teams shows it later."
    await page.get_by_role("button", name="Set presence of Alice").click()
    await expect(page.locator("#said")).to_have_text("Teams shows it later.")
    await page.locator("#person-alice summary", has_text="Set presence").click()
    await page.get_by_label("Status message").fill("Back at three")
    await page.get_by_role("button", name="Set message of Alice").click()
    await expect(page.locator("#say")).to_have_text("Set message: done")
    assert home.actions.asked == [
        ("set_presence", "alice", "do_not_disturb", "2:00:00"),
        ("set_status_message", "alice", "Back at three", "None"),
    ]
    assert complaints(page) == []


async def test_each_name_that_is_spoken_contains_what_is_seen(
    chrome: Browser, tmp_path: Path
) -> None:
    people = (person("alice", added_here=True, settable=True), waiting("bob"), in_browser("carl"))
    async with serving(tmp_path, Snapshot(service(), people, HOUSEHOLD.lights)) as home:
        page = await opened(chrome, home.address)
        names = await page.evaluate(NAMED)
        assert len(names) > 8
        assert [pair for pair in names if pair[0] not in pair[1]] == []


def write_day(state_dir: Path) -> None:
    """A call from 10 to 11, then away."""
    changes = ((2, "call"), (1, "away"))
    lines = [
        {"at": (NOON - timedelta(hours=h)).isoformat(), "account": "alice", "kind": kind}
        for h, kind in changes
    ]
    text = "".join(json.dumps(line) + "\n" for line in [*lines, {"at": NOON.isoformat()}])
    (state_dir / "history.jsonl").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("place", ["page", "week"])
async def test_a_strip_says_what_was_at_the_time_under_the_finger(
    chrome: Browser, tmp_path: Path, place: str
) -> None:
    write_day(tmp_path)
    snapshot = Snapshot(service(), (person("alice", *AWAY),))
    async with serving(tmp_path, snapshot) as home:
        context = await chrome.new_context(has_touch=True, timezone_id="UTC")
        page = await opened(context, home.address)
        await live(page)
        if place == "week":
            await page.get_by_role("link", name="7 days of Alice").click()
            await expect(page.get_by_text("1 h 00 min in calls", exact=False).first).to_be_visible()
        strip = page.get_by_role("slider").first
        box = await strip.bounding_box()
        assert box
        share = 10.5 / 24 if place == "week" else 22.5 / 24
        await page.touchscreen.tap(box["x"] + share * box["width"], box["y"] + 10)
        said = page.locator(".strip .at").first
        await expect(said).to_have_text(re.compile(r"10:[23]\d In a call \(\D*10:00 to 11:00\)"))
        await strip.focus()
        await page.keyboard.press("End")
        end = "Not yet" if place == "week" else "Away"
        await expect(said).to_contain_text(end)
        await page.keyboard.press("Home")
        await expect(strip).to_have_attribute("aria-valuetext", re.compile("Unknown"))


async def test_the_week_is_there_without_a_script(chrome: Browser, tmp_path: Path) -> None:
    write_day(tmp_path)
    snapshot = Snapshot(service(), (person("alice", *AWAY),))
    async with serving(tmp_path, snapshot) as home:
        context = await chrome.new_context(java_script_enabled=False)
        page: Page = await opened(context, home.address)
        await page.get_by_role("link", name="7 days of Alice").click()
        assert "10:00 to 11:00: In a call" in await page.content()
        await page.get_by_role("link", name="Back").click()
        await page.wait_for_url("**/#person-alice")
