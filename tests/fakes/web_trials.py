"""Answers what the guided set-up asks about values."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bridge.config.tables.shared import MqttSettings
from bridge.config.tables.web import WebSettings
from bridge.contract.clock import Clock, SystemClock
from bridge.contract.errors import TryAgainError
from bridge.contract.found_broker import FoundBroker
from bridge.contract.registration import Registration
from bridge.web.access.building import guard_of
from bridge.web.access.one_time_link import OneTimeLink
from bridge.web.refused import MistakeError
from bridge.web.set_up.steps import SetUp
from tests.fakes.web_serving import QUICK, served


@dataclass
class CannedTrials:
    """One broker that lets ``me`` in, and one tenant."""

    host: str = "localhost"
    password: str | None = "s3cret"
    name: str = "contoso.com"
    tried: list[str] = field(default_factory=list)
    found: tuple[FoundBroker, ...] = (FoundBroker("localhost", 1883, asks_who=True),)

    async def brokers(self) -> tuple[FoundBroker, ...]:
        return self.found

    async def broker(self, settings: MqttSettings) -> None:
        self.tried.append(settings.host)
        if settings.host != self.host:
            raise TryAgainError(f"broker {settings.address} cannot be reached: refused.")
        given = settings.password.get_secret_value() if settings.password else None
        if given != self.password:
            raise MistakeError(
                "The broker does not know this user.",
                remedy="Check its password.",
                field="password",
            )

    async def registration(self, wanted: Registration) -> None:
        self.tried.append(wanted.tenant)
        if wanted.tenant != self.name:
            raise MistakeError("The tenant does not exist.", remedy="Check it.", field="tenant")


@dataclass
class RunningSetUp:
    """A set-up that listens on ``port`` and writes into ``folder``."""

    port: int
    folder: Path
    trials: CannedTrials
    done: asyncio.Task[None]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"


@asynccontextmanager
async def setting_up(
    folder: Path,
    *,
    trials: CannedTrials | None = None,
    clock: Clock | None = None,
    settings: Mapping[str, object] | None = None,
    given: MqttSettings | None = None,
    zone: str | None = None,
    link: OneTimeLink | None = None,
) -> AsyncIterator[RunningSetUp]:
    """A guided set-up until the end of the block."""
    chosen = WebSettings.model_validate({"port": 0, **(settings or {})})
    answers, time = trials or CannedTrials(), clock or SystemClock()
    server = SetUp(
        chosen,
        file=folder / "config.toml",
        given=given,
        trials=answers,
        guard=guard_of(chosen, folder / "state", time, link=link, cost=QUICK),
        clock=time,
        zone=zone,
    )
    async with served(server) as (listening, running):
        yield RunningSetUp(listening, folder, answers, running)
