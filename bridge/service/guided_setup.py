"""The guided set-up of ``run`` where no config is filled in."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.config import state_dir
from bridge.config.loader import from_environment, load
from bridge.config.supervisor import is_app
from bridge.config.tables.accounts import PLACEHOLDER_CLIENT_ID
from bridge.config.tables.config import Config
from bridge.config.tables.shared import MqttSettings
from bridge.contract.clock import SystemClock
from bridge.contract.errors import PresenceBridgeError

if TYPE_CHECKING:  # only a first start needs it
    from bridge.web.access.one_time_link import OneTimeLink

log = logging.getLogger(__name__)


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


async def guide(
    draft: Config,
    file: Path,
    *,
    listening: Callable[[int, OneTimeLink], None] | None = None,
) -> None:
    """Serve the set-up until ``file`` is written. Raises as ``guard_of``.

    ``listening`` is called with the port and a link that opens the page once; where the page
    listens then is written, too.
    """
    from bridge.config.time_zone import machine_zone  # noqa: PLC0415 - as above
    from bridge.service.trials import Probe  # noqa: PLC0415 - only a first start needs it
    from bridge.web.access.building import guard_of  # noqa: PLC0415 - as above
    from bridge.web.access.one_time_link import OneTimeLink  # noqa: PLC0415 - as above
    from bridge.web.set_up.steps import SetUp  # noqa: PLC0415 - as above

    clock = SystemClock()
    link = OneTimeLink(clock=clock, random=os.urandom) if listening else None
    set_up = SetUp(
        draft.web,
        file=file,
        given=draft.mqtt if draft.mqtt.is_named else None,
        trials=Probe(draft, os.environ),
        guard=guard_of(draft.web, draft.state_dir, clock, link=link),
        clock=clock,
        offer=partial(_offered, file) if is_app(os.environ) else None,
        zone=draft.time_zone or machine_zone(os.environ),
        write_web=listening is not None,
    )
    log.info("%s is not filled in yet: the page asks for what is needed", file)

    async def announce() -> None:
        async for port in set_up.listening.watch():
            if port and listening and link:
                listening(port, link)
                return

    async with asyncio.TaskGroup() as tasks:
        beside = [
            tasks.create_task(state_dir.beat(draft.state_dir, clock), name="heartbeat"),
            tasks.create_task(announce(), name="invitation"),
        ]
        await set_up.run()
        for task in beside:
            task.cancel()


async def _offered(file: Path) -> MqttSettings | None:
    """The broker of Home Assistant, which may come while the page waits."""
    try:
        now = await asyncio.to_thread(unfinished, file, os.environ, set_up=True)
    except PresenceBridgeError as error:
        log.warning("%s", error)
        return None
    return now.mqtt if now and now.mqtt.is_named else None
