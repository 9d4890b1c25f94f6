"""Takes what a phone shares with the installed page: the address that a sign-in ended on.

Source: W3C, "Web Share Target API". It only shows a form: a share changes nothing by itself.
"""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from bridge.contract.latest import Latest
from bridge.web.application import html
from bridge.web.data.returned_address import returned_address, whose_sign_in
from bridge.web.data.snapshot import Snapshot
from bridge.web.render.failed_address import other_share_page, shared_page

FIELDS = ("url", "text", "title")
"""Where a browser puts the address; on Android mostly into the text."""
NO_ADDRESS = (
    "Share the last page of the sign-in, which could not be loaded: its address begins with "
    "localhost and holds code= and state=."
)
OVER = (
    "The address belongs to a sign-in that is over, or to another one. Start it anew on the card, "
    "and share the page that the new one ends on."
)


async def shared(view: Latest[Snapshot], request: web.Request) -> web.Response:
    """Ask whether the sign-in is to be finished that what was shared belongs to."""
    text = " ".join(request.query.get(field, "") for field in FIELDS)
    address = returned_address(text)
    if address is None:
        return html(request, other_share_page(NO_ADDRESS), HTTPStatus.UNPROCESSABLE_ENTITY)
    signer = whose_sign_in(view.value, address)
    if signer is None:
        return html(request, other_share_page(OVER), HTTPStatus.CONFLICT)
    return html(request, shared_page(signer, address))
