"""Counts the time that each person is in calls and meetings today."""
