"""The TLS settings of ``[mqtt]`` as a context. Never skips a check."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bridge.config import MqttSettings


class _TidySocket(ssl.SSLSocket):
    """Closes when the handshake fails; paho leaves that to the garbage collector."""

    def do_handshake(self, *args: Any, **kwargs: Any) -> None:
        try:
            super().do_handshake(*args, **kwargs)
        except OSError:
            self.close()
            raise


class _NamedContext(ssl.SSLContext):
    """Checks the certificate against a given name, for a broker that is reached by another one."""

    server_name: str
    sslsocket_class = _TidySocket

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        return super().wrap_socket(*args, **{**kwargs, "server_hostname": self.server_name})


def tls_context(settings: MqttSettings) -> ssl.SSLContext:
    """TLS 1.2 or newer; the system's authorities unless ``ca_file`` names others.

    Raises:
        OSError: A file cannot be read or is no certificate; the text names it.
    """
    context = _NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.server_name = settings.server_name or settings.host
    if settings.ca_file:
        with _naming(settings.ca_file):
            context.load_verify_locations(settings.ca_file)
    else:
        context.load_default_certs()
    if settings.cert_file:
        with _naming(settings.cert_file):
            context.load_cert_chain(settings.cert_file, settings.key_file)
    return context


@contextmanager
def _naming(file: Path) -> Iterator[None]:
    """OpenSSL does not say which file it could not read."""
    try:
        yield
    except OSError as error:
        raise OSError(f"{file}: {error.strerror or error}") from error
