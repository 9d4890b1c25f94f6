"""The command line of ``presence-driver``: parses and dispatches.

presence-driver NAME                    the driver for [drivers.NAME]
presence-driver pair|test|preview|forget NAME
presence-driver find [KIND]
presence-driver add KIND [LAMP]
presence-driver list
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from bridge import __version__
from bridge.config.command_line import OK, common_options, exit_code, first_word
from bridge.config.loader import config_path, load_host
from bridge.config.logs import LEVELS, set_up
from bridge.config.tables.shared import DriverTable, HostConfig
from bridge.config.text_file import EncodingError, read_secret
from bridge.config.time_zone import with_zone
from bridge.config.validation_errors import unknown
from bridge.contract.clock import SystemClock
from bridge.contract.errors import ConfigError, TryAgainError
from bridge.contract.garbage_collection import loading
from drivers.commands import arguments as arguments_of
from drivers.registry import FINDABLE, find, is_ready, listing
from drivers.runtime import stopping
from drivers.settings import Common, LampConfig, read

if TYPE_CHECKING:
    from drivers.commands.preview import Now

EXAMPLE_KIND = "console"
_EXAMPLES = "Tables to begin with: docs/lights.md, and commented out in the shipped config.toml."


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    at = first_word(words)
    if at < len(words) and words[at] not in arguments_of.COMMANDS:
        words.insert(at, "run")
    arguments = _parser().parse_args(words)
    journal = "JOURNAL_STREAM" in os.environ
    set_up(arguments.log_level, arguments.log_format, under_journal=journal)
    return exit_code(lambda: int(arguments.do(arguments)), "presence-driver")


def _run(arguments: argparse.Namespace) -> int:
    with loading():
        from drivers.runtime.heartbeat import beating  # noqa: PLC0415 - the other commands need no broker
        from drivers.runtime.runner import Runner  # noqa: PLC0415 - as above

    lamp, clock = _lamp(arguments), SystemClock()

    async def work() -> None:
        async with beating(lamp.name, lamp.config.state_dir, clock):
            await Runner(lamp, clock=clock).run()

    return stopping.run(work())


def _pair(arguments: argparse.Namespace) -> int:
    from drivers.commands.trial import pair  # noqa: PLC0415 - as above

    return stopping.run(pair(_lamp(arguments)))


def _test(arguments: argparse.Namespace) -> int:
    from drivers.commands.trial import cycle  # noqa: PLC0415 - as above

    return stopping.run(cycle(_lamp(arguments), seconds=arguments.seconds))


def _preview(arguments: argparse.Namespace) -> int:
    from drivers.commands import preview  # noqa: PLC0415 - as above
    from drivers.runtime.saved_state import SavedState  # noqa: PLC0415 - as above

    config = _host(arguments)
    example = not config.drivers
    if example:
        table = DriverTable(kind=EXAMPLE_KIND)
        config = config.model_copy(update={"drivers": {arguments.name: table}})
    name, config, common, kind, options = _lamp(arguments, config)
    moment = _moment(arguments.at or SystemClock().now(), config)
    known = _now(arguments, config, common, moment)
    memory = SavedState(config.state_dir, name, kind, options)
    memory.load()
    capability = known.capability or memory.now.capability or kind.capability
    rules = common.rules(config, capability)
    decision = preview.decide(rules, known, moment, shown_at_another=arguments.at is not None)
    lines = [preview.described(decision, capability), *preview.lost_words(decision)]
    if example:
        lines.append(f"An example: the config has no lamp yet. {_EXAMPLES}")
    print(*lines, sep="\n")  # noqa: T201 - the command's answer
    return OK


def _now(
    arguments: argparse.Namespace, config: HostConfig, common: Common, moment: datetime
) -> Now:
    """What the command line supposes, else what the broker has stored."""
    from drivers.commands import preview  # noqa: PLC0415 - as above

    if arguments.manual:
        return preview.Now({}, by_hand=preview.checked(preview.by_hand, arguments.manual))
    if arguments.presence:
        facts = preview.checked(preview.facts_of, arguments.presence, moment, common.follow)
        return preview.Now(facts)
    try:
        return asyncio.run(preview.ask(arguments.name, config, common.follow, SystemClock()))
    except TryAgainError as error:
        raise TryAgainError(f"{error}. To assume one: --presence busy/in_a_call") from error


def _moment(at: datetime, config: HostConfig) -> datetime:
    if at.tzinfo is None and config.zone:
        return at.replace(tzinfo=config.zone)
    return at.astimezone()


def _forget(arguments: argparse.Namespace) -> int:
    from drivers.runtime.retained_topics import forget  # noqa: PLC0415 - as above

    config = _host(arguments)
    user: dict[str, Any] = {"username": arguments.username} if arguments.username else {}
    if arguments.password_file:
        try:
            password = read_secret(arguments.password_file)
        except (OSError, EncodingError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise ConfigError([f"{arguments.password_file}: {reason}"]) from None
        user["password"] = SecretStr(password)
    mqtt = config.mqtt.model_copy(update=user)
    removed = asyncio.run(forget(arguments.name, config.model_copy(update={"mqtt": mqtt})))
    print("removed from the broker:", *removed, sep="\n  ")  # noqa: T201 - the command's answer
    return OK


def _find(arguments: argparse.Namespace) -> int:
    from drivers.commands import finding  # noqa: PLC0415 - as above

    names = [arguments.kind] if arguments.kind else [name for name in FINDABLE if is_ready(name)]
    report = asyncio.run(finding.report(list(map(find, names)), arguments.at))
    print(*report, sep="\n")  # noqa: T201 - the command's answer
    return OK


def _add(arguments: argparse.Namespace) -> int:
    from drivers.commands import finding  # noqa: PLC0415 - as above

    file, kind = config_path(arguments.config, os.environ), find(arguments.kind)
    config = load_host(file, os.environ)
    answered = asyncio.run(finding.found(kind, arguments.at))
    lamp = finding.chosen(answered, arguments.lamp)
    key = finding.add(file, config, kind, lamp, arguments.name)
    then = "Pair with it: presence-driver pair" if kind.pair else "Try it: presence-driver test"
    print(  # noqa: T201 - the command's answer
        f"[drivers.{key}] is in {file}: {lamp.name} at {lamp.address}.",
        f"{then} {key}",
        sep="\n",
    )
    return OK


def _list(_: argparse.Namespace) -> int:
    print(*listing(), sep="\n")  # noqa: T201 - the command's answer
    return OK


def _host(arguments: argparse.Namespace) -> HostConfig:
    return load_host(config_path(arguments.config, os.environ), os.environ)


def _lamp(arguments: argparse.Namespace, config: HostConfig | None = None) -> LampConfig:
    config, name = config or _host(arguments), arguments.name
    if not config.drivers:
        raise ConfigError([f"drivers.{name}: the config has no lamp yet. {_EXAMPLES}"])
    if name not in config.drivers:
        raise ConfigError([f"drivers.{name}: {unknown(name, sorted(config.drivers))}"])
    kind = find(config.drivers[name].kind)
    common, options = read(config, name, kind.options)
    if common.has_hours:
        config = with_zone(config, os.environ)
    kind = kind.tailored(options) if kind.tailored else kind
    return LampConfig(name, config, common, kind, options)


def _parser() -> argparse.ArgumentParser:
    common = common_options(LEVELS, after=True)
    parser = argparse.ArgumentParser(
        prog="presence-driver", description="One lamp.", parents=[common_options(LEVELS)]
    )
    parser.add_argument("--version", action="version", version=f"presence-driver {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="NAME | COMMAND")
    texts = {
        "run": ("the driver for [drivers.NAME]; the word run may be left out", _run),
        "pair": ("pair with a lamp, where its kind needs it", _pair),
        "test": ("show each look in turn", _test),
        "preview": ("what would be shown, and by which rule", _preview),
        "forget": ("take a lamp that is gone out of broker and Home Assistant", _forget),
    }
    parsers = {}
    for word, (text, do) in texts.items():
        parsers[word] = command = commands.add_parser(word, parents=[common], help=text)
        command.add_argument("name", metavar="NAME")
        command.set_defaults(do=do)
    parsers["test"].add_argument("--seconds", type=float, default=2.0, help="for each look")
    arguments_of.of_preview(parsers["preview"])
    arguments_of.of_forget(parsers["forget"])
    searches = {
        "find": ("lamps that answer on the network, and their config", arguments_of.of_find, _find),
        "add": ("write a lamp that answers into the config", arguments_of.of_add, _add),
    }
    for word, (text, arguments, do) in searches.items():
        command = commands.add_parser(word, parents=[common], help=text)
        arguments(command)
        command.set_defaults(do=do)
    listing = commands.add_parser(
        "list", parents=[common], help="kinds of lamps, and what each lacks here"
    )
    listing.set_defaults(do=_list)
    return parser
