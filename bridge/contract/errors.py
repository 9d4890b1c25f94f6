"""The error tree. Each class answers one question: try again, ask a person, or fix the code?

    PresenceBridgeError
    ├── ConfigError            a person mends the config; exit 2
    ├── ContractError          code: a topic or payload breaks the contract; it is dropped
    ├── TryAgainError          passes by itself; carries how long to wait, when known
    │   ├── SourceUnavailableError   Microsoft cannot be reached or asks us to wait
    │   ├── SourceDataError          Microsoft answered something that is no presence
    │   └── LightUnreachableError    the lamp is off, unplugged or busy
    └── PersonMustActError     stays until somebody acts; carries the remedy
        ├── SignInNeededError        an account has no usable token
        ├── AccessRefusedError       signed in, but not allowed to read presence
        └── LightRefusedError        the lamp is there and refuses: pair it, wire it, name it

Library errors are translated in the module that calls the library, with their cause. A message
says what failed, on what, and what to do; it never holds a secret.
"""

from __future__ import annotations


class PresenceBridgeError(Exception):
    """The root: every error of ours that a person may read."""

    remedy: str = ""
    """What to do about it, in one sentence."""
    reason: str | None = None
    """Why, in the words of who refused, where they gave any; for whoever investigates."""

    @property
    def text(self) -> str:
        """What happened, without the remedy."""
        return str(self)


class ConfigError(PresenceBridgeError):
    """The configuration is wrong; ``problems`` has one line a mistake, each naming its key."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class ContractError(PresenceBridgeError):
    """A topic or payload breaks the contract."""


class TryAgainError(PresenceBridgeError):
    """It passes by itself. ``retry_after_s`` is the wait that was asked for, if any."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class SourceUnavailableError(TryAgainError):
    """Microsoft cannot be reached, fails, or asks us to wait.

    ``reached`` says whether Microsoft had any work with it.
    """

    def __init__(
        self, message: str, *, retry_after_s: float | None = None, reached: bool = True
    ) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.reached = reached


class SourceDataError(TryAgainError):
    """Microsoft answered something that cannot be read as presence."""


class LightUnreachableError(TryAgainError):
    """The light does not answer now."""


class PersonMustActError(PresenceBridgeError):
    """It stays until somebody acts. Its ``str`` is ``text`` and ``remedy`` together."""

    def __init__(self, text: str, *, remedy: str) -> None:
        super().__init__(f"{text} {remedy}" if remedy else text)
        self._text, self.remedy = text, remedy

    @property
    def text(self) -> str:
        """What happened, without the remedy."""
        return self._text


class SignInNeededError(PersonMustActError):
    """An account has no usable token."""


class SignInUnreadableError(SignInNeededError):
    """A sign-in is stored and cannot be read now; a look costs nothing but a file access."""

    LOOK_AGAIN_S = 30.0


class AccessRefusedError(PersonMustActError):
    """Signed in, but not allowed to read presence."""


class LightRefusedError(PersonMustActError):
    """The light answers and refuses, or is not what the config says."""
