"""Graph refuses tokens that are good: presence stays right, and the token endpoint hears little."""

from __future__ import annotations

import pytest

from bridge.contract.account import SignInState
from bridge.contract.errors import AccessRefusedError
from bridge.microsoft.sign_in.access_token import FORCED_MOST
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.faults import Fault
from tests.integration.microsoft.conftest import Bridge
from tests.integration.microsoft.office import BULK, TOKEN, Office

READ, REFRESH = "me.presence", "token.refresh_token"
CLAIMS = '{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}'
HOUR, EVERY_S = 3600, 30
TOLD = "Microsoft Graph refuses new tokens too"


async def test_every_other_answer_is_a_401_and_presence_goes_on(
    alices: Bridge, microsoft: ScriptedMicrosoft, caplog: pytest.LogCaptureFixture
) -> None:
    hours = 3
    microsoft.requests.clear()
    for _ in range(hours * HOUR // EVERY_S):
        microsoft.faults.add(Fault(READ, status=401))
        assert "alice" in await alices.account.read()
        await alices.clock.advance(EVERY_S)
    usual = hours + 1  # a token that lives an hour is renewed by itself
    assert microsoft.requests.count(REFRESH) <= hours * FORCED_MOST + usual
    assert caplog.text.count(TOLD) == 1
    assert alices.account.sign_in.value.state is SignInState.SIGNED_IN


async def test_after_quiet_hours_a_refused_token_is_replaced_and_reported_afresh(
    alices: Bridge, microsoft: ScriptedMicrosoft, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        for _ in range(FORCED_MOST + 2):
            microsoft.faults.add(Fault(READ, status=401))
            assert "alice" in await alices.account.read()
            await alices.clock.advance(60)
        assert microsoft.requests.count(REFRESH) == FORCED_MOST
        microsoft.requests.clear()
        await alices.clock.advance(3 * HOUR)
        await alices.account.read()
    assert caplog.text.count(TOLD) == 2


async def test_when_all_answers_are_a_401_the_token_endpoint_is_left_alone(
    alices: Bridge, microsoft: ScriptedMicrosoft, caplog: pytest.LogCaptureFixture
) -> None:
    microsoft.requests.clear()
    microsoft.faults.add(Fault(READ, status=401, times=None))
    for _ in range(HOUR // 60 - 10):
        with pytest.raises(AccessRefusedError, match="HTTP 401"):
            await alices.account.read()
        await alices.clock.advance(60)
    assert microsoft.requests.count(REFRESH) == FORCED_MOST
    assert caplog.text.count(TOLD) == 1
    microsoft.faults.clear()
    assert "alice" in await alices.account.read()


async def test_a_challenge_is_answered_with_its_claims_each_time_however_often(
    alices: Bridge, microsoft: ScriptedMicrosoft, caplog: pytest.LogCaptureFixture
) -> None:
    microsoft.requests.clear()
    for _ in range(2 * FORCED_MOST):
        microsoft.faults.add(Fault(READ, challenge=CLAIMS))
        assert "alice" in await alices.account.read()
        await alices.clock.advance(1)
    assert microsoft.requests.count(REFRESH) == 2 * FORCED_MOST
    assert TOLD not in caplog.text


async def test_a_challenge_is_answered_also_after_many_refused_tokens(
    alices: Bridge, microsoft: ScriptedMicrosoft
) -> None:
    for _ in range(FORCED_MOST + 2):
        microsoft.faults.add(Fault(READ, status=401))
        await alices.account.read()
        await alices.clock.advance(60)
    microsoft.requests.clear()
    microsoft.faults.add(Fault(READ, challenge=CLAIMS))
    assert "alice" in await alices.account.read()
    assert microsoft.requests.count(REFRESH) == 1


async def test_many_people_are_read_through_refused_tokens(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    tables = {
        person.name.lower(): {"sign_in": "app", "user": person.oid}
        for person in office.hire("bob", "carol", "dave")
    }
    async with office.open(tables) as opened:
        for name in tables:
            await opened.until_shown(name, {name})
        office.simulated.requests.clear()
        for _ in range(HOUR // 60 - 15):
            for name in tables:
                office.simulated.faults.add(Fault(BULK, status=401))
                assert await opened.shown(name)
            await office.clock.advance(60)
    assert office.count(TOKEN) == len(tables) * FORCED_MOST
    assert caplog.text.count(TOLD) == len(tables)
