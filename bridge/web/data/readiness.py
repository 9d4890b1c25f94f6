"""Whether the bridge does what it is for: somebody is read, and it can be published. Pure."""

from __future__ import annotations

from bridge.web.data.snapshot import Snapshot
from bridge.web.data.waiting import must_sign_in


def not_ready(snapshot: Snapshot) -> str | None:
    """What is missing, in a few words; ``None`` when the bridge is ready."""
    service, people = snapshot.service, snapshot.people
    if service.standby or not service.broker_connected:
        return service.standby or "broker not connected"
    if not people:
        return "nobody is followed"
    if all(map(must_sign_in, people)):
        return "waits for a sign-in"
    if service.last_poll_ok is None:
        return "no good read yet"
    if not any(person.fresh for person in people):
        return "nobody can be read"
    return None
