"""The page of a running service: joins it to the service and to the broker."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from bridge import __version__
from bridge.broker import Broker
from bridge.config.supervisor import without_broker
from bridge.config.tables.config import Config
from bridge.contract.clock import Clock
from bridge.contract.commands import Commands
from bridge.contract.health import Health
from bridge.contract.supervised import supervised
from bridge.web.access.building import guard_of
from bridge.web.data.snapshot import BridgeStatus
from bridge.web.data.view import View
from bridge.web.posts import Posts
from bridge.web.server import Web
from bridge.web.set_up.change import RegistrationChange

HEALTH_EVERY_S = 1.0
"""Between two looks at the health; only what changed is shown anew."""


class Page:
    """Serves ``view`` as a page, and shows there how the bridge is."""

    def __init__(
        self, web: Web, view: View, broker: Broker, health: Callable[[], Health], clock: Clock
    ) -> None:
        self.web, self.view = web, view
        self._broker, self._health, self._clock = broker, health, clock

    async def run(self) -> None:
        """Serve until cancelled."""
        for topic_filter in self.view.topic_filters:
            self._broker.subscribe(topic_filter, lambda r: self.view.receive(r.topic, r.payload))
        async with asyncio.TaskGroup() as tasks:
            for name, work in (("web", self.web.run), ("page-health", self._watch_health)):
                tasks.create_task(supervised(work, name=name, clock=self._clock), name=name)

    async def _watch_health(self) -> None:
        while True:
            self.view.update_health(
                self._health(),
                broker_connected=self._broker.connected,
                broker=self._broker.address,
                broker_dispute=self._broker.dispute,
                standby=self._broker.standby,
                mqtt_version=self._broker.mqtt_version if self._broker.connects else None,
            )
            await self._clock.sleep(HEALTH_EVERY_S)


def open_page(commands: Commands, config: Config, broker: Broker, clock: Clock) -> Page:
    """The page of ``[web]``. Raises ``ConfigError`` when its password cannot be read."""
    bridge = BridgeStatus(
        __version__,
        clock.now(),
        config.mqtt.address,
        without_broker=without_broker((each.host for each in config.mqtt.brokers), os.environ),
    )
    view = View(bridge, config.topics, can_add=True)
    web = Web(
        config.web,
        view=view.snapshot,
        posts=Posts(view.snapshot, commands),
        registration=RegistrationChange(view.snapshot, commands),
        guard=guard_of(config.web, config.state_dir, clock),
        state_dir=config.state_dir,
        version=__version__,
        clock=clock,
        zone=config.zone,
    )
    return Page(web, view, broker, commands.health, clock)
