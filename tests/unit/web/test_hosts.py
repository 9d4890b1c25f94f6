from __future__ import annotations

from bridge.web.access.hosts import may_name, own_names
from tests.fakes.rows import rows

NAMES = own_names("pi.home.example") | {"presence.example.org"}


@rows(
    "host",
    [
        "localhost",
        "LOCALHOST:8099",
        "app.localhost",
        "127.0.0.1:8099",
        "192.168.1.20",
        "[::1]:8099",
        "[fe80::1]",
        "[FE80::1%25eth0]:8099",
        "[fe80::1%en0]",
        "[::ffff:192.0.2.7]",
        "pi",
        "pi.local:8099",
        "pi.lan",
        "pi.home.example",
        "nas",
        "your-server:8099",
        "3d-printer",
        "nas.local",
        "nas.home.arpa",
        "kitchen.nas.internal",
        "nas.fritz.box",
        "presence.example.org",
        "presence.example.org.",
        "Presence.Example.ORG.:8099",
        "NAS.Local.:8099",
        "xn--bcher-kva",
        "xn--bcher-kva.local",
        "nas:",
        "192.168.1.20.",
    ],
)
def test_addresses_own_names_and_listed_names_are_ours(host: str) -> None:
    assert may_name(host, NAMES)


@rows(
    "host",
    [
        "",
        "evil.example",
        "evil.example:8099",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "pi.local.evil.example",
        "evil.example#localhost",
        "localhost@evil.example",
        "[::1",
        "::1",
        "[evil.example]",
        "localhost:8099:1",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        ".local",
        "fritz.box.evil.example",
        "local.evil.example",
        "xn--bcher-kva.example",
        "bücher.example",
        "nas..",
        "[::1%evil.example",
        "[evil%25eth0]",
        "nas.local:80:80",
        "nas.local, evil.example",
        "nas.local evil.example",
        "evil.example.",
        "evilfritz.box",
        "home.arpa.evil.example",
    ],
)
def test_every_other_name_may_be_an_attackers(host: str) -> None:
    assert not may_name(host, NAMES)


def test_a_machine_without_a_name_has_no_empty_one() -> None:
    assert "" not in own_names("")
    assert not may_name(".local", own_names(""))
