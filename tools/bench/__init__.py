"""Benchmarks, not tests: they print this machine's figures beside their targets."""
