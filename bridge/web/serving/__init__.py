"""The port of the page: who connects, how many, for how long, and what a request brings."""
