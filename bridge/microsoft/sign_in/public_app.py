"""The app registration that people sign in to."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bridge import __version__
from bridge.microsoft.sign_in.msal_requests import MsalRequests

if TYPE_CHECKING:
    import msal

CAPABILITIES = ["CP1"]
"""We answer claims challenges, so Microsoft may end a token early and let it live long
(Microsoft identity platform, "continuous access evaluation")."""


class PublicApp(NamedTuple):
    """One app registration in one tenant."""

    client_id: str
    authority: str
    """The address of the tenant's sign-in, which ends with its name."""

    def open(
        self, tokens: msal.SerializableTokenCache, requests: MsalRequests
    ) -> msal.PublicClientApplication:
        """Msal's application object over ``tokens``. Runs on a worker: it looks addresses up."""
        import msal  # noqa: PLC0415 - 6 MiB

        return msal.PublicClientApplication(
            self.client_id,
            authority=self.authority,
            instance_discovery=False,
            http_client=requests,
            token_cache=tokens,
            client_capabilities=CAPABILITIES,
            app_name="presence-bridge",
            app_version=__version__,
        )
