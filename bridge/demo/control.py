"""Sets somebody's presence over HTTPS: what the demo offers to who watches it."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from bridge.demo.person import Person

ARGUMENTS = {
    "availability": ("availability", str),
    "activity": ("activity", str),
    "statusMessage": ("status_message", str),
    "outOfOffice": ("out_of_office", bool),
    "outOfOfficeMessage": ("out_of_office_message", str),
    "workLocation": ("work_location", str),
}
"""The keys of a change: the name among ``Facts``, and its type; an empty text clears."""


def control_routes(person: Person) -> list[web.RouteDef]:
    """The endpoint below ``/control``; a mistake is answered with ``{"error": "one sentence"}``."""

    async def set_presence(request: web.Request) -> web.Response:
        if request.match_info["who"].lower() not in (person.upn, person.oid):
            raise _error(web.HTTPNotFound, "no such person")
        person.change(**_arguments(await request.read()))
        return web.json_response(person.resource())

    return [web.post("/control/people/{who}/presence", set_presence)]


def _arguments(payload: bytes) -> dict[str, Any]:
    try:
        body = json.loads(payload or b"{}")
    except ValueError:
        raise _error(web.HTTPBadRequest, "the body is not JSON") from None
    if not isinstance(body, dict):
        raise _error(web.HTTPBadRequest, "the body is not a JSON object")
    for key, value in body.items():
        if key not in ARGUMENTS:
            keys = ", ".join(ARGUMENTS)
            raise _error(web.HTTPBadRequest, f"{key}: unknown; the keys are {keys}")
        if type(value) is not ARGUMENTS[key][1]:
            raise _error(web.HTTPBadRequest, f"{key}: wrong type")
    return {ARGUMENTS[key][0]: value for key, value in body.items()}


def _error(kind: type[web.HTTPError], text: str) -> web.HTTPError:
    return kind(text=json.dumps({"error": text}), content_type="application/json")
