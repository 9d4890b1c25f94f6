"""The drawings of the portal are those that the code draws, and its page shows each of them."""

import subprocess
import sys
from pathlib import Path

from bridge.web.set_up.pages import APP_NAME, REDIRECT

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "pictures"


def test_they_are_drawn_and_shown_where_the_registration_is_explained(tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "scripts" / "portal", tmp_path], check=True, timeout=60)
    drawn = {file.name: file.read_text(encoding="utf-8") for file in tmp_path.iterdir()}
    there = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.glob("portal-*.svg")}
    assert drawn == there, "run scripts/portal"
    page = (ROOT / "docs" / "app-registration.md").read_text(encoding="utf-8")
    assert [name for name in drawn if f"](pictures/{name})" not in page] == []


def test_the_redirect_is_named_on_both_pages() -> None:
    for page in ("app-registration", "signing-in"):
        text = " ".join((ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8").split())
        assert f"`{REDIRECT}`" in text
        assert "**Entra ID → App registrations" in text
    assert APP_NAME in text
