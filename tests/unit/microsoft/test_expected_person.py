"""Who is expected to sign in for a table: nobody is asked about without a reason."""

from __future__ import annotations

import pytest

from bridge.microsoft.sign_in.expected_person import Expected
from bridge.microsoft.sign_in.identity import Identity, identity_of
from tests.fakes.rows import rows

BOB = Identity("b.t", oid="0F8FAD5B", address="bob.o.hara@contoso.com", name="Zoë Bob O'Hara")


@rows(
    ("slug", "name", "asked"),
    [
        ("bob", "Bob", False),
        ("bob", "Papa", False),
        ("x", "Robert O'Hara", False),
        ("zoe_2", "", False),
        ("x", "ZOË (office)", False),
        ("me", "Me", False),
        ("my_desk", "", False),
        ("robert", "Bobby", False),
        ("alice", "Alice", True),
        ("work", "Alice", True),
        ("b", "Al", True),
    ],
)
def test_a_name_that_fits_nothing_of_a_person_is_asked_about(
    slug: str, name: str, *, asked: bool
) -> None:
    assert bool(Expected(slug, name).question(BOB, None)) is asked


def test_a_table_of_others_is_not_called_as_who_signs_in() -> None:
    assert Expected("team", "Team", is_person=False).question(BOB, None) is None
    assert Expected("team", "Team", is_person=False).question(BOB, Identity("a.t"))


def test_who_was_there_before_is_not_asked_about() -> None:
    assert Expected("alice", "Alice").question(BOB, Identity("b.t")) is None


def test_of_whom_microsoft_says_no_name_no_name_is_asked_about() -> None:
    nameless = identity_of({"home_account_id": "b.t", "username": 7, "local_account_id": None})
    assert nameless == Identity("b.t")
    assert Expected("alice", "Alice").question(nameless, None) is None
    asked = Expected("alice", "Alice").question(nameless, Identity("a.t"))
    assert asked == (
        "That is somebody whose name Microsoft keeps back; "
        "so far somebody else was signed in for Alice."
    )


@pytest.mark.parametrize("pinned", ["bob.o.hara@contoso.com", "0f8fad5b"])
def test_a_pinned_person_is_let_in_by_address_or_guid_and_nobody_else_is(pinned: str) -> None:
    expected = Expected("alice", "Alice", pinned=pinned)
    assert expected.refusal(BOB) is None
    assert expected.question(BOB, Identity("a.t")) is None
    for other in (None, Identity("a.t"), Identity("a.t", address="bob@contoso.com")):
        why = expected.refusal(other)
        assert why
        assert f"Alice must be {pinned}" in why.text
        assert "[accounts.alice]" in why.remedy
