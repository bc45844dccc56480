"""Probes for 03_backprop: gates, and functions that return several things in a stated order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from autograder.probes.run.observe import Misuse

SHAPES = ("matmul", "broadcast", "not aligned", "shape-mismatch")
TRUTH = ("truth value",)
UNPACKED = ("to unpack",)


@contextmanager
def telling(words: Sequence[str], tip: str) -> Iterator[None]:
    """Put `tip` in the place of an error's text, where that text has one of these words.

    The error stays what it is, and so does the learner's line that raised it.
    """
    try:
        yield
    except (ValueError, TypeError, AttributeError) as error:
        if any(word in str(error) for word in words):
            error.args = (tip,)
        raise


def parts(case: dict[str, Any], function: Callable[..., Any]) -> Any:
    """Call the function with the case's `kwargs`, in order; name what it returns."""
    return by_name(positional(case, function), case["returns"])


def positional(case: dict[str, Any], function: Callable[..., Any]) -> Any:
    """Call the function with the case's `kwargs`, in order, whatever it calls them itself."""
    return function(*case["kwargs"].values())


def by_name(returned: Any, names: Sequence[str], who: str = "It") -> Any:
    """A dict of the things that a function returned, by the names that the exercise gives them."""
    if returned is None:
        return None
    if isinstance(returned, np.ndarray) and returned.ndim == 1:
        returned = list(returned)  # numbers in an array are as good as in a tuple
    if isinstance(returned, tuple | list) and len(returned) == len(names):
        return dict(zip(names, returned, strict=True))
    listed = f"{', '.join(names[:-1])} and {names[-1]}"
    raise Misuse(
        f"{who} should return {len(names)} things, in this order: {listed}. "
        f"It returns {described(returned)}"
    )


def described(value: Any) -> str:
    """What came back, in a few words."""
    if isinstance(value, tuple | list):
        return f"{len(value)} thing{'s' * (len(value) != 1)}"
    if isinstance(value, np.ndarray) and value.ndim:
        return f"one array of shape {value.shape}"
    if isinstance(value, bool | int | float | np.ndarray | np.generic):
        return "one number"
    if callable(value):
        return "a function only"
    return f"one {type(value).__name__}"


def gates(
    case: dict[str, Any],
    add_gate: Callable[..., Any],
    mul_gate: Callable[..., Any],
    max_gate: Callable[..., Any],
) -> dict[str, Any]:
    """Run one gate forward and backward; with `other`, let a second one run in between."""
    gate = {"add": add_gate, "mul": mul_gate, "max": max_gate}[case["gate"]]
    name, given = f"`{case['gate']}_gate`", case["kwargs"]
    z, backward = _forward(gate, name, given["x"], given["y"])
    if case.get("other"):
        _forward(gate, name, *case["other"])
    returned, who = backward(given["dz"]), f"The function `backward` of {name}"
    if returned is None:
        at = f"with x = {given['x']:g} and y = {given['y']:g}"
        raise Misuse(f"{who} returns None {at}: is a return missing there?")
    return {"z": z, **by_name(returned, ("dx", "dy"), who)}


def _forward(
    gate: Callable[..., Any], name: str, x: float, y: float
) -> tuple[Any, Callable[..., Any]]:
    returned = gate(x, y)
    if returned is None:
        raise Misuse(f"{name} returns None: is a return missing?")
    made = by_name(returned, ("z", "backward"), name)
    if not callable(made["backward"]):
        raise Misuse(
            f"The second thing that {name} returns should be its function `backward`, itself, "
            "not called"
        )
    return made["z"], made["backward"]


def neuron(case: dict[str, Any], function: Callable[..., Any]) -> Any:
    """A neuron's output and gradients; an array inside an array is told apart from one array."""
    tip = "`np.append(a, b)` puts the number b behind the array a; a list of both is no array"
    behind = "an array has no append of its own: np.append(a, b) makes a new array"
    number = "`ddot` is one number, and @ takes arrays: multiply with *"
    with (
        telling(("inhomogeneous",), tip),
        telling(("attribute 'append'",), behind),
        telling(("enough dimensions",), number),
    ):
        found = parts(case, function)
    for name in ("dw", "dx"):
        value = found and found[name]
        if isinstance(value, list | tuple) and any(np.ndim(item) for item in value):
            raise Misuse(f"`{name}` is a list with an array in it. {tip}")
    return found


def affine_forward(case: dict[str, Any], forward: Callable[..., Any]) -> Any:
    """The output of an affine layer, and whether its cache keeps x in its own shape."""
    made = _forward_pass(case["kwargs"], forward, "It")
    return made and {"out": made["out"], "x kept": not _keeps_flat(made["cache"], case["kwargs"])}


def _forward_pass(given: dict[str, Any], forward: Callable[..., Any], who: str) -> Any:
    rows = (len(given["x"]), given["w"].shape[0])
    tip = (
        f"the shapes don't fit. Here x has shape {given['x'].shape}, rows {rows}, w "
        f"{given['w'].shape} and b {given['b'].shape}: multiply the rows by w"
    )
    with telling(SHAPES, tip):
        returned = forward(given["x"], given["w"], given["b"])
    return by_name(returned, ("out", "cache"), who)


def _keeps_flat(cache: Any, given: dict[str, Any]) -> bool:
    """Whether a cache of (x, w, b) holds a flat x: what else is in a cache is the learner's own."""
    if not isinstance(cache, tuple | list) or len(cache) != 3:
        return False
    x, _, b = cache
    same_bias = np.shape(b) == given["b"].shape and np.array_equal(b, given["b"])
    return same_bias and np.shape(x) != given["x"].shape and np.size(x) == given["x"].size


def affine_backward(
    case: dict[str, Any], backward: Callable[..., Any], forward: Callable[..., Any]
) -> Any:
    """The gradients of an affine layer, from the cache of the learner's own forward pass."""
    given = case["kwargs"]
    made = _forward_pass(given, forward, "`affine_forward`")
    if made is None:
        raise Misuse("`affine_forward` returns None: is a return missing?")
    if _keeps_flat(made["cache"], given):
        raise Misuse(
            "`affine_forward` keeps a flat x in its cache, so its shape is lost on the way back. "
            "Mend that first: its cache is (x, w, b), with x as it came"
        )
    rows = (len(given["x"]), given["w"].shape[0])
    tip = (
        f"the shapes don't fit. Here dout has shape {given['dout'].shape}, rows {rows} and w "
        f"{given['w'].shape}: in a product the inner sizes agree, (a, b) @ (b, c)"
    )
    shape = "reshape takes a shape, as in x.shape"
    with telling(SHAPES, tip), telling(("integer scalar",), shape):
        returned = backward(given["dout"], made["cache"])
    return by_name(returned, ("dx", "dw", "db"))


def relu_backward(case: dict[str, Any], backward: Callable[..., Any]) -> Any:
    """The gradient that relu sends back."""
    whole = "the cache is one array, relu's input x itself: there is nothing to unpack"
    every = (
        "an array of many entries is neither true nor false. Compare them all at once: a "
        "comparison gives an array of True and False, which count as 1 and 0"
    )
    with telling(UNPACKED, whole), telling(TRUTH, every):
        return positional(case, backward)


def softmax_loss(case: dict[str, Any], function: Callable[..., Any]) -> Any:
    """The loss and the gradient by the scores."""
    x, y = case["kwargs"].values()
    tip = (
        f"the shapes don't fit. Here x and p have shape {x.shape} and y has {y.shape}: a row's max "
        "and sum keep their axis with keepdims=True, and p[each, y] picks one number a row"
    )
    every = "the math module takes one number: np.log takes all of an array at once"
    called = "something stands without its brackets: p.copy() makes a copy, p.copy is a function"
    with (
        telling(SHAPES, tip),
        telling(("Python scalar",), every),
        telling(("method' object", "function' object"), called),
    ):
        return parts(case, function)


def gradient_check(case: dict[str, Any], function: Callable[..., Any]) -> dict[str, Any]:
    """The relative error that the learner finds, and whether `x` is what it was before."""
    shape, a, c = case["x"].shape, case["a"], case["c"]

    def f(x: Any) -> float:
        x = np.asarray(x)
        if x.shape != shape:
            raise Misuse(
                f"`f` takes the whole array x, of shape {shape}, and it was called with one of "
                f"shape {x.shape}"
            )
        if case["name"] == "curved":
            return float(np.exp(a * x).sum())
        if case["name"] == "a step of its own":
            return float((a * x**3).sum())
        return float((a * x**2).sum() + np.sin((c * x).sum()))

    x = case["x"].copy()
    step = {"h": case["h"]} if "h" in case else {}
    tip = (
        f"an array stands where one number should. Here x has shape {shape}: take one entry at a "
        "time, x[i] with an i from np.ndindex(*x.shape)"
    )
    two = "np.max takes one array and an axis; Python's max(1e-8, ...) takes two numbers"
    with telling(TRUTH, tip), telling(("interpreted as an integer",), two):
        error = function(f, case["analytic"].copy(), x, **step)
    if error is None:
        raise Misuse("It returns None: is a return missing?")
    return {"error": error, "x unchanged": bool(np.abs(x - case["x"]).max() < 1e-9)}
