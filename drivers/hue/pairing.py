"""``presence-driver pair`` for a hub: its link button, and the keys that hubs gave us.

One private file a hub. All lamps on it share the file, and a hub that moved to another address
keeps it: the file is named by the hub's id, and the hub is known by its certificate. The one that
it shows at pairing is the only one accepted later (trust on first use), so pair in a network that
you trust. No key is sent to a hub that was not recognised, and none is ever in a log or an error.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bridge.config.atomic_file import write_private
from bridge.contract.clock import Clock
from bridge.contract.errors import LightRefusedError, LightUnreachableError
from drivers.hue.api import NO_LINK_BUTTON, HubRefusedError, checked, hub_id_of, no_hub
from drivers.hue.transport import Calls, NoTlsError

if TYPE_CHECKING:
    from drivers.hue.hub import Hub

log = logging.getLogger(__name__)

WAIT_S, ASK_EVERY_S, REMIND_EVERY_S = 60.0, 1.0, 10.0
"""A pressed button holds for about 30 s."""
_LONGEST_NAME = 19
"""Of the second half of the hub's ``devicetype``."""


class Identity(NamedTuple):
    """A hub as it shows itself to anybody."""

    hub_id: str
    name: str
    fingerprint: str | None
    """Of its certificate; ``None`` over http."""

    def __str__(self) -> str:
        return f"{self.name} ({self.hub_id})"


class Pairing(BaseModel):
    """What was agreed with one hub."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, defer_build=True
    )

    hub_id: Annotated[str, Field(pattern=r"^[0-9a-z]{6,32}$")]
    """Of the hub itself; part of a file name, so checked."""
    key: Annotated[str, Field(min_length=1, repr=False)]
    fingerprint: str | None
    """Of its certificate (SHA-256); ``None`` for a hub that speaks http alone."""


class Place(BaseModel):
    """Where the hub of one lamp was last."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    hub: str
    """As the config says: with another one the rest is worth nothing."""
    hub_id: str
    address: str


class Pairings:
    """The pairings below one state folder, and the place of each lamp's hub."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / "hue"

    def load(self) -> tuple[Pairing, ...]:
        """All pairings that can be read.

        Raises:
            LightRefusedError: The folder belongs to somebody else.
        """
        found = []
        try:
            for file in sorted(self._folder.glob("*.json")):
                try:
                    found.append(Pairing.model_validate_json(file.read_bytes()))
                except ValidationError:
                    log.warning("%s cannot be read: pair with that hub again", file)
        except OSError as error:
            raise self._refused(error) from error
        return tuple(found)

    def stamp(self) -> tuple[tuple[str, int], ...]:
        """Another one when a pairing was added or replaced; never raises."""
        with suppress(OSError):
            files = sorted(self._folder.glob("*.json"))
            return tuple((file.name, file.stat().st_mtime_ns) for file in files)
        return ()

    def save(self, pairing: Pairing) -> None:
        """Keep ``pairing`` (mode 0600) in place of an older one with the same hub.

        Raises:
            LightRefusedError: The folder cannot be written.
        """
        try:
            write_private(self._folder / f"{pairing.hub_id}.json", pairing.model_dump_json())
        except OSError as error:
            raise self._refused(error) from error

    def place(self, lamp: str, hub: str) -> Place | None:
        """Where the hub of ``lamp`` was last; ``hub`` is what its config says."""
        with suppress(OSError, ValidationError):
            place = Place.model_validate_json((self._folder / f"{lamp}.place").read_bytes())
            return place if place.hub == hub else None
        return None

    def save_place(self, lamp: str, place: Place) -> None:
        """Note where the hub of ``lamp`` is; unwritten, it is searched for when it is lost."""
        if place != self.place(lamp, place.hub):
            with suppress(OSError):
                write_private(self._folder / f"{lamp}.place", place.model_dump_json())

    def _refused(self, error: OSError) -> LightRefusedError:
        return LightRefusedError(
            f"{self._folder}: {error.strerror}.",
            remedy="Give state_dir to the user that runs the driver.",
        )


class Introduction:
    """Pairs ``hub``, which ``calls`` asks on the lamp's own thread."""

    def __init__(
        self,
        hub: Hub,
        calls: Calls,
        pairings: Pairings,
        *,
        name: str,
        protocol: str,
        clock: Clock,
        say: Callable[[str], None],
    ) -> None:
        self._hub, self._calls, self._transport = hub, calls, calls.transport
        self._pairings, self._name, self._protocol = pairings, name, protocol
        self._clock, self._say = clock, say

    async def pair(self) -> None:
        """Pair, unless that was done before; then show what the hub has.

        Raises:
            LightUnreachableError: The hub does not answer.
            LightRefusedError: It is no hub, nobody pressed the button, or the light is unknown.
        """
        identity = await self._calls(self._identify)
        if await self._calls(self._is_paired, identity):
            self._say(f"{identity} is paired already.")
        else:
            key, pin = await self._wait_for_button(identity), identity.fingerprint
            pairing = Pairing(hub_id=identity.hub_id, key=key, fingerprint=pin)
            await self._calls(self._pairings.save, pairing)
            how = f"https, certificate {pin}" if pin else "http, unencrypted"
            self._say(f"Paired with {identity} over {how}.")
        await self._calls(self._hub.settle, identity.hub_id)
        for line in await self._calls(self._hub.inventory):
            self._say(line)
        self._say(f"[drivers.{self._name}] is {await self._calls(self._hub.find)}.")

    def _identify(self) -> Identity:
        """Who the hub is, looked at without a key; from now on it is spoken to as it prefers."""
        fingerprint = self._choose_protocol()
        try:
            config = self._transport.exchange("GET", "/api/config")
            hub_id, name = hub_id_of(config), str(config.get("name", "the hub"))
        except (HubRefusedError, ValueError) as error:
            raise no_hub(self._transport.address) from error
        pinned = {each.hub_id for each in self._pairings.load() if each.fingerprint}
        if fingerprint is None and hub_id in pinned and self._protocol != "http":
            raise LightRefusedError(
                f"{name} was paired over https, but does not offer it now.",
                remedy='Try again when it has started, or set protocol = "http" to do without.',
            )
        return Identity(hub_id, name, fingerprint)

    def _choose_protocol(self) -> str | None:
        """Set the transport; the fingerprint of the certificate, ``None`` over http."""
        if self._protocol != "http":
            self._transport.use("https")
            try:
                return self._transport.fingerprint()
            except NoTlsError:
                if self._protocol == "https":
                    raise
        self._transport.use("http")
        return None

    def _request_key(self) -> str | None:
        """A new key; ``None`` while nobody has pressed the link button."""
        asked = {"devicetype": f"presence_bridge#{self._name[:_LONGEST_NAME]}"}
        try:
            reply = checked(self._transport.exchange("POST", "/api", asked))
            return str(reply[0]["success"]["username"])
        except HubRefusedError as error:
            if NO_LINK_BUTTON in error.types:
                return None
            raise LightRefusedError(f"the hub says: {error}.", remedy="Try again.") from error
        except (LookupError, TypeError, ValueError) as error:
            raise no_hub(self._transport.address) from error

    def _is_paired(self, identity: Identity) -> bool:
        """Whether an earlier pairing with this very hub still works."""
        known = {(each.hub_id, each.fingerprint) for each in self._pairings.load()}
        if (identity.hub_id, identity.fingerprint) not in known:
            return False
        try:
            self._hub.inventory()
        except LightRefusedError:
            return False
        return True

    async def _wait_for_button(self, identity: Identity) -> str:
        pin = identity.fingerprint
        self._transport.use("https" if pin else "http", pin=pin)  # and to nobody else
        self._say(f"Press the link button of {identity} within {WAIT_S:g} s.")
        began_s, reminded_s = self._clock.monotonic(), WAIT_S
        while True:
            left_s = WAIT_S - (self._clock.monotonic() - began_s)
            try:
                key = await self._calls(self._request_key)
            except LightUnreachableError:
                if left_s <= 0:
                    raise
                key = None
            if key is not None:
                return key
            if left_s <= 0:
                raise LightRefusedError(
                    f"nobody pressed the link button within {WAIT_S:g} s.",
                    remedy="Run the command again and press the button on top of the hub.",
                )
            if reminded_s - left_s >= REMIND_EVERY_S:
                reminded_s = left_s
                self._say(f"Waiting for the link button, {left_s:.0f} s left.")
            await self._clock.sleep(ASK_EVERY_S)
