"""JSON that others write, as far as a lamp reads it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """Frozen; what is not named here is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)
