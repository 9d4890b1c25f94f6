"""What shall go wrong, request by request. Never touches a connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase

from tests.fakes.microsoft.endpoints import GRAPH_ENDPOINTS, IDENTITY_ENDPOINTS

ENDPOINTS = IDENTITY_ENDPOINTS + GRAPH_ENDPOINTS
GROUPS = {"identity": IDENTITY_ENDPOINTS, "graph": GRAPH_ENDPOINTS}

OVERSIZED = 8 * 1024 * 1024


class Nonsense(StrEnum):
    """Bodies that are no answer."""

    HTML = "html"
    """What a captive portal or a proxy shows."""
    TRUNCATED = "truncated"
    ARRAY = "array"
    WRONG_TYPES = "wrong_types"
    EMPTY = "empty"
    NOT_TEXT = "not_text"
    OVERSIZED = "oversized"


class Cut(StrEnum):
    """Where a connection breaks. aiohttp's client repeats a GET once when it does so early."""

    BEFORE_HEADERS = "before_headers"
    IN_BODY = "in_body"


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to requests instead of, or before, their answer.

    With a ``status``, ``aadsts``, ``nonsense``, ``body`` or ``challenge`` the fault is the answer;
    with ``delay_s`` alone the true answer comes late; with ``cut`` alone the true answer is cut.
    """

    endpoint: str
    """One of ``ENDPOINTS``, a pattern such as ``token.*``, a group of ``GROUPS``, or ``*``."""
    times: int | None = 1
    """How many requests it meets; ``None``: until cleared."""
    person: str | None = None
    """Only requests for this person: GUID or user principal name."""
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    retry_after: int | str | None = None
    """Seconds, or an HTTP date."""
    delay_s: float = 0
    drip_s: float = 0
    """The body of the answer comes a byte at a time, so many seconds apart."""
    cut: Cut | None = None
    nonsense: Nonsense | None = None
    body: bytes | None = None
    content_type: str = "application/json"
    aadsts: int | None = None
    """Refused by Entra with this number."""
    challenge: str | None = None
    """Refused by Graph until a token has these claims (JSON); status 401."""

    @property
    def answers(self) -> bool:
        """Whether the true answer is never made."""
        own = (self.status, self.aadsts, self.nonsense, self.body, self.challenge)
        return any(part is not None for part in own)

    def meets(self, endpoint: str, people: tuple[str, ...]) -> bool:
        """Whether a request to ``endpoint``, for somebody with these names, meets the fault."""
        return matches(self.endpoint, endpoint) and (
            self.person is None or self.person.lower() in people
        )


def matches(pattern: str, endpoint: str) -> bool:
    """Whether ``endpoint`` is meant by ``pattern``."""
    return endpoint in GROUPS.get(pattern, ()) or fnmatchcase(endpoint, pattern)


class Faults:
    """The faults that wait, oldest first. One request meets one fault at the most."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Fault, int | None]] = []

    def add(self, *faults: Fault) -> None:
        """Let these faults wait behind the others.

        Raises:
            ValueError: No endpoint is meant by a fault's pattern.
        """
        for fault in faults:
            if not any(matches(fault.endpoint, endpoint) for endpoint in ENDPOINTS):
                raise ValueError(f"no endpoint is called {fault.endpoint}: {', '.join(ENDPOINTS)}")
        self._waiting += [(fault, fault.times) for fault in faults]

    def clear(self) -> None:
        """Forget all faults."""
        self._waiting.clear()

    @property
    def waiting(self) -> list[Fault]:
        """The faults that requests can still meet."""
        return [fault for fault, _ in self._waiting]

    def take(self, endpoint: str, people: tuple[str, ...]) -> Fault | None:
        """The fault that this request meets, counted."""
        for index, (fault, left) in enumerate(self._waiting):
            if fault.meets(endpoint, people):
                if left is not None:
                    rest = [(fault, left - 1)] if left > 1 else []
                    self._waiting[index : index + 1] = rest
                return fault
        return None


_NONSENSE = {
    Nonsense.HTML: b"<html><body><h1>502 Proxy Error</h1></body></html>",
    Nonsense.TRUNCATED: b'{"id": "0f8fad5b-d9cb-469f-a165-70867728950e", "availab',
    Nonsense.ARRAY: b'["Available", "Busy"]',
    Nonsense.WRONG_TYPES: b'{"id": 7, "availability": ["Busy"], "activity": {}}',
    Nonsense.EMPTY: b"",
    Nonsense.NOT_TEXT: bytes(range(128, 256)),
}


def nonsense_body(kind: Nonsense) -> tuple[bytes, str]:
    """The body and its content type."""
    if kind is Nonsense.OVERSIZED:
        return b'{"id": "' + b"x" * OVERSIZED + b'"}', "application/json"
    return _NONSENSE[kind], "text/html" if kind is Nonsense.HTML else "application/json"
