"""``presence-bridge accounts`` where neither service nor broker answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.commands import accounts
from bridge.commands.remembered import remembered
from bridge.config.command_line import FAILED
from bridge.config.tables.config import Config
from bridge.contract.clock import SystemClock
from bridge.demo.past import past_week
from tests.fakes.mosquitto import free_port

SIGNED_IN = {
    "Account": {
        "a": {
            "home_account_id": "1.2",
            "environment": "login.microsoftonline.com",
            "authority_type": "MSSTS",
            "username": "alice@contoso.com",
        }
    }
}
NAMES = ("alice", "bob", "carol", "dave")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Alice and Dave signed in once, Bob never did, Carol's file is damaged; nothing runs."""
    tokens = tmp_path / "state" / "tokens"
    tokens.mkdir(parents=True)
    (tokens / "alice.json").write_text(json.dumps(SIGNED_IN), encoding="utf-8")
    (tokens / "carol.json").write_text("{ half", encoding="utf-8")
    (tokens / "dave.json").write_text(json.dumps(SIGNED_IN), encoding="utf-8")
    (tokens.parent / "history.jsonl").write_text(past_week("alice", SystemClock()))
    values: dict[str, Any] = {
        "state_dir": tokens.parent,
        "mqtt": {"host": "127.0.0.1", "port": free_port()},
        "accounts": {name: {} for name in NAMES},
    }
    return Config.model_validate(values, context={"folder": tmp_path})


async def test_one_line_says_what_to_do_and_each_account_is_there_all_the_same(
    config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await accounts.table(config) == FAILED
    said, _, *lines = capsys.readouterr().out.splitlines()
    assert said == (
        f"No service answers on this machine, and broker {config.mqtt.address} cannot be reached: "
        f"Connection refused. {accounts.WHERE}"
    )
    alice, bob, carol, dave = (line.split() for line in lines)
    assert alice[:2] == ["alice", "stored"]
    assert "(stale)" in alice
    assert alice[-1] == "alice@contoso.com"
    assert bob == ["bob", "none", "-", "-", "-", "-"]
    assert carol[:2] == ["carol", "damaged"]
    assert dave == ["dave", "stored", "-", "-", "-", "alice@contoso.com"]


def test_looking_changes_nothing(config: Config) -> None:
    def everything() -> dict[str, bytes]:
        files = config.state_dir.rglob("*")
        return {str(file): file.read_bytes() for file in files if file.is_file()}

    before = everything()
    assert list(remembered(config)) == list(NAMES)
    assert everything() == before
