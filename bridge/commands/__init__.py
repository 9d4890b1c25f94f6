"""The commands about accounts and their sign-in, beside the running service or without it."""
