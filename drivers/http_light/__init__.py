"""The ``http`` kind: any device or service that takes a request, written as a template."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from drivers.base import Kind, Light, Surroundings
from drivers.blocking import Worker
from drivers.http_calls import HttpCalls
from drivers.http_light.light import HttpLight
from drivers.http_light.options import HttpOptions
from drivers.template import capability_of, effects_of


@asynccontextmanager
async def _open(options: HttpOptions, around: Surroundings) -> AsyncIterator[Light]:
    async with Worker(f"http-{around.name}") as worker:
        calls = HttpCalls(worker, timeout_s=options.timeout, ca_file=options.ca_file)
        yield HttpLight(options, calls, around.clock)


def tailored(options: HttpOptions) -> Kind[HttpOptions]:
    """The kind as the templates of ``options`` make it."""
    return replace(
        KIND,
        effects=effects_of(*options.templates),
        color_modes=frozenset({capability_of(*options.templates).value}),
        min_interval_s=options.pace,
        deadline_s=options.timeout,
    )


KIND = Kind(name="http", options=HttpOptions, open=_open, tailored=tailored, min_interval_s=0.5)
