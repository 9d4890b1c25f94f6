"""The simulated Microsoft Graph. Its errors are worded by the door in front of it."""

from __future__ import annotations

from aiohttp import web

from bridge.demo.graph.gate import Gate
from bridge.demo.graph.people import People
from bridge.demo.graph.presence import PresenceReads
from bridge.demo.graph.wire import GraphError
from bridge.demo.graph.writes import PresenceWrites
from bridge.demo.simulation import Simulation


def graph_routes(simulation: Simulation, gate: Gate) -> list[web.RouteDef]:
    """All endpoints below ``/v1.0``, named; what is left over is a bad request."""

    async def nothing_here(request: web.Request) -> web.Response:
        gate.pass_token(request)
        segment = request.path.rpartition("/")[2]
        raise GraphError(400, f"Resource not found for the segment '{segment}'.")

    parts = [part(simulation, gate) for part in (People, PresenceReads, PresenceWrites)]
    return [
        *(route for part in parts for route in part.routes()),
        web.route("*", "/v1.0/{rest:.*}", nothing_here, name="graph.other"),
    ]
