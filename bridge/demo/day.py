"""A person's working day, as presence changes over time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise
from random import Random

from bridge.contract.clock import Clock
from bridge.demo.person import Person

MINUTE_S, HOUR_S = 60, 3600
SLOT_S = 30 * MINUTE_S
"""Meetings start at the full and half hour."""
PAUSE_S = 60.0
"""What somebody changes by hand stays so long before the day goes on."""
NOTICED_S = 0.5
"""So soon such a change is noticed."""
ARRIVE_S, MORNING_S, LUNCH_S, AFTERNOON_S, LEAVE_S = (
    hour * HOUR_S for hour in (8.5, 9.0, 12.0, 13.0, 16.75)
)


@dataclass(frozen=True, slots=True)
class Moment:
    """From ``at_s`` (seconds since midnight) on, presence is this, in Microsoft's classic words."""

    at_s: float
    availability: str
    activity: str
    status_message: str = ""
    out_of_office: bool = False


class Block(Enum):
    """What somebody does for one slot, or for two."""

    QUIET = "quiet"
    FOCUS = "focus"
    CALL = "call"
    MEETING = "meeting"
    LONG_MEETING = "long meeting"
    TALK = "talk"
    """Presenting in a long meeting."""

    @property
    def slots(self) -> int:
        """How many slots it takes."""
        return 2 if self in (Block.LONG_MEETING, Block.TALK) else 1


MORNING = (Block.MEETING, Block.LONG_MEETING, Block.CALL, Block.FOCUS, Block.QUIET)
AFTERNOON = (Block.TALK, Block.MEETING, Block.MEETING, Block.CALL, Block.QUIET, Block.QUIET)


def working_day(random: Random) -> list[Moment]:
    """One day: always the same things, in another order and at other minutes. Sorted by time."""
    arrive_s = ARRIVE_S + random.uniform(-10, 20) * MINUTE_S
    lunch_s = LUNCH_S + random.uniform(0, 10) * MINUTE_S
    back_s = lunch_s + random.uniform(25, 45) * MINUTE_S
    leave_s = LEAVE_S + random.uniform(0, 40) * MINUTE_S
    bye = "Back tomorrow"
    plan = [
        Moment(0, "Offline", "Offline"),
        Moment(arrive_s, "Available", "Available"),
        *_blocks(random, MORNING_S, MORNING),
        Moment(lunch_s, "BeRightBack", "BeRightBack", "Lunch"),
        Moment(lunch_s + 10 * MINUTE_S, "Away", "Away", "Lunch"),
        Moment(back_s, "Available", "Available"),
        *_blocks(random, AFTERNOON_S, AFTERNOON),
        Moment(leave_s, "Available", "OutOfOffice", bye, out_of_office=True),
        Moment(leave_s + 5 * MINUTE_S, "Offline", "OffWork", bye, out_of_office=True),
    ]
    return _distinguished(plan)


def compressed(day: Sequence[Moment], lasts_s: float) -> list[Moment]:
    """The same day told in ``lasts_s`` seconds from its second moment, without the night.

    Each moment gets a share that grows with its length, and at least a tenth of an even one, so
    that short ones can still be seen.
    """
    eventful = list(day[1:])
    lengths = [later.at_s - earlier.at_s for earlier, later in pairwise(eventful)]
    lengths.append(sum(lengths) / max(1, len(lengths)))
    floor = 0.1 / len(eventful)
    total = sum(lengths) or 1
    at_s, told = 0.0, []
    for moment, length in zip(eventful, lengths, strict=True):
        told.append(replace(moment, at_s=at_s))
        at_s += lasts_s * (floor + 0.9 * length / total)
    return told


async def play(
    person: Person,
    day: Sequence[Moment],
    *,
    compress_to_s: float,
    clock: Clock,
    says: Callable[[str], None] = lambda _: None,
) -> None:
    """Let ``person`` live ``day`` in so many seconds, again and again until cancelled.

    Whoever else changes the person's presence has it for a while; ``says`` is called with that.
    """
    story = compressed(day, compress_to_s)
    ends = [*(moment.at_s for moment in story[1:]), compress_to_s]
    while True:
        began_s = clock.monotonic()
        for moment, end_s in zip(story, ends, strict=True):
            apply(person, moment)
            began_s += await _pass(person, began_s + end_s, clock, says)


async def _pass(person: Person, until_s: float, clock: Clock, says: Callable[[str], None]) -> float:
    """Wait until ``until_s``, and a while after each change by hand; so much later is the day."""
    ends_s, seen, changed = until_s, person.changes, False
    while (left_s := ends_s - clock.monotonic()) > 0:
        await clock.sleep(min(left_s, NOTICED_S))
        if person.changes != seen:  # also when it says the same as the day
            seen, ends_s = person.changes, max(ends_s, clock.monotonic() + PAUSE_S)
            says(f"{person.name} was changed by hand: the day waits {PAUSE_S:.0f} s.")
            changed = True
    if changed:
        says("The day goes on.")
    return ends_s - until_s


def apply(person: Person, moment: Moment) -> None:
    """Make the presence of ``person`` that of ``moment``."""
    person.change(
        availability=moment.availability,
        activity=moment.activity,
        status_message=moment.status_message,
        out_of_office=moment.out_of_office,
    )


def _blocks(random: Random, begin_s: float, blocks: Sequence[Block]) -> Iterator[Moment]:
    for block in random.sample(blocks, k=len(blocks)):
        length_s = block.slots * SLOT_S
        yield from _block(random, block, begin_s, begin_s + length_s)
        begin_s += length_s


def _block(random: Random, block: Block, begin_s: float, end_s: float) -> Iterator[Moment]:
    """A block that starts a little late and ends a little early, and then nothing until the next.

    Who calls or focuses does so somewhere within; who meets is there on the minute, or nearly.
    """
    late_s = begin_s + random.uniform(0, 2) * MINUTE_S
    early_s = end_s - random.uniform(1, 4) * MINUTE_S
    anywhen_s = begin_s + random.uniform(3, 15) * MINUTE_S
    third_s = (end_s - begin_s) / 3
    match block:
        case Block.QUIET:
            return
        case Block.FOCUS:
            yield Moment(anywhen_s, "DoNotDisturb", "DoNotDisturb", "Writing")
        case Block.CALL:
            yield Moment(anywhen_s, "Busy", "InACall")
        case Block.MEETING:
            yield Moment(begin_s, "Busy", "InAMeeting")
            yield Moment(late_s, "Busy", "InAConferenceCall")
        case Block.LONG_MEETING:
            yield Moment(late_s, "Busy", "InAMeeting")
        case Block.TALK:
            yield Moment(late_s, "Busy", "InAConferenceCall")
            yield Moment(begin_s + third_s, "DoNotDisturb", "Presenting")
            yield Moment(begin_s + 2 * third_s, "Busy", "InAConferenceCall")
    yield Moment(early_s, "Available", "Available")


def _distinguished(plan: Sequence[Moment]) -> list[Moment]:
    day: list[Moment] = []
    for moment in plan:
        if not day or replace(moment, at_s=day[-1].at_s) != day[-1]:
            day.append(moment)
    return day
