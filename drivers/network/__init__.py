"""What lamps on the network share: announcements, HTTP, and words for what goes wrong."""
