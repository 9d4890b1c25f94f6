"""The guided set-up of ``run`` where no config is filled in, and the trials of its answers."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

from bridge import state_dir
from bridge.broker import visit
from bridge.config.loader import from_environment, load
from bridge.config.tables.accounts import PLACEHOLDER_CLIENT_ID, AccountSettings
from bridge.config.tables.config import Config
from bridge.config.tables.shared import MqttSettings
from bridge.contract.clock import Clock, SystemClock
from bridge.contract.errors import PersonMustActError
from bridge.contract.topics import Topics
from bridge.microsoft import Microsoft

log = logging.getLogger(__name__)

LOOK_S = 0.5
ANY_APP = UUID(int=1)
"""Looking a tenant up needs no app."""


def unfinished(file: Path, environ: Mapping[str, str], *, set_up: bool) -> Config | None:
    """The config as far as it is filled in, when the page can ask for the rest.

    ``None`` when it is filled in, when there is no page to ask on, or when there is no ``file`` and
    ``set_up`` does not allow to make one: somebody mistyped its name.

    Raises:
        ConfigError: What there is, is wrong.
    """
    if not file.exists():
        if not set_up:
            return None
        draft = from_environment(file.absolute().parent, environ)
        return draft if draft.web.enabled and not draft.accounts else None
    draft = load(file, environ)
    apps = [draft.microsoft_of(account).client_id for account in draft.accounts]
    untouched = set(apps or [draft.microsoft.client_id]) == {PLACEHOLDER_CLIENT_ID}
    return draft if draft.web.enabled and untouched else None


async def guide(draft: Config, file: Path) -> None:
    """Serve the set-up until ``file`` is written. Raises as ``guard_of``."""
    from bridge.config.time_zone import known_zone  # noqa: PLC0415 - as above
    from bridge.web.access.building import guard_of  # noqa: PLC0415 - only a first start needs it
    from bridge.web.set_up.server import SetUp  # noqa: PLC0415 - as above

    clock = SystemClock()
    set_up = SetUp(
        draft.web,
        file=file,
        given=draft.mqtt if "host" in draft.mqtt.model_fields_set else None,
        trials=Probe(draft, clock),
        guard=guard_of(draft.web, draft.state_dir, clock),
        clock=clock,
        zone=draft.time_zone or known_zone(os.environ),
    )
    log.info("%s is not filled in yet: the page asks for what is needed", file)
    async with asyncio.TaskGroup() as tasks:
        beating = tasks.create_task(state_dir.beat(draft.state_dir, clock), name="heartbeat")
        await set_up.run()
        beating.cancel()


class Probe:
    """Tries the answers of a person, on the broker and on Microsoft."""

    def __init__(self, draft: Config, clock: Clock) -> None:
        self._draft, self._clock = draft, clock

    async def broker(self, settings: MqttSettings) -> None:
        """Visit the broker. Raises ``PresenceBridgeError`` when it does not let us in."""
        topic = Topics(settings.base_topic).bridge_state
        await visit(settings, follow=[topic], within_s=LOOK_S)

    async def tenant(self, name: str) -> None:
        """Look the tenant up. Raises ``PresenceBridgeError`` when there is none."""
        microsoft = self._draft.microsoft.model_copy(update={"tenant": name, "client_id": ANY_APP})
        config = self._draft.model_copy(
            update={"microsoft": microsoft, "accounts": {"me": AccountSettings()}}
        )
        try:
            async with Microsoft(config, self._clock) as session:
                await session.tenant_of("me")
        except PersonMustActError as error:  # its remedy speaks of the config, which is not there
            raise PersonMustActError(error.text, remedy="Check the domain or the ID.") from error
