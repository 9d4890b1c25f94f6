"""What is sent to Microsoft and what comes back, for Graph and for sign-in, or why nothing does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol

DEADLINE_S = 10.0
"""For all of a request: name, connection, and the last byte of the answer."""
BODY_LIMIT = 4 * 1024 * 1024
OK = 200


class Fault(StrEnum):
    """Why no answer of Microsoft's came, in words that end a sentence."""

    NO_NAME = "name not found"
    NO_NAME_SERVER = "the name server does not answer"
    NO_PROXY = "no connection to the proxy"
    PROXY_REFUSES = "the proxy refuses"
    PROXY_ADDRESS = "the proxy's address is not like http://proxy:8080"
    UNTRUSTED = "its certificate is not trusted; set ca_file in [network] if a proxy inspects TLS"
    NOT_BY_FILE = "its certificate is not trusted; {} is set: its authority must be in {}"
    OTHER_NAME = "what answered shows a certificate of another name"
    NOT_NOW = "its certificate has ended or has not begun, by the clock of this machine"
    NOT_SECURE = "what answered speaks no TLS"
    SLOW = "no answer in time"
    NO_CONNECTION = "no connection"
    BROKEN = "the connection broke off"
    STRANGER = "what answered is not Microsoft's"
    ELSEWHERE = "what answered is not Microsoft's: it sends us to another address"
    ENDLESS = "what answered is not Microsoft's: it does not end"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request; ``url`` is encoded."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    only_reads: bool = False
    """A POST that changes nothing: sent once more when its connection breaks off, as a GET is."""
    deadline_s: float = DEADLINE_S


class HttpResponse(NamedTuple):
    """What came back, whole."""

    status: int
    headers: Mapping[str, str]
    """Their names in any case."""
    body: bytes


class HttpError(Exception):
    """No answer came; the text says why, in words that end a sentence: ``fault (detail)``."""

    def __init__(self, fault: Fault, detail: str | None = None, *, text: str | None = None) -> None:
        text = text or str(fault)
        super().__init__(f"{text} ({detail})" if detail else text)
        self.fault = fault


class Http(Protocol):
    """Sends requests; redirects are not followed, and no answer is longer than ``BODY_LIMIT``."""

    async def send(self, request: HttpRequest) -> HttpResponse:
        """The whole answer, within the request's deadline; ``HttpError`` where none came."""
