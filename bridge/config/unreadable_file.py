"""Why a file cannot be read, and the command that mends it."""

from __future__ import annotations

import os
import pwd
import shlex
from pathlib import Path
from typing import NamedTuple


class Unreadable(NamedTuple):
    """What is wrong with a file, and what to do."""

    why: str
    """It names the file."""
    cure: str

    def __str__(self) -> str:
        return f"{self.why}; {self.cure}" if self.cure else self.why


def unreadable(
    file: Path, error: OSError, *, otherwise: str = "", shared: bool = False
) -> Unreadable:
    """Why ``file`` could not be read; ``otherwise`` is the cure where no permission is missing.

    A ``shared`` file, such as the certificate of an authority, is not ours alone: its owner stays.
    """
    if not isinstance(error, PermissionError):
        return Unreadable(f"{file}: {error.strerror or error}", otherwise)
    me = this_user()
    for folder in reversed(file.absolute().parents):
        if not os.access(folder, os.X_OK):
            return Unreadable(
                f"this user ({me}) may not enter {folder}, which belongs to {owner_of(folder)}",
                f"sudo chmod a+x {quoted(folder)}",
            )
    if os.access(file, os.R_OK):
        return Unreadable(
            f"something keeps this user ({me}) from reading {file}",
            "look at AppArmor, SELinux or the sandbox of the service",
        )
    return _forbidden(file, me, shared=shared)


def owner_of(path: Path) -> str:
    """Who owns ``path``, as people know them."""
    try:
        return _name(path.stat().st_uid)
    except OSError:
        return "somebody else"


def this_user() -> str:
    """Who we are, as people know us; a number where nobody has given it a name."""
    return _name(os.geteuid())


def quoted(path: Path) -> str:
    """``path`` as it stands in a command; what a link leads to, since that is what has a mode."""
    return shlex.quote(os.path.realpath(path))  # Path.resolve trips over a link to itself


def chown_command(path: Path, *, all_below: bool = True) -> str:
    """The command that gives this user ``path``, and ``all_below`` it."""
    return f"sudo chown {'-R ' if all_below else ''}{this_user()} {quoted(path)}"


def _forbidden(file: Path, me: str, *, shared: bool) -> Unreadable:
    owner = owner_of(file)
    if owner == me:
        return Unreadable(
            f"this user ({me}) may not read {file}, as its mode says", f"chmod u+r {quoted(file)}"
        )
    return Unreadable(
        f"this user ({me}) may not read {file}, which belongs to {owner}",
        f"sudo chmod a+r {quoted(file)}" if shared else chown_command(file, all_below=False),
    )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
