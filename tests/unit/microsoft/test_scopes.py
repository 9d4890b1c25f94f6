import pytest

from bridge.config.tables.accounts import AccountSettings, MicrosoftSettings
from bridge.microsoft.clouds import cloud_of
from bridge.microsoft.sign_in.scopes import scopes_of

BOB = "00000000-0000-0000-0000-00000000000b"
GLOBAL = cloud_of(MicrosoftSettings())


@pytest.mark.parametrize(
    ("table", "asked"),
    [
        ({}, ["Presence.Read", "User.Read"]),
        ({"set_presence": True}, ["Presence.Read", "Presence.ReadWrite", "User.Read"]),
        ({"watch": [BOB]}, ["Presence.Read.All", "User.Read"]),
        (
            {"watch": [BOB, "eve@contoso.com"]},
            ["Presence.Read.All", "User.Read", "User.ReadBasic.All"],
        ),
    ],
)
def test_no_more_is_asked_for_than_is_used(table: dict[str, object], asked: list[str]) -> None:
    assert scopes_of(AccountSettings.model_validate(table), GLOBAL) == asked


def test_in_another_cloud_its_own_graph_is_named() -> None:
    cloud = cloud_of(MicrosoftSettings(cloud="us_gov_dod"))
    assert scopes_of(AccountSettings(), cloud) == [
        "https://dod-graph.microsoft.us/Presence.Read",
        "https://dod-graph.microsoft.us/User.Read",
    ]
