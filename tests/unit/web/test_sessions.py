from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.web.access.sessions import ENDED_MOST, LIFETIME, Session, Sessions
from tests.fakes.clock import ManualClock
from tests.fakes.web_page import NOON

SECRET = bytes(32)


def sessions(
    now: datetime = NOON, *, secret: bytes = SECRET, key: bytes = b"k", number: int = 1, **more: Any
) -> Sessions:
    """As they are at ``now``; the next one has the id ``number``."""
    return Sessions(
        "session",
        secret,
        clock=ManualClock(now),
        random=lambda size: number.to_bytes(size, "big"),
        password_key=key,
        **more,
    )


def begin(*, authenticated: bool = True, number: int = 1) -> Session:
    return sessions(number=number).begin(authenticated=authenticated)


@pytest.mark.parametrize("authenticated", [True, False])
def test_a_session_is_recognised_also_after_a_restart(authenticated: bool) -> None:  # noqa: FBT001
    session = begin(authenticated=authenticated)
    later = sessions().recognise(session.cookie)
    assert later == session
    assert later.authenticated is authenticated


def test_it_ends_after_its_lifetime() -> None:
    cookie = begin().cookie
    assert sessions(NOON + LIFETIME - timedelta(seconds=1)).recognise(cookie)
    assert sessions(NOON + LIFETIME).recognise(cookie) is None


def test_a_new_password_or_another_key_ends_all() -> None:
    cookie = begin().cookie
    assert sessions(key=b"new").recognise(cookie) is None
    assert sessions(secret=bytes(31) + b"1").recognise(cookie) is None


def test_who_has_not_given_the_password_cannot_say_so() -> None:
    parts = begin(authenticated=False).cookie.split(".")
    forged = ".".join([parts[0], parts[1].replace("a", "k"), parts[2]])
    assert sessions().recognise(forged) is None


@given(st.text())
def test_no_other_text_is_a_session(text: str) -> None:
    assert sessions().recognise(text) is None


@given(st.integers(0, 90), st.characters(codec="ascii"))
def test_no_character_of_a_cookie_can_be_changed(place: int, character: str) -> None:
    cookie = begin().cookie
    place %= len(cookie)
    changed = cookie[:place] + character + cookie[place + 1 :]
    assert (sessions().recognise(changed) is None) == (changed != cookie)


def test_a_token_belongs_to_one_session() -> None:
    one, other = begin(number=1), begin(number=2)
    assert one.accepts(one.token)
    assert not one.accepts(other.token)
    assert not one.accepts("")
    assert not one.accepts("ü\ud800")
    assert one.token not in one.cookie


def test_an_ended_session_is_over_for_all_who_hold_its_cookie_also_after_a_restart() -> None:
    kept: list[str] = []
    running = sessions(save=kept.append)
    mine, other = begin(number=1), begin(number=2)
    running.end(mine)
    for each in (running, sessions(ended=kept[-1])):
        assert each.recognise(mine.cookie) is None
        assert each.recognise(other.cookie) == other


def test_only_sessions_that_know_the_password_are_remembered_and_not_for_ever() -> None:
    kept: list[str] = []
    running = sessions(save=kept.append)
    running.end(begin(authenticated=False))
    assert not kept
    running.end(begin(number=1))
    sessions(NOON + LIFETIME, ended=kept[-1], save=kept.append).end(begin(number=2))
    assert kept[-1].count("k") == 0
    assert len(json.loads(kept[-1])["ended"]) == 1


def test_when_too_many_were_ended_all_are() -> None:
    kept: list[str] = []
    running = sessions(save=kept.append)
    another = begin(number=2**16)
    for number in range(ENDED_MOST + 1):
        running.end(begin(number=number))
    assert running.recognise(another.cookie) is None
    later = sessions(NOON + timedelta(seconds=1), ended=kept[-1])
    fresh = later.begin(authenticated=True)
    assert later.recognise(fresh.cookie) == fresh


@pytest.mark.parametrize("text", ["", "{", "[]", '{"ended": 1, "all_until": 2}', "[" * 5000])
def test_a_broken_memory_of_what_was_ended_is_none(text: str) -> None:
    assert sessions(ended=text).recognise(begin().cookie)
