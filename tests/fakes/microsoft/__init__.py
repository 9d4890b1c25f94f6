"""The simulated Microsoft: Entra ID and Graph, with faults on order and a log of requests."""

from tests.fakes.microsoft.scripted import ScriptedMicrosoft

__all__ = ["ScriptedMicrosoft"]
