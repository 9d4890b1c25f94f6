"""The simulated Microsoft with what only tests need: faults on order, and a log of requests."""

from tests.fakes.microsoft.scripted import ScriptedMicrosoft

__all__ = ["ScriptedMicrosoft"]
