"""The app of Home Assistant behind a stand-in for its Supervisor: as a process, or in its image.

``scripts/images`` names an image and the network of a container, in which these tests then run; the
app listens and is visited there on the addresses that Home Assistant's network really has.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

import yaml
from playwright.async_api import Page

from bridge.config import supervisor as real
from tests.e2e.page_stage import Home
from tests.e2e.test_first_start import environment
from tests.fakes.forks import Program
from tests.fakes.supervisor import INGRESS, Supervisor
from tests.integration.web.browsing import opened

ROOT = Path(__file__).parents[2]
APP = yaml.safe_load((ROOT / "home-assistant" / "app" / "config.yaml").read_text(encoding="utf-8"))
IMAGE = os.environ.get("APP_IMAGE")
PAGE_PORT = int(str(real.PAGE["port"]))


@dataclass(frozen=True)
class Addresses:
    """Where each of them is."""

    app: str
    ingress: str
    """From where the Supervisor visits the app."""
    other_app: str
    supervisor: str
    port: int = 0
    """Of the Supervisor; 0 is any."""


HERE = Addresses("127.0.0.1", INGRESS, "127.0.0.9", "127.0.0.1")
IN_CONTAINER = Addresses("172.30.33.7", real.INGRESS, "172.30.33.9", real.INGRESS, 80)
ADDRESSES = IN_CONTAINER if IMAGE else HERE
BROKER = "core-mosquitto" if IMAGE else "127.0.0.1"


@dataclass
class App:
    """The folders that an app has, and the Supervisor who starts it."""

    home: Home
    supervisor: Supervisor

    @property
    def address(self) -> str:
        """Its page, for who is in its network."""
        return f"http://{ADDRESSES.app}:{self.home.port}/"

    @property
    def config(self) -> Path:
        return self.home.stage.folder / "app_config" / "config.toml"

    @property
    def options(self) -> Path:
        return self.home.stage.folder / "data" / "options.json"

    def make(self, **options: object) -> None:
        for folder in (self.config.parent, self.options.parent):
            folder.mkdir()
        self.options.write_text(json.dumps({"log_level": "info", **options}), encoding="utf-8")

    async def start(self, *, pages: int = 1) -> Program:
        """As the Supervisor does, until the page listens."""
        environ = {**environment(self.home), "SUPERVISOR_TOKEN": self.supervisor.token}
        words = self._container(environ) if IMAGE else self._process(environ)
        process = self.home.stage.start_program(words, environ=environ)
        await self.home.listens(process, times=pages)
        return process

    def _process(self, environ: dict[str, str]) -> list[str]:
        """As the image does; what is a container's own comes from the environment."""
        environ |= self.supervisor.environ
        environ["PRESENCE_STATE_DIR"] = str(self.options.parent)
        environ["PRESENCE_CONFIG"] = str(self.config)
        environ["PRESENCE_WEB__TRUSTED_PROXIES"] = f'["{INGRESS}"]'
        return self.home.stage.python("bridge", "app")

    def _container(self, environ: dict[str, str]) -> list[str]:
        """With what the Supervisor mounts; secrets stand in no command line."""
        for name in ("PRESENCE_STATE_DIR", "PRESENCE_WEB__PORT"):
            del environ[name]  # the image and the app know them
        authority = self.home.stage.microsoft.ca_file
        mounts = {self.options.parent: "/data", self.config.parent: "/config", authority: authority}
        words = ["docker", "run", "--rm", f"--stop-timeout={APP['timeout']}"]
        words += [f"--label={os.environ['APP_LABEL']}"]
        words += [f"--network=container:{os.environ['APP_NETWORK']}"]
        words += [f"--volume={folder}:{place}" for folder, place in mounts.items()]
        words += [f"--env={name}" for name in environ]
        return [*words, "--security-opt=seccomp=unconfined", "--tmpfs=/dev/shm", str(IMAGE)]

    async def open(self) -> Page:
        return await opened(self.home.chrome, self.supervisor.page, ignore_https_errors=True)

    def on_another_machine(self) -> None:
        """Leave nothing but what the Supervisor puts into a backup, in new folders."""
        for folder in (self.options.parent, self.config.parent):
            old = folder.rename(folder.with_name(f"{folder.name}.old"))
            shutil.copytree(old, folder, ignore=_left_out)


def _left_out(folder: str, names: list[str]) -> list[str]:
    """Each pattern is for the whole path, from its end."""
    paths = {name: PurePath(folder, name) for name in names}
    return [
        name
        for name, path in paths.items()
        if any(path.match(each) for each in APP["backup_exclude"])
    ]


def stand_in(home: Home, mqtt: Mapping[str, object] | None) -> Supervisor:
    """A Supervisor before the app of ``home``."""
    if IMAGE:
        home.port = PAGE_PORT
    return Supervisor(
        f"http://{ADDRESSES.app}:{home.port}/",
        mqtt=mqtt,
        source=ADDRESSES.ingress,
        host=ADDRESSES.supervisor,
        port=ADDRESSES.port,
    )
