"""The options that every command of both programs has, before it or after it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

_TAKES_NO_VALUE = ("-h", "--help", "--version")


def common_options(levels: Sequence[str], *, after: bool = False) -> argparse.ArgumentParser:
    """A parent for the parser of a program, or of one command: what comes ``after`` wins."""
    parser = argparse.ArgumentParser(
        add_help=False, argument_default=argparse.SUPPRESS if after else None
    )
    config = parser.add_argument(
        "--config", metavar="PATH", help="default $PRESENCE_CONFIG, ./config.toml"
    )
    level = parser.add_argument("--log-level", choices=levels)
    style = parser.add_argument("--log-format", choices=("text", "json"))
    if not after:
        config.default, level.default, style.default = None, "info", "text"
    return parser


def first_word(words: Sequence[str]) -> int:
    """Where the first word stands that is no option; the number of words if there is none."""
    at = 0
    while at < len(words) and words[at].startswith("-"):
        at += 1 if "=" in words[at] or words[at] in _TAKES_NO_VALUE else 2
    return min(at, len(words))
