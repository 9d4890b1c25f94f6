"""Why what somebody typed about a broker does not work, and at which field to look."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Mapping

from bridge.broker import SubscriptionRefusedError
from bridge.broker.probe import ShownCertificate, certificate_of, look
from bridge.broker.session import ConnectionFailedError
from bridge.config.authorities import OTHER_NAME, WRONG_DATES
from bridge.config.loader import PREFIX
from bridge.config.tables.shared import MqttSettings
from bridge.contract.errors import PresenceBridgeError
from bridge.web.data.page_words import for_people
from bridge.web.refused import MistakeError

SHOWN_S = 3.0
_USER_CODES = (0x86, 0x87, 0x8A, 0x8C)
"""Reasons of a broker that are about who we are (MQTT 5, 2.4)."""
_NOBODY = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT, errno.EHOSTDOWN}
_FIELDS = ("hosts", "host", "port", "tls", "username")
_SECRETS = ("password", "password_file")


async def broker_mistake(error: PresenceBridgeError, settings: MqttSettings) -> MistakeError:
    """What ``error`` of a visit means for who typed ``settings``."""
    failed = error.__cause__
    if isinstance(failed, SubscriptionRefusedError):
        return no_rights(f"to listen to {failed}", settings)
    if not isinstance(failed, ConnectionFailedError):
        return MistakeError(error.text[:1].upper() + error.text[1:], remedy=error.remedy)
    if isinstance(reason := failed.__cause__, ssl.SSLCertVerificationError):
        shown = await certificate_of(settings.host, settings.effective_port, within_s=SHOWN_S)
        return _not_trusted(reason, shown, settings)
    if failed.unanswered or isinstance(reason, ssl.SSLError | ConnectionResetError):
        return await _no_broker(settings)
    return _not_let_in(settings) if failed.code in _USER_CODES else _no_session(failed, settings)


def no_rights(what: str, settings: MqttSettings) -> MistakeError:
    """It lets us in, and ``what`` must be allowed too."""
    return MistakeError(
        f"The broker at {settings.address} lets {settings.user} in, but not {what}.",
        remedy="Give that user the rights that the page about the broker lists.",
        field="username",
    )


def _no_session(failed: ConnectionFailedError, settings: MqttSettings) -> MistakeError:
    if failed.ours:
        text = "The certificate of the authority cannot be read."
        return MistakeError(text, remedy="Paste the whole of it again.", field="ca")
    return _unreached(failed.__cause__, settings) or MistakeError(
        f"The broker at {settings.address} does not answer: {for_people(str(failed))}.",
        remedy="Check name and port.",
        field="host",
    )


def _not_let_in(settings: MqttSettings) -> MistakeError:
    if settings.username:
        text = f"The broker at {settings.address} does not let {settings.username} in."
        remedy = "Check user name and password, and that the broker has that user."
        return MistakeError(text, remedy=remedy, field="password")
    text = f"The broker at {settings.address} lets nobody in without a user name."
    remedy = "Type the user name and password that it has for us."
    return MistakeError(text, remedy=remedy, field="username")


def _not_trusted(
    reason: ssl.SSLCertVerificationError, shown: ShownCertificate | None, settings: MqttSettings
) -> MistakeError:
    """Whose certificate is shown, who signed it, and what to do about it."""
    text = f"The certificate of {settings.host} is not trusted ({reason.verify_message})."
    if shown:
        signed = "itself" if shown.signed_itself else shown.issuer
        names = f", for {', '.join(shown.names)}" if shown.names else ""
        text = (
            f"The certificate of {settings.host} is not trusted: it is of {shown.subject}{names}, "
            f"signed by {signed}, and ends on {shown.ends.date().isoformat()}."
        )
    if reason.verify_code in OTHER_NAME:
        remedy = "Type the name that stands in it, if you know that it is your broker."
        return MistakeError(text, remedy=remedy, field="server_name")
    if reason.verify_code in WRONG_DATES:
        remedy = "Have it made anew, or set the clock of this machine."
        return MistakeError(text, remedy=remedy, field="host")
    what = "that certificate" if shown and shown.signed_itself else "that authority's certificate"
    remedy = f"If that is your broker, paste {what}, from whoever made it."
    return MistakeError(text, remedy=remedy, field="ca")


async def _no_broker(settings: MqttSettings) -> MistakeError:
    """What listens there speaks otherwise, with or without TLS."""
    host, port, tls = settings.host, settings.effective_port, settings.tls
    if not await look(host, port, tls=not tls, within_s=SHOWN_S):
        text = f"What listens on port {port} of {host} is no broker{' with TLS' if tls else ''}."
        return MistakeError(text, remedy="Check name and port.", field="port")
    if tls:
        text = f"The broker on port {port} of {host} speaks no TLS there."
        return MistakeError(text, remedy="Use its port with TLS, 8883, or untick TLS.", field="tls")
    text = f"The broker on port {port} of {host} speaks TLS."
    return MistakeError(text, remedy="Tick TLS.", field="tls")


def _unreached(reason: BaseException | None, settings: MqttSettings) -> MistakeError | None:
    """Why no connection came about, where the network says why."""
    host, port = settings.host, settings.effective_port
    if isinstance(reason, socket.gaierror | UnicodeError):
        remedy = "Check the name, or type the address, such as 192.168.1.5."
        return MistakeError(f"No machine is called {host}.", remedy=remedy, field="host")
    if isinstance(reason, ConnectionRefusedError):
        text = f"Nothing listens on port {port} of {host}."
        usual = "8883" if settings.tls else "1883"
        remedy = f"Start the broker, or check the port: {usual}, unless somebody changed it."
        return MistakeError(text, remedy=remedy, field="port")
    is_nobody = isinstance(reason, OSError) and reason.errno in _NOBODY
    if is_nobody or isinstance(reason, TimeoutError):
        remedy = "Check the name or address, that it is switched on, and its firewall."
        return MistakeError(f"{host} does not answer.", remedy=remedy, field="host")
    return None


def outranked(
    typed: MqttSettings, named: MqttSettings, environ: Mapping[str, str]
) -> MistakeError | None:
    """What of ``typed`` would not count, since ``environ`` has it; ``named`` is as that says."""
    for field in _FIELDS:
        variable, value = _variable(field, environ)
        if value and getattr(typed, field) != getattr(named, field):
            return MistakeError(
                f"{variable} is {value} in the environment, and counts before what is typed here.",
                remedy="Change it there, with docker compose in .env, and start the bridge anew.",
                field="host" if field == "hosts" else field,
            )
    for field in _SECRETS:
        variable, value = _variable(field, environ)
        if value and typed.password:
            where = f", in the file {value}" if field == "password_file" else ""
            return MistakeError(
                f"{variable} in the environment says what the password is{where}.",
                remedy="Change it there, with docker compose in data/secrets/mqtt_bridge.",
                field="password",
            )
    return None


def _variable(field: str, environ: Mapping[str, str]) -> tuple[str, str]:
    name = f"{PREFIX}MQTT__{field.upper()}"
    return name, environ.get(name, "")
