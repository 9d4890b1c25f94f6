"""The last 24 hours of each person, and the last week of one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from markupsafe import Markup

from bridge.contract.presence_kind import Kind
from bridge.web.data.snapshot import Day
from bridge.web.data.words import Calendar, duration
from bridge.web.render.document import card_document, section
from bridge.web.render.forms import disclosure
from bridge.web.render.markup import join, tag
from bridge.web.render.strip import day_table, legend, strip, under_strip
from bridge.web.render.times import as_of


def today_section(days: Iterable[Day], calendar: Calendar) -> Markup | None:
    """A strip for each person; nothing when no history is kept."""
    strips = [_today(day, calendar) for day in days]
    if not strips:
        return None
    return section("today", "Last 24 hours", tag("div", strips, class_="card"), legend())


def week_page(days: Sequence[Day], calendar: Calendar, *, now: datetime, back: str) -> str:
    """The week of one person, the newest day first; ``back`` is where their card is."""
    name = days[-1].name
    in_calls = duration(sum(day.seconds(Kind.CALL) for day in days))
    zone = calendar.zone_name(now)
    return card_document(
        f"Presence: {name}",
        tag("h1", f"{name}, 7 days"),
        tag(
            "p",
            f"{in_calls} in calls. As of ",
            as_of(now, calendar),
            f". Days are those of {zone}.",
        ),
        [_of_week(day, calendar, now) for day in reversed(days)],
        legend(),
        tag("p", tag("a", "Back", href=back)),
        css=" wide",
    )


def _today(day: Day, calendar: Calendar) -> Markup:
    calls = f"{duration(day.seconds(Kind.CALL))} in calls"
    week = tag("a", "7 days", href=f"history?of={day.account}", aria_label=f"7 days of {day.name}")
    return tag(
        "div",
        tag("h3", day.name, " ", tag("span", calls, class_="fine")),
        _drawn(day, calendar, day.name, week),
        class_="strip",
    )


def _of_week(day: Day, calendar: Calendar, now: datetime) -> Markup:
    date = f"{day.start.astimezone(calendar.zone):%A %-d %b}"
    missing_s = day.seconds(Kind.UNKNOWN)
    if missing_s >= (min(day.end, now) - day.start).total_seconds():
        return tag("div", tag("h2", date), tag("p", "Nothing was read.", class_="fine"))
    facts = [
        f"{duration(day.seconds(Kind.CALL))} in calls",
        f"{duration(day.seconds(Kind.BUSY))} busy otherwise",
    ]
    if missing_s >= 60:  # noqa: PLR2004 - a minute
        facts.append(f"{duration(missing_s)} not read")
    return tag(
        "div",
        tag("h2", date),
        tag("p", ", ".join(facts), class_="fine"),
        _drawn(day, calendar, date),
        class_="strip",
    )


def _drawn(day: Day, calendar: Calendar, name: str, *below: Markup) -> Markup:
    """The day as a strip, with ``below``, and as a table."""
    table = disclosure("As a table", day_table(day, calendar), label=f"{name} as a table")
    return join(strip(day, calendar), under_strip(*below), table)
