"""``python -m tests.fakes.app_network FOLDER``: who gets what from the page of the app.

To be run in a network of its own that has the addresses below; prints JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import aiohttp

from bridge.config.supervisor import INGRESS, PAGE
from bridge.web.data.snapshot import Snapshot
from tests.fakes.web_page import person, service, serving

OTHER_APP = "172.30.33.9"
APP = "172.30.33.7"
PATHS = ("", "healthz", "readyz", "api/v1/people", "static/page.css")
FORGED = {"X-Forwarded-For": INGRESS, "X-Ingress-Path": "/api/hassio_ingress/q1w2e3"}


async def statuses(source: str, port: int) -> dict[str, int]:
    """What each address of the page answers to who comes from ``source``."""
    got = {}
    connector = aiohttp.TCPConnector(local_addr=(source, 0))
    async with aiohttp.ClientSession(f"http://{APP}:{port}/", connector=connector) as visitor:
        for path in PATHS:
            async with visitor.get(path, headers=FORGED) as answer:
                got[path] = answer.status
    return got


async def main(folder: Path) -> None:
    """Serve the page as the app does, and visit it from both."""
    household = Snapshot(service(), (person("alice"),), ())
    async with serving(folder, household, settings=PAGE, port=int(str(PAGE["port"]))) as page:
        got = {source: await statuses(source, page.port) for source in (INGRESS, OTHER_APP)}
    print(json.dumps(got))  # noqa: T201 - the answer


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
