"""The command line of ``presence-bridge``: its commands, their options and their exit codes.

Exit codes: 0 fine, 1 findings or failure, 2 wrong use or wrong config, 130 interrupted. A command
imports what it needs when it runs, so that the light ones start quickly.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge import __version__
from bridge.config import logs
from bridge.contract.errors import ConfigError
from bridge.contract.garbage_collection import loading

if TYPE_CHECKING:
    from bridge.config.tables.config import Config
    from bridge.config.tables.shared import MqttSettings

Command = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    with loading():
        from bridge.config.command_line import exit_code  # noqa: PLC0415 - pydantic comes with it

        parser = _parser()
    arguments = parser.parse_args(argv)
    logs.set_up(
        arguments.log_level, arguments.log_format, under_journal="JOURNAL_STREAM" in os.environ
    )
    return exit_code(lambda: int(arguments.command(arguments)), arguments.name)


def _run(arguments: argparse.Namespace) -> int:
    with loading():
        from bridge import app  # noqa: PLC0415 - msal and aiohttp only where they work

    path = _path(arguments)
    set_up = arguments.config is None
    if set_up and path == Path("config.toml") and Path("docker-compose.yml").exists():
        from bridge.setup import to_fill_in  # noqa: PLC0415 - a clone's first start

        path = to_fill_in(path)
    return app.run(path, os.environ, set_up=set_up, at_terminal=_at_terminal())


def _app(arguments: argparse.Namespace) -> int:
    from bridge.commands import home_assistant_app  # noqa: PLC0415 - as above

    return home_assistant_app.run(_path(arguments), os.environ)


def _reload(arguments: argparse.Namespace) -> int:
    from bridge.commands import accounts  # noqa: PLC0415 - as above

    return _awaited(accounts.reload(_config(arguments)))


def _login(arguments: argparse.Namespace) -> int:
    from bridge.commands import login  # noqa: PLC0415 - as above

    signing_in = login.login(_config(arguments), arguments.account, browser=arguments.browser)
    return _awaited(signing_in)


def _logout(arguments: argparse.Namespace) -> int:
    from bridge.commands import accounts  # noqa: PLC0415 - as above

    return _awaited(accounts.logout(_config(arguments), arguments.account))


def _accounts(arguments: argparse.Namespace) -> int:
    from bridge.commands import accounts  # noqa: PLC0415 - as above

    return _awaited(accounts.table(_config(arguments)))


def _doctor(arguments: argparse.Namespace) -> int:
    from bridge import doctor  # noqa: PLC0415 - as above

    return doctor.examine(_path(arguments), os.environ)


def _init(arguments: argparse.Namespace) -> int:
    from bridge import setup  # noqa: PLC0415 - as above
    from bridge.config.command_line import OK  # noqa: PLC0415 - as above
    from bridge.config.tables.tenant import tenant_name  # noqa: PLC0415 - as above

    try:
        tenant = tenant_name(arguments.tenant or "") or None
    except ValueError as error:
        raise ConfigError([f"--tenant: {error}"]) from error
    folder = Path(arguments.folder)
    options = setup.InitOptions(
        broker=_chosen_broker(arguments.broker, folder),
        tenant=tenant,
        client_id=arguments.client_id,
        account=arguments.account,
        driver=arguments.driver,
        follow=arguments.follow,
    )
    for line in setup.steps(folder, options):
        print(line, flush=True)  # noqa: T201 - the command's answer
    return OK


def _chosen_broker(given: str | None, folder: Path) -> MqttSettings | None:
    if given is None and not _at_terminal():
        return None
    from bridge.commands.choose_broker import chosen_broker  # noqa: PLC0415 - as above
    from bridge.setup import place_of  # noqa: PLC0415 - as above

    return chosen_broker(given, place_of(folder).folder / "config.toml")


def _at_terminal() -> bool:
    return all(stream and stream.isatty() for stream in (sys.stdin, sys.stdout))


def _create_certificate(arguments: argparse.Namespace) -> int:
    from bridge.commands import registration  # noqa: PLC0415 - as above

    return registration.create_certificate(Path(arguments.folder), days=arguments.days)


def _consent_url(arguments: argparse.Namespace) -> int:
    from bridge.commands import registration  # noqa: PLC0415 - as above

    return registration.consent_url(_config(arguments), arguments.account)


def _demo(arguments: argparse.Namespace) -> int:
    from bridge.demo import show  # noqa: PLC0415 - as above

    return show.run(seconds=arguments.seconds, day_s=arguments.day_seconds, port=arguments.port)


def _awaited(command: Coroutine[Any, Any, int]) -> int:
    import asyncio  # noqa: PLC0415 - as above

    return asyncio.run(command)


def _config(arguments: argparse.Namespace) -> Config:
    from bridge.config.added_people import with_added  # noqa: PLC0415 - as above
    from bridge.config.loader import load  # noqa: PLC0415 - as above

    return with_added(load(_path(arguments), os.environ))


def _path(arguments: argparse.Namespace) -> Path:
    from bridge.config.loader import config_path  # noqa: PLC0415 - as above

    return config_path(arguments.config, os.environ)


def _parser() -> argparse.ArgumentParser:
    from bridge.config.command_line import common_options  # noqa: PLC0415 - as above

    common = common_options(logs.LEVELS, after=True)
    parser = argparse.ArgumentParser(
        prog="presence-bridge",
        description="Microsoft Teams presence on MQTT.",
        parents=[common_options(logs.LEVELS)],
    )
    parser.add_argument("--version", action="version", version=f"presence-bridge {__version__}")
    commands = parser.add_subparsers(dest="name", required=True, metavar="COMMAND")

    def add(name: str, text: str, command: Command) -> argparse.ArgumentParser:
        added = commands.add_parser(name, parents=[common], help=text)
        added.set_defaults(command=command)
        return added

    add("run", "the service", _run)
    add("app", "the service and its lamps, as an app of Home Assistant", _app)
    add("reload", "read the config's accounts again", _reload)
    add("accounts", "who is signed in, and how", _accounts)
    add("doctor", "find what is wrong", _doctor)

    login = add("login", "sign one account in", _login)
    login.add_argument("account", nargs="?", metavar="ACCOUNT")
    login.add_argument(
        "--browser", action="store_true", help="in a browser, here or elsewhere, instead of a code"
    )
    logout = add("logout", "forget an account's sign-in", _logout)
    logout.add_argument("account", metavar="ACCOUNT")

    init = add("init", "write config, secrets, passwords", _init)
    init.add_argument("--folder", default=".", help="where to write; default here, in data/")
    init.add_argument("--tenant", metavar="DOMAIN", help="your organisation's domain or GUID")
    init.add_argument("--client-id", metavar="GUID", help="your app registration")
    init.add_argument("--account", metavar="NAME", help="your first account, a short name")
    init.add_argument(
        "--broker", metavar="ADDRESS", help="yours: nas.local, mqtts://nas.local:8883"
    )
    init.add_argument("--driver", metavar="NAME", help="also make a broker user for this driver")
    init.add_argument(
        "--follow", metavar="NAMES", help="whom it follows: alice,bob or all; else as in the config"
    )
    certificate = commands.add_parser("certificate", help="what an app signs itself in with")
    _add_create(certificate, common)
    consent = add("consent-url", "where an admin consents", _consent_url)
    consent.add_argument("account", nargs="?", metavar="ACCOUNT")

    demo = add("demo", "all of it, with nothing to set up", _demo)
    demo.add_argument("--seconds", type=float, metavar="N", help="end by itself after N seconds")
    demo.add_argument(
        "--day-seconds", type=float, default=60.0, metavar="N", help="length of the working day"
    )
    demo.add_argument("--port", type=int, default=0, help="where MQTT listens; default a free one")
    return parser


def _add_create(certificate: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    actions = certificate.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = actions.add_parser("create", parents=[common], help="make a key and a certificate")
    create.add_argument("--folder", default="secrets", help="where to write; default secrets")
    create.add_argument("--days", type=int, default=730, metavar="N", help="default 730")
    create.set_defaults(command=_create_certificate)
