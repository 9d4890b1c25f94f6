"""What a form of the set-up says, as values; what cannot be right is refused. Pure."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import SecretStr, ValidationError

from bridge.config.tables.accounts import PLACEHOLDER_CLIENT_ID
from bridge.config.tables.base import is_zone
from bridge.config.tables.shared import MqttSettings
from bridge.config.tables.tenant import tenant_name
from bridge.contract.registration import Registration
from bridge.web.posts import name_of
from bridge.web.refused import Fields, MistakeError, RefusedError

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.:-]{0,250}[A-Za-z0-9])?")
_ADDRESS = re.compile(r"(mqtts?|tcp|ssl)://([^/]+)/?", re.IGNORECASE)
_WITH_TLS = ("mqtts", "ssl")
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----\s.+\s-----END CERTIFICATE-----", re.DOTALL)
_WITH_PORT = re.compile(r"([^:\s]+):(\d{1,6})")
_GUID = re.compile(r"(?i)(?<![0-9a-f-])[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}(?![0-9a-f-])")
SWAPPED = "The two values stand in each other's place."
_MISTAKES = {
    "host": "Give the broker's name or address alone, such as localhost or 192.168.1.5.",
    "port": "The port is a whole number up to 65535: 1883, unless somebody changed it.",
    "server_name": "The name in the certificate is a name or address, such as broker.lan.",
    "username": "The user name has odd characters.",
}


def broker_of(
    fields: Fields, kept: SecretStr | None = None, *, ca_file: Path | None = None
) -> MqttSettings:
    """The broker of a form; ``kept`` is the password where none is typed.

    A port behind the name, as in ``localhost:1883``, counts as the port. ``ca_file`` is where the
    authority is that goes with the form.

    Raises:
        MistakeError: It cannot be one; as do the next.
    """
    host, port = fields.get("host", "").strip(), fields.get("port", "").strip()
    tls, server_name = bool(fields.get("tls")), fields.get("server_name", "").strip()
    if address := _ADDRESS.fullmatch(host):
        tls, host = tls or address[1].lower() in _WITH_TLS, address[2]
    if both := _WITH_PORT.fullmatch(host):
        host, port = both[1], both[2]
    username = fields.get("username", "").strip()
    if not _HOST.fullmatch(host):
        raise _wrong("host")
    if server_name and not _HOST.fullmatch(server_name):
        raise _wrong("server_name")
    if not username.isprintable():
        raise _wrong("username")
    table: dict[str, Any] = {
        "host": host,
        "port": port or None,
        "tls": tls,
        "ca_file": ca_file if tls else None,
        "server_name": (server_name or None) if tls else None,
        "username": username or None,
        "password": fields.get("password") or kept,
    }
    try:
        return MqttSettings.model_validate(table)
    except ValidationError as error:
        keys = [str(each["loc"][0]) for each in error.errors() if each["loc"]]
        raise _wrong(next((key for key in keys if key in _MISTAKES), "host")) from error


def authority_of(fields: Fields) -> str | None:
    """The certificate of an authority that is pasted into a form; raises as ``broker_of``."""
    pasted = fields.get("ca", "").strip().replace("\r\n", "\n")
    if not pasted or not fields.get("tls"):
        return None
    if not _PEM.fullmatch(pasted) or "PRIVATE KEY" in pasted:
        raise MistakeError(
            "That is not a certificate in PEM:",
            remedy="paste all of it, from BEGIN CERTIFICATE to END CERTIFICATE, and never a key.",
            field="ca",
        )
    return f"{pasted}\n"


def registration_of(fields: Fields) -> Registration:
    """The app registration of a form; for values that are swapped, with the right places."""
    tenant, client_id = fields.get("tenant", ""), fields.get("client_id", "")
    try:
        return _registration(tenant, client_id)
    except MistakeError as mistake:
        try:
            swapped = _registration(tenant=client_id, client_id=tenant)
        except MistakeError:
            raise mistake from None
        raise MistakeError(SWAPPED, field="client_id", swapped=swapped) from None


def person_of(fields: Fields) -> tuple[str, str | None]:
    """The name and the time zone of the first person."""
    try:
        name = name_of(fields)
    except RefusedError as error:
        raise MistakeError(str(error), field="name") from error
    return name, zone_of(fields)


def zone_of(fields: Fields) -> str | None:
    """The time zone, when one is given."""
    zone = fields.get("time_zone", "").strip()
    if zone and not is_zone(zone):
        raise MistakeError(
            "A time zone has a name such as Europe/Berlin; or leave it empty.", field="time_zone"
        )
    return zone or None


def _registration(tenant: str, client_id: str) -> Registration:
    found = _GUID.search(client_id)
    if not found:
        raise MistakeError(
            "The client id looks like 1b2c3d4e-0000-4000-8000-123456789abc:",
            remedy="copy Application (client) ID from the overview of the app registration.",
            field="client_id",
        )
    app = UUID(found[0])
    if app == PLACEHOLDER_CLIENT_ID:
        raise MistakeError(
            "That is the placeholder:", remedy="copy Application (client) ID.", field="client_id"
        )
    try:
        name = tenant_name(tenant)
    except ValueError as error:
        text = f"The tenant {error}.".replace("write tenant = ", "write ")  # a form has no keys
        raise MistakeError(text, field="tenant") from error
    if not name:
        raise MistakeError(
            "The tenant is your organisation's domain, such as contoso.com, or its Directory "
            "(tenant) ID.",
            field="tenant",
        )
    return Registration(name, app)


def _wrong(field: str) -> MistakeError:
    return MistakeError(_MISTAKES[field], field=field)
