"""What may stand in the table of an ``http`` lamp, and what its templates make of it."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.contract.light import Effect
from drivers import http_light
from drivers.base import Capability
from drivers.http_light.options import HttpOptions
from drivers.network.http_calls import Request
from tests.fakes.rows import rows

URL = "http://192.0.2.7/light"


@rows(
    ("keys", "problem"),
    [
        ({"url": "ftp://192.0.2.7/"}, "must be as http"),
        ({"url": "http://me:pw@192.0.2.7/"}, "it names no user: write username"),
        ({"url": "http://{person}/x"}, "placeholders only after the host"),
        ({"url": "http://192.0.2.7:99999/"}, "an impossible port"),
        ({"url": f"{URL}/a b"}, "must be as http"),
        ({"url": f"{URL}?{{hax}}"}, "did you mean hex"),
        ({"body": "{hax}"}, "did you mean hex"),
        ({"method": "DELETE"}, "GET"),
        ({"method": "GET", "body": "x"}, "not with GET"),
        ({"method": "GET", "off": {"body": "x"}}, "not with GET"),
        ({"username": "me"}, "username and password_file go together"),
        ({"password_file": "p"}, "username and password_file go together"),
        ({"username": "me", "password_file": "p", "token_file": "t"}, "no token_file beside it"),
        ({"username": "m:e", "password_file": "p"}, "no colon"),
        ({"login": "digest"}, "needs username and password_file"),
        ({"secret_file": "s"}, "secret_file and the placeholder {secret} go together"),
        ({"body": "{secret}"}, "secret_file and the placeholder {secret} go together"),
        ({"words": {"a": "b"}}, "words needs a placeholder"),
        ({"headers": {"A b": "c"}}, "no name of a header"),
        ({"headers": {"A": "c\r\nX: y"}}, "pattern"),
        ({"headers": {"Host": "c"}}, "cannot be set"),
        ({"pace": 0}, "greater than or equal"),
    ],
)
def test_what_cannot_be_sent_is_refused_at_the_start(keys: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match="(?s).*" + problem.replace("{", r"\{")):
        HttpOptions.model_validate({"url": URL} | keys)


@pytest.mark.parametrize(
    ("keys", "capability", "alone"),
    [
        ({"body": "{hex}"}, Capability.COLOR, False),
        ({"body": "{hex} {effect}"}, Capability.COLOR, True),
        ({"url": f"{URL}/{{state}}"}, Capability.ON_OFF, False),
        ({"headers": {"X-Level": "{percent}"}}, Capability.WHITE, False),
        ({"body": "{look}"}, Capability.COLOR, True),
    ],
)
def test_a_light_can_do_what_its_gaps_say(
    keys: dict[str, Any], capability: Capability, *, alone: bool
) -> None:
    kind = http_light.tailored(HttpOptions.model_validate({"url": URL, "pace": 2, **keys}))
    assert kind.capability is capability
    assert kind.effects == (set(Effect) if alone else {Effect.SOLID})
    assert (kind.min_interval_s, kind.deadline_s) == (2, 5)


def test_a_request_shows_nothing_that_may_be_a_secret() -> None:
    request = Request("POST", "https://me:pw@home:8123/api/key", {"A": "token"}, b"body")
    assert repr(request) == "Request(method='POST')"
    assert request.host == "https://home:8123"
