"""The keys that every ``[drivers.NAME]`` has, read together with those of its kind."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    ValidationError,
    WrapValidator,
    create_model,
)

from bridge.config.tables.base import Settings, Slug
from bridge.config.tables.hours import HoursSettings, hours_of, one_or_more
from bridge.config.tables.shared import HostConfig
from bridge.config.validation_errors import problems, unknown
from bridge.contract.errors import ConfigError
from drivers.base import Capability, Kind
from drivers.rules import Look, Rules
from drivers.rules.defaults import LOOK_NAMES, SHIPPED_LOOKS
from drivers.rules.hours import NEVER, ComesBack, Outside


def _known_looks(value: Any) -> Any:
    if isinstance(value, dict):
        for name in value:
            if name not in LOOK_NAMES:
                raise ValueError(f"{name}: {unknown(name, sorted(LOOK_NAMES))}")
    return value


class Schedule(HoursSettings):
    """``{ days = "mon-fri", hours = "08:00-18:00", outside = "off" }``."""

    outside: Outside = "off"
    """Outside of the hours: switch off, leave as it is, leave as it was found, or this look."""


class Common(Settings):
    """What every kind of lamp has."""

    kind: str
    name: str = ""
    """Shown in Home Assistant; the key of the table when empty."""
    follow: tuple[Slug, ...] = ()
    """Accounts; all that are heard of when empty. The busiest one wins."""
    schedule: Annotated[tuple[Schedule, ...], WrapValidator(one_or_more(Schedule))] = ()
    """When it follows anybody; several together. Outside of all, the first counts that says what
    to do then, before others one that holds on the day."""
    looks: Annotated[dict[str, Look], BeforeValidator(_known_looks)] = Field(default_factory=dict)
    """By activity, availability, or unknown, sign_in_needed, out_of_office, default."""
    brightness: Annotated[float, Field(ge=0.01, le=1)] = 1.0
    """Scales every look of this lamp."""
    on_exit: Literal["restore", "off", "keep"] = "restore"
    """After a clean stop: as it was found (where the lamp can be read, else off), off, or as is."""
    grace: Annotated[float, Field(ge=0, le=3600)] = 10
    """Seconds that the bridge may be away before the lamp says so."""
    settle: Annotated[float, Field(ge=0, le=300)] = 0.0
    """Seconds that a look stays when presence gets quieter, as between two calls."""
    respect_others: bool = False
    """Leave a change by another app or a wall switch alone until the presence changes."""
    comes_back: ComesBack = NEVER
    """When presence takes over a lamp that was switched off, as with all other lights."""

    @property
    def has_hours(self) -> bool:
        """Whether it matters what time it is where the lamp is."""
        return bool(self.schedule) or self.comes_back != NEVER

    def rules(self, config: HostConfig, capability: Capability = Capability.COLOR) -> Rules:
        """The rules of this lamp, if its light can do ``capability``."""
        said = [table for table in self.schedule if "outside" in table.model_fields_set]
        return Rules(
            looks={**SHIPPED_LOOKS[capability], **self.looks},
            hours=hours_of(self.schedule) if self.schedule else None,
            outside=said[0].outside if said else "off",
            outside_on={
                day: table.outside
                for table in reversed(said)
                for span in table.parsed().spans
                for day in span.days
            },
            zone=config.zone,
            scale=self.brightness,
        )


class LampConfig(NamedTuple):
    """All that a command or the runner must know of one ``[drivers.NAME]``."""

    name: str
    config: HostConfig
    common: Common
    kind: Kind[Any]
    options: BaseModel


def read(config: HostConfig, name: str, options: type[BaseModel]) -> tuple[Common, BaseModel]:
    """The common settings of ``[drivers.name]`` and those of its kind; all mistakes at once."""
    table = config.drivers[name]
    values = {"kind": table.kind, **(table.model_extra or {})}
    context = {"folder": config.folder}

    def apart() -> tuple[Common, BaseModel]:
        common = {key: values[key] for key in Common.model_fields if key in values}
        own = {key: values[key] for key in options.model_fields if key in values}
        return Common.model_validate(common), options.model_validate(own, context=context)

    if values.keys() <= Common.model_fields.keys() | options.model_fields.keys():
        with suppress(ValidationError):
            return apart()
    both = _together(options)
    try:
        both.model_validate(values, context=context)
        return apart()
    except ValidationError as error:
        raise ConfigError(problems(error, both, f"drivers.{name}")) from error


@cache
def _together(options: type[BaseModel]) -> type[BaseModel]:
    """``Common`` and ``options`` as one model. It costs memory: for mistakes alone."""
    return create_model("Driver", __base__=(Common, options))
