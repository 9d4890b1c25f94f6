import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.microsoft.sign_in.remedies import ADMIN, OWNER, REMEDIES, YOU, explain, for_account


def test_every_row_says_what_happened_who_must_act_and_one_thing_to_do() -> None:
    for row in REMEDIES:
        assert row.text.endswith(".")
        assert row.remedy.endswith(".")
        assert row.who in (YOU, ADMIN, OWNER)


def test_a_command_names_the_account_that_it_is_for() -> None:
    commands = [row.remedy for row in REMEDIES if "presence-bridge" in row.remedy]
    assert commands
    for remedy in commands:
        assert "presence-bridge login NAME --browser" in remedy
        told = for_account(remedy, "alice")
        assert "presence-bridge login alice --browser" in told
        assert "NAME" not in told
        assert for_account(told, "bob") == told


def test_no_number_stands_in_two_rows() -> None:
    codes = [code for row in REMEDIES for code in row.codes]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize(
    ("code", "who", "words"),
    [
        (7000218, OWNER, "Allow public client flows"),
        (53003, ADMIN, "exception"),
        (50173, YOU, "Sign in again"),
        (65001, YOU, "consent"),
        (90002, YOU, "tenant"),
    ],
)
def test_the_number_chooses_the_sentence(code: int, who: str, words: str) -> None:
    told = explain({"error": "invalid_grant", "error_codes": [code], "correlation_id": "c-1"})
    assert told.who == who
    assert words in told.remedy
    assert f"AADSTS{code}" in told.text
    assert told.correlation_id == "c-1"


def test_the_number_is_found_in_the_description_too() -> None:
    told = explain({"error": "x", "error_description": "AADSTS700016: Application with ..."})
    assert "AADSTS700016" in told.text


@pytest.mark.parametrize("error", ["authorization_declined", "access_denied"])
def test_both_names_of_a_declined_sign_in_mean_the_same(error: str) -> None:
    assert "declined" in explain({"error": error}).text


def test_a_bad_moment_passes_by_itself() -> None:
    assert explain({"error": "temporarily_unavailable"}).passes
    assert not explain({"error": "invalid_grant"}).passes


@given(
    st.dictionaries(
        st.text(max_size=12), st.none() | st.integers() | st.text() | st.lists(st.text())
    )
)
def test_nothing_that_microsoft_sends_can_break_the_report(result: dict[str, object]) -> None:
    told = explain(result)
    assert told.text
    assert told.remedy
