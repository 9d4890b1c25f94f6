"""Sets single values in a TOML file that a person wrote; comments and order stay. Pure."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

_HEADER = re.compile(r"(?m)^[ \t]*\[(?!\[)[ \t]*(?P<name>[^\]\n]+?)[ \t]*\][^\n]*\n?")
_NEXT = re.compile(r"(?m)^[ \t]*\[")
_VALUE = r'(?:"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|[^\s#]+)'


class OtherStyleError(Exception):
    """The values stand there in a way that only a person can change."""


def toml_text(text: str) -> str:
    """A basic string: text in JSON is one, but for DEL (TOML 1.0, "String")."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def with_values(text: str, table: str, values: Mapping[str, str]) -> str:
    """``text`` with ``values`` in ``[table]``, which is added at the end where there is none.

    Raises:
        OtherStyleError: It would not become exactly that, as with dotted keys or inline tables.
    """
    after = _written(text, table, values)
    try:
        expected, found = tomllib.loads(text), tomllib.loads(after)
    except tomllib.TOMLDecodeError as error:
        raise OtherStyleError from error
    level: dict[str, Any] = expected
    for part in table.split("."):
        level = level.setdefault(part, {})
        if not isinstance(level, dict):
            raise OtherStyleError
    level.update(values)
    if found != expected:
        raise OtherStyleError
    return after


def _written(text: str, table: str, values: Mapping[str, str]) -> str:
    header = next((it for it in _HEADER.finditer(text) if it["name"] == table), None)
    lines = {key: f"{key} = {toml_text(value)}" for key, value in values.items()}
    if header is None:
        gap = "" if not text or text.endswith("\n\n") else "\n" if text.endswith("\n") else "\n\n"
        return f"{text}{gap}[{table}]\n" + "".join(f"{line}\n" for line in lines.values())
    start = header.end()
    end = found.start() if (found := _NEXT.search(text, start)) else len(text)
    body, missing = text[start:end], ""
    for key, line in lines.items():
        there = re.search(rf"(?m)^([ \t]*){key}[ \t]*=[ \t]*{_VALUE}", body)
        if there:
            body = f"{body[: there.start()]}{there[1]}{line}{body[there.end() :]}"
        else:
            missing += f"{line}\n"
    begin = text[:start] if text[:start].endswith("\n") else f"{text[:start]}\n"
    return f"{begin}{missing}{body}{text[end:]}"
