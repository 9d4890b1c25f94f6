import pytest

from bridge.config.tables.accounts import MicrosoftSettings
from bridge.microsoft.clouds import cloud_of


@pytest.mark.parametrize(
    ("cloud", "login", "graph"),
    [
        ("global", "https://login.microsoftonline.com", "https://graph.microsoft.com/v1.0"),
        ("us_gov", "https://login.microsoftonline.us", "https://graph.microsoft.us/v1.0"),
        ("us_gov_dod", "https://login.microsoftonline.us", "https://dod-graph.microsoft.us/v1.0"),
    ],
)
def test_every_cloud_has_its_own_addresses(cloud: str, login: str, graph: str) -> None:
    found = cloud_of(MicrosoftSettings.model_validate({"cloud": cloud}))
    assert (found.login_url, found.graph_url) == (login, graph)
    assert found.graph_url == f"{found.scope_root}/v1.0"


def test_addresses_in_the_config_win_and_may_end_with_a_slash() -> None:
    settings = MicrosoftSettings(
        cloud="us_gov", login_url="https://gate/login/", graph_url="https://gate/graph/beta/"
    )
    found = cloud_of(settings)
    assert (found.login_url, found.graph_url) == ("https://gate/login", "https://gate/graph/beta")
    assert found.scope_root == "https://graph.microsoft.us"
