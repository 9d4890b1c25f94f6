"""Blueprints and dashboards as files: what can be seen without Home Assistant.

``scripts/homeassistant`` tries them in a real one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
import yaml

from bridge import REPOSITORY, SUPPORT_URL

ROOT = Path(__file__).parents[2]
BLUEPRINTS = sorted((ROOT / "home-assistant/blueprints").rglob("*.yaml"))
DASHBOARDS = sorted((ROOT / "home-assistant/dashboards").glob("*.yaml"))
DOCS = ROOT / "docs/home-assistant.md"
OURS = re.compile(r"github(?:usercontent)?\.com/([\w.-]+/presence-bridge)\b")
each_blueprint = pytest.mark.parametrize("file", BLUEPRINTS, ids=lambda file: file.stem)


class Loader(yaml.SafeLoader):
    """Reads YAML as Home Assistant does."""


class Input(str):
    """The name after ``!input``."""

    __slots__ = ()


Loader.add_constructor("!input", lambda loader, node: Input(loader.construct_scalar(node)))  # type: ignore[arg-type]


def read(file: Path) -> dict[str, Any]:
    """The YAML in ``file``."""
    loaded: dict[str, Any] = yaml.load(file.read_text(encoding="utf-8"), Loader)
    return loaded


def inputs(declared: dict[str, Any]) -> Iterator[str]:
    """The names of the inputs, also those in sections."""
    for name, one in declared.items():
        if "input" in one:
            yield from inputs(one["input"])
        else:
            assert one.get("name"), name
            assert one.get("selector"), name
            yield name


def used(value: Any) -> Iterator[str]:
    """The inputs that ``value`` uses."""
    match value:
        case Input():
            yield str(value)
        case dict():
            for one in value.values():
                yield from used(one)
        case list():
            for one in value:
                yield from used(one)


def raw(file: Path) -> str:
    """The address from which ``file`` is imported."""
    repository = REPOSITORY.replace("//github.com/", "//raw.githubusercontent.com/")
    return f"{repository}/main/{file.relative_to(ROOT).as_posix()}"


def test_all_are_there() -> None:
    assert [file.stem for file in BLUEPRINTS] == [
        "light_in_a_call",
        "mirror_a_lamp",
        "pause_music_in_a_call",
        "quiet_at_night",
        "sign_in_needed",
    ]
    assert [file.stem for file in DASHBOARDS] == ["person", "team"]


@each_blueprint
def test_a_blueprint_says_what_it_is_and_where_it_comes_from(file: Path) -> None:
    about = read(file)["blueprint"]
    assert about["domain"] == "automation"
    assert about["source_url"] == raw(file)
    assert about["homeassistant"]["min_version"] == "2025.10.0"
    assert about["description"].strip()


@each_blueprint
def test_each_input_is_used_and_each_used_one_is_declared(file: Path) -> None:
    whole = read(file)
    about = whole.pop("blueprint")
    declared = list(inputs(about["input"]))
    assert len(declared) == len(set(declared))
    assert set(declared) == set(used(whole))


@each_blueprint
def test_the_docs_have_a_link_that_imports_it(file: Path) -> None:
    redirect = "https://my.home-assistant.io/redirect/blueprint_import/?blueprint_url="
    assert f"]({redirect}{quote(raw(file), safe='')})" in DOCS.read_text(encoding="utf-8")


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_a_dashboard_uses_cards_of_home_assistant_alone(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert "custom:" not in text
    assert all(view["title"] for view in yaml.safe_load(text)["views"])
    assert file.name in DOCS.read_text(encoding="utf-8")


def test_every_file_names_one_repository_and_support_is_a_page_of_it() -> None:
    path = SUPPORT_URL.removeprefix(f"{REPOSITORY}/blob/main/")
    assert (ROOT / path).is_file()
    assert f"<{REPOSITORY}/issues>" in (ROOT / path).read_text(encoding="utf-8")
    owner = REPOSITORY.removeprefix("https://github.com/")
    shipped = [ROOT / "pyproject.toml", ROOT / "README.md"]
    for folder, kinds in {"docs": ("*.md",), "home-assistant": ("*.md", "*.yaml")}.items():
        shipped += [file for kind in kinds for file in (ROOT / folder).rglob(kind)]
    named = {
        (file.relative_to(ROOT).as_posix(), found)
        for file in shipped
        for found in OURS.findall(unquote(file.read_text(encoding="utf-8")))
    }
    assert len(named) >= len(BLUEPRINTS)
    assert {found for _, found in named} == {owner}, named
