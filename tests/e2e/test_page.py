"""The page of the running bridge: news, people, lamps, the broker, prefixes and the password."""

from __future__ import annotations

import json
import signal

import aiohttp
from playwright.async_api import Page, expect

from tests.e2e.page_stage import (
    NARROW,
    STATE,
    Home,
    card,
    enter_code,
    is_fit,
    is_green,
    shows,
    stored,
)
from tests.fakes.subscriber import subscriber
from tests.fakes.web_prefix import ingress
from tests.integration.web.browsing import complaints, live, opened

LAMP = '[drivers.lamp]\nkind = "console"\nfollow = ["alice"]\ngrace = 0\n'
LOST = "The broker cannot be reached: lamps and Home Assistant get nothing new."


async def at_home(home: Home) -> Page:
    """The page of a bridge that Alice is signed in to."""
    home.stage.microsoft.auto_approve(home.stage.home.person)
    await home.start()
    page = await home.visit()
    await is_green(page)
    return page


async def test_a_change_is_seen_at_once_on_every_open_page(home: Home) -> None:
    one = await at_home(home)
    two = await home.visit(viewport=NARROW, color_scheme="dark")
    for page in (one, two):
        await page.evaluate("window.sameAsBefore = true")
    home.stage.be("Busy", "InACall", status_message="<b>back</b> at 3")
    for page in (one, two):
        await shows(page, "In a call")
        await expect(card(page).locator(".says")).to_have_text("<b>back</b> at 3")
        await expect(page.locator("#say")).to_have_text("Alice: In a call")
        assert await page.evaluate("window.sameAsBefore")  # nobody reloaded it
        await is_fit(page)
        assert complaints(page) == []


async def test_a_bridge_that_stands_still_is_seen_within_45_seconds(home: Home) -> None:
    home.stage.microsoft.auto_approve(home.stage.home.person)
    bridge = await home.start()
    page = await home.chrome.new_page()
    await page.clock.install()
    await page.goto(home.address)
    await live(page)
    bridge.send_signal(signal.SIGSTOP)
    try:
        await page.clock.fast_forward(41_000)
        await expect(page.locator("#live")).to_contain_text("No news since")
        await expect(page.locator("body")).to_have_class("stale")
    finally:
        bridge.send_signal(signal.SIGCONT)
    await page.clock.fast_forward(16_000)
    await live(page)
    await is_green(page)


async def test_somebody_is_added_stays_over_a_restart_and_is_removed(home: Home) -> None:
    stage = home.stage
    bob = stage.home.directory.add_person(stage.home.tenant, "bob@contoso.com")
    stage.home.directory.change(bob, "Away")
    bridge = await home.start()
    page = await home.visit()
    await page.get_by_text("Add a person").click()
    await page.get_by_label("Name").fill("Bob the Builder")
    await page.get_by_role("button", name="Add", exact=True).click()
    bobs = "bob_the_builder"
    await live(page)
    await enter_code(page, bobs, upn="bob@contoso.com")
    await shows(page, "Away", bobs)
    await shows(page, "Signing in")
    topic = f"presence/account/{bobs}/state"
    await stage.mqtt.until(topic, lambda h: h.json["availability"] == "away")
    tokens = stage.folder / "state" / "tokens" / f"{bobs}.json"
    assert tokens.exists()

    stage.stop(bridge)
    await expect(page.locator("#live")).to_contain_text("No news since")
    since = len(stage.mqtt.heard)
    await home.start()
    await live(page)
    await shows(page, "Away", bobs)
    await stage.mqtt.until_text(f"presence/account/{bobs}/availability", "online", since=since)
    table = await stage.command("bridge", "accounts")
    assert "bob_the_builder  signed in" in table.stdout

    await card(page, bobs).get_by_label("Remove Bob the Builder").click()
    await card(page, bobs).get_by_role("button", name="Yes, remove").click()
    await expect(card(page, bobs)).to_have_count(0)
    await expect(card(page)).to_be_visible()
    for leaf in ("state", "attributes", "availability", "auth"):
        await stage.mqtt.until_text(f"presence/account/{bobs}/{leaf}", "", since=since)
    assert not tokens.exists()
    assert bobs not in (stage.folder / "state" / "people.json").read_text(encoding="utf-8")
    topics = await stored(stage.broker.port)
    assert "presence/account/alice/auth" in topics
    assert not [topic for topic in topics if bobs in topic]


async def test_a_lamp_has_a_row_and_a_button_makes_it_follow(home: Home) -> None:
    home.configure(LAMP)
    page = await at_home(home)
    driver = home.stage.start("drivers", "lamp")
    row = page.locator("#light-lamp")
    await expect(row).to_contain_text("Online, follows presence")
    await expect(row).to_contain_text("Shows green")
    follow = row.get_by_role("button", name="Let lamp follow presence again")
    await expect(follow).to_have_count(0)

    command = json.dumps({"state": "ON", "color": {"r": 0, "g": 0, "b": 255}})
    await home.stage.mqtt.publish("presence/driver/lamp/light/set", command)
    await expect(row).to_contain_text("Online, set by hand")
    await expect(row).to_contain_text("Shows blue")
    home.stage.be("Busy", "InACall")
    await shows(page, "In a call")
    await expect(row).to_contain_text("Shows blue")
    await is_fit(page)
    await follow.click()
    await live(page)
    await expect(row).to_contain_text("Shows red")
    await expect(follow).to_have_count(0)

    home.stage.stop(driver)
    await expect(row).to_contain_text("Its driver is not running")


async def test_a_broker_that_is_gone_is_reported_until_it_is_back(home: Home) -> None:
    page = await at_home(home)
    health = page.locator("#health")
    await expect(health).to_contain_text("All is well.")
    home.stage.broker.stop()
    await expect(health).to_contain_text(LOST)
    await expect(health).to_contain_text(f"not connected, 127.0.0.1:{home.stage.broker.port}")
    home.stage.be("Busy", "InACall")
    await shows(page, "In a call")
    await home.stage.broker.start()
    await expect(health).to_contain_text("All is well.")
    await expect(health).to_contain_text("Reconnects to the broker1")
    async with subscriber(home.stage.broker.port, topic="presence/#") as fresh:
        await fresh.until(STATE, lambda h: h.json["activity"] == "in_a_call")


async def test_it_works_in_an_ingress_frame_and_nobody_else_gets_in(home: Home) -> None:
    home.configure(web='host = "0.0.0.0"\ntrusted_proxies = ["127.0.0.1"]')
    home.stage.microsoft.auto_approve(home.stage.home.person)
    await home.start()
    async with ingress(home.address) as address:
        page = await opened(home.chrome, address)
        [frame] = page.frames[1:]
        await expect(frame.locator("#live")).to_have_text("Live")
        await expect(frame.locator(".state")).to_have_text("Available")
        home.stage.be("DoNotDisturb", "Presenting")
        await expect(frame.locator(".state")).to_have_text("Presenting")
        await frame.get_by_label("Sign out Alice").click()
        await frame.get_by_role("button", name="Yes, sign out").click()
        await expect(frame.locator(".state")).to_have_text("Not signed in")
        await frame.get_by_role("button", name="Sign in with a code").click()
        await expect(frame.locator(".state")).to_have_text("Presenting")
        assert complaints(page) == []
    stranger = aiohttp.TCPConnector(local_addr=("127.0.0.9", 0))
    async with (
        aiohttp.ClientSession(home.address, connector=stranger) as visitor,
        visitor.get("./", headers={"X-Forwarded-For": "127.0.0.1"}) as answer,
    ):
        assert answer.status == 403
        assert "Alice" not in await answer.text()


async def test_on_every_address_there_is_a_password_or_no_page(home: Home) -> None:
    home.configure(web='host = "0.0.0.0"')
    refused = await home.stage.command("bridge", "run")
    assert refused.returncode == 2
    assert "host 0.0.0.0 can be reached by others: set password_file" in refused.stderr
    assert "Traceback" not in refused.stderr

    (home.stage.folder / "password").write_text("correct horse\n", encoding="utf-8")
    home.configure(web='host = "0.0.0.0"\npassword_file = "password"')
    bridge = await home.start()
    page = await home.open(viewport=NARROW)
    await expect(page.get_by_label("Password of this page")).to_be_focused()
    await is_fit(page)
    await page.keyboard.type("wrong horse")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_have_text("That is not the password.")
    await is_fit(page)
    await page.get_by_label("Password of this page").fill("correct horse")
    await page.keyboard.press("Enter")
    await live(page)
    await expect(page.locator(".code")).to_be_visible()
    assert "gave a wrong password" in home.stage.log(bridge)
    assert "horse" not in home.stage.log(bridge)
