import pytest

from drivers.unreadable import UnreadableMessages


def test_each_kind_is_told_once_a_topic_until_something_good_comes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    messages = UnreadableMessages()
    for topic, what in (("a", "x"), ("a", "x"), ("a", "y"), ("b", "x")):
        messages.ignored(topic, what)
    assert len(caplog.records) == 3
    messages.readable("a")
    messages.ignored("a", "x")
    messages.ignored("b", "x")
    assert len(caplog.records) == 4


def test_who_publishes_much_garbage_fills_neither_log_nor_memory(
    caplog: pytest.LogCaptureFixture,
) -> None:
    messages = UnreadableMessages()
    for number in range(100):
        messages.ignored("a", number)
    assert len(caplog.records) == 10
    for number in range(3000):
        messages.ignored(f"topic/{number}", "x")
        messages.ignored(f"topic/{number}", "x")
    assert len(caplog.records) == 10 + 999
