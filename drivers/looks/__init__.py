"""A look made into what devices understand: levels, frames, text and words."""
