"""What people write as their proxy is understood, or refused with what to write instead."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from yarl import URL

from bridge.config.tables.config import Config
from bridge.config.tables.proxy import proxy_address
from bridge.config.validation_errors import problems
from tests.fakes.rows import rows


def config(proxy: str) -> Config:
    return Config.model_validate({"state_dir": "x", "network": {"proxy": proxy}})


@rows(
    ("written", "understood"),
    [
        ("", ""),
        (" ", ""),
        ("http://proxy:8080", "http://proxy:8080"),
        ("http://proxy.example", "http://proxy.example"),
        ("HTTP://proxy:8080/", "http://proxy:8080"),
        ("https://proxy:8443", "https://proxy:8443"),
        ("proxy:8080", "http://proxy:8080"),
        ("192.168.1.5:3128", "http://192.168.1.5:3128"),
        ("[fd00::5]:3128", "http://[fd00::5]:3128"),
        ("'http://proxy:8080'", "http://proxy:8080"),
        ("bob:secret@proxy:8080", "http://bob:secret@proxy:8080"),
        ("http://bob@proxy:8080", "http://bob@proxy:8080"),
        ("http://bob:p%40ss@proxy:8080", "http://bob:p%40ss@proxy:8080"),
    ],
)
def test_a_proxy_is_understood(written: str, understood: str) -> None:
    assert config(written).network.proxy == understood


@rows("password", ["p@ss", "a/b", "a#b", "a?b", "a:b", "100%", "ä ö", "\\", "x@y:1"])
def test_any_password_arrives_as_it_was_written(password: str) -> None:
    url = URL(config(f"http://CORP%5Cbob:{password}@proxy:8080").network.proxy)
    assert (url.user, url.password, url.host, url.port) == ("CORP\\bob", password, "proxy", 8080)


@rows(
    ("written", "told"),
    [
        (
            "socks5://bob:hunter2@proxy:1080",
            "is a SOCKS proxy, and only HTTP proxies are",
        ),
        ("socks5h://proxy:1080", "is a SOCKS proxy"),
        ("SOCKS4a://proxy:1080", "is a SOCKS proxy"),
        (
            "ftp://bob:hunter2@proxy:21",
            "is not an address of a proxy: write it like http://proxy:8080",
        ),
        ("http://bob:hunter2@/", "is not an address of a proxy"),
        ("http://", "is not an address of a proxy"),
        ("no proxy", "is not an address of a proxy"),
        ("http://bob:hunter2@proxy:port", "is not an address of a proxy"),
        ("http://bob:hunter2@proxy:0", "has no port from 1 to 65535"),
        ("http://proxy:80800", "has no port from 1 to 65535"),
        ("http://bob:hunter2@proxy/proxy.pac", "names behind PROXY, like http://proxy:8080"),
    ],
)
def test_what_is_no_proxy_is_refused_with_the_cure_and_without_its_password(
    written: str, told: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        config(written)
    (line,) = problems(caught.value, Config)
    assert line.startswith("network.proxy: ")
    assert told in line
    assert "hunter2" not in f"{line}{caught.value}"


def test_the_password_is_not_shown_with_the_settings() -> None:
    assert "hunter2" not in repr(config("http://bob:hunter2@proxy:8080"))


@given(st.text(max_size=40))
def test_whatever_is_written_is_refused_in_words_or_an_address(text: str) -> None:
    with suppress(ValueError):
        address = proxy_address(text)
        assert not address or URL(address).host
        assert proxy_address(address) == address
