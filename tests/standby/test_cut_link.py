"""A bridge in a network namespace, whose cable is pulled: nobody is informed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.mosquitto import needs_mosquitto

MOST_S = 880
APART = ("unshare", "--net")


@pytest.mark.long
@pytest.mark.timeout(900)
def test_whose_cable_is_pulled_is_replaced_and_waits_when_it_is_back(tmp_path: Path) -> None:
    needs_mosquitto()
    if os.geteuid() != 0 or not (shutil.which("ip") and shutil.which("unshare")):
        pytest.skip("only root, with iproute2 and util-linux, makes network namespaces")
    tried = subprocess.run(
        [*APART, "ip", "netns", "list"], capture_output=True, text=True, check=False
    )
    if tried.returncode:
        pytest.skip(f"this machine makes no network namespaces: {tried.stderr}")
    story = [*APART, sys.executable, "-m", "tests.standby.cut_link", str(tmp_path)]
    played = subprocess.run(story, capture_output=True, text=True, timeout=MOST_S, check=False)
    assert played.returncode == 0, played.stderr
