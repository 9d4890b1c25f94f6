"""How this program was installed, and so the command that adds an optional library to it.

pip notes in ``direct_url.json`` (PEP 610) what it installed from; from an index it notes nothing.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

NAME = "presence-bridge"
IN_CONTAINER = (Path("/.dockerenv"), Path("/run/.containerenv"))
"""Docker and Podman make one of these."""
NO_LGPIO_SINCE = (3, 13)
LGPIO = (
    ", and on Raspberry Pi OS: apt-get install python3-lgpio, which a venv sees when it was made "
    "with --system-site-packages; pip has none for Python 3.13 and newer (docs/lights/gpio.md)"
)
NOT_IN_IMAGE = frozenset({"pixels"})
"""Extras that are compiled while they are installed."""
_OF_EXTRA = re.compile(r"\s*(?:\band\s+)?\bextra\s*==\s*['\"]([\w-]+)['\"]")
_LIBRARY = re.compile(r"[\w.-]+")


@dataclass(frozen=True, slots=True)
class Installation:
    """Where the running program came from."""

    python: str = sys.executable
    origin: Mapping[str, Any] = field(default_factory=dict)
    """As in ``direct_url.json``; empty from an index."""
    installer: str = "pip"
    requires: Sequence[str] = ()
    """As in its metadata."""
    in_container: bool = False
    version: tuple[int, ...] = sys.version_info[:2]
    """Of Python."""

    def needed(self, extra: str) -> dict[str, str]:
        """The libraries of ``extra``, each with the versions that fit, as pip takes them."""
        found = {}
        for line in self.requires:
            of = _OF_EXTRA.search(line)
            if of and of[1] == extra:
                what = _OF_EXTRA.sub("", line).replace("'", '"').strip().rstrip(";").strip()
                found[_LIBRARY.findall(line)[0]] = what
        return found

    def cure(self, extra: str) -> str:
        """What a person does to have the libraries of ``extra``, as a sentence."""
        if self.in_container and "archive_info" in self.origin:
            if extra in NOT_IN_IMAGE:
                return "No image has it: run this lamp's driver outside of a container."
            return "The image for lamps has it: docker compose --profile driver up -d."
        also = LGPIO if extra == "gpio" and self.version >= NO_LGPIO_SINCE else ""
        python = shlex.quote(self.python)
        by_uv = self.installer == "uv"
        install = f"uv pip install --python {python}" if by_uv else f"{python} -m pip install"
        return f"Run: {install} {shlex.join(self._source(extra))}{also}"

    def _source(self, extra: str) -> list[str]:
        """What is installed: the same once more with ``extra``, or its libraries alone."""
        url, vcs = str(self.origin.get("url", "")), self.origin.get("vcs_info")
        if not self.origin:
            return [f"{NAME}[{extra}]"]
        if vcs:
            revision = f"@{vcs['requested_revision']}" if vcs.get("requested_revision") else ""
            return [f"{NAME}[{extra}] @ {vcs['vcs']}+{url}{revision}"]
        parts = urlsplit(url)
        if parts.scheme != "file":
            return [f"{NAME}[{extra}] @ {url}"]
        path = unquote(parts.path)
        if not Path(path).exists():
            return [*self.needed(extra).values()] or [f"{NAME}[{extra}]"]
        editable = self.origin.get("dir_info", {}).get("editable")
        return [*(["--editable"] if editable else []), f"{path}[{extra}]"]


def this_installation(marks: Iterable[Path] = IN_CONTAINER) -> Installation:
    """That of the running program."""
    try:
        found = distribution(NAME)
    except PackageNotFoundError:  # the source alone, on a path of Python
        return Installation()
    return Installation(
        origin=_origin(found),
        installer=(found.read_text("INSTALLER") or "pip").strip(),
        requires=tuple(found.requires or ()),
        in_container=any(mark.exists() for mark in marks),
    )


def cure(extra: str) -> str:
    """What a person does here to have the libraries of ``extra``, as a sentence."""
    return this_installation().cure(extra)


def is_installed(library: str) -> bool:
    """Whether there is a package of that name; it is not imported."""
    try:
        distribution(library)
    except PackageNotFoundError:
        return False
    return True


def _origin(found: Distribution) -> Mapping[str, Any]:
    try:
        origin = json.loads(found.read_text("direct_url.json") or "{}")
    except ValueError:
        return {}
    return origin if isinstance(origin, dict) else {}
