"""Forms that change something: each posts to one address and carries the token. Never scripted."""

from __future__ import annotations

from bridge.web.render.markup import Child, Html, tag

TOKEN = "token"  # noqa: S105 - the field's name
TOKEN_SLOT = "<token>"  # noqa: S105 - a place, no token
"""Stands where the reader's own token goes, so that all readers can share one rendering. No escaped
text can look like it."""


def form(
    action: str, *fields: Child, button: str, css: str = "", label: str | None = None, **hidden: str
) -> Html:
    """A form that posts to ``action``; ``hidden`` are values that go with it.

    ``label`` is what a screen reader says for the button where its text alone is ambiguous.
    """
    return tag(
        "form",
        Html(f'<input type="hidden" name="{TOKEN}" value="{TOKEN_SLOT}">'),
        *(tag("input", type="hidden", name=name, value=value) for name, value in hidden.items()),
        *fields,
        tag("button", button, class_=css or None, aria_label=label),
        method="post",
        action=action,
    )


def disclosure(summary: str, *children: Child, label: str | None = None) -> Html:
    """Something behind one more press: details, or the confirmation of what cannot be undone."""
    return tag("details", tag("summary", summary, aria_label=label), *children)


def with_token(html: str, token: str) -> str:
    """``html`` for the reader whose token is ``token`` (letters, digits, ``-`` and ``_``)."""
    return html.replace(TOKEN_SLOT, token)
