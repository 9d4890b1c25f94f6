import sys
from importlib.metadata import EntryPoint

import pytest

from bridge.contract.errors import ConfigError
from drivers.console import KIND
from drivers.registry import EXTRAS, GROUP, find, installed

CONSOLE = EntryPoint("console", "drivers.console:KIND", GROUP)
OURS = ("console", "gpio", "hue", "mqtt", "serial", "usb")


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


def test_a_kind_that_is_not_installed_is_told_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match=r"kind 'hue2' is not installed; known: .*console.*hue"):
        find("hue2")


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("hue", r"pip install 'presence-bridge\[hue\]'"),
        ("theirs", "install what its package needs"),
    ],
)
def test_a_kind_without_its_library_is_told_with_the_cure(name: str, cure: str) -> None:
    point = EntryPoint(name, "a_module_that_is_nowhere:KIND", GROUP)
    with pytest.raises(ConfigError, match=rf"kind '{name}' cannot be loaded: .*nowhere.*{cure}"):
        find(name, [point])


@pytest.mark.parametrize("value", ["drivers.console:BLOCK", "drivers.console:KIND"])
def test_what_is_no_kind_of_that_name_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match=f"{value} is no kind of that name"):
        find("other", [EntryPoint("other", value, GROUP)])


@pytest.mark.parametrize("value", ["drivers.console:MISSING", "drivers.console"])
def test_an_entry_point_that_points_nowhere_is_a_line_and_no_traceback(value: str) -> None:
    with pytest.raises(ConfigError, match="kind 'other'"):
        find("other", [EntryPoint("other", value, GROUP)])
