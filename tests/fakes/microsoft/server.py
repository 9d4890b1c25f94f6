"""The simulated Microsoft as one TLS server."""

from __future__ import annotations

from email.utils import format_datetime
from functools import partial
from pathlib import Path
from random import Random, SystemRandom
from typing import Self

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bridge.contract.clock import Clock, SystemClock
from bridge.demo.certificate import ServerCertificate
from tests.fakes.microsoft.aadsts import Refusal
from tests.fakes.microsoft.authorize import Authorize
from tests.fakes.microsoft.behaviour import Behaviour
from tests.fakes.microsoft.client_credentials import by_client_credentials
from tests.fakes.microsoft.codes import AutoApproval, DeviceCodes
from tests.fakes.microsoft.directory import Directory, Person
from tests.fakes.microsoft.gate import Gate
from tests.fakes.microsoft.grants import GRANTS
from tests.fakes.microsoft.graph_errors import GraphError
from tests.fakes.microsoft.identity import Identity
from tests.fakes.microsoft.page import VerificationPage
from tests.fakes.microsoft.people import People
from tests.fakes.microsoft.presences import ROOT, Presences
from tests.fakes.microsoft.simulation import Simulation
from tests.fakes.microsoft.throttle import Throttle
from tests.fakes.microsoft.tokens import Tokens
from tests.fakes.microsoft.writes import PresenceWrites

DIAGNOSTIC = (
    '{"ServerInfo":{"DataCenter":"Simulated","Slice":"E","Ring":"1","ScaleUnit":"000",'
    '"RoleInstance":"DEMO"}}'
)


class SimulatedMicrosoft:
    """Identity and Graph on one port; clients need only its addresses and its authority's file.

    ``name`` is the host in all addresses that are given out, which ``certificate`` covers; port 0
    takes a free one.
    """

    def __init__(
        self,
        directory: Directory,
        certificate: ServerCertificate,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        name: str = "localhost",
        clock: Clock | None = None,
        random: Random | None = None,
    ) -> None:
        self._certificate, self._host, self._port, self._name = certificate, host, port, name
        clock, random = clock or SystemClock(), random or SystemRandom()
        self.directory = directory
        self.tokens = Tokens(clock, random)
        self.codes = DeviceCodes(clock, random)
        self._simulation = Simulation(clock, random, directory, self.tokens, self.codes)
        self.behaviour = Behaviour()
        """What Microsoft does one way or the other."""
        self.throttle = Throttle(clock)
        """Graph's request limit; none unless its ``limit`` is set."""
        self._gate = Gate(self._simulation, self.throttle)
        self._runner: web.AppRunner | None = None

    @property
    def ca_file(self) -> Path:
        """The authority that clients must trust."""
        return self._certificate.ca_file

    @property
    def login_url(self) -> str:
        """Where tenants are found: ``https://host:port``."""
        return self._simulation.address

    @property
    def graph_url(self) -> str:
        """Graph with its version: ``https://host:port/v1.0``."""
        return f"{self._simulation.address}/v1.0"

    def middlewares(self) -> list[Middleware]:
        """What requests and answers pass, the first outermost."""
        return [door(self._simulation)]

    def auto_approve(self, person: Person | None, *, after_s: float = 0) -> None:
        """From now on ``person`` approves every code after so many seconds; ``None``: nobody."""
        self.codes.auto_approval = AutoApproval(person, after_s) if person else None

    async def __aenter__(self) -> Self:
        """Start to listen. Raises ``OSError`` where the port is taken."""
        simulation, gate = self._simulation, self._gate
        as_itself = partial(by_client_credentials, self.behaviour)
        identity = Identity(simulation, {**GRANTS, "client_credentials": as_itself})
        app = web.Application(middlewares=self.middlewares())
        app.add_routes(
            [
                *VerificationPage(simulation).routes(),
                *identity.routes(),
                *Authorize(simulation, identity).routes(),
                *People(simulation, gate).routes(),
                *Presences(simulation, gate, self.behaviour).routes(),
                *PresenceWrites(simulation, gate).routes(),
                web.route("*", f"{ROOT}{{rest:.*}}", self._nothing_here, name="graph.other"),
            ]
        )
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0
        )
        await self._runner.setup()
        site = web.TCPSite(
            self._runner, self._host, self._port, ssl_context=self._certificate.server_context()
        )
        try:
            await site.start()
        except OSError:
            await self._runner.cleanup()
            raise
        self._port = self._runner.addresses[0][1]
        self._simulation.address = f"https://{self._name}:{self._port}"
        return self

    async def _nothing_here(self, request: web.Request) -> web.Response:
        """All that is left over of Graph: a bad request."""
        self._gate.pass_token(request)
        segment = request.path.rpartition("/")[2]
        raise GraphError(400, f"Resource not found for the segment '{segment}'.")

    async def __aexit__(self, *_: object) -> None:
        """Stop to listen and drop every connection, whatever it waits for.

        A polite end of TLS would wait for clients that keep connections open and do not read.
        """
        if self._runner is None:
            return
        for connection in self._runner.server.connections if self._runner.server else ():
            if connection.transport is not None:
                connection.transport.abort()
        await self._runner.cleanup()
        self._runner = None


def door(simulation: Simulation) -> Middleware:
    """What every answer of identity and Graph has: its ids, the time, and errors as JSON."""

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
