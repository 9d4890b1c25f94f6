"""The simulated Graph against the properties, types and nullability of Microsoft's own schema.

Facts from the repository microsoftgraph/msgraph-metadata, ``schemas/v1.0-Prod.csdl`` and
``schemas/v1.0-Fairfax.csdl`` of August 2026.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest

from bridge.demo.person import Person
from bridge.microsoft.presence import parse_presence
from tests.fakes.clock import START
from tests.fakes.microsoft.presence import (
    Facts,
    Location,
    State,
    StatusMessage,
    graph_presence,
)
from tests.fakes.microsoft.wording import Layout, Wording
from tests.fakes.rows import rows

TYPES: Mapping[str, Mapping[str, str]] = {
    "Prod.presence": {
        "id": "String!",
        "activity": "String",
        "availability": "String",
        "outOfOfficeSettings": "outOfOfficeSettings",
        "sequenceNumber": "String",
        "statusMessage": "presenceStatusMessage",
        "workLocation": "userWorkLocation",
    },
    "Fairfax.presence": {
        "id": "String!",
        "activity": "String",
        "availability": "String",
        "statusMessage": "presenceStatusMessage",
    },
    "outOfOfficeSettings": {"isOutOfOffice": "Boolean", "message": "String"},
    "presenceStatusMessage": {
        "expiryDateTime": "dateTimeTimeZone",
        "message": "itemBody",
        "publishedDateTime": "DateTimeOffset",
    },
    "dateTimeTimeZone": {"dateTime": "String!", "timeZone": "String"},
    "itemBody": {"content": "String", "contentType": "bodyType"},
    "userWorkLocation": {
        "placeId": "String",
        "source": "workLocationSource!",
        "workLocationType": "workLocationType!",
    },
}
"""What ends in ``!`` is never null."""
ENUMS = {
    "bodyType": {"text", "html"},
    "workLocationSource": {"none", "manual", "scheduled", "automatic", "unknownFutureValue"},
    "workLocationType": {"unspecified", "office", "remote", "timeOff", "unknownFutureValue"},
}
SIMPLE: Mapping[str, Callable[[Any], object]] = {
    "String": lambda value: isinstance(value, str),
    "Boolean": lambda value: isinstance(value, bool),
    "DateTimeOffset": lambda value: datetime.fromisoformat(value).tzinfo,
    **{name: words.__contains__ for name, words in ENUMS.items()},
}
FACTS = [
    Facts(),
    Facts(session=State("", "")),
    Facts(session=State("InAHuddle", "OutOfOffice")),
    Facts(out_of_office=True, out_of_office_message="Back on Monday", work_location="timeOff"),
    Facts(status=StatusMessage("lunch", START)),
    Facts(status=StatusMessage("lunch", START, expires=START + timedelta(hours=1))),
    Facts(manual_location=Location("office", "manual", "place-1")),
]
WORDINGS = [
    Wording(layout, small_schema=small, zone=zone)
    for layout, small, zone in product(Layout, (False, True), ("UTC", "India Standard Time"))
]


def faults(value: object, kind: str, where: str) -> list[str]:
    """What in ``value`` is not as the schema says."""
    name = kind.removesuffix("!")
    if value is None:
        return [f"{where} is null"] if kind.endswith("!") else []
    if name in SIMPLE:
        return [] if SIMPLE[name](value) else [f"{where} is no {name}"]
    if not isinstance(value, dict):
        return [f"{where} is no {name}"]
    known = TYPES[name]
    unknown = [f"{where}.{key} is in no schema" for key in value.keys() - known.keys()]
    missing = [
        f"{where}.{k} is missing" for k, t in known.items() if t[-1] == "!" and k not in value
    ]
    inner = [faults(v, known[k], f"{where}.{k}") for k, v in value.items() if k in known]
    return unknown + missing + [fault for found in inner for fault in found]


def told(facts: Facts, wording: Wording, *, own: bool = True) -> dict[str, Any]:
    return wording(facts, graph_presence("oid", facts, sequence_number="A1", own=own))


@rows("facts", FACTS)
@rows("own", [True, False])
def test_all_that_is_reported_is_in_the_schema_of_the_cloud(facts: Facts, *, own: bool) -> None:
    for wording in WORDINGS:
        cloud = "Fairfax" if wording.small_schema else "Prod"
        resource = told(facts, wording, own=own)
        assert faults(resource, f"{cloud}.presence", "presence") == []
        assert resource.keys() == TYPES[f"{cloud}.presence"].keys()


def test_what_the_demo_reports_is_in_the_schema() -> None:
    person = Person()
    for change in (
        {"availability": "", "work_location": "remote"},
        {"status_message": "lunch", "out_of_office": True, "out_of_office_message": "Bye"},
    ):
        assert faults(person.resource(), "Prod.presence", "presence") == []
        person.change(**change)
    assert faults(person.resource(), "Prod.presence", "presence") == []
    assert person.resource().keys() == TYPES["Prod.presence"].keys()


def test_what_breaks_the_schema_is_found() -> None:
    good = told(FACTS[-1], WORDINGS[0])
    assert faults(good, "Prod.presence", "p") == []
    assert faults(good, "Fairfax.presence", "p") != []
    for key, wrong in (("id", None), ("activity", 7), ("statusMessage", "lunch"), ("mood", "good")):
        assert faults(good | {key: wrong}, "Prod.presence", "p") != []
    assert faults(good | {"workLocation": {"source": None}}, "Prod.presence", "p") != []
    assert faults({}, "Prod.presence", "p") == ["p.id is missing"]


@pytest.mark.parametrize("cloud", ["Prod.presence", "Fairfax.presence"])
def test_every_property_that_may_be_null_or_absent_is_borne_by_the_bridge(cloud: str) -> None:
    full = told(FACTS[3], Wording(small_schema=cloud.startswith("Fairfax")))
    for key, kind in TYPES[cloud].items():
        if not kind.endswith("!"):
            assert parse_presence(full | {key: None})
            assert parse_presence({k: v for k, v in full.items() if k != key})
