"""``presence-bridge login``: signs one account in. Never runs behind the service's back.

When the service runs, it does the work and is asked through the broker; otherwise the command does
it itself and holds the state folder meanwhile. With a browser, the address that it ended on comes
back by itself, or is pasted into the terminal.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import webbrowser
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from bridge import state
from bridge.asking import CODE_LIFETIME_S, ask, chosen, read_sign_in, say, topics_of
from bridge.broker import Received, visit
from bridge.config import Config
from bridge.contract.account import SignIn, SignInState, Way
from bridge.contract.clock import SystemClock
from bridge.contract.errors import PersonMustActError
from bridge.microsoft import Microsoft, MicrosoftAccount
from bridge.typed import Typed

T = TypeVar("T")

OK, FAILED = 0, 1
_ENDED = (SignInState.SIGNED_IN, SignInState.EXPIRED, SignInState.ERROR)


def login(config: Config, account: str | None, *, browser: bool = False) -> int:
    """Sign ``account`` in, or the only one there is; 0 when it worked.

    Raises:
        ConfigError: There is no such account.
        PresenceBridgeError: Broker or state folder cannot be used.
    """
    slug = chosen(config, account)
    browser = browser or config.accounts[slug].sign_in == Way.BROWSER.value
    if state.in_use(config.state_dir):
        asking = _ask_for_browser if browser else _ask_for_code
        return asyncio.run(asking(config, slug))
    with state.claimed(config.state_dir):
        return asyncio.run(_sign_in(config, slug, Way.BROWSER if browser else None))


async def _sign_in(config: Config, slug: str, way: Way | None) -> int:
    async with Microsoft(config, SystemClock()) as microsoft:
        account = microsoft.account(slug)
        async with asyncio.TaskGroup() as tasks:
            working = [tasks.create_task(account.run(), name=f"sign-in-{slug}")]
            if way is Way.BROWSER:
                working.append(tasks.create_task(_take_pasted(account), name="pasted"))
            account.request_sign_in(way)
            told = await _told(account)
            for task in working:
                task.cancel()
    return _code(told)


async def _told(account: MicrosoftAccount) -> SignIn:
    """Say what happens; returns the end."""
    async for sign_in in account.sign_in.watch():
        if sign_in.state is not SignInState.SIGNED_OUT:
            _say_sign_in(account.slug, sign_in)
        if sign_in.state in _ENDED:
            return sign_in
    raise AssertionError("watch never ends")


async def _take_pasted(account: MicrosoftAccount) -> None:
    with Typed(sys.stdin) as typed:
        while True:
            try:
                account.finish_browser(await typed.line())
            except PersonMustActError as error:
                say(str(error))


async def _ask_for_code(config: Config, slug: str) -> int:
    """Let the running service sign in and tell what it publishes on ``account/<a>/auth``."""
    told = SignIn()

    def ended(received: Received) -> bool:
        nonlocal told
        told, before = read_sign_in(received.payload), told
        if told not in (before, SignIn()):
            _say_sign_in(slug, told)
        return told.state in _ENDED

    way = {"way": Way.DEVICE_CODE.value}
    auth = topics_of(config).account(slug, "auth")
    await ask(config, "signin", slug, more=way, follow=auth, until=ended)
    return _code(told)


async def _ask_for_browser(config: Config, slug: str) -> int:
    """Let the running service begin, and hand it what is pasted here until it has ended."""
    told = SignIn()
    heard = asyncio.Event()

    def shown(received: Received) -> bool:
        nonlocal told
        told = read_sign_in(received.payload)
        waits = told.state is SignInState.CODE_PENDING and not told.user_code
        return waits or told.state in _ENDED

    def ended(received: Received) -> bool:
        heard.set()
        return shown(received) and told.state in _ENDED

    auth = topics_of(config).account(slug, "auth")
    way = {"way": Way.BROWSER.value}
    await ask(config, "signin", slug, more=way, follow=auth, until=shown)
    _say_sign_in(slug, told)
    with Typed(sys.stdin) as typed:
        while told.state not in _ENDED:
            heard.clear()
            watching = asyncio.create_task(
                visit(config.mqtt, follow=[auth], until=ended, within_s=CODE_LIFETIME_S)
            )
            # a visit that is cut off while it connects would disturb the next
            await _until(watching, heard.wait())
            line = await _until(watching, typed.line())
            if line is None:
                await watching
                break
            watching.cancel()
            await asyncio.wait({watching})
            await _hand_in(config, slug, line)
    _say_sign_in(slug, told)
    return _code(told)


async def _until(watching: asyncio.Task[Any], awaited: Coroutine[Any, Any, T]) -> T | None:
    """What is ``awaited``, or nothing when ``watching`` is done before."""
    task = asyncio.create_task(awaited)
    try:
        await asyncio.wait({watching, task}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        task.cancel()
        await asyncio.wait({task})


async def _hand_in(config: Config, slug: str, pasted: str) -> None:
    try:
        await ask(config, "signin_finish", slug, more={"address": pasted})
    except PersonMustActError as error:
        say(str(error))


def _code(told: SignIn) -> int:
    return OK if told.state is SignInState.SIGNED_IN else FAILED


def _say_sign_in(slug: str, sign_in: SignIn) -> None:
    if sign_in.state is SignInState.CODE_PENDING and sign_in.user_code:
        say(f"{slug}: open {sign_in.verification_uri} and enter the code {sign_in.user_code}")
    elif sign_in.state is SignInState.CODE_PENDING:
        address = str(sign_in.verification_uri)
        say(f"{slug}: open this address and sign in:\n\n{address}\n")
        say("If the last page does not load, copy its whole address and paste it here:")
        if may_open_browser(os.environ, sys.platform):
            _open(address)
    elif sign_in.state is SignInState.SIGNED_IN:
        say(f"{slug} is signed in.")
    else:
        say(f"{slug}: {' '.join(filter(None, (sign_in.message, sign_in.remedy)))}")


def may_open_browser(environ: Mapping[str, str], platform: str) -> bool:
    """Whether this looks like a desktop: elsewhere a browser would take the terminal over."""
    if "SSH_CONNECTION" in environ:
        return False
    if platform == "darwin":
        return True
    return any(environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))


def _open(address: str) -> None:
    """Some browsers return only when they are closed, so nobody waits for this one."""
    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
