"""Which of several brokers is tried, and when."""

from __future__ import annotations

import pytest

from bridge.broker.dispute import GOOD_S
from bridge.broker.reconnect import Reconnecting
from bridge.broker.session import ConnectionFailedError, Limits
from bridge.config.tables.shared import MqttSettings
from tests.fakes.clock import ManualClock

AWAY = ConnectionFailedError("Connection refused")
WRONG_PASSWORD = ConnectionFailedError("no", code=0x86)
THROWN_OUT = ConnectionFailedError("taken", code=0x8E)
BUSY = ConnectionFailedError("full", code=0x97)


class Trial:
    """Three brokers, and how tries on them end."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.began_s = self.clock.monotonic()
        settings = MqttSettings.model_validate({"hosts": ["a", "b", "c"], "protocol": "5"})
        self.connecting = Reconnecting(
            settings, "presence-bridge", clock=self.clock, random=lambda: 1.0
        )

    @property
    def now(self) -> str:
        return self.connecting.negotiation.settings.host

    async def serve(self, seconds: float = GOOD_S) -> None:
        self.connecting.accepted(Limits())
        self.connecting.online()
        await self.clock.advance(seconds)

    async def ended(self, error: ConnectionFailedError = AWAY) -> tuple[float, str]:
        """How long is waited, and who is tried then."""
        wait_s = self.connecting.ended(error)
        await self.clock.advance(wait_s)
        return round(wait_s, 6), self.now


async def test_the_first_is_tried_first_and_then_the_others_at_once() -> None:
    trial = Trial()
    assert trial.now == "a"
    assert [await trial.ended() for _ in range(3)] == [(0, "b"), (0, "c"), (0.1, "a")]


async def test_who_serves_is_kept_and_tried_once_more_before_the_others() -> None:
    trial = Trial()
    await trial.ended()
    await trial.serve()
    assert await trial.ended() == (0.1, "b")
    await trial.serve()
    assert await trial.ended() == (0.1, "b")
    assert await trial.ended() == (0, "c"), "the next in the order of the config"


async def test_a_wrong_password_at_one_is_not_tried_there_more_often_and_delays_no_other() -> None:
    trial = Trial()
    await trial.ended(WRONG_PASSWORD)
    tried: list[tuple[float, str]] = []
    while trial.clock.monotonic() < trial.began_s + 7:
        tried.append((trial.clock.monotonic() - trial.began_s, trial.now))
        await trial.ended()
    assert {host for passed_s, host in tried if passed_s < 4.9} == {"b", "c"}
    assert "a" in {host for passed_s, host in tried if passed_s > 4.9}


async def test_two_programs_of_one_client_id_do_not_chase_each_other() -> None:
    trial = Trial()
    await trial.serve(1)
    assert await trial.ended(THROWN_OUT) == (5, "a")


async def test_one_that_ends_what_it_accepted_for_a_reason_that_repeats_is_left() -> None:
    trial = Trial()
    await trial.serve(1)
    assert await trial.ended(BUSY) == (0, "b")


async def test_each_of_them_is_named_until_one_serves(caplog: pytest.LogCaptureFixture) -> None:
    trial = Trial()
    for _ in range(9):
        await trial.ended()
    assert [text.partition(" cannot")[0] for text in trial.connecting.problems] == [
        "broker a:1883",
        "broker b:1883",
        "broker c:1883",
    ]
    assert caplog.text.count("cannot be reached") == 3
    await trial.serve()
    assert not list(trial.connecting.problems)
