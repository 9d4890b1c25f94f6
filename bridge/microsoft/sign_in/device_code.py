"""Signing in by device code, from its request to its end (RFC 8628)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from bridge.contract.account import SignIn, SignInState
from bridge.contract.clock import Clock
from bridge.contract.errors import SourceUnavailableError
from bridge.microsoft.sign_in.flow import Failed, Step
from bridge.microsoft.sign_in.genuine_answers import PENDING, Answer
from bridge.microsoft.sign_in.msal_client import MsalClient
from bridge.microsoft.sign_in.remedies import explain
from bridge.microsoft.texts import plain

INTERVAL_MOST_S = 60.0
MESSAGE_MOST = 500


async def by_device_code(
    client: MsalClient, *, scopes: Sequence[str], claims: str | None, clock: Clock
) -> AsyncGenerator[Step, None]:
    """Go on to the end; ``SourceUnavailableError`` when it cannot begin now."""
    code = await client.ask(partial(_request, list(scopes), claims)) or {}
    if "error" in code:
        yield Failed(explain(code))
        return
    yield _waiting(code, clock.now())
    ends_s = clock.monotonic() + code["expires_in"]
    rests_s = 0.0
    while clock.monotonic() < ends_s:
        await clock.sleep(max(code["interval"], rests_s))
        rests_s = 0.0
        try:
            answer = await client.ask(partial(_poll, code)) or {}
        except SourceUnavailableError as error:  # the polls get rarer (RFC 8628, 3.5)
            code["interval"] = min(INTERVAL_MOST_S, 2 * code["interval"])
            rests_s = error.retry_after_s or 0.0
            continue
        if "access_token" in answer:
            yield answer
            return
        if answer["error"] not in PENDING:
            yield Failed(explain(answer), ran_out=answer["error"] == "expired_token")
            return
    yield Failed(explain({"error": "expired_token"}), ran_out=True)


def _request(scopes: list[str], claims: str | None, app: Any) -> Answer:
    code: Answer = app.initiate_device_flow(scopes, claims_challenge=claims)
    return code if "error" in code else code | {"interval": max(1, code["interval"])}


def _waiting(code: Answer, now: datetime) -> SignIn:
    address, user_code = code["verification_uri"], code["user_code"]
    message = code.get("message")
    if not isinstance(message, str) or len(message) > MESSAGE_MOST:
        message = f"open {address} and enter {user_code}"
    return SignIn(
        SignInState.CODE_PENDING,
        user_code=plain(user_code),
        verification_uri=plain(address),
        expires_at=now + timedelta(seconds=float(code["expires_in"])),
        message=plain(message),
    )


def _poll(code: Answer, app: Any) -> Answer:
    """One poll; msal adds to the interval when it is told to slow down."""
    code.pop("latest_attempt_at", None)  # msal warns by the wall clock, which may have been set
    answer: Answer = app.acquire_token_by_device_flow(code, exit_condition=lambda _: True)
    return answer
