"""An app signs itself in with its certificate: what works, what each refusal means."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge.contract.account import SignIn, SignInState
from bridge.contract.errors import (
    AccessRefusedError,
    ConfigError,
    SignInNeededError,
    SourceUnavailableError,
)
from bridge.demo.certificate import ServerCertificate
from tests.fakes.clock import ManualClock
from tests.fakes.microsoft.directory import App, Person
from tests.fakes.microsoft.faults import Fault
from tests.integration.microsoft.office import BULK, TOKEN, Office, app_certificate

BAD_MOMENT = "Microsoft's sign-in has a bad moment (AADSTS90033)."
CLAIMS = '{"access_token": {"nbf": {"essential": true, "value": "1764576000"}}}'


@pytest.fixture
def table(alice: Person) -> dict[str, dict[str, object]]:
    return {"alice": {"sign_in": "app", "user": alice.oid, "name": "Alice"}}


async def test_one_person_by_guid_is_called_as_the_table_is(
    office: Office, table: dict[str, dict[str, object]]
) -> None:
    async with office.open(table) as tables:
        assert tables["alice"].accounts == {"alice": "Alice"}
        assert await tables.shown("alice") == {"alice": "Available"}
        assert tables["alice"].sign_in.value.state is SignInState.SIGNED_IN
    assert (office.count(TOKEN), office.count(BULK), office.count("user")) == (1, 1, 0)


async def test_a_token_is_asked_for_once_however_many_want_it_and_kept(
    office: Office, table: dict[str, dict[str, object]]
) -> None:
    async with office.open(table) as tables:
        await asyncio.gather(*(tables["alice"].read() for _ in range(10)))
        assert office.count(TOKEN) == 1
        await office.clock.advance(3600 - 601)
        await tables["alice"].read()
        assert office.count(TOKEN) == 1
        await office.clock.advance(2)
        await tables["alice"].read()
        assert office.count(TOKEN) == 2


@pytest.mark.parametrize(
    "fault", [Fault(TOKEN, status=503, times=None), Fault(TOKEN, status=429, times=None)]
)
async def test_the_old_token_is_used_through_a_bad_time_of_sign_in(
    office: Office, table: dict[str, dict[str, object]], fault: Fault
) -> None:
    async with office.open(table) as tables:
        await tables["alice"].read()
        office.simulated.faults.add(fault)
        await office.clock.advance(3600 - 500)
        assert await tables.shown("alice") == {"alice": "Available"}
        asked = office.count(TOKEN)
        await tables["alice"].read()
        assert office.count(TOKEN) == asked, "not tried again within a minute"
        await office.clock.advance(501)
        with pytest.raises(SourceUnavailableError, match=r"Microsoft's sign-in (fails|has)"):
            await tables["alice"].read()
        office.simulated.faults.clear()
        assert await tables.shown("alice") == {"alice": "Available"}
        assert tables["alice"].sign_in.value.state is SignInState.SIGNED_IN


async def test_a_certificate_that_was_not_uploaded_is_reported_and_works_when_it_is(
    office: Office, table: dict[str, dict[str, object]], app: App, caplog: pytest.LogCaptureFixture
) -> None:
    uploaded = app.certificates.copy()
    app.certificates.clear()
    async with office.open(table) as tables:
        for _ in range(2):
            with pytest.raises(SignInNeededError, match="Upload the certificate"):
                await tables["alice"].read()
        told = tables["alice"].sign_in.value
        assert told.state is SignInState.ERROR
        assert told.message == "The certificate is not accepted (AADSTS700027)."
        assert told.who == "the app's owner"
        assert told.correlation_id
        assert caplog.text.count("AADSTS700027") == 1
        app.certificates[:] = uploaded
        tables["alice"].credentials.request()
        await tables.until("alice", SignInState.SIGNED_IN)
        assert await tables.shown("alice") == {"alice": "Available"}


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (700016, "Check client_id and tenant"),
        (53003, "Ask your admin for an exception"),
        (90002, "Check tenant and cloud"),
        (7000222, "Use a certificate"),
        (700024, "Check the clock"),
        (50173, "Look at the app registration with the correlation id"),
        (999999, "Look at the app registration with the correlation id"),
    ],
)
async def test_each_refusal_has_its_remedy_and_nobody_is_asked_to_sign_in(
    office: Office, table: dict[str, dict[str, object]], code: int, told: str
) -> None:
    office.simulated.faults.add(Fault(TOKEN, aadsts=code))
    async with office.open(table) as tables:
        with pytest.raises(SignInNeededError, match=told):
            await tables["alice"].read()
        assert tables["alice"].sign_in.value.state is SignInState.ERROR
        assert f"AADSTS{code}" in str(tables["alice"].sign_in.value.message)
        assert await tables.shown("alice") == {"alice": "Available"}, "nothing sticks"


async def test_a_passing_refusal_is_no_refusal(
    office: Office, table: dict[str, dict[str, object]]
) -> None:
    office.simulated.faults.add(Fault(TOKEN, aadsts=90033))
    async with office.open(table) as tables:
        with pytest.raises(SourceUnavailableError):
            await tables["alice"].read()
        told = tables["alice"].sign_in.value
        assert told == SignIn(SignInState.SIGNED_IN, message=BAD_MOMENT)


async def test_a_claims_challenge_is_answered(
    office: Office, table: dict[str, dict[str, object]]
) -> None:
    async with office.open(table) as tables:
        await tables["alice"].read()
        office.simulated.faults.add(Fault(BULK, challenge=CLAIMS))
        assert await tables.shown("alice") == {"alice": "Available"}
        first, second = office.simulated.requests.of(TOKEN)
        assert b"1764576000" in second.body
        assert b"1764576000" not in first.body


async def test_a_missing_permission_is_reported_with_its_name(
    office: Office, table: dict[str, dict[str, object]], app: App
) -> None:
    app.roles = set()
    async with office.open(table) as tables:
        with pytest.raises(AccessRefusedError, match=r"Presence\.Read\.All to the app"):
            await tables["alice"].read()


async def test_signing_out_is_refused_with_the_reason(
    office: Office, table: dict[str, dict[str, object]]
) -> None:
    async with office.open(table) as tables:
        await tables["alice"].read()
        with pytest.raises(ConfigError, match="signs in by its certificate"):
            await tables["alice"].credentials.sign_out()
        assert await tables.shown("alice") == {"alice": "Available"}


async def test_a_certificate_that_ended_is_reported_without_asking_microsoft(
    office: Office, table: dict[str, dict[str, object]]
) -> None:
    clock = ManualClock(datetime.now(UTC) + timedelta(days=731))
    async with office.open(table, clock=clock) as tables:
        with pytest.raises(
            SignInNeededError, match=r"The certificate ended on \d{4}-.*certificate create"
        ):
            await tables["alice"].read()
    assert office.count(TOKEN) == 0


async def test_a_certificate_that_ends_soon_is_reported_once(
    office: Office, table: dict[str, dict[str, object]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "bridge")
    clock = ManualClock(datetime.now(UTC) + timedelta(days=720))
    async with office.open(table, clock=clock) as tables:
        for _ in range(2):
            await tables["alice"].read()
            await clock.advance(3600)
    assert caplog.text.count("the certificate ends on") == 1


async def test_files_that_are_not_there_are_reported_before_anything_starts(
    office: Office, table: dict[str, dict[str, object]], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"microsoft\.private_key_file: .*No such file"):
        async with office.open(table, microsoft={"private_key_file": tmp_path / "gone.key"}):
            pass
    nothing = {"certificate_file": None, "private_key_file": None}
    with pytest.raises(ConfigError, match="certificate_file: is missing; account alice needs it"):
        async with office.open(table, microsoft=nothing):
            pass


async def test_a_renewed_certificate_is_used_without_a_restart(
    office: Office,
    table: dict[str, dict[str, object]],
    app: App,
    certificate: ServerCertificate,
    tmp_path: Path,
) -> None:
    mine = app_certificate(tmp_path / "mine")
    app.certificates[:] = [mine.certificate_file.read_bytes()]
    files = {"certificate_file": mine.certificate_file, "private_key_file": mine.key_file}
    async with office.open(table, microsoft=files) as tables:
        await tables["alice"].read()
        other = app_certificate(tmp_path / "other")
        app.certificates[:] = [other.certificate_file.read_bytes()]
        other.certificate_file.replace(mine.certificate_file)
        other.key_file.replace(mine.key_file)
        await office.clock.advance(3600)
        assert await tables.shown("alice") == {"alice": "Available"}
    assert office.count(TOKEN) == 2
