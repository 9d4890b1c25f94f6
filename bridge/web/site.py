"""The addresses of the page and what each answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from http import HTTPStatus

from aiohttp import web

from bridge.contract.clock import Clock
from bridge.contract.errors import PresenceBridgeError
from bridge.web import api
from bridge.web.access.guard import Guard
from bridge.web.access.headers import HEADERS
from bridge.web.application import go_to, html
from bridge.web.data.readiness import not_ready
from bridge.web.data.report import report
from bridge.web.data.worker import Worker
from bridge.web.events import Events
from bridge.web.live import Live
from bridge.web.metrics import CONTENT_TYPE, metrics
from bridge.web.posts import Posts
from bridge.web.render.page import page
from bridge.web.render.people import NAME_LIMIT
from bridge.web.serving.assets import Assets
from bridge.web.serving.form_fields import fields_of
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
        self._version, self._assets = version, Assets()
        self._release = f"{version}-{self._assets.digest}"
        self.events = Events(live, release=self._release, capacity=capacity, clock=clock)

    def routes(self) -> list[web.RouteDef]:
        """All addresses."""
        return [
            web.get("/", self._page),
            web.get("/events", self._events, allow_head=False),
            self._assets.route(),
            web.get("/readyz", self._readyz),
            web.get("/metrics", self._metrics),
            web.get("/report", self._report),
            web.get(f"{api.PREFIX}/openapi.json", self._openapi),
            *(web.get(f"{api.PREFIX}{r.path}", partial(self._api, r)) for r in api.RESOURCES),
            web.get("/share", partial(shared, self._live.shown)),
            *self._registration.routes(),
            web.post("/leave", self._leave),
            *(web.post(f"/{name}", partial(self._post, name)) for name in self._posts.forms),
        ]

    async def _page(
        self, request: web.Request, status: HTTPStatus = HTTPStatus.OK, refusal: str = ""
    ) -> web.Response:
        find = _find(request)
        markup = page(
            await self._live.parts(find),
            release=self._release,
            refusal=refusal,
            find=find,
            can_leave=self._guard.can_leave(request),
        )
        return html(request, markup, status)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        reader = self._guard.reader_of(request)
        may_stay = partial(self._guard.may_stay, request)
        return await self.events.stream(
            request, reader=reader, find=_find(request), may_stay=may_stay
        )

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

    async def _post(self, form: str, request: web.Request) -> web.Response:
        try:
            element = await self._posts.do(form, await fields_of(request))
        except PresenceBridgeError as error:
            text = str(error)
            refusal = text[:1].upper() + text[1:]
            return await self._page(request, HTTPStatus.UNPROCESSABLE_ENTITY, refusal)
        return go_to(f"./#{element}")


def _find(request: web.Request) -> str:
    return request.query.get("find", "")[:NAME_LIMIT]


async def _in_parts(request: web.Request, parts: Iterator[bytes]) -> web.StreamResponse:
    """JSON of very many people, some at a time: neither memory nor the loop is taken for all."""
    response = web.StreamResponse(headers={**HEADERS, "Content-Type": "application/json"})
    await response.prepare(request)
    if request.method == "GET":
        for part in parts:
            await response.write(part)
            await asyncio.sleep(0)
    return response


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")
