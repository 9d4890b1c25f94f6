"""A lamp shows what the newest facts ask for, or unknown when it can know nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any, cast

from bridge.broker import Broker, Received
from bridge.contract.light import OFF, Effect, LightState
from drivers.presence.following import Following, Reports
from drivers.rules import GIVE_BACK, Shown, choose
from tests.world.broker import Published, matches
from tests.world.checks.wellness import Wellness
from tests.world.world import Lamp, World

SETTLED_S = 25.0
"""After the facts have changed: the grace of a lamp, and a write."""
LEAVES_S = 180.0
"""A lamp that was away when somebody was removed notices it by their silence."""
LATE_S = 480.0
"""By so much a lamp may think that it is earlier on the bridge's clock; one that has just started
knows no more of that clock than the newest stamp."""
FOR_EVER_S = 7 * 24 * 3600.0
WELL_S = 45.0
BULB_BACK_S = 75.0
"""A lamp is tried again so often, or after a refusal."""


_Key = tuple[Any, bool, bool, tuple[str, int], float]


class Lamps:
    """Chooses by the same rules from what is retained, and compares."""

    def __init__(self, world: World, wellness: Wellness) -> None:
        self._world, self._wellness = world, wellness
        self._steady: dict[str, tuple[object, float]] = {}
        self._last: tuple[tuple[tuple[str, bytes], ...], Reports] = (), Reports()
        config = world.config()
        self._rules = {lamp.process.name: lamp.common.rules(config) for lamp in world.lamps}
        world.broker.watchers.append(self._published)

    def look(self) -> Iterator[str]:
        """Which lamp is wrong."""
        for lamp in self._world.lamps:
            settled_s = SETTLED_S + (LEAVES_S if self._world.options.watched else 0.0)
            if (problem := self.problem(lamp)) and self._settled(lamp) > settled_s:
                yield problem

    def problem(self, lamp: Lamp, *, exactly: bool = False) -> str | None:
        """What is wrong with what it shows now, however new that may be."""
        wanted, bulb = self._wanted(lamp), lamp.bulb
        self._note(lamp, wanted)
        if self._remembers and bulb.read_as_ours:
            return f"{lamp.process.name} took its own look for what it had found"
        if wanted is GIVE_BACK:
            kept = bulb.by == "driver" and bulb.shows != OFF and self._remembers
            return f"{lamp.process.name} was not given back" if kept else None
        if wanted is None or shows(bulb.shows, wanted, exactly=exactly):
            return None
        return f"{lamp.process.name} shows {brief(lamp.bulb.shows)} instead of {brief(wanted)}"

    @property
    def _remembers(self) -> bool:
        """Whether no lamp can have lost what it knew before it was killed."""
        return "disk" not in self._world.options.faults

    def _published(self, published: Published) -> None:
        """Note what is wanted at every turn, not only at every look."""
        topics = self._world.topics
        about_people = published.topic.startswith(
            (f"{topics.base}/account/", f"{topics.base}/table/")
        )
        if about_people or published.topic == topics.bridge_state:
            for lamp in self._world.lamps:
                self._note(lamp, self._wanted(lamp))

    def _note(self, lamp: Lamp, wanted: Shown) -> None:
        """Since when it is expected to show what is wanted now."""
        world = self._world
        well = self._wellness.well_s(lamp.process) > WELL_S
        bulb_is_well = not (lamp.bulb.unreachable or lamp.bulb.refuses)
        hands = (lamp.bulb.by, lamp.bulb.touches + lamp.commands)
        key = (wanted, well, bulb_is_well, hands, lamp.process.clock.offset_s)
        if self._steady.get(lamp.process.name, (None, 0.0))[0] != key:
            self._steady[lamp.process.name] = key, world.now_s

    def _settled(self, lamp: Lamp) -> float:
        """For so long everything has been as it is now, and fit to be judged."""
        (_, well, bulb_is_well, _, _), since_s = cast(
            tuple[tuple[Any, bool, bool, tuple[str, int], float], float],
            self._steady[lamp.process.name],
        )
        if not (well and bulb_is_well) or self.may_be_left(lamp):
            return 0.0
        return self._world.now_s - since_s - (BULB_BACK_S - SETTLED_S)

    def may_be_left(self, lamp: Lamp) -> bool:
        """Others had their hands on it, and it respects them, or cannot see what they did."""
        watches = self._world.options.readable and not lamp.common.respect_others
        return lamp.bulb.by == "others" and not watches

    def _heard(self, lamp: Lamp) -> Reports:
        """What somebody hears who begins to listen now."""
        stored = tuple(
            (topic, payload)
            for topic, payload in self._world.broker.stored(f"{self._world.topics.base}/#")
            if "/driver/" not in topic and "/attributes" not in topic and "/health" not in topic
        )
        if self._last[0] != stored:
            following = Following(self._world.topics, lamp.common.follow, self._world.time)
            following.attach(cast(Broker, _Stored(stored)))
            self._last = stored, following.reports.value
        return self._last[1]

    def _wanted(self, lamp: Lamp) -> Shown:
        """What it is asked for; ``None`` where it is a person's choice, or to be left as it is."""
        world, topics = self._world, self._world.topics
        rule = world.broker.retained(topics.light(lamp.process.name, "rule"))
        if rule is None or json.loads(rule)["mode"] != "follow":
            return None
        heard, rules = self._heard(lamp), self._rules[lamp.process.name]
        now, there = lamp.process.clock.now(), world.bridge.clock.now()
        runs_s = self._wellness.well_s(lamp.process)
        late_s = LATE_S if runs_s > LATE_S else FOR_EVER_S
        early, late = (
            choose(
                rules,
                heard.facts,
                now,
                bridge_now=there - timedelta(seconds=behind_s),
                gone="" if heard.bridge_online else "bridge",
            ).state
            for behind_s in (late_s, 0.0)
        )
        return late if early == late else None


def shows(shown: LightState, wanted: LightState, *, exactly: bool = False) -> bool:
    """Whether ``shown`` is ``wanted``, or a moment of it where it moves; of a person's scale too.

    ``exactly`` leaves nobody a scale.
    """
    if shown == wanted or not wanted.on:
        return shown == wanted
    moves = wanted.effect is not Effect.SOLID
    if moves and shown == OFF:
        return wanted.effect is Effect.BLINK
    if shown.color != wanted.color or shown.effect not in (wanted.effect, Effect.SOLID):
        return False
    return not exactly or (moves and shown.brightness <= wanted.brightness)


def brief(state: LightState) -> str:
    """For people."""
    if not state.on:
        return "off"
    red, green, blue = state.color
    return f"#{red:02x}{green:02x}{blue:02x} at {state.brightness:.0%} {state.effect}"


class _Stored:
    """Stands for a broker: whoever subscribes gets what is stored, and nothing more."""

    def __init__(self, stored: Sequence[tuple[str, bytes]]) -> None:
        self._stored = stored

    def subscribe(
        self, topic_filter: str, handler: Callable[[Received], None], **_: object
    ) -> None:
        for topic, payload in self._stored:
            if matches(topic_filter, topic):
                handler(Received(topic, payload, retain=True))

    def unsubscribe(self, topic_filter: str) -> None:
        pass
