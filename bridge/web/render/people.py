"""People as cards: presence, since when, what they say, how fresh it is. Pure.

Sign-ins that many people have in common are cards of their own, each once.
"""

from __future__ import annotations

from functools import lru_cache

from markupsafe import Markup

from bridge.contract.account import SignInState, Way
from bridge.contract.presence_kind import Kind
from bridge.web.data.page_words import SIGN_IN_WORDS, Calendar, headline, place_words
from bridge.web.data.search import SHOWN
from bridge.web.data.snapshot import Person, Snapshot, Table
from bridge.web.render.document import section
from bridge.web.render.forms import disclosure, form, text_field
from bridge.web.render.markup import Child, join, tag
from bridge.web.render.preferences import preference_forms
from bridge.web.render.sign_in import sign_in_panel, sign_out
from bridge.web.render.times import ago, iso

OUT_OF_OFFICE = "Out of office"
NAME_LIMIT = 60
"""Characters of the name of a person that is added."""
CARDS = 256
"""Those that are remembered: of most people nothing has changed."""
_WAYS = (
    (Way.DEVICE_CODE, "With a code, on any device", True),
    (Way.BROWSER, "In a browser, where codes are blocked", False),
)
_SHAPES = {
    Kind.AVAILABLE: "M7 12.5l3.5 3.5L17 9",
    Kind.AWAY: "M12 7v5.5l3.5 2",
    Kind.BUSY: "M7 12h10",
    Kind.CALL: "M8 8.2a9 9 0 0 0 7.8 7.8M6.8 9.4l2.6-2.6M14.6 17.2l2.6-2.6",
    Kind.OFFLINE: "M8.5 8.5l7 7M15.5 8.5l-7 7",
    Kind.UNKNOWN: "M9.6 9.4a2.5 2.5 0 1 1 3.4 2.4c-.7.3-1 .8-1 1.6M12 16.6v.1",
}


def people_section(snapshot: Snapshot, cards: Markup | None, find: str = "") -> Markup:
    """The cards, if any, the search when there are too many, and the way to add somebody."""
    nobody = "Nobody is called that." if find else "Nobody is followed yet."
    return section(
        "people",
        "People",
        _search(snapshot, find) if len(snapshot.people) > SHOWN else None,
        tag("div", cards or tag("p", nobody, class_="card"), class_="cards"),
        _add() if snapshot.can_add else None,
        css="quiet",
    )


@lru_cache(maxsize=CARDS)
def person_card(person: Person, calendar: Calendar) -> Markup:
    """One person."""
    title = f"name-{person.account}"
    words = tag(
        "div",
        tag("h3", person.name, id=title),
        tag("p", headline(person), class_="state", data_say=person.name),
        _since(person, calendar),
    )
    return tag(
        "article",
        tag("div", icon(person.kind), words, class_="face"),
        _says(person),
        None if person.table else sign_in_panel(person, calendar),
        tag("footer", _freshness(person, calendar), preference_forms(person), _more(person)),
        id=person.card,
        class_=f"card person {person.kind}",
        aria_labelledby=title,
        data_valid_until=iso(person.valid_until) if person.fresh and person.valid_until else None,
    )


def tables_section(snapshot: Snapshot, calendar: Calendar) -> Markup | None:
    """A card for each table that reads several people; nothing when there is none."""
    if not snapshot.tables:
        return None
    cards = [_table_card(table, calendar) for table in snapshot.tables]
    return section("tables", "Shared sign-ins", tag("div", cards, class_="cards"))


def icon(kind: Kind) -> Markup:
    """The sign of ``kind``, for those who do not tell its colour from others."""
    return tag(
        "svg",
        tag("circle", cx=12, cy=12, r=11),
        tag("path", d=_SHAPES[kind]),
        viewBox="0 0 24 24",
        aria_hidden="true",
    )


def _table_card(table: Table, calendar: Calendar) -> Markup:
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


def _since(person: Person, calendar: Calendar) -> Markup | None:
    if not person.fresh or person.changed_at is None:
        return None
    return tag("p", "since ", ago(person.changed_at, calendar), class_="since")


def _says(person: Person) -> Child:
    """What the person says to others, which is somebody else's text; only while it is current."""
    presence = person.current
    if presence is None:
        return None
    is_new = presence.out_of_office and headline(person) != OUT_OF_OFFICE
    texts = (presence.out_of_office_message, presence.status_message)
    place = place_words(presence)
    said = join(
        tag("p", OUT_OF_OFFICE, class_="chip") if is_new else None,
        [tag("p", text, class_="says") for text in texts if text],
        tag("p", "Works at: ", place, class_="fine") if place else None,
    )
    return tag("div", said, class_="current") if said else None


def _freshness(person: Person, calendar: Calendar) -> Markup:
    if person.polled_at is None:
        return tag("p", "Not read yet", class_="fine")
    when = ago(person.polled_at, calendar)
    if person.fresh:
        return tag("p", tag("span", "Up to date, ", class_="current"), "read ", when, class_="fine")
    if person.sign_in.state is not SignInState.SIGNED_IN:
        return tag("p", "Last read ", when, class_="fine")
    return tag("p", "Last read ", when, ": too old to show", class_="fine warn")


def _more(person: Person) -> Markup:
    """Signing out and removing: each asks once more."""
    account, name = person.account, person.name
    signed_in = person.sign_in.state is SignInState.SIGNED_IN
    own = signed_in and person.ways and not person.table
    return join(
        sign_out(person, "Lamps then show that it is needed.") if own else None,
        disclosure(
            "Remove",
            tag("p", f"{name} disappears from here, from the broker and from Home Assistant."),
            form("remove", button="Yes, remove", css="danger", account=account),
            label=f"Remove {name}",
        )
        if person.added_here
        else None,
    )


def _search(snapshot: Snapshot, find: str) -> Markup:
    return tag(
        "form",
        tag("label", f"Find one of {len(snapshot.people)} people", for_="find"),
        tag("input", id="find", name="find", type="search", value=find, maxlength=NAME_LIMIT),
        tag("button", "Find"),
        role="search",
        class_="row",
    )


def _add() -> Markup:
    choices = [
        tag("label", tag("input", type="radio", name="way", value=way, checked=first), f" {text}")
        for way, text, first in _WAYS
    ]
    ways = tag("fieldset", tag("legend", "Way to sign in"), choices)
    name = text_field("name", "Name", element_id="add-name", maxlength=NAME_LIMIT)
    return disclosure("Add a person", form("add", name, ways, button="Add"))
