"""Looks a tenant up without signing in. Never caches and never decides what follows.

Source: Microsoft identity platform, "OpenID Connect": the discovery document of a tenant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp

from bridge.contract.errors import PersonMustActError, SourceUnavailableError
from bridge.microsoft.remedies import explain

SHARED = {"common", "organizations", "consumers"}
_TENANT = re.compile(r"https://[^/]+/([^/]+)/")


@dataclass(frozen=True, slots=True)
class Tenant:
    """What a tenant's discovery document tells."""

    tenant_id: str
    seen_at: datetime | None
    """Microsoft's clock."""


async def look_up(
    session: aiohttp.ClientSession, login_url: str, name: str, *, proxy: str | None
) -> Tenant:
    """Find the tenant called ``name``: a domain, a GUID, or somebody@domain.

    Raises:
        PersonMustActError: There is no such tenant, or the name is shared by all tenants.
        SourceUnavailableError: Microsoft's sign-in cannot be reached.
    """
    domain = name.rpartition("@")[2]
    if domain.lower() in SHARED:
        raise PersonMustActError(
            f"{domain} is no tenant: personal accounts have no presence.",
            remedy="Set tenant to your organisation's domain or GUID.",
        )
    url = f"{login_url}/{domain}/v2.0/.well-known/openid-configuration"
    try:
        async with session.get(url, proxy=proxy) as response:
            document: Any = await response.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise SourceUnavailableError(f"{login_url} cannot be reached: {_reason(error)}") from error
    fields: dict[str, Any] = document if isinstance(document, dict) else {}
    found = _TENANT.match(str(fields.get("token_endpoint")))
    if response.status == 200 and found:  # noqa: PLR2004 - OK
        return Tenant(found.group(1), _date(response.headers.get("Date")))
    told = explain(fields)
    if told.passes or "error" not in fields:
        raise SourceUnavailableError(f"{login_url} fails (HTTP {response.status})")
    raise PersonMustActError(told.text, remedy=told.remedy)


def _date(header: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(header or "").astimezone(UTC)
    except (TypeError, ValueError):
        return None


def _reason(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not trusted; set ca_file in [network] if a proxy inspects TLS"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return type(error).__name__
