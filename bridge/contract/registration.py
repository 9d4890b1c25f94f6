"""The app registration: by which two values Microsoft knows this bridge."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID


class Registration(NamedTuple):
    """Neither value is a secret."""

    tenant: str
    """A domain, a GUID, or somebody@domain."""
    client_id: UUID

    @property
    def keys(self) -> dict[str, str]:
        """As the config writes them."""
        return {"tenant": self.tenant, "client_id": str(self.client_id)}
