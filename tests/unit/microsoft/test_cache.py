"""The file of a token cache, with msal's real cache object in it."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.microsoft.sign_in.token_cache import TokenCache

ACCOUNT = {
    "home_account_id": "o.t",
    "environment": "localhost",
    "realm": "t",
    "authority_type": "MSSTS",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tokens" / "alice.json"


def signed_in(file: Path, **more: str) -> TokenCache:
    """A cache with one account, not saved yet."""
    cache = TokenCache(file)
    account = {**ACCOUNT, **more}
    cache.tokens.modify(cache.tokens.CredentialType.ACCOUNT, account, account)
    return cache


def test_what_was_saved_is_loaded(file: Path) -> None:
    assert not TokenCache(file).has_account
    signed_in(file).save()
    again = TokenCache(file)
    again.load()
    assert again.has_account


def test_nothing_is_written_when_nothing_changed(file: Path) -> None:
    TokenCache(file).save()
    assert not file.exists()
    cache = signed_in(file)
    cache.save()
    file.unlink()
    cache.save()
    assert not file.exists()


def test_file_and_folder_are_private_whatever_the_umask(file: Path) -> None:
    before = os.umask(0)
    try:
        signed_in(file).save()
    finally:
        os.umask(before)
    assert mode(file) == 0o600
    assert mode(file.parent) == 0o700


def test_an_open_file_is_closed_to_others_with_a_line(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    signed_in(file).save()
    file.chmod(0o644)
    file.parent.chmod(0o755)
    TokenCache(file).load()
    assert (mode(file), mode(file.parent)) == (0o600, 0o700)
    assert len(caplog.messages) == 2


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_replaced_and_never_written_into(file: Path) -> None:
    signed_in(file).save()
    with file.open(encoding="utf-8") as old:
        signed_in(file, username="somebody else").save()
        assert "somebody" not in old.read()
    assert "somebody else" in file.read_text(encoding="utf-8")
    assert [path.name for path in file.parent.iterdir()] == ["alice.json"]


BROKEN = [
    b"",
    b"{",
    b"\x00" * 512,
    b"\xff\xfe\x80",
    b"null",
    b"7",
    b"[]",
    b'{"Account": 7}',
    b'{"Account": {"a": 7}}',
    b'{"Account": {"a": {"home_account_id": 7}}}',
    b'{"Account": {"a": {"home_account_id": "o.t", "environment": "localhost"}}}',
    b'{"RefreshToken": {"a": {"secret": ["rt"]}}}',
    b"[" * 200_000,
]


@pytest.mark.parametrize("content", BROKEN, ids=lambda content: repr(content[:24]))
def test_a_broken_file_is_set_aside_with_one_line(
    file: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    file.parent.mkdir(mode=0o700)
    file.write_bytes(content)
    file.chmod(0o600)
    cache = TokenCache(file)
    cache.load()
    assert not cache.has_account
    assert caplog.messages == [
        f"{file} cannot be read: set aside as alice.broken; sign in again",
    ]
    assert not file.exists()
    assert file.with_suffix(".broken").read_bytes() == content
    cache.load()
    assert len(caplog.messages) == 1


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    ["Account", "RefreshToken", "AccessToken", "expires_on", "secret", "a"]
                ),
                inner,
            )
        ),
    )
)
def test_no_content_at_all_stops_the_bridge(file: Path, content: Any) -> None:
    file.parent.mkdir(mode=0o700, exist_ok=True)
    file.write_text(json.dumps(content), encoding="utf-8")
    file.chmod(0o600)
    cache = TokenCache(file)
    cache.load()
    assert cache.has_account in (True, False)


TOKEN = {
    **ACCOUNT,
    "client_id": "c",
    "target": "Presence.Read",
    "secret": "at",
    "expires_on": "1900000000",
}
DAMAGED = [
    {"expires_on": "soon"},
    {"expires_on": None},
    {"expires_on": "1" * 400},
    {"refresh_on": 1.5},
    {"secret": None},
    {"secret": {"a": 1}},
    {"target": ["Presence.Read"]},
    {"realm": 7},
]


@pytest.mark.parametrize("damage", DAMAGED, ids=str)
def test_a_damaged_token_is_left_out_and_the_sign_in_stays(
    file: Path, damage: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    file.parent.mkdir(mode=0o700)
    kinds = {"Account": {"a": ACCOUNT}, "AccessToken": {"good": TOKEN, "bad": {**TOKEN, **damage}}}
    file.write_text(json.dumps(kinds), encoding="utf-8")
    file.chmod(0o600)
    cache = TokenCache(file)
    cache.load()
    assert cache.has_account
    assert list(cache.tokens.search("AccessToken", now=1)) == [TOKEN]
    assert caplog.messages == [f"{file}: damaged entries are left out: 1"]
    assert file.exists()


def test_a_disk_that_refuses_is_reported_once_and_retried(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    file.parent.write_text("a file where the folder should be", encoding="utf-8")
    cache = signed_in(file)
    for _ in range(3):
        cache.save()
    assert cache.has_account
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    file.parent.unlink()
    cache.save()
    assert "is written again" in caplog.messages[-1]
    assert file.exists()


def test_a_deleted_cache_is_empty_and_stays_so(file: Path) -> None:
    cache = signed_in(file)
    cache.save()
    for _ in range(2):
        cache.delete()
        assert not file.exists()
        assert not cache.has_account
    cache.load()
    cache.save()
    assert not file.exists()
