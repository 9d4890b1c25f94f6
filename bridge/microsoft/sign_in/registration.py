"""The app registration that an account table uses, checked before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bridge import __version__
from bridge.config.tables.accounts import PLACEHOLDER_CLIENT_ID
from bridge.config.tables.config import Config
from bridge.contract.errors import ConfigError
from bridge.microsoft.clouds import cloud_of
from bridge.microsoft.sign_in.msal_library import library

if TYPE_CHECKING:
    import msal

    from bridge.microsoft.sign_in.msal_requests import MsalRequests

CAPABILITIES = ["CP1"]
"""We answer claims challenges, so Microsoft may end a token early and let it live long
(Microsoft identity platform, "continuous access evaluation")."""


class PublicApp(NamedTuple):
    """One app registration in one tenant."""

    client_id: str
    authority: str
    """The address of the tenant's sign-in, which ends with its name."""

    @property
    def tenant(self) -> str:
        """Its name in the config."""
        return self.authority.rpartition("/")[2]

    def open(
        self, tokens: msal.SerializableTokenCache, requests: MsalRequests
    ) -> msal.PublicClientApplication:
        """Msal's application object over ``tokens``. Runs on a worker: it looks addresses up."""
        return library().PublicClientApplication(
            self.client_id,
            authority=self.authority,
            instance_discovery=False,
            http_client=requests,
            token_cache=tokens,
            client_capabilities=CAPABILITIES,
            app_name="presence-bridge",
            app_version=__version__,
        )


def public_app(config: Config, slug: str) -> PublicApp:
    """The app registration of ``[accounts.slug]``; ``ConfigError`` says what is missing."""
    settings = config.microsoft_of(slug)
    problems = [
        f"microsoft.{key}: is missing; account {slug} needs it"
        for key in ("tenant", "client_id")
        if not getattr(settings, key)
    ]
    if settings.client_id == PLACEHOLDER_CLIENT_ID:
        problems.append("microsoft.client_id: still the placeholder; see docs/app-registration.md")
    if config.accounts[slug].sign_in == "app" and not settings.certificate_file:
        problems.append(
            f"microsoft.certificate_file: is missing; account {slug} needs it; "
            "make one with: presence-bridge certificate create"
        )
    if problems:
        raise ConfigError(problems)
    tenant = str(settings.tenant).rpartition("@")[2]
    return PublicApp(str(settings.client_id), f"{cloud_of(settings).login_url}/{tenant}")
