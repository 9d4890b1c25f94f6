"""What the set-up says in the app, while Home Assistant offers no broker. Pure."""

from __future__ import annotations

from markupsafe import Markup

from bridge.web.render.markup import tag


def none_offered() -> Markup:
    """What to install; the link leads here once more, which looks for it."""
    return tag(
        "p",
        tag("strong", "Home Assistant has no broker yet. "),
        "Install and start its app Mosquitto broker, ",
        tag("a", "then go on", href="./"),
        "; or give another broker here.",
    )
