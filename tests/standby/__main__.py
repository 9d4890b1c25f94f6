"""Plays random stories of two real bridges on a real broker.

python -m tests.standby --seeds 100 --at-once 6
python -m tests.standby --seeds 50 --at-once 6 --nats /path/to/nats-server
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

from bridge.contract.clock import SystemClock
from bridge.demo.certificate import make_certificate
from bridge.microsoft.sign_in.certificate import create
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import Directory
from tests.fakes.microsoft.request_log import RequestLog
from tests.standby.brokers import Nats, mosquitto
from tests.standby.pair import NODES, Office, running
from tests.standby.story import FAULTS, Story

MOSQUITTO_SILENT_S, NATS_SILENT_S = 15.0, 45.0
AHEAD_S = (0.0, 0.0, 3_600.0, -400.0)
KEEP_REQUESTS = 200_000


@asynccontextmanager
async def office(folder: Path, *, name: str = "localhost") -> AsyncIterator[Office]:
    """Microsoft for all stories, with an app for each node; it is found by ``name``."""
    directory = Directory(SystemClock())
    tenant = directory.add_tenant("contoso.com")
    secrets = folder / "secrets"
    create(secrets, days=30, now=SystemClock().now())
    apps = {
        node: directory.add_app(tenant, client_id=f"0f0f0f0f-0000-4000-8000-00000000000{node}")
        for node in NODES
    }
    for app in apps.values():
        app.certificates = [(secrets / "app.pem").read_bytes()]
        app.roles = {"Presence.Read.All", "User.Read.All"}
    certificate = make_certificate(folder, [name])
    host = "127.0.0.1" if name == "localhost" else name
    async with ScriptedMicrosoft(directory, certificate, host=host, name=name) as microsoft:
        microsoft.requests = RequestLog(keep=KEEP_REQUESTS)
        yield Office(microsoft, directory, tenant, apps, secrets)


async def play(
    seed: int,
    work: Office,
    root: Path,
    *,
    nats: Path | None = None,
    faults: int = 3,
    only: tuple[str, ...] = FAULTS,
    lasts_s: float = 45.0,
) -> Story:
    """One story; of one seed not the same each time, since machines are not."""
    random = Random(f"standby {seed}")
    folder = root / f"story{seed}"
    folder.mkdir()
    broker = Nats(nats, folder) if nats else mosquitto(folder, remembers=random.random() < 0.5)
    ahead_s = random.choice(AHEAD_S)
    async with running(work, folder, broker, ahead_s=ahead_s, speaks_5=nats is None) as pair:
        silent_s = NATS_SILENT_S if nats else MOSQUITTO_SILENT_S
        story = Story(pair, random, silent_s=silent_s)
        await story.play(faults, only=only, lasts_s=lasts_s)
    return story


async def _main(arguments: argparse.Namespace) -> int:
    root = Path(tempfile.mkdtemp(prefix="standby-"))
    room, stories = asyncio.Semaphore(arguments.at_once), list[Story]()

    async def one(seed: int, work: Office) -> None:
        async with room:
            lasts_s = 90.0 if arguments.nats else 45.0
            story = await play(
                seed, work, root, nats=arguments.nats, faults=arguments.faults, lasts_s=lasts_s
            )
        stories.append(story)
        found = story.found[0] if story.found else "right"
        print(f"seed {seed}: {found} | {story.done} | {root}/story{seed}", flush=True)
        if not story.found:
            shutil.rmtree(root / f"story{seed}", ignore_errors=True)

    try:
        async with office(root) as work, asyncio.TaskGroup() as tasks:
            for seed in range(arguments.first, arguments.first + arguments.seeds):
                tasks.create_task(one(seed, work), name=f"story {seed}")
    finally:
        failed = sum(1 for story in stories if story.found)
        _summary(stories, failed)
    if not failed:
        shutil.rmtree(root, ignore_errors=True)
    return int(failed > 0)


def _summary(stories: list[Story], failed: int) -> None:
    times = [each for story in stories for each in story.takeovers]
    for fault in sorted({fault for fault, *_ in times}):
        wills = sorted(will_s for each, will_s, _ in times if each == fault)
        faults = sorted(fault_s for each, _, fault_s in times if each == fault)
        print(
            f"{fault}: {len(wills)} times offline, {wills[len(wills) // 2]:.0f} s after the will, "
            f"{wills[-1]:.0f} s at most; {faults[len(faults) // 2]:.0f} s after the fault"
        )
    wrong_s = max((story.wrong_s for story in stories), default=0.0)
    doubled = max((story.doubled for story in stories), default=0)
    done = sum(len(story.done) for story in stories)
    print(
        f"{len(stories)} stories, {done} faults, {failed} failed; somebody shown wrong for "
        f"{wrong_s:.0f} s, {doubled} doubled reads"
    )


def main() -> int:
    """Play them; 1 when one found something."""
    parser = argparse.ArgumentParser(prog="python -m tests.standby", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--from", type=int, default=1, dest="first")
    parser.add_argument("--faults", type=int, default=3)
    parser.add_argument("--at-once", type=int, default=4)
    parser.add_argument("--nats", type=Path, help="play on this nats-server instead of Mosquitto")
    return asyncio.run(_main(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
