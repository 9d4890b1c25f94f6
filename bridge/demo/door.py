"""What every answer of identity and Graph has: its ids, the time, and errors as JSON.

It never knows what an endpoint does.
"""

from __future__ import annotations

from email.utils import format_datetime

from aiohttp import web
from aiohttp.typedefs import Handler

from bridge.demo.aadsts import Refusal
from bridge.demo.endpoints import GRAPH_ENDPOINTS, endpoint_of
from bridge.demo.graph.wire import GraphError
from bridge.demo.simulation import Simulation

DIAGNOSTIC = (
    '{"ServerInfo":{"DataCenter":"Simulated","Slice":"E","Ring":"1","ScaleUnit":"000",'
    '"RoleInstance":"DEMO"}}'
)


class Door:
    """Middleware of the server."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let the endpoint answer."""
        endpoint = await endpoint_of(request)
        if endpoint is None:
            return await handler(request)
        ids = self._ids(request, graph=endpoint in GRAPH_ENDPOINTS)
        try:
            response = await handler(request)
        except GraphError as error:
            response = self._graph_error(error, ids)
        except Refusal as refused:
            response = self._refused(refused, ids)
        response.headers.update(ids)
        return response

    def _graph_error(self, error: GraphError, ids: dict[str, str]) -> web.Response:
        body = error.body(
            now=self._simulation.clock.now(),
            request_id=ids["request-id"],
            client_request_id=ids["client-request-id"],
        )
        return web.json_response(body, status=error.status, headers=error.headers)

    def _refused(self, refused: Refusal, ids: dict[str, str]) -> web.Response:
        body = refused.body(
            now=self._simulation.clock.now(),
            trace_id=ids["x-ms-request-id"],
            correlation_id=ids["client-request-id"],
        )
        return web.json_response(body, status=refused.kind.status)

    def _ids(self, request: web.Request, *, graph: bool) -> dict[str, str]:
        request_id = self._simulation.new_id()
        shared = {
            "client-request-id": request.headers.get("client-request-id", request_id),
            "Date": format_datetime(self._simulation.clock.now(), usegmt=True),
        }
        if graph:
            return shared | {"request-id": request_id, "x-ms-ags-diagnostic": DIAGNOSTIC}
        return shared | {"x-ms-request-id": request_id}
