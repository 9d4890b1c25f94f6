"""The simulated Microsoft Graph: who may read, its errors, and one's own presence.

Its errors are worded by the door in front of it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from aiohttp import web

from tests.fakes.microsoft.directory import Person
from tests.fakes.microsoft.simulation import Simulation
from tests.fakes.microsoft.tokens import AccessToken

ROOT = "/v1.0/"
GRAPH_CLIENT_ID = "00000003-0000-0000-c000-000000000000"
"""Microsoft Graph itself, as an app."""
READ_OWN = ("Presence.Read", "Presence.Read.All", "Presence.ReadWrite", "Presence.ReadWrite.All")
CODES = {
    400: "BadRequest",
    401: "InvalidAuthenticationToken",
    403: "Forbidden",
    404: "NotFound",
}
"""``error.code`` for a status (Graph docs, errors)."""


class GraphError(Exception):
    """An answer of Graph that is not 200."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, headers or {}
        self.code = code or CODES.get(status, "UnknownError")

    def body(self, *, now: datetime, request_id: str, client_request_id: str) -> dict[str, Any]:
        """The JSON that Graph answers with."""
        inner = {
            "date": f"{now:%Y-%m-%dT%H:%M:%S}",
            "request-id": request_id,
            "client-request-id": client_request_id,
        }
        return {"error": {"code": self.code, "message": self.message, "innerError": inner}}


class Gate:
    """Who may pass to Graph; raises ``GraphError`` for all others."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

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


def own_presence(simulation: Simulation, gate: Gate) -> list[web.RouteDef]:
    """Where one's own presence is (Graph v1.0 reference, presence-get)."""

    async def mine(request: web.Request) -> web.Response:
        return presence_answer(simulation, gate.pass_person(request, READ_OWN), own=True)

    return [web.get(f"{ROOT}me/presence", mine, name="me.presence")]


def nothing_here(gate: Gate) -> web.RouteDef:
    """All that is left over below ``ROOT``: a bad request."""

    async def refuse(request: web.Request) -> web.Response:
        gate.pass_token(request)
        segment = request.path.rpartition("/")[2]
        raise GraphError(400, f"Resource not found for the segment '{segment}'.")

    return web.route("*", f"{ROOT}{{rest:.*}}", refuse, name="graph.other")


def presence_answer(simulation: Simulation, person: Person, *, own: bool) -> web.Response:
    """The presence of ``person`` as Graph answers with it."""
    body = context(simulation.address, f"users('{person.oid}')/presence/$entity")
    return web.json_response(body | simulation.directory.presence_resource(person, own=own))


def unauthorized(address: str, message: str, more: str = "") -> GraphError:
    """401 that a new token cures; ``more`` goes into the challenge."""
    challenge = (
        f'Bearer realm="", authorization_uri="{address}/common/oauth2/authorize", '
        f'client_id="{GRAPH_CLIENT_ID}"{more}'
    )
    return GraphError(401, message, headers={"WWW-Authenticate": challenge})


def context(address: str, what: str) -> dict[str, Any]:
    """The first key of every good answer."""
    return {"@odata.context": f"{address}{ROOT}$metadata#{what}"}
