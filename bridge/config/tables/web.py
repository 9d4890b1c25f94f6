"""``[web]`` of the config: where the page listens and who may look."""

from __future__ import annotations

import re
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from bridge.config.tables.base import ConfigPath, Settings, is_loopback, matching

_URL = re.compile(r"""https?://[^\s/@"'<>{}\\]+(/[^\s"'<>{}\\#?]*)?""")
HostName = Annotated[
    str,
    StringConstraints(max_length=253, to_lower=True),
    matching(
        r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?",
        "must be a name such as presence.example.org, without https://, port and path",
    ),
]


def _network(value: object) -> IPv4Network | IPv6Network:
    if isinstance(value, str):
        with suppress(ValueError):
            return ip_network(value)
    raise ValueError("is not an address or network such as 172.30.32.2 or 10.0.0.0/8")


Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]


def _url(text: str) -> str:
    parts = urlsplit(text)
    if not _URL.fullmatch(text) or not parts.hostname:
        raise ValueError("must be an address such as https://presence.example.org")
    if _is_this_machine(parts.hostname):
        raise ValueError(f"leads to {parts.hostname}, whatever machine one is at: write the page's")
    return text.rstrip("/")


def _is_this_machine(host: str) -> bool:
    with suppress(ValueError):
        if ip_address(host).is_unspecified:
            return True
    return is_loopback(host)


class WebSettings(Settings):
    """``[web]``: the page and its API."""

    enabled: bool = True
    host: str = "127.0.0.1"
    """The address to listen on; ``0.0.0.0`` and ``::`` are all of them."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8099
    """0 takes a free one."""
    password_file: ConfigPath | None = None
    """The page's password, or its scrypt hash, on the first line."""
    hosts: tuple[HostName, ...] = ()
    """Names the page is reached by; addresses and this machine's own name need not be listed."""
    url: Annotated[str, AfterValidator(_url)] | None = None
    """The page's whole address, for links to it; else ``address`` says what the rest tells."""
    trusted_proxies: tuple[Network, ...] = ()
    """Addresses of proxies that let only the right people through, such as Home Assistant's ingress
    (172.30.32.2): nobody who comes from there is asked for a password."""
    forwarded_from: tuple[Network, ...] = ()
    """Addresses of proxies that only forward: they are believed for whom they ask, so that each
    reader has an own lock-out, and everybody is asked for the password."""
    history: bool = True
    """Keep seven days of presence in ``state_dir`` for the strip."""

    @property
    def is_local(self) -> bool:
        """Whether only programs of this machine can connect."""
        return is_loopback(self.host)

    @property
    def address(self) -> str | None:
        """Where others open the page: ``url``, or what host, ``hosts`` and port make certain.

        Nothing where only this machine listens, where a proxy stands before it, or where it
        listens everywhere and nobody has named it.
        """
        if self.url or self.is_local or self.trusted_proxies or not self.port:
            return self.url
        host = next(iter(self.hosts), "") if _is_this_machine(self.host) else self.host
        named = f"[{host}]" if ":" in host else host
        return f"http://{named}:{self.port}" if named else None

    @model_validator(mode="after")
    def _is_guarded(self) -> Self:
        if self.forwarded_from and not self.password_file:
            raise ValueError(
                "forwarded_from names proxies that only forward: set password_file, so that the "
                "page asks; or trusted_proxies for those that ask themselves"
            )
        if self.enabled and not self.is_local and not (self.password_file or self.trusted_proxies):
            raise ValueError(
                f"host {self.host} can be reached by others: set password_file, "
                "or trusted_proxies when a proxy that asks for a password is in front of it"
            )
        return self
