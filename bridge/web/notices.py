"""Texts that wait for the page that a form leads back to, so that no address answers only once."""

from __future__ import annotations

import secrets

MOST = 64
"""Texts that are kept; the page with an older one comes without it."""


class Notices:
    """Keeps the last texts in memory, each under a key for an address."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def add(self, text: str) -> str:
        """Keep ``text``; the key by which a page finds it."""
        if len(self._texts) >= MOST:
            del self._texts[next(iter(self._texts))]
        key = secrets.token_urlsafe(9)
        self._texts[key] = text
        return key

    def text_of(self, key: str) -> str:
        """The text, or nothing."""
        return self._texts.get(key, "")
