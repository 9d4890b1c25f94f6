"""What every lamp's process does: it shows, obeys, restores, publishes, and stops in time."""
