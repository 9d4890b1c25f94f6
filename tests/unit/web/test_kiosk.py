from __future__ import annotations

import re
from importlib.resources import files

import pytest
from markupsafe import Markup

from bridge.contract.presence_kind import Kind
from bridge.web.data.page_words import Calendar
from bridge.web.data.snapshot import Person
from bridge.web.render.kiosk import KIOSK, kiosk_page, kiosk_parts
from tests.fakes.web_page import NOON, person, waiting
from tests.unit.web.reading import Reading
from tests.unit.web.test_colours import luminance

CALENDAR = Calendar.at(NOON, NOON.tzinfo)
EVIL = "<script>x</script>"
CSS = files("bridge.web").joinpath("static/kiosk.css").read_text(encoding="utf-8")
SCRIPT = files("bridge.web").joinpath("static/kiosk.js").read_text(encoding="utf-8")


def rgb(text: str) -> tuple[float, float, float]:
    red, green, blue = (int(text[n : n + 2], 16) / 255 for n in (0, 2, 4))
    return red, green, blue


def shown(somebody: Person | None) -> Reading:
    return Reading(kiosk_parts(somebody, "alice", CALENDAR).sections[KIOSK])


def test_the_screen_says_who_is_what_since_when_and_has_no_button() -> None:
    screen = shown(person(says="Back at three"))
    assert screen.words == "Alice In a call since 11:35 Back at three"
    assert screen.all("main")[0]["class"] == "call"
    assert not screen.all("form")
    assert not screen.all("button")


def test_an_old_presence_and_a_missing_person_are_grey() -> None:
    for somebody in (person(fresh=False), waiting(), None):
        assert shown(somebody).all("main")[0]["class"] == "unknown"
    assert shown(None).words == "Nobody is followed as alice"


def test_a_code_is_nothing_for_the_door() -> None:
    assert "F7K2Q9XRB" not in shown(waiting()).words


def test_what_others_write_is_text() -> None:
    parts = kiosk_parts(person(name=EVIL, says=EVIL), EVIL, CALENDAR)
    page = kiosk_page(parts, release="1", account=EVIL, as_of=Markup("12:00 UTC"))
    reading = Reading(page.partition("\n")[2])
    assert [script["src"] for script in reading.all("script")] == ["static/kiosk.js"]
    assert reading.all("meta")[-1] == {"http-equiv": "refresh", "content": "30"}  # in noscript


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_has_a_colour_that_its_words_stand_out_from(kind: Kind) -> None:
    found = re.search(rf"main\.{kind} {{ background: #(\w{{6}});(?: color: #(\w{{6}});)? }}", CSS)
    assert found
    ground, ink = luminance(rgb(found[1])), luminance(rgb(found[2] or "ffffff"))
    lighter, darker = max(ground, ink), min(ground, ink)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


def test_its_script_is_one_that_old_tablets_know() -> None:
    for new in ("=>", "const ", "let ", "`", "fetch(", "async ", "classList", "?."):
        assert new not in SCRIPT
