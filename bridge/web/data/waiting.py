"""Who must sign in before they can be read: a state of its own, no failure. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.contract.account import NEEDS_SIGN_IN, SignInState
from bridge.web.data.snapshot import Signer, Snapshot


def must_sign_in(signer: Signer) -> bool:
    """Whether nothing is read because nobody is signed in; an app signs itself in."""
    return bool(signer.ways) and signer.sign_in.state in NEEDS_SIGN_IN


def waiting_for(snapshot: Snapshot) -> Iterator[str]:
    """The names of those who must sign in."""
    return (signer.name for signer in snapshot.signers if must_sign_in(signer))


def refused(snapshot: Snapshot) -> Iterator[str]:
    """The names of those whom Microsoft refuses."""
    refusals = (each for each in snapshot.signers if each.sign_in.state is SignInState.ERROR)
    return (signer.name for signer in refusals)
