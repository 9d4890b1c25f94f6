"""A report for a public issue, without any name, message, code or address.

Only values of closed sets and numbers are taken over; free text has accounts and lights numbered
and all that looks like an address or an id taken out.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from datetime import datetime

from bridge.web.data.readiness import waiting_for
from bridge.web.data.snapshot import Light, Person, Snapshot

LISTED = 20
"""Accounts and lights that get a line."""
_WORD = re.compile(r"\w+")
_PRIVATE = re.compile(
    r"https?://\S+"
    r"|\S+@\S+"
    r"|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
    r"|\b(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}\b"
    r"|\b\d{1,3}(?:\.\d{1,3}){3}\b"
    r"|\b[A-Za-z0-9_-]{24,}"
)


def report(snapshot: Snapshot) -> str:
    """Lines of ``name: value``."""
    return "\n".join(_lines(snapshot))


def _lines(snapshot: Snapshot) -> Iterator[str]:
    service = snapshot.service
    numbers = dict(_numbers(snapshot, _words(snapshot)))
    yield f"Presence Bridge {service.version}, Python {platform.python_version()}"
    yield f"started: {_time(service.started)}"
    connected = "connected" if service.broker_connected else "not connected"
    yield f"broker: {connected}, MQTT {service.mqtt_version or 'unknown'}"
    yield f"broker reconnects: {service.reconnects}, waiting: {service.waiting}"
    yield f"healthy: {service.healthy}"
    yield f"sign-ins that wait for somebody: {sum(1 for _ in waiting_for(snapshot))}"
    if service.reason:
        yield f"reason: {redacted(service.reason, numbers)}"
    yield f"last good poll: {_time(service.last_poll_ok)}"
    yield f"next poll: {_time(service.next_poll)} ({service.next_poll_why or 'no reason'})"
    yield f"failures in a row: {service.consecutive_failures}"
    yield f"throttled until: {_time(service.throttled_until)}"
    yield f"requests in the last hour: {service.requests_last_hour}"
    yield f"accounts: {len(snapshot.people)}, fresh: {sum(p.fresh for p in snapshot.people)}"
    for number, person in enumerate(snapshot.people[:LISTED], 1):
        yield f"account {number}: {_person(person, numbers)}"
    yield f"lights: {len(snapshot.lights)}"
    for number, light in enumerate(snapshot.lights[:LISTED], 1):
        yield f"light {number}: {_light(light, numbers)}"


def redacted(text: str, numbers: dict[str, str]) -> str:
    """``text`` with names as numbers, and without addresses, ids and host names."""
    if numbers:
        longest_first = sorted(map(re.escape, numbers), key=len, reverse=True)
        pattern = rf"(?<!\w)(?:{'|'.join(longest_first)})(?!\w)"
        text = re.sub(pattern, lambda match: numbers[match[0]], text)
    return _PRIVATE.sub("…", text)


def _words(snapshot: Snapshot) -> set[str]:
    """The words of all free text in the report."""
    texts = [snapshot.service.reason]
    texts += [person.sign_in.remedy for person in snapshot.people[:LISTED]]
    texts += [light.rule for light in snapshot.lights[:LISTED]]
    return set(_WORD.findall(" ".join(filter(None, texts))))


def _numbers(snapshot: Snapshot, words: set[str]) -> Iterator[tuple[str, str]]:
    """Names that may be among ``words``, with their replacement: not those of thousands."""
    for number, light in enumerate(snapshot.lights, 1):
        if _may_occur(light.name, words):
            yield light.name, f"light {number}"
    for number, person in enumerate(snapshot.people, 1):
        for name in (person.name, person.account):
            if _may_occur(name, words):
                yield name, f"account {number}"


def _may_occur(name: str, words: set[str]) -> bool:
    first = _WORD.search(name)
    return first is None or first[0] in words


def _person(person: Person, numbers: dict[str, str]) -> str:
    sign_in = person.sign_in
    remedy = f", remedy: {redacted(sign_in.remedy, numbers)}" if sign_in.remedy else ""
    fresh = "fresh" if person.fresh else "stale"
    return (
        f"{person.kind}, {fresh}, polled: {_time(person.polled_at)}, "
        f"sign-in: {sign_in.state}{remedy}"
    )


def _light(light: Light, numbers: dict[str, str]) -> str:
    online = "online" if light.online else "offline"
    reachable = "reachable" if light.reachable else "unreachable"
    rule = redacted(light.rule, numbers) if light.rule else "none"
    return f"{online}, {reachable}, {light.mode}, rule: {rule}"


def _time(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else "never"
