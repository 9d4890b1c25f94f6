"""What ``init`` writes is taken by the loader, and by a real Mosquitto with the shipped files."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from itertools import count
from pathlib import Path

import pytest
from pydantic import SecretStr

from bridge.broker import visit
from bridge.broker.connection import connect
from bridge.broker.session import Greeting, ProtocolVersion
from bridge.config.loader import load
from bridge.config.tables.shared import MqttSettings
from bridge.contract.errors import ConfigError, PersonMustActError
from bridge.contract.wire import Message
from bridge.setup import InitOptions, owners
from bridge.setup.passwords import hashed
from tests.fakes.init import initialise
from tests.fakes.mosquitto import Mosquitto, running
from tests.fakes.subscriber import subscriber

ROOT = Path(__file__).parents[3]
CLIENT_ID = "11111111-2222-3333-4444-555555555555"
OPTIONS = InitOptions(tenant="contoso.com", client_id=CLIENT_ID, account="alice", driver="desk")
USERS = ("bridge", "homeassistant", "health", "desk")
SOMEBODY = 65534


def everything(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Content and mode of each file."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mode) for path in files
    }


def secret(folder: Path, user: str) -> str:
    return (folder / "secrets" / f"mqtt_{user}").read_text(encoding="utf-8")


def test_it_writes_a_config_that_loads_with_its_password(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    lines = initialise(folder, OPTIONS)
    config = load(folder / "config.toml", {"HOME": str(tmp_path)})
    assert config.mqtt.host == "localhost"
    assert config.mqtt.password == SecretStr(secret(folder, "bridge"))
    assert config.microsoft.tenant == "contoso.com"
    assert str(config.microsoft.client_id) == CLIENT_ID
    assert config.accounts["alice"].name == "Alice"
    assert config.drivers["desk"].kind == "console"
    assert f"made  {folder / 'config.toml'}" in lines


def test_secrets_are_long_different_and_for_their_owner_only(tmp_path: Path) -> None:
    initialise(tmp_path, OPTIONS)
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    secrets = {secret(tmp_path, user) for user in USERS}
    assert len(secrets) == len(USERS)
    assert all(len(text) >= 32 for text in secrets)
    private = [*(tmp_path / "secrets").iterdir(), tmp_path / "mosquitto" / "passwords"]
    assert {path.stat().st_mode & 0o777 for path in private} == {0o600}
    hashes = (tmp_path / "mosquitto" / "passwords").read_text(encoding="utf-8")
    assert [line.split(":")[0] for line in hashes.splitlines()] == list(USERS)
    assert not [text for text in secrets if text in hashes]


def test_a_second_time_nothing_is_overwritten_whatever_is_asked(tmp_path: Path) -> None:
    initialise(tmp_path, OPTIONS)
    (tmp_path / "config.toml").write_text("# mine\n[mqtt]\n", encoding="utf-8")
    before = everything(tmp_path)
    other = InitOptions(tenant="other.example", client_id=CLIENT_ID, account="bob", driver="desk")
    lines = initialise(tmp_path, other)
    assert everything(tmp_path) == before
    assert not [line for line in lines if line.startswith(("made", "filled in", "changed"))]


def test_a_lamp_that_comes_later_is_only_added(tmp_path: Path) -> None:
    initialise(tmp_path, OPTIONS)
    before = everything(tmp_path)
    lines = initialise(tmp_path, InitOptions(driver="hall"))
    after = everything(tmp_path)
    old_hashes, new_hashes = (all_files.pop("mosquitto/passwords") for all_files in (before, after))
    assert new_hashes[0].startswith(old_hashes[0] + b"hall:$7$")
    assert before.pop("mosquitto/acl") != after.pop("mosquitto/acl")
    assert after.pop("secrets/mqtt_hall")
    assert after == before
    assert any("[drivers.hall]" in line and '"alice"' in line for line in lines)


def test_the_lamp_of_a_comment_is_still_to_be_added(tmp_path: Path) -> None:
    shutil.copy(ROOT / "config.toml", tmp_path)
    assert any("[drivers.desk]" in line for line in initialise(tmp_path, OPTIONS))


@pytest.mark.parametrize("name", ["bridge", "homeassistant", "health"])
def test_a_lamp_cannot_be_called_like_another_user(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=f"cannot be called {name}: that is the name of another"):
        initialise(tmp_path / "new", InitOptions(driver=name))
    assert not (tmp_path / "new").exists()


def test_a_lamp_cannot_take_the_rights_of_a_device(tmp_path: Path) -> None:
    initialise(tmp_path, OPTIONS)
    append(tmp_path / "mosquitto" / "passwords", f"zigbee2mqtt:{hashed(DEVICE, bytes(12))}\n")
    append(tmp_path / "mosquitto" / "acl", "user zigbee2mqtt\ntopic readwrite zigbee2mqtt/#\n")
    before = everything(tmp_path)
    with pytest.raises(ConfigError, match="zigbee2mqtt is a user of the broker already"):
        initialise(tmp_path, InitOptions(driver="zigbee2mqtt"))
    assert everything(tmp_path) == before


def rules_of(folder: Path, lamp: str) -> list[str]:
    """What ``lamp`` may read of accounts."""
    acl = (folder / "mosquitto" / "acl").read_text(encoding="utf-8")
    lines = acl.partition(f"\nuser {lamp}\n")[2].partition("\n\n")[0].partition("\n#")[0]
    read = (line.removeprefix("topic read ") for line in lines.splitlines())
    return [topic for topic in read if topic.startswith("presence/account/")]


def test_a_lamp_gets_what_it_follows_and_when_that_changes_after_another_init(
    tmp_path: Path,
) -> None:
    initialise(tmp_path, OPTIONS)
    assert rules_of(tmp_path, "desk") == list(ALICE)
    config = tmp_path / "config.toml"
    config.write_text(config.read_text("utf-8").replace('["alice"]', '["bob"]'), encoding="utf-8")
    initialise(tmp_path, InitOptions())
    assert set(BOB) <= set(rules_of(tmp_path, "desk"))
    assert not set(ALICE) & set(rules_of(tmp_path, "desk"))


def test_what_a_lamp_of_another_host_follows_is_remembered(tmp_path: Path) -> None:
    initialise(tmp_path, OPTIONS)
    lines = initialise(tmp_path, InitOptions(driver="hall", follow="bob, team_eve"))
    assert any('follow = ["bob", "team_eve"]' in line for line in lines)
    before = rules_of(tmp_path, "hall")
    assert "presence/account/team_eve/state" in before
    for again in (InitOptions(), InitOptions(driver="hall"), InitOptions(driver="desk")):
        initialise(tmp_path, again)
        assert rules_of(tmp_path, "hall") == before


def test_a_lamp_that_is_no_more_leaves_no_rules(tmp_path: Path) -> None:
    initialise(tmp_path, OPTIONS)
    initialise(tmp_path, InitOptions(driver="hall", follow="bob"))
    hashes = tmp_path / "mosquitto" / "passwords"
    lines = hashes.read_text(encoding="utf-8").splitlines(keepends=True)
    hashes.write_text("".join(it for it in lines if not it.startswith("hall:")), encoding="utf-8")
    (tmp_path / "secrets" / "mqtt_hall").unlink()
    initialise(tmp_path, InitOptions())
    assert "hall" not in (tmp_path / "mosquitto" / "acl").read_text(encoding="utf-8")
    assert rules_of(tmp_path, "desk") == list(ALICE)


def test_what_is_said_twice_must_be_the_same(tmp_path: Path) -> None:
    initialise(tmp_path, OPTIONS)
    initialise(tmp_path, InitOptions(driver="desk", follow="alice"))
    with pytest.raises(ConfigError, match=r"drivers\.desk\.follow in the config says"):
        initialise(tmp_path, InitOptions(driver="desk", follow="bob"))
    with pytest.raises(ConfigError, match="--follow needs --driver"):
        initialise(tmp_path, InitOptions(follow="bob"))


def test_a_base_topic_of_ones_own_is_in_the_rules(tmp_path: Path) -> None:
    initialise(tmp_path, InitOptions(account="alice"))
    append(tmp_path / "config.toml", '[homeassistant]\ndiscovery_prefix = "ha"\n')
    config = tmp_path / "config.toml"
    text = config.read_text(encoding="utf-8").replace("[mqtt]\n", '[mqtt]\nbase_topic = "x/y"\n')
    config.write_text(text, encoding="utf-8")
    initialise(tmp_path, InitOptions(driver="desk"))
    acl = (tmp_path / "mosquitto" / "acl").read_text(encoding="utf-8")
    assert "topic readwrite x/y/account/#" in acl
    assert "topic read x/y/account/alice/state" in acl
    assert "topic read ha/status" in acl


@pytest.mark.parametrize(
    ("table", "births", "speaks"),
    [
        ("", ["homeassistant/status"], []),
        ('discovery_prefix = "home/ha"', ["home/ha/status", "homeassistant/status"], [1]),
        ('birth_topic = "My Home/born"', ["My Home/born"], [0]),
        ('discovery_prefix = "ha"\nbirth_topic = "ha/born"', ["ha/born"], []),
    ],
)
def test_home_assistant_may_say_where_it_does_that_it_has_started_and_all_hear_it(
    tmp_path: Path, table: str, births: list[str], speaks: list[int]
) -> None:
    initialise(tmp_path, InitOptions(account="alice"))
    append(tmp_path / "config.toml", f"[homeassistant]\n{table}\n")
    initialise(tmp_path, InitOptions(driver="desk"))
    acl = (tmp_path / "mosquitto" / "acl").read_text(encoding="utf-8")

    def lines(user: str) -> list[str]:
        return acl.partition(f"user {user}\n")[2].partition("\n\n")[0].splitlines()

    for user in ("bridge", "desk"):
        heard = [line for line in lines(user) if "status" in line or "born" in line]
        assert heard == [f"topic read {topic}" for topic in births]
    own = [f"topic readwrite {births[number]}" for number in speaks]
    assert [line for line in lines("homeassistant") if not line.endswith("#")] == own


LAST_RELEASE = """\
user bridge
topic readwrite presence/bridge/#

user hall
topic write zigbee2mqtt/Hall/set

# every user, so every lamp: its own topics, and to read what it follows
pattern readwrite presence/driver/%u/#
pattern readwrite homeassistant/device/%u/+/config
pattern read presence/account/+/state
pattern read presence/account/+/availability
pattern read presence/account/+/auth
pattern read presence/bridge/state
pattern read homeassistant/status
"""


def test_the_rules_of_the_last_release_hold_until_each_lamp_has_its_own(tmp_path: Path) -> None:
    """Nobody goes dark by an ``init``: a lamp that runs elsewhere is asked for first."""
    initialise(tmp_path, OPTIONS)
    initialise(tmp_path, InitOptions(driver="hall"))
    acl = tmp_path / "mosquitto" / "acl"
    acl.write_text(LAST_RELEASE, encoding="utf-8")
    lines = initialise(tmp_path, InitOptions())
    assert any("--driver hall --follow NAME; until then every user may read" in it for it in lines)
    assert LAST_RELEASE in acl.read_text(encoding="utf-8")
    assert "user desk\n" in acl.read_text(encoding="utf-8")

    lines = initialise(tmp_path, InitOptions(driver="hall", follow="alice"))
    text = acl.read_text(encoding="utf-8")
    assert "pattern" not in text
    assert "every user" not in "".join(lines) + text
    assert "user hall\ntopic write zigbee2mqtt/Hall/set\n" in text
    assert rules_of(tmp_path, "hall") == list(ALICE)


def test_after_init_the_shipped_rules_are_tight(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "mosquitto", tmp_path / "mosquitto")
    shipped = (tmp_path / "mosquitto" / "acl").read_text(encoding="utf-8")
    initialise(tmp_path, InitOptions())
    tight = (tmp_path / "mosquitto" / "acl").read_text(encoding="utf-8")
    assert "pattern" not in tight
    assert shipped.startswith(tight.rstrip("\n"))
    assert tight.count("user bridge\n") == 1


def test_a_secret_without_its_hash_is_kept_and_hashed(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "mqtt_bridge").write_text("chosen by hand", encoding="utf-8")
    initialise(tmp_path, OPTIONS)
    assert secret(tmp_path, "bridge") == "chosen by hand"
    assert "bridge:" in (tmp_path / "mosquitto" / "passwords").read_text(encoding="utf-8")


def test_in_the_shipped_config_only_the_placeholders_are_filled_in(tmp_path: Path) -> None:
    shutil.copy(ROOT / "config.toml", tmp_path)
    lines = initialise(tmp_path, OPTIONS)
    before = (ROOT / "config.toml").read_text(encoding="utf-8").splitlines()
    after = (tmp_path / "config.toml").read_text(encoding="utf-8").splitlines()
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert changed == [f'client_id = "{CLIENT_ID}"']
    assert f"filled in  {tmp_path / 'config.toml'}" in lines


def test_without_an_app_registration_it_says_what_is_missing(tmp_path: Path) -> None:
    lines = initialise(tmp_path, InitOptions())
    assert "The page asks for tenant and client_id, or put them into config.toml:" in lines
    assert "me" in load(tmp_path / "config.toml", {}).accounts
    assert not [line for line in initialise(tmp_path / "b", OPTIONS) if "tenant" in line]


@pytest.mark.parametrize("options", [InitOptions(account="Ali ce"), InitOptions(driver="../desk")])
def test_a_name_that_cannot_be_used_is_refused_before_anything_is_written(
    tmp_path: Path, options: InitOptions
) -> None:
    with pytest.raises(ConfigError, match="cannot be a topic level"):
        initialise(tmp_path / "new", options)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (InitOptions(client_id="my-app"), "client_id: must look like 00000000-"),
        (InitOptions(tenant="common"), "tenant: must be your organisation's domain or GUID"),
    ],
)
def test_a_registration_that_the_config_would_refuse_is_not_written(
    tmp_path: Path, options: InitOptions, told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        initialise(tmp_path / "new", options)
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match=str(tmp_path / "file")):
        initialise(tmp_path / "file" / "new", OPTIONS)


def test_a_config_that_is_broken_is_kept_and_named(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[mqtt\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"config\.toml: Expected"):
        initialise(tmp_path, OPTIONS)
    assert (tmp_path / "config.toml").read_text(encoding="utf-8") == "[mqtt\n"


def test_a_folder_that_docker_made_of_a_missing_file_is_reported_with_its_remedy(
    tmp_path: Path,
) -> None:
    (tmp_path / "secrets" / "mqtt_bridge").mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"mqtt_bridge: is a folder; .*remove it \(rmdir\)"):
        initialise(tmp_path, OPTIONS)


def test_a_password_without_its_secret_is_a_persons_and_no_other_is_made(tmp_path: Path) -> None:
    initialise(tmp_path, OPTIONS)
    (tmp_path / "secrets" / "mqtt_desk").unlink()  # taken to the lamp's own host
    before = everything(tmp_path)
    lines = initialise(tmp_path, InitOptions(driver="desk"))
    assert everything(tmp_path) == before
    assert any("desk has a password there that is not in" in line for line in lines)


only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@only_root
def test_as_root_each_file_is_given_to_the_one_user_that_reads_it(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "mosquitto", tmp_path / "mosquitto")
    initialise(tmp_path, OPTIONS)
    found = {path.name: path.stat().st_uid for path in tmp_path.rglob("*") if path.is_file()}
    assert found["mqtt_bridge"] == found["mqtt_desk"] == owners.BRIDGE.uid
    assert found["mqtt_health"] == found["passwords"] == found["acl"] == owners.BROKER.uid
    assert found["mqtt_homeassistant"] == tmp_path.stat().st_uid


@only_root
def test_a_secret_that_was_given_to_the_user_of_a_unit_stays_with_it(tmp_path: Path) -> None:
    initialise(tmp_path, OPTIONS)
    given = tmp_path / "secrets" / "mqtt_bridge"
    os.chown(given, SOMEBODY, SOMEBODY)
    initialise(tmp_path, InitOptions(driver="hall"))
    assert given.stat().st_uid == SOMEBODY


@only_root
@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv is missing")
def test_in_its_container_it_works_in_a_clone_of_somebody_else(tmp_path: Path) -> None:
    """With no more than the capabilities that the compose file leaves to it, and a second time."""
    shutil.copytree(ROOT / "mosquitto", tmp_path / "mosquitto")
    shutil.copy(ROOT / "config.toml", tmp_path)
    for path in (tmp_path, *tmp_path.rglob("*")):
        os.chown(path, SOMEBODY, SOMEBODY)
    init = [sys.executable, "-m", "bridge", "init", "--folder", str(tmp_path)]
    for _ in range(2):
        subprocess.run(
            ["setpriv", "--bounding-set", "-all,+chown,+dac_override", *init],
            check=True,
            capture_output=True,
            timeout=60,
        )
    acl, config = (tmp_path / "mosquitto" / "acl").stat(), (tmp_path / "config.toml").stat()
    assert (acl.st_uid, acl.st_gid, acl.st_mode & 0o777) == (owners.BROKER.uid, SOMEBODY, 0o640)
    assert (config.st_uid, config.st_gid) == (SOMEBODY, owners.BRIDGE.uid)
    assert config.st_mode & 0o777 == 0o664
    assert (tmp_path / "secrets" / "web").stat().st_uid == owners.BRIDGE.uid


def test_the_command_says_what_it_made_and_what_comes_next(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bridge", "init", "--folder", str(tmp_path), "--account", "alice"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert f"made  {tmp_path / 'secrets' / 'mqtt_bridge'}" in done.stdout
    assert "presence-bridge login alice" in done.stdout
    assert secret(tmp_path, "bridge") not in done.stdout


def append(file: Path, text: str) -> None:
    with file.open("a", encoding="utf-8") as opened:
        opened.write(text)


DEVICE = "the bulb's own"
BULB = """
[drivers.bulb]
kind = "mqtt"
device = "zigbee2mqtt"
topic = "zigbee2mqtt/Lamp"
follow = ["bob"]
"""


class Killed(BaseException):
    """As SIGKILL: nothing of ours runs after it."""


def kill_at(times: int) -> Callable[[int], bytes]:
    """Random bytes, and a kill where they are asked for the ``times``-th time."""
    calls = count(1)

    def random(length: int) -> bytes:
        if next(calls) == times:
            raise Killed
        return os.urandom(length)

    return random


def ends_right(folder: Path) -> None:
    """Every program gets in with the secret that it reads, and the lamp sees what it follows."""
    assert load(folder / "config.toml", {}).drivers["desk"].kind == "console"
    hashes = (folder / "mosquitto" / "passwords").read_text(encoding="utf-8").splitlines()
    stored = dict(line.split(":") for line in hashes)
    assert len(stored) == len(hashes)
    for name in USERS:
        salt = base64.b64decode(stored[name].split("$")[3])
        assert stored[name] == hashed(secret(folder, name), salt)
        assert len(secret(folder, name)) >= 32
    assert rules_of(folder, "desk") == list(ALICE)
    assert not list(folder.rglob("*.new"))


@pytest.mark.parametrize("times", range(1, 10))
def test_after_a_kill_between_two_writes_another_run_ends_right(tmp_path: Path, times: int) -> None:
    with pytest.raises(Killed):
        initialise(tmp_path, OPTIONS, kill_at(times))
    half_done = everything(tmp_path)
    initialise(tmp_path, OPTIONS)
    ends_right(tmp_path)
    assert half_done.items() <= everything(tmp_path).items()


@pytest.mark.parametrize("name", ["config.toml", "secrets/mqtt_desk", "mosquitto/passwords"])
@pytest.mark.parametrize("cut", ["empty", "draft"])
def test_what_a_kill_or_a_full_disk_left_of_a_file_is_replaced(
    tmp_path: Path, name: str, cut: str
) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    left = file if cut == "empty" else file.with_name(f"{file.name}.new")
    left.write_text("" if cut == "empty" else "bri", encoding="utf-8")
    initialise(tmp_path, OPTIONS)
    ends_right(tmp_path)


@pytest.mark.parametrize("cut", [1, 20, 70, 105, 190])
def test_a_line_of_passwords_without_its_end_is_recreated(tmp_path: Path, cut: int) -> None:
    """The broker starts with none of them when one cannot be read."""
    initialise(tmp_path, OPTIONS)
    hashes = tmp_path / "mosquitto" / "passwords"
    hashes.write_text(hashes.read_text(encoding="utf-8")[:-cut], encoding="utf-8")
    initialise(tmp_path, OPTIONS)
    ends_right(tmp_path)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    """The shipped config and access rules, with what ``init`` made."""
    shutil.copytree(ROOT / "mosquitto", tmp_path / "mosquitto", dirs_exist_ok=True)
    initialise(tmp_path, OPTIONS)
    initialise(tmp_path, InitOptions(driver="hall", follow="all"))
    append(tmp_path / "config.toml", BULB)
    append(tmp_path / "mosquitto" / "passwords", f"device:{hashed(DEVICE, bytes(12))}\n")
    append(tmp_path / "mosquitto" / "acl", "user device\ntopic readwrite zigbee2mqtt/#\n")
    initialise(tmp_path, InitOptions(driver="bulb"))
    async with running(tmp_path, extra=shipped_conf(tmp_path)) as started:
        yield started


def shipped_conf(folder: Path) -> str:
    """The shipped config, for the files in ``folder``."""
    conf = (ROOT / "mosquitto" / "mosquitto.conf").read_text(encoding="utf-8")
    assert "\nlistener 1883\n" in conf
    conf = conf.replace("\nlistener 1883\n", "\n")
    conf = conf.replace("/mosquitto/config", str(folder / "mosquitto"))
    return conf.replace("/mosquitto/data", str(folder))


def user(broker: Mosquitto, name: str, **other: str) -> MqttSettings:
    password = other.get("password") or secret(broker.folder, name)
    return MqttSettings(
        host="127.0.0.1", port=broker.port, username=name, password=SecretStr(password)
    )


@pytest.mark.parametrize("name", [*USERS, "hall"])
async def test_mosquitto_lets_each_user_in_with_its_own_password_only(
    broker: Mosquitto, name: str
) -> None:
    await visit(user(broker, name))
    with pytest.raises(PersonMustActError, match="does not let this user in"):
        await visit(user(broker, name, password=secret(broker.folder, "bridge") + "x"))


async def test_mosquitto_lets_nobody_in_without_a_password(broker: Mosquitto) -> None:
    with pytest.raises(PersonMustActError, match="anonymous"):
        await visit(MqttSettings(host="127.0.0.1", port=broker.port))


TOPICS = (
    "presence/bridge/state",
    "presence/bridge/health",
    "presence/bridge/request/poll",
    "presence/account/alice/state",
    "presence/account/alice/availability",
    "presence/account/alice/sign_in",
    "presence/account/alice/attributes",
    "presence/account/alice/auth",
    "presence/account/alice/event",
    "presence/account/bob/state",
    "presence/account/bob/sign_in",
    "presence/table/team/auth",
    "presence/table/team/fresh",
    "presence/driver/desk/state",
    "presence/driver/desk/light/set",
    "presence/driver/hall/light/state",
    "homeassistant/status",
    "homeassistant/device/presence_bridge/config",
    "homeassistant/device/desk/light/config",
    "homeassistant/light/other/config",
    "zigbee2mqtt/Lamp",
    "zigbee2mqtt/Lamp/set",
    "other/topic",
)
PRESENCE = tuple(topic for topic in TOPICS if topic.startswith("presence/"))
HOME = tuple(topic for topic in TOPICS if topic.startswith("homeassistant/"))
BRIDGE = tuple(topic for topic in PRESENCE if "/driver/" not in topic)
ALICE = tuple(f"presence/account/alice/{leaf}" for leaf in ("state", "availability", "sign_in"))
BOB = ("presence/account/bob/state", "presence/account/bob/sign_in")
DESK = (
    "presence/driver/desk/state",
    "presence/driver/desk/light/set",
    "homeassistant/device/desk/light/config",
)
LAMP = ("presence/bridge/state", "presence/table/team/fresh", "homeassistant/status")
MAY_WRITE: Mapping[str, tuple[str, ...]] = {
    "homeassistant": (*PRESENCE, *HOME),
    "bridge": (
        *BRIDGE,
        "presence/driver/desk/light/set",
        "homeassistant/device/presence_bridge/config",
    ),
    "desk": DESK,
    "hall": ("presence/driver/hall/light/state",),
    "bulb": ("zigbee2mqtt/Lamp/set",),
    "health": (),
}
MAY_READ: Mapping[str, tuple[str, ...]] = {
    "homeassistant": (*PRESENCE, *HOME),
    "bridge": (*PRESENCE, "homeassistant/device/presence_bridge/config", "homeassistant/status"),
    "desk": (*DESK, *LAMP, *ALICE),
    "hall": ("presence/driver/hall/light/state", *LAMP, *ALICE, *BOB),
    "bulb": (*LAMP, *BOB, "zigbee2mqtt/Lamp"),
    "health": ("presence/bridge/state",),
}


@pytest.mark.parametrize("name", MAY_WRITE)
async def test_each_user_writes_its_own_topics_only(broker: Mosquitto, name: str) -> None:
    async with connect(Greeting(user(broker, name), name, ProtocolVersion.V5)) as session:
        refused = await session.send([Message(topic, b"1") for topic in TOPICS])
    written = set(TOPICS) - {refusal.message.topic for refusal in refused}
    assert written == set(MAY_WRITE[name])


@pytest.mark.parametrize("name", MAY_READ)
async def test_each_user_reads_what_it_follows_only(broker: Mosquitto, name: str) -> None:
    password = secret(broker.folder, name)
    async with subscriber(broker.port, username=name, password=password) as mqtt:
        await visit(
            user(broker, "homeassistant"),
            publish=[Message(topic, b"1") for topic in MAY_WRITE["homeassistant"]],
        )
        device = user(broker, "device", password=DEVICE)
        await visit(device, publish=[Message("zigbee2mqtt/Lamp", b"1")])
        await visit(user(broker, "homeassistant"), publish=[Message("presence/bridge/state", b"2")])
        await mqtt.until_text("presence/bridge/state", "2")
        assert set(mqtt.last) == set(MAY_READ[name])


async def test_the_health_check_of_the_container_reads_the_uptime(broker: Mosquitto) -> None:
    async with subscriber(
        broker.port,
        topic="$SYS/broker/uptime",
        username="health",
        password=secret(broker.folder, "health"),
    ) as mqtt:
        assert "seconds" in (await mqtt.until("$SYS/broker/uptime", deadline_s=30)).text


async def test_what_is_retained_outlives_a_restart_of_the_broker(broker: Mosquitto) -> None:
    await visit(user(broker, "bridge"), publish=[Message("presence/bridge/info", b"{}")])
    await asyncio.to_thread(broker.stop)
    await broker.start()
    (kept,) = await visit(user(broker, "bridge"), follow=["presence/bridge/info"])
    assert kept.payload == b"{}"


async def test_after_an_update_the_lamps_of_the_last_release_read_on(tmp_path: Path) -> None:
    """The update brings the shipped rules; ``init`` has not run again."""
    initialise(tmp_path, OPTIONS)
    shutil.copy(ROOT / "mosquitto" / "acl", tmp_path / "mosquitto" / "acl")
    async with (
        running(tmp_path, extra=shipped_conf(tmp_path)) as broker,
        subscriber(broker.port, username="desk", password=secret(tmp_path, "desk")) as lamp,
    ):
        told = [Message(topic, b"{}") for topic in (*ALICE[:2], "presence/account/alice/auth")]
        await visit(user(broker, "bridge"), publish=told)
        for message in told:
            await lamp.until(message.topic)
