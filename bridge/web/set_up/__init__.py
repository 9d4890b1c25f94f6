"""The guided set-up: the page of an installation that has no config yet."""
