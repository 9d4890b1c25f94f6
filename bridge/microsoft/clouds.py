"""Where each Microsoft cloud has its sign-in and its Graph. Pure data.

Source: Microsoft Graph documentation, "Microsoft Graph national cloud deployments".
"""

from __future__ import annotations

from typing import NamedTuple

from bridge.config.tables.accounts import MicrosoftSettings


class Cloud(NamedTuple):
    """The addresses of one cloud."""

    login_url: str
    graph_url: str
    """With the version: ``…/v1.0``."""
    scope_root: str
    """Graph's name in scopes that are written as addresses."""


_CLOUDS = {
    "global": ("https://login.microsoftonline.com", "https://graph.microsoft.com"),
    "us_gov": ("https://login.microsoftonline.us", "https://graph.microsoft.us"),
    "us_gov_dod": ("https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
}


def cloud_of(settings: MicrosoftSettings) -> Cloud:
    """The addresses for ``settings``; its own ones win over those of the cloud's name."""
    login, graph = _CLOUDS[settings.cloud]
    return Cloud(
        login_url=(settings.login_url or login).rstrip("/"),
        graph_url=(settings.graph_url or f"{graph}/v1.0").rstrip("/"),
        scope_root=graph,
    )
