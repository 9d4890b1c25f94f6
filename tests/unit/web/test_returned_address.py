from __future__ import annotations

from bridge.web.data.snapshot import Snapshot, Table
from bridge.web.render.returned_address import returned_address, whose_sign_in
from tests.fakes.rows import rows
from tests.fakes.web_page import BOTH, in_browser, person, service

ADDRESS = "http://localhost:40123/?code=1.AX-_b.c&state=s1&session_state=9"


@rows(
    ("text", "found"),
    [
        (ADDRESS, ADDRESS),
        (f"  {ADDRESS}\n", ADDRESS),
        (f"localhost\n{ADDRESS}", ADDRESS),
        (f"Look at this: {ADDRESS}. Sent from my phone", ADDRESS),
        (f'<a href="{ADDRESS}">localhost</a>', ADDRESS),
        (ADDRESS.removeprefix("http://"), ADDRESS.removeprefix("http://")),
        ("http://127.0.0.1:1/?code=a&state=b", "http://127.0.0.1:1/?code=a&state=b"),
        ("http://localhost?error=access_denied&state=b",) * 2,
        ("http://localhost/?code=a", None),
        ("http://localhost/?state=b", None),
        ("https://evil.example/?code=a&state=b", None),
        ("http://localhost.evil.example/?code=a&state=b", None),
        ("", None),
    ],
)
def test_the_address_is_found_in_whatever_was_pasted(text: str, found: str | None) -> None:
    assert returned_address(text) == found


def test_its_state_says_whose_sign_in_it_ends() -> None:
    team = Table("team", 2, sign_in=in_browser().sign_in, ways=BOTH)
    alone = Snapshot(service(), (person("bob"), in_browser("alice")))
    many = Snapshot(service(), (in_browser("ann"),), tables=(team,))
    found = whose_sign_in(alone, ADDRESS.removeprefix("http://"))
    assert found
    assert found.account == "alice"
    assert whose_sign_in(many, ADDRESS) == team
    assert whose_sign_in(alone, ADDRESS.replace("s1", "s2")) is None
    assert whose_sign_in(Snapshot(service(), (person("bob"),)), ADDRESS) is None
