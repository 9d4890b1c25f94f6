"""A story of a bridge whose cable is pulled, as a program: in a network of its own, as root.

    unshare --net python -m tests.standby.cut_link FOLDER

Only there may it make links: a browser elsewhere on this machine drops what it loads when the
network changes.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random

from tests.standby.__main__ import MOSQUITTO_SILENT_S, office
from tests.standby.brokers import mosquitto
from tests.standby.pair import running
from tests.standby.relay import Relay
from tests.standby.story import Story

HERE, THERE = "10.199.77.1", "10.199.77.2"
CUT_S = 75.0
"""So long that the other serves before it is mended."""


def ip(*words: str) -> None:
    """Run ``ip``."""
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=30)


@contextmanager
def network() -> Iterator[str]:
    """A namespace behind a switch, at which this machine is ``HERE``; its name, as its cable's."""
    name = f"pb{os.getpid()}"
    switch = f"{name}s"
    with ExitStack() as later:
        ip("netns", "add", name)
        later.callback(ip, "netns", "del", name)
        ip("link", "add", switch, "type", "bridge")
        later.callback(ip, "link", "del", switch)
        ip("addr", "add", f"{HERE}/24", "dev", switch)
        ip("link", "set", switch, "up")
        ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("link", "set", name, "master", switch, "up")
        ip("-n", name, "addr", "add", f"{THERE}/24", "dev", "eth0")
        ip("-n", name, "link", "set", "eth0", "up")
        yield name


class Cable(Relay):
    """That of the namespace ``name``."""

    def __init__(self, name: str, to_port: int) -> None:
        super().__init__(to_port, host=HERE)
        self._name, self.words = name, ("ip", "netns", "exec", name)

    def cut(self) -> None:
        """Pull it out."""
        ip("link", "set", self._name, "down")

    def mend(self) -> None:
        """Put it in."""
        ip("link", "set", self._name, "up")


async def _play(name: str, root: Path) -> None:
    def link(node: str, port: int) -> Relay:
        return Cable(name, port) if node == "a" else Relay(port)

    folder = root / "story"
    folder.mkdir()
    broker = mosquitto(folder, remembers=False)
    async with (
        office(root, name=HERE) as microsoft,
        running(microsoft, folder, broker, link=link) as pair,
    ):
        story = Story(pair, Random(1), silent_s=MOSQUITTO_SILENT_S)
        await story.serve("a")
        await story.suffer("cut", "a", CUT_S)
        assert not story.found, story.done
        assert [who for who, _ in story.leaders] == ["a", "b"]
        assert [fault for fault, *_ in story.takeovers] == ["cut"]


if __name__ == "__main__":
    ip("link", "set", "lo", "up")
    with network() as made:
        asyncio.run(_play(made, Path(sys.argv[1])))
