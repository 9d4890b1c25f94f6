"""The name of a Microsoft tenant as a person writes it: taken, mended, or refused. Pure.

Source: Microsoft Entra documentation, "Find your tenant ID": a GUID, or a domain of the tenant.
"""

from __future__ import annotations

import re
import unicodedata
from uuid import UUID

SHARED = {"common", "consumers", "organizations", "9188040d-6c67-4c5b-b112-36a304b66dad"}
"""These stand for all tenants; the GUID is the tenant of personal accounts (Microsoft identity
platform, "ID tokens")."""
PERSONAL = "must be your organisation's domain or GUID: personal accounts have no presence"
COPY = "write your organisation's domain, such as contoso.com, or its Directory (tenant) ID"
_AROUND = " \t\r\n\"'`{}()<>\u201c\u201d\u2018\u2019"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+(?:[a-z]{{2,63}}|xn--[a-z0-9-]{{1,59}})", re.IGNORECASE)
_PERSON = re.compile(r"[^@\s/]+@([^@\s/]+)")
_LIKE_A_GUID = re.compile(r"[0-9a-z]+(?:-[0-9a-z]+){3,}|[0-9a-f]{28,36}", re.IGNORECASE)
_GUID_DIGITS = 32
_OF_MICROSOFT = ("microsoftonline.com", "microsoftonline.us", "microsoft.com", "azure.com")
DOMAIN_MOST = 253


def tenant_name(text: str) -> str:
    """The domain, GUID or somebody@domain in ``text``; a ``ValueError`` says what to write."""
    name = _bare(text)
    domain = name.rpartition("@")[2]
    if domain.lower() in SHARED:
        raise ValueError(PERSONAL)
    if not name:
        return name
    if guid := guid_of(name):
        return guid
    if _is_domain(name) or ((person := _PERSON.fullmatch(name)) and _is_domain(person.group(1))):
        return name
    raise ValueError(_trouble(name))


def _bare(text: str) -> str:
    visible = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
    return visible.strip().strip(_AROUND).strip().removesuffix(".")


def guid_of(name: str) -> str | None:
    """``name`` as a GUID in its usual form, or as it was written when that is the usual one."""
    try:
        guid = str(UUID(name))
    except ValueError:
        return None
    return name if name.lower() == guid else guid


def _is_domain(name: str) -> bool:
    return len(name) <= DOMAIN_MOST and _DOMAIN.fullmatch(name) is not None


def _trouble(name: str) -> str:
    if "/" in name or "\\" in name:
        inner = _inside(name)
        cure = f"write tenant = {inner!r} alone" if inner else COPY
        return f"is the address of a page, not a tenant: {cure}"
    if not name.isascii():
        odd = next(letter for letter in name if not letter.isascii())
        return f"holds {odd!r}, which no domain or GUID that Microsoft knows has: {COPY}"
    if _LIKE_A_GUID.fullmatch(name):
        digits = len(name.replace("-", ""))
        if digits != _GUID_DIGITS:
            return f"is no GUID: it has {digits} digits instead of {_GUID_DIGITS}; {COPY}"
        return f"is no GUID: 32 of 0-9 and a-f as 8-4-4-4-12; {COPY}"
    if "@" in name:
        return "is no mail address: write the domain behind the @ alone, such as contoso.com"
    return f"is neither a domain nor a GUID: {COPY}"


def _inside(address: str) -> str | None:
    """The tenant that an address names: in its path, or as its host."""
    host, *path = re.split(r"[/\\?#]+", address.partition("://")[2] or address)
    hosts = [] if host.lower().endswith(_OF_MICROSOFT) else [host]
    for part in (*path, *hosts):
        if part.lower() not in SHARED and (guid_of(part) or _is_domain(part)):
            return part
    return None
