"""How Graph words tokens and errors in HTTP. Never looks at presence."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any

from aiohttp import web

from bridge.demo.tokens import AccessToken, Tokens

GRAPH_CLIENT_ID = "00000003-0000-0000-c000-000000000000"
"""Microsoft Graph itself, as an app."""

CODES = {
    400: "BadRequest",
    401: "InvalidAuthenticationToken",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    429: "TooManyRequests",
    500: "generalException",
    502: "BadGateway",
    503: "serviceNotAvailable",
    504: "gatewayTimeout",
    509: "bandwidthLimitExceeded",
}
"""``error.code`` for a status (Graph docs, errors)."""


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
        if self.status == 429:  # noqa: PLR2004 - the sample on the throttling page has these two
            inner |= {"code": "429", "status": "429"}
        return {"error": {"code": self.code, "message": self.message, "innerError": inner}}


def unauthorized(address: str, message: str) -> GraphError:
    """401 that a new token cures."""
    return GraphError(401, message, headers={"WWW-Authenticate": _realm(address)})


def challenged(address: str, claims: str) -> GraphError:
    """401 that only a token with ``claims`` cures (Entra docs, claims-challenge)."""
    encoded = base64.b64encode(claims.encode()).decode()
    challenge = f'{_realm(address)}, error="insufficient_claims", claims="{encoded}"'
    message = "Continuous access evaluation resulted in challenge with result: InteractionRequired."
    return GraphError(401, message, headers={"WWW-Authenticate": challenge})


def bearer(tokens: Tokens, request: web.Request) -> AccessToken | None:
    """The access token that a request carries, good or not."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    return tokens.access(value) if scheme.lower() == "bearer" else None


async def json_object(request: web.Request) -> dict[str, Any]:
    """The body of a request.

    Raises:
        GraphError: It is not a JSON object.
    """
    try:
        body = json.loads(await request.read())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise GraphError(400, "Unable to read JSON request payload.")
    return body


def context(address: str, what: str) -> dict[str, Any]:
    """The first key of every good answer."""
    return {"@odata.context": f"{address}/v1.0/$metadata#{what}"}


def _realm(address: str) -> str:
    return (
        f'Bearer realm="", authorization_uri="{address}/common/oauth2/authorize", '
        f'client_id="{GRAPH_CLIENT_ID}"'
    )
