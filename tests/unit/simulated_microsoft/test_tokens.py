from __future__ import annotations

from random import Random

import pytest

from tests.fakes.clock import ManualClock
from tests.fakes.microsoft.client_credentials import from_base64url
from tests.fakes.microsoft.tokens import AccessToken, Tokens, base64url


@pytest.fixture
def tokens(clock: ManualClock) -> Tokens:
    return Tokens(clock, Random(1))


def access(tokens: Tokens, oid: str = "alice") -> AccessToken:
    return tokens.issue_access(
        client_id="app", tenant_id="tenant", oid=oid, permissions=frozenset({"Presence.Read"})
    )


def test_no_two_tokens_are_alike(tokens: Tokens) -> None:
    assert access(tokens).value != access(tokens).value


async def test_an_expired_token_is_known_for_a_while_and_then_forgotten(
    tokens: Tokens, clock: ManualClock
) -> None:
    old = access(tokens)
    await clock.advance(tokens.expires_in_s + 1)
    access(tokens)
    assert tokens.access(old.value) is old

    await clock.advance(tokens.expires_in_s)
    access(tokens)

    assert tokens.access(old.value) is None


def test_revoking_ends_what_one_person_has(tokens: Tokens) -> None:
    hers, his = access(tokens, "alice"), access(tokens, "bob")
    kept = [
        tokens.issue_refresh(client_id="app", oid=oid, by_device_code=True)
        for oid in ("alice", "alice", "bob")
    ]

    assert tokens.revoke("alice", code=70043) == 2
    assert tokens.revoke_access("alice") == 1

    assert [token.dead_with for token in kept] == [70043, 70043, None]
    assert (hers.revoked, his.revoked) == (True, False)


@pytest.mark.parametrize("data", [b"", b"a", b"ab", b"abc", bytes(range(256))])
def test_base64url_has_no_padding_and_comes_back(data: bytes) -> None:
    text = base64url(data)

    assert "=" not in text
    assert from_base64url(text) == data
