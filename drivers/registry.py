"""Finds kinds of lights by entry point, and imports just the one that the config names."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from bridge.contract.errors import ConfigError
from drivers.base import Kind

GROUP = "presence.drivers"
EXTRAS = {"hue": "hue", "gpio": "gpio", "serial": "serial", "usb": "usb"}
"""The extra that brings the library of a kind of ours."""


def installed(points: Iterable[EntryPoint] | None = None) -> dict[str, EntryPoint]:
    """The kinds that are installed, by name; nothing is imported."""
    found = entry_points(group=GROUP) if points is None else points
    return {point.name: point for point in sorted(found, key=lambda point: point.name)}


def find(name: str, points: Iterable[EntryPoint] | None = None) -> Kind[Any]:
    """Import the kind called ``name``.

    Raises:
        ConfigError: It is not installed, lacks its library, or is no kind.
    """
    known = installed(points)
    if name not in known:
        raise ConfigError([f"kind {name!r} is not installed; known: {', '.join(known)}"])
    try:
        kind = known[name].load()
    except (ImportError, AttributeError) as error:
        raise ConfigError([f"kind {name!r} cannot be loaded: {error}; {_cure(name)}"]) from error
    if not isinstance(kind, Kind) or kind.name != name:
        raise ConfigError([f"kind {name!r}: {known[name].value} is no kind of that name"])
    return kind


def _cure(name: str) -> str:
    if name in EXTRAS:
        return f"install it with: pip install 'presence-bridge[{EXTRAS[name]}]'"
    return "install what its package needs"
