"""Tries what a person typed into the set-up: the broker, and the app registration at Microsoft.

What is wrong is said in the words of the form, not in those of the config.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from bridge.broker import visiting
from bridge.broker.receive_check import comes_back, probe_topic
from bridge.config.tables.accounts import MicrosoftSettings
from bridge.config.tables.config import Config, NetworkSettings
from bridge.config.tables.shared import MqttSettings
from bridge.contract.errors import PresenceBridgeError
from bridge.contract.found_broker import FoundBroker
from bridge.contract.registration import Registration
from bridge.contract.topics import Topics
from bridge.microsoft.clouds import cloud_of
from bridge.microsoft.connections import aiohttp_client
from bridge.microsoft.sign_in.registration_trial import UNKNOWN_TENANT, try_registration
from bridge.service.broker_mistakes import broker_mistake, no_rights, outranked
from bridge.service.broker_search import look_for_brokers
from bridge.web.refused import MistakeError
from bridge.web.set_up.answers import SWAPPED


class Probe:
    """Tries the answers of a person, on the broker and on Microsoft."""

    def __init__(self, draft: Config, environ: Mapping[str, str]) -> None:
        self._draft, self._environ = draft, environ

    async def brokers(self) -> tuple[FoundBroker, ...]:
        """Those that answer in the places where homes have one."""
        return await look_for_brokers()

    async def broker(self, settings: MqttSettings) -> None:
        """Visit the broker. Raises ``MistakeError`` when it does not let us in, or do our work."""
        if mistake := outranked(settings, self._draft.mqtt, self._environ):
            raise mistake
        topic = probe_topic(Topics(settings.base_topic))
        try:
            async with visiting(settings) as session:
                heard = await comes_back(session, topic)
        except PresenceBridgeError as error:
            raise await broker_mistake(error, settings) from error
        if not heard:
            what = f"to write {topic}" if heard is None else f"to write and read {topic}"
            raise no_rights(what, settings)

    async def registration(self, wanted: Registration) -> None:
        """Try the app registration. Raises as ``check_registration``."""
        await check_registration(wanted, self._draft.microsoft, self._draft.network)


async def check_registration(
    wanted: Registration, microsoft: MicrosoftSettings, network: NetworkSettings
) -> None:
    """Ask Microsoft for a code that nobody is shown.

    Raises:
        MistakeError: Nobody could sign in by ``wanted``; where its values are swapped, it has them
            in their places.
        TryAgainError: Microsoft cannot be reached.
    """
    cloud = cloud_of(microsoft)
    async with aiohttp_client(network) as http:
        tenant, client_id = wanted.tenant, str(wanted.client_id)
        why = await try_registration(http, cloud=cloud, tenant=tenant, client_id=client_id)
        if why is None:
            return
        other = _swapped(wanted)
        if other and not await try_registration(
            http, cloud=cloud, tenant=client_id, client_id=tenant
        ):
            raise MistakeError(SWAPPED, field="client_id", swapped=other)
    about_tenant = any(str(number) in why.text for number in UNKNOWN_TENANT)
    raise MistakeError(why.text, remedy=why.remedy, field="tenant" if about_tenant else "client_id")


def _swapped(wanted: Registration) -> Registration | None:
    try:
        return Registration(str(wanted.client_id), UUID(wanted.tenant))
    except ValueError:
        return None
