"""When which account is read, and what follows from it. Never speaks HTTP or MQTT."""
