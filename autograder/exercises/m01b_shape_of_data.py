"""The exercises of 01b_shape_of_data: projections, distances, eigenvectors, singular values."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake, Option, Rule, question
from autograder.exercises.m01a_moving_space import (
    Array,
    broken,
    called,
    explain_raised,
    invertible,
    numbers,
    of_form,
    only_raised,
    same,
    whole,
)
from autograder.probes import m01_linear_algebra as probes

MODULE = "01b_shape_of_data"


# --- Shadows -----------------------------------------------------------------------------------

predict_shadow = question(
    "predict_shadow",
    "How long is the shadow?",
    minutes=4,
    right="a",
    options={
        "a": Option(
            text="it stays the same",
            why="The shadow only depends on the line. Making the arrow that marks the line "
            "longer does not move the line.",
        ),
        "b": Option(
            text="it doubles",
            why="The dot product of v and u doubles. The shadow does not: it lies on the line, "
            "which has not moved.",
        ),
        "c": Option(
            text="it becomes four times as long",
            why="That would be so without dividing by the squared length of u. The line itself "
            "has not moved.",
        ),
        "d": Option(
            text="it halves",
            why="The number of times that u fits into the shadow halves, as u is twice as long. "
            "The shadow itself stays.",
        ),
    },
    hints=(
        "Draw the line through u, and the same line through 2u.",
        "The shadow is the point of the line that is nearest to v.",
        "Does the line through 2u differ from the line through u?",
    ),
)


def _columns(rng: np.random.Generator, n: int, k: int) -> Array:
    """k columns of n numbers, independent, and far from right angles and from length 1."""
    while True:
        B = numbers(rng, n, k)
        if np.linalg.cond(B) < 12 and (k == 1 or abs(B[:, 0] @ B[:, 1]) > 0.8):
            return B


def _project_cases(rng: np.random.Generator) -> list[Case]:
    cases = [{"name": "line", "args": [numbers(rng, n), numbers(rng, n)]} for n in (2, 3, 5)]
    cases += [
        {"name": "plane", "args": [numbers(rng, n), _columns(rng, n, k)]}
        for n, k in ((4, 2), (5, 3), (6, 2))
    ]
    right = _columns(rng, 5, 2)
    right[:, 1] -= right[:, 0] * (right[:, 0] @ right[:, 1]) / (right[:, 0] @ right[:, 0])
    cases += [{"name": "right angles", "args": [numbers(rng, 5), 2.5 * right]}]
    return [*cases, {"name": "line", "args": [whole(rng, 3), whole(rng, 3)]}]


def _line_or_space(line: Callable[..., Any], space: Callable[..., Any]) -> Callable[..., Any]:
    return lambda v, onto: (line if onto.ndim == 1 else space)(v, onto)


def _projected(v: Array, onto: Array) -> Array:
    B = np.reshape(onto, (len(v), -1)).astype(float)
    return B @ np.linalg.lstsq(B, v, rcond=None)[0]


def _one_by_one(v: Array, B: Array) -> Array:
    return sum((v @ u) / (u @ u) * u for u in np.reshape(B, (len(v), -1)).T)


project = Exercise(
    id="project",
    title="The nearest point of a line, of a plane",
    takes={"project": "function"},
    points=2,
    minutes=11,
    difficulty=3,
    cases=_project_cases,
    probe=probes.shaped,
    measure=only_raised,
    reference=lambda case: _projected(*case["args"]),
    rtol=1e-4,
    atol=1e-5,
    show=called("project"),
    explain=explain_raised,
    mistakes=(
        Mistake(
            id="line_only",
            message="It raises an error where `onto` holds several columns: the formula with "
            "(v · u) / (u · u) is for one. There, solve BᵀB x = Bᵀv for x.",
            answer=lambda v, onto: (v @ onto) / (onto @ onto) * onto,
            on=("plane",),
            recognise=lambda case, seen, expected: (
                "raised" in seen and not re.search("inv|solve|lstsq|[.]T", seen["line"])
            ),
        ),
        Mistake(
            id="not_solved",
            message="This is B Bᵀ v divided by one number. Between B and Bᵀ belongs (BᵀB)⁻¹: "
            "solve BᵀB x = Bᵀv for x, and return B x.",
            answer=lambda v, onto: (lambda B: B @ (B.T @ v) / np.sum(B * B))(
                np.reshape(onto, (len(v), -1))
            ),
            on=("plane",),
        ),
        Mistake(
            id="not_divided",
            message="The projection is not divided by the squared length: (v · u) / (u · u) · u.",
            answer=_line_or_space(lambda v, u: (v @ u) * u, _projected),
            on=("line",),
        ),
        Mistake(
            id="divided_by_v",
            message="On a line, it is divided by the squared length of v. The line is that of u: "
            "(v · u) / (u · u).",
            answer=_line_or_space(lambda v, u: (v @ u) / (v @ v) * u, _projected),
            on=("line",),
        ),
        Mistake(
            id="times_v",
            message="On a line, the number is right and multiplies v. The shadow lies on u: "
            "multiply u by it.",
            answer=_line_or_space(lambda v, u: (v @ u) / (u @ u) * v, _projected),
            on=("line",),
        ),
        Mistake(
            id="divided_once",
            message="It is divided by the length of u, and not by the squared length: u appears "
            "twice in the product, so its length must be taken out twice.",
            answer=_line_or_space(lambda v, u: (v @ u) / np.linalg.norm(u) * u, _projected),
            on=("line",),
        ),
        Mistake(
            id="exchanged",
            message="This is u projected onto v. The shadow of v lies on u.",
            answer=_line_or_space(lambda v, u: (v @ u) / (v @ v) * v, _projected),
            on=("line",),
        ),
        Mistake(
            id="rest",
            message="This is what the projection leaves over, v minus its shadow.",
            answer=lambda v, onto: v - _projected(v, onto),
        ),
        Mistake(
            id="length_only",
            message="On a line, this is one number: how often u fits into the shadow. The shadow "
            "is that number times u.",
            answer=_line_or_space(lambda v, u: float(v @ u / (u @ u)), _projected),
            on=("line",),
        ),
        Mistake(
            id="coefficients",
            message="These are the coefficients of the columns. The shadow is the combination "
            "itself: `onto @ coefficients`.",
            answer=_line_or_space(_projected, lambda v, B: np.linalg.lstsq(B, v, rcond=None)[0]),
            on=("plane",),
        ),
        Mistake(
            id="as_if_orthonormal",
            message="B Bᵀ v is right where the columns have length 1 and stand at right angles. "
            "In general (BᵀB)⁻¹ belongs between.",
            answer=_line_or_space(_projected, lambda v, B: B @ B.T @ v),
            on=("plane", "right angles"),
        ),
        Mistake(
            id="one_by_one",
            message="It adds up the shadows on each column. Where columns are not at right "
            "angles, what they share is counted twice.",
            answer=_one_by_one,
            on=("plane",),
        ),
    ),
    hints=(
        "What is left over, v minus its shadow, stands at a right angle to the line or plane.",
        "Write the shadow as B x. That B x leaves a rest at right angles to every column says "
        "Bᵀ(v - B x) = 0, so BᵀB x = Bᵀv: a system that `np.linalg.solve` solves. A line is the "
        "case of one column.",
        "`x = np.linalg.solve(..., B.T @ v)`, then `B @ x`",
    ),
)


def _fit_cases(rng: np.random.Generator) -> list[Case]:
    def case(n: int, d: int, noise: float = 0.4) -> Case:
        X = _columns(rng, n, d)
        return {"name": "table", "args": [X, X @ numbers(rng, d) + noise * rng.normal(0, 1, n)]}

    line = np.column_stack([np.ones(6), np.sort(numbers(rng, 6))])
    X = whole(rng, 8, 2)
    while np.linalg.cond(X) > 5:
        X = whole(rng, 8, 2)
    return [
        case(5, 2),
        case(7, 3),
        {"name": "line", "args": [line, numbers(rng, 6)]},
        {"name": "table", "args": [_columns(rng, 4, 1), numbers(rng, 4)]},
        {"name": "table", "args": [X, whole(rng, 8)]},
        case(4, 3, noise=0.0),
        case(30, 4),
    ]


def _fitted(X: Array, y: Array) -> Array:
    return np.linalg.lstsq(np.asarray(X, float), y, rcond=None)[0]


def _explain_fit(case: Case, seen: Any, expected: Any) -> str | None:
    said = explain_raised(case, seen, expected)
    if isinstance(seen, list) and any(np.ndim(item) for item in seen):
        return "It returns several things. One array is asked for: the weights"
    if said and "ingular" in seen["message"]:
        return (
            "The matrix to undo is singular, and XᵀX is not, with X as it comes. Did X get a "
            "second column of ones, or lose its means? Or is this X Xᵀ?"
        )
    return said


least_squares = Exercise(
    id="least_squares",
    title="The best weights there are",
    takes={"least_squares": "function"},
    points=2,
    minutes=7,
    difficulty=2,
    cases=_fit_cases,
    probe=probes.shaped,
    measure=only_raised,
    reference=lambda case: _fitted(*case["args"]),
    show=called("least_squares"),
    explain=_explain_fit,
    rtol=1e-3,
    atol=1e-4,
    rules=tuple(
        Rule(call=f"np.linalg.{name}", instead="use the equations of the text")
        for name in ("lstsq", "pinv")
    ),
    mistakes=(
        Mistake(
            id="predictions",
            message="These are the predictions, one for each row of X. The weights are asked for, "
            "one for each column.",
            answer=lambda X, y: X @ _fitted(X, y),
        ),
        Mistake(
            id="not_solved",
            message="This is Xᵀy, the right-hand side of the equations. Solve XᵀX w = Xᵀy for w.",
            answer=lambda X, y: X.T @ y,
        ),
        Mistake(
            id="multiplied",
            message="It multiplies by XᵀX. The weights undo it: solve XᵀX w = Xᵀy.",
            answer=lambda X, y: X.T @ X @ X.T @ y,
        ),
        Mistake(
            id="direct",
            message="X has more rows than columns, so no w fits them all and X itself can't be "
            "undone. XᵀX is square: solve XᵀX w = Xᵀy.",
            answer=np.linalg.solve,
            recognise=lambda case, seen, expected: (
                isinstance(seen, dict) and "square" in seen["message"]
            ),
        ),
        Mistake(
            id="first_rows",
            message="It fits the first rows exactly and does not look at the others.",
            answer=lambda X, y: _fitted(X[: X.shape[1]], y[: X.shape[1]]),
        ),
        Mistake(
            id="own_intercept",
            message="It adds a column of ones. X is complete as it comes: an intercept, where "
            "one is wanted, is a column of X already.",
            answer=lambda X, y: _fitted(np.column_stack([np.ones(len(X)), X]), y),
            on=("table",),
        ),
        Mistake(
            id="centred",
            message="It takes away the means first. That is another model: here the weights "
            "belong to X as it comes.",
            answer=lambda X, y: _fitted(X - X.mean(0), y - y.mean()),
            on=("table",),
        ),
        Mistake(
            id="one_at_a_time",
            message="It fits each column as if it were alone. Where columns overlap, what they "
            "share is counted twice: XᵀX is more than its diagonal.",
            answer=lambda X, y: X.T @ y / np.sum(X**2, axis=0),
        ),
        Mistake(
            id="minus",
            message="The sign of every weight is wrong.",
            answer=lambda X, y: -_fitted(X, y),
        ),
    ),
    hints=(
        "The predictions X w reach every point of the columns' span. Which one is nearest to y?",
        "You have just projected: the coefficients x in `project` are the weights. Solve "
        "XᵀX w = Xᵀy. See "
        "[ordinary least squares](https://en.wikipedia.org/wiki/Ordinary_least_squares).",
        "`return np.linalg.solve(X.T @ X, ...)`",
    ),
)


# --- Alike, and far apart ----------------------------------------------------------------------


def _cosine_cases(rng: np.random.Generator) -> list[Case]:
    shapes = ((3, 3), (2, 4), (5, 3), (7, 2))
    cases = [
        {"name": "square" if n == d else "", "args": [numbers(rng, d), numbers(rng, n, d)]}
        for n, d in shapes
    ]
    a = numbers(rng, 4)
    along = np.array([3.5 * a, -0.2 * a, numbers(rng, 4)])
    cases.append({"args": [a, along]})
    cases.append({"args": [100 * numbers(rng, 2), 0.01 * numbers(rng, 5, 2)]})
    return [*cases, {"args": [whole(rng, 5), whole(rng, 1, 5)]}]


def _cosines(a: Array, B: Array) -> Array:
    return np.array(
        [sum(x * y for x, y in zip(a, b, strict=True)) / np.hypot.reduce(a) for b in B]
    ) / np.array([np.hypot.reduce(b) for b in B])


def _lengths(B: Array, axis: int = 1) -> Array:
    return np.linalg.norm(B, axis=axis)


def _some_lengths(a: Array, B: Array) -> list[Any]:
    size = np.linalg.norm(a)
    return [1.0, size, size * _lengths(B), size * _lengths(B, axis=0), size * np.linalg.norm(B)]


cosine_similarity = Exercise(
    id="cosine_similarity",
    title="Alike, whatever the length",
    takes={"cosine_similarity": "function"},
    points=1,
    minutes=7,
    difficulty=2,
    cases=_cosine_cases,
    probe=probes.shaped,
    measure=only_raised,
    reference=lambda case: _cosines(*(np.asarray(item, float) for item in case["args"])),
    show=called("cosine_similarity"),
    explain=explain_raised,
    mistakes=(
        Mistake(
            id="dot",
            message="This is the dot product, in which a long vector counts for more. Divide by "
            "both lengths.",
            answer=lambda a, B: B @ a,
        ),
        Mistake(
            id="counted",
            message="`len` counts entries. The length of an arrow is `np.linalg.norm`.",
            answer=lambda a, B: B @ a / (len(a) * len(B)),
            recognise=of_form(
                lambda case, seen, expected: any(
                    same(seen, case["args"][1] @ case["args"][0] / count)
                    for n, d in [np.shape(case["args"][1])]
                    for count in (n * d, d, d * d)
                )
            ),
        ),
        Mistake(
            id="brackets",
            message="It divides by one length and multiplies by the other: `/ p * q` goes from "
            "left to right. Put brackets round the product, `/ (p * q)`.",
            answer=lambda a, B: B @ a / np.linalg.norm(a) * _lengths(B),
        ),
        Mistake(
            id="brackets_rows_first",
            message="It divides by the rows' lengths and multiplies by that of a: `/ p * q` goes "
            "from left to right. Put brackets round the product.",
            answer=lambda a, B: B @ a / _lengths(B) * np.linalg.norm(a),
        ),
        Mistake(
            id="size",
            message="The sign is lost: vectors that point to opposite sides have a cosine below 0.",
            answer=lambda a, B: np.abs(B @ a) / (np.linalg.norm(a) * _lengths(B)),
        ),
        Mistake(
            id="wrong_side",
            message="`a @ B` meets the columns of B. Its rows are the vectors: `B @ a`.",
            answer=lambda a, B: a @ B / (np.linalg.norm(a) * _lengths(B)),
            on=("square",),
            recognise=lambda case, seen, expected: (
                not isinstance(seen, dict)
                and any(
                    same(seen, case["args"][0] @ case["args"][1] / length)
                    for length in _some_lengths(*case["args"])
                )
            ),
        ),
        Mistake(
            id="length_of_rows_missing",
            message="It is divided by the length of a alone: each row of B has a length, too.",
            answer=lambda a, B: B @ a / np.linalg.norm(a),
        ),
        Mistake(
            id="length_of_a_missing",
            message="It is divided by the rows' lengths alone: a has a length, too.",
            answer=lambda a, B: B @ a / _lengths(B),
        ),
        Mistake(
            id="squared_lengths",
            message="It is divided by squared lengths: the root is missing.",
            answer=lambda a, B: B @ a / (a @ a * np.sum(B**2, axis=1)),
        ),
        Mistake(
            id="columns",
            message="It takes the lengths of B's columns. The vectors are its rows: axis=1.",
            answer=lambda a, B: B @ a / (np.linalg.norm(a) * _lengths(B, axis=0)),
            on=("square",),
            recognise=lambda case, seen, expected: (
                not isinstance(seen, dict)
                and same(
                    seen,
                    case["args"][1]
                    @ case["args"][0]
                    / (np.linalg.norm(case["args"][0]) * _lengths(case["args"][1], axis=0)),
                )
            ),
        ),
        Mistake(
            id="whole_matrix",
            message="It divides by one length for all of B: `np.linalg.norm(B)` takes the matrix "
            "as one long vector. Each row has its own: axis=1.",
            answer=lambda a, B: B @ a / (np.linalg.norm(a) * np.linalg.norm(B)),
        ),
        Mistake(
            id="distance",
            message="This is one minus the similarity: a distance, 0 for the same direction.",
            answer=lambda a, B: 1 - B @ a / (np.linalg.norm(a) * _lengths(B)),
        ),
        Mistake(
            id="angle",
            message="These are the angles. Their cosines are asked for: leave out the arccos.",
            answer=lambda a, B: np.arccos(
                np.clip(B @ a / (np.linalg.norm(a) * _lengths(B)), -1, 1)
            ),
        ),
    ),
    hints=(
        "All dot products at once, then divide by the lengths.",
        "`B @ a` has the dot product of each row with a. `np.linalg.norm(B, axis=1)` has the "
        "length of each row. See "
        "[norm](https://numpy.org/doc/stable/reference/generated/numpy.linalg.norm.html).",
        "`return B @ a / (np.linalg.norm(a) * ...)`",
    ),
)

predict_shape = question(
    "predict_shape",
    "Which shape comes out?",
    minutes=4,
    right="b",
    options={
        "a": Option(
            text="(5, 3)",
            why="No axis is dropped. With `None`, X has shape (5, 1, 3): three axes, and the "
            "result has three as well.",
        ),
        "b": Option(
            text="(5, 7, 3)",
            why="From the right: 3 and 3 agree, 1 stretches to 7, and 5 meets an axis that Y "
            "does not have.",
        ),
        "c": Option(
            text="(5, 3, 7, 3)",
            why="Equal axes at the right end are matched with each other, not kept side by side.",
        ),
        "d": Option(
            text="it raises an error",
            why="X - Y would, since 5 and 7 disagree. The new axis of length 1 is what makes "
            "them fit.",
        ),
    },
    hints=(
        "What is the shape of `X[:, None, :]`?",
        "Write (5, 1, 3) above (7, 3), flush right, and compare axis by axis.",
        "3 with 3, 1 with 7, 5 with nothing. An axis of length 1 stretches.",
    ),
)


def _distance_cases(rng: np.random.Generator) -> list[Case]:
    near = rng.normal(0, 3, (60, 5)) + 40
    shapes = ((4, 3, 2), (3, 5, 4), (6, 2, 1))
    cases = [{"args": [numbers(rng, n, d), numbers(rng, m, d)]} for n, m, d in shapes]
    cases.append({"args": [whole(rng, 2, 3), whole(rng, 4, 3)]})
    cases.append({"name": "square", "args": [numbers(rng, 3, 3), numbers(rng, 3, 3)]})
    cases.append({"name": "itself", "args": [near, near.copy()]})
    large = {"name": "large", "args": [rng.normal(0, 2, (120, 3)), rng.normal(1, 2, (80, 3))]}
    return [*cases, {**large, "count": True}]


def _distances(X: Any, Y: Any) -> Array:
    from scipy.spatial.distance import cdist

    return cdist(np.asarray(X, float), np.asarray(Y, float))


def _distance_reference(case: Case) -> dict[str, Any]:
    found = {"distances": _distances(*case["args"])}
    return {**found, "how": "array operations"} if case.get("count") else found


def _explain_distances(case: Case, seen: Any, expected: Any) -> str | None:
    found, want = seen["distances"], expected["distances"]
    if found is None:
        return "It returns None: is a return missing?"
    if np.shape(found) != want.shape:
        return (
            f"The distances have shape {np.shape(found)}, expected {want.shape}: a row for each "
            "row of X, a column for each row of Y"
        )
    return None


def _with_loops(X: Array, Y: Array) -> Array:
    D = np.zeros((len(X), len(Y)))
    for i in range(len(X)):
        for j in range(len(Y)):
            D[i, j] = sum((X[i] - Y[j]) ** 2) ** 0.5
    return D


def _unclipped(X: Array, Y: Array) -> Array:
    squares = (X**2).sum(1)[:, None] + (Y**2).sum(1) - 2 * X @ Y.T
    return np.sqrt(squares)


pairwise_distances = Exercise(
    id="pairwise_distances",
    title="All distances at once",
    takes={"pairwise_distances": "function"},
    points=2,
    minutes=10,
    difficulty=3,
    cases=_distance_cases,
    probe=probes.counted,
    reference=_distance_reference,
    show=called("pairwise_distances"),
    explain=_explain_distances,
    rtol=1e-4,
    atol=1e-4,
    rules=(
        Rule(call="scipy.spatial.distance.cdist", instead="use broadcasting"),
        Rule(call="sklearn.metrics.pairwise_distances", instead="use broadcasting"),
        Rule(call="sklearn.metrics.euclidean_distances", instead="use broadcasting"),
    ),
    mistakes=(
        Mistake(
            id="loops",
            message="The numbers are right, and a Python loop runs over the rows. Let numpy do it: "
            "one array operation, on all differences at once.",
            answer=_with_loops,
            on=("large",),
            recognise=lambda case, seen, expected: (
                seen["how"] == "a loop in Python" and same(seen["distances"], expected["distances"])
            ),
        ),
        Mistake(
            id="not_clipped",
            message="There is NaN: for points that are the same, rounding leaves a tiny negative "
            "number under the root. Clip at 0 first, with `np.maximum`.",
            answer=_unclipped,
            on=("itself",),
            recognise=lambda case, seen, expected: (
                np.shape(seen["distances"]) == np.shape(expected["distances"])
                and bool(np.isnan(seen["distances"]).any())
            ),
        ),
        Mistake(
            id="products_added",
            message="The products are added where they should be subtracted: "
            "|x - y|² = |x|² + |y|² - 2 x·y.",
            answer=lambda X, Y: np.sqrt((X**2).sum(1)[:, None] + (Y**2).sum(1) + 2 * X @ Y.T),
        ),
        Mistake(
            id="once",
            message="The product x · y comes twice: |x - y|² = |x|² + |y|² - 2 x·y.",
            answer=lambda X, Y: np.sqrt(
                np.maximum((X**2).sum(1)[:, None] + (Y**2).sum(1) - X @ Y.T, 0)
            ),
        ),
        Mistake(
            id="products",
            message="These are the dot products, X Yᵀ. Distances are asked for: subtract, square, "
            "add up, take the root.",
            answer=lambda X, Y: X @ Y.T,
        ),
        Mistake(
            id="not_squared",
            message="The differences are not squared, so those of either sign cancel.",
            answer=lambda X, Y: (X[:, None] - Y).sum(2),
        ),
        Mistake(
            id="squared",
            message="These are the squared distances: the root is missing.",
            answer=lambda X, Y: _distances(X, Y) ** 2,
        ),
        Mistake(
            id="halved",
            message="These are half the squared distances: `**1/2` is first `**1`, then `/2`. "
            "Write `** 0.5`, or np.sqrt.",
            answer=lambda X, Y: _distances(X, Y) ** 2 / 2,
        ),
        Mistake(
            id="city_blocks",
            message="This adds up absolute differences, the way by city blocks. The straight way "
            "squares, adds, and takes the root.",
            answer=lambda X, Y: np.abs(X[:, None] - Y).sum(2),
        ),
        Mistake(
            id="transposed",
            message="Rows and columns are exchanged: row i belongs to X[i], column j to Y[j].",
            answer=lambda X, Y: _distances(Y, X),
        ),
        Mistake(
            id="largest_difference",
            message="This is the largest difference in any entry. All entries count: square, add "
            "up, take the root.",
            answer=lambda X, Y: np.abs(X[:, None] - Y).max(2),
        ),
        Mistake(
            id="not_summed",
            message="The entries' differences are not added up: sum over the last axis.",
            answer=lambda X, Y: np.abs(X[:, None] - Y),
        ),
    ),
    hints=(
        "Every row of X against every row of Y: give X a new axis, so that they broadcast.",
        "`X[:, None, :] - Y` has shape (n, m, d). Square it, add up the last axis, take the root. "
        "Leaner in memory: |x - y|² = |x|² + |y|² - 2 x·y, clipped at 0. See "
        "[broadcasting](https://numpy.org/doc/stable/user/basics.broadcasting.html).",
        "```python\ndifferences = X[:, None, :] - Y  # (n, m, d)\n"
        "return np.sqrt((differences**2).sum(...))\n```",
    ),
)


def _batch_cases(rng: np.random.Generator) -> list[Case]:
    def case(name: str, *shape: int, draw: Callable[..., Array] = numbers) -> Case:
        b, n, m, p = shape
        return {"name": name, "args": [draw(rng, b, n, m), draw(rng, b, m, p)]}

    cases = [case("batch", *shape) for shape in ((4, 2, 3, 5), (2, 4, 3, 1), (3, 5, 2, 4))]
    cases += [case("square", 2, 2, 2, 2), case("batch", 2, 3, 4, 2, draw=whole)]
    return [*cases, {**case("many", 30, 2, 4, 3), "count": True}]


NUMBERS = ("batch", "square")  # the cases in which the numbers are looked at


def _batch_reference(case: Case) -> Any:
    if case.get("count"):
        return {"how": "all at once"}
    return np.stack([A.dot(B) for A, B in zip(*case["args"], strict=True)])


def _explain_batch(case: Case, seen: Any, expected: Any) -> str | None:
    said = explain_raised(case, seen, expected)
    return said and f"{said} A and B have three axes each, so three letters each before the arrow."


def _on_square(subscripts: str) -> Callable[[Case, Any, Any], bool]:
    return lambda case, seen, expected: (
        not isinstance(seen, dict) and same(seen, np.einsum(subscripts, *case["args"]))
    )


batched_matmul = Exercise(
    id="batched_matmul",
    title="Many products at once",
    takes={"batched_matmul": "function"},
    points=1,
    minutes=4,
    difficulty=2,
    cases=_batch_cases,
    probe=probes.batched,
    measure=only_raised,
    reference=_batch_reference,
    show=called("batched_matmul"),
    explain=_explain_batch,
    rules=(
        Rule(call="@", instead="say it with np.einsum"),
        Rule(call="np.matmul", instead="say it with np.einsum"),
    ),
    mistakes=(
        Mistake(
            id="one_by_one",
            message="The numbers are right, and the matrices are multiplied one after the other, "
            "in a Python loop. Give the batch a letter: one call does all of them.",
            answer=lambda A, B: np.stack([np.dot(a, b) for a, b in zip(A, B, strict=True)]),
        ),
        Mistake(
            id="all_pairs",
            message="Every matrix of A meets every matrix of B. The batch axis is shared: give it "
            "the same letter in both, and in the result.",
            answer=lambda A, B: np.dot(A, B),
            on=("batch",),
            recognise=lambda case, seen, expected: (
                np.ndim(seen) == 4
                and sorted(np.shape(seen)) == sorted((len(seen), *expected.shape))
                and np.shape(seen).count(len(expected)) >= 2
            ),
        ),
        Mistake(
            id="not_summed",
            message="Nothing is added up: all four letters are on the right of the arrow. Leave "
            "out the one to sum over, A's last and B's middle one.",
            answer=lambda A, B: np.einsum("bij,bjk->bijk", A, B),
            on=NUMBERS,
            recognise=lambda case, seen, expected: (
                np.ndim(seen) == 4
                and any(same(np.sum(seen, axis=axis), expected) for axis in range(4))
            ),
        ),
        Mistake(
            id="two_batches",
            message="Each matrix of A meets the sum of all matrices of B: B's batch has a letter "
            "of its own. Give the batch the same letter in both.",
            answer=lambda A, B: np.einsum("bij,cjk->bik", A, B),
            on=NUMBERS,
        ),
        Mistake(
            id="two_batches_of_a",
            message="The sum of all matrices of A meets each matrix of B: A's batch has a letter "
            "of its own. Give the batch the same letter in both.",
            answer=lambda A, B: np.einsum("cij,bjk->bik", A, B),
            on=NUMBERS,
        ),
        Mistake(
            id="batch_summed",
            message="The products of the whole batch are added up: the batch letter is missing "
            "on the right of the arrow.",
            answer=lambda A, B: np.einsum("bij,bjk->ik", A, B),
            on=NUMBERS,
        ),
        Mistake(
            id="transposed",
            message="Each product is transposed: the last two letters of the result are exchanged.",
            answer=lambda A, B: np.einsum("bij,bjk->bki", A, B),
            on=NUMBERS,
        ),
        Mistake(
            id="rows_with_rows",
            message="Rows of A meet rows of B: the shared letter is A's last and B's middle one.",
            answer=lambda A, B: np.einsum("bij,bkj->bik", A, B),
            on=("square",),
            recognise=_on_square("bij,bkj->bik"),
        ),
        Mistake(
            id="reversed",
            message="This is B A in each product, where A B is asked for.",
            answer=lambda A, B: np.einsum("bij,bjk->bik", B, A),
            on=("square",),
            recognise=lambda case, seen, expected: (
                not isinstance(seen, dict) and same(seen, np.matmul(*case["args"][::-1]))
            ),
        ),
        Mistake(
            id="batch_last",
            message="The batch axis has moved to the end: the result starts with it.",
            answer=lambda A, B: np.einsum("bij,bjk->ikb", A, B),
            on=NUMBERS,
        ),
        Mistake(
            id="first_only",
            message="Only the first product of the batch is there.",
            answer=lambda A, B: A[0] @ B[0],
            on=NUMBERS,
        ),
    ),
    hints=(
        'The product of two matrices is "ij,jk->ik". Add one letter for the batch.',
        "A letter on both sides of the arrow is kept, one on the left alone is summed over. The "
        "batch is kept.",
        '`np.einsum("bij,...->bik", A, B)`',
    ),
)


# --- Other axes --------------------------------------------------------------------------------


def _basis_cases(rng: np.random.Generator) -> list[Case]:
    cases = [{"args": [numbers(rng, n, n), invertible(rng, n)]} for n in (2, 3, 4)]
    cases.append({"args": [numbers(rng, 2, 2), np.array([[1, 1], [1, 2]])]})
    return [*cases, {"args": [whole(rng, 3, 3), invertible(rng, 3)]}]


def _in_new_basis(A: Array, P: Array) -> Array:
    """Column by column: take a new basis vector, move it, express the result in the new basis."""
    columns = [np.linalg.lstsq(P.astype(float), A.dot(p), rcond=None)[0] for p in P.T]
    return np.array(columns).T


def _with_inverse(A: Array, P: Array, seen: Any) -> bool:
    back, undone = np.linalg.inv(P), np.linalg.pinv(A)
    products = (undone @ P, P @ undone, P @ undone @ P, back @ undone @ P, P @ undone @ back)
    return any(same(seen, product) for product in products)


change_of_basis = Exercise(
    id="change_of_basis",
    title="The same map in other axes",
    takes={"change_of_basis": "function"},
    points=2,
    minutes=9,
    difficulty=3,
    cases=_basis_cases,
    probe=probes.own,
    reference=lambda case: _in_new_basis(*case["args"]),
    show=called("change_of_basis"),
    rtol=1e-4,
    atol=1e-5,
    mistakes=(
        Mistake(
            id="other_way",
            message="This is P A P⁻¹, the way back: it takes A for the map in the new basis. "
            "From the right: P translates to the old basis, A moves, P⁻¹ translates back.",
            answer=lambda A, P: P @ A @ np.linalg.inv(P),
        ),
        Mistake(
            id="transpose",
            message="Pᵀ stands where P⁻¹ belongs. They are the same only for a basis of right "
            "angles and length 1.",
            answer=lambda A, P: P.T @ A @ P,
        ),
        Mistake(
            id="entrywise",
            message="`*` multiplies entry by entry. Maps one after the other are `@`.",
            answer=lambda A, P: np.linalg.inv(P) * A * P,
        ),
        Mistake(
            id="reciprocals",
            message="`P**-1` takes one over each entry. The inverse is `np.linalg.inv(P)`.",
            answer=lambda A, P: P.astype(float) ** -1 @ A @ P,
        ),
        Mistake(
            id="A_undone",
            message="A is undone where it should act. Only P has an inverse in it.",
            answer=lambda A, P: np.linalg.pinv(A) @ P,
            recognise=lambda case, seen, expected: _with_inverse(*case["args"], seen),
        ),
        Mistake(
            id="not_back",
            message="The result is still in the old basis: after A P comes P⁻¹.",
            answer=lambda A, P: A @ P,
        ),
        Mistake(
            id="not_there",
            message="A is given vectors of the new basis as if they were of the old: P belongs "
            "on the right, before A acts.",
            answer=lambda A, P: np.linalg.inv(P) @ A,
        ),
        Mistake(
            id="inverse_twice",
            message="P⁻¹ stands on both sides. On the right belongs P: it translates their numbers "
            "into yours, before A acts.",
            answer=lambda A, P: np.linalg.inv(P) @ A @ np.linalg.inv(P),
        ),
        Mistake(
            id="no_inverse",
            message="P stands on both sides. On the left belongs P⁻¹: it translates back, after A.",
            answer=lambda A, P: P @ A @ P,
        ),
        Mistake(
            id="cancels",
            message="P and P⁻¹ stand side by side and cancel: A belongs between them.",
            answer=lambda A, P: np.linalg.inv(P) @ P @ A,
        ),
        Mistake(
            id="rows",
            message="It takes the rows of P for the new basis vectors. They are its columns.",
            answer=lambda A, P: np.linalg.inv(P.T) @ A @ P.T,
        ),
    ),
    hints=(
        "Three steps: from the new basis to the old, move, and from the old to the new.",
        "P turns new coordinates into old ones, since its columns are the new basis vectors in "
        "old coordinates. P⁻¹ does the reverse. The first step stands on the right.",
        "`np.linalg.inv(P) @ ... @ ...`",
    ),
)

# --- Lines that stay ---------------------------------------------------------------------------

predict_stays = question(
    "predict_stays",
    "Which lines stay?",
    minutes=3,
    right="c",
    options={
        "a": Option(
            text="all of them",
            why="Follow (0, 1): it goes to (1, 1), off its line.",
        ),
        "b": Option(
            text="none",
            why="A rotation by a quarter would have none. A shear leaves one line in place: look "
            "at its first column.",
        ),
        "c": Option(
            text="only the x-axis",
            why="The first column is (1, 0): the x-axis stays, point by point. Every other arrow "
            "leans over, off its line.",
        ),
        "d": Option(
            text="the x-axis and the y-axis",
            why="The x-axis stays. But (0, 1) on the y-axis goes to (1, 1), which is not on it.",
        ),
    },
    hints=(
        "The columns say where (1, 0) and (0, 1) land.",
        "A line stays if a vector on it lands on the same line.",
        "(x, y) goes to (x + y, y). When is that a multiple of (x, y)?",
    ),
)


def with_values(rng: np.random.Generator, values: Any, right_angles: bool = False) -> Array:
    """A matrix with these eigenvalues, and eigenvectors that are drawn."""
    n = len(values)
    V = invertible(rng, n)
    V = V / np.linalg.norm(V, axis=0)
    V = np.linalg.qr(V)[0] if right_angles else V
    return V @ np.diag(values) @ np.linalg.inv(V)


def _power_cases(rng: np.random.Generator) -> list[Case]:
    def value(low: float, high: float) -> float:
        return round(float(rng.uniform(low, high)), 2)

    return [
        {"name": "plain", "args": [with_values(rng, [value(3, 4), 1.2, -0.6], right_angles=True)]},
        {"name": "plain", "args": [with_values(rng, [value(2, 3), -0.8])]},
        {"name": "negative", "args": [with_values(rng, [-value(2, 3), 1.1, 0.4, 0.2])]},
        {"name": "large", "args": [with_values(rng, [value(4000, 6000), 900, 200])]},
        {"name": "small", "args": [with_values(rng, [value(0.01, 0.02), 0.003])]},
        {"name": "ones", "args": [2.0 ** int(rng.integers(-1, 3)) * np.array([[2, -1], [-1, 2]])]},
        {"name": "diagonal", "args": [np.diag([2, 5, 1, 1])]},
        {"name": "slow", "args": [_nearly_as_large(rng)]},
    ]


def _nearly_as_large(rng: np.random.Generator) -> Array:
    """A matrix whose second eigenvalue is not much smaller: it takes many steps."""
    top = round(float(rng.uniform(2, 3)), 2)
    return with_values(rng, [top, 0.85 * top, 0.3, 0.2, 0.1], right_angles=True)


def _pair(seen: Any) -> tuple[float, Array]:
    value, vector = seen
    value = np.asarray(value, dtype=float).reshape(())
    return float(value), np.asarray(vector, dtype=float)


def _of_pairs(recognise: Callable[..., Any]) -> Callable[[Case, Any, Any], bool]:
    """`recognise`, for answers of one number and an array; False for all others."""

    def checked(case: Case, seen: Any, expected: Any) -> bool:
        try:
            _pair(seen)
        except (TypeError, ValueError):
            return False
        return bool(recognise(case, seen, expected))

    return checked


def _of_vectors(recognise: Callable[..., Any]) -> Callable[[Case, Any, Any], bool]:
    """`recognise`, for answers of one number and a vector that A can be multiplied by."""
    return _of_pairs(
        lambda case, seen, expected: (
            _pair(seen)[1].shape == (len(case["args"][0]),) and recognise(case, seen, expected)
        )
    )


def _measure_power(case: Case, seen: Any) -> Any:
    A = np.asarray(case["args"][0], dtype=float)
    value, vector = _pair(seen)
    if vector.shape != (len(A),) or not np.all(np.isfinite([value, *vector])):
        return seen
    length = float(np.linalg.norm(vector))
    along = float(np.linalg.norm(A @ vector - value * vector))
    return {
        "eigenvalue": value,
        "length of the vector": length,
        "A only stretches the vector": along < 1e-3 * abs(value) * length,
    }


def _stretched(case: Case, seen: Any) -> bool:
    """Whether A only stretches the vector, by the eigenvalue beside it."""
    found = _measure_power(case, seen)
    return isinstance(found, dict) and bool(found["A only stretches the vector"])


def _top(A: Array) -> tuple[float, Array]:
    values, vectors = np.linalg.eig(A)
    i = int(np.argmax(np.abs(values)))
    return float(values[i].real), vectors[:, i].real


def _power_reference(case: Case) -> dict[str, Any]:
    return {
        "eigenvalue": _top(case["args"][0])[0],
        "length of the vector": 1.0,
        "A only stretches the vector": True,
    }


def _explain_power(case: Case, seen: Any, expected: Any) -> str | None:
    n = len(case["args"][0])
    if seen is None:
        return None
    if not isinstance(seen, list) or len(seen) != 2:
        return "Return two things: the eigenvalue and the eigenvector, in this order"
    if np.shape(seen[0]) != () and np.size(seen[0]) != 1:
        return (
            f"The eigenvalue should be one number, and it has shape {np.shape(seen[0])}. "
            "The dot product v · (A v) is `v @ (A @ v)`"
        )
    _, vector = _pair(seen)
    if vector.shape != (n,):
        return f"The eigenvector has shape {vector.shape}, expected ({n},)"
    if not _settled(case, seen):
        return "The vector is no eigenvector: A turns it. Multiply by A at each step, many times"
    return None


def _settled(case: Case, seen: Any) -> bool:
    """Whether the vector is an eigenvector, whatever its length and the value beside it."""
    v = _pair(seen)[1]
    v = v / np.linalg.norm(v)
    moved = np.asarray(case["args"][0], dtype=float) @ v
    return bool(np.linalg.norm(moved - (v @ moved) * v) < 1e-3 * np.linalg.norm(moved))


def _is_longest(case: Case, seen: Any) -> bool:
    v = _pair(seen)[1]
    return _settled(case, seen) and _close(
        abs(v @ _top(np.asarray(case["args"][0], float))[1]), np.linalg.norm(v)
    )


def _second(A: Array) -> tuple[float, Array]:
    values, vectors = np.linalg.eig(A)
    i = int(np.argsort(np.abs(values))[-2])
    return float(values[i].real), vectors[:, i].real


def _iterated(
    steps: int = 200, start: str = "drawn", normalise: bool = True
) -> Callable[[Array], Any]:
    def power_iteration(A: Array) -> Any:
        n = len(A)
        v = np.ones(n) if start == "ones" else np.random.default_rng(5).normal(size=n)
        with np.errstate(all="ignore"):
            for _ in range(steps):
                v = A @ v
                v = v / np.linalg.norm(v) if normalise else v
            value = v @ A @ v / (v @ v)
            return float(value), v / np.linalg.norm(v)

    return power_iteration


def _along(seen: Any, v: Array) -> bool:
    """Whether the answer's vector lies along v, whatever its length and sign."""
    found = _pair(seen)[1]
    return bool(abs(found @ v) > (1 - 1e-9) * np.linalg.norm(found) * np.linalg.norm(v) > 0)


def _ends_of_svd(A: Array) -> tuple[Array, Array]:
    """The direction that A stretches most, before and after."""
    U, _, Vt = np.linalg.svd(np.asarray(A, dtype=float))
    return Vt[0], U[:, 0]


def _given_start(A: Array, steps: int) -> tuple[float, Array]:
    """A few steps from the start that the exercise gives."""
    v = np.random.default_rng(0).normal(size=len(A))
    for _ in range(steps):
        v = A @ v
    v = v / np.linalg.norm(v)
    return float(v @ A @ v), v


def _smallest(A: Array) -> tuple[float, Array]:
    values, vectors = np.linalg.eig(A)
    i = int(np.argmin(np.abs(values)))
    return float(values[i].real), vectors[:, i].real


def _close(a: float, b: float) -> bool:
    return bool(np.isclose(a, b, rtol=1e-3))


power_iteration = Exercise(
    id="power_iteration",
    title="The line that wins",
    takes={"power_iteration": "function"},
    points=2,
    minutes=11,
    difficulty=3,
    cases=_power_cases,
    measure=_measure_power,
    reference=_power_reference,
    show=called("power_iteration"),
    explain=_explain_power,
    rtol=1e-3,
    atol=1e-6,
    rules=tuple(
        Rule(call=f"np.linalg.{name}", instead="multiply by A, again and again")
        for name in ("eig", "eigh", "eigvals", "eigvalsh", "svd")
    ),
    mistakes=(
        Mistake(
            id="not_normalised",
            message="The numbers run out of range. The vector grows or shrinks at every step: "
            "divide it by its length each time.",
            answer=_iterated(normalise=False, steps=400),
            on=("large", "small"),
            recognise=lambda case, seen, expected: (
                np.shape(seen[0]) == ()
                and np.shape(seen[1]) == (len(case["args"][0]),)
                and broken(np.hstack(seen))
            ),
        ),
        Mistake(
            id="exchanged",
            message="The two results are exchanged: first the eigenvalue, then the eigenvector.",
            answer=lambda A: _iterated()(A)[::-1],
            recognise=lambda case, seen, expected: (
                np.shape(seen[0]) == (len(case["args"][0]),) and np.shape(seen[1]) == ()
            ),
        ),
        Mistake(
            id="smallest",
            message="This is the eigenvalue of the smallest size. Multiplying by A makes the "
            "largest win; solving, or inverting A, the smallest.",
            answer=_smallest,
            on=("plain", "negative", "large", "diagonal"),
            recognise=_of_pairs(
                lambda case, seen, expected: (
                    _close(seen[0], _smallest(case["args"][0])[0])
                    and not _close(seen[0], _top(case["args"][0])[0])
                )
            ),
        ),
        Mistake(
            id="another_one",
            message="This is an eigenvector, and not that of the largest eigenvalue: the start had "
            "no share of that one. Draw the start with `np.random.default_rng().normal`.",
            answer=_second,
            on=("plain", "negative", "large", "diagonal"),
            recognise=_of_vectors(
                lambda case, seen, expected: _settled(case, seen) and not _is_longest(case, seen)
            ),
        ),
        Mistake(
            id="started_with_ones",
            message="This matrix only stretches (1, 1), so a start along it, such as all ones, "
            "never sees the longer direction. Start from a random vector.",
            answer=_iterated(start="ones"),
            on=("ones",),
            recognise=_of_pairs(
                lambda case, seen, expected: (
                    _close(seen[0], expected["eigenvalue"] / 3)
                    and _close(abs(np.sum(_pair(seen)[1])), 2**0.5)
                )
            ),
        ),
        Mistake(
            id="no_sign",
            message="The sign of the eigenvalue is lost: the length of A @ v is never negative. "
            "Compare A @ v with v: for a v of length 1, the eigenvalue is v · (A v).",
            answer=lambda A: (abs(_top(A)[0]), _top(A)[1]),
            on=("negative",),
            recognise=_of_pairs(
                lambda case, seen, expected: _close(seen[0], -expected["eigenvalue"])
            ),
        ),
        Mistake(
            id="transposed",
            message="It settles on an eigenvector of Aᵀ: multiply by `A @ v`, not `v @ A`.",
            answer=lambda A: _iterated()(A.T),
            on=("plain", "negative", "large", "small"),
            recognise=_of_vectors(
                lambda case, seen, expected: (
                    not _settled(case, seen) and _along(seen, _top(case["args"][0].T)[1])
                )
            ),
        ),
        Mistake(
            id="singular_direction",
            message="This is a direction of `svd`, the one that A makes longest, and A turns it. "
            "An eigenvector stays on its line: multiply by A again and again, without `svd`.",
            answer=lambda A: (lambda U, s, Vt: (s[0], Vt[0]))(*np.linalg.svd(A)),
            on=("plain", "negative", "large", "small"),
            recognise=_of_vectors(
                lambda case, seen, expected: (
                    not _settled(case, seen)
                    and any(_along(seen, v) for v in _ends_of_svd(case["args"][0]))
                )
            ),
        ),
        Mistake(
            id="one_step",
            message="It is the result of one step, or of none: is v itself replaced in the loop, "
            "and the return after it?",
            answer=lambda A: _given_start(A, steps=1),
            recognise=_of_vectors(
                lambda case, seen, expected: any(
                    _along(seen, _given_start(case["args"][0], steps)[1]) for steps in (0, 1)
                )
            ),
        ),
        Mistake(
            id="longer_than_one",
            message="The vector is right but for its length: divide it by its length at the end, "
            "too.",
            answer=lambda A: (lambda value, v: (value, A @ v))(*_iterated()(A)),
            recognise=_of_vectors(
                lambda case, seen, expected: (
                    _stretched(case, seen) and _close(seen[0], expected["eigenvalue"])
                )
            ),
        ),
        Mistake(
            id="length_in_value",
            message="The direction is right, and v is not of length 1. So v · (A v) is not the "
            "eigenvalue, and v not the answer: divide by the length, `np.linalg.norm(v)`.",
            answer=lambda A: (lambda value, v: (2.25 * value, 1.5 * v))(*_iterated()(A)),
            recognise=_of_vectors(
                lambda case, seen, expected: (
                    _is_longest(case, seen) and not _close(_pair(seen)[1] @ _pair(seen)[1], 1)
                )
            ),
        ),
        Mistake(
            id="value",
            message="The vector is right and the eigenvalue is not. For v of length 1 it is "
            "v · (A v), `v @ (A @ v)`; a ratio of two entries fails where one is 0.",
            answer=lambda A: (lambda value, v: (value / 2, v))(*_iterated()(A)),
            recognise=_of_vectors(lambda case, seen, expected: _is_longest(case, seen)),
        ),
        Mistake(
            id="too_few_steps",
            message="The direction has not settled. Is v replaced by A @ v, brought to length 1, "
            "in each of 100 steps?",
            answer=_iterated(steps=2),
            recognise=_of_vectors(
                lambda case, seen, expected: (
                    not _settled(case, seen)
                    and abs(_pair(seen)[1] @ _top(case["args"][0])[1]) > 0.5
                )
            ),
        ),
    ),
    hints=(
        "Multiply by A again and again. Which direction is stretched most, and so wins?",
        "The loop replaces v by A v, divided by its length. When v has settled, A v is the "
        "eigenvalue times v, so v · (A v) is the eigenvalue, with its sign. See "
        "[power iteration](https://en.wikipedia.org/wiki/Power_iteration).",
        "`v = A @ v`, then `v = v / ...`; in the end `v @ A @ v` is the eigenvalue",
    ),
)


def _matrix_power_cases(rng: np.random.Generator) -> list[Case]:
    stay = rng.uniform(0.6, 0.9, 2).round(2)
    weather = np.array([[stay[0], 1 - stay[1]], [1 - stay[0], stay[1]]])
    return [
        {"name": "general", "args": [with_values(rng, [1.3, -0.7]), 5]},
        {"name": "general", "args": [with_values(rng, [1.4, -1.1, 0.6]), 4]},
        {"name": "plain", "args": [with_values(rng, [1.2, -0.9, 0.5, 1.7], right_angles=True), 3]},
        {"name": "plain", "args": [np.array([[1, 1], [1, 0]]), 20]},
        {"name": "plain", "args": [weather, 1000]},
        {"name": "general", "args": [with_values(rng, [1.5, -1.2, 0.8]), 1]},
        {"name": "zero", "args": [with_values(rng, [2.0, -0.5]), 0]},
        {"name": "many", "args": [weather, 120], "count": True},
    ]


POWERS = ("general", "plain", "zero")  # the cases in which the numbers are looked at


def _repeated(A: Array, n: int) -> Array:
    result = np.eye(len(A))
    for _ in range(n):
        result = result.dot(A)
    return result


def _through(inside: Callable[..., Any]) -> Callable[[Array, int], Array]:
    """A power by eigenvectors, put together by `inside(V, powers, inverse of V)`."""

    def matrix_power(A: Array, n: int) -> Array:
        values, V = np.linalg.eig(A)
        order = np.argsort(values)  # so that a mistake does not depend on eig's order
        values, V = values[order], V[:, order]
        return inside(V, np.diag(values ** float(n)), np.linalg.inv(V)).real

    return matrix_power


def _transposed(case: Case) -> Array:
    return _through(lambda V, D, inverse: V @ D @ V.T)(*case["args"])


matrix_power = Exercise(
    id="matrix_power",
    title="A thousand steps at once",
    takes={"matrix_power": "function"},
    points=2,
    minutes=8,
    difficulty=3,
    cases=_matrix_power_cases,
    probe=probes.stepped,
    reference=lambda case: (
        {"how": "all steps at once"} if case.get("count") else _repeated(*case["args"])
    ),
    show=called("matrix_power"),
    rtol=1e-3,
    atol=1e-5,
    rules=(Rule(call="np.linalg.matrix_power", instead="go through the eigenvectors"),),
    mistakes=(
        Mistake(
            id="step_by_step",
            message="The numbers are right, and it multiplies n times. Through the eigenvectors, "
            "n = 1,000,000 costs no more than n = 2.",
            answer=_repeated,
        ),
        Mistake(
            id="power_of_the_matrix_D",
            message="`D**n` of a matrix takes the power of the zeros as well, and 0**0 is 1. Take "
            "the power of the eigenvalues first, then `np.diag`.",
            answer=lambda A, n: (lambda values, V: V @ np.diag(values) ** n @ np.linalg.inv(V))(
                *np.linalg.eig(A)
            ),
            on=("zero",),
            recognise=lambda case, seen, expected: same(
                seen,
                (lambda values, V: V @ np.diag(values) ** 0 @ np.linalg.inv(V))(
                    *np.linalg.eig(case["args"][0])
                ),
            ),
        ),
        Mistake(
            id="not_diagonal",
            message="The powers are a vector here, and the result is a vector too. `np.diag` makes "
            "the diagonal matrix that belongs between V and V⁻¹.",
            answer=lambda A, n: (lambda values, V: V @ values**n @ np.linalg.inv(V))(
                *np.linalg.eig(A)
            ),
            on=POWERS,
            recognise=lambda case, seen, expected: np.ndim(seen) == 1,
        ),
        Mistake(
            id="no_power",
            message="This is A itself: the eigenvalues are to be taken to the power n.",
            answer=lambda A, n: A,
            on=POWERS,
        ),
        Mistake(
            id="symmetric_only",
            message="`np.linalg.eigh` is for symmetric matrices, and reads one half of A. These "
            "need `np.linalg.eig`.",
            answer=lambda A, n: (lambda values, V: V * values**n @ V.T)(*np.linalg.eigh(A)),
            on=("general",),
        ),
        Mistake(
            id="entrywise",
            message="`A**n` takes the power of each entry. The n-th power of a matrix is A @ A "
            "@ ..., n times.",
            answer=lambda A, n: A.astype(float) ** n,
            on=POWERS,
        ),
        Mistake(
            id="transposed",
            message="Vᵀ stands where V⁻¹ belongs. They are the same only where the eigenvectors "
            "are at right angles, as for a symmetric A.",
            answer=_through(lambda V, D, inverse: V @ D @ V.T),
            on=("general",),
            recognise=lambda case, seen, expected: same(seen, _transposed(case)),
        ),
        Mistake(
            id="times",
            message="This is n times A, not A to the power n.",
            answer=lambda A, n: A * n,
            on=POWERS,
        ),
        Mistake(
            id="one_too_many",
            message="It multiplies once too often: for n = 0 the result is the identity.",
            answer=lambda A, n: _repeated(A, n + 1),
            on=POWERS,
        ),
        Mistake(
            id="one_too_few",
            message="It multiplies once too few: for n = 1 the result is A itself.",
            answer=lambda A, n: _repeated(A, max(n - 1, 0)),
            on=POWERS,
        ),
        Mistake(
            id="diagonal",
            message="This is the power in the basis of the eigenvectors. Translate back: V on "
            "the left, V⁻¹ on the right.",
            answer=_through(lambda V, D, inverse: D),
            on=("general",),
            recognise=of_form(
                lambda case, seen, expected: np.allclose(
                    seen, np.diag(np.diag(np.asarray(seen))), atol=1e-9
                )
            ),
        ),
        Mistake(
            id="inverse_on_the_left",
            message="V and V⁻¹ are exchanged: from the right, V⁻¹ translates into the "
            "eigenvectors, the powers stretch, V translates back.",
            answer=_through(lambda V, D, inverse: inverse @ D @ V),
            on=("general",),
            recognise=lambda case, seen, expected: _exchanged(case, seen),
        ),
    ),
    hints=(
        "In the basis of its eigenvectors, a matrix only stretches. Stretching n times is easy.",
        "A A = V D V⁻¹ V D V⁻¹ = V D² V⁻¹, and so on. To take the power of a diagonal matrix is to "
        "take the power of each number on the diagonal: those are `values`. See "
        "[eig](https://numpy.org/doc/stable/reference/generated/numpy.linalg.eig.html).",
        "`V @ np.diag(...) @ np.linalg.inv(V)`, with the powers of the eigenvalues in the middle",
    ),
)


def _exchanged(case: Case, seen: Any) -> bool:
    """V⁻¹ Dⁿ V in whatever order and length `eig` gives V: the n-th power's own trace, and eig's
    own answer."""
    values, V = np.linalg.eig(case["args"][0])
    wrong = np.linalg.inv(V) @ np.diag(values ** case["args"][1]) @ V
    ours = _through(lambda V, D, inverse: inverse @ D @ V)(*case["args"])
    return same(seen, wrong.real) or same(seen, ours)


# --- Singular values ---------------------------------------------------------------------------

predict_lost = question(
    "predict_lost",
    "What is lost?",
    minutes=4,
    right="d",
    options={
        "a": Option(
            text="2",
            why="That is the smallest of the two discarded values. Both are lost.",
        ),
        "b": Option(
            text="4",
            why="That is the largest of the values you dropped. The other one is lost as well, and "
            "the entries of the difference hold both.",
        ),
        "c": Option(
            text="6",
            why="The discarded directions stand at right angles, so their lengths don't add up: "
            "their squares do.",
        ),
        "d": Option(
            text="the square root of 20",
            why="The discarded parts stand at right angles, so Pythagoras adds them: 4² + 2² = 20.",
        ),
    },
    hints=(
        "Which singular values are left out when you keep the two largest?",
        "The parts that belong to different singular values stand at right angles.",
        "What is the length of a vector with the entries 4 and 2?",
    ),
)


@functools.cache
def _digits() -> Array:
    from sklearn.datasets import load_digits

    return load_digits().images


def _low_rank_cases(rng: np.random.Generator) -> list[Case]:
    images = _digits()
    while True:
        image = images[int(rng.integers(len(images)))]
        size = np.linalg.svd(image, compute_uv=False)
        if size[3] > 1 and np.all(size[:3] - size[1:4] > 0.5):
            break

    def spread(m: int, n: int) -> Array:
        """Singular values that are clearly different."""
        U, _, Vt = np.linalg.svd(rng.normal(0, 1, (m, n)), full_matrices=False)
        size = np.array([5.0, 3.2, 1.9, 1.1, 0.6])[: min(m, n)]
        return U * size @ Vt

    return [
        {"args": [spread(4, 6), 2]},
        {"args": [spread(7, 3), 1]},
        {"name": "square", "args": [spread(4, 4), 2]},
        {"name": "digit", "args": [image, 3]},
        {"name": "digit", "args": [image[:, 1:7], 1]},
        {"name": "all rows", "args": [spread(3, 5), 3]},
        {"args": [np.array([[3, 1, 2], [-1, 4, 0], [2, 2, 5], [1, -3, 1]]), 2]},
    ]


def _nearest(case: Case) -> Array:
    """Through the eigenvectors of AᵀA: the directions that A stretches most."""
    A, k = np.asarray(case["args"][0], float), case["args"][1]
    _, vectors = np.linalg.eigh(A.T @ A)
    V = vectors[:, ::-1][:, :k]
    return A @ V @ V.T


def _svd_with(inside: Callable[..., Any]) -> Callable[[Array, int], Array]:
    def low_rank(A: Array, k: int) -> Array:
        return inside(*np.linalg.svd(A, full_matrices=False), k)

    return low_rank


def _vt_transposed(A: Array, k: int) -> Array:
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    return U[:, :k] * s[:k] @ Vt.T[:k]


low_rank = Exercise(
    id="low_rank",
    title="Keep what matters",
    takes={"low_rank": "function"},
    points=2,
    minutes=8,
    difficulty=3,
    cases=_low_rank_cases,
    probe=probes.shaped,
    measure=only_raised,
    reference=_nearest,
    show=called("low_rank"),
    explain=explain_raised,
    rtol=1e-3,
    atol=1e-4,
    mistakes=(
        Mistake(
            id="squared",
            message="The singular values are squared. They belong in once: A = U diag(s) Vt.",
            answer=_svd_with(lambda U, s, Vt, k: U[:, :k] * s[:k] ** 2 @ Vt[:k]),
        ),
        Mistake(
            id="left_out",
            message="The singular values are left out: each direction counts by its size.",
            answer=_svd_with(lambda U, s, Vt, k: U[:, :k] @ Vt[:k]),
        ),
        Mistake(
            id="smallest",
            message="It keeps the smallest singular values. numpy sorts them from the largest "
            "on: keep the first k.",
            answer=_svd_with(lambda U, s, Vt, k: U[:, -k:] * s[-k:] @ Vt[-k:]),
        ),
        Mistake(
            id="one_too_many",
            message="It keeps k + 1 singular values: `[:k]` has k of them.",
            answer=_svd_with(lambda U, s, Vt, k: U[:, : k + 1] * s[: k + 1] @ Vt[: k + 1]),
        ),
        Mistake(
            id="one_too_few",
            message="It keeps k - 1 singular values: `[:k]` has k of them.",
            answer=_svd_with(lambda U, s, Vt, k: U[:, : k - 1] * s[: k - 1] @ Vt[: k - 1]),
        ),
        Mistake(
            id="rest",
            message="This is what is thrown away: A minus the part to keep.",
            answer=_svd_with(lambda U, s, Vt, k: U[:, k:] * s[k:] @ Vt[k:]),
        ),
        Mistake(
            id="drops_k",
            message="It drops k singular values. Keep k: `[:k]`, without the minus.",
            answer=_svd_with(lambda U, s, Vt, k: U[:, :-k] * s[:-k] @ Vt[:-k]),
        ),
        Mistake(
            id="one_alone",
            message="Only one singular value is in it: the k-th. Keep the first k together.",
            answer=_svd_with(lambda U, s, Vt, k: U[:, k - 1 : k] * s[k - 1] @ Vt[k - 1 : k]),
        ),
        Mistake(
            id="vt_transposed",
            message="Vt comes transposed already: use its first k rows as they are.",
            answer=_vt_transposed,
            on=("square",),
            recognise=lambda case, seen, expected: (
                not isinstance(seen, dict) and same(seen, _vt_transposed(*case["args"]))
            ),
        ),
        Mistake(
            id="columns_of_vt",
            message="It cuts columns of Vt. The parts are its rows: `Vt[:k]`.",
            answer=_svd_with(lambda U, s, Vt, k: U[:, :k] * s[:k] @ Vt[:, :k]),
            on=("all rows",),
            recognise=lambda case, seen, expected: same(
                seen,
                _svd_with(lambda U, s, Vt, k: U[:, :k] * s[:k] @ Vt[:, :k])(*case["args"]),
            ),
        ),
        Mistake(
            id="whole",
            message="This is A itself: k is not used.",
            answer=lambda A, k: A,
        ),
        Mistake(
            id="factors",
            message="These are the coordinates in the k directions. Multiply by the first k rows "
            "of Vt to come back to the shape of A.",
            answer=_svd_with(lambda U, s, Vt, k: np.abs(U[:, :k] * s[:k])),
            recognise=lambda case, seen, expected: (
                np.shape(seen) == (len(case["args"][0]), case["args"][1])
                and np.shape(seen) != np.shape(case["args"][0])
                and not broken(seen)
            ),
        ),
    ),
    hints=(
        "Take the decomposition apart, keep the first k of each part, put it together again.",
        "A part is a column of U, times its number in s, times a row of Vt. Cut U, s and Vt so "
        "that k parts are left: columns, numbers, rows. The product adds them up. See "
        "[svd](https://numpy.org/doc/stable/reference/generated/numpy.linalg.svd.html).",
        "`U[:, :k] @ np.diag(s[:k]) @ ...`",
    ),
)

EXERCISES = [
    predict_shadow,
    project,
    least_squares,
    cosine_similarity,
    predict_shape,
    pairwise_distances,
    batched_matmul,
    change_of_basis,
    predict_stays,
    power_iteration,
    matrix_power,
    predict_lost,
    low_rank,
]
