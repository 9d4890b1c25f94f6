"""Pages of the simulated Entra ID, first where a device code is typed."""

from __future__ import annotations

from html import escape

from aiohttp import web

from bridge.demo.microsoft import PAGE
from tests.fakes.microsoft.directory import Person
from tests.fakes.microsoft.identity import text_form
from tests.fakes.microsoft.simulation import Simulation

_FORM = """<p>This is the simulated Microsoft. Nothing that you type leaves this machine.</p>
<form method="post">
<p><label>Code<br><input name="code" value="{code}" autocomplete="off" required></label></p>
<p><label>Sign in as<br><select name="person">{people}</select></label></p>
<p><button name="decision" value="approve">Continue</button>
<button name="decision" value="decline">Cancel</button></p>
</form>"""


class VerificationPage:
    """``/device``: what the address in a device code answer leads to."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def routes(self) -> list[web.RouteDef]:
        """The page and its form."""
        return [web.get("/device", self.show), web.post("/device", self.decide)]

    async def show(self, request: web.Request) -> web.Response:
        """The form; ``?code=`` fills it in."""
        people = self._simulation.directory.people
        form = _FORM.format(
            code=escape(request.query.get("code", "")), people=people_options(people)
        )
        return page("Enter code", form)

    async def decide(self, request: web.Request) -> web.Response:
        """Approve or decline the code that was typed."""
        form = await text_form(request)
        user_code, codes = form.get("code", ""), self._simulation.codes
        person = self._simulation.directory.person(form.get("person", ""))
        try:
            if form.get("decision") == "decline":
                codes.decline(user_code)
                return page("Declined", "<p>You can close this page.</p>")
            if person is None:
                return page("Who are you?", "<p>Choose a person.</p>", status=400)
            codes.approve(user_code, person)
        except KeyError:
            text = "<p>That code didn't work. Check the code and try again.</p>"
            return page("Enter code", text, status=400)
        return page("Signed in", f"<p>{escape(person.name)}, you can close this page.</p>")


def people_options(people: list[Person], chosen: str | None = None) -> str:
    """People as the options of a choice; ``chosen`` is the user principal name to begin with."""

    def option(person: Person) -> str:
        mark = " selected" if chosen and person.upn.lower() == chosen.lower() else ""
        return f'<option value="{escape(person.upn)}"{mark}>{escape(person.name)}</option>'

    return "".join(map(option, people))


def page(title: str, body: str, *, status: int = 200) -> web.Response:
    """A whole page; ``body`` is markup."""
    html = PAGE.format(title=title, body=body)
    return web.Response(text=html, content_type="text/html", status=status)
