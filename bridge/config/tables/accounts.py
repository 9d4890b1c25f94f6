"""``[microsoft]`` and ``[accounts.NAME]``: whose presence is read, and by which sign-in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, WrapValidator, model_validator

from bridge.config.tables.base import ConfigPath, HttpsUrl, Settings
from bridge.config.tables.hours import HoursSettings, one_or_more
from bridge.config.tables.tenant import guid_of, tenant_name

PLACEHOLDER_CLIENT_ID = UUID(int=0)

_CHINA = {"china", "cn", "mooncake", "21vianet"}
_UPN = re.compile(r"[^@\s/?]+@[^@\s/?#]+\.[^@\s/?#]+")


def _who(text: str) -> str:
    """A GUID in its usual form, or a user principal name in lower case."""
    if who := text if _UPN.fullmatch(text) else guid_of(text):
        return who.lower()
    raise ValueError("must be a GUID or somebody@domain")


def _cloud(name: object) -> object:
    if isinstance(name, str) and name.lower() in _CHINA:
        raise ValueError(
            "Microsoft Graph in China (21Vianet) has no presence; "
            "no setting helps: nobody in that cloud can be followed"
        )
    return name


Who = Annotated[str, AfterValidator(_who)]
"""A person in a directory: a GUID or a user principal name."""


CloudName = Annotated[Literal["global", "us_gov", "us_gov_dod"], BeforeValidator(_cloud)]
TenantName = Annotated[str, AfterValidator(tenant_name)]
"""A domain, a GUID, or somebody@domain."""


class CertificateSettings(Settings):
    """What an app signs itself in with: a PEM pair, one PEM file with both, or a PFX file."""

    certificate_file: ConfigPath | None = None
    private_key_file: ConfigPath | None = None
    """Needed when ``certificate_file`` has no key in it."""
    passphrase_file: ConfigPath | None = None
    """The passphrase of the key or the PFX file."""

    @model_validator(mode="after")
    def _has_a_certificate(self) -> Self:
        if not self.certificate_file and (self.private_key_file or self.passphrase_file):
            raise ValueError("private_key_file and passphrase_file need certificate_file")
        return self


class MicrosoftSettings(CertificateSettings):
    """``[microsoft]``: the app registration that accounts use, unless they say otherwise."""

    cloud: CloudName = "global"
    tenant: TenantName | None = None
    client_id: UUID | None = None
    login_url: HttpsUrl | None = None
    """Another login address than the cloud's own, for tests and gateways."""
    graph_url: HttpsUrl | None = None
    """Another Graph address than the cloud's own, with its version (…/v1.0)."""


class AccountSettings(CertificateSettings):
    """``[accounts.NAME]``: a sign-in and whom it follows. ``[microsoft]`` can be overridden here.

    An app that signs itself in is nobody, so it names whom to follow; a person follows
    themselves, or with ``watch`` others.
    """

    name: str = ""
    """Shown to people; the key of the table when empty."""
    sign_in: Literal["device_code", "browser", "app"] = "device_code"
    user: Who | None = None
    """With ``sign_in = "app"``: one person, who is called as the table is. Else the only one who
    may sign in for the table."""
    people: tuple[Who, ...] | None = None
    """With ``sign_in = "app"``: several, who are called table_person."""
    group: UUID | None = None
    """With ``sign_in = "app"``: the members of a group and of the groups within."""
    watch: tuple[Who, ...] | None = None
    """Others whom this person may see (Presence.Read.All), called table_person."""
    set_presence: bool = False
    """Whether this person's preferred presence and status message can be set from here."""
    status_message: bool = True
    """Whether what these people wrote is shown: status message and out-of-office message."""
    beat: bool = False
    """Whether each of more than 200 people says until when it is current, as fewer do."""
    homeassistant: bool = True
    """Whether Home Assistant hears of these people; nobody wants thousands of entities."""
    hours: Annotated[tuple[HoursSettings, ...], WrapValidator(one_or_more(HoursSettings))] = ()
    """Outside of them the account is polled at the slowest pace."""
    cloud: CloudName | None = None
    tenant: TenantName | None = None
    client_id: UUID | None = None

    @property
    def named(self) -> Sequence[str]:
        """The people that the table names as GUID or user principal name."""
        if self.user and self.sign_in == "app":
            return (self.user,)
        return self.people or self.watch or ()

    @property
    def reads_several(self) -> bool:
        """Whether one sign-in reads several people, who are called table_person."""
        return bool(self.group or self.people or self.watch)

    @property
    def pinned(self) -> str | None:
        """The only one who may sign in for the table, as GUID or user principal name."""
        return None if self.sign_in == "app" else self.user

    @model_validator(mode="after")
    def _says_whom(self) -> Self:
        whom = ("user", "people", "group") if self.sign_in == "app" else ("people", "group")
        given = [key for key in whom if getattr(self, key) is not None]
        if self.sign_in == "app" and len(given) != 1:
            raise ValueError('sign_in = "app" needs exactly one of user, people and group')
        if self.sign_in == "app" and self.watch:
            raise ValueError('watch is for people who sign in; use people with sign_in = "app"')
        if self.set_presence and (self.sign_in == "app" or self.watch):
            raise ValueError("set_presence is for people who sign in and follow themselves")
        if self.sign_in != "app" and given:
            raise ValueError(f'{given[0]} needs sign_in = "app"; a person who signs in uses watch')
        if self.sign_in != "app" and self.certificate_file:
            raise ValueError('certificate_file needs sign_in = "app"')
        if () in (self.people, self.watch):
            raise ValueError("people and watch name at least one person")
        if len(set(self.named)) != len(self.named):
            raise ValueError("somebody is named twice")
        return self
