from __future__ import annotations

import pytest

from bridge.contract.account import SignIn, SignInState
from bridge.web.data.report import LISTED, redacted, report
from bridge.web.data.snapshot import Snapshot
from tests.fakes.web_page import light, person, service, waiting


def test_it_says_what_a_maintainer_asks_for() -> None:
    text = report(Snapshot(service(), (person(), waiting("bob")), (light(),)))
    for line in (
        "Presence Bridge 1.2.3, Python 3.",
        "broker: connected, MQTT 5.0",
        "healthy: True",
        "next poll: 2026-11-23T12:00:01+00:00 (somebody works)",
        "account 1: call, fresh, polled: 2026-11-23T11:59:56+00:00, sign-in: signed_in",
        "account 2: unknown, stale, polled: never, sign-in: device_code_pending",
        "light 1: online, reachable, follow, rule: activity in_a_call",
    ):
        assert line in text


def test_it_holds_nothing_that_is_private() -> None:
    refused = SignIn(
        SignInState.ERROR,
        message="AADSTS50105 for zoe@contoso.com",
        remedy="Ask https://contoso.com/help?code=x for 0f1e2d3c-0000-4000-8000-123456789abc.",
        correlation_id="11111111-2222-3333-4444-555555555555",
    )
    people = (
        person("zoe", name="Zoe O'Hara", says="at Fabrikam"),
        waiting("yan", name="Yan"),
        waiting("xu", name="Xu", sign_in=refused),
    )
    lights = (light("bedroom", account="zoe", rule="activity of zoe"),)
    reason = "zoe: no answer from graph.contoso.com (10.1.2.3) for Zoe O'Hara"
    broker = service(broker="broker.contoso.com:8883", healthy=False, reason=reason)
    text = report(Snapshot(broker, people, lights))
    for private in ("zoe", "hara", "yan", "fabrikam", "contoso", "f7k2", "bedroom", "10.1.2.3"):
        assert private not in text.lower()
    assert "0f1e2d3c" not in text
    assert "11111111" not in text
    assert "reason: account 1: no answer from … (…) for account 1" in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("me: wait", "account 1: wait"),
        ("sometimes me-too", "sometimes account 1-too"),
        ("eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.abc", "…"),
        ("ask at login.microsoftonline.com.", "ask at …."),
    ],
)
def test_names_are_numbered_as_words_and_addresses_are_taken_out(text: str, shown: str) -> None:
    assert redacted(text, {"me": "account 1"}) == shown


def test_of_thousands_the_one_that_is_named_is_numbered() -> None:
    people = tuple(person(f"p{n}_smith", name=f"Paul{n} Smith") for n in range(3000))
    reason = "p2000_smith: Paul2000 Smith, Paul2 and Paul2001 Smith-Jones cannot be read"
    text = report(Snapshot(service(healthy=False, reason=reason), people))
    told = "reason: account 2001: account 2001, Paul2 and account 2002-Jones cannot be read"
    assert told in text


def test_thousands_of_people_are_counted_and_not_listed() -> None:
    people = tuple(person(f"p{n}", fresh=n % 2 == 0) for n in range(1000))
    text = report(Snapshot(service(), people))
    assert "accounts: 1000, fresh: 500" in text
    assert text.count("sign-in:") == LISTED
