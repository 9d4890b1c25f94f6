"""Lights: one small process each, which follows presence on MQTT. No driver talks to Microsoft."""
