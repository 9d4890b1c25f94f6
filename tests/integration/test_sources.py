import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from bridge.config.tables.config import Config
from bridge.contract.account import AccountFacts, Followed
from bridge.contract.clock import SystemClock
from bridge.contract.errors import ConfigError, PersonMustActError
from bridge.contract.presence import Activity, Availability, Presence
from bridge.microsoft import Microsoft
from bridge.polling import fold
from bridge.service.followed_accounts import ALONE_MOST
from bridge.service.sources import Sources
from tests.fakes.clock import ManualClock
from tests.fakes.source import FakeSource

FREE = Presence(Availability.AVAILABLE, Activity.AVAILABLE)

GUID = "11111111-2222-3333-4444-555555555555"


def config(tmp_path: Path, accounts: Mapping[str, object], **microsoft: str) -> Config:
    return Config.model_validate(
        {"state_dir": tmp_path, "accounts": accounts, "microsoft": microsoft},
        context={"folder": tmp_path},
    )


async def test_what_is_missing_is_reported_for_all_accounts_at_once(tmp_path: Path) -> None:
    wrong = config(tmp_path, {"alice": {"tenant": "contoso.com"}, "bob": {"client_id": GUID}})
    async with Microsoft(wrong, SystemClock()) as microsoft:
        sources = Sources(
            microsoft, report=lambda _: None, announce=lambda _: None, clock=SystemClock()
        )
        with pytest.raises(ConfigError) as told:
            sources.follow(wrong)
    assert "account alice needs it" in told.value.problems[0]
    assert "account bob needs it" in told.value.problems[1]


async def test_a_config_that_is_refused_changes_nothing(tmp_path: Path) -> None:
    announced: list[Mapping[str, Followed]] = []
    good = config(tmp_path, {"alice": {}}, tenant="contoso.com", client_id=GUID)
    wrong = config(tmp_path, {"bob": {}})
    async with Microsoft(good, SystemClock()) as microsoft:
        sources = Sources(
            microsoft, report=lambda _: None, announce=announced.append, clock=SystemClock()
        )
        sources.follow(good)
        source = sources.source_of("alice")
        with pytest.raises(ConfigError):
            sources.follow(wrong)
        sources.follow(good)
        assert sources.source_of("alice") is source
    assert [list(accounts) for accounts in announced] == [["alice"], ["alice"]]


async def test_only_who_changed_gets_a_new_seat(tmp_path: Path) -> None:
    base = {"tenant": "contoso.com", "client_id": GUID}
    before = config(tmp_path, {"alice": {}, "bob": {}}, **base)
    after = config(tmp_path, {"alice": {}, "bob": {"name": "Robert"}, "carol": {}}, **base)
    async with Microsoft(before, SystemClock()) as microsoft:
        sources = Sources(
            microsoft, report=lambda _: None, announce=lambda _: None, clock=SystemClock()
        )
        sources.follow(before)
        alice, bob = sources.source_of("alice"), sources.source_of("bob")
        sources.follow(after)
        assert sources.source_of("alice") is alice
        assert sources.source_of("bob") is not bob
        assert sources.source_of("bob").accounts == {"bob": "Robert"}
        assert set(sources.statuses) == {"alice", "bob", "carol"}


async def test_people_of_a_large_table_share_their_freshness_unless_the_config_wants_the_beat(
    tmp_path: Path,
) -> None:
    announced: list[Mapping[str, Followed]] = []
    crowd = [f"p{number}@contoso.com" for number in range(ALONE_MOST + 1)]
    base = {"tenant": "contoso.com", "client_id": GUID}

    def watching(**more: object) -> Config:
        accounts = {
            "large": {"watch": crowd, **more},
            "small": {"watch": crowd[1:]},
            "me": {},
        }
        return config(tmp_path, accounts, **base)

    def shares() -> set[str | None]:
        return {account.freshness_of for account in announced[-1].values()}

    async with Microsoft(watching(), SystemClock()) as microsoft:
        sources = Sources(
            microsoft, report=lambda _: None, announce=announced.append, clock=SystemClock()
        )
        sources.follow(watching())
        assert shares() == {"large", None}
        assert not announced[-1]["me"].shares
        source = sources.source_of("large")
        sources.follow(watching(beat=True))
        assert shares() == {None}
        assert sources.source_of("large") is source, "they are read on"


async def test_people_of_a_table_are_found_by_their_slug_and_by_the_table(tmp_path: Path) -> None:
    announced: list[Mapping[str, Followed]] = []
    accounts = {"team": {"watch": ["ann@contoso.com", GUID]}, "me": {}}
    made = config(tmp_path, accounts, tenant="contoso.com", client_id=GUID)
    async with Microsoft(made, SystemClock()) as microsoft:
        sources = Sources(
            microsoft, report=lambda _: None, announce=announced.append, clock=SystemClock()
        )
        sources.follow(made)
        assert sources.source_of("team_ann") is sources.source_of("team")
        assert sources.source_of("me").slug == "me"
        with pytest.raises(PersonMustActError, match="bob is not followed"):
            sources.source_of("bob")
    tables = {slug: followed.table for slug, followed in announced[-1].items()}
    assert tables == {"team_ann": "team", f"team_{GUID.replace('-', '')}": "team", "me": None}


async def test_what_may_be_set_or_announced_changes_without_a_new_seat(tmp_path: Path) -> None:
    announced: list[Mapping[str, Followed]] = []
    base = {"tenant": "contoso.com", "client_id": GUID}
    before = config(tmp_path, {"alice": {}}, **base)
    other = {"set_presence": True, "homeassistant": False, "status_message": False}
    after = config(tmp_path, {"alice": other}, **base)
    async with Microsoft(before, SystemClock()) as microsoft:
        sources = Sources(
            microsoft, report=lambda _: None, announce=announced.append, clock=SystemClock()
        )
        sources.follow(before)
        alice = sources.source_of("alice")
        for settings, allowed in ((after, True), (before, False)):
            sources.follow(settings)
            assert sources.source_of("alice") is alice
            assert (alice.writer is not None) is allowed
            followed = announced[-1]["alice"]
            assert (followed.settable, followed.discover) == (allowed, not allowed)
            assert followed.says is not allowed


class Buggy(FakeSource):
    """A source whose sign-in task has a bug."""

    writer = None

    def release(self) -> None:
        pass

    async def run(self) -> None:
        if self.answer is None:
            raise ZeroDivisionError("a bug")
        await asyncio.Event().wait()


class FakeMicrosoft:
    """Bob's source has a bug, Alice's is good."""

    def __init__(self) -> None:
        self.sources = {"alice": Buggy(FREE), "bob": Buggy(None)}
        for slug, source in self.sources.items():
            source.slug, source.accounts = slug, {slug: slug.title()}

    def use(self, _: Config) -> None:
        pass

    def account(self, slug: str) -> Buggy:
        return self.sources[slug]

    def let_write(self, source: Buggy) -> None:
        pass


async def test_one_accounts_bug_is_reported_and_the_others_never_notice(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told: dict[str, AccountFacts] = {}
    clock = ManualClock()
    sources = Sources(
        FakeMicrosoft(),  # type: ignore[arg-type]
        report=lambda facts: told.update({facts.account: facts}),
        announce=lambda _: None,
        clock=clock,
    )
    sources.follow(config(tmp_path, {"alice": {}, "bob": {}}))
    running = asyncio.create_task(sources.run())
    for _ in range(4):
        await clock.advance(300)
    assert not running.done()
    assert told["alice"].fresh
    assert told["alice"].sign_in.message is None
    assert told["bob"].sign_in.message == "Internal error, started again."
    health = fold(sources.statuses)
    assert health.reason is not None
    assert health.reason.startswith("Bob: Internal error")
    assert caplog.text.count("Traceback") == 1
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
