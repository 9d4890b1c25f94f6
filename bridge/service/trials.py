"""Tries what a person typed into the set-up: the broker, and the app registration at Microsoft.

What is wrong is said in the words of the form, not in those of the config.
"""

from __future__ import annotations

import errno
import socket
import ssl
from uuid import UUID

from bridge.broker import visit
from bridge.broker.session import ConnectionFailedError
from bridge.config.tables.accounts import MicrosoftSettings
from bridge.config.tables.config import Config, NetworkSettings
from bridge.config.tables.shared import MqttSettings
from bridge.contract.errors import PresenceBridgeError
from bridge.contract.registration import Registration
from bridge.contract.topics import Topics
from bridge.microsoft.clouds import cloud_of
from bridge.microsoft.connections import aiohttp_client
from bridge.microsoft.sign_in.registration_trial import UNKNOWN_TENANT, try_registration
from bridge.web.data.words import for_people
from bridge.web.set_up.answers import SWAPPED
from bridge.web.set_up.mistakes import MistakeError

LOOK_S = 0.5
_USER_CODES = (0x86, 0x87, 0x8A, 0x8C)
"""Reasons of a broker that are about who we are (MQTT 5, 2.4)."""
_NOBODY = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT, errno.EHOSTDOWN}


class Probe:
    """Tries the answers of a person, on the broker and on Microsoft."""

    def __init__(self, draft: Config) -> None:
        self._draft = draft

    async def broker(self, settings: MqttSettings) -> None:
        """Visit the broker. Raises ``MistakeError`` when it does not let us in."""
        topic = Topics(settings.base_topic).bridge_state
        try:
            await visit(settings, follow=[topic], within_s=LOOK_S)
        except PresenceBridgeError as error:
            raise _broker_mistake(error, settings) from error

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


def _broker_mistake(error: PresenceBridgeError, settings: MqttSettings) -> MistakeError:
    """Why the broker does not let us in, and at which field to look."""
    address, failed = settings.address, error.__cause__
    if not isinstance(failed, ConnectionFailedError):
        return MistakeError(error.text[:1].upper() + error.text[1:], remedy=error.remedy)
    if failed.code in _USER_CODES:
        if settings.username:
            text = f"The broker at {address} does not let {settings.username} in."
            remedy = "Check user name and password, and that the broker has that user."
            return MistakeError(text, remedy=remedy, field="password")
        text = f"The broker at {address} lets nobody in without a user name."
        return MistakeError(
            text, remedy="Type the user name and password that it has for us.", field="username"
        )
    if failed.unanswered:
        text = f"What listens on port {settings.effective_port} of {settings.host} is no broker."
        return MistakeError(text, remedy="Check name and port.", field="port")
    return _unreached(failed.__cause__, settings) or MistakeError(
        f"The broker at {address} does not answer: {for_people(str(failed))}.",
        remedy="Check name and port.",
        field="host",
    )


def _unreached(reason: BaseException | None, settings: MqttSettings) -> MistakeError | None:
    """Why no connection came about, where the network says why."""
    host, port = settings.host, settings.effective_port
    if isinstance(reason, socket.gaierror | UnicodeError):
        text = f"No machine is called {host}."
        return MistakeError(
            text, remedy="Check the name, or type the address, such as 192.168.1.5.", field="host"
        )
    if isinstance(reason, ConnectionRefusedError):
        text = f"Nothing listens on port {port} of {host}."
        remedy = "Start the broker, or check the port: 1883, unless somebody changed it."
        return MistakeError(text, remedy=remedy, field="port")
    is_nobody = isinstance(reason, OSError) and reason.errno in _NOBODY
    if is_nobody or isinstance(reason, TimeoutError):
        text = f"{host} does not answer."
        remedy = "Check the name or address, that it is switched on, and its firewall."
        return MistakeError(text, remedy=remedy, field="host")
    if isinstance(reason, ssl.SSLError):
        text = f"The broker on port {port} of {host} wants another kind of connection."
        return MistakeError(text, remedy="Use its port without TLS: 1883.", field="port")
    return None
