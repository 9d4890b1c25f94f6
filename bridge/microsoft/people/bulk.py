"""Reads many people through one sign-in with the fewest requests.

Source: Microsoft Graph documentation, "getPresencesByUserId": 650 ids a request. No page says what
becomes of ids that Graph does not like, so answers are matched by id, missing ones are tolerated,
and a refused request is halved until the ids that spoil it are found. Nobody is blamed while Graph
answers for nobody, and at first not for long.
"""

from __future__ import annotations

import asyncio
import logging
import marshal
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bridge.contract.clock import Clock
from bridge.contract.errors import PresenceBridgeError, SourceDataError
from bridge.contract.garbage_collection import uncollected
from bridge.contract.presence import Part, Presence
from bridge.contract.wire import encode_json
from bridge.microsoft.graph import Graph, parsed
from bridge.microsoft.people.directory import Member
from bridge.microsoft.people.left_out import LeftOut
from bridge.microsoft.people.members import Members
from bridge.microsoft.people.ownership import Owner
from bridge.microsoft.presence import parse_presence

log = logging.getLogger(__name__)

IDS_MOST = 650
PARALLEL = 8
"""Requests at a time."""
FORMAT = 2
"""Of ``marshal``: the last that writes equal values as equal bytes, whoever shares them."""
HALVINGS_MOST = 60
"""Refused requests in one read; more, and it is not about single ids."""
UNANSWERED_MOST = 16
"""Refused requests in one read before the first that is answered; halving to one id needs 10."""
PATH = "/communications/getPresencesByUserId"
REMEDY = (
    "Where the app signs itself in: add the application permission Presence.Read.All to the app, "
    "and let an admin consent. Where a person signs in: add the delegated permission "
    "Presence.Read.All to the app, let an admin consent where it is needed, then sign in again."
)
Request = tuple[str, ...]
"""The ids of one request."""


class Bulk:
    """The people of one account table."""

    def __init__(
        self, table: str, members: Members, *, graph: Graph, owner: Owner, clock: Clock
    ) -> None:
        self.accounts: Mapping[str, str] = {}
        self._table, self._members, self._graph = table, members, graph
        self._owner = owner
        self._people: Sequence[Member] | None = None
        self._version = -1
        self._slugs: dict[str, str] = {}
        self._requests: list[Request] = []
        self._first = 0
        self._seen: dict[str, Presence] = {}
        """What was read last of each."""
        self._digests: dict[str, int] = {}
        """Of the words that it was read from."""
        self._answers: dict[Request, tuple[int, list[Presence]]] = {}
        """Digests of the last answers in which nobody was missing, and who was in them."""
        self._left_out = LeftOut(table, clock.monotonic)
        self._refused: list[str] = []
        self._halvings, self._answered = 0, False
        self._trouble = False

    @property
    def calls(self) -> int:
        """Requests that one read needs."""
        return max(1, len(self._requests))

    def refresh(self) -> None:
        """Read the members of now whom no other table reads."""
        if self._left_out.is_over_for_some:
            self._people = None
        people = self._members.people
        if people is self._people and self._version == self._owner.ownership.version:
            return
        self._owner.own([person.oid for person in people if person.oid])
        self._people, self._version = people, self._owner.ownership.version
        left_out = self._owner.left_out()
        self._prepare([person for person in people if person.oid not in left_out])

    async def read(self, part: Part = lambda _: None) -> Mapping[str, Presence]:
        """The presences now, by account slug; who is missing in Graph's answers is missing here.

        ``part`` gets those of each request as they come, where there are several.

        Raises:
            PresenceBridgeError: Nobody could be read; as in ``Members.ready`` and ``Graph.read``.
        """
        await self._members.ready()
        self.refresh()
        if not self._requests:
            return {}
        self._halvings, self._answered, self._refused = 0, False, []
        turn = self._requests[self._first :] + self._requests[: self._first]
        try:
            presences = await self._send(turn[0])  # alone: what is wrong with all costs one
        except PresenceBridgeError:
            self._begin_after(turn[0])
            raise
        if len(turn) > 1:
            part(presences)
        waiting, failed = iter(turn[1:]), list[tuple[Request, PresenceBridgeError]]()
        async with asyncio.TaskGroup() as tasks:
            for number in range(min(PARALLEL, len(turn) - 1)):
                work = self._work(waiting, presences, failed, part)
                tasks.create_task(work, name=f"bulk-{self._table}-{number}")
        if failed:
            self._begin_after(failed[0][0])
        elif self._refused and not self._answered:
            raise SourceDataError("Microsoft Graph refuses to show anybody's presence (HTTP 400)")
        if self._answered and self._refused:
            self._people = None
            for oid in self._refused:
                self._left_out.refuse(oid)
        self._report(failed[0][1] if failed else None)
        return presences

    async def run(self) -> None:
        """Keep the members up to date until cancelled."""
        await self._members.run()

    def release(self) -> None:
        """Own nobody any more."""
        self._owner.own(())

    def _prepare(self, people: Sequence[Member]) -> None:
        accounts = {person.slug: person.name for person in people}
        if accounts != self.accounts:
            self.accounts = accounts
        self._slugs = {person.oid: person.slug for person in people if person.oid}
        for slug in self._seen.keys() - accounts.keys():
            del self._seen[slug], self._digests[slug]
        ids = self._left_out.readable(self._slugs)
        self._requests = [
            tuple(ids[begin : begin + IDS_MOST]) for begin in range(0, len(ids), IDS_MOST)
        ]
        self._first, self._answers = 0, {}

    async def _work(
        self,
        waiting: Iterator[Request],
        presences: dict[str, Presence],
        failed: list[tuple[Request, PresenceBridgeError]],
        part: Part,
    ) -> None:
        """Send what waits until one fails."""
        for request in waiting:
            try:
                answer = await self._send(request)
            except PresenceBridgeError as error:
                failed.append((request, error))
                return
            presences |= answer
            part(answer)

    async def _send(self, request: Request) -> dict[str, Presence]:
        body = await self._graph.body(PATH, encode_json({"ids": request}), remedy=REMEDY)
        if body is not None:
            self._answered = True
            return self._in_answer(request, body)
        self._halvings += 1
        if self._halvings > (HALVINGS_MOST if self._answered else UNANSWERED_MOST):
            raise SourceDataError("Microsoft Graph refuses to read many people at once")
        if len(request) == 1:
            self._refused += request
            return {}
        middle = len(request) // 2
        return await self._send(request[:middle]) | await self._send(request[middle:])

    def _in_answer(self, request: Request, body: bytes) -> dict[str, Presence]:
        """Who is in ``body``, which is not looked into while it stays the same."""
        digest, slugs = hash(body), [self._slugs[oid] for oid in request]
        before = self._answers.get(request)
        if before and before[0] == digest:
            return dict(zip(slugs, before[1], strict=True))
        presences = self._matched(parsed(body))
        if presences.keys() == set(slugs) and not self._left_out:
            self._answers[request] = digest, [presences[slug] for slug in slugs]
        else:
            self._answers.pop(request, None)
        return presences

    @uncollected()
    def _matched(self, answer: Any) -> dict[str, Presence]:
        values = answer.get("value") if isinstance(answer, Mapping) else None
        if not isinstance(values, list):
            raise SourceDataError("Microsoft Graph's answer is not a list of presences")
        presences: dict[str, Presence] = {}
        for resource in values:
            oid = resource.get("id") if isinstance(resource, dict) else None
            oid = oid.lower() if isinstance(oid, str) else ""
            slug = self._slugs.get(oid)
            if slug and (presence := self._presence(slug, resource)):
                presences[slug] = presence
                if self._left_out:
                    self._left_out.shown(oid)
        return presences

    def _presence(self, slug: str, resource: dict[str, Any]) -> Presence | None:
        """The same object as before while all of it is the same."""
        digest, before = hash(marshal.dumps(resource, FORMAT)), self._seen.get(slug)
        if before and self._digests[slug] == digest:
            return before  # at a small part of the cost of reading it
        try:
            presence = parse_presence(resource)
        except SourceDataError as error:
            log.debug("%s: %s is skipped: %s", self._table, slug, error)
            return None
        if before and presence == before:
            presence = before
        self._seen[slug], self._digests[slug] = presence, digest
        return presence

    def _begin_after(self, failed: Request) -> None:
        """Let the next read begin behind ``failed``, so that nobody else waits for it."""
        self._first = (self._requests.index(failed) + 1) % len(self._requests)

    def _report(self, error: PresenceBridgeError | None) -> None:
        if error and not self._trouble:
            log.warning("%s: some people could not be read: %s", self._table, error)
        elif self._trouble and not error:
            log.info("%s: all people are read again", self._table)
        self._trouble = error is not None
