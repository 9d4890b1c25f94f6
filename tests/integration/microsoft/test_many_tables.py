"""Several tables in one bridge: who comes and goes, and how little one's trouble costs others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bridge.config.tables.config import Config
from bridge.contract.account import AccountFacts, Followed, SignInState
from bridge.contract.errors import ConfigError
from bridge.microsoft import Microsoft
from bridge.service.sources import Sources
from tests.fakes.microsoft.directory import Household
from tests.fakes.microsoft.faults import Fault
from tests.fakes.tasks import during
from tests.integration.microsoft.office import BULK, Office

DEADLINE_S = 30


@pytest.fixture
def office(office: Office) -> Office:
    office.home.app.roles = {"Presence.Read.All", "User.Read.All", "GroupMember.Read.All"}
    return office


@dataclass
class Running:
    """A sources that runs, and what it told."""

    office: Office
    sources: Sources = field(init=False)
    followed: Mapping[str, Followed] = field(default_factory=dict)
    facts: dict[str, AccountFacts] = field(default_factory=dict)
    unannounced: list[str] = field(default_factory=list)

    def announce(self, accounts: Mapping[str, Followed]) -> None:
        self.followed = accounts
        for slug in self.facts.keys() - accounts.keys():
            del self.facts[slug]

    def report(self, facts: AccountFacts) -> None:
        if facts.account not in self.followed:
            self.unannounced.append(facts.account)
        self.facts[facts.account] = facts

    async def until(self, holds: Callable[[], bool], *, step_s: float = 0) -> None:
        """Wait until ``holds``, letting time pass by steps."""
        async with asyncio.timeout(DEADLINE_S):
            while not holds():
                await asyncio.sleep(0.01)
                await self.office.clock.advance(step_s)

    def fresh(self) -> set[str]:
        return {slug for slug, facts in self.facts.items() if facts.fresh}


@asynccontextmanager
async def running(office: Office, accounts: Mapping[str, Any]) -> AsyncIterator[Running]:
    config = office.config(accounts)
    async with Microsoft(config, office.clock, random=lambda: 1.0) as microsoft:
        bridge = Running(office)
        bridge.sources = Sources(
            microsoft,
            report=bridge.report,
            announce=bridge.announce,
            clock=office.clock,
            random=lambda: 0.5,
        )
        bridge.sources.follow(config)
        async with during(bridge.sources.run()) as task:
            yield bridge
            assert not task.done(), task
            assert bridge.unannounced == []


def group(group_id: str, **more: Any) -> dict[str, Any]:
    return {"sign_in": "app", "group": group_id} | more


async def test_members_are_announced_when_they_come_and_removed_when_they_go(
    office: Office, home: Household
) -> None:
    ann, ben = office.hire("ann", "ben")
    staff = home.directory.add_group(home.tenant, "staff", [ann, ben])
    async with running(office, {"staff": group(staff.group_id, homeassistant=False)}) as bridge:
        await bridge.until(lambda: bridge.fresh() == {"staff_ann", "staff_ben"})
        assert not bridge.followed["staff_ann"].discover
        staff.members[:] = [ben, *office.hire("cat")]
        await office.clock.advance(3601)
        await bridge.until(lambda: set(bridge.followed) == {"staff_ben", "staff_cat"}, step_s=5)
        await bridge.until(lambda: bridge.fresh() == {"staff_ben", "staff_cat"}, step_s=5)


async def test_a_tenant_that_asks_to_wait_does_not_keep_another_waiting(
    office: Office, home: Household
) -> None:
    other = home.directory.add_tenant("fabrikam.com")
    app = home.directory.add_app(other)
    app.certificates, app.roles = home.app.certificates, home.app.roles
    zoe = home.directory.add_person(other, "zoe@fabrikam.com")
    (ann,) = office.hire("ann")
    there = {"tenant": other.domain, "client_id": app.client_id}
    accounts = {
        "ann": {"sign_in": "app", "user": ann.oid},
        "zoe": {"sign_in": "app", "user": zoe.oid, **there},
    }
    async with running(office, accounts) as bridge:
        await bridge.until(lambda: bridge.fresh() == {"ann", "zoe"})
        office.simulated.faults.add(Fault(BULK, status=429, retry_after=600))
        await bridge.until(
            lambda: any(s.throttled_until for s in bridge.sources.statuses.values()), step_s=1
        )
        waits = {slug for slug, s in bridge.sources.statuses.items() if s.throttled_until}
        assert len(waits) == 1
        office.simulated.requests.clear()
        goes_on = home.directory.person({"ann": zoe.upn, "zoe": ann.upn}[waits.pop()])
        assert goes_on
        home.directory.change(goes_on, "Busy")
        await bridge.until(
            lambda: any(f.presence and f.presence.busy for f in bridge.facts.values()), step_s=1
        )
        tenants = {entry.tenant for entry in office.simulated.requests.of(BULK)}
        assert tenants == {goes_on.tenant_id}


async def test_one_dead_sign_in_costs_the_others_nothing(office: Office, home: Household) -> None:
    ann, ben = office.hire("ann", "ben")
    other = home.directory.add_app(home.tenant, client_id="22222222-3333-4444-5555-666666666666")
    accounts = {
        "ann": {"sign_in": "app", "user": ann.oid},
        "ben": {"sign_in": "app", "user": ben.oid, "client_id": other.client_id},
    }
    async with running(office, accounts) as bridge:
        await bridge.until(lambda: bridge.fresh() == {"ann"})
        await bridge.until(lambda: "ben" in bridge.facts)
        assert bridge.facts["ben"].sign_in.state is SignInState.ERROR
        office.simulated.requests.clear()
        polls = bridge.sources.statuses["ann"].last_poll_ok
        await bridge.until(lambda: bridge.sources.statuses["ann"].last_poll_ok != polls, step_s=1)
        assert bridge.fresh() == {"ann"}
        assert bridge.facts["ann"].sign_in.state is SignInState.SIGNED_IN


async def test_a_reload_moves_people_between_tables_and_leaves_nobody_behind(
    office: Office, home: Household
) -> None:
    ann, ben = office.hire("ann", "ben")
    staff = home.directory.add_group(home.tenant, "staff", [ann, ben])
    both = {"staff": group(staff.group_id), "boss": {"sign_in": "app", "user": ann.oid}}
    async with running(office, both) as bridge:
        await bridge.until(lambda: bridge.fresh() == {"boss", "staff_ben"})
        wrong = both | {"extra": {"sign_in": "app", "user": ben.oid, "client_id": None}}
        config = office.config(wrong, {"client_id": None})
        with pytest.raises(ConfigError):
            bridge.sources.follow(config)
        await office.clock.advance(6)
        assert set(bridge.followed) == {"boss", "staff_ben"}
        bridge.sources.follow(office.config({"staff": group(staff.group_id)}))
        await bridge.until(lambda: bridge.fresh() == {"staff_ann", "staff_ben"}, step_s=1)


async def test_two_tables_of_one_tenant_share_its_budget(office: Office) -> None:
    ann, ben = office.hire("ann", "ben")
    accounts = {
        "ann": {"sign_in": "app", "user": ann.oid},
        "ben": {"sign_in": "app", "user": ben.oid},
    }
    async with running(office, accounts) as bridge:
        await bridge.until(lambda: bridge.fresh() == {"ann", "ben"})
        office.simulated.faults.add(Fault(BULK, status=429, retry_after=600))
        await bridge.until(
            lambda: all(s.throttled_until for s in bridge.sources.statuses.values()), step_s=1
        )
        office.simulated.requests.clear()
        await office.clock.advance(300)
        assert office.count(BULK) == 0


def test_a_config_needs_no_certificate_where_nobody_uses_it(tmp_path: Path) -> None:
    config = Config.model_validate({"state_dir": tmp_path, "accounts": {"alice": {}}})
    assert config.microsoft_of("alice").certificate_file is None
