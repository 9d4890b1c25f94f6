"""A bridge in a network namespace, whose cable is pulled: nobody is informed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random

import pytest

from tests.fakes.mosquitto import needs_mosquitto
from tests.standby.__main__ import MOSQUITTO_SILENT_S, office
from tests.standby.brokers import mosquitto
from tests.standby.pair import running
from tests.standby.relay import Relay
from tests.standby.story import Story

HERE, THERE = (f"10.199.{os.getpid() % 256}.{last}" for last in (1, 2))
"""Of this run alone: what a killed one has left must not be in the way."""
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


@pytest.fixture
def name() -> Iterator[str]:
    """Of a namespace; skips with the reason where there can be none."""
    needs_mosquitto()
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("only root, with iproute2, makes network namespaces")
    with ExitStack() as later:
        try:
            made = later.enter_context(network())
        except subprocess.CalledProcessError as error:
            pytest.skip(f"this machine makes no network namespaces: {error.stderr!r}")
        yield made


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_whose_cable_is_pulled_is_replaced_and_waits_when_it_is_back(
    name: str, tmp_path: Path
) -> None:
    def link(node: str, port: int) -> Relay:
        return Cable(name, port) if node == "a" else Relay(port)

    folder = tmp_path / "story"
    folder.mkdir()
    broker = mosquitto(folder, remembers=False)
    async with (
        office(tmp_path, name=HERE) as microsoft,
        running(microsoft, folder, broker, link=link) as pair,
    ):
        story = Story(pair, Random(1), silent_s=MOSQUITTO_SILENT_S)
        await story.serve("a")
        await story.suffer("cut", "a", CUT_S)
        assert not story.found, story.done
        assert [who for who, _ in story.leaders] == ["a", "b"]
        assert [fault for fault, *_ in story.takeovers] == ["cut"]
