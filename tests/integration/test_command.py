"""The ``command`` kind with real programs: what they get, and that they always end."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.contract.errors import LightRefusedError, LightUnreachableError
from bridge.contract.light import Effect, LightState
from drivers import command
from drivers.base import Capability, Surroundings, Words
from drivers.command import CommandOptions
from drivers.runtime.abilities import Abilities
from drivers.testing import FakeBus, ManualClock

RED = LightState(color=(255, 0, 0), brightness=0.5, effect=Effect.PULSE, period_s=3)
SOON_S = 20.0
TELL = (
    "import json, os, sys\n"
    "open('told', 'w').write(json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]))\n"
)


def script(folder: Path, text: str) -> str:
    program = folder / "lamp"
    program.write_text(f"#!/bin/sh\ncd {folder}\n{text}\n", encoding="utf-8")
    program.chmod(0o755)
    return str(program)


@asynccontextmanager
async def opened(folder: Path, /, *words: str, **keys: Any) -> AsyncIterator[Any]:
    options = CommandOptions.model_validate({"command": words, **keys})
    around = Surroundings("flag", folder, ManualClock(), FakeBus())
    async with command.tailored(options).open(options, around) as light:
        yield light


def text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError:
        return ""


def is_dead(pid: int) -> bool:
    """One that nobody has reaped yet is dead too."""
    status = text_of(Path(f"/proc/{pid}/stat"))
    return not status or status.rpartition(")")[2].split()[0] == "Z"


async def there(file: Path) -> str:
    async with asyncio.timeout(SOON_S):
        while not text_of(file):  # noqa: ASYNC110 - another process writes
            await asyncio.sleep(0.01)
    return text_of(file)


async def gone(pid: int) -> None:
    async with asyncio.timeout(SOON_S):
        while not is_dead(pid):  # noqa: ASYNC110 - another process ends
            await asyncio.sleep(0.01)


async def test_it_gets_look_and_words_as_arguments_and_variables_and_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRESENCE_MQTT__PASSWORD", "hunter2")
    words = (sys.executable, "-c", TELL, "#{hex}", "{look}", "$HOME; rm -rf *", "{person}")
    async with opened(tmp_path, *words, folder=tmp_path, words={"alice": 'Al "ice" $(id)'}) as lamp:
        lamp.say(Words("alice", "in_a_call", "busy", "--help"))
        await lamp.apply(RED)
    arguments, variables, folder = json.loads(text_of(tmp_path / "told"))
    assert arguments == ["#800000", "help", "$HOME; rm -rf *", 'Al "ice" $(id)']
    assert folder == str(tmp_path)
    told = {name: value for name, value in variables.items() if name.startswith("LAMP_")}
    assert told["LAMP_LOOK"] == "--help"
    for name, value in {"STATE": "ON", "RED": "255", "R": "128", "PERCENT": "50"}.items():
        assert told[f"LAMP_{name}"] == value
    assert (told["LAMP_EFFECT"], told["LAMP_PERIOD"]) == ("pulse", "3")
    assert "hunter2" not in str(variables)


@pytest.mark.parametrize(
    ("text", "problem"),
    [("exit 3", "ended with 3"), ("kill -TERM $$", "was ended by signal 15")],
)
async def test_an_end_with_an_error_is_retried_and_its_words_are_not_ours(
    tmp_path: Path, text: str, problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    program = script(tmp_path, f"echo s3cret >&2\n{text}")
    async with opened(tmp_path, program, "s3cret {hex}") as lamp:
        with pytest.raises(LightUnreachableError) as error:
            await lamp.apply(RED)
    assert str(error.value) == f"{program} {problem}"
    assert "s3cret" not in caplog.text


async def test_what_cannot_be_started_is_for_a_person(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    for words, keys in (
        (["/nowhere/lamp"], {}),
        ([str(plain)], {}),
        (["/bin/true"], {"folder": "/nowhere"}),
    ):
        async with opened(tmp_path, *words, **keys) as lamp:
            with pytest.raises(LightRefusedError, match=r"cannot be run: .*executable"):
                await lamp.apply(RED)


async def test_a_program_that_hangs_is_killed_with_what_it_started_and_a_new_look_comes(
    tmp_path: Path,
) -> None:
    program = script(
        tmp_path,
        '[ "$1" = 00ff00 ] && { echo green >shown; exit; }\n'
        "trap '' TERM\nsleep 600 &\necho $! >child\necho $$ >parent\nsleep 600",
    )
    async with opened(tmp_path, program, "{hex}") as lamp:
        abilities = Abilities(lamp, replace(command.KIND, deadline_s=SOON_S))
        hanging = asyncio.ensure_future(abilities.answered(lamp.apply(RED)))
        child, parent = [int(await there(tmp_path / name)) for name in ("child", "parent")]
        hanging.cancel()
        await asyncio.wait({hanging})
        await lamp.apply(LightState(color=(0, 255, 0)))
        assert text_of(tmp_path / "shown") == "green\n"
        await gone(child)
        await gone(parent)


async def test_it_is_killed_when_the_light_is_closed(tmp_path: Path) -> None:
    program = script(tmp_path, "echo $$ >parent\nsleep 600")
    async with opened(tmp_path, program) as lamp:
        hanging = asyncio.ensure_future(lamp.apply(RED))
        pid = int(await there(tmp_path / "parent"))
    await gone(pid)
    await asyncio.wait({hanging})
    assert isinstance(hanging.exception(), LightUnreachableError)


async def test_what_it_leaves_in_the_background_ends_with_it(tmp_path: Path) -> None:
    program = script(tmp_path, "(sleep 600; echo late >shown) &\necho $! >child")
    async with opened(tmp_path, program) as lamp:
        await lamp.apply(RED)
        await gone(int(await there(tmp_path / "child")))
    assert not text_of(tmp_path / "shown")


async def test_a_run_that_was_given_up_before_it_began_never_does(tmp_path: Path) -> None:
    program = script(tmp_path, 'echo "$1" >>shown')
    runs = command.Program(None, os.environ)
    turn = runs.turn
    runs.kill()
    runs.run(turn, [program, "old"], {})
    runs.run(runs.turn, [program, "new"], {})
    assert text_of(tmp_path / "shown") == "new\n"


@pytest.mark.parametrize(
    ("words", "capability"),
    [
        (["relay", "{state}"], Capability.ON_OFF),
        (["dim", "{percent}"], Capability.WHITE),
        (["sign", "{look}"], Capability.COLOR),
        (["all-by-variables"], Capability.COLOR),
    ],
)
def test_it_can_do_what_its_gaps_say_and_is_never_animated(
    words: list[str], capability: Capability
) -> None:
    kind = command.tailored(CommandOptions(command=tuple(words), timeout=9))
    assert (kind.capability, kind.deadline_s) == (capability, 9)
    assert kind.effects == set(Effect)


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"command": []}, "at least 1"),
        ({"command": ["{hex}"]}, "without placeholders"),
        ({"command": ["lamp", "{hax}"]}, "did you mean hex"),
        ({"command": ["lamp", "a\0b"]}, "no argument can have"),
        ({"command": "lamp {hex}"}, "tuple"),
    ],
)
def test_what_cannot_be_run_is_refused_at_the_start(keys: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        CommandOptions.model_validate(keys)
