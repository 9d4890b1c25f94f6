from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bridge.contract.presence_kind import Kind
from bridge.web.api import (
    OF_MANY,
    PEOPLE_A_PART,
    PERSON,
    RESOURCES,
    SNAPSHOT,
    Resource,
    answer,
    openapi,
    parts,
)
from bridge.web.data.snapshot import Day, Snapshot, Span
from bridge.web.render.sign_in import qr_code
from tests.fakes.rows import rows
from tests.fakes.web_page import CODE_ADDRESS, NOON, light, person, service, waiting

EVERYTHING = Snapshot(
    service(),
    (person(says="hi"), waiting("bob")),
    (light(),),
    (Day("alice", "Alice", NOON, NOON, (Span(NOON, NOON, Kind.CALL),)),),
)


def read(resource: Resource, account: str = "") -> Any:
    body = answer(resource, EVERYTHING, account)
    assert body is not None
    return json.loads(body)


def test_the_snapshot_is_json_in_the_words_of_the_contract() -> None:
    whole = read(SNAPSHOT)
    alice, bob = whole["people"]
    assert alice["presence"]["activity"] == "in_a_call"
    assert alice["presence"]["status_message"] == "hi"
    assert alice["changed_at"] == "2026-11-23T11:35:00Z"
    assert bob["sign_in"]["state"] == "device_code_pending"
    assert whole["lights"][0]["look"]["color"] == [255, 0, 0]
    assert whole["days"][0]["spans"][0]["kind"] == "call"
    assert whole["service"]["broker_connected"] is True


def test_each_part_has_an_address_of_its_own() -> None:
    whole = read(SNAPSHOT)
    parts = {"/people": "people", "/lights": "lights", "/days": "days", "/health": "service"}
    for resource in RESOURCES:
        if resource.path in parts:
            assert read(resource) == whole[parts[resource.path]]
    assert read(PERSON, "bob") == whole["people"][1]
    assert answer(PERSON, EVERYTHING, "zoe") is None


def test_the_description_names_every_address_and_every_reference_leads_somewhere() -> None:
    described = json.loads(openapi("1.2.3"))
    assert set(described["paths"]) == {f"/api/v1{r.path}" for r in RESOURCES}
    text = openapi("1.2.3").decode()
    schemas = described["components"]["schemas"]
    for reference in text.split('"$ref": "#/components/schemas/')[1:]:
        assert reference.partition('"')[0] in schemas
    assert set(schemas["Person"]["properties"]) == set(read(PERSON, "bob"))
    names = {
        "Day",
        "Kind",
        "Light",
        "LightState",
        "Person",
        "Presence",
        "Refusal",
        "Service",
        "Span",
    }
    assert names <= set(schemas)  # of version 1


@rows("resource", OF_MANY)
@rows("count", [0, 1, PEOPLE_A_PART, 2 * PEOPLE_A_PART + 1])
def test_what_is_made_in_parts_is_the_same(resource: Resource, count: int) -> None:
    odd = 'x"people":[]'
    people = tuple(person(f"p{number}", name=odd) for number in range(count))
    snapshot = replace(EVERYTHING, people=people, service=service(reason=odd))
    assert b"".join(parts(resource, snapshot)) == answer(resource, snapshot)


@pytest.mark.parametrize("secret", ['device_code"', "token", "refresh", "password"])
def test_no_field_is_there_for_a_secret(secret: str) -> None:
    names = {
        name
        for schema in json.loads(openapi("1.2.3"))["components"]["schemas"].values()
        for name in schema.get("properties", ())
    }
    assert names
    assert not [name for name in names if secret.rstrip('"') == name]


def test_a_qr_code_is_drawn_here_and_one_that_cannot_be_is_left_out() -> None:
    drawn = qr_code(CODE_ADDRESS)
    assert drawn
    assert '<svg viewBox="0 0 37 37" class="qr"><path fill="#fff"' in drawn
    assert "http" not in drawn
    assert qr_code("x" * 5000) is None
