"""The causal mask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake


def _as_booleans(case: Case, seen: Any) -> Any:
    """Ones and zeros count as True and False."""
    array = np.asarray(seen)
    if array.dtype.kind in "iuf" and np.isin(array, (0, 1)).all():
        return array.astype(bool)
    return seen


def _triangle(keep: Callable[[int, int], bool]) -> Callable[[int], np.ndarray]:
    return lambda T: np.array([[keep(i, j) for j in range(T)] for i in range(T)], dtype=bool)


causal_mask = Exercise(
    id="causal_mask",
    title="No looking ahead",
    takes={"causal_mask": "function"},
    points=1,
    minutes=5,
    difficulty=2,
    cases=lambda rng: [{"args": [int(T)]} for T in (*rng.permutation([4, 5, 6, 7])[:3], 1, 9)],
    measure=_as_booleans,
    reference=lambda case: _triangle(lambda i, j: j <= i)(case["args"][0]),
    mistakes=(
        Mistake(
            id="causal_strict",
            message="No word may look at itself here. The diagonal is allowed: word i sees words 0 "
            "to i, itself included.",
            answer=_triangle(lambda i, j: j < i),
        ),
        Mistake(
            id="causal_future",
            message="It is the wrong way round: each word sees itself and the *later* words. Row i "
            "is True in columns 0 to i.",
            answer=_triangle(lambda i, j: j >= i),
        ),
        Mistake(
            id="causal_inverted",
            message="True and False are swapped: this marks what is hidden, and here True means "
            "that a word may be attended.",
            answer=_triangle(lambda i, j: j > i),
        ),
        Mistake(
            id="causal_ahead",
            message="Each word also sees the one right after it. Row i is True in columns 0 to i.",
            answer=_triangle(lambda i, j: j <= i + 1),
        ),
        Mistake(
            id="causal_self",
            message="Each word sees itself alone. The earlier ones are allowed as well.",
            answer=_triangle(lambda i, j: i == j),
        ),
        Mistake(
            id="causal_all",
            message="Everything is allowed. Row i is True in columns 0 to i only.",
            answer=_triangle(lambda i, j: True),
        ),
        Mistake(
            id="causal_additive",
            message="This is a mask to be *added* to the scores, with minus infinity or a huge "
            "negative number. Here a mask is of True and False.",
            answer=lambda T: np.where(np.tril(np.ones((T, T))) == 1, 0.0, -np.inf),
            recognise=lambda case, seen, expected: bool(
                np.asarray(seen, dtype=float).min() < -1e3
                and np.asarray(seen).shape == expected.shape
            ),
        ),
    ),
    hints=(
        "Draw it for T = 4: in row 0 one True, in row 3 four.",
        "`i = np.arange(T)` are the numbers of the words. `i[:, None]` is a column of them and "
        "`i[None, :]` a row; comparing the two gives a table. Or "
        "[np.tril](https://numpy.org/doc/stable/reference/generated/numpy.tril.html).",
        "```python\ni = np.arange(T)\nreturn i[None, :] <= ...\n```",
    ),
)
