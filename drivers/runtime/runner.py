"""One driver process: hears presence and commands, decides, shows, and publishes what it shows.

A light that is slow or away blocks nothing: the newest decision waits in a slot meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from random import random as _random

from bridge.broker import Broker, Connect
from bridge.broker.connection import connect as mqtt
from bridge.broker.home_assistant_start import Births
from bridge.config.time_zone import clock_of_hours
from bridge.contract.clock import Clock
from bridge.contract.latest import Latest
from bridge.contract.retry import Random
from bridge.contract.supervised import supervised
from bridge.contract.wire import Message
from drivers.base import Capability, Light, Restorable, Surroundings, Worded, Words
from drivers.presence.decisions import Decisions
from drivers.presence.following import Following
from drivers.rules import Decision, Shown
from drivers.rules.defaults import SHIPPED_LOOKS, UNKNOWN
from drivers.runtime.by_hand import ByHand
from drivers.runtime.giving_back import Ownership
from drivers.runtime.lamp import Lamp
from drivers.runtime.manual import Mode
from drivers.runtime.publications import Publications
from drivers.runtime.retained_topics import RetainedTopics
from drivers.runtime.saved_state import SavedState
from drivers.runtime.showing import Showing
from drivers.settings import LampConfig

log = logging.getLogger(__name__)

BEAT_S = 115.0
"""All is published again this often: what others erased is right again within two minutes."""


class Runner:
    """Everything of one ``[drivers.NAME]``."""

    def __init__(
        self,
        lamp: LampConfig,
        *,
        clock: Clock,
        connect: Connect = mqtt,
        random: Random = _random,
    ) -> None:
        name, config, common, kind, options = lamp
        self._name, self._config, self._common = name, config, common
        self._kind, self._options = kind, options
        self._clock, self._random = clock, random
        self._topics = config.topics
        self._messages = Publications(self._topics, name, name=common.name or name, kind=kind.name)
        self._following = Following(self._topics, common.follow, clock)
        self._saved = SavedState(config.state_dir, name, kind, options)
        self._retained = RetainedTopics(config, name)
        self._target: Latest[Shown] = Latest(None)
        self._words, self._shows_words = Words(), False
        self._reachable, self._why = True, Message("", b"")
        """``_why`` is the explanation that was published last."""
        self._broker = Broker(
            config.mqtt,
            client_id=config.mqtt.client_id_of(f"driver-{name}"),
            state_topic=self._topics.driver_state(name),
            welcome=self._welcome,
            acknowledged=self._retained.acknowledged,
            clock=clock,
            random=random,
            connect=connect,
        )
        self._births = Births(
            self._topics,
            announced=self._everything,
            send=self._broker.publish,
            clock=clock,
            random=random,
        )
        self._showing = Showing(Decision(None, "nothing heard yet"), Mode(), None, kind.capability)
        self._decisions = Decisions(
            self._following,
            grace_s=common.grace,
            settle_s=common.settle,
            clock=clock,
            connected=lambda: self._broker.connected,
            decided=self._take,
        )
        self._by_hand = ByHand(
            name,
            self._saved,
            comes_back=common.comes_back,
            zone=config.zone,
            rules=lambda: self._decisions.rules,
            clock=clock,
            changed=self._show,
        )
        self._be_capable(kind.capability)

    async def run(self) -> None:
        """Run until cancelled; then leave the light as ``on_exit`` says."""
        if self._common.has_hours:
            log.info("%s: %s", self._name, clock_of_hours(self._config, self._clock.now()))
        self._saved.load()
        self._be_capable(self._saved.now.capability or self._kind.capability)
        self._by_hand.end_what_is_over()
        self._look_anew()  # a person's choice waits for no bridge
        self._retained.load()
        self._subscribe()
        around = Surroundings(self._name, self._config.state_dir, self._clock, self._broker)
        async with self._kind.open(self._options, around) as light:
            lamp = self._lamp(light)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._broker.run(), name="broker")
                for name, work in {
                    "decide": self._decisions.run,
                    "obey": self._by_hand.run,
                    "watch_connection": self._following.watch_connection,
                    "answer_births": lambda: self._births.run(self._broker),
                    "beat": self._beat,
                }.items():
                    tasks.create_task(self._supervised(work), name=name)
                try:
                    await self._supervised(lamp.run)
                finally:
                    await lamp.leave(self._common.on_exit)
                    await self._saved.on_disk.close()
                    await self._retained.on_disk.close()

    def _subscribe(self) -> None:
        self._following.attach(self._broker)
        commands = self._topics.light(self._name, "set")
        self._broker.subscribe(commands, self._by_hand.receive, commands=True)
        if self._config.homeassistant.enabled:
            self._births.listen(self._broker)

    def _lamp(self, light: Light) -> Lamp:
        if self._decisions.rules.give_back and not isinstance(light, Restorable):
            log.warning(
                "%s cannot be read: where it would be given back it is switched off", self._name
            )
        self._shows_words = isinstance(light, Worded)
        return Lamp(
            light,
            self._kind,
            name=self._name,
            target=self._target,
            clock=self._clock,
            reachable=self._set_reachable,
            ownership=Ownership(light, self._saved),
            capable=self._learn,
            words=lambda: self._words,
            watch_others=self._common.respect_others,
            left_to_others=self._leave_to_others,
            random=self._random,
        )

    async def _supervised(self, work: Callable[[], Awaitable[None]]) -> None:
        await supervised(work, name=self._name, clock=self._clock, failed=self._failed)

    def _failed(self, _error: Exception) -> None:
        """Nothing old is shown for ever; what goes on decides anew."""
        looks = SHIPPED_LOOKS[self._showing.capability]  # the rules of the lamp may be what fails
        self._take(Decision(looks[UNKNOWN].state(), "internal error"))

    async def _beat(self) -> None:
        while True:
            await self._clock.sleep(BEAT_S)
            for message in self._everything():
                self._broker.publish(message, beat=True)

    def _take(self, decision: Decision) -> None:
        before, apart = self._showing, self._following.bridge_clock.apart
        self._showing = replace(before, decision=decision, clock_apart=apart)
        has_bridge = self._following.reports.value.bridge_online is not None
        if has_bridge and not self._saved.now.has_bridge:
            self._saved.change(has_bridge=True)
            self._births.rediscover()
        if decision != before.decision:
            who = f" ({decision.account})" if decision.account else ""
            log.info("%s: %s%s", self._name, decision.rule, who)
            self._show()
        elif apart != before.clock_apart:
            self._broker.publish(self._messages.rule(self._showing))
        self._aim()
        self._explain()

    def _show(self) -> None:
        self._look_anew()
        self._broker.publish(self._messages.state(self._showing))
        self._broker.publish(self._messages.rule(self._showing))
        self._explain()

    def _look_anew(self) -> None:
        hand, decision = self._by_hand, self._showing.decision
        shown = hand.follow(decision.state)
        self._showing = replace(self._showing, mode=hand.mode, shown=shown, trying=hand.trying)
        self._aim()

    def _aim(self) -> None:
        """Ask for the newest look and words; no light without words is disturbed for them."""
        shown, before, self._words = self._showing.shown, self._words, self._showing.words
        if shown != self._target.value or (self._shows_words and self._words != before):
            self._target.set(shown)

    def _explain(self) -> None:
        why = self._messages.why(self._showing)
        if why != self._why:
            self._why = why
            self._broker.publish(why)

    def _leave_to_others(self, are_respected: bool) -> None:  # noqa: FBT001 - the value itself
        self._showing = replace(self._showing, left_to_others=are_respected)
        self._explain()

    def _set_reachable(self, reachable: bool) -> None:  # noqa: FBT001 - the value itself
        if reachable != self._reachable:
            self._reachable = reachable
            self._broker.publish(self._messages.availability(reachable=reachable))

    def _learn(self, capability: Capability) -> None:
        """The light has told what it can do: other looks may be its own, and other words of it."""
        self._saved.change(capability=capability)
        if capability is not self._showing.capability:
            self._be_capable(capability)
            self._decisions.decide()
            self._births.rediscover()

    def _be_capable(self, capability: Capability) -> None:
        self._showing = replace(self._showing, capability=capability)
        self._decisions.decide_by(self._common.rules(self._config, capability))

    def _everything(self) -> Iterator[Message]:
        yield from self._welcome()
        yield self._messages.online()

    def _welcome(self) -> Iterator[Message]:
        yield from self._retained.removals()
        if self._config.homeassistant.enabled:
            yield self._messages.device(self._showing.capability, self._saved.now.has_bridge)
        self._why = self._messages.why(self._showing)
        yield self._messages.state(self._showing)
        yield self._messages.rule(self._showing)
        yield self._why
        yield self._messages.availability(reachable=self._reachable)
