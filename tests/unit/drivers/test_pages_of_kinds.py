"""Pages of lamps without a drawing: their tables can be written, and they say what may fail."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from bridge.config.loader import check
from drivers.registry import find, installed
from drivers.settings import read

DOCS = Path(__file__).parents[3] / "docs"
KINDS = ("command", "http", "virtual", "wled")


def page(kind: str) -> str:
    return (DOCS / "lights" / f"{kind}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_says_how_to_set_it_up_and_what_may_fail(kind: str) -> None:
    text = page(kind)
    assert f'kind = "{kind}"' in text
    assert "presence-driver test" in text
    assert re.search(r"(?m)^\| what you see \| why \| remedy \|$", text)
    assert re.search(r"not\s+tried", text.rpartition("|\n")[2])
    listed = (DOCS / "lights.md").read_text(encoding="utf-8")
    assert f"| `{kind}` |" in listed
    assert f"(lights/{kind}.md)" in listed


@pytest.mark.parametrize("file", [*(f"lights/{kind}.md" for kind in (*KINDS, "mqtt")), "lights.md"])
def test_each_table_of_a_page_is_one_that_a_driver_takes(file: str) -> None:
    text = (DOCS / file).read_text(encoding="utf-8")
    seen = 0
    for block in re.findall(r"(?ms)^```toml\n(.*?)^```", text):
        tables = tomllib.loads(block).get("drivers", {})
        for name, table in tables.items():
            if "kind" in table:
                config = check({"drivers": {name: table}}, folder=Path("/nowhere"), environ={})
                read(config, name, find(table["kind"]).options)
                seen += 1
    assert seen


def test_the_table_of_what_was_tried_names_each_kind_and_what_was_not() -> None:
    table = (DOCS / "lights.md").read_text(encoding="utf-8").partition("## What was tried")[2]
    rows = re.findall(r"(?m)^\| \[`(\w+)`\]\([^)]+\) \| [^|]+ \| [^|]+ \|$", table)
    ours = {name for name, point in installed().items() if point.module.startswith("drivers.")}
    assert set(rows) == ours
    assert rows == sorted(rows)
