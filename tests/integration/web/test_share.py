"""What a phone shares with the page ends a sign-in, after one press and no sooner."""

from __future__ import annotations

import logging
from pathlib import Path

import aiohttp
import pytest

from bridge.web.data.snapshot import Snapshot
from tests.fakes.web_page import RunningPage, in_browser, person, service, serving
from tests.integration.web.conftest import PASSWORD, client_of
from tests.integration.web.visitor import TOKEN, press, until

ADDRESS = "http://localhost:40123/?code=s3cret&state=s1"
WAITING = Snapshot(service(), (person("bob"), in_browser("alice")))


@pytest.mark.parametrize(
    "query",
    [
        {"url": ADDRESS},
        {"title": "localhost", "text": ADDRESS},
        {"text": f"Sent from my phone: {ADDRESS}"},
    ],
)
async def test_a_share_is_asked_about_and_then_ends_the_sign_in(
    home: RunningPage, browser: aiohttp.ClientSession, query: dict[str, str]
) -> None:
    home.show(*WAITING.people)
    await until(browser, "Open Microsoft")
    async with browser.get("share", params=query) as answer:
        page = await answer.text()
        assert answer.status == 200
    assert "Finish the sign-in of Alice?" in page
    assert not home.actions.asked
    data = {"token": TOKEN.findall(page)[0], "account": "alice", "address": ADDRESS}
    async with browser.post("sign-in-address", data=data, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "./#person-alice")
    assert home.actions.asked == [("finish_sign_in", "alice", ADDRESS)]


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        ("https://example.org/", 422, "could not be loaded"),
        ("", 422, "could not be loaded"),
        (ADDRESS.replace("s1", "s2"), 409, "another one"),
    ],
)
async def test_what_is_of_no_use_says_what_would_be(
    home: RunningPage, browser: aiohttp.ClientSession, text: str, status: int, words: str
) -> None:
    home.show(*WAITING.people)
    await until(browser, "Open Microsoft")
    async with browser.get("share", params={"text": text}) as answer:
        page = await answer.text()
        assert answer.status == status
    assert words in page
    assert "s3cret" not in page


async def test_a_share_needs_the_password_and_is_logged_nowhere(
    tmp_path: Path, password_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    settings = {"password_file": password_file}
    async with (
        serving(tmp_path, WAITING, settings=settings) as page,
        client_of(page) as client,
    ):
        async with client.get("share", params={"text": ADDRESS}) as answer:
            assert answer.status == 401
            assert "Alice" not in await answer.text()
        await press(client, "enter", password=PASSWORD)
        async with client.get("share", params={"text": ADDRESS}) as answer:
            assert "Finish the sign-in of Alice?" in await answer.text()
    assert "s3cret" not in caplog.text


async def test_an_address_inside_other_text_can_be_pasted_on_the_card(
    home: RunningPage, browser: aiohttp.ClientSession
) -> None:
    home.show(*WAITING.people)
    await until(browser, "Open Microsoft")
    pasted = f"localhost\n{ADDRESS}\n"
    assert (await press(browser, "sign-in-address", account="alice", address=pasted)).status == 303
    assert home.actions.asked == [("finish_sign_in", "alice", ADDRESS)]
