"""What a sign-in loads: msal, and not the client that msal would send with."""

from __future__ import annotations

from tests.integration.test_driver_imports import loaded

SIGNING_IN = """
import json
from bridge.microsoft.sign_in.msal_library import library
from bridge.microsoft.sign_in.registration import PublicApp

AUTHORITY = "https://login.example/contoso.example"
ANSWERS = {
    "openid-configuration": {
        "issuer": AUTHORITY,
        "authorization_endpoint": f"{AUTHORITY}/authorize",
        "token_endpoint": f"{AUTHORITY}/token",
        "device_authorization_endpoint": f"{AUTHORITY}/devicecode",
    },
    "devicecode": {"device_code": "d", "user_code": "ABC", "verification_uri": "https://x.example"},
    "token": {"access_token": "t", "refresh_token": "r", "expires_in": 3600, "scope": "s"},
}

class Answer:
    status_code, headers = 200, {}
    def __init__(self, url):
        self.text = json.dumps(ANSWERS[url.rpartition("/")[2]])
    def raise_for_status(self):
        pass

class Client:
    def get(self, url, **_):
        return Answer(url)
    def post(self, url, **_):
        return Answer(url)

app = PublicApp("client", AUTHORITY).open(library().SerializableTokenCache(), Client())
answer = app.acquire_token_by_device_flow(app.initiate_device_flow(["s"]))
assert answer["access_token"] == "t", answer
"""


def test_a_sign_in_from_code_to_token_loads_no_other_http_client() -> None:
    modules = loaded(SIGNING_IN)
    assert "msal.application" in modules
    assert not modules & {"requests", "urllib3", "charset_normalizer", "cryptography"}


def test_who_asks_for_managed_identities_still_gets_msals_own() -> None:
    modules = loaded(
        "from bridge.microsoft.sign_in.msal_library import library\n"
        "library()\n"
        "from msal.managed_identity import ManagedIdentityClient\n"
        "assert isinstance(ManagedIdentityClient, type)"
    )
    assert "msal.managed_identity" in modules


def test_who_has_loaded_all_of_msal_keeps_it() -> None:
    loaded(
        "import msal\n"
        "from bridge.microsoft.sign_in.msal_library import library\n"
        "library()\n"
        "assert isinstance(msal.ManagedIdentityClient, type)"
    )
