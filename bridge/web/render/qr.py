"""An address as a QR code that a phone can read. Never asks another host to draw it."""

from __future__ import annotations

from functools import lru_cache

from bridge.web.render.markup import Html, tag

QUIET = 4
"""Modules of white around the code (ISO/IEC 18004, quiet zone)."""


@lru_cache(maxsize=16)
def qr_svg(address: str) -> Html | None:
    """A QR code of ``address`` as inline SVG, black on white; ``None`` when it is too long."""
    import segno  # noqa: PLC0415 - few pages show a code

    try:
        code = segno.make_qr(address, error="m")
    except segno.DataOverflowError:
        return None
    size = code.symbol_size(border=QUIET)[0]
    path = "".join(_row(y, row) for y, row in enumerate(code.matrix))
    return tag(
        "svg",
        tag("rect", width=size, height=size, fill="#fff"),
        tag("path", d=path, stroke="#000", stroke_width=1),
        viewBox=f"0 0 {size} {size}",
        class_="qr",
        role="img",
        aria_label="QR code of the address",
        shape_rendering="crispEdges",
    )


def _row(y: int, row: bytearray | tuple[int, ...]) -> str:
    """The dark modules of one row as horizontal strokes."""
    strokes, x = [], 0
    while x < len(row):
        length = 0
        while x + length < len(row) and row[x + length]:
            length += 1
        if length:
            strokes.append(f"M{x + QUIET} {y + QUIET}.5h{length}")
        x += max(1, length)
    return "".join(strokes)
