"""Errors of Graph that only a scripted one answers with (Graph docs, errors)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.fakes.microsoft.graph import CODES, GraphError

TOO_MANY = 429
MORE_CODES = {
    409: "Conflict",
    TOO_MANY: "TooManyRequests",
    500: "generalException",
    502: "BadGateway",
    503: "serviceNotAvailable",
    504: "gatewayTimeout",
    509: "bandwidthLimitExceeded",
}


class ScriptedGraphError(GraphError):
    """With the code of any status."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        code = {**CODES, **MORE_CODES}.get(status)
        super().__init__(status, message, code=code, headers=headers)

    def body(self, *, now: datetime, request_id: str, client_request_id: str) -> dict[str, Any]:
        """The JSON that Graph answers with; the sample on the throttling page has two keys more."""
        body = super().body(now=now, request_id=request_id, client_request_id=client_request_id)
        if self.status == TOO_MANY:
            body["error"]["innerError"] |= {"code": "429", "status": "429"}
        return body
