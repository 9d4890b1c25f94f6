"""Setting presence in Graph: preferred state, status message, place of work. Never a session.

Pairs, durations, defaults and bodies are those of the Graph v1.0 reference
(setUserPreferredPresence, setStatusMessage, setManualLocation, clearLocation).
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

from aiohttp import web

from tests.fakes.microsoft.directory import Person
from tests.fakes.microsoft.gate import Gate, json_object
from tests.fakes.microsoft.graph_errors import GraphError
from tests.fakes.microsoft.presence import Location, Preferred, State, StatusMessage
from tests.fakes.microsoft.simulation import Simulation
from tests.fakes.microsoft.wording import Wording, zone_of

WRITE_OWN, WRITE_ALL = ("Presence.ReadWrite",), ("Presence.ReadWrite.All",)
PAIRS = frozenset(
    {State(word, word) for word in ("Available", "Busy", "DoNotDisturb", "BeRightBack", "Away")}
    | {State("Offline", "OffWork")}
)
SHORT, LONG = timedelta(days=1), timedelta(days=7)
"""How long a preferred state lasts unless it says so itself: busy ones short, others long."""
LOCATIONS = ("unspecified", "office", "remote", "timeOff")
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


class PresenceWrites:
    """The endpoints that change presence."""

    def __init__(self, simulation: Simulation, gate: Gate) -> None:
        self._simulation, self._gate = simulation, gate

    def routes(self) -> list[web.RouteDef]:
        """The endpoints, named; each for oneself and for somebody by GUID."""
        actions = {
            "setUserPreferredPresence": ("set_preferred", self.set_preferred),
            "clearUserPreferredPresence": ("clear_preferred", self.clear_preferred),
            "setStatusMessage": ("set_status", self.set_status),
            "setManualLocation": ("set_location", self.set_location),
            "clearLocation": ("clear_location", self.clear_location),
        }
        routes = []
        for action, (name, handler) in actions.items():
            mine, somebodys = (f"/v1.0/{who}/presence/{action}" for who in ("me", "users/{id}"))
            routes.append(web.post(mine, handler, name=f"me.{name}"))
            routes.append(web.post(somebodys, handler, name=f"user.{name}"))
        return routes

    async def set_preferred(self, request: web.Request) -> web.Response:
        """Choose a state that stands before what sessions say.

        Raises:
            GraphError: The token does not allow it, or the pair or duration is wrong.
        """
        person, body = self._person(request), await json_object(request)
        state = _pair(body)
        short = state.availability in {"Busy", "DoNotDisturb"}
        lasts = _duration(body.get("expirationDuration"), SHORT if short else LONG)
        preferred = Preferred(state, self._simulation.clock.now() + lasts)
        self._simulation.directory.put(person, replace(person.facts, preferred=preferred))
        return web.Response()

    async def clear_preferred(self, request: web.Request) -> web.Response:
        """Let sessions decide again.

        Raises:
            GraphError: The token does not allow it.
        """
        person = self._person(request)
        self._simulation.directory.put(person, replace(person.facts, preferred=None))
        return web.Response()

    async def set_status(self, request: web.Request) -> web.Response:
        """Set the status message; an empty one clears.

        Raises:
            GraphError: The token does not allow it, or the body is wrong.
        """
        person, body = self._person(request), await json_object(request)
        status = _status(body, self._simulation.clock.now())
        self._simulation.directory.put(person, replace(person.facts, status=status))
        return web.Response()

    async def set_location(self, request: web.Request) -> web.Response:
        """Say where the person works today.

        Raises:
            GraphError: The token does not allow it, the cloud has no such action, or the body is
                wrong.
        """
        person = self._located(request)
        location = _location(await json_object(request))
        self._simulation.directory.put(person, replace(person.facts, manual_location=location))
        return web.Response(status=204)

    async def clear_location(self, request: web.Request) -> web.Response:
        """Let the calendar say again where the person works.

        Raises:
            GraphError: As in ``set_location``; this action takes no body at all.
        """
        person = self._located(request)
        if await request.read():
            raise GraphError(400, "The action takes no parameters.")
        self._simulation.directory.put(person, replace(person.facts, manual_location=None))
        return web.Response(status=204)

    def _located(self, request: web.Request) -> Person:
        person = self._person(request)
        wording = self._simulation.directory.wording
        if isinstance(wording, Wording) and wording.small_schema:
            action = request.path.rpartition("/")[2]
            raise GraphError(400, f"Resource not found for the segment '{action}'.")
        return person

    def _person(self, request: web.Request) -> Person:
        if "id" not in request.match_info:
            return self._gate.pass_person(request, WRITE_OWN)
        token, oid = self._gate.pass_token(request), request.match_info["id"]
        if token.oid is None:
            self._gate.need(token, WRITE_ALL)
        elif token.oid == oid.lower():
            self._gate.need(token, WRITE_OWN)
        else:
            raise GraphError(401, "Cannot set the presence of another user.", code="Unauthorized")
        return self._gate.named(token, oid)


def _pair(body: dict[str, Any]) -> State:
    state = State(str(body.get("availability")), str(body.get("activity")))
    if state not in PAIRS:
        raise GraphError(400, "Availability and activity are no pair that can be preferred.")
    return state


def _location(body: dict[str, Any]) -> Location:
    kind, place_id = body.get("workLocationType"), body.get("placeId")
    if kind not in LOCATIONS or not isinstance(place_id, str | None):
        raise GraphError(400, "workLocationType or placeId is wrong.")
    if unknown := body.keys() - {"workLocationType", "placeId"}:
        raise GraphError(400, f"The action has no parameter {', '.join(sorted(unknown))}.")
    return Location(kind, "manual", place_id)


def _duration(text: Any, default: timedelta) -> timedelta:
    """An ISO 8601 duration of days and smaller parts."""
    if text is None:
        return default
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    parts = [int(part or 0) for part in match.groups()] if match else []
    if not any(parts):
        raise GraphError(400, f"The duration {text!r} is no positive ISO 8601 duration.")
    days, hours, minutes, seconds = parts
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _status(body: dict[str, Any], now: datetime) -> StatusMessage | None:
    try:
        message = body["statusMessage"]["message"]
        content, content_type = str(message["content"]), message.get("contentType", "text")
        expires = _moment(body["statusMessage"].get("expiryDateTime"))
    except (KeyError, TypeError, AttributeError, ValueError, ZoneInfoNotFoundError) as error:
        raise GraphError(400, f"The status message cannot be read: {error}") from None
    if content_type != "text":
        raise GraphError(400, "Only contentType text is supported.")
    return StatusMessage(content, now, expires) if content else None


def _moment(value: dict[str, str] | None) -> datetime | None:
    """A dateTimeTimeZone: a time without an offset, and the zone it is told in."""
    if value is None:
        return None
    moment = datetime.fromisoformat(value["dateTime"])
    if moment.tzinfo is not None:
        raise ValueError("dateTime must have no offset")
    return moment.replace(tzinfo=zone_of(value["timeZone"])).astimezone(UTC)
