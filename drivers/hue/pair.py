"""``presence-driver pair`` for a hub: how it speaks, its link button, its key. Never guesses.

The certificate that it shows now is the only one accepted later (trust on first use), so pair in a
network that you trust. No key that we have is sent to a hub that was not recognised.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bridge.contract.clock import Clock
from bridge.contract.errors import LightRefusedError, LightUnreachableError
from drivers.hue.calls import Calls
from drivers.hue.hub import Hub, PhueBridge, hub_id_of, no_hub
from drivers.hue.options import HueOptions
from drivers.hue.pairing import Pairing, Pairings
from drivers.hue.reply import NO_LINK_BUTTON, HubRefusedError
from drivers.hue.transport import NoTlsError, Transport

WAIT_S, ASK_EVERY_S, REMIND_EVERY_S = 60.0, 1.0, 10.0
"""A pressed button holds for about 30 s."""
_LONGEST_NAME = 19
"""Of the second half of the hub's ``devicetype``."""


@dataclass(frozen=True)
class Met:
    """A hub that was looked at without a key."""

    hub_id: str
    name: str
    fingerprint: str | None


class Introduction:
    """Pairs the hub of ``options``; every method but ``pair`` blocks."""

    def __init__(
        self,
        options: HueOptions,
        transport: Transport,
        pairings: Pairings,
        *,
        name: str,
        clock: Clock,
        say: Callable[[str], None],
    ) -> None:
        self._options, self._transport, self._pairings = options, transport, pairings
        self._name, self._clock, self._say = name, clock, say

    async def pair(self, calls: Calls) -> None:
        """Pair, unless that was done before; then show what the hub has.

        Raises:
            LightUnreachableError: The hub does not answer.
            LightRefusedError: It is no hub, nobody pressed the button, or the light is unknown.
        """
        met = await calls(self.meet)
        hub = Hub(self._options, self._transport, self._pairings, name=self._name)
        if await calls(self.is_known, met, hub):
            self._say(f"{met.name} ({met.hub_id}) is paired already.")
        else:
            await calls(self._pairings.save, await self._wait_for_button(met, calls))
            how = (
                f"https, certificate {met.fingerprint}" if met.fingerprint else "http, unencrypted"
            )
            self._say(f"Paired with {met.name} ({met.hub_id}) over {how}.")
        for line in await calls(hub.inventory):
            self._say(line)
        self._say(f"[drivers.{self._name}] is {await calls(hub.find)}.")

    def meet(self) -> Met:
        """Find out how the hub speaks and who it is."""
        fingerprint = self._choose_protocol()
        try:
            config = PhueBridge(self._transport).request("GET", "/api/config")
            met = Met(hub_id_of(config), str(config.get("name", "the hub")), fingerprint)
        except (HubRefusedError, ValueError, AttributeError) as error:
            raise no_hub(self._options.hub) from error
        was_pinned = any(p.hub_id == met.hub_id and p.fingerprint for p in self._pairings.load())
        if fingerprint is None and was_pinned and self._options.protocol != "http":
            raise LightRefusedError(
                f"{met.name} was paired over https, but does not offer it now.",
                remedy='Try again when it has started, or set protocol = "http" to do without.',
            )
        return met

    def is_known(self, met: Met, hub: Hub) -> bool:
        """Whether an earlier pairing with this very hub still works."""
        known = (pairing for pairing in self._pairings.load() if pairing.hub_id == met.hub_id)
        if not any(pairing.fingerprint == met.fingerprint for pairing in known):
            return False
        try:
            hub.inventory()
        except LightRefusedError:
            return False
        return True

    def ask(self) -> str | None:
        """The key; ``None`` while nobody has pressed the button."""
        wish = {"devicetype": f"presence_bridge#{self._name[:_LONGEST_NAME]}"}
        try:
            reply: Any = PhueBridge(self._transport).request("POST", "/api", wish)
            return str(reply[0]["success"]["username"])
        except HubRefusedError as error:
            if NO_LINK_BUTTON in error.types:
                return None
            raise LightRefusedError(f"the hub says: {error}.", remedy="Try again.") from error
        except (LookupError, TypeError, ValueError) as error:
            raise no_hub(self._options.hub) from error

    async def _wait_for_button(self, met: Met, calls: Calls) -> Pairing:
        self._transport.use("https" if met.fingerprint else "http", pin=met.fingerprint)
        self._say(f"Press the link button of {met.name} ({met.hub_id}) within {WAIT_S:g} s.")
        began_s, reminded_s = self._clock.monotonic(), WAIT_S
        while True:
            left_s = WAIT_S - (self._clock.monotonic() - began_s)
            try:
                key = await calls(self.ask)
            except LightUnreachableError:
                if left_s <= 0:
                    raise
                key = None
            if key is not None:
                return Pairing(hub_id=met.hub_id, key=key, fingerprint=met.fingerprint)
            if left_s <= 0:
                raise LightRefusedError(
                    f"nobody pressed the link button within {WAIT_S:g} s.",
                    remedy="Run the command again and press the button on top of the hub.",
                )
            if reminded_s - left_s >= REMIND_EVERY_S:
                reminded_s = left_s
                self._say(f"Waiting for the link button, {left_s:.0f} s left.")
            await self._clock.sleep(ASK_EVERY_S)

    def _choose_protocol(self) -> str | None:
        """Set the transport; the fingerprint of the certificate, ``None`` over http."""
        if self._options.protocol != "http":
            self._transport.use("https")
            try:
                return self._transport.fingerprint()
            except NoTlsError:
                if self._options.protocol == "https":
                    raise
        self._transport.use("http")
        return None
