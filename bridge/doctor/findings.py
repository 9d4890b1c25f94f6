"""What the doctor found, line by line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    good: bool
    text: str
    remedy: str = ""
    note: str = ""
    """What whoever must act has to know besides."""


Report = Callable[[Finding], None]
"""Takes each finding as soon as it is made."""


def good(text: str) -> Finding:
    """Something that is as it should be."""
    return Finding(good=True, text=text)


def bad(text: str, remedy: str = "", note: str = "") -> Finding:
    """A fault and its remedy."""
    return Finding(good=False, text=text, remedy=remedy, note=note)


def show(finding: Finding) -> None:
    """Print ``finding``."""
    lines = [f"{'ok ' if finding.good else 'BAD'}  {finding.text}"]
    lines += [f"     -> {finding.remedy}"] if finding.remedy else []
    lines += [f"     {finding.note}"] if finding.note else []
    print("\n".join(lines))  # noqa: T201 - the command's answer
