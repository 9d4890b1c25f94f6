"""The devices that are announced to Home Assistant; equal content gives equal bytes.

Root, ``device`` and ``origin`` are closed: one unknown key or null there rejects the device.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

from bridge import SUPPORT_URL
from bridge.contract.account import Followed
from bridge.contract.topics import Topics
from bridge.contract.wire import Message, encode_json
from bridge.publishing.account_messages import STATE_EXPIRY_S
from bridge.publishing.discovery.bridge_entities import bridge_entities
from bridge.publishing.discovery.component import Component
from bridge.publishing.discovery.preference_entities import preference_entities
from bridge.publishing.discovery.presence_entities import (
    presence_entities,
    presence_triggers,
    today_entities,
)
from bridge.publishing.discovery.sign_in_entities import sign_in_entities
from bridge.publishing.outgoing import Outgoing

ORIGIN_NAME = "Presence Bridge"
Components = dict[str, str]
"""Component keys and their platforms."""


class Devices:
    """Discovery messages; none where Home Assistant is not wanted.

    ``page`` is where others open the bridge's own page, where that is certain.
    """

    def __init__(
        self, outgoing: Outgoing, version: str, *, enabled: bool, page: str | None = None
    ) -> None:
        self._outgoing, self._topics, self._page = outgoing, outgoing.topics, page
        self._version, self.enabled = version, enabled

    def on(self, topic: str) -> Message | None:
        """The device that is announced on ``topic``, if there is one."""
        if not self.enabled:
            return None
        if topic == self._topics.bridge_config():
            return bridge_device(self._topics, self._version, page=self._page)
        before, after = self._topics.account_config("x").rsplit("x", 1)
        slug = topic.removeprefix(before).removesuffix(after)
        account = self._outgoing.followed.get(slug)
        if account is None or not account.discover:
            return None
        expires = self._outgoing.broker.mqtt_version == "3.1.1"  # which forgets nothing
        return account_device(
            self._topics, slug, account, self._version, page=self._page, expires=expires
        )

    def components(self) -> dict[str, Components]:
        """The components of each device, by the topic on which it is announced."""
        if not self.enabled:
            return {}
        topics, followed = self._topics, self._outgoing.followed
        return {topics.bridge_config(): bridge_components(topics)} | {
            topics.account_config(slug): account_components(topics, account)
            for slug, account in followed.items()
            if account.discover
        }


def bridge_device(topics: Topics, version: str, *, page: str | None = None) -> Message:
    """The device of the service itself; ``page`` is where others open the bridge's own page."""
    identifier = f"{topics.instance}_bridge"
    return _message(
        topics.bridge_config(),
        device={
            "identifiers": [identifier],
            "name": "Presence Bridge",
            "manufacturer": "Presence Bridge",
            "model": "Microsoft Teams presence",
            "sw_version": version,
            **_link(page),
        },
        version=version,
        components=bridge_entities(topics),
        shared={"availability": [{"topic": topics.bridge_state}]},
        prefix=identifier,
        object_prefix="presence_bridge",
    )


def account_device(
    topics: Topics,
    slug: str,
    account: Followed,
    version: str,
    *,
    page: str | None = None,
    expires: bool = False,
) -> Message:
    """The device of one account.

    ``expires``: the broker forgets nothing by itself, so Home Assistant has to. It is for single
    accounts only, whose state is sent again often enough.
    """
    identifier = f"{topics.instance}_account_{slug}"
    place = f"{page}/#person-{slug}" if page else None
    expire_after_s = STATE_EXPIRY_S if expires and account.table is None else None
    return _message(
        topics.account_config(slug),
        device={
            "identifiers": [identifier],
            "name": f"Teams {account.name}",
            "manufacturer": "Microsoft",
            "model": "Teams presence",
            "via_device": f"{topics.instance}_bridge",
            **_link(place),
        },
        version=version,
        components=_account_entities(
            topics, slug, account, page=place, expire_after_s=expire_after_s
        ),
        shared={
            "availability": [
                {"topic": topics.bridge_state},
                {"topic": topics.account(slug, "availability")},
                *_of_table(topics, account),
            ],
            "availability_mode": "all",
            "state_topic": topics.account(slug, "state"),
        },
        prefix=identifier,
        object_prefix=f"teams_{slug}",
    )


@lru_cache(maxsize=4)
def bridge_components(topics: Topics) -> Components:
    """The component keys and platforms of the bridge device."""
    return {component.key: component.platform for component in bridge_entities(topics)}


def account_components(topics: Topics, account: Followed) -> Components:
    """Those of an account device; one object for all of the same kind."""
    kind = replace(account, name="", table="x" if account.table else None)
    return _components_of(topics, kind)


@lru_cache(maxsize=16)
def _components_of(topics: Topics, kind: Followed) -> Components:
    return {component.key: component.platform for component in _account_entities(topics, "x", kind)}


def _account_entities(
    topics: Topics,
    slug: str,
    account: Followed,
    *,
    page: str | None = None,
    expire_after_s: int | None = None,
) -> Iterator[Component]:
    """What ``account`` has: nothing that cannot work for it.

    What comes from its state is unknown when nothing came for ``expire_after_s``.
    """
    for entity in presence_entities(topics, slug, says=account.says):
        yield _expiring(entity, expire_after_s)
    yield from today_entities(topics, slug)
    yield from presence_triggers(topics, slug)
    yield from sign_in_entities(topics, slug, account, page=page)
    if account.settable:
        yield from preference_entities(topics, slug)


def _expiring(entity: Component, expire_after_s: int | None) -> Component:
    of_the_state = entity.platform != "event" and "state_topic" not in entity.options
    if expire_after_s is None or not of_the_state:
        return entity
    return replace(entity, options={**entity.options, "expire_after": expire_after_s})


def _of_table(topics: Topics, account: Followed) -> list[dict[str, str]]:
    """Whether all of a large table are current; only what the bridge says turns it, no moment."""
    if not (account.table and account.shares):
        return []
    fresh = topics.table(account.table, "fresh")
    state = "{{ value_json.state if value_json is defined }}"  # it is erased where nobody shares
    return [{"topic": fresh, "value_template": state}]


def _link(page: str | None) -> dict[str, str]:
    return {"configuration_url": page} if page else {}


def _message(
    topic: str,
    *,
    device: dict[str, Any],
    version: str,
    components: Iterable[Component],
    shared: dict[str, Any],
    prefix: str,
    object_prefix: str,
) -> Message:
    origin = {"name": ORIGIN_NAME, "sw_version": version, "support_url": SUPPORT_URL}
    inside = {each.key: each.payload(prefix, object_prefix) for each in components}
    payload = {"device": device, "origin": origin, "components": inside, **shared}
    return Message(topic, encode_json(payload))
