"""The first step of the set-up: which broker it is, until one lets us in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from operator import attrgetter
from pathlib import Path
from typing import Any, Protocol

from pydantic import SecretStr

from bridge.config.tables.shared import MqttSettings
from bridge.contract.clock import Clock
from bridge.contract.errors import TryAgainError
from bridge.contract.found_broker import FoundBroker
from bridge.contract.registration import Registration
from bridge.setup import CA_FILE
from bridge.web.data.page_words import for_people
from bridge.web.refused import Fields, MistakeError
from bridge.web.set_up.answers import authority_of, broker_of
from bridge.web.set_up.config_file import write_authority

TRIAL_S = 15.0
"""A trial that takes longer has failed."""
LOOK_AGAIN_S = 2.0
"""Between two looks for a broker that is named and may start at the same moment as we do."""

_user_of = attrgetter("host", "effective_port", "tls", "username")
"""Which user of which broker is meant."""
Offer = Callable[[], Awaitable[MqttSettings | None]]


class Trials(Protocol):
    """Whether the answers work."""

    async def brokers(self) -> tuple[FoundBroker, ...]:
        """Those that answer in the places where homes have one; raises nothing."""

    async def broker(self, settings: MqttSettings) -> None:
        """Visit the broker. Raises ``MistakeError`` or ``TryAgainError`` if it does not take us."""

    async def registration(self, wanted: Registration) -> None:
        """Ask Microsoft whether tenant and client id belong together; raises as ``broker``."""


class BrokerStep:
    """``given`` is the broker that is named already; ``offer`` asks Home Assistant for one."""

    def __init__(
        self,
        trials: Trials,
        *,
        given: MqttSettings | None,
        offer: Offer | None,
        folder: Path,
        clock: Clock,
    ) -> None:
        self._trials, self._given, self._offer = trials, given, offer
        self._ca_file, self._clock = folder / CA_FILE, clock
        self._refusal = ""
        self._password: SecretStr | None = None
        self._found: tuple[FoundBroker, ...] = ()
        self._looked = asyncio.Event()
        self.settings: MqttSettings | None = None
        """The broker that lets us in."""
        self.is_given = False

    async def look_for_given(self) -> None:
        """Ask for no broker as soon as the one that is named lets us in."""
        while self._given and self.settings is None:
            await self._clock.sleep(LOOK_AGAIN_S)
            await self.try_given()

    async def try_given(self) -> None:
        """Visit the broker that is named."""
        given = self._given
        if given is None:
            return
        refusal = await self._refusal_of(given)
        if self.settings or not self._given:
            return  # a person was faster
        self._refusal = refusal
        if not refusal:
            self.settings, self.is_given = given, True

    async def look(self) -> None:
        """Find brokers; the page, which is served meanwhile, waits for them."""
        if self.settings is None:
            self._found = await self._trials.brokers()
        self._looked.set()

    async def until_looked(self) -> None:
        """Wait for what is to be shown."""
        await self._try_offered()
        await self._looked.wait()

    async def take(self, fields: Fields) -> None:
        """Try what a person typed, or chose of those found. Raises ``MistakeError``."""
        kept = self._password if fields.get("username", "").strip() else None
        authority = authority_of(fields)
        typed = broker_of(fields, kept, ca_file=self._ca_file if authority else None)
        if authority:
            write_authority(self._ca_file, authority)
        self._password, given = typed.password, self._given
        if given and not typed.password and _user_of(given) == _user_of(typed):
            typed = given  # with the password that it has
        await self._trials.broker(typed)
        self.settings, self.is_given = typed, typed is given

    def back(self) -> None:
        """Ask for it, whoever named one."""
        self.settings, self._given, self._offer = None, None, None

    @property
    def typed(self) -> dict[str, str]:
        """What its form begins with."""
        given = self._given or MqttSettings()
        return {
            "host": given.host if self._given or not self._found else "",
            "port": str(given.port or ""),
            "tls": "on" if given.tls else "",
            "username": given.username or "",
        }

    @property
    def shown(self) -> dict[str, Any]:
        """What the page says of it, as ``setup_page`` takes it."""
        return {
            "found": self._found,
            "password_kept": self._password is not None,
            "refusal": self._refusal if self._given else "",
            "is_none_offered": self._offer is not None and self._given is None,
        }

    async def _try_offered(self) -> None:
        """Where Home Assistant had no broker, look whether it has one by now."""
        offer = self._offer
        if offer and not self._given and self.settings is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(TRIAL_S):
                    offered = await offer()
                if self._offer is offer:  # nobody went back meanwhile
                    self._given = offered
            await self.try_given()

    async def _refusal_of(self, broker: MqttSettings) -> str:
        """Why ``broker`` does not let us in; nothing when it does."""
        try:
            async with asyncio.timeout(TRIAL_S):
                await self._trials.broker(broker)
        except (MistakeError, TryAgainError) as error:
            return for_people(error.text)
        except TimeoutError:
            return f"no answer within {TRIAL_S:.0f} seconds"
        return ""
