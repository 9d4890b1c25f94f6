"""The commands about the app registration: certificate create, consent-url.

They print what goes into Microsoft's portal, in the portal's words, and ask nobody. What hinders
them is a ``PresenceBridgeError`` that says what to do.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bridge.commands.terminal import chosen_account, letter_text, say
from bridge.config.command_line import OK
from bridge.config.tables.config import Config
from bridge.contract.account import Mend
from bridge.contract.clock import SystemClock
from bridge.contract.errors import ConfigError
from bridge.microsoft.sign_in.certificate import create
from bridge.microsoft.sign_in.message_to_admin import consent_url as address
from bridge.microsoft.sign_in.message_to_admin import letter
from bridge.microsoft.sign_in.registration import public_app


def create_certificate(folder: Path, *, days: int) -> int:
    """Make a key and a certificate, and say what to do with them."""
    if days < 1:
        raise ConfigError(["--days: must be at least 1"])
    made = create(folder, days=days, now=SystemClock().now())
    lines = (
        f"{made.key_file} is the private key: it stays here and nowhere else.",
        f"{made.certificate_file} is the certificate. Upload it:",
        "  Microsoft Entra admin center, App registrations, your app,",
        "  Certificates & secrets, Certificates, Upload certificate.",
        f"Thumbprint (SHA-256): {made.thumbprint}",
        f"Valid until: {made.expires:%Y-%m-%d}",
        "",
        "Then, in the config:",
        "[microsoft]",
        f'certificate_file = "{made.certificate_file}"',
        f'private_key_file = "{made.key_file}"',
    )
    say("\n".join(lines))
    return OK


def consent_url(config: Config, account: str | None) -> int:
    """Print where an admin consents to the app of ``account``, or of the only one there is.

    A message with it, ready for the admin, goes to the standard error: the address alone can be
    piped.
    """
    app = public_app(config, chosen_account(config, account))
    say(address(app))
    if message := letter(Mend.CONSENT, app):
        print(f"\n{letter_text(message)}", file=sys.stderr)  # noqa: T201 - the command's answer
    return OK
