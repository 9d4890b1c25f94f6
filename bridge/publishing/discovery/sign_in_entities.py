"""The entities of an account's sign-in, which may be that of a whole table.

An app signs itself in: where no person can, there is nothing to press.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from bridge.contract.account import Followed, SignInState, Way
from bridge.contract.topics import Topics
from bridge.contract.wire import STATUS_LIMIT
from bridge.publishing.discovery.component import (
    CONFIG,
    DIAGNOSTIC,
    Component,
    attributes,
    button,
    entity,
    enum,
    sensor,
    trigger,
)

_SHOWN_WITH_THE_STATE = (
    "user_code",
    "verification_uri",
    "expires_at",
    "message",
    "remedy",
    "who",
    "correlation_id",
    "signed_in_as",
    "newcomer",
    "also_on",
    "aadsts",
    "mend_url",
)
"""Attributes of *Sign-in*; a message to the admin is too long to be recorded with each change."""
_OTHER_WAY = {
    Way.BROWSER: ("Sign in with a browser", "mdi:web"),
    Way.DEVICE_CODE: ("Sign in with a code", "mdi:form-textbox-password"),
}


def sign_in_entities(
    topics: Topics, slug: str, account: Followed, *, page: str | None
) -> Iterator[Component]:
    """What is shown and can be done; ``page`` is the account's place on the bridge's own page."""
    table = account.table
    auth = topics.table(table, "auth") if table else topics.account(slug, "auth")
    while_it_runs: dict[str, Any] = {"availability": [{"topic": topics.bridge_state}]}
    shown = while_it_runs | {"state_topic": auth, "entity_category": DIAGNOSTIC}
    yield enum(
        "signin_state",
        "Sign-in",
        SignInState,
        value="state",
        icon="mdi:account-key",
        json_attributes_topic=auth,
        json_attributes_template=attributes(*_SHOWN_WITH_THE_STATE),
        **shown,
    )
    if account.ways:
        yield from _shown(auth, page, shown, is_read_through=table is not None)
        yield from _buttons(topics, slug, account, while_it_runs)
        yield _keep(topics, auth, table or slug)
        leaf = "sign_in_event"
        topic = topics.table(table, leaf) if table else topics.account(slug, leaf)
        yield trigger(topic, "sign_in_needed", kind="sign-in", subtype="needed")


def _shown(
    auth: str, page: str | None, shown: dict[str, Any], *, is_read_through: bool
) -> Iterator[Component]:
    yield sensor(
        "signin_code",
        "Sign-in code",
        value="user_code",
        icon="mdi:form-textbox-password",
        **shown,
    )
    yield sensor(
        "signin_page",
        "Sign-in page",
        value_template=_address(page),
        icon="mdi:link-variant",
        json_attributes_topic=auth,
        json_attributes_template=attributes(address="verification_uri"),
        **shown,
    )
    yield sensor(
        "signed_in_as",
        "Read through" if is_read_through else "Signed in as",
        value_template=(  # new: may be missing
            "{% set newcomer = value_json.newcomer | default(none) %}"
            "{{ newcomer ~ ': keep?' if newcomer else value_json.signed_in_as | default(none)"
            " or ('None' if value_json.state == 'signed_in' else 'Nobody') }}"
        ),
        icon="mdi:account-check",
        **shown,
    )


def _buttons(
    topics: Topics, slug: str, account: Followed, while_it_runs: dict[str, Any]
) -> Iterator[Component]:
    named = {"account": account.table or slug}
    pressed: dict[str, Any] = while_it_runs | {"payload_press": _json(named)}
    yield button("signin", "Sign in", topics, icon="mdi:login", **pressed)
    for way in account.ways[1:]:
        name, icon = _OTHER_WAY[way]
        options = while_it_runs | {"payload_press": _json(named | {"way": way})}
        yield button(f"signin_{way}", name, topics, command="signin", icon=icon, **options)
    yield button("signin_cancel", "Cancel sign-in", topics, icon="mdi:cancel", **pressed)
    if account.table is None:  # nobody signs all others out by one of them
        yield button("signout", "Sign out", topics, icon="mdi:logout", **pressed)


def _keep(topics: Topics, auth: str, account: str) -> Component:
    """Answers whether somebody unexpected stays; it is there while that is asked."""
    is_asked = "{{ 'online' if value_json.newcomer | default(none) else 'offline' }}"
    return entity(
        "button",
        "signin_keep",
        "Keep who signed in",
        command_topic=topics.request("signin_keep"),
        entity_category=CONFIG,
        icon="mdi:account-check",
        availability=[
            {"topic": topics.bridge_state},
            {"topic": auth, "value_template": is_asked},
        ],
        availability_mode="all",
        payload_press=_json({"account": account}),
    )


def _address(page: str | None) -> str:
    """The address that waits; where none does, or a state cannot have so many characters, ours."""
    ours = _json(page or "")
    too_long = _json(page or "Too long to show: see the attribute address")
    return (
        "{% set address = value_json.verification_uri %}"
        f"{{{{ {ours} if not address else address if address | length <= {STATUS_LIMIT}"
        f" else {too_long} }}}}"
    )


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
