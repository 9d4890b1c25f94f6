"""Which look a lamp shows, and why. Pure: facts and a moment in, a decision out."""

from drivers.rules.choose import Decision, Facts, Rules, choose
from drivers.rules.defaults import DEFAULT_LOOKS
from drivers.rules.look import Look, parse_color

__all__ = ["DEFAULT_LOOKS", "Decision", "Facts", "Look", "Rules", "choose", "parse_color"]
