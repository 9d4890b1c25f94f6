"""A whole world in one process: Microsoft, people, a broker, a bridge, lamps. Never decides what
happens in it: a story does.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from bridge.broker.session import Limits
from bridge.config.tables.config import Config
from bridge.config.tables.shared import MqttSettings
from bridge.contract.errors import ConfigError
from bridge.contract.topics import Topics
from bridge.service.followed_accounts import ALONE_MOST
from bridge.service.service import Service
from drivers.runtime.runner import Runner
from drivers.settings import Common, LampConfig
from tests.fakes.microsoft.directory import Person
from tests.world.broker import MemoryBroker, Nature
from tests.world.clock import HostClock
from tests.world.lamp import Bulb, Hand, NoOptions, die, kind_of
from tests.world.link import Way
from tests.world.logbook import Logbook
from tests.world.loop import VirtualLoop
from tests.world.microsoft import MemoryMicrosoft, snake
from tests.world.network import Network
from tests.world.options import NAMES, WATCHED, Options
from tests.world.people import Office
from tests.world.process import Folder, Life, Process, Program

TABLE = "team"
LEAD = "lena"


@dataclass
class Lamp:
    """A bulb, and the process that drives it."""

    bulb: Bulb
    common: Common
    process: Process
    commands: int = 0
    """What came on ``light/set``: what it does then and what it says of that are two moments."""


class World:
    """Everything there is."""

    def __init__(self, options: Options, folder: Path, loop: VirtualLoop) -> None:
        self.options, self._folder = options, folder
        self._loop, self._executor = loop, loop.executor(64)
        self.topics = Topics()
        self.time = HostClock(loop)
        """The true one, which Microsoft has."""
        self.broker = MemoryBroker(
            Nature(
                speaks_5=options.speaks_5,
                tells_takeover=options.tells_takeover,
                sends_will_at_takeover=options.will_at_takeover,
                limits=Limits(
                    maximum_qos=options.maximum_qos,
                    maximum_packet_size=options.maximum_packet_size,
                ),
            )
        )
        self.microsoft = MemoryMicrosoft(self.time, Random(f"microsoft {options.seed}"))
        self.microsoft.tokens.expires_in_s = options.token_s
        self.network = Network(self.microsoft, self.time, self.random("network"))
        self.logbook = Logbook(loop, folder)
        self.named: dict[str, Person] = {}
        """Who has an account of their own, by slug."""
        self.watched: dict[str, Person] = {}
        """Who can be in the table, by the slug that they have there."""
        self.accounts: dict[str, dict[str, Any]] = {}
        """``[accounts]`` as the config file has it now."""
        self.lead: Person | None = None
        """Who signs in for the table."""
        self._fill()
        self.office = Office(self)
        self.bridge = self._process("bridge", self._bridge)
        self.bridge.clock.stepped = self.bridge.memory_lost = self.network.forgive
        self.service: Service | None = None
        self.lamps = [self._lamp(f"lamp{number}") for number in range(options.lamps)]

    def random(self, name: str) -> Callable[[], float]:
        """Numbers of a seed of their own, so that nobody takes another's."""
        return Random(f"{name} {self.options.seed}").random

    @property
    def processes(self) -> list[Process]:
        """All of them."""
        return [self.bridge, *(lamp.process for lamp in self.lamps)]

    @property
    def now_s(self) -> float:
        """Virtual seconds since the beginning."""
        return asyncio.get_running_loop().time()

    def client_id(self, process: Process) -> str:
        """What a process calls itself at the broker."""
        if process is self.bridge:
            return MqttSettings().client_id_of("bridge")
        return MqttSettings().client_id_of(f"driver-{process.name}")

    def comes_back(self, process: Process) -> bool:
        """Whether a command for a lamp gets through to it now."""
        link = self.broker.link_of(self.client_id(process))
        life = process.life
        is_open = life is not None and life.way.is_well and life.way.connected
        topic = self.topics.light(process.name, "set")
        return is_open and link is not None and link.wants(topic) and self.broker.is_well

    def followed(self) -> dict[str, Person]:
        """Whom the config follows, by slug."""
        table = self.accounts.get(TABLE, {}).get("watch", ())
        return {
            **{slug: person for slug, person in self.named.items() if slug in self.accounts},
            **{slug: person for slug, person in self.watched.items() if person.upn in table},
        }

    def config(self) -> Config:
        """What the config file says now."""
        return Config.model_validate(
            self._common(self.bridge)
            | {
                "microsoft": {
                    "tenant": self.microsoft.tenant.domain,
                    "client_id": self.microsoft.app.client_id,
                },
                "web": {"enabled": False},
                "accounts": self.accounts,
            }
        )

    def shown(self, slug: str) -> str:
        """What Microsoft knows of somebody now, in the contract's words."""
        person = self.named.get(slug) or self.watched[slug]
        state = self.microsoft.directory.facts_of(person).shown
        return f"{snake(state.availability)}/{snake(state.activity)}"

    def request(self, command: str, account: str | None = None) -> None:
        """Somebody presses a button in Home Assistant."""
        if self.broker.up:
            body = {"account": account} if account else {}
            self.broker.publish(self.topics.request(command), json.dumps(body).encode())

    def reload(self) -> None:
        """SIGHUP."""
        if self.service is not None and self.bridge.life is not None:
            try:
                self.service.reload()
            except ConfigError as error:
                self.bridge.problems.append(f"a reload was refused: {error}")
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the bridge's
                self.bridge.problems.append(f"a reload failed: {error!r}")

    def _fill(self) -> None:
        directory, tenant = self.microsoft.directory, self.microsoft.tenant
        for name in NAMES[: self.options.people]:
            self.named[name] = directory.add_person(tenant, f"{name}@{tenant.domain}")
            self.accounts[name] = {"name": name.title()}
        if self.options.watched:
            for name in WATCHED:
                person = directory.add_person(tenant, f"{name}@{tenant.domain}")
                self.watched[f"{TABLE}_{name}"] = person
            self.lead = directory.add_person(tenant, f"{LEAD}@{tenant.domain}")
            names = WATCHED[: self.options.watched]
            self.accounts[TABLE] = {"watch": [f"{name}@{tenant.domain}" for name in names]}

    def _process(self, name: str, program: Program) -> Process:
        return Process(
            name,
            Folder(self._folder / name),
            program=program,
            way=self._way,
            clock=HostClock(self._loop),
        )

    def _common(self, process: Process) -> dict[str, Any]:
        return {
            "state_dir": process.folder.path,
            "time_zone": "UTC",
            "mqtt": {"host": "broker"},
            "homeassistant": {"enabled": self.options.homeassistant},
        }

    def _way(self) -> Way:
        way = Way(self.broker, self.random(f"way {self.now_s}"))
        way.latency_s = self.options.latency_ms / 1000
        return way

    async def _bridge(self, life: Life) -> bool:
        http = self.network.way()
        life.at_death.append(http.die)
        self.service = service = Service(
            self.config(),
            read_config=self.config,
            clock=self.bridge.clock,
            random=self.random(life.name),
            connect=life.way.connect,
            open_http=http.open,
            executor=self._executor,
            alone_most=1 if self.options.large else ALONE_MOST,
        )
        life.stop = service.stop
        await service.run()
        return service.restart_wanted

    def _lamp(self, name: str) -> Lamp:
        options, bulb = self.options, Bulb()
        outside = "give_back" if options.give_back else "off"
        schedule = {"schedule": {"hours": "09:05-09:25", "outside": outside}}
        looks = {"looks": {"available": {"give_back": True}}}
        common = Common.model_validate(
            {"kind": "bulb", "respect_others": options.respect_others}
            | (schedule if options.schedule else {})
            | (looks if options.give_back else {})
        )

        async def program(life: Life) -> bool:
            hands: list[Hand] = []
            kind = kind_of(bulb, moves=options.moves, readable=options.readable, opened=hands)
            life.at_death.append(lambda: die(hands))
            config = Config.model_validate(self._common(process))
            runner = Runner(
                LampConfig(name, config, common, kind, NoOptions()),
                clock=process.clock,
                random=self.random(life.name),
                connect=life.way.connect,
            )
            running = asyncio.current_task()
            assert running is not None
            life.stop = running.cancel
            try:
                await runner.run()
            except asyncio.CancelledError:
                running.uncancel()
            return False

        process = self._process(name, program)
        return Lamp(bulb, common, process)
