"""How people and other processes direct the simulation over HTTPS. Never part of Microsoft.

Bodies and answers are JSON; an error is ``{"error": "one sentence"}`` with status 400 or 404.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bridge.demo.directory import Person
from bridge.demo.faults.request_log import LoggedRequest, RequestLog
from bridge.demo.faults.script import Cut, Fault, Faults, Nonsense
from bridge.demo.simulation import Simulation
from bridge.demo.tokens import REVOKED

Types = Mapping[str, tuple[type, ...]]

PRESENCE: Types = {
    "availability": (str,),
    "activity": (str,),
    "statusMessage": (str,),
    "outOfOffice": (bool,),
    "outOfOfficeMessage": (str,),
    "workLocation": (str,),
}
"""Keys of a presence change; an empty text clears."""

REVOKE: Types = {"code": (int,), "access_tokens": (bool,)}
"""The AADSTS number that clients meet, and whether access tokens end too (they do by default)."""

FAULT: Types = {
    "endpoint": (str,),
    "times": (int, type(None)),
    "person": (str,),
    "status": (int,),
    "headers": (dict,),
    "retry_after": (int, str),
    "delay_s": (int, float),
    "drip_s": (int, float),
    "cut": (str,),
    "nonsense": (str,),
    "body": (str,),
    "content_type": (str,),
    "aadsts": (int,),
    "challenge": (str,),
}
"""Keys of a fault, as in ``script.Fault``."""

APP: Types = {
    "public_client": (bool,),
    "consented": (list, type(None)),
    "roles": (list,),
    "redirect_uris": (list,),
    "certificates": (list,),
}
"""Keys of an app registration that may change, as in ``directory.App``; certificates as PEM."""


class Control:
    """The endpoints below ``/control``."""

    def __init__(self, simulation: Simulation, faults: Faults, log: RequestLog) -> None:
        self._simulation, self._faults, self._log = simulation, faults, log

    def routes(self) -> list[web.RouteDef]:
        """Everything that can be directed."""
        return [
            web.get("/control/people", self.people),
            web.post("/control/people/{who}/presence", self.set_presence),
            web.post("/control/people/{who}/revoke", self.revoke),
            web.post("/control/people/{who}/refuse", self.refuse),
            web.post("/control/apps/{client_id}", self.change_app),
            web.get("/control/devicecode", self.device_codes),
            web.post("/control/devicecode/{user_code}/approve", self.approve),
            web.post("/control/devicecode/{user_code}/decline", self.decline),
            web.get("/control/faults", self.faults),
            web.post("/control/faults", self.add_fault),
            web.delete("/control/faults", self.clear_faults),
            web.get("/control/requests", self.requests),
            web.delete("/control/requests", self.clear_requests),
        ]

    async def people(self, _: web.Request) -> web.Response:
        """Everybody with their presence."""
        directory = self._simulation.directory
        return web.json_response(
            [
                {"upn": person.upn, "name": person.name}
                | directory.presence_resource(person, own=True)
                for person in directory.people
            ]
        )

    async def set_presence(self, request: web.Request) -> web.Response:
        """Change somebody's presence: keys of ``PRESENCE``."""
        person, body = self._person(request), await _body(request, PRESENCE)
        self._simulation.directory.change(
            person,
            body.get("availability"),
            body.get("activity"),
            status_message=body.get("statusMessage"),
            out_of_office=body.get("outOfOffice"),
            out_of_office_message=body.get("outOfOfficeMessage"),
            work_location=body.get("workLocation"),
        )
        return web.json_response(self._simulation.directory.presence_resource(person, own=True))

    async def revoke(self, request: web.Request) -> web.Response:
        """End somebody's sign-ins; keys of ``REVOKE``."""
        person, body = self._person(request), await _body(request, REVOKE)
        ended = self._simulation.tokens.revoke(person.oid, code=body.get("code", REVOKED))
        if body.get("access_tokens", True):
            self._simulation.tokens.revoke_access(person.oid)
        return web.json_response({"ended": ended})

    async def refuse(self, request: web.Request) -> web.Response:
        """Refuse new tokens for somebody with AADSTS ``code``; null: no more."""
        person, body = self._person(request), await _body(request, {"code": (int, type(None))})
        person.refused_with = body.get("code")
        return web.json_response({"code": person.refused_with})

    async def change_app(self, request: web.Request) -> web.Response:
        """Change an app registration: keys of ``APP``."""
        app = self._simulation.directory.app(request.match_info["client_id"])
        if app is None:
            raise _error(web.HTTPNotFound, "no such app")
        body = await _body(request, APP)
        app.public_client = body.get("public_client", app.public_client)
        if "consented" in body:
            app.consented = None if body["consented"] is None else set(body["consented"])
        app.roles = set(body.get("roles", app.roles))
        app.redirect_uris = body.get("redirect_uris", app.redirect_uris)
        if "certificates" in body:
            app.certificates = [pem.encode() for pem in body["certificates"]]
        return web.json_response({"client_id": app.client_id})

    async def device_codes(self, _: web.Request) -> web.Response:
        """The codes that wait for a person, oldest first."""
        return web.json_response(
            [{"user_code": code.user_code} for code in self._simulation.codes.pending]
        )

    async def approve(self, request: web.Request) -> web.Response:
        """Approve a code as ``person``, or as the first person there is."""
        body = await _body(request, {"person": (str,)})
        directory = self._simulation.directory
        person = (
            directory.person(body["person"]) if "person" in body else next(iter(directory.people))
        )
        if person is None:
            raise _error(web.HTTPNotFound, "no such person")
        try:
            self._simulation.codes.approve(request.match_info["user_code"], person)
        except KeyError:
            raise _error(web.HTTPNotFound, "no such code waits") from None
        return web.json_response({"person": person.upn})

    async def decline(self, request: web.Request) -> web.Response:
        """Decline a code."""
        try:
            self._simulation.codes.decline(request.match_info["user_code"])
        except KeyError:
            raise _error(web.HTTPNotFound, "no such code waits") from None
        return web.json_response({})

    async def faults(self, _: web.Request) -> web.Response:
        """The faults that requests can still meet."""
        return web.json_response([{"endpoint": fault.endpoint} for fault in self._faults.waiting])

    async def add_fault(self, request: web.Request) -> web.Response:
        """Let a fault wait: keys of ``FAULT``."""
        body = await _body(request, FAULT)
        try:
            self._faults.add(_fault(body))
        except (ValueError, TypeError) as error:
            raise _error(web.HTTPBadRequest, str(error)) from None
        return web.json_response({"waiting": len(self._faults.waiting)})

    async def clear_faults(self, _: web.Request) -> web.Response:
        """Forget all faults."""
        self._faults.clear()
        return web.json_response({"waiting": 0})

    async def requests(self, request: web.Request) -> web.Response:
        """The newest requests, oldest first; ``?endpoint=`` (a pattern) and ``?person=`` narrow."""
        found = self._log.of(request.query.get("endpoint", "*"), person=request.query.get("person"))
        return web.json_response([_entry(entry) for entry in found])

    async def clear_requests(self, _: web.Request) -> web.Response:
        """Forget all requests."""
        self._log.clear()
        return web.json_response([])

    def _person(self, request: web.Request) -> Person:
        person = self._simulation.directory.person(request.match_info["who"])
        if person is None:
            raise _error(web.HTTPNotFound, "no such person")
        return person


def _fault(body: dict[str, Any]) -> Fault:
    values = dict(body)
    if "cut" in values:
        values["cut"] = Cut(values["cut"])
    if "nonsense" in values:
        values["nonsense"] = Nonsense(values["nonsense"])
    if "body" in values:
        values["body"] = values["body"].encode()
    return Fault(**values)


def _entry(entry: LoggedRequest) -> dict[str, Any]:
    secret = {"authorization", "cookie"}
    return {
        "method": entry.method,
        "path": entry.path,
        "endpoint": entry.endpoint,
        "at": entry.at.isoformat(),
        "at_s": entry.at_s,
        "headers": {key: value for key, value in entry.headers.items() if key not in secret},
        "person": entry.person,
        "client_id": entry.client_id,
        "tenant": entry.tenant,
        "status": entry.status,
    }


async def _body(request: web.Request, types: Types) -> dict[str, Any]:
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError:
        raise _error(web.HTTPBadRequest, "the body is not JSON") from None
    if not isinstance(body, dict):
        raise _error(web.HTTPBadRequest, "the body is no JSON object")
    for key, value in body.items():
        if key not in types:
            raise _error(web.HTTPBadRequest, f"{key}: unknown; known are {', '.join(types)}")
        whole = not isinstance(value, list) or all(isinstance(item, str) for item in value)
        if type(value) not in types[key] or not whole:
            raise _error(web.HTTPBadRequest, f"{key}: wrong type")
    return body


def _error(kind: type[web.HTTPError], text: str) -> web.HTTPError:
    return kind(text=json.dumps({"error": text}), content_type="application/json")
