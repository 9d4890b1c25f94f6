"""Clouds and tenants where nobody has a presence are refused with the reason."""

import pytest
from pydantic import ValidationError

from bridge.config.tables.accounts import AccountSettings, MicrosoftSettings
from bridge.config.tables.config import Config
from bridge.config.validation_errors import problems

CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"


def complaint(table: dict[str, object]) -> str:
    with pytest.raises(ValidationError) as caught:
        Config.model_validate({"state_dir": "x"} | table)
    (line,) = problems(caught.value, Config)
    return line


@pytest.mark.parametrize("cloud", ["china", "China", "mooncake", "21Vianet"])
def test_china_is_refused_because_it_has_no_presence(cloud: str) -> None:
    line = complaint({"microsoft": {"cloud": cloud}})
    assert line == (
        "microsoft.cloud: Microsoft Graph in China (21Vianet) has no presence; "
        "no setting helps: nobody in that cloud can be followed"
    )
    own = complaint({"accounts": {"alice": {"cloud": cloud}}})
    assert own.startswith("accounts.alice.cloud: Microsoft Graph in China")


def test_another_cloud_is_answered_with_those_there_are() -> None:
    line = complaint({"microsoft": {"cloud": "moon"}})
    assert all(name in line for name in ("global", "us_gov", "us_gov_dod"))


@pytest.mark.parametrize("name", ["common", "consumers", "organizations", "Common", CONSUMERS])
def test_what_stands_for_all_tenants_is_refused_because_of_personal_accounts(name: str) -> None:
    told = "must be your organisation's domain or GUID: personal accounts have no presence"
    assert complaint({"microsoft": {"tenant": name}}) == f"microsoft.tenant: {told}"
    assert complaint({"accounts": {"a": {"tenant": name}}}) == f"accounts.a.tenant: {told}"


@pytest.mark.parametrize("name", ["contoso.com", "alice@contoso.com", "common.example"])
def test_a_domain_or_a_mail_address_is_taken_as_it_is(name: str) -> None:
    assert MicrosoftSettings(tenant=name).tenant == name


@pytest.mark.parametrize(
    "table",
    [
        {"sign_in": "app", "user": "alice@contoso.com", "set_presence": True},
        {"watch": ["bob@contoso.com"], "set_presence": True},
    ],
)
def test_presence_can_only_be_set_for_who_signs_in(table: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="people who sign in and follow themselves"):
        AccountSettings.model_validate(table)
