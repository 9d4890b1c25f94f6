from pathlib import Path
from typing import Any

import pytest

from bridge.config.loader import check
from bridge.config.tables.config import Config
from bridge.contract.errors import ConfigError
from tests.fakes.rows import rows

GUID = "0F8FAD5B-D9CB-469F-A165-70867728950E"
OFFICE = "accounts.office"


def checked(account: dict[str, Any], microsoft: dict[str, Any] | None = None) -> Config:
    table = {"accounts": {"office": account}, "microsoft": microsoft or {}}
    return check(table, folder=Path("/etc/bridge"), environ={})


@rows(
    ("account", "told"),
    [
        ({"sign_in": "app"}, f'{OFFICE}: sign_in = "app" needs exactly one of user, people'),
        ({"sign_in": "app", "user": GUID, "group": GUID}, f'{OFFICE}: sign_in = "app" needs exac'),
        ({"sign_in": "app", "user": GUID, "watch": [GUID]}, f"{OFFICE}: watch is for people who"),
        ({"group": GUID}, f'{OFFICE}: group needs sign_in = "app"'),
        ({"watch": []}, f"{OFFICE}: people and watch name at least"),
        ({"watch": ["alice"]}, f"{OFFICE}.watch.0: must be a GUID or somebody@domain"),
        ({"watch": ["a@b.c/d"]}, f"{OFFICE}.watch.0: must be a GUID or somebody@domain"),
        ({"watch": [GUID, GUID.lower()]}, f"{OFFICE}: somebody is named twice"),
        ({"sign_in": "app", "group": "staff"}, f"{OFFICE}.group: must look like 00000000-"),
        ({"certificate_file": "x"}, f'{OFFICE}: certificate_file needs sign_in = "app"'),
        ({"passphrase_file": "x"}, f"{OFFICE}: private_key_file and passphrase_file need"),
    ],
)
def test_a_table_that_names_nobody_or_too_many_is_refused(
    account: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        checked(account)
    (problem,) = caught.value.problems
    assert problem.startswith(told)


def test_people_are_named_in_one_form_however_they_are_written() -> None:
    config = checked({"watch": ["Alice@Contoso.com", f"{{{GUID}}}"]})
    assert config.accounts["office"].named == ("alice@contoso.com", GUID.lower())


def test_who_may_sign_in_can_be_pinned_and_stays_no_one_who_is_looked_up() -> None:
    for account in ({"user": "Alice@Contoso.com"}, {"user": GUID, "watch": ["bob@contoso.com"]}):
        office = checked(account).accounts["office"]
        assert office.pinned == office.user
        assert office.named == (office.watch or ())
    app = checked({"sign_in": "app", "user": GUID}).accounts["office"]
    assert (app.pinned, app.named) == (None, (GUID.lower(),))


def test_an_account_brings_its_own_certificate_with_its_own_key_or_none() -> None:
    shared = {"certificate_file": "a.pem", "private_key_file": "a.key", "passphrase_file": "a.txt"}
    plain = checked({"sign_in": "app", "user": GUID}, shared).microsoft_of("office")
    assert plain.private_key_file == Path("/etc/bridge/a.key")
    own = {"sign_in": "app", "user": GUID, "certificate_file": "b.pfx"}
    settings = checked(own, shared).microsoft_of("office")
    assert settings.certificate_file == Path("/etc/bridge/b.pfx")
    assert (settings.private_key_file, settings.passphrase_file) == (None, None)


def test_home_assistant_sees_everybody_unless_configured_otherwise() -> None:
    assert checked({}).accounts["office"].homeassistant
    assert not checked({"homeassistant": False}).accounts["office"].homeassistant
