"""What ``init`` and the guided set-up write. Pure: values and random bytes in, text out."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from bridge.config.host import MqttSettings

PASSWORD_FILE = "secrets/mqtt_bridge"  # noqa: S105 - where it is, not what it is

ITERATIONS = 101
"""As mosquitto_passwd takes by default; the passwords are long and random."""

HASH_BYTES = 64
"""Of SHA-512."""

CONFIG = """\
# Presence Bridge. All settings with their defaults are in the shipped config.toml.

{top}[mqtt]
{broker}
[microsoft]                                # docs/app-registration.md
tenant = {tenant}
client_id = "{client_id}"

[accounts.{account}]                       # the key is the name in topics
name = {name}
"""

_DRIVER = """
[drivers.{driver}]                         # presence-driver {driver}; docs/lights.md
kind = "console"
follow = {follow}
"""


def toml(text: str) -> str:
    """A basic string: printable text in JSON is one (TOML 1.0, "String")."""
    return json.dumps(text, ensure_ascii=False)


def driver_lines(driver: str, follow: Iterable[str]) -> str:
    """A table for a new lamp."""
    return _DRIVER.format(driver=driver, follow=json.dumps(list(follow)))


def zone_line(zone: str) -> str:
    """The time zone, which stands above all tables."""
    return f"time_zone = {toml(zone)}\n"


def broker_lines(broker: MqttSettings | None) -> str:
    """``[mqtt]`` for ``broker``; else for the one that ``init`` makes passwords for."""
    if broker is None:
        broker = MqttSettings(username="bridge", password_file=Path(PASSWORD_FILE))
    lines = [f"host = {toml(broker.host)}"]
    if broker.port:
        lines.append(f"port = {broker.port}")
    if broker.username:
        lines.append(f"username = {toml(broker.username)}")
    if broker.password or broker.password_file:
        lines.append(f"password_file = {toml(PASSWORD_FILE)}")
    return "".join(f"{line}\n" for line in lines)


def password(random: bytes) -> str:
    """A password that is easy to copy."""
    return base64.urlsafe_b64encode(random).decode().rstrip("=")


def hashed(password_text: str, salt: bytes) -> str:
    """A password as Mosquitto stores it: PBKDF2 with SHA-512 (``$7$``, mosquitto_passwd(1))."""
    digest = hashlib.pbkdf2_hmac("sha512", password_text.encode(), salt, ITERATIONS)
    parts = (base64.b64encode(salt).decode(), base64.b64encode(digest).decode())
    return f"$7${ITERATIONS}${parts[0]}${parts[1]}"
