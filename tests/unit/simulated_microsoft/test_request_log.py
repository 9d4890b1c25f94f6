from __future__ import annotations

import asyncio

import pytest

from tests.fakes.clock import START
from tests.fakes.microsoft.request_log import LoggedRequest, RequestLog


def entry(endpoint: str, *, person: str | None = None, status: int = 200) -> LoggedRequest:
    return LoggedRequest(
        method="GET",
        path="/",
        endpoint=endpoint,
        at=START,
        at_s=0,
        headers={},
        body=b"",
        person=person,
        status=status,
    )


def test_requests_are_counted_by_endpoint_person_and_status() -> None:
    log = RequestLog()
    log.add(entry("me", person="alice"))
    log.add(entry("me.presence", person="alice"))
    log.add(entry("me.presence", person="bob", status=503))

    assert log.count() == 3
    assert log.count("me.presence") == 2
    assert log.count("graph", person="alice") == 2
    assert [found.person for found in log.of("me.presence", status=503)] == ["bob"]


def test_only_the_newest_are_kept() -> None:
    log = RequestLog(keep=2)
    for endpoint in ("discovery", "me", "me.presence"):
        log.add(entry(endpoint))

    assert [found.endpoint for found in log.of()] == ["me", "me.presence"]
    assert len(log) == 2
    log.clear()
    assert log.count() == 0


async def test_one_can_wait_for_requests_to_come() -> None:
    log = RequestLog()
    waiting = asyncio.create_task(log.until("me.presence", 2))
    log.add(entry("me.presence"))
    log.add(entry("me"))
    await asyncio.sleep(0)
    assert not waiting.done()

    log.add(entry("me.presence"))

    await asyncio.wait_for(waiting, 5)


async def test_waiting_ends_at_its_deadline() -> None:
    with pytest.raises(TimeoutError):
        await RequestLog().until("me.presence", deadline_s=0.01)
