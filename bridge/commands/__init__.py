"""The commands that ask about or change an account, beside the service or instead of it."""
