"""What a seed decides before anything happens: who is there, and which faults may come."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from random import Random

NAMES = ("alice", "bob", "carol", "dave")
WATCHED = ("erin", "frank", "grace", "heidi", "ivan")
FAULTS = (
    "microsoft",  # does not answer, or answers what is no answer
    "throttle",  # asks to wait
    "older",  # answers what was true earlier
    "revoke",  # ends a sign-in
    "broker",  # goes, with or without its memory
    "link",  # the way to the broker is cut, slow or silent
    "refuse",  # the broker refuses subscriptions or publishes
    "kill",  # a process is killed, and started again
    "stop",  # a process is stopped in order, and started again
    "disk",  # the state folder cannot be used
    "clock",  # a wall clock is set
    "bulb",  # the lamp is away, or refuses
    "eraser",  # somebody erases or overwrites what we keep on the broker
)


@dataclass(frozen=True, slots=True)
class Options:
    """One world."""

    seed: int
    people: int = 1
    watched: int = 0
    """Read through one more sign-in, where there are any."""
    large: bool = False
    """Whether who is read through it shares their freshness, as people of a large table do."""
    lamps: int = 1
    faults: tuple[str, ...] = ()
    lasts_s: int = 900
    """Of the first part, in which there are faults."""
    pace: float = 1.0
    """So much more often does something happen."""
    speaks_5: bool = True
    tells_takeover: bool = True
    will_at_takeover: bool = True
    maximum_qos: int = 2
    maximum_packet_size: int | None = None
    """What a broker of 5 announces."""
    latency_ms: int = 2
    token_s: int = 290
    """Lifetime of access tokens. msal has its own clock: what ends within 300 s it renews."""
    moves: bool = True
    """The lamp blinks and pulses alone."""
    readable: bool = True
    respect_others: bool = False
    schedule: bool = False
    give_back: bool = False
    """The lamp is given back while somebody is available, and outside of the schedule."""
    homeassistant: bool = True

    def __str__(self) -> str:
        """A line an option."""
        told = ((f.name, getattr(self, f.name)) for f in fields(self))
        return "\n".join(
            f"  {name} = {' '.join(value) if isinstance(value, tuple) else value}"
            for name, value in told
        )


BRIEF_S = 120


def expand(seed: int, *, brief: bool = False) -> Options:
    """The world of ``seed``; a ``brief`` one has little time, and more happens in it."""
    random, limits = Random(f"options {seed}"), Random(f"limits {seed}")
    large = Random(f"large {seed}")
    options = Options(
        seed,
        people=random.choice((1, 1, 2, 3, 4)),
        watched=random.choice((0, 0, 0, 2, 5)),
        large=large.random() < 0.7,
        lamps=random.choice((1, 1, 2)),
        faults=tuple(fault for fault in FAULTS if random.random() < 0.35),
        lasts_s=random.choice((200, 300, 600, 900, 1800)),
        speaks_5=random.random() < 0.75,
        tells_takeover=random.random() < 0.5,
        will_at_takeover=random.random() < 0.7,
        maximum_qos=limits.choice((2, 2, 1, 0)),
        maximum_packet_size=limits.choice((None, None, 65536, 16384)),
        latency_ms=random.choice((0, 2, 2, 20, 150)),
        token_s=random.choice((120, 290)),
        moves=random.random() < 0.5,
        readable=random.random() < 0.7,
        respect_others=random.random() < 0.2,
        schedule=random.random() < 0.15,
        homeassistant=random.random() < 0.85,
        give_back=random.random() < 0.25,
    )
    return replace(options, lasts_s=BRIEF_S, pace=3.0) if brief else options
