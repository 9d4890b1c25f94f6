"""``presence-bridge login``: signs one account in.

When the service runs, it does the work and is asked; otherwise the command does it itself and locks
the state folder meanwhile. With a browser, the address that it ended on comes back by itself, or is
pasted into the terminal.
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
from bridge.commands.terminal import chosen_account, say, typed_lines
from bridge.config.command_line import FAILED, OK
from bridge.config.tables.config import Config
from bridge.contract.account import SignIn, SignInState, Way
from bridge.contract.clock import Clock, SystemClock
from bridge.contract.errors import PersonMustActError, PresenceBridgeError, TryAgainError
from bridge.microsoft import Microsoft

CODE_LIFETIME_S = 900.0 + 60.0
"""A device code lives 15 minutes; a minute more for the answer."""
Finish = Callable[[str], Awaitable[None]]
"""Ends a sign-in with the address that the browser ended on."""


async def login(
    config: Config, account: str | None, *, browser: bool = False, clock: Clock | None = None
) -> int:
    """Sign ``account`` in, or the only one there is; 0 when it worked.

    Raises:
        ConfigError: There is no such account.
        PresenceBridgeError: Broker or state folder cannot be used.
    """
    slug, clock = chosen_account(config, account), clock or SystemClock()
    usual = config.accounts[slug].sign_in
    way = Way.BROWSER if browser or usual == Way.BROWSER.value else Way.DEVICE_CODE
    dialog = None if usual == "app" else Dialog(slug, way, clock)
    if state_dir.in_use(config.state_dir):
        return await _by_the_service(config, slug, way, dialog)
    with state_dir.locked(config.state_dir):
        return await _by_ourselves(config, slug, way, dialog, clock)


async def _by_the_service(config: Config, slug: str, way: Way, dialog: Dialog | None) -> int:
    if dialog is None:
        await ask(config, "signin", account=slug)
        say(f"{slug} signs itself in: the service tries it now.")
        say("presence-bridge accounts shows what becomes of it.")
        return OK
    async with reached(config) as service:

        async def finish(address: str) -> None:
            await service.ask("signin_finish", account=slug, address=address)

        try:
            async with (
                asyncio.timeout(CODE_LIFETIME_S),
                aclosing(service.sign_in(slug, way)) as states,
            ):
                return await dialog.run(states, finish)
        except TimeoutError:
            raise TryAgainError("the service says nothing more about the sign-in.") from None


async def _by_ourselves(
    config: Config, slug: str, way: Way, dialog: Dialog | None, clock: Clock
) -> int:
    async with Microsoft(config, clock) as microsoft:
        account = microsoft.account(slug)
        if dialog is None:
            try:
                await account.credentials.token(refresh=True)
            except (PersonMustActError, TryAgainError) as error:
                say(f"{slug}: {error}")
                return FAILED
            say(f"{slug} is signed in.")
            return OK

        async def finish(address: str) -> None:
            account.credentials.finish_browser(address)

        async with asyncio.TaskGroup() as tasks:
            signing_in = tasks.create_task(
                account.credentials.run(may_offer=False), name=f"sign-in-{slug}"
            )
            account.credentials.request(way)
            code = await dialog.run(account.sign_in.watch(), finish)
            signing_in.cancel()
    return code


class Dialog:
    """Leads a person through one sign-in that was asked for."""

    def __init__(self, slug: str, way: Way, clock: Clock) -> None:
        self._slug, self._way, self._clock = slug, way, clock
        self._waiting: SignIn | None = None
        self._message: str | None = None

    async def run(self, states: AsyncIterator[SignIn], finish: Finish) -> int:
        """Show each of ``states`` up to the end; the exit code of the command.

        An address that is pasted meanwhile may ``finish`` it.
        """
        pasting = None
        try:
            async for sign_in in states:
                code = self.show(sign_in)
                if code is not None:
                    return code
                if self._waiting and self._way is Way.BROWSER and not pasting:
                    pasting = asyncio.create_task(_take_pasted(finish), name="pasted")
        finally:
            if pasting:
                pasting.cancel()
                await asyncio.wait({pasting})
        return FAILED

    def show(self, now: SignIn) -> int | None:
        """Say what is new; the exit code of the command once that was the end."""
        if now.waits:
            if (now.user_code is None) != (self._way is Way.BROWSER):
                return None  # a code of the other way, which ours is about to replace
            before, self._waiting = self._waiting, now
            if before is None or _where(now) != _where(before):
                _say_what_to_do(self._slug, now)
        elif self._waiting or now.remedy:
            return self._ended(self._waiting, now)
        elif now.message and now.message != self._message:
            self._message = now.message
            say(f"{self._slug}: {now.message}")
        return None

    def _ended(self, waiting: SignIn | None, now: SignIn) -> int:
        ends = waiting.expires_at if waiting else None
        if now.remedy:
            say(f"{self._slug}: {' '.join(filter(None, (now.message, now.remedy)))}")
        elif ends is not None and self._clock.now() >= ends:
            say(f"{self._slug}: nobody signed in in time; who was signed in before still is.")
        elif now.state is not SignInState.SIGNED_IN:
            say(f"{self._slug}: the sign-in was taken back.")
        else:
            say(f"{self._slug} is signed in.")
            return OK
        return FAILED


async def _take_pasted(finish: Finish) -> None:
    with typed_lines(sys.stdin) as lines:
        while True:
            try:
                await finish(await lines.get())
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
        # some browsers return only when they are closed, so nobody waits for this one
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()


def may_open_browser(environ: Mapping[str, str], platform: str) -> bool:
    """Whether this looks like a desktop: elsewhere a browser would take the terminal over."""
    if "SSH_CONNECTION" in environ:
        return False
    if platform == "darwin":
        return True
    return any(environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
