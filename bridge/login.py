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
from bridge.broker import Received, visit
from bridge.config import Config
from bridge.contract.account import SignIn, SignInState, Way
from bridge.contract.clock import Clock, SystemClock
from bridge.contract.errors import PersonMustActError, TryAgainError
from bridge.microsoft import Microsoft, MicrosoftAccount
from bridge.service_request import (
    CODE_LIFETIME_S,
    ask,
    auth_topics,
    chosen,
    read_sign_in,
    say,
)
from bridge.typed import Typed

T = TypeVar("T")

OK, FAILED = 0, 1


def login(config: Config, account: str | None, *, browser: bool = False) -> int:
    """Sign ``account`` in, or the only one there is; 0 when it worked.

    Raises:
        ConfigError: There is no such account.
        PresenceBridgeError: Broker or state folder cannot be used.
    """
    slug = chosen(config, account)
    usual = config.accounts[slug].sign_in
    way = Way.BROWSER if browser or usual == Way.BROWSER.value else Way.DEVICE_CODE
    served = state.in_use(config.state_dir)
    if usual == "app":
        return _app(config, slug, served=served)
    if served:
        asking = _ask_for_browser if way is Way.BROWSER else _ask_for_code
        return asyncio.run(asking(config, slug))
    with state.claimed(config.state_dir):
        return asyncio.run(_sign_in(config, slug, way))


class Progress:
    """Tells what becomes of one sign-in that was asked for, from one news to the next."""

    def __init__(self, slug: str, way: Way, clock: Clock) -> None:
        self._slug, self._way, self._clock = slug, way, clock
        self._waiting: SignIn | None = None
        self._message: str | None = None
        self.waits = False
        """Whether a person has something to do now."""
        self.code: int | None = None
        """Of the command, once the sign-in has ended."""

    def saw(self, now: SignIn) -> bool:
        """Tell what is new; whether that was the end."""
        self.waits = now.waits and (now.user_code is None) == (self._way is Way.BROWSER)
        if self.waits:
            if self._waiting is None or now.verification_uri != self._waiting.verification_uri:
                _say_what_to_do(self._slug, now)
            self._waiting = now
        elif now.waits:
            pass  # a code of the other way, which ours is about to replace
        elif self._waiting or now.remedy:
            self.code = self._ended(now)
        elif now.message and now.message != self._message:
            self._message = now.message
            say(f"{self._slug}: {now.message}")
        return self.code is not None

    def _ended(self, now: SignIn) -> int:
        if now.remedy:
            say(f"{self._slug}: {' '.join(filter(None, (now.message, now.remedy)))}")
            return FAILED
        if self._ran_out:
            say(f"{self._slug}: nobody signed in in time; who was signed in before still is.")
            return FAILED
        if now.state is not SignInState.SIGNED_IN:
            say(f"{self._slug}: the sign-in was taken back.")
            return FAILED
        say(f"{self._slug} is signed in.")
        return OK

    @property
    def _ran_out(self) -> bool:
        ends = self._waiting.expires_at if self._waiting else None
        return ends is not None and self._clock.now() >= ends


def _app(config: Config, slug: str, *, served: bool) -> int:
    """An app signs itself in: try it, or let the service try it."""
    if served:
        asyncio.run(ask(config, "signin", slug))
        say(f"{slug} signs itself in: the service tries it now.")
        say("presence-bridge accounts shows what becomes of it.")
        return OK
    with state.claimed(config.state_dir):
        return asyncio.run(_try(config, slug))


async def _try(config: Config, slug: str) -> int:
    async with Microsoft(config, SystemClock()) as microsoft:
        try:
            await microsoft.account(slug).check_sign_in()
        except (PersonMustActError, TryAgainError) as error:
            say(f"{slug}: {error}")
            return FAILED
    say(f"{slug} is signed in.")
    return OK


async def _sign_in(config: Config, slug: str, way: Way, clock: Clock | None = None) -> int:
    clock = clock or SystemClock()
    progress = Progress(slug, way, clock)
    async with Microsoft(config, clock) as microsoft:
        account = microsoft.account(slug)
        async with asyncio.TaskGroup() as tasks:
            working = [tasks.create_task(account.sign_in_only(), name=f"sign-in-{slug}")]
            if way is Way.BROWSER:
                working.append(tasks.create_task(_take_pasted(account), name="pasted"))
            account.request_sign_in(way)
            async for sign_in in account.sign_in.watch():
                if progress.saw(sign_in):
                    break
            for task in working:
                task.cancel()
    return FAILED if progress.code is None else progress.code


async def _take_pasted(account: MicrosoftAccount) -> None:
    with Typed(sys.stdin) as typed:
        while True:
            try:
                account.finish_browser(await typed.line())
            except PersonMustActError as error:
                say(str(error))


async def _ask_for_code(config: Config, slug: str) -> int:
    """Let the running service sign in and tell what it publishes on the account's auth topic."""
    progress = Progress(slug, Way.DEVICE_CODE, SystemClock())

    def ended(received: Received) -> bool:
        return progress.saw(read_sign_in(received.payload))

    way = {"way": Way.DEVICE_CODE.value}
    await ask(config, "signin", slug, more=way, follow=auth_topics(config, slug), until=ended)
    return FAILED if progress.code is None else progress.code


async def _ask_for_browser(config: Config, slug: str) -> int:
    """Let the running service begin, and hand it what is pasted here until it has ended."""
    progress = Progress(slug, Way.BROWSER, SystemClock())
    heard = asyncio.Event()

    def begun(received: Received) -> bool:
        return progress.saw(read_sign_in(received.payload)) or progress.waits

    def ended(received: Received) -> bool:
        heard.set()
        return progress.saw(read_sign_in(received.payload))

    auth = auth_topics(config, slug)
    way = {"way": Way.BROWSER.value}
    await ask(config, "signin", slug, more=way, follow=auth, until=begun)
    with Typed(sys.stdin) as typed:
        while progress.waits:
            heard.clear()
            watching = asyncio.create_task(
                visit(config.mqtt, follow=auth, until=ended, within_s=CODE_LIFETIME_S)
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
    return FAILED if progress.code is None else progress.code


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


def _say_what_to_do(slug: str, sign_in: SignIn) -> None:
    if sign_in.user_code:
        say(f"{slug}: open {sign_in.verification_uri} and enter the code {sign_in.user_code}")
        return
    address = str(sign_in.verification_uri)
    say(f"{slug}: open this address and sign in:\n\n{address}\n")
    say("If the last page does not load, copy its whole address and paste it here:")
    if may_open_browser(os.environ, sys.platform):
        _open(address)


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
