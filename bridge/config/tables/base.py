"""What all tables of the config share: types of values, and the base of their models."""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo


def _beside_config(path: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder", Path())
    if "\0" in str(path):
        raise ValueError("has a character that no path can have")
    try:
        return Path(folder, path.expanduser())
    except RuntimeError:
        raise ValueError(f"{path.parts[0]} is not a user of this machine") from None


def matching(pattern: str, problem: str) -> AfterValidator:
    """Refuse text that does not match ``pattern`` as a whole; ``problem`` says the cure."""
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(problem)
        return text

    return AfterValidator(check)


ConfigPath = Annotated[Path, AfterValidator(_beside_config)]
"""A path; a relative one starts at the folder of the config file."""

HOST_MOST = 253
_LABEL = r"[^\W_-](?:[\w-]{0,61}[^\W_-])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?|[\w-]{{1,63}}")
"""Labels of a name (RFC 1123, 2.1); one word may look as container names do."""
Slug = Annotated[
    str,
    matching(r"[a-z0-9][a-z0-9_-]{0,39}", "can only have a-z, 0-9, _ and -, 40 at the most"),
]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
HttpsUrl = Annotated[str, StringConstraints(pattern=r"^https://[^\s/]+(/\S*)?$")]


def is_zone(name: str) -> bool:
    """Whether there is a time zone of that name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether ``host``, a name or an address, is this machine for itself alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def host_problem(host: str) -> str | None:
    """What is wrong with ``host``, an address, a name, or ``unix:/path``, with its cure."""
    scheme, mark, rest = host.partition("://")
    name, colon, port = host.rpartition(":")
    if not host:
        return "is empty: write the broker's name or address"
    if mark:
        word = rest.partition(":")[0]
        return f"is an address of {scheme}: write the name alone, such as {word!r}"
    if colon and port.isdigit() and ":" not in name:
        return f"has a port in it: write host = {name!r} and port = {port}"
    is_name = len(host) <= HOST_MOST and _HOST.fullmatch(host)
    if is_name or host.startswith("unix:/"):
        return None
    try:
        ip_address(host.partition("%")[0].strip("[]"))
    except ValueError:
        return "is no name that a network could know: write a name such as nas.local, or an address"
    return None


def named_host(text: str) -> str:
    """The host that ``text`` names; raises ``ValueError`` with the cure."""
    host = text.strip()
    if problem := host_problem(host):
        raise ValueError(problem)
    return host.strip("[]")


HostAddress = Annotated[str, AfterValidator(named_host)]


class Settings(BaseModel):
    """What all tables share: frozen, no unknown keys, no values in error texts.

    Validators are built when they are needed: that of the whole file has those of its tables in it.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True
    )
