"""The page of the app on the addresses of Home Assistant's network, in a network of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.config.supervisor import INGRESS
from tests.fakes.app_network import APP, OTHER_APP, PATHS

ROOT = Path(__file__).parents[2]
ADDRESSES = " && ".join(f"ip address add {it}/32 dev lo" for it in (INGRESS, OTHER_APP, APP))
APART = ["unshare", "--net", "--", "sh", "-c"]


def needs_a_network() -> None:
    made = shutil.which("unshare") and shutil.which("ip", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if not made or subprocess.run([*APART, "ip link set lo up"], check=False).returncode:
        pytest.skip("a network of its own cannot be made here (needs root, unshare and ip)")


def test_ingress_gets_the_page_and_another_app_gets_nothing(tmp_path: Path) -> None:
    needs_a_network()
    visit = f'ip link set lo up && {ADDRESSES} && exec "$0" -m tests.fakes.app_network "$1"'
    done = subprocess.run(
        [*APART, visit, sys.executable, tmp_path],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout)
    assert got[INGRESS] == dict.fromkeys(PATHS, 200)
    refused = dict.fromkeys(PATHS, 403)
    assert got[OTHER_APP] == {**refused, "healthz": 200}
