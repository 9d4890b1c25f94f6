"""Each command of each page runs, or it stands here why it does not run in a test.

Those that run do so one after another in a folder that is set up: beside the service, Mosquitto and
the simulated Microsoft, with Alice signed in and a lamp for each name that the pages use.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

import bridge.cli
import drivers.cli
from bridge.broker import visit
from bridge.config.command_line import OK
from bridge.config.tables.shared import MqttSettings
from bridge.contract.wire import Message
from tests.e2e.conftest import Stage
from tests.e2e.page_commands import blocks, commands, named

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
PAGES = {
    str(page.relative_to(ROOT)): page.read_text(encoding="utf-8")
    for page in (
        *(ROOT / name for name in ("CONTRIBUTING.md", "home-assistant/app/DOCS.md")),
        *sorted((ROOT / "docs").rglob("*.md")),
    )
}
"""All but README.md, whose commands ``test_readme.py`` runs in a clean clone."""
PROGRAMS = Path(sys.executable).parent
DEADLINE_S = 60.0
LAMPS = "".join(
    f'[drivers.{name}]\nkind = "console"\nfollow = ["alice", "bob"]\n' for name in ("desk", "door")
)


@dataclass(frozen=True)
class Run:
    """A command that ends well; ``also`` are words for the trial alone."""

    says: str = ""
    also: str = ""


class Serves:
    """A command that goes on; it shows something, and is stopped."""


NOT_RUN: Mapping[str, str] = {
    r"^presence-bridge run$": "goes on: tests/e2e/test_main_path.py",
    r"^curl\b": "needs the page: tests/integration/web/test_pages.py",
    r"^docker\b|^echo COMPOSE_PROFILES": "needs a container engine",
    r"^git\b": "needs a remote repository",
    r"^(sudo|apt-get|useradd|chown|install|runuser|as_bridge|as_lamp)\b": "needs root",
    r"^(systemctl|systemd-creds|journalctl)\b": "needs systemd",
    r"\bpip install\b|^python3 -m venv\b": "needs the package registry",
    r"^avrdude\b": "needs a board",
    r"^scripts/firmware\b": "needs a compiler: tests/integration/test_firmware.py",
    r"^presence-driver (test |preview )?(flag|hall|monitor|porch|strip)$": (
        "needs a lamp of its kind: tests/contract/test_every_kind.py"
    ),
    r"^presence-driver (find|add)\b": "needs lamps: tests/integration/test_lan_lamps.py",
    r"esphome|^cp secrets\.yaml": "needs ESPHome: scripts/lint-packaging",
    r"^(mkdir|cp|tar|test|mv|rm)\b": "is for an installation: tests/updates/test_with_pip.py",
    r"^presence-driver pair\b": "needs a hub: tests/integration/test_hue.py",
    r"^presence-bridge login \w+ --browser": "needs a browser: tests/e2e/test_browser_sign_in.py",
    r"^mosquitto_passwd\b": "asks for a password: presence-bridge init writes the same file",
    r"^scripts/(test|check|lint-packaging)\b": "is what runs this",
    r"^scripts/(world|bench|build|images|update-trial)\b": "takes minutes",
    r"^scripts/(homeassistant|screenshots)\b": "takes minutes",
    r"^python -m bench": "takes minutes",
    r"^scripts/(docs|rooms|drawings|portal)\b": "writes here: its own test draws elsewhere",
    r"^scripts/demo\b": "goes on: tests/e2e/test_readme.py",
    r"^scripts/app\b": "wants a folder: tests/integration/test_app_folder.py",
    r"^scripts/lock\b": "needs the package registry",
}
RUNS: Mapping[str, Run | Serves] = {
    r"^presence-bridge doctor$": Run("ok   alice: "),
    r"^presence-bridge accounts$": Run("alice"),
    r"^presence-bridge login alice$": Run("alice is signed in."),
    r"^\S*presence-bridge init\b": Run("config.toml"),
    r"^presence-bridge reload$": Run("Done."),
    r"^presence-bridge consent-url": Run("/adminconsent?client_id="),
    r"^presence-bridge certificate create$": Run("secrets/app.pem"),
    r"^presence-bridge logout alice$": Run("alice"),
    r"^presence-driver list$": Run("console"),
    r"^presence-driver test \w+": Run("in_a_call", also="--seconds 0.01"),
    r"^presence-driver preview\b": Run("because: "),
    r"^presence-driver forget\b": Run("removed from the broker:"),
    r"^presence-driver desk$": Serves(),
    r"^\(?umask\b|^openssl\b": Run(),
    r"^python -m serial\.tools\.list_ports\b": Run("ports found"),
    r"^mosquitto_pub\b": Run(also="-p {port}"),
    r"^mosquitto_sub\b": Run(also="-p {port} -t '#' -C 1 -W 20"),
}


def first(table: Mapping[str, T], command: str) -> T | None:
    return next((how for pattern, how in table.items() if re.search(pattern, command)), None)


def typed(page: str) -> list[str]:
    return [command for block in blocks(PAGES[page]) for command in commands(block)]


def to_run() -> dict[str, Run | Serves]:
    """What runs, and how, each once; who signs out does so last."""
    wanted = dict.fromkeys(command for page in PAGES for command in typed(page))
    runs = {c: how for c in wanted if not first(NOT_RUN, c) and (how := first(RUNS, c))}
    return dict(sorted(runs.items(), key=lambda item: " logout " in item[0]))


@pytest.mark.parametrize("page", PAGES)
def test_each_command_has_a_verdict(page: str) -> None:
    unknown = [c for c in typed(page) if not (first(NOT_RUN, c) or first(RUNS, c))]
    assert unknown == [], "does it run in a test? Add a row to RUNS or NOT_RUN"


def test_each_test_that_a_reason_names_is_there() -> None:
    files = re.findall(r"tests/\S+\.py", " ".join(NOT_RUN.values()))
    assert [file for file in files if not (ROOT / file).is_file()] == []


def test_every_block_is_shell_that_can_be_read() -> None:
    text = "\n".join(block for page in PAGES.values() for block in blocks(page))
    read = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
    assert (read.returncode, read.stderr) == (0, "")


@pytest.mark.parametrize("page", [*PAGES, "README.md"])
def test_our_programs_know_what_a_page_calls_them_with(
    page: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for command in dict.fromkeys(named(text)):
        program, *words = re.sub(r"\s#\s.*|[|;&\"'$].*", "", command).split()
        main = bridge.cli.main if program == "presence-bridge" else drivers.cli.main
        plain = [word for word in words if not word.startswith("-")]
        is_nested = plain[:1] == ["certificate"]
        with pytest.raises(SystemExit) as ended:
            main([*plain[: 1 + is_nested], "--help"])
        known = capsys.readouterr().out
        assert ended.value.code == OK, command
        for option in (word for word in words if word.startswith("--")):
            assert f"{option} " in known or f"{option}\n" in known, command


async def start(stage: Stage, command: str) -> asyncio.subprocess.Process:
    here = command.replace("/opt/presence-bridge/bin/", "").replace("NAME", "desk")
    here = here.replace("YOUR-CLIENT-ID", stage.home.app.client_id)
    return await asyncio.create_subprocess_exec(
        "bash",
        *("-c", here.replace("/etc/presence-bridge", str(stage.folder / "etc"))),
        cwd=stage.folder,
        env={**os.environ, "HOME": str(stage.folder), "PATH": f"{PROGRAMS}:{os.environ['PATH']}"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def run(stage: Stage, command: str, how: Run) -> None:
    process = await start(stage, f"{command} {how.also.format(port=stage.broker.port)}".strip())
    async with asyncio.timeout(DEADLINE_S):
        out, _ = await process.communicate()
    said = out.decode()
    assert process.returncode == OK, f"{command}: {said}"
    assert "Traceback" not in said
    assert how.says in said, f"{command}: {said}"


async def serve(stage: Stage, command: str) -> None:
    process = await start(stage, f"exec {command}")
    assert process.stdout
    async with asyncio.timeout(DEADLINE_S):
        line = await process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        rest, _ = await process.communicate()
    assert line, command
    assert process.returncode == OK, (line + rest).decode()


@pytest.mark.long
async def test_the_others_run_as_they_stand_there(stage: Stage) -> None:
    stage.configure(LAMPS)
    (stage.folder / "secrets").mkdir(mode=0o700)
    for name in ("desk", "homeassistant"):
        secret = stage.folder / "secrets" / f"mqtt_{name}"
        secret.write_text("hunter2", encoding="utf-8")
        secret.chmod(0o600)
    stage.start("bridge", "run")
    await stage.mqtt.until_text("presence/account/alice/availability", "online")
    gone = [Message(f"presence/driver/{name}/light/state", b"{}") for name in ("desk", "hall")]
    await visit(MqttSettings(host="127.0.0.1", port=stage.broker.port), publish=gone)
    for command, how in to_run().items():
        if isinstance(how, Run):
            await run(stage, command, how)
        else:
            await serve(stage, command)
