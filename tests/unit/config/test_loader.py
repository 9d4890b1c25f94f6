from pathlib import Path

import pytest

from bridge.config.loader import check, config_path, load
from bridge.config.tables.config import Config
from bridge.contract.errors import ConfigError

TENANT = "contoso.example"
CLIENT = "11111111-2222-3333-4444-555555555555"
HOME = {"HOME": "/home/somebody"}


def loaded(text: str, tmp_path: Path, environ: dict[str, str] | None = None) -> Config:
    file = tmp_path / "config.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, environ if environ is not None else HOME)


def complaints(text: str, tmp_path: Path, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loaded(text, tmp_path, environ)
    return caught.value.problems


def test_an_empty_file_is_a_whole_config(tmp_path: Path) -> None:
    config = loaded("", tmp_path)
    assert config.mqtt.address == "localhost:1883"
    assert config.state_dir == Path("/home/somebody/.local/state/presence-bridge")


def test_every_mistake_is_named_at_once_with_its_key(tmp_path: Path) -> None:
    text = """
        [mqtt]
        prot = 1883
        tls = "perhaps"
        [polling]
        fastest = 60
        [accounts.Alice]
        [accounts.bob]
        sign_in = "pigeon"
        hours = { days = "mon-fry" }
    """
    found = "\n".join(complaints(text, tmp_path))
    assert "mqtt.prot: unknown; did you mean port?" in found
    assert "mqtt.tls: must be true or false" in found
    assert "polling: needs 1 <= fastest <= steady <= slowest" in found
    assert "accounts.Alice: can only have a-z, 0-9, _ and -" in found
    assert "accounts.bob.sign_in: " in found
    assert "accounts.bob.hours: days 'mon-fry': write them as mon-fri, sat,sun or all" in found


def test_an_unknown_table_names_its_neighbour(tmp_path: Path) -> None:
    assert complaints("[acounts.x]", tmp_path) == ["acounts: unknown; did you mean accounts?"]


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="presence-bridge init"):
        load(tmp_path / "config.toml", HOME)


def test_broken_toml_says_where(tmp_path: Path) -> None:
    assert "line 2" in complaints("[mqtt]\nhost = \nport = 1", tmp_path)[0]


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    environ = HOME | {
        "PRESENCE_MQTT__PORT": "8883",
        "PRESENCE_MQTT__TLS": "true",
        "PRESENCE_ACCOUNTS__ALICE__NAME": "Alice",
        "PRESENCE_ACCOUNTS__ALICE__HOURS": '{"days": "mon", "hours": "08:00-12:00"}',
        "PRESENCE_CONFIG": "/elsewhere.toml",
    }
    config = loaded("[mqtt]\nport = 1884", tmp_path, environ)
    assert (config.mqtt.port, config.mqtt.tls) == (8883, True)
    assert config.accounts["alice"].name == "Alice"
    assert config.accounts["alice"].hours is not None


def test_a_mistyped_variable_is_refused_like_a_mistyped_key(tmp_path: Path) -> None:
    problems = complaints("", tmp_path, HOME | {"PRESENCE_MQTT__PASWORD": "hunter2"})
    assert problems == ["mqtt.pasword: unknown; did you mean password?"]


KUBERNETES = {
    "PRESENCE_BRIDGE_SERVICE_HOST": "10.0.0.1",
    "PRESENCE_BRIDGE_PORT": "tcp://10.0.0.1:8099",
    "PRESENCE_MQTT_PORT_1883_TCP_ADDR": "10.0.0.2",
    "PRESENCE_PORT": "tcp://10.0.0.3:80",
}


def test_what_kubernetes_sets_for_its_services_is_no_setting_and_reported_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        config = loaded("", tmp_path, HOME | KUBERNETES | {"PRESENCE_MQTT__PORT": "1884"})
        assert config.mqtt.port == 1884
    (told,) = caplog.messages
    assert all(name in told for name in KUBERNETES)


def test_a_variable_below_a_plain_value_is_refused(tmp_path: Path) -> None:
    problems = complaints("state_dir = 's'", tmp_path, HOME | {"PRESENCE_STATE_DIR__X": "1"})
    assert problems == ["PRESENCE_STATE_DIR__X: state_dir is no table"]


def test_relative_paths_start_at_the_config_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2\n", encoding="utf-8")
    config = loaded("state_dir = 'state'\n[mqtt]\npassword_file = 'secret'", tmp_path)
    assert config.state_dir == tmp_path / "state"
    assert config.mqtt.password is not None
    assert config.mqtt.password.get_secret_value() == "hunter2"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "No such file or directory; correct the path, or let presence-bridge init make the"),
        (b"user\ncaf\xe9\n", "line 2 is not in UTF-8; save the file as UTF-8"),
        (b"\n", "the password must be in its first line"),
    ],
)
def test_a_secret_file_that_cannot_be_read_is_a_config_mistake_with_its_cure(
    tmp_path: Path, content: bytes | None, told: str
) -> None:
    if content:
        (tmp_path / "secret").write_bytes(content)
    (problem,) = complaints("[mqtt]\npassword_file = 'secret'", tmp_path)
    assert problem.startswith(f"mqtt.password_file: {tmp_path / 'secret'}: {told}")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_files_of_every_editor_are_read(tmp_path: Path, encoding: str, end: str) -> None:
    secret = f"pässword{end}a note to myself{end}"
    (tmp_path / "secret").write_bytes(secret.encode(encoding))
    file = tmp_path / "config.toml"
    text = f"# Büro{end}[mqtt]{end}password_file = 'secret'{end}host = 'nas'{end}"
    file.write_bytes(text.encode(encoding))
    mqtt = load(file, HOME).mqtt
    assert mqtt.password is not None
    assert (mqtt.host, mqtt.password.get_secret_value()) == ("nas", "pässword")


def test_an_encoding_that_cannot_be_guessed_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes("[mqtt]\r\n# Büro\r\n".encode("latin-1"))
    with pytest.raises(ConfigError) as caught:
        load(file, HOME)
    assert caught.value.problems == [f"{file}: line 2 is not in UTF-8; save the file as UTF-8"]


def test_an_empty_variable_is_not_set(tmp_path: Path) -> None:
    environ = HOME | {"PRESENCE_MQTT__HOST": "", "PRESENCE_MQTT__PORT": "", "PRESENCE_WEB": ""}
    assert loaded("[mqtt]\nhost = 'nas'", tmp_path, environ).mqtt.host == "nas"


@pytest.mark.parametrize(
    ("host", "cure"),
    [
        ("", "write the broker's name or address"),
        ("mqtt://nas", "write the name alone, such as 'nas'"),
        ("mqtts://nas:8883", "write the name alone, such as 'nas'"),
        ("nas:1883", "write host = 'nas' and port = 1883"),
        ("a..b", "no name that a network could know"),
        (".nas", "no name that a network could know"),
        ("my nas", "no name that a network could know"),
        ("nas/mqtt", "no name that a network could know"),
        ("a" * 300, "no name that a network could know"),
        ("-nas.local", "no name that a network could know"),
    ],
)
def test_a_host_that_cannot_be_is_refused_with_its_cure(
    tmp_path: Path, host: str, cure: str
) -> None:
    (problem,) = complaints(f"[mqtt]\nhost = '{host}'", tmp_path)
    assert problem.startswith("mqtt.host: ")
    assert cure in problem


@pytest.mark.parametrize(
    "host",
    [
        "nas",
        " nas ",
        "nas.local.",
        "192.168.1.2",
        "::1",
        "fe80::1%eth0",
        "[::1]",
        "core_mosquitto",
        "mosquitto-1",
        "büro.local",
        "xn--bro-hoa.local",
        "unix:/run/mosquitto.sock",
    ],
)
def test_a_host_that_can_be_is_taken(tmp_path: Path, host: str) -> None:
    assert loaded(f"[mqtt]\nhost = '{host}'", tmp_path).mqtt.host == host.strip().strip("[]")


def test_secrets_are_in_no_text(tmp_path: Path) -> None:
    config = loaded("[mqtt]\npassword = 'hunter2'", tmp_path)
    assert "hunter2" not in repr(config) + str(config) + config.model_dump_json()
    problems = complaints("[mqtt]\npassword = ['hunter2']\nport = 'hunter2'", tmp_path)
    assert "hunter2" not in "\n".join(problems)


def test_an_account_overrides_the_registration_it_shares(tmp_path: Path) -> None:
    text = f"""
        [microsoft]
        tenant = "{TENANT}"
        client_id = "{CLIENT}"
        [accounts.a]
        [accounts.b]
        tenant = "other.example"
    """
    config = loaded(text, tmp_path)
    assert config.microsoft_of("a").tenant == TENANT
    assert config.microsoft_of("b").tenant == "other.example"
    assert str(config.microsoft_of("b").client_id) == CLIENT


def test_tls_files_without_tls_are_a_mistake(tmp_path: Path) -> None:
    assert "need tls = true" in complaints("[mqtt]\nca_file = 'ca.pem'", tmp_path)[0]


def test_a_unix_socket_is_a_broker_address() -> None:
    table = {"mqtt": {"host": "unix:/run/mosquitto.sock"}}
    config = check(table, folder=Path(), environ=HOME)
    assert config.mqtt.socket_path == "/run/mosquitto.sock"
    assert config.mqtt.address == "/run/mosquitto.sock"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "x" * 300])
def test_an_unknown_time_zone_is_refused(zone: str, tmp_path: Path) -> None:
    complaint, *_ = complaints(f"time_zone = '{zone}'", tmp_path)
    assert complaint.startswith("time_zone: is not a time zone")


def test_the_config_is_found_where_it_is_said_to_be(tmp_path: Path) -> None:
    assert config_path("x.toml", {"PRESENCE_CONFIG": "y.toml"}) == Path("x.toml")
    assert config_path(None, {"PRESENCE_CONFIG": "y.toml"}) == Path("y.toml")
    assert config_path(None, {}, tmp_path) == tmp_path / "config.toml"
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "config.toml").touch()
    assert config_path(None, {"PRESENCE_CONFIG": ""}, tmp_path) == tmp_path / "data" / "config.toml"
    assert config_path("x.toml", {}, tmp_path) == Path("x.toml")
