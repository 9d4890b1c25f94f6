from collections.abc import Mapping
from pathlib import Path

import pytest

from bridge.config import Config
from bridge.contract.account import Followed
from bridge.contract.clock import SystemClock
from bridge.contract.errors import ConfigError
from bridge.microsoft import Microsoft
from bridge.roster import Roster

GUID = "11111111-2222-3333-4444-555555555555"


def config(tmp_path: Path, accounts: Mapping[str, object], **microsoft: str) -> Config:
    return Config.model_validate(
        {"state_dir": tmp_path, "accounts": accounts, "microsoft": microsoft},
        context={"folder": tmp_path},
    )


async def test_what_is_missing_is_told_for_all_accounts_at_once(tmp_path: Path) -> None:
    wrong = config(tmp_path, {"alice": {"tenant": "contoso.com"}, "bob": {"client_id": GUID}})
    async with Microsoft(wrong, SystemClock()) as microsoft:
        roster = Roster(
            microsoft, report=lambda _: None, announce=lambda _: None, clock=SystemClock()
        )
        with pytest.raises(ConfigError) as told:
            roster.seat(wrong)
    assert "account alice needs it" in told.value.problems[0]
    assert "account bob needs it" in told.value.problems[1]


async def test_a_config_that_is_refused_changes_nothing(tmp_path: Path) -> None:
    announced: list[Mapping[str, Followed]] = []
    good = config(tmp_path, {"alice": {}}, tenant="contoso.com", client_id=GUID)
    wrong = config(tmp_path, {"bob": {}})
    async with Microsoft(good, SystemClock()) as microsoft:
        roster = Roster(
            microsoft, report=lambda _: None, announce=announced.append, clock=SystemClock()
        )
        roster.seat(good)
        source = roster.source_of("alice")
        with pytest.raises(ConfigError):
            roster.seat(wrong)
        roster.seat(good)
        assert roster.source_of("alice") is source
    assert [list(accounts) for accounts in announced] == [["alice"], ["alice"]]


async def test_only_who_changed_gets_a_new_seat(tmp_path: Path) -> None:
    base = {"tenant": "contoso.com", "client_id": GUID}
    before = config(tmp_path, {"alice": {}, "bob": {}}, **base)
    after = config(tmp_path, {"alice": {}, "bob": {"name": "Robert"}, "carol": {}}, **base)
    async with Microsoft(before, SystemClock()) as microsoft:
        roster = Roster(
            microsoft, report=lambda _: None, announce=lambda _: None, clock=SystemClock()
        )
        roster.seat(before)
        alice, bob = roster.source_of("alice"), roster.source_of("bob")
        roster.seat(after)
        assert roster.source_of("alice") is alice
        assert roster.source_of("bob") is not bob
        assert roster.source_of("bob").accounts == {"bob": "Robert"}
        assert set(roster.statuses) == {"alice", "bob", "carol"}
