"""Whose Microsoft account is signed in, and the question about somebody unexpected. Pure."""

from __future__ import annotations

from markupsafe import Markup

from bridge.contract.account import SignIn, Way
from bridge.web.data.snapshot import Signer
from bridge.web.render.forms import form
from bridge.web.render.markup import join, tag


def whose(sign_in: SignIn) -> Markup | None:
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


def question(signer: Signer) -> Markup:
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
