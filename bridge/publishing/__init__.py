"""What is published, announced, repaired and removed on the broker, and answered there."""

from bridge.publishing.publisher import Publisher

__all__ = ["Publisher"]
