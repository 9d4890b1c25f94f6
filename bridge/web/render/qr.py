"""An address as a QR code that a phone can read."""

from __future__ import annotations

from functools import lru_cache

from markupsafe import Markup

from bridge.web.render.markup import tag


@lru_cache(maxsize=16)
def qr_code(address: str) -> Markup | None:
    """A QR code of ``address``, black on white; ``None`` when it is too long."""
    import segno  # noqa: PLC0415 - few pages show a code

    try:
        code = segno.make_qr(address, error="m")
    except segno.DataOverflowError:
        return None
    svg = Markup(code.svg_inline(light="#fff", svgclass="qr", omitsize=True))  # noqa: S704 - its own
    return tag("div", svg, class_="qr-box", role="img", aria_label="QR code of the address")
