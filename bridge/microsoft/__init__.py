"""All that speaks to Microsoft: sign-in, tokens, Graph. Never speaks MQTT."""
