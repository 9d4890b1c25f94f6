"""Finds kinds of lights by entry point, and imports just the one that the config names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from bridge.config.installation import NAME, Installation, cure, is_installed, this_installation
from bridge.contract.errors import ConfigError
from drivers.base import Kind

GROUP = "presence.drivers"
EXTRAS = frozenset({"gpio", "hue", "lifx", "pixels", "serial", "usb", "wiz", "yeelight"})
"""The kinds of ours that need a library; the extra that brings it is called like the kind."""
FINDABLE = ("hue", "lifx", "wiz", "wled", "yeelight")


def installed(points: Iterable[EntryPoint] | None = None) -> dict[str, EntryPoint]:
    """The kinds that are installed, by name; nothing is imported."""
    found = entry_points(group=GROUP) if points is None else points
    return {point.name: point for point in sorted(found, key=lambda point: point.name)}


def find(
    name: str,
    points: Iterable[EntryPoint] | None = None,
    installation: Callable[[], Installation] = this_installation,
) -> Kind[Any]:
    """Import the kind called ``name``; ``ConfigError`` where that is none, or lacks its library."""
    known = installed(points)
    if name not in known:
        raise ConfigError([f"kind {name!r} is not installed; known: {', '.join(known)}"])
    try:
        kind = known[name].load()
    except (ImportError, AttributeError) as error:
        needs = "Install what its package needs."
        if name in EXTRAS:
            needs = installation().cure(name)
        raise ConfigError([f"kind {name!r} cannot be loaded: {error}. {needs}"]) from error
    if not isinstance(kind, Kind) or kind.name != name:
        raise ConfigError([f"kind {name!r}: {known[name].value} is no kind of that name"])
    return kind


def without_library(name: str, error: ImportError) -> ConfigError:
    """What a kind of ours raises that, when it is opened, finds no library."""
    return ConfigError([f"kind {name!r} cannot be opened: {error}. {cure(name)}"])


def is_ready(name: str) -> bool:
    """Whether the libraries of a kind of ours are installed."""
    return all(map(is_installed, this_installation().needed(name)))


def listing(
    points: Iterable[EntryPoint] | None = None,
    installation: Installation | None = None,
    has: Callable[[str], bool] = is_installed,
) -> Iterator[str]:
    """A line for each kind: whether it can be used, and what it lacks."""
    ours = installation or this_installation()
    kinds = installed(points)
    width = max(map(len, kinds), default=0)
    for name, point in kinds.items():
        yield f"{name:<{width}}  {_readiness(name, point, ours, has)}"


def _readiness(name: str, point: EntryPoint, ours: Installation, has: Callable[[str], bool]) -> str:
    if point.dist and point.dist.name != NAME:
        return f"installed, from {point.dist.name} {point.dist.version}"
    if name not in EXTRAS:
        return "ready, needs no library"
    libraries = list(ours.needed(name))
    lacks = [library for library in libraries if not has(library)]
    if lacks:
        return f"lacks {' and '.join(lacks)}. {ours.cure(name)}"
    return f"ready, with {' and '.join(libraries)}"
