"""What all tables of the config share. Never reads a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo


def _beside_config(path: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder", Path())
    return Path(folder, path.expanduser())


ConfigPath = Annotated[Path, AfterValidator(_beside_config)]
"""A path; a relative one starts at the folder of the config file."""

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=40)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
TopicBase = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9_-]+(/[a-z0-9_-]+)*$", max_length=100)
]
HttpsUrl = Annotated[str, StringConstraints(pattern=r"^https://[^\s/]+(/\S*)?$")]


class Settings(BaseModel):
    """What all tables share: frozen, no unknown keys, no values in error texts."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
