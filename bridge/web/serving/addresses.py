"""Addresses of clients, as they are compared and counted. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from bridge.config.tables.web import Network

Address = IPv4Address | IPv6Address


def address_of(text: str | None) -> Address | None:
    """``text`` as an address; an IPv4 address that came as IPv6 is IPv4."""
    try:
        address = ip_address((text or "").partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def source_of(text: str | None) -> str:
    """Who is counted: an IPv4 address, or the /64 that one IPv6 line has to itself (RFC 6177)."""
    address = address_of(text)
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False))
    return str(address) if address else (text or "")


def is_among(text: str | None, networks: Iterable[Network]) -> bool:
    """Whether ``text`` is an address in one of ``networks``."""
    address = address_of(text)
    return address is not None and any(address in network for network in networks)
