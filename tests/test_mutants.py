"""The checks bite: hardly any single-operator mutant of a solution passes."""

from __future__ import annotations

import pytest

from autograder import course
from tools import mutants


@pytest.mark.slow
@pytest.mark.lasts(20)
@pytest.mark.parametrize("module_id", [m.id for m in course.graded()])
def test_mutants_of_the_solutions_are_caught(module_id: str) -> None:
    living, counts = mutants.survivors(module_id)
    total = sum(number for _, number in counts.values())
    assert total > 0
    assert len(living) <= 0.05 * total, living


def test_a_mutant_changes_one_operator() -> None:
    found = [source for _, source in mutants.mutants("def f(a, b):\n    a += 1\n    return a - b")]
    assert "def f(a, b):\n    a += 1\n    return a + b" in found
    assert "def f(a, b):\n    a -= 1\n    return a - b" in found
    assert "def f(a, b):\n    a = 1\n    return a - b" in found
    assert len(found) == len(set(found)) == 3
