"""Benchmarks, not tests: they print figures of this machine beside their targets."""
