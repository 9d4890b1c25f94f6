"""A form as it is asked, or asked once more: what was typed, what is wrong with it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from markupsafe import Markup

from bridge import DOCS_URL
from bridge.contract.registration import Registration
from bridge.web.render.forms import form, text_field
from bridge.web.render.markup import Attribute, Child, join, tag
from bridge.web.set_up.mistakes import MistakeError

GUIDE = f"{DOCS_URL}/app-registration.md"
REFUSED = "refused"
"""The id of what is wrong with a field, below it: on a phone the top is out of sight."""


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
        wrong = self.mistake if self.mistake and self.mistake.field == name else None
        settings: dict[str, Attribute] = {
            "value": self.typed.get(name),
            "aria_describedby": f"{REFUSED} {name}-help" if wrong else f"{name}-help",
            "aria_invalid": "true" if wrong else None,
            "autofocus": bool(wrong and not wrong.swapped),  # the button that swaps stands above
            **attributes,
        }
        return join(
            text_field(name, label, element_id=name, required=required, **settings),
            tag("p", str(wrong), id=REFUSED, class_="wrong") if wrong else None,
            tag("p", *help_, id=f"{name}-help", class_="fine"),
        )

    def area(self, name: str, label: str, help_: str) -> Markup:
        """A field of several lines, as ``input``."""
        wrong = self.mistake if self.mistake and self.mistake.field == name else None
        area = tag(
            "textarea",
            self.typed.get(name, ""),
            id=name,
            name=name,
            rows=4,
            spellcheck="false",
            aria_describedby=f"{REFUSED} {name}-help" if wrong else f"{name}-help",
            aria_invalid="true" if wrong else None,
            autofocus=bool(wrong),
        )
        return join(
            tag("label", label, for_=name),
            area,
            tag("p", str(wrong), id=REFUSED, class_="wrong") if wrong else None,
            tag("p", help_, id=f"{name}-help", class_="fine"),
        )

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
