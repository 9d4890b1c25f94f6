import json
import marshal
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract.topics import slug as checked
from bridge.microsoft.people.bulk import FORMAT
from bridge.microsoft.people.directory import Member, Memory, named
from bridge.microsoft.people.slugs import Slugs

A, B = str(UUID(int=1)), str(UUID(int=2))
HEX_A = UUID(int=1).hex

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
upns = st.builds(lambda local, domain: f"{local}@{domain}.com", texts, st.sampled_from("ab"))
pairs = st.tuples(st.none() | st.uuids().map(str), st.none() | upns).filter(any)


def test_people_are_called_by_the_table_and_the_local_part_of_their_name() -> None:
    slugs = Slugs("office", {"office"})
    assert slugs.give([(A, "Alice.Smith@contoso.com"), (B, None)]) == [
        "office_alice_smith",
        f"office_{UUID(B).hex}",
    ]


def test_the_first_of_two_with_one_name_has_the_short_slug() -> None:
    given = Slugs("x", {"x"}).give([(A, "al@a.com"), (B, "al@b.com"), (None, "al@b.com")])
    assert given[:2] == ["x_al", "x_al_b_com"]
    assert given[2].startswith("x_")


def test_a_slug_that_another_table_has_or_could_give_is_not_given() -> None:
    slugs = Slugs("a", {"a", "a_b", "a_c"})
    assert slugs.give([(A, "b@x.com"), (B, "c_d@x.com")]) == [
        f"a_{HEX_A}",
        f"a_{UUID(B).hex}",
    ]


def test_a_slug_stays_when_the_name_changes_or_somebody_of_that_name_comes() -> None:
    slugs = Slugs("x", {"x"})
    kept = {A: "x_al"}
    assert slugs.give([(B, "al@b.com"), (A, "alice@a.com")], kept) == ["x_al_b_com", "x_al"]
    assert Slugs("x", {"x", "x_al"}).give([(A, "alice@a.com")], kept) == ["x_alice"]


@given(st.lists(pairs, max_size=8), st.dictionaries(st.uuids().map(str), st.just("x_kept")))
def test_slugs_are_always_unique_and_fit_a_topic(
    people: list[tuple[str | None, str | None]], kept: dict[str, str]
) -> None:
    unique = list(dict.fromkeys(people))
    slugs = Slugs("x", {"x", "other", "x_y"}).give(unique, kept)
    assert len(set(slugs)) == len(unique)
    for slug in slugs:
        assert checked(slug).startswith("x_")
        assert not slug.startswith("x_y_")


def test_named_people_have_their_slugs_before_anybody_is_looked_up() -> None:
    assert named("x", ["al@a.com", A], {"x"}) == (
        Member("x_al", "al@a.com", None, "al@a.com"),
        Member(f"x_{HEX_A}", A, A, None),
    )


def test_who_was_found_is_remembered_for_the_same_group_only(tmp_path: Path) -> None:
    file = tmp_path / "people" / "x.json"
    people = (Member("x_al", "Al", A, "al@a.com"), Member("x_b", "B", B, None))
    Memory(file, "contoso.com staff").save(people)
    assert file.stat().st_mode & 0o777 == 0o600
    assert Memory(file, "contoso.com staff").read() == people
    assert Memory(file, "contoso.com others").read() == ()


def test_a_name_of_an_older_release_is_remembered_as_one_clean_line(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    Memory(file, "w").save([Member("team_ann", "Ann\x1b\r\n\u202eNna", "1", None)])
    assert [person.name for person in Memory(file, "w").read()] == ["Ann Nna"]


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"whom": "w"}', '{"whom": "w", "people": [[1, 2, 3, 4]]}', '{"whom": 1}']
)
def test_a_broken_memory_is_nobody(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "x.json"
    file.write_text(text, encoding="utf-8")
    assert Memory(file, "w").read() == ()
    assert ("cannot be read" in caplog.text) is (text != '{"whom": 1}')


def test_no_memory_is_nobody_without_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert Memory(tmp_path / "x.json", "w").read() == ()
    assert caplog.text == ""


def test_a_disk_that_refuses_costs_only_the_memory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "people").touch()
    Memory(tmp_path / "people" / "x.json", "w").save([])
    assert "cannot be written" in caplog.text


def test_equal_answers_are_equal_bytes_whoever_shares_their_words() -> None:
    word, same = json.loads('["In a call", "In a call"]')
    shared, apart = {"a": word, "b": word}, {"a": word, "b": same}
    assert word is not same
    assert marshal.dumps(shared, FORMAT) == marshal.dumps(apart, FORMAT)
    assert marshal.dumps(shared, FORMAT + 1) != marshal.dumps(apart, FORMAT + 1)
