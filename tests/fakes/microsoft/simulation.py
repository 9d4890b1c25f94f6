"""What all parts of the simulated Microsoft share: its state, its time, its address. Pure data."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from bridge.contract.clock import Clock
from tests.fakes.microsoft.codes import DeviceCodes
from tests.fakes.microsoft.directory import App, Directory, Person, Tenant
from tests.fakes.microsoft.tokens import Tokens


@dataclass(slots=True)
class AuthorizationCode:
    """Somebody has signed in on the page; the app has not come for the tokens yet."""

    value: str
    client_id: str
    person: Person
    scope: str
    """As the client spelled it."""
    redirect_uri: str
    challenge: str
    """Empty where the client sent none."""
    challenge_method: str
    nonce: str | None
    expires_s: float
    redeemed: bool = False


@dataclass
class Simulation:
    """One simulated Microsoft, without its server."""

    clock: Clock
    random: Random
    directory: Directory
    tokens: Tokens
    codes: DeviceCodes
    authorizations: dict[str, AuthorizationCode] = field(default_factory=dict)
    address: str = ""
    """``https://host:port``, known when the server listens."""

    @property
    def host(self) -> str:
        """``host:port``."""
        return self.address.removeprefix("https://")

    def new_id(self) -> str:
        """A GUID for a request."""
        text = f"{self.random.getrandbits(128):032x}"
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


@dataclass(frozen=True)
class TokenRequest:
    """A form posted to the token endpoint, with what its address and client id lead to."""

    tenant: Tenant
    app: App
    form: dict[str, str]
