"""Removes retained topics of people, tables and devices that are gone."""
