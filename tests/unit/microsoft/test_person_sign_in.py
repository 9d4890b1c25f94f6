"""A person's sign-in without a server: what is told, what is kept, and one worker at a time."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msal
import pytest

from bridge.contract.account import SignIn, SignInState
from bridge.contract.errors import PersonMustActError, SignInNeededError, SourceUnavailableError
from bridge.microsoft.http import HttpRequest, HttpResponse
from bridge.microsoft.sign_in.expected_person import Expected
from bridge.microsoft.sign_in.msal_client import MsalWorkers
from bridge.microsoft.sign_in.person import PersonSignIn
from bridge.microsoft.sign_in.registration import PublicApp
from bridge.microsoft.sign_in.token_cache import TokenCache
from tests.fakes.clock import ManualClock
from tests.fakes.scripted_http import AUTHORITY, ScriptedHttp, answered, unreachable

SIGNED_OUT, SIGNED_IN = SignInState.SIGNED_OUT, SignInState.SIGNED_IN
PENDING, EXPIRED = SignInState.CODE_PENDING, SignInState.EXPIRED
REFUSED = {"error": "invalid_grant", "error_description": "AADSTS50173: revoked", "suberror": ""}
CODE = {
    "user_code": "ABC",
    "device_code": "D",
    "verification_uri": "https://login.example/device",
    "expires_in": 900,
    "interval": 5,
}


def tokens(name: str = "at", **more: Any) -> dict[str, Any]:
    """What the token endpoint grants."""
    who = {"uid": "o", "utid": "t"}
    info = base64.urlsafe_b64encode(json.dumps(who).encode()).decode().rstrip("=")
    return {
        "access_token": name,
        "refresh_token": f"rt-{name}",
        "token_type": "Bearer",
        "expires_in": 3600,
        "client_info": info,
        **more,
    }


def refreshes(request: HttpRequest) -> bool:
    return b"grant_type=refresh_token" in (request.body or b"")


class Stage:
    """One person whose sign-in runs, and what answers them."""

    def __init__(self, folder: Path, http: ScriptedHttp) -> None:
        self.http, self.clock = http, ManualClock()
        self.executor = ThreadPoolExecutor(8)
        self.workers = MsalWorkers(http, self.executor, self.clock)
        self.cache = TokenCache(folder / "tokens" / "alice.json")
        self.person = self._person()

    def reseat(self) -> PersonSignIn:
        """The same table once more, as after a reload; returns the one before."""
        before, self.cache = self.person, TokenCache(self.cache.file)
        self.person = self._person()
        return before

    def _person(self) -> PersonSignIn:
        return PersonSignIn(
            Expected("alice", "alice"),
            app=PublicApp("c", AUTHORITY),
            workers=self.workers,
            cache=self.cache,
            clock=self.clock,
            stored=self.cache.is_stored,
            random=lambda: 1.0,
        )

    def store(self, name: str = "old", *, expires_in: int = 0) -> None:
        """Somebody signed in before this start."""
        stored = msal.SerializableTokenCache()
        event = {
            "client_id": "c",
            "scope": ["Presence.Read", "User.Read"],
            "token_endpoint": f"{AUTHORITY}/oauth2/v2.0/token",
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
            "response": tokens(name, expires_in=expires_in),
        }
        stored.add(event)
        self.cache.replace(stored)
        self.cache = TokenCache(self.cache.file)
        self.person = self._person()

    @property
    def shown(self) -> SignIn:
        return self.person.sign_in.value

    async def until(self, *states: SignInState, waits: bool | None = None) -> SignIn:
        async with asyncio.timeout(5):
            async for now in self.person.sign_in.watch():
                if now.state in states and waits in (None, now.waits):
                    return now
        raise AssertionError("watch never ends")


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    stage = Stage(tmp_path, ScriptedHttp(unreachable))
    yield stage
    stage.executor.shutdown()


@pytest.fixture
async def running(stage: Stage) -> AsyncIterator[Stage]:
    """With nobody stored, until a test stores somebody and starts anew."""
    task = asyncio.create_task(stage.person.run())
    yield stage
    task.cancel()
    await asyncio.wait({task})


async def test_somebody_who_never_signed_in_costs_no_request(stage: Stage) -> None:
    assert stage.shown == SignIn()
    with pytest.raises(SignInNeededError, match=r"Nobody is signed in\. Sign in\."):
        await stage.person.token()
    assert not stage.http.requests


@pytest.mark.parametrize("more", [{}, {"refresh": True}, {"claims": "{}"}])
async def test_a_start_without_network_keeps_what_is_stored_and_says_what_is_wrong(
    stage: Stage, more: dict[str, Any]
) -> None:
    stage.store()
    assert stage.shown == SignIn(SIGNED_IN)
    told = "Microsoft's sign-in cannot be reached: name not found (login.example)"
    for _ in range(2):
        with pytest.raises(SourceUnavailableError) as caught:
            await stage.person.token(**more)
        assert str(caught.value) == told
    assert stage.shown == SignIn(SIGNED_IN, message=f"{told}.")

    stage.http.answer = lambda _: answered(tokens("new"))
    assert await stage.person.token() == "new"
    assert stage.shown == SignIn(SIGNED_IN)


async def test_a_cache_that_cannot_be_read_is_no_sign_out(stage: Stage) -> None:
    stage.store()
    text = stage.cache.file.read_text()
    stage.cache.file.unlink()
    stage.cache.file.mkdir()
    with pytest.raises(SignInNeededError, match=r"stored sign-in cannot be read: .*: Is a dir"):
        await stage.person.token()
    assert stage.shown.state is SignInState.ERROR
    assert stage.shown.remedy == f"Run: mv {stage.cache.file} {stage.cache.file}.odd"
    assert not stage.shown.waits
    stage.cache.file.rmdir()
    stage.cache.file.write_text(text)
    stage.http.answer = lambda _: answered(tokens("new"))
    assert await stage.person.token() == "new"


async def test_a_sign_in_that_cannot_be_deleted_is_not_forgotten(stage: Stage) -> None:
    stage.store()
    stage.cache.file.unlink()
    stage.cache.file.mkdir()
    with pytest.raises(PersonMustActError, match="cannot be deleted: Is a directory"):
        await stage.person.sign_out()
    assert stage.shown.state is SIGNED_IN


NO_ANSWERS = [
    answered({}),
    answered({"error": {"code": "404", "message": "Resource not found"}}, 404),
    answered({"error": "not_found"}, 404),
    answered({"error": "Bad Request"}, 400),
    answered({"error": {"code": 7}}, 400),
    answered({"error": "invalid_grant"}),
    answered({"error": "invalid_grant"}, 502),
    answered(b"<html>sign in to the hotspot</html>"),
    answered(b"[]"),
    answered(tokens(expires_in="soon")),
    answered(tokens(refresh_token=7)),
    answered(tokens(client_info="!")),
    answered(tokens(id_token="x.y")),
    answered({"access_token": ["at"]}),
    answered(b"", 204),
]


@pytest.mark.parametrize("answer", NO_ANSWERS, ids=lambda r: f"{r.status}-{r.body[:24]!r}")
async def test_what_is_no_answer_of_microsofts_costs_no_sign_in(
    stage: Stage, answer: HttpResponse
) -> None:
    stage.store()
    stage.http.answer = lambda _: answer
    with pytest.raises(SourceUnavailableError) as caught:
        await stage.person.token()
    told = str(caught.value)
    assert told.startswith("Microsoft's sign-in ")
    assert not {"{", "Error", "None"} & set(told.replace("{", " { ").split())
    assert stage.shown == SignIn(SIGNED_IN, message=f"{told}.")
    stage.http.answer = lambda _: answered(tokens("new"))
    assert await stage.person.token() == "new"


async def test_a_wait_that_microsoft_asks_for_is_kept(stage: Stage) -> None:
    stage.store()
    stage.http.answer = lambda _: answered({}, 429, {"Retry-After": "120"})
    with pytest.raises(SourceUnavailableError, match="HTTP 429") as caught:
        await stage.person.token()
    assert caught.value.retry_after_s == 120
    sent = len(stage.http.requests)
    await stage.clock.advance(100)
    with pytest.raises(SourceUnavailableError, match="asks us to wait") as caught:
        await stage.person.token(refresh=True)
    assert caught.value.retry_after_s == 20
    assert len(stage.http.requests) == sent
    await stage.clock.advance(20)
    stage.http.answer = lambda _: answered(tokens("new"))
    assert await stage.person.token() == "new"


async def test_many_refused_requests_cost_one_renewal(stage: Stage) -> None:
    stage.store()
    stage.http.answer = lambda _: answered(tokens("new"))
    await stage.person.token()
    sent = len(stage.http.requests)
    await asyncio.gather(*(stage.person.token(refresh=True) for _ in range(16)))
    assert len(stage.http.requests) == sent + 1


# One worker at a time.


async def test_who_is_cancelled_ends_the_request_and_the_worker(stage: Stage) -> None:
    stage.store()
    stage.http.hangs = True
    for tries in range(1, 5):
        stage.http.hung.clear()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await stage.person.token()
        assert len([r for r in stage.http.requests if refreshes(r)]) <= tries
        await asyncio.sleep(0)
    async with asyncio.timeout(60):
        while stage.http.hanging:  # noqa: ASYNC110 - its task ends at its next turn
            await asyncio.sleep(0)
    stage.http.hangs = False
    stage.http.answer = lambda _: answered(tokens("new"))
    assert await stage.person.token() == "new"


async def test_a_worker_that_ends_late_is_waited_for(stage: Stage) -> None:
    stage.store()
    working, most = [0], [0]
    leave = threading.Event()
    entered = asyncio.Event()
    loop = asyncio.get_running_loop()
    save = stage.cache.save

    def slow_disk() -> None:
        working[0] += 1
        most[0] = max(most[0], working[0])
        loop.call_soon_threadsafe(entered.set)
        leave.wait(5)
        save()
        working[0] -= 1

    stage.cache.save = slow_disk  # type: ignore[method-assign]
    stage.http.answer = lambda _: answered(tokens("new"))
    first = asyncio.create_task(stage.person.token())
    await entered.wait()
    first.cancel()
    await asyncio.wait({first})
    others = [asyncio.create_task(stage.person.token(refresh=True)) for _ in range(3)]
    for _ in range(20):
        await asyncio.sleep(0)
    assert working[0] == 1
    leave.set()
    assert await asyncio.gather(*others) == ["new"] * 3
    assert most[0] == 1


async def test_after_a_reload_the_worker_of_before_is_waited_for(stage: Stage) -> None:
    stage.store()
    leave, entered = threading.Event(), asyncio.Event()
    loop, save = asyncio.get_running_loop(), stage.cache.save

    def slow_disk() -> None:
        loop.call_soon_threadsafe(entered.set)
        leave.wait(5)
        save()

    stage.cache.save = slow_disk  # type: ignore[method-assign]
    stage.http.answer = lambda _: answered(tokens("first"))
    reading = asyncio.create_task(stage.person.token())
    await entered.wait()
    reading.cancel()
    await asyncio.wait({reading})
    stage.reseat()
    used: list[bytes] = []

    def second(request: HttpRequest) -> HttpResponse:
        used.append(request.body or b"")
        return answered(tokens("second"))

    stage.http.answer = second
    reading = asyncio.create_task(stage.person.token(refresh=True))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not used
    leave.set()
    assert await reading == "second"
    assert b"refresh_token=rt-first" in used[0]
    assert "rt-second" in stage.cache.file.read_text()


async def test_a_stop_ends_every_worker_at_once(stage: Stage) -> None:
    stage.store()
    stage.http.hangs = True
    asking = asyncio.create_task(stage.person.token())
    await stage.http.hung.wait()
    stage.workers.close()
    with pytest.raises(SourceUnavailableError, match="interrupted"):
        await asking
    stage.executor.shutdown(wait=True)


async def test_msal_is_never_called_on_the_loop(stage: Stage) -> None:
    with pytest.raises(RuntimeError, match="on a worker"):
        stage.person._stored._client._requests.get("https://login.example/")
    assert not stage.http.requests


# Who is asked, and when.


def a_code_for(grants: list[dict[str, Any]]) -> Any:
    """Answers with a code; a person is done when there is something in ``grants``."""

    def answer(request: HttpRequest) -> HttpResponse:
        if request.url.endswith("/devicecode"):
            return answered(CODE)
        if refreshes(request):
            return answered(REFUSED, 400)
        return answered(grants[-1]) if grants else answered({"error": "authorization_pending"}, 400)

    return answer


async def test_at_the_first_start_a_code_is_offered_by_itself(running: Stage) -> None:
    running.http.answer = a_code_for([])
    with pytest.raises(SignInNeededError):
        await running.person.token()
    assert (await running.until(PENDING)).user_code == "ABC"


async def test_who_is_thrown_out_is_asked_each_time(running: Stage) -> None:
    grants: list[dict[str, Any]] = []
    running.http.answer = a_code_for(grants)
    for number in range(1, 4):
        with pytest.raises(SignInNeededError):
            await running.person.token(refresh=True)
        await running.until(PENDING)
        await running.clock.until_asleep()
        grants.append(tokens(f"at-{number}"))
        await running.clock.advance(5)
        await running.until(SIGNED_IN, waits=False)
        assert await running.person.token() == f"at-{number}"
        grants.clear()
        await running.clock.advance(31)
    asked = [r for r in running.http.requests if r.url.endswith("/devicecode")]
    assert len(asked) == 3


async def run_out(stage: Stage) -> None:
    """Let time pass until no code waits any more."""
    async with asyncio.timeout(20):
        while stage.shown.waits:
            await stage.clock.advance(5)
            await asyncio.sleep(0.001)  # for the worker


async def test_a_code_that_nobody_used_is_not_replaced_by_itself(running: Stage) -> None:
    running.http.answer = a_code_for([])
    with pytest.raises(SignInNeededError):
        await running.person.token()
    await running.until(PENDING)
    await run_out(running)
    assert running.shown.state is EXPIRED
    for _ in range(3):
        with pytest.raises(SignInNeededError):
            await running.person.token()
        await running.clock.advance(3600)
    assert running.shown.state is EXPIRED


async def test_who_signs_out_is_not_asked(running: Stage) -> None:
    grants = [tokens("at")]
    running.http.answer = a_code_for(grants)
    running.person.request()
    await running.until(PENDING)
    await running.clock.until_asleep()
    await running.clock.advance(5)
    await running.until(SIGNED_IN)
    await running.person.sign_out()
    sent = len(running.http.requests)
    for _ in range(3):
        with pytest.raises(SignInNeededError):
            await running.person.token()
        await running.clock.advance(60)
    assert running.shown == SignIn()
    assert len(running.http.requests) == sent


# A sign-in that stands, stands.


@pytest.fixture
async def alices(running: Stage) -> Stage:
    """Alice is signed in, and a token works."""
    running.http.answer = a_code_for([tokens("at", expires_in=7200)])
    running.person.request()
    await running.until(PENDING)
    await running.clock.until_asleep()
    await running.clock.advance(5)
    await running.until(SIGNED_IN)
    running.http.answer = a_code_for([])
    return running


async def waiting_beside(stage: Stage) -> SignIn:
    """Ask for a sign-in while one stands; what is shown then."""
    stage.person.request()
    shown = await stage.until(SIGNED_IN, waits=True)
    await stage.clock.until_asleep()
    return shown


async def test_a_requested_sign_in_leaves_presence_and_state_alone(alices: Stage) -> None:
    states = set[SignInState]()

    async def watch() -> None:
        async for now in alices.person.sign_in.watch():
            states.add(now.state)

    watching = asyncio.create_task(watch())
    shown = await waiting_beside(alices)
    assert (shown.user_code, shown.verification_uri) == ("ABC", CODE["verification_uri"])
    assert shown.expires_at is not None
    assert await alices.person.token() == "at"
    alices.http.answer = a_code_for([tokens("newer")])
    await alices.clock.advance(5)
    assert await alices.until(SIGNED_IN, waits=False) == SignIn(SIGNED_IN)
    assert await alices.person.token() == "newer"
    watching.cancel()
    assert states == {SIGNED_IN}


async def test_a_code_can_be_taken_back(alices: Stage) -> None:
    await waiting_beside(alices)
    alices.person.cancel()
    assert alices.shown == SignIn(SIGNED_IN)
    assert await alices.person.token() == "at"
    sent = len(alices.http.requests)
    await alices.clock.advance(900)
    assert len(alices.http.requests) == sent
    assert (await waiting_beside(alices)).user_code == "ABC"


async def test_a_code_of_somebody_who_is_not_signed_in_can_be_taken_back(running: Stage) -> None:
    running.http.answer = a_code_for([])
    running.person.request()
    await running.until(PENDING)
    running.person.cancel()
    assert running.shown == SignIn()


async def test_a_code_that_ran_out_is_no_trouble_while_somebody_is_signed_in(
    alices: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    await waiting_beside(alices)
    await run_out(alices)
    assert alices.shown == SignIn(SIGNED_IN)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    assert await alices.person.token() == "at"


async def test_a_sign_in_that_is_refused_is_reported_and_the_one_before_stands(
    alices: Stage,
) -> None:
    await waiting_beside(alices)
    alices.http.answer = lambda _: answered({"error": "authorization_declined"}, 400)
    await alices.clock.advance(5)
    shown = await alices.until(SIGNED_IN, waits=False)
    assert (shown.message, shown.remedy) == (
        "The sign-in was declined.",
        "Sign in again and accept.",
    )
    assert await alices.person.token() == "at"


async def test_a_code_that_waits_stays_shown_when_the_old_sign_in_ends(alices: Stage) -> None:
    await waiting_beside(alices)
    with pytest.raises(SignInNeededError):
        await alices.person.token(refresh=True)
    assert (alices.shown.state, alices.shown.user_code) == (PENDING, "ABC")
    alices.person.cancel()
    assert (alices.shown.state, alices.shown.user_code) == (EXPIRED, None)
    assert "AADSTS50173" in str(alices.shown.message)


async def test_who_has_just_signed_in_is_kept_when_the_old_worker_ends_late(alices: Stage) -> None:
    await waiting_beside(alices)
    saves, leave = alices.cache.save, threading.Event()
    entered, loop = asyncio.Event(), asyncio.get_running_loop()

    def late() -> None:
        loop.call_soon_threadsafe(entered.set)
        leave.wait(5)
        saves()

    alices.cache.save = late  # type: ignore[method-assign]
    alices.http.answer = lambda r: answered(tokens("old" if refreshes(r) else "bobs"))
    old = asyncio.create_task(alices.person.token(refresh=True))
    await entered.wait()
    old.cancel()
    alices.cache.save = saves  # type: ignore[method-assign]
    await alices.clock.advance(5)
    leave.set()
    await alices.until(SIGNED_IN, waits=False)
    assert await alices.person.token() == "bobs"
    assert "rt-bobs" in alices.cache.file.read_text()
    assert "rt-old" not in alices.cache.file.read_text()


async def test_what_cannot_begin_is_reported_and_begins_by_itself(
    running: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    running.http.answer = unreachable
    running.person.request()
    for rest_s in (5, 10, 20):
        await running.clock.until_asleep()
        assert running.shown == SignIn(
            message="Microsoft's sign-in cannot be reached: name not found (login.example). "
            "It is tried again."
        )
        assert running.clock.next_wake_s == rest_s
        await running.clock.advance(rest_s)
    assert len(caplog.records) == 1
    await running.clock.until_asleep()
    running.http.answer = a_code_for([])
    await running.clock.advance(60)
    await running.until(PENDING)
