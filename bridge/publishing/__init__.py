"""What goes to the broker and what is answered there. Never reads Microsoft."""

from bridge.publishing.publisher import Publisher

__all__ = ["Publisher"]
