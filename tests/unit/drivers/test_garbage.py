import pytest

from drivers.garbage import Garbage


def test_each_kind_is_told_once_a_topic_until_something_good_comes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    garbage = Garbage()
    for topic, what in (("a", "x"), ("a", "x"), ("a", "y"), ("b", "x")):
        garbage.found(topic, what)
    assert len(caplog.records) == 3
    garbage.good("a")
    garbage.found("a", "x")
    garbage.found("b", "x")
    assert len(caplog.records) == 4


def test_who_publishes_much_garbage_fills_neither_log_nor_memory(
    caplog: pytest.LogCaptureFixture,
) -> None:
    garbage = Garbage()
    for number in range(100):
        garbage.found("a", number)
    assert len(caplog.records) == 10
    for number in range(3000):
        garbage.found(f"topic/{number}", "x")
        garbage.found(f"topic/{number}", "x")
    assert len(caplog.records) == 10 + 999
