"""A form as it is asked, or asked once more: what was typed, what is wrong with it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from markupsafe import Markup

from bridge import SUPPORT_URL
from bridge.contract.registration import Registration
from bridge.web.render.forms import form, text_field
from bridge.web.render.markup import Attribute, Child, join, tag
from bridge.web.set_up.mistakes import MistakeError

GUIDE = f"{SUPPORT_URL}/blob/main/docs/app-registration.md"
REFUSED = "refused"
"""The id of what is wrong, which the field that is wrong points to."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What goes into a form beside its labels."""

    typed: Mapping[str, str] = field(default_factory=dict)
    mistake: MistakeError | None = None
    hidden: Mapping[str, str] = field(default_factory=dict)
    """Goes with the form, and with the one that swaps two values."""

    def input(
        self, name: str, label: str, *help_: Child, required: bool = True, **attributes: Attribute
    ) -> Markup:
        """A field with its explanation below; the one that is wrong has the focus."""
        is_wrong = self.mistake is not None and self.mistake.field == name
        settings: dict[str, Attribute] = {
            "value": self.typed.get(name),
            "aria_describedby": f"{name}-help {REFUSED}" if is_wrong else f"{name}-help",
            "aria_invalid": "true" if is_wrong else None,
            "autofocus": is_wrong,
            **attributes,
        }
        field_ = text_field(name, label, element_id=name, required=required, **settings)
        return join(field_, tag("p", *help_, id=f"{name}-help", class_="fine"))

    def refusal(self) -> Markup | None:
        """What is wrong and what to do; about the app registration also the way out."""
        if (wrong := self.mistake) is None:
            return None
        is_registration = bool(wrong.swapped) or wrong.field in ("client_id", "tenant")
        return tag(
            "div",
            tag("p", tag("strong", wrong.text)),
            tag("p", wrong.remedy) if wrong.remedy else None,
            self._swap(wrong.swapped) if wrong.swapped else None,
            tag("p", guide_link()) if is_registration else None,
            id=REFUSED,
            class_="notice bad",
            role="alert",
        )

    def _swap(self, swapped: Registration) -> Markup:
        keys = {**self.hidden, **swapped.keys}
        return join(
            tag("p", f"Application (client) ID: {swapped.client_id}"),
            tag("p", f"Directory (tenant) ID: {swapped.tenant}"),
            form("registration", button="Swap them and go on", **keys),
        )


def guide_link() -> Markup:
    """The page that shows how a registration is made."""
    words = "How the app registration is made, step by step"
    return tag("a", words, href=GUIDE, target="_blank", rel="noreferrer")
