"""An answer that cannot be right: at which field, what to do, and what would do instead."""

from __future__ import annotations

from bridge.contract.registration import Registration
from bridge.web.refused import RefusedError


class MistakeError(RefusedError):
    """``field`` is the name of the field to mend; ``swapped`` are its values in their places."""

    def __init__(
        self, text: str, *, field: str = "", remedy: str = "", swapped: Registration | None = None
    ) -> None:
        super().__init__(f"{text} {remedy}" if remedy else text)
        self._text, self.remedy = text, remedy
        self.field, self.swapped = field, swapped

    @property
    def text(self) -> str:
        """What is wrong, without the remedy."""
        return self._text
