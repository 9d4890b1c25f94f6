"""The addresses of the page and what each answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from http import HTTPStatus

from aiohttp import web

from bridge.contract.clock import Clock
from bridge.web import api
from bridge.web.access.guard import Guard
from bridge.web.application import back_to_page, go_to, html, takes_gzip
from bridge.web.data.readiness import not_ready
from bridge.web.data.report import report
from bridge.web.data.search import SHOWN
from bridge.web.events import Events
from bridge.web.form_answers import FormAnswers
from bridge.web.live import Live, only_of
from bridge.web.metrics import CONTENT_TYPE, metrics
from bridge.web.posts import Posts
from bridge.web.render.forms import FIND
from bridge.web.render.kiosk import kiosk_page
from bridge.web.render.page import page
from bridge.web.render.returned_address import (
    other_share_page,
    returned_address,
    shared_page,
    whose_sign_in,
)
from bridge.web.render.times import as_of
from bridge.web.render.today import week_page
from bridge.web.serving.assets import MANIFEST, Assets
from bridge.web.serving.limits import Capacity
from bridge.web.set_up.change import RegistrationChange

SHARED = ("url", "text", "title")
"""Where a phone puts the address that it shares (W3C, "Web Share Target API"); on Android mostly
into the text."""


class Site:
    """Handlers, each for one address."""

    def __init__(
        self,
        live: Live,
        *,
        guard: Guard,
        posts: Posts,
        registration: RegistrationChange,
        version: str,
        capacity: Capacity,
        clock: Clock,
    ) -> None:
        self._live, self._guard, self._posts = live, guard, posts
        self._registration = registration
        self._version, self._assets, self._clock = version, Assets(), clock
        self._answers = FormAnswers(posts, live)
        self._release = f"{version}-{self._assets.digest}"
        self.events = Events(live, guard, release=self._release, capacity=capacity, clock=clock)

    def routes(self) -> list[web.RouteDef]:
        """All addresses."""
        return [
            web.get("/", self._page),
            web.get("/events", self.events.stream, allow_head=False),
            web.get("/history", self._history),
            web.get("/manifest.webmanifest", self._manifest),
            self._assets.route(),
            web.get("/readyz", self._readyz),
            web.get("/metrics", self._metrics),
            web.get("/report", self._report),
            web.get(f"{api.PREFIX}/openapi.json", self._openapi),
            *(web.get(f"{api.PREFIX}{r.path}", partial(self._api, r)) for r in api.RESOURCES),
            web.get("/share", self._share),
            *self._registration.routes(),
            web.post("/leave", self._leave),
            *(web.post(f"/{f}", partial(self._answers.answer, f)) for f in self._posts.forms),
            *(web.get(f"/{f}", back_to_page) for f in ("leave", *self._posts.forms)),
        ]

    async def _page(self, request: web.Request) -> web.Response:
        parts, release = await self._live.parts_for(request.query), self._release
        now = as_of(self._clock.now(), self._live.calendar)
        if only := only_of(request.query):
            return html(request, kiosk_page(parts, release=release, account=only, as_of=now))
        markup = page(
            parts,
            release=release,
            as_of=now,
            refusal=self._answers.notice_of(request),
            can_leave=self._guard.can_leave(request),
        )
        return html(request, markup)

    async def _history(self, request: web.Request) -> web.Response:
        person = self._live.shown.value.person(request.query.get("of", ""))
        days = self._live.week_of(person) if person else ()
        if person is None or not days:
            raise web.HTTPNotFound
        many = len(self._live.shown.value.people) > SHOWN
        back = f"./{f'?{FIND}={person.account}' if many else ''}#{person.card}"
        calendar, now = self._live.calendar, self._clock.now()
        return html(request, week_page(days, calendar, now=now, back=back))

    async def _manifest(self, _: web.Request) -> web.Response:
        return web.Response(body=MANIFEST, content_type="application/manifest+json")

    async def _readyz(self, _: web.Request) -> web.Response:
        if missing := not_ready(self._live.shown.value):
            return web.Response(text=f"{missing}\n", status=HTTPStatus.SERVICE_UNAVAILABLE)
        return web.Response(text="ready\n")

    async def _metrics(self, _: web.Request) -> web.Response:
        body = await self._live.made(metrics)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})

    async def _report(self, _: web.Request) -> web.Response:
        return web.Response(text=await self._live.made(report))

    async def _openapi(self, _: web.Request) -> web.Response:
        return _json(api.openapi(self._version))

    async def _api(self, resource: api.Resource, request: web.Request) -> web.StreamResponse:
        snapshot = self._live.shown.value
        if resource in api.OF_MANY and len(snapshot.people) > api.PEOPLE_A_PART:
            return await _in_parts(request, api.parts(resource, snapshot))
        body = api.answer(resource, snapshot, request.match_info.get("account", ""))
        if body is None:
            raise web.HTTPNotFound
        return _json(body)

    async def _share(self, request: web.Request) -> web.Response:
        """Take the address that a sign-in ended on: a share changes nothing, it shows a form."""
        address = returned_address(" ".join(request.query.get(each, "") for each in SHARED))
        signer = whose_sign_in(self._live.shown.value, address) if address else None
        if address and signer:
            return html(request, shared_page(signer, address))
        status = HTTPStatus.CONFLICT if address else HTTPStatus.UNPROCESSABLE_ENTITY
        return html(request, other_share_page(is_over=bool(address)), status)

    async def _leave(self, request: web.Request) -> web.Response:
        reader = self._guard.reader_of(request)
        self._guard.leave(request)
        self.events.close(reader)
        return go_to("./")


async def _in_parts(request: web.Request, parts: Iterator[bytes]) -> web.StreamResponse:
    """JSON of very many people, some at a time: neither memory nor the loop is taken for all."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    if takes_gzip(request):
        response.enable_compression(web.ContentCoding.gzip)
    await response.prepare(request)
    if request.method == "GET":
        for part in parts:
            await response.write(part)
            await asyncio.sleep(0)
    return response


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")
