"""What the commands of ``presence-driver`` take besides a name."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path

COMMANDS = ("pair", "test", "preview", "forget", "find", "add", "list", "run")
"""The words that are no name of a lamp."""


def of_preview(parser: argparse.ArgumentParser) -> None:
    """What is supposed in place of what is."""
    parser.add_argument(
        "--at",
        type=datetime.fromisoformat,
        metavar="TIME",
        help='another moment, as in "2026-11-23 08:59"; what is known stays as it is',
    )
    parser.add_argument(
        "--presence",
        metavar="WORDS",
        help="availability[/activity] as busy/in_a_call, unknown or sign_in_needed; for several "
        "people alice=busy/in_a_call,bob=available; when left out the broker is asked for what "
        "is true now",
    )
    parser.add_argument(
        "--manual", metavar="COLOR", help="as set by hand in Home Assistant: #ff0000, red or off"
    )


def of_forget(parser: argparse.ArgumentParser) -> None:
    """Who may do it."""
    parser.add_argument("--username", help="the lamp's own user; that of [mqtt] when left out")
    parser.add_argument(
        "--password-file", type=Path, metavar="PATH", help="the password of that user"
    )


def of_find(parser: argparse.ArgumentParser) -> None:
    """Which kind, and where."""
    parser.add_argument("kind", nargs="?", metavar="KIND", help="all that can be looked for")
    _at(parser)


def of_add(parser: argparse.ArgumentParser) -> None:
    """Which lamp, where there are several."""
    parser.add_argument("kind", metavar="KIND")
    parser.add_argument("lamp", nargs="?", metavar="LAMP", help="its name or address")
    parser.add_argument("--name", metavar="NAME", help="its key in the config; else from its name")
    _at(parser)


def _at(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--at", metavar="ADDRESS", help="ask there, as in 192.0.2.255; else in this network"
    )
