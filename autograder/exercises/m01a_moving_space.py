"""The exercises of 01a_moving_space: from vectors to the null space, with numpy."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake, Option, Rule, question
from autograder.core.plain import brief
from autograder.probes import m01_linear_algebra as probes

MODULE = "01a_moving_space"
Array = np.ndarray

# --- What cases are made of --------------------------------------------------------------------


def numbers(rng: np.random.Generator, *shape: int) -> Array:
    """Numbers from 0.3 to 3 of either sign, with two digits after the point."""
    drawn = rng.uniform(0.3, 3, shape) * rng.choice([-1, 1], shape)
    return np.round(drawn, 2)


def whole(rng: np.random.Generator, *shape: int) -> Array:
    """Whole numbers from 1 to 5 of either sign."""
    return rng.integers(1, 6, shape) * rng.choice([-1, 1], shape)


def invertible(rng: np.random.Generator, n: int, zero_first: bool = False) -> Array:
    """An n by n matrix far from singular; with `zero_first`, its first entry is 0."""
    while True:
        A = numbers(rng, n, n)
        if zero_first:
            A[0, 0] = 0.0
        if np.linalg.cond(A) < 25 and abs(abs(np.linalg.det(A)) - 1) > 0.2:
            return A


def whole_invertible(rng: np.random.Generator, n: int) -> Array:
    """An n by n matrix of whole numbers, far from singular, whose elimination needs fractions."""
    while True:
        A = whole(rng, n, n)
        right = np.linalg.det(A)
        if np.linalg.cond(A) < 25 and abs(right) > 1.5:
            cut = [eliminated(A, pivoting, dtype=int) for pivoting in ("largest", "none")]
            if all(value is None or abs(value - right) > 0.5 for value in cut):
                return A


def of_rank(rng: np.random.Generator, m: int, n: int, r: int) -> Array:
    """An m by n matrix of rank r, whose rank shows only up to rounding."""
    while True:
        A = numbers(rng, m, r) @ rng.normal(0, 1, (r, n))
        size = np.linalg.svd(A, compute_uv=False)
        if size[r - 1] > 0.2:
            return A


# --- What right and wrong answers share --------------------------------------------------------


def eliminated(
    A: Any, pivoting: str = "largest", dtype: type = float, sign: bool = True
) -> float | None:
    """The determinant by elimination, the wrong ways included; None where a pivot is 0."""
    U = np.array(A, dtype=float)
    flips = 1.0
    n = len(U)
    for k in range(n):
        if pivoting == "largest":
            p = k + int(np.argmax(np.abs(U[k:, k])))
        elif pivoting == "zero" and U[k, k] == 0 and np.any(U[k:, k]):
            p = k + int(np.flatnonzero(U[k:, k])[0])
        else:
            p = k
        if p != k:
            U[[k, p]] = U[[p, k]]
            flips = -flips
        if U[k, k] == 0:
            return 0.0 if pivoting != "none" else None
        for i in range(k + 1, n):
            U[i] = U[i] - U[i, k] / U[k, k] * U[k]
            U = np.trunc(U) if dtype is int else U
    return float(np.prod(np.diag(U))) * (flips if sign else 1.0)


def slipped(M: Array, slip: str, least: float | None = None) -> tuple[Array, float]:
    """Elimination of a copy of M with one slip; all rows are cleared where `least` is given, and
    a pivot that is not larger in size raises ValueError. Returns the rest and the sign."""
    M, A, sign = np.array(M, dtype=float), np.array(M, dtype=float), 1.0
    n, last = len(M), M.shape[1]
    for k in range(n):
        p = k + int(np.argmax(np.abs(M[k:, k])))
        if slip == "offset":
            p = int(np.argmax(np.abs(M[k:, k])))
        elif slip == "signed":
            p = k + int(np.argmax(M[k:, k]))
        elif slip == "whole column":
            p = int(np.argmax(np.abs(M[:, k])))
        elif slip == "whole row":
            p = k + int(np.argmax(np.abs(M[k:, :n]).max(axis=1)))
        size = M[p, k] if slip == "signed test" else abs(M[p, k])
        if size <= (least or 0.0):
            if least is None:
                return 0 * M, sign
            raise ValueError("singular")
        if p != k or slip == "always flips":
            sign = -sign
        if slip == "only if swapped" and p == k:
            continue
        if slip == "lost row":
            M[k] = M[p]
        elif slip != "not swapped":
            moved = n if slip == "b stays" else last
            M[[k, p], :moved] = M[[p, k], :moved]
        rows = range(n) if least is not None and slip != "only below" else range(k + 1, n)
        for i in range(k, n) if slip == "itself" and least is None else rows:
            if i == k and slip != "itself":
                continue
            if slip == "one row" and i > k + 1:
                continue
            row = p if slip == "row p" else k
            factor = M[i, k] / M[row, k]
            if slip == "upside down":
                factor = M[k, k] / M[i, k]
            elif slip == "not divided":
                factor = M[i, k]
            elif slip == "first numbers":
                factor = A[i, k] / A[k, k]
            elif slip == "added":
                factor = -factor
            reach = n if slip == "b unchanged" else last
            if slip == "overwritten":
                M[i, k] -= factor * M[k, k]
            else:
                M[i, :reach] -= factor * M[row, :reach]
        if slip == "returned early":
            break
    return M, sign


def slipped_determinant(slip: str) -> Callable[[Array], float]:
    """The determinant by elimination with one slip."""

    def determinant(A: Array) -> float:
        with np.errstate(all="ignore"):
            U, sign = slipped(A, slip)
            diagonal = np.diag(U)
            return float(sign * (np.sum(diagonal) if slip == "sum" else np.prod(diagonal)))

    return determinant


def slipped_solve(slip: str) -> Callable[[Array, Array], Array]:
    """The solution by elimination with one slip."""

    def solve(A: Array, b: Array) -> Array:
        with np.errstate(all="ignore"):
            M, _ = slipped(np.column_stack([A, b]), slip, least=1e-10)
            return M[:, -1] / (1 if slip == "last step" else np.diag(M))

    return solve


def plain_elimination(A: Any, b: Any) -> Array:
    """Gauss and Jordan without ever swapping rows: NaN or infinity where a pivot is 0."""
    M = np.column_stack([np.asarray(A, float), np.asarray(b, float)])
    with np.errstate(all="ignore"):
        for k in range(len(M)):
            M[k] = M[k] / M[k, k]
            for i in range(len(M)):
                if i != k:
                    M[i] = M[i] - M[i, k] * M[k]
    return M[:, -1]


def of_form(recognise: Callable[..., Any]) -> Callable[[Case, Any, Any], bool]:
    """`recognise`, for answers that are numbers of the expected shape; False for all others."""

    def checked(case: Case, seen: Any, expected: Any) -> bool:
        alike = not isinstance(seen, dict) and np.shape(seen) == np.shape(expected)
        numeric = alike and np.asarray(seen).dtype.kind in "iuf"
        return bool(numeric and recognise(case, seen, expected))

    return checked


def broken(seen: Any) -> bool:
    """Whether an answer holds NaN or infinity."""
    return not isinstance(seen, dict) and not np.all(np.isfinite(np.asarray(seen, dtype=float)))


def same(seen: Any, value: Any) -> bool:
    """Whether an answer is this value; what raised is none."""
    if isinstance(seen, dict):
        return False
    got, want = np.asarray(seen, dtype=float), np.asarray(value, dtype=float)
    return got.shape == want.shape and np.allclose(got, want, rtol=1e-4, atol=1e-5)


def explain_raised(case: Case, seen: Any, expected: Any) -> str | None:
    """In words: which error a call raised, and in which line."""
    if not isinstance(seen, dict) or "raised" not in seen:
        return None
    said = f": {seen['message']}" if seen["message"] else ""
    where = f" Your line: `{seen['line']}`" if seen["line"] else ""
    return f"Your code raised {seen['raised']}{said.rstrip('.')}.{where}"


def explain_solvable(rule: str) -> Callable[[Case, Any, Any], str | None]:
    """As `explain_raised`, where a ValueError means that the matrix is singular; such a matrix is
    where the functions that the `rule` forbids go wrong, so it is told there."""

    def explain(case: Case, seen: Any, expected: Any) -> str | None:
        if isinstance(expected, str):
            return f"{SINGULAR} {rule}"
        return explain_raised(case, seen, expected)

    return explain


SINGULAR = "The matrix is singular, and no ValueError is raised."


def only_raised(case: Case, seen: Any) -> Any:
    """Of an answer that raised: which kind of error. Anything else as it is."""
    return {"raised": seen["raised"]} if isinstance(seen, dict) and "raised" in seen else seen


def _measure_solvable(case: Case, seen: Any) -> Any:
    """For a singular matrix, only whether a ValueError was raised."""
    if case.get("name") == "singular":
        raised = isinstance(seen, dict) and seen.get("raised") == "ValueError"
        return "a ValueError" if raised else "no error"
    return only_raised(case, seen)


def called(name: str) -> Callable[[Case], str]:
    """The call of a case, with the numbers of small arrays and the shapes of large ones."""
    return lambda case: f"{name}({', '.join(brief(value) for value in case['args'])})"


# --- Vectors -----------------------------------------------------------------------------------

predict_combination = question(
    "predict_combination",
    "All that three arrows reach",
    minutes=3,
    right="b",
    options={
        "a": Option(
            text="a line",
            why="The first two lie on one line. The third points straight up, off that line.",
        ),
        "b": Option(
            text="a plane",
            why="The second vector is -2 times the first and adds nothing. The first and the "
            "third are two directions, and two directions reach a plane.",
        ),
        "c": Option(
            text="all of space",
            why="That needs three directions. The second vector is -2 times the first, so it "
            "adds none.",
        ),
        "d": Option(
            text="three lines",
            why="Each vector alone reaches a line. Sums of multiples reach the points between "
            "the lines as well.",
        ),
    },
    hints=(
        "How many directions do the three vectors have between them?",
        "Is one of them a multiple of another?",
        "(-2, 4, 0) = -2 · (1, -2, 0): which points does it reach that the first does not?",
    ),
)


def _combination_cases(rng: np.random.Generator) -> list[Case]:
    cases = [{"args": [numbers(rng, k), numbers(rng, k, n)]} for k, n in ((2, 3), (4, 2), (3, 5))]
    cases.append({"args": [numbers(rng, 3).tolist(), whole(rng, 3, 2)]})
    cases.append({"args": [whole(rng, 1), numbers(rng, 1, 4)]})
    return cases


linear_combination = Exercise(
    id="linear_combination",
    title="A linear combination",
    takes={"linear_combination": "function"},
    points=1,
    minutes=6,
    difficulty=1,
    cases=_combination_cases,
    probe=probes.own,
    reference=lambda case: np.array(
        [
            sum(float(c) * float(v[j]) for c, v in zip(*case["args"], strict=True))
            for j in range(case["args"][1].shape[1])
        ]
    ),
    mistakes=(
        Mistake(
            id="coefficients_ignored",
            message="The vectors are added up as they are: scale each by its coefficient first.",
            answer=lambda coefficients, vectors: np.sum(vectors, axis=0),
        ),
        Mistake(
            id="not_added",
            message="The vectors are scaled and not added: the result is one vector.",
            answer=lambda coefficients, vectors: np.array(
                [c * v for c, v in zip(coefficients, vectors, strict=True)]
            ),
        ),
        Mistake(
            id="one_number",
            message="Everything is added up to one number. Add entry by entry: along axis 0.",
            answer=lambda coefficients, vectors: float(
                np.sum(np.asarray(coefficients)[:, None] * vectors)
            ),
        ),
        Mistake(
            id="averaged",
            message="This is the average of the scaled vectors: leave out the division.",
            answer=lambda coefficients, vectors: (
                np.asarray(coefficients) @ vectors / len(coefficients)
            ),
        ),
        Mistake(
            id="last_only",
            message="Only the last vector is in the result: add to the total at each step, "
            "instead of setting it.",
            answer=lambda coefficients, vectors: coefficients[-1] * vectors[-1],
        ),
        Mistake(
            id="returned_early",
            message="Only the first vector is in the result: is the return inside the loop?",
            answer=lambda coefficients, vectors: coefficients[0] * vectors[0],
        ),
    ),
    hints=(
        "Scale each vector by its coefficient, then add them up, entry by entry.",
        "In each round of the loop, c is one coefficient and v its vector. `c * v` scales all "
        "entries of v at once. Where does that go? See [numpy for beginners]"
        "(https://numpy.org/doc/stable/user/absolute_beginners.html).",
        "`total = total + ...`, with the scaled vector in place of the dots",
    ),
)


def _outside(rng: np.random.Generator, V: Array) -> Array:
    """A target that is clearly not a combination of V's rows."""
    while True:
        t = numbers(rng, V.shape[1])
        left = t - V.T @ np.linalg.lstsq(V.T, t, rcond=None)[0]
        if np.linalg.norm(left) > 0.3:
            return t


def _span_cases(rng: np.random.Generator) -> list[Case]:
    def spanning(k: int, n: int, r: int) -> Array:
        return of_rank(rng, k, n, r)

    two, three, line = numbers(rng, 2, 5), numbers(rng, 3, 4), numbers(rng, 1, 3)
    flat = spanning(3, 3, 2)  # as many vectors as entries, and still a plane only
    many = spanning(5, 4, 2)
    doubled = whole(rng, 1, 3)
    doubled = np.concatenate([doubled, -2 * doubled])
    full = invertible(rng, 3)
    # Targets out of reach whose nearest combination agrees with them: in every entry but the last,
    # in every entry but the first, and in the sum of the entries.
    low, high, level = numbers(rng, 2, 4), numbers(rng, 3, 5), numbers(rng, 2, 3)
    low[:, -1] = high[:, 0] = 0.0
    level[:, 1] = level[:, 2]
    aside = rng.uniform(0.5, 1.5, 3)
    off_low = numbers(rng, 2) @ low + [0, 0, 0, aside[0]]
    off_high = numbers(rng, 3) @ high + [aside[1], 0, 0, 0, 0]
    off_level = numbers(rng, 2) @ level + [0, aside[2], -aside[2]]
    cases = [
        ("pair", two, numbers(rng, 2) @ two),
        ("pair", two, _outside(rng, two)),
        ("other", three, numbers(rng, 3) @ three),
        ("other", three, _outside(rng, three)),
        ("other", line, -1.7 * line[0]),
        ("other", line, _outside(rng, line)),
        ("flat", flat, numbers(rng, 3) @ flat),
        ("flat", flat, _outside(rng, flat)),
        ("other", many, _outside(rng, many)),
        ("other", many, numbers(rng, 5) @ many),
        ("other", doubled, _outside(rng, doubled)),
        ("zero", two, np.zeros(5)),
        ("other", full, numbers(rng, 3)),
        ("last differs", low, off_low),
        ("first differs", high, off_high),
        ("sums agree", level, off_level),
        ("large", 1000 * three, 1000 * (numbers(rng, 3) @ three)),
        ("small", two, 0.001 * _outside(rng, two)),
        ("none", np.zeros((0, 3)), numbers(rng, 3)),
        ("none", np.zeros((0, 2)), np.zeros(2)),
    ]
    cases = [{"name": name, "args": [V, t]} for name, V, t in cases]
    return [cases[i] for i in (0, 1, *(2 + rng.permutation(len(cases) - 2)))]


def _in_span(vectors: Array, target: Array) -> bool:
    """Two ranks: does the target add a direction?"""
    if not len(vectors):
        return not np.any(target)
    size = max(np.abs(target).max(), 1e-12)
    rows = vectors / np.abs(vectors).max()
    with_target = np.vstack([rows, target / size])
    return bool(np.linalg.matrix_rank(with_target, 1e-8) == np.linalg.matrix_rank(rows, 1e-8))


def _exact(vectors: Array, target: Array) -> bool:
    x = np.linalg.lstsq(vectors.T, target, rcond=None)[0]
    return bool(np.all(x @ vectors == target))


SOME = ("pair", "flat", "zero", "large", "small", "other")  # the cases with vectors in them


def _square_only(vectors: Array, target: Array) -> bool:
    k, n = vectors.shape
    return bool(k == n and np.linalg.matrix_rank(vectors) == n)


def _any_coefficients(vectors: Array, target: Array) -> bool:
    return bool(np.any(np.abs(np.linalg.lstsq(vectors.T, target, rcond=None)[0]) > 1e-8))


def _cone(vectors: Array, target: Array) -> bool:
    from scipy.optimize import nnls

    if not len(vectors):
        return _in_span(vectors, target)
    return bool(nnls(vectors.T, target)[1] < 1e-6 * max(np.abs(target).max(), 1e-6))


def _true_or_false(case: Case, seen: Any) -> Any:
    if isinstance(seen, np.ndarray) and seen.ndim == 0 and seen.dtype.kind == "b":
        return bool(seen)
    return seen


def _within(vectors: Array, target: Array, distance: float) -> bool:
    """Whether the nearest combination is closer than `distance`."""
    if not len(vectors):
        return not np.any(target)
    best = np.linalg.lstsq(vectors.T, target, rcond=None)[0]
    return bool(np.linalg.norm(best @ vectors - target) < distance)


def _no_residuals(vectors: Array, target: Array) -> bool:
    """By the residuals of lstsq, which are empty where rows repeat a direction."""
    if not len(vectors):
        return not np.any(target)
    left = np.linalg.lstsq(vectors.T, target, rcond=None)[1]
    return bool(np.sum(left) < 1e-9)


def _nearest_agrees(test: Callable[[Array, Array], Any]) -> Callable[[Array, Array], bool]:
    """Whether the nearest combination and the target agree by some test of the two."""

    def is_in_span(vectors: Array, target: Array) -> bool:
        if not len(vectors):
            return not np.any(target)
        best = np.linalg.lstsq(vectors.T, target, rcond=None)[0]
        return bool(test(best @ vectors, target))

    return is_in_span


def _is_true(case: Case, seen: Any, expected: Any) -> bool:
    return seen is True


def _is_false(case: Case, seen: Any, expected: Any) -> bool:
    return seen is False


is_in_span = Exercise(
    id="is_in_span",
    title="Within reach",
    takes={"is_in_span": "function"},
    points=2,
    minutes=7,
    difficulty=2,
    cases=_span_cases,
    probe=probes.own,
    reference=lambda case: _in_span(*case["args"]),
    measure=_true_or_false,
    mistakes=(
        Mistake(
            id="counted",
            message="It counts vectors: as many as the target has entries, and everything is in "
            "reach. They may still lie in one plane or on one line.",
            answer=lambda vectors, target: len(vectors) >= len(target) or _in_span(vectors, target),
        ),
        Mistake(
            id="rank_against_count",
            message="It compares the rank with the number of vectors. Where the vectors repeat a "
            "direction, their own rank is smaller: compare with that.",
            answer=lambda vectors, target: bool(
                np.linalg.matrix_rank(np.vstack([vectors, target])) == len(vectors)
            ),
            on=("flat", "pair"),
        ),
        Mistake(
            id="one_vector",
            message="It only looks for a multiple of one of the vectors. Sums of several "
            "multiples are in reach as well.",
            answer=lambda vectors, target: any(_in_span(v[None], target) for v in vectors),
        ),
        Mistake(
            id="no_negatives",
            message="It only allows coefficients of 0 and more. A vector may be used backwards, "
            "too.",
            answer=_cone,
        ),
        Mistake(
            id="always",
            message="It says that every target is in reach: `np.linalg.lstsq` always returns "
            "coefficients, the best there are. Compare what they give with the target.",
            answer=lambda vectors, target: True,
            on=SOME,
        ),
        Mistake(
            id="coefficients",
            message="It looks at the coefficients. There are always some: see whether they give "
            "the target, `linear_combination(best, vectors)`.",
            answer=lambda vectors, target: (
                _any_coefficients(vectors, target) if len(vectors) else _in_span(vectors, target)
            ),
            on=SOME,
        ),
        Mistake(
            id="any_entry",
            message="It says yes as soon as one entry agrees. All entries of the nearest "
            "combination have to equal the target's.",
            answer=_nearest_agrees(lambda near, target: np.isclose(near, target).any()),
            on=("last differs", "first differs", "pair"),
        ),
        Mistake(
            id="first_entry",
            message="It compares the first entry only. All entries of the nearest combination "
            "have to equal the target's.",
            answer=_nearest_agrees(lambda near, target: np.isclose(near[0], target[0])),
            on=("last differs", "first differs", "pair"),
        ),
        Mistake(
            id="sums",
            message="It compares sums. Different vectors can have the same sum: compare the "
            "nearest combination and the target entry by entry.",
            answer=_nearest_agrees(lambda near, target: np.isclose(near.sum(), target.sum())),
            on=("sums agree", "last differs", "pair"),
        ),
        Mistake(
            id="square_only",
            message="It says no wherever the vectors don't make a square matrix that can be "
            "inverted. Ask for the nearest combination, `np.linalg.lstsq`, and compare.",
            answer=_square_only,
            on=SOME,
        ),
        Mistake(
            id="zero_left_out",
            message="It says no to the zero vector, which is in every span: take 0 of each.",
            answer=lambda vectors, target: bool(np.any(target)) and _in_span(vectors, target),
        ),
        Mistake(
            id="none_is_false",
            message="With no vectors at all, the zero vector is still in reach, and nothing else.",
            answer=lambda vectors, target: bool(len(vectors)) and _in_span(vectors, target),
        ),
        Mistake(
            id="nothing_at_all",
            message="With no vectors at all, only the zero vector is in reach.",
            answer=lambda vectors, target: not len(vectors) or _in_span(vectors, target),
        ),
        Mistake(
            id="turned_round",
            message="It says yes where no is right, and no where yes is.",
            answer=lambda vectors, target: not _in_span(vectors, target),
            on=SOME,
        ),
        Mistake(
            id="residuals",
            message="It says yes to a target out of reach, where the vectors repeat a direction. "
            "`lstsq` gives no residuals there, so don't rely on them: compare the combination "
            "that `best` gives with the target.",
            answer=_no_residuals,
            on=("flat",),
            recognise=_is_true,
        ),
        Mistake(
            id="generous",
            message="It says yes to a small target out of reach: the difference that you allow "
            "is as large as the target. `np.allclose` measures it against the target's size.",
            answer=lambda vectors, target: _within(vectors, target, 0.01),
            on=("small",),
            recognise=_is_true,
        ),
        Mistake(
            id="exact",
            message="It says no to a target in reach. Two things to look at: after rounding, "
            "vectors differ in the last digits, so use `np.allclose`; and there may be fewer "
            "vectors than entries.",
            answer=_exact,
            on=("large",),
            recognise=_is_false,
        ),
    ),
    hints=(
        "`best` holds the best coefficients there are. What do they give?",
        "With your `linear_combination`, `best` gives the point in reach that is nearest to the "
        "target. Is that the target itself? See "
        "[lstsq](https://numpy.org/doc/stable/reference/generated/numpy.linalg.lstsq.html).",
        "```python\nnearest = linear_combination(best, vectors)\nreturn bool(...)\n```",
    ),
)


# --- Matrices ----------------------------------------------------------------------------------


def _columns_cases(rng: np.random.Generator) -> list[Case]:
    shapes = ((2, 2), (3, 2), (2, 4), (4, 3))
    cases = [{"args": [list(numbers(rng, n, m))]} for n, m in shapes]
    return [*cases, {"args": [whole(rng, 3, 5).tolist()]}]


matrix_from_columns = Exercise(
    id="matrix_from_columns",
    title="A matrix from its columns",
    takes={"matrix_from_columns": "function"},
    points=1,
    minutes=5,
    difficulty=1,
    cases=_columns_cases,
    reference=lambda case: np.array(
        [[float(image[i]) for image in case["args"][0]] for i in range(len(case["args"][0][0]))]
    ),
    mistakes=(
        Mistake(
            id="rows",
            message="The images stand in the rows. Each belongs in a column: the first image is "
            "the first column.",
            answer=lambda images: np.array(images),
        ),
        Mistake(
            id="reshaped",
            message="The numbers are in another order: `reshape` reads on row by row, it does not "
            "turn rows into columns. Use the transpose, `.T`, or `np.column_stack`.",
            answer=lambda images: np.array(images).reshape(len(images[0]), len(images)),
        ),
        Mistake(
            id="reversed",
            message="The columns are in reversed order: the first image is the first column.",
            answer=lambda images: np.array(images[::-1]).T,
        ),
        Mistake(
            id="one_row",
            message="The images are joined end to end in one long vector. They belong side by "
            "side, as columns.",
            answer=lambda images: np.concatenate([np.asarray(image) for image in images]),
        ),
    ),
    hints=(
        "The first image becomes the first column, and so on.",
        "`np.array(images)` has the images as rows. What turns rows into columns?",
        "`np.column_stack(...)` takes a list of vectors and makes each a column.",
    ),
)


def _angle_cases(rng: np.random.Generator) -> list[Case]:
    quarters = [round(float(rng.uniform(0.2, 1.3)) + q * math.pi / 2, 3) for q in range(4)]
    return [{"args": [theta]} for theta in (*quarters, -quarters[0], math.pi / 2, 0.0)]


def _turned(case: Case) -> Array:
    """Where 1 and i land when the complex plane is multiplied by e to the i theta."""
    turn = complex(math.cos(case["args"][0]), math.sin(case["args"][0]))
    first, second = turn * 1, turn * 1j
    return np.array([[first.real, second.real], [first.imag, second.imag]])


def _matrix_of(entries: Callable[[float], list]) -> Callable[[float], Array]:
    return lambda theta: np.array(entries(theta))


rotation = Exercise(
    id="rotation",
    title="Turn the plane",
    takes={"rotation": "function"},
    points=1,
    minutes=5,
    difficulty=2,
    cases=_angle_cases,
    probe=probes.own,
    reference=_turned,
    mistakes=(
        Mistake(
            id="clockwise",
            message="It turns the other way: (1, 0) should go up towards (0, 1). Or the images "
            "stand in the rows, where they belong in the columns.",
            answer=_matrix_of(lambda t: [[np.cos(t), np.sin(t)], [-np.sin(t), np.cos(t)]]),
        ),
        Mistake(
            id="degrees",
            message="It takes theta for degrees. Here it is in radians, as `np.cos` expects it.",
            answer=lambda theta: rotation_matrix(math.radians(theta)),
        ),
        Mistake(
            id="reflection",
            message="It is a mirror, not a turn: the second column points the opposite way of "
            "where (0, 1) goes.",
            answer=_matrix_of(lambda t: [[np.cos(t), np.sin(t)], [np.sin(t), -np.cos(t)]]),
        ),
        Mistake(
            id="no_minus",
            message="The minus is missing: turned a little to the left, (0, 1) leans to the left, "
            "so its first entry is negative.",
            answer=_matrix_of(lambda t: [[np.cos(t), np.sin(t)], [np.sin(t), np.cos(t)]]),
        ),
        Mistake(
            id="sine_for_cosine",
            message="Sine and cosine are exchanged: at theta = 0, (1, 0) should stay where it is.",
            answer=_matrix_of(lambda t: [[np.sin(t), -np.cos(t)], [np.cos(t), np.sin(t)]]),
        ),
    ),
    hints=(
        "Where does (1, 0) land after a turn by theta? And (0, 1)?",
        "On the unit circle, (1, 0) turned by theta is (cos theta, sin theta). (0, 1) is a "
        "quarter of a turn ahead of it. See "
        "[rotation matrix](https://en.wikipedia.org/wiki/Rotation_matrix).",
        "`return matrix_from_columns([[cos, sin], [...]])`",
    ),
)


def rotation_matrix(theta: float) -> Array:
    """The plane turned by theta, against the clock."""
    return np.array([[np.cos(theta), -np.sin(theta)], [np.sin(theta), np.cos(theta)]])


def _shear_cases(rng: np.random.Generator) -> list[Case]:
    return [{"args": [float(k)]} for k in numbers(rng, 3)] + [{"args": [-2]}, {"args": [0]}]


shear = Exercise(
    id="shear",
    title="Slant the plane",
    takes={"shear": "function"},
    points=1,
    minutes=2,
    difficulty=1,
    cases=_shear_cases,
    probe=probes.own,
    reference=lambda case: np.array([[1.0, float(case["args"][0])], [0.0, 1.0]]),
    mistakes=(
        Mistake(
            id="upwards",
            message="It slants upwards: (1, 0) should stay, and (0, 1) go to (k, 1). Or the "
            "images stand in the rows, where they belong in the columns.",
            answer=lambda k: np.array([[1.0, 0.0], [k, 1.0]]),
        ),
        Mistake(
            id="stretch",
            message="It stretches: (0, 1) should go to (k, 1), and (1, 0) stay where it is.",
            answer=lambda k: np.array([[k, 0.0], [0.0, 1.0]]),
        ),
        Mistake(
            id="both",
            message="It moves both basis vectors: (1, 0) should stay where it is.",
            answer=lambda k: np.array([[1.0, k], [k, 1.0]]),
        ),
        Mistake(
            id="height",
            message="(0, 1) should go to (k, 1), and this sends it to (0, k).",
            answer=lambda k: np.array([[1.0, 0.0], [0.0, k]]),
        ),
        Mistake(
            id="twice",
            message="(0, 1) should go to (k, 1), and this sends it to (k, k).",
            answer=lambda k: np.array([[1.0, k], [0.0, k]]),
        ),
        Mistake(
            id="flat",
            message="(0, 1) loses its height: it should go to (k, 1), and this sends it to (k, 0).",
            answer=lambda k: np.array([[1.0, k], [0.0, 0.0]]),
        ),
    ),
    hints=(
        "Where does (1, 0) land, and where does (0, 1)? The text says it.",
        "The columns are the images: (1, 0) and (k, 1).",
        "`np.array([[1, ...], [0, 1]])`: the first row holds the first entries of both columns.",
    ),
)


def _apply_cases(rng: np.random.Generator) -> list[Case]:
    shapes = ((2, 2, 3), (3, 3, 3), (3, 2, 5), (2, 4, 7), (4, 3, 1))
    cases = []
    for m, n, count in shapes:
        name = "" if m != n else "as many points" if count == n else "square"
        cases.append({"name": name, "args": [numbers(rng, m, n), numbers(rng, count, n)]})
    return [*cases, {"args": [whole(rng, 2, 3), whole(rng, 4, 3)]}]


def _applied(case: Case) -> Array:
    A, points = case["args"]
    return np.array(
        [[sum(a * x for a, x in zip(row, p, strict=True)) for row in A] for p in points]
    )


def _square_gives(wrong: Callable[..., Any]) -> Callable[[Case, Any, Any], bool]:
    """Recognises an answer by what it gives on a square case."""
    return lambda case, seen, expected: (
        not isinstance(seen, dict) and same(seen, wrong(*case["args"]))
    )


apply = Exercise(
    id="apply",
    title="Move many points",
    takes={"apply": "function"},
    points=2,
    minutes=8,
    difficulty=2,
    cases=_apply_cases,
    probe=probes.shaped,
    measure=only_raised,
    reference=_applied,
    show=called("apply"),
    explain=explain_raised,
    mistakes=(
        Mistake(
            id="wrong_side",
            message="The points are multiplied from the wrong side: `points @ A` uses the rows of "
            "A as landing places. One point p moves to `A @ p`, by the columns: which of the two "
            "must be transposed?",
            answer=lambda A, points: points @ A,
            on=("square", "as many points"),
            recognise=_square_gives(lambda A, points: points @ A),
        ),
        Mistake(
            id="points_as_columns",
            message="It takes the columns of `points` for the points. They are its rows.",
            answer=lambda A, points: A @ points,
            on=("as many points",),
            recognise=_square_gives(lambda A, points: A @ points),
        ),
        Mistake(
            id="result_as_columns",
            message="The moved points stand in the columns of the result. Give them back as they "
            "came, one a row: one more transpose.",
            answer=lambda A, points: A @ points.T,
        ),
        Mistake(
            id="entrywise",
            message="It multiplies entry by entry, with `*`. A matrix moves a vector with `@`.",
            answer=lambda A, points: points * A,
            on=("as many points",),
            recognise=lambda case, seen, expected: (
                np.shape(case["args"][0]) == np.shape(case["args"][1])
                and same(seen, case["args"][1] * case["args"][0])
            ),
        ),
        Mistake(
            id="first_only",
            message="Only the first point is moved: the result has a row for each point.",
            answer=lambda A, points: A @ points[0],
        ),
    ),
    hints=(
        "One point p, as a vector, moves to `A @ p`. Now the same for each row.",
        "`A @ points.T` moves all of them, and leaves them as columns. Transposing once more "
        "gives rows; and (A Bᵀ)ᵀ = B Aᵀ.",
        "`points @ ...`: which shape must stand there, so that (N, n) becomes (N, m)?",
    ),
)


# --- Products ----------------------------------------------------------------------------------

predict_first = question(
    "predict_first",
    "Which comes first?",
    minutes=2,
    right="c",
    options={
        "a": Option(
            text="the shear first, and the order does not matter",
            why="The order matters. Turn a book and then slant it, or slant it and then turn it: "
            "you see two different shapes.",
        ),
        "b": Option(
            text="the shear first, and the order matters",
            why="Read `S @ R @ p` from the right: R meets the point first, then S meets the "
            "result.",
        ),
        "c": Option(
            text="the rotation first, and the order matters",
            why="The matrix next to the point acts first, as in f(g(x)); and slanting what was "
            "turned is not turning what was slanted.",
        ),
        "d": Option(
            text="the rotation first, and the order does not matter",
            why="The rotation does come first. But exchange the two, and (1, 0) lands elsewhere: "
            "try it with a quarter turn.",
        ),
    },
    hints=(
        "In `S @ R @ p`, which matrix stands next to the point?",
        "It is like f(g(x)): g is computed first.",
        "Take a quarter turn and a shear by 1, and follow the point (1, 0) both ways.",
    ),
)


def _product_cases(rng: np.random.Generator) -> list[Case]:
    shapes = ((2, 2, 2), (3, 3, 3), (2, 3, 4), (4, 2, 3), (3, 5, 1), (1, 4, 2))
    cases = [
        {"name": "square" if m == n == p else "", "args": [numbers(rng, m, n), numbers(rng, n, p)]}
        for m, n, p in shapes
    ]
    return [*cases, {"args": [whole(rng, 3, 2), whole(rng, 2, 4)]}]


def _product_mistakes(how: str) -> tuple[Mistake, ...]:
    return (
        Mistake(
            id=f"reversed{how}",
            message="This is B A, where A B is asked for: A's rows meet B's columns.",
            answer=lambda A, B: B @ A,
            on=("square",),
            recognise=_square_gives(lambda A, B: B @ A),
        ),
        Mistake(
            id=f"rows_with_rows{how}",
            message="Rows of A meet rows of B. They should meet B's columns: `B[k, j]`, with k "
            "running down the column.",
            answer=lambda A, B: A @ B.T,
            on=("square",),
            recognise=_square_gives(lambda A, B: A @ B.T),
        ),
        Mistake(
            id=f"columns_with_columns{how}",
            message="Columns of A meet columns of B. It should be A's rows: `A[i, k]`, with k "
            "running along the row.",
            answer=lambda A, B: A.T @ B,
            on=("square",),
            recognise=_square_gives(lambda A, B: A.T @ B),
        ),
        Mistake(
            id=f"entrywise{how}",
            message="It multiplies entry by entry. An entry of the product is a sum, over a whole "
            "row of A and a whole column of B.",
            answer=lambda A, B: A * B,
            on=("square",),
            recognise=_square_gives(lambda A, B: A * B),
        ),
        Mistake(
            id=f"transposed{how}",
            message="The product is transposed: row i and column j are exchanged in the result.",
            answer=lambda A, B: (A @ B).T,
        ),
    )


matmul = Exercise(
    id="matmul",
    title="Multiply with loops",
    takes={"matmul": "function"},
    points=2,
    minutes=7,
    difficulty=2,
    cases=_product_cases,
    probe=probes.shaped,
    measure=only_raised,
    reference=lambda case: np.matmul(*case["args"]),
    show=called("matmul"),
    explain=explain_raised,
    rules=tuple(
        Rule(call=name, instead="write the three loops") for name in ("@", "np.dot", "np.matmul")
    ),
    mistakes=(
        *_product_mistakes(""),
        Mistake(
            id="overwritten",
            message="Each entry keeps only its last product: add to it with +=.",
            answer=lambda A, B: np.outer(A[:, -1], B[-1]),
        ),
        Mistake(
            id="first_row",
            message="Only the first row of the result is filled: is a return inside the loop?",
            answer=lambda A, B: np.vstack([A[:1] @ B, np.zeros((len(A) - 1, B.shape[1]))]),
        ),
        Mistake(
            id="first_entry",
            message="Only the first entry of the result is filled: is a return inside the loops?",
            answer=lambda A, B: (A @ B) * (np.indices((len(A), B.shape[1])).sum(axis=0) == 0),
        ),
        Mistake(
            id="whole_numbers",
            message="The fractions are cut off: the result is an array of whole numbers. "
            "`np.zeros((m, p))` makes one that holds fractions.",
            answer=lambda A, B: np.trunc(A @ B).astype(int),
            recognise=lambda case, seen, expected: (
                np.asarray(seen).dtype.kind == "i" and np.asarray(expected).dtype.kind == "f"
            ),
        ),
    ),
    hints=(
        "Entry (i, j) of the product: go along row i of A and down column j of B, multiply, "
        "and add up.",
        "i and j say which entry. A third counter, k, goes along row i of A and down column j of "
        "B at once. The shapes are (m, n) and (n, p), so how far does k run?",
        "```python\nfor k in range(n):\n    C[i, j] += ...\n```",
    ),
)


def _explain_einsum(case: Case, seen: Any, expected: Any) -> str | None:
    said = explain_raised(case, seen, expected)
    return said and f"{said} A and B have two axes each, so two letters each before the arrow."


matmul_einsum = Exercise(
    id="matmul_einsum",
    title="Multiply with einsum",
    takes={"matmul_einsum": "function"},
    points=1,
    minutes=5,
    difficulty=2,
    cases=_product_cases,
    probe=probes.shaped,
    measure=only_raised,
    reference=lambda case: np.matmul(*case["args"]),
    show=called("matmul_einsum"),
    explain=_explain_einsum,
    rules=tuple(
        Rule(call=name, instead="say it with np.einsum") for name in ("@", "np.dot", "matmul")
    ),
    mistakes=(
        *_product_mistakes("_einsum"),
        Mistake(
            id="not_summed",
            message="Nothing is added up: the letter k is to the right of the arrow. Leave out "
            "the letter to sum over.",
            answer=lambda A, B: np.einsum("ik,kj->ikj", A, B),
        ),
        Mistake(
            id="all_summed",
            message="Everything is added up to one number: name the letters of the result after "
            "the arrow.",
            answer=lambda A, B: np.einsum("ik,kj->", A, B),
        ),
    ),
    hints=(
        "Give each axis a letter. The axis that both share gets the same letter.",
        'In "ik,kj->ij" the letter k stands on the left of the arrow and not on the right: it is '
        "summed over. See "
        "[einsum](https://numpy.org/doc/stable/reference/generated/numpy.einsum.html).",
        '`np.einsum("ik,...->ij", A, B)`',
    ),
)


# --- Area --------------------------------------------------------------------------------------

predict_area = question(
    "predict_area",
    "What happens to the area?",
    minutes=3,
    right="d",
    options={
        "a": Option(
            text="4",
            why="You can only add the two factors if the areas lie side by side. Here the second "
            "matrix moves what the first one made.",
        ),
        "b": Option(
            text="3",
            why="That is the factor of the stretch alone. The mirror adds a sign.",
        ),
        "c": Option(
            text="-1",
            why="That is the factor of the mirror alone. The stretch before it makes the area 3 "
            "times as large.",
        ),
        "d": Option(
            text="-3",
            why="Factors multiply: 3 for the stretch, -1 for the mirror. The minus says that the "
            "plane is turned over.",
        ),
    },
    hints=(
        "What does each of them do to the area of the unit square?",
        "The second one acts on what the first one made, so its factor applies to that.",
        "Stretching by 3 in one direction: factor 3. A mirror: factor -1. One after the other?",
    ),
)


def _determinant_cases(rng: np.random.Generator) -> list[Case]:
    singular = of_rank(rng, 3, 3, 2)
    row = whole(rng, 1, 2)
    below = invertible(rng, 2, zero_first=True)  # with a negative number below the 0
    crossed = invertible(rng, 4)
    crossed[0, 0] = crossed[1, 0] = 0.0
    while abs(np.linalg.det(crossed)) < 0.5:
        crossed = numbers(rng, 4, 4)
        crossed[0, 0] = crossed[1, 0] = 0.0
    exchange = np.eye(3)[[1, 0, 2]] * numbers(rng, 3)
    high = round(float(rng.uniform(2, 3)), 2)
    return [
        {"args": [invertible(rng, 2)]},
        {"args": [invertible(rng, 3)]},
        {"args": [invertible(rng, 5)]},
        {"name": "zero pivot", "args": [below * [[1], [np.sign(-below[1, 0])]]]},
        {"name": "zero pivot", "args": [invertible(rng, 3, zero_first=True)]},
        {"name": "zero pivot", "args": [crossed]},
        {"name": "zero pivot", "args": [exchange]},
        {"name": "zero pivot", "args": [np.array([[0.0, high], [0.7, -0.4]])]},
        {"name": "zero pivot", "args": [np.array([[0.0, 0.4], [-high, 1.1]])]},
        {"name": "zero pivot", "args": [np.eye(3)[[1, 2, 0]] * numbers(rng, 3)]},
        {"name": "whole", "args": [whole_invertible(rng, 3)]},
        {"name": "singular", "args": [singular]},
        {"name": "singular", "args": [np.concatenate([row, 2 * row])]},
        {"args": [numbers(rng, 1, 1)]},
        {"args": [invertible(rng, 4)]},
    ]


def _by_permutations(A: Array, signs: bool = True) -> float:
    """Leibniz's formula, by brute force."""
    n, total = len(A), 0.0
    for order in itertools.permutations(range(n)):
        crossings = sum(a > b for a, b in itertools.combinations(order, 2))
        sign = (-1) ** crossings if signs else 1
        total += sign * math.prod(float(A[i, j]) for i, j in enumerate(order))
    return total


determinant = Exercise(
    id="determinant",
    title="The determinant",
    takes={"determinant": "function"},
    points=3,
    minutes=11,
    difficulty=3,
    cases=_determinant_cases,
    probe=probes.own,
    reference=lambda case: _by_permutations(case["args"][0]),
    rtol=1e-4,
    atol=1e-5,
    rules=(
        Rule(call="np.linalg.det", instead="eliminate, and multiply the pivots"),
        Rule(call="np.linalg.slogdet", instead="eliminate, and multiply the pivots"),
    ),
    mistakes=(
        Mistake(
            id="diagonal_only",
            message="These are the products of A's own diagonal. Eliminate first, so that only "
            "zeros are left below it.",
            answer=lambda A: float(np.prod(np.diag(A))),
        ),
        Mistake(
            id="lost_row",
            message="A row is lost in the swap: `U[k], U[p] = U[p], U[k]` overwrites one before it "
            "is read. Write `U[[k, p]] = U[[p, k]]`.",
            answer=slipped_determinant("lost row"),
        ),
        Mistake(
            id="offset",
            message="`np.argmax(np.abs(U[k:, k]))` counts from row k: the row itself is k more.",
            answer=slipped_determinant("offset"),
        ),
        Mistake(
            id="whole_column",
            message="It looks for the pivot in the whole column, and so brings back rows that are "
            "done. Look from the diagonal down.",
            answer=slipped_determinant("whole column"),
        ),
        Mistake(
            id="whole_row",
            message="It takes the row with the largest number anywhere in it. The largest number in"
            " column k is asked for.",
            answer=slipped_determinant("whole row"),
        ),
        Mistake(
            id="signed",
            message="It takes the largest number for the pivot, sign included, so 0 wins over a "
            "negative number. Compare sizes, with `np.abs`.",
            answer=slipped_determinant("signed"),
        ),
        Mistake(
            id="always_flips",
            message="The sign flips at every column. A row that stays in its place is no swap.",
            answer=slipped_determinant("always flips"),
        ),
        Mistake(
            id="overwritten",
            message="Only column k changes, and the whole row has to: subtract a multiple of all "
            "of row k. Entry by entry, compute the factor once, before: `U[i, k]` is 0 after its "
            "own step.",
            answer=slipped_determinant("overwritten"),
        ),
        Mistake(
            id="upside_down",
            message="The factor is upside down. What is to be cleared is divided by the pivot: "
            "`U[i, k] / U[k, k]`.",
            answer=slipped_determinant("upside down"),
        ),
        Mistake(
            id="factor_not_divided",
            message="The factor is not divided by the pivot: `U[i, k] / U[k, k]`.",
            answer=slipped_determinant("not divided"),
        ),
        Mistake(
            id="added",
            message="The multiple is added where it should be subtracted: the column doubles and is"
            " not cleared.",
            answer=slipped_determinant("added"),
        ),
        Mistake(
            id="first_numbers",
            message="The factor comes from A as it was in the beginning. The numbers have changed "
            "since: take it from U.",
            answer=slipped_determinant("first numbers"),
        ),
        Mistake(
            id="itself",
            message="The pivot's row is subtracted from itself too, and becomes all zeros. Clear "
            "the rows below it, from k + 1 on.",
            answer=slipped_determinant("itself"),
        ),
        Mistake(
            id="one_row",
            message="Only the row next to the pivot is cleared. Clear all rows below it.",
            answer=slipped_determinant("one row"),
        ),
        Mistake(
            id="only_if_swapped",
            message="A column is cleared only where rows were swapped. Every column is to be "
            "cleared: is that loop inside the `if`?",
            answer=slipped_determinant("only if swapped"),
        ),
        Mistake(
            id="row_p",
            message="It subtracts row p. After the swap the pivot's row is k.",
            answer=slipped_determinant("row p"),
        ),
        Mistake(
            id="returned_early",
            message="Only the first column is cleared: is a return inside the loop over k?",
            answer=slipped_determinant("returned early"),
        ),
        Mistake(
            id="sum",
            message="This is the sum of the diagonal. The area is width times height: the product.",
            answer=slipped_determinant("sum"),
        ),
        Mistake(
            id="scaled",
            message="Each pivot is divided down to 1, so their product is lost. Leave the pivot's "
            "row as it is, or multiply the pivots up first.",
            answer=lambda A: 1.0 if abs(np.linalg.det(A)) > 1e-6 else 0.0,
            recognise=of_form(
                lambda case, seen, expected: same(abs(seen), 1.0) and len(case["args"][0]) > 1
            ),
        ),
        Mistake(
            id="no_pivoting",
            message="The result is not a finite number: something is divided by 0. Divide by the "
            "pivot alone, `U[i, k] / U[k, k]`, after a swap has brought a number other than 0 "
            "there.",
            answer=lambda A: (lambda d: float("nan") if d is None else d)(eliminated(A, "none")),
            recognise=of_form(lambda case, seen, expected: broken(seen)),
        ),
        Mistake(
            id="zero_pivot_is_zero",
            message="It gives 0, and this determinant is not 0. Follow the rows of this matrix: "
            "is one of them lost, wiped out, or left where a swap should have moved it?",
            answer=lambda A: (lambda d: 0.0 if d is None else d)(eliminated(A, "none")),
            on=("zero pivot",),
            recognise=of_form(lambda case, seen, expected: seen == 0),
        ),
        Mistake(
            id="no_sign",
            message="The sign is lost: a determinant is negative where the plane is turned over.",
            answer=lambda A: abs(np.linalg.det(A)),
        ),
        Mistake(
            id="permanent",
            message="All products are added. Half of them belong in with a minus.",
            answer=lambda A: _by_permutations(A, signs=False),
        ),
        Mistake(
            id="whole_numbers",
            message="On a matrix of whole numbers the fractions are cut off: work on a copy that "
            "holds them, `np.array(A, dtype=float)`.",
            answer=lambda A: eliminated(A, dtype=int if A.dtype.kind == "i" else float),
            on=("whole",),
            recognise=of_form(
                lambda case, seen, expected: (
                    float(seen).is_integer()
                    and any(
                        value is not None and same(seen, value)
                        for value in (
                            sign * value
                            for pivoting in ("largest", "zero", "none")
                            for value in [eliminated(case["args"][0], pivoting, dtype=int)]
                            if value is not None
                            for sign in (1, -1)
                        )
                    )
                )
            ),
        ),
        Mistake(
            id="sign_of_swaps",
            message="The size is right and the sign is not. Each swap of two rows flips the sign, "
            "and a row that stays in its place is no swap.",
            answer=lambda A: eliminated(A, sign=False),
            recognise=of_form(
                lambda case, seen, expected: (
                    abs(expected) > 1e-3 and same(seen, -np.asarray(expected))
                )
            ),
        ),
    ),
    hints=(
        "Make zeros below the diagonal, column by column. Then multiply the diagonal.",
        "How many times row k has to be subtracted from row i, so that U[i, k] becomes 0? That "
        "factor is a quotient of two numbers of column k. Subtract the whole row. See "
        "[Gaussian elimination](https://en.wikipedia.org/wiki/Gaussian_elimination).",
        "```python\nif p != k:\n    sign = ...\nfor i in range(k + 1, n):\n"
        "    U[i] -= ... * U[k]\n```",
    ),
)


# --- Undoing -----------------------------------------------------------------------------------


def _solve_cases(rng: np.random.Generator) -> list[Case]:
    tiny = invertible(rng, 3)
    tiny[0, 0] = 1e-17
    while np.linalg.cond(tiny) > 25:
        tiny = invertible(rng, 3)
        tiny[0, 0] = 1e-17
    row = whole(rng, 1, 2)
    high = round(float(rng.uniform(2, 3)), 2)
    regular = [
        ("regular", invertible(rng, 2)),
        ("regular", invertible(rng, 3)),
        ("regular", invertible(rng, 5)),
        ("zero pivot", invertible(rng, 3, zero_first=True)),
        ("zero pivot", np.array([[0.0, 1.5, 0.4], [-2.0, 0.0, 0.7], [-0.9, 1.2, 0.0]])),
        ("zero pivot", np.array([[0.0, high], [0.7, -0.4]])),
        ("regular", np.array([[-high, 0.5], [0.8, 1.6]])),
        ("tiny pivot", tiny),
        ("regular", invertible(rng, 4)),
    ]
    cases = [{"name": name, "args": [A, numbers(rng, len(A))]} for name, A in regular]
    cases.insert(3, {"name": "whole", "args": [whole_invertible(rng, 3), whole(rng, 3)]})
    cases.append({"name": "regular", "args": [numbers(rng, 1, 1), numbers(rng, 1)]})
    singular = [np.concatenate([row, 2 * row]), of_rank(rng, 3, 3, 2), of_rank(rng, 4, 4, 2)]
    return cases + [{"name": "singular", "args": [A, numbers(rng, len(A))]} for A in singular]


REGULAR = ("regular", "whole", "zero pivot", "tiny pivot")  # the cases that have a solution


def _or_singular(solved: Callable[..., Any]) -> Callable[..., Any]:
    """`solved`, raising ValueError for a singular matrix, as a right answer does."""

    def answer(A: Array, *rest: Any) -> Any:
        if np.linalg.matrix_rank(A) < len(A):
            raise ValueError("singular")
        return solved(A, *rest)

    return answer


def _solved(case: Case) -> Any:
    A = np.asarray(case["args"][0], dtype=float)
    if case.get("name") == "singular":
        return "a ValueError"
    return np.linalg.solve(A, *case["args"][1:]) if case["args"][1:] else np.linalg.inv(A)


@_or_singular
def _raises_at_zero(A: Array, b: Array) -> Array:
    if A[0, 0] == 0:
        raise ValueError("singular")
    return np.linalg.solve(A, b)


def _anything(A: Array, b: Array) -> Array:
    return np.linalg.lstsq(A.astype(float), b, rcond=None)[0]


def _eaten(case: Case, x: Any) -> bool:
    """Whether only the equation of the tiny pivot is left of the system, as without swapping."""
    A, b = case["args"]
    return broken(x) or abs(A[0, 1:] @ np.asarray(x)[1:] - b[0]) < 1e-3 * (1 + np.abs(x).max())


def _cut(A: Array, b: Array) -> Array:
    """Whole numbers in, whole numbers all along."""
    x = np.linalg.solve(A, b)
    return np.trunc(x) if A.dtype.kind == "i" else x


solve = Exercise(
    id="solve",
    title="Run it backwards",
    takes={"solve": "function"},
    points=3,
    minutes=9,
    difficulty=4,
    cases=_solve_cases,
    probe=probes.solvable,
    measure=_measure_solvable,
    reference=_solved,
    show=called("solve"),
    explain=explain_solvable(
        "Test each pivot's size against 1e-10 while you eliminate. `np.linalg.solve` and `inv` let "
        "this matrix through, and are not for this exercise."
    ),
    rtol=1e-4,
    atol=1e-5,
    rules=tuple(
        Rule(call=f"np.linalg.{name}", instead="eliminate, row by row")
        for name in ("solve", "inv", "lstsq", "pinv")
    ),
    mistakes=(
        Mistake(
            id="lost_row",
            message="A row is lost in the swap: `M[k], M[p] = M[p], M[k]` overwrites one before it "
            "is read. Write `M[[k, p]] = M[[p, k]]`.",
            answer=slipped_solve("lost row"),
            on=REGULAR,
        ),
        Mistake(
            id="offset",
            message="`np.argmax(np.abs(M[k:, k]))` counts from row k: the row itself is k more.",
            answer=slipped_solve("offset"),
            on=REGULAR,
        ),
        Mistake(
            id="whole_column",
            message="It looks for the pivot in the whole column, and so moves rows that are done. "
            "Look from the diagonal down.",
            answer=slipped_solve("whole column"),
            on=REGULAR,
        ),
        Mistake(
            id="signed_test",
            message="It takes a negative pivot for a small one, and raises ValueError. Test the "
            "size: `abs(M[k, k]) < 1e-10`.",
            answer=slipped_solve("signed test"),
            on=REGULAR,
        ),
        Mistake(
            id="signed",
            message="It takes the largest number for the pivot, sign included, so 0 wins over a "
            "negative number. Compare sizes, with `np.abs`.",
            answer=slipped_solve("signed"),
            on=REGULAR,
        ),
        Mistake(
            id="last_step",
            message="The last step is missing: each row says pivot · x = number, so divide by the "
            "pivot.",
            answer=slipped_solve("last step"),
            on=REGULAR,
        ),
        Mistake(
            id="only_below",
            message="Only the numbers below the diagonal are cleared, so each row still has other "
            "unknowns in it. Clear above as well.",
            answer=slipped_solve("only below"),
            on=REGULAR,
        ),
        Mistake(
            id="b_stays",
            message="The rows of A are swapped, and b stays as it is. Swap both: an equation has "
            "two sides.",
            answer=slipped_solve("b stays"),
            on=REGULAR,
        ),
        Mistake(
            id="b_unchanged",
            message="Multiples of rows are taken from A, and b does not change with it. If the two "
            "are kept apart, compute the factor first: once A is cleared, it is 0.",
            answer=slipped_solve("b unchanged"),
            on=REGULAR,
        ),
        Mistake(
            id="overwritten",
            message="Only column k changes, and the whole row has to: subtract a multiple of all "
            "of row k. Entry by entry, compute the factor once, before: `M[i, k]` is 0 after its "
            "own step.",
            answer=slipped_solve("overwritten"),
            on=REGULAR,
        ),
        Mistake(
            id="itself",
            message="The pivot's row is subtracted from itself too, and becomes all zeros: leave "
            "row k out.",
            answer=slipped_solve("itself"),
            on=REGULAR,
        ),
        Mistake(
            id="upside_down",
            message="The factor is upside down. What is to be cleared is divided by the pivot: "
            "`M[i, k] / M[k, k]`.",
            answer=slipped_solve("upside down"),
            on=REGULAR,
        ),
        Mistake(
            id="factor_not_divided",
            message="The factor is not divided by the pivot: `M[i, k] / M[k, k]`.",
            answer=slipped_solve("not divided"),
            on=REGULAR,
        ),
        Mistake(
            id="added",
            message="The multiple is added where it should be subtracted: the column doubles and is"
            " not cleared.",
            answer=slipped_solve("added"),
            on=REGULAR,
        ),
        Mistake(
            id="not_swapped",
            message="The row with the largest number is found and does not end up as row k: it "
            "is not swapped, or swapped twice.",
            answer=slipped_solve("not swapped"),
            on=REGULAR,
        ),
        Mistake(
            id="row_p",
            message="It subtracts row p. After the swap the pivot's row is k.",
            answer=slipped_solve("row p"),
            on=REGULAR,
        ),
        Mistake(
            id="returned_early",
            message="Only the first column is cleared: is a return inside the loop over k?",
            answer=slipped_solve("returned early"),
            on=REGULAR,
        ),
        Mistake(
            id="no_pivoting",
            message="The result is not finite: something is divided by 0. Divide by the pivot "
            "alone, `M[i, k] / M[k, k]`, after a swap in A and in b has brought a number other "
            "than 0 there.",
            answer=_or_singular(plain_elimination),
            on=("zero pivot",),
            recognise=of_form(lambda case, seen, expected: broken(seen)),
        ),
        Mistake(
            id="zero_pivot_is_singular",
            message="It raises ValueError, and this matrix can be undone. Test the pivot after the "
            "swap, where it stands on the diagonal, `M[k, k]`, and by its size. Are all rows still "
            "there then?",
            answer=_raises_at_zero,
            on=("zero pivot",),
            recognise=lambda case, seen, expected: (
                isinstance(seen, dict)
                and seen["raised"] == "ValueError"
                and not re.search("shape|dim|broadcast|row is", seen["message"])
            ),
        ),
        Mistake(
            id="singular_unnoticed",
            message="The matrix is singular, and no ValueError is raised. After swapping, a pivot "
            "below 1e-10 in size means: nothing is left in this column. `np.linalg.solve`, `inv`, "
            "`pinv` and `lstsq` let it through, and are not for this exercise.",
            answer=_anything,
        ),
        Mistake(
            id="transposed",
            message="This solves Aᵀ x = b: rows and columns of A are exchanged.",
            answer=_or_singular(lambda A, b: np.linalg.solve(A.T, b)),
        ),
        Mistake(
            id="multiplied",
            message="This is A @ b: where b is sent. Asked for is the x that is sent to b.",
            answer=_or_singular(lambda A, b: A @ b),
        ),
        Mistake(
            id="minus",
            message="Every sign is wrong: bring the known numbers to the other side with a minus.",
            answer=_or_singular(lambda A, b: -np.linalg.solve(A, b)),
        ),
        Mistake(
            id="whole_numbers",
            message="On whole numbers the fractions are cut off: work on copies that hold them, "
            "with dtype=float.",
            answer=_or_singular(_cut),
            on=("whole",),
            recognise=of_form(lambda case, seen, expected: same(seen, np.trunc(seen))),
        ),
        Mistake(
            id="tiny_pivot",
            message="A tiny pivot makes huge numbers of the rest, and rounding eats the result. "
            "Don't wait for a pivot of 0: always swap up the row with the largest number.",
            answer=_or_singular(
                lambda A, b: plain_elimination(A, b) if A[0, 0] != 0 else np.linalg.solve(A, b)
            ),
            on=("tiny pivot",),
            recognise=of_form(lambda case, seen, expected: _eaten(case, seen)),
        ),
    ),
    hints=(
        "Do to b all that you do to the rows of A: then the solution stays the same.",
        "b is the last column of M, so a row of M carries its number along: what you subtract "
        "from a row, you subtract from that, too. Which rows i are to be cleared, if those above "
        "the diagonal count as well? See "
        "[Gaussian elimination](https://en.wikipedia.org/wiki/Gaussian_elimination).",
        "```python\nif abs(M[k, k]) < 1e-10:\n"
        '    raise ValueError("the matrix is singular")\n'
        "for i in range(n):\n    if i != k:\n        M[i] -= ... * M[k]\n```",
    ),
)


def _inverse_cases(rng: np.random.Generator) -> list[Case]:
    row = whole(rng, 1, 2)
    cases = [{"name": "regular", "args": [invertible(rng, n)]} for n in (2, 3, 5)]
    cases += [{"name": "zero pivot", "args": [invertible(rng, 4, zero_first=True)]}]
    cases += [{"name": "whole", "args": [whole_invertible(rng, 3)]}]
    singular = [np.concatenate([row, -3 * row]), of_rank(rng, 3, 3, 2)]
    return cases + [{"name": "singular", "args": [A]} for A in singular]


inverse = Exercise(
    id="inverse",
    title="The inverse",
    takes={"inverse": "function"},
    points=2,
    minutes=6,
    difficulty=2,
    cases=_inverse_cases,
    probe=probes.solvable,
    measure=_measure_solvable,
    reference=_solved,
    show=called("inverse"),
    explain=explain_solvable(
        "Your own `solve` raises it. `np.linalg.inv` lets this matrix through, and is not for "
        "this exercise."
    ),
    rtol=1e-4,
    atol=1e-5,
    rules=(
        Rule(call="np.linalg.inv", instead="use your own solve"),
        Rule(call="np.linalg.pinv", instead="use your own solve"),
    ),
    mistakes=(
        Mistake(
            id="rows",
            message="This is the inverse, transposed: each solution is a column of it, not a row.",
            answer=_or_singular(lambda A: np.linalg.inv(A).T),
            on=REGULAR,
        ),
        Mistake(
            id="ones",
            message="Every column is the same: each is to be the x that A sends to another basis "
            "vector, a row of `np.eye(n)`.",
            answer=_or_singular(
                lambda A: np.column_stack([np.linalg.solve(A, np.ones(len(A)))] * len(A))
            ),
            on=REGULAR,
            recognise=of_form(
                lambda case, seen, expected: np.allclose(seen, np.asarray(seen)[:, :1])
            ),
        ),
        Mistake(
            id="transpose",
            message="This is the transpose of A. It undoes A only where A is a pure rotation or "
            "mirror.",
            answer=_or_singular(lambda A: A.T),
            on=REGULAR,
        ),
        Mistake(
            id="reciprocals",
            message="It takes one over each entry. The inverse is the matrix that undoes A: "
            "A @ inverse is the identity.",
            answer=_or_singular(lambda A: 1.0 / np.where(A == 0, 1e-300, A)),
            on=REGULAR,
            recognise=lambda case, seen, expected: (
                np.all(case["args"][0]) and same(seen, 1.0 / case["args"][0])
            ),
        ),
        Mistake(
            id="not_divided",
            message="The division by the determinant is missing.",
            answer=_or_singular(lambda A: np.linalg.inv(A) * np.linalg.det(A)),
            on=REGULAR,
        ),
        Mistake(
            id="singular_unnoticed",
            message="The matrix is singular, and no ValueError is raised: there is no inverse. "
            "Your own `solve` raises it. `np.linalg.inv` and `pinv` let it through, and are not "
            "for this exercise.",
            answer=lambda A: np.linalg.pinv(A.astype(float)),
        ),
    ),
    hints=(
        "The columns of a matrix say where the basis vectors land. Where do they land here?",
        "Column j of the inverse is the x that A sends to the j-th basis vector: "
        "`solve(A, e)`, with e a column of the identity, `np.eye(n)`.",
        "`return np.column_stack([solve(...) for e in np.eye(len(A))])`",
    ),
)


# --- What is lost ------------------------------------------------------------------------------


def _rank_cases(rng: np.random.Generator) -> list[Case]:
    row = whole(rng, 1, 3)
    gap = numbers(rng, 3, 5)
    gap[:, 0] = 0.0  # a column without a pivot, before the others
    hidden = of_rank(rng, 3, 4, 2)
    rising = numbers(rng, 3, 4)
    rising = rising[np.argsort(np.abs(rising[:, 0]))]  # so that rows have to be swapped
    negative = -np.outer(np.abs(numbers(rng, 3)), np.abs(numbers(rng, 5)))
    hidden = np.vstack([np.zeros(4), hidden])
    first = np.outer(whole(rng, 4), [0, *whole(rng, 3)])  # one direction, and no pivot at first
    middle = numbers(rng, 4, 2) @ np.array([[1, 2, 1, 3], [0, 0, 1, -2]])  # none in the middle
    return [
        {"args": [numbers(rng, 2, 3)]},
        {"args": [numbers(rng, 5, 4)]},
        {"name": "product", "args": [of_rank(rng, 5, 7, 2)]},
        {"name": "product", "args": [of_rank(rng, 6, 4, 3)]},
        {"name": "product", "args": [of_rank(rng, 4, 4, 2)]},
        {"args": [np.concatenate([row, 2 * row, -row, 3 * row])]},
        {"name": "gap", "args": [gap]},
        {"name": "skipped", "args": [np.array([[0, 1, 2], [0, 2, 4], [0, 3, 6]])]},
        {"name": "skipped", "args": [np.array([[1, 2, 3, 4], [1, 2, 4, 9], [1, 2, 5, 14]])]},
        {"args": [np.eye(3)[[1, 2, 0]] * numbers(rng, 3)]},  # whose rows all have to be swapped
        {"name": "skipped", "args": [first]},
        {"name": "skipped", "args": [middle]},
        {"args": [hidden]},
        {"name": "product", "args": [1000 * of_rank(rng, 5, 6, 3)]},
        {"args": [0.001 * rising]},
        {"name": "tiny", "args": [1e-12 * numbers(rng, 2, 4)]},
        {"name": "negative", "args": [negative]},
        {"name": "zeros", "args": [np.zeros((2, 3))]},
        {"args": [numbers(rng, 1, 4)]},
    ]


def _counted_rows(A: Array) -> int:
    return int(np.sum(np.any(A != 0, axis=1)))


def _slipped_rank(slip: str) -> Callable[[Array], int]:
    """The rank by elimination with one slip."""

    def rank(A: Array) -> int:
        U = np.array(A, dtype=float)
        tolerance = 1e-10 * np.abs(U).max()
        r = 0
        for column in range(U.shape[1]):
            if r == len(U):
                break
            p = r + int(np.argmax(np.abs(U[r:, column])))
            size = U[p, column] if slip == "signed test" else abs(U[p, column])
            if slip == "lost row":
                U[r] = U[p]
            elif slip != "not swapped":
                U[[r, p]] = U[[p, r]]
            if slip == "tests row p":
                size = abs(U[p, column])
            if not size > tolerance:
                if slip == "stops":
                    break
                if not (slip == "column r, nan" and np.isnan(size)):
                    continue
            of = r if slip.startswith("column r") else column
            pivot = p if slip == "row p" else r
            with np.errstate(all="ignore"):
                for i in range(0 if slip == "itself" else r + 1, len(U)):
                    if slip == "not cleared":
                        break
                    U[i] -= U[i, of] / U[pivot, of] * U[pivot]
            r += 1
        return r

    return rank


rank = Exercise(
    id="rank",
    title="How many directions are left?",
    takes={"rank": "function"},
    points=2,
    minutes=6,
    difficulty=3,
    cases=_rank_cases,
    probe=probes.own,
    reference=lambda case: int(np.linalg.matrix_rank(case["args"][0])),
    rules=(Rule(call="np.linalg.matrix_rank", instead="eliminate, and count the pivots"),),
    mistakes=(
        Mistake(
            id="nonzero_rows",
            message="It counts the rows of A that are not all zeros. Eliminate first: a row may "
            "be a combination of others.",
            answer=_counted_rows,
        ),
        Mistake(
            id="smaller_side",
            message="This is the smaller side of A, the largest rank possible. Rows may repeat "
            "directions: a column without a pivot does not count.",
            answer=lambda A: min(A.shape),
        ),
        Mistake(
            id="nullity",
            message="These are the directions that A loses: columns minus rank.",
            answer=lambda A: int(A.shape[1] - np.linalg.matrix_rank(A)),
        ),
        Mistake(
            id="entries",
            message="It counts the entries that are not 0.",
            answer=lambda A: int(np.count_nonzero(A)),
        ),
        Mistake(
            id="never_counted",
            message="It always gives 0: count each pivot, `r += 1`.",
            answer=lambda A: 0,
        ),
        Mistake(
            id="not_cleared",
            message="The column below a pivot is not cleared, so the same direction is counted "
            "again.",
            answer=_slipped_rank("not cleared"),
        ),
        Mistake(
            id="lost_row",
            message="A row is lost in the swap: `U[r], U[p] = U[p], U[r]` overwrites one before it "
            "is read. Write `U[[r, p]] = U[[p, r]]`.",
            answer=_slipped_rank("lost row"),
        ),
        Mistake(
            id="stops",
            message="After a column without a pivot, nothing is counted any more. Go on with the "
            "next column (`continue`). Its pivot is at `U[r, column]`, right of the diagonal.",
            answer=_slipped_rank("stops"),
        ),
        Mistake(
            id="column_r",
            message="After a column without a pivot, the factor comes from the wrong place, column "
            "r or the diagonal. The pivot stands at `U[r, column]`: the factor is "
            "`U[i, column] / U[r, column]`.",
            answer=_slipped_rank("column r"),
        ),
        Mistake(
            id="column_r_nan",
            message="After a column without a pivot, it divides by another number than the pivot, "
            "perhaps by 0, and counts rows of NaN. The pivot stands at `U[r, column]`: the factor "
            "is `U[i, column] / U[r, column]`.",
            answer=_slipped_rank("column r, nan"),
        ),
        Mistake(
            id="row_p",
            message="It subtracts row p. After the swap the pivot's row is r.",
            answer=_slipped_rank("row p"),
        ),
        Mistake(
            id="itself",
            message="The pivot's row is subtracted from itself too, and becomes all zeros. Clear "
            "the rows below it, from r + 1 on.",
            answer=_slipped_rank("itself"),
        ),
        Mistake(
            id="tests_row_p",
            message="It tests row p. After the swap the pivot stands in row r: `U[r, column]`.",
            answer=_slipped_rank("tests row p"),
        ),
        Mistake(
            id="signed_test",
            message="It skips negative pivots. Test the size: `abs(U[r, column])`.",
            answer=_slipped_rank("signed test"),
        ),
        Mistake(
            id="no_tolerance",
            message="The rank comes out too high. Two things to look at: the column below a pivot "
            "is cleared with `U[i, column] / U[r, column]` times row r, while row r stays as it "
            "is; and what rounding leaves, about 1e-16, does not count.",
            answer=lambda A: min(A.shape) if _counted_rows(A) > 1 and A[0, 0] % 1 else 1,
            on=("product", "skipped"),
            recognise=of_form(lambda case, seen, expected: seen > expected),
        ),
        Mistake(
            id="absolute",
            message="The numbers of this matrix are tiny, and its pivots are taken for rounding. "
            "Measure a pivot against the largest entry of A.",
            answer=lambda A: int(np.linalg.matrix_rank(A, 1e-10)),
            on=("tiny",),
            recognise=of_form(lambda case, seen, expected: seen == 0),
        ),
        Mistake(
            id="signed",
            message="All numbers of this matrix are negative, and the rank comes out too high: "
            "measure sizes, with `np.abs`, on both sides of the comparison.",
            answer=lambda A: int(np.linalg.matrix_rank(A)) if np.any(A >= 0) else min(A.shape),
            on=("negative",),
            recognise=of_form(lambda case, seen, expected: seen > expected),
        ),
        Mistake(
            id="zeros_counted",
            message="A matrix of zeros has rank 0. Its tolerance is 0 as well: a pivot counts if "
            "its size is above the tolerance, not if it equals it.",
            answer=lambda A: int(np.linalg.matrix_rank(A)) if np.any(A) else 2,
            on=("zeros",),
            recognise=of_form(lambda case, seen, expected: seen > 0),
        ),
        Mistake(
            id="gap",
            message="The rank comes out too low. Three things to look at: after a column without a "
            "pivot, row r waits for the next one; a pivot counts by its size, `abs(...)`; and the "
            "pivot's own row stays as it is.",
            answer=lambda A: (
                int(np.linalg.matrix_rank(A)) - (not np.any(A[:, 0]) and bool(np.any(A)))
            ),
            recognise=of_form(lambda case, seen, expected: seen < expected),
        ),
    ),
    hints=(
        "Eliminate as for the determinant, and count the pivots.",
        "`continue` goes on to the next column and leaves r as it is. Everything after it sees a "
        "pivot at `U[r, column]`: both the factor and the row to subtract belong to that place.",
        "```python\nif abs(U[r, column]) <= tolerance:\n    continue\n"
        "for i in range(r + 1, m):\n    U[i] -= ...\nr += 1\n```",
    ),
)


def _null_cases(rng: np.random.Generator) -> list[Case]:
    row = whole(rng, 1, 3)
    return [
        {"name": "no rows lost", "args": [numbers(rng, 2, 3)]},
        {"name": "no rows lost", "args": [numbers(rng, 2, 5)]},
        {"name": "some", "args": [of_rank(rng, 4, 6, 3)]},
        {"name": "some", "args": [of_rank(rng, 5, 4, 2)]},
        {"name": "none", "args": [numbers(rng, 4, 2)]},
        {"name": "some", "args": [np.concatenate([row, 2 * row])]},
        {"name": "some", "args": [of_rank(rng, 3, 3, 2)]},
        {"name": "none", "args": [invertible(rng, 3)]},
    ]


def _basis(seen: Any, n: int) -> Array:
    """An answer as an array with basis vectors as columns; of shape (n, 0) if it is empty."""
    found = np.asarray(seen, dtype=float)
    return np.zeros((n, 0)) if found.size == 0 else found


def _measure_null(case: Case, seen: Any) -> Any:
    A = np.asarray(case["args"][0], dtype=float)
    N = _basis(seen, A.shape[1])
    if N.ndim != 2 or len(N) != A.shape[1] or not np.all(np.isfinite(N)):
        return seen
    return {
        "columns": N.shape[1],
        "each is sent to zero": bool(np.allclose(A @ N, 0, atol=1e-4)),
        "each has length 1": bool(np.allclose(np.linalg.norm(N, axis=0), 1, atol=1e-3)),
        "at right angles": bool(
            np.allclose(N.T @ N, np.diag(np.diag(N.T @ N)), atol=1e-3 * (1 + np.abs(N).max()) ** 2)
            if N.size
            else True
        ),
    }


def _null_reference(case: Case) -> dict[str, Any]:
    A = case["args"][0]
    return {
        "columns": int(A.shape[1] - np.linalg.matrix_rank(A)),
        "each is sent to zero": True,
        "each has length 1": True,
        "at right angles": True,
    }


def _explain_null(case: Case, seen: Any, expected: Any) -> str | None:
    n = case["args"][0].shape[1]
    if seen is None:
        return None
    try:
        N = _basis(seen, n)
    except (TypeError, ValueError):
        return f"It should return an array of shape ({n}, {expected['columns']})"
    if broken(N):
        return "The result contains NaN or infinity"
    if N.ndim != 2 or len(N) != n:
        return (
            f"The result has shape {N.shape}. Expected is one basis vector a column, so "
            f"({n}, {expected['columns']})"
        )
    found = _measure_null(case, seen)
    if found["columns"] != expected["columns"]:
        return (
            f"It gives {found['columns']} vectors, expected {expected['columns']}: the number of "
            "columns of A minus its rank"
        )
    if not found["each is sent to zero"]:
        return "A does not send these vectors to zero: A @ N should be all zeros"
    return None


def _null(A: Array) -> Array:
    return np.linalg.svd(A)[2][np.linalg.matrix_rank(A) :].T


def _slanted(A: Array) -> Array:
    """A basis whose vectors have length 1, and no right angles between them."""
    N = _null(A)
    mixed = N @ np.triu(np.ones((N.shape[1], N.shape[1])))
    return mixed / np.linalg.norm(mixed, axis=0)


def _fits(case: Case, seen: Any) -> bool:
    return isinstance(_measure_null(case, seen), dict)


def _is_cut(case: Case, seen: Any, which: str) -> bool:
    """Whether an answer is what is left of Vt's columns, or of U's, from the rank on."""
    A = np.asarray(case["args"][0], dtype=float)
    U, _, Vt = np.linalg.svd(A)
    cut = (Vt if which == "columns" else U)[:, np.linalg.matrix_rank(A) :]
    return bool(cut.size) and same(seen, cut)


def _is_kept(A: Array, N: Array) -> bool:
    """Whether the columns of N lie in the span of A's rows, of which nothing is lost."""
    inside = np.linalg.pinv(A.astype(float)) @ A @ N
    return bool(N.size) and np.allclose(inside, N, atol=1e-4)


null_space = Exercise(
    id="null_space",
    title="What is sent to zero?",
    takes={"null_space": "function"},
    points=2,
    minutes=5,
    difficulty=3,
    cases=_null_cases,
    probe=probes.own,
    measure=_measure_null,
    reference=_null_reference,
    show=called("null_space"),
    explain=_explain_null,
    mistakes=(
        Mistake(
            id="rows",
            message="The basis vectors stand in the rows. They belong in the columns: transpose.",
            answer=lambda A: _null(A).T,
            recognise=lambda case, seen, expected: (
                expected["columns"] > 0
                and np.shape(seen) == (expected["columns"], case["args"][0].shape[1])
                and np.shape(seen)[0] != np.shape(seen)[1]
                and np.allclose(case["args"][0] @ np.asarray(seen).T, 0, atol=1e-4)
            ),
        ),
        Mistake(
            id="columns_of_vt",
            message="These are columns of Vt. Its rows are the directions: cut rows, then "
            "transpose.",
            answer=lambda A: np.linalg.svd(A)[2][:, np.linalg.matrix_rank(A) :],
            recognise=lambda case, seen, expected: _is_cut(case, seen, "columns"),
        ),
        Mistake(
            id="columns_of_u",
            message="These are columns of U, directions of what comes out of A. What goes in and "
            "is lost stands in Vt.",
            answer=lambda A: np.linalg.svd(A)[0][:, np.linalg.matrix_rank(A) :],
            recognise=lambda case, seen, expected: _is_cut(case, seen, "U"),
            on=("some", "none"),
        ),
        Mistake(
            id="too_few_rows",
            message="Where A has more columns than rows, directions are missing: s has fewer "
            "numbers than Vt has rows, and `full_matrices=False` leaves rows of Vt out. Take all "
            "of them from the rank on.",
            answer=lambda A: np.linalg.svd(A, full_matrices=False)[2][np.linalg.matrix_rank(A) :].T,
        ),
        Mistake(
            id="kept",
            message="These directions are kept by A, not lost: take the rows of Vt from the rank "
            "on.",
            answer=lambda A: np.linalg.svd(A)[2][: np.linalg.matrix_rank(A)].T,
            recognise=lambda case, seen, expected: (
                _fits(case, seen)
                and np.shape(seen)[1] == np.linalg.matrix_rank(case["args"][0])
                and _is_kept(case["args"][0], np.asarray(seen))
            ),
        ),
        Mistake(
            id="not_normal",
            message="A sends these vectors to zero, and they are not of length 1: divide each by "
            "its length.",
            answer=lambda A: _null(A) * 1.7,
            recognise=lambda case, seen, expected: (
                _fits(case, seen)
                and {**_measure_null(case, seen), "each has length 1": True} == expected
            ),
        ),
        Mistake(
            id="not_orthogonal",
            message="A sends these vectors to zero, and they are not at right angles to each "
            "other. The rows of Vt are.",
            answer=_slanted,
            recognise=lambda case, seen, expected: (
                _fits(case, seen)
                and _measure_null(case, seen) == {**expected, "at right angles": False}
            ),
        ),
        Mistake(
            id="one_only",
            message="There is one vector where there should be several: as many as A has columns, "
            "minus its rank.",
            answer=lambda A: np.linalg.svd(A)[2][-1:].T,
            recognise=lambda case, seen, expected: (
                expected["columns"] > 1 and _fits(case, seen) and np.shape(seen)[1] == 1
            ),
        ),
    ),
    hints=(
        "The singular value decomposition lists directions from the most stretched to the lost.",
        "Of the n rows of Vt, the first `rank(A)` are kept, so A sends the others to zero. Cut "
        "those out; the answer wants them as columns. See "
        "[svd](https://numpy.org/doc/stable/reference/generated/numpy.linalg.svd.html).",
        "`return Vt[...:].T`",
    ),
)

EXERCISES = [
    linear_combination,
    predict_combination,
    is_in_span,
    matrix_from_columns,
    rotation,
    shear,
    apply,
    predict_first,
    matmul,
    matmul_einsum,
    predict_area,
    determinant,
    solve,
    inverse,
    rank,
    null_space,
]
