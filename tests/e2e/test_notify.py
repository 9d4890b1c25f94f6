"""What systemd hears of the programs from their start to their end."""

from __future__ import annotations

import signal
from pathlib import Path

from bridge.config.systemd import ALIVE, READY, STOPPING
from tests.e2e.conftest import Stage
from tests.fakes.systemd import listening


async def test_the_bridge_is_ready_reloads_and_stops(stage: Stage, tmp_path: Path) -> None:
    with listening(str(tmp_path / "notify")) as systemd:
        bridge = stage.start_in(stage.folder, "bridge", "run", environ=systemd.environ)
        assert [await systemd.next(), await systemd.next()] == [READY, ALIVE]
        await stage.mqtt.until_text("presence/account/alice/availability", "online")
        bridge.send_signal(signal.SIGHUP)
        while (word := await systemd.next()) == ALIVE:
            pass
        assert word.startswith("RELOADING=1\nMONOTONIC_USEC=")
        assert await systemd.next() == READY
        assert stage.stop(bridge) == 0
        assert [word for word in systemd.heard() if word != ALIVE] == [STOPPING]


async def test_a_bridge_without_a_broker_is_ready(stage: Stage, tmp_path: Path) -> None:
    stage.broker.stop()
    with listening(str(tmp_path / "notify")) as systemd:
        stage.start_in(stage.folder, "bridge", "run", environ=systemd.environ)
        assert await systemd.next() == READY


async def test_a_lamp_is_ready_and_stops(stage: Stage, tmp_path: Path) -> None:
    stage.configure('[drivers.desk]\nkind = "console"\nfollow = ["alice"]\n')
    with listening(str(tmp_path / "notify")) as systemd:
        lamp = stage.start_in(stage.folder, "drivers", "desk", environ=systemd.environ)
        assert [await systemd.next(), await systemd.next()] == [READY, ALIVE]
        assert stage.stop(lamp) == 0
        assert [word for word in systemd.heard() if word != ALIVE] == [STOPPING]
    assert (stage.folder / "state" / "lights" / "desk.heartbeat").exists()


async def test_the_guided_set_up_is_ready(stage: Stage, tmp_path: Path) -> None:
    stage.config.write_text('state_dir = "state"\n[web]\nport = 0\n', encoding="utf-8")
    with listening(str(tmp_path / "notify")) as systemd:
        bridge = stage.start_in(stage.folder, "bridge", "run", environ=systemd.environ)
        assert [await systemd.next(), await systemd.next()] == [READY, ALIVE]
        assert stage.stop(bridge) == 0
        assert [word for word in systemd.heard() if word != ALIVE] == [STOPPING]
