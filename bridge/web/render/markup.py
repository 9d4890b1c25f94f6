"""HTML elements as values: text is escaped unless it is ``Markup`` already."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape

_EMPTY = frozenset({"circle", "input", "line", "link", "meta", "path", "rect"})
"""Elements without content; those of SVG need the slash that those of HTML may have."""

Child = str | Iterable[str] | None
Attribute = str | float | bool | None


def tag(name: str, /, *children: Child, **attributes: Attribute) -> Markup:
    """An element. ``class_`` is ``class``, ``data_left`` is ``data-left``.

    An attribute that is ``True`` stands alone; one that is ``None`` or ``False`` is left out.
    """
    start = f"<{name}{''.join(_attribute(*item) for item in attributes.items())}"
    content = "/>" if name in _EMPTY else f">{''.join(map(_text, children))}</{name}>"
    return Markup(start + content)  # noqa: S704 - escaped above


def join(*children: Child) -> Markup:
    """All children one after the other, each escaped unless it is markup."""
    return Markup("".join(map(_text, children)))  # noqa: S704 - escaped there


def numbered(*steps: Child) -> Markup:
    """A list of what to do one after the other."""
    return tag("ol", [tag("li", step) for step in steps])


def _text(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    return escape(child) if isinstance(child, str) else "".join(map(_text, child))


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    return f' {name}="{escape(value) if isinstance(value, str) else value}"'
