"""The tokens that the simulated Microsoft has given out."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from bridge.contract.clock import Clock

REFRESH_TOKEN_S = 90 * 86_400
"""Days that an unused refresh token lives (Entra docs, refresh-tokens)."""
REVOKED = 50173


@dataclass(slots=True)
class AccessToken:
    """What a bearer may do. ``oid`` is ``None`` for an app that acts as itself."""

    value: str
    client_id: str
    tenant_id: str
    oid: str | None
    permissions: frozenset[str]
    """Short names such as Presence.Read."""
    expires_s: float
    """On the monotonic clock."""
    continuous: bool
    """The client can answer a claims challenge (its request declared CP1)."""
    revoked: bool = False


@dataclass(slots=True)
class RefreshToken:
    """A sign-in that is kept."""

    value: str
    client_id: str
    oid: str
    by_device_code: bool
    """Remembered for ever: a later policy against the device code flow ends it."""
    expires_s: float
    dead_with: int | None = None
    """The AADSTS number that it is refused with."""


@dataclass
class Tokens:
    """Makes tokens and knows which of them are good."""

    clock: Clock
    random: Random
    expires_in_s: int = 3600
    """Lifetime of access tokens; msal treats less than 300 s as expired."""
    refresh_in_s: int | None = None
    """After how many seconds clients are told to refresh early."""
    single_use: bool = False
    """Whether a refresh token dies when it is used; Entra's do not."""
    _access: dict[str, AccessToken] = field(default_factory=dict)
    _refresh: dict[str, RefreshToken] = field(default_factory=dict)

    def issue_access(
        self,
        *,
        client_id: str,
        tenant_id: str,
        oid: str | None,
        permissions: frozenset[str],
        continuous: bool = False,
    ) -> AccessToken:
        """A new access token, shaped like a JSON Web Token and of no meaning to clients."""
        now = self.clock.monotonic()
        for old in [v for v, t in self._access.items() if t.expires_s < now - self.expires_in_s]:
            del self._access[old]
        payload = {"tid": tenant_id, "appid": client_id, "oid": oid, "jti": self._noise()}
        token = AccessToken(
            value=jwt(payload, signature=self._noise()),
            client_id=client_id,
            tenant_id=tenant_id,
            oid=oid,
            permissions=permissions,
            expires_s=now + self.expires_in_s,
            continuous=continuous,
        )
        self._access[token.value] = token
        return token

    def issue_refresh(self, *, client_id: str, oid: str, by_device_code: bool) -> RefreshToken:
        """A new refresh token."""
        expires_s = self.clock.monotonic() + REFRESH_TOKEN_S
        token = RefreshToken(f"1.A{self._noise()}", client_id, oid, by_device_code, expires_s)
        self._refresh[token.value] = token
        return token

    def access(self, value: str) -> AccessToken | None:
        """The access token, good or not, as long as anything is known of it."""
        return self._access.get(value)

    def refresh(self, value: str) -> RefreshToken | None:
        """The refresh token, good or not."""
        return self._refresh.get(value)

    def revoke(self, oid: str, *, code: int = REVOKED) -> int:
        """End what a person is signed in with; returns how many sign-ins there were.

        Access tokens stay good until their time is over, as at Microsoft.
        """
        mine = [token for token in self._refresh.values() if token.oid == oid]
        for token in mine:
            token.dead_with = code
        return len(mine)

    def revoke_access(self, oid: str | None) -> int:
        """Make Graph refuse the access tokens of a person's clients, or with ``None`` of apps."""
        mine = [token for token in self._access.values() if token.oid == oid]
        for token in mine:
            token.revoked = True
        return len(mine)

    def _noise(self) -> str:
        return base64url(self.random.randbytes(24))


def jwt(payload: Mapping[str, Any], *, signature: str) -> str:
    """Three base64url parts; the signature is only a name for one."""
    header = {"typ": "JWT", "alg": "RS256", "kid": "simulated"}
    parts = (base64url(json.dumps(part).encode()) for part in (header, payload))
    return ".".join((*parts, base64url(signature.encode())))


def base64url(data: bytes) -> str:
    """Base64 for addresses, without padding (RFC 7515, 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
