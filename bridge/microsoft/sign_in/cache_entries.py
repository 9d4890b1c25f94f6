"""Which entries of a stored token cache msal can use; it would stumble over the others. Pure.

Source: msal's unified schema, as its ``TokenCache`` writes it: kinds of entries, then entries.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bridge.microsoft.sign_in.answers import is_number

NEEDED: Mapping[str, tuple[str, ...]] = {
    "Account": ("home_account_id", "environment", "authority_type"),
    "RefreshToken": ("home_account_id", "environment", "client_id", "secret"),
    "AccessToken": ("home_account_id", "environment", "client_id", "realm", "target", "secret"),
}
"""Texts that an entry of a kind is nothing without."""
WORTH_A_SIGN_IN = ("Account", "RefreshToken")
"""Without one of these there is none; all else can be had anew."""
_NUMBERS = ("expires_on", "extended_expires_on", "refresh_on", "last_modification_time")
_DIGITS_MOST = 12


def usable(text: str) -> tuple[str, int]:
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
    count = sum(damaged.values())
    return json.dumps(kept) if count else text, count


def _is_sound(kind: str, entry: Mapping[str, Any]) -> bool:
    needed = all(isinstance(entry.get(key), str) and entry[key] for key in NEEDED.get(kind, ()))
    dated = kind != "AccessToken" or "expires_on" in entry
    texts = all(
        value is None or isinstance(value, str)
        for key, value in entry.items()
        if key not in _NUMBERS and key != "cached_at"
    )
    numbers = all(is_number(entry[key], _DIGITS_MOST) for key in _NUMBERS if key in entry)
    return needed and dated and texts and numbers


def _has_objects(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(entry, dict) for entry in value.values())
