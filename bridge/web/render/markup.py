"""HTML as values: text is escaped unless it is markup already. Never knows what it means."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

_EMPTY = frozenset({"circle", "input", "line", "link", "meta", "path", "rect"})
"""Elements without content; those of SVG need the slash that those of HTML may have."""


class Html(str):
    """Text that is markup: escaped already."""

    __slots__ = ()


Child = str | Iterable[str] | None
Attribute = str | float | bool | None


def tag(name: str, /, *children: Child, **attributes: Attribute) -> Html:
    """An element. ``class_`` is ``class``, ``data_left`` is ``data-left``.

    An attribute that is ``True`` stands alone; one that is ``None`` or ``False`` is left out.
    """
    start = f"<{name}{''.join(_attribute(*item) for item in attributes.items())}"
    return Html(f"{start}/>" if name in _EMPTY else f"{start}>{join(*children)}</{name}>")


def join(*children: Child) -> Html:
    """All children one after the other, each escaped unless it is markup."""
    return Html("".join(map(_text, children)))


def _text(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, str):
        return child if isinstance(child, Html) else escape(child, quote=False)
    return "".join(map(_text, child))


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
