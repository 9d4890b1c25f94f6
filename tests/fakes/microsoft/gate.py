"""Who may pass to Graph: with a good token that allows it, within the request limit."""

from __future__ import annotations

import json
import re
from typing import Any

from aiohttp import web

from tests.fakes.microsoft.directory import Person
from tests.fakes.microsoft.graph_errors import TOO_MANY, GraphError, challenged, unauthorized
from tests.fakes.microsoft.simulation import Simulation
from tests.fakes.microsoft.throttle import Throttle
from tests.fakes.microsoft.tokens import AccessToken

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Gate:
    """Who may pass to Graph; raises ``GraphError`` for all others."""

    def __init__(self, simulation: Simulation, throttle: Throttle) -> None:
        self._simulation, self._throttle = simulation, throttle

    def bearer(self, request: web.Request) -> AccessToken | None:
        """The access token that a request carries, good or not."""
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        return self._simulation.tokens.access(value) if scheme.lower() == "bearer" else None

    def pass_token(self, request: web.Request) -> AccessToken:
        """The good token of a request."""
        address, token = self._simulation.address, self.bearer(request)
        if token is None:
            raise unauthorized(address, "Access token is empty or not known.")
        if token.expires_s <= self._simulation.clock.monotonic():
            raise unauthorized(address, "Lifetime validation failed, the token is expired.")
        if token.revoked:
            raise self._revoked(token)
        if wait_s := self._throttle.wait_s(token.client_id, token.tenant_id):
            raise GraphError(TOO_MANY, "Too many requests.", headers={"Retry-After": str(wait_s)})
        return token

    def pass_person(self, request: web.Request, any_of: tuple[str, ...]) -> Person:
        """The person who signed in for the good token of a request; an app is nobody."""
        token = self.pass_token(request)
        person = self._simulation.directory.person(token.oid) if token.oid else None
        if person is None:
            raise GraphError(400, "/me request is only valid with delegated authentication flow.")
        self.need(token, any_of)
        return person

    def need(self, token: AccessToken, any_of: tuple[str, ...]) -> None:
        """Go on with one of these permissions."""
        if token.permissions.isdisjoint(any_of):
            raise GraphError(
                403,
                f"Missing scope permissions on the request. API requires one of "
                f"'{', '.join(any_of)}'. Scopes on the request "
                f"'{', '.join(sorted(token.permissions))}'",
            )

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
