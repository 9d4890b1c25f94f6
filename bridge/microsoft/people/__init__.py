"""Whose presence a table of people reads, and in how few requests."""
