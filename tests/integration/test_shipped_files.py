"""The files beside the code say what the code does: config, containers, units, docs."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from bridge.config import state_dir
from bridge.config.command_line import WRONG_USE
from bridge.config.loader import from_environment, load
from bridge.config.tables.accounts import PLACEHOLDER_CLIENT_ID, AccountSettings, MicrosoftSettings
from bridge.config.tables.config import Config, NetworkSettings, PollingSettings
from bridge.config.tables.hours import HoursSettings
from bridge.config.tables.shared import HomeAssistantSettings, MqttSettings
from bridge.config.tables.web import WebSettings
from bridge.setup import InitOptions
from bridge.setup.dot_env import GID, UID, ZONE
from bridge.setup.owners import BRIDGE, BROKER, VOLUME_OF, VOLUMES
from drivers.registry import EXTRAS, GROUP, find, installed
from drivers.rules import Look
from drivers.rules.defaults import LOOK_NAMES
from drivers.runtime.heartbeat import heartbeat_of
from drivers.settings import Common, Schedule
from tests.fakes.init import initialise
from tests.fakes.rows import rows

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SHIPPED = (ROOT / "config.toml").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def shipped() -> dict[str, Any]:
    """The shipped config with everything that is commented out."""
    return tomllib.loads(re.sub(r"(?m)^# (?=\[|[a-z_]+ *= )", "", SHIPPED))


def tables() -> Iterator[tuple[str, Mapping[str, Any], type[BaseModel]]]:
    """Each table of ``shipped`` and the model that reads it."""
    config = shipped()
    desk = config["drivers"]["desk"]
    yield "", config, Config
    yield "mqtt", config["mqtt"], MqttSettings
    yield "homeassistant", config["homeassistant"], HomeAssistantSettings
    yield "microsoft", config["microsoft"], MicrosoftSettings
    yield "network", config["network"], NetworkSettings
    yield "polling", config["polling"], PollingSettings
    yield "web", config["web"], WebSettings
    yield "accounts.alice", config["accounts"]["alice"], AccountSettings
    yield "accounts.alice.hours", config["accounts"]["alice"]["hours"], HoursSettings
    yield "drivers.desk", desk, Common
    yield "drivers.desk.schedule", desk["schedule"], Schedule
    yield "drivers.desk.looks.in_a_call", desk["looks"]["in_a_call"], Look


def test_the_shipped_config_loads_as_it_is_and_after_init(tmp_path: Path) -> None:
    shutil.copy(ROOT / "config.toml", tmp_path)
    assert load(tmp_path / "config.toml", {}).microsoft.client_id == PLACEHOLDER_CLIENT_ID
    mine = "11111111-2222-3333-4444-555555555555"
    initialise(tmp_path, InitOptions(tenant="me.example", client_id=mine, account="bob"))
    filled = load(tmp_path / "config.toml", {})
    assert (filled.microsoft.tenant, str(filled.microsoft.client_id)) == ("me.example", mine)
    assert list(filled.accounts) == ["bob"]


@pytest.mark.parametrize(
    ("name", "table", "model"), [pytest.param(*row, id=row[0] or "top") for row in tables()]
)
def test_every_key_of_the_shipped_config_is_read_and_every_one_that_is_read_is_in_it(
    name: str, table: Mapping[str, Any], model: type[BaseModel]
) -> None:
    assert set(table) <= set(model.model_fields), name
    untold = set(model.model_fields) - set(table)
    assert [key for key in untold if not re.search(rf"\b{key}\b", SHIPPED)] == []


EXAMPLES = {"ca_file", "cert_file", "key_file", "server_name", "username", "password_file", "port"}
EXAMPLES |= {"client_id", "kind", "name", "follow", "schedule", "looks", "hosts", "trusted_proxies"}
EXAMPLES |= {"forwarded_from", "url"}


@pytest.mark.parametrize("name", ["mqtt", "homeassistant", "polling", "web", "drivers.desk"])
def test_the_defaults_in_the_shipped_config_are_the_real_ones(name: str) -> None:
    table, model = next((table, model) for row, table, model in tables() if row == name)
    told = {key: value for key, value in table.items() if key not in EXAMPLES}
    assert told == {key: model.model_fields[key].default for key in told}
    assert told


def test_looks_in_the_shipped_config_have_names_that_exist() -> None:
    assert set(shipped()["drivers"]["desk"]["looks"]) <= LOOK_NAMES


COMPOSE = importlib.import_module("yaml").safe_load(
    (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
)
SERVICES = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
STAGES = {
    match.group(1): match.group(0)
    for match in re.finditer(r"(?ms)^FROM \S+ AS (\w+)$.*?(?=^FROM|\Z)", DOCKERFILE)
}
LASTING = ("mosquitto", "bridge", "driver")


def test_compose_has_the_services_that_the_docs_speak_of() -> None:
    assert set(SERVICES) == {*LASTING, "init"}
    assert "profiles" not in SERVICES["mosquitto"]
    assert "profiles" not in SERVICES["bridge"]
    assert SERVICES["driver"]["profiles"] == ["driver"]
    assert SERVICES["init"]["profiles"] == ["init"]


@pytest.mark.parametrize("name", LASTING)
def test_a_service_has_no_rights_that_it_does_not_need(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == "unless-stopped"
    assert not {"privileged", "cap_add", "network_mode", "pid", "ipc"} & set(service)
    writable = {v.split(":")[0] for v in service["volumes"] if not v.endswith(":ro")}
    own = {"./data/config.toml"} if name == "bridge" else set()  # the guided set-up fills it in
    memory = {"mosquitto": "broker", "bridge": "bridge", "driver": "lamps"}[name]
    assert writable == own | {f"./data/state/{memory}"}


@pytest.mark.parametrize("name", LASTING)
def test_a_service_that_runs_wild_takes_neither_all_memory_nor_all_processes(name: str) -> None:
    assert re.fullmatch(r"\d+m", SERVICES[name]["mem_limit"])
    assert 64 <= SERVICES[name]["pids_limit"] <= 256


@pytest.mark.parametrize("name", LASTING)
def test_a_service_runs_as_a_fixed_user_who_is_not_root(name: str) -> None:
    uid = BROKER.uid if name == "mosquitto" else BRIDGE.uid
    assert SERVICES[name]["user"] == f"${{{UID}:-{uid}}}:${{{GID}:-{uid}}}"
    if name != "mosquitto":
        assert SERVICES[name]["build"]["target"] == name
        assert f"\nUSER {uid}:{uid}\n" in STAGES[name]
        assert STAGES[name].rindex("USER") > STAGES[name].rindex("RUN")


def test_init_sees_what_it_gives_away_and_reports_what_is_known() -> None:
    volumes = dict(it.split(":", 1) for it in SERVICES["init"]["volumes"])
    assert {name: f"{VOLUMES}/{name}" for name in COMPOSE["volumes"]}.items() <= volumes.items()
    assert set(COMPOSE["volumes"]) == set(VOLUME_OF.values())
    assert SERVICES["init"]["environment"] == {key: f"${{{key}:-}}" for key in (ZONE, UID, GID)}


@pytest.mark.parametrize("name", ["bridge", "driver"])
def test_programs_with_hours_get_the_time_zone(name: str) -> None:
    assert SERVICES[name]["environment"]["TZ"] == "${TZ:-}"


def test_init_may_do_only_what_it_takes_to_give_files_away() -> None:
    init = SERVICES["init"]
    assert init["cap_drop"] == ["ALL"]
    assert init["cap_add"] == ["CHOWN", "DAC_OVERRIDE"]
    assert init["network_mode"] == "none"


def test_only_the_broker_and_the_page_are_open_to_the_network_both_with_passwords() -> None:
    published = {name: service.get("ports", []) for name, service in SERVICES.items()}
    assert {name: ports for name, ports in published.items() if ports} == {
        "mosquitto": ["${PRESENCE_BROKER_PORT:-1883}:1883"],
        "bridge": ["${PRESENCE_PAGE_PORT:-8099}:8099"],
    }
    assert SERVICES["bridge"]["environment"]["PRESENCE_WEB__PASSWORD_FILE"] == "/run/secrets/web"


def test_health_checks_ask_the_broker_and_the_process_and_nobody_else() -> None:
    (_, command) = SERVICES["mosquitto"]["healthcheck"]["test"]
    assert command.startswith("mosquitto_sub -u health ")
    assert "$$SYS/broker/uptime" in command
    assert f"/data/{state_dir.HEARTBEAT}" in STAGES["bridge"]
    limit_s = int(re.search(r"st_mtime > (\d+)", STAGES["bridge"])[1])  # type: ignore[index]
    assert limit_s >= 3 * state_dir.HEARTBEAT_EVERY_S


@pytest.mark.parametrize(
    ("name", "needed"),
    [("bridge", {"asyncio", "aiohttp.web", "msal", "paho.mqtt.client"}), ("driver", {"asyncio"})],
)
def test_an_image_has_the_bytecode_of_all_that_a_start_loads(name: str, needed: set[str]) -> None:
    compiled = re.search(r'python3 -c "(import [\w., ]+)"', STAGES[name])
    assert compiled
    assert STAGES[name].rindex("pip install") < compiled.start() < STAGES[name].index("USER")
    program = f"{compiled[1]}, sys\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert needed <= set(done.stdout.split())
    assert "DONTWRITEBYTECODE" not in DOCKERFILE
    assert "--no-compile" not in DOCKERFILE


HEALTH_CHECK = re.search(r'"python3", "-c", "(.*)"\]', STAGES["bridge"])
HEALTH_CHECKS = {
    "bridge": (HEALTH_CHECK[1] if HEALTH_CHECK else "", state_dir.HEARTBEAT),
    "driver": (SERVICES["driver"]["healthcheck"]["test"][3], heartbeat_of("desk")),
}


def is_healthy(name: str, folder: Path) -> bool:
    """What the health check of a container says of a state folder."""
    code = HEALTH_CHECKS[name][0].replace("/data", str(folder))
    environ = {**os.environ, "PRESENCE_MQTT__USERNAME": "desk"}
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, env=environ, capture_output=True
    )
    return done.returncode == 0


@pytest.mark.parametrize("name", HEALTH_CHECKS)
def test_the_health_check_sees_a_process_that_hangs_and_blames_none_for_its_disk(
    tmp_path: Path, name: str
) -> None:
    heartbeat = tmp_path / HEALTH_CHECKS[name][1]
    heartbeat.parent.mkdir(exist_ok=True)
    heartbeat.touch()
    assert is_healthy(name, tmp_path)
    os.utime(heartbeat, (0, 0))
    assert not is_healthy(name, tmp_path)
    heartbeat.unlink()
    assert not is_healthy(name, tmp_path)


def test_a_disk_that_takes_nothing_is_no_reason_to_restart_the_bridge(tmp_path: Path) -> None:
    assert is_healthy("bridge", tmp_path / "gone")
    assert is_healthy("driver", tmp_path / "gone")


def test_the_lamps_of_the_docs_are_lamps_of_the_compose_file() -> None:
    """A second lamp of an override file, as ``extends`` merges it."""
    page = (ROOT / "docs" / "docker.md").read_text(encoding="utf-8")
    blocks = re.findall(r"(?ms)^```yaml\n(services:.*?)^```$", page)
    (text,) = [block for block in blocks if "driver-hall" in block]
    hall = importlib.import_module("yaml").safe_load(text)["services"]["driver-hall"]
    desk = SERVICES[hall["extends"]["service"]]
    assert hall["extends"]["file"] == "docker-compose.yml"
    assert (desk["command"], hall["command"]) == (["desk"], ["hall"])
    assert set(hall["environment"]) <= set(desk["environment"])
    targets = [volume.split(":")[1] for volume in hall["volumes"]]
    assert targets == [desk["environment"]["PRESENCE_MQTT__PASSWORD_FILE"]]
    assert set(targets) <= {volume.split(":")[1] for volume in desk["volumes"]}


def test_an_orchestrator_asks_as_the_image_does() -> None:
    assert HEALTH_CHECK
    assert HEALTH_CHECK[1] in (ROOT / "docs" / "scaling-appendix.md").read_text(encoding="utf-8")


def test_every_file_that_compose_mounts_is_shipped_or_made_by_init(tmp_path: Path) -> None:
    shutil.copy(ROOT / "config.toml", tmp_path)
    shutil.copy(ROOT / "docker-compose.yml", tmp_path)
    shutil.copytree(ROOT / "mosquitto", tmp_path / "mosquitto")
    initialise(tmp_path, InitOptions(driver="desk"))
    for name in LASTING:
        mounts = dict(volume.split(":")[:2] for volume in SERVICES[name]["volumes"])
        sources = [source for source in mounts if source.startswith("./")]
        assert all((tmp_path / source).exists() for source in sources), sources
        for key, value in SERVICES[name].get("environment", {}).items():
            if key.endswith("_FILE"):
                assert value in mounts.values(), key
    conf = (ROOT / "mosquitto" / "mosquitto.conf").read_text(encoding="utf-8")
    for key in ("password_file", "acl_file"):
        path = re.search(rf"(?m)^{key} /mosquitto/config/(\S+)$", conf)
        assert path
        assert (tmp_path / "data" / "mosquitto" / path[1]).exists()


def test_no_password_is_shipped_and_none_can_be_committed() -> None:
    variables = {key for service in SERVICES.values() for key in service.get("environment", {})}
    assert not [key for key in variables if key.endswith("PASSWORD")]
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/.env", "/data/", "/secrets", "/mosquitto/passwords"} <= set(ignored)


@pytest.mark.parametrize("name", ["config.toml", "mosquitto/acl"])
def test_what_a_move_gives_back_is_what_git_has(name: str) -> None:
    shipped = (ROOT / "bridge" / "setup" / "shipped" / Path(name).name).read_text(encoding="utf-8")
    assert shipped == (ROOT / name).read_text(encoding="utf-8"), f"copy {name} there"


UNITS = ROOT / "packaging" / "systemd"
ANALYZE = shutil.which("systemd-analyze")
LEAST_EXPOSED = {"presence-bridge.service": 2.5, "presence-driver@desk.service": 3.0}
OFFLINE_SINCE = 250


def analyze(*words: str) -> str:
    """What ``systemd-analyze`` says, when it finds nothing wrong with a unit of ours."""
    assert ANALYZE
    done = subprocess.run([ANALYZE, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not [line for line in done.stderr.splitlines() if "presence-" in line]
    return done.stdout


def systemd_version() -> int:
    found = re.search(r"systemd (\d+)", analyze("--version")) if ANALYZE else None
    return int(found[1]) if found else 0


needs_systemd = pytest.mark.skipif(
    systemd_version() < OFFLINE_SINCE, reason=f"systemd-analyze {OFFLINE_SINCE} is missing"
)


def unit(folder: Path, name: str, *more: Path) -> str:
    """The path of a copy of unit ``name`` that needs no installed programs, with ``more``."""
    text = (UNITS / name.replace("@desk", "@")).read_text(encoding="utf-8")
    parts = [re.sub(r"/opt/presence-bridge/bin/\S+", "/bin/true", text)]
    parts += [file.read_text(encoding="utf-8") for file in more]
    (folder / name).write_text("".join(parts), encoding="utf-8")
    return str(folder / name)


@pytest.mark.parametrize("name", ["presence-bridge.service", "presence-driver@.service"])
def test_a_unit_stops_in_time_and_does_not_repeat_a_mistake(name: str) -> None:
    text = (UNITS / name).read_text(encoding="utf-8")
    lines = set(text.splitlines())
    assert {"NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet="} <= lines
    assert {"Restart=always", f"RestartPreventExitStatus={WRONG_USE}"} <= lines
    assert "TimeoutStopSec=15" in lines  # more than the 10 s that both programs promise
    assert {"Type=notify", "WatchdogSec=60", "LimitCORE=0"} <= lines
    assert 3 * state_dir.HEARTBEAT_EVERY_S <= 60
    assert "--config /etc/presence-bridge/config.toml" in text


def test_a_lamp_is_a_user_of_its_own_with_nothing_but_its_own_password() -> None:
    driver = (UNITS / "presence-driver@.service").read_text(encoding="utf-8")
    bridge = (UNITS / "presence-bridge.service").read_text(encoding="utf-8")
    assert {"DynamicUser=yes", "User=lamp-%i"} <= set(driver.splitlines())
    assert "LoadCredential=mqtt:/etc/presence-bridge/secrets/mqtt_%i\n" in driver
    assert "\nUser=presence-bridge\n" in bridge
    assert "StateDirectoryMode=0700" in bridge


@needs_systemd
@pytest.mark.parametrize("name", LEAST_EXPOSED)
def test_systemd_takes_a_unit_and_finds_it_well_fenced(tmp_path: Path, name: str) -> None:
    path = unit(tmp_path, name)
    analyze("verify", path)
    told = re.search(
        r"exposure level for \S+: (\S+)", analyze("security", "--offline=yes", "--no-pager", path)
    )
    assert told
    assert float(told[1]) < LEAST_EXPOSED[name]


@needs_systemd
def test_systemd_takes_the_encrypted_key(tmp_path: Path) -> None:
    lines = ROOT / "packaging" / "systemd" / "encrypted.conf"
    analyze("verify", unit(tmp_path, "presence-bridge.service", lines))
    (key,) = re.findall(r"(?m)^Environment=(\w+)=%d/token_key$", lines.read_text("utf-8"))
    config = from_environment(tmp_path, {key: "/run/credentials/x/token_key"})
    assert config.security.key_file == Path("/run/credentials/x/token_key")


@needs_systemd
@pytest.mark.parametrize("kind", ["gpio", "serial", "usb"])
def test_a_lamp_that_hangs_on_the_machine_gets_its_device_and_no_more(
    tmp_path: Path, kind: str
) -> None:
    lines = UNITS / "lamp" / f"{kind}.conf"
    path = unit(tmp_path, "presence-driver@desk.service", lines)
    analyze("verify", path)
    assert "DevicePolicy=closed" in Path(path).read_text(encoding="utf-8")
    assert "DeviceAllow=" in lines.read_text(encoding="utf-8")
    assert f"lamp/{kind}.conf" in (ROOT / "docs" / "lights" / f"{kind}.md").read_text("utf-8")


def test_debians_broker_has_the_same_rules_as_the_containers() -> None:
    debian = (ROOT / "packaging" / "mosquitto-debian.conf").read_text(encoding="utf-8")
    shipped_conf = (ROOT / "mosquitto" / "mosquitto.conf").read_text(encoding="utf-8")
    same = debian.replace("/etc/mosquitto/", "/mosquitto/config/").splitlines()
    assert {"allow_anonymous false", "max_inflight_messages 500"} <= set(same)
    assert [line for line in same if not line.startswith("#")] == [
        line for line in shipped_conf.splitlines() if line in same and line
    ]


@pytest.mark.parametrize("script", PYPROJECT["project"]["scripts"])
def test_a_program_can_be_loaded(script: str) -> None:
    value = PYPROJECT["project"]["scripts"][script]
    assert callable(EntryPoint(script, value, "console_scripts").load())


@pytest.mark.parametrize("kind", PYPROJECT["project"]["entry-points"][GROUP])
def test_a_kind_of_light_can_be_loaded_and_is_documented(kind: str) -> None:
    points = PYPROJECT["project"]["entry-points"][GROUP]
    assert installed()[kind].value == points[kind]
    assert find(kind).name == kind
    assert f"| `{kind}` |" in (ROOT / "docs" / "lights.md").read_text(encoding="utf-8")
    assert kind not in EXTRAS or kind in PYPROJECT["project"]["optional-dependencies"]


@rows("page", PAGES)
def test_a_page_installs_from_the_clone_and_only_what_there_is(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"install\b.*presence-bridge\[", text), "nobody published that name"
    assert set(re.findall(r"'\.\[(\w+)\]'", text)) <= set(
        PYPROJECT["project"]["optional-dependencies"]
    )


LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]*)\)")


def anchors(page: Path) -> set[str]:
    """What headings can be linked to, as GitHub makes them."""
    titles = re.findall(r"(?m)^#+ (.+)$", page.read_text(encoding="utf-8"))
    plain = (re.sub(r"[^\w\- ]", "", title.lower()) for title in titles)
    return {title.replace(" ", "-") for title in plain}


@rows("page", PAGES)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page in reached or page.suffix != ".md" or not page.exists():
            continue
        reached.add(page)
        links = LINK.findall(page.read_text(encoding="utf-8"))
        todo += [(page.parent / link.partition("#")[0]).resolve() for link in links]
    assert set(PAGES) <= reached


@pytest.mark.parametrize("package", ["bridge", "drivers"])
def test_type_checkers_read_the_annotations_of_both_packages(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()
    assert package in PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
