"""One of several brokers in ``mqtt.hosts``: ``"name"``, ``"name:port"``, or a table."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field, model_validator

from bridge.config.tables.base import HostAddress, Settings

Port = Annotated[int, Field(ge=1, le=65535)]

_WITH_PORT = re.compile(r"(\[[^\]]+\]|[^:/]+):(\d+)")


class BrokerAddress(Settings):
    """Where one of them is."""

    host: HostAddress
    port: Port | None = None
    """As ``port`` in ``[mqtt]`` when not given."""
    server_name: str | None = None
    """As ``server_name`` in ``[mqtt]`` when not given."""

    @model_validator(mode="before")
    @classmethod
    def _may_be_text(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        both = _WITH_PORT.fullmatch(value.strip())
        return {"host": both[1], "port": both[2]} if both else {"host": value}
