"""One sign-in, of a person or of a table: whose it is and what to do now. Pure.

The code is meant for people (RFC 8628, user code); the device code behind it never gets here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import urlsplit

from markupsafe import Markup

from bridge.contract.account import SignIn, SignInState, Way
from bridge.web.data.page_words import Calendar
from bridge.web.data.snapshot import Signer, Table
from bridge.web.render.forms import copy_button, disclosure, form, link_away
from bridge.web.render.markup import join, numbered, tag
from bridge.web.render.refused_sign_in import trouble
from bridge.web.render.returned_address import address_form, last_page_steps

_BUTTONS = {Way.DEVICE_CODE: "Sign in with a code", Way.BROWSER: "Sign in with a browser"}


def sign_in_panel(signer: Signer, calendar: Calendar) -> Markup | None:
    """What the card shows about signing in; nothing when there is nothing to say."""
    parts = [_whose(signer.sign_in), *_to_do(signer, calendar)]
    return tag("div", *parts, class_="sign-in") if any(parts) else None


def _to_do(signer: Signer, calendar: Calendar) -> Sequence[Markup | None]:
    sign_in = signer.sign_in
    signed_in = sign_in.state is SignInState.SIGNED_IN
    if sign_in.newcomer:
        return [_question(signer)]
    if sign_in.waits and (signed_in or sign_in.state is SignInState.CODE_PENDING):
        return [
            _another(signer) if signed_in else None,
            trouble(sign_in, signer.account) if sign_in.aadsts else None,  # of the other way
            _code(signer, calendar) if sign_in.user_code else _browser(signer, calendar),
        ]
    if signed_in:
        # a new attempt failed while the old sign-in still works
        return [trouble(sign_in, signer.account) if sign_in.remedy else None]
    return [trouble(sign_in, signer.account), _ways(signer)]


def sign_out(signer: Signer, forgotten: str) -> Markup:
    """The button that forgets a sign-in, which asks once more; ``forgotten`` says what then is."""
    return disclosure(
        "Sign out",
        tag("p", f"The bridge forgets the sign-in of {signer.name}. {forgotten}"),
        form("sign-out", button="Yes, sign out", css="danger", account=signer.account),
        label=f"Sign out {signer.name}",
    )


def _whose(sign_in: SignIn) -> Markup | None:
    """Who is signed in, and where else; nothing when that cannot be said."""
    if not sign_in.signed_in_as:
        return None
    others = " and ".join(sign_in.also_on)
    return join(
        tag("p", f"Signed in as {sign_in.signed_in_as}", class_="fine account"),
        tag(
            "p",
            f"The same Microsoft account is signed in for {others}. "
            "If that is not meant, sign out here or there.",
            class_="fine warn",
        )
        if others
        else None,
    )


def _question(signer: Signer) -> Markup:
    """Whether somebody unexpected who has signed in is kept."""
    sign_in, name = signer.sign_in, signer.name
    waits = sign_in.newcomer != sign_in.signed_in_as
    anew = form(
        "sign-in",
        button="Sign in again",
        css="quiet",
        label=f"Sign in again: {name}",
        account=signer.account,
        way=signer.ways[0] if signer.ways else Way.DEVICE_CODE,
    )
    return tag(
        "div",
        tag("p", tag("strong", sign_in.message)),
        tag("p", "Until you choose, all stays as it was.", class_="fine") if waits else None,
        tag(
            "div",
            form(
                "keep-sign-in",
                button=f"Keep {sign_in.newcomer}",
                label=f"Keep {sign_in.newcomer}: {name}",
                account=signer.account,
            ),
            anew,
            class_="ways",
        ),
        class_="trouble",
    )


def _another(signer: Signer) -> Markup:
    """A sign-in that was asked for while another one works: it can be taken back."""
    return join(
        tag("p", "Still signed in, and presence goes on. Another sign-in was asked for:"),
        form(
            "cancel-sign-in",
            button="Cancel",
            css="quiet",
            label=f"Cancel the new sign-in of {signer.name}",
            account=signer.account,
        ),
    )


def _code(signer: Signer, calendar: Calendar) -> Markup:
    sign_in = signer.sign_in
    code_id = f"code-{signer.account}"
    code = tag(
        "p",
        tag("output", sign_in.user_code, id=code_id, class_="code"),
        copy_button(code_id, label=f"Copy the code of {signer.name}"),
        class_="row",
    )
    return join(
        numbered(
            join("On any phone or computer, open ", _link(sign_in)),
            join("enter this code", code),
            f"and sign in {_as_whom(signer)}. This page notices by itself.",
        ),
        qr_code(sign_in.verification_uri or ""),
        _time_left(sign_in, calendar, "The code works"),
        _ways(signer, but=Way.DEVICE_CODE, quiet=True),
    )


def _browser(signer: Signer, calendar: Calendar) -> Markup:
    link = _link(signer.sign_in, "Open Microsoft's sign-in")
    return join(
        numbered(join(link, f" and sign in {_as_whom(signer)}."), *last_page_steps()),
        address_form(signer),
        _time_left(signer.sign_in, calendar, "This works"),
        _ways(signer, but=Way.BROWSER, quiet=True),
    )


def _as_whom(signer: Signer) -> str:
    if isinstance(signer, Table):
        return f"with the account that reads {signer.name}"
    return f"as {signer.name}"


def _ways(signer: Signer, *, but: Way | None = None, quiet: bool = False) -> Markup | None:
    """A button for each way but one."""
    ways = [way for way in signer.ways if way is not but]
    if not ways:
        return None
    return tag(
        "div",
        tag("p", "Does that not work here?", class_="fine") if quiet else None,
        [
            form(
                "sign-in",
                button=_BUTTONS[way],
                css="quiet" if quiet or place else "",
                label=f"{_BUTTONS[way]}: {signer.name}",
                account=signer.account,
                way=way,
            )
            for place, way in enumerate(ways)
        ],
        class_="ways",
    )


def _link(sign_in: SignIn, text: str | None = None) -> Markup:
    """The address as a link; anything but https is shown and cannot be followed."""
    address = sign_in.verification_uri or ""
    parts = urlsplit(address)
    shown = text or f"{parts.netloc}{parts.path}"
    if parts.scheme != "https":
        return tag("span", address)
    return link_away(shown, address)


def _time_left(sign_in: SignIn, calendar: Calendar, subject: str) -> Markup | None:
    if sign_in.expires_at is None:
        return None
    iso = sign_in.expires_at.isoformat(timespec="seconds")
    until = tag("span", calendar.clock(sign_in.expires_at), data_left=iso)
    return tag("p", f"{subject} until ", until, ".", class_="fine")


@lru_cache(maxsize=16)
def qr_code(address: str) -> Markup | None:
    """A QR code of ``address``, black on white; ``None`` when it is too long."""
    import segno  # noqa: PLC0415 - few pages show a code

    try:
        code = segno.make_qr(address, error="m")
    except segno.DataOverflowError:
        return None
    svg = Markup(code.svg_inline(light="#fff", svgclass="qr", omitsize=True))  # noqa: S704 - its own
    return tag("div", svg, class_="qr-box", role="img", aria_label="QR code of the address")
