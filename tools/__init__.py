"""What authors run: measurements, benchmarks, mutants, verdicts, screenshots."""
