"""``presence-bridge doctor``: what is wrong, and what to do about each finding.

It never changes anything: a stored sign-in is tried on a private copy, which is then removed.
"""

from bridge.doctor.examination import examine

__all__ = ["examine"]
