"""The lines of docs/updating.md with docker compose, from a clone of the last release."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import aiomqtt

from bridge.commands.first_start import own_address
from tests.fakes.subscriber import subscriber
from tests.updates.home import LAMP, Alice, alice, entities
from tests.updates.releases import ROOT, git, lines_of

MICROSOFT, PROJECT = "microsoft.test", "presence-bridge"
OVERRIDE = """\
services:
  bridge:
    extra_hosts: ["MICROSOFT"]
    volumes: ["./ca.pem:/config/ca.pem:ro"]
  driver-hall:
    extends: {file: docker-compose.yml, service: driver}
    command: [hall]
    environment: {PRESENCE_MQTT__USERNAME: hall}
    volumes: ["./secrets/mqtt_hall:/run/secrets/mqtt:ro"]
"""
SHELL = """\
docker() { if [ "$1" = compose ]; then shift; docker-compose "$@"; else command docker "$@"; fi; }
sudo() { "$@"; }
"""
"""Where compose is a program of its own, and there is nobody but root."""


@dataclass(frozen=True)
class Clone:
    """A clone of somebody who updates."""

    folder: Path
    offline: bool

    def run(self, *lines: str) -> str:
        """Run ``lines`` as they stand on the page; what they say."""
        script = "".join(f"{line}\n" for line in lines)
        if self.offline:
            script = script.replace("build --pull", "build")
        has_compose = subprocess.run(
            ["docker", "compose", "version"], check=False, capture_output=True
        )
        shim = SHELL if has_compose.returncode else SHELL.partition("\n")[2]
        done = subprocess.run(
            ["bash", "-euc", shim + script],
            cwd=self.folder,
            env=os.environ | {"COMPOSE_PROJECT_NAME": PROJECT},
            capture_output=True,
            text=True,
            check=False,
            timeout=1800,
        )
        print(f"$ {script}{done.stdout[-3000:]}", flush=True)  # noqa: T201 - what a person would see
        assert done.returncode == 0, done.stderr[-6000:]
        return done.stdout

    def secret(self) -> str:
        """Home Assistant's, in either layout."""
        found = (self.folder / name / "mqtt_homeassistant" for name in ("data/secrets", "secrets"))
        return next(it.read_text("utf-8").strip() for it in found if it.exists())

    async def shows(self, who: Alice) -> dict[str, str]:
        """Alice's changes, on the broker and on her lamp; the entities."""
        for _ in range(60):
            try:
                async with subscriber(
                    1883, username="homeassistant", password=self.secret()
                ) as mqtt:
                    await who.is_shown(mqtt)
                    return entities(mqtt)
            except (AssertionError, aiomqtt.MqttError) as error:  # the broker starts
                last = error
                await asyncio.sleep(1)
        raise AssertionError("it is not shown") from last

    def left(self) -> list[str]:
        """What of it still is in the engine."""
        label = f"label=com.docker.compose.project={PROJECT}"
        found: list[str] = []
        for words in (["ps", "-aq"], ["network", "ls", "-q"]):
            found += subprocess.check_output(
                ["docker", *words, "--filter", label], text=True
            ).split()
        return found


def upstream(folder: Path, base: str) -> Path:
    """A repository whose main is at ``base``."""
    git("clone", "--quiet", "--bare", ROOT, folder)
    git("update-ref", "refs/heads/main", base, folder=folder)
    git("symbolic-ref", "HEAD", "refs/heads/main", folder=folder)
    return folder


def publish(repository: Path, work: Path) -> None:
    """This commit, and after it one that changes what people had to edit in the last release."""
    git("clone", "--quiet", ROOT, work)
    for name in ("config.toml", "bridge/setup/shipped/config.toml", "mosquitto/mosquitto.conf"):
        file = work / name
        lines = file.read_text("utf-8").splitlines(keepends=True)
        where = next((n for n, it in enumerate(lines) if it.startswith("client_id")), 0)
        lines.insert(where, "# a line of the next release\n")
        file.write_text("".join(lines), encoding="utf-8")
    git("commit", "--quiet", "--all", "--message", "Next", folder=work)
    git("push", "--quiet", repository, "HEAD:refs/heads/main", folder=work)


def configure(clone: Path, who: Alice) -> None:
    """As the page of the last release does: in the file that git tracks."""
    config = clone / "config.toml"
    text = config.read_text("utf-8")
    for key in ("login_url", "graph_url"):
        value = who.given[f"microsoft.{key}"]
        text = re.sub(rf"(?m)^# {key} = .*$", f'{key} = "{value}"', text)
    text = text.replace('# ca_file = "" ', 'ca_file = "ca.pem" ')
    for name in ("desk", "hall"):
        text += LAMP.replace("desk", name)
    config.write_text(text, encoding="utf-8")
    override = OVERRIDE.replace("MICROSOFT", f"{MICROSOFT}:{own_address()}")
    (clone / "docker-compose.override.yml").write_text(override, encoding="utf-8")
    (clone / ".env").write_text("COMPOSE_PROFILES=driver\nTZ=Europe/Berlin\n", encoding="utf-8")
    shutil.copy(who.microsoft.ca_file, clone / "ca.pem")
    (clone / "ca.pem").chmod(0o644)


async def trial(folder: Path, base: str, *, offline: bool) -> None:
    """From ``base`` to this commit; all that a home has must last."""
    repository = upstream(folder / "upstream.git", base)
    first, second = (Clone(folder / name / "clone", offline) for name in ("first", "second"))
    git("clone", "--quiet", repository, first.folder)
    async with alice(folder, host="0.0.0.0", name=MICROSOFT) as who:
        configure(first.folder, who)
        ids = f"--tenant {who.home.tenant.domain} --client-id {who.home.app.client_id}"
        steps = asyncio.to_thread
        await steps(
            first.run,
            "docker compose build --pull",
            f"docker compose run --rm init {ids} --account alice --driver desk",
            "docker compose run --rm init --driver hall",
            "docker compose up -d",
        )
        try:
            before = await first.shows(who)
            asked = who.codes_asked()
            who.microsoft.auto_approve(None)
            publish(repository, folder / "next")
            await update(first)
            assert before.items() <= (await first.shows(who)).items()
            await restore(first, second, repository)
            assert before.items() <= (await second.shows(who)).items()
            await steps(second.run, "docker compose down")
            await go_back(first, base)
            assert before.items() <= (await first.shows(who)).items()
            assert who.codes_asked() == asked, "somebody had to sign in again"
        finally:
            await steps(first.run, "docker compose --profile driver down --volumes")
    assert first.left() == []
    print("Nothing was lost.")  # noqa: T201 - the command's answer


async def update(clone: Clone) -> None:
    once = lines_of("From 0.1.0, with docker compose")
    said = await asyncio.to_thread(clone.run, *once, *lines_of("Update"))
    for volume, state in (("state", "bridge"), ("lamp", "lamps"), ("broker", "broker")):
        assert f"copied  the volume {volume} -> data/state/{state}" in said
    assert git("status", "--porcelain", "--untracked-files=no", folder=clone.folder) == ""
    again = await asyncio.to_thread(clone.run, *lines_of("Update"))
    assert not re.search(r"(?m)^(moved|copied|changed|made|removed) ", again)


async def restore(first: Clone, second: Clone, repository: Path) -> None:
    await asyncio.to_thread(first.run, *lines_of("Backup"), "docker compose down")
    assert not await asyncio.to_thread(first.left)
    git("clone", "--quiet", repository, second.folder)
    for name in ("presence-backup.tgz", "ca.pem"):
        shutil.copy(first.folder / name, second.folder)
    (second.folder / "secrets").symlink_to("data/secrets")  # as the override file names it
    await asyncio.to_thread(second.run, *lines_of("Restore, on this or another machine"))


async def go_back(clone: Clone, base: str) -> None:
    stop, *rest = lines_of("Going back one release", after="Back to 0.1.0")
    await asyncio.to_thread(clone.run, stop, f"git checkout --quiet {base}", *rest)
