"""Connections to Microsoft: aiohttp for Graph, requests for msal. Never logs a proxy's password.

requests lets REQUESTS_CA_BUNDLE override ``verify``, so its own reading of the environment is off
and everything is passed on purpose.
"""

from __future__ import annotations

import os
import ssl
from typing import Any
from urllib.request import getproxies, proxy_bypass

import aiohttp
import requests
from aiohttp.connector import Connection
from requests.adapters import HTTPAdapter

from bridge import __version__
from bridge.config import NetworkSettings

USER_AGENT = f"presence-bridge/{__version__}"
DEADLINE_S = 10.0


def ca_file(settings: NetworkSettings) -> str | None:
    """The authorities to trust: config, SSL_CERT_FILE, REQUESTS_CA_BUNDLE, else the system's."""
    if settings.ca_file:
        return str(settings.ca_file)
    return os.environ.get("SSL_CERT_FILE") or os.environ.get("REQUESTS_CA_BUNDLE") or None


def proxy_for(settings: NetworkSettings, host: str) -> str | None:
    """The proxy to reach ``host`` through, if any."""
    if settings.proxy:
        return settings.proxy
    if proxy_bypass(host):
        return None
    return getproxies().get("https")


class _Response(aiohttp.ClientResponse):
    """Gives its connection up after a 503 (Microsoft Graph documentation, "best practices")."""

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        """Read the headers; a short answer has then come whole and is off its connection."""
        protocol = connection.protocol
        await super().start(connection)
        if self.status == 503 and protocol is not None:  # noqa: PLR2004 - Service Unavailable
            protocol.force_close()
            if self.connection is None:
                protocol.close()
        return self


def graph_session(
    settings: NetworkSettings, *, deadline_s: float = DEADLINE_S
) -> aiohttp.ClientSession:
    """The session for Graph. Must be made inside the event loop."""
    context = ssl.create_default_context(cafile=ca_file(settings))
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context, limit=20),
        timeout=aiohttp.ClientTimeout(total=deadline_s),
        headers={"User-Agent": USER_AGENT},
        response_class=_Response,
    )


class _Deadline(HTTPAdapter):
    """Gives every request a time-out: msal sets none, and would wait for ever."""

    def __init__(self, deadline_s: float) -> None:
        super().__init__()
        self._deadline_s = deadline_s

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        kwargs["timeout"] = kwargs.get("timeout") or self._deadline_s
        return super().send(request, *args, **kwargs)


def msal_session(
    settings: NetworkSettings, host: str, *, deadline_s: float = DEADLINE_S
) -> requests.Session:
    """The session for msal, which talks to ``host``."""
    session = requests.Session()
    session.trust_env = False
    session.verify = ca_file(settings) or True
    session.headers["User-Agent"] = USER_AGENT
    if proxy := proxy_for(settings, host):
        session.proxies = {"https": proxy, "http": proxy}
    session.mount("https://", _Deadline(deadline_s))
    return session
