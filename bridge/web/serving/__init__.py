"""The port of the page: its connections, their limits, and what every answer shares."""
