"""The example of docs/writing-a-driver.md, installed and run as its reader would."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import Stage

PAGE = Path(__file__).parents[2] / "docs" / "writing-a-driver.md"
COLORS = {"Available": b"0 153 0\n", "DoNotDisturb": b"140 0 255\n"}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's package, and where pip has installed it."""
    package = tmp_path_factory.mktemp("package")
    (package / "netlamp.py").write_text(blocks("python")[0], encoding="utf-8")
    (package / "pyproject.toml").write_text(blocks("toml")[0], encoding="utf-8")
    site = package / "site"
    words = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(
        [*words, "--no-build-isolation", "--no-deps", "--no-index", "--target", site, package],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return site


async def test_the_example_shows_presence_on_its_lamp(
    stage: Stage, installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: asyncio.Queue[bytes] = asyncio.Queue()

    async def lamp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.put_nowait(await reader.readline())
        writer.close()

    monkeypatch.setenv("PYTHONPATH", f"{installed}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    server = await asyncio.start_server(lamp, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    stage.configure(f"{blocks('toml')[1]}\nport = {port}\n")
    assert "netlamp" in (await stage.command("drivers", "list")).stdout
    async with server:
        stage.start("bridge", "run")
        stage.start("drivers", "hall")
        for availability, line in COLORS.items():
            stage.be(availability)
            async with asyncio.timeout(20):
                while await lines.get() != line:
                    pass


def test_the_example_passes_the_suite_of_all_kinds_with_pytest_alone(installed: Path) -> None:
    suite = installed / "test_netlamp.py"
    suite.write_text(blocks("python")[1], encoding="utf-8")
    plugins = ["-p", "no:cacheprovider", "-p", "no:asyncio", "-p", "no:randomly"]
    words = [sys.executable, "-m", "pytest", "-q", "-W", "error", *plugins, str(suite)]
    done = subprocess.run(
        [*words, f"--rootdir={installed}", "-c", os.devnull],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        env={**os.environ, "PYTHONPATH": str(installed)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\d{2} passed in", done.stdout)


@pytest.mark.timeout(600)
def test_the_example_and_its_test_are_typed_strictly(installed: Path, tmp_path: Path) -> None:
    suite = tmp_path / "test_netlamp.py"
    suite.write_text(blocks("python")[1], encoding="utf-8")
    words = [sys.executable, "-m", "mypy", "--strict", "--config-file", os.devnull]
    done = subprocess.run(
        [*words, f"--cache-dir={tmp_path}/cache", str(installed / "netlamp.py"), str(suite)],
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
        env={**os.environ, "MYPYPATH": str(installed)},
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_names_each_module_that_a_kind_may_use() -> None:
    used = re.findall(r"(?m)^from ((?:bridge|drivers)\.\w+)", "".join(blocks("python")))
    before = PAGE.read_text(encoding="utf-8").partition("```")[0]
    assert {name for name in used if f"`{name}`" not in before} == set()


def test_the_example_is_about_forty_lines_without_its_comments() -> None:
    code = [line for line in blocks("python")[0].splitlines() if line.strip()]
    assert len(code) <= 45
