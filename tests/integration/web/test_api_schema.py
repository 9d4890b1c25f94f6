"""The API held to its own description by schemathesis, and requests that no client sends."""

from __future__ import annotations

import asyncio
import gzip
import re
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import aiohttp
import pytest

from bridge.web.api import PEOPLE_A_PART
from bridge.web.serving.form_fields import BODY_LIMIT
from tests.fakes.web_page import RunningPage, person
from tests.integration.web.visitor import read, until

DEADLINE_S = 200
FORM = (
    b"POST /poll HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
)


async def test_the_api_does_what_it_says(home: RunningPage, tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run"),
        f"{home.address}api/v1/openapi.json",
        *("--checks", "all", "--max-examples", "20", "--generation-deterministic", "--no-color"),
        cwd=tmp_path,
        stdout=PIPE,
        stderr=STDOUT,
    )
    try:
        async with asyncio.timeout(DEADLINE_S):
            told, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, told.decode()
    assert b"6 selected / 6 total" in told
    assert not home.actions.asked


async def test_very_many_people_come_in_parts(
    home: RunningPage, browser: aiohttp.ClientSession
) -> None:
    home.show(*(person(f"p{number}") for number in range(PEOPLE_A_PART + 1)))
    await until(browser, "P0")
    for path in ("api/v1/people", "api/v1/snapshot"):
        async with browser.get(path) as answer:
            assert answer.headers["Transfer-Encoding"] == "chunked"
            assert answer.headers["Content-Security-Policy"]
            told = await answer.json()
            people = told if isinstance(told, list) else told["people"]
            assert people[-1]["account"] == f"p{PEOPLE_A_PART}"
        async with browser.head(path) as answer:
            assert answer.status == 200
        assert "P0" in await read(browser)  # on the same connection


async def raw(page: RunningPage, request: bytes) -> bytes:
    """What the server answers to ``request``."""
    reader, writer = await asyncio.open_connection("127.0.0.1", page.port)
    try:
        writer.write(request)
        async with asyncio.timeout(10):
            return await reader.read(4096)
    finally:
        writer.close()


def chunked(body: bytes) -> bytes:
    pieces = (body[at : at + 4096] for at in range(0, len(body), 4096))
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


CHUNKED = FORM + b"Transfer-Encoding: chunked\r\nConnection: close\r\n"
BOMB = gzip.compress(bytes(50_000_000))
"""50 MB of nothing in 50 kB."""


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (CHUNKED + b"\r\n" + chunked(b"x" * 4 * BODY_LIMIT), b"413"),
        (CHUNKED + b"Content-Encoding: gzip\r\n\r\n" + chunked(BOMB), b"413"),
        (CHUNKED + b"Content-Encoding: deflate\r\n\r\n" + chunked(b"token=x"), b"403"),
        (CHUNKED + b"Content-Encoding: gzip\r\n\r\n" + chunked(b"\xff"), b"400"),
        (CHUNKED + b"\r\nnot-hex\r\n", b"400"),
        (FORM + b"Content-Length: 999999999999\r\nConnection: close\r\n\r\n", b"413"),
        (FORM + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", b"400"),
        (FORM + b"Content-Length: five\r\n\r\nabcde", b"400"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: " + b"a=b; " * 1500 + b"\r\n\r\n", b"200"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 5000 + b"\r\n", b"4.."),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nRange: bytes=5-1\r\n\r\n", b"200"),
        (b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", b"400"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"400"),
        (b"CONNECT localhost:22 HTTP/1.1\r\nHost: localhost\r\n\r\n", b"4.."),
        (b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n", b"..."),
        (b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n", b"400"),
        (b"TRACE /api/v1/people HTTP/1.1\r\nHost: localhost\r\n\r\n", b"405"),
        (b"DELETE /api/v1/people/alice HTTP/1.1\r\nHost: localhost\r\n\r\n", b"405"),
        (b"POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", b"404"),
    ],
)
async def test_odd_and_oversized_requests_do_nothing(
    home: RunningPage,
    browser: aiohttp.ClientSession,
    request_bytes: bytes,
    status: bytes,
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = await raw(home, request_bytes)
    assert re.match(rb"HTTP/1\.[01] " + status, answer), answer[:100]
    assert b"Traceback" not in answer
    assert not caplog.records
    assert not home.actions.asked
    assert "Alice" in await read(browser)
