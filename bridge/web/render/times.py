"""Times on the page: in the bridge's zone, and for the script, which shows the reader's. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from markupsafe import Markup

from bridge.web.data.page_words import Calendar
from bridge.web.render.markup import join, tag


def clock_time(moment: datetime, calendar: Calendar) -> Markup:
    """The time of ``moment``; the script shows it in the reader's zone."""
    return tag("time", calendar.clock(moment), datetime=iso(moment))


def ago(moment: datetime, calendar: Calendar) -> Markup:
    """The time of ``moment``, where the script adds how long ago it was."""
    return join(clock_time(moment, calendar), tag("span", data_ago=True))


def as_of(now: datetime, calendar: Calendar) -> Markup:
    """The time now, by which the script sets its clock, and the zone where there is no script."""
    time = tag("time", calendar.clock(now), datetime=iso(now), class_="now")
    return join(time, tag("span", f" {calendar.zone_name(now)}", class_="zone"))


def iso(moment: datetime) -> str:
    """``moment`` for the script, to the second, as short as it can be (ISO 8601)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
