"""What Microsoft says: the tenant, the clock, and a read with a private copy of what is stored.

A sign-in may be renewed while it is tried, and files of the service must not become those of
whoever asks. The copy never outlives the process.
"""

from __future__ import annotations

import atexit
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

from bridge.config.tables.accounts import AccountSettings
from bridge.config.tables.config import Config
from bridge.contract.account import SignIn
from bridge.contract.clock import SystemClock
from bridge.contract.errors import (
    ConfigError,
    PersonMustActError,
    PresenceBridgeError,
    SignInNeededError,
    TryAgainError,
)
from bridge.contract.presence import Presence
from bridge.doctor.files import damaged, stored_sign_in
from bridge.doctor.findings import Finding, Report, bad, good
from bridge.doctor.remedies import (
    SET_THE_CLOCK,
    microsoft_remedy,
    who_must_act,
    with_commands,
)
from bridge.microsoft import Microsoft
from bridge.microsoft.sign_in.token_cache import token_file

SKEW = timedelta(minutes=2)
"""More than this between our clock and Microsoft's breaks tokens and certificates."""
IN_MEMORY = Path("/dev/shm")  # noqa: S108 - what is made there is a folder of our own, mode 0700
"""Where a copy never reaches a disk."""
PLACES = (IN_MEMORY, None)
"""Where a copy is made, best first; ``None`` is wherever this user has temporary files."""


async def reach(config: Config, report: Report) -> None:
    """Whether each account's tenant can be reached, and how its sign-in is stored."""
    async with Microsoft(config, SystemClock()) as microsoft:
        for slug in config.accounts:
            await _reached(microsoft, config, slug, report)


async def read(config: Config, places: Sequence[Path | None], report: Report) -> None:
    """As ``reach``, and what is read for each account with a copy in the first of ``places``."""
    try:
        with _private_copy(config, places) as copied:
            async with Microsoft(copied, SystemClock()) as microsoft:
                for slug in config.accounts:
                    if await _reached(microsoft, config, slug, report):
                        report(await _account(microsoft, copied, slug))
    except PersonMustActError as error:
        report(bad(error.text, error.remedy))


@contextmanager
def _private_copy(config: Config, places: Sequence[Path | None]) -> Iterator[Config]:
    """``config`` with a copy of what is stored; what cannot be read is not in it.

    Raises ``PersonMustActError`` where there is no place for it.
    """
    copied = _made(config, places)
    forget = partial(shutil.rmtree, copied.state_dir, ignore_errors=True)
    atexit.register(forget)  # a worker whose answer comes late makes the folder anew
    try:
        yield copied
    finally:
        forget()


def _made(config: Config, places: Sequence[Path | None]) -> Config:
    reason: str | None = None
    for place in places:
        folder = None
        try:
            folder = Path(mkdtemp(prefix=f"presence-doctor-{os.getpid()}-", dir=place))
            return _filled(config, folder)
        except OSError as error:
            reason = error.strerror
            if folder:
                shutil.rmtree(folder, ignore_errors=True)
    raise PersonMustActError(
        f"no place for a private copy of the stored sign-ins: {reason}",
        remedy="Set TMPDIR to a folder that this user may write, on a disk that is not full.",
    )


def _filled(config: Config, folder: Path) -> Config:
    token_files = [token_file(config, slug) for slug in config.accounts]
    for file in (config.state_dir / "pauses.json", *token_files):
        copy = folder / file.relative_to(config.state_dir)
        copy.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            content = file.read_bytes()
        except OSError:
            continue
        copy.write_bytes(content)
    return config.model_copy(update={"state_dir": folder})


async def _reached(microsoft: Microsoft, config: Config, slug: str, report: Report) -> bool:
    """The tenant, the clock, and what is stored; whether the account can be read."""
    try:
        tenant = await microsoft.tenant_of(slug)
    except ConfigError as error:
        for problem in error.problems:
            report(bad(f"{slug}: {problem}"))
        return False
    except PersonMustActError as error:
        report(bad(f"{slug}: tenant: {error.text}", error.remedy))
        return False
    except PresenceBridgeError as error:
        report(bad(f"{slug}: tenant: {error}", microsoft_remedy(error)))
        return False
    report(good(f"{slug}: tenant {tenant.tenant_id}"))
    if tenant.seen_at:
        report(_clock(datetime.now(UTC) - tenant.seen_at))
    stored = stored_sign_in(token_file(config, slug), slug, config.state_dir)
    if stored:
        report(stored)
    return stored is None or stored.good


def _clock(skew: timedelta) -> Finding:
    if abs(skew) <= SKEW:
        return good("clock: agrees with Microsoft's")
    hours = str(timedelta(minutes=round(abs(skew) / timedelta(minutes=1)))).removesuffix(":00")
    way = "ahead of" if skew > timedelta() else "behind"
    return bad(f"clock: {hours} h {way} Microsoft's", SET_THE_CLOCK)


async def _account(microsoft: Microsoft, copied: Config, slug: str) -> Finding:
    try:
        account = microsoft.account(slug)
        sign_in = account.sign_in
        presences = await account.read_once()
    except ConfigError as error:
        return bad(f"{slug}: {'; '.join(error.problems)}")
    except PersonMustActError as error:
        now = sign_in.value
        if isinstance(error, SignInNeededError) and now == SignIn():
            return _nobody(token_file(copied, slug), slug)
        return bad(
            f"{slug}: {error.text}",
            with_commands(error.remedy, copied, slug),
            who_must_act(now.who, now.correlation_id) or _reason(error),
        )
    except TryAgainError as error:
        wait = f" in {error.retry_after_s:.0f} s" if error.retry_after_s else " in a while"
        remedy = f"The service waits and goes on by itself; ask again{wait}."
        return bad(f"{slug}: {error}", remedy, _reason(error))
    return _seen(copied.accounts[slug], slug, account.accounts, presences)


def _reason(error: PresenceBridgeError) -> str:
    return f"Microsoft says: {error.reason}" if error.reason else ""


def _seen(
    own: AccountSettings, slug: str, people: Mapping[str, str], presences: Mapping[str, Presence]
) -> Finding:
    unseen = [name for person, name in people.items() if person not in presences]
    if unseen and (own.named or not presences):
        text = f"{slug}: Graph knows no presence of {', '.join(unseen)}"
        return bad(text, "Check the names and GUIDs, and that each has a Teams licence.")
    if presence := presences.get(slug):
        return good(f"{slug}: signed in; Graph says {presence.availability}")
    if not presences:
        return bad(f"{slug}: nobody is in the group", "Add members, or check group in the config.")
    return good(f"{slug}: signed in; Graph knows the presence of {len(presences)} people")


def _nobody(copy: Path, slug: str) -> Finding:
    """Why nobody is signed in: what became of the copy of the stored sign-in shows it."""
    if copy.with_suffix(".broken").exists():
        return damaged(slug)
    why = "Nobody is signed in."
    if copy.exists():
        why = "The stored sign-in is for another client_id or cloud than those in the config."
    return bad(f"{slug}: {why}", f"presence-bridge login {slug}")
