"""The state folder, the secrets and the stored sign-ins as files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from bridge.config import state_dir
from bridge.config.tables.config import Config
from bridge.config.unreadable_file import chown_command, this_user, unreadable
from bridge.contract.errors import ConfigError
from bridge.doctor.findings import Finding, bad, good
from bridge.microsoft.sign_in.token_cache import DAMAGED, how_stored, token_file

_DISK = (
    "Free some space, or mount it for writing. Until then the service goes on, and what it learns "
    "is lost when it stops."
)


def state_folder(
    folder: Path, *, disk: Callable[[Path], os.statvfs_result] = os.statvfs
) -> Finding:
    """Whether the state can be kept."""
    # not Path.exists, which raises where we may not look
    place = next(path for path in (folder, *folder.parents) if os.access(path, os.F_OK))
    space = disk(place)
    if space.f_flag & os.ST_RDONLY:
        return bad(f"state_dir: {folder}: its disk is read-only", _DISK)
    if not space.f_bavail or (space.f_files and not space.f_favail):
        return bad(f"state_dir: {folder}: its disk is full", _DISK)
    if place.is_dir() and os.access(place, os.W_OK | os.X_OK):
        try:
            state_dir.in_use(folder)
        except ConfigError as error:
            return bad("; ".join(error.problems))
        return good(f"state_dir: {folder}")
    why = "this user may not write there" if place.is_dir() else f"{place} is no folder"
    return bad(
        f"state_dir: {folder}: {why}",
        "Run this as the user of the service. If that is what you did: give the user that folder "
        "(chown -R), or set state_dir to another one.",
    )


def service_runs(folder: Path) -> bool:
    """Whether the service runs on ``folder``, as far as this user may know."""
    try:
        return state_dir.in_use(folder)
    except ConfigError:
        return False


def open_secrets(config: Config) -> Iterator[Finding]:
    """The secrets that everybody can read."""
    tables = [config.microsoft_of(slug) for slug in config.accounts]
    files = {
        config.security.key_file,
        config.mqtt.password_file,
        config.mqtt.key_file,
        config.web.password_file,
        *(token_file(config, slug) for slug in config.accounts),
        *(table.private_key_file or table.certificate_file for table in tables),
        *(table.passphrase_file for table in tables),
    }
    for file in files:
        if file and _is_open(file):
            yield bad(f"{file} can be read by everybody on this machine", f"chmod 600 {file}")


def _is_open(file: Path) -> bool:
    """Whether everybody can read ``file``, and it is ours to change that."""
    try:
        own, folder = file.stat(), file.parent.stat()
    except OSError:
        return False
    return bool(own.st_mode & 0o004 and folder.st_mode & 0o001) and own.st_uid == os.geteuid()


def stored_sign_in(file: Path, slug: str, folder: Path) -> Finding | None:
    """How the sign-in in ``file`` of the state folder is stored, when there is one."""
    try:
        kept = how_stored(file)
    except PermissionError as error:
        what = unreadable(file, error)
        remedy = f"{what.cure}, or run this as the user of the service."
        if not os.access(file.parent, os.X_OK):  # private: nobody else is to enter it
            me, command = this_user(), chown_command(folder)
            remedy = f"Run this as the user of the service. If that is {me}: {command}"
        return bad(f"{slug}: {what.why}", remedy)
    except OSError as error:
        return bad(f"{slug}: the stored sign-in, {file}, cannot be read: {error.strerror}")
    if kept == DAMAGED:
        return damaged(slug)
    private = kept == "not encrypted" and not _is_open(file)
    more = "; only this user may read it" if private else ""
    return good(f"{slug}: the stored sign-in is {kept}{more}") if kept else None


def damaged(slug: str) -> Finding:
    """A stored sign-in of which nothing can be made."""
    return bad(f"{slug}: The stored sign-in is damaged.", f"presence-bridge login {slug}")
