"""The command line of ``presence-bridge``. Parses and dispatches; the work is done elsewhere.

Exit codes: 0 fine, 1 findings or failure, 2 wrong use or wrong config, 130 interrupted. A command
imports what it needs when it runs, so that the light ones start quickly.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from bridge import __version__, logs
from bridge.config.added_people import with_added
from bridge.config.command_line import OK, common_options, exit_code
from bridge.config.loader import config_path, load
from bridge.config.models import Config
from bridge.contract.errors import ConfigError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = _parser().parse_args(argv)
    logs.set_up(
        arguments.log_level,
        arguments.log_format,
        under_journal="JOURNAL_STREAM" in os.environ,
    )
    return exit_code(lambda: int(arguments.command(arguments)), arguments.name)


def _run(arguments: argparse.Namespace) -> int:
    from bridge import app  # noqa: PLC0415 - msal and aiohttp only where they work

    path = config_path(arguments.config, os.environ)
    return app.run(path, os.environ, set_up=arguments.config is None)


def _reload(arguments: argparse.Namespace) -> int:
    from bridge.commands import accounts  # noqa: PLC0415 - as above

    return accounts.reload(_config(arguments))


def _login(arguments: argparse.Namespace) -> int:
    from bridge.commands import login  # noqa: PLC0415 - as above

    return login.login(_config(arguments), arguments.account, browser=arguments.browser)


def _logout(arguments: argparse.Namespace) -> int:
    from bridge.commands import accounts  # noqa: PLC0415 - as above

    return accounts.logout(_config(arguments), arguments.account)


def _accounts(arguments: argparse.Namespace) -> int:
    from bridge.commands import accounts  # noqa: PLC0415 - as above

    return accounts.table(_config(arguments))


def _doctor(arguments: argparse.Namespace) -> int:
    from bridge import doctor  # noqa: PLC0415 - as above

    return doctor.examine(config_path(arguments.config, os.environ), os.environ)


def _init(arguments: argparse.Namespace) -> int:
    from bridge import setup  # noqa: PLC0415 - as above
    from bridge.config.tenant import tenant_name  # noqa: PLC0415 - as above

    try:
        tenant = tenant_name(arguments.tenant or "") or None
    except ValueError as error:
        raise ConfigError([f"--tenant: {error}"]) from error
    options = setup.InitOptions(
        tenant=tenant,
        client_id=arguments.client_id,
        account=arguments.account,
        driver=arguments.driver,
        follow=arguments.follow,
    )
    for line in setup.initialise(Path(arguments.folder), options):
        print(line)  # noqa: T201 - the command's answer
    return OK


def _create_certificate(arguments: argparse.Namespace) -> int:
    from bridge.commands import registration  # noqa: PLC0415 - as above

    return registration.create_certificate(Path(arguments.folder), days=arguments.days)


def _consent_url(arguments: argparse.Namespace) -> int:
    from bridge.commands import registration  # noqa: PLC0415 - as above

    return registration.consent_url(_config(arguments), arguments.account)


def _demo(arguments: argparse.Namespace) -> int:
    from bridge.demo import show  # noqa: PLC0415 - as above

    return show.run(seconds=arguments.seconds, day_s=arguments.day_seconds, port=arguments.port)


def _config(arguments: argparse.Namespace) -> Config:
    return with_added(load(config_path(arguments.config, os.environ), os.environ))


def _parser() -> argparse.ArgumentParser:
    common = common_options(logs.LEVELS, after=True)
    parser = argparse.ArgumentParser(
        prog="presence-bridge",
        description="Microsoft Teams presence on MQTT.",
        parents=[common_options(logs.LEVELS)],
    )
    parser.add_argument("--version", action="version", version=f"presence-bridge {__version__}")
    commands = parser.add_subparsers(dest="name", required=True, metavar="COMMAND")

    run = commands.add_parser("run", parents=[common], help="the service")
    run.set_defaults(command=_run)

    reload = commands.add_parser("reload", parents=[common], help="read the config's accounts anew")
    reload.set_defaults(command=_reload)

    login = commands.add_parser("login", parents=[common], help="sign one account in")
    login.add_argument("account", nargs="?", metavar="ACCOUNT")
    login.add_argument(
        "--browser", action="store_true", help="in a browser, here or elsewhere, instead of a code"
    )
    login.set_defaults(command=_login)

    logout = commands.add_parser("logout", parents=[common], help="forget an account's sign-in")
    logout.add_argument("account", metavar="ACCOUNT")
    logout.set_defaults(command=_logout)

    table = commands.add_parser("accounts", parents=[common], help="who is signed in, and how")
    table.set_defaults(command=_accounts)

    doctor = commands.add_parser("doctor", parents=[common], help="find what is wrong")
    doctor.set_defaults(command=_doctor)

    init = commands.add_parser("init", parents=[common], help="write config, secrets, passwords")
    init.add_argument("--folder", default=".", help="where to write; default here")
    init.add_argument("--tenant", metavar="DOMAIN", help="your organisation's domain or GUID")
    init.add_argument("--client-id", metavar="GUID", help="your app registration")
    init.add_argument("--account", metavar="NAME", help="your first account, a short name")
    init.add_argument("--driver", metavar="NAME", help="also make a broker user for this driver")
    init.add_argument(
        "--follow", metavar="NAMES", help="whom it follows: alice,bob or all; else as in the config"
    )
    init.set_defaults(command=_init)

    certificate = commands.add_parser("certificate", help="what an app signs itself in with")
    certificates = certificate.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = certificates.add_parser(
        "create", parents=[common], help="make a key and a certificate"
    )
    create.add_argument("--folder", default="secrets", help="where to write; default secrets")
    create.add_argument("--days", type=int, default=730, metavar="N", help="default 730")
    create.set_defaults(command=_create_certificate)

    consent = commands.add_parser("consent-url", parents=[common], help="where an admin consents")
    consent.add_argument("account", nargs="?", metavar="ACCOUNT")
    consent.set_defaults(command=_consent_url)

    demo = commands.add_parser("demo", parents=[common], help="all of it, with nothing to set up")
    demo.add_argument("--seconds", type=float, metavar="N", help="end by itself after N seconds")
    demo.add_argument(
        "--day-seconds", type=float, default=60.0, metavar="N", help="length of the working day"
    )
    demo.add_argument("--port", type=int, default=0, help="where MQTT listens; default a free one")
    demo.set_defaults(command=_demo)
    return parser
