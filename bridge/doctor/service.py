"""What the running service tells, on its socket or at the broker. Never reads its token cache."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from bridge.broker import visit
from bridge.commands.remote_by_socket import OverSocket
from bridge.config.models import Config
from bridge.contract.account import SignInState
from bridge.contract.errors import ContractError, PresenceBridgeError
from bridge.contract.topics import ONLINE
from bridge.contract.wire import decode_json
from bridge.doctor.broker import LOOK_S, broker
from bridge.doctor.cures import broker_cure, cure, note, rules_cure
from bridge.doctor.findings import Finding, bad, good
from bridge.doctor.lamps import clocks
from bridge.doctor.limits import limits


async def at_the_broker(config: Config, service: OverSocket) -> AsyncIterator[Finding]:
    """What the service knows of the broker: its limits, and what is wrong there."""
    try:
        known = await service.broker()
    except PresenceBridgeError as error:
        yield bad(f"the running service: {error}")
        return
    problems = list(known["problems"])
    if not known["connected"]:  # then ours is in nobody's way
        findings, _ = await broker(config)
        faults = [finding for finding in findings if not finding.good]
        lost = problems or ["no connection"]
        for finding in faults or [bad(f"broker: the running service: {each}") for each in lost]:
            yield finding
        return
    who = config.mqtt.user
    version = known["mqtt_version"]
    yield good(f"broker: {config.mqtt.address} lets {who} in; the service speaks MQTT {version}")
    for finding in limits(known["limits"] or {}):
        yield finding
    for finding in clocks(known.get("clocks_apart_s") or {}):
        yield finding
    for problem in problems:
        yield bad(f"broker: {problem}", rules_cure(problem, config.topics))


async def told_on_this_machine(config: Config, service: OverSocket) -> AsyncIterator[Finding]:
    """How it fares, and where the sign-in of each account stands."""
    try:
        health = await service.ask("health_check")
        reason = str(health.get("reason"))
        if health.get("healthy") is False and not reason.startswith("broker: "):
            yield bad(f"the running service: {reason}")
        for slug in config.accounts:
            auth = await service.sign_in_of(slug)
            if auth is None:
                yield bad(
                    f"{slug}: the running service does not follow it", "presence-bridge reload"
                )
            else:
                yield _sign_in(config, slug, auth)
    except PresenceBridgeError as error:
        yield bad(f"the running service: {error}")


async def told_by_the_service(config: Config) -> AsyncIterator[Finding]:
    """How it fares, and where the sign-in of each account stands."""
    topics = config.topics
    try:
        received = await visit(
            config.mqtt,
            follow=[
                topics.bridge_health,
                *(topics.table(slug, "auth") for slug in config.accounts),
                topics.account("+", "auth"),
                topics.bridge_state,
            ],
            until=lambda message: message.topic == topics.bridge_state,
            within_s=LOOK_S,
        )
        stored = {message.topic: message.payload for message in received}
        if stored.get(topics.bridge_state) != ONLINE.encode():
            yield bad("the service runs, but not at this broker", "Its log says why.")
            return
        health = decode_json(stored.get(topics.bridge_health, b"{}"))
        if health.get("healthy") is False:
            yield bad(f"the running service: {health.get('reason')}")
        for slug in config.accounts:
            yield _sign_in(config, slug, _auth(config, slug, stored))
    except ContractError as error:
        yield bad(
            f"what the running service told at the broker cannot be read: {error}",
            "Ask again in a minute: it mends what others overwrite. Else restart it.",
        )
    except PresenceBridgeError as error:
        yield bad(f"the running service cannot be asked: {error}", broker_cure(error))


def _auth(config: Config, slug: str, stored: Mapping[str, bytes]) -> Mapping[str, Any]:
    """What is stored of the sign-in of an account or table."""
    topics, own = config.topics, config.accounts[slug]
    topic = topics.account(slug, "auth")
    if own.people or own.watch or own.group:
        topic = topics.table(slug, "auth")  # one sign-in is theirs
        if topic not in stored:  # the last release told it with each, called slug_somebody
            begin = topics.account(f"{slug}_", "auth").removesuffix("/auth")
            topic = next((other for other in stored if other.startswith(begin)), topic)
    return decode_json(stored.get(topic, b"{}"))


def _sign_in(config: Config, slug: str, auth: Mapping[str, Any]) -> Finding:
    own = config.accounts[slug]
    if auth.get("state") == SignInState.SIGNED_IN:
        return good(f"{slug}: the running service is signed in")
    state = str(auth.get("state", "not known yet")).replace("_", " ")
    remedy = auth.get("remedy") or ("" if own.sign_in == "app" else "Sign in.")
    return bad(
        f"{slug}: {auth.get('message') or f'{state}.'}",
        cure(remedy, config, slug),
        note(auth.get("who"), auth.get("correlation_id")),
    )
