"""An installation of 0.1.0, which lay all over its clone, comes into the one folder; once."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from itertools import islice
from pathlib import Path

import pytest

from bridge.config import state_dir
from bridge.config.loader import load
from bridge.contract.errors import ConfigError
from bridge.setup import Host, InitOptions, steps
from bridge.setup.moving import SHIPPED, as_shipped
from tests.fakes.init import initialise

ROOT = Path(__file__).parents[3]
MINE = "11111111-2222-3333-4444-555555555555"
OWN_LINE = "user zigbee2mqtt\ntopic readwrite zigbee2mqtt/#\n"
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
TOKENS = "state/tokens/alice.json"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """After an update of the clone, with what 0.1.0 and a person had written into it."""
    folder = tmp_path / "clone"
    folder.mkdir()
    for name in ("config.toml", "docker-compose.yml"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "mosquitto", folder / "mosquitto")
    options = InitOptions("contoso.com", MINE, "alice", driver="desk")
    old = folder / "docker-compose.yml"
    text = old.read_text(encoding="utf-8")
    old.write_text(text.replace("./data/", "./"), encoding="utf-8")
    initialise(folder, options, host=at(folder / "none"))
    old.write_text(text, encoding="utf-8")
    with (folder / "mosquitto" / "acl").open("a", encoding="utf-8") as acl:
        acl.write(OWN_LINE)
    (folder / "secrets" / "app.pem").write_text("a key", encoding="utf-8")
    return folder


@pytest.fixture
def volumes(tmp_path: Path) -> Path:
    """What 0.1.0 remembered."""
    folder = tmp_path / "volumes"
    for name in (TOKENS, "lamp/lights/desk.json", "broker/mosquitto.db", "state/heartbeat"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name, encoding="utf-8")
    (folder / TOKENS).chmod(0o600)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "state" / "socket"))
    return folder


def at(volumes: Path) -> Host:
    return Host(environ={}, localtime=Path("/none"), volumes=volumes)


def everything(folder: Path) -> dict[str, str]:
    """All files but the one of the broker's salts, with what is in them."""
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file()
    }


def is_moved(clone: Path, before: dict[str, str]) -> None:
    """All is in the folder, and what git tracks is as git has it."""
    data = clone / "data"
    names = ("config.toml", "secrets/mqtt_bridge", "secrets/mqtt_desk", "secrets/web")
    for name in (*names, "secrets/app.pem", "mosquitto/passwords", "mosquitto/acl"):
        assert (data / name).read_text(encoding="utf-8") == before[name], name
    assert str(load(data / "config.toml", {}).microsoft.client_id) == MINE
    for name in ("config.toml", "mosquitto/acl"):
        assert (clone / name).read_bytes() == (ROOT / name).read_bytes()
    assert not (clone / "secrets").exists()
    assert not (clone / "mosquitto" / "passwords").exists()
    assert (data / "state" / "bridge" / "tokens" / "alice.json").read_text("utf-8") == TOKENS
    assert (data / "state" / "bridge" / "tokens" / "alice.json").stat().st_mode & 0o777 == 0o600
    assert (data / "state" / "lamps" / "lights" / "desk.json").exists()
    assert (data / "state" / "broker" / "mosquitto.db").exists()
    left = {path.name for path in data.rglob("*")} & {"heartbeat", "socket", ".bridge.new"}
    assert left == set()


def test_all_of_it_comes_into_the_folder_and_each_step_is_said(clone: Path, volumes: Path) -> None:
    before = everything(clone)
    lines = initialise(clone, InitOptions(), host=at(volumes))
    is_moved(clone, before)
    assert "moved  config.toml -> data/config.toml" in lines
    assert f"changed  {clone / 'config.toml'}: it is again as it was shipped" in lines
    assert "copied  the volume state -> data/state/bridge" in lines
    assert (volumes / TOKENS).exists()  # a way back
    assert any(line.endswith("its password is in data/secrets/web") for line in lines)


def test_a_second_time_nothing_moves_and_nothing_comes_back(clone: Path, volumes: Path) -> None:
    initialise(clone, InitOptions(), host=at(volumes))
    shutil.rmtree(clone / "data" / "state" / "bridge")  # by a person, who wants to begin anew
    before = everything(clone)
    lines = initialise(clone, InitOptions(), host=at(volumes))
    assert everything(clone) == before
    words = ("moved", "copied", "changed", "made", "removed")
    assert not [line for line in lines if line.startswith(words)]


@pytest.mark.parametrize("done", range(16))
def test_killed_after_any_step_another_run_ends_right(
    clone: Path, volumes: Path, done: int
) -> None:
    before = everything(clone)
    host = at(volumes)
    half = list(islice(steps(clone, InitOptions(), os.urandom, host), done))
    assert len(half) == done
    state = clone / "data" / "state"
    if not (state / "bridge").exists():
        (state / ".bridge.new").mkdir(parents=True)  # killed within the copy
        (state / ".bridge.new" / "half").touch()
    initialise(clone, InitOptions(), host=host)
    is_moved(clone, before)


def test_folders_that_docker_made_of_missing_files_are_taken_away(
    clone: Path, volumes: Path
) -> None:
    """``up`` came before ``init``."""
    before = everything(clone)
    for name in ("config.toml", "secrets/mqtt_bridge", "secrets/web", "secrets/mqtt_health"):
        (clone / "data" / name).mkdir(parents=True)
    for name in ("state/bridge", "state/broker", "mosquitto"):
        (clone / "data" / name).mkdir(parents=True)
    lines = initialise(clone, InitOptions(), host=at(volumes))
    is_moved(clone, before)
    assert (clone / "data" / "secrets").stat().st_mode & 0o067 == 0
    assert len([line for line in lines if line.startswith("removed")]) == 4
    assert any("--force-recreate" in line for line in lines)


def test_a_folder_with_something_in_it_is_not_taken_away(clone: Path, volumes: Path) -> None:
    mine = clone / "data" / "config.toml" / "mine"
    mine.parent.mkdir(parents=True)
    mine.touch()
    with pytest.raises(ConfigError, match=r"config\.toml: is a folder"):
        initialise(clone, InitOptions(), host=at(volumes))
    assert mine.exists()


def test_a_bridge_that_runs_is_stopped_first(clone: Path, volumes: Path) -> None:
    before = everything(clone)
    with (
        state_dir.locked(volumes / "state"),
        pytest.raises(ConfigError, match="docker compose --profile driver down"),
    ):
        initialise(clone, InitOptions(), host=at(volumes))
    assert everything(clone) == before
    initialise(clone, InitOptions(), host=at(volumes))
    is_moved(clone, before)


def test_a_config_that_git_could_not_join_is_left_alone(clone: Path, volumes: Path) -> None:
    config = clone / "config.toml"
    text = f"<<<<<<< Updated upstream\n{config.read_text('utf-8')}"
    config.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"git checkout stash@\{0\} -- config\.toml"):
        initialise(clone, InitOptions(), host=at(volumes))
    assert not (clone / "data").exists()
    assert config.read_text(encoding="utf-8") == text


def test_what_a_person_writes_into_the_shipped_config_later_is_kept_and_said(
    clone: Path, volumes: Path
) -> None:
    initialise(clone, InitOptions(), host=at(volumes))
    before = everything(clone / "data")
    (clone / "config.toml").write_text("[web]\nport = 1\n", encoding="utf-8")
    lines = initialise(clone, InitOptions(), host=at(volumes))
    said = f"kept  {clone / 'config.toml'}: data/config.toml counts; git checkout config.toml"
    assert any(line.startswith(said) for line in lines)
    assert everything(clone / "data") == before
    assert (clone / "config.toml").read_text(encoding="utf-8") == "[web]\nport = 1\n"


def test_an_override_file_that_names_the_old_place_goes_on_working(
    clone: Path, volumes: Path
) -> None:
    override = clone / "docker-compose.override.yml"
    override.write_text('volumes: ["./secrets/mqtt_hall:/run/secrets/mqtt:ro"]\n', "utf-8")
    lines = initialise(clone, InitOptions(), host=at(volumes))
    assert (clone / "secrets" / "web").read_text("utf-8")
    assert (clone / "secrets").is_symlink()
    told = "docker-compose.override.yml names ./secrets: write ./data/secrets there"
    assert any(line.strip() == told for line in lines)
    assert not [it for it in initialise(clone, InitOptions(), host=at(volumes)) if told in it]


def test_with_pip_what_the_config_names_beside_it_comes_along(clone: Path, tmp_path: Path) -> None:
    config = clone / "config.toml"
    named = f'state_dir = "kept"\n{config.read_text("utf-8")}'.replace(
        "[network]", '[network]\nca_file = "certs/ca.pem"'
    )
    config.write_text(named, encoding="utf-8")
    for name in ("kept/tokens", "certs/ca.pem"):
        (clone / name).parent.mkdir()
        (clone / name).write_text(name, encoding="utf-8")
    with state_dir.locked(clone / "kept"), pytest.raises(ConfigError, match="the bridge runs"):
        initialise(clone, InitOptions(), host=at(tmp_path / "none"))
    initialise(clone, InitOptions(), host=at(tmp_path / "none"))
    moved = load(clone / "data" / "config.toml", {})
    assert (moved.state_dir / "tokens").read_text("utf-8") == "kept/tokens"
    assert moved.network.ca_file == clone / "data" / "certs" / "ca.pem"
    assert moved.network.ca_file.exists()
    assert not (clone / "data" / "state" / ".moved").exists()  # volumes may still come


def test_where_there_is_no_clone_nothing_moves(tmp_path: Path, volumes: Path) -> None:
    """As below /etc, or beside a compose file of somebody else."""
    (tmp_path / "docker-compose.yml").write_text("services: {zigbee2mqtt: {}}\n", "utf-8")
    initialise(tmp_path, InitOptions(client_id=MINE), host=at(volumes))
    assert (tmp_path / "config.toml").exists()
    assert not (tmp_path / "data").exists()


def test_a_new_clone_keeps_what_git_tracks(tmp_path: Path) -> None:
    """As git itself sees it."""
    subprocess.run(
        ["git", "clone", "--quiet", "--no-hardlinks", ROOT, tmp_path / "new"], check=True
    )
    for name in ("docker-compose.yml", "config.toml", "mosquitto/acl", ".gitignore"):
        shutil.copy(ROOT / name, tmp_path / "new" / name)
    git = ["git", "-C", str(tmp_path / "new"), "status", "--porcelain", "--untracked-files=all"]
    before = subprocess.check_output(git)
    lines = initialise(tmp_path / "new", InitOptions(driver="desk"), host=at(tmp_path / "none"))
    assert subprocess.check_output(git) == before
    assert f"made  {tmp_path / 'new' / 'data' / 'config.toml'}" in lines


def test_files_know_whether_somebody_wrote_into_them(clone: Path) -> None:
    assert as_shipped(ROOT / "config.toml")
    assert not as_shipped(clone / "config.toml")
    assert not as_shipped(clone / "missing" / "acl")
    assert {path.name for path in SHIPPED.iterdir()} == {"config.toml", "acl"}
