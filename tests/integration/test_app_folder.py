"""``scripts/app``: the folder that Home Assistant builds the app from on its own machine."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def assembled(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "scripts" / "app", folder], capture_output=True, text=True, check=False, timeout=60
    )


def test_the_folder_has_all_that_its_dockerfile_takes(tmp_path: Path) -> None:
    folder = tmp_path / "presence_bridge"
    done = assembled(folder)
    assert (done.returncode, done.stdout.strip()) == (0, str(folder)), done.stderr

    dockerfile = (folder / "Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"(?m)^FROM \S+.*$", dockerfile)[-1] == "FROM app"  # the last one is built
    for words in re.findall(r"(?m)^COPY (?!--from)(.+) \S+$", dockerfile):
        for word in words.split():
            assert (folder / word).exists(), word
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    assert "image" not in config  # or it would be fetched instead of built
    assert config["slug"] == "presence_bridge"
    for name in ("icon.png", "logo.png", "DOCS.md", "apparmor.txt", "translations/de.yaml"):
        assert (folder / name).is_file()
    assert not (folder / "CHANGELOG.md").is_symlink()
    assert not list(folder.rglob("__pycache__"))
    ignored = (folder / ".dockerignore").read_text(encoding="utf-8")
    assert "!bridge" in ignored


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("mine", encoding="utf-8")
    done = assembled(mine)
    assert done.returncode == 2
    assert "is there already" in done.stderr
    assert mine.read_text(encoding="utf-8") == "mine"
