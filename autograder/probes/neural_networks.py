"""Probes for 02a_neural_networks and 02b_gradient_descent: they hand learners' functions arrays,
functions made from a case's numbers, and generators, and hand back arrays."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.probes.observe import Misuse


def without_overflow(case: dict[str, Any], function: Callable[..., Any]) -> dict[str, Any]:
    """The values of a function, and whether numpy met an overflow on the way."""
    with warnings.catch_warnings(record=True) as met, np.errstate(over="warn"):
        warnings.simplefilter("always")
        values = function(*case["args"])
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


def trained(case: dict[str, Any], train: Callable[..., Any], net: Any) -> dict[str, Any]:
    """The parameters after a short training, or what the trained net says of given digits."""
    if "images" in case:
        return {"logits": logits(net, np.array(case["images"], dtype=float))}
    args = case["kwargs"]
    found = train(**args, rng=np.random.default_rng(case["seed"]))
    if found is None:
        raise Misuse("`train` returns None: return the trained parameters.")
    return {"parameters": [[W, b] for W, b in pairs(found, "`train` should return")]}


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
