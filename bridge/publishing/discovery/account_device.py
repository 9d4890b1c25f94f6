"""All components of an account device; each kind of them is listed in the file named after it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bridge.contract.account import Followed
from bridge.contract.topics import Topics
from bridge.publishing.discovery.component import Component, Entity
from bridge.publishing.discovery.preference_entities import preference_entities
from bridge.publishing.discovery.presence_entities import (
    presence_entities,
    presence_triggers,
    today_entities,
)
from bridge.publishing.discovery.sign_in_entities import sign_in_entities


def account_entities(
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


def _expiring(entity: Entity, expire_after_s: int | None) -> Entity:
    of_the_state = entity.platform != "event" and "state_topic" not in entity.options
    if expire_after_s is None or not of_the_state:
        return entity
    return replace(entity, options={**entity.options, "expire_after": expire_after_s})
