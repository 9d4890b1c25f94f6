"""The page in a real Chromium: live news, keyboard, phone width, prefix, accessibility."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from bridge.contract.account import SignIn
from bridge.contract.presence import Activity, Availability
from bridge.web.data.snapshot import Snapshot
from tests.fakes.mosquitto import free_port
from tests.fakes.web_page import (
    RunningPage,
    in_browser,
    light,
    person,
    service,
    serving,
    waiting,
)
from tests.fakes.web_pictures import household, write_history
from tests.fakes.web_prefix import ingress
from tests.integration.web.browsing import complaints, findings, live, opened
from tests.integration.web.conftest import HOUSEHOLD

EVIL = '<img src=x onerror="window.stolen=1"><script>window.stolen=1</script>'
FOLLOWS = '{"state":"ON","effect":"presence"}'
NARROW, PHONE, WIDE = (320, 640), (390, 844), (1200, 900)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_axe_finds_nothing_and_nothing_is_cut(
    chrome: Browser, tmp_path: Path, scheme: str, size: tuple[int, int]
) -> None:
    everybody = household()
    settable = person("gina", settable=True)
    people = (*everybody.people, waiting("erin"), in_browser("frank"), settable)
    write_history(tmp_path, *everybody.people[:2])
    snapshot = Snapshot(service(), people, everybody.lights, can_add=True)
    async with serving(tmp_path, snapshot) as home:
        viewport = {"width": size[0], "height": size[1]}
        page = await opened(chrome, home.address, color_scheme=scheme, viewport=viewport)
        await live(page)
        assert await findings(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
        assert complaints(page) == []


async def test_axe_finds_nothing_at_the_door(chrome: Browser, tmp_path: Path) -> None:
    password = tmp_path / "password"
    write(password, "correct horse")
    async with serving(tmp_path, HOUSEHOLD, settings={"password_file": password}) as home:
        page = await opened(chrome, home.address)
        assert await findings(page) == []
        await expect(page.locator("#password")).to_be_focused()
        await page.keyboard.type("wrong guess")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_have_text("That is not the password.")
        assert await findings(page) == []
        await page.fill("#password", "correct horse")
        await page.keyboard.press("Enter")
        await live(page)
        await page.get_by_role("button", name="Lock this page").click()
        await expect(page.locator("#password")).to_be_visible()


async def test_locking_one_page_or_a_new_password_locks_all_that_are_open(
    chrome: Browser, tmp_path: Path
) -> None:
    password = tmp_path / "password"
    write(password, "correct horse")
    async with serving(tmp_path, HOUSEHOLD, settings={"password_file": password}) as home:
        context = await chrome.new_context()
        one = await opened(context, home.address)
        await one.fill("#password", "correct horse")
        await one.keyboard.press("Enter")
        await live(one)
        two = await opened(context, home.address)
        await live(two)
        await one.get_by_role("button", name="Lock this page").click()
        for page in (one, two):
            await expect(page.locator("#password")).to_be_visible()
        await one.fill("#password", "correct horse")
        await one.keyboard.press("Enter")
        await live(one)
        write(password, "another horse")
        home.reload()
        await expect(one.locator("#password")).to_be_visible()


async def test_who_follows_a_link_from_elsewhere_is_not_asked_twice(
    chrome: Browser, tmp_path: Path
) -> None:
    password = tmp_path / "password"
    write(password, "correct horse")
    async with serving(tmp_path, HOUSEHOLD, settings={"password_file": password}) as home:
        page = await opened(chrome, home.address)
        await page.fill("#password", "correct horse")
        await page.keyboard.press("Enter")
        await live(page)
        await page.goto(f"data:text/html,<a href='{home.address}'>home</a>")
        await page.get_by_text("home").click()
        await live(page)
        await expect(page.locator("#person-alice .state")).to_have_text("In a call")


async def test_a_change_is_seen_on_all_open_pages_and_announced_to_screen_readers(
    chrome: Browser, home: RunningPage
) -> None:
    pages = [await opened(chrome, home.address) for _ in range(2)]
    for page in pages:
        await live(page)
    home.show(person("alice", Availability.AVAILABLE, Activity.AVAILABLE), HOUSEHOLD.people[1])
    for page in pages:
        await expect(page.locator("#person-alice .state")).to_have_text("Available")
        await expect(page.locator("#say")).to_have_text("Alice: Available")
        assert "available" in (await page.locator("#person-alice").get_attribute("class") or "")


async def test_news_do_not_disturb_who_types(chrome: Browser, tmp_path: Path) -> None:
    async with serving(tmp_path, Snapshot(service(), (in_browser(),))) as home:
        page = await opened(chrome, home.address)
        await live(page)
        field = page.get_by_label("Address of the last page")
        await field.fill("http://localhost/?code=half")
        await field.focus()
        await page.get_by_text("Report for an issue").click()
        await field.focus()
        home.show(in_browser(), service=service(reconnects=7))
        await expect(page.locator("#health")).to_contain_text("Reconnects to the broker7")
        home.show(person("bob"), in_browser())  # the whole section is new
        await expect(page.locator("#person-bob")).to_be_visible()
        home.show(person("carol"), in_browser(), person("bob"))
        order = page.locator("article").nth(2)
        await expect(order).to_have_id("person-carol")
        await expect(field).to_have_value("http://localhost/?code=half")
        await expect(field).to_be_focused()
        await expect(page.locator("#report")).to_contain_text("account 1:")


async def test_somebody_signs_in_by_keyboard_alone(chrome: Browser, tmp_path: Path) -> None:
    signed_out = waiting(sign_in=SignIn())
    async with serving(tmp_path, Snapshot(service(), (signed_out,))) as home:
        page = await opened(chrome, home.address)
        await live(page)
        await page.keyboard.press("Tab")
        await expect(page.get_by_text("Skip to people")).to_be_focused()
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("button", name="Sign in with a code: Alice")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("#say")).to_have_text("Sign in with a code: done")
        assert home.actions.asked == [("sign_in", "alice", "device_code")]

        home.show(waiting())
        await expect(page.locator(".code")).to_have_text("F7K2Q9XRB")
        await expect(page.locator(".qr")).to_be_visible()
        home.show(person("alice"))
        await expect(page.locator(".state")).to_have_text("In a call")
        await expect(page.locator(".code")).to_have_count(0)

        await page.get_by_label("Sign out Alice").focus()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("button", name="Yes, sign out")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("#say")).to_have_text("Yes, sign out: done")
        await expect(page.locator("#person-alice")).to_be_focused()
        assert home.actions.asked[1:] == [("sign_out", "alice")]


async def test_the_code_can_be_copied(chrome: Browser, home: RunningPage) -> None:
    context = await chrome.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = await opened(context, home.address)
    await live(page)
    await page.get_by_role("button", name="Copy the code of Bob").click()
    await expect(page.locator("#say")).to_have_text("Copied")
    assert await page.evaluate("navigator.clipboard.readText()") == "F7K2Q9XRB"


async def test_the_page_works_in_an_ingress_frame_under_a_prefix(
    chrome: Browser, tmp_path: Path
) -> None:
    settings = {"trusted_proxies": ["127.0.0.1"]}
    async with (
        serving(tmp_path, HOUSEHOLD, settings=settings) as home,
        ingress(home.address) as address,
    ):
        page = await opened(chrome, address)
        frame = page.frame_locator("iframe")
        await expect(frame.locator("#live")).to_have_text("Live")
        await frame.get_by_role("button", name="Let door follow presence again").click()
        await expect(frame.locator("#say")).to_have_text("Follow presence: done")
        assert home.actions.asked == [("command_light", "door", FOLLOWS)]
        home.show(person("alice", Availability.AWAY, Activity.AWAY), HOUSEHOLD.people[1])
        await expect(frame.locator("#person-alice .state")).to_have_text("Away")
        assert complaints(page) == []


async def test_a_script_of_others_does_not_run(chrome: Browser, home: RunningPage) -> None:
    page = await opened(chrome, home.address)
    await live(page)
    home.show(person("alice", says=EVIL, name=EVIL), lights=(light("desk", rule=EVIL),))
    await expect(page.locator("#person-alice .says")).to_have_text(EVIL)
    await page.reload()
    await live(page)
    assert await page.evaluate("window.stolen") is None
    assert complaints(page) == []


async def test_the_page_asks_nobody_else(chrome: Browser, home: RunningPage) -> None:
    page = await chrome.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(home.address)
    await live(page)
    assert asked
    assert all(url.startswith(home.address) for url in asked)


async def test_without_a_script_the_page_still_works(chrome: Browser, home: RunningPage) -> None:
    context = await chrome.new_context(java_script_enabled=False)
    page = await opened(context, home.address)
    await expect(page.locator("#live")).to_contain_text("not live: reload")
    await page.get_by_text("Add a person").click()
    await page.get_by_label("Name").fill("Zoë")
    await page.get_by_label("In a browser, where codes are blocked").check()
    await page.get_by_role("button", name="Add", exact=True).click()
    await page.wait_for_url("**/#person-zoe")
    assert home.actions.asked[0] == ("add_person", "zoe", "Zoë", "browser")


async def test_a_bridge_that_was_gone_is_rediscovered(chrome: Browser, tmp_path: Path) -> None:
    port = free_port()
    async with serving(tmp_path, HOUSEHOLD, port=port) as home:
        page = await opened(chrome, home.address)
        await live(page)
    await expect(page.locator("#live")).to_contain_text("No news since")
    changed = Snapshot(service(), (person("alice", Availability.AWAY, Activity.AWAY),))
    async with serving(tmp_path, changed, port=port):
        await live(page)
        await expect(page.locator("#person-alice .state")).to_have_text("Away")
        await expect(page.locator("#person-bob")).to_have_count(0)


async def test_a_search_goes_on_while_news_come(chrome: Browser, tmp_path: Path) -> None:
    people = tuple(person(f"p{n}", name=f"Person {n}") for n in range(60))
    async with serving(tmp_path, Snapshot(service(), people)) as home:
        page = await opened(chrome, home.address)
        await page.get_by_label("Find one of 60 people").fill("person 5")
        await page.keyboard.press("Enter")
        await live(page)
        await expect(page.locator("article")).to_have_count(11)
        away = person("p55", Availability.AWAY, Activity.AWAY, name="Person 55")
        home.show(*people[:55], away, *people[56:])
        await expect(page.locator("#person-p55 .state")).to_have_text("Away")
        await expect(page.locator("article")).to_have_count(11)


def write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
