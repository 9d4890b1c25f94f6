"""Errors of Graph (Graph docs, errors), and the challenges that a new token cures."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

GRAPH_CLIENT_ID = "00000003-0000-0000-c000-000000000000"
"""Microsoft Graph itself, as an app."""
TOO_MANY = 429
CODES = {
    400: "BadRequest",
    401: "InvalidAuthenticationToken",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    TOO_MANY: "TooManyRequests",
    500: "generalException",
    502: "BadGateway",
    503: "serviceNotAvailable",
    504: "gatewayTimeout",
    509: "bandwidthLimitExceeded",
}
"""``error.code`` for a status."""


class GraphError(Exception):
    """An answer of Graph that is not 200."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, headers or {}
        self.code = code or CODES.get(status, "UnknownError")

    def body(self, *, now: datetime, request_id: str, client_request_id: str) -> dict[str, Any]:
        """The JSON that Graph answers with."""
        inner = {
            "date": f"{now:%Y-%m-%dT%H:%M:%S}",
            "request-id": request_id,
            "client-request-id": client_request_id,
        }
        if self.status == TOO_MANY:  # the sample on the throttling page has two keys more
            inner |= {"code": "429", "status": "429"}
        return {"error": {"code": self.code, "message": self.message, "innerError": inner}}


def unauthorized(address: str, message: str, more: str = "") -> GraphError:
    """401 that a new token cures; ``more`` goes into the challenge."""
    challenge = (
        f'Bearer realm="", authorization_uri="{address}/common/oauth2/authorize", '
        f'client_id="{GRAPH_CLIENT_ID}"{more}'
    )
    return GraphError(401, message, headers={"WWW-Authenticate": challenge})


def challenged(address: str, claims: str) -> GraphError:
    """401 that only a token with ``claims`` cures (Entra docs, claims-challenge)."""
    encoded = base64.b64encode(claims.encode()).decode()
    message = "Continuous access evaluation resulted in challenge with result: InteractionRequired."
    return unauthorized(address, message, f', error="insufficient_claims", claims="{encoded}"')
