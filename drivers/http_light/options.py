"""The keys of ``[drivers.NAME]`` with ``kind = "http"``."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from bridge.config.tables.base import ConfigPath, Settings, matching
from drivers.looks.template import check, has_words, placeholders_of
from drivers.looks.words import WordSettings

SECRET = "secret"  # noqa: S105 - the name of a placeholder
_URL = re.compile(r"https?://[^\s/?#@{}]+([/?][!-~]*)?")


def _url(value: str) -> str:
    if "@" in value.partition("://")[2].partition("/")[0]:
        raise ValueError("it names no user: write username and password_file")
    if not _URL.fullmatch(value):
        raise ValueError("must be as http://192.0.2.7/path, with placeholders only after the host")
    try:
        is_host = urlsplit(value).hostname and urlsplit(value).port != 0
    except ValueError:
        is_host = False
    if not is_host:
        raise ValueError("names no host, or an impossible port")
    return value


def _gaps(value: str) -> str:
    return check(value, (SECRET,))


Template = Annotated[str, AfterValidator(_gaps)]
Url = Annotated[str, AfterValidator(_url), AfterValidator(_gaps)]
Method = Literal["GET", "POST", "PUT"]
Header = Annotated[str, matching(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", "is no name of a header")]
OneLine = Annotated[Template, StringConstraints(pattern=r"^[\x20-\x7e\xa0-\xff]*$")]


class Off(Settings):
    """What is sent instead when the light is off; what is left out is as for a look."""

    url: Url | None = None
    method: Method | None = None
    body: Template | None = None


class HttpOptions(WordSettings):
    """One device that takes HTTP requests."""

    url: Url
    method: Method = "POST"
    headers: dict[Header, OneLine] = Field(default_factory=dict)
    body: Template | None = None
    off: Off = Field(default_factory=Off)
    username: str | None = None
    password_file: ConfigPath | None = None
    """With ``username``; sent with each request where ``login`` is ``basic``."""
    login: Literal["basic", "digest"] = "basic"
    """``digest`` never sends the password itself, and has SHA-256 alone."""
    token_file: ConfigPath | None = None
    """A bearer token."""
    secret_file: ConfigPath | None = None
    """Fills the placeholder ``{secret}``: the key of a webhook, or one that stands in a header."""
    ca_file: ConfigPath | None = None
    """The CA that has signed the certificate of the device, instead of the system's."""
    timeout: Annotated[float, Field(ge=0.5, le=30)] = 5.0
    """Seconds that one request may take."""
    pace: Annotated[float, Field(ge=0.05, le=60)] = 0.5
    """Seconds between two requests at the least."""
    repeat: Annotated[float, Field(ge=0, le=86_400)] = 0.0
    """Seconds after which the look is repeated; 0 is never."""

    @property
    def templates(self) -> tuple[str, ...]:
        """All that has placeholders, of a look."""
        return (self.url, self.body or "", *self.headers.values())

    @property
    def is_sign(self) -> bool:
        """Whether it shows words."""
        return has_words(*self.templates, self.off.url, self.off.body)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        has_body = self.body is not None or self.off.body is not None
        if has_body and "GET" in (self.method, self.off.method):
            raise ValueError("body goes with POST and PUT, not with GET")
        if (self.username is None) != (self.password_file is None):
            raise ValueError("username and password_file go together")
        if self.username is not None and (":" in self.username or self.token_file):
            raise ValueError("username has no colon, and no token_file beside it")
        if self.login == "digest" and self.username is None:
            raise ValueError('login = "digest" needs username and password_file')
        asked = placeholders_of(*self.templates, self.off.url or "", self.off.body or "")
        if (SECRET in asked) != (self.secret_file is not None):
            raise ValueError("secret_file and the placeholder {secret} go together")
        if self.words and not self.is_sign:
            raise ValueError("words needs a placeholder for them, such as {look}")
        if any(name.lower() in _OURS for name in self.headers):
            raise ValueError("headers: Host, Content-Length and Connection cannot be set")
        return self


_OURS = {"host", "content-length", "connection", "transfer-encoding"}
