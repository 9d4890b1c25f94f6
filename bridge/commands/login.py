"""``presence-bridge login``: signs one account in.

When the service runs, it does the work and is asked; otherwise the command does it itself and locks
the state folder meanwhile. With a browser, the address that it ended on comes back by itself, or is
pasted into the terminal. What hinders it is a ``PresenceBridgeError`` that says what to do.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing

from bridge.commands.dialog import Actions, Dialog
from bridge.commands.remote import ask, reached
from bridge.commands.terminal import chosen_account, letter_text, say
from bridge.config import state_dir
from bridge.config.command_line import FAILED, OK
from bridge.config.tables.config import Config
from bridge.contract.account import Way
from bridge.contract.clock import Clock, SystemClock
from bridge.contract.errors import PersonMustActError, TryAgainError
from bridge.microsoft import Microsoft

CODE_LIFETIME_S = 900.0 + 60.0
"""A device code lives 15 minutes; a minute more for the answer."""


async def login(
    config: Config, account: str | None, *, browser: bool = False, clock: Clock | None = None
) -> int:
    """Sign ``account`` in, or the only one there is; 0 when it worked."""
    slug, clock = chosen_account(config, account), clock or SystemClock()
    usual = config.accounts[slug].sign_in
    way = Way.BROWSER if browser or usual == Way.BROWSER.value else Way.DEVICE_CODE
    sits_there = sys.stdin is not None and sys.stdin.isatty()
    dialog = None if usual == "app" else Dialog(slug, way, clock, interactive=sits_there)
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
        actions = Actions(
            finish=lambda address: service.ask("signin_finish", account=slug, address=address),
            sign_in=lambda way: service.ask("signin", account=slug, way=way.value),
            keep=lambda: service.ask("signin_keep", account=slug),
        )
        try:
            async with (
                asyncio.timeout(CODE_LIFETIME_S),
                aclosing(service.sign_in(slug, way)) as states,
            ):
                return await dialog.run(states, actions)
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
                if letter := account.sign_in.value.letter:
                    say(letter_text(letter))
                return FAILED
            say(f"{slug} is signed in.")
            return OK

        async def finish(address: str) -> None:
            account.credentials.finish_browser(address)

        async def sign_in(way: Way) -> None:
            account.credentials.request(way)

        async with asyncio.TaskGroup() as tasks:
            signing_in = tasks.create_task(
                account.credentials.run(may_offer=False), name=f"sign-in-{slug}"
            )
            account.credentials.request(way)
            actions = Actions(finish, sign_in, account.credentials.keep)
            code = await dialog.run(account.sign_in.watch(), actions)
            signing_in.cancel()
    return code
