"""What a form of the page gives, and its refusal."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.contract.errors import PresenceBridgeError

Fields = Mapping[str, str]


class RefusedError(PresenceBridgeError):
    """A form asks for something that the page does not offer (now)."""
