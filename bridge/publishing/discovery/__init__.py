"""What Home Assistant is told about devices and entities."""
