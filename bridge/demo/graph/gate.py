"""Who may pass to Graph: the token, its permissions and the request limit. Never answers itself."""

from __future__ import annotations

import json
import re

from aiohttp import web

from bridge.demo.directory import Person
from bridge.demo.graph.wire import GraphError, bearer, challenged, unauthorized
from bridge.demo.simulation import Simulation
from bridge.demo.throttle import Throttle
from bridge.demo.tokens import AccessToken

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Gate:
    """Stands before every endpoint of Graph."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self.throttle = Throttle(simulation.clock)

    def pass_token(self, request: web.Request) -> AccessToken:
        """The good token of a request.

        Raises:
            GraphError: There is none, it is used up or revoked, or there were too many requests.
        """
        address = self._simulation.address
        token = bearer(self._simulation.tokens, request)
        if token is None:
            raise unauthorized(address, "Access token is empty or not known.")
        if token.expires_s <= self._simulation.clock.monotonic():
            raise unauthorized(address, "Lifetime validation failed, the token is expired.")
        if token.revoked:
            raise self._revoked(token)
        if wait_s := self.throttle.wait_s(token.client_id, token.tenant_id):
            raise GraphError(429, "Too many requests.", headers={"Retry-After": str(wait_s)})
        return token

    def pass_person(
        self, request: web.Request, any_of: tuple[str, ...]
    ) -> tuple[AccessToken, Person]:
        """The good token of a request, and the person who signed in.

        Raises:
            GraphError: As in ``pass_token`` and ``need``, or an app acts as itself.
        """
        token = self.pass_token(request)
        person = self._simulation.directory.person(token.oid) if token.oid else None
        if person is None:
            raise GraphError(400, "/me request is only valid with delegated authentication flow.")
        self.need(token, any_of)
        return token, person

    def need(self, token: AccessToken, any_of: tuple[str, ...]) -> None:
        """Go on with one of these permissions.

        Raises:
            GraphError: The token has none of them.
        """
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
