"""The running service: builds its parts, runs them and stops them."""
