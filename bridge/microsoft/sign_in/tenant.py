"""Looks a tenant up without signing in.

Source: Microsoft identity platform, "OpenID Connect": the discovery document of a tenant.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote

from bridge.config.tables.tenant import SHARED
from bridge.contract.errors import PersonMustActError, SourceUnavailableError
from bridge.contract.retry import http_date
from bridge.microsoft.http import OK, Fault, Http, HttpError, HttpRequest, HttpResponse
from bridge.microsoft.sign_in.genuine_answers import fields_of, is_refusal
from bridge.microsoft.sign_in.remedies import explain, of_discovery

_TENANT = re.compile(r"https://[^/]+/([^/]+)/")


class FoundTenant(NamedTuple):
    """What a tenant's discovery document says."""

    tenant_id: str
    seen_at: datetime | None
    """Microsoft's clock."""


async def look_up(http: Http, login_url: str, name: str) -> FoundTenant:
    """Find the tenant called ``name``: a domain, a GUID, or somebody@domain.

    Raises:
        PersonMustActError: There is no such tenant, or the name is shared by all tenants.
        SourceUnavailableError: Microsoft's sign-in cannot be reached.
    """
    domain = name.rpartition("@")[2]
    if domain.lower() in SHARED:
        raise PersonMustActError(
            f"{domain} is not a tenant: personal accounts have no presence.",
            remedy="Set tenant to your organisation's domain or GUID.",
        )
    url = f"{login_url}/{quote(domain)}/v2.0/.well-known/openid-configuration"
    response = await sent(http, login_url, HttpRequest("GET", url))
    fields = fields_of(response)
    found = _TENANT.match(str(fields.get("token_endpoint")))
    if response.status == OK and found:
        return FoundTenant(found.group(1), http_date(response.headers.get("Date", "")))
    if is_refusal(response) and not (why := explain(of_discovery(fields))).passes:
        raise PersonMustActError(why.text, remedy=why.remedy)
    raise failed(login_url, response)


async def sent(http: Http, login_url: str, request: HttpRequest) -> HttpResponse:
    """What the sign-in at ``login_url`` answers; ``SourceUnavailableError`` where nothing comes."""
    try:
        return await http.send(request)
    except HttpError as error:
        text = f"{login_url} cannot be reached: {error}"
        raise SourceUnavailableError(text, reached=False) from error


def failed(login_url: str, response: HttpResponse) -> SourceUnavailableError:
    """``response`` is neither what was wanted nor Microsoft's refusal."""
    if response.status == OK:
        return SourceUnavailableError(f"{login_url} cannot be reached: {Fault.STRANGER}")
    return SourceUnavailableError(f"{login_url} fails (HTTP {response.status})")
