"""The commands of a page: its blocks of shell, and our programs where they stand in the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from textwrap import dedent

_FENCE = re.compile(r"(?ms)^( *)```(\w*)\n(.*?)^\1```$")
_SHELL = ("sh", "bash", "console")
_INDENTED = re.compile(r"(?m)^\n((?: {4,}\S.*\n)+)")
_SPAN = re.compile(r"`(presence-(?:bridge|driver) [^`]+)`")
_FUNCTION = re.compile(r"^(\w+\(\) \{\n.*?\n\})$", re.MULTILINE | re.DOTALL)


def blocks(page: str) -> Iterator[str]:
    """The blocks of shell, without prompts, answers and what is explained beside a command.

    An indented block is one; what is something else is fenced as ``text``.
    """
    fenced = [dedent(text) for _, kind, text in _FENCE.findall(page) if kind in _SHELL]
    indented = [dedent(text) for text in _INDENTED.findall(_FENCE.sub("", page))]
    for text in fenced + indented:
        lines = text.splitlines()
        if typed := [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]:
            yield "\n".join(typed)
        else:
            yield re.sub(r"(?m)(?<=\S) {2,}\S.*$", "", text.rstrip())


def commands(block: str) -> list[str]:
    """One by one, each on a line of its own; a function is one command."""
    found: list[str] = []
    for part in _FUNCTION.split(block):
        if _FUNCTION.fullmatch(part):
            found.append(part)
        else:
            whole = re.sub(r"\\\n\s*", "", part)
            found += [line for line in whole.splitlines() if line.strip()]
    return found


def named(page: str) -> list[str]:
    """Our programs with their words, wherever they stand."""
    spans = _SPAN.findall(re.sub(r"\s*\n\s*", " ", _FENCE.sub("", page)))
    typed = [command for block in blocks(page) for command in commands(block)]
    ours = re.compile(r"(?:^|/bin/|exec bridge )(presence-(?:bridge|driver) .*)$")
    return spans + [found[1] for command in typed if (found := ours.search(command))]
