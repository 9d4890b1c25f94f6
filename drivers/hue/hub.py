"""A hub through phue, over our transport and with our errors. Loads phue, so import it on a thread.

phue gets an address and a key, and its ``request`` is ours: it never opens a connection, registers
itself, or reads or writes its own file in the home folder. Every method blocks.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from bridge.contract.errors import LightRefusedError, LightUnreachableError
from drivers.hue.api import (
    IS_OFF,
    NO_LINK_BUTTON,
    HubGroup,
    HubLight,
    HubRefusedError,
    Target,
    checked,
    entries_of,
    listed,
    meaning,
    pick,
)
from drivers.hue.keys import Identity, Pairing, Pairings
from drivers.hue.looks import Body
from drivers.hue.options import HueOptions
from drivers.hue.transport import NoTlsError, Transport

with warnings.catch_warnings():
    warnings.simplefilter("ignore", SyntaxWarning)  # phue 1.1 has `is not ''`
    import phue

phue.logger.disabled = True  # it logs the key


class PhueBridge(phue.Bridge):  # type: ignore[misc]
    """phue's bridge, speaking through ``transport``; without a key only ``request`` is of use."""

    def __init__(self, transport: Transport, key: str = "") -> None:
        self._transport = transport
        super().__init__(transport.address, key, os.devnull)

    def request(self, mode: str = "GET", address: str | None = None, data: Any = None) -> Any:
        """The hub's reply.

        Raises:
            HubRefusedError: It holds a refusal.
            ValueError: It is no reply of a hub.
            LightUnreachableError: The hub does not answer.
            LightRefusedError: It is not the hub that was paired.
        """
        return checked(self._transport.exchange(mode, address or "/", data))


class Hub:
    """The paired hub that ``options`` names. All methods raise as ``Light.apply`` does."""

    def __init__(
        self, options: HueOptions, transport: Transport, pairings: Pairings, *, name: str
    ) -> None:
        self._options, self._transport, self._pairings = options, transport, pairings
        self._name = name
        self._bridge: PhueBridge | None = None
        self._stamp: object = None

    def find(self) -> Target:
        """The light or group that the options name."""
        with self._translated() as bridge:
            if self._options.group == 0:
                return Target(is_group=True, id=0, name="all lights")
            is_group = self._options.group is not None
            entries = bridge.get_group() if is_group else bridge.get_light()
            what = "group" if is_group else "light"
            number = pick(entries_of(entries), self._options.wanted, what)
            return Target(is_group, number, str(entries[str(number)]["name"]))

    def inventory(self) -> list[str]:
        """What the hub has, a line a sort."""
        with self._translated() as bridge:
            lights, groups = entries_of(bridge.get_light()), entries_of(bridge.get_group())
            return [f"Lights: {listed(lights)}", f"Groups: {listed(groups)}"]

    def members(self, target: Target) -> dict[int, HubLight]:
        """The light, or all lights of the group, as they are now."""
        with self._translated() as bridge:
            if not target.is_group:
                return {target.id: HubLight.model_validate(bridge.get_light(target.id))}
            group = HubGroup.model_validate({"name": "", **bridge.get_group(target.id)})
            lights = bridge.get_light()
            return {
                number: HubLight.model_validate(lights[str(number)])
                for number in group.lights
                if str(number) in lights
            }

    def write(self, target: Target, body: Body, *, otherwise: Body | None = None) -> None:
        """Put ``body``; ``otherwise`` in its place when somebody switched the light off."""
        with self._translated() as bridge:
            put = bridge.set_group if target.is_group else bridge.set_light
            try:
                put(target.id, dict(body))
            except HubRefusedError as error:
                if otherwise is None or IS_OFF not in error.types:
                    raise
                put(target.id, dict(otherwise))

    def identify(self) -> Identity:
        """Who the hub is, looked at without a key; from now on it is spoken to as it prefers."""
        fingerprint = self._choose_protocol()
        try:
            config = PhueBridge(self._transport).request("GET", "/api/config")
            return Identity(_hub_id(config), str(config.get("name", "the hub")), fingerprint)
        except (HubRefusedError, ValueError, AttributeError) as error:
            raise self._no_hub() from error

    def accept_only(self, identity: Identity) -> None:
        """Speak to nobody but the hub of ``identity`` from now on."""
        pin = identity.fingerprint
        self._transport.use("https" if pin else "http", pin=pin)

    def request_key(self, application: str) -> str | None:
        """A new key; ``None`` while nobody has pressed the link button."""
        try:
            reply = PhueBridge(self._transport).request(
                "POST", "/api", {"devicetype": f"presence_bridge#{application}"}
            )
            return str(reply[0]["success"]["username"])
        except HubRefusedError as error:
            if NO_LINK_BUTTON in error.types:
                return None
            raise LightRefusedError(f"the hub says: {error}.", remedy="Try again.") from error
        except (LookupError, TypeError, ValueError) as error:
            raise self._no_hub() from error

    def is_paired_anew(self) -> bool:
        """Whether there are other pairings than when the hub was last recognised; never raises."""
        return self._pairings.stamp() != self._stamp

    def close(self) -> None:
        """Drop the connection."""
        self._bridge = None
        self._transport.close()

    @contextmanager
    def _translated(self) -> Iterator[PhueBridge]:
        """The paired bridge; after any error it is looked up anew the next time."""
        try:
            if self._bridge is None:
                self._bridge = PhueBridge(self._transport, self._recognised().key)
            yield self._bridge
        except HubRefusedError as error:
            self.close()
            raise meaning(error, name=self._name) from error
        except (LightUnreachableError, LightRefusedError):
            self.close()
            raise
        except (phue.PhueException, LookupError, TypeError, ValueError) as error:
            self.close()
            raise self._no_hub() from error

    def _recognised(self) -> Pairing:
        """Whom we talk to: by certificate, or by id where a hub has none. Sets the transport."""
        self._stamp = self._pairings.stamp()
        pairings = self._pairings.load()
        pinned = {pairing.fingerprint: pairing for pairing in pairings if pairing.fingerprint}
        plain = {pairing.hub_id: pairing for pairing in pairings if not pairing.fingerprint}
        without_tls: NoTlsError | None = None
        if pinned and self._options.protocol != "http":
            self._transport.use("https")
            try:
                seen = self._transport.fingerprint()
            except NoTlsError as error:
                without_tls = error
            else:
                if seen in pinned:
                    self._transport.use("https", pin=seen)
                    return pinned[seen]
                raise self._stranger("shows a certificate that was not paired.")
        if plain and self._options.protocol != "https":
            self._transport.use("http")
            hub_id = _hub_id(PhueBridge(self._transport).request("GET", "/api/config"))
            if hub_id in plain:
                return plain[hub_id]
        if without_tls:
            raise without_tls
        raise self._stranger("is not paired.")

    def _stranger(self, text: str) -> LightRefusedError:
        return LightRefusedError(
            f"the hub at {self._options.hub} {text}",
            remedy=f"Correct hub in the config, or run: presence-driver pair {self._name}",
        )

    def _no_hub(self) -> LightRefusedError:
        return LightRefusedError(
            f"{self._options.hub} answers, but not as a Hue hub.",
            remedy="Correct hub in the config.",
        )

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


def _hub_id(config: Mapping[str, Any]) -> str:
    """The id of the hub whose ``/api/config`` this is.

    Raises:
        ValueError: It is none.
    """
    found = str(config.get("bridgeid") or config.get("mac") or "").replace(":", "").lower()
    if not (found.isascii() and found.isalnum()):
        raise ValueError("tells no id")
    return found
