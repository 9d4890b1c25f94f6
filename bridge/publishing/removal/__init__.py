"""What has to go from the broker: people, tables and lamps that are gone."""
