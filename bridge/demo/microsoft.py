"""The simulated Microsoft of the demo: one person signs in and has her presence read, over TLS.

It takes every app and every scope. All that Microsoft refuses is simulated for tests alone, in
``tests/fakes/microsoft``.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import escape
from secrets import choice, token_urlsafe
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from bridge.contract.clock import Clock
from bridge.demo.certificate import ServerCertificate
from bridge.demo.control import control_routes
from bridge.demo.person import Person

DOMAIN, TENANT_ID = "contoso.com", "c6f2a1cb-d8c4-5bd1-817f-f14bf5f23318"
CLIENT_ID = "085f355a-b5af-5e78-9148-d946875faeb0"
APPROVAL_AFTER_S = 3.0
"""So long the sign-in code can be read before the demo enters it."""
EXPIRES_S, INTERVAL_S, TOKEN_S = 900, 5, 3600
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>body{{font:1.1rem/1.5 sans-serif;max-width:30rem;margin:3rem auto;padding:0 1rem}}
input,select,button{{font:inherit;padding:.4rem .6rem;margin:.2rem 0}}</style>
<h1>{title}</h1>
{body}
</html>
"""
_FORM = """<p>This is the simulated Microsoft. Nothing that you type leaves this machine.</p>
<form method="post">
<p><label>Code<br><input name="code" value="{code}" autocomplete="off" required></label></p>
<p><button name="decision" value="approve">Continue as {name}</button>
<button name="decision" value="decline">Cancel</button></p>
</form>"""


@dataclass
class DeviceCode:
    """A sign-in that waits for a person (RFC 8628)."""

    user_code: str
    scope: str
    issued_s: float
    decision: str = ""
    """"approve" or "decline", once there is one."""


@dataclass
class SimulatedMicrosoft:
    """Sign-in and Graph for ``person``, who approves every sign-in after a while by herself."""

    person: Person
    clock: Clock
    address: str = ""
    """``https://host:port``, known when the server listens."""
    _codes: dict[str, DeviceCode] = field(default_factory=dict)
    _authorized: dict[str, dict[str, str]] = field(default_factory=dict)
    """What was asked for with an authorization code that was given out."""
    _tokens: set[str] = field(default_factory=set)
    """Access and refresh tokens that were given out."""

    def routes(self) -> list[web.RouteDef]:
        """All of its endpoints."""
        oauth = "/{tenant}/oauth2/v2.0"
        return [
            web.get("/{tenant}/v2.0/.well-known/openid-configuration", self.discover),
            web.post(f"{oauth}/devicecode", self.device_code),
            web.get(f"{oauth}/authorize", self.authorize),
            web.post(f"{oauth}/token", self.token),
            web.get("/device", self.show_form),
            web.post("/device", self.decide),
            web.get("/v1.0/me/presence", self.presence),
            *control_routes(self.person),
        ]

    async def discover(self, _: web.Request) -> web.Response:
        """Where to sign in (OpenID Connect Discovery 1.0)."""
        root = f"{self.address}/{TENANT_ID}"
        names = {
            "token": "token",
            "authorization": "authorize",
            "device_authorization": "devicecode",
        }
        found = {f"{key}_endpoint": f"{root}/oauth2/v2.0/{name}" for key, name in names.items()}
        return web.json_response(found | {"issuer": f"{root}/v2.0"})

    async def device_code(self, request: web.Request) -> web.Response:
        """A device code and the words for the person (RFC 8628, 3.2)."""
        form = await request.post()
        device_code, user_code = token_urlsafe(), "".join(choice(LETTERS) for _ in range(9))
        scope, now_s = str(form.get("scope")), self.clock.monotonic()
        self._codes[device_code] = DeviceCode(user_code, scope, now_s)
        page = f"{self.address}/device"
        return web.json_response(
            {
                "user_code": user_code,
                "device_code": device_code,
                "verification_uri": page,
                "expires_in": EXPIRES_S,
                "interval": INTERVAL_S,
                "message": f"To sign in, use a web browser to open the page {page} and enter the "
                f"code {user_code} to authenticate.",
            }
        )

    async def authorize(self, request: web.Request) -> web.Response:
        """Sign in for who comes with a browser, at once (RFC 6749, 4.1.2)."""
        query, code = dict(request.query), token_urlsafe()
        self._authorized[code] = query
        answer = urlencode({"code": code, "state": query.get("state", "")})
        return web.Response(status=302, headers={"Location": f"{query['redirect_uri']}?{answer}"})

    async def token(self, request: web.Request) -> web.Response:
        """Tokens for a device code or an authorization code, or new ones for a refresh token."""
        form = {key: str(value) for key, value in (await request.post()).items()}
        if waiting := self._codes.get(form.get("device_code", "")):
            if error := self._unfinished(waiting):
                return _refused(error)
            del self._codes[form["device_code"]]
            form["scope"] = waiting.scope
        elif authorized := self._authorized.pop(form.get("code", ""), None):
            form |= authorized
        elif form.get("refresh_token") not in self._tokens:
            return _refused("invalid_grant")
        return web.json_response(self._granted(form))

    async def show_form(self, request: web.Request) -> web.Response:
        """Where a person types the code; ``?code=`` fills it in."""
        code, name = escape(request.query.get("code", "")), escape(self.person.name)
        return _page("Enter code", _FORM.format(code=code, name=name))

    async def decide(self, request: web.Request) -> web.Response:
        """Approve or decline the code that was typed."""
        form = await request.post()
        typed = str(form.get("code")).strip().upper().replace("-", "")
        found = next((code for code in self._codes.values() if code.user_code == typed), None)
        if found is None:
            text = "<p>That code didn't work. Check the code and try again.</p>"
            return _page("Enter code", text, status=400)
        found.decision = str(form.get("decision"))
        if found.decision == "decline":
            return _page("Declined", "<p>You can close this page.</p>")
        return _page("Signed in", f"<p>{escape(self.person.name)}, you can close this page.</p>")

    async def presence(self, request: web.Request) -> web.Response:
        """The person's own presence (Graph v1.0 reference, presence-get)."""
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self._tokens:
            error = {"code": "InvalidAuthenticationToken", "message": "Access token is not known."}
            return web.json_response({"error": error}, status=401)
        return web.json_response(self.person.resource())

    def _unfinished(self, code: DeviceCode) -> str | None:
        """Why there are no tokens for ``code``, if there are none (RFC 8628, 3.5)."""
        if code.decision == "decline":
            return "authorization_declined"
        early = self.clock.monotonic() < code.issued_s + APPROVAL_AFTER_S
        return "authorization_pending" if early and not code.decision else None

    def _granted(self, asked: Mapping[str, str]) -> dict[str, Any]:
        access, refresh = token_urlsafe(), token_urlsafe()
        self._tokens |= {access, refresh}
        person, now = self.person, int(self.clock.now().timestamp())
        claims = {
            "iss": f"{self.address}/{TENANT_ID}/v2.0",
            "aud": asked.get("client_id"),
            "sub": person.oid,
            "iat": now,
            "exp": now + TOKEN_S,
            "name": person.name,
            "preferred_username": person.upn,
            "oid": person.oid,
            "tid": TENANT_ID,
            "nonce": asked.get("nonce"),
        }
        words = asked.get("scope", "").split()
        return {
            "token_type": "Bearer",
            "expires_in": TOKEN_S,
            "scope": " ".join(word for word in words if word != "offline_access"),
            "access_token": access,
            "refresh_token": refresh,
            "id_token": ".".join((_base64url({"alg": "none"}), _base64url(claims), "")),
            "client_info": _base64url({"uid": person.oid, "utid": TENANT_ID}),
        }


@asynccontextmanager
async def listening(
    person: Person, certificate: ServerCertificate, clock: Clock
) -> AsyncIterator[SimulatedMicrosoft]:
    """Serve on a free port of this machine."""
    microsoft, app = SimulatedMicrosoft(person, clock), web.Application()
    app.add_routes(microsoft.routes())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    try:
        context = certificate.server_context()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        microsoft.address = f"https://localhost:{runner.addresses[0][1]}"
        yield microsoft
    finally:
        await runner.cleanup()


def _base64url(document: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def _refused(error: str) -> web.Response:
    body = {"error": error, "error_description": f"The simulated Microsoft says: {error}."}
    return web.json_response(body, status=400)


def _page(title: str, body: str, *, status: int = 200) -> web.Response:
    html = PAGE.format(title=title, body=body)
    return web.Response(text=html, content_type="text/html", status=status)
