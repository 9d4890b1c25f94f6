"""The first start on a machine without a screen: its page can be opened from a phone.

Only for who sits at a terminal, since what is printed there opens the page. It never goes into a
log: logs are kept, sent elsewhere, and read by people who may not open the page.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import TextIO

from bridge.commands.terminal import say, typed_line
from bridge.config.atomic_file import make_private, write_new
from bridge.config.tables.config import Config
from bridge.config.tables.web import WebSettings
from bridge.config.text_file import read_secret
from bridge.contract.errors import ConfigError
from bridge.setup.owners import PAGE
from bridge.setup.passwords import password
from bridge.web.access.one_time_link import LIFETIME_S, OneTimeLink

EVERYWHERE = "0.0.0.0"  # noqa: S104 - asked for by who sits at the terminal
PASSWORD_BYTES = 12
"""Random, and short enough to be typed on a phone."""
_DECIDED = {"host", "password_file", "trusted_proxies"}
_QUESTION = """
{file} is not filled in yet: a page asks for what is needed.
May it be opened from a phone or another computer too? It then listens on the network, by plain
HTTP and with a password that is made now. [y/N] """
_OPEN = """
{code}Open this on the phone within {minutes:.0f} minutes; it works once:

    {link}

Later: {address} with the password {password}
"""


def opened_to_phones(
    draft: Config, file: Path, *, typed: Callable[[str], str] = typed_line
) -> WebSettings | None:
    """``[web]`` for the network, where somebody says so; ``None`` leaves it as it is.

    Nobody is asked where the config or the environment has decided. ``typed`` asks a question.

    Raises:
        ConfigError: No password can be kept.
    """
    if draft.web.model_fields_set & _DECIDED:
        return None
    answer = typed(_QUESTION.format(file=file))
    if answer.strip().lower() not in ("y", "yes"):
        return None
    secret = file.absolute().parent / "secrets" / PAGE
    try:
        make_private(secret.parent)
        write_new(secret, password(os.urandom(PASSWORD_BYTES)), mode=0o600)
    except OSError as error:
        raise ConfigError([f"{error.filename or secret}: {error.strerror}"]) from error
    return draft.web.model_copy(update={"host": EVERYWHERE, "password_file": secret})


def invitation(web: WebSettings, address: str, link: OneTimeLink, *, terminal: TextIO) -> str:
    """What leads to the page: a QR code where the terminal can show one, the link, the password."""
    assert web.password_file is not None
    once = link.below(address)
    return _OPEN.format(
        code=_qr_code(once, terminal),
        minutes=LIFETIME_S / 60,
        link=once,
        address=address,
        password=read_secret(web.password_file),
    )


def invite(web: WebSettings, port: int, link: OneTimeLink) -> None:
    """Print the invitation to the page, which listens on ``port``."""
    address = f"http://{own_address()}:{port}/"
    say(invitation(web, address, link, terminal=sys.stdout))


def own_address() -> str:
    """The address of this machine on its network; nothing is sent for it.

    Where there is no network yet, its name.
    """
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.connect(("192.0.2.1", 9))  # nobody's (RFC 5737); it only chooses a route
        return str(asked.getsockname()[0])
    return socket.gethostname()


def _qr_code(text: str, terminal: TextIO) -> str:
    if "utf" not in (terminal.encoding or "").lower():
        return ""
    import segno  # noqa: PLC0415 - few starts show a code

    drawn = StringIO()
    segno.make_qr(text, error="m").terminal(drawn, border=2, compact=True)
    return f"{drawn.getvalue()}\n"
