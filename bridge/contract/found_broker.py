"""An MQTT broker that answered while somebody looked for one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FoundBroker:
    """Where it is, and whether it lets us in without a name."""

    host: str
    port: int
    tls: bool = False
    asks_who: bool = False

    @property
    def text(self) -> str:
        """For people."""
        with_tls = " with TLS" if self.tls else ""
        return f"{self.host}, port {self.port}{with_tls}"
