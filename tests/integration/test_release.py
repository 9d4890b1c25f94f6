"""What a release is made of: wheels, locks, and workflows that run nothing but what they name."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email import message_from_bytes
from email.message import Message
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from bridge import REPOSITORY, __version__

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
IN_A_RELEASE = ("pyproject.toml", "README.md", "LICENSE", "bridge", "drivers")


def build(folder: Path, *, umask: int, zone: str) -> Path:
    """The wheel and sdist of a copy, made by who has other habits."""
    copy = folder / "copy"
    copy.mkdir(parents=True)
    for name in IN_A_RELEASE:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(
                source,
                copy / name,
                ignore=shutil.ignore_patterns("__pycache__"),
                copy_function=shutil.copyfile,
            )
        else:
            shutil.copyfile(source, copy / name)
    made = folder / "made"
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--directory", made],
        cwd=copy,
        umask=umask,
        env={**os.environ, "TZ": zone, "SOURCE_DATE_EPOCH": "1700000000"},
        check=True,
        capture_output=True,
        timeout=120,
    )
    return made


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("first"), umask=0o022, zone="UTC")


@pytest.fixture(scope="module")
def metadata(made: Path) -> Message:
    (wheel,) = made.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
        return message_from_bytes(archive.read(name))


def test_two_builds_are_the_same_bytes(made: Path, tmp_path: Path) -> None:
    second = build(tmp_path, umask=0o077, zone="Asia/Tokyo")

    def hashes(folder: Path) -> dict[str, str]:
        return {it.name: hashlib.sha256(it.read_bytes()).hexdigest() for it in folder.iterdir()}

    assert set(hashes(made)) == {
        f"presence_bridge-{__version__}-py3-none-any.whl",
        f"presence_bridge-{__version__}.tar.gz",
    }
    assert hashes(made) == hashes(second)


def test_a_wheel_says_what_it_is(metadata: Message) -> None:
    assert metadata["Version"] == __version__
    urls = dict(str(it).split(", ") for it in metadata.get_all("Project-URL", []))
    assert set(urls) == {"Homepage", "Documentation", "Changelog", "Issues"}
    assert all(url.startswith(REPOSITORY) for url in urls.values())
    pythons = [it for it in metadata.get_all("Classifier", []) if re.search(r":: 3\.\d+$", it)]
    assert [it.rpartition(" ")[2] for it in pythons] == ["3.11", "3.12", "3.13"]


def test_links_of_the_readme_lead_somewhere_outside_of_the_repository(metadata: Message) -> None:
    text = str(metadata.get_payload())
    links = re.findall(r"(!?)\[[^\]]*\]\(([^)]+)\)", text)
    assert len(links) > 20
    assert [link for _, link in links if not link.startswith(("https://", "#"))] == []
    repository = REPOSITORY.removeprefix("https://github.com")
    ours = {link for _, link in links if repository in link}
    assert all(f"/v{__version__}/" in link for link in ours)
    assert any(link.startswith("https://raw.githubusercontent.com/") for link in ours)
    for link in ours:
        path = link.partition(f"/v{__version__}/")[2].partition("#")[0]
        assert (ROOT / path).exists(), link


def test_the_version_stands_in_one_place() -> None:
    assert "version" in PROJECT["dynamic"]
    assert PYPROJECT["tool"]["hatch"]["version"]["path"] == "bridge/__init__.py"


def locked(file: str) -> dict[str, Requirement]:
    """What a lock names, by name; each must have a version."""
    text = (ROOT / file).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    found = [Requirement(line.partition(" --hash")[0]) for line in lines]
    assert all(re.fullmatch(r"==[\w.]+", str(it.specifier)) for it in found)
    return {canonicalize_name(it.name): it for it in found}


EVERYTHING = locked("requirements.lock")
HASHED = {
    "bridge": list(PROJECT["dependencies"]),
    "driver": [*PROJECT["dependencies"], "presence-bridge[lights]"],
    "build": PYPROJECT["build-system"]["requires"],
}


def needed(requirements: list[str]) -> set[NormalizedName]:
    """The names of all that is installed for ``requirements`` here, theirs included."""
    todo, seen = [Requirement(it) for it in requirements], dict[str, Requirement]()
    while todo:
        each = todo.pop()
        if str(each) in seen:
            continue
        seen[str(each)] = each
        for below in map(Requirement, distribution(each.name).requires or ()):
            chosen = each.extras or {""}
            if below.marker is None or any(below.marker.evaluate({"extra": x}) for x in chosen):
                todo.append(below)
    return {canonicalize_name(it.name) for it in seen.values()} - {"presence-bridge"}


@pytest.mark.parametrize("name", HASHED)
def test_a_hashed_lock_has_all_that_is_needed_in_the_tested_versions(name: str) -> None:
    file = f"packaging/locks/{name}.lock"
    versions = locked(file)
    assert versions.keys() >= needed(HASHED[name])
    assert {name: it.specifier for name, it in versions.items()} == {
        name: EVERYTHING[name].specifier for name in versions
    }
    blocks = re.split(r"(?m)^(?=[\w.-]+==)", (ROOT / file).read_text(encoding="utf-8"))[1:]
    assert len(blocks) == len(versions)
    assert [block for block in blocks if "--hash=sha256:" not in block] == []


def test_the_lock_knows_each_package_that_somebody_may_install() -> None:
    lists = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    wanted = [Requirement(it) for them in lists for it in them]
    ours = [it for it in wanted if it.name != "presence-bridge"]
    lacking = [str(it) for it in ours if canonicalize_name(it.name) not in EVERYTHING]
    assert lacking == []
    for each in ours:
        version = str(EVERYTHING[canonicalize_name(each.name)].specifier).removeprefix("==")
        assert each.specifier.contains(version), each


def test_the_build_backend_is_the_locked_one() -> None:
    for each in map(Requirement, PYPROJECT["build-system"]["requires"]):
        assert str(each.specifier) == str(EVERYTHING[canonicalize_name(each.name)].specifier)


WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def workflow(file: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = importlib.import_module("yaml").safe_load(file.read_text("utf-8"))
    return loaded


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_runs_only_what_it_names_by_its_hash(file: Path) -> None:
    used = re.findall(r"(?m)^\s+(?:- )?uses: (\S+)(?: # (\S+))?$", file.read_text(encoding="utf-8"))
    assert used
    for action, version in used:
        if not action.startswith("./"):
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action), action
            assert re.fullmatch(r"v\d+\.\d+\.\d+", version), action


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_may_only_read_and_each_job_says_what_more_it_needs(file: Path) -> None:
    loaded = workflow(file)
    assert loaded["permissions"] == {"contents": "read"}
    for name, job in loaded["jobs"].items():
        writes = {it for it, what in job.get("permissions", {}).items() if what == "write"}
        if name == "publish":
            assert writes == {"contents"}
        else:
            assert "contents" not in writes
    text = file.read_text(encoding="utf-8")
    assert text.count("actions/checkout@") == text.count("persist-credentials: false")


def test_a_release_has_all_images_for_both_machines_signed_with_sbom_and_provenance() -> None:
    images = workflow(ROOT / ".github" / "workflows" / "release.yml")["jobs"]["images"]
    assert set(images["strategy"]["matrix"]["target"]) == {"bridge", "driver", "app"}
    steps = {it.get("uses", it.get("run", "")).partition("@")[0]: it for it in images["steps"]}
    built = steps["docker/build-push-action"]["with"]
    assert built["platforms"] == "linux/amd64,linux/arm64"
    assert (built["sbom"], built["provenance"]) == (True, "mode=max")
    assert any(run.startswith("cosign sign --yes ") for run in steps)
    assert "actions/attest" in steps
    app = (ROOT / "home-assistant" / "app" / "config.yaml").read_text(encoding="utf-8")
    assert "/presence-app\n" in app, "the image that a release calls presence-$TARGET"


@pytest.mark.parametrize("pinned", [False, True])
def test_a_release_is_made_of_pinned_bases_alone(tmp_path: Path, *, pinned: bool) -> None:
    images = workflow(ROOT / ".github" / "workflows" / "release.yml")["jobs"]["images"]
    (check,) = [it["run"] for it in images["steps"] if "must be pinned" in it.get("name", "")]
    text = re.sub(r"@sha256:[0-9a-f]+", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    if pinned:
        text = re.sub(r"(?m)^(FROM python:\S+)", rf"\1@sha256:{'0' * 64}", text)
    (tmp_path / "Dockerfile").write_text(text, encoding="utf-8")
    done = subprocess.run(["sh", "-c", check], cwd=tmp_path, capture_output=True, check=False)
    assert (done.returncode == 0) is pinned, done.stdout


def test_images_have_a_version_and_are_kept_up_to_date() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    bases = [base for base in re.findall(r"(?m)^FROM (\S+)", dockerfile) if base != "driver"]
    bases += [it for it in re.findall(r"(?m)^\s+image: (\S+)", compose) if ":local" not in it]
    assert len(bases) == 4
    assert [
        it for it in bases if not re.search(r":\d+\.\d+[\w.-]*(@sha256:[0-9a-f]{64})?$", it)
    ] == []
    renovate = json.loads((ROOT / ".github" / "renovate.json").read_text(encoding="utf-8"))
    assert "docker:pinDigests" in renovate["extends"]
    pinned = {it.get("matchCurrentValue") for it in renovate["packageRules"]} - {None}
    assert pinned == {re.findall(r"(?m)^FROM python:(\S+) AS driver$", dockerfile)[0]}
