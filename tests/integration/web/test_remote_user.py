"""Who of Home Assistant changed something is in the log; nobody can write another name there."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.fakes.web_page import serving
from tests.integration.web.conftest import HOUSEHOLD, client_of
from tests.integration.web.visitor import token_of

NAME, LOGIN = "X-Remote-User-Display-Name", "X-Remote-User-Name"


async def signed_out_by(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, headers: dict[str, str], *, trusted: bool
) -> list[str]:
    """What the log says when somebody with ``headers`` signs Alice out."""
    settings = {"trusted_proxies": ["127.0.0.1"]} if trusted else {}
    with caplog.at_level(logging.INFO, logger="bridge.web.access.proxies"):
        async with serving(tmp_path, HOUSEHOLD, settings=settings) as home, client_of(home) as user:
            data = {"token": await token_of(user), "account": "alice"}
            async with user.post(
                "sign-out", data=data, headers=headers, allow_redirects=False
            ) as answer:
                assert answer.status == 303
            data["account"] = "nobody"
            async with user.post("sign-out", data=data, headers=headers):
                pass  # refused: nothing has changed
    return [r.getMessage() for r in caplog.records if ", by " in r.getMessage()]


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({NAME: "Paulus Schoutsen", LOGIN: "paulus"}, "Paulus Schoutsen"),
        ({LOGIN: "paulus"}, "paulus"),
        ({NAME: "  ", LOGIN: "paulus"}, "paulus"),
        ({NAME: "Zoë 🙂"}, "Zoë 🙂"),
        ({NAME: "x" * 500}, "x" * 60),
        ({NAME: "Eve\u202e\x85 in red"}, "Eve in red"),
    ],
)
async def test_a_change_is_logged_with_the_name_that_ingress_says(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, headers: dict[str, str], name: str
) -> None:
    said = await signed_out_by(tmp_path, caplog, headers, trusted=True)
    assert said == [f"the page: sign-out, person-alice, by {name}"]


@pytest.mark.parametrize(
    ("headers", "trusted"), [({NAME: "Paulus"}, False), ({}, True), ({NAME: ""}, True)]
)
async def test_where_nobody_who_knows_says_it_no_name_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, headers: dict[str, str], *, trusted: bool
) -> None:
    assert await signed_out_by(tmp_path, caplog, headers, trusted=trusted) == []
