"""Pairs with a hub: somebody presses its link button, and it gives a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bridge.contract.clock import Clock
from bridge.contract.errors import LightRefusedError, LightUnreachableError
from drivers.hue.api import NO_LINK_BUTTON, HubRefusedError, checked, hub_id_of, no_hub
from drivers.hue.pairing import Pairing
from drivers.hue.transport import NoTlsError

if TYPE_CHECKING:
    from drivers.hue.hub import Hub

WAIT_S, TRY_EVERY_S, REMIND_EVERY_S = 60.0, 1.0, 10.0
"""A pressed button counts for about 30 s."""
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


async def pair(hub: Hub, lamp: str, protocol: str, clock: Clock) -> None:
    """Pair ``hub`` for ``lamp``, unless that was done before; then show what the hub has."""
    identity = await hub.call(_identify, hub, protocol)
    if await hub.call(_is_paired, hub, identity):
        _say(f"{identity} is paired already.")
    else:
        key, pin = await _key(hub, identity, lamp, clock), identity.fingerprint
        pairing = Pairing(hub_id=identity.hub_id, key=key, fingerprint=pin)
        await hub.call(hub.pairings.save, pairing)
        how = f"https, certificate {pin}" if pin else "http, unencrypted"
        _say(f"Paired with {identity} over {how}.")
    await hub.call(hub.settle, identity.hub_id)
    for line in await hub.call(hub.inventory):
        _say(line)
    _say(f"[drivers.{lamp}] is {await hub.call(hub.find)}.")


def _identify(hub: Hub, protocol: str) -> Identity:
    transport = hub.transport
    try:
        fingerprint = transport.connect("http" if protocol == "http" else "https")
    except NoTlsError:
        if protocol == "https":
            raise
        fingerprint = transport.connect("http")
    try:
        config = transport.exchange("GET", "/api/config")
        hub_id, name = hub_id_of(config), str(config.get("name", "the hub"))
    except (HubRefusedError, ValueError) as error:
        raise no_hub(transport.address) from error
    pinned = {each.hub_id for each in hub.pairings.load() if each.fingerprint}
    if fingerprint is None and hub_id in pinned and protocol != "http":
        raise LightRefusedError(
            f"{name} was paired over https, but does not offer it now.",
            remedy='Try again when it has started, or set protocol = "http" to do without.',
        )
    return Identity(hub_id, " ".join(name.split()), fingerprint)


def _is_paired(hub: Hub, identity: Identity) -> bool:
    """Whether an earlier pairing with this very hub still works."""
    pairs = {(each.hub_id, each.fingerprint) for each in hub.pairings.load()}
    if (identity.hub_id, identity.fingerprint) not in pairs:
        return False
    try:
        hub.inventory()
    except LightRefusedError:
        return False
    return True


async def _key(hub: Hub, identity: Identity, lamp: str, clock: Clock) -> str:
    """What the hub gives once its button is pressed."""
    pin = identity.fingerprint
    await hub.call(hub.transport.connect, "https" if pin else "http", pin)
    _say(f"Press the link button of {identity} within {WAIT_S:g} s.")
    ends_s, reminded_s = clock.monotonic() + WAIT_S, WAIT_S
    while True:
        left_s = ends_s - clock.monotonic()
        try:
            if key := await hub.call(_requested_key, hub, lamp):
                return key
        except LightUnreachableError:
            if left_s <= 0:
                raise
        if left_s <= 0:
            raise LightRefusedError(
                f"nobody pressed the link button within {WAIT_S:g} s.",
                remedy="Run the command again and press the button on top of the hub.",
            )
        if reminded_s - left_s >= REMIND_EVERY_S:
            reminded_s = left_s
            _say(f"Waiting for the link button, {left_s:.0f} s left.")
        await clock.sleep(TRY_EVERY_S)


def _requested_key(hub: Hub, lamp: str) -> str | None:
    """A new key; ``None`` while nobody has pressed the link button."""
    who = {"devicetype": f"presence_bridge#{lamp[:_LONGEST_NAME]}"}
    try:
        reply = checked(hub.transport.exchange("POST", "/api", who))
        return str(reply[0]["success"]["username"])
    except HubRefusedError as error:
        if NO_LINK_BUTTON in error.types:
            return None
        raise LightRefusedError(f"the hub says: {error}.", remedy="Try again.") from error
    except (LookupError, TypeError, ValueError) as error:
        raise no_hub(hub.transport.address) from error


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the command's answer
