"""What the doctor says of the state folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridge.doctor.files import state_folder, stored_sign_in
from tests.fakes.other_user import as_nobody, let_in, only_root


@pytest.mark.parametrize(
    ("disk", "told"),
    [({"f_flag": os.ST_RDONLY}, "read-only"), ({"f_bavail": 0}, "full"), ({"f_favail": 0}, "full")],
)
def test_a_disk_that_takes_nothing_is_reported(
    tmp_path: Path, disk: dict[str, int], told: str
) -> None:
    real = os.statvfs(tmp_path)
    keys = ["bsize", "frsize", "blocks", "bfree", "bavail", "files", "ffree", "favail", "flag"]
    keys += ["namemax"]
    values = {f"f_{key}": max(1, getattr(real, f"f_{key}")) for key in keys} | {"f_flag": 0} | disk
    finding = state_folder(tmp_path, disk=lambda _: os.statvfs_result(tuple(values.values())))
    assert finding.text == f"state_dir: {tmp_path}: its disk is {told}"
    assert state_folder(tmp_path).good


@only_root
def test_a_sign_in_in_a_folder_of_roots_is_reported_with_the_command(tmp_path: Path) -> None:
    tokens = tmp_path / "state" / "tokens"
    tokens.mkdir(parents=True, mode=0o700)
    (tokens / "alice.json").touch(mode=0o600)
    let_in(tokens)
    with as_nobody():
        finding = stored_sign_in(tokens / "alice.json", "alice", tokens.parent)
    assert finding is not None
    assert finding.text.endswith(f"(nobody) may not enter {tokens}, which belongs to root")
    assert finding.remedy == (
        f"Run this as the user of the service. If that is nobody: sudo chown -R nobody "
        f"{tokens.parent}"
    )
