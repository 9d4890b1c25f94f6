from datetime import UTC, datetime

from bridge.microsoft.moments import _windows, _zone, moment_of
from tests.fakes.rows import rows

SIX = "2026-11-26T18:00:00"


@rows(
    ("text", "zone", "hour"),
    [
        (SIX, "UTC", 18),
        (SIX + ".0000000", "UTC", 18),
        (SIX, "Etc/UTC", 18),
        (SIX, "tzone://Microsoft/Utc", 18),
        (SIX, "", 18),
        (SIX, None, 18),
        (SIX + "Z", "W. Europe Standard Time", 18),
        (SIX + "+05:00", "UTC", 13),
        (SIX, "W. Europe Standard Time", 17),
        (SIX, "w. europe  standard time", 17),
        ("2026-07-26T18:00:00", "W. Europe Standard Time", 16),
        (SIX, "GMT Standard Time", 18),
        (SIX, "Eastern Standard Time", 23),
        (SIX, "Tokyo Standard Time", 9),
        (SIX, "UTC+12", 6),
        (SIX, "Russia Time Zone 3", 14),
        (SIX, "Europe/Berlin", 17),
    ],
)
def test_a_time_and_its_zone_are_a_moment(text: str, zone: str | None, hour: int) -> None:
    moment = moment_of({"dateTime": text, "timeZone": zone})
    assert moment is not None
    assert (moment.hour, moment.tzinfo) == (hour, UTC)


def test_fractions_of_seven_digits_are_read() -> None:
    told = {"dateTime": SIX + ".1234567", "timeZone": "UTC"}
    assert moment_of(told) == datetime(2026, 11, 26, 18, 0, 0, 123456, tzinfo=UTC)


@rows(
    "value",
    [
        None,
        {},
        SIX,
        {"dateTime": None, "timeZone": "UTC"},
        {"dateTime": 7, "timeZone": "UTC"},
        {"dateTime": "soon", "timeZone": "UTC"},
        {"dateTime": SIX, "timeZone": "Middle-earth Standard Time"},
        {"dateTime": SIX, "timeZone": "../../etc/passwd"},
        {"dateTime": SIX, "timeZone": "a\0b"},
        {"dateTime": SIX, "timeZone": "Europe"},
        {"dateTime": "0001-01-01T00:00:00", "timeZone": "Tokyo Standard Time"},
        {"dateTime": "9999-12-31T23:59:59.9999999", "timeZone": "Pacific Standard Time"},
    ],
)
def test_what_nobody_can_know_is_no_end(value: object) -> None:
    assert moment_of(value) is None


def test_every_zone_of_windows_is_one_that_python_knows() -> None:
    assert len(_windows()) > 130
    assert all(_zone(name) for name in _windows())
