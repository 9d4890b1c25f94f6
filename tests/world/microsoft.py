"""Microsoft without sockets: identity and Graph as one function from request to answer.

Tokens, codes, people and refusals are those of the simulated Microsoft; only HTTP is left out.
Everybody's answers are noted, since what the bridge tells is measured by them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import format_datetime
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from multidict import CIMultiDict

from bridge.contract.clock import Clock
from bridge.microsoft.http import HttpRequest, HttpResponse
from tests.fakes.microsoft.aadsts import Refusal, refusal
from tests.fakes.microsoft.codes import DeviceCodes
from tests.fakes.microsoft.directory import Directory, Person
from tests.fakes.microsoft.grants import GRANTS
from tests.fakes.microsoft.graph_errors import GraphError, challenged, unauthorized
from tests.fakes.microsoft.scopes import permissions_in
from tests.fakes.microsoft.simulation import Simulation, TokenRequest
from tests.fakes.microsoft.tokens import AccessToken, Tokens

LOGIN_HOST, GRAPH_HOST = "login.microsoftonline.com", "graph.microsoft.com"
BULK = "/v1.0/communications/getPresencesByUserId"


@dataclass(frozen=True, slots=True)
class Told:
    """One presence in one answer."""

    oid: str
    availability: str
    activity: str
    sequence: str


class MemoryMicrosoft:
    """One tenant, and one app in it."""

    def __init__(self, clock: Clock, random: Random) -> None:
        self.directory = Directory(clock)
        self.tenant = self.directory.add_tenant("contoso.com")
        self.app = self.directory.add_app(self.tenant)
        self.tokens, self.codes = Tokens(clock, random), DeviceCodes(clock, random)
        self._simulation = Simulation(clock, random, self.directory, self.tokens, self.codes)
        self._simulation.address = f"https://{LOGIN_HOST}"
        self._clock = clock

    def answer(self, request: HttpRequest) -> HttpResponse:
        """What Microsoft answers."""
        address = urlsplit(request.url)
        try:
            if address.hostname == LOGIN_HOST:
                status, body = 200, self._identity(address.path, request)
            else:
                status, body = 200, self._graph(address.path, request)
            headers: Mapping[str, str] = {}
        except GraphError as error:
            body = error.body(now=self._clock.now(), request_id="", client_request_id="")
            status, headers = error.status, error.headers
        except Refusal as refused:
            body = refused.body(now=self._clock.now(), trace_id="", correlation_id="")
            status, headers = refused.kind.status, {}
        return self.plain(status, body, headers)

    def plain(
        self, status: int, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> HttpResponse:
        """An answer with the headers that all have."""
        date = format_datetime(self._clock.now(), usegmt=True)
        content = b"" if body is None else json.dumps(body).encode()
        return HttpResponse(status, CIMultiDict({"Date": date, **(headers or {})}), content)

    def told(self, response: HttpResponse) -> list[Told]:
        """The presences in an answer."""
        if response.status != 200 or b'"sequenceNumber"' not in response.body:
            return []
        body = json.loads(response.body)
        found = body.get("value", [body])
        return [
            Told(one["id"], one["availability"], one["activity"], one["sequenceNumber"])
            for one in found
        ]

    def revoke(self, person: Person, *, access_tokens: bool) -> None:
        """End all sign-ins of ``person``."""
        self.tokens.revoke(person.oid)
        if access_tokens:
            self.tokens.revoke_access(person.oid)

    def _identity(self, path: str, request: HttpRequest) -> dict[str, Any]:
        name, _, endpoint = path.strip("/").partition("/")
        tenant = self.directory.tenant(name)
        if tenant is None:
            raise refusal(90002, tenant=name)
        root = f"https://{LOGIN_HOST}/{tenant.tenant_id}"
        if endpoint.endswith("openid-configuration"):
            return {
                "token_endpoint": f"{root}/oauth2/v2.0/token",
                "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
                "device_authorization_endpoint": f"{root}/oauth2/v2.0/devicecode",
                "issuer": f"{root}/v2.0",
            }
        form = dict(parse_qsl((request.body or b"").decode()))
        app = self.directory.app(form.get("client_id", ""))
        if app is None:
            raise refusal(700016, client_id=form.get("client_id", ""), tenant=tenant.domain)
        if endpoint == "oauth2/v2.0/devicecode":
            permissions_in(form["scope"], own_host=LOGIN_HOST)
            return self._device_code(form)
        grant = GRANTS.get(form.get("grant_type", ""))
        if grant is None:
            raise refusal(70003)
        return grant(self._simulation, TokenRequest(tenant, app, form))

    def _device_code(self, form: Mapping[str, str]) -> dict[str, Any]:
        code = self.codes.issue(
            client_id=self.app.client_id, tenant_id=self.tenant.tenant_id, scope=form["scope"]
        )
        return {
            "user_code": code.user_code,
            "device_code": code.device_code,
            "verification_uri": "https://microsoft.com/devicelogin",
            "expires_in": self.codes.expires_in_s,
            "interval": code.interval_s,
            "message": f"enter the code {code.user_code}",
        }

    def _graph(self, path: str, request: HttpRequest) -> dict[str, Any]:
        token = self._bearer(request)
        me = self.directory.person(token.oid or "")
        if path == "/v1.0/me/presence" and me:
            return self.directory.presence_resource(me, own=True)
        if path == BULK:
            ids = json.loads(request.body or b"{}")["ids"]
            people = filter(None, map(self.directory.person_by_oid, ids))
            resource = self.directory.presence_resource
            return {"value": [resource(person, own=False) for person in people]}
        if path.startswith("/v1.0/users/") and (person := self.directory.person(path[12:])):
            return {"id": person.oid, "userPrincipalName": person.upn, "displayName": person.name}
        raise GraphError(404, "Not found.")

    def _bearer(self, request: HttpRequest) -> AccessToken:
        token = self.tokens.access(request.headers.get("Authorization", "").removeprefix("Bearer "))
        address = self._simulation.address
        if token is None or token.expires_s <= self._clock.monotonic():
            raise unauthorized(address, "Access token is not known or has expired.")
        if token.revoked:
            claims = {"access_token": {"nbf": {"essential": True, "value": "1"}}}
            raise (
                challenged(address, json.dumps(claims))
                if token.continuous
                else unauthorized(address, "Access token has been revoked.")
            )
        return token


def snake(word: str) -> str:
    """Microsoft's word as the contract spells it."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in word)[1:]
