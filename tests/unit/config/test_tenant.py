"""What people write as their tenant is understood, or refused with what to write instead."""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge.config.tables.config import Config
from bridge.config.tables.tenant import tenant_name
from bridge.config.validation_errors import problems
from tests.fakes.rows import rows

GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"


def complaint(table: dict[str, object]) -> str:
    with pytest.raises(ValidationError) as caught:
        Config.model_validate({"state_dir": "x"} | table)
    (line,) = problems(caught.value, Config)
    return line


@rows(
    ("written", "told"),
    [
        ("Contoso Ltd", "is neither a domain nor a GUID: write your organisation's domain"),
        ("contoso", "is neither a domain nor a GUID"),
        ("https://portal/contoso.com", "not a tenant: write tenant = 'contoso.com' alone"),
        (f"login.microsoftonline.com/{GUID}", f"not a tenant: write tenant = '{GUID}' alone"),
        (f"https://login.microsoftonline.com/{GUID}/oauth2/v2.0/token", f"tenant = '{GUID}'"),
        ("https://login.microsoftonline.com/common", "not a tenant: write your organisation's"),
        ("https://contoso.com/", "write tenant = 'contoso.com' alone"),
        ("https://www.contoso.com/about?x=1", "write tenant = 'www.contoso.com' alone"),
        ("CONTOSO\\alice", "is the address of a page, not a tenant: write your organisation's"),
        (GUID[:-1], "is no GUID: it has 31 digits instead of 32"),
        (GUID[1:], "is no GUID: it has 31 digits instead of 32"),
        (GUID + "0", "is no GUID: it has 33 digits instead of 32"),
        (GUID.replace("-", "")[:-1], "is no GUID: it has 31 digits instead of 32"),
        (GUID.replace("0", "O"), "is no GUID: 32 of 0-9 and a-f as 8-4-4-4-12"),
        (GUID.replace("-", "\N{EN DASH}"), "holds '\N{EN DASH}', which no domain or GUID"),
        ("kontoß.de", "holds 'ß', which no domain"),
        ("alice@contoso", "write the domain behind the @ alone"),
        ("alice@con@toso.com", "write the domain behind the @ alone"),
        ("192.168.1.5", "is neither a domain nor a GUID"),
        ("contoso..com", "is neither a domain nor a GUID"),
        ("contoso.com, fabrikam.com", "is neither a domain nor a GUID"),
        ("a" * 250 + ".com", "is neither a domain nor a GUID"),
    ],
)
def test_what_cannot_be_a_tenant_is_refused_with_the_cure(written: str, told: str) -> None:
    line = complaint({"microsoft": {"tenant": written}})
    assert line.startswith("microsoft.tenant: ")
    assert told in line
    own = complaint({"accounts": {"alice": {"tenant": written}}})
    assert own.startswith("accounts.alice.tenant: ")


@rows(
    ("written", "understood"),
    [
        ("contoso.com", "contoso.com"),
        ("Contoso.onMicrosoft.com", "Contoso.onMicrosoft.com"),
        ("xn--kont-noa.xn--p1ai", "xn--kont-noa.xn--p1ai"),
        ("alice@contoso.com", "alice@contoso.com"),
        ("  contoso.com\n", "contoso.com"),
        ('"contoso.com"', "contoso.com"),
        ("contoso.com.", "contoso.com"),
        ("\ufeffcontoso.com\u200b", "contoso.com"),
        ("\N{NO-BREAK SPACE}contoso.com", "contoso.com"),
        (GUID.upper(), GUID.upper()),
        (f"{{{GUID}}}", GUID),
        (f"' {GUID} '", GUID),
        (GUID.replace("-", ""), GUID),
        ("", ""),
        ("  ", ""),
    ],
)
def test_what_stands_around_a_tenant_does_not_matter(written: str, understood: str) -> None:
    config = Config.model_validate({"state_dir": "x", "microsoft": {"tenant": written}})
    assert config.microsoft.tenant == understood


@given(st.text(max_size=60))
def test_whatever_is_written_is_refused_in_words_or_stays_as_it_was_understood(text: str) -> None:
    with suppress(ValueError):
        name = tenant_name(text)
        assert tenant_name(name) == name


def test_init_writes_no_config_with_a_tenant_that_cannot_be_one(tmp_path: Path) -> None:
    asked = ["init", "--folder", str(tmp_path / "new"), "--tenant", "Contoso Ltd"]
    command = [sys.executable, "-m", "bridge", *asked]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    told = "config: --tenant: is neither a domain nor a GUID: write your organisation's"
    assert done.stderr.startswith(told)
    assert done.returncode == 2
    assert not (tmp_path / "new").exists()
