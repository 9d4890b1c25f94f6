"""What every request to identity and Graph passes: the log, scripted faults, errors as JSON.

It never knows what an endpoint does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any

from aiohttp import web

from bridge.demo.aadsts import Refusal, refusal
from bridge.demo.directory import Person
from bridge.demo.faults.request_log import LoggedRequest, RequestLog
from bridge.demo.faults.script import (
    GRAPH_ENDPOINTS,
    IDENTITY_ENDPOINTS,
    Cut,
    Fault,
    Faults,
    nonsense_body,
)
from bridge.demo.grants import grant_name
from bridge.demo.graph.wire import GraphError, bearer, challenged
from bridge.demo.identity import text_form
from bridge.demo.simulation import Simulation

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

DIAGNOSTIC = (
    '{"ServerInfo":{"DataCenter":"Simulated","Slice":"E","Ring":"1","ScaleUnit":"000",'
    '"RoleInstance":"DEMO"}}'
)
TOO_MANY = 429
SERVER_ERROR = 500


@dataclass(frozen=True)
class _Caller:
    """Who a request is for, as far as its token or code tells."""

    person: Person | None = None
    client_id: str | None = None
    tenant: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return (self.person.oid, self.person.upn.lower()) if self.person else ()


class Door:
    """Middleware of the server."""

    def __init__(self, simulation: Simulation, faults: Faults, log: RequestLog) -> None:
        self._simulation, self._faults, self._log = simulation, faults, log

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Log, stumble if scripted so, answer."""
        endpoint = await _endpoint(request)
        if endpoint is None:
            return await handler(request)
        body = await request.read()
        caller = await self._caller(request, endpoint)
        entry = LoggedRequest(
            method=request.method,
            path=request.path_qs,
            endpoint=endpoint,
            at=self._simulation.clock.now(),
            at_s=self._simulation.clock.monotonic(),
            headers={key.lower(): value for key, value in request.headers.items()},
            body=body,
            person=caller.person.upn if caller.person else None,
            client_id=caller.client_id,
            tenant=caller.tenant,
        )
        self._log.add(entry)
        fault = self._faults.take(endpoint, caller.names)
        if fault and fault.delay_s:
            await self._simulation.clock.sleep(fault.delay_s)
        response = await self._answer(request, handler, endpoint, fault)
        entry.status = 0 if fault and fault.cut else response.status
        if fault and fault.cut:
            return await _cut(request, response, fault.cut)
        if fault and fault.drip_s:
            return await self._drip(request, response, fault.drip_s)
        return response

    async def _drip(
        self, request: web.Request, response: web.Response, every_s: float
    ) -> web.StreamResponse:
        """Answer a byte at a time, until nobody listens any more."""
        body = response.body
        assert isinstance(body, bytes)
        drops = web.StreamResponse(status=response.status, headers=response.headers)
        await drops.prepare(request)
        with suppress(ConnectionError):
            for position in range(len(body)):
                await drops.write(body[position : position + 1])
                await self._simulation.clock.sleep(every_s)
        return drops

    async def _answer(
        self, request: web.Request, handler: Handler, endpoint: str, fault: Fault | None
    ) -> web.Response:
        graph = endpoint in GRAPH_ENDPOINTS
        ids = self._ids(request, graph=graph)
        try:
            if fault and fault.answers:
                response = self._scripted(fault, ids, graph=graph)
            else:
                answer = await handler(request)
                assert isinstance(answer, web.Response)
                response = answer
        except GraphError as error:
            response = web.json_response(
                error.body(
                    now=self._simulation.clock.now(),
                    request_id=ids["request-id"],
                    client_request_id=ids["client-request-id"],
                ),
                status=error.status,
                headers=error.headers,
            )
        except Refusal as refused:
            response = self._refused(refused, ids)
        response.headers.update(ids)
        if fault:
            response.headers.update(fault.headers)
            if fault.retry_after is not None:
                response.headers["Retry-After"] = str(fault.retry_after)
        return response

    def _scripted(self, fault: Fault, ids: dict[str, str], *, graph: bool) -> web.Response:
        """The answer that ``fault`` is.

        Raises:
            GraphError: It is one of Graph's own errors.
            Refusal: It is one of Entra's own errors.
        """
        if fault.aadsts is not None:
            raise refusal(fault.aadsts)
        if fault.challenge is not None:
            raise challenged(self._simulation.address, fault.challenge)
        body, content_type = fault.body, fault.content_type
        if fault.nonsense:
            body, content_type = nonsense_body(fault.nonsense)
        status = fault.status or 200
        if body is not None:
            return web.Response(status=status, body=body, content_type=content_type)
        if graph:
            raise GraphError(status, "Scripted by the simulator.")
        return self._identity_trouble(status, ids)

    def _identity_trouble(self, status: int, ids: dict[str, str]) -> web.Response:
        if status >= SERVER_ERROR:
            html = b"<html><body>Sorry, but we're having trouble signing you in.</body></html>"
            return web.Response(status=status, body=html, content_type="text/html")
        refused = refusal(90055 if status == TOO_MANY else 9002313)
        return self._refused(refused, ids, status=status)

    def _refused(
        self, refused: Refusal, ids: dict[str, str], *, status: int | None = None
    ) -> web.Response:
        body = refused.body(
            now=self._simulation.clock.now(),
            trace_id=ids["x-ms-request-id"],
            correlation_id=ids["client-request-id"],
        )
        return web.json_response(body, status=status or refused.kind.status)

    def _ids(self, request: web.Request, *, graph: bool) -> dict[str, str]:
        request_id = self._simulation.new_id()
        shared = {
            "client-request-id": request.headers.get("client-request-id", request_id),
            "Date": format_datetime(self._simulation.clock.now(), usegmt=True),
        }
        if graph:
            return shared | {"request-id": request_id, "x-ms-ags-diagnostic": DIAGNOSTIC}
        return shared | {"x-ms-request-id": request_id}

    async def _caller(self, request: web.Request, endpoint: str) -> _Caller:
        directory, tokens = self._simulation.directory, self._simulation.tokens
        if endpoint in GRAPH_ENDPOINTS:
            token = bearer(tokens, request)
            if token is None:
                return _Caller()
            person = directory.person(token.oid) if token.oid else None
            return _Caller(person, token.client_id, token.tenant_id)
        form: dict[str, Any] = await text_form(request)
        person = self._simulation.codes.person_of(form.get("device_code", ""))
        if refresh := tokens.refresh(form.get("refresh_token", "")):
            person = directory.person(refresh.oid)
        if code := self._simulation.authorizations.get(form.get("code", "")):
            person = code.person
        client_id = form.get("client_id") or request.query.get("client_id")
        return _Caller(person, client_id, request.match_info.get("tenant"))


async def _endpoint(request: web.Request) -> str | None:
    """The name of the endpoint; ``None`` for what is not Microsoft's, and for no endpoint."""
    name = request.match_info.route.name
    if name == "token":
        name = f"token.{grant_name((await text_form(request)).get('grant_type', ''))}"
    return name if name in IDENTITY_ENDPOINTS + GRAPH_ENDPOINTS else None


async def _cut(request: web.Request, response: web.Response, where: Cut) -> web.StreamResponse:
    """Break the connection of ``request``; what is returned is written to nobody."""
    if where is Cut.IN_BODY:
        body = response.body
        assert isinstance(body, bytes)
        partial = web.StreamResponse(status=response.status)
        partial.content_type, partial.content_length = response.content_type, len(body)
        await partial.prepare(request)
        await partial.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
