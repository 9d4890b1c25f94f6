"""Reading presence in Graph: one's own, somebody's, many people's.

Limits are those of the Graph v1.0 reference (presence-get, getPresencesByUserId).
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tests.fakes.microsoft.behaviour import Behaviour
from tests.fakes.microsoft.directory import Person
from tests.fakes.microsoft.gate import Gate, json_object
from tests.fakes.microsoft.graph_errors import GraphError
from tests.fakes.microsoft.simulation import Simulation
from tests.fakes.microsoft.tokens import AccessToken

ROOT = "/v1.0/"
READ_OWN = ("Presence.Read", "Presence.Read.All", "Presence.ReadWrite", "Presence.ReadWrite.All")
BULK_LIMIT = 650
"""Ids in one getPresencesByUserId."""
READ_ALL = ("Presence.Read.All", "Presence.ReadWrite.All")


class Presences:
    """The endpoints that read."""

    def __init__(self, simulation: Simulation, gate: Gate, behaviour: Behaviour) -> None:
        self._simulation, self._gate, self._behaviour = simulation, gate, behaviour

    def routes(self) -> list[web.RouteDef]:
        """The endpoints, named."""
        bulk = "/v1.0/communications/getPresencesByUserId"
        return [
            web.get("/v1.0/me/presence", self.mine, name="me.presence"),
            web.get("/v1.0/users/{id}/presence", self.somebodys, name="user.presence"),
            web.get("/v1.0/communications/presences/{id}", self.somebodys, name="presence"),
            web.post(bulk, self.many, name="presences"),
        ]

    async def mine(self, request: web.Request) -> web.Response:
        """One's own presence.

        Raises:
            GraphError: The token does not allow it.
        """
        return self._answer(self._gate.pass_person(request, READ_OWN), own=True)

    async def somebodys(self, request: web.Request) -> web.Response:
        """The presence of anybody, by GUID.

        Raises:
            GraphError: The token does not allow it, or there is no such person.
        """
        token = self._gate.pass_token(request)
        own = token.oid == request.match_info["id"].lower()
        self._gate.need(token, READ_OWN if own else READ_ALL)
        person = self._gate.named(token, request.match_info["id"])
        return self._answer(person, own=own)

    async def many(self, request: web.Request) -> web.Response:
        """The presence of up to 650 people; unknown ones are left out, or padded if told to.

        Raises:
            GraphError: The token does not allow it, or the body is wrong.
        """
        token = self._gate.pass_token(request)
        self._gate.need(token, READ_ALL)
        ids = (await json_object(request)).get("ids")
        if not isinstance(ids, list) or not all(isinstance(oid, str) for oid in ids):
            raise GraphError(400, "The request body must have ids, a collection of user ids.")
        if not 0 < len(ids) <= BULK_LIMIT:
            raise GraphError(400, f"Between 1 and {BULK_LIMIT} ids are expected, got {len(ids)}.")
        found = (self._entry(token, oid) for oid in ids)
        body = context(self._simulation.address, "Collection(presence)")
        return web.json_response(body | {"value": [entry for entry in found if entry]})

    def _answer(self, person: Person, *, own: bool) -> web.Response:
        body = context(self._simulation.address, f"users('{person.oid}')/presence/$entity")
        resource = self._simulation.directory.presence_resource(person, own=own)
        return web.json_response(body | resource)

    def _entry(self, token: AccessToken, oid: str) -> dict[str, Any] | None:
        person = self._gate.visible(token, oid)
        if person is not None:
            return self._simulation.directory.presence_resource(person, own=False)
        if self._behaviour.pads_unknown_ids:
            return {"id": oid, "availability": "PresenceUnknown", "activity": "PresenceUnknown"}
        return None


def context(address: str, what: str) -> dict[str, Any]:
    """The first key of every good answer."""
    return {"@odata.context": f"{address}{ROOT}$metadata#{what}"}
