"""What somebody at the terminal of a machine without a screen is asked, and gets."""

from __future__ import annotations

import os
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from bridge.commands.first_start import invitation, opened_to_phones
from bridge.commands.terminal import typed_line
from bridge.config.loader import from_environment
from bridge.config.tables.config import Config
from bridge.web.access.one_time_link import OneTimeLink
from tests.fakes.clock import ManualClock


def draft(folder: Path, **environ: str) -> Config:
    given = {f"PRESENCE_WEB__{key}": value for key, value in environ.items()}
    return from_environment(folder, {"HOME": str(folder), **given})


def never(question: str) -> str:
    raise AssertionError(question)


def test_who_says_yes_gets_a_page_for_the_network_with_a_fresh_password(tmp_path: Path) -> None:
    asked: list[str] = []

    def yes(question: str) -> str:
        asked.append(question)
        return "Y\n"

    web = opened_to_phones(draft(tmp_path), tmp_path / "config.toml", typed=yes)
    assert web
    assert not web.is_local
    secret = tmp_path / "secrets" / "web"
    assert web.password_file == secret
    assert secret.stat().st_mode & 0o777 == 0o600
    assert secret.parent.stat().st_mode & 0o777 == 0o700
    password = secret.read_text(encoding="utf-8")
    assert len(password) >= 16
    again = opened_to_phones(draft(tmp_path), tmp_path / "config.toml", typed=yes)
    assert again == web
    assert secret.read_text(encoding="utf-8") == password
    assert "config.toml" in asked[0]


@pytest.mark.parametrize("answer", ["", "\n", "n\n", "no\n", "perhaps\n"])
def test_everybody_else_keeps_it_for_this_machine(tmp_path: Path, answer: str) -> None:
    file = tmp_path / "config.toml"
    assert opened_to_phones(draft(tmp_path), file, typed=lambda _: answer) is None
    assert not (tmp_path / "secrets").exists()


@pytest.mark.parametrize(
    "decided",
    [
        {"HOST": "127.0.0.1"},
        {"HOST": "0.0.0.0", "PASSWORD_FILE": "secrets/web"},
        {"TRUSTED_PROXIES": '["172.30.32.2"]'},
    ],
)
def test_nobody_is_asked_what_is_decided_already(tmp_path: Path, decided: dict[str, str]) -> None:
    file = tmp_path / "config.toml"
    assert opened_to_phones(draft(tmp_path, **decided), file, typed=never) is None


@pytest.mark.parametrize(("encoding", "squares"), [("utf-8", 1), ("latin-1", 0)])
def test_the_invitation_has_link_password_and_a_square_where_it_can_be_drawn(
    tmp_path: Path, encoding: str, squares: int
) -> None:
    web = opened_to_phones(draft(tmp_path), tmp_path / "config.toml", typed=lambda _: "y")
    assert web
    link = OneTimeLink(clock=ManualClock(), random=lambda count: b"x" * count)
    terminal = TextIOWrapper(BytesIO(), encoding=encoding)
    text = invitation(web, "http://nas:8099/", link, terminal=terminal)
    assert "http://nas:8099/enter?once=" in text
    assert (tmp_path / "secrets" / "web").read_text(encoding="utf-8").strip() in text
    assert len({"▄"} & set(text)) == squares
    text.encode(encoding)


def test_a_terminal_that_nobody_sits_at_keeps_no_start_waiting(
    capsys: pytest.CaptureFixture[str],
) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, encoding="utf-8") as terminal, os.fdopen(writing, "w") as typing:
        assert typed_line("May I? ", stream=terminal, within_s=0) == ""
        typing.write("y\n")
        typing.flush()
        assert typed_line("May I? ", stream=terminal, within_s=10) == "y\n"
    assert capsys.readouterr().out.count("May I?") == 2
