"""What the bridge and the drivers share: words, topics, payloads, errors. Never does I/O."""
