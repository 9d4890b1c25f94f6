from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config.toml_edits import OtherStyleError, with_values

SHIPPED = (Path(__file__).parents[3] / "config.toml").read_text(encoding="utf-8")
IDS = {"tenant": "fabrikam.com", "client_id": "1b2c3d4e-0000-4000-8000-123456789abc"}


def test_only_the_values_change_in_a_file_that_somebody_wrote() -> None:
    after = with_values(SHIPPED, "microsoft", IDS)
    assert tomllib.loads(after)["microsoft"] == IDS
    changed = [
        (old, new)
        for old, new in zip(SHIPPED.splitlines(), after.splitlines(), strict=True)
        if old != new
    ]
    assert [new.partition("#")[0].strip() for _, new in changed] == [
        'tenant = "fabrikam.com"',
        f'client_id = "{IDS["client_id"]}"',
    ]
    assert changed[0][0].partition("#")[2] == changed[0][1].partition("#")[2] != ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# mine",
        "[microsoft]",
        "[microsoft]\ntenant = 'a.com' # mine\n[accounts.a]\ntenant = \"b.com\"\n",
        '[ microsoft ] # mine\n  client_id="x"#mine\n\n[x]\n',
        '[microsoft.other]\ntenant = "c.com"\n',
    ],
)
def test_what_is_missing_is_added_and_what_others_say_stays(text: str) -> None:
    after = with_values(text, "microsoft", IDS)
    found, before = tomllib.loads(after), tomllib.loads(text)
    for key, value in IDS.items():
        assert found["microsoft"].pop(key) == value
        before.get("microsoft", {}).pop(key, None)
    before.setdefault("microsoft", {})
    assert found == before
    assert after.count("# mine") == text.count("# mine")


@pytest.mark.parametrize(
    "text",
    [
        'microsoft.tenant = "a.com"\n',
        'microsoft = { tenant = "a.com" }\n',
        'note = """\n[microsoft]\n"""\nmicrosoft.tenant = "a.com"\n',
        "[microsoft\n",
        "microsoft = 1\n",
    ],
)
def test_what_only_a_person_can_change_is_left_to_them(text: str) -> None:
    with pytest.raises(OtherStyleError):
        with_values(text, "microsoft", IDS)


@given(value=st.text().filter(str.isprintable))
def test_every_printable_value_can_be_written(value: str) -> None:
    after = with_values(SHIPPED, "microsoft", {"tenant": value})
    assert tomllib.loads(after)["microsoft"]["tenant"] == value
