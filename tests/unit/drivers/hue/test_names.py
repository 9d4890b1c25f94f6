"""Which light or group of a hub is meant by what people write."""

from __future__ import annotations

import pytest

from bridge.contract.errors import LightRefusedError
from drivers.hue.api import Entry, entries_of, pick
from tests.fakes.rows import rows

COMPOSED, DECOMPOSED = "B\u00fcro", "Bu\u0308ro"
TOLD = {
    "1": {"name": "Office", "type": "Entertainment", "lights": ["1"]},
    "2": {"name": "Office", "type": "Room", "lights": ["1", "2"]},
    "3": {"name": "Hall", "type": "LightGroup"},
    "4": {"name": DECOMPOSED, "type": "Zone"},
    "5": {"name": "Kitchen ", "type": "Room"},
    "6": {"name": "Attic", "type": "Room"},
    "7": {"name": "Attic", "type": "Zone"},
    "8": {"name": "attic", "type": "LightGroup"},
    "9": {"name": "7", "type": "Luminaire"},
    "10": {"name": "Stra\u00dfe"},
}


@rows(
    ("wanted", "number"),
    [
        ("Office", 2),
        ("office", 2),
        ("Hall", 3),
        (COMPOSED, 4),
        (DECOMPOSED, 4),
        (COMPOSED.upper(), 4),
        ("kitchen", 5),
        ("attic", 8),
        (7, 7),
        ("7", 9),
        ("6", 6),
        ("STRASSE", 10),
        (1, 1),
    ],
)
def test_a_name_means_the_room_or_zone_however_it_was_typed(wanted: int | str, number: int) -> None:
    assert pick(entries_of(TOLD), wanted, "group") == number


def test_several_of_one_name_are_reported_with_their_types_and_a_choice() -> None:
    with pytest.raises(LightRefusedError) as caught:
        pick(entries_of(TOLD), "Attic", "group")
    assert "2 groups of the hub are called 'Attic': 6 (Room), 7 (Zone)" in str(caught.value)
    assert caught.value.remedy == "Write the number of one: group = 6 or 7"
    lights = {1: Entry("Spot", "Dimmable light"), 2: Entry("Spot")}
    with pytest.raises(LightRefusedError, match=r"1 \(Dimmable light\), 2 \(no type\)"):
        pick(lights, "spot", "light")


@pytest.mark.parametrize("wanted", ["Cellar", 77, ""])
def test_who_is_not_there_is_reported_with_those_who_are(wanted: int | str) -> None:
    with pytest.raises(LightRefusedError, match=r"has no group") as caught:
        pick(entries_of(TOLD), wanted, "group")
    assert "3 'Hall'" in caught.value.remedy
