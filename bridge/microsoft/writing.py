"""Sets what the person who is signed in wants to be shown as, says, and where they work.

Pairs, durations, defaults and bodies: Microsoft Graph v1.0, "presence: setUserPreferredPresence",
"presence: clearUserPreferredPresence", "presence: setStatusMessage", "presence: setManualLocation"
and "presence: clearLocation".
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, timedelta
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from bridge.config.state_file import StateFile
from bridge.contract.clock import Clock
from bridge.contract.errors import ContractError, PresenceBridgeError
from bridge.contract.preferred import (
    STATUS_MESSAGE_LIMIT,
    Preferred,
    PreferredLocation,
    PreferredPresence,
)
from bridge.contract.presence import Availability
from bridge.contract.wire import encode_json
from bridge.microsoft.graph import Graph

log = logging.getLogger(__name__)

PAIRS: Mapping[PreferredPresence, tuple[str, str]] = {
    PreferredPresence.AVAILABLE: ("Available", "Available"),
    PreferredPresence.BUSY: ("Busy", "Busy"),
    PreferredPresence.DO_NOT_DISTURB: ("DoNotDisturb", "DoNotDisturb"),
    PreferredPresence.BE_RIGHT_BACK: ("BeRightBack", "BeRightBack"),
    PreferredPresence.AWAY: ("Away", "Away"),
    PreferredPresence.OFFLINE: ("Offline", "OffWork"),
}
LOCATIONS: Mapping[PreferredLocation, str] = {
    PreferredLocation.OFFICE: "office",
    PreferredLocation.REMOTE: "remote",
    PreferredLocation.TIME_OFF: "timeOff",
}
PLACE_MOST = 128
"""Characters of the id of a place; Microsoft's are GUIDs."""
BUSY_FOR, ELSE_FOR = timedelta(days=1), timedelta(days=7)
"""Microsoft's own defaults; sent along so that we know when it ends."""
SHORTEST, LONGEST = timedelta(minutes=5), timedelta(days=7)
REMEDY = "Add the delegated permission Presence.ReadWrite to the app, then sign in again."
LOCATION_REMEDY = f"{REMEDY} Microsoft's government clouds know no work location."
NOT_SHOWN = "Teams shows it as soon as the person is signed in to Teams on any device."
_BUSY = (PreferredPresence.BUSY, PreferredPresence.DO_NOT_DISTURB)


class Writer:
    """Changes the presence of who is signed in; what was set is remembered in ``file``.

    Every change raises ``ContractError`` for what cannot be set, and as ``Graph`` says.
    """

    def __init__(self, graph: Graph, *, file: Path, clock: Clock) -> None:
        self._graph, self._clock = graph, clock
        self._file = StateFile(file)
        self._preferred: Preferred | None = None

    @property
    def preferred(self) -> Preferred:
        """What was set from here last and has not ended."""
        if self._preferred is None:
            self._preferred = self._read()
        return self._preferred.at(self._clock.now())

    async def prefer(self, presence: PreferredPresence, lasts: timedelta | None) -> str | None:
        """Be shown as ``presence``, so long or as is usual; returns what a person must know."""
        if presence is PreferredPresence.AUTOMATIC:
            await self._post("clearUserPreferredPresence", {})
            self._remember(Preferred(presence))
            return None
        lasts = _checked(lasts) or (BUSY_FOR if presence in _BUSY else ELSE_FOR)
        availability, activity = PAIRS[presence]
        until = self._clock.now() + lasts
        await self._post(
            "setUserPreferredPresence",
            {
                "availability": availability,
                "activity": activity,
                "expirationDuration": f"PT{int(lasts.total_seconds() // 60)}M",
            },
        )
        self._remember(Preferred(presence, until))
        if presence is PreferredPresence.OFFLINE:
            return None
        try:
            shown = (await self._graph.my_presence()).availability
        except PresenceBridgeError:
            return None  # it is set, all the same
        return NOT_SHOWN if shown is Availability.OFFLINE else None

    async def say(self, text: str, lasts: timedelta | None) -> None:
        """Set the status message; an empty one is removed."""
        if len(text) > STATUS_MESSAGE_LIMIT:
            raise ContractError(f"a status message has at most {STATUS_MESSAGE_LIMIT} characters")
        status: dict[str, object] = {"message": {"content": text, "contentType": "text"}}
        if text and (lasts := _checked(lasts)):
            ends = (self._clock.now() + lasts).astimezone(UTC).replace(tzinfo=None)
            status["expiryDateTime"] = {
                "dateTime": ends.isoformat(timespec="seconds"),
                "timeZone": "UTC",
            }
        await self._post("setStatusMessage", {"statusMessage": status})

    async def locate(self, location: PreferredLocation, place_id: str | None) -> None:
        """Work at ``location`` today, in the building or at the desk ``place_id``, if any."""
        if location is PreferredLocation.AUTOMATIC:
            await self._post("clearLocation", None, remedy=LOCATION_REMEDY)
            return
        body = {"workLocationType": LOCATIONS[location]}
        if place_id:
            if len(place_id) > PLACE_MOST or not place_id.isprintable():
                raise ContractError(f"place_id is an id of at most {PLACE_MOST} characters")
            body["placeId"] = place_id
        await self._post("setManualLocation", body, remedy=LOCATION_REMEDY)

    async def clear(self) -> None:
        """Prefer nothing and say nothing."""
        await self.prefer(PreferredPresence.AUTOMATIC, None)
        await self.say("", None)

    async def close(self) -> None:
        """Wait until what was set is remembered, for a short while."""
        await self._file.close()

    async def _post(
        self, action: str, body: Mapping[str, object] | None, *, remedy: str = REMEDY
    ) -> None:
        if self._graph.my_id is None:
            await self._graph.my_presence()
        path = f"/users/{self._graph.my_id}/presence/{action}"
        content = b"" if body is None else encode_json(body)
        await self._graph.post(path, content, remedy=remedy)

    def _remember(self, preferred: Preferred) -> None:
        self._preferred = preferred
        self._file.save(_stored().dump_json(preferred).decode())

    def _read(self) -> Preferred:
        try:
            return _stored().validate_json(self._file.file.read_bytes())
        except FileNotFoundError:
            return Preferred()
        except (OSError, ValidationError):
            log.warning("%s cannot be read: what was preferred is not known", self._file.file)
            return Preferred()


def _checked(lasts: timedelta | None) -> timedelta | None:
    if lasts is not None and not SHORTEST <= lasts <= LONGEST:
        least, most = (int(limit.total_seconds() // 60) for limit in (SHORTEST, LONGEST))
        raise ContractError(f"minutes must be from {least} to {most}")
    return lasts


def file_of(state_dir: Path, slug: str) -> Path:
    """Where it is remembered what the account ``slug`` set."""
    return state_dir / "preferred" / f"{slug}.json"


@cache
def _stored() -> TypeAdapter[Preferred]:
    return TypeAdapter(Preferred)  # built where somebody's presence may be set
