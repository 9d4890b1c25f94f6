"""``presence-driver pair`` for a hub: its link button, and the key that it gives us."""

from __future__ import annotations

from collections.abc import Callable

from bridge.contract.clock import Clock
from bridge.contract.errors import LightRefusedError, LightUnreachableError
from drivers.hue.hub import Hub
from drivers.hue.keys import Identity, Pairing, Pairings
from drivers.hue.options import HueOptions
from drivers.hue.transport import Calls

WAIT_S, ASK_EVERY_S, REMIND_EVERY_S = 60.0, 1.0, 10.0
"""A pressed button holds for about 30 s."""
_LONGEST_NAME = 19
"""Of the second half of the hub's ``devicetype``."""


class Introduction:
    """Pairs ``hub``, which calls on the lamp's own thread."""

    def __init__(
        self,
        hub: Hub,
        calls: Calls,
        pairings: Pairings,
        options: HueOptions,
        *,
        name: str,
        clock: Clock,
        say: Callable[[str], None],
    ) -> None:
        self._hub, self._calls, self._pairings, self._options = hub, calls, pairings, options
        self._name, self._clock, self._say = name, clock, say

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
        for line in await self._calls(self._hub.inventory):
            self._say(line)
        self._say(f"[drivers.{self._name}] is {await self._calls(self._hub.find)}.")

    def _identify(self) -> Identity:
        identity = self._hub.identify()
        pairings = self._pairings.load()
        was_pinned = any(each.hub_id == identity.hub_id and each.fingerprint for each in pairings)
        if identity.fingerprint is None and was_pinned and self._options.protocol != "http":
            raise LightRefusedError(
                f"{identity.name} was paired over https, but does not offer it now.",
                remedy='Try again when it has started, or set protocol = "http" to do without.',
            )
        return identity

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
        self._hub.accept_only(identity)
        self._say(f"Press the link button of {identity} within {WAIT_S:g} s.")
        began_s, reminded_s = self._clock.monotonic(), WAIT_S
        while True:
            left_s = WAIT_S - (self._clock.monotonic() - began_s)
            try:
                key = await self._calls(self._hub.request_key, self._name[:_LONGEST_NAME])
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
