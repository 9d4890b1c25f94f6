"""Answers requests of the broker and of the shell, one after the other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from bridge.broker import Received
from bridge.contract.commands import Commands
from bridge.contract.wire import Message, encode_json
from bridge.publishing.commands import Outcome, carry_out, turned_away
from bridge.publishing.outgoing import Outgoing

log = logging.getLogger(__name__)

WAITING_MOST = 100
QUIET_S = 60.0
"""The same refusal is logged once in so long a time."""
NAME_MOST = 60
"""Characters of a command that are repeated: anybody can name one."""
Answer = Callable[[Outcome], None]
CHANGE_NOTHING = ("health_check", "poll")
"""The last of the other commands is kept on the broker."""


class Requests:
    """Those that wait; ``service`` does what they ask."""

    def __init__(
        self,
        outgoing: Outgoing,
        service: Commands,
        rediscover: Callable[[], None],
    ) -> None:
        self._outgoing, self._topics = outgoing, outgoing.topics
        self._service, self._rediscover = service, rediscover
        self._waiting: asyncio.Queue[tuple[Received, Answer]] = asyncio.Queue(WAITING_MOST)
        self._warned = ("", float("-inf"))
        self.dropped = 0
        """Requests that were turned away because too many waited."""
        self.last: Message | None = None
        """The last request that should change something, with its error and remedy."""

    def take(self, received: Received) -> None:
        """Let a request of the broker wait for its turn; it is answered there."""
        self._put(received, self._respond)

    async def ask(self, command: str, payload: bytes) -> bytes:
        """The answer to a request that came another way; nothing of it goes to the broker."""
        answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        received = Received(f"{self._topics.request('+')[:-1]}{command}", payload, retain=False)
        self._put(received, partial(_hand_over, answered))
        return encode_json((await answered).answer())

    async def answer_next(self) -> str:
        """Answer the next request; the command that it was."""
        received, answer = await self._waiting.get()
        outcome = await carry_out(
            received,
            topics=self._topics,
            accounts=self._outgoing.followed,
            service=self._service,
            rediscover=self._rediscover,
        )
        self._answer(outcome, answer)
        return outcome.command

    def _put(self, received: Received, answer: Answer) -> None:
        if self._waiting.full():
            self.dropped += 1
            self._answer(turned_away(received, self._topics), answer)
        else:
            self._waiting.put_nowait((received, answer))

    def _respond(self, outcome: Outcome) -> None:
        if response := outcome.response(self._topics):
            self._outgoing.send(response)

    def _answer(self, outcome: Outcome, answer: Answer) -> None:
        answer(outcome)
        if outcome.error:
            self._warn(outcome)
        if outcome.command not in CHANGE_NOTHING:
            payload = {
                "command": _name(outcome.command),
                "account": outcome.account,
                "at": self._outgoing.clock.now(),
                "error": outcome.error,
                "remedy": outcome.remedy,
            }
            self.last = Message(self._topics.last_command, encode_json(payload))
            self._outgoing.send(self.last)

    def _warn(self, outcome: Outcome) -> None:
        about = f" for {outcome.account}" if outcome.account else ""
        remedy = f" {outcome.remedy}" if outcome.remedy else ""
        text = f"request {_name(outcome.command)}{about} refused: {outcome.error}{remedy}"
        now_s = self._outgoing.clock.monotonic()
        before, at_s = self._warned
        if text != before or now_s - at_s >= QUIET_S:
            self._warned = (text, now_s)
            log.warning("%s", text)


def _hand_over(answered: asyncio.Future[Outcome], outcome: Outcome) -> None:
    if not answered.done():  # who asked may be gone
        answered.set_result(outcome)


def _name(command: str) -> str:
    return command[:NAME_MOST] if command.isprintable() else "?"
