"""The whole ``config.toml`` as frozen models, and its loader. Never starts anything.

A lamp's process imports ``host``, and none of the bridge's own tables.
"""
