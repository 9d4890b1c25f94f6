"""A page with nothing behind it: a snapshot to set, and actions that only remember."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast
from uuid import UUID

from bridge.config.tables.web import WebSettings
from bridge.contract.account import SignIn, SignInState, Way
from bridge.contract.clock import Clock, SystemClock
from bridge.contract.commands import Commands
from bridge.contract.errors import PresenceBridgeError
from bridge.contract.latest import Latest
from bridge.contract.light import Effect, LightCommand, LightState
from bridge.contract.preferred import PreferredPresence
from bridge.contract.presence import Activity, Availability, Presence
from bridge.contract.registration import Registration
from bridge.web.access.building import guard_of
from bridge.web.data.snapshot import BridgeStatus, Light, Person, Snapshot
from bridge.web.posts import Posts
from bridge.web.server import Web
from bridge.web.serving.limits import Limits
from bridge.web.set_up.change import RegistrationChange
from tests.fakes.web_serving import QUICK, served

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SIGNED_IN = SignIn(SignInState.SIGNED_IN)
BOTH = (Way.DEVICE_CODE, Way.BROWSER)
CODE_ADDRESS = "https://login.microsoft.com/device"
BROWSER_ADDRESS = "https://login.microsoftonline.com/contoso.com/oauth2/v2.0/authorize?state=s1"


class NoonClock(SystemClock):
    """Goes on from noon: the people of these tests were read just before."""

    def __init__(self) -> None:
        self._began_s = self.monotonic()

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.monotonic() - self._began_s)


def service(**changes: object) -> BridgeStatus:
    """A bridge that works."""
    well = BridgeStatus(
        version="1.2.3",
        started=NOON - timedelta(hours=30),
        broker="localhost:1883",
        broker_connected=True,
        mqtt_version="5.0",
        healthy=True,
        last_poll_ok=NOON - timedelta(seconds=4),
        last_poll_attempt=NOON - timedelta(seconds=4),
        next_poll=NOON + timedelta(seconds=1),
        next_poll_why="somebody works",
        requests_last_hour=731,
        requests_allowed_hour=180_000,
    )
    return replace(well, **changes)  # type: ignore[arg-type]


def person(
    account: str = "alice",
    availability: Availability | None = Availability.BUSY,
    activity: Activity | None = Activity.IN_A_CALL,
    *,
    says: str | None = None,
    **changes: object,
) -> Person:
    """Somebody who is signed in and read four seconds before noon."""
    somebody = Person(
        account=account,
        name=account.title(),
        presence=Presence(availability, activity, status_message=says),
        fresh=True,
        changed_at=NOON - timedelta(minutes=25),
        polled_at=NOON - timedelta(seconds=4),
        valid_until=NOON + timedelta(minutes=5),
        sign_in=SIGNED_IN,
        ways=BOTH,
    )
    return replace(somebody, **changes)  # type: ignore[arg-type]


def waiting(account: str = "alice", **changes: object) -> Person:
    """Somebody whose code waits to be entered."""
    code = SignIn(
        SignInState.CODE_PENDING,
        user_code="F7K2Q9XRB",
        verification_uri=CODE_ADDRESS,
        expires_at=NOON + timedelta(minutes=14),
    )
    given: dict[str, object] = {"presence": None, "fresh": False, "sign_in": code, **changes}
    return person(account, polled_at=None, **given)  # type: ignore[arg-type]


def in_browser(account: str = "alice") -> Person:
    """Somebody who was sent to a browser and has to paste an address."""
    address = SignIn(
        SignInState.CODE_PENDING,
        verification_uri=BROWSER_ADDRESS,
        expires_at=NOON + timedelta(minutes=9),
    )
    return waiting(account, sign_in=address)


def light(name: str = "desk", /, **changes: object) -> Light:
    """A light that pulses red because of Alice."""
    shining = Light(
        name=name,
        online=True,
        reachable=True,
        rule="activity in_a_call",
        account="alice",
        look=LightState(color=(255, 0, 0), brightness=0.6, effect=Effect.PULSE),
    )
    return replace(shining, **changes)  # type: ignore[arg-type]


@dataclass
class RecordingActions:
    """Remembers what was asked, and raises what a test wants."""

    asked: list[tuple[str, ...]] = field(default_factory=list)
    failure: PresenceBridgeError | None = None
    note: str | None = None

    def _ask(self, *words: str) -> None:
        if self.failure:
            raise self.failure
        self.asked.append(words)

    def poll(self) -> None:
        self._ask("poll")

    def sign_in(self, account: str, way: Way) -> None:
        self._ask("sign_in", account, way)

    def finish_sign_in(self, account: str, address: str) -> None:
        self._ask("finish_sign_in", account, address)

    async def keep_sign_in(self, account: str) -> None:
        self._ask("keep_sign_in", account)

    def cancel_sign_in(self, account: str) -> None:
        self._ask("cancel_sign_in", account)

    async def sign_out(self, account: str) -> None:
        self._ask("sign_out", account)

    async def set_presence(
        self, account: str, presence: PreferredPresence, lasts: timedelta | None = None
    ) -> str | None:
        self._ask("set_presence", account, presence, str(lasts))
        return self.note

    async def set_status_message(
        self, account: str, text: str, lasts: timedelta | None = None
    ) -> None:
        self._ask("set_status_message", account, text, str(lasts))

    async def add_person(self, account: str, name: str, way: Way) -> None:
        self._ask("add_person", account, name, way)

    async def remove_person(self, account: str) -> None:
        self._ask("remove_person", account)

    def command_light(self, name: str, command: LightCommand) -> None:
        self._ask("command_light", name, command.model_dump_json(by_alias=True, exclude_none=True))

    def registration(self, account: str) -> Registration:
        return Registration("contoso.com", UUID(int=7))

    async def change_registration(self, account: str, wanted: Registration) -> None:
        self._ask("change_registration", account, wanted.tenant, str(wanted.client_id))


@dataclass
class RunningPage:
    """A page that listens on ``port``."""

    port: int
    view: Latest[Snapshot]
    actions: RecordingActions
    state_dir: Path
    reload: Callable[[], None] = lambda: None
    """What the page does at a reload of the config."""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def show(self, *people: Person, **changes: object) -> None:
        """Change what the page shows."""
        now = self.view.value
        self.view.set(replace(now, people=people or now.people, **changes))  # type: ignore[arg-type]


@asynccontextmanager
async def serving(
    state_dir: Path,
    snapshot: Snapshot,
    *,
    clock: Clock | None = None,
    port: int = 0,
    limits: Limits | None = None,
    settings: Mapping[str, object] | None = None,
) -> AsyncIterator[RunningPage]:
    """A page that serves ``snapshot`` until the end of the block."""
    chosen = WebSettings.model_validate({"port": port, **(settings or {})})
    view, actions, time = Latest(snapshot), RecordingActions(), clock or NoonClock()
    web = Web(
        chosen,
        view=view,
        posts=Posts(view, cast(Commands, actions)),
        registration=RegistrationChange(view, cast(Commands, actions)),
        guard=guard_of(chosen, state_dir, time, cost=QUICK),
        state_dir=state_dir,
        version="1.2.3",
        clock=time,
        zone=UTC,
        limits=limits,
    )
    async with served(web) as (listening, _):
        yield RunningPage(listening, view, actions, state_dir, web.guard.look_at_password)
