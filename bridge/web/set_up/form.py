"""A form as it is asked, or asked once more: what was typed, what is wrong with it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from markupsafe import Markup

from bridge import DOCS_URL
from bridge.contract.registration import Registration
from bridge.web.refused import MistakeError
from bridge.web.render.forms import form, link_away, text_field
from bridge.web.render.markup import Attribute, Child, join, tag

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
        about = {"value": self.typed.get(name), **self.about(name), **attributes}
        return join(
            text_field(name, label, element_id=name, required=required, **about),
            self.below(name, *help_),
        )

    def area(self, name: str, label: str, help_: str) -> Markup:
        """A field of several lines, as ``input``."""
        settings: dict[str, Attribute] = {"id": name, "name": name, "rows": 4, **self.about(name)}
        return join(
            tag("label", label, for_=name),
            tag("textarea", self.typed.get(name, ""), spellcheck="false", **settings),
            self.below(name, help_),
        )

    def about(self, name: str) -> dict[str, Attribute]:
        """What a field says of itself: what explains it, and whether it is wrong."""
        wrong = self._wrong(name)
        return {
            "aria_describedby": f"{REFUSED} {name}-help" if wrong else f"{name}-help",
            "aria_invalid": "true" if wrong else None,
            "autofocus": bool(wrong and not wrong.swapped),  # the button that swaps stands above
        }

    def below(self, name: str, *help_: Child) -> Markup:
        """What is wrong with a field, and its explanation."""
        wrong = self._wrong(name)
        return join(
            tag("p", str(wrong), id=REFUSED, class_="wrong") if wrong else None,
            tag("p", *help_, id=f"{name}-help", class_="fine"),
        )

    def _wrong(self, name: str) -> MistakeError | None:
        return self.mistake if self.mistake and self.mistake.field == name else None

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
    return link_away("How the app registration is made, step by step", GUIDE)
