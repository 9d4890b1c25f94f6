"""After ``init`` the users of the containers can use what they mount, or it says what to do.

The kernel is asked, not ``init``: as that user, for each file as if it were mounted alone.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from bridge.contract.errors import ConfigError
from bridge.setup import InitOptions
from bridge.setup.hand_over import Chown, Host
from bridge.setup.owners import BRIDGE, BROKER, MARK, User
from tests.fakes.init import initialise

ROOT = Path(__file__).parents[3]
OPTIONS = InitOptions(tenant="contoso.com", client_id="11111111-2222-3333-4444-555555555555")
IN_CONTAINER = User(0, 0)
PERSON, ANOTHER, STRANGER = User(1000, 1000), User(1234, 100), User(65534, 65534)
NOWHERE = Path("/none")
CONTAINER = "-all,+chown,+dac_override"
"""What the compose file leaves to ``init``."""

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else"),
    pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv is missing"),
]


@pytest.fixture
def room() -> Iterator[Path]:
    """Where everybody may come; pytest fences its own folders."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def clone(room: Path) -> Path:
    """A clone of PERSON, as git makes it."""
    folder = room / "clone"
    folder.mkdir()
    for name in ("config.toml", "docker-compose.yml"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "mosquitto", folder / "mosquitto")
    (folder / "mosquitto" / "passwords").unlink(missing_ok=True)
    own(folder, PERSON)
    return folder


@pytest.fixture
def volumes(room: Path) -> Path:
    """New ones, as docker makes them."""
    folder = room / "volumes"
    for name in ("broker", "state", "lamp"):
        (folder / name).mkdir(parents=True)
    return folder


def at(volumes: Path, chown: Chown = os.chown, environ: Mapping[str, str] | None = None) -> Host:
    """This machine, with a time zone that nobody knows."""
    return Host(environ=environ or {}, chown=chown, localtime=NOWHERE, volumes=volumes)


def own(folder: Path, user: User) -> None:
    """Give ``folder`` and all in it to ``user``."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user.uid, user.gid)


@cache
def installed() -> TemporaryDirectory[str]:
    """Our code where everybody may come, as in an image; a clone may lie where only root does."""
    folder = TemporaryDirectory()
    Path(folder.name).chmod(0o755)
    shutil.copytree(ROOT / "bridge", Path(folder.name) / "bridge")
    return folder


def init(
    folder: Path, volumes: Path, *, user: User = IN_CONTAINER, caps: str = CONTAINER, more: str = ""
) -> subprocess.CompletedProcess[str]:
    """``init`` as ``user``, who has no capabilities, or as root with ``caps`` at the most.

    Libraries are loaded before: they may lie where only their owner comes.
    """
    code = (
        "import os, sys; from pathlib import Path\n"
        "from bridge.contract.errors import ConfigError\n"
        "from bridge.setup import InitOptions, steps\n"
        "from bridge.setup.hand_over import Host\n"
        "from bridge.config.tables.config import Config; Config.model_rebuild()\n"
        f"{more}\n"
        f"if {user.uid}: os.setgroups([]); os.setgid({user.gid}); os.setuid({user.uid})\n"
        f"options, host = InitOptions({OPTIONS.tenant!r}, {OPTIONS.client_id!r}), "
        f"Host(localtime=Path('/none'), volumes=Path({str(volumes)!r}), environ={{}})\n"
        f"try: print(*steps(Path({str(folder)!r}), options, host=host), sep='\\n')\n"
        "except ConfigError as error: sys.exit(str(error))\n"
    )
    fence = [] if user.uid else ["setpriv", "--bounding-set", caps, "--clear-groups"]
    return subprocess.run(
        [*fence, sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=installed().name,
    )


def can(user: User, flags: str, path: Path) -> bool:
    """Whether ``user`` can do that with ``path``, however deep it lies."""
    handle = os.open(path, os.O_PATH)
    who = ["--reuid", str(user.uid), "--regid", str(user.gid), "--clear-groups"]
    try:
        return all(
            subprocess.run(
                ["setpriv", *who, "test", f"-{flag}", f"/proc/self/fd/{handle}"],
                pass_fds=[handle],
                check=False,
            ).returncode
            == 0
            for flag in flags
        )
    finally:
        os.close(handle)


def cannot(folder: Path, volumes: Path, bridge: User, broker: User) -> Iterator[str]:
    """What the containers mount and cannot use."""
    for user, flags, names in (
        (bridge, "r", ("data/secrets/mqtt_bridge", "data/secrets/web", "data/config.toml")),
        (broker, "r", ("data/secrets/mqtt_health", "mosquitto/mosquitto.conf")),
        (broker, "r", ("data/mosquitto/passwords", "data/mosquitto/acl")),
        (broker, "rx", ("data/mosquitto", "mosquitto")),
        (bridge, "rwx", ("data/state/bridge", "data/state/lamps")),
        (broker, "rwx", ("data/state/broker",)),
    ):
        yield from (name for name in names if not can(user, flags, folder / name))
    for user, name in ((bridge, "state"), (bridge, "lamp"), (broker, "broker")):
        if not can(user, "rwx", volumes / name):
            yield name


def env_of(folder: Path) -> list[str]:
    return (folder / ".env").read_text(encoding="utf-8").splitlines()


def test_in_a_common_clone_each_user_can_and_nobody_else(clone: Path, volumes: Path) -> None:
    done = init(clone, volumes)
    assert (done.returncode, done.stderr) == (0, "")
    assert list(cannot(clone, volumes, BRIDGE, BROKER)) == []
    assert not can(STRANGER, "r", clone / "data" / "secrets" / "mqtt_bridge")
    assert not can(STRANGER, "r", volumes / "state")
    assert not (clone / ".env").exists()
    assert not (volumes / "state" / MARK).exists()


@pytest.mark.parametrize("umask", [0o077, 0o027])
def test_a_clone_under_a_tight_umask_is_opened_to_the_containers_and_nobody_else(
    clone: Path, volumes: Path, umask: int
) -> None:
    for path in (clone, *clone.rglob("*")):
        path.chmod(path.stat().st_mode & 0o777 & ~umask)
    for _ in range(2):
        done = init(clone, volumes, more=f"import os; os.umask({umask})")
        assert (done.returncode, done.stderr) == (0, "")
        assert list(cannot(clone, volumes, BRIDGE, BROKER)) == []
    assert can(PERSON, "rw", clone / "data" / "config.toml")
    assert can(PERSON, "rw", clone / "mosquitto" / "mosquitto.conf")
    for name in ("mosquitto/mosquitto.conf", "mosquitto", "data/mosquitto/acl", "data/secrets/web"):
        assert not can(STRANGER, "r", clone / name), name


@pytest.mark.parametrize("umask", [0o077, 0o027, 0o022])
def test_what_init_makes_itself_is_as_open_whatever_the_umask(room: Path, umask: int) -> None:
    folder = room / "new" / "deep"
    done = init(folder, room / "none", more=f"import os; os.umask({umask})")
    assert done.returncode == 0, done.stderr
    assert [path.stat().st_mode & 0o777 for path in (folder, folder.parent)] == [0o755] * 2
    assert (folder / "config.toml").stat().st_mode & 0o777 == 0o644
    assert (folder / "secrets").stat().st_mode & 0o777 == 0o700


def test_a_page_that_is_to_fill_in_the_config_can_write_it(clone: Path, volumes: Path) -> None:
    initialise(clone, InitOptions(), host=at(volumes=volumes))
    config = clone / "data" / "config.toml"
    config.chmod(0o600)
    lines = initialise(clone, InitOptions(), host=at(volumes=volumes))
    assert can(BRIDGE, "rw", config)
    assert can(PERSON, "rw", config)
    assert not can(STRANGER, "r", config)
    assert any("page asks for tenant" in line for line in lines)


@pytest.mark.parametrize("user", [PERSON, ANOTHER])
def test_where_root_may_not_write_each_run_says_the_next_step_and_the_containers_run_as_the_owner(
    clone: Path, volumes: Path, user: User
) -> None:
    """A share that squashes root: root has no rights of its own in the folder."""
    own(clone, user)
    (volumes / "state" / "tokens").mkdir()
    refused = init(clone, volumes, caps="-all,+chown")
    assert refused.returncode == 1
    assert f"docker compose run --rm --user {user.uid}:{user.gid} init" in refused.stderr
    assert not (clone / "data").exists()

    done = init(clone, volumes, user=user)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"PRESENCE_UID={user.uid}, PRESENCE_GID={user.gid}" in done.stdout
    assert env_of(clone) == [f"PRESENCE_UID={user.uid}", f"PRESENCE_GID={user.gid}"]
    assert list(cannot(clone, volumes, user, user)) == []
    assert can(user, "rwx", volumes / "state" / "tokens")
    assert not can(BRIDGE, "r", clone / "data" / "secrets" / "web")
    assert (volumes / "broker" / MARK).exists()  # else docker gives it back

    again = init(clone, volumes, user=user)
    assert again.returncode == 0
    assert not [line for line in again.stdout.splitlines() if line.startswith(("made", "changed"))]


def test_volumes_that_are_still_roots_are_reported(clone: Path, volumes: Path) -> None:
    done = init(clone, volumes, user=PERSON)
    assert done.returncode == 1
    assert "docker compose run --rm init" in done.stderr
    assert list(cannot(clone, volumes, PERSON, PERSON)) == ["state", "lamp", "broker"]  # not data/
    assert init(clone, volumes).returncode == 0  # root, as .env says by now
    assert list(cannot(clone, volumes, PERSON, PERSON)) == []


def test_outside_of_a_container_it_says_that_docker_needs_its_own_init(
    clone: Path, room: Path
) -> None:
    done = init(clone, room / "none", user=PERSON)
    assert done.returncode == 0
    assert "For docker compose: docker compose run --rm init" in done.stdout
    assert not (clone / ".env").exists()


def refusing(path: Path, uid: int, gid: int) -> None:
    raise PermissionError(errno.EPERM, "Operation not permitted", str(path))


def unsupported(path: Path, uid: int, gid: int) -> None:
    raise OSError(errno.EINVAL, "Invalid argument", str(path))


def ignoring(path: Path, uid: int, gid: int) -> None:
    """As some shares do."""


@pytest.mark.parametrize("chown", [refusing, unsupported, ignoring])
def test_where_root_owns_all_and_cannot_give_it_away_modes_do_the_rest(
    clone: Path, volumes: Path, chown: Chown
) -> None:
    own(clone, User(0, 0))
    host = at(chown=chown, volumes=volumes / "none")
    lines = initialise(clone, OPTIONS, host=host)
    assert any(line.startswith(f"opened  {clone / 'data' / 'secrets' / 'web'}: ") for line in lines)
    for name, user in (("data/secrets/web", BRIDGE), ("data/mosquitto/passwords", BROKER)):
        assert can(user, "r", clone / name)
    assert can(BRIDGE, "rwx", clone / "data" / "state" / "bridge")
    for name in ("secrets", "state"):
        assert not can(STRANGER, "rx", clone / "data" / name)
    assert not (clone / ".env").exists()


def test_a_config_that_the_page_could_not_fill_in_is_no_success(clone: Path, volumes: Path) -> None:
    own(clone, User(0, 0))
    host = at(chown=refusing, volumes=volumes / "none")
    with pytest.raises(ConfigError, match=r"cannot write it; give its values to init: --tenant"):
        initialise(clone, InitOptions(), host=host)
    initialise(clone, OPTIONS, host=host)


def test_what_was_given_before_the_first_refusal_comes_to_the_owner_too(
    clone: Path, volumes: Path
) -> None:
    def on_one_share(path: Path, uid: int, gid: int) -> None:
        if clone / "data" / "mosquitto" in (path, *path.parents):
            refusing(path, uid, gid)
        os.chown(path, uid, gid)

    (clone / "data" / "mosquitto").mkdir(parents=True)
    (clone / "data" / "mosquitto" / "passwords").touch(mode=0o600)
    own(clone, PERSON)
    host = at(chown=on_one_share, volumes=volumes)
    initialise(clone, OPTIONS, host=host)
    owner = PERSON if (clone / ".env").exists() else None
    assert list(cannot(clone, volumes, owner or BRIDGE, owner or BROKER)) == []


def test_a_secret_that_is_another_users_is_reported_with_its_cure(
    clone: Path, volumes: Path
) -> None:
    host = at(volumes=volumes)
    initialise(clone, OPTIONS, host=host)
    strange = clone / "data" / "secrets" / "mqtt_bridge"
    os.chown(strange, STRANGER.uid, STRANGER.gid)
    with pytest.raises(
        ConfigError, match=r"user 65534 with mode 600.*sudo chown 10001 data/secrets/mqtt_"
    ):
        initialise(clone, OPTIONS, host=host)
    assert strange.stat().st_uid == STRANGER.uid
    os.chown(strange, BRIDGE.uid, BRIDGE.gid)
    initialise(clone, OPTIONS, host=host)


def test_when_all_is_right_nothing_is_changed_as_on_a_read_only_mount(
    clone: Path, volumes: Path
) -> None:
    initialise(clone, OPTIONS, host=at(volumes=volumes))
    lines = initialise(clone, OPTIONS, host=at(chown=refusing, volumes=volumes))
    assert not [line for line in lines if line.startswith(("made", "changed", "opened"))]


def test_who_is_named_in_env_gets_all_of_it_and_what_a_person_wrote_there_stays(
    clone: Path, volumes: Path
) -> None:
    initialise(clone, OPTIONS, host=at(volumes=volumes))
    (volumes / "state" / "tokens").write_text("", encoding="utf-8")
    os.chown(volumes / "state" / "tokens", BRIDGE.uid, BRIDGE.gid)
    text = "COMPOSE_PROJECT_NAME=presence\r\nexport PRESENCE_UID='1234'\nPRESENCE_GID = 100\n"
    (clone / ".env").write_text(text, encoding="utf-8", newline="")
    initialise(clone, OPTIONS, host=at(volumes=volumes))
    assert list(cannot(clone, volumes, ANOTHER, ANOTHER)) == []
    assert can(ANOTHER, "rw", volumes / "state" / "tokens")
    assert (clone / ".env").read_bytes().decode() == text


def test_the_environment_counts_before_env_as_for_compose(clone: Path, volumes: Path) -> None:
    (clone / ".env").write_text("PRESENCE_UID=1234\nPRESENCE_GID=100\n", encoding="utf-8")
    initialise(
        clone,
        OPTIONS,
        host=at(environ={"PRESENCE_UID": "1000"}, volumes=volumes),
    )
    user = User(1000, 100)
    assert list(cannot(clone, volumes, user, user)) == []


@pytest.mark.parametrize("text", ["PRESENCE_UID=alice\n", "PRESENCE_UID=1\nPRESENCE_GID=-1\n"])
def test_a_user_that_is_no_number_is_refused(clone: Path, volumes: Path, text: str) -> None:
    (clone / ".env").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"PRESENCE_[UG]ID in \.env must be a number"):
        initialise(clone, OPTIONS, host=at(volumes=volumes))


def test_an_empty_line_in_env_is_filled_in(clone: Path, volumes: Path) -> None:
    (clone / ".env").write_text("PRESENCE_UID=\nTZ=Europe/Berlin", encoding="utf-8")
    own(clone, PERSON)
    own(volumes, PERSON)
    assert init(clone, volumes, user=PERSON).returncode == 0
    assert env_of(clone) == ["PRESENCE_UID=1000", "TZ=Europe/Berlin", "PRESENCE_GID=1000"]


def test_a_compose_file_of_an_older_release_is_not_believed_to_read_env(
    clone: Path, volumes: Path
) -> None:
    compose = clone / "docker-compose.yml"
    text = compose.read_text(encoding="utf-8").replace("PRESENCE_UID", "NOBODY")
    compose.write_text(text, encoding="utf-8")
    own(volumes, BRIDGE)
    own(volumes / "broker", BROKER)
    done = init(clone, volumes, user=PERSON)
    assert not (clone / ".env").exists()
    assert done.returncode == 0, done.stderr
    assert list(cannot(clone, volumes, BRIDGE, BROKER)) == []


@pytest.mark.parametrize(
    ("environ", "link", "told"),
    [
        ({"TZ": "Europe/Berlin"}, None, "Europe/Berlin"),
        ({"TZ": ":America/New_York"}, "Europe/Berlin", "America/New_York"),
        ({"TZ": '"Asia/Kolkata"'}, None, "Asia/Kolkata"),
        ({"TZ": ""}, "Europe/Berlin", "Europe/Berlin"),
        ({"TZ": "UTC"}, None, None),
        ({"TZ": "Mars/Olympus"}, None, None),
        ({"TZ": "../../etc/passwd"}, None, None),
        ({}, "Etc/UTC", None),
        ({}, None, None),
    ],
)
def test_the_time_zone_is_kept_for_the_containers_where_it_is_known(
    clone: Path, volumes: Path, environ: dict[str, str], link: str | None, told: str | None
) -> None:
    localtime = volumes / "localtime"
    if link:
        localtime.symlink_to(f"/usr/share/zoneinfo/{link}")
    host = Host(environ=environ, localtime=localtime, volumes=volumes)
    lines = initialise(clone, OPTIONS, host=host)
    if told:
        assert env_of(clone) == [f"TZ={told}"]
        assert (clone / ".env").stat().st_uid == PERSON.uid
        (clone / ".env").write_text("TZ=Asia/Tokyo\n", encoding="utf-8")
        initialise(clone, OPTIONS, host=host)
        assert env_of(clone) == ["TZ=Asia/Tokyo"]
    else:
        assert not (clone / ".env").exists()
        assert any("TZ=Europe/Berlin, or what it is, into .env" in line for line in lines)


def test_keys_that_a_person_mounts_can_be_read_too_and_those_of_other_services_are_left_alone(
    clone: Path, volumes: Path
) -> None:
    for name in ("app.pem", "certs/ca.pem", "zigbee/state"):
        (clone / name).parent.mkdir(exist_ok=True, mode=0o700)
        (clone / name).write_text("", encoding="utf-8")
        (clone / name).chmod(0o600)
    compose = clone / "docker-compose.yml"
    text = compose.read_text(encoding="utf-8")
    web = "      - ./data/secrets/web:/run/secrets/web:ro\n"
    config = "      - ./data/mosquitto:/mosquitto/config:ro\n"
    assert web in text
    text = text.replace(web, f"{web}      - './app.pem:/config/app.pem:ro'\n")
    text = text.replace(config, f"{config}      - ./certs:/certs:ro\n")
    zigbee = "  zigbee2mqtt:\n    image: koenkk/zigbee2mqtt\n    volumes:\n      - ./zigbee:/app\n"
    compose.write_text(text.replace("\nvolumes:", f"\n{zigbee}\nvolumes:"), encoding="utf-8")
    own(clone, PERSON)
    done = init(clone, volumes)
    assert (done.returncode, done.stderr) == (0, "")
    assert can(BRIDGE, "r", clone / "app.pem")
    assert can(BROKER, "rx", clone / "certs")
    assert can(BROKER, "r", clone / "certs" / "ca.pem")
    assert not can(STRANGER, "r", clone / "app.pem")
    assert (clone / "zigbee").stat().st_mode & 0o777 == 0o700
    os.chown(clone / "app.pem", STRANGER.uid, STRANGER.gid)
    (clone / "app.pem").chmod(0o600)
    assert "app.pem belongs to user 65534" in init(clone, volumes).stderr


def test_certificates_and_keys_among_the_secrets_are_the_bridges_alone(
    clone: Path, volumes: Path
) -> None:
    assert init(clone, volumes).returncode == 0
    secrets = clone / "data" / "secrets"
    assert not can(BRIDGE, "x", secrets)
    for name in ("app.pem", "token_key", "new/app.key"):
        (secrets / name).parent.mkdir(exist_ok=True, mode=0o700)
        (secrets / name).write_text("", encoding="utf-8")
        (secrets / name).chmod(0o600)
        os.chown(secrets / name, PERSON.uid, PERSON.gid)
    done = init(clone, volumes)
    assert (done.returncode, done.stderr) == (0, "")
    assert can(BRIDGE, "x", secrets)
    for name in ("app.pem", "token_key", "new/app.key"):
        assert can(BRIDGE, "r", secrets / name), name
        assert can(PERSON, "rw", secrets / name), name
        assert not can(BROKER, "r", secrets / name), name
    assert not can(BRIDGE, "r", secrets / "mqtt_homeassistant")
    assert not can(BROKER, "x", secrets)


def test_a_file_that_is_no_part_of_the_folder_is_not_blamed_on_it(
    clone: Path, volumes: Path
) -> None:
    shipped = Path(installed().name) / "bridge" / "setup" / "shipped" / "config.toml"
    shipped.chmod(0o600)
    try:
        done = init(clone, volumes, user=PERSON)
    finally:
        shipped.chmod(0o644)
    assert done.stderr == f"{shipped}: Permission denied\n"
