"""A device of any other kind: topic and payload with placeholders; also a sign with words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bridge.contract.clock import Clock
from bridge.contract.light import LightState
from bridge.contract.wire import Message
from drivers.base import Bus, Words
from drivers.looks.brightness import is_lit
from drivers.looks.template import fill, fill_payload, values
from drivers.looks.words import called
from drivers.mqtt_light.dialect import Dialect, Frame, Reported, command
from drivers.mqtt_light.light import MqttLight


@dataclass(frozen=True)
class Template(Dialect):
    """One device that only listens."""

    topic: str
    payload: str
    payload_off: str | None = None
    words: Words = field(default_factory=Words)

    def show(self, state: LightState, _frame: Frame | None = None) -> Message:
        """The command that shows ``state``."""
        own_off = None if is_lit(state) else self.payload_off
        filled = values(state, self.words)
        return command(fill(self.topic, filled), fill_payload(own_off or self.payload, filled))

    def put_back(self, _reported: Reported) -> Message:
        """Off: what was there is not known."""
        return self.show(LightState(on=False))


class MqttSign(MqttLight):
    """A light that also shows words."""

    def __init__(
        self, template: Template, bus: Bus, clock: Clock, *, names: Mapping[str, str]
    ) -> None:
        super().__init__(template, bus, clock)
        self._template, self._names = template, names

    def say(self, words: Words) -> None:
        """Show ``words`` with the next look."""
        self._as_asked_for = replace(self._template, words=called(words, self._names))
