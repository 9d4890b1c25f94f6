"""How the bridge works: one line, and a list of plain facts. Pure."""

from __future__ import annotations

from markupsafe import Markup

from bridge.web.data.page_words import Calendar, plain
from bridge.web.data.readiness import refused, waiting_for
from bridge.web.data.snapshot import BridgeStatus, Snapshot
from bridge.web.render.document import section
from bridge.web.render.forms import copy_button, disclosure, form
from bridge.web.render.markup import Child, join, tag
from bridge.web.render.times import ago

NAMED = 3
"""Of those who must sign in; more are counted."""


def health_section(snapshot: Snapshot, calendar: Calendar) -> Markup:
    """One line about the bridge itself, and everything else behind one press."""
    text, css = _verdict(snapshot)
    facts = [join(tag("dt", name), tag("dd", fact)) for name, fact in _facts(snapshot, calendar)]
    card = tag(
        "div",
        tag("p", text, class_=css),
        form("poll", button="Read now", css="quiet"),
        disclosure("Details", tag("dl", facts)),
        _report(),
        class_="card",
    )
    return section("health", "Health", card)


def refusal_section(snapshot: Snapshot, calendar: Calendar) -> Markup | None:
    """The last command, while it is one that was refused."""
    refusal = snapshot.refusal
    if refusal is None:
        return None
    person = snapshot.person(refusal.account or "")
    who = person.name if person else refusal.account
    what = plain(refusal.command) + (f" for {who}" if who else "")
    when = f" ({calendar.clock(refusal.at)})" if refusal.at else ""
    return tag(
        "section",
        tag("p", tag("strong", f"Refused: {what}"), when),
        tag("p", refusal.error),
        tag("p", refusal.remedy) if refusal.remedy else None,
        id="refusal",
        class_="notice",
        role="alert",
    )


def _report() -> Markup:
    """Loaded by the script when it is opened."""
    report = tag(
        "pre", id="report", data_load="report", tabindex=0, role="region", aria_label="Report"
    )
    return disclosure(
        "Report for an issue",
        tag(
            "p",
            "Holds no names, messages, codes or addresses. ",
            tag("a", "As plain text", href="report"),
        ),
        report,
        copy_button("report", "Copy for an issue"),
    )


def _verdict(snapshot: Snapshot) -> tuple[str, str | None]:
    """The one line, and whether it is good or bad; to wait for somebody is neither."""
    service, waiting = snapshot.service, list(waiting_for(snapshot))
    if service.standby and service.healthy:
        return f"{service.standby[:1].upper()}{service.standby[1:]}.", None
    if not service.broker_connected and not service.standby:
        return _without_broker(service), "warn"
    if waiting and not service.failing:
        return f"Waiting for {_names(waiting)} to sign in.", None
    if not service.healthy and service.reason:
        return service.reason, "warn"
    return _of_people(snapshot)


def _of_people(snapshot: Snapshot) -> tuple[str, str | None]:
    """The same, of a bridge that works."""
    if names := list(refused(snapshot)):
        return f"Microsoft refuses the sign-in of {_names(names)}.", "warn"
    if not snapshot.people:
        return "Nobody is followed yet.", None
    if snapshot.service.last_poll_ok is None:
        return "Starting: nobody was read yet.", None
    return "All is well.", "good"


def _without_broker(service: BridgeStatus) -> str:
    if other := service.broker_dispute:
        return f"{other[:1].upper()}{other[1:]}."
    missed = "The broker cannot be reached: lamps and Home Assistant get nothing new."
    return f"{missed} {service.without_broker}".rstrip()


def _names(names: list[str]) -> str:
    """``Alice``, ``Alice and Bob``, ``Alice, Bob and 3 others``."""
    if len(names) > NAMED:
        names = [*names[: NAMED - 1], f"{len(names) - NAMED + 1} others"]
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _facts(snapshot: Snapshot, calendar: Calendar) -> list[tuple[str, Child]]:
    service = snapshot.service
    version = f", MQTT {service.mqtt_version}" if service.mqtt_version else ""
    connected = f"connected{version}" if service.broker_connected else "not connected"
    waiting = [("Messages that wait", str(service.waiting))] if service.waiting else []
    requests, allowed = f"{service.requests_last_hour:,}", service.requests_allowed_hour
    requests += f" of {allowed:,} allowed" if allowed else ""
    read = service.last_poll_ok
    return [
        ("Broker", f"{connected}, {service.broker}"),
        ("Microsoft", _microsoft(service, calendar)),
        ("Last good read", ago(read, calendar) if read else "never"),
        ("Next read", _next(snapshot, calendar)),
        ("Requests in the last hour", requests),
        ("Reconnects to the broker", str(service.reconnects)),
        *waiting,
        ("Running since", calendar.clock(service.started)),
        ("Version", service.version),
    ]


def _microsoft(service: BridgeStatus, calendar: Calendar) -> str:
    if service.throttled_until:
        return f"asked us to wait until {calendar.clock(service.throttled_until)}"
    if failures := service.consecutive_failures:
        return "the last read failed" if failures == 1 else f"{failures} failures in a row"
    if service.last_poll_ok is None:
        return "not asked yet"
    if service.next_poll is None:
        return f"answered at {calendar.clock(service.last_poll_ok)}"
    return "answers"


def _next(snapshot: Snapshot, calendar: Calendar) -> str:
    service = snapshot.service
    if not snapshot.people:
        return "nobody is followed"
    if service.next_poll is None:
        return "waits for a sign-in"
    why = f", {service.next_poll_why}" if service.next_poll_why else ""
    return f"{calendar.clock(service.next_poll)}{why}"
