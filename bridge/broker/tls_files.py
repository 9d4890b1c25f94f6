"""The client certificate and key of ``[mqtt]``, taken into a TLS context, or what is wrong."""

from __future__ import annotations

import logging
import ssl
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from bridge.config.unreadable import unreadable
from bridge.contract.errors import ConfigError

log = logging.getLogger(__name__)

CORRECT = "correct the path in [mqtt]"


class _EncryptedError(Exception):
    """OpenSSL asks for a passphrase: else it would ask on the terminal, and wait for ever."""


def present(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    """Let ``context`` show ``certificate`` with its ``key``, which may stand in the same file.

    Raises:
        ConfigError: One cannot be read or used.
    """
    content = _read(certificate, "cert_file", b"CERTIFICATE-----", "certificate")
    holder, of_key = (key, "key_file") if key else (certificate, "cert_file")
    _read(holder, of_key, b"PRIVATE KEY-----", "private key")
    try:
        context.load_cert_chain(certificate, key, password=_refuse)
    except _EncryptedError as error:
        cure = f"take its passphrase off: openssl pkey -in {holder} -out {holder}.plain"
        raise ConfigError([f"mqtt.{of_key}: {holder}: is encrypted; {cure}"]) from error
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            told = f"mqtt.{of_key}: {holder}: does not belong to the certificate {certificate}"
        else:
            both = f"{certificate} and {key}" if key else f"{certificate}"
            told = f"mqtt.cert_file: {both}: damaged ({error.reason or error})"
        raise ConfigError([f"{told}; {CORRECT}"]) from error
    _tell_of_end(certificate, content)


def _refuse() -> str:
    raise _EncryptedError


def _read(file: Path, name: str, mark: bytes, what: str) -> bytes:
    try:
        content = file.read_bytes()
    except OSError as error:
        why = unreadable(file, error, otherwise=CORRECT)
        raise ConfigError([f"mqtt.{name}: {why}"]) from error
    if mark not in content:
        raise ConfigError([f"mqtt.{name}: {file}: holds no {what} in PEM; {CORRECT}"])
    return content


@cache
def _tell_of_end(file: Path, content: bytes) -> None:
    """Once: a broker that looks at it hangs up without a word, and others never look."""
    from cryptography import x509  # noqa: PLC0415 - few lamps show a certificate

    ends = x509.load_pem_x509_certificate(content).not_valid_after_utc
    if ends <= datetime.now(UTC):
        told = "mqtt.cert_file: %s: this certificate ended on %s: have it made anew"
        log.warning(told, file, ends.date().isoformat())
