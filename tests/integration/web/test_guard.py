"""Attacks on a served page, over real sockets."""

from __future__ import annotations

import asyncio
import base64
import re
from contextlib import suppress
from pathlib import Path
from random import Random
from urllib.parse import unquote

import aiohttp
import pytest
from yarl import URL

from bridge.contract.presence import Activity, Availability
from bridge.web.access.wrong_passwords import FREE
from bridge.web.serving.form_fields import BODY_LIMIT
from tests.fakes.clock import ManualClock
from tests.fakes.web_page import RunningPage, person, serving
from tests.integration.web.conftest import HOUSEHOLD, PASSWORD, client_of
from tests.integration.web.visitor import press, read, token_of, until

EVIL = '"><script>alert(document.cookie)</script>'
POSTS = (
    "sign-in",
    "cancel-sign-in",
    "sign-in-address",
    "sign-out",
    "add",
    "remove",
    "follow",
    "poll",
    "leave",
)


def rewrite(file: Path, text: str) -> None:
    file.write_text(text)


async def raw(page: RunningPage, request: bytes) -> bytes:
    """What the server answers to ``request``, byte by byte."""
    reader, writer = await asyncio.open_connection("127.0.0.1", page.port)
    try:
        writer.write(request)
        async with asyncio.timeout(10):
            return await reader.read(4096)
    finally:
        writer.close()


@pytest.mark.parametrize("path", POSTS)
async def test_a_forged_post_does_nothing(
    home: RunningPage, browser: aiohttp.ClientSession, path: str
) -> None:
    await read(browser)  # has a cookie from now on
    forged = [
        {"account": "alice"},
        {"account": "alice", "token": ""},
        {"account": "alice", "token": "x" * 43},
    ]
    async with client_of(home) as another:
        forged.append({"account": "alice", "token": await token_of(another)})
    for fields in forged:
        async with browser.post(path, data=fields) as answer:
            assert answer.status == 403
    assert not home.actions.asked


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_post_from_another_site_does_nothing_even_with_the_token(
    home: RunningPage, browser: aiohttp.ClientSession, site: str
) -> None:
    data = {"token": await token_of(browser), "account": "alice"}
    async with browser.post("sign-out", data=data, headers={"Sec-Fetch-Site": site}) as answer:
        assert answer.status == 403
    assert not home.actions.asked


async def test_changes_go_by_post_only(home: RunningPage, browser: aiohttp.ClientSession) -> None:
    for method in ("PUT", "DELETE"):
        async with browser.request(method, "sign-out", data={"account": "alice"}) as answer:
            assert answer.status in (403, 405)
    async with browser.get("sign-out", params={"account": "alice"}) as answer:
        assert answer.status == 200, "the page, for who loads the address of a form again"
    assert not home.actions.asked


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8099", "127.0.0.1.evil.example"])
@pytest.mark.parametrize("path", ["", "events", "api/v1/snapshot", "readyz", "static/page.js"])
async def test_a_rebound_name_sees_nothing(
    browser: aiohttp.ClientSession, host: str, path: str
) -> None:
    async with browser.get(path, headers={"Host": host}) as answer:
        assert answer.status == 421
        assert "Alice" not in await answer.text()


@pytest.mark.parametrize(
    "request_text",
    [
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        "GET http://localhost/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET //localhost/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: evil.example\r\nForwarded: host=localhost\r\n\r\n",
    ],
)
async def test_no_other_part_of_a_request_stands_for_the_name(
    home: RunningPage, request_text: str
) -> None:
    answer = await raw(home, request_text.encode())
    assert re.match(rb"HTTP/1\.[01] (400|403|421) ", answer), answer
    assert b"Alice" not in answer


@pytest.mark.parametrize("host", ["your-server:8099", "nas.local", "presence.example.org"])
async def test_a_page_with_a_password_opens_under_every_name(
    tmp_path: Path, password_file: Path, host: str
) -> None:
    async with (
        serving(tmp_path, HOUSEHOLD, settings={"password_file": password_file}) as page,
        client_of(page) as client,
        client.get("./", headers={"Host": host}) as answer,
    ):
        assert answer.status == 401
        assert "Alice" not in await answer.text()


async def test_a_name_from_the_config_is_let_in(tmp_path: Path) -> None:
    async with (
        serving(tmp_path, HOUSEHOLD, settings={"hosts": ["presence.example.org"]}) as page,
        client_of(page) as client,
    ):
        assert "Alice" in await read(client, host="presence.example.org")


async def test_a_script_in_a_status_message_stays_text(
    home: RunningPage, browser: aiohttp.ClientSession
) -> None:
    home.show(person("alice", Availability.BUSY, Activity.BUSY, says=EVIL, name=EVIL))
    page = await until(browser, "alert(")
    assert not re.search(r"<script(?! src=\"static/page\.js\" type=\"module\">)", page)
    async with browser.get("./", params={"find": EVIL}) as answer:
        assert not re.search(r"<script(?! src)", await answer.text())


async def test_every_answer_forbids_scripts_of_others_and_framing_by_others(
    browser: aiohttp.ClientSession,
) -> None:
    for path in ("./", "nothing", "api/v1/snapshot", "static/page.css", "events"):
        async with browser.get(path) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "script-src 'self'" in policy
            assert "frame-ancestors 'self'" in policy
            assert "unsafe" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Server"] == "presence-bridge"


async def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(
    browser: aiohttp.ClientSession,
) -> None:
    async with browser.get("./") as answer:
        cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Secure" not in cookie  # plain http
    async with browser.get("./") as answer:
        assert "Set-Cookie" not in answer.headers


async def test_the_cookie_is_secure_behind_a_proxy_with_tls(tmp_path: Path) -> None:
    async with (
        serving(tmp_path, HOUSEHOLD, settings={"trusted_proxies": ["127.0.0.1"]}) as page,
        client_of(page) as client,
        client.get("./", headers={"X-Forwarded-Proto": "https"}) as answer,
    ):
        assert "Secure" in answer.headers["Set-Cookie"]


async def test_without_the_password_nothing_is_seen(tmp_path: Path, password_file: Path) -> None:
    async with (
        serving(tmp_path, HOUSEHOLD, settings={"password_file": password_file}) as page,
        client_of(page) as client,
    ):
        for path in ("./", "events", "report", "metrics", "api/v1/snapshot", "sign-out", "nothing"):
            async with client.get(path) as answer:
                assert answer.status == 401
                text = await answer.text()
                assert "Alice" not in text
                assert "alice" not in text
        for path in ("healthz", "readyz", "static/page.css"):
            async with client.get(path) as answer:
                assert answer.status == 200
        answer = await press(client, "sign-out", account="alice")
        assert answer.status == 401
        assert not page.actions.asked


async def test_the_password_opens_the_page_until_it_is_locked(
    tmp_path: Path, password_file: Path
) -> None:
    settings = {"password_file": password_file}
    async with (
        serving(tmp_path, HOUSEHOLD, settings=settings) as page,
        client_of(page) as client,
    ):
        assert (await press(client, "enter", password="wrong guess")).status == 401
        entered = await press(client, "enter", password=PASSWORD)
        assert (entered.status, entered.headers["Location"]) == (303, "./")
        assert "Alice" in await read(client)
        await press(client, "leave")
        assert "Alice" not in await read(client)
        await press(client, "enter", password=PASSWORD)
        [(name, value)] = [(cookie.key, cookie.value) for cookie in client.cookie_jar]
    async with (  # a restart does not ask again
        serving(tmp_path, HOUSEHOLD, settings=settings) as page,
        client_of(page) as client,
    ):
        client.cookie_jar.update_cookies({name: value}, URL(page.address))
        assert "Alice" in await read(client)
    rewrite(password_file, "another horse")
    async with (  # a new password does
        serving(tmp_path, HOUSEHOLD, settings=settings) as page,
        client_of(page) as client,
    ):
        client.cookie_jar.update_cookies({name: value}, URL(page.address))
        assert "Alice" not in await read(client)


async def test_locking_a_page_ends_its_session_for_a_copied_cookie_too(
    tmp_path: Path, password_file: Path
) -> None:
    settings = {"password_file": password_file}
    async with (
        serving(tmp_path, HOUSEHOLD, settings=settings) as page,
        client_of(page) as client,
        client_of(page) as thief,
        client_of(page) as phone,
    ):
        for each in (client, phone):
            assert (await press(each, "enter", password=PASSWORD)).status == 303
        [(name, value)] = [(cookie.key, cookie.value) for cookie in client.cookie_jar]
        thief.cookie_jar.update_cookies({name: value}, URL(page.address))
        assert "Alice" in await read(thief)
        async with thief.get("events") as news:
            await press(client, "leave")
            with suppress(aiohttp.ClientPayloadError):
                async with asyncio.timeout(5):
                    await news.content.read()  # it ends
        thief.cookie_jar.update_cookies({name: value}, URL(page.address))
        assert "Alice" not in await read(thief)
        assert "Alice" in await read(phone)
    async with (
        serving(tmp_path, HOUSEHOLD, settings=settings) as page,
        client_of(page) as thief,
    ):
        thief.cookie_jar.update_cookies({name: value}, URL(page.address))
        assert "Alice" not in await read(thief)


async def test_a_request_that_fails_inside_fails_alone_and_is_reported_once(
    home: RunningPage, browser: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    home.actions.failure = ZeroDivisionError("a bug")  # type: ignore[assignment]
    for _ in range(3):
        answer = await press(browser, "poll")
        assert answer.status == 500
        assert answer.headers["Server"] == "presence-bridge"
    home.show(person("alice", polled_at="noon"))  # no card can be made of it
    await asyncio.sleep(0.1)  # it is shown
    for path in ("./", "./", "events", "events"):
        async with browser.get(path) as broken:
            with suppress(aiohttp.ClientError):
                assert "Alice" not in await broken.text()
        async with browser.get("healthz") as fine:
            assert fine.status == 200
    home.show(*HOUSEHOLD.people)
    assert "Alice" in await until(browser, "Alice")
    lines = [record for record in caplog.records if "internal error" in record.getMessage()]
    assert len(lines) == len(caplog.records) <= 3
    assert lines[0].exc_info


async def test_a_task_of_the_page_that_fails_is_restarted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = ManualClock()
    async with serving(tmp_path, HOUSEHOLD, clock=clock) as page, client_of(page) as client:
        for _ in range(3):
            page.show(person("alice", presence="no presence"))
            await clock.advance(5)
        assert "Alice" in await read(client)  # as it was before
        page.show(person("zoe"))
        await clock.advance(300)
        assert "Zoe" in await until(client, "Zoe")
    [line] = caplog.records
    assert line.getMessage().startswith("page, news: internal error, started again")


async def test_a_state_folder_that_cannot_be_written_costs_memory_only(
    tmp_path: Path, password_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = tmp_path / "file"
    nowhere.write_text("in the way")
    settings = {"password_file": password_file}
    async with (
        serving(nowhere / "state", HOUSEHOLD, settings=settings) as page,
        client_of(page) as client,
    ):
        assert (await press(client, "enter", password=PASSWORD)).status == 303
        assert "Last 24 hours" in await until(client, "Last 24 hours")
        [(name, value)] = [(cookie.key, cookie.value) for cookie in client.cookie_jar]
        await press(client, "leave")
        client.cookie_jar.update_cookies({name: value}, URL(page.address))
        assert "Alice" not in await read(client)
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == len(set(told)) <= 4  # one line for each thing that is lost


async def test_guessing_is_slowed_down(tmp_path: Path, password_file: Path) -> None:
    clock = ManualClock()
    async with (
        serving(
            tmp_path, HOUSEHOLD, settings={"password_file": password_file}, clock=clock
        ) as page,
        client_of(page) as client,
    ):
        for _ in range(FREE):
            assert (await press(client, "enter", password="wrong guess")).status == 401
        refused = await press(client, "enter", password=PASSWORD)
        assert refused.status == 401
        await clock.advance(2)
        assert (await press(client, "enter", password=PASSWORD)).status == 303


async def test_programs_may_send_the_password_with_each_request(
    tmp_path: Path, password_file: Path
) -> None:
    def basic(password: str) -> dict[str, str]:
        encoded = base64.b64encode(f"prometheus:{password}".encode()).decode()
        return {"Authorization": f"Basic {encoded}"}

    async with (
        serving(tmp_path, HOUSEHOLD, settings={"password_file": password_file}) as page,
        client_of(page) as client,
    ):
        for headers, status in (
            (basic(PASSWORD), 200),
            (basic("wrong guess"), 401),
            ({"Authorization": "Basic %%%"}, 401),
            ({"Authorization": f"Bearer {PASSWORD}"}, 401),
        ):
            async with client.get("metrics", headers=headers) as answer:
                assert answer.status == status
        async with client.post("poll", headers=basic(PASSWORD)) as answer:
            assert answer.status in (403, 415)
        assert not page.actions.asked


async def test_a_link_on_another_site_does_not_lock_the_page(
    tmp_path: Path, password_file: Path
) -> None:
    async with (
        serving(tmp_path, HOUSEHOLD, settings={"password_file": password_file}) as page,
        client_of(page) as client,
        client.get("./", headers={"Sec-Fetch-Site": "cross-site"}) as answer,
    ):
        # a browser keeps the cookie back here and sends it when the page loads itself again
        assert answer.headers["Refresh"] == "0; url=./"
        assert "Set-Cookie" not in answer.headers


async def test_only_a_named_proxy_gets_in_where_there_is_no_password(tmp_path: Path) -> None:
    settings = {"host": "0.0.0.0", "trusted_proxies": ["192.0.2.9"]}
    async with (
        serving(tmp_path, HOUSEHOLD, settings=settings) as page,
        client_of(page) as client,
        client.get("./", headers={"X-Forwarded-For": "192.0.2.9"}) as answer,
    ):
        assert answer.status == 403
        assert "Alice" not in await answer.text()


async def test_a_named_proxy_is_not_asked_for_the_password(
    tmp_path: Path, password_file: Path
) -> None:
    settings = {"password_file": password_file, "trusted_proxies": ["127.0.0.0/8"]}
    async with serving(tmp_path, HOUSEHOLD, settings=settings) as page, client_of(page) as client:
        assert "Alice" in await read(client)
        # a browser on this machine has the same address as the proxy: its Host is looked at
        assert "Alice" not in await read(client, host="evil.example")


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/x-www-form-urlencoded", b"a=" + b"x" * BODY_LIMIT, 413),
        ("application/x-www-form-urlencoded", b"a=\xff\xfe", 400),
        ("application/x-www-form-urlencoded; charset=nonsense", b"a=1", 403),
        ("application/x-www-form-urlencoded", b"&".join(b"a=1" for _ in range(100)), 400),
        ("multipart/form-data; boundary=x", b"--x\r\n", 415),
        ("application/json", b'{"token": "x"}', 415),
        ("text/plain", b"token=x", 415),
    ],
)
async def test_odd_bodies_are_refused(
    home: RunningPage,
    browser: aiohttp.ClientSession,
    content_type: str,
    body: bytes,
    status: int,
) -> None:
    await read(browser)
    headers = {"Content-Type": content_type}
    async with browser.post("sign-out", data=body, headers=headers) as answer:
        assert answer.status == status
    assert not home.actions.asked


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\r\nHost: \r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /static/../../people.py HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /static/%2e%2e%2fpage.py HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /poll HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
async def test_malformed_requests_get_an_error_and_the_page_goes_on(
    home: RunningPage,
    browser: aiohttp.ClientSession,
    request_bytes: bytes,
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = await raw(home, request_bytes)
    assert re.match(rb"HTTP/1\.[01] 4\d\d ", answer), answer[:100]
    assert b"Traceback" not in answer
    assert not caplog.records
    assert "Alice" in await read(browser)


async def test_a_forged_cookie_is_only_a_stranger(
    home: RunningPage, browser: aiohttp.ClientSession
) -> None:
    for value in ("", "a.b.c", "..", "x" * 4000, "a.999999999999k.sig"):
        headers = {"Cookie": f"presence_session_0={value}"}
        async with (
            aiohttp.ClientSession(home.address) as other,
            other.get("./", headers=headers) as answer,
        ):
            assert answer.status == 200
            assert "presence_session_0=" in answer.headers["Set-Cookie"]


async def test_no_request_makes_the_server_fail(
    home: RunningPage, browser: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    random = Random(20261123)
    paths = ["", "report", "metrics", "healthz", "enter", "api/v1/people/", "static/", *POSTS]
    odd = ["%00", "%ff", "..%2f", "<b>", "ä", "%0d%0aX:%201", "a" * 2000, "alice", "{account}"]
    token = await token_of(browser)
    for _ in range(300):
        path = random.choice(paths) + random.choice(["", *odd])
        query = {random.choice(["find", "x"]): unquote(random.choice(odd), errors="replace")}
        names = random.sample(["account", "way", "name", "light", "address", "password"], 3)
        fields = {"token": token, **{name: random.choice(odd) for name in names}}
        method = random.choice(["GET", "HEAD", "POST", "PUT", "OPTIONS", "BREW"])
        data = fields if method == "POST" else None
        url = URL(f"{home.address}{path}", encoded="%" in path).update_query(query)
        async with browser.request(method, url, data=data, allow_redirects=False) as answer:
            assert answer.status < 500, (method, path, query, fields)
    assert "Error handling request" not in caplog.text
