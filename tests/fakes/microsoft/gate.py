"""The gate of the whole Graph: tokens that were revoked, the request limit, people by GUID."""

from __future__ import annotations

import json
import re
from typing import Any

from aiohttp import web

from tests.fakes.microsoft.directory import Person
from tests.fakes.microsoft.graph import Gate, GraphError, unauthorized
from tests.fakes.microsoft.simulation import Simulation
from tests.fakes.microsoft.tokens import AccessToken
from tests.fakes.microsoft.challenge import challenged
from tests.fakes.microsoft.graph_errors import TOO_MANY, ScriptedGraphError
from tests.fakes.microsoft.throttle import Throttle

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class FullGate(Gate):
    """Stands before every endpoint of Graph."""

    def __init__(self, simulation: Simulation, throttle: Throttle) -> None:
        super().__init__(simulation)
        self._throttle = throttle

    def pass_token(self, request: web.Request) -> AccessToken:
        """The good token of a request."""
        token = super().pass_token(request)
        if token.revoked:
            raise self._revoked(token)
        if wait_s := self._throttle.wait_s(token.client_id, token.tenant_id):
            raise ScriptedGraphError(TOO_MANY, "Too many requests.", {"Retry-After": str(wait_s)})
        return token

    def visible(self, token: AccessToken, oid: str) -> Person | None:
        """The person with this GUID, when they are of the token's own tenant."""
        person = self._simulation.directory.person_by_oid(oid)
        return person if person and person.tenant_id == token.tenant_id else None

    def named(self, token: AccessToken, oid: str) -> Person:
        """The person with this GUID.

        Raises:
            GraphError: It is no GUID, or there is no such person to be seen.
        """
        if not _GUID.fullmatch(oid):
            raise GraphError(400, f"The id {oid} is no valid user id: a GUID is expected.")
        person = self.visible(token, oid)
        if person is None:
            raise GraphError(404, f"Presence for user {oid} was not found.")
        return person

    def _revoked(self, token: AccessToken) -> GraphError:
        if not token.continuous:
            return unauthorized(self._simulation.address, "Access token has been revoked.")
        now = int(self._simulation.clock.now().timestamp())
        claims = json.dumps({"access_token": {"nbf": {"essential": True, "value": str(now)}}})
        return challenged(self._simulation.address, claims)


async def json_object(request: web.Request) -> dict[str, Any]:
    """The body of a request.

    Raises:
        GraphError: It is not a JSON object.
    """
    try:
        body = json.loads(await request.read())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise GraphError(400, "Unable to read JSON request payload.")
    return body
