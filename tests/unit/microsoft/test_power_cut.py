"""A process that dies at any step of writing a token cache loses nothing."""

from __future__ import annotations

import multiprocessing
import os
from functools import partial
from pathlib import Path

import pytest

from bridge.config.atomic_file import write_private
from bridge.microsoft.sign_in.encryption import KEY_BYTES, Seal
from bridge.microsoft.sign_in.token_cache import TokenCache
from tests.unit.microsoft.test_cache import ACCOUNT

STEPS = ["open", "write", "sync", "replace"]
KILLED = 9
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload([__name__])


def die_after(step: str, done: str) -> None:
    if done == step:
        os._exit(KILLED)


def write_and_die(file: Path, seal: Seal | None, step: str) -> None:
    """Sign somebody else in, and lose power after ``step``."""
    cache = TokenCache(file, seal, write=partial(write_private, after=partial(die_after, step)))
    cache.load()
    bob = ACCOUNT | {"home_account_id": "bob.t", "username": "bob" * 50_000}
    cache.tokens.modify(cache.tokens.CredentialType.ACCOUNT, bob, bob)
    cache.save()


def names(file: Path, seal: Seal | None) -> set[str]:
    cache = TokenCache(file, seal)
    cache.load()
    return {a["home_account_id"] for a in cache.tokens.search("Account")}


@pytest.mark.parametrize("seal", [None, Seal(b"k" * KEY_BYTES)], ids=["plain", "encrypted"])
@pytest.mark.parametrize("step", STEPS)
def test_the_old_or_the_new_sign_in_is_there_whole(
    tmp_path: Path, seal: Seal | None, step: str
) -> None:
    file = tmp_path / "tokens" / "alice.json"
    cache = TokenCache(file, seal)
    cache.tokens.modify(cache.tokens.CredentialType.ACCOUNT, ACCOUNT, ACCOUNT)
    cache.save()

    process = PROCESSES.Process(target=write_and_die, args=(file, seal, step))
    process.start()
    process.join(30)
    assert process.exitcode == KILLED

    expected = {"o.t", "bob.t"} if step == "replace" else {"o.t"}
    assert names(file, seal) == expected
    assert not list(file.parent.glob("*.broken"))

    again = TokenCache(file, seal)
    again.load()
    eve = ACCOUNT | {"home_account_id": "eve.t"}
    again.tokens.modify(again.tokens.CredentialType.ACCOUNT, eve, eve)
    again.save()
    assert names(file, seal) == expected | {"eve.t"}
    assert [path.name for path in file.parent.iterdir()] == ["alice.json"]


def test_every_step_of_a_write_is_one_that_is_tried(tmp_path: Path) -> None:
    done: list[str] = []
    write_private(tmp_path / "file", "text", after=done.append)
    assert done == STEPS
