"""The simulated Microsoft as one TLS server. Never reaches anything outside of this machine."""

from __future__ import annotations

from pathlib import Path
from random import Random, SystemRandom
from types import TracebackType
from typing import Self

from aiohttp import web
from aiohttp.typedefs import Middleware

from bridge.contract.clock import Clock, SystemClock
from bridge.demo.authorize import Authorize
from bridge.demo.certificate import ServerCertificate
from bridge.demo.codes import AutoApproval, DeviceCodes
from bridge.demo.control import control_routes
from bridge.demo.directory import Directory, Person
from bridge.demo.door import Door
from bridge.demo.graph import graph_routes
from bridge.demo.graph.gate import Gate
from bridge.demo.identity import Identity
from bridge.demo.page import VerificationPage
from bridge.demo.simulation import Behaviour, Simulation
from bridge.demo.throttle import Throttle
from bridge.demo.tokens import REVOKED, Tokens


class SimulatedMicrosoft:
    """Identity and Graph on one port; clients need only its addresses and its authority's file.

    Args:
        directory: Who exists.
        certificate: Shown to clients; must cover ``name``.
        host: The address to listen on.
        port: 0 takes a free one.
        name: The host in all addresses that are given out.
        clock: The simulator's time: tokens, codes, throttle, delays.
        random: Where ids and codes come from.
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
        self._gate = Gate(self._simulation)
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

    @property
    def control_url(self) -> str:
        """Where somebody who watches changes a presence: ``https://host:port/control``."""
        return f"{self._simulation.address}/control"

    @property
    def throttle(self) -> Throttle:
        """Graph's request limit; none unless its ``limit`` is set."""
        return self._gate.throttle

    @property
    def behaviour(self) -> Behaviour:
        """What Microsoft does one way or the other."""
        return self._simulation.behaviour

    def middlewares(self) -> list[Middleware]:
        """What requests and answers pass, the first outermost."""
        return [Door(self._simulation).middleware]

    def approve(self, user_code: str, person: Person) -> None:
        """``person`` types the code and signs in.

        Raises:
            KeyError: No such code waits.
        """
        self.codes.approve(user_code, person)

    def decline(self, user_code: str) -> None:
        """Somebody types the code and presses cancel.

        Raises:
            KeyError: No such code waits.
        """
        self.codes.decline(user_code)

    def auto_approve(self, person: Person | None, *, after_s: float = 0) -> None:
        """From now on ``person`` approves every code after so many seconds; ``None``: nobody."""
        self.codes.auto_approval = AutoApproval(person, after_s) if person else None

    def revoke(self, person: Person, *, code: int = REVOKED, access_tokens: bool = True) -> None:
        """End all sign-ins of ``person``; ``code`` is the AADSTS number that clients meet.

        Without ``access_tokens`` those stay good until their time is over.
        """
        self.tokens.revoke(person.oid, code=code)
        if access_tokens:
            self.tokens.revoke_access(person.oid)

    async def __aenter__(self) -> Self:
        """Start to listen.

        Raises:
            OSError: The port is taken.
        """
        identity = Identity(self._simulation)
        app = web.Application(middlewares=self.middlewares())
        for part in (
            VerificationPage(self._simulation),
            identity,
            Authorize(self._simulation, identity),
        ):
            app.add_routes(part.routes())
        app.add_routes(graph_routes(self._simulation, self._gate))
        app.add_routes(control_routes(self.directory))
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

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
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
