"""What the doctor says of the state folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridge.doctor.files import state_folder


@pytest.mark.parametrize(
    ("disk", "told"),
    [({"f_flag": os.ST_RDONLY}, "read-only"), ({"f_bavail": 0}, "full"), ({"f_favail": 0}, "full")],
)
def test_a_disk_that_takes_nothing_is_told(tmp_path: Path, disk: dict[str, int], told: str) -> None:
    real = os.statvfs(tmp_path)
    keys = ["bsize", "frsize", "blocks", "bfree", "bavail", "files", "ffree", "favail", "flag"]
    keys += ["namemax"]
    values = {f"f_{key}": max(1, getattr(real, f"f_{key}")) for key in keys} | {"f_flag": 0} | disk
    finding = state_folder(tmp_path, disk=lambda _: os.statvfs_result(tuple(values.values())))
    assert finding.text == f"state_dir: {tmp_path}: its disk is {told}"
    assert state_folder(tmp_path).good
