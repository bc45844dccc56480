"""Probes for 03_backprop: gates, and functions that return several things in a stated order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograder.probes.observe import Misuse


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
        raise Misuse(f"{who} returns None: is a return missing?")
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


def affine_forward(case: dict[str, Any], forward: Callable[..., Any]) -> Any:
    """The output of an affine layer; its cache is the learner's own business."""
    given = case["kwargs"]
    made = by_name(forward(given["x"], given["w"], given["b"]), ("out", "cache"))
    return made and {"out": made["out"]}


def affine_backward(
    case: dict[str, Any], backward: Callable[..., Any], forward: Callable[..., Any]
) -> Any:
    """The gradients of an affine layer, from the cache of the learner's own forward pass."""
    given = case["kwargs"]
    returned = forward(given["x"], given["w"], given["b"])
    if returned is None:
        raise Misuse("`affine_forward` returns None: is a return missing?")
    cache = by_name(returned, ("out", "cache"), "`affine_forward`")["cache"]
    return by_name(backward(given["dout"], cache), ("dx", "dw", "db"))


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
        return float((a * x**2).sum() + np.sin((c * x).sum()))

    x = case["x"].copy()
    error = function(f, case["analytic"].copy(), x)
    if error is None:
        raise Misuse("It returns None: is a return missing?")
    return {"error": error, "x unchanged": bool(np.abs(x - case["x"]).max() < 1e-9)}
