"""The TLS settings of ``[mqtt]`` as a context. Never skips a check."""

from __future__ import annotations

import select
import ssl
import time
from typing import Any

from bridge.broker.tls_files import present
from bridge.config.authorities import OTHER_NAME, WRONG_DATES, naming
from bridge.config.host import MqttSettings


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
        present(context, settings.cert_file, settings.key_file)
    return context


def tls_fault(error: Exception, settings: MqttSettings) -> str | None:
    """What went wrong in a handshake, in words; ``None`` for all else."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}{_cure(error, settings)}"
    if not isinstance(error, ssl.SSLError):
        return None
    if error.reason in {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"}:
        return "it speaks no TLS there: check port and tls in [mqtt]"
    if isinstance(error, ssl.SSLEOFError) or not error.reason:
        return "it hung up during the TLS handshake: check port and tls in [mqtt]"
    return f"the TLS handshake failed ({error.reason.replace('_', ' ').lower()})"


def _cure(error: ssl.SSLCertVerificationError, settings: MqttSettings) -> str:
    if error.verify_code in OTHER_NAME:
        return "; set server_name in [mqtt] to the name in it"
    if error.verify_code in WRONG_DATES:
        return "; have it made anew, or set the clock of this machine"
    if settings.ca_file:
        return f"; put the authority that signed it into {settings.ca_file}"
    return "; set ca_file in [mqtt] to the authority that signed it"
