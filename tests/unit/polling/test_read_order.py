import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract.presence import Presence
from bridge.polling.read_order import comes_before, is_older
from tests.fakes.rows import rows


@rows(
    ("old", "new"),
    [
        ("A01", "A02"),
        ("B999", "B1000"),
        ("999", "1000"),
        ("A999", "B1"),
        ("Z9", "AA1"),
        ("A0000000009", "A0000000010"),
        ("A009", "A10"),
        ("a9", "A10"),
        ("A9F", "AA0"),
        ("2026-11-23T09:59:00", "2026-11-23T10:00:00"),
        ("7.9", "7.10"),
        ("B" + "9" * 5000, "B1" + "0" * 5000),
    ],
)
def test_letters_and_numbers_are_compared_as_what_they_are(old: str, new: str) -> None:
    assert comes_before(old, new)
    assert not comes_before(new, old)
    assert not comes_before(new, new)


@pytest.mark.parametrize(
    ("a", "b"), [("W/xyz", "B1000"), ("FF", "1000"), ("A1", "A1.2"), ("", "A")]
)
def test_what_cannot_be_compared_is_not_older(a: str, b: str) -> None:
    assert not comes_before(a, b)
    assert not comes_before(b, a)


def test_who_has_no_number_is_not_older() -> None:
    numbered = Presence(sequence_number="A02")
    assert is_older(Presence(sequence_number="A01"), numbered)
    assert not is_older(Presence(), numbered)
    assert not is_older(numbered, Presence())
    assert not is_older(numbered, None)


@given(st.text(max_size=12), st.text(max_size=12))
def test_never_are_both_older(a: str, b: str) -> None:
    assert not (comes_before(a, b) and comes_before(b, a))
