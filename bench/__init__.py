"""Benchmarks: what docs/performance.md quotes comes from here. Never imported by the product."""
