from __future__ import annotations

from ipaddress import ip_network

import pytest
from multidict import CIMultiDict

from bridge.web.access.proxies import came_by_proxy, told_by_proxy
from tests.fakes.rows import rows

PROXY = "192.0.2.1"
PROXIES = (ip_network("192.0.2.0/30"), ip_network("fd00::/8"))


def reader(*headers: tuple[str, str]) -> str:
    return told_by_proxy(CIMultiDict(headers), PROXY, PROXIES).reader


@rows(
    ("headers", "who"),
    [
        ([], PROXY),
        ([("X-Forwarded-For", "198.51.100.7")], "198.51.100.7"),
        ([("x-forwarded-for", " 198.51.100.7 ")], "198.51.100.7"),
        ([("X-Forwarded-For", "203.0.113.9, 198.51.100.7")], "198.51.100.7"),
        ([("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-For", "198.51.100.7")], "198.51.100.7"),
        ([("X-Forwarded-For", "203.0.113.9, 198.51.100.7, 192.0.2.2, fd00::2")], "198.51.100.7"),
        ([("X-Forwarded-For", "192.0.2.3, 192.0.2.2")], "192.0.2.3"),
        ([("X-Forwarded-For", "198.51.100.7:4711")], "198.51.100.7"),
        ([("X-Forwarded-For", "[2001:db8::7]:4711")], "2001:db8::7"),
        ([("X-Forwarded-For", "2001:db8::7")], "2001:db8::7"),
        ([("X-Real-IP", "198.51.100.7")], "198.51.100.7"),
        ([("Forwarded", "for=198.51.100.7;proto=https;by=192.0.2.1")], "198.51.100.7"),
        ([("Forwarded", 'For="[2001:db8::7]:4711", for=192.0.2.2')], "2001:db8::7"),
        ([("X-Forwarded-For", "198.51.100.7"), ("X-Real-IP", "198.51.100.7")], "198.51.100.7"),
        (
            [("X-Forwarded-For", "198.51.100.7, 192.0.2.2"), ("X-Real-IP", "192.0.2.2")],
            "198.51.100.7",
        ),
    ],
)
def test_the_reader_is_the_last_one_that_is_no_proxy_of_ours(
    headers: list[tuple[str, str]], who: str
) -> None:
    assert reader(*headers) == who


@pytest.mark.parametrize(
    "headers",
    [
        [("X-Forwarded-For", "198.51.100.7, unknown")],
        [("X-Forwarded-For", "198.51.100.7, unix:")],
        [("X-Forwarded-For", "198.51.100.7, evil.example")],
        [("Forwarded", "for=_hidden")],
        [("Forwarded", "for=198.51.100.7 broken")],
        [("Forwarded", "for=203.0.113.9"), ("X-Forwarded-For", "198.51.100.7")],
        [("X-Forwarded-For", "203.0.113.9"), ("X-Real-IP", "198.51.100.7")],
    ],
)
def test_what_is_hidden_broken_or_in_doubt_counts_as_the_proxy(
    headers: list[tuple[str, str]],
) -> None:
    """A reader who writes another header for each guess is one reader all the same."""
    assert reader(*headers) == PROXY


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        (
            [("X-Forwarded-Host", "a.example"), ("X-Forwarded-Proto", "https")],
            (("a.example",), True),
        ),
        ([("X-Forwarded-Proto", "https, http")], ((), True)),
        ([("X-Forwarded-Proto", "http, https")], ((), False)),
        ([("Forwarded", 'host="a.example:8443";proto=https')], (("a.example:8443",), True)),
        ([("Forwarded", "for=192.0.2.9")], ((), False)),
    ],
)
def test_names_and_tls_are_those_that_the_reader_used(
    headers: list[tuple[str, str]], said: tuple[tuple[str, ...], bool]
) -> None:
    read = told_by_proxy(CIMultiDict(headers), PROXY, PROXIES)
    assert (read.hosts, read.by_tls) == said


@pytest.mark.parametrize(
    "name",
    ["Forwarded", "X-Forwarded-For", "x-forwarded-proto", "X-Forwarded-Prefix", "X-Real-IP"],
)
def test_a_proxy_is_noticed_by_what_only_proxies_add(name: str) -> None:
    assert came_by_proxy(CIMultiDict({name: "x"}))
    assert not came_by_proxy(CIMultiDict({"Host": "nas", "User-Agent": "x", "Via": "1.1 squid"}))
