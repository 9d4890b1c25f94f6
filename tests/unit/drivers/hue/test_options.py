import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from drivers.hue import KIND
from drivers.hue.options import HueOptions
from tests.fakes.rows import rows


@pytest.mark.parametrize(
    "hub", ["192.0.2.7", "hub.lan", "192.0.2.7:8443", "[fe80::1]", "[fe80::1]:8443"]
)
def test_an_address_may_have_a_port(hub: str) -> None:
    assert HueOptions(hub=hub, light="Desk").hub == hub


@rows(
    "hub",
    ["", " ", ":80", "http://192.0.2.7", "192.0.2.7/", "hub:0", "hub:99999", "hub:x", "fe80::1"],
)
def test_what_is_no_address_is_refused(hub: str) -> None:
    with pytest.raises(ValidationError, match="write an address"):
        HueOptions(hub=hub, light="Desk")


@pytest.mark.parametrize("choice", [{}, {"light": "Desk", "group": "Office"}])
def test_it_is_either_a_light_or_a_group(choice: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="needs either"):
        HueOptions(hub="192.0.2.7", **choice)


@pytest.mark.parametrize(("choice", "wanted"), [({"light": 3}, 3), ({"group": "Office"}, "Office")])
def test_it_is_named_or_numbered(choice: dict[str, Any], wanted: int | str) -> None:
    assert HueOptions(hub="192.0.2.7", **choice).wanted == wanted


def test_all_lights_are_group_0() -> None:
    assert HueOptions(hub="192.0.2.7", group=0).wanted == 0


def test_the_example_in_the_docs_is_right() -> None:
    page = (Path(__file__).parents[4] / "docs" / "lights" / "hue.md").read_text(encoding="utf-8")
    example = page.partition("```toml\n")[2].partition("```")[0]
    table = tomllib.loads(example)["drivers"]["desk"]
    assert table.pop("kind") == KIND.name
    assert HueOptions(**table).wanted == "Desk"


def test_the_kind_is_called_hue_and_can_be_paired() -> None:
    assert KIND.name == "hue"
    assert KIND.pair is not None
