"""What ``presence-bridge login`` says and takes while a person signs in at a terminal."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import webbrowser
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass

from bridge.commands.terminal import letter_text, say, typed_lines
from bridge.config.command_line import FAILED, OK
from bridge.contract.account import SignIn, SignInState, Way
from bridge.contract.clock import Clock
from bridge.contract.errors import PresenceBridgeError

KEEP, ANEW = "k", "s"
WAYS = {"b": Way.BROWSER, "c": Way.DEVICE_CODE}
_LETTERS = {way: letter for letter, way in WAYS.items()}
_OTHERS = {Way.DEVICE_CODE: (Way.BROWSER, "a browser"), Way.BROWSER: (Way.DEVICE_CODE, "a code")}


@dataclass(frozen=True, slots=True)
class Actions:
    """What a person can do about the sign-in; each may raise ``PresenceBridgeError``."""

    finish: Callable[[str], Awaitable[None]]
    """End it with the address that the browser ended on."""
    sign_in: Callable[[Way], Awaitable[None]]
    """Begin anew, this way."""
    keep: Callable[[], Awaitable[None]]
    """Keep somebody unexpected."""


class Dialog:
    """Leads a person through one sign-in that was asked for, by ``way``.

    ``interactive``: somebody sits there and can answer.
    """

    def __init__(self, slug: str, way: Way, clock: Clock, *, interactive: bool = False) -> None:
        self._slug, self._clock, self._interactive = slug, clock, interactive
        self._wanted = self._way = way
        self._waiting: SignIn | None = None
        self._message: str | None = None
        self._question: str | None = None

    async def run(self, states: AsyncIterator[SignIn], actions: Actions) -> int:
        """Show each of ``states`` up to the end; the exit code of the command."""
        typing = None
        try:
            async for sign_in in states:
                code = self.show(sign_in)
                if code is not None:
                    return code
                takes = self._interactive or self._way is Way.BROWSER
                if (self._waiting or self._question) and takes and not typing:
                    typing = asyncio.create_task(self._take_typed(actions), name="typed")
        finally:
            if typing:
                typing.cancel()
                await asyncio.wait({typing})
        return FAILED

    def show(self, now: SignIn) -> int | None:
        """Say what is new; the exit code of the command once that was the end."""
        if now.newcomer:
            return self._ask_about(now)
        if now.waits:
            self._show_waiting(now)
        elif now.message and not now.remedy and now.state is not SignInState.SIGNED_IN:
            self._passes(now.message)
        elif self._waiting or now.remedy:
            return self._ended(now)
        elif now.message:
            self._passes(now.message)
        return None

    async def take(self, typed: str, actions: Actions) -> None:
        """Do what was typed: a letter that was offered, else it is a pasted address."""
        word = typed.lower()
        if self._question and word == KEEP:
            await actions.keep()
        elif self._question and word == ANEW:
            await self._anew(self._way, actions)
        elif self._interactive and word in WAYS:
            await self._anew(WAYS[word], actions)
        else:
            await actions.finish(typed)

    async def _anew(self, way: Way, actions: Actions) -> None:
        self._wanted = self._way = way
        self._waiting = self._question = None
        await actions.sign_in(way)

    async def _take_typed(self, actions: Actions) -> None:
        with typed_lines(sys.stdin) as lines:
            while True:
                try:
                    await self.take(await lines.get(), actions)
                except PresenceBridgeError as error:
                    say(str(error))

    def _passes(self, message: str) -> None:
        """Say once what passes by itself."""
        if message != self._message:
            self._message = message
            say(f"{self._slug}: {message}")

    def _show_waiting(self, now: SignIn) -> None:
        way = Way.DEVICE_CODE if now.user_code else Way.BROWSER
        if way is not self._wanted and now.aadsts is None:
            return  # of another attempt, which ours is about to replace
        if way is not self._way and now.aadsts:
            say(f"{self._slug}: {now.message}")
            if now.letter:
                say(f"If that is refused, too: {letter_text(now.letter)}")
        self._way = way
        before, self._waiting = self._waiting, now
        if before is None or _where(now) != _where(before):
            _say_what_to_do(self._slug, now)
            if self._interactive:
                other, name = _OTHERS[way]
                say(f"Does that not work here? Type {_LETTERS[other]} and Enter for {name}.")

    def _ask_about(self, now: SignIn) -> int | None:
        """Ask whether somebody unexpected is kept."""
        if now.message == self._question:
            return None
        self._question = now.message
        say(f"{self._slug}: {now.message}")
        if self._interactive:
            say(f"Type {KEEP} and Enter to keep them, {ANEW} to sign in again.")
            return None
        if now.signed_in_as == now.newcomer:
            say(f"{self._slug} is signed in.")
            return OK
        say("Keep them on the page or at a terminal; until then the sign-in before goes on.")
        return FAILED

    def _ended(self, now: SignIn) -> int:
        ends = self._waiting.expires_at if self._waiting else None
        if now.remedy:
            say(f"{self._slug}: {' '.join(filter(None, (now.message, now.remedy)))}")
            if now.letter:
                say(letter_text(now.letter))
            elif now.mend_url:
                say(f"Do it here: {now.mend_url}")
        elif ends is not None and self._clock.now() >= ends:
            say(f"{self._slug}: nobody signed in in time; who was signed in before still is.")
        elif now.state is not SignInState.SIGNED_IN:
            say(f"{self._slug}: the sign-in was taken back.")
        else:
            if now.signed_in_as:
                say(f"{self._slug}: the account is {now.signed_in_as}")
            say(f"{self._slug} is signed in.")
            return OK
        return FAILED


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
