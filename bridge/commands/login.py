"""``presence-bridge login``: signs one account in. Never runs behind the service's back.

When the service runs, it does the work and is asked; otherwise the command does it itself and holds
the state folder meanwhile. With a browser, the address that it ended on comes
back by itself, or is pasted into the terminal.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import webbrowser
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing

from bridge import state_dir
from bridge.commands.remote import ask, reached
from bridge.commands.remote_answers import CODE_LIFETIME_S, chosen, say
from bridge.commands.typed_lines import Typed
from bridge.config.models import Config
from bridge.contract.account import SignIn, SignInState, Way
from bridge.contract.clock import Clock, SystemClock
from bridge.contract.errors import PersonMustActError, PresenceBridgeError, TryAgainError
from bridge.microsoft import Microsoft

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
    served = state_dir.in_use(config.state_dir)
    if usual == "app":
        return _app(config, slug, served=served)
    clock = SystemClock()
    if served:
        return asyncio.run(_beside(config, slug, way, clock))
    with state_dir.claimed(config.state_dir):
        return asyncio.run(_alone(config, slug, way, clock))


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
            if self._waiting is None or _where(now) != _where(self._waiting):
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
    with state_dir.claimed(config.state_dir):
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


async def _alone(config: Config, slug: str, way: Way, clock: Clock) -> int:
    """Sign in here, since no service runs."""
    async with Microsoft(config, clock) as microsoft:
        account = microsoft.account(slug)

        async def finish(address: str) -> None:
            account.finish_browser(address)

        async with asyncio.TaskGroup() as tasks:
            signing_in = tasks.create_task(account.sign_in_only(), name=f"sign-in-{slug}")
            account.request_sign_in(way)
            code = await _followed(slug, way, clock, account.sign_in.watch(), finish)
            signing_in.cancel()
    return code


async def _beside(config: Config, slug: str, way: Way, clock: Clock) -> int:
    """Let the running service sign in, tell what becomes of it, and hand in what is pasted."""
    async with reached(config) as service:

        async def finish(address: str) -> None:
            await service.ask("signin_finish", account=slug, address=address)

        try:
            async with (
                asyncio.timeout(CODE_LIFETIME_S),
                aclosing(service.news(slug, way)) as news,
            ):
                return await _followed(slug, way, clock, news, finish)
        except TimeoutError:
            raise TryAgainError("the service tells nothing more of the sign-in.") from None


async def _followed(
    slug: str,
    way: Way,
    clock: Clock,
    news: AsyncIterator[SignIn],
    finish: Callable[[str], Awaitable[None]],
) -> int:
    """Tell the ``news`` of one sign-in to its end; what is pasted meanwhile may ``finish`` it."""
    progress, pasting = Progress(slug, way, clock), None
    try:
        async for sign_in in news:
            if progress.saw(sign_in):
                break
            if progress.waits and way is Way.BROWSER and not pasting:
                pasting = asyncio.create_task(_take_pasted(finish), name="pasted")
    finally:
        if pasting:
            pasting.cancel()
            await asyncio.wait({pasting})
    return FAILED if progress.code is None else progress.code


async def _take_pasted(finish: Callable[[str], Awaitable[None]]) -> None:
    with Typed(sys.stdin) as typed:
        while True:
            try:
                await finish(await typed.line())
            except PresenceBridgeError as error:
                say(str(error))


def _where(sign_in: SignIn) -> tuple[str | None, str | None]:
    return sign_in.verification_uri, sign_in.user_code


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
