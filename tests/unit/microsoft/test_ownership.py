import pytest

from bridge.microsoft.people.ownership import Owner, Ownership, Rank


def test_somebody_in_two_tables_is_read_through_the_first(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    ownership = Ownership()
    second = Owner(ownership, "second", Rank.NAMED, 2)
    first = Owner(ownership, "first", Rank.NAMED, 1)
    second.own({"a", "b"})
    first.own({"b", "c"})
    for _ in range(3):
        assert first.left_out() == frozenset()
        assert second.left_out() == {"b"}
    assert [record.getMessage() for record in caplog.records] == [
        "second: 1 of its people are read through first and left out here"
    ]


def test_a_group_yields_to_a_name_and_a_name_to_the_persons_own_sign_in() -> None:
    ownership = Ownership()
    group = Owner(ownership, "group", Rank.MEMBER, 0)
    named = Owner(ownership, "named", Rank.NAMED, 1)
    own = Owner(ownership, "own", Rank.OWN, 2)
    for owner in (group, named, own):
        owner.own({"a"})
    assert [bool(owner.left_out()) for owner in (group, named, own)] == [True, True, False]


def test_who_is_let_go_is_read_through_the_next_table() -> None:
    ownership = Ownership()
    first, second = (
        Owner(ownership, "first", Rank.NAMED, 1),
        Owner(ownership, "second", Rank.NAMED, 2),
    )
    first.own({"a"})
    second.own({"a"})
    assert second.left_out() == {"a"}
    before = ownership.version
    first.own(())
    assert ownership.version > before
    assert second.left_out() == frozenset()


def test_owning_the_same_twice_changes_nothing() -> None:
    ownership = Ownership()
    owner = Owner(ownership, "one", Rank.NAMED, 0)
    owner.own(["a", "b"])
    before = ownership.version
    owner.own(["b", "a"])
    assert ownership.version == before
