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
from bridge.web.access.headers import HEADERS
from bridge.web.application import back_to_page, go_to, html, takes_gzip
from bridge.web.data.readiness import not_ready
from bridge.web.data.report import report
from bridge.web.data.search import SHOWN
from bridge.web.data.worker import Worker
from bridge.web.events import Events
from bridge.web.form_answers import FormAnswers
from bridge.web.live import Live
from bridge.web.metrics import CONTENT_TYPE, metrics
from bridge.web.posts import Posts
from bridge.web.render.forms import FIND
from bridge.web.render.kiosk import kiosk_page
from bridge.web.render.manifest import MANIFEST
from bridge.web.render.page import page
from bridge.web.render.parts import have_of
from bridge.web.render.people import NAME_LIMIT
from bridge.web.render.today import week_page
from bridge.web.serving.assets import Assets
from bridge.web.serving.limits import Capacity
from bridge.web.set_up.change import RegistrationChange
from bridge.web.share import shared


class Site:
    """Handlers, each for one address."""

    def __init__(
        self,
        live: Live,
        *,
        guard: Guard,
        posts: Posts,
        registration: RegistrationChange,
        worker: Worker,
        version: str,
        capacity: Capacity,
        clock: Clock,
    ) -> None:
        self._live, self._guard, self._posts, self._worker = live, guard, posts, worker
        self._registration = registration
        self._version, self._assets, self._clock = version, Assets(), clock
        self._answers = FormAnswers(posts, live)
        self._release = f"{version}-{self._assets.digest}"
        self.events = Events(live, release=self._release, capacity=capacity, clock=clock)

    def routes(self) -> list[web.RouteDef]:
        """All addresses."""
        return [
            web.get("/", self._page),
            web.get("/events", self._events, allow_head=False),
            web.get("/history", self._history),
            web.get("/manifest.webmanifest", self._manifest),
            self._assets.route(),
            web.get("/readyz", self._readyz),
            web.get("/metrics", self._metrics),
            web.get("/report", self._report),
            web.get(f"{api.PREFIX}/openapi.json", self._openapi),
            *(web.get(f"{api.PREFIX}{r.path}", partial(self._api, r)) for r in api.RESOURCES),
            web.get("/share", partial(shared, self._live.shown)),
            *self._registration.routes(),
            web.post("/leave", self._leave),
            *(web.post(f"/{f}", partial(self._answers.answer, f)) for f in self._posts.forms),
            *(web.get(f"/{f}", back_to_page) for f in ("leave", *self._posts.forms)),
        ]

    async def _page(self, request: web.Request) -> web.Response:
        if only := _only(request):
            parts = await self._live.only(only)
            markup = kiosk_page(parts, release=self._release, account=only, as_of=self._live.as_of)
            return html(request, markup)
        markup = page(
            await self._live.parts(_find(request)),
            release=self._release,
            as_of=self._live.as_of,
            refusal=self._answers.notice_of(request),
            can_leave=self._guard.can_leave(request),
        )
        return html(request, markup)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        reader, have = self._guard.reader_of(request), have_of(request.query.get("have", ""))
        only = _only(request)
        look = partial(self._live.only, only) if only else partial(self._live.parts, _find(request))
        may_stay = partial(self._guard.may_stay, request)
        return await self.events.stream(request, look, reader=reader, have=have, may_stay=may_stay)

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
        body = await self._worker.run(partial(metrics, self._live.shown.value))
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})

    async def _report(self, _: web.Request) -> web.Response:
        return web.Response(text=await self._worker.run(partial(report, self._live.shown.value)))

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

    async def _leave(self, request: web.Request) -> web.Response:
        reader = self._guard.reader_of(request)
        self._guard.leave(request)
        self.events.close(reader)
        return go_to("./")


def _find(request: web.Request) -> str:
    return request.query.get(FIND, "")[:NAME_LIMIT]


def _only(request: web.Request) -> str:
    """The one person that a screen shows, if it is one."""
    return request.query.get("only", "")[:NAME_LIMIT]


async def _in_parts(request: web.Request, parts: Iterator[bytes]) -> web.StreamResponse:
    """JSON of very many people, some at a time: neither memory nor the loop is taken for all."""
    response = web.StreamResponse(headers={**HEADERS, "Content-Type": "application/json"})
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
