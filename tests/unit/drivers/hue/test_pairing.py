from pathlib import Path

import pytest
from pydantic import ValidationError

from bridge.contract.errors import LightRefusedError
from drivers.hue.pairing import Pairing, Pairings, Place

DESK = Pairing(hub_id="001788fffe23bfc2", key="the-key", fingerprint="ab" * 32)
OLD = Pairing(hub_id="001788fffe000001", key="old-key", fingerprint=None)


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    pairings = Pairings(tmp_path)
    assert pairings.load() == ()
    pairings.save(DESK)
    pairings.save(OLD)
    assert set(pairings.load()) == {DESK, OLD}


def test_another_pairing_replaces_the_key(tmp_path: Path) -> None:
    pairings = Pairings(tmp_path)
    pairings.save(DESK)
    again = DESK.model_copy(update={"key": "newer"})
    pairings.save(again)
    assert pairings.load() == (again,)


def test_only_the_owner_may_read_the_key(tmp_path: Path) -> None:
    Pairings(tmp_path).save(DESK)
    file = next((tmp_path / "hue").iterdir())
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_the_key_is_not_shown() -> None:
    assert "the-key" not in repr(DESK)


@pytest.mark.parametrize("hub_id", ["", "../../evil", "001788/../1", "short", "x" * 33])
def test_an_id_that_is_no_file_name_is_refused(hub_id: str) -> None:
    with pytest.raises(ValidationError):
        Pairing(hub_id=hub_id, key="key", fingerprint=None)


def test_a_broken_file_is_reported_and_the_others_are_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pairings = Pairings(tmp_path)
    pairings.save(DESK)
    (tmp_path / "hue" / "broken.json").write_text('{"key": "secret-of-mine"', encoding="utf-8")
    assert pairings.load() == (DESK,)
    assert "broken.json" in caplog.text
    assert "secret-of-mine" not in caplog.text


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "hue").write_text("a file in its place", encoding="utf-8")
    with pytest.raises(LightRefusedError, match="Give state_dir to the user"):
        Pairings(tmp_path).save(DESK)


def test_a_file_that_cannot_be_opened_is_reported(tmp_path: Path) -> None:
    (tmp_path / "hue" / "folder.json").mkdir(parents=True)
    with pytest.raises(LightRefusedError, match="Give state_dir to the user"):
        Pairings(tmp_path).load()


def test_the_place_of_a_hub_is_that_of_the_hub_in_the_config(tmp_path: Path) -> None:
    pairings = Pairings(tmp_path)
    place = Place(hub="192.0.2.7", hub_id=DESK.hub_id, address="192.0.2.9")
    pairings.save_place("desk", place)
    assert pairings.place("desk", "192.0.2.7") == place
    assert pairings.place("desk", "192.0.2.8") is None
    assert pairings.place("door", "192.0.2.7") is None
    assert pairings.load() == ()


def test_a_place_that_cannot_be_read_or_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "hue").mkdir()
    (tmp_path / "hue" / "desk.place").write_text("{")
    assert Pairings(tmp_path).place("desk", "192.0.2.7") is None
    (tmp_path / "file").write_text("")
    place = Place(hub="hub.lan", hub_id=DESK.hub_id, address="hub.lan")
    Pairings(tmp_path / "file").save_place("desk", place)
