"""docs/broker.md: its commands run, its rules are those of the code, its examples load."""

from __future__ import annotations

import asyncio
import importlib
import re
import shutil
import subprocess
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from bridge.config.loader import load, load_host
from bridge.config.tables.config import Config
from bridge.contract.topics import Topics
from bridge.doctor.broker import broker
from bridge.setup.lamps import DeviceTopics, Lamp
from bridge.setup.passwords import hashed
from bridge.setup.rules import with_rules
from tests.fakes.mosquitto import free_port, running

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "broker.md").read_text(encoding="utf-8")
COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
BLOCKS = [
    (kind, dedent(text)) for kind, text in re.findall(r"(?ms)^ *```(\w*)\n(.*?)^ *```$", PAGE)
]
TOML = [text for kind, text in BLOCKS if kind == "toml"]
YAML = [importlib.import_module("yaml").safe_load(text) for kind, text in BLOCKS if kind == "yaml"]
SERVICES: list[dict[str, Any]] = [it["services"] for it in YAML if "services" in it]
EMQX_WORDS = {"all": "readwrite", "subscribe": "read", "publish": "write"}


def block(start: str) -> str:
    """The only one that begins so."""
    (found,) = (text for _, text in BLOCKS if text.startswith(start))
    return str(found)


Right = tuple[str, str, str]
"""A user, what, and a topic, in the words of Mosquitto."""


def rights(text: str) -> set[Right]:
    found, user = set(), ""
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        if word == "user":
            user = rest
        elif word == "topic":
            what, _, topic = rest.partition(" ")
            found.add((user, what, topic))
    return found


def emqx_rights(text: str) -> set[Right]:
    rule = r'^\{allow, \{username, "(\w+)"\}, (\w+), \[(.*)\]\}\.$'
    return {
        (user, EMQX_WORDS[what], topic)
        for user, what, topics in re.findall(rule, text, re.MULTILINE)
        for topic in re.findall(r'"([^"]+)"', topics)
    }


def test_the_rules_are_those_that_init_makes() -> None:
    desk = Lamp("desk", ("alice",), DeviceTopics())
    made = with_rules("", Topics(), [desk], users={"desk"}, everybody_is_known=True)
    assert rights(block("user bridge\n")) == {
        right for right in rights(made) if right[0] != "health"
    }


def test_emqx_gets_the_same_rules_and_fences_off_all_others() -> None:
    rules = block("{allow")
    assert emqx_rights(rules) == rights(block("user bridge\n"))
    assert rules.splitlines()[-1] == '{deny, all, all, ["presence/#"]}.'


def mqtt(table: str, folder: Path) -> Config:
    (folder / "config.toml").write_text(table, encoding="utf-8")
    return load(folder / "config.toml", {})


def test_the_examples_load(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "mqtt_bridge").write_text("a secret", encoding="utf-8")
    plain, secure, several = (mqtt(table, tmp_path).mqtt for table in TOML)
    assert (plain.address, plain.username) == ("192.0.2.5:1883", "bridge")
    assert (secure.address, secure.ca_file) == (
        "broker.lan:8883",
        tmp_path / "secrets" / "broker_ca.pem",
    )
    (mounted,) = (volume for it in SERVICES for volume in it.get("driver", {}).get("volumes", ()))
    assert mounted == "./data/secrets/broker_ca.pem:/config/secrets/broker_ca.pem:ro"
    assert several.address == "a.lan:1883, b.lan:1884"


@pytest.mark.parametrize(
    ("said", "address"),
    [({"PRESENCE_MQTT__HOST": "192.0.2.5"}, "192.0.2.5:1883"), ({}, "mosquitto:1883")],
)
def test_the_address_in_dot_env_is_that_of_bridge_and_lamps(
    tmp_path: Path, said: dict[str, str], address: str
) -> None:
    assert "PRESENCE_MQTT__HOST=192.0.2.5\n" in block("PRESENCE_MQTT__HOST=")
    for service in ("bridge", "driver"):
        composed = importlib.import_module("yaml").safe_load(COMPOSE)["services"][service]
        environ = {
            key: re.sub(r"\$\{(\w+):?-([^}]*)\}", lambda found: said.get(found[1], found[2]), value)
            for key, value in composed["environment"].items()
            if "FILE" not in key and key != "TZ"
        }
        (tmp_path / "config.toml").write_text('[mqtt]\nhost = "localhost"\n', encoding="utf-8")
        assert load_host(tmp_path / "config.toml", environ).mqtt.address == address


def test_the_override_of_our_broker_names_what_it_mounts() -> None:
    (own,) = (it["mosquitto"] for it in SERVICES if "mosquitto" in it)
    (volume,) = own["volumes"]
    assert own["command"][-1].startswith(volume.split(":")[1] + "/")
    assert f"`{volume.split(':')[1]}` for" in PAGE.replace("\n", " ")


def make_certificates(folder: Path) -> None:
    """Run the commands of the page."""
    commands = block("$ umask").replace("$ ", "")
    subprocess.run(
        ["/bin/sh", "-e", "-c", commands], cwd=folder, check=True, capture_output=True, timeout=60
    )


@pytest.mark.broker
async def test_a_certificate_made_by_the_page_is_one_that_the_bridge_trusts(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    make_certificates(tmp_path)
    (tmp_path / "passwords").write_text(
        f"bridge:{hashed('a secret', b'twelve bytes')}\n", encoding="utf-8"
    )
    (tmp_path / "acl").write_text(block("user bridge\n"), encoding="utf-8")
    port = free_port()
    lines = block("listener 8883").replace("listener 8883", f"listener {port} 127.0.0.1")
    lines = lines.replace("/etc/mosquitto/certs", str(tmp_path))
    files = f"allow_anonymous false\npassword_file {tmp_path}/passwords\nacl_file {tmp_path}/acl"
    (tmp_path / "password").write_text("a secret", encoding="utf-8")
    secure = TOML[1].replace('ca_file = "secrets/', f'port = {port}\nca_file = "')
    secure = secure.replace('host = "broker.lan"', 'host = "127.0.0.1"')
    secure += 'username = "bridge"\npassword_file = "password"\n'
    async with running(tmp_path, extra=f"{files}\n{lines}"):
        findings, _ = await broker(mqtt(secure, tmp_path))
        assert [finding.text for finding in findings if not finding.good] == []
        other = secure + 'server_name = "other.lan"\n'
        findings, _ = await broker(mqtt(other, tmp_path))
        assert "set server_name in [mqtt] to the name in it" in findings[-1].text


async def test_haproxy_asks_for_a_connack_that_mosquitto_gives(tmp_path: Path) -> None:
    (sent,) = re.findall(r"send-binary ([0-9a-f]+)", block("defaults\n"))
    (expected,) = re.findall(r"expect binary ([0-9a-f]+)", block("defaults\n"))
    async with running(tmp_path) as broker:
        reader, writer = await asyncio.open_connection("127.0.0.1", broker.port)
        writer.write(bytes.fromhex(sent))
        async with asyncio.timeout(10):
            assert (await reader.readexactly(4)).hex() == expected
        writer.close()
        await writer.wait_closed()
