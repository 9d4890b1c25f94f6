"""Serves requests of the broker and of the shell, one after the other. Never does one itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial

from bridge.broker import Received
from bridge.contract.account import Followed
from bridge.contract.clock import Clock
from bridge.contract.topics import Topics
from bridge.contract.wire import Message, encode_json
from bridge.publishing.commands import Outcome, carry_out, turned_away
from bridge.publishing.service import Rediscovery, Service

log = logging.getLogger(__name__)

WAITING_MOST = 100
QUIET_S = 60.0
"""The same refusal is logged once in so long a time."""
NAME_MOST = 60
"""Characters of a command that are repeated: anybody can name one."""
Answer = Callable[[Outcome], None]
NOT_KEPT = ("health_check", "poll")
"""Commands that change nothing; the last of the others is kept on the broker."""


class Requests:
    """What was asked for and not yet answered; ``send`` publishes."""

    def __init__(
        self,
        *,
        topics: Topics,
        accounts: Callable[[], Mapping[str, Followed]],
        service: Service,
        rediscovery: Rediscovery,
        send: Callable[[Message], None],
        clock: Clock,
    ) -> None:
        self._topics, self._accounts, self._send = topics, accounts, send
        self._service, self._rediscovery, self._clock = service, rediscovery, clock
        self._waiting: asyncio.Queue[tuple[Received, Answer]] = asyncio.Queue(WAITING_MOST)
        self._warned = ("", float("-inf"))
        self.dropped = 0
        """Requests that were turned away because too many waited."""
        self.last: Message | None = None
        """The last request that should change something, and what became of it."""

    def take(self, received: Received) -> None:
        """Let a request of the broker wait for its turn; it is answered there."""
        self._put(received, self._respond)

    async def ask(self, command: str, payload: bytes) -> bytes:
        """What ``take`` would answer to the same request; nothing of it goes to the broker."""
        answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        received = Received(f"{self._topics.request('+')[:-1]}{command}", payload, retain=False)
        self._put(received, partial(_hand_over, answered))
        return encode_json((await answered).answer())

    def _put(self, received: Received, answer: Answer) -> None:
        if self._waiting.full():
            self.dropped += 1
            self._answer(turned_away(received, self._topics), answer)
        else:
            self._waiting.put_nowait((received, answer))

    async def serve(self) -> str:
        """Answer the next request; the command that it was."""
        received, answer = await self._waiting.get()
        outcome = await carry_out(
            received,
            topics=self._topics,
            accounts=self._accounts(),
            service=self._service,
            rediscovery=self._rediscovery,
        )
        self._answer(outcome, answer)
        return outcome.command

    def _respond(self, outcome: Outcome) -> None:
        if response := outcome.response(self._topics):
            self._send(response)

    def _answer(self, outcome: Outcome, answer: Answer) -> None:
        answer(outcome)
        if outcome.error:
            self._warn(outcome)
        if outcome.command not in NOT_KEPT:
            self.last = self._kept(outcome)
            self._send(self.last)

    def _warn(self, outcome: Outcome) -> None:
        about = f" for {outcome.account}" if outcome.account else ""
        remedy = f" {outcome.remedy}" if outcome.remedy else ""
        name = _name(outcome.command)
        text = f"request {name}{about} refused: {outcome.error}{remedy}"
        now_s = self._clock.monotonic()
        before, at_s = self._warned
        if text != before or now_s - at_s >= QUIET_S:
            self._warned = (text, now_s)
            log.warning("%s", text)

    def _kept(self, outcome: Outcome) -> Message:
        payload = {
            "command": _name(outcome.command),
            "account": outcome.account,
            "at": self._clock.now(),
            "error": outcome.error,
            "remedy": outcome.remedy,
        }
        return Message(self._topics.last_command, encode_json(payload))


def _hand_over(answered: asyncio.Future[Outcome], outcome: Outcome) -> None:
    if not answered.done():  # who asked may be gone
        answered.set_result(outcome)


def _name(command: str) -> str:
    return command[:NAME_MOST] if command.isprintable() else "?"
