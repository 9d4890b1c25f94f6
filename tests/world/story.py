"""What happens in a world: steps with their times, from a seed. Pure; nothing happens here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from tests.world.options import WATCHED, Options

CALM_S = 90.0
"""At the beginning, for everybody to sign in."""
PRESENCES = (
    "Available/Available",
    "Busy/Busy",
    "Busy/InACall",
    "Busy/InAMeeting",
    "DoNotDisturb/Presenting",
    "Away/Away",
    "BeRightBack/BeRightBack",
    "Offline/Offline",
)
TROUBLES = (
    "unreachable",
    "no_name",
    "reset",
    "silent",
    "half_open",
    "status 500",
    "status 502",
    "status 503",
    "status 504",
    "status 401",
    "status 403",
    "status 404",
    "redirect",
    "garbage",
)
REFUSED = (
    *("account/+/state", "table/+/fresh", "bridge/state"),
    *("driver/#", "bridge/request/+", "#"),
)
HOSTS = ("graph", "graph", "login", "both")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens."""

    at_s: float
    act: str
    who: str = ""
    how: str = ""
    lasts_s: float = 0.0

    def __str__(self) -> str:
        """For people."""
        words = " ".join(word for word in (self.act, self.who, self.how) if word)
        lasts = f", for {self.lasts_s:.1f} s" if self.lasts_s else ""
        return f"{self.at_s:8.1f} {words}{lasts}"


def tell(options: Options) -> list[Step]:
    """The story of ``options``, in the order of time."""
    teller = _Teller(options)
    steps = [*teller.days(), *teller.faults()]
    return sorted(steps, key=lambda step: step.at_s)


class _Teller:
    def __init__(self, options: Options) -> None:
        self._options, self._random = options, Random(f"story {options.seed}")
        self._people = [f"person{number}" for number in range(options.people)]
        self._tables = [*self._people, *(["team"] if options.watched else [])]
        self._lamps = [f"lamp{number}" for number in range(options.lamps)]
        self._processes = ["bridge", *self._lamps]

    def days(self) -> Iterator[Step]:
        """What people do anyway."""
        yield from self._every(45, self._presence)
        yield from self._every(300, self._birth)
        yield from self._every(240, self._command)
        yield from self._every(300, self._touch)
        yield from self._every(400, self._light)
        yield from self._every(500, self._accounts)

    def faults(self) -> Iterator[Step]:
        """What goes wrong, of the kinds that the options allow."""
        for fault in self._options.faults:
            yield from self._every(200, getattr(self, f"_{fault}"))

    def _every(self, mean_s: float, make: Callable[[float], Step | None]) -> Iterator[Step]:
        rate = self._options.pace / mean_s
        at_s = CALM_S + self._random.expovariate(rate)
        while at_s < CALM_S + self._options.lasts_s:
            if step := make(round(at_s, 1)):
                yield step
            at_s += self._random.expovariate(rate)

    def _some(self, *choices: str) -> str:
        return self._random.choice(choices)

    def _while(self, *choices: float) -> float:
        return round(self._random.choice(choices) * (0.5 + self._random.random()), 1)

    def _presence(self, at_s: float) -> Step:
        watched = [f"team_{name}" for name in WATCHED] if self._options.watched else []
        return Step(at_s, "presence", self._some(*self._people, *watched), self._some(*PRESENCES))

    def _birth(self, at_s: float) -> Step:
        return Step(at_s, "birth")

    def _command(self, at_s: float) -> Step:
        command = self._some("poll", "signin", "signin", "rediscover", "health_check", "restart")
        return Step(at_s, "command", self._some(*self._tables), command)

    def _touch(self, at_s: float) -> Step:
        return Step(at_s, "touch", self._some(*self._lamps), self._some("off", "blue", "warm"))

    def _light(self, at_s: float) -> Step:
        how = self._some("off", "on", "color", "dim", "presence", "presence")
        return Step(at_s, "light", self._some(*self._lamps), how)

    def _accounts(self, at_s: float) -> Step | None:
        if len(self._tables) < 2:
            return None
        if self._options.watched and self._random.random() < 0.5:
            return Step(at_s, "watch", "", " ".join(self._random.sample(WATCHED, 2)))
        return Step(at_s, "leave", self._some(*self._tables[1:]), "", self._while(5, 60, 300))

    def _microsoft(self, at_s: float) -> Step:
        lasts_s = self._while(1, 10, 45, 120, 300)
        return Step(at_s, "network", self._some(*HOSTS), self._some(*TROUBLES), lasts_s)

    def _throttle(self, at_s: float) -> Step:
        wait_s = self._some("1", "5", "30", "120")
        status, kind = self._some("429", "503"), self._some("seconds", "date")
        return Step(at_s, "throttle", "graph", f"{status} {wait_s} {kind}", self._while(2, 10))

    def _older(self, at_s: float) -> Step:
        return Step(at_s, "network", "graph", "older", self._while(5, 30, 120))

    def _revoke(self, at_s: float) -> Step:
        how = self._some("refresh", "access", "challenge", "signout")
        return Step(at_s, "revoke", self._some(*self._tables), how, self._while(1, 60))

    def _broker(self, at_s: float) -> Step:
        how = self._some("memory", "memory", "no memory")
        return Step(at_s, "broker", "", how, self._while(1, 6, 30, 120))

    def _link(self, at_s: float) -> Step:
        how = self._some("cut", "silent", "silent", "slow", "unreachable", "kicked", "deaf")
        lasts_s = 0.0 if how in ("cut", "kicked") else self._while(3, 15, 60, 150)
        return Step(at_s, "link", self._some(*self._processes), how, lasts_s)

    def _refuse(self, at_s: float) -> Step:
        what = self._some(*REFUSED)
        code = self._some("135", "151")
        return Step(at_s, "refuse", what, code, self._while(5, 60, 200))

    def _kill(self, at_s: float) -> Step:
        return Step(at_s, "kill", self._some(*self._processes), "", self._while(0.1, 3, 20, 120))

    def _stop(self, at_s: float) -> Step:
        return Step(at_s, "stop", self._some(*self._processes), "", self._while(0.1, 3, 20))

    def _disk(self, at_s: float) -> Step:
        return Step(at_s, "disk", self._some(*self._processes), "", self._while(5, 60, 200))

    def _clock(self, at_s: float) -> Step:
        how = self._some("-3600", "-100", "-2", "2", "100", "3600")
        return Step(at_s, "clock", self._some(*self._processes), how)

    def _bulb(self, at_s: float) -> Step:
        how = self._some("unreachable", "unreachable", "refuses")
        return Step(at_s, "bulb", self._some(*self._lamps), how, self._while(1, 20, 90))

    def _eraser(self, at_s: float) -> Step:
        if self._random.random() < 0.5:
            number = self._random.randrange(10_000)
            return Step(at_s, "erase", "", f"{self._some('erase', 'erase', 'earlier')} {number}")
        leaf = self._some("state", "availability", "auth", "sign_in", "bridge", "light")
        how = self._some("erase", "earlier")
        return Step(at_s, "overwrite", self._some(*self._people), f"{leaf} {how}")
