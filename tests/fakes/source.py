"""A source of presence that does what a test tells it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime

from bridge.contract.account import SignIn, SignInState
from bridge.contract.latest import Latest
from bridge.contract.presence import Part, Presence

SIGNED_IN = SignIn(SignInState.SIGNED_IN)


class FakeSource:
    """Answers with ``answer``: a presence, an error, or ``None`` to hang."""

    def __init__(self, answer: Presence | Exception | None) -> None:
        self.slug = "alice"
        self.calls = 1
        self.accounts: Mapping[str, str] = {"alice": "Alice"}
        self.sign_in: Latest[SignIn] = Latest(SIGNED_IN)
        self.throttled_until: datetime | None = None
        self.answer = answer
        self.reads = 0

    async def read(self, _: Part = lambda _: None) -> Mapping[str, Presence]:
        self.reads += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is None:
            await asyncio.Event().wait()
        assert isinstance(self.answer, Presence)
        return {"alice": self.answer}
