"""Why a light shows what it shows: the JSON on ``driver/<d>/light/why``.

It names accounts as the lamp follows them, and nothing else about a person but presence.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from bridge.contract.light import LightState


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class Reason(_Part):
    """A rule that asked for a look."""

    rule: str
    """As in the log and on ``light/rule``."""
    account: str | None = None
    """Whose presence asked for it."""
    because: str | None = None
    """What it lost to, in a few words; ``None`` for the one that won."""


class FollowedPerson(_Part):
    """What the lamp knows of one person whom it follows."""

    account: str
    availability: str | None = None
    activity: str | None = None
    fresh: bool = False
    """Heard of, and not too old."""
    signed_in: bool = True


class LightWhy(_Part):
    """The whole of it."""

    won: Reason
    lost: tuple[Reason, ...] = ()
    """The one that came nearest first."""
    followed: tuple[FollowedPerson, ...] = ()
    """The busiest first."""
    more: int = 0
    """People whom it follows and who are not listed."""
    mode: str = "follow"
    """``follow``, ``manual`` or ``off``."""
    since: datetime | None = None
    """When a person chose that mode."""
    until: datetime | None = None
    """When presence takes over by itself."""
    trying: str | None = None
    """The look that is tried now."""
    look: LightState | None = None
    """``None`` while it is left alone."""
    left: str | None = None
    """``as_it_is`` or ``given_back`` while it is."""
    can: tuple[str, ...] = ()
    """The keys of ``light/set`` beyond Home Assistant's that this driver knows: see ``Can``."""
