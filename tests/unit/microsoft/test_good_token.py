"""Which stored access token is used without asking anybody: the one that msal would use."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import msal
import pytest

from bridge.microsoft.sign_in.cache_entries import LEAST_S, good_token, mark

ROOT, DOMAIN, GUID = "https://login.example", "contoso.com", "9f4a"
AUTHORITY = f"{ROOT}/{DOMAIN}"
SCOPES = ["Presence.Read", "User.Read"]


def signed_in(**more: Any) -> msal.SerializableTokenCache:
    """As msal leaves it after a sign-in, and marked."""
    info = base64.urlsafe_b64encode(b'{"uid": "alice", "utid": "t"}').decode()
    answer = {"access_token": "at", "refresh_token": "rt", "expires_in": 3600, "client_info": info}
    tokens = msal.SerializableTokenCache()
    event = {
        "client_id": "app",
        "scope": [*SCOPES, "openid", "profile"],
        "token_endpoint": f"{ROOT}/{GUID}/oauth2/v2.0/token",
        "response": answer | more,
    }
    tokens.add(event)
    mark(tokens, answer, AUTHORITY)
    return tokens


def found(tokens: msal.SerializableTokenCache, **other: Any) -> dict[str, Any] | None:
    usual: dict[str, Any] = {
        "client_id": "app",
        "authority": AUTHORITY,
        "scopes": SCOPES,
        "now_s": time.time(),
    }
    return good_token(json.loads(tokens.serialize()), **(usual | other))


def test_a_good_token_is_used_for_as_long_as_is_left_of_it() -> None:
    tokens = signed_in()
    (entry,) = json.loads(tokens.serialize())["AccessToken"].values()
    answer = found(tokens, now_s=float(entry["expires_on"]) - 1000)
    assert answer == {"access_token": "at", "expires_in": 1000}


@pytest.mark.parametrize(
    "other",
    [
        {"client_id": "another"},
        {"authority": f"{ROOT}/fabrikam.com"},
        {"authority": f"{ROOT}/{GUID}"},
        {"authority": f"https://login.example.us/{DOMAIN}"},
        {"scopes": [*SCOPES, "Presence.ReadWrite"]},
        {"scopes": ["https://graph.example.us/Presence.Read"]},
    ],
    ids=lambda other: "-".join(map(str, other.values())),
)
def test_a_token_of_another_config_is_none(other: dict[str, Any]) -> None:
    assert found(signed_in(), **other) is None


@pytest.mark.parametrize(
    "more", [{"expires_in": 0}, {"expires_in": int(LEAST_S) - 1}, {"refresh_in": -1}]
)
def test_a_token_that_msal_would_renew_is_left_to_it(more: dict[str, Any]) -> None:
    assert found(signed_in(**more)) is None


def test_a_token_of_somebody_else_is_none() -> None:
    tokens = signed_in()
    kinds = json.loads(tokens.serialize())
    for entry in kinds["AccessToken"].values():
        entry["home_account_id"] = "bob.t"
    tokens.deserialize(json.dumps(kinds))
    assert found(tokens) is None


def test_a_file_of_the_last_release_is_marked_once() -> None:
    tokens = signed_in()
    kinds = json.loads(tokens.serialize())
    for entry in kinds["AccessToken"].values():
        del entry["authority"]
    tokens.deserialize(json.dumps(kinds))
    assert found(tokens) is None
    for changed in (True, False):
        mark(tokens, {"access_token": "at"}, AUTHORITY)
        assert tokens.has_state_changed is changed
        tokens.serialize()
    assert found(tokens)


def test_nobody_has_no_token() -> None:
    assert found(msal.SerializableTokenCache()) is None
