"""Scripts that run in Home Assistant's own Python, not in ours."""
