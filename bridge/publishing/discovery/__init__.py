"""Announces devices and entities to Home Assistant."""
