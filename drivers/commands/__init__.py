"""The commands of ``presence-driver`` besides running a lamp."""
