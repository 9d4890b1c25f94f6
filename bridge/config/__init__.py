"""The whole ``config.toml`` as frozen models, and its loader; a process's state folder and logs.

What a kind of light by somebody else needs is named here; all else is imported from its module, and
a lamp's process imports none of the bridge's own tables.
"""

from bridge.config.atomic_file import write_private
from bridge.config.tables.base import Settings

__all__ = ["Settings", "write_private"]
