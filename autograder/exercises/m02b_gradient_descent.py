"""The exercises of 02b_gradient_descent: slopes, the way down, and a network that reads digits."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake, question
from autograder.core.plain import form
from autograder.exercises.m02a_neural_networks import network, option
from autograder.probes import m02_neural_networks as probes

MODULE = "02b_gradient_descent"


# --- Slopes by nudging -------------------------------------------------------------------------


def _spread(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Numbers of either sign, none near 0."""
    return rng.choice([-1, 1], shape) * rng.uniform(0.4, 2.0, shape)


def _numerical_cases(rng: np.random.Generator) -> list[Case]:
    def case(name: str, kind: str, *shape: int) -> Case:
        weights, center = _spread(rng, *shape), _spread(rng, *shape)
        return {
            "name": name,
            "kind": kind,
            "weights": weights,
            "center": center,
            "x": np.round(_spread(rng, *shape), 2),
        }

    whole = case("whole numbers", "bowl", 4)
    whole["x"] = rng.permutation([-3, 2, 1, -1])
    kink = case("kink", "kink", 5)
    kink["x"] = np.where(rng.permutation(5) < 3, kink["center"], kink["x"])
    return [
        case("row", "bowl", 3),
        case("matrix", "wave", 2, 4),
        kink,
        case("one number", "wave", 1),
        whole,
    ]


def _numerical_reference(case: Case) -> dict[str, Any]:
    """The slopes in closed form, as calculus gives them."""
    _, slope = probes.bowl(case)
    return {"gradient": slope(np.asarray(case["x"], dtype=float)), "x is what it was": True}


def _nudged(
    f: Callable,
    x: np.ndarray,
    up: float = 1e-5,
    down: float = 1e-5,
    width: float = 2e-5,
    only_below: bool = False,
) -> np.ndarray:
    slopes = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        above, below = x.astype(float), x.astype(float)
        above[index] += up
        below[index] -= down
        slopes[index] = (f(above) - f(below)) / width
        if only_below:
            slopes[index] = f(above) - f(below) / width
    return slopes


def _nudged_in_place(f: Callable, x: np.ndarray) -> np.ndarray:
    slopes = _nudged(f, x)
    x += 1
    return slopes


def _never_put_back(f: Callable, x: np.ndarray) -> np.ndarray:
    x, slopes = x.astype(float), np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        x[index] += 1e-5
        above = f(x)
        x[index] -= 2e-5
        slopes[index] = (above - f(x)) / 2e-5
        x[index] -= 0.01
    return slopes


def _set_to_h(f: Callable, x: np.ndarray) -> np.ndarray:
    slopes = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        above, below = x.astype(float), x.astype(float)
        above[index], below[index] = 1e-5, -1e-5
        slopes[index] = (f(above) - f(below)) / 2e-5
    return slopes


def _of_one_entry(f: Callable, x: np.ndarray) -> np.ndarray:
    """Costs of the nudged entry alone, in place of the whole array."""
    slopes = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        slopes[index] = (f(x[index] + 1e-5) - f(x[index] - 1e-5)) / 2e-5
    return slopes


def _all_at_once(f: Callable, x: np.ndarray) -> Any:
    x = x.astype(float)
    return (f(x + 1e-5) - f(x - 1e-5)) / 2e-5


def _nudged_as_it_is(f: Callable, x: np.ndarray, same: bool = False) -> np.ndarray:
    """Nudges of an array that has the type of x: whole numbers stay whole.

    With `same` it is one array that is nudged up, down twice and up again.
    """
    h, slopes, x = 1e-5, np.zeros(x.shape), x.copy()
    for index in np.ndindex(x.shape):
        kept = x[index]
        x[index] += h
        above = f(x)
        x[index] = x[index] - 2 * h if same else kept - h
        slopes[index] = (above - f(x)) / (2 * h)
        x[index] = x[index] + h if same else kept
    return slopes


def _nudges_cut_off(case: Case, seen: Any, expected: Any) -> bool:
    """Whether the slopes are those of nudges that were cut down to whole numbers."""
    f, _ = probes.bowl(case)
    got, x = np.asarray(seen["gradient"], dtype=float), case["x"].astype(int)
    with np.errstate(all="ignore"):
        cut = [_nudged_as_it_is(f, x.copy(), same) for same in (False, True)]
    return not got.any() or any(bool(np.allclose(got, one, rtol=1e-3, atol=1)) for one in cut)


def _smaller_by(least: float, most: float, seen: Any, expected: Any) -> bool:
    """Whether the slopes are the right ones times a factor between `least` and `most`."""
    got, want = np.asarray(seen["gradient"], dtype=float), expected["gradient"]
    if got.shape != want.shape:
        return False
    factor = np.sum(got * want) / np.sum(want**2)
    return least < factor < most and bool(np.allclose(got / factor, want, rtol=1e-2, atol=1e-2))


def _show_function(case: Case) -> str:
    texts = {
        "bowl": "Σ w (x - c)²",
        "kink": "Σ w |x - c|, with a kink at some of the x",
        "wave": "Σ w sin(x) + (Σ x)²",
    }
    where = case.get("x", case.get("x0"))
    return f"f(x) = {texts[case['kind']]}, at x of shape {np.shape(where)}"


def _explain_numerical(case: Case, seen: Any, expected: Any) -> str | None:
    got = np.asarray(seen["gradient"], dtype=float)
    want = expected["gradient"]
    if got.shape != want.shape:
        return f"The slopes have shape {got.shape}, expected {want.shape}: one for each number in x"
    if np.allclose(got, want, rtol=1e-3, atol=1e-4) and seen["x is what it was"]:
        return (
            "The slopes are close, and not close enough: take h near 1e-5. Larger, the function "
            "bends on the way; much smaller, the subtraction loses its digits"
        )
    return None


numerical_gradient = Exercise(
    id="numerical_gradient",
    title="Slopes by nudging",
    takes={"numerical_gradient": "function"},
    points=3,
    minutes=8,
    difficulty=3,
    cases=_numerical_cases,
    probe=probes.numerical,
    reference=_numerical_reference,
    show=lambda case: f"numerical_gradient(f, x), {_show_function(case)}",
    explain=_explain_numerical,
    rtol=1e-4,
    atol=1e-5,
    mistakes=(
        Mistake(
            id="nudge_in_place",
            message="The slopes are right, and `x` is not what it was: nudge a copy, or put each "
            "number back.",
            answer=_nudged_in_place,
            recognise=lambda case, seen, expected: (
                not seen["x is what it was"]
                and np.allclose(seen["gradient"], expected["gradient"], rtol=1e-4, atol=1e-5)
            ),
        ),
        Mistake(
            id="nudge_forward",
            message="The difference is one-sided, from x to x + h. Central is asked for: from "
            "x - h to x + h. Its error is far smaller.",
            answer=functools.partial(_nudged, down=0.0, width=1e-5),
            on=("kink",),
        ),
        Mistake(
            id="nudge_backward",
            message="The difference is one-sided, from x - h to x. Central is asked for: from "
            "x - h to x + h. Its error is far smaller.",
            answer=functools.partial(_nudged, up=0.0, width=1e-5),
            on=("kink",),
        ),
        Mistake(
            id="nudge_width",
            message="The slopes are twice what they should be: from x - h to x + h is a distance "
            "of 2h.",
            answer=functools.partial(_nudged, width=1e-5),
        ),
        Mistake(
            id="nudge_sign",
            message="The slopes have the wrong sign: the cost above minus the cost below.",
            answer=functools.partial(_nudged, width=-2e-5),
        ),
        Mistake(
            id="nudge_zeros",
            message="All slopes are 0: nothing is written into the result, or both costs are taken "
            "at the same place.",
            answer=lambda f, x: np.zeros(x.shape),
            on=("row", "matrix"),
            recognise=lambda case, seen, expected: not np.any(seen["gradient"]),
        ),
        Mistake(
            id="nudge_return_early",
            message="Only the first slope is filled in. Is `return` inside the loop? It ends the "
            "function at once.",
            answer=lambda f, x: _nudged(f, x) * (np.arange(x.size) == 0).reshape(x.shape),
            on=("row", "matrix"),
            recognise=lambda case, seen, expected: (
                np.isclose(np.ravel(seen["gradient"])[0], expected["gradient"].flat[0])
                and not np.any(np.ravel(seen["gradient"])[1:])
            ),
        ),
        Mistake(
            id="nudge_brackets",
            message="Only the second cost is divided. Put the difference in brackets before you "
            "divide it.",
            answer=functools.partial(_nudged, only_below=True),
            on=("row", "matrix"),
        ),
        Mistake(
            id="nudge_precedence",
            message="The slopes are almost 0: `/ 2 * h` divides by 2 and multiplies by h. Put "
            "brackets around what you divide by: / (2 * h).",
            answer=functools.partial(_nudged, width=2e5),
            on=("row", "matrix"),
            recognise=lambda case, seen, expected: _smaller_by(1e-15, 1e-6, seen, expected),
        ),
        Mistake(
            id="nudge_undivided",
            message="These are differences of costs, tiny ones. A slope is the difference for each "
            "unit: divide by the distance, 2 * h.",
            answer=functools.partial(_nudged, width=1.0),
            on=("row", "matrix"),
            recognise=lambda case, seen, expected: _smaller_by(1e-6, 1e-2, seen, expected),
        ),
        Mistake(
            id="nudge_all",
            message="All numbers are nudged at once, which gives one slope for all. Nudge one at a "
            "time.",
            answer=_all_at_once,
        ),
        Mistake(
            id="nudge_whole",
            message="Every entry gets the same slope, that of a nudge of the whole array: `above` "
            "is all of x. Nudge one entry, above[index] and below[index].",
            answer=lambda f, x: np.full(x.shape, _all_at_once(f, x)),
        ),
        Mistake(
            id="nudge_set",
            message="The entry is set to h and -h, and should be moved by it: above[index] += h, "
            "below[index] -= h.",
            answer=_set_to_h,
            on=("row", "matrix"),
        ),
        Mistake(
            id="nudge_one_entry",
            message="Only the nudged entry is handed to f. It takes the whole array: f(above) and "
            "f(below).",
            answer=_of_one_entry,
            on=("row", "matrix"),
        ),
        Mistake(
            id="nudge_flat",
            message="The slopes come in one row. They should have the shape of x.",
            answer=lambda f, x: _nudged(f, x).reshape(-1),
        ),
        Mistake(
            id="nudge_kept",
            message="The numbers are not put back where they were after their nudge, so the "
            "later slopes belong to another place.",
            answer=_never_put_back,
            on=("row", "matrix"),
            recognise=lambda case, seen, expected: (
                np.shape(seen["gradient"]) == np.shape(expected["gradient"])
                and np.isclose(
                    np.ravel(seen["gradient"])[0], np.ravel(expected["gradient"])[0], rtol=1e-4
                )
                and not np.isclose(
                    np.ravel(seen["gradient"])[-1], np.ravel(expected["gradient"])[-1], rtol=1e-4
                )
            ),
        ),
        Mistake(
            id="nudge_integers",
            message="Where x holds whole numbers, so does a copy of it, and the nudge is cut off: "
            "3 + 0.00001 becomes 3, and 3 - 0.00001 becomes 2. Nudge a copy made of floats, "
            "x.astype(float).",
            answer=_nudged_as_it_is,
            on=("whole numbers",),
            recognise=_nudges_cut_off,
        ),
        Mistake(
            id="nudge_zeros_like",
            message="Where x holds whole numbers, the slopes are cut down to whole numbers: "
            "`np.zeros_like(x)` takes over the type of x. np.zeros(x.shape) holds floats.",
            answer=lambda f, x: _nudged(f, x).astype(x.dtype),
            on=("whole numbers",),
        ),
    ),
    hints=(
        "One dial at a time: a little up, a little down, and the difference of the two costs.",
        "`above` and `below` are copies of x for this one entry. Change entry `index` of each, "
        "then compare f(above) with f(below). Background: "
        "[ndindex](https://numpy.org/doc/stable/reference/generated/numpy.ndindex.html).",
        "```python\nabove[index] += h\nbelow[index] -= ...\n"
        "slopes[index] = (f(above) - ...) / ...\n```",
    ),
)


# --- Downhill ----------------------------------------------------------------------------------


def _descent_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for size, steps, lr in ((2, 6, 0.1), (3, 4, 0.07), (1, 5, 0.2)):
        cases.append(
            {
                "name": f"{size} dials",
                "kind": "bowl",
                "weights": rng.uniform(0.5, 2.0, size),
                "center": _spread(rng, size),
                "x0": np.round(3 * _spread(rng, size), 2),
                "lr": lr,
                "steps": steps,
            }
        )
    return cases


def _descent_reference(case: Case) -> dict[str, Any]:
    """In closed form: each step shrinks the distance to the center by the same factor."""
    w, c, x0 = case["weights"], case["center"], np.asarray(case["x0"], dtype=float)
    powers = (1 - 2 * case["lr"] * w) ** np.arange(case["steps"] + 1)[:, None]
    path = c + powers * (x0 - c)
    costs = (w * (path - c) ** 2).sum(axis=1)
    return {"path": path, "costs": costs, "x0 is what it was": True}


def _descend(
    sign: float = -1.0, frozen: bool = False, unscaled: bool = False, by_cost: bool = False
) -> Callable[..., tuple[list, list]]:
    def gradient_descent(
        f: Callable, grad: Callable, x0: np.ndarray, lr: float, steps: int
    ) -> tuple[list, list]:
        x = x0.copy()
        path, costs = [x], [f(x)]
        for _ in range(steps):
            slope = f(x) if by_cost else grad(x0 if frozen else x)
            x = x + sign * (1.0 if unscaled else lr) * slope
            path.append(x)
            costs.append(f(x))
        return path, costs

    return gradient_descent


def _one_array(
    f: Callable, grad: Callable, x0: np.ndarray, lr: float, steps: int
) -> tuple[list, list]:
    x = x0.copy()
    path, costs = [x], [f(x)]
    for _ in range(steps):
        x -= lr * grad(x)
        path.append(x)
        costs.append(f(x))
    return path, costs


def _moved_start(
    f: Callable, grad: Callable, x0: np.ndarray, lr: float, steps: int
) -> tuple[list, list]:
    found = _descend()(f, grad, x0, lr, steps)
    x0 += 1
    return found


def _one_late(path: list, costs: list) -> tuple[list, list]:
    return path, [costs[0], *costs[:-1]]


def _same_everywhere(path: np.ndarray) -> bool:
    return len(path) > 1 and bool(np.allclose(path, path[0]))


def _path(seen: Any) -> np.ndarray:
    return np.asarray(seen["path"], dtype=float)


def _explain_descent(case: Case, seen: Any, expected: Any) -> str | None:
    for name in ("path", "costs"):
        got, want = len(seen[name]), case["steps"] + 1
        has = "path has" if name == "path" else "costs have"
        if got == 2 and want > 3:
            return (
                f"The {has} 2 entries, expected {want}: are both `append` lines, and not "
                "`return`, inside the loop?"
            )
        if got != want:
            return (
                f"With steps={case['steps']} the {has} {got} entries, expected {want}: the start, "
                "then one after each step"
            )
    return None


gradient_descent = Exercise(
    id="gradient_descent",
    title="Downhill",
    takes={"gradient_descent": "function"},
    points=2,
    minutes=6,
    difficulty=2,
    cases=_descent_cases,
    probe=probes.descent,
    reference=_descent_reference,
    show=lambda case: (
        f"gradient_descent(f, grad, x0, lr={case['lr']}, steps={case['steps']}), "
        f"{_show_function(case)}"
    ),
    explain=_explain_descent,
    mistakes=(
        Mistake(
            id="descent_same_array",
            message="All points of the path are the same one: `x -= ...` changes the array that "
            "is already in the list. Make a new one, `x = x - ...`, or append a copy.",
            answer=_one_array,
            recognise=lambda case, seen, expected: (
                _same_everywhere(_path(seen))
                and np.allclose(_path(seen)[-1], expected["path"][-1], rtol=1e-4)
            ),
        ),
        Mistake(
            id="descent_moved_start",
            message="`x0` is not what it was: the path starts from it, and the caller still needs "
            "it. Work on a copy.",
            answer=_moved_start,
            recognise=lambda case, seen, expected: not seen["x0 is what it was"],
        ),
        Mistake(
            id="descent_uphill",
            message="It goes uphill: the gradient points up, so subtract it.",
            answer=_descend(sign=1.0),
        ),
        Mistake(
            id="descent_frozen",
            message="Every step uses the gradient at the start. Ask for the slope anew where you "
            "stand.",
            answer=_descend(frozen=True),
        ),
        Mistake(
            id="descent_unscaled",
            message="The learning rate is missing: a step is lr times the gradient.",
            answer=_descend(unscaled=True),
        ),
        Mistake(
            id="descent_by_cost",
            message="The step is lr times the cost, f(x). It is lr times the gradient, grad(x): "
            "the cost doesn't say which way is down.",
            answer=_descend(by_cost=True),
        ),
        Mistake(
            id="descent_start_missing",
            message="The path begins after the first step. Its first point is the start, x0, so "
            "it has steps + 1 points; and the costs as many.",
            answer=lambda f, grad, x0, lr, steps: tuple(
                part[1:] for part in _descend()(f, grad, x0, lr, steps)
            ),
        ),
        Mistake(
            id="descent_costs_early",
            message="The costs are taken before each step, so that of the start is there twice and "
            "that of the end is missing. Step first, then append.",
            answer=lambda f, grad, x0, lr, steps: _one_late(*_descend()(f, grad, x0, lr, steps)),
        ),
        Mistake(
            id="descent_append_early",
            message="Points and costs are taken before each step, so the start is there twice and "
            "the end is missing. Step first, then append.",
            answer=lambda f, grad, x0, lr, steps: tuple(
                [part[0], *part[:-1]] for part in _descend()(f, grad, x0, lr, steps)
            ),
        ),
        Mistake(
            id="descent_end_missing",
            message="The last step's end is missing: the path has steps + 1 points, the start and "
            "one after each step; and the costs as many.",
            answer=lambda f, grad, x0, lr, steps: tuple(
                part[:-1] for part in _descend()(f, grad, x0, lr, steps)
            ),
        ),
    ),
    hints=(
        "Start lists with x0 and f(x0). Then step, and append where you are.",
        "A step is `x = x - lr * grad(x)`. That makes a new array; `x -= ...` would change the "
        "one that is already on the path. Background: "
        "[gradient descent](https://cs231n.github.io/optimization-1/).",
        "```python\nfor _ in range(steps):\n    x = ...\n    path.append(x)\n"
        "    costs.append(f(x))\n```",
    ),
)

predict_step = question(
    "predict_step",
    "A step too far",
    minutes=3,
    difficulty=2,
    options={
        "a": option(
            "along the floor, where it is flat",
            "There the slope is small, so the steps are small as well. Long steps are no danger on "
            "flat ground.",
        ),
        "b": option(
            "across the valley, where it is steep",
            "The steep direction throws you from wall to wall, higher each time. So the steepest "
            "direction decides how long a step may be, and the flat one has to wait.",
        ),
        "c": option(
            "in both at the same time",
            "Each direction has its own limit: with the cost w x², steps grow beyond lr = 1 / w. "
            "The limit of the flat direction is ten times as far away.",
        ),
        "d": option(
            "in none: a longer step only arrives sooner",
            "A step goes as far as the slope at its start says. If it is too long, it lands on the "
            "other side, higher up.",
        ),
    },
    right="b",
    hints=(
        "A step is lr times the slope. In which direction is the slope larger?",
        "For the cost w x², a step takes x to (1 - 2 lr w) x. When is that farther from 0 than x?",
        "When 2 lr w > 2. Which w is larger, that across or that along?",
    ),
)


# --- The gradient as a formula -----------------------------------------------------------------

predict_sign = question(
    "predict_sign",
    "Which way is down?",
    minutes=3,
    difficulty=2,
    options={
        "a": option(
            "positive: the score should rise",
            "The score should rise, that much is right. But the slope says what the cost does "
            "when the score rises: it falls, so the slope is negative.",
        ),
        "b": option(
            "negative: raising the score lowers the cost",
            "Its slope is p - 1 = -0.8. Against the slope means up: the score of the right digit "
            "is raised, and the surer the net already is, the less.",
        ),
        "c": option(
            "0: the net is already right",
            "It gives the right digit 0.2 only. The slope is 0 where the right digit has the "
            "probability 1.",
        ),
        "d": option(
            "0.2, the probability itself",
            "That would be the slope of a wrong digit's score. The right digit's has the 1 of the "
            "one-hot row taken off.",
        ),
    },
    right="b",
    hints=(
        "Raise the right digit's score a little. What happens to its probability, and to the cost?",
        "The probability rises, so the cost falls.",
        "Slope = change of the cost / change of the score. Which sign has each?",
    ),
)


def _cost(params: list, X: np.ndarray, y: np.ndarray) -> Any:
    """The mean cross-entropy of a network, also where the numbers are complex."""
    for depth, (W, b) in enumerate(params):
        X = X @ W + b
        X = X * (X.real > 0) if depth < len(params) - 1 else X
    X = X - X.real.max(axis=1, keepdims=True)
    return np.mean(np.log(np.exp(X).sum(axis=1)) - X[np.arange(len(y)), y])


def gradients(params: list, X: Any, y: Any) -> tuple[list[list[np.ndarray]], np.ndarray]:
    """The gradients of the mean cross-entropy, ([dW, db] for each layer, dX), without chain rule.

    Each number takes a tiny imaginary step; the imaginary part of the cost is then the slope, to
    all digits: no difference is taken, so none are lost.
    """
    arrays = [np.array(part, dtype=complex) for pair in params for part in pair]
    arrays.append(np.array(X, dtype=complex))
    pairs = list(zip(arrays[:-1:2], arrays[1:-1:2], strict=True))
    slopes = []
    for array in arrays:
        slope = np.zeros(array.shape)
        for index in np.ndindex(array.shape):
            array[index] += 1e-30j
            slope[index] = _cost(pairs, arrays[-1], np.asarray(y)).imag / 1e-30
            array[index] = array[index].real
        slopes.append(slope)
    return [[dW, db] for dW, db in zip(slopes[:-1:2], slopes[1:-1:2], strict=True)], slopes[-1]


def _softmax_regression_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for n, nin, classes in ((5, 4, 3), (3, 2, 6), (1, 3, 4), (7, 6, 2)):
        W, b = network(rng, [nin, classes])[0]
        cases.append({"args": [W, b, rng.normal(0, 1, (n, nin)), rng.integers(0, classes, n)]})
    W, b = network(rng, [3, 5])[0]
    whole = [W, b, rng.permutation(np.arange(-5, 7)).reshape(4, 3), rng.permutation([0, 2, 4, 2])]
    large = [W, b + 900, rng.normal(0, 1, (2, 3)), rng.permutation([1, 3])]
    return [*cases, {"args": whole}, {"name": "large scores", "args": large}]


def _softmax_regression_reference(case: Case) -> list[np.ndarray]:
    W, b, X, y = case["args"]
    return gradients([[W, b]], X, y)[0][0]


def _probabilities(scores: np.ndarray) -> np.ndarray:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def _errors(W: np.ndarray, b: np.ndarray, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Probabilities minus the one-hot rows."""
    return _probabilities(X @ W + b) - np.eye(W.shape[1])[y]


def _regression(change: Callable[..., Any]) -> Callable[..., Any]:
    """A wrong gradient from (errors, X, y, probabilities)."""

    def softmax_regression_gradient(
        W: np.ndarray, b: np.ndarray, X: np.ndarray, y: np.ndarray
    ) -> Any:
        return change(_errors(W, b, X, y), X, y, _probabilities(X @ W + b))

    return softmax_regression_gradient


softmax_regression_gradient = Exercise(
    id="softmax_regression_gradient",
    title="All slopes of a layer at once",
    takes={"softmax_regression_gradient": "function"},
    points=3,
    minutes=9,
    difficulty=3,
    cases=_softmax_regression_cases,
    probe=probes.regression_gradient,
    reference=_softmax_regression_reference,
    mistakes=(
        Mistake(
            id="regression_one_only",
            message="It returns the gradient of W only. Return both: (dW, db).",
            answer=_regression(lambda e, X, y, p: X.T @ e / len(y)),
            recognise=lambda case, seen, expected: form(seen) == form(expected[0]),
        ),
        Mistake(
            id="regression_sum",
            message="The gradients are added up over the examples. The cost is a mean, so divide "
            "by their number.",
            answer=_regression(lambda e, X, y, p: [X.T @ e, e.sum(axis=0)]),
        ),
        Mistake(
            id="regression_bias_sum",
            message="The gradient of W is a mean and that of b is a sum. Divide both by the number "
            "of examples.",
            answer=_regression(lambda e, X, y, p: [X.T @ e / len(y), e.sum(axis=0)]),
        ),
        Mistake(
            id="regression_bias_shape",
            message="The gradient of b has the wrong shape: one number for each class, like b. "
            "Sum over the examples, axis=0, and keep no extra axis.",
            answer=_regression(
                lambda e, X, y, p: [X.T @ e / len(y), e.mean(axis=0, keepdims=True)]
            ),
            recognise=lambda case, seen, expected: (
                len(seen) == 2
                and np.shape(seen[0]) == np.shape(expected[0])
                and np.allclose(seen[0], expected[0], rtol=1e-4, atol=1e-6)
                and np.shape(seen[1]) != np.shape(expected[1])
            ),
        ),
        Mistake(
            id="regression_no_one_hot",
            message="The right answers are missing: the slope of a score is its probability, minus "
            "1 for the right class.",
            answer=_regression(lambda e, X, y, p: [X.T @ p / len(y), p.mean(axis=0)]),
        ),
        Mistake(
            id="regression_sign",
            message="The sign is wrong: this points downhill, and the gradient points uphill. It "
            "is probabilities minus one-hot.",
            answer=_regression(lambda e, X, y, p: [-X.T @ e / len(y), -e.mean(axis=0)]),
        ),
        Mistake(
            id="regression_transposed",
            message="The gradient of W is the wrong way round: it has the shape of W, (inputs, "
            "classes), so it is X.T @ errors.",
            answer=_regression(lambda e, X, y, p: [(X.T @ e).T / len(y), e.mean(axis=0)]),
        ),
        Mistake(
            id="regression_classes",
            message="It is averaged over the classes, too: divide by the number of examples only.",
            answer=_regression(lambda e, X, y, p: [X.T @ e / e.size, e.mean(axis=0) / e.shape[1]]),
        ),
        Mistake(
            id="regression_by_classes",
            message="It is divided by the number of classes. The cost is a mean over the examples: "
            "divide by how many rows X has.",
            answer=_regression(
                lambda e, X, y, p: [X.T @ e / e.shape[1], e.sum(axis=0) / e.shape[1]]
            ),
        ),
        Mistake(
            id="regression_twice",
            message="It is divided by the number of examples twice: a mean of errors that were "
            "divided already.",
            answer=_regression(lambda e, X, y, p: [X.T @ e / len(y) ** 2, e.mean(axis=0) / len(y)]),
        ),
        Mistake(
            id="regression_bias_twice",
            message="The gradient of b is divided by the number of examples twice: sum the errors "
            "that were divided already, or take the mean of those that were not.",
            answer=_regression(lambda e, X, y, p: [X.T @ e / len(y), e.mean(axis=0) / len(y)]),
        ),
        Mistake(
            id="regression_no_softmax",
            message="The scores themselves are used. The errors are probabilities minus one-hot: "
            "softmax comes first.",
            answer=lambda W, b, X, y: [
                X.T @ (X @ W + b - np.eye(len(b))[y]) / len(y),
                (X @ W + b - np.eye(len(b))[y]).mean(axis=0),
            ],
        ),
        Mistake(
            id="regression_order",
            message="The two are swapped: the gradient of W first, then that of b.",
            answer=_regression(lambda e, X, y, p: [e.mean(axis=0), X.T @ e / len(y)]),
        ),
    ),
    hints=(
        "First the errors: probabilities minus one-hot, one row for each example.",
        "A weight W[i, k] sees input i and feeds score k, so its slope is input times error, "
        "averaged over the examples. A product of X.T and the errors has all of them at once. A "
        "bias sees the constant 1, so it adds up the errors of its class. Background: "
        "[softmax classifier](https://cs231n.github.io/neural-networks-case-study/#grad).",
        "```python\nerrors = (p - one_hot(y, ...)) / len(X)\ndW = X.T @ ...\n"
        "db = errors.sum(axis=...)\n```",
    ),
)


# --- Through the layers ------------------------------------------------------------------------


def _mlp_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for n, sizes in ((5, [4, 6, 3]), (3, [3, 5, 4, 2]), (1, [5, 7, 4]), (6, [2, 4])):
        X, y = rng.normal(0, 1, (n, sizes[0])), rng.integers(0, sizes[-1], n)
        cases.append({"args": [network(rng, sizes), X, y]})
    whole = rng.permutation(np.arange(-5, 7)).reshape(4, 3)
    cases.append({"args": [network(rng, [3, 5, 2]), whole, rng.permutation([0, 1, 1, 0])]})
    return cases


def _mlp_reference(case: Case) -> dict[str, Any]:
    return by_layer(gradients(*case["args"])[0])


def by_layer(found: list) -> dict[str, Any]:
    """A list of (dW, db) as the probe hands it back: by layer, the last layer first."""
    named = [(f"layer {place + 1} of {len(found)}", pair) for place, pair in enumerate(found)]
    return {name: {"dW": dW, "db": db} for name, (dW, db) in reversed(named)}


def _walk_back(
    params: list,
    X: np.ndarray,
    y: np.ndarray,
    mask: Callable = lambda h, d: h > 0,
    average: bool = True,
    one_hot: float = 1.0,
    bias: Callable = lambda d: d.sum(axis=0),
    by: Callable = lambda y, W: len(y),
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Right gradients of a network, with knobs for mistakes."""
    inputs = [X]
    for W, b in params[:-1]:
        inputs.append(np.maximum(inputs[-1] @ W + b, 0))
    W, b = params[-1]
    d = _probabilities(inputs[-1] @ W + b) - one_hot * np.eye(W.shape[1])[y]
    d = d / by(y, W) if average else d
    found = []
    for depth in reversed(range(len(params))):
        found.append((inputs[depth].T @ d, bias(d)))
        d = d @ params[depth][0].T
        d = d * mask(inputs[depth], d)
    return found[::-1]


def _wrong_walk(**knobs: Any) -> Callable[..., Any]:
    return lambda params, X, y: _walk_back(params, X, y, **knobs)


def _scored_shape(case: Case) -> str:
    params, X, _ = case["args"][:3]
    sizes = [len(params[0][0]), *(len(b) for _, b in params)]
    return f"with layers {' -> '.join(map(str, sizes))} and {len(X)} examples"


def _explain_mlp(case: Case, seen: Any, expected: Any) -> str | None:
    for layer, want in expected.items():
        for name in ("dW", "db"):
            got = seen[layer][name]
            if np.shape(got) != np.shape(want[name]):
                return (
                    f"`{name}` of {layer} has shape {np.shape(got)}, expected "
                    f"{np.shape(want[name])}"
                )
            if not np.allclose(got, want[name], rtol=1e-4, atol=1e-6):
                return (
                    f"On the way back, the first gradient that differs is `{name}` of {layer}. "
                    "Begin there"
                )
    return None


def _same_columns(case: Case, seen: Any, expected: Any) -> bool:
    """Whether every dW has one column a class, and the first layer's should have more or fewer."""
    classes = len(case["args"][0][-1][1])
    first = list(expected)[-1]
    return np.shape(expected[first]["dW"])[1] != classes and all(
        np.shape(seen[k]["dW"]) == (len(expected[k]["dW"]), classes) for k in expected
    )


mlp_gradients = Exercise(
    id="mlp_gradients",
    title="The chain rule, layer by layer",
    takes={"mlp_gradients": "function"},
    points=4,
    minutes=12,
    difficulty=4,
    cases=_mlp_cases,
    probe=probes.layer_gradients,
    reference=_mlp_reference,
    show=lambda case: f"mlp_gradients(params, X, y) {_scored_shape(case)}",
    explain=_explain_mlp,
    mistakes=(
        Mistake(
            id="mlp_no_mask",
            message="The gradient passes hidden units that are switched off. Where relu gave 0, "
            "nothing flows back: multiply by (h > 0).",
            answer=_wrong_walk(mask=lambda h, d: 1.0),
        ),
        Mistake(
            id="mlp_mask_gradient",
            message="Relu's mask looks at the sign of the gradient that flows back. It should "
            "look at what came forward: h > 0.",
            answer=_wrong_walk(mask=lambda h, d: d > 0),
        ),
        Mistake(
            id="mlp_sum",
            message="The gradients are added up over the examples. The cost is a mean, so divide "
            "by their number.",
            answer=_wrong_walk(average=False),
        ),
        Mistake(
            id="mlp_no_one_hot",
            message="The right answers are missing: the walk back starts with probabilities minus "
            "one-hot.",
            answer=_wrong_walk(one_hot=0.0),
        ),
        Mistake(
            id="mlp_bias_shape",
            message="A gradient of b has the wrong shape: one number for each neuron, like b. Sum "
            "over the examples, axis=0, and keep no extra axis.",
            answer=_wrong_walk(bias=lambda d: d.sum(axis=0, keepdims=True)),
            recognise=lambda case, seen, expected: (
                all(np.shape(seen[k]["dW"]) == np.shape(expected[k]["dW"]) for k in expected)
                and any(np.shape(seen[k]["db"]) != np.shape(expected[k]["db"]) for k in expected)
            ),
        ),
        Mistake(
            id="mlp_reversed",
            message="The layers come in the order of the walk back. Return them in the order of "
            "`params`.",
            answer=lambda params, X, y: _walk_back(params, X, y)[::-1],
        ),
        Mistake(
            id="mlp_sign",
            message="The sign is wrong: these point downhill, and gradients point uphill.",
            answer=lambda params, X, y: [[-dW, -db] for dW, db in _walk_back(params, X, y)],
        ),
        Mistake(
            id="mlp_by_classes",
            message="The errors are divided by the number of classes. The cost is a mean over the "
            "examples: divide by how many rows X has.",
            answer=_wrong_walk(by=lambda y, W: W.shape[1]),
        ),
        Mistake(
            id="mlp_mask_inverted",
            message="Slopes pass where relu gave 0, and stop where it let something through. It is "
            "the other way round: (h > 0).",
            answer=_wrong_walk(mask=lambda h, d: h <= 0),
        ),
        Mistake(
            id="mlp_handed_on_early",
            message="`d` is handed on before it is used: first this layer's dW and db, then `d` "
            "for the layer before it.",
            answer=lambda params, X, y: [[W @ W.T, W.sum(axis=1)] for W, b in params],
            recognise=lambda case, seen, expected: all(
                np.shape(seen[k]["dW"]) == 2 * np.shape(expected[k]["dW"])[:1] for k in expected
            ),
        ),
        Mistake(
            id="mlp_not_handed_on",
            message="Every layer gets the same `d`. In the loop it has to become the slope by the "
            "sums of the layer before: back through W, and 0 where relu was off.",
            answer=lambda params, X, y: [
                [np.zeros((len(W), len(params[-1][1]))), params[-1][1]] for W, b in params
            ],
            recognise=lambda case, seen, expected: _same_columns(case, seen, expected),
        ),
        Mistake(
            id="mlp_twice",
            message="The gradients are divided by the number of examples twice: `d` has been "
            "divided already, so only products and sums follow.",
            answer=lambda params, X, y: [
                [dW / len(y), db / len(y)] for dW, db in _walk_back(params, X, y)
            ],
        ),
        Mistake(
            id="mlp_again",
            message="The last layer is right, and `d` is divided by the number of examples again "
            "on the way back. Once, at the start, is enough.",
            answer=_wrong_walk(mask=lambda h, d: (h > 0) / len(h)),
        ),
        Mistake(
            id="mlp_bias_mean",
            message="The gradients of b are divided by the number of examples twice: `d` has been "
            "divided already, so take its sum, not its mean.",
            answer=_wrong_walk(bias=lambda d: d.mean(axis=0)),
        ),
        Mistake(
            id="mlp_mask_times_h",
            message="The gradient is multiplied by h, where it should be multiplied by 1 or 0: "
            "(h > 0) is relu's slope, h is its value.",
            answer=_wrong_walk(mask=lambda h, d: np.maximum(h, 0)),
        ),
    ),
    hints=(
        "Every layer is the layer of softmax regression once more: h stands for its inputs, `d` "
        "for its errors.",
        "dW and db you have written already, with X for h and errors for `d`. For the next `d`, "
        "multiply `d` by the weights, turned so that the sizes fit; then let relu's mask of h stop "
        "what it has to stop. Background: "
        "[a minimal network](https://cs231n.github.io/neural-networks-case-study/#net).",
        "```python\ndW = h.T @ ...\ndb = ...\ngradients.append((dW, db))\n"
        "d = (d @ ...) * (h > 0)\n```",
    ),
)


# --- Training ----------------------------------------------------------------------------------


@functools.cache
def digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The course's split: (X, y) to learn from and (X, y) held out, every fourth image."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    held = np.arange(len(labels)) % 4 == 3
    return images[~held] / 16, labels[~held], images[held] / 16, labels[held]


def _train_cases(rng: np.random.Generator) -> list[Case]:
    def small(name: str, n: int, batch_size: int, epochs: int = 1) -> Case:
        while True:
            given = {
                "params": network(rng, [4, 6, 3]),
                "X": rng.normal(0, 1, (n, 4)),
                "y": rng.integers(0, 3, n),
            }
            if np.linalg.cond(_slopes_of_each(given, enumerate(given["y"]))) < 25:
                break  # the examples' gradients can be told apart
        given |= {"lr": 1e-5, "epochs": epochs, "batch_size": batch_size}
        return {"name": name, "kwargs": given, "seed": int(rng.integers(2**31))}

    def shuffling(case: Case, rng: np.random.Generator) -> Case:
        """Trained with several generators, the first one twice."""
        first = case.pop("seed")
        return case | {"seeds": [first, first, *map(int, rng.integers(2**31, size=3))]}

    _, _, X, y = digits()
    shuffled = rng.permutation(len(y))
    return [
        small("batches that fit", 6, 2),
        small("a short last batch", 7, 3),
        small("one large batch", 5, 8),
        small("several epochs", 4, 2, epochs=3),
        shuffling(small("shuffling", 7, 6, epochs=8), rng),
        {"name": "held-out digits", "images": X[shuffled], "_labels": y[shuffled]},
    ]


def _slopes_of_each(given: Case, labels: Any) -> np.ndarray:
    """The gradients of (example, label) pairs, one in each column."""
    shapes = tuple(np.shape(part) for part in _parts(given["params"]))
    start, X = _flat(given["params"]).tobytes(), given["X"]
    return np.array([_slopes_of_one(start, shapes, X[i].tobytes(), int(k)) for i, k in labels]).T


@functools.lru_cache(maxsize=512)
def _slopes_of_one(start: bytes, shapes: tuple, x: bytes, label: int) -> np.ndarray:
    """The gradient of one example's cost by all parameters, in one row."""
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    parts = np.split(np.frombuffer(start), ends[:-1])
    arrays = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
    pairs = [list(pair) for pair in zip(arrays[::2], arrays[1::2], strict=True)]
    return _flat(gradients(pairs, np.frombuffer(x)[None], np.array([label]))[0])


def _fit(case: Case, seen: Any, labels: Any) -> tuple[np.ndarray, float]:
    """The change of the parameters as a mix of examples' gradients, and how far it misses."""
    given = case["kwargs"]
    singles = _slopes_of_each(given, labels)
    change = (_flat(given["params"]) - _flat(seen["parameters"])) / given["lr"]
    mix, *_ = np.linalg.lstsq(singles, change, rcond=None)
    missed = np.linalg.norm(singles @ mix - change)
    return mix, float(missed / max(np.linalg.norm(change), 1e-12))


def _uses(case: Case, seen: Any) -> np.ndarray:
    """With which weight each example's gradient was used: from the change of the parameters."""
    return _fit(case, seen, enumerate(case["kwargs"]["y"]))[0]


def _other_labels(case: Case, seen: Any) -> bool:
    """Whether the steps are those of these examples, with labels that aren't their own."""
    y = case["kwargs"]["y"]
    every = [(i, label) for i in range(len(y)) for label in range(3)]
    return _fit(case, seen, enumerate(y))[1] > 0.2 and _fit(case, seen, every)[1] < 0.05


def _flat(params: list) -> np.ndarray:
    return np.concatenate([np.ravel(np.asarray(part, float)) for pair in params for part in pair])


def _right_uses(case: Case) -> list[float]:
    """An example in a batch of size k is used with the weight 1 / k, once in every epoch."""
    given = case["kwargs"]
    n, size = len(given["y"]), given["batch_size"]
    lengths = [min(size, n - start) for start in range(0, n, size)]
    return sorted(given["epochs"] / k for k in lengths for _ in range(k))


def _held_out(case: Case, seen: Any) -> float:
    scores = np.asarray(seen["logits"], dtype=float)
    return float(np.mean(scores.argmax(axis=1) == np.asarray(case["_labels"])))


def _measure_training(case: Case, seen: Any) -> Any:
    if "images" in case:
        right = _held_out(case, seen)
        return {
            "at least 95% of held-out digits right": right >= 0.95,
            "stayed held out": right < 1,
        }
    if "seeds" in case:
        return _measure_shuffling(case, seen)
    got, want = [np.shape(p) for p in _parts(seen["parameters"])], _parts(case["kwargs"]["params"])
    if got != [np.shape(p) for p in want]:
        return {"shapes": False}
    if not np.all(np.isfinite(_flat(seen["parameters"]))):
        return {"numbers": False}
    uses, right = _uses(case, seen), _right_uses(case)
    steps = sum(right)
    return {
        "shapes": True,
        "each example keeps its label": not _other_labels(case, seen),
        "every example is used": bool(np.min(uses) > 0.4 * min(right)),
        "no example is used too often": bool(np.max(uses) < 2.2 * max(right)),
        "every example is in one batch": bool(
            case["name"] != "batches that fit" or np.allclose(uses, right, rtol=0.15)
        ),
        "the steps together": bool(0.75 * steps < np.sum(uses) < 1.45 * steps),
        "a step uses one batch": bool(_uneven(uses) or not _uneven(right)),
    }


def _measure_shuffling(case: Case, seen: Any) -> dict[str, bool]:
    runs = [_flat(params) for params in seen["runs"]]
    alone = [_uses(case, {"parameters": params}) for params in seen["runs"]]
    epochs = case["kwargs"]["epochs"]
    return {
        "rng decides the order": bool(np.allclose(runs[0], runs[1], rtol=0, atol=1e-12)),
        "other rng, other order": not all(np.allclose(runs[0], r, 0, 1e-12) for r in runs[2:]),
        "another order in every epoch": not all(np.max(uses) > 0.95 * epochs for uses in alone),
    }


def _cut_right(case: Case, seen: Any) -> bool:
    """Whether each run has six examples in one batch and one alone, the same in every epoch."""
    return all(
        np.allclose(np.sort(_uses(case, {"parameters": params})), _right_uses(case), rtol=0.05)
        for params in seen["runs"]
    )


# The uses of 7 examples where batches of 3 end one or two early (the last holds one example), and
# of 6 where batches of 2 end one early.
GAPS = {
    "a short last batch": ([0, 0, 0.5, 0.5, 0.5, 0.5, 1], [0, 0, 0, 0, 1, 1, 1]),
    "batches that fit": ([0, 0, 0, 1, 1, 1],),
}


def _repeats(case: Case, uses: Any) -> bool:
    """Whether, in one epoch, some example was used in another way than once in one batch."""
    given, used = case["kwargs"], np.asarray(uses)
    once = np.isclose(used[:, None], [0, *_right_uses(case)], atol=0.02).any(axis=1)
    return given["epochs"] == 1 and not once.all()


def _uneven(uses: Any) -> bool:
    """Whether some examples were used with other weights than others."""
    return bool(np.ptp(uses) > 0.1 * np.mean(uses))


def _parts(params: list) -> list:
    return [part for pair in params for part in pair]


def _explain_training(case: Case, seen: Any, expected: Any) -> str | None:
    if "images" in case:
        right = _held_out(case, seen)
        return (
            f"`train` works. Your net gets {right:.1%} of the held-out digits right, and 95% are "
            "asked for: train it for more epochs, or change lr, batch_size or the hidden layer"
        )
    found = _measure_training(case, seen)
    if "seeds" in case:
        return "The order of the examples should come from `rng`, anew in every epoch"
    if "numbers" in found:
        return "The trained parameters contain NaN or infinity"
    if not found["shapes"]:
        return "The trained parameters have other shapes than those that came in"
    given = case["kwargs"]
    told = f"{len(given['y'])} examples, batch_size={given['batch_size']}, epochs={given['epochs']}"
    uses, right = np.sort(_uses(case, seen)), np.array(_right_uses(case))
    longer = float(np.sum(uses) / np.sum(right))
    if abs(longer - 1) > 0.2 and np.allclose(uses, longer * right, rtol=0.15, atol=0):
        return (
            f"With {told}, every example is used as often as it should be, but the steps are "
            f"{longer:.3g} times as long: a step is lr times the mean gradient of the batch, with "
            "the lr that `train` is given"
        )
    if not found["every example is used"] or not found["no example is used too often"]:
        return f"With {told}, not every example is used once in every epoch"
    steps, taken = sum(_right_uses(case)), float(np.sum(_uses(case, seen)))
    return (
        f"With {told}, there are {steps:.0f} batches, so {steps:.0f} steps of lr times the mean "
        f"gradient of a batch. Yours are as long as {taken:.3g} such steps: look at how the "
        "batches are cut, and at the length of a step"
    )


def train_net(
    params: list,
    X: np.ndarray,
    y: np.ndarray,
    lr: float,
    epochs: int,
    batch_size: int,
    rng: np.random.Generator,
    sign: float = -1.0,
    keep_short: bool = True,
    average: bool = True,
    replace: bool = False,
    update: bool = True,
    whole: bool = False,
    scaled: bool = True,
    weights_only: bool = False,
    shuffle: str = "anew",
    mixed: bool = False,
    shorter: int = 0,
    epochs_done: int | None = None,
    batches_done: int | None = None,
) -> list:
    """Right training by mini-batches, with knobs for mistakes."""
    params = [(W.copy(), b.copy()) for W, b in params]
    once = rng.permutation(len(X)) if shuffle == "once" else np.arange(len(X))
    rng = np.random.default_rng() if shuffle == "otherwise" else rng
    for _ in range(epochs)[:epochs_done]:
        order = rng.integers(0, len(X), len(X)) if replace else rng.permutation(len(X))
        order = once if shuffle in ("once", "never") else order
        for start in range(0, len(X), batch_size)[:batches_done]:
            chosen = np.arange(len(X)) if whole else order[start : start + batch_size - shorter]
            if len(chosen) < batch_size - shorter and not keep_short:
                continue
            labels = y[(chosen + 1) % len(y)] if mixed else y[chosen]
            found = _walk_back(params, X[chosen], labels, average=average)
            if update:
                rate = lr if scaled else 1.0
                params = [
                    (W + sign * rate * dW, b + sign * rate * db * (not weights_only))
                    for (W, b), (dW, db) in zip(params, found, strict=True)
                ]
    return params


class TrainedOnAll:
    """A net that was trained on the held-out digits as well, once it is asked for."""

    def __iter__(self) -> Iterator:
        return iter(_trained_on_all())


@functools.cache
def _trained_on_all() -> list:
    X, y, held_X, held_y = digits()
    X, y = np.concatenate([X, held_X]), np.concatenate([y, held_y])
    rng = np.random.default_rng(0)
    start = [(W, 0 * b) for W, b in network(rng, [64, 48, 10])]
    return train_net(start, X, y, 0.2, 60, 16, rng)


def untrained_net() -> tuple:
    """A net with random dials."""
    return tuple((W, b) for W, b in network(np.random.default_rng(3), [64, 32, 10]))


def _wrong_training(**knobs: Any) -> tuple[Callable, Any]:
    def train(
        params: list,
        X: np.ndarray,
        y: np.ndarray,
        lr: float,
        epochs: int,
        batch_size: int,
        rng: np.random.Generator,
    ) -> list:
        return train_net(params, X, y, lr, epochs, batch_size, rng, **knobs)

    return train, untrained_net()


def _small(test: Callable[[Case, Any, np.ndarray, np.ndarray], Any]) -> Callable:
    """Recognise a mistake from how each example was used."""

    def recognise(case: Case, seen: Any, expected: Any) -> bool:
        if "images" in case or "seeds" in case:
            return False
        return bool(test(case, seen, _uses(case, seen), np.array(_right_uses(case))))

    return recognise


def _right_training(case: Case) -> tuple[str, ...]:
    """What `_measure_training` finds true of a right answer."""
    if "images" in case:
        return "at least 95% of held-out digits right", "stayed held out"
    if "seeds" in case:
        return "rng decides the order", "other rng, other order", "another order in every epoch"
    return (
        "shapes",
        "each example keeps its label",
        "every example is used",
        "no example is used too often",
        "every example is in one batch",
        "the steps together",
        "a step uses one batch",
    )


train = Exercise(
    id="train_digits",
    title="Train it",
    takes={"train": "function", "net": "value"},
    points=4,
    minutes=11,
    difficulty=4,
    cases=_train_cases,
    probe=probes.trained,
    measure=_measure_training,
    reference=lambda case: dict.fromkeys(_right_training(case), True),
    show=lambda case: (
        "your net on the held-out digits"
        if "images" in case
        else (
            f"train(params, X, y, lr={case['kwargs']['lr']}, epochs={case['kwargs']['epochs']}, "
            f"batch_size={case['kwargs']['batch_size']}, rng) with {len(case['kwargs']['y'])} "
            "examples"
        )
    ),
    explain=_explain_training,
    limit=20.0,
    trains=True,
    mistakes=(
        Mistake(
            id="train_no_update",
            message="The parameters come back unchanged: in every step, subtract lr times its "
            "gradient from each of them, and return the new ones.",
            answer=_wrong_training(update=False),
            recognise=_small(
                lambda case, seen, uses, right: (
                    case["name"] == "batches that fit" and np.allclose(uses, 0, atol=1e-6)
                )
            ),
        ),
        Mistake(
            id="train_weights_only",
            message="The biases stay as they were: update both, W and b, of every layer.",
            answer=_wrong_training(weights_only=True),
            recognise=lambda case, seen, expected: (
                "parameters" in seen
                and all(
                    np.array_equal(new[1], old[1])
                    for new, old in zip(seen["parameters"], case["kwargs"]["params"], strict=True)
                )
                and not np.array_equal(seen["parameters"][0][0], case["kwargs"]["params"][0][0])
            ),
        ),
        Mistake(
            id="train_unscaled",
            message="The learning rate is missing: a step is lr times the gradient.",
            answer=_wrong_training(scaled=False),
            recognise=_small(lambda case, seen, uses, right: np.max(np.abs(uses)) > 100),
        ),
        Mistake(
            id="train_other_labels",
            message="Examples and labels are mixed up: these are steps for X with the labels of "
            "other rows. Take both by the same row numbers, X[chosen] and y[chosen].",
            answer=_wrong_training(mixed=True),
            recognise=_small(lambda case, seen, uses, right: _other_labels(case, seen)),
        ),
        Mistake(
            id="train_uphill",
            message="The steps go uphill: the gradient points up, so subtract it.",
            answer=_wrong_training(sign=1.0),
            recognise=_small(lambda case, seen, uses, right: np.sum(uses) < -0.5 * np.sum(right)),
        ),
        Mistake(
            id="train_whole",
            message="Every step uses all examples. A step uses one batch: X[chosen], y[chosen].",
            answer=_wrong_training(whole=True),
            recognise=_small(
                lambda case, seen, uses, right: (
                    case["name"] == "a short last batch"
                    and not _uneven(uses)
                    and 0.75 * np.sum(right) < np.sum(uses) < 1.45 * np.sum(right)
                )
            ),
        ),
        Mistake(
            id="train_short_batch",
            message="The last batch is dropped when it is short: some examples are not used. A "
            "slice may end beyond the array, and takes what is there.",
            answer=_wrong_training(keep_short=False),
            recognise=_small(
                lambda case, seen, uses, right: np.allclose(
                    np.sort(uses), [0] + 6 * [1 / 3], atol=0.02
                )
            ),
            on=("a short last batch",),
        ),
        Mistake(
            id="train_overlap",
            message="The batches overlap: some examples are in two of them. A slice of `order` "
            "ends where the next one begins, at first + batch_size.",
            answer=_wrong_training(shorter=-1),
            recognise=_small(
                lambda case, seen, uses, right: (
                    case["name"] == "batches that fit"
                    and np.allclose(np.sort(uses) * 6, [2, 2, 2, 3, 4, 5], atol=0.1)
                )
            ),
            on=("batches that fit",),
        ),
        Mistake(
            id="train_gaps",
            message="Some examples are never used, and none is used twice: does each slice of "
            "`order` end where the next one begins, at first + batch_size?",
            answer=_wrong_training(shorter=1),
            recognise=_small(
                lambda case, seen, uses, right: any(
                    np.allclose(np.sort(uses), gaps, atol=0.02) for gaps in GAPS[case["name"]]
                )
            ),
            on=tuple(GAPS),
        ),
        Mistake(
            id="train_with_replacement",
            message="Some examples are used twice in an epoch and others never: shuffle with "
            "`rng.permutation`, which has each example once, and cut that into batches.",
            answer=_wrong_training(replace=True),
            recognise=_small(
                lambda case, seen, uses, right: (
                    np.isclose(np.sum(uses), np.sum(right), rtol=0.05)
                    and np.sum(np.abs(uses) < 0.05) > 0
                    and _repeats(case, uses)
                )
            ),
        ),
        Mistake(
            id="train_one_epoch",
            message="It trains for one epoch, whatever `epochs` says. Is `return` inside the loop "
            "over the epochs? It ends the function at once.",
            answer=_wrong_training(epochs_done=1),
            recognise=_small(
                lambda case, seen, uses, right: (
                    case["name"] == "several epochs"
                    and np.allclose(np.sort(uses), right / case["kwargs"]["epochs"], atol=0.02)
                )
            ),
        ),
        Mistake(
            id="train_one_batch",
            message="Only the first batch is used. Is `return` inside the loop over the batches, "
            "or does the slice end at `batch_size` in place of `first + batch_size`?",
            answer=_wrong_training(batches_done=1, epochs_done=1),
            recognise=_small(
                lambda case, seen, uses, right: (
                    case["name"] == "batches that fit"
                    and np.allclose(np.sort(uses), [0, 0, 0, 0, 0.5, 0.5], atol=0.02)
                )
            ),
        ),
        Mistake(
            id="train_not_shuffled",
            message="The order of the examples is always the same. Shuffle in every epoch: "
            "`rng.permutation(len(X))` gives the row numbers in a random order.",
            answer=_wrong_training(shuffle="never"),
            recognise=lambda case, seen, expected: (
                "runs" in seen
                and _cut_right(case, seen)
                and _measure_shuffling(case, seen)["rng decides the order"]
                and not _measure_shuffling(case, seen)["other rng, other order"]
            ),
        ),
        Mistake(
            id="train_own_rng",
            message="The order does not come from the `rng` that is passed in: with the same one, "
            "two trainings differ. Use `rng.permutation`, so that others can repeat yours.",
            answer=_wrong_training(shuffle="otherwise"),
            recognise=lambda case, seen, expected: (
                "runs" in seen and not _measure_shuffling(case, seen)["rng decides the order"]
            ),
        ),
        Mistake(
            id="train_shuffled_once",
            message="The examples are shuffled once, and then come in the same batches in every "
            "epoch. Shuffle anew inside the loop over the epochs.",
            answer=_wrong_training(shuffle="once"),
            recognise=lambda case, seen, expected: (
                "runs" in seen
                and _cut_right(case, seen)
                and not _measure_shuffling(case, seen)["another order in every epoch"]
            ),
        ),
        Mistake(
            id="train_sum",
            message="The steps are as many times too long as a batch has examples: use the mean "
            "gradient of the batch, not the sum.",
            answer=_wrong_training(average=False),
            recognise=_small(
                lambda case, seen, uses, right: (
                    case["name"] == "batches that fit"
                    and np.allclose(uses, right * case["kwargs"]["batch_size"], rtol=0.1)
                )
            ),
        ),
        Mistake(
            id="train_net_nan",
            message="The net's scores are NaN: the steps overshot, each farther than the last. "
            "Train it anew with a smaller `lr`.",
            answer=(_wrong_training()[0], tuple((W * np.nan, b) for W, b in untrained_net())),
            recognise=lambda case, seen, expected: (
                "logits" in seen and np.isnan(np.asarray(seen["logits"], dtype=float)).any()
            ),
        ),
        Mistake(
            id="train_untrained",
            message="The net reads fewer than a third of the held-out digits. Either `net` is not "
            "what `train` returned, or it took too few steps, or `lr` is so large that the steps "
            "overshoot, or so small that they lead nowhere.",
            answer=(_wrong_training()[0], untrained_net()),
            recognise=lambda case, seen, expected: "images" in case and _held_out(case, seen) < 0.3,
        ),
        Mistake(
            id="train_on_held_out",
            message="Every held-out digit is right, which no such net manages on images that it "
            "has never seen. Train on X_train and y_train only; the others are for the test.",
            answer=(_wrong_training()[0], TrainedOnAll()),
            recognise=lambda case, seen, expected: "images" in case and _held_out(case, seen) == 1,
        ),
    ),
    hints=(
        "Two lines: which rows are in this batch, and what are the parameters after a step.",
        "A batch is a slice of `order` that begins at `first`. How long is it, so where does it "
        "end? The new parameters are a new list: for every layer, each array minus lr times its "
        "own slopes. Background: [mini-batches](https://cs231n.github.io/optimization-1/#gd).",
        "```python\nchosen = order[first : ...]\n"
        "params = [(W - ..., b - ...) for (W, b), (dW, db) in zip(params, gradients)]\n```",
    ),
)


# --- Confident nonsense ------------------------------------------------------------------------

predict_noise = question(
    "predict_noise",
    "What does it say of noise?",
    minutes=4,
    options={
        "a": option(
            "about 10% for each digit, as noise is no digit",
            "That would be the honest answer. But nothing in the training ever showed the net "
            "something that is no digit, so nothing taught it to say so.",
        ),
        "b": option(
            "it refuses to answer",
            "It can't: softmax always hands out a whole 100%, to ten digits and to nothing else.",
        ),
        "c": option(
            "often one digit with more than 80%",
            "The scores of an image unlike any digit can be as large as those of a digit, and "
            "softmax turns any gap into confidence. How sure a net says it is and whether it "
            "should be are two things.",
        ),
        "d": option(
            "always the same digit, with 100%",
            "Different noise gives different scores. The net has favourites, and still more than "
            "one answer.",
        ),
    },
    right="c",
    hints=(
        "What can the net's last layer say, and what can't it say?",
        "Softmax only looks at gaps between scores. Are they small where the image is strange?",
        "Nothing in the training made them small there.",
    ),
)


def _adversarial_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for n, sizes, epsilon in ((4, [6, 8, 3], 0.1), (3, [5, 9, 7, 4], 0.25), (1, [7, 6, 2], 0.05)):
        while True:
            params = network(rng, sizes)
            X, y = rng.uniform(0, 1, (n, sizes[0])), rng.integers(0, sizes[-1], n)
            X[:, 0], X[:, 1] = rng.uniform(0.97, 1, n), rng.uniform(0, 0.03, n)
            X[:, 2], X[:, 3] = 0.0, 1.0  # as most of a digit's pixels are
            slopes = gradients(params, X, y)[1]
            if np.abs(slopes).min() > 1e-4 and np.any(slopes[:, 2] > 0):
                break
        cases.append({"args": [params, X, y, epsilon]})
    return cases


def _adversarial_reference(case: Case) -> np.ndarray:
    params, X, y, epsilon = case["args"]
    return np.clip(X + epsilon * np.sign(gradients(params, X, y)[1]), 0, 1)


def _moved(move: Callable[[np.ndarray, np.ndarray, float], np.ndarray]) -> Callable[..., Any]:
    def adversarial(params: list, X: np.ndarray, y: np.ndarray, epsilon: float) -> np.ndarray:
        return move(X, gradients(params, X, y)[1], epsilon)

    return adversarial


def _by_slopes(case: Case, seen: Any) -> bool:
    """Whether the step is the slopes themselves, of the cost's mean or its sum, clipped or not."""
    params, X, y, epsilon = case["args"]
    slopes = gradients(params, X, y)[1]
    steps = [X + epsilon * factor * slopes for factor in (1, len(X))]
    return any(np.allclose(seen, end) or np.allclose(seen, end.clip(0, 1)) for end in steps)


adversarial = Exercise(
    id="adversarial",
    title="One step against the net",
    takes={"adversarial": "function"},
    points=2,
    minutes=7,
    difficulty=3,
    cases=_adversarial_cases,
    probe=probes.adversarial,
    reference=_adversarial_reference,
    show=lambda case: f"adversarial(params, X, y, epsilon={case['args'][3]}) {_scored_shape(case)}",
    mistakes=(
        Mistake(
            id="adversarial_helps",
            message="The step lowers the cost: it makes the digits easier. To fool the net, go "
            "uphill, with plus.",
            answer=_moved(lambda X, d, e: np.clip(X - e * np.sign(d), 0, 1)),
        ),
        Mistake(
            id="adversarial_no_clip",
            message="Some pixels leave the range from 0 to 1: no image has such. End with "
            "np.clip(..., 0, 1).",
            answer=_moved(lambda X, d, e: X + e * np.sign(d)),
        ),
        Mistake(
            id="adversarial_mask",
            message="Pixels that are 0 stay where they are. Only relu switches slopes off, and "
            "there is no relu in front of the pixels: leave out (X > 0).",
            answer=_moved(lambda X, d, e: np.clip(X + e * np.sign(d) * (X > 0), 0, 1)),
        ),
        Mistake(
            id="adversarial_wide_clip",
            message="Some pixels fall below 0: no image has such. Clip between 0 and 1.",
            answer=_moved(lambda X, d, e: np.clip(X + e * np.sign(d), -1, 1)),
        ),
        Mistake(
            id="adversarial_unsigned",
            message="The step is the gradient itself. Take only its sign, so that every pixel "
            "moves by epsilon.",
            answer=_moved(lambda X, d, e: np.clip(X + e * d, 0, 1)),
            recognise=lambda case, seen, expected: _by_slopes(case, seen),
        ),
        Mistake(
            id="adversarial_unscaled",
            message="Every pixel moves by 1. It moves by epsilon: epsilon times the sign.",
            answer=_moved(lambda X, d, e: np.clip(X + np.sign(d), 0, 1)),
        ),
        Mistake(
            id="adversarial_step_only",
            message="This is the step alone. Add it to the image.",
            answer=_moved(lambda X, d, e: e * np.sign(d)),
        ),
        Mistake(
            id="adversarial_everything",
            message="Every pixel moves the same way. The sign of each pixel's own slope says where "
            "it goes.",
            answer=_moved(lambda X, d, e: np.clip(X + e, 0, 1)),
        ),
    ),
    hints=(
        "You need one more gradient: that of the pixels. It is the next step of the walk back that "
        "you wrote for the layers.",
        "From the sums of the first layer to the pixels it is once more back through a W, that of "
        "`params[0]`; no relu stands in front of the pixels. `np.sign` turns slopes into -1 and 1. "
        "Background: "
        "[fast gradient sign method](https://arxiv.org/abs/1412.6572).",
        "```python\nW, b = params[0]\nslopes = d @ ...\nreturn np.clip(X + ..., 0, 1)\n```",
    ),
)

EXERCISES = [
    numerical_gradient,
    gradient_descent,
    predict_step,
    predict_sign,
    softmax_regression_gradient,
    mlp_gradients,
    train,
    predict_noise,
    adversarial,
]
