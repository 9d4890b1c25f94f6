"""Why a lamp shows what it shows, in plain words: what won, what lost, who is followed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import dist

from markupsafe import Markup

from bridge.contract.light_why import FollowedPerson, LightWhy
from bridge.web.data.page_words import Calendar
from bridge.web.render.forms import disclosure
from bridge.web.render.markup import tag

_COLORS = {
    "red": (255, 0, 0),
    "orange": (255, 128, 0),
    "yellow": (255, 220, 0),
    "green": (0, 255, 0),
    "turquoise": (0, 255, 255),
    "blue": (0, 0, 255),
    "purple": (128, 0, 255),
    "pink": (255, 0, 180),
    "white": (255, 255, 255),
    "warm white": (255, 200, 140),
    "grey": (128, 128, 128),
}

Names = Mapping[str, str]
"""People's names by account."""


def why_box(light: str, why: LightWhy, names: Names, calendar: Calendar) -> Markup:
    """The explanation, behind a press."""
    question = f"Why is it {_look_word(why)}?"
    lost = [f"{reason_words(each.rule, each.account, names)}: {each.because}" for each in why.lost]
    people = [_person_words(each, names) for each in why.followed]
    if why.more:
        people.append(f"and {why.more} more")
    return disclosure(
        question,
        tag("p", _won_words(why, names, calendar)),
        *_several("Not shown:", lost),
        *_several("What it knows:", people),
        label=f"{question} ({light})",
        element_id=f"why-light-{light}",
    )


def reason_words(rule: str, account: str | None, names: Names) -> str:
    """A rule, as a sentence about a person where it is about one."""
    rule = rule.replace("_", " ")
    if not account:
        return rule
    who = names.get(account, account)
    kind, _, what = rule.partition(" ")
    return f"{who} is {what}" if kind in ("activity", "availability") else f"{rule}, {who}"


def color_name(rgb: tuple[int, int, int]) -> str:
    """A colour by the nearest plain word, for those who do not see it."""
    return min(_COLORS, key=lambda name: dist(_COLORS[name], rgb))


def _look_word(why: LightWhy) -> str:
    if why.look is None:
        return "as it was found" if why.left == "given_back" else "left as it is"
    return color_name(why.look.color) if any(why.look.rgb) else "dark"


def _won_words(why: LightWhy, names: Names, calendar: Calendar) -> str:
    words = reason_words(why.won.rule, why.won.account, names)
    if why.trying:
        words = f"{words}: {why.trying.replace('_', ' ')}"
    elif why.since:
        until = f", until {calendar.clock(why.until)}" if why.until else ""
        words = f"{words} since {calendar.clock(why.since)}{until}"
    return f"{words[:1].upper()}{words[1:]}."


def _person_words(person: FollowedPerson, names: Names) -> str:
    who = names.get(person.account, person.account)
    if not person.signed_in:
        return f"{who} must sign in"
    said = dict.fromkeys(word for word in (person.availability, person.activity) if word)
    words = ", ".join(said).replace("_", " ")
    if not person.fresh:
        return f"{who}: nothing new{f', last {words}' if words else ''}"
    return f"{who}: {words or 'unknown to Microsoft'}"


def _several(title: str, lines: Iterable[str]) -> Iterator[Markup]:
    if items := [tag("li", line) for line in lines]:
        yield tag("p", title, class_="fine")
        yield tag("ul", items)
