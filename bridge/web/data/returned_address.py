"""The address that a browser ended on after a sign-in, in whatever was pasted or shared. Pure."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from bridge.web.data.snapshot import Signer, Snapshot

_ADDRESS = re.compile(
    r"(?:https?://)?(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?/?\?[^\s<>\"']+", re.IGNORECASE
)
_AFTER_A_SENTENCE = ".,;:!)]}"


def returned_address(text: str) -> str | None:
    """The address with state and code, or error, in ``text``; phones leave ``http://`` out."""
    for found in _ADDRESS.finditer(text):
        address = found[0].rstrip(_AFTER_A_SENTENCE)
        fields = parse_qs(address.partition("#")[0].partition("?")[2])
        if "state" in fields and fields.keys() & {"code", "error"}:
            return address
    return None


def whose_sign_in(snapshot: Snapshot, address: str) -> Signer | None:
    """Who waits for ``address``, by the ``state`` that Microsoft gave back (RFC 6749, 4.1.2)."""
    state = _state_of(address)
    pending = ((each, each.sign_in.verification_uri) for each in snapshot.signers)
    return next((each for each, begun in pending if begun and _state_of(begun) == state), None)


def _state_of(address: str) -> str | None:
    query = urlsplit(address if "://" in address else f"http://{address}").query
    return parse_qs(query).get("state", [None])[0]
