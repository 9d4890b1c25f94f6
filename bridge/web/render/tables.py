"""Sign-ins that many people have in common, each once. Pure."""

from __future__ import annotations

from markupsafe import Markup

from bridge.contract.account import SignInState
from bridge.web.data.snapshot import Snapshot, Table
from bridge.web.data.words import SIGN_IN_WORDS, Calendar
from bridge.web.render.document import section
from bridge.web.render.markup import tag
from bridge.web.render.sign_in import sign_in_panel, sign_out


def tables_section(snapshot: Snapshot, calendar: Calendar) -> Markup | None:
    """A card for each table that reads several people; nothing when there is none."""
    if not snapshot.tables:
        return None
    cards = [_card(table, calendar) for table in snapshot.tables]
    return section("tables", "Shared sign-ins", tag("div", cards, class_="cards"))


def _card(table: Table, calendar: Calendar) -> Markup:
    state = table.sign_in.state
    people = "1 person" if table.people == 1 else f"{table.people:,} people"
    return tag(
        "article",
        tag("h3", table.name),
        tag("p", f"{SIGN_IN_WORDS[state]}. Reads {people}.", class_="fine"),
        sign_in_panel(table, calendar),
        sign_out(table, f"The presence of {people} is then unknown.")
        if state is SignInState.SIGNED_IN and table.ways
        else None,
        id=table.card,
        class_="card",
    )
