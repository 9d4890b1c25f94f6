"""Every example of the docs for Home Assistant is loaded, and does what the docs say."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.homeassistant.blueprints import BLUEPRINTS, automation
from tests.homeassistant.household import Household

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
IMPORT = "https://my.home-assistant.io/redirect/blueprint_import/?blueprint_url="


def examples() -> dict[str, dict[str, Any]]:
    """The automations in the docs, by their alias."""
    found = {}
    for page in sorted(DOCS.rglob("*.md")):
        for block in BLOCK.findall(page.read_text(encoding="utf-8")):
            for one in _automations(block):
                found[one["alias"]] = one
    return found


def _automations(block: str) -> list[dict[str, Any]]:
    """Those in a block of YAML; none where it is about something else."""
    if "triggers:" not in block:
        return []
    read = yaml.safe_load(block)
    return list(read.get("automation", [read]))


async def _sign_on_air(home: Household) -> None:
    await home.call()
    await home.hass.until_state("light.door", "on")
    await home.hang_up()
    await home.hass.until_state("light.door", "off")


TRIGGERED: dict[str, Callable[[Household], Awaitable[None]]] = {"On air": _sign_on_air}


def test_each_example_has_its_trial() -> None:
    assert set(examples()) == set(TRIGGERED)


@pytest.mark.parametrize("alias", TRIGGERED)
async def test_an_example_does_what_the_docs_say(home: Household, alias: str) -> None:
    async with automation(home, "example", **{**examples()[alias], "alias": "example"}):
        await TRIGGERED[alias](home)


def test_every_blueprint_can_be_imported_from_the_docs() -> None:
    page = (DOCS / "home-assistant.md").read_text(encoding="utf-8")
    for file in BLUEPRINTS.glob("*.yaml"):
        assert f"{file.name}" in page
    assert page.count(IMPORT) == len(list(BLUEPRINTS.glob("*.yaml")))
