"""The command line of ``presence-driver``. Parses and dispatches; the work is done elsewhere.

presence-driver NAME                    the driver for [drivers.NAME]
presence-driver pair|test|preview NAME
presence-driver list
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Coroutine, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from bridge import __version__
from bridge.config import HostConfig, config_path, load_host, unknown
from bridge.contract.clock import SystemClock
from bridge.contract.errors import ConfigError, PresenceBridgeError
from drivers.base import Kind
from drivers.logs import LEVELS, set_up
from drivers.registry import EXTRAS, find, installed
from drivers.rules.choose import choose, preview_facts
from drivers.settings import Common, read

OK, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130
_COMMANDS = ("pair", "test", "preview", "list", "run")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words and words[0] not in (*_COMMANDS, "-h", "--help", "--version"):
        words = ["run", *words]
    arguments = _parser().parse_args(words)
    set_up(arguments.log_level, arguments.log_format)
    try:
        code = int(arguments.do(arguments))
        sys.stdout.flush()  # a reader who has gone is noticed here and not after the end
    except ConfigError as error:
        for problem in error.problems:
            print(f"config: {problem}", file=sys.stderr)  # noqa: T201 - the command's answer
        return WRONG_USE
    except PresenceBridgeError as error:
        print(f"presence-driver: {error}", file=sys.stderr)  # noqa: T201 - the command's answer
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # as in: … | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return code


def _run(arguments: argparse.Namespace) -> int:
    from drivers.runner import Runner  # noqa: PLC0415 - the other commands need no broker

    config, common, kind, options = _driver(arguments)

    async def work() -> None:
        await Runner(
            arguments.name,
            config=config,
            common=common,
            kind=kind,
            options=options,
            clock=SystemClock(),
        ).run()

    return asyncio.run(_until_signal(work()))


def _pair(arguments: argparse.Namespace) -> int:
    from drivers.trial import pair  # noqa: PLC0415 - as above

    config, _, kind, options = _driver(arguments)
    asyncio.run(pair(arguments.name, config, kind, options))
    return OK


def _test(arguments: argparse.Namespace) -> int:
    from drivers.trial import cycle  # noqa: PLC0415 - as above

    config, common, kind, options = _driver(arguments)
    work = cycle(arguments.name, config, common, kind, options, seconds=arguments.seconds)
    return asyncio.run(_until_signal(work))


def _preview(arguments: argparse.Namespace) -> int:
    config, common, _, _ = _driver(arguments)
    now = arguments.at.astimezone(config.zone) if arguments.at.tzinfo else arguments.at
    now = now.replace(tzinfo=config.zone) if now.tzinfo is None and config.zone else now
    now = now.astimezone()
    rules = common.rules(config)
    try:
        facts = preview_facts(arguments.presence, now, common.follow)
    except ValueError:
        raise ConfigError([f"presence {arguments.presence!r}: no such words"]) from None
    decision = choose(rules, facts, now)
    shown = decision.state
    look = "left as it is"
    if shown is not None:
        red, green, blue = shown.color
        look = (
            f"#{red:02x}{green:02x}{blue:02x} at {shown.brightness:.0%}, {shown.effect}"
            if shown.on
            else "off"
        )
    print(f"{look}\nbecause: {decision.rule}")  # noqa: T201 - the command's answer
    return OK


def _list(_: argparse.Namespace) -> int:
    for name, point in installed().items():
        extra = f"  needs presence-bridge[{EXTRAS[name]}]" if name in EXTRAS else ""
        print(f"{name:<10}{point.value}{extra}")  # noqa: T201 - the command's answer
    return OK


def _driver(arguments: argparse.Namespace) -> tuple[HostConfig, Common, Kind[Any], BaseModel]:
    config = load_host(config_path(arguments.config, os.environ), os.environ)
    if arguments.name not in config.drivers:
        raise ConfigError(
            [f"drivers.{arguments.name}: {unknown(arguments.name, sorted(config.drivers))}"]
        )
    kind = find(config.drivers[arguments.name].kind)
    common, options = read(config, arguments.name, kind.options)
    kind = kind.tailored(options) if kind.tailored else kind
    return config, common, kind, options


async def _until_signal(work: Coroutine[Any, Any, None]) -> int:
    """Run ``work`` until it ends or a signal stops it in order; a second one stops at once."""
    task = asyncio.ensure_future(work)
    codes: list[int] = []

    def stop(code: int) -> None:
        if codes:
            os._exit(INTERRUPTED)
        codes.append(code)
        task.cancel()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop, OK)
    loop.add_signal_handler(signal.SIGINT, stop, INTERRUPTED)
    try:
        await task
    except asyncio.CancelledError:
        if not codes:
            raise
        logging.getLogger(__name__).info("stopped")
    return codes[0] if codes else OK


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--config", metavar="PATH", help="default $PRESENCE_CONFIG, ./config.toml")
    common.add_argument("--log-level", choices=LEVELS, default="info")
    common.add_argument("--log-format", choices=("text", "json"), default="text")
    parser = argparse.ArgumentParser(prog="presence-driver", description="One lamp.")
    parser.add_argument("--version", action="version", version=f"presence-driver {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="NAME | COMMAND")
    texts = {
        "run": ("the driver for [drivers.NAME]; the word run may be left out", _run),
        "pair": ("pair with a lamp, where its kind needs it", _pair),
        "test": ("show each look in turn", _test),
        "preview": ("what would be shown, and by which rule", _preview),
    }
    for word, (text, do) in texts.items():
        command = commands.add_parser(word, parents=[common], help=text)
        command.add_argument("name", metavar="NAME")
        command.set_defaults(do=do)
        if word == "test":
            command.add_argument("--seconds", type=float, default=2.0, help="for each look")
        if word == "preview":
            command.add_argument("--at", type=datetime.fromisoformat, default=datetime.now())  # noqa: DTZ005 - local on purpose
            command.add_argument("--presence", default="busy/in_a_call")
    listing = commands.add_parser("list", parents=[common], help="kinds that are installed")
    listing.set_defaults(do=_list)
    return parser
