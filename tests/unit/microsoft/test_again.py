import pytest
from tenacity import RetryError, Retrying, stop_after_attempt

from bridge.contract.errors import SourceUnavailableError
from bridge.microsoft.again import WaitAsAsked


def test_the_wait_that_was_asked_for_wins() -> None:
    waits: list[float] = []
    retrying = Retrying(
        wait=WaitAsAsked(first_s=1, most_s=8, random=lambda: 1.0),
        stop=stop_after_attempt(4),
        sleep=waits.append,
    )
    errors = [SourceUnavailableError("x"), SourceUnavailableError("x", retry_after_s=42)]

    def fail() -> None:
        raise errors.pop(0) if errors else SourceUnavailableError("x")

    with pytest.raises(RetryError):
        retrying(fail)
    assert waits == [1, 42, 4]
