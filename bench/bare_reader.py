"""The least that reads so many people: HTTP over TLS, and the answers are not looked into.

    python -m bench.bare_reader FILE        FILE has the settings as JSON

Each sweep asks for the same batches as the bridge, eight at a time.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp

from bridge.microsoft.people.bulk import IDS_MOST, PARALLEL, PATH


async def read(settings: dict[str, Any]) -> None:
    """Sweep until cancelled."""
    ids = settings["ids"]
    bodies = [
        json.dumps({"ids": ids[begin : begin + IDS_MOST]}).encode()
        for begin in range(0, len(ids), IDS_MOST)
    ]
    headers = {
        "Authorization": f"Bearer {settings['token']}",
        "Accept": "application/json",
        "Content-Type": "application/json",
    }
    gate = asyncio.Semaphore(PARALLEL)
    context = ssl.create_default_context(cafile=settings["ca_file"])
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def batch(body: bytes) -> None:
            async with gate, session.post(settings["graph_url"] + PATH, data=body) as response:
                response.raise_for_status()
                await response.read()

        while True:
            await asyncio.gather(*map(batch, bodies))
            await asyncio.sleep(settings["pause_s"])


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(read(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
