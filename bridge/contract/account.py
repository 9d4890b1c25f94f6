"""The facts about one account: presence, freshness, sign-in. They never contain a secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bridge.contract.presence import Presence


class Way(StrEnum):
    """How a person can sign in."""

    DEVICE_CODE = "device_code"
    BROWSER = "browser"


class SignInState(StrEnum):
    """The state of an account's sign-in."""

    SIGNED_OUT = "signed_out"
    """No token, and nobody is signing in."""
    CODE_PENDING = "device_code_pending"
    """Nobody is signed in; a code, or only an address, is shown and waits for a person."""
    SIGNED_IN = "signed_in"
    """Presence is read; a code may be shown meanwhile, for a sign-in that somebody requested."""
    EXPIRED = "expired"
    """A code or a stored sign-in ended; a person must start again."""
    ERROR = "error"
    """Microsoft refuses; ``remedy`` says who must act."""


class Mend(StrEnum):
    """What mends a refused sign-in, where that is more than to sign in once more."""

    CONSENT = "consent"
    """An admin consents to the app."""
    ASSIGNMENT = "assignment"
    """An admin assigns the person to the app."""
    EXCEPTION = "exception"
    """An admin makes an exception from a policy."""
    PUBLIC_CLIENT = "public_client"
    """Public client flows are allowed in the app registration."""
    REDIRECT = "redirect"
    """The app registration gets the address that a browser comes back to."""
    PERMISSION = "permission"
    """The app registration gets a permission."""
    REGISTRATION = "registration"
    """The config gets another tenant or client id."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A ready message to who must act."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class SignIn:
    """The sign-in of an account as people may see it; ``user_code`` is for people to type."""

    state: SignInState = SignInState.SIGNED_OUT
    user_code: str | None = None
    verification_uri: str | None = None
    expires_at: datetime | None = None
    message: str | None = None
    """What happened, in one sentence."""
    remedy: str | None = None
    """What to do, in one sentence."""
    who: str | None = None
    """Who must act: ``you``, ``your admin`` or ``the app's owner``."""
    correlation_id: str | None = None
    signed_in_as: str | None = None
    """The address (``preferred_username``) of who is signed in, while they are."""
    newcomer: str | None = None
    """The address of somebody unexpected who signed in: to be kept, or another signs in."""
    also_on: tuple[str, ...] = ()
    """Names of the other accounts that the same Microsoft account is signed in for."""
    aadsts: int | None = None
    """The number of Microsoft's refusal."""
    mend: Mend | None = None
    mend_url: str | None = None
    """Where whoever must act can do it."""
    letter: Letter | None = None
    """What to send to the admin, where one must act."""

    @property
    def waits(self) -> bool:
        """Whether a code or an address waits for a person, signed in or not."""
        return self.verification_uri is not None

    @property
    def word(self) -> str:
        """What lamps get of it: ``signed_in`` or ``needed``."""
        return SIGNED_IN if self.state is SignInState.SIGNED_IN else NEEDED


SIGNED_IN, NEEDED = "signed_in", "needed"
"""The payloads of ``account/<a>/sign_in``."""
SIGNED_OUT = SignIn()
NEEDS_SIGN_IN = (SignInState.SIGNED_OUT, SignInState.CODE_PENDING, SignInState.EXPIRED)
"""Where one of these is all that is missing, a person has to sign in."""


@dataclass(frozen=True, slots=True)
class Followed:
    """One account that is followed now."""

    name: str
    """For people."""
    discover: bool = True
    """It is announced to Home Assistant."""
    settable: bool = False
    """The presence can be set from here."""
    says: bool = True
    """The status message and the out-of-office message are shown."""
    ways: tuple[Way, ...] = ()
    """How the person can sign in, the chosen way first; none where an app signs itself in."""
    table: str | None = None
    """The account table whose one sign-in reads this person together with others."""
    shares: bool = False
    """The table says once for all of them until when they are current: it is large."""

    @property
    def freshness_of(self) -> str | None:
        """The table that says until when this person is current; ``None``: they do themselves."""
        return self.table if self.shares else None


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """All facts about one account now: the value that flows from polling to publishing."""

    account: str
    """The slug in topics."""
    name: str
    presence: Presence | None = None
    """The newest presence, kept through failures; ``None`` before the first good poll."""
    changed_at: datetime | None = None
    """When the presence last changed, as we saw it."""
    since: datetime | None = None
    """Since when ``status_of(presence)`` is the same; ``None`` where nobody saw it begin."""
    polled_at: datetime | None = None
    """The last good poll."""
    valid_until: datetime | None = None
    """After this moment the presence must not be shown as current."""
    fresh: bool = False
    """Signed in and polled recently enough (section 8 of the design)."""
    sign_in: SignIn = SIGNED_OUT
    epoch: int | None = None
    """Counts up at each start and step back of the clock: orders facts before ``polled_at``."""
