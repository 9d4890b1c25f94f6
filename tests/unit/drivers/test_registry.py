import sys
from importlib.metadata import EntryPoint, distributions
from pathlib import Path

import pytest

from bridge.config.installation import Installation
from bridge.contract.errors import ConfigError
from drivers.console import KIND
from drivers.registry import EXTRAS, GROUP, find, installed, listing

CONSOLE = EntryPoint("console", "drivers.console:KIND", GROUP)
IN_A_VENV = Installation(
    "/venv/bin/python",
    requires=(
        "phue==1.1; extra == 'hue'",
        "gpiozero>=2; extra == 'gpio'",
        "lgpio>=0.2; python_version < '3.13' and extra == 'gpio'",
    ),
    version=(3, 12),
)
OURS = (
    "command",
    "console",
    "gpio",
    "http",
    "hue",
    "lifx",
    "mqtt",
    "pixels",
    "serial",
    "usb",
    "virtual",
    "wiz",
    "wled",
    "yeelight",
)


def test_the_kinds_that_ship_are_installed_in_alphabetical_order() -> None:
    assert tuple(installed()) == OURS


def test_every_extra_is_for_a_kind_that_ships() -> None:
    assert set(EXTRAS) <= set(OURS)


def test_listing_imports_nothing() -> None:
    away = EntryPoint("away", "a_module_that_is_nowhere:KIND", GROUP)
    assert installed([CONSOLE, away]) == {"away": away, "console": CONSOLE}
    assert "a_module_that_is_nowhere" not in sys.modules


def test_a_kind_is_found_by_its_name() -> None:
    assert find("console", [CONSOLE]) is KIND


def test_a_kind_that_is_not_installed_is_reported_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match=r"kind 'hue2' is not installed; known: .*console.*hue"):
        find("hue2")


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("hue", r"Run: /venv/bin/python -m pip install 'presence-bridge\[hue\]'"),
        ("theirs", r"Install what its package needs\."),
    ],
)
def test_a_kind_without_its_library_is_reported_with_the_cure(name: str, cure: str) -> None:
    point = EntryPoint(name, "a_module_that_is_nowhere:KIND", GROUP)
    with pytest.raises(ConfigError, match=rf"kind '{name}' cannot be loaded: .*nowhere.*{cure}"):
        find(name, [point], lambda: IN_A_VENV)


def test_the_list_says_of_each_kind_what_it_needs_and_what_it_lacks() -> None:
    points = [EntryPoint(name, "nowhere:KIND", GROUP) for name in ("hue", "console", "gpio")]
    lines = list(listing(points, IN_A_VENV, lambda library: library in ("phue", "gpiozero")))
    assert lines == [
        "console  ready, needs no library",
        "gpio     lacks lgpio. Run: /venv/bin/python -m pip install 'presence-bridge[gpio]'",
        "hue      ready, with phue",
    ]


def test_the_list_names_the_package_of_a_kind_of_somebody_else(tmp_path: Path) -> None:
    info = tmp_path / "their_lamp-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-lamp\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text("[presence.drivers]\nneon = neon:KIND\n")
    theirs = next(iter(distributions(path=[str(tmp_path)]))).entry_points
    assert list(listing(theirs, IN_A_VENV)) == ["neon  installed, from their-lamp 1.2"]


@pytest.mark.parametrize("value", ["drivers.console:BLOCK", "drivers.console:KIND"])
def test_what_is_no_kind_of_that_name_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match=f"{value} is no kind of that name"):
        find("other", [EntryPoint("other", value, GROUP)])


@pytest.mark.parametrize("value", ["drivers.console:MISSING", "drivers.console"])
def test_an_entry_point_that_points_nowhere_is_a_line_and_no_traceback(value: str) -> None:
    with pytest.raises(ConfigError, match="kind 'other'"):
        find("other", [EntryPoint("other", value, GROUP)])
