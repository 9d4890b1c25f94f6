"""A stored sign-in without its refresh token lasts as long as its access token, and no longer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.config.tables.config import Config
from bridge.contract.account import SignInState
from bridge.contract.errors import SignInNeededError
from tests.fakes.clock import ManualClock
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import Person
from tests.fakes.microsoft.faults import Fault
from tests.integration.microsoft.conftest import SHORT_S, Start, started

Change = Callable[[dict[str, Any]], None]


def change(file: Path, how: Change) -> None:
    cache = json.loads(file.read_text(encoding="utf-8"))
    how(cache)
    file.write_text(json.dumps(cache), encoding="utf-8")


def taken_out(cache: dict[str, Any]) -> None:
    cache["RefreshToken"].clear()


def never_there(cache: dict[str, Any]) -> None:
    del cache["RefreshToken"]


def of_another_app(cache: dict[str, Any]) -> None:
    for token in cache["RefreshToken"].values():
        token["client_id"] = "another"


@pytest.mark.parametrize("how", [taken_out, never_there, of_another_app])
async def test_who_cannot_be_renewed_is_asked_for_another_sign_in(
    start: Start,
    cache_file: Path,
    alice: Person,
    caplog: pytest.LogCaptureFixture,
    how: Change,
) -> None:
    async with start() as running:
        running.simulated.tokens.expires_in_s = SHORT_S
        await running.sign_in(alice)
    change(cache_file, how)
    async with start() as again:
        for _ in range(2):
            with pytest.raises(SignInNeededError) as caught:
                await again.account.read()
        assert str(caught.value) == (
            "The stored sign-in cannot be renewed: it holds no refresh token. Sign in again."
        )
        shown = await again.until(SignInState.CODE_PENDING, SignInState.EXPIRED)
        assert caplog.text.count("holds no refresh token") == 1
        assert "cannot be reached" not in caplog.text
        shown = await again.until_it_waits()
        assert shown.user_code
        await again.clock.until_asleep()
        again.simulated.approve(shown.user_code, alice)
        await again.poll()
        await again.until_signed_in()
        assert "alice" in await again.account.read()


async def test_while_the_access_token_is_good_nobody_is_asked(
    start: Start, cache_file: Path, alice: Person, microsoft: ScriptedMicrosoft
) -> None:
    async with start() as running:
        await running.sign_in(alice)
    change(cache_file, taken_out)
    microsoft.requests.clear()
    async with start() as again:
        for _ in range(3):
            microsoft.faults.add(Fault("me.presence", status=401))
            assert "alice" in await again.account.read()
            await again.clock.advance(60)
        assert again.account.sign_in.value.state is SignInState.SIGNED_IN
    assert microsoft.requests.count("devicecode") == 0


async def test_what_is_of_another_app_altogether_is_nobodys_sign_in(
    config: Config, clock: ManualClock, start: Start, alice: Person, microsoft: ScriptedMicrosoft
) -> None:
    async with start() as running:
        await running.sign_in(alice)
    other = {"client_id": "11111111-2222-3333-4444-555555555555"}
    changed = config.model_copy(
        update={"microsoft": config.microsoft.model_copy(update=other)},
    )
    async with started(changed, clock, microsoft) as again:
        with pytest.raises(SignInNeededError, match="Nobody is signed in"):
            await again.account.read()
