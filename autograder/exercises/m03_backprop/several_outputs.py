"""What exercises share whose function returns several things: slips in one of them.

A `slip` is a mistake in one part of what is returned. It is recognised in that part alone, so
two slips in two parts are told one after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Mistake
from autograder.core.plain import difference, plain

RTOL, ATOL = 1e-4, 1e-5
Given = dict[str, Any]


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same, in form and within tolerance."""
    return difference(plain(one), plain(other), RTOL, ATOL) is None


def slip(
    id: str,
    message: str,
    part: str,
    wrong: Callable[[Given], Any],
    answer: Callable[[str, Callable[[Given], Any]], Any],
    on: tuple[str, ...] = (),
) -> Mistake:
    """A mistake in one part: `wrong` gives its value, `answer` makes a wrong answer with it."""

    def recognise(case: Case, seen: Any, expected: Any) -> bool:
        if same(expected[part], seen[part]):
            return False
        return same(wrong(case["kwargs"]), seen[part])

    made = answer(part, wrong)
    return Mistake(id=id, message=message, answer=made, on=on, recognise=recognise)


def slopes(f: Callable[[Any], Any], x: Any, step: float = 1e-30) -> np.ndarray:
    """The gradient of the number f(x), by brute force: every entry of x nudged by itself.

    The nudge is imaginary, so that nothing is lost to rounding; `f` takes complex arrays.
    """
    x = np.array(x, complex)
    found = np.zeros(x.shape)
    for i in np.ndindex(*x.shape):
        before = x[i]
        x[i] = before + 1j * step
        found[i] = np.imag(f(x)) / step
        x[i] = before
    return found


def explain_parts(case: Case, seen: Any, expected: Any) -> str | None:
    """Name the first part that is not right, and those that are."""
    wrong = [name for name, value in expected.items() if not same(value, seen.get(name))]
    if not wrong:
        return None
    name, right = wrong[0], [n for n in expected if n not in wrong]
    got, want = seen.get(name), expected[name]
    if got is None:
        return f"`{name}` is None"
    if isinstance(got, np.ndarray | list | int | float) and not isinstance(got, bool):
        shape, wanted = np.shape(got), np.shape(want)
        if shape == wanted[::-1] and len(shape) == 2:
            return f"`{name}` is transposed: its shape is {shape}, expected {wanted}"
        if shape != wanted:
            form = f"has shape {shape}" if shape else "is a number"
            return f"`{name}` {form}, expected {'shape ' + str(wanted) if wanted else 'a number'}"
        if np.isnan(np.asarray(got, float)).any():
            return f"`{name}` contains NaN (not a number)"
        if len(expected) > 1:
            others = " and ".join(f"`{n}`" for n in right)
            also = f" {others} {'is' if len(right) == 1 else 'are'} right." if right else ""
            return f"`{name}` is another value than expected.{also}"
    return None


def numbers(rng: np.random.Generator, *shape: int, low: float = 0.3, high: float = 2.0) -> Any:
    """Short numbers of either sign, none of them near 0."""
    signs = rng.choice([-1.0, 1.0], shape)
    return signs * np.round(rng.uniform(low, high, shape), 2)


def whole(rng: np.random.Generator, *shape: int) -> Any:
    """Whole numbers of either sign, none of them 0."""
    return rng.choice([-1, 1], shape) * rng.integers(1, 6, shape)
