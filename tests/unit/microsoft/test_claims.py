import pytest

from bridge.microsoft.people.ownership import Claims, Rank


def test_somebody_in_two_tables_is_read_through_the_first(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    claims = Claims()
    second = claims.open("second", Rank.NAMED, 2)
    first = claims.open("first", Rank.NAMED, 1)
    second.put({"a", "b"})
    first.put({"b", "c"})
    for _ in range(3):
        assert first.left_out() == frozenset()
        assert second.left_out() == {"b"}
    assert [record.getMessage() for record in caplog.records] == [
        "second: 1 of its people are read through first and left out here"
    ]


def test_a_group_yields_to_a_name_and_a_name_to_the_persons_own_sign_in() -> None:
    claims = Claims()
    group = claims.open("group", Rank.MEMBER, 0)
    named = claims.open("named", Rank.NAMED, 1)
    own = claims.open("own", Rank.OWN, 2)
    for claim in (group, named, own):
        claim.put({"a"})
    assert [bool(claim.left_out()) for claim in (group, named, own)] == [True, True, False]


def test_who_is_let_go_is_read_through_the_next_table() -> None:
    claims = Claims()
    first, second = claims.open("first", Rank.NAMED, 1), claims.open("second", Rank.NAMED, 2)
    first.put({"a"})
    second.put({"a"})
    assert second.left_out() == {"a"}
    before = second.version
    first.put(())
    assert second.version > before
    assert second.left_out() == frozenset()


def test_claiming_the_same_again_changes_nothing() -> None:
    claims = Claims()
    claim = claims.open("one", Rank.NAMED, 0)
    claim.put(["a", "b"])
    before = claims.version
    claim.put(["b", "a"])
    assert claims.version == before
