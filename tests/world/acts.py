"""Does the steps of a story, and undoes them: when their time is over, or when all must be well."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

from bridge.config.state_file import RETRY_S
from bridge.contract.light import OFF, LightState
from tests.world.broker import Published
from tests.world.network import Trouble, Weather
from tests.world.options import NAMES
from tests.world.process import Process
from tests.world.story import Step
from tests.world.world import TABLE, Lamp, World

TOUCHES = {
    "off": OFF,
    "blue": LightState(color=(0, 0, 255), brightness=0.5),
    "warm": LightState(color=(255, 170, 90), brightness=0.8),
}
LIGHTS: dict[str, dict[str, Any]] = {
    "off": {"state": "OFF"},
    "on": {"state": "ON"},
    "color": {"state": "ON", "color": {"r": 1, "g": 2, "b": 3}, "brightness": 200},
    "dim": {"state": "ON", "brightness": 64},
    "presence": {"state": "ON", "effect": "presence"},
}


class Acts:
    """Everything that can happen to ``world``."""

    def __init__(self, world: World, own: Callable[[], Sequence[str]]) -> None:
        self._world, self._own = world, own
        self._undo: dict[int, Callable[[], None]] = {}
        self._count = 0
        self._earlier: dict[str, bytes] = {}
        self._commanded: set[str] = set()
        self._stopping: set[asyncio.Task[None]] = set()
        world.broker.watchers.append(self._keep_earlier)

    def do(self, step: Step) -> None:
        """Let it happen."""
        getattr(self, f"_{step.act}")(step)

    def heal(self) -> None:
        """End all that is wrong, at once."""
        for number in list(self._undo):
            self._end(number)
        world = self._world
        world.office.lazy.clear()
        for process in world.processes:
            process.folder.give_back()
            process.clock.set_right()
            process.start()
        for lamp in world.lamps:
            lamp.bulb.unreachable = lamp.bulb.refuses = False

    def is_off_presence(self, lamp: Lamp) -> bool:
        """Whether somebody commanded it, and nobody gave it back so that it heard and kept that."""
        return lamp.process.name in self._commanded

    async def settle(self) -> None:
        """Wait for stops that go on."""
        while self._stopping:
            await asyncio.wait(set(self._stopping))

    def _for(self, step: Step, undo: Callable[[], None]) -> None:
        """Call ``undo`` when the time of ``step`` is over."""
        self._count += 1
        number = self._count
        self._undo[number] = undo
        asyncio.get_running_loop().call_later(step.lasts_s, self._end, number)

    def _end(self, number: int) -> None:
        if undo := self._undo.pop(number, None):
            undo()

    def _slug(self, who: str) -> str:
        return NAMES[int(who.removeprefix("person"))] if who.startswith("person") else who

    def _process(self, name: str) -> Process:
        return next(process for process in self._world.processes if process.name == name)

    def _lamp(self, name: str) -> Lamp:
        return next(lamp for lamp in self._world.lamps if lamp.process.name == name)

    def _publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        if self._world.broker.up:
            self._world.broker.publish(topic, payload, retain=retain)

    # what people do

    def _presence(self, step: Step) -> None:
        world, slug = self._world, self._slug(step.who)
        person = world.named.get(slug) or world.watched[slug]
        availability, _, activity = step.how.partition("/")
        world.microsoft.directory.change(person, availability, activity)

    def _birth(self, step: Step) -> None:
        self._publish(self._world.topics.births[0], b"online")

    def _command(self, step: Step) -> None:
        asks_for_somebody = step.how in ("poll", "signin")
        self._world.request(step.how, self._slug(step.who) if asks_for_somebody else None)

    def _touch(self, step: Step) -> None:
        self._lamp(step.who).bulb.touch(TOUCHES[step.how])

    def _light(self, step: Step) -> None:
        payload = json.dumps(LIGHTS[step.how]).encode()
        process = self._process(step.who)
        self._lamp(step.who).commands += 1
        if step.how != "presence":
            self._commanded.add(step.who)
        elif self._world.comes_back(process) and process.folder.writable_for(RETRY_S):
            self._commanded.discard(step.who)
        self._publish(self._world.topics.light(step.who, "set"), payload)

    def _leave(self, step: Step) -> None:
        world, slug = self._world, self._slug(step.who)
        if slug not in world.accounts or len(world.accounts) == 1:
            return
        table = world.accounts.pop(slug)
        world.reload()

        def come_back() -> None:
            world.accounts[slug] = table
            world.reload()

        self._for(step, come_back)

    def _watch(self, step: Step) -> None:
        world = self._world
        if TABLE in world.accounts:
            domain = world.microsoft.tenant.domain
            world.accounts[TABLE] = {"watch": [f"{name}@{domain}" for name in step.how.split()]}
            world.reload()

    # Microsoft

    def _network(self, step: Step) -> None:
        word, _, number = step.how.partition(" ")
        weather = Weather(Trouble(word), status=int(number or 503))
        self._weather(step, weather)

    def _throttle(self, step: Step) -> None:
        status, wait_s, kind = step.how.split()
        weather = Weather(
            Trouble.ASKED_TO_WAIT,
            status=int(status),
            retry_after_s=int(wait_s),
            as_date=kind == "date",
        )
        self._weather(step, weather)

    def _weather(self, step: Step, weather: Weather) -> None:
        network = self._world.network
        hosts = ("graph", "login") if step.who == "both" else (step.who,)
        for host in hosts:
            setattr(network, host, weather)

        def clear_up() -> None:
            for host in hosts:
                if getattr(network, host) is weather:
                    setattr(network, host, Weather())

        self._for(step, clear_up)

    def _revoke(self, step: Step) -> None:
        world, table = self._world, self._slug(step.who)
        if table not in world.accounts:
            return
        person = world.office.person_of(table)
        world.office.lazy.add(table)
        if step.how == "signout":
            self._world.request("signout", table)
        elif step.how == "challenge":
            world.microsoft.tokens.revoke_access(person.oid)
        else:
            world.microsoft.revoke(person, access_tokens=step.how == "access")

        def feels_like_it() -> None:
            world.office.lazy.discard(table)
            if step.how == "signout":
                world.office.wants_back.add(table)
                self._world.request("signin", table)  # whatever an old state on the bus says

        self._for(step, feels_like_it)

    # the broker

    def _broker(self, step: Step) -> None:
        broker = self._world.broker
        if not broker.up:
            return
        broker.go()
        self._for(step, lambda: broker.come(with_memory=step.how == "memory"))

    def _link(self, step: Step) -> None:
        process = self._process(step.who)
        life = process.life
        if life is None:
            return
        way, client = life.way, self._world.client_id(process)
        match step.how:
            case "cut":
                way.cut()
            case "kicked":
                self._world.broker.kick(client)
            case "silent":
                way.silence()
                self._for(step, way.speak)
            case "slow":
                way.each_s = 0.05
                self._for(step, lambda: setattr(way, "each_s", 0.0))
            case "deaf":
                self._world.broker.deaf.add(client)
                self._for(step, lambda: self._world.broker.deaf.discard(client))
            case _:
                way.unreachable = True
                way.cut()
                self._for(step, lambda: setattr(way, "unreachable", False))

    def _refuse(self, step: Step) -> None:
        broker = self._world.broker
        topic_filter = step.who if step.who == "#" else f"{self._world.topics.base}/{step.who}"
        broker.refuse(topic_filter, int(step.how))
        self._for(step, lambda: broker.refuse(topic_filter, None))

    # processes and their machines

    def _kill(self, step: Step) -> None:
        process = self._process(step.who)
        process.wanted = False
        process.kill()
        self._for(step, process.start)

    def _stop(self, step: Step) -> None:
        process = self._process(step.who)
        stopping = asyncio.create_task(process.stop(), name=f"stop-{process.name}")
        self._stopping.add(stopping)
        stopping.add_done_callback(self._stopping.discard)
        self._for(step, lambda: self._start_when_stopped(process, stopping))

    def _start_when_stopped(self, process: Process, stopping: asyncio.Task[None]) -> None:
        if stopping.done():
            process.start()
        else:
            stopping.add_done_callback(lambda _: process.start())

    def _disk(self, step: Step) -> None:
        process = self._process(step.who)

        def give_back() -> None:
            process.folder.give_back()
            if process.wanted:
                process.start()

        process.folder.take_away()
        self._world.network.forgive()
        self._for(step, give_back)

    def _clock(self, step: Step) -> None:
        self._process(step.who).clock.step(float(step.how))

    def _bulb(self, step: Step) -> None:
        bulb = self._lamp(step.who).bulb
        setattr(bulb, step.how, True)
        self._for(step, lambda: setattr(bulb, step.how, False))

    # other hands on the broker

    def _keep_earlier(self, published: Published) -> None:
        """Every topic's first payload: it comes back as what some other server had stored."""
        if published.retain and published.payload:
            self._earlier.setdefault(published.topic, published.payload)

    def _erase(self, step: Step) -> None:
        """A topic of ours, by name or by number.

        A lamp's mode is not overwritten, by which it is judged here.
        """
        if own := self._own():
            how, which = step.how.split()
            topic = own[int(which) % len(own)] if which.isdigit() else which
            erased = how == "erase" or topic.endswith("/rule")
            self._publish(topic, b"" if erased else self._earlier[topic], retain=True)

    def _overwrite(self, step: Step) -> None:
        topics, (leaf, how) = self._world.topics, step.how.split()
        slug = self._slug(step.who)
        if slug not in self._world.accounts:
            return
        if leaf == "bridge":
            topic = topics.bridge_state
        elif leaf == "light":
            topic = topics.light(self._world.lamps[0].process.name, "state")
        else:
            topic = topics.account(slug, leaf)
        if topic in self._earlier:
            payload = b"" if how == "erase" else self._earlier[topic]
            self._publish(topic, payload, retain=True)
