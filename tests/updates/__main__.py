"""``scripts/update-trial``: the update by pip, then by docker compose with a real engine."""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.updates.compose import trial
from tests.updates.releases import BASE, last_release


def main(words: Sequence[str] | None = None) -> int:
    """0 when nothing was lost."""
    parser = argparse.ArgumentParser(prog="scripts/update-trial", description=__doc__)
    parser.add_argument("--base", default=last_release(), help="the release to update from")
    parser.add_argument("--offline", action="store_true", help="with the base images that are here")
    parser.add_argument("--compose-only", action="store_true", help="leave pip to the tests")
    given = parser.parse_args(words)
    if given.base is None:
        parser.error("the history of git is not here: --base REF")
    if not given.compose_only:
        pip = [sys.executable, "-m", "pytest", "-q", "tests/updates"]
        subprocess.run(pip, check=True, env=os.environ | {BASE: given.base})
    engine = subprocess.run(["docker", "info"], check=False, capture_output=True)
    if engine.returncode:
        print("No engine answers to docker: the half of compose was not tried.")  # noqa: T201
        return 0
    with TemporaryDirectory(prefix="presence-update-") as folder:
        Path(folder).chmod(0o755)  # containers come here
        asyncio.run(trial(Path(folder), given.base, offline=given.offline))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
