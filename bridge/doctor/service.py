"""What the running service says of itself, on its socket or at the broker.

Its token cache is not read: a second reader would disturb it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.broker import visit
from bridge.commands.remote_by_socket import OverSocket
from bridge.config.tables.config import Config
from bridge.contract.account import SignInState
from bridge.contract.errors import ContractError, PresenceBridgeError
from bridge.contract.topics import ONLINE
from bridge.contract.wire import decode_json
from bridge.doctor.broker import LOOK_S, broker, clocks, limits
from bridge.doctor.findings import Finding, Report, bad, good
from bridge.doctor.remedies import broker_remedy, rules_remedy, who_must_act, with_commands


async def its_broker(config: Config, service: OverSocket, report: Report) -> None:
    """What the service knows of the broker: its limits, and what is wrong there."""
    try:
        known = await service.broker()
    except PresenceBridgeError as error:
        report(bad(f"the running service: {error}"))
        return
    problems = list(known["problems"])
    if standby := known.get("standby"):
        report(good(f"broker: {standby}"))
        _problems(problems, config, report)
        return
    if not known["connected"]:  # then ours is in nobody's way
        findings, _ = await broker(config)
        faults = [finding for finding in findings if not finding.good]
        lost = problems or ["no connection"]
        for finding in faults or [bad(f"broker: the running service: {each}") for each in lost]:
            report(finding)
        return
    version = known["mqtt_version"]
    used = known.get("address") or config.mqtt.address  # one of the last release does not say it
    who = f"{used} lets {config.mqtt.user} in"
    report(good(f"broker: {who}; the service speaks MQTT {version}"))
    for finding in (*limits(known["limits"] or {}), *clocks(known.get("clocks_apart_s") or {})):
        report(finding)
    _problems(problems, config, report)
    for other in config.mqtt.brokers:
        if config.mqtt.hosts and other.address != used:
            findings, _ = await broker(config.model_copy(update={"mqtt": other}))
            for finding in findings:
                report(finding)


def _problems(problems: list[str], config: Config, report: Report) -> None:
    for problem in problems:
        report(bad(f"broker: {problem}", rules_remedy(problem, config.topics)))


async def ask_on_this_machine(config: Config, service: OverSocket, report: Report) -> None:
    """Its health, and the sign-in of each account, by its socket."""
    try:
        health = await service.ask("health_check")
        reason = str(health.get("reason"))
        if health.get("healthy") is False and not reason.startswith("broker: "):
            report(bad(f"the running service: {reason}"))
        for slug in config.accounts:
            auth = await service.sign_in_of(slug)
            if auth is None:
                unknown = f"{slug}: the running service does not follow it"
                report(bad(unknown, "presence-bridge reload"))
            else:
                report(_sign_in(config, slug, auth))
    except PresenceBridgeError as error:
        report(bad(f"the running service: {error}"))


async def ask_by_the_broker(config: Config, report: Report) -> None:
    """Its health, and the sign-in of each account, from what is stored."""
    topics = config.topics
    follow = [topics.bridge_health, *(topics.table(slug, "auth") for slug in config.accounts)]
    follow += [topics.account("+", "auth"), topics.bridge_state]
    try:
        received = await visit(
            config.mqtt,
            follow=follow,
            until=lambda message: message.topic == topics.bridge_state,
            within_s=LOOK_S,
        )
        stored = {message.topic: message.payload for message in received}
        if stored.get(topics.bridge_state) != ONLINE.encode():
            report(bad("the service runs, but not at this broker", "Its log says why."))
            return
        health = decode_json(stored.get(topics.bridge_health, b"{}"))
        if health.get("healthy") is False:
            report(bad(f"the running service: {health.get('reason')}"))
        for slug in config.accounts:
            report(_sign_in(config, slug, _stored_auth(config, slug, stored)))
    except ContractError as error:
        report(
            bad(
                f"what the running service published cannot be read: {error}",
                "Ask again in a minute: it mends what others overwrite. Else restart it.",
            )
        )
    except PresenceBridgeError as error:
        report(bad(f"the running service cannot be asked: {error}", broker_remedy(error)))


def _stored_auth(config: Config, slug: str, stored: Mapping[str, bytes]) -> Mapping[str, Any]:
    """The sign-in of an account or table."""
    topics = config.topics
    topic = topics.account(slug, "auth")
    if config.accounts[slug].reads_several:
        topic = topics.table(slug, "auth")  # one sign-in is theirs
        if topic not in stored:  # the last release published it with each, called slug_somebody
            begin = topics.account(f"{slug}_", "auth").removesuffix("/auth")
            topic = next((other for other in stored if other.startswith(begin)), topic)
    return decode_json(stored.get(topic, b"{}"))


def _sign_in(config: Config, slug: str, auth: Mapping[str, Any]) -> Finding:
    if auth.get("state") == SignInState.SIGNED_IN:
        return good(f"{slug}: the running service is signed in")
    state = str(auth.get("state", "not known yet")).replace("_", " ")
    remedy = auth.get("remedy") or ("" if config.accounts[slug].sign_in == "app" else "Sign in.")
    return bad(
        f"{slug}: {auth.get('message') or f'{state}.'}",
        with_commands(remedy, config, slug),
        who_must_act(auth.get("who"), auth.get("correlation_id")),
    )
