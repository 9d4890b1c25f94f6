"""A simulated Microsoft and an embedded broker. Never imported by the service itself."""
