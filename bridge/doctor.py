"""``presence-bridge doctor``: what is wrong, and what to do about each finding.

Never changes anything: a stored sign-in is tried on a private copy, which is then forgotten.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import re
import shutil
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp

from bridge.broker import visit
from bridge.config import AccountSettings, Config, load, with_added
from bridge.contract.account import SignIn, SignInState
from bridge.contract.clock import SystemClock
from bridge.contract.errors import (
    ConfigError,
    ContractError,
    PersonMustActError,
    PresenceBridgeError,
    SignInNeededError,
    TryAgainError,
)
from bridge.contract.presence import Presence
from bridge.contract.topics import ONLINE, Topics
from bridge.contract.wire import decode_json
from bridge.microsoft import Microsoft
from bridge.microsoft.cache import kept_in, token_file
from bridge.microsoft.http import ca_file
from bridge.microsoft.remedies import YOU

OK, FOUND = 0, 1
SKEW = timedelta(minutes=2)
"""More than this between our clock and Microsoft's breaks tokens and certificates."""
LOOK_S = 2.0
CLOCK = "clock:"
"""A wrong one does not keep us from asking on."""
IN_MEMORY = Path("/dev/shm")  # noqa: S108 - what is made there is a folder of our own, mode 0700
"""Where the copy of a sign-in never reaches a disk."""

Cures = dict[type[BaseException], str]
"""What to do about an error of this class, or one that such an error led to; the first counts."""

SET_THE_CLOCK = (
    "Set the time of this machine: timedatectl set-ntp true (a container has its host's)."
)
SIGN_IN = re.compile(r"(sign in(?: again)?)", re.IGNORECASE)
NOT_NOW = (9, 10)
"""OpenSSL's words for a certificate that has not begun or has ended."""
CONFIG_CURES = {
    "password_file": "Correct the path, or let presence-bridge init make the file.",
    "21Vianet": "No setting helps: nobody in that cloud can be followed.",
}
BROKER_CURES: Cures = {
    socket.gaierror: "That name leads nowhere: correct host in [mqtt], or give an IP address.",
    ssl.SSLCertVerificationError: "Set ca_file in [mqtt] to the authority of the broker's "
    "certificate, and server_name to the name in it if that is not host.",
    FileNotFoundError: "Correct the path in [mqtt].",
    PermissionError: "Compare the broker's access rules with mosquitto/acl.",
    ConnectionRefusedError: "Start the broker, or correct host and port in [mqtt]; in a container, "
    "localhost is the container itself.",
    PersonMustActError: "If init made the broker's users: presence-bridge init again adds those "
    "that are missing; then restart the broker.",
    PresenceBridgeError: "Correct host, port and tls in [mqtt] (often 1883, with tls 8883), or let "
    "it through the firewall.",
}
MICROSOFT_CURES: Cures = {
    aiohttp.ClientProxyConnectionError: "Correct proxy in [network], or HTTPS_PROXY.",
    ssl.SSLCertVerificationError: "Ask who runs your network for the certificate of its proxy's "
    "authority, and set ca_file in [network] to that file.",
    socket.gaierror: "That name leads nowhere: is this machine online, and its DNS right?",
    ValueError: "What answered is not Microsoft, or it is in trouble: sign in to the hotspot or "
    "proxy in between, or try again later.",
    PresenceBridgeError: "Check that this machine is online, that HTTPS passes the firewall, and "
    "proxy in [network].",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    good: bool
    text: str
    remedy: str = ""
    note: str = ""
    """What whoever must act has to know besides."""


def examine(path: Path, environ: Mapping[str, str]) -> int:
    """Print every finding; 0 when all is well, 1 when anything is not."""
    try:
        config = with_added(load(path, environ))
    except ConfigError as error:
        for problem in error.problems:
            cures = (cure for word, cure in CONFIG_CURES.items() if word in problem)
            _print(_bad(f"config: {problem}", next(cures, "")))
        return FOUND
    with _unlogged():
        return asyncio.run(_examine(config, path))


async def _examine(config: Config, path: Path) -> int:
    told = set[Finding]()
    _print(_good(f"config: {path}"))
    async for finding in _findings(config):
        if finding not in told:  # accounts share a tenant and a clock
            told.add(finding)
            _print(finding)
    return OK if all(finding.good for finding in told) else FOUND


async def _findings(config: Config) -> AsyncIterator[Finding]:
    yield _state_dir(config.state_dir)
    for file in filter(_is_open, _secret_files(config)):
        yield _bad(f"{file} can be read by everybody on this machine", f"chmod 600 {file}")
    broker, online = await _broker(config)
    yield broker
    runs = _service_runs(config.state_dir)
    if online and not runs:
        yield _bad(
            "a bridge is online at this broker, and keeps its state elsewhere than in state_dir",
            "Ask as that one runs: as its user, with its config and its PRESENCE_STATE_DIR.",
        )
    trouble = _authorities(config)
    if not config.accounts:
        remedy = "Add a table [accounts.NAME] to the config, or a person on the page."
        yield _bad("accounts: nobody to follow", remedy)
    elif trouble:
        yield trouble
    elif runs or online:
        async for finding in _beside_the_service(config):
            yield finding
    else:
        async for finding in _without_the_service(config):
            yield finding


async def _beside_the_service(config: Config) -> AsyncIterator[Finding]:
    """Ask the broker: a second reader of the token cache would disturb the running service."""
    async with Microsoft(config, SystemClock()) as microsoft:
        for slug in config.accounts:
            async for finding in _reachable(microsoft, config, slug):
                yield finding
    topics = Topics(config.mqtt.base_topic)
    try:
        received = await visit(
            config.mqtt,
            follow=[topics.bridge_health, topics.account("+", "auth"), topics.bridge_state],
            until=lambda message: message.topic == topics.bridge_state,
            within_s=LOOK_S,
        )
        stored = {message.topic: message.payload for message in received}
        if stored.get(topics.bridge_state) != ONLINE.encode():
            yield _bad("the service runs, but not at this broker", "Its log says why.")
            return
        health = decode_json(stored.get(topics.bridge_health, b"{}"))
        if health.get("healthy") is False:
            yield _bad(f"the running service: {health.get('reason')}")
        for slug in config.accounts:
            yield _told_by_the_service(config, slug, stored)
    except (ContractError, PresenceBridgeError) as error:
        yield _bad(f"the running service cannot be asked: {error}")


def _told_by_the_service(config: Config, slug: str, stored: Mapping[str, bytes]) -> Finding:
    topic = Topics(config.mqtt.base_topic).account(slug, "auth")
    own = config.accounts[slug]
    if own.people or own.watch or own.group:  # they are called slug_somebody; one sign-in is theirs
        begin = f"{topic.removesuffix('/auth')}_"
        topic = next((other for other in stored if other.startswith(begin)), topic)
    auth = decode_json(stored.get(topic, b"{}"))
    if auth.get("state") == SignInState.SIGNED_IN:
        return _good(f"{slug}: the running service is signed in")
    state = str(auth.get("state", "not known yet")).replace("_", " ")
    remedy = auth.get("remedy") or ("" if own.sign_in == "app" else "Sign in.")
    note = _note(auth.get("who"), auth.get("correlation_id"))
    return _bad(f"{slug}: {auth.get('message') or f'{state}.'}", _cure(remedy, config, slug), note)


async def _without_the_service(config: Config) -> AsyncIterator[Finding]:
    """Ask Microsoft, with a copy of what is stored."""
    with _copied_state(config) as copied:
        async with Microsoft(copied, SystemClock()) as microsoft:
            for slug in config.accounts:
                reached = True
                async for finding in _reachable(microsoft, config, slug):
                    reached &= finding.good or finding.text.startswith(CLOCK)
                    yield finding
                if reached:
                    yield await _account(microsoft, copied, slug)


@contextmanager
def _copied_state(config: Config) -> Iterator[Config]:
    """``config`` with a private copy of what is stored; what cannot be read is not in it."""
    place = IN_MEMORY if os.access(IN_MEMORY, os.W_OK) else None
    with TemporaryDirectory(prefix=f"presence-doctor-{os.getpid()}-", dir=place) as name:
        copied = config.model_copy(update={"state_dir": Path(name)})
        token_files = [token_file(config, slug) for slug in config.accounts]
        for file in (config.state_dir / "pauses.json", *token_files):
            copy = copied.state_dir / file.relative_to(config.state_dir)
            copy.parent.mkdir(mode=0o700, exist_ok=True)
            with suppress(OSError):
                shutil.copyfile(file, copy)
        yield copied


def _state_dir(folder: Path) -> Finding:
    # not Path.exists, which raises where we may not look
    place = next(path for path in (folder, *folder.parents) if os.access(path, os.F_OK))
    if place.is_dir() and os.access(place, os.W_OK | os.X_OK):
        return _good(f"state_dir: {folder}")
    why = "this user may not write there" if place.is_dir() else f"{place} is no folder"
    return _bad(
        f"state_dir: {folder}: {why}",
        "Run this as the user of the service. If that is what you did: give the user that folder "
        "(chown -R), or set state_dir to another one.",
    )


def _secret_files(config: Config) -> set[Path]:
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
    return {file for file in files if file}


def _is_open(file: Path) -> bool:
    """Whether everybody can read ``file``, and it is ours to change that."""
    try:
        own, folder = file.stat(), file.parent.stat()
    except OSError:
        return False
    return bool(own.st_mode & 0o004 and folder.st_mode & 0o001) and own.st_uid == os.geteuid()


async def _broker(config: Config) -> tuple[Finding, bool]:
    """How the broker takes us, and whether a bridge is online there."""
    topic = Topics(config.mqtt.base_topic).bridge_state
    try:
        received = await visit(config.mqtt, follow=[topic], within_s=LOOK_S)
    except PresenceBridgeError as error:
        text = str(error).removeprefix("broker ")
        return _bad(f"broker: {text}", _cure_of(error, BROKER_CURES)), False
    who = config.mqtt.username or "anonymous"
    online = any(message.payload == ONLINE.encode() for message in received)
    return _good(f"broker: {config.mqtt.address} lets {who} in"), online


def _authorities(config: Config) -> Finding | None:
    """What keeps us from trusting anybody."""
    file = ca_file(config.network)
    try:
        ssl.create_default_context(cafile=file)
    except OSError as error:
        key = "network.ca_file" if config.network.ca_file else "SSL_CERT_FILE"
        why = "holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        return _bad(f"{key}: {file}: {why}", "Correct the path, or take it out.")
    return None


def _service_runs(folder: Path) -> bool:
    """As ``state.in_use``, which also changes the mode of ``folder``."""
    try:
        lock = os.open(folder / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


async def _reachable(microsoft: Microsoft, config: Config, slug: str) -> AsyncIterator[Finding]:
    """The tenant, the clock, and what is stored."""
    try:
        tenant = await microsoft.tenant_of(slug)
    except ConfigError as error:
        for problem in error.problems:
            yield _bad(f"{slug}: {problem}")
        return
    except PersonMustActError as error:
        yield _bad(f"{slug}: tenant: {_told(error)}", error.remedy)
        return
    except PresenceBridgeError as error:
        yield _bad(f"{slug}: tenant: {error}", _cure_of(error, MICROSOFT_CURES))
        return
    yield _good(f"{slug}: tenant {tenant.tenant_id}")
    if tenant.seen_at:
        yield _clock(datetime.now(UTC) - tenant.seen_at)
    if stored := _stored(token_file(config, slug), slug):
        yield stored


def _clock(skew: timedelta) -> Finding:
    if abs(skew) <= SKEW:
        return _good(f"{CLOCK} agrees with Microsoft's")
    hours = str(timedelta(minutes=round(abs(skew) / timedelta(minutes=1)))).removesuffix(":00")
    way = "ahead of" if skew > timedelta() else "behind"
    return _bad(f"{CLOCK} {hours} h {way} Microsoft's", SET_THE_CLOCK)


def _stored(file: Path, slug: str) -> Finding | None:
    """How the stored sign-in is kept, when there is one."""
    kept = kept_in(file)
    if kept == "cannot be read":
        text = f"{slug}: this user may not read the stored sign-in, {file}"
        return _bad(text, "Run this as the user of the service.")
    private = kept == "not encrypted" and not _is_open(file)
    more = "; only this user may read it" if private else ""
    return _good(f"{slug}: the stored sign-in is {kept}{more}") if kept else None


async def _account(microsoft: Microsoft, copied: Config, slug: str) -> Finding:
    try:
        account = microsoft.account(slug)
        sign_in = account.sign_in
        presences = await account.read_once()
    except ConfigError as error:
        return _bad(f"{slug}: {'; '.join(error.problems)}")
    except PersonMustActError as error:
        now, told = sign_in.value, _told(error)
        if isinstance(error, SignInNeededError) and now == SignIn():
            told = _nobody(token_file(copied, slug))
        note = _note(now.who, now.correlation_id)
        return _bad(f"{slug}: {told}", _cure(error.remedy, copied, slug), note)
    except TryAgainError as error:
        wait = f" in {error.retry_after_s:.0f} s" if error.retry_after_s else " in a while"
        return _bad(
            f"{slug}: {error}", f"The service waits and goes on by itself; ask again{wait}."
        )
    return _seen(copied.accounts[slug], slug, account.accounts, presences)


def _seen(
    own: AccountSettings, slug: str, people: Mapping[str, str], presences: Mapping[str, Presence]
) -> Finding:
    unseen = [name for person, name in people.items() if person not in presences]
    if unseen and (own.named or not presences):
        text = f"{slug}: Graph knows no presence of {', '.join(unseen)}"
        return _bad(text, "Check the names and GUIDs, and that each has a Teams licence.")
    if presence := presences.get(slug):
        return _good(f"{slug}: signed in; Graph says {presence.availability}")
    if not presences:
        return _bad(f"{slug}: nobody is in the group", "Add members, or check group in the config.")
    return _good(f"{slug}: signed in; Graph tells of {len(presences)} people")


def _nobody(copy: Path) -> str:
    """Why nobody is signed in: what became of the copy of the stored sign-in shows it."""
    if copy.with_suffix(".broken").exists():
        return "The stored sign-in is damaged."
    if copy.exists():
        return "The stored sign-in is for another client_id or cloud than those in the config."
    return "Nobody is signed in."


def _told(error: PersonMustActError) -> str:
    return str(error).removesuffix(error.remedy).strip()


def _cure(remedy: str, config: Config, slug: str) -> str:
    """The remedy, with the commands and the file that are meant in it."""
    login = f"presence-bridge login {slug}"
    if config.accounts[slug].sign_in == "app":
        file = config.microsoft_of(slug).certificate_file or Path("app.pem")
        remedy = remedy.replace("the certificate", str(file), 1).replace(
            "certificate create", f"certificate create --folder {file.parent / 'new'}"
        )
    elif remedy == "Sign in.":
        return login
    elif "login --browser" in remedy:
        remedy = remedy.replace("login --browser", f"login --browser {slug}")
    else:
        remedy = SIGN_IN.sub(rf"\1 ({login})", remedy, count=1)
    if "consent" in remedy:
        remedy += f" Where an admin consents: presence-bridge consent-url {slug}."
    return remedy


def _cure_of(error: BaseException, cures: Cures) -> str:
    causes = [error]
    while before := causes[-1].__cause__ or causes[-1].__context__:
        causes.append(before)
    if any(getattr(cause, "verify_code", None) in NOT_NOW for cause in causes):
        return SET_THE_CLOCK
    fitting = (kind for kind in cures if any(isinstance(cause, kind) for cause in causes))
    return cures[next(fitting)]


def _note(who: str | None, correlation_id: str | None) -> str:
    reference = f" Correlation id: {correlation_id}" if correlation_id else ""
    return f"Who must act: {who}.{reference}" if who and who != YOU else ""


@contextmanager
def _unlogged() -> Iterator[None]:
    """Without our own log, which tells each fault a second time; debug keeps it."""
    log = logging.getLogger("bridge")
    before = log.level
    if log.getEffectiveLevel() > logging.DEBUG:
        log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


def _good(text: str) -> Finding:
    return Finding(good=True, text=text)


def _bad(text: str, remedy: str = "", note: str = "") -> Finding:
    return Finding(good=False, text=text, remedy=remedy, note=note)


def _print(finding: Finding) -> None:
    lines = [f"{'ok ' if finding.good else 'BAD'}  {finding.text}"]
    lines += [f"     -> {finding.remedy}"] if finding.remedy else []
    lines += [f"     {finding.note}"] if finding.note else []
    print("\n".join(lines))  # noqa: T201 - the command's answer
