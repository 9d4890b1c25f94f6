from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.rows import rows


def test_every_row_is_looked_at_and_those_that_fail_are_named() -> None:
    seen = []

    @rows(("number", "even"), [(1, True), (2, True), (3, True)])
    def looked(number: int, *, even: bool) -> None:
        seen.append(number)
        assert (number % 2 == 0) is even

    with pytest.raises(ExceptionGroup, match="2 of 3 rows") as caught:
        looked()
    assert seen == [1, 2, 3]
    notes = [note for error in caught.value.exceptions for note in error.__notes__]
    assert notes == ["in the row (1, True)", "in the row (3, True)"]


@rows("name", ["a", "b"])
def test_fixtures_are_given_as_ever(name: str, tmp_path: Path) -> None:
    assert (tmp_path / name).parent.is_dir()


def test_a_table_without_rows_shows_nothing() -> None:
    with pytest.raises(AssertionError, match="without rows"):
        rows("number", [])
