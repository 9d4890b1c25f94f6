"""The simulated Microsoft, where faults can be ordered and requests are logged."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from tests.fakes.microsoft.aadsts import Refusal, refusal
from tests.fakes.microsoft.directory import Person
from tests.fakes.microsoft.endpoints import GRAPH_ENDPOINTS, endpoint_of
from tests.fakes.microsoft.faults import Cut, Fault, Faults, nonsense_body
from tests.fakes.microsoft.graph_errors import TOO_MANY, GraphError, challenged
from tests.fakes.microsoft.identity import text_form
from tests.fakes.microsoft.request_log import LoggedRequest, RequestLog
from tests.fakes.microsoft.server import SimulatedMicrosoft
from tests.fakes.microsoft.tokens import REVOKED

SERVER_ERROR = 500
TOO_MANY_REQUESTS, MALFORMED = 90055, 9002313
_FAULT = web.RequestKey("fault", Fault)


@dataclass(frozen=True)
class _Caller:
    """Who a request is for, as far as its token or code says."""

    person: Person | None = None
    client_id: str | None = None
    tenant: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return (self.person.oid, self.person.upn.lower()) if self.person else ()


class ScriptedMicrosoft(SimulatedMicrosoft):
    """Fails as ``faults`` say, and notes what arrives."""

    @cached_property
    def faults(self) -> Faults:
        """What is to go wrong."""
        return Faults()

    @cached_property
    def requests(self) -> RequestLog:
        """What arrived."""
        return RequestLog()

    def approve(self, user_code: str, person: Person) -> None:
        """``person`` types the code and signs in."""
        self.codes.approve(user_code, person)

    def decline(self, user_code: str) -> None:
        """Somebody types the code and presses cancel."""
        self.codes.decline(user_code)

    def revoke(self, person: Person, *, code: int = REVOKED, access_tokens: bool = True) -> None:
        """End all sign-ins of ``person``; ``code`` is the AADSTS number that clients meet.

        Without ``access_tokens`` those stay good until their time is over.
        """
        self.tokens.revoke(person.oid, code=code)
        if access_tokens:
            self.tokens.revoke_access(person.oid)

    def middlewares(self) -> list[Middleware]:
        """Connections break and answers change outside; answers are scripted at the endpoint."""
        return [self._outside, *super().middlewares(), self._at_the_endpoint]

    @web.middleware
    async def _outside(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        endpoint = await endpoint_of(request)
        if endpoint is None:
            return await handler(request)
        caller = await self._caller(request, endpoint)
        entry = await self._logged(request, endpoint, caller)
        fault = self.faults.take(endpoint, caller.names)
        if fault is None:
            response = await handler(request)
            entry.ended(response.status, self._simulation.clock.monotonic())
            return response
        request[_FAULT] = fault
        if fault.delay_s:
            await self._simulation.clock.sleep(fault.delay_s)
        answer = await handler(request)
        assert isinstance(answer, web.Response)
        answer.headers.update(fault.headers)
        if fault.retry_after is not None:
            answer.headers["Retry-After"] = str(fault.retry_after)
        entry.ended(0 if fault.cut else answer.status, self._simulation.clock.monotonic())
        if fault.cut:
            return await _cut(request, answer, fault.cut)
        return await self._drip(request, answer, fault.drip_s) if fault.drip_s else answer

    @web.middleware
    async def _at_the_endpoint(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        fault = request.get(_FAULT)
        if fault is None or not fault.answers:
            return await handler(request)
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
        if await endpoint_of(request) in GRAPH_ENDPOINTS:
            raise GraphError(status, "Scripted by the simulator.")
        return _identity_trouble(status)

    async def _logged(self, request: web.Request, endpoint: str, caller: _Caller) -> LoggedRequest:
        entry = LoggedRequest(
            method=request.method,
            path=request.path_qs,
            endpoint=endpoint,
            at=self._simulation.clock.now(),
            at_s=self._simulation.clock.monotonic(),
            headers={key.lower(): value for key, value in request.headers.items()},
            body=await request.read(),
            person=caller.person.upn if caller.person else None,
            client_id=caller.client_id,
            tenant=caller.tenant,
        )
        self.requests.add(entry)
        return entry

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

    async def _caller(self, request: web.Request, endpoint: str) -> _Caller:
        directory, tokens = self._simulation.directory, self._simulation.tokens
        if endpoint in GRAPH_ENDPOINTS:
            token = self._gate.bearer(request)
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


def _identity_trouble(status: int) -> web.Response:
    if status >= SERVER_ERROR:
        html = b"<html><body>Sorry, but we're having trouble signing you in.</body></html>"
        return web.Response(status=status, body=html, content_type="text/html")
    refused = refusal(TOO_MANY_REQUESTS if status == TOO_MANY else MALFORMED)
    raise Refusal(refused.code, replace(refused.kind, status=status), refused.text)


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
