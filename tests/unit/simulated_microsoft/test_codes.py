from __future__ import annotations

from random import Random

import pytest

from tests.fakes.clock import ManualClock
from tests.fakes.microsoft.aadsts import Refusal
from tests.fakes.microsoft.codes import AutoApproval, DeviceCode, DeviceCodes
from tests.fakes.microsoft.directory import Household, Person


@pytest.fixture
def codes(clock: ManualClock) -> DeviceCodes:
    return DeviceCodes(clock, Random(1))


@pytest.fixture
def code(codes: DeviceCodes) -> DeviceCode:
    return codes.issue(client_id="app", tenant_id="tenant", scope="Presence.Read")


def answer(codes: DeviceCodes, code: DeviceCode) -> str | Person:
    """Poll once: the person, or the error."""
    try:
        return codes.poll(code.device_code, "app")[1]
    except Refusal as refused:
        return refused.kind.error


def test_a_code_waits_until_somebody_approves(
    codes: DeviceCodes, code: DeviceCode, home: Household
) -> None:
    assert answer(codes, code) == "authorization_pending"

    code.last_poll_s = None
    codes.approve(code.user_code, home.person)

    assert answer(codes, code) is home.person
    assert codes.person_of(code.device_code) is home.person


def test_a_code_may_be_typed_in_small_letters_with_blanks(
    codes: DeviceCodes, code: DeviceCode, home: Household
) -> None:
    typed = f" {code.user_code[:4]}-{code.user_code[4:]} ".lower()

    codes.approve(typed, home.person)

    assert code.person is home.person


async def test_polls_closer_than_the_interval_must_slow_down_more_each_time(
    codes: DeviceCodes, code: DeviceCode, clock: ManualClock
) -> None:
    answers = [answer(codes, code)]
    for wait_s in (1, 5, 10, 15):
        await clock.advance(wait_s)
        answers.append(answer(codes, code))

    # 1 s is too soon for 5, then 5 s is too soon for 10, then 10 s is too soon for 15
    assert answers == [
        "authorization_pending",
        "slow_down",
        "slow_down",
        "slow_down",
        "slow_down",
    ]
    assert code.interval_s == 25


async def test_a_poll_a_second_early_is_forgiven(
    codes: DeviceCodes, code: DeviceCode, clock: ManualClock
) -> None:
    answer(codes, code)
    await clock.advance(4)

    assert answer(codes, code) == "authorization_pending"


async def test_a_code_ends_with_its_time_and_cannot_be_approved_then(
    codes: DeviceCodes, code: DeviceCode, clock: ManualClock, home: Household
) -> None:
    await clock.advance(900)

    assert answer(codes, code) == "expired_token"
    assert codes.pending == []
    with pytest.raises(KeyError):
        codes.approve(code.user_code, home.person)


def test_all_codes_can_be_made_to_expire(codes: DeviceCodes, code: DeviceCode) -> None:
    codes.expire_all()

    assert answer(codes, code) == "expired_token"


def test_a_declined_code_stays_declined(
    codes: DeviceCodes, code: DeviceCode, home: Household
) -> None:
    codes.decline(code.user_code)

    assert answer(codes, code) == "authorization_declined"
    with pytest.raises(KeyError):
        codes.approve(code.user_code, home.person)


def test_another_app_cannot_use_the_code(codes: DeviceCodes, code: DeviceCode) -> None:
    with pytest.raises(Refusal) as refused:
        codes.poll(code.device_code, "another app")

    assert refused.value.kind.error == "bad_verification_code"


async def test_somebody_may_approve_every_code_after_a_while(
    codes: DeviceCodes, code: DeviceCode, clock: ManualClock, home: Household
) -> None:
    codes.auto_approval = AutoApproval(home.person, after_s=8)
    await clock.advance(5)
    assert answer(codes, code) == "authorization_pending"

    await clock.advance(5)

    assert answer(codes, code) is home.person


async def test_codes_long_gone_are_forgotten(
    codes: DeviceCodes, code: DeviceCode, clock: ManualClock
) -> None:
    await clock.advance(3 * 900)
    codes.issue(client_id="app", tenant_id="tenant", scope="Presence.Read")

    assert answer(codes, code) == "bad_verification_code"
