"""The folder of the app, by the rules of the Supervisor that reads it.

Its own schema is in no package, so what matters of it here is written anew; sources:
supervisor/apps/validate.py, apps/utils.py, apps/options.py, store/data.py and utils/apparmor.py of
home-assistant/supervisor (2026.8), and the pages "App configuration" and "Presenting your app".
"""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from pathlib import Path, PurePath
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from bridge import REPOSITORY, __version__
from bridge.commands.home_assistant_app import END_S
from bridge.config import state_dir
from bridge.config.logs import LEVELS
from bridge.config.supervisor import PAGE, AppOptions
from bridge.config.tables.base import Slug
from bridge.service.local_socket import NAME as SOCKET
from drivers.runtime.heartbeat import heartbeat_of
from drivers.runtime.stopping import STOP_S as LAMP_STOP_S
from tests.fakes.rows import rows

ROOT = Path(__file__).parents[2]
APP = ROOT / "home-assistant" / "app"
CONFIG: dict[str, Any] = yaml.safe_load((APP / "config.yaml").read_text(encoding="utf-8"))
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
LANGUAGES = ("en", "de", "fr")

REQUIRED = {"name", "version", "slug", "description", "arch"}
TYPES: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "version": str,
    "slug": str,
    "description": str,
    "url": str,
    "image": str,
    "arch": list,
    "homeassistant": str,
    "startup": str,
    "boot": str,
    "init": bool,
    "timeout": int,
    "services": list,
    "map": list,
    "ingress": bool,
    "ingress_port": int,
    "ingress_stream": bool,
    "panel_icon": str,
    "panel_title": str,
    "watchdog": str,
    "uart": bool,
    "usb": bool,
    "backup_exclude": list,
    "options": dict,
    "schema": dict,
}
"""Every key of ours is in the schema; the Supervisor drops others without a word."""
PATTERNS = {
    "slug": r"[-_.A-Za-z0-9]+",
    "startup": "initialize|system|services|application|once",
    "boot": "auto|manual|manual_only",
    "watchdog": r"(?:https?|\[PROTO:\w+\]|tcp)://\[HOST\]:(\[PORT:\d+\]|\d+).*",
    "image": r"([a-z0-9.-]+\.[a-z]+/)?[a-z0-9{][a-z0-9.\-_{}]*(/[a-z0-9{][a-z0-9.\-_{}]*)*",
}
SERVICE = r"(mqtt|mysql):(provide|want|need)"
MAPPED = {"data", "ssl", "local_apps", "backup", "share", "media", "homeassistant_config"}
MAPPED |= {"all_app_configs", "app_config"}  # and older words for some, which it warns of
OPTION = re.compile(
    r"(|bool|email|url|port|device(\(subsystem=[a-z]+\))?|(str|password)(\((\d+)?,(\d+)?\))?"
    r"|int(\((-?\d+)?,(-?\d+)?\))?|float(\((-?\d*\.?\d+)?,(-?\d*\.?\d+)?\))?"
    r"|match\(.*\)|list\(.+\))\??"
)
RISKY = {"BPF", "CHECKPOINT_RESTORE", "DAC_READ_SEARCH", "NET_ADMIN", "NET_RAW", "PERFMON"}
RISKY |= {"SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO"}
"""The capabilities that cost a point."""


def rating(config: dict[str, Any], *, own_profile: bool) -> int:
    """How far the Supervisor trusts an app: 1 to 8. It knows of no signed one now."""
    if config.get("docker_api") or config.get("full_access"):
        return 1
    privileged = set(config.get("privileged", ()))
    points = 5
    if not config.get("apparmor", True):
        points -= 1
    elif own_profile:
        points += 1
    if config.get("ingress"):
        points += 2
    elif config.get("auth_api"):
        points += 1
    if privileged & RISKY or config.get("kernel_modules"):
        points -= 1
    points -= {"manager": 1, "admin": 2}.get(config.get("hassio_role", "default"), 0)
    points -= 1 if config.get("host_network") else 0
    points -= 2 if config.get("host_pid") else 0
    points -= 1 if config.get("host_uts") and "SYS_ADMIN" in privileged else 0
    return max(1, min(8, points))


def test_the_store_finds_one_app_in_this_repository() -> None:
    found = [
        file
        for file in ROOT.glob("**/config.*")
        if file.suffix in (".yaml", ".yml", ".json")
        and not any(
            part.startswith(".") or part == "rootfs" for part in file.relative_to(ROOT).parts
        )
        and "dist" not in file.relative_to(ROOT).parts[:1]
    ]
    assert found == [APP / "config.yaml"]
    repository = yaml.safe_load((ROOT / "repository.yaml").read_text(encoding="utf-8"))
    assert set(repository) == {"name", "url", "maintainer"}
    assert repository["url"] == REPOSITORY == CONFIG["url"]


def test_every_key_is_one_of_the_supervisor_and_has_a_value_that_it_takes() -> None:
    assert set(CONFIG) >= REQUIRED
    for key, value in CONFIG.items():
        assert isinstance(value, TYPES[key]), key
    for key, pattern in PATTERNS.items():
        assert re.fullmatch(pattern, CONFIG[key]), key
    assert all(re.fullmatch(SERVICE, each) for each in CONFIG["services"])
    assert all(set(each) <= {"type", "read_only", "path"} for each in CONFIG["map"])
    assert {each["type"] for each in CONFIG["map"]} <= MAPPED
    assert 10 <= CONFIG["timeout"] <= 300
    assert set(CONFIG["arch"]) == {"aarch64", "amd64"}  # 32 bit is gone
    assert not (APP / "build.yaml").exists()


def test_the_version_is_that_of_the_program() -> None:
    assert CONFIG["version"] == __version__


def test_the_security_rating_is_the_best_there_is() -> None:
    assert rating(CONFIG, own_profile=(APP / "apparmor.txt").is_file()) == 8
    assert rating(CONFIG, own_profile=False) == 7
    assert rating({**CONFIG, "ingress": False}, own_profile=True) == 6
    assert rating({**CONFIG, "full_access": True}, own_profile=True) == 1
    assert not {"hassio_api", "homeassistant_api", "auth_api", "ports", "environment"} & set(CONFIG)


def test_options_and_schema_are_those_that_the_program_reads() -> None:
    schema, options = CONFIG["schema"], CONFIG["options"]
    assert set(schema) == set(options) == set(AppOptions.model_fields)
    assert AppOptions.model_validate(options) == AppOptions()
    assert schema["log_level"] == f"list({'|'.join(LEVELS)})"
    for kind in schema.values():
        assert OPTION.fullmatch(kind[0] if isinstance(kind, list) else kind)


@rows("name", ["desk", "a", "Desk", "my desk", "-x", "x" * 41, "türe", "4-b_c"])
def test_names_of_lamps_are_checked_in_home_assistant_as_they_are_here(name: str) -> None:
    try:
        TypeAdapter(Slug).validate_python(name)
    except ValidationError:
        taken = False
    else:
        taken = True
    for option in ("lamps", "pair"):
        pattern = CONFIG["schema"][option][0].removeprefix("match(").removesuffix(")")
        assert (re.match(pattern, name) is not None) is taken


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_option_has_a_name_and_an_explanation_in_each_language(language: str) -> None:
    file = APP / "translations" / f"{language}.yaml"
    translated = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert set(translated) == {"configuration"}
    assert set(translated["configuration"]) == set(CONFIG["schema"])
    for words in translated["configuration"].values():
        assert set(words) == {"name", "description"}
        assert all(words.values())


def test_the_page_is_where_the_supervisor_looks_for_it() -> None:
    assert CONFIG["ingress_port"] == PAGE["port"]
    assert CONFIG["watchdog"] == f"http://[HOST]:[PORT:{PAGE['port']}]/healthz"
    assert CONFIG["ingress_stream"] is True


def test_there_is_time_for_a_stop_in_order() -> None:
    assert LAMP_STOP_S < END_S
    assert CONFIG["timeout"] > 2 * END_S  # lamps together, then the bridge


def test_what_is_worth_nothing_later_is_in_no_backup() -> None:
    lamp = PurePath(heartbeat_of("desk")).name
    assert [it for it in CONFIG["backup_exclude"] if PurePath("/data/lights", lamp).match(it)]
    others = [it for it in CONFIG["backup_exclude"] if not PurePath(lamp).match(it)]
    assert others == [state_dir.HEARTBEAT, state_dir.LOCK, SOCKET]


def test_the_image_starts_the_app_and_says_what_it_is() -> None:
    stage = DOCKERFILE[DOCKERFILE.index("FROM driver AS app") :].partition("\nFROM")[0]
    assert stage.rstrip().endswith('ENTRYPOINT ["presence-bridge"]\nCMD ["app"]')
    labels = re.findall(r"io\.hass\.(\w+)=", stage)
    assert labels == ["type", "version"]  # of one image for both machines; none is left empty
    for argument in re.findall(r'="\$\{(\w+)\}"', stage):
        assert f"{argument}=" in (ROOT / ".github/workflows/release.yml").read_text("utf-8")
    assert CONFIG["init"] is False


@pytest.mark.parametrize(("name", "size"), [("icon", (128, 128)), ("logo", (250, 100))])
def test_pictures_have_the_size_that_the_store_asks_for(name: str, size: tuple[int, int]) -> None:
    content = (APP / f"{name}.png").read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", content[16:24]) == size


@pytest.mark.parametrize("name", ["README.md", "DOCS.md", "CHANGELOG.md"])
def test_the_store_has_what_it_shows(name: str) -> None:
    assert (APP / name).read_text(encoding="utf-8").startswith("# ")


def test_links_lead_to_the_repository_and_files_that_are_there() -> None:
    text = (APP / "DOCS.md").read_text(encoding="utf-8")
    paths = re.findall(rf"\({REPOSITORY}/blob/main/([^)#]+)", text)
    assert len(paths) > 3
    assert [path for path in paths if not (ROOT / path).is_file()] == []
    assert re.findall(r"\]\((?!https://)", text) == []


def test_the_profile_has_one_name_which_the_supervisor_can_change() -> None:
    text = (APP / "apparmor.txt").read_text(encoding="utf-8")
    assert re.findall(r"(?m)^profile ([^ ]+)", text) == [CONFIG["slug"]]


def test_the_profile_can_be_read_by_apparmor() -> None:
    parser = shutil.which("apparmor_parser", path="/usr/sbin:/sbin:/usr/bin")
    if parser is None:
        pytest.skip("apparmor_parser is not installed (apt-get install apparmor)")
    done = subprocess.run(
        [parser, "--skip-kernel-load", "--skip-cache", APP / "apparmor.txt"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
