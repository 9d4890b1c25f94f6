"""Tries an app registration before anything is written: one request for a device code.

It shows whether tenant and client id belong together, and nothing that only a signed-in person
meets: consent, policies, and "Allow public client flows" (AADSTS7000218) come later. Nobody is
shown the code, which runs out unused.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode

from bridge.config.tables.accounts import AccountSettings
from bridge.config.tables.tenant import guid_of
from bridge.contract.errors import PersonMustActError, SourceUnavailableError
from bridge.microsoft.clouds import Cloud
from bridge.microsoft.http import Http, HttpRequest
from bridge.microsoft.sign_in.genuine_answers import Purpose, fields_of, is_good, is_refusal
from bridge.microsoft.sign_in.remedies import Explanation, explain
from bridge.microsoft.sign_in.scopes import scopes_of
from bridge.microsoft.sign_in.tenant import failed, look_up, sent

UNKNOWN_APP, UNKNOWN_TENANT = (700016, 700038), (90002, 900021, 900023)
_COPY_APP = "Copy Application (client) ID from the overview of the app registration"
_COPY_TENANT = "Check the domain, or copy Directory (tenant) ID from the same overview."


async def try_registration(
    http: Http, *, cloud: Cloud, tenant: str, client_id: str
) -> Explanation | None:
    """Why nobody can sign in to the app ``client_id`` of ``tenant``; ``None`` where it is there.

    A refusal that names an unknown app or tenant is looked at twice: ids that stand in each
    other's place, and the tenant's id in the app's place, are found.

    Raises:
        SourceUnavailableError: Microsoft's sign-in cannot be reached, or has a bad moment.
    """
    tenant, client_id = tenant.rpartition("@")[2], client_id.lower()
    refused = await _refusal(http, cloud, tenant, client_id)
    if refused is None or refused.aadsts not in (*UNKNOWN_APP, *UNKNOWN_TENANT):
        return refused
    might_be_swapped = guid_of(tenant) and tenant.lower() != client_id
    if might_be_swapped and not await _refusal(http, cloud, client_id, tenant.lower()):
        return refused._replace(
            text="The two ids stand in each other's place.",
            remedy=f"Application (client) ID is {tenant}, Directory (tenant) ID is {client_id}.",
        )
    if refused.aadsts in UNKNOWN_TENANT:
        return refused._replace(remedy=_COPY_TENANT)
    if await _is_tenants_own(http, cloud, tenant, client_id):
        return refused._replace(
            text="That is the id of the tenant, not of the app.",
            remedy=f"{_COPY_APP}: it stands just above Directory (tenant) ID.",
        )
    return refused._replace(remedy=f"{_COPY_APP}, not its Object ID; and check the tenant.")


async def _refusal(http: Http, cloud: Cloud, tenant: str, client_id: str) -> Explanation | None:
    """What Microsoft says to a request for a code; nothing when it gives one."""
    url = f"{cloud.login_url}/{quote(tenant)}/oauth2/v2.0/devicecode"
    scope = " ".join([*scopes_of(AccountSettings(), cloud), "offline_access", "openid"])
    form = urlencode({"client_id": client_id, "scope": scope}).encode()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    request = HttpRequest("POST", url, headers=kind, body=form)
    response = await sent(http, cloud.login_url, request)
    if is_good(response, Purpose.CODE):
        return None
    if not is_refusal(response) or (why := explain(fields_of(response))).passes:
        raise failed(cloud.login_url, response)
    return why


async def _is_tenants_own(http: Http, cloud: Cloud, tenant: str, client_id: str) -> bool:
    """Whether ``client_id`` is the id of the tenant itself."""
    try:
        return (await look_up(http, cloud.login_url, tenant)).tenant_id.lower() == client_id
    except (PersonMustActError, SourceUnavailableError):
        return False
