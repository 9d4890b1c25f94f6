"""What the environment says of the broker: it counts before what the set-up would write. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.config.loader import PREFIX
from bridge.config.tables.shared import MqttSettings
from bridge.web.refused import MistakeError

_FIELDS = ("hosts", "host", "port", "tls", "username")
_SECRETS = ("password", "password_file")


def outranked(
    typed: MqttSettings, named: MqttSettings, environ: Mapping[str, str]
) -> MistakeError | None:
    """What of ``typed`` would not count, since ``environ`` has it; ``named`` is as that says."""
    for field in _FIELDS:
        variable, value = _variable(field, environ)
        if value and getattr(typed, field) != getattr(named, field):
            return MistakeError(
                f"{variable} is {value} in the environment, and counts before what is typed here.",
                remedy="Change it there, with docker compose in .env, and start the bridge anew.",
                field="host" if field == "hosts" else field,
            )
    for field in _SECRETS:
        variable, value = _variable(field, environ)
        if value and typed.password:
            where = f", in the file {value}" if field == "password_file" else ""
            return MistakeError(
                f"{variable} in the environment says what the password is{where}.",
                remedy="Change it there, with docker compose in data/secrets/mqtt_bridge.",
                field="password",
            )
    return None


def _variable(field: str, environ: Mapping[str, str]) -> tuple[str, str]:
    name = f"{PREFIX}MQTT__{field.upper()}"
    return name, environ.get(name, "")
