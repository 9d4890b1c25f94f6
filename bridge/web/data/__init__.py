"""What the page shows, as values: the snapshot, the history, and presence in words."""
