"""The guided set-up, by a real Chromium and by requests that a browser would not send."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Browser, expect
from pydantic import SecretStr

from bridge.config.loader import load
from bridge.config.tables.shared import MqttSettings
from bridge.contract.found_broker import FoundBroker
from bridge.web.access.one_time_link import LIFETIME_S, OneTimeLink
from tests.fakes.clock import ManualClock
from tests.fakes.web_trials import CannedTrials, setting_up
from tests.integration.web.browsing import complaints, findings, opened
from tests.integration.web.visitor import TOKEN, press, read, until

CLIENT_ID = "1b2c3d4e-0000-4000-8000-123456789abc"


async def test_somebody_gets_from_nothing_to_a_config(chrome: Browser, tmp_path: Path) -> None:
    async with setting_up(tmp_path) as server:
        page = await opened(chrome, server.address, timezone_id="Europe/Berlin")
        await expect(page.get_by_text("Found: localhost, port 1883")).to_be_visible()
        await expect(page.get_by_label("Name or address")).to_have_value("")
        assert await findings(page) == []
        await page.get_by_label("Name or address").fill("nowhere")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("Broker nowhere:1883 cannot be")
        await page.get_by_label("Name or address").fill("localhost")
        await page.get_by_label("Its password").fill("wrong")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("Check its password.")
        await expect(page.get_by_label("Its password")).to_be_focused()
        await page.get_by_label("User name").fill("me")
        await page.get_by_label("Its password").fill("s3cret")
        await page.keyboard.press("Enter")

        await expect(page.get_by_role("heading", name="App registration")).to_be_visible()
        assert await findings(page) == []
        await page.get_by_label("Application (client) ID").fill(CLIENT_ID)
        await page.get_by_label("Directory (tenant) ID").fill("fabrikam.com")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("The tenant does not exist.")
        await expect(page.get_by_role("alert")).to_contain_text("Check it.")
        await expect(page.get_by_label("Directory (tenant) ID")).to_be_focused()
        assert await findings(page) == []
        await expect(page.get_by_label("Application (client) ID")).to_have_value(CLIENT_ID)
        await page.get_by_label("Directory (tenant) ID").fill("contoso.com")
        await page.keyboard.press("Enter")

        await expect(page.get_by_role("heading", name="First person")).to_be_visible()
        assert await findings(page) == []
        await expect(page.get_by_label("Time zone")).to_have_value("Europe/Berlin")
        await page.get_by_label("Time zone").fill("Berlin")
        await page.get_by_label("Name").fill("Zoë")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("such as Europe/Berlin")
        await page.get_by_label("Time zone").fill("Europe/Vienna")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Ready")).to_be_visible()
        async with asyncio.timeout(10):
            await server.done
        expected = (
            "422",
            "404",
            "ERR_CONNECTION_REFUSED",
        )  # refusals; then it looks for the bridge
        assert not [told for told in complaints(page) if not any(e in told for e in expected)]
    config = load(tmp_path / "config.toml", {"HOME": str(tmp_path)})
    assert config.accounts["zoe"].name == "Zoë"
    assert config.mqtt.username == "me"
    assert config.time_zone == "Europe/Vienna"


async def test_a_broker_that_was_found_is_taken_with_user_and_password_alone(
    chrome: Browser, tmp_path: Path
) -> None:
    async with setting_up(tmp_path) as server:
        page = await opened(chrome, server.address)
        await page.get_by_text("TLS", exact=True).click()
        await expect(page.get_by_label("The broker speaks TLS there")).to_be_visible()
        assert await findings(page) == []
        server.trials.found = (FoundBroker("nowhere", 1), *server.trials.found)
        await page.get_by_role("button", name="Look once more").click()
        await expect(page.get_by_text("Found: nowhere, port 1")).to_be_visible()
        assert server.trials.tried == [], "to be found is to be asked nothing about us"
        await page.get_by_role("button", name="Use localhost, port 1883").click()
        await expect(page.get_by_label("Its password")).to_be_focused()
        await expect(page.get_by_label("Name or address")).to_have_count(0)
        assert await findings(page) == []
        await page.get_by_label("User name").fill("me")
        await page.get_by_label("Its password").fill("s3cret")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="App registration")).to_be_visible()


async def test_an_authority_that_is_pasted_is_kept_for_the_trial(tmp_path: Path) -> None:
    pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
    trials = CannedTrials(password=None)
    async with (
        setting_up(tmp_path, trials=trials) as server,
        aiohttp.ClientSession(server.address, cookie_jar=aiohttp.CookieJar(unsafe=True)) as client,
    ):
        fields = {"host": "localhost", "port": "", "tls": "on", "ca": pem}
        assert (await press(client, "broker", **fields)).status == 303
    assert (tmp_path / "secrets" / "broker_ca.pem").read_text() == f"{pem}\n"


async def test_steps_cannot_be_forged_or_skipped(tmp_path: Path) -> None:
    async with (
        setting_up(tmp_path) as server,
        aiohttp.ClientSession(server.address, cookie_jar=aiohttp.CookieJar(unsafe=True)) as client,
    ):
        async with client.get("./") as answer:
            token = TOKEN.findall(await answer.text())[0]
        async with client.post("person", data={"name": "Mallory"}) as answer:
            assert answer.status == 403
        data = {"token": token, "name": "Mallory"}
        async with client.post("person", data=data, allow_redirects=False) as answer:
            assert answer.status == 303
        async with client.get("./", headers={"Host": "evil.example"}) as answer:
            assert answer.status == 421
        assert not (tmp_path / "config.toml").exists()


async def test_a_broker_that_is_named_and_starts_later_is_not_asked_for(tmp_path: Path) -> None:
    clock, trials = ManualClock(), CannedTrials(host="nowhere", password=None)
    known = MqttSettings(host="mosquitto", port=1884)
    async with (
        setting_up(tmp_path, trials=trials, clock=clock, given=known) as server,
        aiohttp.ClientSession(server.address) as client,
    ):
        assert 'value="mosquitto"' in await read(client)
        assert 'value="1884"' in await read(client)
        assert "One is named already: broker mosquitto:1884 cannot be reached" in await read(client)
        await clock.until_asleep(1)
        trials.host = "mosquitto"
        await clock.advance(2)
        await until(client, "Application (client) ID")
        async with client.get("healthz") as answer:
            assert answer.status == 200
        async with client.get("api/v1/health") as answer:
            assert answer.status == 404  # the last page knows by this that the bridge is not there


async def test_the_user_that_is_named_already_needs_no_password_typed(tmp_path: Path) -> None:
    clock, trials = ManualClock(), CannedTrials(host="nas.lan", password="other")
    known = MqttSettings(host="nas.lan", username="bridge", password=SecretStr("s3cret"))
    async with (
        setting_up(tmp_path, trials=trials, clock=clock, given=known) as server,
        aiohttp.ClientSession(server.address, cookie_jar=aiohttp.CookieJar(unsafe=True)) as client,
    ):
        assert "does not know this user" in await read(client)
        trials.password = "s3cret"  # somebody has made it there
        same = {"host": "nas.lan", "port": "", "username": "bridge", "password": ""}
        assert (await press(client, "broker", **same)).status == 303
        assert (
            await press(client, "registration", tenant="contoso.com", client_id=CLIENT_ID)
        ).status == 303
        assert (await press(client, "person", name="Alice")).status == 200
    assert not (tmp_path / "secrets").exists()  # what is named already is not written anew


async def test_going_back_asks_once_more(tmp_path: Path) -> None:
    trials = CannedTrials(password=None)
    async with (
        setting_up(tmp_path, trials=trials) as server,
        aiohttp.ClientSession(server.address, cookie_jar=aiohttp.CookieJar(unsafe=True)) as client,
    ):

        async def press(path: str, **fields: str) -> str:
            async with client.get("./") as answer:
                token = TOKEN.findall(await answer.text())[0]
            async with client.post(path, data={"token": token, **fields}) as answer:
                return await answer.text()

        assert "Application (client) ID" in await press("broker", host="localhost", port="1883")
        page = await press("registration", tenant="contoso.com", client_id=CLIENT_ID)
        assert "Whose presence" in page
        assert "Application (client) ID" in await press("back")
        assert "Name or address" in await press("back")
        assert trials.tried == ["localhost", "contoso.com"]


async def test_a_password_counts_on_while_another_field_is_mended(tmp_path: Path) -> None:
    trials = CannedTrials()
    async with (
        setting_up(tmp_path, trials=trials) as server,
        aiohttp.ClientSession(server.address, cookie_jar=aiohttp.CookieJar(unsafe=True)) as client,
    ):
        wrong = {"host": "nowhere", "port": "1883", "username": "me", "password": "s3cret"}
        assert (await press(client, "broker", **wrong)).status == 422
        page = await read(client)
        assert "As it was typed before" in page
        assert "s3cret" not in page
        right = {**wrong, "host": "localhost", "password": ""}
        assert (await press(client, "broker", **right)).status == 303
        assert "Application (client) ID" in await read(client)


async def test_the_address_of_a_refused_form_leads_back(tmp_path: Path) -> None:
    async with (
        setting_up(tmp_path) as server,
        aiohttp.ClientSession(server.address) as client,
    ):
        for path in ("broker", "registration", "person", "back"):
            async with client.get(path, allow_redirects=False) as answer:
                assert (answer.status, answer.headers["Location"]) == (303, "./")


async def test_swapped_values_go_on_in_one_press(tmp_path: Path) -> None:
    async with (
        setting_up(tmp_path, trials=CannedTrials(password=None)) as server,
        aiohttp.ClientSession(server.address, cookie_jar=aiohttp.CookieJar(unsafe=True)) as client,
    ):
        await press(client, "broker", host="localhost", port="1883")
        swapped = {"client_id": "contoso.com", "tenant": CLIENT_ID}
        assert (await press(client, "registration", **swapped)).status == 422
        right = {"client_id": CLIENT_ID, "tenant": "contoso.com"}  # as the button sends them
        assert (await press(client, "registration", **right)).status == 303
        assert "Whose presence" in await read(client)


async def test_a_link_opens_the_page_once(tmp_path: Path) -> None:
    password = tmp_path / "password"
    _write(password, "correct horse")
    clock = ManualClock()
    link = OneTimeLink(clock=clock, random=lambda count: b"x" * count)
    settings = {"password_file": password}
    async with setting_up(tmp_path, settings=settings, link=link) as server:
        address = link.below(server.address)
        for opened in (True, False):
            async with browser(server.address) as client:
                async with client.get(address) as answer:  # a preview, which presses nothing
                    assert "Open" in await answer.text()
                async with client.get(address) as answer:
                    page = await answer.text()
                token = TOKEN.findall(page)[0]
                data = {"token": token, "once": address.rpartition("=")[2]}
                async with client.post("enter", data=data) as answer:
                    assert ("Set up Presence Bridge" in await answer.text()) is opened
                    assert answer.status == (200 if opened else 401)
                async with client.get("./") as answer:
                    assert answer.status == (200 if opened else 401)


async def test_a_link_cannot_be_forged_and_ends(tmp_path: Path) -> None:
    password = tmp_path / "password"
    _write(password, "correct horse")
    clock = ManualClock()
    link = OneTimeLink(clock=clock, random=lambda count: b"x" * count)
    async with (
        setting_up(tmp_path, settings={"password_file": password}, link=link) as server,
        browser(server.address) as client,
    ):
        right = link.below(server.address).rpartition("=")[2]
        async with client.post("enter", data={"once": right}) as answer:
            assert answer.status == 403  # from nowhere: it is not used up
        async with client.get("./") as answer:
            token = TOKEN.findall(await answer.text())[0]
        await clock.advance(LIFETIME_S)
        for key in ("", "wrong", right):
            async with client.post("enter", data={"token": token, "once": key}) as answer:
                assert answer.status == 401


@pytest.mark.parametrize(("typed", "kept"), [("Asia/Tokyo", None), ("Asia/Seoul", "Asia/Seoul")])
async def test_a_time_zone_that_the_machine_has_already_is_not_written(
    tmp_path: Path, typed: str, kept: str | None
) -> None:
    async with (
        setting_up(tmp_path, trials=CannedTrials(password=None), zone="Asia/Tokyo") as server,
        aiohttp.ClientSession(server.address, cookie_jar=aiohttp.CookieJar(unsafe=True)) as client,
    ):
        async with client.get("./") as answer:
            token = TOKEN.findall(await answer.text())[0]
        for path, fields in (
            ("broker", {"host": "localhost", "port": "1883"}),
            ("registration", {"tenant": "contoso.com", "client_id": CLIENT_ID}),
            ("person", {"name": "Zoë", "time_zone": typed}),
        ):
            if path == "person":
                assert 'value="Asia/Tokyo"' in await read(client)
            async with client.post(path, data={"token": token, **fields}) as answer:
                assert answer.status == 200
    assert load(tmp_path / "config.toml", {"HOME": str(tmp_path)}).time_zone == kept


async def test_the_password_is_asked_for_here_too(tmp_path: Path) -> None:
    password = tmp_path / "password"
    _write(password, "correct horse")
    settings = {"password_file": password}
    async with (
        setting_up(tmp_path, settings=settings) as server,
        aiohttp.ClientSession(
            server.address,
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            headers={"Accept": "text/html"},
        ) as client,
    ):
        async with client.get("./") as answer:
            assert answer.status == 401
            token = TOKEN.findall(await answer.text())[0]
        for given, status in (("wrong guess", 401), ("correct horse", 200)):
            data = {"token": token, "password": given}
            async with client.post("enter", data=data) as answer:
                assert answer.status == status
        async with client.get("./") as answer:
            assert "Set up Presence Bridge" in await answer.text()


def browser(address: str) -> aiohttp.ClientSession:
    jar = aiohttp.CookieJar(unsafe=True)
    return aiohttp.ClientSession(address, cookie_jar=jar, headers={"Accept": "text/html"})


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
