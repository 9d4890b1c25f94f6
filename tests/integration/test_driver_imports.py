"""What a fresh interpreter loads: a lamp on a small computer pays for nothing of Microsoft's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from drivers.registry import installed

MICROSOFT = {"msal", "aiohttp", "requests", "cryptography"}
LIBRARIES = {
    "hue": {"phue"},
    "gpio": {"gpiozero", "lgpio"},
    "lifx": {"lifx"},
    "pixels": {"pi5neo", "spidev"},
    "serial": {"serial"},
    "usb": {"busylight_core", "hid", "usb"},
    "wiz": {"pywizlight"},
    "yeelight": {"yeelight"},
}
LIGHTS = set().union(*LIBRARIES.values())
DEMO = {"amqtt"}
TESTS = {"pytest", "drivers.testing"}
TELL = """
import sys
modules = set(sys.modules)
def below(model):
    for each in model.__subclasses__():
        yield each
        yield from below(each)
def is_ours(model):
    return model.__module__.startswith(("bridge.", "drivers."))
base = sys.modules["pydantic"].BaseModel if "pydantic" in modules else type("None", (), {})
built = [each.__qualname__ for each in below(base) if is_ours(each) and each.__pydantic_complete__]
print("\\n" + " ".join(modules) + "\\n" + " ".join(built), file=sys.stderr)
"""
BUILT = {"LightState", "Look"}
"""The models of ours that a driver may have built its validators of, when it is loaded."""
CONFIG = '[drivers.desk]\nkind = "console"\nfollow = ["alice"]\n'


def loaded(program: str, *, folder: Path | None = None) -> set[str]:
    """The modules in memory after ``program`` in an interpreter of its own."""
    return loaded_and_built(program, folder=folder)[0]


def loaded_and_built(program: str, *, folder: Path | None = None) -> tuple[set[str], set[str]]:
    """As ``loaded``, and those models of ours that have their validators."""
    modules, built = said(f"{program}\n{TELL}", folder)[-3:-1]
    return set(modules.split()), set(built.split())


def loaded_and_built_by_forks(
    first: str, programs: Mapping[str, str]
) -> dict[str, tuple[set[str], set[str]]]:
    """As ``loaded_and_built``, of each of ``programs`` after ``first``; all in one interpreter."""
    forked = (
        f"import os, sys\n{first}\n"
        f"for program in {list(programs.values())!r}:\n"
        f"    if not os.fork():\n"
        f"        exec(program + {TELL!r})\n"
        f"        os._exit(0)\n"
        f"    assert not os.wait()[1], program\n"
    )
    _, *lines = said(forked)
    three = zip(programs, lines[::3], lines[1::3], strict=False)
    return {name: (set(modules.split()), set(built.split())) for name, modules, built in three}


def said(program: str, folder: Path | None = None) -> list[str]:
    """The lines of its errors."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=folder,
    )
    return done.stderr.split("\n")


def command(package: str, *words: str) -> str:
    return (
        f"from {package}.cli import main\n"
        f"try:\n    main({list(words)})\n"
        "except SystemExit as end:\n    assert not end.code, end.code"
    )


@pytest.mark.parametrize(
    "program",
    [
        "import drivers.cli",
        "import drivers.runtime.runner",
        command("drivers", "--help"),
        command("drivers", "--version"),
        command("drivers", "list"),
        command("drivers", "preview", "desk", "--presence", "busy"),
    ],
)
def test_a_driver_loads_neither_microsofts_libraries_nor_those_of_lights(
    program: str, tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")
    modules = loaded(program, folder=tmp_path)
    assert "drivers.cli" in modules or "drivers.runtime.runner" in modules
    assert not modules & (MICROSOFT | LIGHTS | DEMO | TESTS)
    assert not [name for name in modules if name.startswith("bridge.microsoft")]


def test_a_driver_is_loaded_without_looking_for_garbage_among_what_lives_for_good() -> None:
    loaded("import drivers.__main__, gc\nassert gc.get_freeze_count() and gc.isenabled()")


def test_a_kind_loads_no_other_kind_and_no_library_but_its_own_and_builds_no_validator() -> None:
    """Each in a fork of an interpreter that has loaded nothing but the list of kinds."""
    points = installed()
    found = loaded_and_built_by_forks(
        "from drivers.registry import find", {kind: f"find({kind!r})" for kind in points}
    )
    assert set(found) == set(points)
    for kind, (modules, built) in found.items():
        assert points[kind].module in modules, kind
        others = {point.module for name, point in points.items() if name != kind}
        unwanted = others | MICROSOFT | DEMO | LIGHTS - LIBRARIES.get(kind, set())
        assert (kind, modules & unwanted) == (kind, set())
        assert (kind, built - BUILT) == (kind, set())


@pytest.mark.parametrize(
    "program",
    ["import bridge.cli", command("bridge", "--help"), command("bridge", "init")],
)
def test_the_light_commands_of_the_bridge_load_no_heavy_library(
    program: str, tmp_path: Path
) -> None:
    modules = loaded(program, folder=tmp_path)
    assert "bridge.cli" in modules
    assert not modules & (MICROSOFT | LIGHTS | DEMO | {"paho"})


def test_the_bridge_itself_loads_no_light_no_demo_and_no_driver() -> None:
    modules = loaded("import bridge.app, bridge.doctor, bridge.commands.accounts")
    assert modules >= {"aiohttp", "paho"}
    assert not modules & (LIGHTS | DEMO)
    assert not [name for name in modules if name.split(".")[0] == "drivers"]


def test_the_service_loads_nothing_that_only_a_set_up_needs() -> None:
    modules = loaded("import bridge.app, bridge.service.page")
    assert "bridge.web.site" in modules
    assert not [name for name in modules if name.startswith("bridge.setup")]


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("import bridge.app, bridge.service.page, bridge.commands.accounts", set()),
        ("import drivers.cli, drivers.runtime.runner, drivers.commands.preview", BUILT),
    ],
)
def test_no_validator_is_built_before_something_is_read_with_it(
    program: str, expected: set[str]
) -> None:
    assert loaded_and_built(program)[1] <= expected
