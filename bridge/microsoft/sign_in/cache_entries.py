"""The entries of a stored token cache: which are sound, and which access token is still good. Pure.

An access token is found as msal finds it, but without msal and the discovery document that it asks
for first, for the tenant's GUID alone: so an entry is marked with the authority that it is from.
Source: msal's unified schema, as its ``TokenCache`` writes it: kinds of entries, then entries.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bridge.microsoft.sign_in.genuine_answers import Answer, is_number

if TYPE_CHECKING:
    from msal import SerializableTokenCache

Entries = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""By kind and name."""
ACCOUNT, REFRESH_TOKEN, ACCESS_TOKEN = "Account", "RefreshToken", "AccessToken"
NEEDED: Mapping[str, tuple[str, ...]] = {
    ACCOUNT: ("home_account_id", "environment", "authority_type"),
    REFRESH_TOKEN: ("home_account_id", "environment", "client_id", "secret"),
    ACCESS_TOKEN: ("home_account_id", "environment", "client_id", "realm", "target", "secret"),
}
"""Texts that an entry of a kind is nothing without."""
WORTH_A_SIGN_IN = (ACCOUNT, REFRESH_TOKEN)
"""Without one of these there is none; all else can be had anew."""
LEAST_S = 300.0
"""An access token that ends sooner is as good as none, for msal too."""
_NUMBERS = ("expires_on", "extended_expires_on", "refresh_on", "last_modification_time")
_DIGITS_MOST = 12


def sound(text: str) -> tuple[Entries, int]:
    """The cache in ``text`` without its damaged entries, and how many those are.

    Raises:
        ValueError: It is no cache, or what is damaged is the sign-in itself.
    """
    cache = json.loads(text)
    if not isinstance(cache, dict) or not all(map(_has_objects, (cache, *cache.values()))):
        raise ValueError("no token cache")
    kept = {
        kind: {name: entry for name, entry in entries.items() if _is_sound(kind, entry)}
        for kind, entries in cache.items()
    }
    damaged = {kind: len(entries) - len(kept[kind]) for kind, entries in cache.items()}
    if any(damaged.get(kind) for kind in WORTH_A_SIGN_IN):
        raise ValueError("damaged where it matters")
    return kept, sum(damaged.values())


def good_token(
    entries: Entries, *, client_id: str, authority: str, scopes: Sequence[str], now_s: float
) -> Answer | None:
    """The access token of who is signed in, as a token endpoint would answer it.

    ``now_s`` is the clock of ``time.time``, by which msal dates its entries.
    """
    where = {"environment": (urlsplit(authority).hostname or "").lower()}
    account = next(_matching(entries, ACCOUNT, where), None)
    if account is None:
        return None
    wanted = {
        "home_account_id": account["home_account_id"],
        "client_id": client_id,
        "authority": authority,
    }
    for entry in _matching(entries, ACCESS_TOKEN, where | wanted):
        left_s = int(entry["expires_on"]) - now_s
        ageing = int(entry.get("refresh_on", entry["expires_on"])) < now_s
        if set(scopes) <= set(entry["target"].split()) and left_s >= LEAST_S and not ageing:
            return {"access_token": entry["secret"], "expires_in": int(left_s)}
    return None


def mark(tokens: SerializableTokenCache, answer: Answer, authority: str) -> None:
    """Note with the entry of the token in ``answer`` that it is from ``authority``."""
    query = {"secret": answer["access_token"]}
    for entry in list(tokens.search(ACCESS_TOKEN, query=query)):
        if entry.get("authority") != authority:
            tokens.modify(ACCESS_TOKEN, entry, {"authority": authority})


def _matching(
    entries: Entries, kind: str, fields: Mapping[str, str]
) -> Iterator[Mapping[str, Any]]:
    return (entry for entry in entries.get(kind, {}).values() if fields.items() <= entry.items())


def _is_sound(kind: str, entry: Mapping[str, Any]) -> bool:
    needed = all(isinstance(entry.get(key), str) and entry[key] for key in NEEDED.get(kind, ()))
    dated = kind != ACCESS_TOKEN or "expires_on" in entry
    texts = all(
        value is None or isinstance(value, str)
        for key, value in entry.items()
        if key not in _NUMBERS and key != "cached_at"
    )
    numbers = all(is_number(entry[key], _DIGITS_MOST) for key in _NUMBERS if key in entry)
    return needed and dated and texts and numbers


def _has_objects(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(entry, dict) for entry in value.values())
