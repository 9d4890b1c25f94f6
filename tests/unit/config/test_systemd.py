"""What systemd hears of a process, over a real socket."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from bridge.config import state_dir
from bridge.config.systemd import ALIVE, READY, notify, reloading
from drivers.runtime.heartbeat import beating, heartbeat_of
from tests.fakes.clock import ManualClock
from tests.fakes.systemd import Systemd, listening


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Systemd]:
    name = f"@presence-{uuid4()}" if request.param == "abstract" else str(tmp_path / "notify")
    with listening(name) as listener:
        yield listener


def test_states_are_one_datagram(systemd: Systemd) -> None:
    notify(READY, "STATUS=well", environ=systemd.environ)
    notify(ALIVE, environ=systemd.environ)
    assert systemd.heard() == ["READY=1\nSTATUS=well", "WATCHDOG=1"]


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1"}])
def test_nothing_happens_where_nobody_listens(
    environ: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    notify(READY, environ=environ)
    assert caplog.text == ""


def test_a_socket_that_is_gone_is_logged_and_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    notify(READY, environ={"NOTIFY_SOCKET": str(tmp_path / "gone")})
    assert "systemd does not take READY=1: No such file or directory" in caplog.text


@pytest.mark.timeout(20)
def test_who_does_not_read_keeps_nobody_waiting(tmp_path: Path) -> None:
    with listening(str(tmp_path / "notify")) as systemd:
        for _ in range(1000):
            notify(ALIVE, environ=systemd.environ)
        assert 0 < len(systemd.heard()) < 1000


def test_a_reload_that_fails_ends_too(systemd: Systemd) -> None:
    def reload() -> None:
        with reloading(systemd.environ):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        reload()
    begun, ended = systemd.heard()
    assert begun.startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert begun.rpartition("=")[2].isdecimal()
    assert ended == READY


async def test_a_lamp_is_ready_with_its_first_beat_and_alive_with_each(
    systemd: Systemd, tmp_path: Path
) -> None:
    clock = ManualClock()
    async with beating("desk", tmp_path / "state", clock, environ=systemd.environ):
        await clock.settle()
        assert systemd.heard() == [READY, ALIVE]
        await clock.advance(3 * state_dir.HEARTBEAT_EVERY_S)
        assert systemd.heard() == [ALIVE] * 3
    await clock.advance(3 * state_dir.HEARTBEAT_EVERY_S)
    assert systemd.heard() == []
    await asyncio.get_running_loop().shutdown_default_executor()  # it touches the file
    assert (tmp_path / "state" / heartbeat_of("desk")).exists()
