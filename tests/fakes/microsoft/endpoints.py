"""What the endpoints of identity and Graph are called, and which one a request is for."""

from __future__ import annotations

from aiohttp import web

from tests.fakes.microsoft.identity import text_form

IDENTITY_ENDPOINTS = (
    "discovery",
    "devicecode",
    "authorize",
    "authorize.decision",
    "token.device_code",
    "token.refresh_token",
    "token.authorization_code",
    "token.client_credentials",
    "token.other",
)
GRAPH_ENDPOINTS = (
    "me",
    "me.presence",
    "me.set_preferred",
    "me.clear_preferred",
    "me.set_status",
    "me.set_location",
    "me.clear_location",
    "user",
    "user.presence",
    "user.set_preferred",
    "user.clear_preferred",
    "user.set_status",
    "user.set_location",
    "user.clear_location",
    "presence",
    "presences",
    "group.members",
    "group.members.cast",
    "graph.other",
)


async def endpoint_of(request: web.Request) -> str | None:
    """The name of the endpoint; ``None`` for what is not Microsoft's, and for no endpoint."""
    name = request.match_info.route.name
    if name == "token":
        grant = (await text_form(request)).get("grant_type", "").rpartition(":")[2]
        name = f"token.{grant}" if f"token.{grant}" in IDENTITY_ENDPOINTS else "token.other"
    return name if name in IDENTITY_ENDPOINTS + GRAPH_ENDPOINTS else None
