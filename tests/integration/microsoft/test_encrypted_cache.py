"""Tokens that are encrypted on disk, from the config to the next start."""

from __future__ import annotations

import base64
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from bridge.config.tables.config import Config
from bridge.contract.account import SignInState
from bridge.contract.errors import ConfigError, SignInNeededError
from bridge.microsoft import Microsoft
from bridge.microsoft.sign_in.token_cache import how_stored
from tests.fakes.clock import ManualClock
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import Person
from tests.integration.microsoft.conftest import Bridge, started

Keyed = Callable[[str], AbstractAsyncContextManager[Bridge]]


def with_key(config: Config, file: Path | None) -> Config:
    return Config.model_validate(config.model_dump() | {"security": {"key_file": file}})


@pytest.fixture
def keyed(config: Config, clock: ManualClock, microsoft: ScriptedMicrosoft) -> Keyed:
    """Starts the bridge with a key named by a letter; without a letter, with none."""

    def start(letter: str) -> AbstractAsyncContextManager[Bridge]:
        file = config.state_dir.parent / f"key-{letter}"
        file.write_bytes(base64.b64encode(letter.encode() * 32))
        return started(with_key(config, file if letter else None), clock, microsoft)

    return start


def read(file: Path) -> bytes:
    return file.read_bytes()


async def test_a_sign_in_outlives_restarts_and_a_key_that_was_lost_for_a_while(
    keyed: Keyed,
    microsoft: ScriptedMicrosoft,
    alice: Person,
    cache_file: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with keyed("a") as first:
        await first.sign_in(alice)
    assert str(how_stored(cache_file)).startswith("encrypted with key ")
    before = read(cache_file)
    for wrong in ("b", ""):
        async with keyed(wrong) as locked_out:
            for _ in range(2):
                with pytest.raises(SignInNeededError, match=r"Put that key back as key_file in"):
                    await locked_out.account.read()
            assert locked_out.account.sign_in.value.state is SignInState.ERROR
        assert read(cache_file) == before
    assert caplog.text.count("encrypted with another key") == 2
    microsoft.requests.clear()
    async with keyed("a") as again:
        assert "alice" in await again.account.read()
    assert [entry.endpoint for entry in microsoft.requests.of()] == ["me.presence"]


async def test_who_signs_in_with_another_key_goes_on_and_keeps_the_old_file(
    keyed: Keyed, alice: Person, cache_file: Path
) -> None:
    async with keyed("a") as first:
        await first.sign_in(alice)
    before = read(cache_file)
    async with keyed("b") as second:
        with pytest.raises(SignInNeededError):
            await second.account.read()
        await second.sign_in(alice)
        assert "alice" in await second.account.read()
    assert read(cache_file.with_suffix(".other-key")) == before
    async with keyed("b") as third:
        assert "alice" in await third.account.read()


async def test_a_plain_cache_becomes_encrypted_with_the_first_change(
    keyed: Keyed, microsoft: ScriptedMicrosoft, alice: Person, cache_file: Path
) -> None:
    async with keyed("") as first:
        await first.sign_in(alice)
    assert how_stored(cache_file) == "not encrypted"
    async with keyed("a") as second:
        microsoft.tokens.revoke_access(alice.oid)
        assert "alice" in await second.account.read()
    assert str(how_stored(cache_file)).startswith("encrypted with key ")


async def test_a_key_file_that_holds_no_key_stops_the_start(
    config: Config, clock: ManualClock, tmp_path: Path
) -> None:
    async with Microsoft(with_key(config, tmp_path / "missing"), clock) as opened:
        with pytest.raises(ConfigError, match="openssl rand -base64 32"):
            opened.account("alice")
