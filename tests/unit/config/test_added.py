from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from bridge.config.added_people import MOST, add, read_added, remove, slug_of
from bridge.config.tables.accounts import AccountSettings
from bridge.config.tables.base import Slug
from bridge.contract.errors import PersonMustActError, TryAgainError


@pytest.mark.parametrize(
    ("name", "taken", "slug"),
    [
        ("Alice", (), "alice"),
        ("Zoë  O'Hara", (), "zoe_o_hara"),
        ("Alice", ("alice",), "alice_2"),
        ("Alice", ("alice", "alice_2"), "alice_3"),
        ("李", (), "person"),
        ("../../etc", (), "etc"),
        ("A" * 60, (), "a" * 36),
    ],
)
def test_a_name_becomes_a_short_name_for_topics(
    name: str, taken: tuple[str, ...], slug: str
) -> None:
    assert slug_of(name, taken) == slug


@given(st.text())
def test_every_name_does(name: str) -> None:
    TypeAdapter(Slug).validate_python(slug_of(name, ()))
    TypeAdapter(Slug).validate_python(slug_of(name, {slug_of(name, ())}))


def test_people_are_kept_and_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "people.json"
    add(file, "alice", AccountSettings(name="Alice"))
    add(file, "bob", AccountSettings(name="Bob"))
    assert {slug: p.name for slug, p in read_added(file).items()} == {
        "alice": "Alice",
        "bob": "Bob",
    }
    assert file.stat().st_mode & 0o777 == 0o600
    remove(file, "alice")
    assert list(read_added(file)) == ["bob"]


@pytest.mark.parametrize("content", ["{", '{"A B": {}}', '{"alice": {"hours": "always"}}'])
def test_a_file_that_cannot_be_read_is_reported_and_left_alone(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "people.json"
    file.write_text(content)
    assert read_added(file) == {}
    assert "people.json cannot be read" in caplog.text
    assert file.read_text() == content


def test_there_is_a_limit_and_a_disk_that_refuses_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "people.json"
    text = "".join(f'"p{number}": {{}},' for number in range(MOST)).rstrip(",")
    file.write_text(f"{{{text}}}")
    with pytest.raises(PersonMustActError, match="config file"):
        add(file, "alice", AccountSettings())
    in_the_way = tmp_path / "folder"
    (in_the_way / "people.json.new").mkdir(parents=True)
    with pytest.raises(TryAgainError, match=r"people\.json"):
        add(in_the_way / "people.json", "alice", AccountSettings())
