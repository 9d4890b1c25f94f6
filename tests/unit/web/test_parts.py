from __future__ import annotations

from markupsafe import Markup

from bridge.web.data.page_words import Calendar
from bridge.web.data.snapshot import Snapshot
from bridge.web.render.page import page
from bridge.web.render.parts import CARDS_SLOT, HAVE_LIMIT, Parts, have_of, have_text
from tests.fakes.web_page import NOON, person, service
from tests.unit.web.reading import Reading, parts_of_all

CALENDAR = Calendar.at(NOON, NOON.tzinfo)


def parts(*cards: str, health: str = "well") -> Parts:
    frame = Markup("<section id='people'>{}</section>").format(CARDS_SLOT)
    return Parts(
        frame, {f"person-{card[0]}": Markup(card) for card in cards}, {"health": Markup(health)}
    )


def lacking(have: Parts, now: Parts) -> list[str]:
    return [name for name, _ in now.since(have_of(have_text(have.versions)))]


def test_a_page_lacks_what_differs_from_the_versions_that_it_names() -> None:
    assert lacking(parts("a", "b"), parts("a", "b")) == []
    assert lacking(parts("a1", "b"), parts("a2", "b")) == ["person-a"]
    assert lacking(parts("a"), parts("a", health="ill")) == ["health"]
    assert lacking(parts("a"), parts("a", "b")) == ["people"]


def test_who_names_no_version_or_too_many_lacks_everything() -> None:
    crowd = " ".join(f"person-{n}:0" for n in range(HAVE_LIMIT + 1))
    for text in ("", "person-a", "::: : x", crowd):
        assert [name for name, _ in parts("a").since(have_of(text))] == ["people", "health"]


def test_another_order_is_an_order_and_no_markup() -> None:
    before, after = parts("a", "b", "c"), parts("c", "a", "b")
    assert lacking(before, after) == []
    assert after.order_since(before.versions) == ["person-c", "person-a", "person-b"]
    assert not after.order_since(after.versions)
    assert not parts("a", "b").order_since(before.versions)  # the whole section comes


def test_a_page_names_the_versions_of_all_that_it_shows() -> None:
    people = (person("alice"), person("bob"))
    shown = parts_of_all(Snapshot(service(), people), CALENDAR)
    [main] = Reading(page(shown, release="1", as_of=Markup("12:00")).partition("\n")[2]).all("main")
    assert not list(shown.since(have_of(main["data-have"] or "")))
