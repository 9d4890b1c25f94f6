"""The certificate authorities that TLS trusts: of a file that is named, or the system's own.

Source: OpenSSL, X509_VERIFY_PARAM_set_flags(3); Python 3.13, ``ssl.create_default_context``.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bridge.config.unreadable_file import quoted, unreadable
from bridge.contract.errors import ConfigError

if TYPE_CHECKING:
    from bridge.config.tables.config import NetworkSettings

_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
WRONG_DATES = (9, 10)
"""OpenSSL's numbers for a certificate that has not begun or has ended (X509_verify_cert_error)."""
OTHER_NAME = (62, 64)
"""And for one that was made out for another name or address."""
_PEM, _DER = b"-----BEGIN ", b"\x30\x82"


def authorities(settings: NetworkSettings) -> ssl.SSLContext | Literal[True]:
    """What aiohttp takes as ``ssl``: a context that trusts whom ``ca_file`` names.

    ``True`` stands for the system's authorities, which aiohttp has loaded already: a second context
    takes a megabyte. For those of ``ca_file`` chain, dates and host name are checked as ever, and
    the form is not: Python 3.13 also refuses authorities that older ones take, such as one whose
    basic constraints are not marked critical, and nobody can have the authority of their employer
    made anew.

    Raises:
        ConfigError: That file cannot be read or has no certificate in it.
    """
    key, file = trusted(settings)
    if not file:
        return True
    with naming(key, Path(file), away="take it out" if settings.ca_file else "unset it"):
        context = ssl.create_default_context(cafile=file)
    if settings.ca_file:
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def trusted(settings: NetworkSettings) -> tuple[str, str | None]:
    """Who names the file of authorities, and that file; ``None`` stands for the system's."""
    if settings.ca_file:
        return "network.ca_file", str(settings.ca_file)
    return next(
        ((name, os.environ[name]) for name in _VARIABLES if os.environ.get(name)), ("", None)
    )


@contextmanager
def naming(key: str, file: Path, *, away: str = "take it out") -> Iterator[None]:
    """Name ``file``, the value of ``key``, and the cure in a ``ConfigError``; OpenSSL does not."""
    try:
        yield
    except ssl.SSLError as error:
        raise ConfigError([f"{key}: {file}: {_trouble(file)}, or {away}"]) from error
    except OSError as error:
        cure = f"correct the path, or {away}"
        why = unreadable(file, error, otherwise=cure, shared=True)
        raise ConfigError([f"{key}: {why}"]) from error


def _trouble(file: Path) -> str:
    content = file.read_bytes()
    if content.startswith(_DER):
        return f"is in DER; make PEM of it (openssl x509 -inform der -in {quoted(file)})"
    if not content.strip():
        return "is empty; put the certificate there"
    whole = "" if _PEM not in content else " that is whole"
    return f"holds no certificate{whole}; correct the path"
