from __future__ import annotations

import pytest

from tests.fakes.microsoft.aadsts import Refusal
from tests.fakes.microsoft.client_credentials import is_default
from tests.fakes.microsoft.scopes import echoed, permissions_in

HOST = "localhost:8443"


@pytest.mark.parametrize(
    "scope",
    [
        "Presence.Read",
        "presence.read",
        "https://graph.microsoft.com/Presence.Read",
        "https://dod-graph.microsoft.us/Presence.Read",
        f"https://{HOST}/Presence.Read",
        "openid offline_access Presence.Read profile",
    ],
)
def test_every_spelling_leads_to_the_same_permission(scope: str) -> None:
    assert permissions_in(scope, own_host=HOST) == {"Presence.Read"}


@pytest.mark.parametrize(
    ("scope", "code"), [("Presence.Raed", 70011), ("https://other.test/Presence.Read", 500011)]
)
def test_what_does_not_exist_is_refused(scope: str, code: int) -> None:
    with pytest.raises(Refusal) as refused:
        permissions_in(scope, own_host=HOST)

    assert refused.value.code == code


def test_the_answer_repeats_the_spelling_without_offline_access() -> None:
    asked = "https://graph.microsoft.com/Presence.Read offline_access openid profile"

    assert echoed(asked) == "https://graph.microsoft.com/Presence.Read openid profile"


def test_default_stands_for_all_permissions_of_a_resource() -> None:
    assert is_default("https://graph.microsoft.com/.default", own_host=HOST)
    assert is_default(f"https://{HOST}/.default", own_host=HOST)
    assert not is_default("https://graph.microsoft.com/Presence.Read", own_host=HOST)
    assert not is_default(".default", own_host=HOST)
    with pytest.raises(Refusal):
        is_default("https://other.test/.default", own_host=HOST)
