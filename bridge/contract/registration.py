"""The app registration: by which two values Microsoft knows this bridge."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Registration:
    """Neither value is a secret."""

    tenant: str
    """A domain, a GUID, or somebody@domain."""
    client_id: UUID

    @property
    def keys(self) -> dict[str, str]:
        """As the config writes them."""
        return {"tenant": self.tenant, "client_id": str(self.client_id)}
