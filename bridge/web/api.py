"""The snapshot as JSON below ``/api/v1/``, with its description as OpenAPI. Read only.

Version 1 keeps its names and may gain new ones.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from bridge.web.data.snapshot import BridgeStatus, Day, Light, Person, Snapshot

PREFIX = "/api/v1"


class Resource(NamedTuple):
    """One address of the API; ``of`` says what is there of a snapshot, or of one account in it."""

    path: str
    text: str
    model: Any
    of: Callable[[Snapshot, str], Any]


SNAPSHOT = Resource("/snapshot", "Everything on the page", Snapshot, lambda s, _: s)
HEALTH = Resource("/health", "The bridge itself", BridgeStatus, lambda s, _: s.service)
PEOPLE = Resource("/people", "All people", tuple[Person, ...], lambda s, _: s.people)
PERSON = Resource("/people/{account}", "One of them", Person, lambda s, account: s.person(account))
LIGHTS = Resource("/lights", "All lights", tuple[Light, ...], lambda s, _: s.lights)
DAYS = Resource("/days", "The last 24 hours of everybody", tuple[Day, ...], lambda s, _: s.days)
RESOURCES = (SNAPSHOT, HEALTH, PEOPLE, PERSON, LIGHTS, DAYS)
OF_MANY = (SNAPSHOT, PEOPLE)
"""Those that grow with the people."""
PEOPLE_A_PART = 200


def parts(resource: Resource, snapshot: Snapshot) -> Iterator[bytes]:
    """The JSON of one of ``OF_MANY`` piece by piece: all of it takes long to make."""
    before, after = b"", b""
    if resource is SNAPSHOT:
        frame = _adapter(SNAPSHOT).dump_json(replace(snapshot, people=()))
        before, _, after = frame.partition(b'"people":[]')
        before += b'"people":'
    yield before
    yield from people_parts(snapshot.people)
    yield after


def people_parts(people: Iterable[Person]) -> Iterator[bytes]:
    """The JSON of very many people, some at a time."""
    coming, begin = iter(people), b"["
    while some := tuple(islice(coming, PEOPLE_A_PART)):
        yield begin + _adapter(PEOPLE).dump_json(some)[1:-1]
        begin = b","
    yield b"]" if begin == b"," else b"[]"


def answer(resource: Resource, snapshot: Snapshot, account: str = "") -> bytes | None:
    """The JSON of ``resource``; ``None`` when there is no such account."""
    value = resource.of(snapshot, account)
    return None if value is None else _adapter(resource).dump_json(value)


@cache
def openapi(version: str) -> bytes:
    """The description of the API (OpenAPI 3.1) as JSON; its schemas keep their names, too."""
    schemas: dict[str, Any] = {}
    paths = {f"{PREFIX}{r.path}": {"get": _operation(r, schemas)} for r in RESOURCES}
    description = {
        "openapi": "3.1.0",
        "info": {"title": "Presence Bridge", "version": version},
        "servers": [{"url": "../../"}],
        "paths": paths,
        "components": {"schemas": schemas},
    }
    return json.dumps(description).replace(BridgeStatus.__name__, "Service").encode()


def _operation(resource: Resource, schemas: dict[str, Any]) -> dict[str, Any]:
    template = "#/components/schemas/{model}"
    schema = _adapter(resource).json_schema(ref_template=template, mode="serialization")
    schemas |= schema.pop("$defs", {})
    responses: dict[str, Any] = {
        "200": {"description": resource.text, "content": {"application/json": {"schema": schema}}},
        "401": {"description": "The page has a password"},
    }
    operation: dict[str, Any] = {"summary": resource.text, "responses": responses}
    if resource is PERSON:
        responses["404"] = {"description": "There is no such account"}
        parameter = {"name": "account", "in": "path", "required": True}
        operation["parameters"] = [{**parameter, "schema": {"type": "string"}}]
    return operation


@cache
def _adapter(resource: Resource) -> TypeAdapter[Any]:
    return TypeAdapter(resource.model)
