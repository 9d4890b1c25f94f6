from __future__ import annotations

from datetime import UTC, datetime

from bridge.service.standby import throttled_until
from tests.fakes.rows import rows


def test_a_pause_of_whoever_served_is_read_from_its_health() -> None:
    said = b'{"throttled_until": "2026-11-23T09:10:00+00:00"}'
    assert throttled_until(said) == datetime(2026, 11, 23, 9, 10, tzinfo=UTC)


@rows(
    "health",
    [
        b"",
        b"x",
        b"[]",
        b"{}",
        b'{"throttled_until": null}',
        b'{"throttled_until": 7}',
        b'{"throttled_until": "soon"}',
        b'{"throttled_until": "2026-11-23T09:10:00"}',
    ],
)
def test_what_is_no_time_is_no_pause(health: bytes) -> None:
    assert throttled_until(health) is None
