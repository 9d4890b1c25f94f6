"""The token cache on disk, as sign-ins, restarts and accidents leave it."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from bridge.config.tables.config import Config
from bridge.contract.account import SignInState
from bridge.contract.errors import SignInNeededError
from tests.fakes.clock import ManualClock
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import Person
from tests.integration.microsoft.conftest import SHORT_S, Bridge, Start

pytestmark = pytest.mark.usefixtures("short_tokens")


@pytest.fixture
def short_tokens(microsoft: ScriptedMicrosoft) -> None:
    microsoft.tokens.expires_in_s = SHORT_S


async def test_a_sign_in_leaves_one_private_file(alices: Bridge, cache_file: Path) -> None:
    assert files(cache_file) == {"alice.json": 0o600}
    assert mode(cache_file.parent) == 0o700
    (account,) = json.loads(read(cache_file))["Account"].values()
    assert account["username"] == "alice@contoso.com"


async def test_a_refresh_leaves_the_old_or_the_new_file_at_every_moment(
    alices: Bridge, cache_file: Path, clock: ManualClock
) -> None:
    with cache_file.open("rb") as opened:
        before = opened.read()
        await clock.advance(SHORT_S)
        await alices.account.read()
        opened.seek(0)
        assert opened.read() == before
    assert read(cache_file) != before
    assert files(cache_file) == {"alice.json": 0o600}


@pytest.mark.parametrize("content", [b"", b"\x00" * 99, b'{"Account": {"a": []}}'])
async def test_a_corrupt_file_costs_a_sign_in_and_one_line(
    start: Start, cache_file: Path, alice: Person, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    async with start() as running:
        await running.sign_in(alice)
    write(cache_file, content)
    async with start() as again:
        for _ in range(2):
            with pytest.raises(SignInNeededError):
                await again.account.read()
        assert caplog.text.count("set aside as alice.broken") == 1
        await again.sign_in(alice)
        assert "alice" in await again.account.read()
    assert files(cache_file) == {"alice.json": 0o600, "alice.broken": 0o600}
    assert read(cache_file.with_suffix(".broken")) == content
    async with start() as third:
        assert "alice" in await third.account.read()


async def test_a_cut_off_file_costs_a_sign_in_too(
    start: Start, cache_file: Path, alice: Person
) -> None:
    async with start() as running:
        await running.sign_in(alice)
    write(cache_file, read(cache_file)[:-40])
    async with start() as again:
        with pytest.raises(SignInNeededError):
            await again.account.read()


async def test_a_full_disk_costs_no_presence_and_is_reported_once(
    bridge: Bridge,
    config: Config,
    clock: ManualClock,
    alice: Person,
    caplog: pytest.LogCaptureFixture,
) -> None:
    config.state_dir.mkdir()
    (config.state_dir / "tokens").write_bytes(b"a file where the folder should be")
    await bridge.sign_in(alice)
    for _ in range(3):
        await clock.advance(SHORT_S)
        assert "alice" in await bridge.account.read()
    assert caplog.text.count("cannot be written") == 1
    assert bridge.account.sign_in.value.state is SignInState.SIGNED_IN


async def test_a_file_of_another_app_or_tenant_is_no_sign_in(
    start: Start, config: Config, cache_file: Path, alice: Person
) -> None:
    async with start() as running:
        await running.sign_in(alice)
    write(cache_file, read(cache_file).replace(b'"localhost"', b'"elsewhere"'))
    async with start() as again:
        with pytest.raises(SignInNeededError, match="Nobody is signed in"):
            await again.account.read()
        await again.sign_in(alice)
    assert b"elsewhere" not in read(cache_file)


def files(cache_file: Path) -> dict[str, int]:
    """What lies in the folder of caches, with modes."""
    return {path.name: mode(path) for path in cache_file.parent.iterdir()}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def read(path: Path) -> bytes:
    return path.read_bytes()


def write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
