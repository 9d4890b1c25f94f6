"""A stored access token that is still good, found as msal finds it and without asking anybody.

msal asks for its discovery document before it looks into its cache, for the tenant's GUID alone. So
an entry is marked with the authority that it was got from, and is found by that. Pure.
Source: msal's ``acquire_token_silent`` and the fields of its unified schema.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

import msal

from bridge.microsoft.sign_in.answers import Answer

LEAST_S = 300.0
"""A token that ends sooner is as good as none, for msal too."""
_KINDS = msal.TokenCache.CredentialType


def mark(tokens: msal.SerializableTokenCache, answer: Answer, authority: str) -> None:
    """Note with the entry of the token in ``answer`` that it was got from ``authority``."""
    query = {"secret": answer["access_token"]}
    for entry in list(tokens.search(_KINDS.ACCESS_TOKEN, query=query)):
        if entry.get("authority") != authority:
            tokens.modify(_KINDS.ACCESS_TOKEN, entry, {"authority": authority})


def find(
    tokens: msal.SerializableTokenCache,
    *,
    client_id: str,
    authority: str,
    scopes: Sequence[str],
    now_s: float,
) -> Answer | None:
    """The token of the one who is signed in, as a token endpoint would answer it.

    ``now_s`` is the clock of ``time.time``, by which msal dates its entries.
    """
    environment = (urlsplit(authority).hostname or "").lower()
    account = next(tokens.search(_KINDS.ACCOUNT, query={"environment": environment}), None)
    if account is None:
        return None
    query = {
        "home_account_id": account["home_account_id"],
        "environment": environment,
        "client_id": client_id,
        "authority": authority,
    }
    for entry in list(tokens.search(_KINDS.ACCESS_TOKEN, target=list(scopes), query=query)):
        left_s = int(entry["expires_on"]) - now_s
        ageing = int(entry.get("refresh_on", entry["expires_on"])) < now_s
        if left_s >= LEAST_S and not ageing:
            return {"access_token": entry["secret"], "expires_in": int(left_s)}
    return None
