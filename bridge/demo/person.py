"""Alice, whose presence the demo shows, as Graph words it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Facts:
    """All of a presence at one moment, in Microsoft's classic words; an empty text is none."""

    availability: str = "Available"
    activity: str = "Available"
    status_message: str = ""
    out_of_office: bool = False
    out_of_office_message: str = ""
    work_location: str = ""
    """office, remote or timeOff."""


@dataclass
class Person:
    """Somebody with a Teams presence."""

    name: str = "Alice"
    upn: str = "alice@contoso.com"
    oid: str = "3ce5e185-7578-5e50-8725-c00360cb8270"
    facts: Facts = field(default_factory=Facts)
    changes: int = 0

    def change(self, **facts: Any) -> None:
        """Change these ``Facts``; an activity that is not given is the availability."""
        if "availability" in facts:
            facts = {"activity": facts["availability"], **facts}
        self.facts = replace(self.facts, **facts)
        self.changes += 1

    def resource(self) -> dict[str, Any]:
        """The presence resource of Graph v1.0."""
        facts = self.facts
        content = {"content": facts.status_message, "contentType": "text"}
        return {
            "id": self.oid,
            "availability": facts.availability or None,
            "activity": facts.activity or None,
            "statusMessage": {"message": content} if facts.status_message else None,
            "outOfOfficeSettings": {
                "isOutOfOffice": facts.out_of_office,
                "message": facts.out_of_office_message or None,
            },
            "workLocation": {
                "workLocationType": facts.work_location or "unspecified",
                "source": "scheduled" if facts.work_location else "none",
                "placeId": None,
            },
            "sequenceNumber": f"A{self.changes:010d}",
        }
