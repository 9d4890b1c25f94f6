"""Explanations of lamps for the page: Alice is in a call, Bob only busy."""

from __future__ import annotations

from bridge.contract.light import Can, LightState
from bridge.contract.light_why import FollowedPerson, LightWhy, Reason

RED = LightState(color=(255, 0, 0))


def explained(**changes: object) -> LightWhy:
    """Why a lamp is red that follows both."""
    values: dict[str, object] = {
        "won": Reason(rule="activity in_a_call", account="alice"),
        "lost": (
            Reason(rule="availability busy", account="alice", because="the activity comes first"),
            Reason(rule="availability busy", account="bob", because="somebody busier comes first"),
        ),
        "followed": (
            FollowedPerson(account="alice", availability="busy", activity="in_a_call", fresh=True),
            FollowedPerson(account="bob", availability="busy", activity="busy", fresh=True),
        ),
        "look": RED,
        "can": tuple(Can),
    }
    return LightWhy.model_validate({**values, **changes})
