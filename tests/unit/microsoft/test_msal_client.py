"""Whose fault it is when msal does not come to an end: Microsoft's answer, or a bug of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msal
import pytest

from bridge.contract.errors import SourceUnavailableError
from bridge.microsoft.http import HttpRequest, HttpResponse
from bridge.microsoft.sign_in.msal_client import MsalClient, MsalWorkers
from bridge.microsoft.sign_in.registration import PublicApp
from tests.fakes.clock import ManualClock
from tests.fakes.scripted_http import AUTHORITY, ScriptedHttp, answered

BUGS = [AttributeError("no such thing"), RuntimeError("odd"), KeyError("x"), ValueError("y")]


@pytest.fixture
def client_for() -> Iterator[Callable[..., MsalClient]]:
    """Makes clients of an app that is answered in one way."""
    executor = ThreadPoolExecutor(1)

    def make(
        answer: Callable[[HttpRequest], HttpResponse], authority: str = AUTHORITY
    ) -> MsalClient:
        tokens = msal.SerializableTokenCache()
        workers = MsalWorkers(ScriptedHttp(answer), executor, ManualClock())
        return workers.client(lambda requests: PublicApp("c", authority).open(tokens, requests))

    yield make
    executor.shutdown()


@pytest.mark.parametrize("bug", BUGS, ids=repr)
async def test_a_bug_in_what_asks_is_not_blamed_on_microsoft(
    client_for: Callable[..., MsalClient], bug: Exception
) -> None:
    def ask(_: Any) -> None:
        raise bug

    with pytest.raises(type(bug)):
        await client_for(lambda _: answered({})).ask(ask)


@pytest.mark.parametrize("bug", BUGS, ids=repr)
async def test_a_bug_in_what_sends_for_msal_is_not_blamed_on_microsoft(
    client_for: Callable[..., MsalClient], bug: Exception
) -> None:
    def answer(_: HttpRequest) -> HttpResponse:
        raise bug

    with pytest.raises(type(bug)):
        await client_for(answer).ask(lambda app: app.initiate_device_flow(["User.Read"]))


async def test_what_msal_trips_over_passes(client_for: Callable[..., MsalClient]) -> None:
    client = client_for(lambda _: answered({}), "http://login.example/t")
    with pytest.raises(SourceUnavailableError, match="what answered is not Microsoft's"):
        await client.ask(lambda app: app.get_accounts())
