"""Forms that change something, each with the reader's token, and what they are made of."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from bridge.web.render.markup import Attribute, Child, join, tag

TOKEN = "token"  # noqa: S105 - the field's name
FIND = "find"
"""The field with what was looked for: in the search, in each form, and in addresses."""
TOKEN_SLOT = "<token>"  # noqa: S105 - a place, no token
"""Stands where the reader's own token goes, so that all readers can share one rendering. No escaped
text can look like it."""
_TOKEN_FIELD = Markup(f'<input type="hidden" name="{TOKEN}" value="{TOKEN_SLOT}">')  # noqa: S704 - constants


def form(
    action: str, *fields: Child, button: str, css: str = "", label: str | None = None, **hidden: str
) -> Markup:
    """A form that posts to ``action``; ``hidden`` are values that go with it.

    ``label`` is what a screen reader says for the button where its text alone is ambiguous.
    """
    return tag(
        "form",
        _TOKEN_FIELD,
        *(tag("input", type="hidden", name=name, value=value) for name, value in hidden.items()),
        *fields,
        tag("button", button, class_=css or None, aria_label=label),
        method="post",
        action=action,
    )


def with_find(html: str, find: str) -> str:
    """``html`` whose forms lead back to those who were looked for by ``find``."""
    if not find:
        return html
    return html.replace(
        _TOKEN_FIELD, _TOKEN_FIELD + tag("input", type="hidden", name=FIND, value=find)
    )


def with_token(html: str, token: str) -> str:
    """``html`` for the reader whose token is ``token`` (letters, digits, ``-`` and ``_``)."""
    return html.replace(TOKEN_SLOT, token)


def choice_field(name: str, label: str, choices: Mapping[str, str], *, element_id: str) -> Markup:
    """A list below its ``label``; ``choices`` are the words of each value, the first one chosen."""
    options = [tag("option", words, value=value) for value, words in choices.items()]
    return join(
        tag("label", label, for_=element_id), tag("select", options, id=element_id, name=name)
    )


def text_field(
    name: str, label: str, *, element_id: str = "", required: bool = True, **attributes: Attribute
) -> Markup:
    """A field below its ``label``; browsers do not fill it in unless ``autocomplete`` says so."""
    own = element_id or name
    settings = {"required": required, "autocomplete": "off", **attributes}
    return join(tag("label", label, for_=own), tag("input", id=own, name=name, **settings))


def copy_button(element_id: str, text: str = "Copy", *, label: str | None = None) -> Markup:
    """A button that copies the text of another element."""
    return tag("button", text, type="button", data_copy=element_id, aria_label=label)


def disclosure(
    summary: str,
    *children: Child,
    label: str | None = None,
    element_id: str | None = None,
    is_open: bool = False,
) -> Markup:
    """Something behind one more press: details, or the confirmation of what cannot be undone."""
    heading = tag("summary", summary, aria_label=label)
    return tag("details", heading, *children, id=element_id, open=is_open)


def link_away(words: str, address: str) -> Markup:
    """A link that leads away from the page, in a tab of its own."""
    return tag("a", words, href=address, target="_blank", rel="noreferrer")
