"""Probes for 01_linear_algebra: they call a learner's function, and hand back what it raises
where that says more than an end to the check."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.probes.run.observe import Misuse, call, raised_error

UNFIT = ("mismatch", "broadcast", "aligned", "dimension")  # what numpy says of unfit shapes


def own(case: dict[str, Any], function: Callable[..., Any]) -> Any:
    """Call the function; put into words what numpy says in riddles, and name another exercise
    that it calls and that is still unwritten."""
    try:
        return call(case, function)
    except NotImplementedError as error:
        where = raised_error(error).function
        if where.startswith("<") or where in ("", getattr(function, "__name__", "")):
            raise
        raise Misuse(f"It calls `{where}`, which is still unwritten: answer that first.") from None
    except (TypeError, ValueError) as error:
        if "Cannot cast ufunc" in str(error):
            said = (
                "whole numbers came in, and an array of whole numbers can't take fractions in "
                "place. Work on a copy that can: np.array(..., dtype=float)"
            )
            raise TypeError(said).with_traceback(error.__traceback__) from None
        if "of an empty sequence" in str(error):
            said = "a row is looked for where none is left: all rows are used up"
            raise ValueError(said).with_traceback(error.__traceback__) from None
        if "negative integer powers" in str(error):
            said = f"{error} `P**-1` takes one over each entry; the inverse is np.linalg.inv(P)"
            raise ValueError(said).with_traceback(error.__traceback__) from None
        if any(word in str(error) for word in UNFIT):
            shapes = ", ".join(str(np.shape(value)) for value in case["args"] if np.ndim(value))
            said = f"{str(error).rstrip(' .')}. Shapes of the arrays here: {shapes}"
            raise ValueError(said).with_traceback(error.__traceback__) from None
        raise


def shaped(case: dict[str, Any], function: Callable[..., Any]) -> Any:
    """Call the function; shapes that do not fit are handed back, so that a square case can name
    the mistake behind them."""
    try:
        return own(case, function)
    except (ValueError, IndexError) as error:
        return raised(error)


def solvable(case: dict[str, Any], function: Callable[..., Any]) -> Any:
    """Call the function; a ValueError is an answer, too."""
    try:
        return own(case, function)
    except ValueError as error:
        return raised(error)


def raised(error: Exception) -> dict[str, Any]:
    """An error as plain data, with the learner's own line."""
    told = raised_error(error)
    return {
        "raised": "ValueError" if isinstance(error, ValueError) else told.type,
        "message": told.message,
        "line": told.line,
    }


def counted(case: dict[str, Any], function: Callable[..., Any]) -> Any:
    """Call the function, and say whether it runs more lines of Python for more rows."""
    value = own(case, function)
    if not case.get("count"):
        return {"distances": value}
    X, Y = case["args"]
    looping = _loops(function, (X[:4], Y[:4]), (X[:40], Y[:40]))
    return {"distances": value, "how": "a loop in Python" if looping else "array operations"}


def batched(case: dict[str, Any], function: Callable[..., Any]) -> Any:
    """As `shaped`; for a case to count, whether it runs more lines of Python for more matrices."""
    if not case.get("count"):
        return shaped(case, function)
    A, B = case["args"]
    try:
        looping = _loops(function, (A[:3], B[:3]), (A, B))
    except (ValueError, IndexError) as error:
        return raised(error)
    return {"how": "one after the other" if looping else "all at once"}


def stepped(case: dict[str, Any], function: Callable[..., Any]) -> Any:
    """Call the function; for a case to count, whether it runs more lines for a higher power."""
    if not case.get("count"):
        return own(case, function)
    A, n = case["args"]
    looping = _loops(function, (A, 5), (A, n), over=80)
    return {"how": "step by step" if looping else "all steps at once"}


def _loops(function: Callable[..., Any], few: tuple, many: tuple, over: int = 30) -> bool:
    """Whether a call with `many` runs clearly more lines of Python than one with `few`."""
    counts = [_lines(function, *copy.deepcopy(args)) for args in (few, many)]
    return counts[1] > counts[0] + over


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
