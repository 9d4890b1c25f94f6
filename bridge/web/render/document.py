"""Whole documents, and the small ones that show nothing of anybody: the password, a message."""

from __future__ import annotations

from markupsafe import Markup

from bridge.web.render.forms import form, text_field
from bridge.web.render.markup import Attribute, Child, tag

ONWARD = "onward"
"""The field with the address that was asked for before the password was."""


def document(title: str, *body: Child, head: Child = None) -> str:
    """A whole document around ``body``. All addresses in it are relative to the page's root.

    ``head`` are further elements of its head.
    """
    whole = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("link", rel="icon", href="static/icon.svg", type="image/svg+xml"),
        tag("link", rel="stylesheet", href="static/page.css"),
        tag("script", src="static/page.js", type="module"),
        head,
    )
    return f"<!doctype html>\n{tag('html', whole, tag('body', *body), lang='en')}"


def section(name: str, title: str, *children: Child, css: str | None = None) -> Markup:
    """The part of the page with the id ``name`` below its ``title``; ``css`` is of the title."""
    heading = tag("h2", title, id=f"{name}-title", class_=css)
    return tag("section", heading, *children, id=name, aria_labelledby=f"{name}-title")


def notice(text: str) -> Markup | None:
    """What a reader must see at once; nothing when there is no ``text``."""
    return tag("p", text, class_="notice", role="alert") if text else None


def card_document(title: str, *children: Child, css: str = "", **attributes: Attribute) -> str:
    """A document of one card."""
    return document(title, tag("main", *children, class_=f"card door{css}", **attributes))


def login_page(refusal: str = "", onward: str = "") -> str:
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
        notice(refusal),
        form("enter", password, button="Open", **({ONWARD: onward} if onward else {})),
    )


def message_page(title: str, text: str) -> str:
    """One sentence, with the way back."""
    return card_document(f"Presence: {title}", tag("h1", title), tag("p", text), way_back())


def way_back() -> Markup:
    """The link to the page."""
    return tag("p", tag("a", "To the page", href="./"))
