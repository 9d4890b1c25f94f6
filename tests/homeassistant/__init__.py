"""What a real Home Assistant makes of the bridge: ``scripts/homeassistant`` runs these tests."""
