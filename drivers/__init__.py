"""Lights: one small process each, which follows presence on MQTT. Never talks to Microsoft."""
