from __future__ import annotations

from bridge.contract.presence import Activity, Availability, Presence
from bridge.contract.presence_kind import COLORS, GENERIC_ACTIVITIES, Kind, kind_of
from drivers.rules import DEFAULT_LOOKS, parse_color
from tests.fakes.rows import rows


def test_a_call_is_a_call_whatever_the_availability_says() -> None:
    for activity in (Activity.IN_A_CALL, Activity.IN_A_CONFERENCE_CALL, Activity.PRESENTING):
        for availability in (None, *Availability):
            assert kind_of(Presence(availability, activity)) is Kind.CALL


def test_what_is_not_read_or_not_understood_is_unknown() -> None:
    for presence in (None, Presence(), Presence(Availability.OTHER, Activity.OTHER)):
        assert kind_of(presence) is Kind.UNKNOWN


@rows("availability", [each for each in Availability if each != "other"])
def test_every_availability_has_a_kind(availability: Availability) -> None:
    assert kind_of(Presence(availability, Activity(Activity.OTHER))) is not Kind.UNKNOWN


def test_a_lamp_shows_each_plain_presence_in_the_colour_of_its_kind() -> None:
    plain = [each for each in Availability if each.value in set(GENERIC_ACTIVITIES) - {"other"}]
    for availability in plain:
        look, kind = DEFAULT_LOOKS[availability], kind_of(Presence(availability))
        if kind is Kind.OFFLINE:
            assert look.off
        elif availability is not Availability.DO_NOT_DISTURB:  # a lamp says more: purple
            assert look.color == parse_color(COLORS[kind])
    assert DEFAULT_LOOKS["in_a_call"].color == parse_color(COLORS[Kind.CALL])
