"""Serves the guided set-up until a config is written; ``Trials`` tries the answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Protocol

from aiohttp import web
from pydantic import SecretStr

from bridge.config.tables.shared import MqttSettings
from bridge.config.tables.web import WebSettings
from bridge.contract.clock import Clock
from bridge.contract.errors import PresenceBridgeError, TryAgainError
from bridge.contract.found_broker import FoundBroker
from bridge.contract.latest import Latest
from bridge.contract.registration import Registration
from bridge.contract.supervised import supervised
from bridge.setup import CA_FILE
from bridge.web.access.guard import Guard
from bridge.web.access.remote_user import log_change
from bridge.web.application import application, go_to, html
from bridge.web.data.words import for_people
from bridge.web.refused import Fields
from bridge.web.serving.assets import Assets
from bridge.web.serving.form_fields import fields_of
from bridge.web.serving.limits import Capacity, own_limits
from bridge.web.serving.listening import Listener
from bridge.web.set_up.answers import authority_of, broker_of, person_of, registration_of
from bridge.web.set_up.asked import Asked
from bridge.web.set_up.draft import Draft, write, write_authority
from bridge.web.set_up.mistakes import MistakeError
from bridge.web.set_up.render import done_page, setup_page

TRIAL_S = 15.0
"""A trial that takes longer has failed."""
LINGER_S = 1.0
"""The last page still loads its style sheet."""
AGAIN = "20; url=./"
"""A browser without scripts looks for the page of the bridge, which starts on the same port, after
the time that it may need on a slow machine."""
LOOK_AGAIN_S = 2.0
"""Between two looks for a broker that is named and may start at the same moment as we do."""

Take = Callable[[web.Request, Fields], Awaitable[web.Response]]
Offer = Callable[[], Awaitable[MqttSettings | None]]


class Trials(Protocol):
    """Whether the answers work. Raises ``MistakeError`` or ``TryAgainError`` if not."""

    async def brokers(self) -> tuple[FoundBroker, ...]:
        """Those that answer in the places where homes have one; raises nothing."""
        ...

    async def broker(self, settings: MqttSettings) -> None:
        """Visit the broker."""
        ...

    async def registration(self, wanted: Registration) -> None:
        """Ask Microsoft whether tenant and client id belong together, without signing in."""
        ...


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
        self._given, self._offer = given, offer
        self._zone, self._write_web = zone, write_web
        self._password: SecretStr | None = None
        self._draft = Draft()
        self._found: tuple[FoundBroker, ...] = ()
        self._looked = asyncio.Event()
        self._written = asyncio.Event()
        self.listening: Latest[int | None] = Latest(None)
        """The port, while there is one."""

    async def run(self) -> None:
        """Serve until the config is written."""
        await self._take_given()
        takes: dict[str, Take] = {
            "/look": self._look_again,
            "/broker": self._take_broker,
            "/registration": self._take_registration,
            "/person": self._take_person,
            "/back": self._go_back,
        }
        routes = [
            web.get("/", self._show),
            *(web.post(path, partial(self._answer, take)) for path, take in takes.items()),
            *(web.get(path, self._go_on) for path in takes),
            Assets().route(),
        ]
        capacity = Capacity(own_limits(), self._clock)
        listener = Listener(self._settings, capacity, self._clock)
        async with application(self._guard, routes) as server, asyncio.TaskGroup() as tasks:
            serving = [
                tasks.create_task(self._look(), name="set-up-look"),
                tasks.create_task(
                    supervised(self._look_for_given, name="set-up", clock=self._clock),
                    name="set-up-broker",
                ),
                tasks.create_task(listener.run(server, self.listening.set), name="set-up-page"),
            ]
            await self._written.wait()
            await self._clock.sleep(LINGER_S)
            self.listening.set(None)
            for task in serving:
                task.cancel()

    async def _look(self) -> None:
        """Find brokers while the page comes up: it opens at once, and waits for them."""
        if self._draft.broker is None:
            self._found = await self._trials.brokers()
        self._looked.set()

    async def _look_for_given(self) -> None:
        while self._given and self._draft.broker is None:
            await self._clock.sleep(LOOK_AGAIN_S)
            await self._take_given()

    async def _take_given(self) -> None:
        """Ask for no broker when the one that is named lets us in."""
        given = self._given
        if given and await self._lets_us_in(given):
            if self._draft.broker or not self._given:
                return  # a person was faster
            self._draft = replace(self._draft, broker=given, broker_is_given=True)

    async def _take_offered(self) -> None:
        """Where Home Assistant had no broker, look whether it has one by now."""
        offer = self._offer
        if offer and not self._given and self._draft.broker is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(TRIAL_S):
                    offered = await offer()
                if self._offer is offer:  # nobody went back meanwhile
                    self._given = offered
            await self._take_given()

    async def _show(self, request: web.Request) -> web.Response:
        await self._take_offered()
        await self._looked.wait()
        given = self._given or MqttSettings()
        typed = {
            "host": given.host if self._given or not self._found else "",
            "port": str(given.port or ""),
            "tls": "on" if given.tls else "",
            "username": given.username or "",
            "time_zone": self._zone or "",
        }
        return html(request, self._page(Asked(typed)))

    async def _go_on(self, _: web.Request) -> web.Response:
        """Who loads the page of a refused form again is led to the step that comes next."""
        return go_to("./")

    def _page(self, asked: Asked) -> str:
        return setup_page(
            self._draft,
            asked,
            found=self._found,
            password_kept=self._password is not None,
            is_none_offered=self._offer is not None and self._given is None,
        )

    async def _answer(self, take: Take, request: web.Request) -> web.Response:
        """Take what a form says, or show what is wrong with it."""
        fields = await fields_of(request)
        try:
            async with asyncio.timeout(TRIAL_S):
                return await take(request, fields)
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

    async def _look_again(self, _: web.Request, __: Fields) -> web.Response:
        self._found = await self._trials.brokers()
        return go_to("./")

    async def _take_broker(self, _: web.Request, fields: Fields) -> web.Response:
        kept = self._password if fields.get("username", "").strip() else None
        authority = authority_of(fields)
        ca_file = self._file.absolute().parent / CA_FILE if authority else None
        broker = broker_of(fields, kept, ca_file=ca_file)
        if authority and ca_file:
            write_authority(ca_file, authority)
        self._password = broker.password
        await self._trials.broker(broker)
        self._draft = replace(self._draft, broker=broker, broker_is_given=False)
        return go_to("./")

    async def _take_registration(self, _: web.Request, fields: Fields) -> web.Response:
        registration = registration_of(fields)
        await self._trials.registration(registration)
        self._draft = replace(self._draft, registration=registration)
        return go_to("./")

    async def _take_person(self, request: web.Request, fields: Fields) -> web.Response:
        name, zone = person_of(fields)
        if not (self._draft.broker and self._draft.registration):
            return go_to("./")
        zone = zone if zone != self._zone else None
        web_settings = self._settings if self._write_web else None
        write(self._file, self._draft, name, zone, web=web_settings)
        self._written.set()
        log_change(request, f"{self._file} written")
        response = html(request, done_page(name))
        response.headers["Refresh"] = AGAIN
        return response

    async def _go_back(self, _: web.Request, __: Fields) -> web.Response:
        if self._draft.registration:
            self._draft = replace(self._draft, registration=None)
        else:
            self._draft, self._given, self._offer = Draft(), None, None
        return go_to("./")

    async def _lets_us_in(self, broker: MqttSettings) -> bool:
        try:
            async with asyncio.timeout(TRIAL_S):
                await self._trials.broker(broker)
        except (MistakeError, TryAgainError, TimeoutError):
            return False
        return True
