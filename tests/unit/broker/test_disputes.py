"""What is taken for another program that uses our client id, where the broker does not say."""

from __future__ import annotations

from bridge.broker.dispute import SHORT_LIVED
from bridge.broker.reconnect import Reconnecting
from bridge.broker.session import ConnectionFailedError, Limits
from bridge.config.tables.shared import MqttSettings
from tests.fakes.clock import ManualClock

ENDED = ConnectionFailedError("the connection ended")
SILENT = ConnectionFailedError("no answer within 10 s", silent=True)
REFUSED = ConnectionFailedError("Connection refused")


def cut(
    *,
    away: bool,
    times: int = SHORT_LIVED,
    node: str | None = None,
    why: ConnectionFailedError = ENDED,
) -> Reconnecting:
    """After connections that ended soon; ``away``: the broker was not there between two."""
    connecting = Reconnecting(
        MqttSettings(), "presence-bridge", node=node, clock=ManualClock(), random=lambda: 0.0
    )
    for _ in range(times):
        connecting.accepted(Limits())
        connecting.online()
        connecting.ended(why)
        if away:
            connecting.ended(REFUSED)
    return connecting


def test_connections_that_are_ended_at_once_are_a_fight() -> None:
    assert cut(away=False).dispute.thrown_out
    assert not cut(away=False, times=SHORT_LIVED - 1).dispute.thrown_out


def test_a_broker_that_is_away_between_them_has_ended_them_itself() -> None:
    connecting = cut(away=True)
    assert not connecting.dispute.thrown_out
    assert not connecting.dispute.other
    assert not cut(away=True, node="a").dispute.thrown_out, (
        "else it would not serve for three minutes"
    )


def test_a_broker_that_is_too_busy_to_answer_was_not_taken_by_another_program() -> None:
    connecting = cut(away=False, why=SILENT)
    assert not connecting.dispute.thrown_out
    assert not connecting.dispute.other


def test_a_broker_that_stood_still_while_a_node_waited_is_not_said_to_name_its_clients() -> None:
    connecting = Reconnecting(
        MqttSettings(), "presence-bridge", node="a", clock=ManualClock(), random=lambda: 0.0
    )
    for _ in range(SHORT_LIVED):
        connecting.greeting_beside()
        assert connecting.accepted_beside(Limits())
        connecting.ended(SILENT)
    assert not any("[standby]" in each for each in connecting.problems)
