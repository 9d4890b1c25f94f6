"""Turns validation errors into lines for people, without the values: they may be secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

_NUMBER, _WHOLE = "must be a number", "must be a whole number"
_LIST = 'must be a list, as in ["this", "that"]'
_TEXTS = {
    "missing": "is missing",
    "bool": "must be true or false",
    "int_from_float": _WHOLE,
    "int": _WHOLE,
    "float": _NUMBER,
    "finite_number": _NUMBER,
    "string": "must be text in quotes",
    "path": "must be a path in quotes",
    "uuid": "must look like 00000000-0000-0000-0000-000000000000",
    "model": "must be a table",
    "dict": "must be a table",
    "mapping": "must be a table",
    "tuple": _LIST,
    "list": _LIST,
    "set": _LIST,
    "frozen_set": _LIST,
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be {le} or less",
    "string_too_short": "must have {min_length} characters or more",
    "string_too_long": "can have {max_length} characters at the most",
    "too_short": "must have {min_length} entries or more",
    "too_long": "can have {max_length} entries at the most",
    "string_pattern_mismatch": "cannot be written like this",
}
"""By what pydantic calls the mistake, or by how that begins: the longest that fits counts."""
_OWN = ("value_error", "assertion_error")
"""Validators of ours raised these, with a sentence for people."""
_ELSE = "cannot be read: config.toml as it is shipped shows how it is written"


def problems(error: ValidationError, model: type[BaseModel], prefix: str = "") -> list[str]:
    """One line a key, each beginning with that in dotted form.

    An unknown key is answered with the nearest known one.
    """
    texts_of: dict[str, list[str]] = {}
    for each in error.errors(include_input=False, include_url=False):
        key, text = _mistake(tuple(each["loc"]), each["type"], each["msg"], each.get("ctx"), model)
        texts = texts_of.setdefault(".".join(part for part in (prefix, key) if part), [])
        if text not in texts:
            texts.append(text)
    lines = ((key, ", or ".join(texts)) for key, texts in texts_of.items())
    return [f"{key}: {text}" if key else text for key, text in lines]


def unknown(key: str, known: list[str]) -> str:
    """``unknown; did you mean …?`` for ``key`` among ``known``."""
    from difflib import get_close_matches  # noqa: PLC0415 - only a wrong config needs it

    near = get_close_matches(key, known, n=1)
    return f"unknown; did you mean {near[0]}?" if near else f"unknown; known: {', '.join(known)}"


def _mistake(
    location: tuple[str | int, ...],
    kind: str,
    text: str,
    context: Mapping[str, Any] | None,
    model: type[BaseModel],
) -> tuple[str, str]:
    """The key in dotted form, and what is wrong with it."""
    if location and location[-1] == "[key]":
        location, text = location[:-1], "can only have a-z, 0-9, _ and -, 40 at the most"
    elif kind == "extra_forbidden":
        text = unknown(str(location[-1]), _keys_at(model, location[:-1]))
    elif kind in _OWN:
        text = text.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    else:
        fitting = [words for words in _TEXTS if f"{kind}_".startswith(f"{words}_")]
        text = _TEXTS[max(fitting, key=len)] if fitting else _ELSE
        text = text.format_map({name: _written(it) for name, it in (context or {}).items()})
    return ".".join(_without_alternatives(location, model)), text


def _written(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _without_alternatives(location: tuple[str | int, ...], at: Any) -> Iterator[str]:
    """The keys of ``location``; pydantic puts the name of each kind of value it tried between."""
    for part in location:
        alternatives = _alternatives(at)
        if len(alternatives) > 1:
            at = next((it for it in alternatives if getattr(it, "__name__", "") == part), Any)
            continue
        at = _inside(alternatives[0], part)
        yield str(part)


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    """The kinds of value that ``annotation`` allows beside none."""
    if get_origin(annotation) is Annotated:
        return _alternatives(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return tuple(it for it in get_args(annotation) if it is not type(None))
    return (annotation,)


def _inside(annotation: Any, part: str | int) -> Any:
    annotation = _alternatives(annotation)[0]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        field = annotation.model_fields.get(str(part))
        return field.annotation if field else Any
    inner = get_args(annotation) if get_origin(annotation) is not Literal else ()
    if get_origin(annotation) is tuple and isinstance(part, str):  # one that stands for a list
        return _inside(inner[0], part)
    return (inner[-1] if isinstance(part, str) else inner[0]) if inner else Any


def _keys_at(model: type[BaseModel], location: tuple[str | int, ...]) -> list[str]:
    for part in location:
        field = model.model_fields.get(str(part))
        inner = next(_models_in(field.annotation), None) if field else None
        model = inner or model
    return sorted(model.model_fields)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
