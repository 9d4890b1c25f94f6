"""The page: what it shows, who may see it, and what it can ask for. Never reads Microsoft."""
