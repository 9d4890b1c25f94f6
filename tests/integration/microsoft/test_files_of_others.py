"""A stored sign-in that belongs to another user: used, or named with the command."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.config.tables.config import PollingSettings
from bridge.contract.account import AccountFacts, SignInState
from bridge.contract.errors import SignInNeededError, SignInUnreadableError
from bridge.microsoft.sign_in.remedies import YOU
from bridge.polling import Poller
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import Person
from tests.fakes.other_user import NOBODY, as_nobody, give, let_in, mode, only_root
from tests.integration.microsoft.conftest import SHORT_S, Start

pytestmark = only_root


@pytest.fixture
async def kept(start: Start, alice: Person, cache_file: Path, microsoft: ScriptedMicrosoft) -> Path:
    """Alice signed in; all of the state belongs to nobody, and everybody reaches it."""
    async with start() as running:
        await running.sign_in(alice)
    let_in(cache_file.parent.parent)
    let_in(Path(microsoft.ca_file))
    mode(Path(microsoft.ca_file), 0o644)
    give(cache_file.parent.parent)
    return cache_file


async def test_one_that_everybody_may_read_is_used_and_its_owner_reported_once(
    start: Start, kept: Path, caplog: pytest.LogCaptureFixture
) -> None:
    os.chown(kept, 0, 0)
    mode(kept, 0o644)
    with as_nobody():
        async with start() as again:
            assert "alice" in await again.account.read()
            await again.clock.advance(SHORT_S)
            assert "alice" in await again.account.read()
    told = f"{kept} is open to others and belongs to root: sudo chown -R nobody {kept}"
    assert [line.message for line in caplog.records if "root" in line.message] == [told]


async def test_a_whole_folder_of_somebody_else_is_reported_once(
    start: Start, kept: Path, caplog: pytest.LogCaptureFixture
) -> None:
    give(kept.parent, 0)
    mode(kept, 0o644)
    mode(kept.parent, 0o755)
    with as_nobody():
        async with start() as again:
            assert "alice" in await again.account.read()
    told = (
        f"{kept.parent} is open to others and belongs to root: sudo chown -R nobody {kept.parent}"
    )
    assert [line.message for line in caplog.records if "chown" in line.message] == [told]


async def test_one_that_only_its_owner_may_read_is_named_with_the_command_until_it_is_mended(
    start: Start, kept: Path, caplog: pytest.LogCaptureFixture
) -> None:
    os.chown(kept, 0, 0)
    with as_nobody():
        async with start() as again:
            for _ in range(3):
                with pytest.raises(SignInNeededError) as caught:
                    await again.account.read()
            shown = again.account.sign_in.value
            os.setresuid(0, 0, 0)
            os.chown(kept, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, 0)
            assert "alice" in await again.account.read()
            assert again.account.sign_in.value.state is SignInState.SIGNED_IN
    what = f"this user (nobody) may not read {kept}, which belongs to root"
    assert str(caught.value) == (
        f"The stored sign-in cannot be read: {what}. Run: sudo chown nobody {kept}"
    )
    assert (shown.state, shown.who) == (SignInState.ERROR, YOU)
    assert shown.message == f"The stored sign-in cannot be read: {what}."
    assert shown.remedy == f"Run: sudo chown nobody {kept}"
    assert caplog.text.count(what) == 1
    assert "cannot be reached" not in caplog.text


async def test_a_folder_above_that_may_not_be_entered_is_named_instead(
    start: Start, kept: Path
) -> None:
    folder = kept.parent
    os.chown(folder, 0, 0)
    with as_nobody():
        async with start() as again:
            with pytest.raises(SignInNeededError) as caught:
                await again.account.read()
    assert f"may not enter {folder}, which belongs to root. Run: sudo " in str(caught.value)


async def test_what_a_link_leads_to_is_what_must_be_given(start: Start, kept: Path) -> None:
    real = linked(kept)
    os.chown(real, 0, 0)
    with as_nobody():
        async with start() as again:
            with pytest.raises(SignInNeededError, match=f"Run: sudo chown nobody {real}$"):
                await again.account.read()


@pytest.mark.parametrize("odd", ["folder", "loop"])
async def test_what_is_no_file_at_all_is_named_with_what_to_do(
    start: Start, kept: Path, odd: str
) -> None:
    replaced(kept, odd)
    async with start() as again:
        with pytest.raises(SignInNeededError, match=f"Run: mv {kept} {kept}.odd"):
            await again.account.read()


async def test_one_whose_mode_was_taken_away_is_given_back_by_its_owner(
    start: Start, kept: Path
) -> None:
    mode(kept, 0)
    with as_nobody():
        async with start() as again:
            with pytest.raises(SignInNeededError, match=f"as its mode says. Run: chmod u.r {kept}"):
                await again.account.read()


def linked(file: Path) -> Path:
    """Make a link of ``file``; where it leads to."""
    real = file.rename(file.with_name("real.json"))
    file.symlink_to(real)
    return real


def replaced(file: Path, odd: str) -> None:
    """Put a folder in its place, or a link to itself."""
    file.unlink()
    if odd == "folder":
        file.mkdir()
    else:
        file.symlink_to(file)


async def test_it_is_reported_as_the_accounts_sign_in_and_picked_up_soon(
    start: Start, kept: Path, caplog: pytest.LogCaptureFixture
) -> None:
    os.chown(kept, 0, 0)
    told: list[AccountFacts] = []
    with as_nobody():
        async with start() as again:
            poller = Poller(
                again.account, settings=PollingSettings(), reports=[told.append], clock=again.clock
            )
            polling = asyncio.create_task(poller.run())
            await until(lambda: bool(told) and told[-1].sign_in.state is SignInState.ERROR)
            await again.clock.advance(400)
            os.setresuid(0, 0, 0)
            os.chown(kept, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, 0)
            await again.clock.until_asleep()
            await again.clock.advance(SignInUnreadableError.LOOK_AGAIN_S)
            await until(lambda: told[-1].fresh)
            polling.cancel()
            await asyncio.gather(polling, return_exceptions=True)
    assert str(told[0].sign_in.remedy) == f"Run: sudo chown nobody {kept}"
    assert told[-1].sign_in.state is SignInState.SIGNED_IN
    assert caplog.text.count("may not read") == 2  # the sign-in's line, and "no presence"


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what is reported has no event
            await asyncio.sleep(0.01)
