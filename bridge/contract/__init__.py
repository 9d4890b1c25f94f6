"""What the bridge and the drivers agree on: words, topics, payloads, errors. Never does I/O."""
