from __future__ import annotations

import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.config.loader import load
from bridge.config.tables.shared import MqttSettings
from bridge.config.tables.web import WebSettings
from bridge.contract.errors import ConfigError
from bridge.contract.found_broker import FoundBroker
from bridge.contract.registration import Registration
from bridge.setup import CA_FILE, InitOptions, write_config
from bridge.web.posts import name_of
from bridge.web.refused import MistakeError, RefusedError
from bridge.web.set_up.answers import authority_of, broker_of, registration_of, zone_of
from bridge.web.set_up.config_file import write, write_authority
from bridge.web.set_up.form import GUIDE, Asked
from bridge.web.set_up.pages import PORTAL, STEPS, done_page, setup_page
from tests.unit.web.reading import Reading

CLIENT_ID = "1b2c3d4e-0000-4000-8000-123456789abc"
BROKER = {"host": "broker.lan", "port": "1884", "username": "me", "password": "s3cret"}
REGISTRATION = {"tenant": "contoso.com", "client_id": CLIENT_ID}
GIVEN = broker_of(BROKER), registration_of(REGISTRATION)
BROKER_STEP, APP_STEP, PERSON_STEP = range(len(STEPS))


def shown(step: int, asked: Asked | None = None, **more: Any) -> Reading:
    return Reading(setup_page(step, asked, **more).partition("\n")[2])


def test_what_was_given_becomes_a_config_that_can_be_read(tmp_path: Path) -> None:
    write(tmp_path / "config.toml", *GIVEN, 'Zoë "Z"')
    config = load(tmp_path / "config.toml", {"HOME": str(tmp_path)})
    assert (config.mqtt.host, config.mqtt.port, config.mqtt.username) == ("broker.lan", 1884, "me")
    assert config.mqtt.password
    assert config.mqtt.password.get_secret_value() == "s3cret"
    assert config.microsoft.tenant == "contoso.com"
    assert config.microsoft.client_id == UUID(CLIENT_ID)
    assert {slug: table.name for slug, table in config.accounts.items()} == {"zoe_z": 'Zoë "Z"'}
    assert (tmp_path / "secrets" / "mqtt_bridge").stat().st_mode & 0o777 == 0o600
    assert "s3cret" not in (tmp_path / "config.toml").read_text()


@pytest.mark.parametrize("shipped", ["", (Path(__file__).parents[3] / "config.toml").read_text()])
def test_the_time_zone_stands_above_all_tables(tmp_path: Path, shipped: str) -> None:
    file = tmp_path / "config.toml"
    if shipped:
        file.write_text(shipped)
    write(file, *GIVEN, "Alice", zone_of({"time_zone": " Europe/Berlin "}))
    assert load(file, {"HOME": str(tmp_path)}).time_zone == "Europe/Berlin"
    assert zone_of({"time_zone": ""}) is None


@pytest.mark.parametrize("zone", ["Berlin", "Europe/Berlin'", "../etc/x", "/etc/passwd", "x\0"])
def test_a_time_zone_that_does_not_exist_is_refused(zone: str) -> None:
    with pytest.raises(RefusedError, match="such as Europe/Berlin"):
        zone_of({"time_zone": zone})


def test_a_broker_that_asks_for_nothing_gets_no_password(tmp_path: Path) -> None:
    broker = broker_of({"host": "localhost", "port": ""})
    write(tmp_path / "config.toml", broker, registration_of(REGISTRATION), "Alice")
    config = load(tmp_path / "config.toml", {"HOME": str(tmp_path)})
    assert (config.mqtt.port, config.mqtt.username, config.mqtt.password) == (None, None, None)


def test_a_broker_that_is_given_by_the_environment_is_not_written(tmp_path: Path) -> None:
    write(tmp_path / "config.toml", None, registration_of(REGISTRATION), "Alice")
    assert "broker.lan" not in (tmp_path / "config.toml").read_text()
    assert not (tmp_path / "secrets").exists()
    config = load(tmp_path / "config.toml", {"PRESENCE_MQTT__HOST": "broker.lan"})
    assert (config.mqtt.host, config.mqtt.username) == ("broker.lan", None)


def test_in_the_shipped_config_what_was_given_takes_the_place_of_placeholders(
    tmp_path: Path,
) -> None:
    file = tmp_path / "config.toml"
    file.write_text((Path(__file__).parents[3] / "config.toml").read_text())
    write(file, *GIVEN, 'Zoë "Z"')
    config = load(file, {"HOME": str(tmp_path)})
    assert (config.mqtt.host, config.mqtt.port, config.mqtt.username) == ("broker.lan", 1884, "me")
    assert (config.microsoft.tenant, config.microsoft.client_id) == ("contoso.com", UUID(CLIENT_ID))
    assert {slug: table.name for slug, table in config.accounts.items()} == {"zoe_z": 'Zoë "Z"'}


def test_a_config_that_somebody_wrote_is_kept(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("# mine\n")
    write(tmp_path / "config.toml", *GIVEN, "Alice")
    assert (tmp_path / "config.toml").read_text() == "# mine\n"


def test_a_disk_that_refuses_is_reported(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("in the way")
    with pytest.raises(ConfigError, match="secrets"):
        write(tmp_path / "config.toml", *GIVEN, "Alice")


@settings(deadline=None)  # it writes files
@given(name=st.text().filter(str.isprintable), username=st.text().filter(str.isprintable))
def test_every_printable_name_can_be_written(name: str, username: str) -> None:
    broker = MqttSettings(username=username or None)
    with TemporaryDirectory() as folder:
        file = Path(folder, "config.toml")
        write_config(file, InitOptions(account="a", name=name or None, broker=broker))
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    assert table["accounts"]["a"]["name"] == (name or "A")
    assert table["mqtt"].get("username") == (username or None)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({**BROKER, "host": ""}, "name or address"),
        ({**BROKER, "host": 'x"\nport = 1'}, "name or address"),
        ({**BROKER, "host": "unix:/etc/passwd"}, "name or address"),
        ({**BROKER, "port": "70000"}, "a whole number up to 65535"),
        ({**BROKER, "port": "many"}, "a whole number"),
        ({**BROKER, "host": "broker.lan:99999"}, "a whole number up to 65535"),
        ({**BROKER, "username": "a\nb"}, "odd characters"),
    ],
)
def test_a_broker_that_cannot_be_one_is_refused(fields: dict[str, str], told: str) -> None:
    with pytest.raises(RefusedError, match=told) as caught:
        broker_of(fields)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({**REGISTRATION, "tenant": ""}, "organisation's domain"),
        ({**REGISTRATION, "tenant": "common"}, "organisation's domain"),
        ({**REGISTRATION, "tenant": 'a"\n[x]'}, "organisation's domain"),
        ({**REGISTRATION, "client_id": "contoso"}, "client id looks like"),
        ({**REGISTRATION, "client_id": str(UUID(int=0))}, "placeholder"),
    ],
)
def test_a_registration_that_cannot_be_one_is_refused(fields: dict[str, str], told: str) -> None:
    with pytest.raises(RefusedError, match=told):
        registration_of(fields)


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "a\x1bb"])
def test_a_name_that_cannot_be_shown_is_refused(name: str) -> None:
    with pytest.raises(RefusedError):
        name_of({"name": name})
    assert name_of({"name": " Zoë  O'Hara "}) == "Zoë O'Hara"


def test_the_first_thing_that_is_missing_is_asked_next() -> None:
    broker = shown(BROKER_STEP)
    assert [i["name"] for i in broker.all("input")] == [
        "token",  # look again
        "token",
        "host",
        "port",
        "tls",
        "server_name",
        "username",
        "password",
    ]
    assert broker.all("li")[0] == {"aria-current": "step"}
    app = shown(APP_STEP)
    assert {"href": PORTAL, "target": "_blank", "rel": "noreferrer"} in app.all("a")
    assert "Allow public client flows" in app.words
    assert [o["id"] for o in app.all("output")] == ["app-name", "redirect", "permission"]
    person = shown(PERSON_STEP, Asked(mistake=MistakeError("<script>x</script>")))
    assert "Write the config and start" in person.words
    assert not [s for s in person.all("script") if "src" not in s]
    assert "s3cret" not in setup_page(PERSON_STEP)
    again = shown(BROKER_STEP, Asked({**BROKER, "host": "<b>"}))
    typed = {i["name"]: i.get("value") for i in again.all("input")}
    assert [typed[name] for name in BROKER] == ["<b>", "1884", "me", None]
    assert "<b>" not in done_page("<b>")


PEM = "-----BEGIN CERTIFICATE-----\r\nAAAA\r\n-----END CERTIFICATE-----\r\n"
WITH_TLS = {**BROKER, "tls": "on", "server_name": "nas.lan", "ca": PEM}


def test_tls_is_written_with_the_authority_beside_the_config(tmp_path: Path) -> None:
    ca = tmp_path / CA_FILE
    write_authority(ca, authority_of(WITH_TLS) or "")
    broker = broker_of({**WITH_TLS, "port": ""}, ca_file=ca)
    write(tmp_path / "config.toml", broker, registration_of(REGISTRATION), "Alice")
    mqtt = load(tmp_path / "config.toml", {"HOME": str(tmp_path)}).mqtt
    assert (mqtt.tls, mqtt.effective_port, mqtt.server_name) == (True, 8883, "nas.lan")
    assert mqtt.ca_file == ca
    assert ca.read_text() == PEM.replace("\r\n", "\n")
    assert (ca.stat().st_mode & 0o777, ca.parent.stat().st_mode & 0o777) == (0o644, 0o700)


def test_what_stands_in_the_tls_fields_counts_only_with_tls() -> None:
    without = {**WITH_TLS, "tls": ""}
    assert authority_of(without) is None
    assert not broker_of(without, ca_file=Path("ca")).tls
    assert broker_of({"host": "mqtts://broker.lan:8884"}).address == "broker.lan:8884"
    assert broker_of({"host": "mqtts://broker.lan"}).tls


@pytest.mark.parametrize(
    "pasted", ["hello", PEM.replace("CERTIFICATE", "PRIVATE KEY"), f"{PEM}-----BEGIN PRIVATE KEY"]
)
def test_an_authority_is_a_certificate_and_never_a_key(pasted: str) -> None:
    with pytest.raises(MistakeError) as caught:
        authority_of({**WITH_TLS, "ca": pasted})
    assert caught.value.field == "ca"
    assert "AAAA" not in str(caught.value)


def test_of_a_broker_that_was_found_only_the_user_is_asked() -> None:
    found = [FoundBroker("localhost", 1883), FoundBroker("ha.lan", 8883, tls=True, asks_who=True)]
    page = shown(BROKER_STEP, found=found)
    assert "Found: localhost, port 1883 ; it lets everybody in." in page.words
    assert "Found: ha.lan, port 8883 with TLS ; it asks for a user and password." in page.words
    mistake = MistakeError("Who?", field="username")
    chosen = {"host": "ha.lan", "port": "8883", "tls": "on", "chosen": "1", "username": ""}
    page = shown(BROKER_STEP, Asked(chosen, mistake), found=found)
    fields = {i["name"]: i.get("value") for i in page.all("input")}
    assert fields.keys() == {"token", "username", "password", "host", "port", "chosen", "tls"}
    assert (fields["host"], fields["port"], fields["tls"]) == ("ha.lan", "8883", "on")
    assert "The broker at ha.lan, port 8883 with TLS asks who we are." in page.words


@pytest.mark.parametrize("port", ["", "x"])
def test_a_forged_choice_is_a_plain_form(port: str) -> None:
    asked = Asked({"chosen": "1", "port": port}, MistakeError("Who?", field="username"))
    assert shown(BROKER_STEP, asked).all("textarea")


@pytest.mark.parametrize("field", ["tls", "ca", "server_name"])
def test_a_mistake_about_tls_opens_its_fields(field: str) -> None:
    page = shown(BROKER_STEP, Asked(BROKER, MistakeError("No.", field=field)))
    assert [each for each in page.all("details") if "open" in each]
    wrong = [each for each in (*page.all("input"), *page.all("textarea")) if "autofocus" in each]
    assert [each["name"] for each in wrong] == [field]
    assert not [each for each in shown(BROKER_STEP).all("details") if "open" in each]


def test_a_tenant_may_be_given_as_a_mail_address() -> None:
    assert registration_of({**REGISTRATION, "tenant": " alice@contoso.com "}) == Registration(
        "alice@contoso.com", UUID(CLIENT_ID)
    )


@pytest.mark.parametrize(
    ("host", "port"), [("nas:1884", "1883"), ("mqtt://nas:1884", ""), ("nas", "1884")]
)
def test_a_port_behind_the_name_counts_as_the_port(host: str, port: str) -> None:
    broker = broker_of({"host": host, "port": port})
    assert (broker.host, broker.port) == ("nas", 1884)


def test_values_in_each_others_place_are_found_where_only_one_is_a_guid() -> None:
    with pytest.raises(MistakeError, match="each other's place") as caught:
        registration_of({"client_id": "contoso.com", "tenant": CLIENT_ID})
    assert caught.value.swapped == Registration("contoso.com", UUID(CLIENT_ID))
    for fields in ({"client_id": "contoso.com", "tenant": "contoso.com"}, {"client_id": "x"}):
        with pytest.raises(MistakeError) as caught:
            registration_of(fields)
        assert caught.value.swapped is None


def test_a_client_id_is_found_among_what_was_copied_with_it() -> None:
    copied = f"Application (client) ID\n: {{{CLIENT_ID.upper()}}} "
    assert registration_of({**REGISTRATION, "client_id": copied}).client_id == UUID(CLIENT_ID)


def test_the_first_field_with_a_mistake_has_the_focus_and_says_what_is_wrong() -> None:
    mistake = MistakeError("The tenant does not exist.", remedy="Check it.", field="tenant")
    page = shown(APP_STEP, Asked(REGISTRATION, mistake))
    fields = {each["name"]: each for each in page.all("input")}
    assert [name for name, each in fields.items() if "autofocus" in each] == ["tenant"]
    assert fields["tenant"]["aria-invalid"] == "true"
    described = str(fields["tenant"]["aria-describedby"]).split()
    assert {"refused", "tenant-help"} == set(described)
    assert [each["class"] for each in page.all("p") if each.get("id") == "refused"] == ["wrong"]
    assert {"class": "notice bad", "role": "alert"} in page.all("div")
    assert page.words.count("The tenant does not exist. Check it.") == 2
    assert fields["client_id"]["value"] == CLIENT_ID
    assert GUIDE in {each["href"] for each in page.all("a")}


def test_swapped_values_can_be_put_right_in_one_press() -> None:
    swapped = Registration("contoso.com", UUID(CLIENT_ID))
    mistake = MistakeError("They are swapped.", field="client_id", swapped=swapped)
    page = shown(APP_STEP, Asked(REGISTRATION, mistake))
    hidden = {each["name"]: each["value"] for each in page.all("input") if "type" in each}
    assert hidden["tenant"] == "contoso.com"
    assert hidden["client_id"] == CLIENT_ID
    assert "Swap them" in page.words
    assert not [each for each in page.all("input") if "autofocus" in each]


def test_every_field_is_explained_where_it_stands() -> None:
    for step in range(len(STEPS)):
        page = shown(step)
        texts = {each["id"] for each in page.all("p") if "id" in each}
        fields = [each for each in page.all("input") if each.get("type") != "hidden"]
        fields += page.all("textarea")
        assert {each["aria-describedby"] for each in fields} == texts


@pytest.mark.parametrize("shipped", ["", (Path(__file__).parents[3] / "config.toml").read_text()])
def test_a_page_that_was_opened_to_the_network_stays_open(tmp_path: Path, shipped: str) -> None:
    file = tmp_path / "config.toml"
    if shipped:
        file.write_text(shipped)
    web = WebSettings(host="0.0.0.0", password_file=tmp_path / "secrets" / "web")
    write(file, *GIVEN, "Alice", web=web)
    found = load(file, {"HOME": str(tmp_path)}).web
    assert (found.host, found.password_file) == ("0.0.0.0", tmp_path / "secrets" / "web")
