"""The keys that every ``[drivers.NAME]`` has, read together with those of its kind. No I/O."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, ValidationError, create_model

from bridge.config import HostConfig, Settings, Slug, problems, unknown
from bridge.contract.errors import ConfigError
from bridge.contract.hours import WeeklyHours, parse_hours
from drivers.base import Capability
from drivers.rules import Look, Rules
from drivers.rules.defaults import LOOK_NAMES, SHIPPED_LOOKS


def _known_looks(value: Any) -> Any:
    if isinstance(value, dict):
        for name in value:
            if name not in LOOK_NAMES:
                raise ValueError(f"{name}: {unknown(name, sorted(LOOK_NAMES))}")
    return value


class Schedule(Settings):
    """``{ days = "mon-fri", hours = "08:00-18:00", outside = "off" }``."""

    days: str = "all"
    hours: str = "00:00-24:00"
    outside: Literal["off", "keep", "give_back"] | Look = "off"
    """Outside of the hours: switch off, leave as it is, leave as it was found, or this look."""

    def model_post_init(self, _context: Any, /) -> None:
        """Refuse days and hours that cannot be read."""
        self.parsed()

    def parsed(self) -> WeeklyHours:
        """The hours as a rule."""
        return parse_hours(self.days, self.hours)


class Common(Settings):
    """What every kind of lamp has."""

    kind: str
    name: str = ""
    """Shown in Home Assistant; the key of the table when empty."""
    follow: tuple[Slug, ...] = ()
    """Accounts; all that are heard of when empty. The busiest one wins."""
    schedule: Schedule | None = None
    looks: Annotated[dict[str, Look], BeforeValidator(_known_looks)] = Field(default_factory=dict)
    """By activity, availability, or unknown, sign_in_needed, out_of_office, default."""
    brightness: Annotated[float, Field(ge=0.01, le=1)] = 1.0
    """Scales every look of this lamp."""
    on_exit: Literal["restore", "off", "keep"] = "restore"
    """After a clean stop: as it was found (where the lamp can be read, else off), off, or as is."""
    grace: Annotated[float, Field(ge=0, le=3600)] = 10
    """Seconds that the bridge may be away before the lamp says so."""
    respect_others: bool = False
    """Leave a change by another app or a wall switch alone until the presence changes."""

    def rules(self, config: HostConfig, capability: Capability = Capability.COLOR) -> Rules:
        """The rules of this lamp, if its light can do ``capability``."""
        return Rules(
            looks={**SHIPPED_LOOKS[capability], **self.looks},
            hours=self.schedule.parsed() if self.schedule else None,
            outside=self.schedule.outside if self.schedule else "off",
            zone=config.zone,
            scale=self.brightness,
        )


def read(config: HostConfig, name: str, options: type[BaseModel]) -> tuple[Common, BaseModel]:
    """The common settings of ``[drivers.name]`` and the kind's ``options``.

    Raises:
        ConfigError: With every mistake at once, each naming its key.
    """
    table = config.drivers[name]
    values = {"kind": table.kind, **(table.model_extra or {})}
    both = create_model("Driver", __base__=(Common, options))
    context = {"folder": config.folder}
    try:
        both.model_validate(values, context=context)
        common = {key: values[key] for key in Common.model_fields if key in values}
        own = {key: values[key] for key in options.model_fields if key in values}
        return Common.model_validate(common), options.model_validate(own, context=context)
    except ValidationError as error:
        raise ConfigError(problems(error, both, f"drivers.{name}")) from error
