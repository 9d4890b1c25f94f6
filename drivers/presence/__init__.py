"""What a lamp hears of the people it follows, and what it decides from that."""
