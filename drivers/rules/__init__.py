"""Which look a lamp shows, and why. Pure: facts and a moment in, a decision out."""

from drivers.rules.choose import Decision, Rules, choose
from drivers.rules.defaults import DEFAULT_LOOKS
from drivers.rules.look import GIVE_BACK, Look, Shown, parse_color
from drivers.rules.person import Facts

__all__ = [
    "DEFAULT_LOOKS",
    "GIVE_BACK",
    "Decision",
    "Facts",
    "Look",
    "Rules",
    "Shown",
    "choose",
    "parse_color",
]
