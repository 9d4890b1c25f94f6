"""The page where a person signs in for an app in the browser.

Authorization request and answer of RFC 6749, 4.1.1 and 4.1.2, as query or as a posted form.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from tests.fakes.microsoft.aadsts import Refusal, refusal, refusal_without_number
from tests.fakes.microsoft.directory import App, Person
from tests.fakes.microsoft.identity import Identity, text_form
from tests.fakes.microsoft.page import page, people_options
from tests.fakes.microsoft.scopes import permissions_in
from tests.fakes.microsoft.simulation import AuthorizationCode, Simulation
from tests.fakes.microsoft.token_answers import client_info
from tests.fakes.microsoft.tokens import base64url

CODE_S = 600
"""How long an authorization code can be redeemed (RFC 6749, 4.1.2)."""
LOOPBACK = frozenset({"localhost", "127.0.0.1"})
"""Any port will do for these (RFC 8252, 7.3)."""
METHODS = frozenset({"plain", "S256"})

_CHOICE = """<p>{app} asks for: {scope}</p>
<form method="post">
<p><label>Sign in as<br><select name="person">{people}</select></label></p>
<p><button name="decision" value="approve">Accept</button>
<button name="decision" value="decline">Cancel</button></p>
</form>"""

_POSTED = """<form method="post" action="{action}">{fields}
<noscript><button>Continue</button></noscript></form>
<script>document.forms[0].submit()</script>"""


class Authorize:
    """``/{tenant}/oauth2/v2.0/authorize``."""

    def __init__(self, simulation: Simulation, identity: Identity) -> None:
        self._simulation, self._identity = simulation, identity

    def routes(self) -> list[web.RouteDef]:
        """The page and its form."""
        path = "/{tenant}/oauth2/v2.0/authorize"
        return [
            web.get(path, self.show, name="authorize"),
            web.post(path, self.decide, name="authorize.decision"),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """Ask who signs in; with somebody who approves everything, go on at once."""
        query = dict(request.query)
        app = self._requesting_app(request, query)
        if isinstance(app, web.Response):
            return app
        if auto := self._simulation.codes.auto_approval:
            return self._accepted(app, query, auto.person)
        choice = _CHOICE.format(
            app=escape(app.name),
            scope=escape(query["scope"]),
            people=people_options(self._simulation.directory.people, query.get("login_hint")),
        )
        return page("Sign in", choice)

    async def decide(self, request: web.Request) -> web.Response:
        """Send the browser back to the app, with a code or with the refusal."""
        query, form = dict(request.query), await text_form(request)
        app = self._requesting_app(request, query)
        if isinstance(app, web.Response):
            return app
        person = self._simulation.directory.person(form.get("person", ""))
        if form.get("decision") == "decline":
            return _refused(query, refusal(65004), error_subcode="cancel")
        if person is None:
            return page("Who are you?", "<p>Choose a person.</p>", status=400)
        return self._accepted(app, query, person)

    def _requesting_app(self, request: web.Request, query: dict[str, str]) -> App | web.Response:
        """The app that asks, or the answer when it asks wrongly."""
        try:
            app = self._app(request, query)
        except Refusal as refused:
            text = escape(refused.words)
            title = "Sorry, but we're having trouble signing you in"
            return page(title, f"<p>{text}</p>", status=400)
        try:
            self._check(query)
        except Refusal as refused:
            return _refused(query, refused)
        return app

    def _app(self, request: web.Request, query: dict[str, str]) -> App:
        """The app that asks; refused are those whose browser must not be sent back."""
        _, app = self._identity.tenant_and_app(request, query)
        redirect_uri = query.get("redirect_uri", "")
        if not any(_same_place(redirect_uri, known) for known in app.redirect_uris):
            raise refusal(50011, redirect_uri=redirect_uri, client_id=app.client_id)
        return app

    def _check(self, query: dict[str, str]) -> None:
        if query.get("response_type") != "code":
            raise refusal_without_number("unsupported_response_type", "Only code is supported.")
        if query.get("response_mode", "query") not in {"query", "form_post"}:
            raise refusal(9002313)
        if query.get("code_challenge_method", "plain") not in METHODS:
            raise refusal(9002313)
        if not query.get("scope"):
            raise refusal(90014, field="scope")
        permissions_in(query["scope"], own_host=self._simulation.host)

    def _accepted(self, app: App, query: dict[str, str], person: Person) -> web.Response:
        simulation = self._simulation
        now = simulation.clock.monotonic()
        simulation.authorizations = {
            value: code
            for value, code in simulation.authorizations.items()
            if now < code.expires_s + CODE_S
        }
        code = AuthorizationCode(
            value=f"1.A{base64url(simulation.random.randbytes(32))}",
            client_id=app.client_id,
            person=person,
            scope=query["scope"],
            redirect_uri=query["redirect_uri"],
            challenge=query.get("code_challenge", ""),
            challenge_method=query.get("code_challenge_method", "plain"),
            nonce=query.get("nonce"),
            expires_s=now + CODE_S,
        )
        simulation.authorizations[code.value] = code
        answer = {"code": code.value}
        if query.get("client_info") == "1":
            answer["client_info"] = client_info(person)
        return _back(query, answer | {"session_state": simulation.new_id()})


def _same_place(asked: str, known: str) -> bool:
    """Whether a redirect address is the registered one; on loopback any port is."""
    if asked == known:
        return True
    there, here = urlsplit(asked), urlsplit(known)
    return (
        here.hostname in LOOPBACK
        and (there.scheme, there.hostname) == (here.scheme, here.hostname)
        and (there.path or "/") == (here.path or "/")
    )


def _back(query: Mapping[str, str], answer: dict[str, str]) -> web.Response:
    """Send the browser to the app with ``answer``."""
    if "state" in query:
        answer = answer | {"state": query["state"]}
    target = query["redirect_uri"]
    if query.get("response_mode") == "form_post":
        fields = "".join(
            f'<input type="hidden" name="{escape(key)}" value="{escape(value)}">'
            for key, value in answer.items()
        )
        return page("Working...", _POSTED.format(action=escape(target), fields=fields))
    joint = "&" if urlsplit(target).query else "?"
    return web.Response(status=302, headers={"Location": f"{target}{joint}{urlencode(answer)}"})


def _refused(query: Mapping[str, str], refused: Refusal, **more: str) -> web.Response:
    error = {"error": refused.kind.error, "error_description": refused.words}
    return _back(query, error | more)
