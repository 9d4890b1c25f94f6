"""What only tests need of the simulated Microsoft: faults on order, and a log of requests."""
