"""Each page opens with who it is for and with three commands."""

import re
from itertools import takewhile
from pathlib import Path

from tests.e2e.page_commands import blocks
from tests.fakes.rows import rows

DOCS = Path(__file__).parents[2] / "docs"
OTHERS = {"architecture.md", "docker.md"}
"""They open with a picture of the code, and with the first start."""
PAGES = {str(page.relative_to(DOCS)): page for page in sorted(DOCS.rglob("*.md"))}
OPENING = 16


@rows("name", sorted(PAGES.keys() - OTHERS))
def test_a_page_opens_with_its_reader_and_three_commands(name: str) -> None:
    lines = PAGES[name].read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# ")
    assert re.match(r"For \S", lines[2])
    before_the_next = [lines[0], *takewhile(lambda line: not line.startswith("#"), lines[1:])]
    shell = next(blocks("\n".join(before_the_next[:OPENING]) + "\n"))
    assert len(shell.splitlines()) == 3
