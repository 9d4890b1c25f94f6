from __future__ import annotations

import asyncio
import logging
import threading
from pathlib import Path

import pytest

from bridge.contract.errors import ConfigError
from bridge.web.access.password_check import PasswordCheck
from bridge.web.access.password_file import Cost, PasswordHash, read_password
from bridge.web.access.wrong_passwords import (
    FORGIVEN_S,
    FREE,
    MOST,
    MOST_S,
    REMEMBERED,
    WrongPasswords,
)
from tests.fakes.clock import ManualClock

SALT = bytes(range(16))
RIGHT = "correct horse"
HASH = PasswordHash.of(RIGHT, SALT)
HERE = "192.0.2.7"


LITTLE = Cost(n=2, p=1)
QUICK = PasswordHash.of(RIGHT, SALT, LITTLE)
"""For tests of what comes after a guess."""


class Slow(PasswordHash):
    """Is compared for as long as a test wants."""

    began, goes_on = threading.Event(), threading.Event()

    def matches(self, password: str) -> bool:
        self.began.set()
        return self.goes_on.wait(5) and password == RIGHT


def test_a_hash_is_written_and_read_and_never_shows_the_password() -> None:
    again = PasswordHash.parse(str(HASH))
    assert again == HASH
    assert again.matches(RIGHT)
    assert not again.matches("correct Horse")
    assert RIGHT not in str(HASH) + repr(HASH)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "scrypt$",
        "scrypt$8192$8$10$AAAA$AAAA",
        str(HASH).replace("8192", "2"),
        str(HASH).replace("scrypt", "bcrypt"),
        str(HASH) + "!",
        str(HASH)[:-8],
    ],
)
def test_what_is_no_hash_of_ours_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is "):
        PasswordHash.parse(text)


def test_the_file_holds_the_password_or_its_hash(tmp_path: Path) -> None:
    file = tmp_path / "web"
    file.write_text(f"{RIGHT}\n")
    assert read_password(file, SALT) == HASH
    file.write_text(f"{HASH}\n")
    assert read_password(file, bytes(16)) == HASH


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "use 8 characters or more"),
        (b"short\n", "use 8 characters or more"),
        (b"scrypt$1$2$3\n", "is not a scrypt hash"),
        (b"\xff\xfe\x00", "save the file as UTF-8"),
        (None, "No such file"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    tmp_path: Path, content: bytes | None, told: str
) -> None:
    file = tmp_path / "web"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=told) as caught:
        read_password(file, SALT)
    assert str(file) in caught.value.problems[0]


async def test_guessing_gets_slower_with_each_guess_up_to_a_quarter_of_an_hour() -> None:
    clock = ManualClock()
    wrong = WrongPasswords(clock)
    waits = []
    for _ in range(FREE + 12):
        wrong.count(HERE)
        waits.append(wrong.wait_s(HERE))
    assert waits[: FREE - 1] == [0] * (FREE - 1)
    assert waits[FREE - 1 : FREE + 2] == [2, 4, 8]
    assert waits[-1] == MOST_S
    await clock.advance(MOST_S)
    assert wrong.wait_s(HERE) == 0


async def test_wrong_guesses_are_forgiven_one_by_one() -> None:
    clock = ManualClock()
    wrong = WrongPasswords(clock)
    for _ in range(1_000):
        wrong.count(HERE)
    await clock.advance(MOST_S + 4 * FORGIVEN_S)
    wrong.count(HERE)
    assert wrong.wait_s(HERE) < MOST_S / 4
    await clock.advance(MOST * FORGIVEN_S + MOST_S)
    wrong.count(HERE)
    assert wrong.wait_s(HERE) == 0


def test_one_guesser_does_not_lock_others_out() -> None:
    wrong = WrongPasswords(ManualClock())
    for _ in range(20):
        wrong.count(HERE)
        wrong.count("2001:db8:1:2::1")
    assert wrong.wait_s("192.0.2.8") == 0
    assert wrong.wait_s(f"::ffff:{HERE}") > 0
    assert wrong.wait_s("2001:db8:1:2:ffff::9") > 0
    assert wrong.wait_s("2001:db8:1:3::1") == 0
    wrong.forget(HERE)
    assert wrong.wait_s(HERE) == 0


def test_only_so_many_guessers_are_remembered() -> None:
    wrong = WrongPasswords(ManualClock())
    for number in range(REMEMBERED + 5):
        wrong.count(f"10.0.{number // 250}.{number % 250}")
    assert len(wrong._wrong) == REMEMBERED


async def test_the_password_alone_is_right(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    check = PasswordCheck(QUICK, clock=clock, random=bytes)
    with caplog.at_level(logging.WARNING):
        assert await check.refusal(HERE, "wrong guess") == "That is not the password."
    assert HERE in caplog.text
    assert "wrong guess" not in caplog.text
    assert await check.refusal(HERE, RIGHT) is None
    assert await check.refusal(HERE, RIGHT) is None


async def test_many_guesses_of_one_do_not_make_another_wait() -> None:
    clock = ManualClock()
    check = PasswordCheck(QUICK, clock=clock, random=bytes)
    guesses = [asyncio.create_task(check.refusal(HERE, f"wrong guess {n}")) for n in range(200)]
    await asyncio.sleep(0)
    assert await check.refusal("192.0.2.8", RIGHT) is None  # after four of them, not after 200
    refusals = await asyncio.gather(*guesses)
    assert sum("at once from your address" in (refusal or "") for refusal in refusals) == 196


async def test_wrong_passwords_are_logged_when_they_begin_and_when_they_lock_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = ManualClock()
    check = PasswordCheck(QUICK, clock=clock, random=bytes)
    for _ in range(FREE + 4):
        await check.refusal(HERE, "wrong guess")
        await clock.advance(60)
    assert len(caplog.records) == 2


async def test_who_guessed_too_often_waits_even_with_the_right_password() -> None:
    clock = ManualClock()
    check = PasswordCheck(QUICK, clock=clock, random=bytes)
    for _ in range(FREE):
        refusal = await check.refusal(HERE, "wrong guess")
    assert refusal == "Too many wrong passwords. Try again in 2 seconds."
    assert "Try again in 2 seconds" in (await check.refusal(HERE, RIGHT) or "")
    assert await check.refusal("192.0.2.8", RIGHT) is None
    await clock.advance(2)
    assert await check.refusal(HERE, RIGHT) is None


async def test_a_password_that_is_changed_while_it_is_compared_lets_nobody_in() -> None:
    check = PasswordCheck(Slow(HASH.salt, HASH.key), clock=ManualClock(), random=bytes)
    guess = asyncio.create_task(check.refusal(HERE, RIGHT))
    await asyncio.to_thread(Slow.began.wait, 5)
    check.change(PasswordHash.of("another horse", SALT, LITTLE))
    Slow.goes_on.set()
    assert await guess == "The password was changed just now. Enter the new one."
    assert await check.refusal(HERE, RIGHT) == "That is not the password."
    assert await check.refusal(HERE, "another horse") is None
