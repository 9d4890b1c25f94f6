"""Asks an address whether a broker is there, and whom its certificate names; says not who asks."""

from __future__ import annotations

import os
import socket
import ssl
from contextlib import suppress
from datetime import datetime
from functools import partial
from itertools import count
from typing import NamedTuple

from bridge.broker.daemon_thread import in_daemon_thread
from bridge.contract.found_broker import FoundBroker

KEEPALIVE_S, CLEAN = 30, 0x02
GOODBYE = b"\xe0\x00"
CONNACK, CODE_AT, CONNACK_LEAST = 0x20, 3, 4
ACCEPTED = 0
_looks = count(1)
"""One client id each: a broker that has several names would throw one look out for the next."""


class Answer(NamedTuple):
    """A broker at ``address``, which is one for all of its names."""

    address: str
    found: FoundBroker


class ShownCertificate(NamedTuple):
    """Whom a certificate names, who signed it, and until when; nobody has checked it."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    ends: datetime

    @property
    def signed_itself(self) -> bool:
        """Whether it is its own authority."""
        return self.subject == self.issuer


async def look(host: str, port: int, *, tls: bool, within_s: float) -> Answer | None:
    """What answers a CONNECT without a user at ``host``; ``None`` where no broker does."""

    def ask() -> Answer | None:
        with _opened(host, port, tls=tls, within_s=within_s) as link:
            address = f"{link.getpeername()[0]}:{port}"  # later it may be gone
            link.sendall(_anonymous(f"look-{os.getpid()}-{next(_looks)}"))
            answer = b""
            while len(answer) < CONNACK_LEAST and (more := link.recv(64)):
                answer += more
            if len(answer) < CONNACK_LEAST or answer[0] != CONNACK:
                return None
            with suppress(OSError):
                link.sendall(GOODBYE)
            asks_who = answer[CODE_AT] != ACCEPTED
            return Answer(address, FoundBroker(host, port, tls=tls, asks_who=asks_who))

    with suppress(OSError, ValueError):
        return await in_daemon_thread(ask, name="mqtt-look")
    return None


async def certificate_of(host: str, port: int, *, within_s: float) -> ShownCertificate | None:
    """The certificate that is shown at ``host``, trusted or not."""
    ask = partial(ssl.get_server_certificate, (host, port), timeout=within_s)
    with suppress(OSError, ValueError):
        return _read(await in_daemon_thread(ask, name="mqtt-look"))
    return None


def _anonymous(client_id: str) -> bytes:
    """CONNECT of MQTT 3.1.1: every broker answers it with a CONNACK, in its own version."""
    name = client_id.encode()
    body = b"\x00\x04MQTT\x04" + bytes((CLEAN, 0, KEEPALIVE_S, 0, len(name))) + name
    return bytes((0x10, len(body))) + body


def _opened(host: str, port: int, *, tls: bool, within_s: float) -> socket.socket:
    link = socket.create_connection((host, port), timeout=within_s)
    if not tls:
        return link
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # nothing secret is sent: who it is, a person decides
    context.verify_mode = ssl.CERT_NONE
    try:
        return context.wrap_socket(link, server_hostname=host)
    except OSError:
        link.close()
        raise


def _read(shown: str) -> ShownCertificate:
    from cryptography import x509  # noqa: PLC0415 - only a certificate in doubt is read

    certificate = x509.load_pem_x509_certificate(shown.encode())
    try:
        others = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        addresses = others.get_values_for_type(x509.IPAddress)
        names = [*others.get_values_for_type(x509.DNSName), *map(str, addresses)]
    except x509.ExtensionNotFound:
        names = []
    return ShownCertificate(
        certificate.subject.rfc4514_string(),
        certificate.issuer.rfc4514_string(),
        tuple(names),
        certificate.not_valid_after_utc,
    )
