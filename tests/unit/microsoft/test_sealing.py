"""Token caches that are encrypted: with the right key, a wrong one, none, and after tampering."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract.errors import ConfigError
from bridge.microsoft.sign_in.encryption import KEY_BYTES, OtherKeyError, Seal, key_id_of, load_seal
from bridge.microsoft.sign_in.token_cache import TokenCache, how_stored
from tests.unit.microsoft.test_cache import ACCOUNT

KEY, OTHER = Seal(b"k" * KEY_BYTES), Seal(b"o" * KEY_BYTES)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tokens" / "alice.json"


def signed_in(file: Path, seal: Seal | None) -> TokenCache:
    cache = TokenCache(file, seal)
    cache.tokens.modify(cache.tokens.CredentialType.ACCOUNT, ACCOUNT, ACCOUNT)
    cache.save()
    return cache


def loaded(file: Path, seal: Seal | None) -> TokenCache:
    cache = TokenCache(file, seal)
    cache.load()
    return cache


@given(st.text())
def test_what_was_sealed_is_unsealed_and_nothing_of_it_shows(text: str) -> None:
    sealed = KEY.seal(text, "alice.json")
    assert KEY.unseal(sealed, "alice.json") == text
    shown = json.loads(sealed)
    assert len(text) < 8 or text not in shown["nonce"] + shown["text"]
    assert KEY.seal(text, "alice.json") != sealed


def test_a_file_holds_nothing_readable_but_the_name_of_its_key(file: Path) -> None:
    signed_in(file, KEY)
    text = file.read_text(encoding="utf-8")
    assert "home_account_id" not in text
    assert set(json.loads(text)) == {"encrypted", "key", "nonce", "text"}
    assert file.stat().st_mode & 0o777 == 0o600
    assert loaded(file, KEY).has_account
    assert how_stored(file) == f"encrypted with key {KEY.key_id}"


def test_a_plain_file_is_encrypted_when_it_is_written_next(file: Path) -> None:
    signed_in(file, None)
    assert how_stored(file) == "not encrypted"
    cache = loaded(file, KEY)
    assert cache.has_account
    other = ACCOUNT | {"realm": "u"}
    cache.tokens.modify(cache.tokens.CredentialType.ACCOUNT, other, other)
    cache.save()
    assert how_stored(file) == f"encrypted with key {KEY.key_id}"
    assert loaded(file, KEY).has_account


def test_what_nobody_can_make_sense_of_is_damaged_and_what_cannot_be_read_is_reported_as_that(
    file: Path,
) -> None:
    assert how_stored(file) is None
    signed_in(file, None)
    file.write_bytes(b"\xff\xfe")
    assert how_stored(file) == "damaged"
    file.unlink()
    file.mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        how_stored(file)


@pytest.mark.parametrize("seal", [OTHER, None])
def test_with_another_key_or_none_the_file_stays_as_it_is(file: Path, seal: Seal | None) -> None:
    signed_in(file, KEY)
    before = file.read_bytes()
    cache = TokenCache(file, seal)
    with pytest.raises(OtherKeyError, match=KEY.key_id):
        cache.load()
    cache.save()
    assert [path.name for path in file.parent.iterdir()] == ["alice.json"]
    assert file.read_bytes() == before


def test_a_new_sign_in_sets_the_file_of_another_key_aside(file: Path) -> None:
    signed_in(file, KEY)
    before = file.read_bytes()
    cache = TokenCache(file, OTHER)
    with pytest.raises(OtherKeyError):
        cache.load()
    cache.tokens.modify(cache.tokens.CredentialType.ACCOUNT, ACCOUNT, ACCOUNT)
    cache.save()
    assert file.with_suffix(".other-key").read_bytes() == before
    assert loaded(file, OTHER).has_account


def test_a_file_that_was_changed_or_moved_is_broken(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    signed_in(file, KEY)
    whole = file.read_bytes()
    bob = file.with_name("bob.json")
    fields = json.loads(whole)
    flipped = bytearray(base64.b64decode(fields["text"]))
    flipped[9] ^= 1
    changed = json.dumps(fields | {"text": base64.b64encode(flipped).decode()}).encode()
    cases = [
        (bob, whole),
        (file, changed),
        (file, json.dumps(fields | {"nonce": "!"}).encode()),
        (file, json.dumps({k: v for k, v in fields.items() if k != "nonce"}).encode()),
        (file, whole[: len(whole) // 2]),
    ]
    for place, content in cases:
        place.write_bytes(content)
        place.chmod(0o600)
        assert not loaded(place, KEY).has_account
        assert place.with_suffix(".broken").read_bytes() == content
    assert caplog.text.count("set aside") == len(cases)


def test_a_key_file_is_read_and_what_is_none_is_reported_with_how_to_make_one(
    tmp_path: Path,
) -> None:
    file = tmp_path / "key"
    file.write_text(base64.b64encode(b"k" * KEY_BYTES).decode() + "\n", encoding="utf-8")
    seal = load_seal(file)
    assert seal is not None
    assert seal.key_id == KEY.key_id
    assert load_seal(None) is None
    for content in (b"", b"short", b"\xff\xfe", base64.b64encode(b"k" * 31), b"k" * 32):
        file.write_bytes(content)
        with pytest.raises(ConfigError, match="openssl rand -base64 32") as caught:
            load_seal(file)
        assert caught.value.problems[0].startswith(f"security.key_file: {file}: holds no 32 bytes")
    with pytest.raises(ConfigError, match="No such file or directory; make one"):
        load_seal(tmp_path / "nowhere")


def test_the_name_of_a_key_reveals_nothing_about_it() -> None:
    assert KEY.key_id != OTHER.key_id
    assert (b"k" * KEY_BYTES).hex()[:8] != KEY.key_id
    assert key_id_of("{}") is None
    assert key_id_of("[" * 100_000) is None
