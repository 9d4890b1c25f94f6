"""Runs the simulated Microsoft by itself: ``python -m bridge.demo``. Never starts the bridge.

Prints one line of JSON with all addresses, then runs until it is told to stop.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Any

from bridge.contract.clock import SystemClock
from bridge.contract.errors import ConfigError
from bridge.demo.broker import EmbeddedBroker
from bridge.demo.certificate import LOCAL_NAMES, make_certificate
from bridge.demo.day import play, working_day
from bridge.demo.directory import Household, household
from bridge.demo.microsoft import SimulatedMicrosoft
from bridge.demo.presence import Layout, Wording

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; 0 when stopped, 1 when it could not start."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    try:
        asyncio.run(_run(options))
    except OSError as error:
        log.error("cannot listen or write: %s", error)  # noqa: TRY400 - a person's mistake
        return 1
    except ConfigError as error:
        log.error("%s", error)  # noqa: TRY400 - a person's mistake
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bridge.demo", description=__doc__)
    add = parser.add_argument
    add("--folder", type=Path, required=True, help="where the certificate is written")
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=int, default=0, help="0 takes a free one (default)")
    add("--name", default="localhost", help="host in all addresses (default: %(default)s)")
    add("--mqtt-port", type=int, help="start an MQTT broker too; 0 takes a free port")
    add("--tenant", default="contoso.com", help="domain of the tenant (default: %(default)s)")
    add("--client-id", help="client id of the app registration")
    add("--person", action="append", metavar="UPN", help="somebody in the tenant; may be repeated")
    add("--auto-approve", type=float, metavar="SECONDS", help="approve codes after so long")
    add("--interval", type=int, default=5, help="seconds between polls (default: %(default)s)")
    add("--code-lifetime", type=int, default=900, help="seconds (default: %(default)s)")
    add("--token-lifetime", type=int, default=3600, help="seconds (default: %(default)s)")
    add("--throttle", type=int, metavar="N", help="allow N Graph requests in 30 seconds")
    add("--layout", choices=list(Layout), default=Layout.CLASSIC, help="how presence is worded")
    add("--day", type=float, metavar="SECONDS", help="play a working day in so long, on and on")
    add("--seed", type=int, default=0, help="another seed, another day (default: %(default)s)")
    return parser


async def _run(options: argparse.Namespace) -> None:
    clock = SystemClock()
    upn, *others = options.person or [f"alice@{options.tenant}"]
    home = household(clock, domain=options.tenant, upn=upn, client_id=options.client_id)
    for other in others:
        home.directory.add_person(home.tenant, other)
    home.directory.wording = Wording(layout=Layout(options.layout))
    names = dict.fromkeys((*LOCAL_NAMES, options.name))
    certificate = make_certificate(options.folder, tuple(names))
    microsoft = SimulatedMicrosoft(
        home.directory, certificate, host=options.host, port=options.port, name=options.name
    )
    microsoft.codes.interval_s = options.interval
    microsoft.codes.expires_in_s = options.code_lifetime
    microsoft.tokens.expires_in_s = options.token_lifetime
    microsoft.throttle.limit = options.throttle
    if options.auto_approve is not None:
        microsoft.auto_approve(home.person, after_s=options.auto_approve)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(microsoft)
        broker = None
        if options.mqtt_port is not None:
            broker = EmbeddedBroker(host=options.host, port=options.mqtt_port)
            await stack.enter_async_context(broker)
        sys.stdout.write(json.dumps(_addresses(microsoft, home, broker)) + "\n")
        sys.stdout.flush()
        await _until_stopped(options, home)


def _addresses(
    microsoft: SimulatedMicrosoft, home: Household, broker: EmbeddedBroker | None
) -> dict[str, Any]:
    return {
        "login_url": microsoft.login_url,
        "graph_url": microsoft.graph_url,
        "control_url": microsoft.control_url,
        "ca_file": str(microsoft.ca_file.resolve()),
        "tenant": home.tenant.domain,
        "tenant_id": home.tenant.tenant_id,
        "client_id": home.app.client_id,
        "people": [{"upn": one.upn, "id": one.oid} for one in home.directory.people],
        "mqtt": {"host": broker.host, "port": broker.port} if broker else None,
    }


async def _until_stopped(options: argparse.Namespace, home: Household) -> None:
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    day = None
    if options.day:
        story = working_day(Random(options.seed))  # noqa: S311 - a story, not a secret
        life = play(
            home.directory, home.person, story, compress_to_s=options.day, clock=SystemClock()
        )
        day = asyncio.create_task(life, name="day")
    await stopped.wait()
    if day is not None:
        day.cancel()


if __name__ == "__main__":
    sys.exit(main())
