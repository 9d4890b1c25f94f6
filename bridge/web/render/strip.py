"""A day as a strip of colours with its hours, and the same as a table. Pure.

The script tells time and presence under the finger; without it, hovering does.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

from markupsafe import Markup

from bridge.contract.presence_kind import Kind
from bridge.web.data.snapshot import Day, Span
from bridge.web.data.words import KIND_WORDS, Calendar, duration
from bridge.web.render.markup import Child, tag
from bridge.web.render.times import clock_time, iso

TICK_HOURS = 6
ROWS = 40
"""Lines of the table under a strip: the newest."""
EDGE = 4.0
"""A label this close to an end, in percent, would be cut."""


def strip(day: Day, calendar: Calendar) -> Markup:
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


def under_strip(*children: Child) -> Markup:
    """The line below a strip: ``children``, and what was at the time that is pointed at."""
    return tag("p", *children, tag("span", class_="at fine", data_own=True), class_="under")


def day_table(day: Day, calendar: Calendar) -> Markup:
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


def legend() -> Markup:
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
