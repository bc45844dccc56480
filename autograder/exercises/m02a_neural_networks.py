"""The exercises of 02a_neural_networks: a network's way forward, and what its answers cost."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake, Option, Rule, question
from autograder.probes import m02_neural_networks as probes

MODULE = "02a_neural_networks"


def network(rng: np.random.Generator, sizes: list[int], scale: float = 1.0) -> list[list]:
    """Random (weights, biases), one pair a layer; biases are never small."""
    return [
        [
            rng.normal(0, scale * math.sqrt(2 / n), (n, m)),
            rng.choice([-1, 1], m) * rng.uniform(0.2, 0.8, m),
        ]
        for n, m in itertools.pairwise(sizes)
    ]


def _probabilities(rng: np.random.Generator, *shape: int) -> np.ndarray:
    raised = np.exp(rng.normal(0, 1.3, shape))
    return raised / raised.sum(axis=-1, keepdims=True)


def option(text: str, why: str) -> Option:
    """One answer to a question."""
    return Option(text=text, why=why)


# --- Neurons and layers ------------------------------------------------------------------------


def _sigmoid_cases(rng: np.random.Generator) -> list[Case]:
    return [
        {"name": "some", "args": [rng.normal(0, 2, (3, 4))]},
        {"name": "one row", "args": [rng.normal(0, 2, 5)]},
        {"name": "whole numbers", "args": [rng.permutation(np.arange(-3, 4))]},
        {"name": "far", "args": [np.array([-1200.0, -40.0, -0.5, 0.5, 40.0, 1200.0])]},
    ]


def _sigmoid_reference(case: Case) -> dict[str, Any]:
    values = 0.5 * (1 + np.tanh(0.5 * np.asarray(case["args"][0], dtype=float)))
    return {"values": values, "overflows": False}


def _explain_sigmoid(case: Case, seen: Any, expected: Any) -> str | None:
    if seen["values"] is not None and np.isnan(np.asarray(seen["values"], dtype=float)).any():
        return "It gives NaN (not a number), as 0 divided by 0 or infinity by infinity does"
    return None


def _is_nan(case: Case, seen: Any, expected: Any) -> bool:
    values = np.asarray(seen["values"], dtype=float)
    missing = np.isnan(values)
    return values.shape == np.shape(expected["values"]) and missing.any() and not missing.all()


def _into_integers(z: np.ndarray) -> np.ndarray:
    out = np.zeros_like(z)
    out[...] = 0.5 * (1 + np.tanh(0.5 * z))
    return out


sigmoid = Exercise(
    id="sigmoid",
    title="Squash a number",
    takes={"sigmoid": "function"},
    points=2,
    minutes=7,
    difficulty=2,
    rules=(
        Rule(
            call="np.errstate",
            instead="it hides the overflow, which is still there. Raise e only to powers below 0",
        ),
    ),
    cases=_sigmoid_cases,
    probe=probes.without_overflow,
    reference=_sigmoid_reference,
    explain=_explain_sigmoid,
    mistakes=(
        Mistake(
            id="sigmoid_nan",
            message="For large z the result is NaN: e to the z is infinite there, and infinity "
            "divided by infinity is no number. Only ever raise e to a power below zero.",
            answer=lambda z: np.exp(z) / (1 + np.exp(z)),
            recognise=_is_nan,
        ),
        Mistake(
            id="sigmoid_overflow",
            message="The values are right, and `np.exp` overflows on the way: e to the power of "
            "1200 fits into no number. `np.exp(-np.abs(z))` never exceeds 1.",
            answer=lambda z: 1 / (1 + np.exp(-z)),
            recognise=lambda case, seen, expected: (
                seen["overflows"] and np.allclose(seen["values"], expected["values"])
            ),
        ),
        Mistake(
            id="sigmoid_mirrored",
            message="It falls where it should rise: large z should give values near 1, and z far "
            "below 0 values near 0.",
            answer=lambda z: 0.5 * (1 - np.tanh(0.5 * z)),
        ),
        Mistake(
            id="sigmoid_above_one",
            message="Some values are above 1, and a sigmoid stays between 0 and 1. Look at the "
            "brackets: 1 / 1 + x is 1 + x, which is not 1 / (1 + x).",
            answer=lambda z: np.where(z >= 0, 1 + np.exp(-np.abs(z)), 2 * np.exp(-np.abs(z))),
            recognise=lambda case, seen, expected: (
                np.shape(seen["values"]) == np.shape(expected["values"])
                and np.max(seen["values"]) > 1 + 1e-6
            ),
        ),
        Mistake(
            id="sigmoid_tanh",
            message="This is tanh, which goes from -1 to 1. The sigmoid goes from 0 to 1.",
            answer=np.tanh,
        ),
        Mistake(
            id="sigmoid_slope",
            message="This is the slope of the sigmoid, s * (1 - s). The sigmoid itself is asked "
            "for.",
            answer=lambda z: 0.25 * (1 - np.tanh(0.5 * z) ** 2),
        ),
        Mistake(
            id="sigmoid_absolute",
            message="A number and its negative get the same value: `np.abs` takes the sign off. "
            "For negative z it takes another formula; `np.where` chooses between the two.",
            answer=lambda z: 1 / (1 + np.exp(-np.abs(z))),
            recognise=lambda case, seen, expected: (
                np.allclose(seen["values"], np.asarray(seen["values"])[::-1])
                and not np.allclose(seen["values"], seen["values"][0])
            ),
            on=("far",),
        ),
        Mistake(
            id="sigmoid_integers",
            message="For whole numbers the result is cut down to whole numbers: "
            "`np.zeros_like(z)` takes over the type of z. Make the result of floats.",
            answer=_into_integers,
            on=("whole numbers",),
        ),
    ),
    hints=(
        "The formula is one line. The trouble is e to the power of a large number: for which z "
        "does that happen in 1 / (1 + e^-z)?",
        "Multiply above and below by e^z: e^z / (e^z + 1) is the same function, and harmless for "
        "negative z. So use one form for each sign. The given `small` is e^-z on the right of 0 "
        "and e^z on the left; "
        "[np.where](https://numpy.org/doc/stable/reference/generated/numpy.where.html) chooses.",
        "```python\nreturn np.where(z >= 0, 1 / (1 + small), ...)\n```",
    ),
)

relu = Exercise(
    id="relu",
    title="Or cut it off",
    takes={"relu": "function"},
    points=1,
    minutes=3,
    difficulty=1,
    cases=lambda rng: [
        {"args": [rng.normal(0, 2, (4, 3))]},
        {"args": [rng.permutation(np.arange(-4, 3))]},
        {"args": [rng.normal(0, 2, 5)]},
    ],
    probe=probes.called,
    reference=lambda case: (case["args"][0] + np.abs(case["args"][0])) / 2,
    mistakes=(
        Mistake(
            id="relu_inverted",
            message="It is the wrong way round: it keeps negative numbers and makes positive "
            "ones 0.",
            answer=lambda z: np.minimum(z, 0),
        ),
        Mistake(
            id="relu_absolute",
            message="This is the absolute value: relu makes negative numbers 0.",
            answer=np.abs,
        ),
        Mistake(
            id="relu_step",
            message="It only says whether a number is positive. Relu keeps how large it is.",
            answer=lambda z: (z > 0) * 1.0,
            recognise=lambda case, seen, expected: np.array_equal(
                np.asarray(seen, dtype=float), expected > 0
            ),
        ),
        Mistake(
            id="relu_whole",
            message="It takes one maximum of many numbers. Each number is compared with 0 by "
            "itself: `np.maximum`, not `np.max`.",
            answer=lambda z: np.max(z),
            recognise=lambda case, seen, expected: any(
                np.array_equal(seen, np.max(case["args"][0], axis)) for axis in (None, 0)
            ),
        ),
        Mistake(
            id="relu_filtered",
            message="Numbers below 0 are left out. They stay in their places, as 0, so that the "
            "result has the shape of z.",
            answer=lambda z: z[z > 0],
        ),
        Mistake(
            id="relu_leaky",
            message="Negative numbers keep a part of themselves (a leaky relu). Here they become "
            "exactly 0.",
            answer=lambda z: np.where(z > 0, z, 0.01 * z),
            recognise=lambda case, seen, expected: (
                np.shape(seen) == np.shape(expected)
                and np.all(np.asarray(seen)[expected == 0] <= 0)
                and np.allclose(np.asarray(seen)[expected > 0], expected[expected > 0])
            ),
        ),
    ),
    hints=(
        "Compare each number with 0 and keep the larger one.",
        "[np.maximum](https://numpy.org/doc/stable/reference/generated/numpy.maximum.html) "
        "compares element by element, also with a plain number.",
        "```python\nreturn np.maximum(z, ...)\n```",
    ),
)


def _layer_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for n, nin, nout in ((3, 5, 2), (4, 2, 6), (1, 3, 4), (5, 4, 1)):
        W, b = network(rng, [nin, nout])[0]
        cases.append({"args": [W, b, rng.normal(0, 1, (n, nin))]})
    whole = [rng.integers(-3, 4, shape) for shape in ((2, 3), (3,), (4, 2))]
    whole[1] = rng.permutation([-2, 1, 3])
    return [*cases, {"args": whole}]


def _layer_by_loops(case: Case) -> np.ndarray:
    W, b, X = case["args"]
    return np.array(
        [[sum(x[i] * W[i, j] for i in range(len(x))) + b[j] for j in range(W.shape[1])] for x in X],
        dtype=float,
    )


layer = Exercise(
    id="layer_digits",
    title="A layer is one matrix product",
    takes={"layer": "function"},
    points=2,
    minutes=5,
    difficulty=2,
    cases=_layer_cases,
    probe=probes.called,
    reference=_layer_by_loops,
    mistakes=(
        Mistake(
            id="layer_no_bias",
            message="The biases are not added: each neuron adds its own `b` to its sum.",
            answer=lambda W, b, X: X @ W,
        ),
        Mistake(
            id="layer_transposed",
            message="The result is the wrong way round: one row for each example, one column for "
            "each neuron.",
            answer=lambda W, b, X: (X @ W + b).T,
        ),
        Mistake(
            id="layer_relu",
            message="Numbers below 0 are cut off. Here a layer gives the plain sums; relu comes "
            "later, between the layers.",
            answer=lambda W, b, X: np.maximum(X @ W + b, 0),
        ),
        Mistake(
            id="layer_sigmoid",
            message="The sums are squashed. Here a layer gives the plain sums.",
            answer=lambda W, b, X: 0.5 * (1 + np.tanh(0.5 * (X @ W + b))),
        ),
        Mistake(
            id="layer_bias_subtracted",
            message="The biases are subtracted: a neuron adds its bias.",
            answer=lambda W, b, X: X @ W - b,
        ),
        Mistake(
            id="layer_one_bias",
            message="One number is added everywhere. Each neuron, which is a column of the "
            "result, has a bias of its own.",
            answer=lambda W, b, X: X @ W + b.sum(),
        ),
    ),
    hints=(
        "Write down the shapes: (n, inputs) and (inputs, outputs) make (n, outputs). In which "
        "order do they fit?",
        "`X @ W` takes each row of X with each column of W. Adding `b` of shape (outputs,) then "
        "adds it to every row: "
        "[broadcasting](https://numpy.org/doc/stable/user/basics.broadcasting.html).",
        "```python\nreturn X @ ... + ...\n```",
    ),
)

predict_stack = question(
    "predict_stack",
    "Two layers in a row",
    minutes=3,
    difficulty=2,
    options={
        "a": option(
            "more than one layer can, as it has more weights",
            "More weights, and still no more functions: a matrix times a matrix is a matrix. "
            "Write out (X W1 + b1) W2 + b2.",
        ),
        "b": option(
            "exactly what one layer can",
            "(X W1 + b1) W2 + b2 = X (W1 W2) + (b1 W2 + b2): one layer, with the weights W1 W2. "
            "What makes depth worth having is the bend between the layers.",
        ),
        "c": option(
            "less than one layer can, as the middle has fewer numbers",
            "The middle has 16 numbers and the end has 10, so nothing is lost on the way: any "
            "layer from 64 to 10 can be written as two such layers.",
        ),
    },
    right="b",
    hints=(
        "Put the formula of the first layer into the formula of the second.",
        "(X W1 + b1) W2 + b2. Multiply it out. Which shape does W1 W2 have?",
        "X (W1 W2) + (b1 W2 + b2): compare with X W + b.",
    ),
)


def _forward_by_loops(case: Case) -> np.ndarray:
    params, X = case["args"]
    found = []
    for h in X:
        for depth, (W, b) in enumerate(params):
            h = [math.fsum(v * W[i, j] for i, v in enumerate(h)) + b[j] for j in range(W.shape[1])]
            if depth < len(params) - 1:
                h = [max(0.0, v) for v in h]
        found.append(h)
    return np.array(found)


def _forward_cases(rng: np.random.Generator) -> list[Case]:
    shapes = ((4, [3, 5, 2]), (3, [6, 4, 5, 2]), (1, [5, 7, 3]), (5, [4, 3]))
    cases = [
        {"args": [network(rng, sizes), rng.normal(0, 1, (n, sizes[0]))]} for n, sizes in shapes
    ]
    params = network(rng, [3, 4, 2])
    return [*cases, {"args": [params, rng.permutation(np.arange(-6, 9)).reshape(5, 3)]}]


def _forward_with(
    between: Callable = lambda h: np.maximum(h, 0),
    last: Callable = lambda h: h,
    bias: float = 1.0,
    layers: slice = slice(None),
) -> Callable:
    def mlp_forward(params: list, X: np.ndarray) -> np.ndarray:
        chosen = params[layers]
        for depth, (W, b) in enumerate(chosen):
            X = X @ W + bias * b
            X = between(X) if depth < len(chosen) - 1 else last(X)
        return X

    return mlp_forward


def _softmax(z: np.ndarray, axis: int = -1) -> np.ndarray:
    raised = np.exp(z - z.max(axis=axis, keepdims=True))
    return raised / raised.sum(axis=axis, keepdims=True)


mlp_forward = Exercise(
    id="mlp_forward",
    title="Layer after layer",
    takes={"mlp_forward": "function"},
    points=2,
    minutes=6,
    difficulty=2,
    cases=_forward_cases,
    probe=probes.forward,
    reference=_forward_by_loops,
    show=lambda case: (
        f"mlp_forward(params, X) with layers {' -> '.join(map(str, _sizes(case)))} and "
        f"{len(case['args'][1])} examples"
    ),
    mistakes=(
        Mistake(
            id="forward_relu_last",
            message="The last layer's scores are cut off at 0: relu stands between layers, not "
            "after the last one.",
            answer=_forward_with(last=lambda h: np.maximum(h, 0)),
        ),
        Mistake(
            id="forward_no_relu",
            message="There is no relu between the layers: without it, all of them together are "
            "one layer.",
            answer=_forward_with(between=lambda h: h),
        ),
        Mistake(
            id="forward_relu_first",
            message="Relu comes before each layer, so it cuts the inputs themselves as well. It "
            "belongs after each layer but the last.",
            answer=lambda params, X: _forward_with()(params, np.maximum(X, 0)),
        ),
        Mistake(
            id="forward_sigmoid",
            message="The layers are joined by a sigmoid. Here it is relu.",
            answer=_forward_with(between=lambda h: 0.5 * (1 + np.tanh(0.5 * h))),
        ),
        Mistake(
            id="forward_softmax",
            message="It ends in probabilities. The scores of the last layer are asked for, as "
            "they are; softmax comes in the next section.",
            answer=_forward_with(last=_softmax),
        ),
        Mistake(
            id="forward_no_bias",
            message="The biases are left out: each layer gives X @ W + b.",
            answer=_forward_with(bias=0.0),
        ),
        Mistake(
            id="forward_last_missing",
            message="The last layer is missing: its scores are what the network says.",
            answer=lambda params, X: _forward_with(last=lambda h: np.maximum(h, 0))(
                params[:-1] or params, X
            ),
            recognise=lambda case, seen, expected: (
                len(case["args"][0]) > 1
                and np.shape(seen) == (len(expected), len(case["args"][0][-1][0]))
            ),
        ),
    ),
    hints=(
        "Let one variable run through the layers: what one gives, the next one takes.",
        "In the loop, `layer` and then `relu`, both of `h`, and what comes out is the new `h`. The "
        "last layer comes without relu. Background: [a two-layer network]"
        "(https://cs231n.github.io/neural-networks-1/#feedforward).",
        "```python\nfor W, b in params[:-1]:\n    h = relu(layer(W, b, h))\nW, b = params[-1]\n"
        "return ...\n```",
    ),
)


def _sizes(case: Case) -> list[int]:
    params = case["args"][0]
    return [len(params[0][0]), *(len(b) for _, b in params)]


# --- From scores to probabilities --------------------------------------------------------------

predict_shift = question(
    "predict_shift",
    "All scores up by 100",
    minutes=4,
    options={
        "a": option(
            "they all grow, and stay below 1",
            "They can't all grow: together they are always 1.",
        ),
        "b": option(
            "the largest one comes closer to 1",
            "That happens when the scores are multiplied, which widens the gaps. Adding the same "
            "number to all leaves the gaps as they were.",
        ),
        "c": option(
            "nothing",
            "Each e to the power of z grows by the same factor, and the factor cancels in the "
            "division. Only differences between scores count.",
        ),
        "d": option(
            "they come closer to each other",
            "That happens when the scores are divided, which narrows the gaps. Adding the same "
            "number to all leaves the gaps as they were.",
        ),
    },
    right="c",
    hints=(
        "What happens to e^z when z grows by 100? By which factor does it grow?",
        "Every e^z gets the same factor, above and below the fraction bar.",
        "e^(z+100) / Σ e^(z+100) = e^100 e^z / (e^100 Σ e^z) = ?",
    ),
)


def _softmax_cases(rng: np.random.Generator) -> list[Case]:
    far = np.array([[1000.0, 1001.0, 998.0], [-1000.0, -1003.0, -999.0]])
    return [
        {"name": "rows", "args": [rng.normal(0, 2, (4, 3))]},
        {"name": "columns", "args": [rng.normal(0, 2, (5, 2))], "kwargs": {"axis": 0}},
        {"name": "middle", "args": [rng.normal(0, 2, (2, 4, 3))], "kwargs": {"axis": 1}},
        {"name": "one example", "args": [rng.normal(0, 2, 6)]},
        {"name": "whole numbers", "args": [rng.permutation(np.arange(-4, 6)).reshape(5, 2)]},
        {"name": "large", "args": [np.array([900.0, 897.0, 901.5, 899.0]) + rng.normal(0, 1, 4)]},
        {"name": "far below", "args": [np.array([-900.0, -902.0, -899.0]) + rng.normal(0, 1, 3)]},
        {"name": "far apart", "args": [far + rng.normal(0, 0.5, (2, 3))]},
        {"name": "wide", "args": [np.array([1000.0, 1.0, -3.0, 2.0, 0.0]) + rng.normal(0, 1, 5)]},
    ]


def _softmax_by_loops(case: Case) -> np.ndarray:
    """Each share as 1 over the sum of e to the power of the gaps."""

    def shares(row: np.ndarray) -> list[float]:
        gaps = [[other - z for other in row] for z in row]
        return [0.0 if max(gap) > 700 else 1 / math.fsum(math.exp(g) for g in gap) for gap in gaps]

    axis = case.get("kwargs", {}).get("axis", -1)
    return np.apply_along_axis(shares, axis, np.asarray(case["args"][0], dtype=float))


def _plain_softmax(z: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.exp(z) / np.exp(z).sum(axis=axis, keepdims=True)


def _one_max(z: np.ndarray, axis: int = -1) -> np.ndarray:
    return _plain_softmax(z - z.max(), axis)


def _in_proportion(case: Case, seen: Any, expected: Any) -> bool:
    """Whether the shares fit each other along the axis, and not their sum."""
    axis = case.get("kwargs", {}).get("axis", -1)
    factor = np.asarray(seen, dtype=float) / expected
    return factor.shape == expected.shape and bool(
        np.allclose(factor, factor.take([0], axis=axis)) and np.all(factor > 0)
    )


SMALL = ("rows", "columns", "middle", "one example")

softmax = Exercise(
    id="softmax",
    title="Softmax",
    takes={"softmax": "function"},
    points=3,
    minutes=8,
    difficulty=3,
    cases=_softmax_cases,
    probe=probes.called,
    reference=_softmax_by_loops,
    rules=(Rule(call="scipy.special.softmax", instead="write it with np.exp, max and sum"),),
    mistakes=(
        Mistake(
            id="softmax_everything",
            message="All numbers together add up to 1. Along `axis` each row is a distribution "
            "of its own: sum with axis=axis.",
            answer=lambda z, axis=-1: np.exp(z - z.max()) / np.exp(z - z.max()).sum(),
            on=SMALL,
        ),
        Mistake(
            id="softmax_axis_ignored",
            message="`axis` is not used: it always sums along the last axis.",
            answer=lambda z, axis=-1: _softmax(z, -1),
            on=("columns",),
        ),
        Mistake(
            id="softmax_first_axis",
            message="It sums along the first axis. Along the last axis, which is the default, "
            "each row adds up to 1.",
            answer=lambda z, axis=-1: _softmax(z, 0),
            on=("rows", "one example"),
        ),
        Mistake(
            id="softmax_no_exp",
            message="The scores themselves are divided by their sum. First e is raised to each, "
            "which makes them positive.",
            answer=lambda z, axis=-1: z / z.sum(axis=axis, keepdims=True),
            on=SMALL,
        ),
        Mistake(
            id="softmax_undivided",
            message="The numbers are in the right proportion, and they don't add up to 1 along "
            "`axis`: divide the powers of e by their own sum, e / e.sum(axis=axis, keepdims=True).",
            answer=lambda z, axis=-1: np.exp(z),
            on=SMALL,
            recognise=_in_proportion,
        ),
        Mistake(
            id="softmax_log",
            message="This is the logarithm of the softmax: the numbers should be between 0 and 1.",
            answer=lambda z, axis=-1: np.log(_softmax(z, axis)),
            on=SMALL,
        ),
        Mistake(
            id="softmax_max_divided",
            message="The scores are divided by their maximum. Subtract it: only differences "
            "leave the result as it is.",
            answer=lambda z, axis=-1: _plain_softmax(z / z.max(axis=axis, keepdims=True), axis),
            on=SMALL,
        ),
        Mistake(
            id="softmax_no_max",
            message="Scores near 900 give NaN or nonsense: e to the power of 900 fits into no "
            "number, and e to the power of -900 is 0. Subtract the largest score first; the "
            "result stays the same.",
            answer=_plain_softmax,
            on=("large", "far below"),
        ),
        Mistake(
            id="softmax_far_below",
            message="Scores near -900 give NaN: all their powers of e are 0, and 0 divided by 0 is "
            "no number. What you subtract has to be the largest score itself, whatever its sign: "
            "then one power is 1.",
            answer=lambda z, axis=-1: _plain_softmax(z - 900.0, axis),
            on=("far below",),
            recognise=lambda case, seen, expected: np.isnan(np.asarray(seen, dtype=float)).any(),
        ),
        Mistake(
            id="softmax_one_max",
            message="The largest score of the whole array is subtracted, and a row far below it "
            "becomes 0 divided by 0. Each row along `axis` needs its own maximum: keepdims=True.",
            answer=_one_max,
            on=("far apart",),
        ),
        Mistake(
            id="softmax_mean",
            message="One score far above the others gives NaN: its power of e overflows after the "
            "subtraction, too. Subtract the largest score, not the mean.",
            answer=lambda z, axis=-1: _plain_softmax(z - z.mean(axis=axis, keepdims=True), axis),
            on=("wide",),
            recognise=lambda case, seen, expected: np.isnan(np.asarray(seen, dtype=float)).any(),
        ),
    ),
    hints=(
        "Three steps: subtract the maximum, raise e to the power, divide by the sum. Two of them "
        "go along `axis`.",
        "`z.max(axis=axis, keepdims=True)` keeps the axis with length 1, so that it broadcasts "
        "back over z. The same for the sum. "
        "[numpy on keepdims](https://numpy.org/doc/stable/reference/generated/numpy.sum.html).",
        "```python\nz = z - z.max(axis=axis, keepdims=True)\ne = np.exp(z)\nreturn e / ...\n```",
    ),
)


def _accuracy_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for n, classes, right in ((7, 3, 3), (5, 4, 4), (9, 6, 2), (1, 3, 1)):
        z = rng.normal(0, 1, (n, classes))
        y = z.argmax(axis=1)
        wrong = rng.permutation(n)[right:]
        y[wrong] = (y[wrong] + rng.integers(1, classes, len(wrong))) % classes
        cases.append({"args": [z - 2.0, y]})
    return cases


def _accuracy_by_loop(case: Case) -> float:
    z, y = case["args"]
    right = sum(all(row[k] >= other for other in row) for row, k in zip(z, y, strict=True))
    return right / len(y)


accuracy = Exercise(
    id="accuracy",
    title="How many are right?",
    takes={"accuracy": "function"},
    points=1,
    minutes=3,
    difficulty=1,
    cases=_accuracy_cases,
    probe=probes.called,
    reference=_accuracy_by_loop,
    mistakes=(
        Mistake(
            id="accuracy_count",
            message="It counts the right ones. Divide by how many there are, to get a share "
            "between 0 and 1.",
            answer=lambda logits, y: int((logits.argmax(axis=1) == y).sum()),
        ),
        Mistake(
            id="accuracy_percent",
            message="This is in percent. A share between 0 and 1 is asked for.",
            answer=lambda logits, y: 100 * float((logits.argmax(axis=1) == y).mean()),
        ),
        Mistake(
            id="accuracy_errors",
            message="This is the share of the wrong ones.",
            answer=lambda logits, y: float((logits.argmax(axis=1) != y).mean()),
        ),
        Mistake(
            id="accuracy_flat",
            message="`argmax` without an axis looks at the whole array. Each example, a row, has "
            "its own largest score: axis=1.",
            answer=lambda logits, y: float((logits.argmax() == y).mean()),
        ),
        Mistake(
            id="accuracy_max",
            message="It compares the largest score itself with the label. The answer is the place "
            "of the largest score: `argmax`, not `max`.",
            answer=lambda logits, y: float((logits.max(axis=1) == y).mean()),
        ),
        Mistake(
            id="accuracy_each",
            message="It says of each example whether it is right. Take the mean of that.",
            answer=lambda logits, y: logits.argmax(axis=1) == y,
        ),
    ),
    hints=(
        "What does the network say? The class with the largest score, for each example.",
        "`logits.argmax(axis=1)` gives one class a row; compared with `y` it gives True or False, "
        "and the mean of those is a share. "
        "[argmax](https://numpy.org/doc/stable/reference/generated/numpy.argmax.html).",
        "```python\nreturn (logits.argmax(axis=1) == ...).mean()\n```",
    ),
)


# --- What an answer costs ----------------------------------------------------------------------


def _one_hot_cases(rng: np.random.Generator) -> list[Case]:
    return [
        {"args": [rng.permutation([0, 1, 2, 2, 0, 3, 1]), 4]},
        {"args": [rng.permutation([0, 2, 1, 4, 2]), 8]},
        {"args": [np.array([2]), 5]},
    ]


def _one_hot_by_loop(case: Case) -> np.ndarray:
    y, classes = case["args"]
    return np.array([[float(k == label) for k in range(classes)] for label in y])


def _as_numbers(case: Case, seen: Any) -> Any:
    """True and False count as 1 and 0 here."""
    try:
        given = np.array(seen)
    except ValueError:  # a ragged list
        return seen
    return given.astype(float) if given.dtype.kind == "b" and given.ndim else seen


one_hot = Exercise(
    id="one_hot",
    title="The answer as a row of numbers",
    takes={"one_hot": "function"},
    points=1,
    minutes=4,
    difficulty=1,
    cases=_one_hot_cases,
    probe=probes.called,
    reference=_one_hot_by_loop,
    measure=_as_numbers,
    mistakes=(
        Mistake(
            id="one_hot_from_one",
            message="The classes are counted from 1. Class 0 has its 1 in the first column.",
            answer=lambda y, num_classes: np.eye(num_classes)[y - 1],
        ),
        Mistake(
            id="one_hot_transposed",
            message="The result is the wrong way round: one row for each example, one column for "
            "each class.",
            answer=lambda y, num_classes: np.eye(num_classes)[y].T,
        ),
        Mistake(
            id="one_hot_width",
            message="The width is taken from the labels that occur. It is `num_classes`, also "
            "where a class does not occur.",
            answer=lambda y, num_classes: np.eye(y.max() + 1)[y],
        ),
        Mistake(
            id="one_hot_labels",
            message="The label itself stands in its column. It should be a 1.",
            answer=lambda y, num_classes: np.eye(num_classes)[y] * y[:, None],
        ),
        Mistake(
            id="one_hot_block",
            message="The columns of all labels are 1 in every row: `rows[:, y] = 1` fills whole "
            "columns. Each row needs its own.",
            answer=lambda y, num_classes: np.tile(np.eye(num_classes)[y].max(axis=0), (len(y), 1)),
        ),
    ),
    hints=(
        "Start from a matrix of zeros and put one 1 into each row.",
        "`np.eye(num_classes)` has the row for class k at index k. And an array of numbers may "
        "stand as an index: [indexing with arrays]"
        "(https://numpy.org/doc/stable/user/basics.indexing.html#integer-array-indexing).",
        "```python\nreturn np.eye(num_classes)[...]\n```",
    ),
)

predict_guess = question(
    "predict_guess",
    "The price of knowing nothing",
    minutes=2,
    difficulty=2,
    options={
        "a": option(
            "0.1",
            "That is the probability, not its cost: the cost is minus its logarithm.",
        ),
        "b": option(
            "0.9",
            "That is 1 minus the probability. The cost is minus the logarithm of the probability.",
        ),
        "c": option(
            "1.0",
            "That is the logarithm to the base 10. Here it is the natural one: ln 10.",
        ),
        "d": option(
            "2.3",
            "-ln(1/10) = ln 10 = 2.303. Keep this number: a fresh network with ten classes should "
            "start near it.",
        ),
    },
    right="d",
    hints=(
        "Which probability does the right digit get, if all ten get the same?",
        "1/10. What is minus its natural logarithm?",
        "-ln(1/10) = ln(10), and e² is about 7.4.",
    ),
)


def _cross_entropy_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for n, classes in ((5, 3), (4, 7), (1, 6)):
        p = _probabilities(rng, n, classes)
        y = (p.argmax(axis=1) + rng.integers(1, classes, n)) % classes  # not the likeliest
        cases.append({"name": "some", "args": [p, y]})
    y = rng.permutation([0, 2, 1, 3, 0, 2])
    p = _probabilities(rng, 6, 4)
    p[np.arange(6), (y + 1) % 4] = 0.0
    p /= p.sum(axis=1, keepdims=True)
    return [*cases, {"name": "zeros", "args": [p, y]}]


def _cross_entropy_by_loop(case: Case) -> float:
    p, y = case["args"]
    return math.fsum(-math.log(row[k]) for row, k in zip(p, y, strict=True)) / len(y)


def _picked(p: np.ndarray, y: np.ndarray) -> np.ndarray:
    return p[np.arange(len(y)), y]


def _plain_cross_entropy(p: np.ndarray, y: np.ndarray) -> float:
    return float(-np.mean(np.sum(np.eye(p.shape[1])[y] * np.log(p), axis=1)))


cross_entropy = Exercise(
    id="cross_entropy",
    title="Cross-entropy",
    takes={"cross_entropy": "function"},
    points=3,
    minutes=5,
    difficulty=3,
    cases=_cross_entropy_cases,
    probe=probes.called,
    reference=_cross_entropy_by_loop,
    mistakes=(
        Mistake(
            id="cross_entropy_sum",
            message="The costs are added up and not averaged: divide by the number of examples.",
            answer=lambda p, y: float(-np.log(_picked(p, y)).sum()),
        ),
        Mistake(
            id="cross_entropy_classes",
            message="It is averaged over the classes as well: divide by the number of examples "
            "only.",
            answer=lambda p, y: float(-np.log(_picked(p, y)).mean() / p.shape[1]),
        ),
        Mistake(
            id="cross_entropy_sign",
            message="The minus sign is missing: logarithms of probabilities are negative, and a "
            "cost is not.",
            answer=lambda p, y: float(np.log(_picked(p, y)).mean()),
        ),
        Mistake(
            id="cross_entropy_base",
            message="The logarithm is to the base 2. Here it is the natural one, `np.log`.",
            answer=lambda p, y: float(-np.log2(_picked(p, y)).mean()),
        ),
        Mistake(
            id="cross_entropy_ten",
            message="This is with the logarithm to the base 10. Here it is the natural one, "
            "`np.log`.",
            answer=lambda p, y: float(-np.log10(_picked(p, y)).mean()),
        ),
        Mistake(
            id="cross_entropy_every_pair",
            message="`p[:, y]` takes the columns of all labels in every row. Each example needs "
            "its own entry: p[np.arange(len(y)), y].",
            answer=lambda p, y: float(-np.log(np.maximum(p[:, y], 1e-300)).mean()),
            recognise=lambda case, seen, expected: (
                case.get("name") != "zeros"
                and np.ndim(seen) == 0
                and np.isclose(seen, -np.log(case["args"][0][:, case["args"][1]]).mean())
            ),
        ),
        Mistake(
            id="cross_entropy_softmax",
            message="Softmax is applied once more. What comes in are probabilities already.",
            answer=lambda p, y: float(-np.log(_picked(_softmax(p), y)).mean()),
        ),
        Mistake(
            id="cross_entropy_all",
            message="The costs of all classes are averaged, right and wrong ones. Only the right "
            "class of each example counts.",
            answer=lambda p, y: float(-np.log(np.maximum(p, 1e-300)).mean()),
            recognise=lambda case, seen, expected: (
                case.get("name") != "zeros"
                and np.size(seen) == 1
                and np.isclose(seen, -np.log(case["args"][0]).mean())
            ),
        ),
        Mistake(
            id="cross_entropy_entropy",
            message="This is how unsure the network is, whatever the labels say. The cost asks for "
            "the right class only, y[i] in row i.",
            answer=lambda p, y: float(-(p * np.log(np.maximum(p, 1e-300))).sum() / len(y)),
            on=("some",),
        ),
        Mistake(
            id="cross_entropy_largest",
            message="This is the cost of the class that the network finds likeliest. The cost asks "
            "for the right class, y[i] in row i.",
            answer=lambda p, y: float(-np.log(p.max(axis=1)).mean()),
            on=("some",),
        ),
        Mistake(
            id="cross_entropy_each",
            message="It gives the cost of each example. Take their mean: one number.",
            answer=lambda p, y: -np.log(_picked(p, y)),
        ),
        Mistake(
            id="cross_entropy_of_mean",
            message="The probabilities are averaged before the logarithm. Take the logarithm of "
            "each first, then the mean.",
            answer=lambda p, y: float(-np.log(_picked(p, y).mean())),
        ),
        Mistake(
            id="cross_entropy_linear",
            message="This averages 1 minus the probability. The cost is minus its logarithm.",
            answer=lambda p, y: float((1 - _picked(p, y)).mean()),
        ),
        Mistake(
            id="cross_entropy_zero",
            message="The result is NaN where a wrong digit has the probability 0: its logarithm "
            "is minus infinity, and 0 times that is no number. Pick the right digit's "
            "probability first, then take the logarithm.",
            answer=_plain_cross_entropy,
        ),
    ),
    hints=(
        "Only one number of each row matters: the probability that the right digit got.",
        "`probabilities[np.arange(n), y]` picks entry y[i] of row i. Then minus the logarithm of "
        "each, then the mean. Background: "
        "[cross-entropy](https://en.wikipedia.org/wiki/Cross-entropy).",
        "```python\nright = probabilities[np.arange(len(y)), y]\nreturn -np.log(...).mean()\n```",
    ),
)


def _distribution(rng: np.random.Generator, n: int, zeros: int = 0) -> np.ndarray:
    p = _probabilities(rng, n)
    p[rng.permutation(n)[:zeros]] = 0.0
    return p / p.sum()


def _entropy_by_loop(case: Case) -> float:
    return math.fsum(-p * math.log(p) for p in case["args"][0] if p > 0)


entropy = Exercise(
    id="entropy",
    title="How unsure is it?",
    takes={"entropy": "function"},
    points=2,
    minutes=3,
    difficulty=2,
    cases=lambda rng: [
        {"name": "some", "args": [_distribution(rng, 4)]},
        {"name": "more", "args": [_distribution(rng, 7)]},
        {"name": "zeros", "args": [_distribution(rng, 6, zeros=2)]},
        {"name": "certain", "args": [np.array([0.0, 1.0, 0.0])]},
    ],
    probe=probes.without_zeros,
    reference=_entropy_by_loop,
    atol=1e-5,
    mistakes=(
        Mistake(
            id="entropy_base",
            message="This is in bits, with the logarithm to the base 2. In nats it is the natural "
            "one, `np.log`.",
            answer=lambda p: float(-np.sum(p[p > 0] * np.log2(p[p > 0]))),
        ),
        Mistake(
            id="entropy_sign",
            message="The minus sign is missing: entropy is never negative.",
            answer=lambda p: float(np.sum(p[p > 0] * np.log(p[p > 0]))),
            on=("some", "more"),
        ),
        Mistake(
            id="entropy_mean",
            message="The surprises are averaged as if all outcomes were equally likely: add up p "
            "times the surprise, and divide by nothing.",
            answer=lambda p: float(-np.sum(p[p > 0] * np.log(p[p > 0])) / len(p)),
            on=("some", "more"),
        ),
        Mistake(
            id="entropy_unweighted",
            message="The surprises are added up without their probabilities: multiply each by p.",
            answer=lambda p: float(-np.sum(np.log(p[p > 0]))),
            on=("some", "more"),
        ),
        Mistake(
            id="entropy_each",
            message="It gives what each outcome adds. Add them up: entropy is one number.",
            answer=lambda p: -p[p > 0] * np.log(p[p > 0]),
            on=("some", "more"),
        ),
        Mistake(
            id="entropy_zero",
            message="An outcome with the probability 0 makes it NaN: 0 times minus infinity. "
            "What never happens adds nothing, so leave it out.",
            answer=lambda p: float(-np.sum(p * np.log(p))),
        ),
    ),
    hints=(
        "Each outcome adds its probability times its surprise.",
        "Leave out zeros first: `p = p[p > 0]`. Then -Σ p ln p. Background: "
        "[entropy](https://en.wikipedia.org/wiki/Entropy_(information_theory)).",
        "```python\np = p[p > 0]\nreturn -np.sum(...)\n```",
    ),
)


def _kl_by_loop(case: Case) -> float:
    p, q = case["args"]
    return math.fsum(a * (math.log(a) - math.log(b)) for a, b in zip(p, q, strict=True) if a > 0)


def _mean_log(p: np.ndarray, q: np.ndarray) -> float:
    kept = p > 0
    return float(np.sum(p[kept] * np.log(q[kept])))


kl_divergence = Exercise(
    id="kl_divergence",
    title="The price of a wrong belief",
    takes={"kl_divergence": "function"},
    points=2,
    minutes=4,
    difficulty=2,
    cases=lambda rng: [
        {"name": "some", "args": [_distribution(rng, 5), _distribution(rng, 5)]},
        {"name": "more", "args": [_distribution(rng, 3), _distribution(rng, 3)]},
        {"name": "zeros", "args": [_distribution(rng, 6, zeros=2), _distribution(rng, 6)]},
    ],
    probe=probes.without_zeros,
    reference=_kl_by_loop,
    atol=1e-5,
    mistakes=(
        Mistake(
            id="kl_reversed",
            message="The two are swapped: p says how often things happen, so p stands in front of "
            "the logarithm and above the fraction bar.",
            answer=lambda p, q: float(np.sum(q * np.log(q / p))),
            on=("some", "more"),
        ),
        Mistake(
            id="kl_cross_entropy",
            message="This is the cross-entropy, -Σ p ln q. Subtract the entropy of p: what "
            "remains is the price of believing q.",
            answer=lambda p, q: -_mean_log(p, q),
        ),
        Mistake(
            id="kl_sign",
            message="The sign is wrong: the divergence is never negative.",
            answer=lambda p, q: _mean_log(p, q) - _mean_log(p, p),
        ),
        Mistake(
            id="kl_base",
            message="This is in bits, with the logarithm to the base 2. In nats it is the natural "
            "one, `np.log`.",
            answer=lambda p, q: (_mean_log(p, p) - _mean_log(p, q)) / math.log(2),
        ),
        Mistake(
            id="kl_mean",
            message="The terms are averaged. Add them up: the probabilities are already in them.",
            answer=lambda p, q: (_mean_log(p, p) - _mean_log(p, q)) / len(p),
        ),
        Mistake(
            id="kl_unweighted",
            message="The logarithms are added up without their probabilities: multiply each by p.",
            answer=lambda p, q: float(np.sum(np.log(p / q))),
            on=("some", "more"),
        ),
        Mistake(
            id="kl_absolute",
            message="The terms are made positive one by one. Some are negative, and only their sum "
            "never is: leave `abs` out.",
            answer=lambda p, q: float(np.sum(np.abs(p * np.log(p / q)))),
            on=("some", "more"),
        ),
        Mistake(
            id="kl_zero",
            message="An outcome with the probability 0 makes it NaN. What never happens costs "
            "nothing, whatever q says, so leave it out.",
            answer=lambda p, q: float(np.sum(p * np.log(p / q))),
        ),
    ),
    hints=(
        "For each outcome: how much more surprised are you than you had to be? Weigh it with p.",
        "The surprise under q minus the surprise under p is ln p - ln q = ln(p / q). Leave out "
        "outcomes where p is 0. Background: [Kullback-Leibler divergence]"
        "(https://en.wikipedia.org/wiki/Kullback–Leibler_divergence).",
        "```python\nkept = p > 0\np, q = p[kept], q[kept]\nreturn np.sum(p * np.log(...))\n```",
    ),
)

EXERCISES = [
    sigmoid,
    relu,
    layer,
    predict_stack,
    mlp_forward,
    predict_shift,
    softmax,
    accuracy,
    one_hot,
    predict_guess,
    cross_entropy,
    entropy,
    kl_divergence,
]
