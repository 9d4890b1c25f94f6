"""What ``presence-bridge login`` makes of what it is told, without a broker or Microsoft."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta

import pytest

from bridge.commands.dialog import Actions, Dialog, may_open_browser
from bridge.commands.remote_by_socket import read_sign_in
from bridge.commands.terminal import chosen_account, typed_lines
from bridge.config.command_line import FAILED, OK
from bridge.config.tables.config import Config
from bridge.contract.account import Letter, SignIn, SignInState, Way
from bridge.contract.errors import ConfigError
from tests.fakes.clock import START, ManualClock
from tests.fakes.rows import rows

SIGNED_IN, SIGNED_OUT = SignInState.SIGNED_IN, SignInState.SIGNED_OUT
PENDING, EXPIRED = SignInState.CODE_PENDING, SignInState.EXPIRED
ENDS = START + timedelta(minutes=15)
NOW = SignIn(SIGNED_IN)
BESIDE = SignIn(SIGNED_IN, user_code="ABC", verification_uri="https://m/device", expires_at=ENDS)
CODE = SignIn(PENDING, user_code="ABC", verification_uri="https://m/device", expires_at=ENDS)
ADDRESS = SignIn(PENDING, verification_uri="https://m/authorize", expires_at=ENDS)
OFFLINE = SignIn(message="Microsoft's sign-in cannot be reached: no connection. It is tried again.")
DECLINED = SignIn(EXPIRED, message="The sign-in was declined.", remedy="Sign in again and accept.")
PEOPLE: dict[str, dict[str, str]] = {f"person{number}": {} for number in range(2000)}
OPEN = "alice: open https://m/device and enter the code ABC\n"


@pytest.mark.parametrize(
    ("told", "code", "said"),
    [
        ([SignIn(), CODE, CODE, NOW], OK, f"{OPEN}alice is signed in.\n"),
        ([NOW, BESIDE, NOW], OK, f"{OPEN}alice is signed in.\n"),
        ([OFFLINE, OFFLINE], None, f"alice: {OFFLINE.message}\n"),
        ([OFFLINE, CODE, NOW], OK, f"alice: {OFFLINE.message}\n{OPEN}alice is signed in.\n"),
        (
            [CODE, DECLINED],
            FAILED,
            f"{OPEN}alice: The sign-in was declined. Sign in again and accept.\n",
        ),
        ([CODE, SignIn()], FAILED, f"{OPEN}alice: the sign-in was taken back.\n"),
        ([NOW, ADDRESS, NOW], None, ""),
    ],
)
def test_it_says_what_becomes_of_a_code(
    told: list[SignIn], code: int | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    dialog = Dialog("alice", Way.DEVICE_CODE, ManualClock())
    assert [dialog.show(sign_in) for sign_in in told][-1] == code
    assert capsys.readouterr().out == said


ANEW = "Does that not work here? Type b and Enter for a browser.\n"
INSTEAD = SignIn(
    PENDING,
    verification_uri="https://m/authorize",
    expires_at=ENDS,
    message="A policy blocks codes (AADSTS53003). Sign in with a browser instead.",
    aadsts=53003,
    letter=Letter("Please", "let me in"),
)
BY_ADDRESS = """alice: open this address and sign in:

https://m/authorize

If the last page does not load, copy its whole address and paste it here:
"""
BOB = SignIn(SIGNED_IN, signed_in_as="alice@x", newcomer="bob@x", message="That is bob@x.")
FIRST = SignIn(SIGNED_IN, signed_in_as="bob@x", newcomer="bob@x", message="That is bob@x.")


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """No desktop, so that no browser opens."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("nowhere")
def test_the_other_way_that_is_offered_instead_is_gone_on_with(
    capsys: pytest.CaptureFixture[str],
) -> None:
    dialog = Dialog("alice", Way.DEVICE_CODE, ManualClock())
    assert [dialog.show(each) for each in (CODE, INSTEAD, NOW)] == [None, None, OK]
    said = capsys.readouterr().out
    assert f"alice: {INSTEAD.message}\n" in said
    assert "Subject: Please\n\nlet me in" in said
    assert said.endswith(f"{BY_ADDRESS}alice is signed in.\n")


@pytest.mark.usefixtures("nowhere")
def test_what_another_attempt_was_refused_for_does_not_keep_ours_away(
    capsys: pytest.CaptureFixture[str],
) -> None:
    dialog = Dialog("alice", Way.DEVICE_CODE, ManualClock())
    assert [dialog.show(each) for each in (INSTEAD, CODE, NOW)] == [None, None, OK]
    assert capsys.readouterr().out.endswith(f"{OPEN}alice is signed in.\n")


def test_it_says_whose_account_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    dialog = Dialog("alice", Way.DEVICE_CODE, ManualClock())
    assert [dialog.show(each) for each in (CODE, SignIn(SIGNED_IN, signed_in_as="a@x"))][-1] == OK
    assert capsys.readouterr().out == f"{OPEN}alice: the account is a@x\nalice is signed in.\n"


@pytest.mark.parametrize(
    ("newcomer", "code", "said"),
    [(FIRST, OK, "alice is signed in.\n"), (BOB, FAILED, "Keep them on the page or at a t")],
)
def test_where_nobody_can_answer_the_question_is_left_to_the_page(
    newcomer: SignIn, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    dialog = Dialog("alice", Way.DEVICE_CODE, ManualClock())
    assert [dialog.show(each) for each in (CODE, newcomer)] == [None, code]
    assert f"alice: That is bob@x.\n{said}" in capsys.readouterr().out


async def test_at_a_terminal_a_letter_keeps_whom_nobody_expected_or_starts_over(
    capsys: pytest.CaptureFixture[str],
) -> None:
    done: list[str] = []

    async def finish(address: str) -> None:
        done.append(address)

    async def sign_in(way: Way) -> None:
        done.append(way)

    async def keep() -> None:
        done.append("kept")

    actions = Actions(finish, sign_in, keep)
    dialog = Dialog("alice", Way.DEVICE_CODE, ManualClock(), interactive=True)
    assert dialog.show(CODE) is None
    assert capsys.readouterr().out == f"{OPEN}{ANEW}"
    assert dialog.show(FIRST) is None
    assert "Type k and Enter to keep them, s to sign in again." in capsys.readouterr().out
    await dialog.take("S", actions)
    assert dialog.show(SignIn(SIGNED_IN, signed_in_as="bob@x")) is None  # and Bob goes on
    assert dialog.show(CODE) is None
    assert dialog.show(FIRST) is None
    await dialog.take("k", actions)
    assert done == ["device_code", "kept"]
    assert dialog.show(SignIn(SIGNED_IN, signed_in_as="bob@x")) == OK


@pytest.mark.usefixtures("nowhere")
async def test_at_a_terminal_the_other_way_is_one_letter_away(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ways: list[str] = []

    async def sign_in(way: Way) -> None:
        ways.append(way)

    async def nothing(*_: str) -> None: ...

    actions = Actions(nothing, sign_in, nothing)
    dialog = Dialog("alice", Way.DEVICE_CODE, ManualClock(), interactive=True)
    dialog.show(CODE)
    await dialog.take("b", actions)
    assert dialog.show(NOW) is None
    assert dialog.show(ADDRESS) is None
    assert "Type c and Enter for a code." in capsys.readouterr().out
    await dialog.take("c", actions)
    assert ways == ["browser", "device_code"]
    assert [dialog.show(each) for each in (ADDRESS, CODE, NOW)] == [None, None, OK]


async def test_a_code_that_ran_out_beside_a_sign_in_is_reported_as_that(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock = ManualClock()
    dialog = Dialog("alice", Way.DEVICE_CODE, clock)
    assert dialog.show(BESIDE) is None
    await clock.advance(901)
    assert dialog.show(NOW) == FAILED
    assert "nobody signed in in time" in capsys.readouterr().out


def test_a_refusal_names_a_few_of_many_accounts() -> None:
    config = Config.model_validate({"state_dir": "/x", "accounts": PEOPLE})
    with pytest.raises(ConfigError) as caught:
        chosen_account(config, "nobody")
    (problem,) = caught.value.problems
    assert problem.endswith("person9 and 1990 more")
    assert problem.count("person") == 10


@pytest.mark.parametrize("payload", [b"", b"[]", b"\xff", b'{"state": "tomorrow"}'])
def test_what_cannot_be_read_reveals_nothing(payload: bytes) -> None:
    assert read_sign_in(payload) == SignIn()


@rows(
    ("environ", "platform", "may"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({"BROWSER": "firefox"}, "linux", True),
        ({"DISPLAY": ""}, "linux", False),
        ({}, "darwin", True),
        ({"DISPLAY": ":10", "SSH_CONNECTION": "a b c d"}, "linux", False),
        ({"SSH_CONNECTION": "a b c d"}, "darwin", False),
    ],
)
def test_a_browser_is_opened_only_where_somebody_sits_before_it(
    environ: dict[str, str], platform: str, *, may: bool
) -> None:
    assert may_open_browser(environ, platform) is may


async def test_typed_lines_come_whole_without_the_empty_ones() -> None:
    read, write = os.pipe()
    with os.fdopen(read) as stream, typed_lines(stream) as lines:
        os.write(write, b"\n  one \ntw")
        assert await lines.get() == "one"
        os.write(write, "o ☕\n\r\nthree".encode())
        os.close(write)
        assert [await lines.get() for _ in range(2)] == ["two ☕", "three"]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(lines.get(), 0.01)


async def test_where_nobody_can_type_no_line_comes() -> None:
    with os.fdopen(os.open(os.devnull, os.O_RDONLY)) as nothing:
        for stream in (nothing, None):  # as Python has a standard input that was closed
            with typed_lines(stream) as lines, pytest.raises(TimeoutError):
                await asyncio.wait_for(lines.get(), 0.01)
