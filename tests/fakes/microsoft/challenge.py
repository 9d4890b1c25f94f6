"""A claims challenge of Graph (Entra docs, claims-challenge)."""

from __future__ import annotations

import base64

from tests.fakes.microsoft.graph import GraphError, unauthorized


def challenged(address: str, claims: str) -> GraphError:
    """401 that only a token with ``claims`` cures."""
    encoded = base64.b64encode(claims.encode()).decode()
    message = "Continuous access evaluation resulted in challenge with result: InteractionRequired."
    return unauthorized(address, message, f', error="insufficient_claims", claims="{encoded}"')
