"""What every answer of identity and Graph has: its ids, the time, and errors as JSON."""

from __future__ import annotations

from email.utils import format_datetime

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bridge.demo.aadsts import Refusal
from bridge.demo.graph import ROOT, GraphError
from bridge.demo.simulation import Simulation

DIAGNOSTIC = (
    '{"ServerInfo":{"DataCenter":"Simulated","Slice":"E","Ring":"1","ScaleUnit":"000",'
    '"RoleInstance":"DEMO"}}'
)


def door(simulation: Simulation) -> Middleware:
    """The middleware in front of all endpoints."""

    @web.middleware
    async def answered(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.match_info.route.name is None:  # not of Microsoft, or no endpoint at all
            return await handler(request)
        now, own_id = simulation.clock.now(), simulation.new_id()
        asked_id = request.headers.get("client-request-id", own_id)
        try:
            response = await handler(request)
        except GraphError as error:
            body = error.body(now=now, request_id=own_id, client_request_id=asked_id)
            response = web.json_response(body, status=error.status, headers=error.headers)
        except Refusal as refused:
            body = refused.body(now=now, trace_id=own_id, correlation_id=asked_id)
            response = web.json_response(body, status=refused.kind.status)
        ids = {"client-request-id": asked_id, "Date": format_datetime(now, usegmt=True)}
        if request.path.startswith(ROOT):
            ids |= {"request-id": own_id, "x-ms-ags-diagnostic": DIAGNOSTIC}
        else:
            ids |= {"x-ms-request-id": own_id}
        response.headers.update(ids)
        return response

    return answered
