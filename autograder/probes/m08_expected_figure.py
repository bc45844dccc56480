"""The probe for the figure that a learner expects."""

from __future__ import annotations

from typing import Any

from autograder.probes.run.observe import Misuse


def expected(case: dict[str, Any], table: Any) -> dict[str, Any]:
    """A dict from each density to the count that the learner expects there."""
    densities = case["densities"]
    if not isinstance(table, dict):
        raise Misuse("`expected` should be a dict: the density, a colon, the count.")
    given = {float(p): count for p, count in table.items()}
    missing = [p for p in densities if p not in given]
    if missing:
        raise Misuse(f"A density is missing: {missing[0]:g}. Leave the keys as they are.")
    counts = [given[p] for p in densities]
    empty = [p for p, count in zip(densities, counts, strict=True) if count is ...]
    if len(empty) == len(densities):
        raise NotImplementedError
    if empty:
        raise Misuse(f"Still to be filled in: p = {', '.join(f'{p:g}' for p in empty)}.")
    counts = [count.item() if hasattr(count, "item") else count for count in counts]
    for p, count in zip(densities, counts, strict=True):
        if isinstance(count, bool) or not isinstance(count, int | float):
            raise Misuse(f"The count at p = {p:g} should be a number.")
    return {"counts": [float(count) for count in counts]}
