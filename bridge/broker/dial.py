"""Opens a connection and sends CONNECT, on a thread that nobody has to wait for."""

from __future__ import annotations

import asyncio
from functools import partial

from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY, Client, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes

from bridge.broker.daemon_thread import in_daemon_thread
from bridge.broker.properties import made
from bridge.broker.session import (
    LARGEST_PAYLOAD,
    ConnectionFailedError,
    Greeting,
    ProtocolVersion,
    Silence,
)
from bridge.broker.tls import tls_context, tls_fault
from bridge.contract.errors import ConfigError

KEEPALIVE_S = 30
SESSION_EXPIRY_S = 30
WILL_DELAY_S = 5
"""Shorter than the session: a quick reconnect then takes the will back (MQTT 5, 3.1.2.5)."""
DEADLINE_S = 10
ADDRESS_S = 3
"""For each address of a name: a dead one must not use up the time of the next."""


async def dial(greeting: Greeting) -> Client:
    """A client that has sent its CONNECT and waits for the answer.

    Raises:
        ConnectionFailedError: The broker cannot be reached within ``DEADLINE_S``.
    """
    try:
        async with asyncio.timeout(DEADLINE_S):
            return await in_daemon_thread(
                partial(_connected, greeting), name="mqtt-dial", unwanted=Client.disconnect
            )
    except TimeoutError:
        raise ConnectionFailedError(f"no answer within {DEADLINE_S} s") from None


def _connected(greeting: Greeting) -> Client:
    settings, client = greeting.settings, _client(greeting)
    properties = made(
        PacketTypes.CONNECT,
        SessionExpiryInterval=SESSION_EXPIRY_S,
        MaximumPacketSize=LARGEST_PAYLOAD,
    )
    try:
        if settings.tls:
            client.tls_set_context(tls_context(settings, within_s=DEADLINE_S))
        sent = client.connect(
            settings.socket_path or settings.host,
            settings.effective_port,
            KEEPALIVE_S,
            clean_start=MQTT_CLEAN_START_FIRST_ONLY,
            properties=properties if greeting.version is ProtocolVersion.V5 else None,
        )
    except ConfigError as error:
        raise ConnectionFailedError(error.problems[0], ours=True) from error
    except (OSError, ValueError) as error:  # ValueError: no name that DNS could know
        raise ConnectionFailedError(tls_fault(error, settings) or _in_words(error)) from error
    if sent is not MQTTErrorCode.MQTT_ERR_SUCCESS:
        raise ConnectionFailedError("the connection ended", unanswered=Silence.ENDED)
    return client


def _client(greeting: Greeting) -> Client:
    settings, speaks_5 = greeting.settings, greeting.version is ProtocolVersion.V5
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=greeting.client_id,
        clean_session=None if speaks_5 else True,
        protocol=MQTTv5 if speaks_5 else MQTTv311,
        transport="unix" if settings.socket_path else "tcp",
        reconnect_on_failure=False,
    )
    client.connect_timeout = ADDRESS_S
    client.max_inflight_messages_set(0)  # the session's own window counts what is unacknowledged
    if settings.username is not None:
        password = settings.password.get_secret_value() if settings.password else None
        client.username_pw_set(settings.username, password)
    if will := greeting.will:
        delay = made(PacketTypes.WILLMESSAGE, WillDelayInterval=WILL_DELAY_S) if speaks_5 else None
        client.will_set(will.topic, will.payload, will.qos, will.retain, delay)
    return client


def _in_words(error: OSError | ValueError) -> str:
    if isinstance(error, UnicodeError):
        return "its name is no host name"
    if isinstance(error, TimeoutError):
        return "no answer"
    return getattr(error, "strerror", None) or str(error)
