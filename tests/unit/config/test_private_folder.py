from __future__ import annotations

from pathlib import Path

import pytest

from bridge.config.atomic_file import make_private, write_private


def test_what_is_missing_above_a_private_file_is_private_too(tmp_path: Path) -> None:
    """A lamp that starts before the bridge makes ``state_dir``, which tokens are kept in later."""
    write_private(tmp_path / "state" / "lights" / "desk.json", "{}")
    for folder in (tmp_path / "state", tmp_path / "state" / "lights"):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_what_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir(mode=0o755)
    make_private(tmp_path / "there" / "below")
    make_private(tmp_path / "there")
    assert (tmp_path / "there").stat().st_mode & 0o777 == 0o755


def test_a_file_in_the_way_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OSError, match="file"):
            make_private(folder)
