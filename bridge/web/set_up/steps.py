"""Serves the guided set-up until a config is written; ``Trials`` tries the answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from pathlib import Path

from aiohttp import web

from bridge.config.tables.shared import MqttSettings
from bridge.config.tables.web import WebSettings
from bridge.contract.clock import Clock
from bridge.contract.errors import PresenceBridgeError
from bridge.contract.latest import Latest
from bridge.contract.registration import Registration
from bridge.contract.supervised import supervised
from bridge.web.access.guard import Guard
from bridge.web.access.proxies import log_change
from bridge.web.application import application, back_to_page, go_to, html
from bridge.web.data.page_words import for_people
from bridge.web.refused import Fields, MistakeError
from bridge.web.serving.assets import Assets
from bridge.web.serving.form_fields import fields_of
from bridge.web.serving.limits import Capacity, Limits
from bridge.web.serving.listening import Listener
from bridge.web.set_up.answers import person_of, registration_of
from bridge.web.set_up.broker_step import TRIAL_S, BrokerStep, Offer, Trials
from bridge.web.set_up.config_file import write
from bridge.web.set_up.form import Asked
from bridge.web.set_up.pages import done_page, setup_page

LINGER_S = 1.0
"""The last page still loads its style sheet."""
AGAIN = "20; url=./"
"""A browser without scripts looks for the page of the bridge, which starts on the same port, after
the time that it may need on a slow machine."""
Take = Callable[[web.Request, Fields], Awaitable[web.Response | None]]
"""Does what a form asks for; its answer, where that is not the step that comes next."""


class SetUp:
    """The guided set-up of one config file.

    ``given`` is the broker that the environment or the rest of the config names already, ``offer``
    asks Home Assistant for one, ``zone`` is the time zone that the machine has; ``write_web``
    writes where the page listens, too.
    """

    def __init__(
        self,
        settings: WebSettings,
        *,
        file: Path,
        given: MqttSettings | None,
        trials: Trials,
        guard: Guard,
        clock: Clock,
        offer: Offer | None = None,
        zone: str | None = None,
        write_web: bool = False,
    ) -> None:
        self._settings, self._file, self._trials = settings, file, trials
        self._guard, self._clock = guard, clock
        self._zone, self._write_web = zone, write_web
        self._broker = BrokerStep(
            trials, given=given, offer=offer, folder=file.absolute().parent, clock=clock
        )
        self._registration: Registration | None = None
        self._written = asyncio.Event()
        self.listening: Latest[int | None] = Latest(None)
        """The port, while there is one."""

    async def run(self) -> None:
        """Serve until the config is written."""
        await self._broker.try_given()
        takes: dict[str, Take] = {
            "/look": lambda _, __: self._broker.look(),
            "/broker": lambda _, fields: self._broker.take(fields),
            "/registration": lambda _, fields: self._take_registration(fields),
            "/person": self._take_person,
            "/back": self._go_back,
        }
        routes = [
            web.get("/", self._show),
            *(web.post(path, partial(self._answer, take)) for path, take in takes.items()),
            *(web.get(path, back_to_page) for path in takes),
            Assets().route(),
        ]
        capacity = Capacity(Limits.own(), self._clock)
        listener = Listener(self._settings, capacity, self._clock)
        async with application(self._guard, routes) as server, asyncio.TaskGroup() as tasks:
            serving = [
                tasks.create_task(self._broker.look(), name="set-up-look"),
                tasks.create_task(
                    supervised(self._broker.look_for_given, name="set-up", clock=self._clock),
                    name="set-up-broker",
                ),
                tasks.create_task(listener.run(server, self.listening.set), name="set-up-page"),
            ]
            await self._written.wait()
            await self._clock.sleep(LINGER_S)
            self.listening.set(None)
            for task in serving:
                task.cancel()

    async def _show(self, request: web.Request) -> web.Response:
        await self._broker.until_looked()
        typed = {**self._broker.typed, "time_zone": self._zone or ""}
        return html(request, self._page(Asked(typed)))

    def _page(self, asked: Asked) -> str:
        step = 0 if self._broker.settings is None else 1 if self._registration is None else 2
        return setup_page(step, asked, **self._broker.shown)

    async def _answer(self, take: Take, request: web.Request) -> web.Response:
        """Take what a form says, or show what is wrong with it."""
        fields = await fields_of(request)
        try:
            async with asyncio.timeout(TRIAL_S):
                return await take(request, fields) or go_to("./")
        except TimeoutError:
            mistake = MistakeError(
                f"No answer within {TRIAL_S:.0f} seconds.",
                remedy="Is the address right?",
                field="host",
            )
        except MistakeError as error:
            mistake = error
        except PresenceBridgeError as error:
            text = for_people(error.text)
            mistake = MistakeError(text[:1].upper() + text[1:], remedy=error.remedy)
        page = self._page(Asked(fields, mistake))
        return html(request, page, HTTPStatus.UNPROCESSABLE_ENTITY)

    async def _take_registration(self, fields: Fields) -> None:
        registration = registration_of(fields)
        await self._trials.registration(registration)
        self._registration = registration

    async def _take_person(self, request: web.Request, fields: Fields) -> web.Response | None:
        name, zone = person_of(fields)
        broker, registration = self._broker.settings, self._registration
        if not (broker and registration):
            return None
        write(
            self._file,
            None if self._broker.is_given else broker,
            registration,
            name,
            zone if zone != self._zone else None,
            web=self._settings if self._write_web else None,
        )
        self._written.set()
        log_change(request, f"{self._file} written")
        response = html(request, done_page(name))
        response.headers["Refresh"] = AGAIN
        return response

    async def _go_back(self, _: web.Request, __: Fields) -> None:
        if self._registration:
            self._registration = None
        else:
            self._broker.back()
