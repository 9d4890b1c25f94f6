"""Takes a mistaken app registration back, while a card is refused for it."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from aiohttp import web

from bridge.contract.account import Mend
from bridge.contract.commands import Commands
from bridge.contract.errors import PresenceBridgeError, TryAgainError
from bridge.contract.latest import Latest
from bridge.web.access.proxies import log_change
from bridge.web.application import go_to, html
from bridge.web.data.page_words import for_people
from bridge.web.data.snapshot import Signer, Snapshot
from bridge.web.refused import Fields, MistakeError
from bridge.web.render.document import card_document, message_page, way_back
from bridge.web.render.markup import tag
from bridge.web.render.refused_sign_in import CHANGE_REGISTRATION
from bridge.web.serving.form_fields import fields_of
from bridge.web.set_up.answers import registration_of
from bridge.web.set_up.form import Asked
from bridge.web.set_up.pages import registration_form, registration_steps

ADDRESS = f"/{CHANGE_REGISTRATION}"
ROOT = "../"
"""From there to the page."""
DEADLINE_S = 30.0
NOT_NOW = "No sign-in is refused for its app registration now, so it stays as it is."


class RegistrationChange:
    """The form at ``ADDRESS`` and what it does."""

    def __init__(self, view: Latest[Snapshot], commands: Commands) -> None:
        self._view, self._commands = view, commands

    def routes(self) -> list[web.RouteDef]:
        """Both of them answer who may use the page."""
        return [web.get(ADDRESS, self._show), web.post(ADDRESS, self._take)]

    async def _show(self, request: web.Request) -> web.Response:
        signer = self._refused(request.query.get("account", ""))
        registration = self._commands.registration(signer.account) if signer else None
        return _answer(request, signer, registration.keys if registration else {})

    async def _take(self, request: web.Request) -> web.Response:
        fields = await fields_of(request)
        signer = self._refused(fields.get("account", ""))
        if signer is None:
            return _answer(request, None, fields)
        try:
            async with asyncio.timeout(DEADLINE_S):
                wanted = registration_of(fields)
                await self._commands.change_registration(signer.account, wanted)
        except TimeoutError:
            mistake = MistakeError("Microsoft did not answer in time.", remedy="Try again.")
        except MistakeError as error:
            mistake = error
        except PresenceBridgeError as error:
            again = "Try again." if isinstance(error, TryAgainError) else error.remedy
            mistake = MistakeError(for_people(error.text), remedy=again)
        else:
            log_change(request, f"another app registration for {signer.account}")
            return go_to(f"{ROOT}#{signer.card}")
        return _answer(request, signer, fields, mistake)

    def _refused(self, account: str) -> Signer | None:
        """``account``, while it is refused for its registration; the first one for no name."""
        signers = self._view.value.signers
        refused = (it for it in signers if it.sign_in.mend is Mend.REGISTRATION)
        return next((it for it in refused if account in ("", it.account)), None)


def _answer(
    request: web.Request, signer: Signer | None, typed: Fields, mistake: MistakeError | None = None
) -> web.Response:
    """The form with what was ``typed``; a message where nobody is refused."""
    if signer is None:
        return html(request, message_page("Not now", NOT_NOW, root=ROOT), HTTPStatus.CONFLICT)
    page = _page(signer, Asked(typed, mistake, hidden={"account": signer.account}))
    return html(request, page, HTTPStatus.UNPROCESSABLE_ENTITY if mistake else HTTPStatus.OK)


def _page(signer: Signer, asked: Asked) -> str:
    refused = tag("p", tag("strong", signer.sign_in.message)) if signer.sign_in.message else None
    return card_document(
        "Presence: app registration",
        tag("h1", "Change the app registration"),
        tag("p", f"Microsoft refuses the sign-in of {signer.name}.") if not asked.mistake else None,
        refused if not asked.mistake else None,
        asked.refusal(),
        registration_form(asked, button="Check and change"),
        tag(
            "p",
            "It is written into config.toml, and counts at once for all who sign in by it.",
            class_="fine",
        ),
        tag("h2", "How it is made"),
        registration_steps(),
        way_back(ROOT),
        css=" wide",
        root=ROOT,
    )
