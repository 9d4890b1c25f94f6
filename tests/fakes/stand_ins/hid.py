"""hidapi with one blink(1) plugged in; everything of busylight-core above it is real."""

from __future__ import annotations

from typing import Any

from tests.fakes.stand_ins.wire import tell


def enumerate() -> list[dict[str, Any]]:  # noqa: A001 - hidapi calls it so
    return [
        {
            "path": b"1-1:1.0",
            "vendor_id": 0x27B8,
            "product_id": 0x01ED,
            "serial_number": "2000",
            "manufacturer_string": "ThingM",
            "product_string": "blink(1) mk3",
            "release_number": 1,
            "usage": 1,
            "usage_page": 0xFF00,
            "interface_number": 0,
            "bus_type": 1,
        }
    ]


class device:  # noqa: N801 - hidapi calls it so
    def open_path(self, path: bytes) -> None:
        assert path == b"1-1:1.0"

    def close(self) -> None:
        pass

    def write(self, data: bytes) -> int:
        tell(f"usb {bytes(data).hex()}")
        return len(data)

    def send_feature_report(self, data: bytes) -> int:
        return self.write(data)
