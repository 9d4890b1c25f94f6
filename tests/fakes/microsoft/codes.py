"""Device codes between their birth and their end (RFC 8628)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

from bridge.contract.clock import Clock
from tests.fakes.microsoft.aadsts import refusal, refusal_without_number
from tests.fakes.microsoft.directory import Person
from tests.fakes.microsoft.tokens import base64url

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
CODE_LENGTH = 9
SLOW_DOWN_S = 5
"""What a client must add to its interval when it is told to slow down (RFC 8628, 3.5)."""
TOLERANCE_S = 1
"""A poll may come this much early; msal allows itself the same."""


class Progress(StrEnum):
    """How far a person got with a code."""

    PENDING = "pending"
    APPROVED = "approved"
    DECLINED = "declined"
    REDEEMED = "redeemed"


@dataclass(slots=True)
class DeviceCode:
    """One attempt to sign in."""

    user_code: str
    device_code: str
    client_id: str
    tenant_id: str
    scope: str
    """As the client spelled it."""
    issued_s: float
    expires_s: float
    interval_s: int
    progress: Progress = Progress.PENDING
    person: Person | None = None
    last_poll_s: float | None = None


@dataclass(frozen=True, slots=True)
class AutoApproval:
    """Somebody who approves every code by themselves."""

    person: Person
    after_s: float = 0
    """Seconds that they take."""


@dataclass
class DeviceCodes:
    """All device codes that are remembered."""

    clock: Clock
    random: Random
    expires_in_s: int = 900
    interval_s: int = 5
    auto_approval: AutoApproval | None = None
    _codes: dict[str, DeviceCode] = field(default_factory=dict)

    @property
    def pending(self) -> list[DeviceCode]:
        """Those that wait for a person, oldest first."""
        now = self.clock.monotonic()
        return [
            code
            for code in self._codes.values()
            if code.progress is Progress.PENDING and now < code.expires_s
        ]

    def issue(self, *, client_id: str, tenant_id: str, scope: str) -> DeviceCode:
        """A new code."""
        now = self.clock.monotonic()
        for key in [k for k, c in self._codes.items() if c.expires_s < now - self.expires_in_s]:
            del self._codes[key]
        code = DeviceCode(
            user_code="".join(self.random.choices(ALPHABET, k=CODE_LENGTH)),
            device_code=f"D{base64url(self.random.randbytes(48))}",
            client_id=client_id,
            tenant_id=tenant_id,
            scope=scope,
            issued_s=now,
            expires_s=now + self.expires_in_s,
            interval_s=self.interval_s,
        )
        self._codes[code.device_code] = code
        return code

    def find(self, user_code: str) -> DeviceCode:
        """The pending code that a person typed; ``KeyError`` where there is none."""
        wanted = user_code.strip().upper().replace("-", "")
        for code in self.pending:
            if code.user_code == wanted:
                return code
        raise KeyError(user_code)

    def approve(self, user_code: str, person: Person) -> None:
        """``person`` signs in with the code; raises as ``find``."""
        code = self.find(user_code)
        code.person, code.progress = person, Progress.APPROVED

    def decline(self, user_code: str) -> None:
        """A person refuses the sign-in; raises as ``find``."""
        self.find(user_code).progress = Progress.DECLINED

    def expire_all(self) -> None:
        """End the time of every code."""
        for code in self._codes.values():
            code.expires_s = self.clock.monotonic()

    def person_of(self, device_code: str) -> Person | None:
        """Who approved the code, if anybody did."""
        code = self._codes.get(device_code)
        return code.person if code else None

    def poll(self, device_code: str, client_id: str) -> tuple[DeviceCode, Person]:
        """One poll of a client: the approved code and its person; else it is refused."""
        code = self._codes.get(device_code)
        if code is None or code.client_id != client_id or code.progress is Progress.REDEEMED:
            raise refusal(70018)
        now = self.clock.monotonic()
        if now >= code.expires_s:
            raise refusal(70019)
        self._refuse_haste(code, now)
        auto = self.auto_approval
        if auto and code.progress is Progress.PENDING and now >= code.issued_s + auto.after_s:
            code.person, code.progress = auto.person, Progress.APPROVED
        if code.progress is Progress.DECLINED:
            text = "The end user denied the authorization request."
            raise refusal_without_number("authorization_declined", text)
        if code.person is None:
            raise refusal(70016)
        return code, code.person

    def _refuse_haste(self, code: DeviceCode, now: float) -> None:
        last, code.last_poll_s = code.last_poll_s, now
        if last is not None and now - last < code.interval_s - TOLERANCE_S:
            code.interval_s += SLOW_DOWN_S
            raise refusal_without_number("slow_down", "The client polls too often.")
