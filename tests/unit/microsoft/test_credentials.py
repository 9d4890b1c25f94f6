"""Credentials without a server: what is raised, what passes, and what is never asked for."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract.account import SignInState
from bridge.contract.errors import SignInNeededError, SourceUnavailableError
from bridge.microsoft.cache import TokenCache
from bridge.microsoft.credentials import Credentials
from bridge.microsoft.device_code import is_passing, trouble
from bridge.microsoft.remedies import explain
from tests.fakes.clock import ManualClock


class Unreachable(requests.Session):
    """A network that is down; counts who tried."""

    def __init__(self) -> None:
        super().__init__()
        self.tried = 0

    def request(self, *arguments: Any, **more: Any) -> Any:
        self.tried += 1
        raise requests.ConnectionError("no route to login.example")


@pytest.fixture
def network() -> Unreachable:
    return Unreachable()


@pytest.fixture
def cache(tmp_path: Path) -> TokenCache:
    return TokenCache(tmp_path / "tokens" / "alice.json")


@pytest.fixture
def credentials(network: Unreachable, cache: TokenCache) -> Iterator[Credentials]:
    with ThreadPoolExecutor(1) as executor:
        yield Credentials(
            "alice",
            client_id="c",
            authority="https://login.example/contoso.com",
            http=lambda: network,
            cache=cache,
            executor=executor,
            clock=ManualClock(),
        )


async def test_somebody_who_never_signed_in_costs_no_request(
    credentials: Credentials, network: Unreachable
) -> None:
    assert credentials.sign_in.value.state is SignInState.SIGNED_OUT
    with pytest.raises(SignInNeededError, match=r"Nobody is signed in\. Sign in\."):
        await credentials.token()
    assert network.tried == 0


@pytest.mark.parametrize("more", [{}, {"refresh": True}, {"claims": "{}"}])
async def test_a_network_that_is_down_is_no_reason_to_sign_in_again(
    credentials: Credentials, network: Unreachable, cache: TokenCache, more: dict[str, Any]
) -> None:
    account = {"home_account_id": "o.t", "environment": "login.example", "realm": "t"}
    cache.tokens.modify(cache.tokens.CredentialType.ACCOUNT, account, account)
    for tries in (1, 2):
        with pytest.raises(SourceUnavailableError, match="ConnectionError") as caught:
            await credentials.token(**more)
        assert isinstance(caught.value.__cause__, requests.ConnectionError)
        assert network.tried == tries
    assert credentials.sign_in.value.state is SignInState.SIGNED_OUT


def test_a_number_of_microsoft_decides_whether_it_passes() -> None:
    assert is_passing(trouble(None))
    assert is_passing(trouble(OSError("no route")))
    assert is_passing(trouble(reraised("<html>AADSTS is not the word</html>")))
    unknown_tenant = trouble(reraised('HTTP status: 400, Error: {"error_codes": "AADSTS90002: x"}'))
    assert not is_passing(unknown_tenant)
    assert "AADSTS90002" in explain(unknown_tenant).text


def reraised(text: str) -> Exception:
    """As msal's constructor does: a new ``ValueError`` over the one that says what happened."""
    try:
        try:
            raise ValueError(text)
        except ValueError:
            raise ValueError("please double check your tenant name") from None
    except ValueError as error:
        return error


@given(st.dictionaries(st.sampled_from(["error", "error_codes", "x"]), st.none() | st.integers()))
def test_what_names_no_error_is_no_answer_and_passes(answer: dict[str, Any]) -> None:
    assert is_passing(answer) or "error" in answer
