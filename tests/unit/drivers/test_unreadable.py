import pytest

from bridge.contract.errors import ContractError
from drivers.presence.unreadable import UnreadableMessages


def ignored(messages: UnreadableMessages, topic: str, why: object) -> None:
    def garbage() -> str:
        raise ContractError(str(why))

    assert messages.read(topic, garbage) is None


def test_each_kind_is_logged_once_a_topic_until_something_good_comes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    messages = UnreadableMessages()
    for topic, what in (("a", "x"), ("a", "x"), ("a", "y"), ("b", "x")):
        ignored(messages, topic, what)
    assert len(caplog.records) == 3
    assert messages.read("a", lambda: "good") == "good"
    ignored(messages, "a", "x")
    ignored(messages, "b", "x")
    assert len(caplog.records) == 4


def test_who_publishes_much_garbage_fills_neither_log_nor_memory(
    caplog: pytest.LogCaptureFixture,
) -> None:
    messages = UnreadableMessages()
    for number in range(100):
        ignored(messages, "a", number)
    assert len(caplog.records) == 10
    for number in range(3000):
        ignored(messages, f"topic/{number}", "x")
        ignored(messages, f"topic/{number}", "x")
    assert len(caplog.records) == 10 + 999
