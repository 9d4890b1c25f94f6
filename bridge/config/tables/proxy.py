"""The address of a proxy as a person writes it: taken, mended, or refused.

No text of an error repeats it: a password may be in it.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

LIKE = "http://proxy:8080"
_PARTS = re.compile(
    r"(?:(?P<scheme>[a-z0-9+.-]+)://)?(?:(?P<user>.*)@)?"
    r"(?P<host>[\w-](?:[\w.-]*[\w-])?|\[[0-9a-f:.]+\])(?::(?P<port>\d+))?(?P<path>/\S*)?",
    re.IGNORECASE | re.DOTALL,
)
_PORT_MOST = 65_535


def proxy_address(text: str) -> str:
    """``http://[user:password@]host[:port]``, or nothing; ``ValueError`` says what to write."""
    written = text.strip().strip("\"'").strip()
    if not written:
        return ""
    parts = _PARTS.fullmatch(written)
    scheme = (parts["scheme"] or "http").lower() if parts else ""
    if scheme.startswith("socks"):
        raise ValueError(
            "is a SOCKS proxy, and only HTTP proxies are supported: write the address of one, like "
            f"{LIKE}; a program such as Privoxy makes one of a SOCKS proxy"
        )
    if parts is None or scheme not in {"http", "https"}:
        raise ValueError(f"is not an address of a proxy: write it like {LIKE}")
    if (parts["path"] or "/") != "/":
        raise ValueError(
            "is the address of a page or script: write the address of the proxy that the script "
            f"names behind PROXY, like {LIKE}"
        )
    port = parts["port"]
    if port and not 0 < int(port) <= _PORT_MOST:
        raise ValueError(f"has no port from 1 to {_PORT_MOST}: write it like {LIKE}")
    return f"{scheme}://{_credentials(parts['user'])}{parts['host']}{f':{port}' if port else ''}"


def _credentials(written: str | None) -> str:
    """With what would mean something else in an address written as ``%…``."""
    if written is None:
        return ""
    user, colon, password = written.partition(":")
    return f"{_encoded(user)}{colon}{_encoded(password)}@"


def _encoded(text: str) -> str:
    return quote(unquote(text), safe="")
