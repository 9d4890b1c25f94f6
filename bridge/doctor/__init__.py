"""``presence-bridge doctor``: what is wrong, and what to do about each finding.

It never changes anything: a stored sign-in is tried on a private copy, which is then removed.
"""

from bridge.config.command_line import INTERRUPTED, OK
from bridge.doctor.examination import FOUND, examine
from bridge.doctor.private_copy import IN_MEMORY

__all__ = ["FOUND", "INTERRUPTED", "IN_MEMORY", "OK", "examine"]
