"""What lamps tell of the clocks of their hosts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from bridge.broker import Received
from bridge.contract.clock import apart_words
from bridge.contract.errors import ContractError
from bridge.contract.topics import Topics
from bridge.contract.wire import decode_json
from bridge.doctor.findings import Finding, bad


def clocks(apart_s: Mapping[str, object]) -> Iterator[Finding]:
    """A finding for each lamp whose clock is not the bridge's: the bridge's minus its own."""
    for name, seconds in sorted(apart_s.items()):
        if isinstance(seconds, int | float) and seconds:
            yield bad(
                f"lamp {name}: its clock is {apart_words(-seconds)} the bridge's",
                "Set the time of both hosts: timedatectl set-ntp true. Presence is shown right all "
                "the same; schedules go by the lamp's clock.",
            )


def rule_topic(topics: Topics) -> str:
    """Where all lamps tell how far the bridge's clock is from theirs."""
    return f"{topics.base}/driver/+/light/rule"


def apart_in(received: Iterable[Received], topics: Topics) -> dict[str, object]:
    """What was stored on ``rule_topic``, by the name of the lamp."""
    before, _, after = rule_topic(topics).partition("+")
    apart: dict[str, object] = {}
    for message in received:
        if message.topic.startswith(before) and message.topic.endswith(after):
            name = message.topic.removeprefix(before).removesuffix(after)
            try:
                apart[name] = decode_json(message.payload).get("clock_apart_s")
            except ContractError:
                continue  # others may write there
    return apart
