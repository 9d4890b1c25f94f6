"""Everything that the page shows at one moment, as frozen values without any secret.

The same values are the JSON below ``/api/v1/``: a name here is part of that contract.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from bridge.contract.account import SIGNED_OUT, SignIn, SignInState, Way
from bridge.contract.light import Can, LightState
from bridge.contract.light_why import LightWhy
from bridge.contract.presence import Presence
from bridge.contract.presence_kind import Kind, kind_of

CARD = "person-"
"""The id of a person's card begins so."""


@dataclass(frozen=True, slots=True)
class Person:
    """One account."""

    account: str
    """The slug in topics."""
    name: str
    presence: Presence | None = None
    """The newest one; only current while ``fresh``."""
    fresh: bool = False
    """Signed in and read recently enough."""
    changed_at: datetime | None = None
    polled_at: datetime | None = None
    valid_until: datetime | None = None
    sign_in: SignIn = SIGNED_OUT
    """A browser sign-in waits as ``device_code_pending`` with an address and without a code."""
    ways: tuple[Way, ...] = (Way.DEVICE_CODE,)
    """None for people who are read without a sign-in of their own."""
    added_here: bool = False
    """Added on the page, not named in the config file: can be removed on the page."""
    table: str | None = None
    """The table whose one sign-in reads this person together with others."""
    settable: bool = False
    """Presence and status message can be set from here."""

    @property
    def card(self) -> str:
        """The id of the person's card on the page."""
        return f"{CARD}{self.account}"

    @property
    def needs_somebody(self) -> bool:
        """Whether the card waits for a person: a sign-in is needed, begun, or was refused."""
        sign_in = self.sign_in
        is_well = (
            sign_in.state is SignInState.SIGNED_IN and not sign_in.waits and not sign_in.remedy
        )
        return bool(self.ways) and self.table is None and not is_well

    def at(self, now: datetime) -> Person:
        """The same at ``now``: what was to be shown until an earlier moment is not current."""
        is_over = self.fresh and self.valid_until is not None and self.valid_until <= now
        return replace(self, fresh=False) if is_over else self

    @property
    def current(self) -> Presence | None:
        """The presence while it is fresh: an old one is never shown as current."""
        return self.presence if self.fresh else None

    @property
    def kind(self) -> Kind:
        """The kind of the current presence."""
        return kind_of(self.current)


@dataclass(frozen=True, slots=True)
class Table:
    """People who are read together, with the one sign-in that they have in common."""

    account: str
    """The slug of the account table."""
    people: int
    sign_in: SignIn = SIGNED_OUT
    ways: tuple[Way, ...] = ()

    @property
    def name(self) -> str:
        """For people."""
        return self.account

    @property
    def card(self) -> str:
        """The id of its card on the page."""
        return f"table-{self.account}"


Signer = Person | Table
"""Who has a sign-in of their own."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The last command that somebody gave, which was refused."""

    command: str
    account: str | None
    at: datetime | None
    error: str
    remedy: str | None


@dataclass(frozen=True, slots=True)
class Light:
    """One driver and its light, by its messages on the broker."""

    name: str
    online: bool = False
    """The driver's process is connected."""
    reachable: bool = False
    """The light answers its driver."""
    mode: str = "follow"
    """``follow``, ``manual`` or ``off``."""
    rule: str | None = None
    """What chose the look, in a few words."""
    account: str | None = None
    """Whose presence chose it."""
    look: LightState | None = None
    """``None`` while the light is left as it is."""
    clock_apart_s: int = 0
    """How far our clock is ahead of its host's, where that is worth showing."""
    capability: str = "rgb"
    """``rgb``, ``brightness`` or ``onoff``: what it can do."""
    why: LightWhy | None = None
    """The whole explanation; drivers of before have none."""

    @property
    def row(self) -> str:
        """The id of its row on the page."""
        return f"light-{self.name}"

    def can(self, key: Can) -> bool:
        """Whether its driver knows ``key`` of a command."""
        return self.why is not None and key in self.why.can


@dataclass(frozen=True, slots=True)
class BridgeStatus:
    """The bridge itself."""

    version: str
    started: datetime
    broker: str
    """The broker's address, for people."""
    without_broker: str = ""
    """What to do while it cannot be reached, where that is known."""
    broker_connected: bool = False
    broker_dispute: str = ""
    """Who else uses our client id, in a sentence, while that goes on."""
    standby: str = ""
    """That another node serves and this one waits, in words, while that is so."""
    mqtt_version: str | None = None
    reconnects: int = 0
    waiting: int = 0
    """Messages that wait for the broker."""
    healthy: bool = False
    reason: str | None = None
    last_poll_ok: datetime | None = None
    last_poll_attempt: datetime | None = None
    consecutive_failures: int = 0
    next_poll: datetime | None = None
    next_poll_why: str | None = None
    throttled_until: datetime | None = None
    requests_last_hour: int = 0
    requests_allowed_hour: int = 0
    """What Microsoft's limit adds up to in an hour; 0 when it is not known."""
    failing: bool = False
    """Something is wrong that no sign-in mends."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time with one kind of presence; ``start`` belongs to it, ``end`` does not."""

    start: datetime
    end: datetime
    kind: Kind

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.end - self.start).total_seconds()


@dataclass(frozen=True, slots=True)
class Day:
    """A day of one account, oldest first, without gaps up to now."""

    account: str
    name: str
    start: datetime
    end: datetime
    spans: tuple[Span, ...]

    def seconds(self, kind: Kind) -> float:
        """How long it was ``kind``, by the spans alone: what was not read counts as unknown."""
        return sum(span.seconds for span in self.spans if span.kind is kind)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole page."""

    service: BridgeStatus
    people: tuple[Person, ...] = ()
    lights: tuple[Light, ...] = ()
    days: tuple[Day, ...] = ()
    tables: tuple[Table, ...] = ()
    refusal: Refusal | None = None
    can_add: bool = False
    """Whether people can be added on the page."""

    def person(self, account: str) -> Person | None:
        """Who is followed as ``account``."""
        return next((person for person in self.people if person.account == account), None)

    @property
    def signers(self) -> tuple[Signer, ...]:
        """Each sign-in once: people who are read together have one."""
        return (*self.tables, *(person for person in self.people if person.table is None))
