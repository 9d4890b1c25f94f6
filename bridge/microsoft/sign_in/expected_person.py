"""Who is expected to sign in for an account table, and who is asked about first. Pure.

With ``user`` in the config nobody else is let in. Without it, somebody else than before waits until
a person keeps them, and whom neither the table's name nor its key fits is asked about, too: a
browser that is signed in to Microsoft already signs in whom it likes.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from bridge.config.tables.accounts import AccountSettings
from bridge.microsoft.sign_in.flow import Granted
from bridge.microsoft.sign_in.identity import Identity
from bridge.microsoft.sign_in.remedies import YOU, Explanation

SAYS_NOBODY = frozenset(
    (
        *("me", "my", "i", "self", "user", "person", "account", "presence", "teams"),
        *("home", "work", "office", "desk"),
    )
)
"""Words in the name of a table that fit everybody."""
SHORTEST = 3
"""Letters that a part of a name needs: Alex is Alexander, and Al is nobody in particular."""


class Newcomer(NamedTuple):
    """Somebody unexpected, until a person keeps them or another signs in."""

    who: Identity
    question: str
    waiting: Granted | None
    """What takes the place of the sign-in before once they are kept; ``None`` where there was none
    before: theirs is used already."""


class Expected(NamedTuple):
    """Who may sign in for one account table."""

    slug: str
    name: str = ""
    """For people."""
    pinned: str | None = None
    """The only one, by address or GUID in lower case."""
    is_person: bool = True
    """The table follows who signs in, and is called as they are."""

    @property
    def address(self) -> str | None:
        """Whom a browser can propose."""
        return self.pinned if self.pinned and "@" in self.pinned else None

    @classmethod
    def by(cls, slug: str, settings: AccountSettings) -> Expected:
        """As ``[accounts.slug]`` says."""
        return cls(slug, settings.name or slug, settings.pinned, is_person=not settings.watch)

    def refusal(self, who: Identity | None) -> Explanation | None:
        """Why ``who`` is not let in, if they are not."""
        if self.pinned is None or (who and who.is_called(self.pinned)):
            return None
        other = (who and who.address) or "somebody else"  # a name would get into reports
        return Explanation(
            text=f"That is {other}, and {self.name} must be {self.pinned}.",
            remedy=f"Sign in again as {self.pinned}, in a private window if need be; "
            f"or change user in [accounts.{self.slug}].",
            who=YOU,
            sign_in_again=True,
        )

    def question(self, who: Identity, before: Identity | None) -> str | None:
        """What to ask about ``who``, if anything; ``before`` was signed in until now."""
        if self.pinned:
            return None
        if is_another(who, before):
            assert before is not None
            so_far = before.address or "somebody else"
            return f"That is {who.shown}; so far {so_far} was signed in for {self.name}."
        if before is None and self.is_person and not _fits(who, self.slug, self.name):
            return f"That is {who.shown}, signed in for {self.name}."
        return None

    def newcomer(self, granted: Granted, before: Identity | None) -> Newcomer | None:
        """Who signed in, where a person must be asked about them; ``before`` was signed in."""
        who = granted.who
        question = self.question(who, before) if who else None
        if who is None or question is None:
            return None
        return Newcomer(who, question, granted if is_another(who, before) else None)


def is_another(who: Identity, before: Identity | None) -> bool:
    """Whether somebody else was signed in before."""
    return before is not None and before.home_id != who.home_id


def _fits(who: Identity, *names: str) -> bool:
    """Whether a table that is called so can be meant for ``who``; nobody is accused of too much."""
    local = (who.address or "").partition("@")[0]
    theirs = _words(f"{who.name or ''} {local}")
    ours = _words(" ".join(names)) - SAYS_NOBODY
    return not theirs or not ours or any(_alike(one, other) for one in ours for other in theirs)


def _alike(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return short == long or (len(short) >= SHORTEST and short in long)


def _words(text: str) -> set[str]:
    """Its words in small letters, without accents and numbers."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return set(re.findall(r"[^\W\d_]+", letters))
