"""Since when each process can be expected to do its work. No invariant itself: others use it."""

from __future__ import annotations

from tests.world.process import Process
from tests.world.world import World

BEAT_S = 150.0
"""What a broker refused to take is sent again at the next beat."""


class Wellness:
    """Looks at every tick; what was wrong in between and is over counts from its end."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._since: dict[str, float] = {}

    def look(self) -> None:
        """Note who is well."""
        for process in self._world.processes:
            if self._is_well(process):
                self._since.setdefault(process.name, self._world.now_s)
            else:
                self._since.pop(process.name, None)

    def well_s(self, process: Process) -> float:
        """For so many seconds it has run, connected, with nothing wrong between it and the bus."""
        since_s = self._since.get(process.name)
        if since_s is None or process.life is None:
            return 0.0
        return self._world.now_s - max(since_s, process.life.began_s)

    def refused_s(self, process: Process) -> float:
        """Seconds since the broker refused to take something of it."""
        link = self._world.broker.link_of(self._world.client_id(process))
        return self._world.now_s - link.refused_s if link else float("inf")

    def _is_well(self, process: Process) -> bool:
        broker, life = self._world.broker, process.life
        link = broker.link_of(self._world.client_id(process))
        if life is None or link is None or process.folder.broken or not life.way.connected:
            return False
        if link.refused or self.refused_s(process) < BEAT_S:
            return False  # it is asked again, and what was not let through is repeated
        return life.way.is_well and not life.way.each_s and broker.is_well
