"""Turns validation errors into lines for people. Never shows a value: it may be a secret."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

_TEXTS = {
    "missing": "is missing",
    "bool_parsing": "must be true or false",
    "int_parsing": "must be a whole number",
    "float_parsing": "must be a number",
    "string_type": "must be text in quotes",
    "uuid_parsing": "must look like 00000000-0000-0000-0000-000000000000",
    "model_type": "must be a table",
    "dict_type": "must be a table",
}


def problems(error: ValidationError, model: type[BaseModel], prefix: str = "") -> list[str]:
    """One line a mistake, each beginning with its key in dotted form.

    An unknown key is answered with the nearest known one.
    """
    return [
        _line(tuple(map(str, e["loc"])), e["type"], e["msg"], model, prefix)
        for e in error.errors(include_input=False, include_url=False)
    ]


def unknown(key: str, known: list[str]) -> str:
    """``unknown; did you mean …?`` for ``key`` among ``known``."""
    from difflib import get_close_matches  # noqa: PLC0415 - only a wrong config needs it

    near = get_close_matches(key, known, n=1)
    return f"unknown; did you mean {near[0]}?" if near else f"unknown; known: {', '.join(known)}"


def _line(
    location: tuple[str, ...], kind: str, text: str, model: type[BaseModel], prefix: str
) -> str:
    if location and location[-1] == "[key]":
        location, text = location[:-1], "can only have a-z, 0-9, _ and -, 40 at the most"
    key = ".".join(part for part in (prefix, *location) if part)
    if kind == "extra_forbidden":
        text = unknown(location[-1], _keys_at(model, location[:-1]))
    text = _TEXTS.get(kind, text).removeprefix("Value error, ")
    return f"{key}: {text}" if key else text


def _keys_at(model: type[BaseModel], location: tuple[str, ...]) -> list[str]:
    for part in location:
        field = model.model_fields.get(part)
        inner = next(_models_in(field.annotation), None) if field else None
        model = inner or model
    return sorted(model.model_fields)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
