"""By pip: update, restore on a second machine, going back, and lamps of another release.

The lines of docs/updating.md, with other folders and without systemd.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.fakes.mosquitto import Mosquitto, free_port
from tests.fakes.subscriber import Subscriber, subscriber
from tests.updates.home import LAMP, Alice, alice, entities
from tests.updates.releases import ROOT, export, last_release, lines_of

STOP_S = 30.0
SOURCE = ("pyproject.toml", "README.md", "LICENSE", "bridge", "drivers")

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Of the last release, and of what is here now."""
    folder = tmp_path_factory.mktemp("wheels")
    base = last_release()
    if base is None:
        pytest.skip("the history of git is not here")
    export(base, folder / "old")
    (folder / "new").mkdir()
    for name in SOURCE:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / "new" / name)
    built = {}
    for name in ("old", "new"):
        backend = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
        subprocess.run(
            [*backend, "--directory", folder / f"made-{name}"],
            cwd=folder / name,
            check=True,
            capture_output=True,
            timeout=120,
        )
        (built[name],) = (folder / f"made-{name}").glob("*.whl")
    return built


@dataclass(frozen=True)
class Environment:
    """One of pip, with the libraries of the tests'."""

    folder: Path

    @classmethod
    def made(cls, folder: Path, wheel: Path) -> Environment:
        venv.create(folder)
        built = cls(folder)
        paths = {"base": str(folder), "platbase": str(folder)}
        packages = Path(sysconfig.get_path("purelib", "venv", paths))
        (packages / "libraries.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
        built.install(wheel)
        return built

    def install(self, wheel: Path) -> None:
        """As the line of the page, without a registry; Python compiles what it loads."""
        pip = [sys.executable, "-m", "pip", "--python", str(self.folder / "bin" / "python")]
        words = ["install", "--no-index", "--no-deps", "--no-compile", "--force-reinstall"]
        subprocess.run(
            [*pip, *words, "--quiet", str(wheel)], check=True, capture_output=True, timeout=60
        )


@dataclass
class Machine:
    """Where systemd would start the programs."""

    etc: Path
    state: Path
    broker: Mosquitto
    alice: Alice
    log: Path
    port: int = field(default_factory=free_port)
    """Of the page, which keeps the history."""

    @property
    def environ(self) -> dict[str, str]:
        given = {
            "MQTT__PORT": str(self.broker.port),
            "NETWORK__CA_FILE": str(self.alice.microsoft.ca_file),
            "STATE_DIR": str(self.state),
            "WEB__PORT": str(self.port),
            "POLLING__FASTEST": "1",
            "POLLING__STEADY": "1",
            **{key.upper().replace(".", "__"): value for key, value in self.alice.given.items()},
        }
        return os.environ | {f"PRESENCE_{key}": value for key, value in given.items()}

    def init(self, environment: Environment, *words: str) -> str:
        program = environment.folder / "bin" / "presence-bridge"
        return subprocess.check_output(
            [program, "init", "--folder", self.etc, *words], text=True, env=self.environ, timeout=60
        )

    @contextmanager
    def running(self, bridge: Environment, lamp: Environment) -> Iterator[None]:
        config = self.etc / "config.toml"
        own = {
            "PRESENCE_MQTT__USERNAME": "desk",
            "PRESENCE_MQTT__PASSWORD_FILE": str(self.etc / "secrets" / "mqtt_desk"),
        }
        with self.log.open("a", encoding="utf-8") as log:
            started = [
                subprocess.Popen(
                    [*program, "--config", config],
                    env=self.environ | more,
                    stdout=log,
                    stderr=log,
                )
                for program, more in (
                    ((bridge.folder / "bin" / "presence-bridge", "run"), {}),
                    ((lamp.folder / "bin" / "presence-driver", "desk"), own),
                )
            ]
            try:
                yield
            finally:
                for process in started:
                    process.terminate()
                codes = [process.wait(STOP_S) for process in started]
        assert codes == [0, 0], self.log.read_text(encoding="utf-8")


@asynccontextmanager
async def listening(machine: Machine) -> AsyncIterator[Subscriber]:
    """As Home Assistant does."""
    secret = (machine.etc / "secrets" / "mqtt_homeassistant").read_text("utf-8").strip()
    port = machine.broker.port
    async with subscriber(port, username="homeassistant", password=secret) as mqtt:
        yield mqtt


@asynccontextmanager
async def machine_at(folder: Path, who: Alice) -> AsyncIterator[Machine]:
    """With a broker that has the users and rules of ``init``, and has forgotten all else."""
    etc = folder / "etc" / "presence-bridge"
    rules = "".join(
        f"{key} {etc / 'mosquitto' / name}\n"
        for key, name in (("password_file", "passwords"), ("acl_file", "acl"))
    )
    broker = Mosquitto(folder, extra=f"allow_anonymous false\n{rules}")
    await broker.start()
    try:
        yield Machine(etc, folder / "var" / "lib" / "presence-bridge", broker, who, folder / "log")
    finally:
        broker.stop()


def install(folder: Path, environment: Environment, who: Alice) -> Path:
    """What the page of systemd says, up to the broker."""
    etc = folder / "etc" / "presence-bridge"
    words = ["--tenant", who.home.tenant.domain, "--client-id", who.home.app.client_id]
    program = environment.folder / "bin" / "presence-bridge"
    init = [
        str(program),
        "init",
        "--folder",
        str(etc),
        *words,
        "--account",
        "alice",
        "--driver",
        "desk",
    ]
    subprocess.run(init, check=True, capture_output=True, timeout=60)
    config = etc / "config.toml"
    before = config.read_text("utf-8").partition("\n[drivers.desk]")[0]
    config.write_text(before + LAMP, encoding="utf-8")
    for path in (folder, *folder.rglob("*")):  # Mosquitto is who we are
        os.chown(path, os.geteuid(), os.getegid())
    return etc


async def test_an_update_a_restore_and_the_way_back_lose_nothing(
    wheels: dict[str, Path], tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    ours = await asyncio.to_thread(Environment.made, tmp_path / "ours", wheels["old"])
    async with alice(tmp_path) as who:
        install(first, ours, who)
        async with machine_at(first, who) as machine, listening(machine) as mqtt:
            with machine.running(ours, ours):
                await who.is_shown(mqtt)
            before, asked = entities(mqtt), who.codes_asked()
            history = what_alice_did(machine)
            who.microsoft.auto_approve(None)

            ours.install(wheels["new"])
            config = (machine.etc / "config.toml").read_bytes()
            rules = machine.etc / "mosquitto" / "acl"
            before_update = set(rules.read_text(encoding="utf-8").splitlines())
            machine.init(ours)
            added = set(rules.read_text(encoding="utf-8").splitlines()) ^ before_update
            assert added <= {f"{word} read presence/table/+/fresh" for word in ("topic", "pattern")}
            assert "changed" not in machine.init(ours)
            assert (machine.etc / "config.toml").read_bytes() == config
        async with machine_at(first, who) as machine, listening(machine) as mqtt:
            with machine.running(ours, ours):
                await who.is_shown(mqtt)
            assert before.items() <= entities(mqtt).items()
            assert history
            assert what_alice_did(machine)[: len(history)] == history

        back_up_and_restore(first, second)
        async with machine_at(second, who) as machine, listening(machine) as mqtt:
            with machine.running(ours, ours):
                await who.is_shown(mqtt)
            assert before.items() <= entities(mqtt).items()
            ours.install(wheels["old"])
            with machine.running(ours, ours):
                await who.is_shown(mqtt)
        assert who.codes_asked() == asked


def what_alice_did(machine: Machine) -> list[str]:
    """The page's history of her."""
    text = (machine.state / "history.jsonl").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if "alice" in line]


def back_up_and_restore(first: Path, second: Path) -> None:
    """The page's two lines of tar."""
    (backup,) = lines_of("Backup", after="With pip and systemd")
    restore, _, _ = lines_of("Restore, on this or another machine", after="With pip and systemd")
    second.mkdir()
    for line, root in ((backup, first), (restore, second)):
        here = line.replace(" /etc/", f" {root.name}/etc/").replace(" /var/", f" {root.name}/var/")
        here = here.replace("--directory /", f"--directory {second} --strip-components 1")
        subprocess.run(["bash", "-c", here], cwd=first.parent, check=True, capture_output=True)


async def test_a_lamp_of_one_release_follows_a_bridge_of_the_other(
    wheels: dict[str, Path], tmp_path: Path
) -> None:
    made = {
        name: Environment.made(tmp_path / f"venv-{name}", wheel) for name, wheel in wheels.items()
    }
    async with asyncio.TaskGroup() as homes:
        for bridge, lamp in (("old", "new"), ("new", "old")):
            folder = tmp_path / f"{bridge}-bridge"
            homes.create_task(_follows(folder, made[bridge], made[lamp]), name=f"{bridge} bridge")


async def _follows(folder: Path, bridge: Environment, lamp: Environment) -> None:
    async with alice(folder) as who:
        install(folder / "home", lamp, who)
        async with machine_at(folder / "home", who) as machine, listening(machine) as mqtt:
            with machine.running(bridge, lamp):
                await who.is_shown(mqtt)
