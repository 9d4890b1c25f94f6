"""A hub through phue, over our transport and with our errors. Loads phue, so import it on a thread.

phue gets an address and a key, and its ``request`` is ours: it never opens a connection, registers
itself, or reads or writes its own file in the home folder. Every method blocks but ``call``, which
runs one on the hub's thread, and ``end``.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, ParamSpec, TypeVar

from bridge.contract.deadline import within
from bridge.contract.errors import LightRefusedError, LightUnreachableError
from drivers.base import Surroundings
from drivers.blocking import CutOff, Worker, cut_when_cancelled
from drivers.hue import api
from drivers.hue.api import HubLight, HubRefusedError, Target
from drivers.hue.looks import Body
from drivers.hue.options import HueOptions
from drivers.hue.pairing import Pairing, Pairings, Place
from drivers.hue.transport import END_S, NoTlsError, Transport

P = ParamSpec("P")
T = TypeVar("T")

with warnings.catch_warnings():
    warnings.simplefilter("ignore", SyntaxWarning)  # phue 1.1 has `is not ''`
    import phue

phue.logger.disabled = True  # it logs the key


class PhueBridge(phue.Bridge):  # type: ignore[misc]
    """phue's bridge, speaking through ``transport``."""

    def __init__(self, transport: Transport, key: str) -> None:
        self._transport = transport
        super().__init__(transport.address, key, os.devnull)

    def request(self, mode: str = "GET", address: str | None = None, data: Any = None) -> Any:
        """The hub's reply; raises as ``exchange`` and ``checked``."""
        return api.checked(self._transport.exchange(mode, address or "/", data))


class Hub:
    """The paired hub that ``options`` names. All methods raise as ``Light.apply`` does."""

    def __init__(
        self,
        options: HueOptions,
        around: Surroundings,
        worker: Worker,
        *,
        answer_s: float,
        within_s: float,
    ) -> None:
        self.transport = Transport(options.hub, timeout_s=answer_s)
        self.pairings = Pairings(around.state_dir)
        self.pairing: Pairing | None = None
        self._options, self._name = options, around.name
        self._worker, self._within_s = worker, within_s
        self._bridge: PhueBridge | None = None
        self._stamp: object = None
        self._place: Place | None = None

    @property
    def is_recognised(self) -> bool:
        """Whether it is the lamp's own hub that was spoken to last, without an error since."""
        return self._bridge is not None

    async def call(self, do: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
        """What ``do`` returns on the thread; cut off when nobody waits any more."""

        def work(cut: CutOff) -> T:
            self.transport.cut = cut
            return do(*arguments, **keywords)

        try:
            return await within(self._within_s, cut_when_cancelled(self._worker, work))
        except TimeoutError:
            text = f"{self.transport.who} did not answer within {self._within_s:g} s"
            raise LightUnreachableError(text) from None

    async def end(self) -> None:
        """Drop the connection."""
        with suppress(TimeoutError):
            await within(END_S, self._worker(self.transport.close))

    def start(self) -> None:
        """Look for the hub first where it was last."""
        self._place = self.pairings.place(self._name, self._options.hub)
        if self._place:
            self.transport.address = self._place.address

    def recognise(self) -> None:
        """See that it is the lamp's own hub that answers; at once where that was done."""
        with self._translated():
            pass

    def id_to_find(self) -> str | None:
        """The id of the lamp's hub, where there is one; never raises."""
        place = self.pairings.place(self._name, self._options.hub)  # also when it was not there
        if place or self._options.hub_id:
            return place.hub_id if place else self._options.hub_id
        with suppress(LightRefusedError):
            ids = {pairing.hub_id for pairing in self.pairings.load()}
            return ids.pop() if len(ids) == 1 else None
        return None

    def move(self, address: str | None) -> None:
        """Look for the hub at ``address``; ``None``: where the config says, whichever is paired."""
        self.close()
        self.transport.address = address or self._options.hub
        if address is None:
            self._place = None

    def settle(self, hub_id: str) -> None:
        """Note that the lamp's hub is where we speak to it."""
        self._place = Place(hub=self._options.hub, hub_id=hub_id, address=self.transport.address)
        self.pairings.save_place(self._name, self._place)

    def find(self) -> Target:
        """The light or group that the options name."""
        with self._translated() as bridge:
            if self._options.group == 0:
                return Target(is_group=True, id=0, name="all lights")
            is_group = self._options.group is not None
            entries = api.entries_of(bridge.get_group() if is_group else bridge.get_light())
            number = api.pick(entries, self._options.wanted, "group" if is_group else "light")
            return Target(is_group, number, entries[number].name)

    def inventory(self) -> list[str]:
        """What the hub has, a line a sort."""
        with self._translated() as bridge:
            lights, groups = api.entries_of(bridge.get_light()), api.entries_of(bridge.get_group())
            return [f"Lights: {api.listed(lights)}", f"Groups: {api.listed(groups)}"]

    def members(self, target: Target) -> dict[int, HubLight]:
        """The light, or all lights of the group, as they are now."""
        with self._translated() as bridge:
            if not target.is_group:
                return {target.id: HubLight.model_validate(bridge.get_light(target.id))}
            numbers = map(str, bridge.get_group(target.id)["lights"])
            lights = bridge.get_light()
            return {int(n): HubLight.model_validate(lights[n]) for n in numbers if n in lights}

    def write(self, target: Target, body: Body, *, otherwise: Body | None = None) -> None:
        """Put ``body``; ``otherwise`` in its place when somebody switched the light off."""
        with self._translated() as bridge:
            put = bridge.set_group if target.is_group else bridge.set_light
            try:
                put(target.id, dict(body))
            except HubRefusedError as error:
                if otherwise is None or api.IS_OFF not in error.types:
                    raise
                put(target.id, dict(otherwise))

    def is_paired_anew(self) -> bool:
        """Whether there are other pairings than when the hub was last recognised; never raises."""
        return self.pairings.stamp() != self._stamp

    def close(self) -> None:
        """Drop the connection."""
        self._bridge = None
        self.transport.close()

    @contextmanager
    def _translated(self) -> Iterator[PhueBridge]:
        """The paired bridge; after any error it is looked up anew the next time."""
        try:
            if self._bridge is None:
                self.pairing = self._recognised()
                self._bridge = PhueBridge(self.transport, self.pairing.key)
                self.settle(self.pairing.hub_id)
            yield self._bridge
        except HubRefusedError as error:
            self.close()
            raise api.meaning(error, name=self._name) from error
        except (LightUnreachableError, LightRefusedError):
            self.close()
            raise
        except (phue.PhueException, LookupError, TypeError, ValueError) as error:
            self.close()
            raise api.no_hub(self.transport.address) from error

    def _recognised(self) -> Pairing:
        """Whom we talk to: by certificate, or by id where a hub has none. Sets the transport."""
        self._stamp = self.pairings.stamp()
        if self.transport.address == self._options.hub_id:
            raise LightUnreachableError(f"no hub {self.transport.address} answers in this network")
        pairings = self.pairings.load()
        pinned = {pairing.fingerprint: pairing for pairing in pairings if pairing.fingerprint}
        plain = {pairing.hub_id: pairing for pairing in pairings if not pairing.fingerprint}
        without_tls: NoTlsError | None = None
        if pinned and self._options.protocol != "http":
            try:
                seen = self.transport.connect("https")
            except NoTlsError as error:
                without_tls = error
            else:
                if seen not in pinned:
                    raise self._stranger("shows a certificate that was not paired.")
                self.transport.pin = seen
                return self._own(pinned[seen])
        if plain and self._options.protocol != "https":
            self.transport.connect("http")
            hub_id = api.hub_id_of(self.transport.exchange("GET", "/api/config"))
            if hub_id in plain:
                return self._own(plain[hub_id])
        raise without_tls or self._stranger("is not paired.")

    def _own(self, pairing: Pairing) -> Pairing:
        """``pairing``, unless it is that of another hub than the lamp's."""
        hub_id = self._place.hub_id if self._place else self._options.hub_id
        if hub_id not in (None, pairing.hub_id):
            raise self._stranger(f"is another one than {hub_id}.")
        return pairing

    def _stranger(self, text: str) -> LightRefusedError:
        return LightRefusedError(
            f"the hub at {self.transport.address} {text}",
            remedy=f"Correct hub in the config, or run: presence-driver pair {self._name}",
        )
