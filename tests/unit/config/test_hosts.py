"""``mqtt.hosts``: several brokers instead of one."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.config.loader import load, load_host
from bridge.config.tables.shared import MqttSettings
from bridge.contract.errors import ConfigError


def loaded(text: str, folder: Path, **environ: str) -> MqttSettings:
    (folder / "config.toml").write_text(text, encoding="utf-8")
    return load_host(folder / "config.toml", {"HOME": str(folder), **environ}).mqtt


def test_each_is_settings_of_its_own(tmp_path: Path) -> None:
    text = """
        [mqtt]
        hosts = ["a", "b:8884", "[::1]:1", "::1", { host = "192.0.2.7", server_name = "c.lan" }]
        tls = true
        server_name = "cluster.lan"
        """
    settings = loaded(text, tmp_path)
    assert [(each.host, each.effective_port, each.server_name) for each in settings.brokers] == [
        ("a", 8883, "cluster.lan"),
        ("b", 8884, "cluster.lan"),
        ("::1", 1, "cluster.lan"),
        ("::1", 8883, "cluster.lan"),
        ("192.0.2.7", 8883, "c.lan"),
    ]
    assert settings.address.startswith("a:8883, b:8884, ")
    assert settings.brokers[0].address == "a:8883"
    assert settings.is_named


def test_one_broker_is_itself() -> None:
    settings = MqttSettings()
    assert settings.brokers == (settings,)
    assert not settings.is_named


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ('host = "a"\nhosts = ["b"]', "mqtt: host and hosts are both given"),
        ("hosts = []", "mqtt.hosts: must have 1 entries or more"),
        ('hosts = "a"', "mqtt.hosts: must be a list"),
        ("hosts = [7]", "mqtt.hosts.0: must be a table"),
        ('hosts = ["a", "mqtt://b"]', "mqtt.hosts.1.host: is an address of mqtt"),
        ('hosts = ["a:70000"]', "mqtt.hosts.0.port: must be 65535 or less"),
        ('hosts = [{ host = "a", server_name = "b" }]', "mqtt: ca_file, cert_file and server_name"),
        ('hosts = [{ host = "a", prot = 1 }]', "mqtt.hosts.0.prot: unknown; did you mean port?"),
    ],
)
def test_what_is_wrong_is_named(table: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(f"[mqtt]\n{table}\n", tmp_path)
    assert any(each.startswith(problem) for each in caught.value.problems), caught.value.problems


def test_the_environment_names_several_in_place_of_the_one_in_the_file(tmp_path: Path) -> None:
    settings = loaded('[mqtt]\nhost = "a"\n', tmp_path, PRESENCE_MQTT__HOSTS='["b", "c:1884"]')
    assert settings.address == "b:1883, c:1884"


def test_one_in_the_environment_does_not_silently_replace_several(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="PRESENCE_MQTT__HOST and"):
        loaded('[mqtt]\nhosts = ["a", "b"]\n', tmp_path, PRESENCE_MQTT__HOST="mosquitto")


def test_in_the_app_they_count_before_the_broker_of_home_assistant(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[mqtt]\nhosts = ["a", "b"]\n', encoding="utf-8")
    environ = {"HOME": str(tmp_path), "SUPERVISOR_TOKEN": "x", "SUPERVISOR": "127.0.0.1:1"}
    assert load(tmp_path / "config.toml", environ).mqtt.address == "a:1883, b:1883"
