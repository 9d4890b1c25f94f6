"""A page behind proxies: who is asked for whom, by which name, and what is believed of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from bridge.web.access.wrong_passwords import FREE
from tests.fakes.web_page import RunningPage, serving
from tests.fakes.web_proxies import FORWARDING, needs_proxy, proxy
from tests.fakes.web_trials import setting_up
from tests.integration.web.conftest import HOUSEHOLD, PASSWORD, client_of
from tests.integration.web.visitor import press, read, token_of

BY_PROXY = [
    {"X-Forwarded-For": "198.51.100.7"},
    {"X-Forwarded-Proto": "https"},
    {"X-Forwarded-Host": "presence.example.org"},
    {"X-Real-IP": "198.51.100.7"},
    {"Forwarded": "for=198.51.100.7"},
    {"X-Ingress-Path": "/api/hassio_ingress/x"},
]


def client_at(address: str, source: str = "127.0.0.1") -> aiohttp.ClientSession:
    """A browser without a script that comes from ``source`` of this machine."""
    return aiohttp.ClientSession(
        address,
        connector=aiohttp.TCPConnector(local_addr=(source, 0), ssl=False),
        cookie_jar=aiohttp.CookieJar(unsafe=True),
        headers={"Accept": "text/html"},
    )


@pytest.mark.parametrize("headers", BY_PROXY)
async def test_without_a_password_a_proxy_that_nobody_named_is_refused_with_the_line_to_add(
    home: RunningPage,
    browser: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
    headers: Mapping[str, str],
) -> None:
    for path in ("./", "events", "api/v1/snapshot", "report", "readyz"):
        async with browser.get(path, headers=headers) as answer:
            assert answer.status == 403
            text = await answer.text()
            assert "trusted_proxies = [" in text
            assert "127.0.0.1" in text
            assert "Alice" not in text
    async with browser.get("static/page.css", headers=headers) as answer:
        assert answer.status == 200
    assert "Alice" in await read(browser)
    [line] = [record.getMessage() for record in caplog.records]
    assert 'trusted_proxies = ["127.0.0.1"]' in line


async def test_with_a_password_such_a_proxy_is_served_and_logged_once(
    tmp_path: Path, password_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"password_file": password_file}
    async with serving(tmp_path, HOUSEHOLD, settings=settings) as page, client_of(page) as client:
        client.headers.update(BY_PROXY[0])
        assert (await press(client, "enter", password=PASSWORD)).status == 303
        assert "Alice" in await read(client)
    [line] = [record.getMessage() for record in caplog.records]
    assert 'forwarded_from = ["127.0.0.1"]' in line


async def test_behind_a_proxy_that_only_forwards_each_reader_is_asked_and_waits_alone(
    tmp_path: Path, password_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"password_file": password_file, "forwarded_from": ["127.0.0.0/8", "::1"]}
    async with (
        serving(tmp_path, HOUSEHOLD, settings=settings) as page,
        client_of(page) as guesser,
        client_of(page) as other,
    ):
        guesser.headers["X-Forwarded-For"] = "203.0.113.9, 198.51.100.7"
        other.headers["X-Forwarded-For"] = "203.0.113.9, 198.51.100.8"
        for _ in range(FREE):
            assert (await press(guesser, "enter", password="wrong guess")).status == 401
        assert (await press(guesser, "enter", password=PASSWORD)).status == 401  # it waits
        guesser.headers["X-Forwarded-For"] = "192.0.2.77, 198.51.100.7"  # what it wrote itself
        assert (await press(guesser, "enter", password=PASSWORD)).status == 401
        assert "Alice" not in await read(other)
        assert (await press(other, "enter", password=PASSWORD)).status == 303
        assert "Alice" in await read(other)
    assert [r.getMessage() for r in caplog.records if "198.51.100.8" in r.getMessage()] == []


async def test_the_cookie_is_secure_behind_tls_of_a_proxy_that_only_forwards(
    tmp_path: Path, password_file: Path
) -> None:
    for named, secure in ((["127.0.0.1"], True), (["192.0.2.1"], False)):
        settings = {"password_file": password_file, "forwarded_from": named}
        async with (
            serving(tmp_path, HOUSEHOLD, settings=settings) as page,
            client_of(page) as client,
            client.get("./", headers={"Forwarded": "for=198.51.100.7;proto=https"}) as answer,
        ):
            assert ("Secure" in answer.headers["Set-Cookie"]) is secure


async def test_one_name_by_https_and_by_http_has_a_session_for_each(
    tmp_path: Path, password_file: Path
) -> None:
    """A browser lets no plain page overwrite the ``Secure`` cookie that it has for that name."""
    settings = {"password_file": password_file, "forwarded_from": ["127.0.0.1"]}
    async with (
        serving(tmp_path, HOUSEHOLD, settings=settings) as page,
        aiohttp.ClientSession(
            page.address,
            cookie_jar=aiohttp.CookieJar(unsafe=True, treat_as_secure_origin=URL(page.address)),
            headers={"Accept": "text/html"},
        ) as client,
    ):
        for proto in ("https", "http"):
            client.headers["X-Forwarded-Proto"] = proto
            assert "Alice" not in await read(client)
            entered = await press(client, "enter", password=PASSWORD)
            assert entered.headers["Set-Cookie"].startswith("__Host-") is (proto == "https")
            assert "Alice" in await read(client)


@pytest.mark.parametrize(
    "origin",
    ["null", "http://evil.example", "https://127.0.0.1.evil.example", "http://127.0.0.1:1", "nas"],
)
async def test_another_origin_changes_nothing_and_receives_nothing(
    home: RunningPage, browser: aiohttp.ClientSession, origin: str
) -> None:
    data = {"token": await token_of(browser), "account": "alice"}
    headers = {"Origin": origin}
    if origin == "null":  # whatever else a browser says
        headers["Sec-Fetch-Site"] = "same-origin"
    async with browser.post("sign-out", data=data, headers=headers) as answer:
        assert answer.status == 403
    async with browser.get("events", headers=headers) as answer:
        assert answer.status == 403
    assert not home.actions.asked


async def test_the_pages_own_origin_is_let_in(
    home: RunningPage, browser: aiohttp.ClientSession
) -> None:
    data = {"token": await token_of(browser), "account": "alice"}
    own = home.address.rstrip("/")
    for headers in (
        {"Origin": own},
        {"Origin": own, "Sec-Fetch-Site": "same-origin"},
        {"Origin": "https://nas.local:8443", "Sec-Fetch-Site": "same-origin"},  # behind a proxy
        {"Origin": "https://nas.local:8443", "Host": "nas.local:8443"},
        {"Origin": "https://nas.local", "Host": "nas.local:443"},
        {"Origin": "http://NAS.local:8099".lower(), "Host": "NAS.local:8099"},
        {"Origin": "https://nas.local:8443", "Host": "nas.local"},  # nginx leaves the port out
        {},
    ):
        async with browser.post(
            "sign-out", data=data, headers=headers, allow_redirects=False
        ) as answer:
            assert answer.status == 303, headers
        async with browser.get("events", headers=headers) as answer:
            assert answer.status == 200, headers


async def test_a_named_proxy_says_by_which_name_it_was_asked(
    tmp_path: Path, password_file: Path
) -> None:
    async def status(settings: Mapping[str, object]) -> int:
        asked = {"X-Forwarded-Host": "presence.example.org"}
        async with (
            serving(tmp_path, HOUSEHOLD, settings=settings) as page,
            client_of(page) as client,
        ):
            client.headers.update(asked)
            data = {"token": await token_of(client), "password": PASSWORD}
            headers = {"Origin": "http://presence.example.org"}
            async with client.post(
                "enter", data=data, headers=headers, allow_redirects=False
            ) as answer:
                return answer.status

    password = {"password_file": password_file}
    assert await status({**password, "forwarded_from": ["127.0.0.1"]}) == 303
    assert await status({**password, "trusted_proxies": ["127.0.0.1"]}) == 303
    assert await status({**password, "hosts": ["presence.example.org"]}) == 303
    assert await status(password) == 403


@pytest.mark.parametrize(
    "settings",
    [{}, {"host": "0.0.0.0", "trusted_proxies": ["192.0.2.9"]}, {"password_file": True}],
)
async def test_the_watchdog_is_always_answered_and_learns_nothing(
    tmp_path: Path, password_file: Path, settings: dict[str, object]
) -> None:
    if "password_file" in settings:
        settings["password_file"] = password_file
    async with serving(tmp_path, HOUSEHOLD, settings=settings) as page, client_of(page) as client:
        for headers in (
            {},
            {"Host": "evil.example"},
            {"X-Forwarded-For": "198.51.100.7", "Forwarded": "for=unknown"},
            {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
            {"Authorization": "Basic d3Jvbmc6d3Jvbmc="},
        ):
            async with client.get("healthz", headers=headers) as answer:
                assert (answer.status, await answer.text()) == (200, "ok\n"), headers
                assert "Set-Cookie" not in answer.headers
            async with client.head("healthz", headers=headers) as answer:
                assert answer.status == 200
        async with client.post("healthz") as answer:
            assert answer.status in (403, 405)


async def test_the_watchdog_is_answered_while_the_set_up_is_served_too(tmp_path: Path) -> None:
    headers = {"Host": "evil.example", **BY_PROXY[0]}
    async with (
        setting_up(tmp_path) as server,
        aiohttp.ClientSession(server.address, headers=headers) as client,
    ):
        async with client.get("healthz") as answer:
            assert (answer.status, await answer.text()) == (200, "ok\n")
        async with client.get("./") as answer:
            assert answer.status == 403
            assert 'PRESENCE_WEB__TRUSTED_PROXIES=["127.0.0.1"]' in await answer.text()


async def test_only_get_opens_a_stream(browser: aiohttp.ClientSession) -> None:
    for method in ("HEAD", "OPTIONS"):
        async with browser.request(method, "events") as answer:
            assert answer.status == 405
            assert answer.headers["Allow"] == "GET"


@pytest.mark.parametrize("kind", FORWARDING)
async def test_real_proxies_are_noticed_and_when_they_are_named_their_readers_are_counted_apart(
    tmp_path: Path, password_file: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    needs_proxy(kind)
    caplog.set_level(logging.WARNING)
    async with (
        serving(tmp_path, HOUSEHOLD) as home,
        proxy(kind, tmp_path / "first", home.port) as address,
        client_at(address) as client,
        client.get("./") as answer,
    ):
        assert answer.status == 403
        assert "trusted_proxies = [" in await answer.text()
    named = {"password_file": password_file, "forwarded_from": ["127.0.0.1"]}
    async with (
        serving(tmp_path, HOUSEHOLD, settings=named) as home,
        proxy(kind, tmp_path / "second", home.port) as address,
        client_at(address, "127.0.0.7") as guesser,
        client_at(address, "127.0.0.8") as other,
    ):
        for each in (guesser, other):
            each.headers["Origin"] = address.rstrip("/")
        for _ in range(FREE):
            assert (await press(guesser, "enter", password="wrong guess")).status == 401
        assert (await press(guesser, "enter", password=PASSWORD)).status == 401
        entered = await press(other, "enter", password=PASSWORD)
        assert entered.status == 303
        assert ("Secure" in entered.headers["Set-Cookie"]) is (kind == "caddy with TLS")
        assert "Alice" in await read(other)
