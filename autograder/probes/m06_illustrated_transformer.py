"""Probes for 06_illustrated_transformer: tables that were filled in, and functions of arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.core.plain import STUMBLED
from autograder.probes.m03_backprop import by_name
from autograder.probes.run.observe import Misuse


def filled_in(case: dict[str, Any], table: Any) -> Any:
    """A dict whose dots the learner replaced; the names in it are the case's `entries`."""
    entries = case["entries"]
    if not isinstance(table, dict) or set(table) != set(entries):
        raise Misuse(f"Give a dict with these keys: {', '.join(entries)}.")
    empty = [name for name in entries if _has_dots(table[name])]
    if len(empty) == len(entries):
        raise NotImplementedError
    if empty:
        raise Misuse(f"Still to be filled in: {', '.join(empty)}.")
    return table


def _has_dots(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(item is ... for item in value)
    return value is ...


def attention(case: dict[str, Any], function: Callable[..., Any]) -> Any:
    """What a look-up gives, and its weights; or a word for how it stumbled."""
    q, k, v, *mask = case["args"]
    try:
        return by_name(function(q, k, v, *mask), ("out", "weights"))
    except ValueError:  # of a product, or of the mask, that doesn't fit
        # Code that swaps them gives the right table when it is called with both swapped.
        table = _second(function, k, q, v, *mask)
        if np.shape(table)[-2:] != (q.shape[-2], k.shape[-2]):
            raise
        return {STUMBLED: "swapped"}
    except IndexError as error:
        if "boolean" not in str(error):
            raise
        return {STUMBLED: "indexed"}


def _second(function: Callable[..., Any], *args: Any) -> Any:
    """The second of the things that it returns; None where it raises."""
    try:
        return function(*args)[1]
    except Exception:
        return None


def heads(case: dict[str, Any], split_heads: Callable, merge_heads: Callable) -> dict[str, Any]:
    """One array split into heads, and another one merged."""
    x, num_heads = case["args"]
    return {"split": split_heads(x, num_heads), "merged": merge_heads(case["heads"].copy())}


def several_heads(case: dict[str, Any], function: Callable[..., Any]) -> Any:
    """One array; or a word for how the function stumbled, where the error tells it."""
    x, *weights = case["args"]
    try:
        return one_array(case, function)
    except AttributeError as error:
        if "'tuple' object" not in str(error):
            raise
        return {STUMBLED: "pair"}
    except ValueError as error:
        # A matrix on the left fits where there are as many words as numbers in a word.
        square = np.resize(x, (1, x.shape[-1], x.shape[-1]))
        if "matmul" not in str(error):
            raise
        try:
            function(square, *weights[:5])
        except Exception:
            raise error from None
        return {STUMBLED: "left"}


def one_array(case: dict[str, Any], function: Callable[..., Any]) -> Any:
    """Call the function; it returns one array, and not a pair."""
    found = function(*case["args"])
    if isinstance(found, tuple):
        raise Misuse(
            f"It returns {len(found)} things. The result alone is asked for: a single array."
        )
    return found
