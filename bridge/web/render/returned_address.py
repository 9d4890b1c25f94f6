"""The address of the last page of a sign-in in a browser: asked for, and found in a text. Pure.

It leads to the machine that asks: on another one nothing listens there (RFC 8252, 7.3), and the
page fails. What Microsoft answers stands in it.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from markupsafe import Markup

from bridge.web.data.snapshot import Signer, Snapshot
from bridge.web.render.document import card_document, way_back
from bridge.web.render.forms import form, text_field
from bridge.web.render.markup import Child, join, tag

ADDRESS_LIMIT = 8_000
"""Characters of a pasted address; Microsoft's codes are long."""
NO_ADDRESS = (
    "Share the last page of the sign-in, which could not be loaded: its address begins with "
    "localhost and holds code= and state=."
)
OVER = (
    "The address belongs to a sign-in that is over, or to another one. Start it anew on the card, "
    "and share the page that the new one ends on."
)
_ADDRESS = re.compile(
    r"(?:https?://)?(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?/?\?[^\s<>\"']+", re.IGNORECASE
)
_AFTER_A_SENTENCE = ".,;:!)]}"
_PHONE = Markup("""\
<svg viewBox="0 0 140 160" width="140" height="160" fill="none" stroke="currentColor" \
stroke-width="1.5" role="img" aria-label="{words}"><rect x="1" y="1" width="138" height="158" \
rx="12"/><rect x="10" y="15" width="120" height="22" rx="11" stroke-width="2.5"/>{shapes}\
<g fill="currentColor" stroke="none" font-size="10" text-anchor="middle">\
<text x="70" y="30">localhost:40123/?co…</text>{texts}</g></svg>""")
"""A phone whose address bar shows where the sign-in ended."""
_FAILS = _PHONE.format(
    words="The browser says that the page cannot be reached; its address bar says localhost",
    shapes=Markup(
        '<circle cx="70" cy="78" r="20"/><path d="M62 72v4M78 72v4M61 88c5-6 13-6 18 0"/>'
    ),
    texts=Markup(
        '<text x="70" y="120" font-size="9">This site cannot be reached</text>'
        '<text x="70" y="136" font-size="8">localhost refused to connect</text>'
    ),
)
_COPIES = _PHONE.format(
    words="Pressing the address bar shows Copy and Share",
    shapes=Markup('<path d="M24 52h92v24H24zM70 52v24M66 52l4-8 4 8"/>'),
    texts=Markup('<text x="47" y="67">Copy</text><text x="93" y="67">Share</text>'),
)


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


def last_page_steps() -> tuple[Child, Child]:
    """What happens after the sign-in, and what to do then."""
    return (
        join(
            tag("strong", "The last page does not load, and that is right: "),
            "it leads to the bridge's own machine, which this device is not. Microsoft's answer "
            "stands in its address.",
            tag("div", _FAILS, " ", _COPIES),
        ),
        join(
            "Press the address, copy all of it, and paste it here. Where this page is installed "
            "on an Android phone, Share and Presence do the same.",
        ),
    )


def address_form(signer: Signer) -> Markup:
    """Takes the address."""
    field = f"address-{signer.account}"
    hint = f"{field}-hint"
    address = text_field(
        "address",
        "Address of the last page",
        element_id=field,
        maxlength=ADDRESS_LIMIT,
        spellcheck="false",
        inputmode="url",
        aria_describedby=hint,
    )
    return form(
        "sign-in-address",
        address,
        tag("p", "It contains code= and state=, and works once.", id=hint, class_="fine"),
        button="Finish signing in",
        account=signer.account,
    )


def shared_page(signer: Signer, address: str) -> str:
    """Asks whether the sign-in that ``address`` belongs to is to be finished."""
    return card_document(
        f"Presence: {signer.name}",
        tag("h1", f"Finish the sign-in of {signer.name}?"),
        tag("p", "What you shared is the address that this sign-in waits for."),
        form(
            "sign-in-address", button="Finish signing in", account=signer.account, address=address
        ),
        way_back(),
    )


def other_share_page(*, is_over: bool) -> str:
    """What was shared is of no use: its sign-in ``is_over``, or it is another page."""
    text = OVER if is_over else NO_ADDRESS
    return card_document(
        "Presence: not that one",
        tag("h1", "That is not the page"),
        tag("p", text, role="alert"),
        tag("div", _FAILS),
        way_back(),
    )


def _state_of(address: str) -> str | None:
    query = urlsplit(address if "://" in address else f"http://{address}").query
    return parse_qs(query).get("state", [None])[0]
