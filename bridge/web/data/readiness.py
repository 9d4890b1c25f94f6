"""Who must sign in before they can be read, and whether the bridge is ready. Pure.

To wait for a sign-in is a state of its own and no failure.
"""

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
    return (each.name for each in snapshot.signers if each.sign_in.state is SignInState.ERROR)


def not_ready(snapshot: Snapshot) -> str | None:
    """What is missing, in a few words; ``None`` when the bridge is ready."""
    service, people = snapshot.service, snapshot.people
    if service.standby or not service.broker_connected:
        return service.standby or "broker not connected"
    if not people:
        return "nobody is followed"
    if all(map(must_sign_in, people)):
        return "waits for a sign-in"
    if service.last_poll_ok is None:
        return "no good read yet"
    if not any(person.fresh for person in people):
        return "nobody can be read"
    return None
