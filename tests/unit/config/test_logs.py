import io
import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config.logs import JsonFormatter, TextFormatter, redact
from tests.fakes.rows import rows

SECRET = "s3cr3tV4lue-0123456789"
WRAPPINGS = (
    "Authorization: Bearer {}",
    "'authorization': 'bearer {}'",
    '{{"access_token": "{}", "expires_in": 3600}}',
    "refresh_token={}&grant_type=refresh_token",
    "grant={{'device_code': '{}'}}",
    "http://someone:{}@proxy.example:8080/path",
    "password='{}'",
    "client_secret: {}",
)


@rows("wrapping", WRAPPINGS)
def test_a_secret_is_removed_wherever_it_stands(wrapping: str) -> None:
    text = redact(wrapping.format(SECRET))
    assert SECRET not in text
    assert "[removed]" in text


def test_a_json_web_token_is_removed() -> None:
    token = "eyJhbGciOiJub25lIn0.eyJvaWQiOiIxIn0.c2lnbmF0dXJl"
    assert redact(f"got {token}!") == "got [removed]!"


def test_what_people_need_stays() -> None:
    line = "open https://login.example/device and enter the code ABCD1234 (AADSTS50076)"
    assert redact(line) == line


@given(st.text(max_size=300))
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize("formatter", [TextFormatter(stamped=True), JsonFormatter()])
def test_a_secret_in_an_exception_is_removed(formatter: logging.Formatter) -> None:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter)
    logger = logging.Logger("test")  # noqa: LOG001 - a private one, so that no other handler sees it
    logger.addHandler(handler)
    try:
        raise ValueError(f"refresh_token={SECRET}")
    except ValueError:
        logger.exception("failed with password=%s", SECRET)
    assert SECRET not in out.getvalue()
    assert "ValueError" in out.getvalue()


def test_json_lines_hold_the_event() -> None:
    record = logging.LogRecord("bridge.x", logging.INFO, "f", 1, "hello %s", ("you",), None)
    event = json.loads(JsonFormatter().format(record))
    assert (event["level"], event["logger"], event["message"]) == ("info", "bridge.x", "hello you")
