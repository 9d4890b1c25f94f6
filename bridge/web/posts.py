"""What the page's forms ask for, checked against the snapshot, and done."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import NamedTuple

from bridge.config.added_people import slug_of
from bridge.contract.account import Way
from bridge.contract.commands import Commands
from bridge.contract.errors import TryAgainError
from bridge.contract.latest import Latest
from bridge.contract.light import PRESENCE, Can, Color, LightCommand
from bridge.contract.preferred import STATUS_MESSAGE_LIMIT, PreferredPresence
from bridge.web.data.snapshot import CARD, Light, Person, Signer, Snapshot
from bridge.web.refused import Fields, RefusedError
from bridge.web.render.lights import FOLLOW, OFF_FOR, OFF_FOR_S, SET, TRY
from bridge.web.render.people import NAME_LIMIT
from bridge.web.render.preferences import MINUTES
from bridge.web.render.returned_address import ADDRESS_LIMIT, returned_address

DEADLINE_S = 30.0
_COLOR = re.compile(r"#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})", re.IGNORECASE)
_WHITE = "#ffffff"
_FULL = 100


class Done(NamedTuple):
    """What a form led to."""

    element: str
    """The id of the element to go on at."""
    note: str = ""
    """What a person must know about it, if anything."""


Post = Callable[[Fields], Awaitable[str | Done]]


class Posts:
    """One method for each form; it returns the id of the element to go on at, or more of it."""

    def __init__(self, view: Latest[Snapshot], commands: Commands) -> None:
        self._view, self._commands = view, commands
        self.forms: dict[str, Post] = {
            "sign-in": self._sign_in,
            "keep-sign-in": self._on_signer(commands.keep_sign_in),
            "cancel-sign-in": self._on_signer(self._cancel_sign_in),
            "sign-in-address": self._address,
            "sign-out": self._on_signer(commands.sign_out),
            "add": self._add,
            "remove": self._remove,
            "set-presence": self._set_presence,
            "set-message": self._set_message,
            "poll": self._poll,
            **{form: self._on_light(command) for form, command in _LAMP_FORMS.items()},
        }

    async def do(self, form: str, fields: Fields) -> Done:
        """Do what one of ``forms`` asks for. The text of a ``PresenceBridgeError`` is shown."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                done = await self.forms[form](fields)
        except TimeoutError as error:
            raise TryAgainError("The bridge did not manage that in time. Try again.") from error
        return done if isinstance(done, Done) else Done(done)

    def place_of(self, fields: Fields) -> str:
        """The id of the element that a form with these ``fields`` belongs to."""
        account, light, view = fields.get("account"), fields.get("light"), self._view.value
        signers: tuple[Signer, ...] = (*view.tables, *view.people)
        cards = [each.card for each in signers if each.account == account]
        rows = [each.row for each in view.lights if each.name == light]
        return next(iter([*cards, *rows]), "people")

    async def _sign_in(self, fields: Fields) -> str:
        signer = self._signer(fields)
        if fields.get("way") not in signer.ways:
            raise RefusedError(f"{signer.name} cannot sign in that way.")
        self._commands.sign_in(signer.account, Way(fields["way"]))
        return signer.card

    def _on_signer(self, command: Callable[[str], Awaitable[None]]) -> Post:
        """A form that asks for nothing but ``command`` on a sign-in."""

        async def post(fields: Fields) -> str:
            signer = self._signer(fields)
            await command(signer.account)
            return signer.card

        return post

    def _on_light(self, command: Callable[[Light, Fields], LightCommand]) -> Post:
        """A form that sends ``command`` to the driver of a light."""

        async def post(fields: Fields) -> str:
            for light in self._view.value.lights:
                if light.name == fields.get("light", ""):
                    self._commands.command_light(light.name, command(light, fields))
                    return light.row
            raise RefusedError("There is no such light any more.")

        return post

    async def _cancel_sign_in(self, account: str) -> None:
        self._commands.cancel_sign_in(account)

    async def _address(self, fields: Fields) -> str:
        signer = self._signer(fields)
        pasted = fields.get("address", "").strip()
        if not pasted or len(pasted) > ADDRESS_LIMIT:
            raise RefusedError("Paste the whole address of the last page.")
        self._commands.finish_sign_in(signer.account, returned_address(pasted) or pasted)
        return signer.card

    async def _add(self, fields: Fields) -> str:
        if not self._view.value.can_add:
            raise RefusedError("People are added in the config file.")
        name = name_of(fields)
        if fields.get("way") not in tuple(Way):
            raise RefusedError("Choose a way to sign in.")
        account = slug_of(name, {person.account for person in self._view.value.people})
        await self._commands.add_person(account, name, Way(fields["way"]))
        return f"{CARD}{account}"

    async def _remove(self, fields: Fields) -> str:
        person = self._person(fields)
        if not person.added_here:
            raise RefusedError(f"{person.name} is named in the config file: remove it there.")
        await self._commands.remove_person(person.account)
        return "people"

    async def _set_presence(self, fields: Fields) -> Done:
        person = self._settable(fields)
        if fields.get("presence") not in tuple(PreferredPresence):
            raise RefusedError("Choose a presence.")
        presence = PreferredPresence(fields["presence"])
        note = await self._commands.set_presence(person.account, presence, _lasts(fields))
        return Done(person.card, note or "")

    async def _set_message(self, fields: Fields) -> str:
        person = self._settable(fields)
        text = fields.get("message", "").strip()
        if len(text) > STATUS_MESSAGE_LIMIT:
            raise RefusedError(f"A status message has at most {STATUS_MESSAGE_LIMIT} characters.")
        await self._commands.set_status_message(person.account, text, _lasts(fields))
        return person.card

    async def _poll(self, _: Fields) -> str:
        self._commands.poll()
        return "health"

    def _signer(self, fields: Fields) -> Signer:
        """Whose sign-in is meant; people of a table share one."""
        for table in self._view.value.tables:
            if table.account == fields.get("account", ""):
                return table
        person = self._person(fields)
        if person.table:
            raise RefusedError(f"{person.name} is read by the sign-in of {person.table}.")
        return person

    def _settable(self, fields: Fields) -> Person:
        person = self._person(fields)
        if not person.settable:
            raise RefusedError(f"The presence of {person.name} cannot be set from here.")
        return person

    def _person(self, fields: Fields) -> Person:
        person = self._view.value.person(fields.get("account", ""))
        if person is None:
            raise RefusedError("That person is not here any more.")
        return person


def _lasts(fields: Fields) -> timedelta | None:
    """How long it lasts; ``None`` is as is usual."""
    minutes = fields.get("minutes", "")
    if not minutes:
        return None
    if minutes not in MINUTES:
        raise RefusedError("Choose how long it lasts.")
    return timedelta(minutes=int(minutes))


def name_of(fields: Fields) -> str:
    """The name of a person in a form. Raises ``RefusedError`` for one that cannot be shown."""
    name = " ".join(fields.get("name", "").split())
    if not name or len(name) > NAME_LIMIT or not name.isprintable():
        raise RefusedError(f"A name has 1 to {NAME_LIMIT} characters.")
    return name


def _try(light: Light, _fields: Fields) -> LightCommand:
    """A second press stops: what the driver said last counts, not what the reader's page shows."""
    _check(light, Can.TRY)
    assert light.why is not None
    return LightCommand(trial=light.why.trying is None)


def _off_for(light: Light, _fields: Fields) -> LightCommand:
    _check(light, Can.FOR_S)
    return LightCommand(state="OFF", for_s=OFF_FOR_S)


def _set(_light: Light, fields: Fields) -> LightCommand:
    color = _COLOR.fullmatch(fields.get("color", _WHITE))
    percent = fields.get("brightness", str(_FULL))
    if color is None:
        raise RefusedError("Choose a colour.")
    if not re.fullmatch(r"[0-9]{1,3}", percent) or not 1 <= int(percent) <= _FULL:
        raise RefusedError("Brightness is 1 to 100 %.")
    red, green, blue = (int(channel, 16) for channel in color.groups())
    return LightCommand(
        state="ON",
        color=Color(r=red, g=green, b=blue),
        brightness=round(255 * int(percent) / _FULL),
    )


def _check(light: Light, key: Can) -> None:
    if not light.can(key):
        raise RefusedError(f"The driver of {light.name} is older and cannot do that: update it.")


_LAMP_FORMS: Mapping[str, Callable[[Light, Fields], LightCommand]] = {
    FOLLOW: lambda _, __: LightCommand(state="ON", effect=PRESENCE),
    TRY: _try,
    OFF_FOR: _off_for,
    SET: _set,
}
