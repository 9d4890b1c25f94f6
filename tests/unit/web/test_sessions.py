from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.web.access.sessions import ENDED_MOST, LIFETIME, Session, Sessions
from tests.fakes.web_page import NOON

SECRET = bytes(32)
SESSIONS = Sessions(SECRET, password_key=b"k")


def begin(*, authenticated: bool = True, number: int = 1) -> Session:
    return SESSIONS.begin(lambda size: bytes([number]) * size, NOON, authenticated=authenticated)


@pytest.mark.parametrize("authenticated", [True, False])
def test_a_session_is_recognised_also_after_a_restart(authenticated: bool) -> None:  # noqa: FBT001
    session = begin(authenticated=authenticated)
    later = Sessions(SECRET, password_key=b"k").recognise(session.cookie, NOON)
    assert later == session
    assert later.authenticated is authenticated


def test_it_ends_after_its_lifetime() -> None:
    cookie = begin().cookie
    assert SESSIONS.recognise(cookie, NOON + LIFETIME - timedelta(seconds=1))
    assert SESSIONS.recognise(cookie, NOON + LIFETIME) is None


def test_a_new_password_or_another_key_ends_all() -> None:
    cookie = begin().cookie
    assert Sessions(SECRET, password_key=b"new").recognise(cookie, NOON) is None
    assert Sessions(bytes(31) + b"1", password_key=b"k").recognise(cookie, NOON) is None


def test_who_has_not_given_the_password_cannot_say_so() -> None:
    parts = begin(authenticated=False).cookie.split(".")
    forged = ".".join([parts[0], parts[1].replace("a", "k"), parts[2]])
    assert SESSIONS.recognise(forged, NOON) is None


@given(st.text())
def test_no_other_text_is_a_session(text: str) -> None:
    assert SESSIONS.recognise(text, NOON) is None


@given(st.integers(0, 90), st.characters(codec="ascii"))
def test_no_character_of_a_cookie_can_be_changed(place: int, character: str) -> None:
    cookie = begin().cookie
    place %= len(cookie)
    changed = cookie[:place] + character + cookie[place + 1 :]
    assert (SESSIONS.recognise(changed, NOON) is None) == (changed != cookie)


def test_a_token_belongs_to_one_session() -> None:
    one, other = begin(number=1), begin(number=2)
    assert one.accepts(one.token)
    assert not one.accepts(other.token)
    assert not one.accepts("")
    assert not one.accepts("ü\ud800")
    assert one.token not in one.cookie


def test_an_ended_session_is_over_for_all_who_hold_its_cookie_also_after_a_restart() -> None:
    kept: list[str] = []
    sessions = Sessions(SECRET, password_key=b"k", save=kept.append)
    mine, other = begin(number=1), begin(number=2)
    sessions.end(mine, NOON)
    restarted = Sessions(SECRET, password_key=b"k", ended=kept[-1])
    for each in (sessions, restarted):
        assert each.recognise(mine.cookie, NOON) is None
        assert each.recognise(other.cookie, NOON) == other


def test_only_sessions_that_know_the_password_are_remembered_and_not_for_ever() -> None:
    kept: list[str] = []
    sessions = Sessions(SECRET, password_key=b"k", save=kept.append)
    sessions.end(begin(authenticated=False), NOON)
    assert not kept
    sessions.end(begin(number=1), NOON)
    sessions.end(begin(number=2), NOON + LIFETIME)
    assert kept[-1].count("k") == 0
    assert len(json.loads(kept[-1])["ended"]) == 1


def test_when_too_many_were_ended_all_are() -> None:
    sessions = Sessions(SECRET, password_key=b"k")
    another = begin(number=255)
    for number in range(ENDED_MOST + 1):
        name = number.to_bytes(16, "big")
        sessions.end(SESSIONS.begin(lambda _, name=name: name, NOON, authenticated=True), NOON)  # type: ignore[misc]
    assert sessions.recognise(another.cookie, NOON) is None
    later = NOON + timedelta(seconds=1)
    fresh = sessions.begin(bytes, later, authenticated=True)
    assert sessions.recognise(fresh.cookie, later) == fresh


@pytest.mark.parametrize("text", ["", "{", "[]", '{"ended": 1, "all_until": 2}', "[" * 5000])
def test_a_broken_memory_of_what_was_ended_is_none(text: str) -> None:
    sessions = Sessions(SECRET, password_key=b"k", ended=text)
    assert sessions.recognise(begin().cookie, NOON)
