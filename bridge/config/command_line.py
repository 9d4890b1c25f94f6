"""What the commands of both programs share: options, exit codes, and how they end."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from bridge.contract.errors import ConfigError, PresenceBridgeError

OK, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130

_TAKES_NO_VALUE = ("-h", "--help", "--version")


def common_options(levels: Sequence[str], *, after: bool = False) -> argparse.ArgumentParser:
    """A parent for the parser of a program, or of one command: what comes ``after`` wins."""
    parser = argparse.ArgumentParser(
        add_help=False, argument_default=argparse.SUPPRESS if after else None
    )
    config = parser.add_argument(
        "--config", metavar="PATH", help="default $PRESENCE_CONFIG, data/config.toml, ./config.toml"
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


def exit_code(command: Callable[[], int], name: str) -> int:
    """Run ``command``; an error is told on stderr after ``name``, and is the code that it means."""
    try:
        code = command()
        sys.stdout.flush()  # a reader who has gone is noticed here and not after the end
    except ConfigError as error:
        for problem in error.problems:
            print(f"config: {problem}", file=sys.stderr)  # noqa: T201 - the command's answer
        return WRONG_USE
    except PresenceBridgeError as error:
        print(f"{name}: {error}", file=sys.stderr)  # noqa: T201 - the command's answer
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except (BrokenPipeError, BaseExceptionGroup) as error:  # as in: … | head
        if not _is_broken_pipe(error):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return code


def _is_broken_pipe(error: BaseException) -> bool:
    """Whether that is all; a group where tasks ran beside what printed."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(_is_broken_pipe, error.exceptions))
    return isinstance(error, BrokenPipeError)
