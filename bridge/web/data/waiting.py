"""Who must sign in before they can be read: a state of its own, no failure. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.contract.account import NEEDS_SIGN_IN
from bridge.web.data.snapshot import Person, Snapshot, Table


def must_sign_in(signer: Person | Table) -> bool:
    """Whether nothing is read because nobody is signed in; an app signs itself in."""
    return bool(signer.ways) and signer.sign_in.state in NEEDS_SIGN_IN


def waiting_for(snapshot: Snapshot) -> Iterator[str]:
    """The names of those who must sign in; people who are read together have one sign-in."""
    signers: list[Person | Table] = [person for person in snapshot.people if not person.table]
    signers += snapshot.tables
    return (signer.name for signer in signers if must_sign_in(signer))
