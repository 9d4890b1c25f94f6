"""A world with two bridges of one base topic, and what can happen to one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from random import Random

from bridge.config.tables.config import Config
from bridge.service.followed_accounts import ALONE_MOST
from bridge.service.service import Service
from tests.world.loop import VirtualLoop
from tests.world.network import Network
from tests.world.options import Options
from tests.world.process import Life, Process
from tests.world.world import World

NODES = ("a", "b")
TO_THE_BROKER = ("freeze", "lost", "cut", "slow")
ENDS = ("kill", "stop", "both", "unwilled")
FAULTS = (*TO_THE_BROKER, *ENDS, "clock", "broker", "nothing")


class Pair(World):
    """A world with two bridges, each with a way of its own to broker and Microsoft.

    ``twins``: somebody has given both one name.
    """

    def __init__(
        self, options: Options, folder: Path, loop: VirtualLoop, *, twins: bool = False
    ) -> None:
        self.twins = twins
        super().__init__(options, folder, loop)
        self.services: dict[str, Service] = {}
        self.networks: dict[str, Network] = {}
        self.nodes = {node: self._node(node) for node in NODES}

    def client_id(self, process: Process) -> str:
        """Both have the same when they serve."""
        return super().client_id(self.bridge)

    @property
    def serves(self) -> list[str]:
        """Which of them serve, by their own opinion."""
        alive = [name for name, process in self.nodes.items() if process.life]
        leases = {name: service._parts._lease for name, service in self.services.items()}
        return [name for name in alive if (lease := leases.get(name)) and lease.serves]

    def _node(self, node: str) -> Process:
        network = Network(self.microsoft, self.time, self.random(f"network {node}"))
        self.networks[node] = network

        async def program(life: Life) -> bool:
            http = network.way()
            life.at_death.append(http.die)
            config = self.config().model_dump(exclude_unset=True) | {
                "state_dir": process.folder.path,
                "standby": {"node": NODES[0] if self.twins else node},
            }
            service = Service(
                Config.model_validate(config),
                clock=process.clock,
                random=self.random(life.name),
                connect=life.way.connect,
                open_http=http.open,
                executor=self._executor,
                alone_most=1 if self.options.large else ALONE_MOST,
            )
            self.services[node] = service
            life.stop = service.stop
            await service.run()
            return service.restart_wanted

        process = self._process(node, program)
        return process


def begin(what: str, world: Pair, process: Process, random: Random) -> Callable[[], object]:
    """Let ``what`` of ``FAULTS`` happen to ``process``; what ends it."""
    if what in TO_THE_BROKER:
        return _to_the_broker(what, process)
    if what in ENDS:
        return _ends(what, world, process)
    if what == "clock":
        process.clock.step(random.choice((-400.0, -7.0, 30.0, 3600.0)))
    if what == "broker":
        world.broker.go()
        memory = random.random() < 0.5
        return lambda: world.broker.come(with_memory=memory)
    return lambda: None


def _to_the_broker(what: str, process: Process) -> Callable[[], object]:
    way = process.life.way if process.life else None
    if way and what == "cut":
        way.cut()
    elif way and what == "slow":
        way.each_s = 0.05
        return lambda: setattr(way, "each_s", 0.0)
    elif way:
        way.silence()
        return way.speak
    return lambda: None


def _ends(what: str, world: Pair, process: Process) -> Callable[[], object]:
    if what == "stop":
        stopping = asyncio.create_task(process.stop(), name="stop")
        return lambda: stopping.add_done_callback(lambda _: process.start())
    if what == "unwilled":
        world.broker.go()  # and nobody's will is said
    hit = list(world.nodes.values()) if what == "both" else [process]
    for each in hit:
        each.wanted = False
        each.kill()
    if what == "unwilled":
        world.broker.come()

    def start() -> None:
        for each in hit:
            each.start()

    return start
