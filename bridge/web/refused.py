"""What a form of the page gives, its refusal, and an answer that cannot be right."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.contract.errors import PersonMustActError, PresenceBridgeError
from bridge.contract.registration import Registration

Fields = Mapping[str, str]


class RefusedError(PresenceBridgeError):
    """A form asks for something that the page does not offer (now)."""


class MistakeError(RefusedError, PersonMustActError):
    """``field`` is the name of the field to mend; ``swapped`` are its values in their places."""

    def __init__(
        self, text: str, *, field: str = "", remedy: str = "", swapped: Registration | None = None
    ) -> None:
        PersonMustActError.__init__(self, text, remedy=remedy)
        self.field, self.swapped = field, swapped
