"""What a form gets: JSON for our script, else the way back to the page, where it stood.

A refused form leads back too (POST, redirect, GET): whatever address a browser then shows can be
loaded anew.
"""

from __future__ import annotations

import json
import secrets
from collections import OrderedDict
from http import HTTPStatus
from urllib.parse import urlencode

from aiohttp import web

from bridge.contract.errors import PresenceBridgeError
from bridge.web.access.proxies import log_change
from bridge.web.application import go_to
from bridge.web.data.search import SHOWN
from bridge.web.data.snapshot import CARD
from bridge.web.live import Live
from bridge.web.posts import Posts
from bridge.web.render.forms import FIND
from bridge.web.serving.form_fields import fields_of

JSON = "application/json"
MOST = 64
"""Texts that are kept; the page with an older one comes without it."""
NOTICE = "notice"
"""In an address: the key of the text that the page shows above all else."""


class FormAnswers:
    """Answers each of the forms of ``posts``."""

    def __init__(self, posts: Posts, live: Live) -> None:
        self._posts, self._live = posts, live
        self._notices: OrderedDict[str, str] = OrderedDict()

    async def answer(self, form: str, request: web.Request) -> web.Response:
        """Do what the form asks for."""
        fields = await fields_of(request)
        refusal, note = "", ""
        try:
            done = await self._posts.do(form, fields)
            element, note = done.element, done.note
            log_change(request, f"{form}, {element}")
        except PresenceBridgeError as error:
            text = str(error)
            refusal, element = text[:1].upper() + text[1:], self._posts.place_of(fields)
        find = await self._find(element, fields.get(FIND, ""))
        if JSON in request.headers.get("Accept", ""):
            answer = {"element": element, "find": find, "refusal": refusal, "note": note}
            status = HTTPStatus.UNPROCESSABLE_ENTITY if refusal else HTTPStatus.OK
            return web.Response(text=json.dumps(answer), status=status, content_type=JSON)
        query = {FIND: find} if find else {}
        if text := refusal or note:
            query[NOTICE] = self._key_of(text)
        return go_to(f"./{'?' if query else ''}{urlencode(query)}#{element}")

    def notice_of(self, request: web.Request) -> str:
        """What the form that led to this page was refused for, or what a person must know."""
        return self._notices.get(request.query.get(NOTICE, ""), "")

    async def _find(self, element: str, find: str) -> str:
        """The search under which the page shows ``element``."""
        if not element.startswith(CARD):
            return find
        if element in (await self._live.parts(find)).cards:
            return find
        return element.removeprefix(CARD) if len(self._live.shown.value.people) >= SHOWN else ""

    def _key_of(self, text: str) -> str:
        """Under which ``text`` stands in an address, which then answers more than once."""
        if len(self._notices) >= MOST:
            self._notices.popitem(last=False)
        key = secrets.token_urlsafe(9)
        self._notices[key] = text
        return key
