"""``presence-driver preview``: what a lamp would show and by which rule, without touching it.

What is true now comes from the broker, unless a presence is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ParamSpec, TypeVar

from pydantic import ValidationError

from bridge.broker import Connect, Received, visit
from bridge.broker.connection import connect as mqtt
from bridge.config.tables.shared import HostConfig
from bridge.contract.account import NEEDED, SIGNED_IN
from bridge.contract.clock import Clock
from bridge.contract.errors import ConfigError, ContractError, PersonMustActError
from bridge.contract.light import OFF, LightState
from bridge.contract.light_why import Reason
from bridge.contract.presence import Activity, Availability
from bridge.contract.wire import AccountState, decode
from drivers.base import Capability
from drivers.presence.following import LEAVES, Following
from drivers.presence.large_tables import FRESH
from drivers.record import Record
from drivers.rules import GIVE_BACK, Decision, Facts, Rules, Shown, choose
from drivers.rules.defaults import OUT_OF_OFFICE, SIGN_IN_NEEDED, UNKNOWN
from drivers.rules.look import parse_color

P = ParamSpec("P")
T = TypeVar("T")

_ANSWER_S = 2.0
_FOR_EVER = datetime(9998, 1, 1, tzinfo=UTC)
_LIGHTS = {
    Capability.WHITE: "a light without colours",
    Capability.ON_OFF: "a light that knows on and off only",
}


@dataclass(frozen=True)
class Now:
    """What the broker has stored for a lamp."""

    facts: Mapping[str, Facts]
    gone: str = ""
    by_hand: LightState | None = None
    hands_off: bool = False
    capability: Capability | None = None
    """What the light can do, as its driver tells."""
    bridge_ahead: timedelta = timedelta()
    """Of the clock here."""


class _Rule(Record):
    mode: str
    look: LightState | None = None
    capability: Capability | None = None


def facts_of(text: str, now: datetime, accounts: Sequence[str]) -> dict[str, Facts]:
    """Facts of ``busy/in_a_call`` or ``unknown`` for all, or of ``alice=busy,bob=available``."""
    facts: dict[str, Facts] = {}
    for part in text.split(","):
        account, equals, words = part.strip().rpartition("=")
        if equals and accounts and account not in accounts:
            raise ValueError(
                f"{account!r} is not followed; this lamp follows {', '.join(accounts)}"
            )
        for slug in [account] if equals else accounts or ["-"]:
            facts[slug] = _facts(words.strip(), now)
    return {slug: facts.get(slug, Facts()) for slug in accounts or facts}


def _facts(words: str, now: datetime) -> Facts:
    if words == UNKNOWN:
        return Facts()
    if words == SIGN_IN_NEEDED:
        return Facts(sign_in=NEEDED)
    availability, _, activity = words.partition("/")
    values = {
        **dict.fromkeys(("busy", "in_call", "in_meeting", "status_message")),
        "availability": availability,
        "activity": activity or availability,
        "out_of_office": activity == OUT_OF_OFFICE,
        "changed_at": now,
        "polled_at": now,
        "valid_until": _FOR_EVER,
    }
    try:
        state = AccountState.model_validate(values)
    except ValidationError:
        known = [*map(str, Availability), UNKNOWN, SIGN_IN_NEEDED]
        raise ValueError(
            f"{words!r} is not a presence; availabilities: {', '.join(known)}; "
            f"activities: {', '.join(map(str, Activity))}"
        ) from None
    return Facts(state, fresh=True, sign_in=SIGNED_IN)


def by_hand(text: str) -> LightState:
    """The light that a person set: a colour, or ``off``."""
    return OFF if text == "off" else LightState(color=parse_color(text))


async def ask(
    name: str,
    config: HostConfig,
    accounts: Sequence[str],
    clock: Clock,
    *,
    connect: Connect = mqtt,
) -> Now:
    """What is true now, as the lamp called ``name`` would hear it."""
    topics = config.topics
    following, rule = Following(topics, accounts, clock), topics.light(name, "rule")
    people = accounts or ["+"]
    of_people = [topics.account(account, leaf) for account in people for leaf in LEAVES]
    of_lamp: dict[str, Any] = {}
    for received in await _stored(config, [topics.bridge_state, *of_people], connect, perhaps=rule):
        if received.topic == rule:
            of_lamp = _of_lamp(received.payload)
        else:
            following.receive(received)
    facts = following.reports.value.facts
    silent = [account for account in people if facts.get(account, Facts()).sign_in is None]
    tables = {known.state.table for known in facts.values() if known.state and known.state.table}
    for more in (
        [topics.account(account, "auth") for account in silent],  # of a bridge of old
        [topics.table(table, FRESH) for table in sorted(tables)],
    ):
        with suppress(PersonMustActError):  # a lamp with rules of its release may not hear each
            for received in await _stored(config, more, connect) if more else ():
                following.receive(received)
    reports = following.reports.value
    return Now(
        {account: reports.facts.get(account, Facts()) for account in accounts} or reports.facts,
        gone="" if reports.bridge_online else "bridge",
        **of_lamp,
        bridge_ahead=following.bridge_clock.now() - clock.now(),
    )


def decide(rules: Rules, now: Now, moment: datetime, *, shown_at_another: bool = False) -> Decision:
    """What the lamp shows at ``moment``; at another one as if what is known stayed so."""
    lasting = {slug: _lasting(known) for slug, known in now.facts.items()}
    facts = lasting if shown_at_another else now.facts
    followed = choose(rules, facts, moment, bridge_now=moment + now.bridge_ahead, gone=now.gone)
    if now.by_hand is None and not now.hands_off:
        return followed
    lost = Reason(rule=followed.rule, account=followed.account, because="set by hand")
    rule = "set by hand, until presence is followed again"
    return Decision(now.by_hand, rule, lost=(lost, *followed.lost))


def described(decision: Decision, capability: Capability = Capability.COLOR) -> str:
    """The decision for people, on a light that can do ``capability``."""
    who = f" ({decision.account})" if decision.account not in (None, "-") else ""
    what = f"\non: {_LIGHTS[capability]}" if capability in _LIGHTS else ""
    return f"{_look(decision.state, capability)}\nbecause: {decision.rule}{who}{what}"


def lost_words(decision: Decision) -> Iterator[str]:
    """What asked for another look, and what it lost to; a line each."""
    for reason in decision.lost:
        who = f" ({reason.account})" if reason.account not in (None, "-") else ""
        yield f"not: {reason.rule}{who}; {reason.because}"


def _look(shown: Shown, capability: Capability) -> str:
    if shown is None:
        return "left as it is"
    if shown is GIVE_BACK:
        return "given back: as it was found, then left alone"
    if not shown.on:
        return "off"
    level, effect = f"{shown.brightness:.0%}", str(shown.effect)
    if capability is Capability.ON_OFF:
        return f"on, {effect}" if any(shown.rgb) else "off"
    if capability is Capability.WHITE:
        return f"{level}, {effect}"
    red, green, blue = shown.color
    return f"#{red:02x}{green:02x}{blue:02x} at {level}, {effect}"


def checked(read: Callable[P, T], *words: P.args, **more: P.kwargs) -> T:
    """What ``read`` makes of words of the command line."""
    try:
        return read(*words, **more)
    except ValueError as error:
        raise ConfigError([f"preview: {error}"]) from None


def _lasting(known: Facts) -> Facts:
    if known.state is None:
        return known
    return replace(known, state=known.state.model_copy(update={"valid_until": _FOR_EVER}))


def _of_lamp(payload: bytes) -> dict[str, Any]:
    try:
        rule = decode(_Rule, payload)
    except ContractError:
        return {}
    hand = {"off": OFF, "manual": rule.look}.get(rule.mode)
    hands_off = rule.mode == "manual" and hand is None
    return {"by_hand": hand, "hands_off": hands_off, "capability": rule.capability}


async def _stored(
    config: HostConfig, filters: list[str], connect: Connect, *, perhaps: str = ""
) -> list[Received]:
    """What is stored on ``filters``; ``perhaps`` comes first and is not waited for."""
    waits = set(filters)

    def is_all(received: Received) -> bool:
        waits.discard(received.topic)
        return not waits

    return await visit(
        config.mqtt,
        follow=[perhaps, *filters] if perhaps else filters,
        until=is_all,
        within_s=_ANSWER_S,
        connect=connect,
    )
