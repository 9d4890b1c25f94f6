"""The TLS settings of ``[mqtt]`` as a context; what is wrong with them or with a handshake."""

from __future__ import annotations

import logging
import select
import ssl
import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from bridge.config.authorities import OTHER_NAME, WRONG_DATES, naming
from bridge.config.tables.shared import MqttSettings
from bridge.config.unreadable_file import unreadable
from bridge.contract.errors import ConfigError

log = logging.getLogger(__name__)

CORRECT_THE_PATH = "correct the path in [mqtt]"


class _EncryptedError(Exception):
    """OpenSSL asks for a passphrase: else it would ask on the terminal, and wait for ever."""


class _DeadlineSocket(ssl.SSLSocket):
    """Bounds the whole handshake, not each read of it, and closes when it fails, unlike paho."""

    context: _NamedContext

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - as in ssl
        ends = time.monotonic() + self.context.within_s
        self.settimeout(0)
        try:
            while True:
                try:
                    return super().do_handshake(block)
                except ssl.SSLWantReadError:
                    ready = select.select([self], [], [], max(0.0, ends - time.monotonic()))[0]
                except ssl.SSLWantWriteError:
                    ready = select.select([], [self], [], max(0.0, ends - time.monotonic()))[1]
                if not ready:
                    raise TimeoutError
        except OSError:
            self.close()
            raise


class _NamedContext(ssl.SSLContext):
    """Checks the certificate against a given name, for a broker that is reached by another one."""

    server_name: str
    within_s: float
    sslsocket_class = _DeadlineSocket

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        return super().wrap_socket(*args, **{**kwargs, "server_hostname": self.server_name})


def tls_context(settings: MqttSettings, *, within_s: float) -> ssl.SSLContext:
    """TLS 1.2 or newer, handshakes within ``within_s``; the system's authorities or ``ca_file``.

    Raises:
        ConfigError: A file cannot be used; it says which, why, and what to do.
    """
    context = _NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.server_name = settings.server_name or settings.host
    context.within_s = within_s
    if settings.ca_file:
        with naming("mqtt.ca_file", settings.ca_file):
            context.load_verify_locations(settings.ca_file)
    else:
        context.load_default_certs()
    if settings.cert_file:
        _present(context, settings.cert_file, settings.key_file)
    return context


def tls_fault(error: Exception, settings: MqttSettings) -> str | None:
    """What went wrong in a handshake, in words; ``None`` for all else."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}{_remedy(error, settings)}"
    if not isinstance(error, ssl.SSLError):
        return None
    if error.reason in {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"}:
        return "it speaks no TLS there: check port and tls in [mqtt]"
    if isinstance(error, ssl.SSLEOFError) or not error.reason:
        return "it hung up during the TLS handshake: check port and tls in [mqtt]"
    return f"the TLS handshake failed ({error.reason.replace('_', ' ').lower()})"


def _remedy(error: ssl.SSLCertVerificationError, settings: MqttSettings) -> str:
    if error.verify_code in OTHER_NAME:
        return "; set server_name in [mqtt] to the name in it"
    if error.verify_code in WRONG_DATES:
        return "; have it made anew, or set the clock of this machine"
    if settings.ca_file:
        return f"; put the authority that signed it into {settings.ca_file}"
    return "; set ca_file in [mqtt] to the authority that signed it"


def _present(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    """Let ``context`` show ``certificate`` with its ``key``, which may stand in the same file."""
    content = _read(certificate, "cert_file", b"CERTIFICATE-----", "certificate")
    holder, of_key = (key, "key_file") if key else (certificate, "cert_file")
    _read(holder, of_key, b"PRIVATE KEY-----", "private key")
    try:
        context.load_cert_chain(certificate, key, password=_no_passphrase)
    except _EncryptedError as error:
        cure = f"take its passphrase off: openssl pkey -in {holder} -out {holder}.plain"
        raise ConfigError([f"mqtt.{of_key}: {holder}: is encrypted; {cure}"]) from error
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            text = f"mqtt.{of_key}: {holder}: does not belong to the certificate {certificate}"
        else:
            both = f"{certificate} and {key}" if key else f"{certificate}"
            text = f"mqtt.cert_file: {both}: damaged ({error.reason or error})"
        raise ConfigError([f"{text}; {CORRECT_THE_PATH}"]) from error
    _warn_of_end(certificate, content)


def _no_passphrase() -> str:
    raise _EncryptedError


def _read(file: Path, name: str, mark: bytes, what: str) -> bytes:
    try:
        content = file.read_bytes()
    except OSError as error:
        why = unreadable(file, error, otherwise=CORRECT_THE_PATH)
        raise ConfigError([f"mqtt.{name}: {why}"]) from error
    if mark not in content:
        raise ConfigError([f"mqtt.{name}: {file}: holds no {what} in PEM; {CORRECT_THE_PATH}"])
    return content


@cache
def _warn_of_end(file: Path, content: bytes) -> None:
    """Once: a broker that looks at it hangs up without a word, and others never look."""
    from cryptography import x509  # noqa: PLC0415 - few lamps show a certificate

    ends = x509.load_pem_x509_certificate(content).not_valid_after_utc
    if ends <= datetime.now(UTC):
        text = "mqtt.cert_file: %s: this certificate ended on %s: have it made anew"
        log.warning(text, file, ends.date().isoformat())
