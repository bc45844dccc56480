"""Probes for 02a_neural_networks and 02b_gradient_descent: they hand learners' functions arrays,
functions made from a case's numbers, and generators, and hand back arrays."""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.probes.run.observe import Misuse, raised_error

Words = Callable[[str, str], str | None]
ALONG = re.compile(r"\b(sum|mean|max|min|amax|amin)\(")

# What numpy says of a learner's line, in part, and what that means in these exercises.
IN_OUR_WORDS = (
    (
        "truth value of an array",
        "`if` and Python's `max` ask one question of the whole array; `np.where` and `np.maximum` "
        "go number by number.",
    ),
    (
        "can be converted to Python scalars",
        "The functions of `math` take one number; those of numpy, as `np.exp`, take arrays.",
    ),
    (
        "matmul: ",
        "Inner sizes must be equal, as in (n, inputs) @ (inputs, neurons): is the order right, "
        "that of the arguments as well?",
    ),
    (
        "not aligned",
        "Inner sizes must be equal, as in (n, inputs) @ (inputs, neurons): is the order right, "
        "that of the arguments as well?",
    ),
    ("boolean index did not match", "The mask was made from an array of another length."),
    (
        "is out of bounds for axis 0",
        "The first index counts rows. [np.arange(len(y)), y] pairs row i with column y[i].",
    ),
    ("is out of bounds for array of dimension", "Use the `axis` that the function is given."),
)


def called(case: dict[str, Any], function: Callable[..., Any], words: Words | None = None) -> Any:
    """Call a learner's function; where numpy complains, add in our words what it means.

    `words(text, line)` may say it in those of the exercise: what numpy said, and of which line.
    """
    try:
        return function(*case.get("args", []), **case.get("kwargs", {}))
    except (ValueError, TypeError, IndexError) as error:
        text, line = str(error).strip(), raised_error(error).line
        told = (words and words(text, line)) or _in_our_words(text, line)
        if not told:
            raise
        kind = IndexError if isinstance(error, IndexError) else type(error)
        worded = kind(f"{_shorter(text)}. {told}")
        raise worded.with_traceback(error.__traceback__) from None


def _in_our_words(text: str, line: str) -> str | None:
    for part, words in IN_OUR_WORDS:
        if part in text:
            return words
    if "as a data type" in text and re.search(r"\b(zeros|ones|empty)\(", line):
        return "The shape is one argument, in brackets of its own: np.zeros((3, 4))."
    if "to unpack" in text and "zip(" in line:
        return "Two lists of pairs, zipped, come as two pairs: for (a, b), (c, d) in zip(...)."
    return _misfit(text, line) if "could not be broadcast" in text else None


def _misfit(text: str, line: str) -> str:
    """What keeps two arrays from being taken number by number, as far as line and shapes tell."""
    one, other = _shapes(text)
    if "argmax" in line:
        return "`argmax` along an axis takes that axis away, and leaves the other: which one is it?"
    if _lost_axis(one, other):
        if ALONG.search(line):
            return (
                "A sum, mean or maximum along an axis loses that axis: keepdims=True keeps it, "
                "with length 1."
            )
        return "One of the two has an axis less. Which line took it away, or never gave it one?"
    masked = ">" in line and one[:1] == other[:1]
    if re.search(r"[^*]\*[^*]", line) and not masked and len(one) == len(other) == 2:
        return "`*` goes number by number and needs equal shapes; `@` is the matrix product."
    return "These two go number by number, so their shapes have to fit: print both."


def _shapes(text: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The two shapes in numpy's sentence; empty ones where it names no two."""
    found = re.findall(r"\(([\d, ]*)\)", text)
    shapes = [tuple(int(n) for n in part.split(",") if n.strip()) for part in found]
    return (shapes[0], shapes[1]) if len(shapes) == 2 else ((), ())


def _lost_axis(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    short, long = sorted((one, other), key=len)
    return len(long) - len(short) == 1 and any(
        short == long[:i] + long[i + 1 :] for i in range(len(long))
    )


def forward(case: dict[str, Any], function: Callable[..., Any]) -> Any:
    """A network's logits."""

    def words(text: str, line: str) -> str | None:
        if "matmul: " in text or "not aligned" in text:
            return (
                "Does each layer get `h`, what the one before it gave, and not X? And is the order "
                "layer(W, b, h)?"
            )
        return None

    return called(case, function, words)


def without_zeros(case: dict[str, Any], function: Callable[..., Any]) -> Any:
    """A number made from rows of probabilities, of which some places are left out."""

    def words(text: str, line: str) -> str | None:
        one, other = _shapes(text)
        if "could not be broadcast" in text and len(one) == len(other) == 1:
            return (
                f"One has {one[0]} numbers left, the other {other[0]}: leave out the same places "
                "of all, those where p is 0."
            )
        return None

    return called(case, function, words)


def _of_errors(y: Any) -> Words:
    """Words about errors, probabilities minus one-hot, that don't fit."""

    def words(text: str, line: str) -> str | None:
        one, other = _shapes(text)
        if "could not be broadcast" not in text:
            return None
        if len(one) == len(other) == 2 and one[0] == other[0] and "one_hot" in line:
            return (
                f"One has {one[1]} columns, the other {other[1]}, and `one_hot(y, k)` has k: take "
                "the number of classes from `p` or `b`, as in len(b)."
            )
        labels = np.shape(y) in (one, other) and len(one) != len(other)
        if labels and re.search(r"\by\b", line) and not ALONG.search(line):
            return "`y` has one label for each example. one_hot(y, ...) makes a row of each."
        return None

    return words


def regression_gradient(case: dict[str, Any], function: Callable[..., Any]) -> Any:
    """The gradient of a layer under softmax and cross-entropy."""
    W, _, X, y = case["args"]
    n, classes = len(X), W.shape[1]

    def words(text: str, line: str) -> str | None:
        if "matmul: " in text or "not aligned" in text:
            return (
                f"Here X has shape {X.shape}, the errors {(n, classes)}, and dW should have "
                f"{W.shape}: in a product the inner sizes agree and go away."
            )
        return _of_errors(y)(text, line)

    return called(case, function, words)


def _shorter(text: str) -> str:
    """numpy's sentence without its advice and its signature, which are not for beginners."""
    return re.sub(r",? with gufunc signature \S+| Use a\.any\(\).*", "", text).rstrip(". ")


def without_overflow(case: dict[str, Any], function: Callable[..., Any]) -> dict[str, Any]:
    """The values of a function, and whether numpy met an overflow on the way."""
    with warnings.catch_warnings(record=True) as met, np.errstate(over="warn"):
        warnings.simplefilter("always")
        values = called(case, function)
    return {"values": values, "overflows": any("overflow" in str(w.message) for w in met)}


def bowl(case: dict[str, Any]) -> tuple[Callable, Callable]:
    """A function of an array, and its gradient: a quadratic, a kink or a wave."""
    weights, center = np.array(case["weights"], dtype=float), np.array(case["center"], dtype=float)
    match case["kind"]:
        case "bowl":
            return (
                lambda x: float(np.sum(weights * (x - center) ** 2)),
                lambda x: 2 * weights * (x - center),
            )
        case "kink":
            return (
                lambda x: float(np.sum(weights * np.abs(x - center))),
                lambda x: weights * np.sign(x - center),
            )
        case "wave":
            return (
                lambda x: float(np.sum(weights * np.sin(x) * np.cos(center)) + np.sum(x) ** 2),
                lambda x: weights * np.cos(x) * np.cos(center) + 2 * np.sum(x),
            )
    raise ValueError(case["kind"])


def numerical(case: dict[str, Any], numerical_gradient: Callable[..., Any]) -> dict[str, Any]:
    """The slopes of a case's function at its `x`, and whether `x` is what it was."""
    f, _ = bowl(case)
    x = np.array(case["x"])
    found = numerical_gradient(f, x)
    same = x.shape == np.shape(case["x"]) and bool(np.allclose(x, case["x"], rtol=0, atol=1e-9))
    return {"gradient": found, "x is what it was": same}


def descent(case: dict[str, Any], gradient_descent: Callable[..., Any]) -> dict[str, Any]:
    """The path down a case's function and the costs along it."""
    f, slope = bowl(case)
    x0 = np.array(case["x0"], dtype=float)
    found = gradient_descent(f, slope, x0, case["lr"], case["steps"])
    if found is None:
        raise Misuse("`gradient_descent` returns None: return the path and the costs.")
    if not isinstance(found, (list, tuple)) or len(found) != 2:
        raise Misuse("`gradient_descent` should return two things: the path and the costs.")
    path, costs = found
    return {
        "path": path,
        "costs": costs,
        "x0 is what it was": bool(np.array_equal(x0, np.array(case["x0"], dtype=float))),
    }


def layer_gradients(case: dict[str, Any], mlp_gradients: Callable[..., Any]) -> Any:
    """The gradients by layer, in the order of the walk back: the last layer comes first."""

    def words(text: str, line: str) -> str | None:
        if "matmul: " in text or "not aligned" in text:
            return (
                "In the loop, h has the shape (n, inputs), `d` (n, outputs) and W (inputs, "
                "outputs): in a product the inner sizes agree and go away."
            )
        one, other = _shapes(text)
        if "could not be broadcast" in text and ">" in line and one[:1] == other[:1]:
            return (
                "A mask has the shape of what it masks. It is made from h, what went into this "
                "layer, and `d` has the shape of h once it is back through W."
            )
        return _of_errors(case["args"][2])(text, line)

    found = called(case, mlp_gradients, words)
    if found is None:
        return None
    layers = len(case["args"][0])
    asked = "`mlp_gradients` should return a list of pairs (dW, db), one for each layer"
    if not isinstance(found, (list, tuple)):
        raise Misuse(f"{asked}.")
    if len(found) != layers:
        raise Misuse(f"{asked}: with {layers} layers it returns {len(found)} of them.")
    if any(not isinstance(pair, (list, tuple)) or len(pair) != 2 for pair in found):
        raise Misuse(f"{asked}.")
    named = [(f"layer {place + 1} of {layers}", pair) for place, pair in enumerate(found)]
    return {name: {"dW": dW, "db": db} for name, (dW, db) in reversed(named)}


def adversarial(case: dict[str, Any], function: Callable[..., Any]) -> Any:
    """Images after a step against the net."""
    X = case["args"][1]

    def words(text: str, line: str) -> str | None:
        if ("matmul: " in text or "not aligned" in text) and re.search(r"\bW\b", line):
            return (
                "Is W here that of the first layer, in params[0]? After the loop it is still that "
                "of the second. `d` is (n, neurons), the first W (inputs, neurons)."
            )
        if "could not be broadcast" in text and X.shape in _shapes(text):
            return (
                f"The slopes should have the shape of X, {X.shape}, one for each pixel: `d` back "
                "through the W of the first layer."
            )
        return None

    return called(case, function, words)


def trained(case: dict[str, Any], train: Callable[..., Any], net: Any) -> dict[str, Any]:
    """The parameters after a short training, or what the trained net says of given digits."""
    if "images" in case:
        return {"logits": logits(net, np.array(case["images"], dtype=float))}
    if "seeds" in case:
        return {"runs": [_trained_once(copy.deepcopy(case), train, seed) for seed in case["seeds"]]}
    return {"parameters": _trained_once(case, train, case["seed"])}


def _trained_once(case: dict[str, Any], train: Callable[..., Any], seed: int) -> list[list]:
    given = case["kwargs"] | {"rng": np.random.default_rng(seed)}
    found = called({"kwargs": given}, train)
    if found is None:
        raise Misuse("`train` returns None: return the trained parameters.")
    return [[W, b] for W, b in pairs(found, "`train` should return")]


def pairs(params: Any, what: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Parameters as a list of (weights, biases), one pair a layer."""
    try:
        found = [(np.array(W, dtype=float), np.array(b, dtype=float)) for W, b in params]
    except (TypeError, ValueError):
        raise Misuse(f"{what} a list of pairs (W, b), one for each layer.") from None
    if not found or any(W.ndim != 2 for W, _ in found):
        raise Misuse(f"{what} a list of pairs (W, b), one for each layer.")
    return found


def logits(net: Any, X: np.ndarray) -> np.ndarray:
    """The scores of a net with relu after every layer but the last."""
    *hidden, (W, b) = pairs(net, "the trained net should be")
    widths = [w.shape for w, _ in [*hidden, (W, b)]]
    if widths[0][0] != X.shape[1] or widths[-1][1] != 10:
        raise Misuse("the trained net should take 64 numbers and give 10 scores.")
    for weights, biases in hidden:
        X = np.maximum(X @ weights + biases, 0)
    return X @ W + b
