"""Finds, opens and colours a busylight, by busylight-core; the only module that knows it.

Blocking: for a worker. The library is imported with the first look, never before.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bridge.config.installation import cure
from bridge.config.tables.base import Settings
from bridge.contract.errors import LightRefusedError, LightUnreachableError
from bridge.contract.light import Rgb
from drivers.usb.locks import LetGo, lock, nothing

PluggedIn = Mapping[Any, Sequence[Any]]
"""What is plugged in: the library's hardware by the class of light that it is."""

_RULE = (
    "Install packaging/udev/70-presence-bridge.rules and let the user join the group plugdev "
    "(docs/lights/usb.md)."
)


class UsbOptions(Settings):
    """Which busylight, when several are plugged in."""

    device: str = ""
    """Its name, its maker, or both, as in ``Blink(1)`` or ``luxafor flag``; any when empty."""
    serial: str = ""
    """Its serial number; any when empty."""

    @property
    def wanted(self) -> str:
        """What is looked for, for people."""
        name = self.device or "busylight"
        return f"{name} with serial number {self.serial}" if self.serial else name


class Found(NamedTuple):
    """One light that is plugged in, not opened."""

    light_class: Any
    hardware: Any

    @property
    def name(self) -> str:
        """What its maker calls it."""
        return str(self.light_class.supported_device_ids[self.hardware.device_id])

    @property
    def maker(self) -> str:
        """Who made it."""
        return str(self.light_class.vendor())

    @property
    def serial(self) -> str:
        """Its serial number; many have none."""
        return str(self.hardware.serial_number or "")

    def __str__(self) -> str:
        number = f" (serial number {self.serial})" if self.serial else ""
        return f"{self.maker} {self.name}{number}"

    def is_meant_by(self, options: UsbOptions) -> bool:
        """Whether ``options`` choose it."""
        names = {self.name, self.maker, f"{self.maker} {self.name}"}
        device = options.device.casefold()
        return (not device or device in {name.casefold() for name in names}) and (
            not options.serial or options.serial.casefold() == self.serial.casefold()
        )


class _Honest:
    """A handle that raises where hidapi only returns -1, which the library takes for success."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    def __getattr__(self, name: str) -> Any:
        return getattr(self._handle, name)

    def write(self, data: bytes) -> Any:
        return _checked(self._handle.write(data))

    def send_feature_report(self, data: bytes) -> Any:
        return _checked(self._handle.send_feature_report(data))


def _checked(written: Any) -> Any:
    if isinstance(written, int) and written < 0:
        raise OSError("nothing was written")
    return written


class Busylight:
    """One opened light."""

    def __init__(self, light: Any, found: Found, let_go: LetGo) -> None:
        self._light, self._found, self._let_go = light, found, let_go

    def __str__(self) -> str:
        return str(self._found)

    def show(self, rgb: Rgb) -> None:
        """Show ``rgb`` on all of its LEDs."""
        try:
            if any(rgb):
                self._light.on(rgb)
            else:
                self._light.off()
        except Exception as error:  # each maker's code fails in its own way
            raise LightUnreachableError(f"{self._found} does not answer") from error

    def close(self) -> None:
        """Let it go, coloured as it is."""
        with contextlib.suppress(Exception):  # an unplugged one fails here as well
            self._light.cancel_tasks()
            self._light.release()
        # Kuando's keep-alive makes an event loop that it neither runs nor closes
        if loop := vars(self._light).get("event_loop"):
            loop.close()
        self._let_go()


def plugged_in() -> PluggedIn:
    """What the library finds on USB; nothing is opened."""
    from busylight_core import Light  # noqa: PLC0415 - hardware is touched here
    from loguru import logger  # noqa: PLC0415 - as above

    logger.disable("busylight_core")  # it would write past the logs of the driver
    found: PluggedIn = Light.available_hardware()
    return found


def connect(
    options: UsbOptions,
    look: Callable[[], PluggedIn] = plugged_in,
    locks: Path | None = None,
) -> Busylight:
    """Open the light that ``options`` choose, or of equal ones the first that nobody has.

    Who has which is in the folder ``locks``.
    """
    refused: LightRefusedError | None = None
    for found in choose(_listed(look), options):
        let_go = lock(locks, found.hardware.path) if locks else nothing
        if let_go is None:
            continue
        try:
            light = _opened(found)
        except LightRefusedError as error:
            let_go()
            refused = refused or error
            continue
        return Busylight(light, found, let_go)
    raise refused or LightRefusedError(
        f"every {options.wanted} that is plugged in belongs to another driver.",
        remedy="Plug in one more, or let one of the drivers go.",
    )


def _opened(found: Found) -> Any:
    try:
        found.hardware.handle = _Honest(found.hardware.handle)
        return found.light_class(found.hardware, reset=False, exclusive=True)
    except Exception as error:  # each maker's code fails in its own way
        raise LightRefusedError(
            f"{found} cannot be opened{_said(error)}.",
            remedy=f"Stop any other program that has it. {_RULE}",
        ) from error


def choose(all_found: Sequence[Found], options: UsbOptions) -> Sequence[Found]:
    """Those that ``options`` mean: one, or several that cannot be told apart."""
    meant = [found for found in all_found if found.is_meant_by(options)]
    if not meant:
        others = f"; there is {', '.join(map(str, all_found))}" if all_found else ""
        raise LightUnreachableError(f"no {options.wanted} is plugged in{others}")
    if len({str(found) for found in meant}) > 1:
        raise LightRefusedError(
            f"several lights are plugged in: {', '.join(map(str, meant))}.",
            remedy="Choose one with device or serial.",
        )
    return meant


def _listed(look: Callable[[], PluggedIn]) -> list[Found]:
    try:
        plugged = look()
    except ImportError as error:
        raise LightRefusedError(
            "busylight-core cannot be loaded.",
            remedy=cure("usb"),
        ) from error
    except Exception as error:  # a device that may not be read breaks the library's own checks
        raise LightRefusedError(f"USB cannot be read{_said(error)}.", remedy=_RULE) from error
    found = [Found(cls, hardware) for cls, several in plugged.items() for hardware in several]
    return sorted(found, key=lambda item: (str(item), item.hardware.path))


def _said(error: Exception) -> str:
    """What the system says; what the library trips over says nothing to people."""
    return f" ({error})" if isinstance(error, OSError) and str(error) else ""
