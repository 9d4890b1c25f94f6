from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bridge.config.tables.web import WebSettings
from tests.fakes.rows import rows


def test_the_page_is_for_this_machine_unless_configured_otherwise() -> None:
    settings = WebSettings()
    assert (settings.enabled, settings.host, settings.port) == (True, "127.0.0.1", 8099)
    assert settings.is_local


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.20", "pi.local"])
def test_it_refuses_to_be_open_to_others_without_a_password(host: str) -> None:
    with pytest.raises(ValidationError, match="can be reached by others: set password_file"):
        WebSettings(host=host)
    assert not WebSettings(host=host, password_file=Path("secrets/web")).is_local
    assert not WebSettings(host=host, trusted_proxies=("172.30.32.2",)).is_local
    assert not WebSettings(host=host, enabled=False).is_local


def test_a_proxy_that_only_forwards_needs_the_password_of_the_page() -> None:
    with pytest.raises(ValidationError, match=r"forwarded_from .* set password_file"):
        WebSettings(forwarded_from=("192.0.2.1",))
    settings = WebSettings(
        host="0.0.0.0",
        password_file=Path("secrets/web"),
        forwarded_from=("192.0.2.1", "fd00::/8"),
    )
    assert [str(network) for network in settings.forwarded_from] == ["192.0.2.1/32", "fd00::/8"]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_needs_none(host: str) -> None:
    assert WebSettings(host=host).is_local


@rows(
    "table",
    [
        {"port": 70_000},
        {"port": -1},
        {"hosts": ["evil/../x"]},
        {"hosts": ["two words"]},
        {"trusted_proxies": ["proxy.example"]},
        {"trusted_proxies": ["10.0.0.1/8"]},
        {"forwarded_from": ["proxy.example"], "password_file": "x"},
        {"pasword_file": "x"},
    ],
)
def test_what_makes_no_sense_is_refused(table: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WebSettings.model_validate(table)


def test_names_are_compared_in_small_letters_and_proxies_are_networks() -> None:
    settings = WebSettings.model_validate(
        {"hosts": ["Presence.Example.ORG"], "trusted_proxies": ["10.0.0.0/8", "fd00::/8"]}
    )
    assert settings.hosts == ("presence.example.org",)
    assert [network.version for network in settings.trusted_proxies] == [4, 6]


def test_the_password_file_lies_beside_the_config(tmp_path: Path) -> None:
    settings = WebSettings.model_validate(
        {"password_file": "secrets/web"}, context={"folder": tmp_path}
    )
    assert settings.password_file == tmp_path / "secrets" / "web"


PASSWORD = Path("secrets/web")


@rows(
    ("table", "address"),
    [
        ({}, None),
        ({"host": "localhost", "url": "https://pi.local/presence/"}, "https://pi.local/presence"),
        ({"host": "192.168.1.20"}, "http://192.168.1.20:8099"),
        ({"host": "pi.local", "port": 80}, "http://pi.local:80"),
        ({"host": "fd00::7"}, "http://[fd00::7]:8099"),
        ({"host": "0.0.0.0"}, None),
        ({"host": "::", "hosts": ("Presence.example.org",)}, "http://presence.example.org:8099"),
        ({"host": "192.168.1.20", "port": 0}, None),
        ({"host": "192.168.1.20", "trusted_proxies": ("10.0.0.1",)}, None),
    ],
)
def test_where_others_open_the_page_is_said_only_where_it_is_certain(
    table: dict[str, Any], address: str | None
) -> None:
    assert WebSettings(password_file=PASSWORD, **table).address == address


@rows(
    "url",
    [
        *(
            "presence.example.org",
            "ftp://pi.local",
            "https://",
            "https://a b",
            "http://me@pi.local",
        ),
        *("http://127.0.0.1:8099", "http://localhost:8099", "http://[::1]:8099", "http://0.0.0.0"),
        *('https://pi.local/"', "https://pi.local/{{ 7 }}", "https://pi.local/#x"),
    ],
)
def test_an_address_that_leads_others_nowhere_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        WebSettings(url=url)
