"""Whole documents, and the small ones that show nothing of anybody: the password, a message."""

from __future__ import annotations

from markupsafe import Markup

from bridge.web.render.forms import disclosure, form, text_field
from bridge.web.render.markup import Attribute, Child, tag

ONWARD = "onward"
"""The field with the address that was asked for before the password was."""


def document(title: str, *body: Child, head: Child = None, root: str = "") -> str:
    """A whole document around ``body``; ``root`` leads from its address to the page's root.

    All addresses are relative, so that they are right under any prefix. ``head`` are further
    elements of its head.
    """
    whole = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("link", rel="icon", href=f"{root}static/icon.svg", type="image/svg+xml"),
        tag("link", rel="stylesheet", href=f"{root}static/page.css"),
        tag("script", src=f"{root}static/page.js", type="module"),
        head,
    )
    return f"<!doctype html>\n{tag('html', whole, tag('body', *body), lang='en')}"


def section(name: str, title: str, *children: Child, css: str | None = None) -> Markup:
    """The part of the page with the id ``name`` below its ``title``; ``css`` is of the title."""
    heading = tag("h2", title, id=f"{name}-title", class_=css)
    return tag("section", heading, *children, id=name, aria_labelledby=f"{name}-title")


def card_document(
    title: str, *children: Child, css: str = "", root: str = "", **attributes: Attribute
) -> str:
    """A document of one card; ``root`` as in ``document``."""
    card = tag("main", *children, class_=f"card door{css}", **attributes)
    return document(title, card, root=root)


def login_page(refusal: str = "", onward: str = "", *, root: str = "") -> str:
    """Asks for the password; then it goes on to ``onward``, relative to the page's root."""
    password = text_field(
        "password",
        "Password of this page",
        type="password",
        maxlength=200,
        autocomplete="current-password",
        autofocus=True,
    )
    return card_document(
        "Presence: password",
        tag("h1", "Presence"),
        tag("p", refusal, class_="notice", role="alert") if refusal else None,
        form(f"{root}enter", password, button="Open", **({ONWARD: onward} if onward else {})),
        disclosure(
            "Where is the password?",
            tag(
                "p",
                "On the machine that runs the bridge, in the first line of the file that ",
                tag("code", "password_file"),
                " in [web] of config.toml names. Write another one there: it counts within "
                "seconds, and every open page asks for it.",
            ),
        ),
        root=root,
    )


def link_page(key: str) -> str:
    """Opens the page for who has a one-time link."""
    return card_document(
        "Presence: open",
        tag("h1", "Presence"),
        tag("p", "This link opens the page on this device, once."),
        form("enter", button="Open", once=key),
    )


def message_page(title: str, text: str, *, root: str = "") -> str:
    """Some lines of text, with the way back."""
    lines = [tag("p", line) for line in text.splitlines()]
    heading = tag("h1", title)
    return card_document(f"Presence: {title}", heading, lines, way_back(root), root=root)


def way_back(root: str = "") -> Markup:
    """The link to the page."""
    return tag("p", tag("a", "To the page", href=root or "./"))
