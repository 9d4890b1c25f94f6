"""What ``init`` writes. Pure: options and random bytes in, text out."""

from __future__ import annotations

import base64
import hashlib

ITERATIONS = 101
"""As mosquitto_passwd takes by default; the passwords are long and random."""

CONFIG = """\
# Presence Bridge. All settings with their defaults are in the shipped config.toml.

[mqtt]
host = "{broker}"
username = "bridge"
password_file = "secrets/mqtt_bridge"

[microsoft]                                # docs/app-registration.md
tenant = "{tenant}"
client_id = "{client_id}"

[accounts.{account}]                       # the key is the name in topics
name = "{name}"
"""

DRIVER = """
[drivers.{driver}]                         # presence-driver {driver}; docs/lights.md
kind = "console"
follow = ["{account}"]
"""


def password(random: bytes) -> str:
    """A password that is easy to copy."""
    return base64.urlsafe_b64encode(random).decode().rstrip("=")


def hashed(password_text: str, salt: bytes) -> str:
    """A password as Mosquitto stores it: PBKDF2 with SHA-512 (``$7$``, mosquitto_passwd(1))."""
    digest = hashlib.pbkdf2_hmac("sha512", password_text.encode(), salt, ITERATIONS)
    parts = (base64.b64encode(salt).decode(), base64.b64encode(digest).decode())
    return f"$7${ITERATIONS}${parts[0]}${parts[1]}"
