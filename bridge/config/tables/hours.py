"""Days and hours as people write them: one table or a list of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from functools import reduce
from operator import add
from typing import Annotated, Any, Self, TypeVar

from pydantic import BeforeValidator, ValidationInfo, ValidatorFunctionWrapHandler, model_validator

from bridge.config.tables.base import Settings
from bridge.contract.hours import WeeklyHours, parse_hours

S = TypeVar("S", bound=Settings)


def _words(value: Any) -> Any:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list | tuple) and all(isinstance(word, str) for word in value):
        return tuple(value)
    raise ValueError('must be text in quotes, or a list of it such as ["mon", "wed"]')


def _dates(value: Any) -> Any:
    """TOML has dates of its own."""
    several = value if isinstance(value, list | tuple) else [value]
    days = tuple(day.isoformat() if type(day) is date else day for day in several)
    if all(isinstance(day, str) for day in days):
        return days
    raise ValueError('must be dates such as [2026-12-24, "2026-12-27/2027-01-06"]')


Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
Dates = Annotated[tuple[str, ...], BeforeValidator(_dates)]


class HoursSettings(Settings):
    """As in ``{ days = "mon-fri", hours = "08:00-18:00" }``; each may be a list."""

    days: Words = ("all",)
    hours: Words = ("00:00-24:00",)
    days_off: Dates = ()
    """Dates that are as if they were none of ``days``: ``["2026-12-24/2027-01-06"]``."""

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        self.parsed()
        return self

    def parsed(self) -> WeeklyHours:
        """The hours as a rule."""
        return parse_hours(self.days, self.hours, self.days_off)


def hours_of(tables: Iterable[HoursSettings]) -> WeeklyHours:
    """The hours of several tables together."""
    return reduce(add, (table.parsed() for table in tables))


def one_or_more(
    table: type[S],
) -> Callable[[Any, ValidatorFunctionWrapHandler, ValidationInfo], tuple[S, ...]]:
    """Reads one ``table``, as the last release knows it, or a list of them that is not empty."""

    def read(
        value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> tuple[S, ...]:
        if not isinstance(value, list | tuple):
            return (table.model_validate(value, context=info.context),)
        if value == []:  # an empty tuple is how nothing written is kept
            raise ValueError("is empty and would never apply: write hours, or remove it")
        several: tuple[S, ...] = handler(value)
        return several

    return read
