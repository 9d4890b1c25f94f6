"""People who sign in when they are asked, as soon as they feel like it."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING

from tests.fakes.microsoft.directory import Person

if TYPE_CHECKING:
    from tests.world.world import World

LOOKS_EVERY_S = 3.0
PRESSES_EVERY_S = 15.0
SIGNED_OUT, EXPIRED = "signed_out", "expired"
NEEDS_S = 20.0
"""From the code to the end of the sign-in."""


class Office:
    """Looks at what the bus asks of people, and does it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._seen: dict[str, float] = {}
        self._pressed_s: dict[str, float] = {}
        self.lazy: set[str] = set()
        """Tables that nobody signs in for now."""
        self.wants_back: set[str] = set()
        """Tables that somebody signed out of and wants back: they press whenever they see it."""

    async def run(self) -> None:
        """Sign in whoever is asked to, until cancelled."""
        while True:
            await asyncio.sleep(LOOKS_EVERY_S)
            for table in self._world.accounts:
                self._press(table)
                if table not in self.lazy and (code := self._code(table)):
                    self._enter(table, code)

    def person_of(self, table: str) -> Person:
        """Who signs in for a table."""
        person = self._world.named.get(table) or self._world.lead
        assert person is not None
        return person

    def _press(self, table: str) -> None:
        """Press "sign in" where that is what the bus says, or who signed out wants back."""
        states = {json.loads(payload)["state"] for payload in self._told(table)}
        wanted = EXPIRED in states or (table in self.wants_back and SIGNED_OUT in states)
        if not wanted or table in self.lazy:
            return
        if self._world.now_s - self._pressed_s.get(table, 0.0) > PRESSES_EVERY_S:
            self._pressed_s[table] = self._world.now_s
            self._world.request("signin", table)

    def _code(self, table: str) -> str | None:
        """The code that waits, on the topic of the account or on that of the table."""
        for payload in self._told(table):
            if code := json.loads(payload).get("user_code"):
                return str(code)
        return None

    def _told(self, table: str) -> list[bytes]:
        """What the bus says of the sign-in of a table."""
        topics = self._world.topics
        places = [topics.account(table, "auth"), topics.table(table, "auth")]
        if table not in self._world.named:  # the last release put it on that of each person
            people = (slug for slug in self._world.followed() if slug in self._world.watched)
            places += [topics.account(slug, "auth") for slug in people]
        return [payload for place in places if (payload := self._world.broker.retained(place))]

    def _enter(self, table: str, code: str) -> None:
        now_s = self._world.now_s
        seen_s = self._seen.setdefault(code, now_s)
        if now_s - seen_s >= NEEDS_S:
            with suppress(KeyError):  # it has run out, or was used
                self._world.microsoft.codes.approve(code, self.person_of(table))
