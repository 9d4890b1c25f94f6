"""The app of Home Assistant, from nothing to a green card, behind a stand-in for its Supervisor."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator

import aiohttp
import pytest_asyncio
from playwright.async_api import expect

from tests.e2e.app_stage import ADDRESSES, BROKER, App, stand_in
from tests.e2e.page_stage import AVAILABILITY, Home, enter_code, is_fit, is_green, shows
from tests.e2e.test_first_start import is_stored, tell_registration
from tests.fakes.supervisor import USER, running
from tests.integration.web.browsing import live

DESK = '\n[drivers.desk]\nkind = "console"\nfollow = ["paulus"]\n'
LAMP, LIGHT = "presence/driver/desk/state", "presence/driver/desk/light/state"


@pytest_asyncio.fixture(loop_scope="session")
async def app(home: Home) -> AsyncIterator[App]:
    broker = {"host": BROKER, "port": home.stage.broker.port, "ssl": False}
    broker |= {"username": "addons", "password": "s3cret horse", "protocol": "3.1.1"}
    async with running(stand_in(home, broker)) as supervisor:
        try:
            yield App(home, supervisor)
        finally:
            for program in home.stage.programs:  # what they started ends with them
                if program.poll() is None:
                    home.stage.stop(program)


async def test_from_nothing_to_a_green_card_and_a_lamp_without_typing_a_broker(app: App) -> None:
    home, stage = app.home, app.home.stage
    app.make(lamps=["desk"])
    process = await app.start()
    page = await app.open()
    await tell_registration(page, home)  # is the first step: of the broker nothing is asked
    await page.get_by_label("Name").fill("Paulus")
    await page.keyboard.press("Enter")
    await live(page)
    await enter_code(page, "paulus")
    await is_green(page, "paulus")
    await stage.mqtt.until_text("presence/account/paulus/availability", "online")
    written = tomllib.loads(app.config.read_text(encoding="utf-8"))
    assert written["mqtt"] == {"host": "localhost"}  # which is nobody's in the app
    assert "s3cret" not in stage.log(process)
    assert f"by {USER}" in stage.log(process)

    with app.config.open("a", encoding="utf-8") as file:  # as a person does, with Samba
        file.write(DESK)
    await stage.mqtt.until_text(LAMP, "online")

    home.stage.be("Busy", "InACall")
    await shows(page, "In a call", "paulus")
    await page.get_by_label("Sign out Paulus").click()
    await page.get_by_role("button", name="Yes, sign out").click()
    await shows(page, "Not signed in", "paulus")
    await stage.until_logged(process, f"the page: sign-out, person-paulus, by {USER}", times=1)


async def test_without_a_broker_the_page_says_what_to_install_and_goes_on(app: App) -> None:
    broker, app.supervisor.mqtt = app.supervisor.mqtt, None
    app.make()
    process = await app.start()
    page = await app.open()
    await expect(page.get_by_text("Install and start its app Mosquitto broker")).to_be_visible()
    await is_fit(page)
    await page.get_by_role("link", name="then go on").click()  # too early
    await expect(page.get_by_role("heading", name="Broker", exact=True)).to_be_visible()
    app.supervisor.mqtt = broker  # installed
    await page.get_by_role("link", name="then go on").click()
    await expect(page.get_by_role("heading", name="App registration")).to_be_visible()
    await page.get_by_role("button", name="Back").click()  # to another one, after all
    await expect(page.get_by_label("Name or address")).to_be_visible()
    await expect(page.get_by_role("link", name="then go on")).to_have_count(0)
    assert app.home.stage.log(process).count("offers no MQTT broker") == 1


async def test_a_config_without_a_broker_is_answered_on_the_page_too(app: App) -> None:
    app.supervisor.mqtt = None
    app.make()
    registration = f'client_id = "{app.home.stage.home.app.client_id}"\ntenant = "contoso.com"'
    text = f"[microsoft]\n{registration}\n[accounts.paulus]\n"
    app.config.write_text(text, encoding="utf-8")
    await app.start()
    page = await app.open()
    await expect(page.get_by_text("install and start its app Mosquitto broker")).to_be_visible()


async def test_all_of_it_survives_a_restart_or_a_restore_and_ends_in_order(app: App) -> None:
    stage = app.home.stage
    stage.microsoft.auto_approve(stage.home.person)
    stage.configure()
    app.make(lamps=["desk"])
    text = stage.config.read_text(encoding="utf-8").replace('state_dir = "state"', "")
    host = f'host = "127.0.0.1"\n            port = {stage.broker.port}\n'
    assert host in text
    text = text.replace(host, "").replace("[web]\n            enabled = false", "")
    app.config.write_text(text + DESK.replace("paulus", "alice"), encoding="utf-8")

    first = await app.start()
    await is_green(await app.open())
    await stage.mqtt.until_text(LAMP, "online")
    assert stage.stop(first) == 0
    await stage.mqtt.until_text(LAMP, "offline")
    await stage.mqtt.until_text(AVAILABILITY, "offline")
    log = stage.log(first)
    assert log.index("stopped") < log.index("stopping; once more")  # the lamp, then the bridge

    app.on_another_machine()
    stage.microsoft.auto_approve(None)  # nobody signs in once more
    await app.start()
    await is_green(await app.open())
    await is_stored(stage)
    await stage.mqtt.until_text(LAMP, "online")
    assert app.supervisor.asked


async def test_nobody_comes_in_but_by_ingress_and_the_watchdog(app: App) -> None:
    app.make()
    await app.start()
    page = await app.open()
    await expect(page.get_by_role("heading", name="App registration")).to_be_visible()
    stranger = aiohttp.TCPConnector(local_addr=(ADDRESSES.other_app, 0))
    forged = {"X-Ingress-Path": "/", "X-Forwarded-For": ADDRESSES.ingress}
    forged |= {"X-Remote-User-Name": "paulus"}
    async with aiohttp.ClientSession(app.address, connector=stranger) as visitor:
        async with visitor.get("./", headers=forged) as answer:
            assert answer.status == 403
        async with visitor.get("healthz") as answer:
            assert answer.status == 200


async def test_app_is_for_home_assistant_alone(app: App) -> None:
    refused = await app.home.stage.command("bridge", "app")
    assert refused.returncode == 2
    assert "SUPERVISOR_TOKEN is not set" in refused.stderr
