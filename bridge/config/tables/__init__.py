"""The tables of ``config.toml`` as frozen models, and the rules for their values."""
