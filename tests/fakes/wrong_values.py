"""What people may write into any setting, and words that no answer to them may have."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

VALUES: tuple[Any, ...] = (
    *(True, False, 0, -1, 1, 10**30, 1.5, -2.5, float("nan"), float("inf")),
    *("", " ", "x", "ä", "0", "-1", "1.5", "true", "a b", "a/b", "http://x", "x" * 500),
    *("\0", "\n", "../x", "~nobody-here/x", "00000000", "mon", "off", "{", "[1"),
    *([], [1], ["x"], ["x", 1], [[]], [{}], ["x"] * 50),
    *({}, {"x": 1}, {"x": {}}, {"x": "x"}, {"1": []}, {"Ä": {}}, {"int": {"x": []}}),
    *(dt.date(2026, 1, 1), dt.datetime(2026, 1, 1), dt.time(8, 0)),  # noqa: DTZ001 - as in TOML
)
JARGON = re.compile(
    r"pydantic|Input should|should be a valid|valid (string|integer|number|boolean|tuple|list)"
    r"|\bstr_|_type\b|_parsing|validation error|NoneType|\bdict\b|\btuple\b|\bNone\b|<class"
    r"|Traceback|instance of|function-|literal\[|constrained|lax-or|\bUUID\b|\bregex|match pattern"
    r"|Value error|\{\w+\}|\.0 or "
)


def keys_of(model: type[BaseModel], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Each setting of ``model``, in tables of tables too, and one in each that does not exist."""
    for name, field in model.model_fields.items():
        here = (*above, name)
        yield here
        named = (*here, "some") if str(field.annotation).startswith("dict[") else here
        if named != here:
            yield named
        for inner in _models_in(field.annotation):
            yield from keys_of(inner, named)
            yield (*named, "unknwon")


def table_with(key: tuple[str, ...], value: Any) -> dict[str, Any]:
    """A config with one setting."""
    table: dict[str, Any] = {}
    level = table
    for part in key[:-1]:
        level = level.setdefault(part, {})
    level[key[-1]] = value
    return table


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
