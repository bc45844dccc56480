"""Probes for 01_linear_algebra: they call a learner's function, and hand back what it raises
where that says more than an end to the check."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from autograder.probes.observe import _error, call


def shaped(case: dict[str, Any], function: Callable[..., Any]) -> Any:
    """Call the function; shapes that do not fit are handed back, so that a square case can name
    the mistake behind them."""
    try:
        return call(case, function)
    except (ValueError, IndexError) as error:
        return raised(error)


def solvable(case: dict[str, Any], function: Callable[..., Any]) -> Any:
    """Call the function; a ValueError is an answer, too."""
    try:
        return call(case, function)
    except ValueError as error:
        return raised(error)


def raised(error: Exception) -> dict[str, Any]:
    """An error as plain data, with the learner's own line."""
    told = _error(error)
    return {
        "raised": "ValueError" if isinstance(error, ValueError) else told["type"],
        "message": told["message"],
        "line": told["line"],
    }


def counted(case: dict[str, Any], function: Callable[..., Any]) -> Any:
    """Call the function, and say whether it runs more lines of Python for more rows."""
    value = call(case, function)
    if not case.get("count"):
        return {"distances": value}
    X, Y = case["args"]
    few = _lines(function, X[:4].copy(), Y[:4].copy())
    many = _lines(function, X[:40].copy(), Y[:40].copy())
    return {"distances": value, "loops": many > few + 30}


def _lines(function: Callable[..., Any], *args: Any) -> int:
    """How many lines of Python a call runs, and calls into C functions of Python objects."""
    count = 0

    def trace(frame: Any, event: str, argument: Any) -> Any:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function(*args)
    finally:
        sys.settrace(before)
    return count
