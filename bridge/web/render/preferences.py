"""What a card offers to set in Teams: the presence that is shown, and the status message. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from bridge.contract.account import SignInState
from bridge.contract.preferred import STATUS_MESSAGE_LIMIT, PreferredPresence
from bridge.web.data.page_words import plain
from bridge.web.data.snapshot import Person
from bridge.web.render.forms import choice_field, disclosure, form, text_field

SHOWN_AS: Mapping[str, str] = {each.value: plain(each) for each in PreferredPresence} | {
    PreferredPresence.AUTOMATIC.value: "Automatic, by devices and calendar"
}
MINUTES = {
    "30": "30 minutes",
    "60": "1 hour",
    "120": "2 hours",
    "240": "4 hours",
    "480": "8 hours",
    "1440": "1 day",
    "10080": "7 days",
}
"""How long it lasts; Microsoft takes 5 minutes to 7 days."""


def preference_forms(person: Person) -> Markup | None:
    """A form for the presence and one for the message, where this person lets us set them."""
    if not person.settable or person.sign_in.state is not SignInState.SIGNED_IN:
        return None
    account = person.account
    usual = {"": "As Teams does: busy 1 day, else 7 days"}
    return disclosure(
        "Set presence",
        form(
            "set-presence",
            choice_field("presence", "Shown as", SHOWN_AS, element_id=f"presence-{account}"),
            choice_field("minutes", "For", usual | MINUTES, element_id=f"for-{account}"),
            button="Set presence",
            label=f"Set presence of {person.name}",
            account=account,
        ),
        form(
            "set-message",
            text_field(
                "message",
                "Status message; empty removes it",
                element_id=f"message-{account}",
                required=False,
                maxlength=STATUS_MESSAGE_LIMIT,
            ),
            choice_field(
                "minutes",
                "Shown for",
                {"": "Until it is changed"} | MINUTES,
                element_id=f"message-for-{account}",
            ),
            button="Set message",
            label=f"Set message of {person.name}",
            account=account,
        ),
        label=f"Set presence of {person.name}",
    )
