"""The exercises on arrays: layers forward and back, the loss, and a check of any gradient."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake, Option, question
from autograder.exercises.m03_backprop.several_outputs import (
    ATOL,
    Given,
    explain_parts,
    numbers,
    same,
    slip,
    slopes,
    whole,
)
from autograder.probes import m03_backprop as probes

predict_product = question(
    "predict_product",
    "Which product has the shape?",
    minutes=1,
    right="a",
    options={
        "a": Option(
            text="`rows.T @ dout`",
            why="(64, 5) times (5, 10) is (64, 10), the shape of w; and the 5 examples are what "
            "the product adds up over.",
        ),
        "b": Option(
            text="`dout @ rows.T`",
            why="(5, 10) times (64, 5): the inner sizes 10 and 64 differ, so this product does "
            "not exist.",
        ),
        "c": Option(
            text="`rows @ dout`",
            why="(5, 64) times (5, 10): the inner sizes 64 and 5 differ, so this product does "
            "not exist.",
        ),
        "d": Option(
            text="`dout.T @ rows`",
            why="(10, 5) times (5, 64) is (10, 64): all the right numbers, in the shape of w "
            "turned on its side.",
        ),
    },
    hints=(
        "A gradient has the shape of what it belongs to: `dw` has the shape of w, (64, 10).",
        "In a product (a, b) @ (b, c) the inner sizes agree and go away. Which two of rows, dout "
        "and their transposes leave (64, 10)?",
        "```python\nrows, dout = np.ones((5, 64)), np.ones((5, 10))\n(dout.T @ rows).shape\n```",
    ),
)


# --- Affine ------------------------------------------------------------------------------------

SHAPES = (((4, 6), 3), ((2, 3, 4), 5), ((5, 2, 3, 4), 7), ((1, 3, 2), 4), ((3, 2), 1))
SEVERAL = (*(f"x of shape {shape}" for shape, _ in SHAPES if shape[0] > 1), "whole numbers")


def _affine_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for shape, out in SHAPES:
        size = math.prod(shape[1:])
        kwargs = {
            "x": numbers(rng, *shape),
            "w": numbers(rng, size, out),
            "b": numbers(rng, out),
        }
        cases.append({"name": f"x of shape {shape}", "kwargs": kwargs})
    # Whole numbers throughout, so that no answer has to turn one kind into the other.
    kwargs = {"x": whole(rng, 3, 2, 4), "w": whole(rng, 8, 5), "b": whole(rng, 5)}
    return [*cases, {"name": "whole numbers", "kwargs": kwargs}]


def _affine_back_cases(rng: np.random.Generator) -> list[Case]:
    cases = _affine_cases(rng)
    for case in cases:
        given = case["kwargs"]
        shape = len(given["x"]), len(given["b"])
        made = whole if case["name"] == "whole numbers" else numbers
        given["dout"] = made(rng, *shape)
    return cases


def _shown_shapes(case: Case) -> str:
    shapes = [f"{name} of shape {value.shape}" for name, value in case["kwargs"].items()]
    *first, last = shapes
    name = "affine_backward" if "dout" in case["kwargs"] else "affine_forward"
    return f"{name}, with {', '.join(first)} and {last}"


def _by_brute_force(case: Case) -> dict[str, Any]:
    x, w, b, *dout = case["kwargs"].values()

    def out(x: Any, w: Any, b: Any) -> Any:
        weights = w.reshape(*x.shape[1:], len(b))
        return np.tensordot(x, weights, axes=x.ndim - 1) + b

    if not dout:
        return {"out": out(x, w, b), "x kept": True}
    return {
        "dx": slopes(lambda x: (out(x, w, b) * dout[0]).sum(), x),
        "dw": slopes(lambda w: (out(x, w, b) * dout[0]).sum(), w),
        "db": slopes(lambda b: (out(x, w, b) * dout[0]).sum(), b),
    }


def _rows(given: Given) -> np.ndarray:
    return given["x"].reshape(len(given["x"]), -1)


def _forward_answer(wrong: Callable[[Given], Any]) -> Callable:
    def affine_forward(x: Any, w: Any, b: Any) -> tuple:
        return wrong({"x": x, "w": w, "b": b}), (x, w, b)

    return affine_forward


affine_forward = Exercise(
    id="affine_forward",
    title="A layer, forward",
    takes={"affine_forward": "function"},
    points=1,
    minutes=2,
    difficulty=1,
    cases=_affine_cases,
    probe=probes.affine_forward,
    reference=_by_brute_force,
    show=_shown_shapes,
    explain=lambda case, seen, expected: explain_parts(case, seen, {"out": expected["out"]}),
    atol=ATOL,
    mistakes=(
        Mistake(
            id="flat_cache",
            message="The cache keeps x flat, and its shape is lost. Put x itself into it, as it "
            "came: the way back has to return a gradient of that shape.",
            answer=lambda x, w, b: (
                x.reshape(len(x), -1) @ w + b,
                (x.reshape(len(x), -1), w, b),
            ),
            recognise=lambda case, seen, expected: (
                seen["x kept"] is False and same(seen["out"], expected["out"])
            ),
        ),
        Mistake(
            id="bias_left_out",
            message="The bias is left out: add b to every row.",
            answer=_forward_answer(lambda g: _rows(g) @ g["w"]),
        ),
        Mistake(
            id="bias_summed",
            message="It adds the sum of all biases to every output. Each output has its own: add "
            "b itself, numpy lines it up with the columns.",
            answer=_forward_answer(lambda g: _rows(g) @ g["w"] + g["b"].sum()),
        ),
        Mistake(
            id="bias_subtracted",
            message="The bias is subtracted: add it.",
            answer=_forward_answer(lambda g: _rows(g) @ g["w"] - g["b"]),
        ),
        Mistake(
            id="examples_mixed",
            message="The reshape mixes the examples: (D, N) and a transpose is not (N, D). Keep "
            "the first axis, x.reshape(N, -1).",
            answer=_forward_answer(
                lambda g: g["x"].reshape(-1, len(g["x"])).T @ g["w"] + g["b"],
            ),
        ),
        Mistake(
            id="column_order",
            message="The numbers of each example are in another order than numpy's: reshape with "
            "the default order.",
            answer=_forward_answer(
                lambda g: g["x"].reshape(len(g["x"]), -1, order="F") @ g["w"] + g["b"]
            ),
        ),
        Mistake(
            id="relu_added",
            message="It sets negative outputs to 0. An affine layer is x·w + b alone; relu is a "
            "gate of its own.",
            answer=_forward_answer(lambda g: np.maximum(_rows(g) @ g["w"] + g["b"], 0)),
        ),
    ),
    hints=(
        "Each row of the output is a row of numbers times w, plus b. What are the sizes?",
        "`rows` is (N, D) and w is (D, M): their product is (N, M). numpy adds b, of shape (M,), "
        "to each of its rows. See "
        "[broadcasting](https://numpy.org/doc/stable/user/basics.broadcasting.html).",
        "```python\nout = rows @ w + ...\n```",
    ),
)


def _affine_back(given: Given) -> dict[str, Any]:
    x, w, dout = given["x"], given["w"], given["dout"]
    return {"dx": (dout @ w.T).reshape(x.shape), "dw": _rows(given).T @ dout, "db": dout.sum(0)}


def _keep(x: Any, w: Any, b: Any) -> tuple:
    return x.reshape(len(x), -1) @ w + b, (x, w, b)


def _back_with(change: Callable[[Given, dict[str, Any]], tuple]) -> tuple[Callable, Callable]:
    def affine_backward(dout: Any, cache: tuple) -> tuple:
        x, w, b = cache
        given = {"x": x, "w": w, "b": b, "dout": dout}
        return change(given, _affine_back(given))

    return affine_backward, _keep


def _back_answer(part: str, wrong: Callable[[Given], Any]) -> tuple[Callable, Callable]:
    return _back_with(lambda given, right: tuple({**right, part: wrong(given)}.values()))


def _back_slip(id: str, part: str, wrong: Callable[[Given], Any], message: str) -> Mistake:
    return slip(id, message, part, wrong, _back_answer, on=SEVERAL)


affine_backward = Exercise(
    id="affine_backward",
    title="A layer, back",
    takes={"affine_backward": "function", "affine_forward": "function"},
    points=3,
    minutes=4,
    difficulty=3,
    cases=_affine_back_cases,
    probe=probes.affine_backward,
    reference=_by_brute_force,
    show=_shown_shapes,
    explain=explain_parts,
    atol=ATOL,
    mistakes=(
        Mistake(
            id="order",
            message="The three gradients are in another order: return `dx`, `dw`, `db`, as in "
            "x, w, b.",
            answer=_back_with(lambda given, right: (right["dw"], right["dx"], right["db"])),
        ),
        _back_slip(
            "dx_flat",
            "dx",
            lambda g: g["dout"] @ g["w"].T,
            "`dx` is left flat. A gradient has the shape of what it belongs to: reshape `dx` to "
            "the shape of x.",
        ),
        _back_slip(
            "dx_turned",
            "dx",
            lambda g: (g["w"] @ g["dout"].T).reshape(g["x"].shape),
            "`dx` is made from (D, N), an example a column, and the reshape mixes the examples. "
            "dout @ w.T has an example a row.",
        ),
        _back_slip(
            "dx_upstream",
            "dx",
            lambda g: (np.ones_like(g["dout"]) @ g["w"].T).reshape(g["x"].shape),
            "`dx` forgets what arrives: it is made from w alone. Multiply `dout` by w.T.",
        ),
        _back_slip(
            "dx_first",
            "dx",
            lambda g: (g["dout"] @ g["w"].T).reshape(g["x"].shape) / len(g["x"]),
            "`dx` is divided by the number of examples. Whether to average is the loss's affair: "
            "a layer takes `dout` as it arrives.",
        ),
        _back_slip(
            "dx_column_order",
            "dx",
            lambda g: (g["dout"] @ g["w"].T).reshape(g["x"].shape, order="F"),
            "The numbers of `dx` are in another order than those of x: reshape with numpy's "
            "default order.",
        ),
        _back_slip(
            "dw_transposed",
            "dw",
            lambda g: g["dout"].T @ _rows(g),
            "`dw` is transposed. It has the shape of w, (D, M): the examples are what the product "
            "adds up over, so rows.T stands on the left.",
        ),
        _back_slip(
            "dw_not_rows",
            "dw",
            lambda g: g["x"].T @ g["dout"],
            "`dw` is made from x in its own shape. Each example has to be a row first: take "
            "`rows`, of shape (N, D).",
        ),
        _back_slip(
            "dw_upstream",
            "dw",
            lambda g: _rows(g).T @ np.ones_like(g["dout"]),
            "`dw` forgets what arrives: it is made from x alone. Multiply rows.T by `dout`.",
        ),
        _back_slip(
            "dw_mean",
            "dw",
            lambda g: _rows(g).T @ g["dout"] / len(g["x"]),
            "`dw` is divided by the number of examples. Whether to average is the loss's affair: a "
            "layer takes `dout` as it arrives, and adds up.",
        ),
        _back_slip(
            "db_not_summed",
            "db",
            lambda g: g["dout"],
            "`db` is `dout` itself, one row an example. All examples share one b, so its gradient "
            "is the sum of their rows.",
        ),
        _back_slip(
            "db_kept_row",
            "db",
            lambda g: g["dout"].sum(0, keepdims=True),
            "`db` has one axis too many: b has the shape (M,), and so has `db`. Sum without "
            "keepdims.",
        ),
        _back_slip(
            "db_mean",
            "db",
            lambda g: g["dout"].mean(0),
            "`db` is a mean. All examples share one b, and what they send back adds up: sum over "
            "the examples.",
        ),
        _back_slip(
            "db_wrong_axis",
            "db",
            lambda g: g["dout"].sum(1),
            "`db` is summed over the outputs. b has one entry an output: sum over the examples, "
            "axis 0.",
        ),
        _back_slip(
            "db_total",
            "db",
            lambda g: g["dout"].sum(),
            "`db` is one number. b has one entry an output: sum over the examples only, axis 0.",
        ),
        _back_slip(
            "db_upstream",
            "db",
            lambda g: np.ones_like(g["dout"]).sum(0),
            "`db` forgets what arrives: it counts the examples. Sum `dout` over them.",
        ),
        _back_slip(
            "db_one",
            "db",
            lambda g: np.ones(len(g["b"])),
            "`db` is all ones, the bias's own slope. Multiply it by what arrives: sum `dout` over "
            "the examples.",
        ),
    ),
    hints=(
        "Every gradient has the shape of what it belongs to. Write the shapes of `dout`, x and w "
        "side by side and see which products fit.",
        "out = rows @ w + b is many mul and add gates: `dw` is made from the rows and `dout`, the "
        "rows' gradient from `dout` and w, and b goes to every row, so its shares add up. See "
        "[vectorized operations](https://cs231n.github.io/optimization-2/#mat).",
        "```python\ndx = (dout @ w.T).reshape(...)\ndw = rows.T @ ...\n"
        "db = dout.sum(axis=...)\n```",
    ),
)


# --- Relu --------------------------------------------------------------------------------------


def _relu_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for shape in ((4, 7), (3, 2, 5), (9,)):
        x, dout = numbers(rng, *shape), numbers(rng, *shape)
        # All four pairs of signs, and a zero: no answer that looks at one of the two gets by.
        x.flat[:5] = 1.25, 0.75, -0.5, -1.5, 0.0
        dout.flat[:5] = 0.8, -1.1, 0.9, -0.7, 1.3
        cases.append({"kwargs": {"dout": dout, "cache": x}})
    x, dout = whole(rng, 2, 6), whole(rng, 2, 6)
    x.flat[:4], dout.flat[:4] = (4, 3, -2, -5), (3, -2, 4, -3)
    return [*cases, {"kwargs": {"dout": dout, "cache": x}}]


def _relu_reference(case: Case) -> Any:
    dout, x = case["kwargs"].values()
    nudged = np.maximum(x + 0.001, 0) - np.maximum(x - 0.001, 0)
    return _measure_relu(case, nudged / 0.002 * dout)


def _measure_relu(case: Case, seen: Any) -> Any:
    """At x = 0 any slope from 0 to 1 is right: there, an answer between the two counts as 0."""
    dout, x = case["kwargs"]["dout"], case["kwargs"]["cache"]
    if not isinstance(seen, np.ndarray | list) or np.shape(seen) != np.shape(x):
        return seen
    found = np.array(seen, float)
    low, high = np.minimum(dout, 0) - 1e-6, np.maximum(dout, 0) + 1e-6
    found[(x == 0) & (found >= low) & (found <= high)] = 0.0
    return found


def _explain_relu(case: Case, seen: Any, expected: Any) -> str | None:
    dout, x = (np.asarray(value, float) for value in case["kwargs"].values())
    found = np.asarray(seen, float)
    if found.shape != x.shape or np.isnan(found).any():
        return None
    wrong = ~np.isclose(_measure_relu(case, seen), expected, 1e-4, 1e-5) & (x != 0)
    if not wrong.any():
        return "Where x is 0, send back `dout`, or 0, or something between the two"
    i = tuple(np.argwhere(wrong)[0])
    rule = "Where x is positive, all of it passes" if x[i] > 0 else "Where x is negative, none does"
    return f"Where x is {x[i]:g} and {dout[i]:g} arrives, it sends back {found[i]:g}. {rule}"


relu_backward = Exercise(
    id="relu_backward",
    title="Relu, back",
    takes={"relu_backward": "function"},
    points=1,
    minutes=2,
    difficulty=1,
    cases=_relu_cases,
    probe=probes.relu_backward,
    measure=_measure_relu,
    reference=_relu_reference,
    explain=_explain_relu,
    mistakes=(
        Mistake(
            id="upstream",
            message="It forgets what arrives: where x is positive, `dout` passes, not 1.",
            answer=lambda dout, cache: (cache > 0) * 1.0,
        ),
        Mistake(
            id="sign_of_gradient",
            message="It looks at the sign of `dout`. What decides is x: where relu's input was "
            "negative, its output did not move.",
            answer=lambda dout, cache: dout * (dout > 0),
        ),
        Mistake(
            id="both_signs",
            message="It also stops `dout` where `dout` itself is negative. Only the sign of x "
            "decides; gradients may have any sign.",
            answer=lambda dout, cache: dout * ((cache > 0) & (dout > 0)),
        ),
        Mistake(
            id="inverted",
            message="It is the wrong way round: `dout` passes where x is positive, and stops where "
            "x is negative.",
            answer=lambda dout, cache: dout * (cache <= 0),
        ),
        Mistake(
            id="times_output",
            message="It multiplies `dout` by relu's output. The slope where x is positive is 1: "
            "`dout` passes unchanged.",
            answer=lambda dout, cache: dout * np.maximum(cache, 0),
        ),
        Mistake(
            id="passes_all",
            message="It hands on `dout` everywhere. Where x is negative, relu's output is 0 "
            "whatever x does, so nothing flows back.",
            answer=lambda dout, cache: dout * 1.0,
        ),
        Mistake(
            id="first_row",
            message="It looks at `cache[0]` alone, the first row. The cache is not a tuple here: "
            "it is relu's input, one array.",
            answer=lambda dout, cache: dout * (cache[0] > 0),
        ),
        Mistake(
            id="relu_of_input",
            message="It gives relu forward. On the way back `dout` passes where x is positive.",
            answer=lambda dout, cache: np.maximum(cache, 0),
        ),
        Mistake(
            id="threshold",
            message="It compares x with 1. What decides is whether x is above 0.",
            answer=lambda dout, cache: dout * (cache > 1),
        ),
        Mistake(
            id="sign_of_x",
            message="Where x is negative, it hands on -`dout`. Nothing flows back there: relu's "
            "output stays 0.",
            answer=lambda dout, cache: dout * np.sign(cache),
        ),
    ),
    hints=(
        "relu(x) is a max gate with inputs x and 0. To which of the two does `dout` go?",
        "Where x is positive, `dout` passes unchanged; where it is negative, 0. A comparison like "
        "`cache > 0` gives an array that counts as ones and zeros.",
        "```python\nreturn dout * (cache > ...)\n```",
    ),
)


# --- The loss ----------------------------------------------------------------------------------

# Added to the scores, row by row.
OFFSETS = {"large": (0.0, 1000.0, 0.0, 1000.0, 1000.0), "rows far apart": (0.0, 900.0, -900.0)}


def _softmax_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for name, shape in (
        ("plain", (4, 3)),
        ("plain", (3, 5)),
        ("one example", (1, 4)),
        ("large", (5, 4)),
        ("large", (2, 6)),
        ("rows far apart", (3, 7)),
        ("many", (13, 10)),
        ("sure", (3, 4)),
    ):
        examples, classes = shape
        # In 64ths, which stay exact beside a large offset; no class has all of the probability.
        x = np.round(64 * rng.normal(0, 1.2, shape).clip(-2.5, 2.5)) / 64
        y = rng.permutation(np.arange(examples) % classes)
        if name in OFFSETS:
            x += np.array(OFFSETS[name][:examples])[:, None]
        if name == "sure":
            x[1, y[1]] += 900  # the others underflow to 0; the right class never does
        cases.append({"name": name, "kwargs": {"x": x, "y": y}, "returns": ["loss", "dx"]})
    return cases


def _softmax_reference(case: Case) -> Any:
    x, y = case["kwargs"].values()
    top = [max(row) for row in x]  # fixed while x is nudged: it cancels

    def loss(x: Any) -> Any:
        terms = 0
        for row, right, largest in zip(x, y, top, strict=True):
            terms += np.log(np.exp(row - largest).sum()) - (row[right] - largest)
        return terms / len(x)

    return {"loss": float(loss(x)), "dx": slopes(loss, x)}


def _probabilities(x: Any, axis: int | None = 1) -> Any:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _one_hot(given: Given) -> np.ndarray:
    return np.eye(given["x"].shape[1])[given["y"]]


def _columns(given: Given) -> np.ndarray:
    """Ones in every column that is the right class of some example."""
    return np.isin(np.arange(given["x"].shape[1]), given["y"]) * np.ones((len(given["x"]), 1))


def _softmax_right(given: Given) -> dict[str, Any]:
    p, true, n = _probabilities(given["x"]), _one_hot(given), len(given["x"])
    return {"loss": -np.log((p * true).sum(1)).mean(), "dx": (p - true) / n}


def _softmax_answer(part: str, wrong: Callable[[Given], Any]) -> Callable:
    def softmax_loss(x: Any, y: Any) -> tuple:
        given = {"x": x, "y": y}
        return tuple({**_softmax_right(given), part: wrong(given)}.values())

    return softmax_loss


def _loss_slip(
    id: str, part: str, wrong: Callable[[Given], Any], message: str, on: tuple[str, ...] = ()
) -> Mistake:
    return slip(id, message, part, wrong, _softmax_answer, on)


def _p_changed(x: Any, y: Any) -> tuple:
    """A softmax loss whose gradient is written into p, before p is used for the loss."""
    p = _probabilities(x)
    dx = p
    dx[np.arange(len(y)), y] -= 1
    return -np.log(p[np.arange(len(y)), y]).mean(), dx / len(y)


def _rows_less_one(given: Given) -> np.ndarray:
    p = _probabilities(given["x"])
    p[given["y"]] -= 1
    return p


def _softmax_from(probabilities: Callable[[Any], Any]) -> Callable:
    def softmax_loss(x: Any, y: Any) -> tuple:
        p, true = probabilities(x), _one_hot({"x": x, "y": y})
        return -np.log(p[np.arange(len(x)), y]).mean(), (p - true) / len(x)

    return softmax_loss


def _no_max(x: Any) -> Any:
    e = np.exp(x)
    return e / e.sum(axis=1, keepdims=True)


def _one_max(x: Any) -> Any:
    e = np.exp(x - x.max())
    return e / e.sum(axis=1, keepdims=True)


def _lost(case: Case, seen: Any, near: bool) -> bool:
    """Whether the rows whose scores are near 0 are all lost, and the others not; or the reverse."""
    # What flows back to the scores of an example adds up to 0.
    lost = ~(np.abs(np.array(seen["dx"], float).sum(axis=1)) < 1e-6)
    return bool(np.array_equal(lost, (np.abs(case["kwargs"]["x"]).max(axis=1) < 100) == near))


def _every_log(x: Any, y: Any) -> tuple:
    """The logarithms of all probabilities, times 1 for the right class and 0 for the others."""
    p, true = _probabilities(x), _one_hot({"x": x, "y": y})
    with np.errstate(all="ignore"):
        return -(true * np.log(p)).sum() / len(x), (p - true) / len(x)


softmax_loss = Exercise(
    id="softmax_loss",
    title="Softmax and loss",
    takes={"softmax_loss": "function"},
    points=3,
    minutes=4,
    difficulty=3,
    cases=_softmax_cases,
    probe=probes.softmax_loss,
    reference=_softmax_reference,
    explain=explain_parts,
    mistakes=(
        Mistake(
            id="no_max",
            message="Large scores overflow: exp(1000) is infinite, and exp(-1000) is 0. Subtract "
            "each row's largest score first; the probabilities stay the same.",
            answer=_softmax_from(_no_max),
            on=("large",),
            recognise=lambda case, seen, expected: _lost(case, seen, near=False),
        ),
        Mistake(
            id="wrong_axis",
            message="The softmax runs over the examples. Each row holds the scores of one "
            "example: it is each row whose probabilities add up to 1 (axis 1).",
            answer=_softmax_from(lambda x: _probabilities(x, axis=0)),
            on=("plain",),
        ),
        Mistake(
            id="softmax_of_everything",
            message="The softmax divides by the sum of the whole array. Each row is an example "
            "of its own: sum over axis 1, with keepdims.",
            answer=_softmax_from(lambda x: _probabilities(x, axis=None)),
            on=("plain",),
        ),
        Mistake(
            id="one_max_for_all",
            message="The largest score of the whole array is subtracted, so rows far below it "
            "become all zeros. Each row needs its own: max over axis 1, with keepdims.",
            answer=_softmax_from(_one_max),
            on=("large",),
            recognise=lambda case, seen, expected: _lost(case, seen, near=True),
        ),
        Mistake(
            id="zero_times_log",
            message="Where a wrong class has probability 0, `loss` is NaN: 0 times log 0. Take the "
            "logarithm of the right classes only, p[np.arange(N), y].",
            answer=_every_log,
            on=("sure", "plain"),
        ),
        Mistake(
            id="log_of_negative",
            message="`dx` is right and `loss` is NaN: np.log gets a negative number. Either p was "
            "changed before the loss was taken (give `dx` a copy, p.copy()), or the minus stands "
            "inside the log.",
            answer=lambda x, y: _p_changed(x, y),
            on=("plain",),
            recognise=lambda case, seen, expected: (
                np.size(seen["loss"]) == 1
                and bool(np.isnan(seen["loss"]))
                and same(seen["dx"], expected["dx"])
            ),
        ),
        _loss_slip(
            "loss_all_entries",
            "loss",
            lambda g: -np.log(_probabilities(g["x"])).mean(),
            "The loss averages over all classes. Only the right class of each example counts: the "
            "one number a row that y picks.",
            on=("many",),
        ),
        _loss_slip(
            "loss_rows",
            "loss",
            lambda g: -np.log(_probabilities(g["x"])[g["y"]]).mean(),
            "`p[y]` takes whole rows. Each example has one right class in its own row: "
            "`p[each, y]`.",
            on=("many",),
        ),
        _loss_slip(
            "dx_rows",
            "dx",
            lambda g: _rows_less_one(g) / len(g["x"]),
            "`dx[y]` changes whole rows. Subtract 1 once a row, at the right class: `dx[each, y]`.",
            on=("many",),
        ),
        _loss_slip(
            "loss_sum",
            "loss",
            lambda g: _softmax_right(g)["loss"] * len(g["x"]),
            "The loss is a sum over the examples. Average it, so that it does not grow with "
            "their number.",
        ),
        _loss_slip(
            "loss_sign",
            "loss",
            lambda g: -_softmax_right(g)["loss"],
            "The minus sign of the loss is missing: the log of a probability is negative, the "
            "loss is minus that.",
        ),
        _loss_slip(
            "loss_over_classes",
            "loss",
            lambda g: _softmax_right(g)["loss"] / g["x"].shape[1],
            "The loss is divided by the number of classes, too. Only one class of each example "
            "counts, so average over the examples alone.",
        ),
        _loss_slip(
            "loss_all_rows",
            "loss",
            lambda g: -np.log(_probabilities(g["x"])[:, g["y"]]).mean(),
            "`p[:, y]` takes the columns y of every row. Each example has one right class: "
            "`p[each, y]`.",
        ),
        _loss_slip(
            "dx_all_less_one",
            "dx",
            lambda g: (_probabilities(g["x"]) - 1) / len(g["x"]),
            "1 is subtracted from every class. What is true is 1 at the right class only: "
            "`dx[each, y]`.",
        ),
        _loss_slip(
            "dx_one_added",
            "dx",
            lambda g: (_probabilities(g["x"]) + _one_hot(g)) / len(g["x"]),
            "1 is added at the right class. It is what the net says, less what is true: subtract "
            "1 there.",
        ),
        _loss_slip(
            "dx_set",
            "dx",
            lambda g: (_probabilities(g["x"]) * (1 - _one_hot(g)) - _one_hot(g)) / len(g["x"]),
            "The right class's entry is set to -1. Subtract 1 from the probability that stands "
            "there: -= 1.",
        ),
        _loss_slip(
            "dx_set_one",
            "dx",
            lambda g: (_probabilities(g["x"]) * (1 - _one_hot(g)) + _one_hot(g)) / len(g["x"]),
            "The right class's entry is set to 1, what is true. Subtract 1 from the probability "
            "that stands there: -= 1.",
        ),
        _loss_slip(
            "dx_turned",
            "dx",
            lambda g: np.abs(_probabilities(g["x"]) - _one_hot(g)) / len(g["x"]),
            "The right class's entry is 1 - p. It is what the net says, less what is true: p - 1.",
        ),
        _loss_slip(
            "dx_right_only",
            "dx",
            lambda g: (_probabilities(g["x"]) - 1) * _one_hot(g) / len(g["x"]),
            "Only the right class gets a gradient. The scores of the other classes move the loss "
            "as well: what flows back to them is p.",
        ),
        _loss_slip(
            "dx_all_rows",
            "dx",
            lambda g: (_probabilities(g["x"]) - _columns(g)) / len(g["x"]),
            "`dx[:, y]` changes the columns y of every row. Subtract 1 once a row, at "
            "`dx[each, y]`.",
        ),
        _loss_slip(
            "loss_each",
            "loss",
            lambda g: -np.log((_probabilities(g["x"]) * _one_hot(g)).sum(1)),
            "The loss has one entry an example. It is one number: their mean.",
        ),
        _loss_slip(
            "loss_no_log",
            "loss",
            lambda g: -(_probabilities(g["x"]) * _one_hot(g)).sum(1).mean(),
            "The log is missing: the loss of an example is -log of the right class's probability.",
        ),
        _loss_slip(
            "loss_log_of_mean",
            "loss",
            lambda g: -np.log((_probabilities(g["x"]) * _one_hot(g)).sum(1).mean()),
            "It takes the log of the mean probability. Take the log of each, then the mean.",
        ),
        _loss_slip(
            "loss_two",
            "loss",
            lambda g: _softmax_right(g)["loss"] / math.log(2),
            "The log has base 2. Use the natural one, np.log: the gradient p - 1 belongs to it.",
        ),
        _loss_slip(
            "dx_sum",
            "dx",
            lambda g: _softmax_right(g)["dx"] * len(g["x"]),
            "The loss is averaged, its gradient is not: divide `dx` by the number of examples, "
            "too.",
        ),
        _loss_slip(
            "dx_sign",
            "dx",
            lambda g: -_softmax_right(g)["dx"],
            "`dx` has the wrong sign. A higher score of the right class lowers the loss, so its "
            "gradient is negative: p - 1.",
        ),
        _loss_slip(
            "dx_without_truth",
            "dx",
            lambda g: _probabilities(g["x"]) / len(g["x"]),
            "`dx` does not know which class is right: subtract 1 at the right class of each row.",
        ),
        _loss_slip(
            "dx_precedence",
            "dx",
            lambda g: _probabilities(g["x"]) - _one_hot(g) / len(g["x"]),
            "Only a part of `dx` is divided by the number of examples. Subtract first, then divide "
            "all of it.",
        ),
        _loss_slip(
            "dx_precedence_late",
            "dx",
            lambda g: _probabilities(g["x"]) / len(g["x"]) - _one_hot(g),
            "The 1 is subtracted after dividing by the number of examples. Subtract first, then "
            "divide all of it.",
        ),
        _loss_slip(
            "dx_at_probabilities",
            "dx",
            lambda g: -_one_hot(g) / _probabilities(g["x"]) / len(g["x"]),
            "This is the gradient at the probabilities. Go one gate further back, through the "
            "softmax, to the scores.",
        ),
        _loss_slip(
            "dx_over_classes",
            "dx",
            lambda g: _softmax_right(g)["dx"] / g["x"].shape[1],
            "`dx` is divided by the number of classes, too. Divide by the number of examples "
            "alone.",
        ),
    ),
    hints=(
        "For the loss: the log of the right classes' probabilities, a minus, the mean. For `dx`: "
        "what the net says, less what is true. What is true is 1 at the right class, else 0.",
        "With p the probabilities and n the examples, the gradient at the scores is p, less 1 at "
        "the right class, all divided by n. It is worked out in "
        "[CS231n's case study](https://cs231n.github.io/neural-networks-case-study/#grad).",
        "```python\nloss = -np.log(right).mean()\ndx[each, y] -= ...\ndx = ...\n```",
    ),
)


# --- A check of any gradient -------------------------------------------------------------------


def _check_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for name, shape in (
        ("right", (2, 3)),
        ("one entry wrong", (5,)),
        ("doubled", (6,)),
        ("wrong sign", (2, 1, 4)),
        ("halved in one place", (4,)),
        ("wrong by more and less", (3, 2)),
        ("curved", (3,)),
        ("nearly flat", (4,)),
        ("a step of its own", (5,)),
    ):
        case = {
            "name": name,
            "x": numbers(rng, *shape),
            "a": numbers(rng, *shape, low=0.5),
            "c": numbers(rng, *shape, high=0.9),
        }
        if name == "curved":
            case |= {"x": numbers(rng, *shape, high=0.9) / 1000, "a": np.array(1000.0)}
        if name == "nearly flat":
            case["a"][1] = case["c"][1] = 0.0
        if name == "a step of its own":
            case["h"] = 0.25
        exact = _exact(case)
        # An entry that is wrong is neither the first nor the last.
        if name == "one entry wrong":
            exact[rng.integers(1, len(exact) - 1)] *= 1.5
        elif name == "halved in one place":
            exact[rng.integers(1, len(exact) - 1)] *= 0.5
        elif name == "wrong by more and less":
            exact *= [[1.1, 1.3], [1.7, 1.4], [1.2, 1.15]]
        elif name == "nearly flat":
            exact[1] = 2e-13  # what rounding leaves of a 0
        elif name == "doubled":
            exact *= 2
        elif name == "wrong sign":
            exact *= -1
        cases.append({**case, "analytic": exact})
    return cases


def _exact(case: Case) -> np.ndarray:
    a, c = case["a"], case["c"]
    if case["name"] == "curved":
        return slopes(lambda x: np.exp(a * x).sum(), case["x"])
    if case["name"] == "a step of its own":
        return slopes(lambda x: (a * x**3).sum(), case["x"])
    return slopes(lambda x: (a * x**2).sum() + np.sin((c * x).sum()), case["x"])


def _check_reference(case: Case) -> Any:
    given, exact = case["analytic"], _exact(case)
    if "h" in case:  # what a step so wide makes of a cubic
        exact = exact + case["a"] * case["h"] ** 2
    size = np.maximum(1e-8, np.abs(given) + np.abs(exact))
    return _measure_check(
        case, {"error": float((np.abs(given - exact) / size).max()), "x unchanged": True}
    )


def _measure_check(case: Case, seen: Any) -> Any:
    """A right gradient's error is what rounding leaves: below 0.0001 it counts as 0."""
    error = seen["error"]
    error = error.item() if isinstance(error, np.ndarray) and error.ndim == 0 else error
    small = type(error) in (int, float) and abs(error) < 1e-4
    return {**seen, "error": 0.0 if small else error}


def _numeric(
    f: Callable, x: np.ndarray, h: float = 1e-5, one_sided: bool = False, restore: bool = True
) -> np.ndarray:
    slopes = np.zeros(x.shape)
    for i in np.ndindex(*x.shape):
        before = x[i]
        x[i] = before + h
        above = f(x)
        x[i] = before if one_sided else before - h
        slopes[i] = (above - f(x)) / (h if one_sided else 2 * h)
        if restore:
            x[i] = before
    return slopes


def _checker(
    relative: Callable[[Any, Any], Any], slopes: Callable[..., Any] = _numeric
) -> Callable:
    def gradient_check(f: Callable, analytic: Any, x: Any, h: float = 1e-5) -> Any:
        return relative(analytic, slopes(f, x, h))

    return gradient_check


def _errors(a: Any, n: Any) -> Any:
    return np.abs(a - n) / np.maximum(1e-8, np.abs(a) + np.abs(n))


def _largest(a: Any, n: Any) -> Any:
    return _errors(a, n).max()


gradient_check = Exercise(
    id="gradient_check",
    title="Trust, then check",
    takes={"gradient_check": "function"},
    points=2,
    minutes=3,
    difficulty=2,
    cases=_check_cases,
    probe=probes.gradient_check,
    measure=_measure_check,
    reference=_check_reference,
    show=lambda case: (
        f"gradient_check(f, analytic, x), with x of shape {case['x'].shape} and an analytic "
        f"gradient that is {GRADIENTS[case['name']]}"
    ),
    explain=lambda case, seen, expected: _explain_check(case, seen, expected),
    rtol=1e-3,
    atol=1e-4,
    mistakes=(
        Mistake(
            id="not_restored",
            message="It leaves x changed: put each entry back before you go on to the next.",
            answer=_checker(_largest, lambda f, x, h: _numeric(f, x, h, restore=False)),
            recognise=lambda case, seen, expected: seen["x unchanged"] is False,
        ),
        Mistake(
            id="one_sided",
            message="The slope is taken on one side only, which is too coarse for a curved f. "
            "Take f at x + h and at x - h, and divide by 2h.",
            answer=_checker(_largest, lambda f, x, h: _numeric(f, x, h, one_sided=True)),
            on=("curved", "right"),
        ),
        Mistake(
            id="divided_by_h",
            message="From x - h to x + h the step is 2h, and the difference is divided by h "
            "alone: every numerical slope is twice too large.",
            answer=_checker(_largest, lambda f, x, h: 2 * _numeric(f, x, h)),
        ),
        Mistake(
            id="mean_error",
            message="It averages the errors. One wrong entry among many would hide in a mean: "
            "return the largest.",
            answer=_checker(lambda a, n: _errors(a, n).mean()),
        ),
        Mistake(
            id="absolute_error",
            message="The difference is not divided by the size of the two gradients. 0.01 is "
            "much beside a slope of 0.02, and nothing beside 1000.",
            answer=_checker(lambda a, n: np.abs(a - n).max()),
        ),
        Mistake(
            id="signed",
            message="The difference keeps its sign, so a gradient that is too small passes for "
            "right. Take its absolute value.",
            answer=_checker(lambda a, n: ((a - n) / np.maximum(1e-8, np.abs(a) + np.abs(n))).max()),
        ),
        Mistake(
            id="sum_not_of_sizes",
            message="It divides by |a + n|. With opposite signs that is nearly 0: divide by "
            "|a| + |n|.",
            answer=_checker(lambda a, n: (np.abs(a - n) / np.maximum(1e-8, np.abs(a + n))).max()),
        ),
        Mistake(
            id="no_sizes",
            message="It divides by a + n, which is negative where both slopes are, and then 1e-8 "
            "is the larger. Divide by the sizes, abs(a) + abs(n).",
            answer=_checker(lambda a, n: (np.abs(a - n) / np.maximum(1e-8, a + n)).max()),
        ),
        Mistake(
            id="divided_by_larger",
            message="It divides by the larger of the two sizes. Here the error is measured "
            "against their sum, |a| + |n|.",
            answer=_checker(
                lambda a, n: (
                    np.abs(a - n) / np.maximum(1e-8, np.maximum(np.abs(a), np.abs(n)))
                ).max()
            ),
        ),
        Mistake(
            id="no_least_size",
            message="Where both slopes are nearly 0, what rounding leaves is divided by nearly 0, "
            "and a right gradient looks wrong. Divide by at least 1e-8: max(1e-8, ...).",
            answer=_checker(lambda a, n: (np.abs(a - n) / (np.abs(a) + np.abs(n))).max()),
            on=("right", "nearly flat"),
        ),
        Mistake(
            id="nearly_zero_slopes",
            message="With a right gradient the error should be about 0, and here it is 1: the "
            "numerical slopes come out nearly 0. Divide the difference by (2 * h), brackets "
            "included: `/ 2 * h` divides by 2 and then multiplies by h.",
            answer=_checker(_largest, lambda f, x, h: _numeric(f, x, h) * h * h),
            on=("right", "curved", "wrong sign", "halved in one place"),
        ),
        Mistake(
            id="turned",
            message="A right gradient gets the error 1 here, and one of the wrong sign passes for "
            "right. The slope is made from above - below, and the error from a - n.",
            answer=_checker(_largest, lambda f, x, h: -_numeric(f, x, h)),
            on=("right", "curved", "wrong sign", "halved in one place"),
        ),
        Mistake(
            id="divided_by_one",
            message="It divides by |a| alone. Here the error is measured against both sizes, "
            "|a| + |n|.",
            answer=_checker(lambda a, n: (np.abs(a - n) / np.maximum(1e-8, np.abs(a))).max()),
            on=("one entry wrong", "doubled", "wrong sign", "halved in one place"),
        ),
        Mistake(
            id="squared",
            message="The difference is squared. Take its size, |a - n|.",
            answer=_checker(
                lambda a, n: ((a - n) ** 2 / np.maximum(1e-8, np.abs(a) + np.abs(n))).max()
            ),
        ),
        Mistake(
            id="all_at_once",
            message="All entries of x are moved at once. Move one, with the others where they "
            "were, and take the next.",
            answer=_checker(_largest, lambda f, x, h: (f(x + h) - f(x - h)) / (2 * h)),
        ),
        Mistake(
            id="last",
            message="It returns the error of the last entry. Keep the largest of all: compare "
            "each with the largest so far, worst = max(worst, ...).",
            answer=_checker(lambda a, n: _errors(a, n).flat[-1]),
        ),
        Mistake(
            id="first",
            message="It returns the error of the first entry. Is the return inside the loop? It "
            "belongs behind it.",
            answer=_checker(lambda a, n: _errors(a, n).flat[0]),
        ),
        Mistake(
            id="summed",
            message="It adds the errors up. Return the largest: worst = max(worst, ...).",
            answer=_checker(lambda a, n: _errors(a, n).sum()),
        ),
        Mistake(
            id="stays_zero",
            message="It returns 0 for a wrong gradient, too. Compare each error with the largest "
            "so far, and keep the larger one: worst = max(worst, ...).",
            answer=_checker(lambda a, n: 0.0),
        ),
        Mistake(
            id="own_step",
            message="It is called with h=0.25 and takes another step. Use the h that it is given.",
            answer=lambda f, analytic, x, h=1e-5: _largest(analytic, _numeric(f, x)),
            on=("a step of its own", "right"),
        ),
        Mistake(
            id="each",
            message="It returns the error of every entry. Return one number: the largest.",
            answer=_checker(_errors),
        ),
    ),
    hints=(
        "How far apart are a and n? And against which size is that much, or little?",
        "The size of a - n, divided by the sizes of both together. `abs(...)` gives a size, and "
        "`max(1e-8, ...)` keeps it from being 0. More in "
        "CS231n's notes on "
        "[gradient checks](https://cs231n.github.io/neural-networks-3/#gradcheck).",
        "```python\nerror = abs(a - n) / max(1e-8, ...)\n```",
    ),
)

GRADIENTS = {
    "right": "right",
    "one entry wrong": "half again too large in one entry",
    "doubled": "twice too large",
    "wrong sign": "of the wrong sign",
    "halved in one place": "half of what it should be in one entry",
    "curved": "right, of a strongly curved f",
    "wrong by more and less": "too large, by 10% to 70%",
    "nearly flat": "right, with a slope of nearly 0 in one entry",
    "a step of its own": "right, with h=0.25",
}


def _explain_check(case: Case, seen: Any, expected: Any) -> str | None:
    if same(seen["error"], expected["error"]):
        return None
    if type(seen["error"]) is bool:
        return "It should return the largest relative error itself, not whether it is small"
    if np.ndim(seen["error"]) or type(seen["error"]) not in (float, int):
        return "It should return one number: the largest relative error"
    if np.isnan(seen["error"]):
        return "It returns NaN (not a number)"
    form, wanted, got = GRADIENTS[case["name"]], expected["error"], seen["error"]
    if not wanted and 0 < got < 0.1:
        return (
            f"This gradient is {form}: its error is below 0.0001, and it returns {got:.3g}. Is "
            "the difference divided by the larger of 1e-8 and |a| + |n|?"
        )
    if not wanted:
        return (
            f"This gradient is {form}, so the largest relative error is about 0. It returns "
            f"{got:.3g}: print n beside a, are they the same?"
        )
    return (
        f"This gradient is {form}, so the largest relative error is {wanted:.3g}. It returns "
        f"{got:.3g}"
    )
