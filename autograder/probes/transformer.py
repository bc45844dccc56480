"""Probes for 06_illustrated_transformer: tables that were filled in, and functions of arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograder.probes.backprop import by_name
from autograder.probes.observe import Misuse


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
    """What a look-up gives, and its weights."""
    return by_name(function(*case["args"]), ("out", "weights"))


def heads(case: dict[str, Any], split_heads: Callable, merge_heads: Callable) -> dict[str, Any]:
    """One array split into heads, and another one merged."""
    x, num_heads = case["args"]
    return {"split": split_heads(x, num_heads), "merged": merge_heads(case["heads"].copy())}


def one_array(case: dict[str, Any], function: Callable[..., Any]) -> Any:
    """Call the function; it returns one array, and not a pair."""
    found = function(*case["args"])
    if isinstance(found, tuple):
        raise Misuse(
            f"It returns {len(found)} things. The result alone is asked for: a single array."
        )
    return found
