"""The last 24 hours of each person and the last week of one, as strips and as tables. Pure.

A strip is a day in colours with its hours. The script tells time and presence under the finger;
without it, hovering does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache

from markupsafe import Markup

from bridge.contract.presence_kind import Kind
from bridge.web.data.page_words import KIND_WORDS, Calendar, duration
from bridge.web.data.snapshot import Day, Span
from bridge.web.render.document import card_document, section
from bridge.web.render.forms import disclosure
from bridge.web.render.markup import join, tag
from bridge.web.render.times import as_of, clock_time, iso

TICK_HOURS = 6
STRIPS = 8
"""Sections that are remembered: strips move once a minute, and news come all the time."""
ROWS = 40
"""Lines of the table under a strip: the newest."""
EDGE = 4.0
"""A label this close to an end, in percent, would be cut."""


@lru_cache(maxsize=STRIPS)
def today_section(days: tuple[Day, ...], calendar: Calendar) -> Markup | None:
    """A strip for each person; nothing when no history is kept."""
    strips = [_today(day, calendar) for day in days]
    if not strips:
        return None
    return section("today", "Last 24 hours", tag("div", strips, class_="card"), _legend())


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
        _legend(),
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
    """The day as a strip, with ``below`` and what was at the time pointed at, and as a table."""
    at = tag("span", class_="at fine", data_own=True)
    table = disclosure("As a table", _table(day, calendar), label=f"{name} as a table")
    return join(_strip(day, calendar), tag("p", *below, at, class_="under"), table)


def _strip(day: Day, calendar: Calendar) -> Markup:
    """The day as a drawing."""
    in_calls, busy = duration(day.seconds(Kind.CALL)), duration(day.seconds(Kind.BUSY))
    return tag(
        "svg",
        (_piece(day, span, calendar) for span in day.spans),
        _ticks(day, calendar),
        role="img",
        aria_label=f"{day.name}: {in_calls} in calls, {busy} busy otherwise",
        width="100%",
        height=48,
        data_start=iso(day.start),
        data_end=iso(day.end),
    )


def _table(day: Day, calendar: Calendar) -> Markup:
    """The day in lines."""
    rows = (
        (clock_time(span.start, calendar), duration(span.seconds), KIND_WORDS[span.kind])
        for span in day.spans[-ROWS:]
    )
    return tag(
        "table",
        tag("caption", f"Only the last {ROWS}") if len(day.spans) > ROWS else None,
        tag("thead", tag("tr", [tag("th", t, scope="col") for t in ("From", "For", "Presence")])),
        tag("tbody", [tag("tr", [tag("td", cell) for cell in row]) for row in rows]),
    )


def _legend() -> Markup:
    """What the colours mean."""

    def sample(kind: Kind) -> Markup:
        square = tag("rect", width=14, height=14, rx=3, class_=kind)
        return tag("svg", square, width=14, height=14, aria_hidden="true")

    return tag("ul", [tag("li", sample(kind), KIND_WORDS[kind]) for kind in Kind], class_="legend")


def _piece(day: Day, span: Span, calendar: Calendar) -> Markup:
    words = f"{calendar.clock(span.start)} to {calendar.clock(span.end)}: {KIND_WORDS[span.kind]}"
    width = _percent(day, day.start + (span.end - span.start))
    rect = tag("rect", x=_percent(day, span.start), width=width, height=28, class_=span.kind)
    return tag("g", tag("title", words), rect)


def _ticks(day: Day, calendar: Calendar) -> Iterator[Markup]:
    """A line and a label at 0, 6, 12 and 18 o'clock of the wall clock."""
    first = day.start.astimezone(calendar.zone).date()
    for step in range(2 * 24 // TICK_HOURS + 1):
        days, hour = divmod(step * TICK_HOURS, 24)
        date = first + timedelta(days=days)
        moment = datetime.combine(date, time(hour), tzinfo=calendar.zone).astimezone(UTC)
        if not day.start < moment < day.end:
            continue
        x = _percent(day, moment)
        yield tag("line", x1=x, x2=x, y2=33)
        if EDGE < float(x.rstrip("%")) < 100 - EDGE:
            yield tag("text", f"{hour:02d}:00", x=x, y=46)


def _percent(day: Day, moment: datetime) -> str:
    return f"{round(100 * (moment - day.start) / (day.end - day.start), 2):g}%"
