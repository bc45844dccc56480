"""Plain data: what a probe returns, and the only thing that the judge ever sees.

Plain data is None, bool, int, float, str, lists, dicts with string keys, and numpy arrays of
numbers or booleans. Anything else becomes an `Other`: its type's name and a short text, so that
nothing of a learner's own classes (least of all their `__eq__`) reaches the judge.

On the wire, arrays are npy bytes and are read with ``allow_pickle=False``.
"""

from __future__ import annotations

import base64
import io
import math
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

# A probe returns {STUMBLED: word} if the error that an answer raised says what is wrong.
STUMBLED = "stumbled"
MAX_TEXT = 20_000
MAX_ITEMS = 1_000_000
MAX_BITS = 1000  # of an integer: anything shorter fits in a float
MAX_DEPTH = 20


@dataclass(frozen=True)
class Other:
    """Stands for an object that is not plain data.

    `type_name` is its class's name, `text` a short description of it.
    """

    type_name: str
    text: str


def plain(value: Any, depth: int = 0) -> Any:
    """Turn `value` into plain data of exact built-in types and numpy arrays.

    Torch tensors become arrays, numpy scalars become Python numbers, tuples become lists.
    """
    if value is None or type(value) in (bool, float):
        return value
    if type(value) is Other and type(value.text) is type(value.type_name) is str:
        return value
    if depth > MAX_DEPTH:
        return Other(type(value).__name__, "a list that is nested too deeply")
    # Read subclasses through the base class: their own methods may return anything.
    if isinstance(value, int):
        value = int.__int__(value)
        if value.bit_length() <= MAX_BITS:
            return value
        return Other("int", f"a whole number of {int(value.bit_length() * 0.30103)} digits")
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, str):
        return str.__str__(value)[:MAX_TEXT].encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, np.generic):
        found = _array(np.asarray(value))
        return found.item() if isinstance(found, np.ndarray) else found
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        value = value.to_dense() if value.layout is not torch.strided else value
        value = (value.float() if value.dtype == torch.bfloat16 else value).numpy()
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, list):
        return [plain(item, depth + 1) for item in list.__getitem__(value, slice(MAX_ITEMS))]
    if isinstance(value, tuple):
        return [plain(item, depth + 1) for item in tuple.__getitem__(value, slice(MAX_ITEMS))]
    if isinstance(value, dict):
        return {_key(key): plain(item, depth + 1) for key, item in dict.items(value)}
    return Other(type(value).__name__, _describe(value))


def _array(value: np.ndarray) -> np.ndarray | Other:
    if value.dtype.kind not in "biuf":
        return Other("ndarray", f"an array of dtype {value.dtype}")
    wide = value.dtype.kind == "f" and value.dtype.itemsize > 8
    return np.array(value, dtype=float if wide else value.dtype, copy=True, subok=False)


def _key(key: Any) -> str:
    found = plain(key)
    return found if type(found) is str else repr(found)


def _describe(value: Any) -> str:
    if value is ...:
        return "..."
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if callable(value):
        return f"the function {getattr(value, '__name__', type(value).__name__)}"
    return f"an object of class {type(value).__name__}"


def is_plain(value: Any) -> bool:
    """Whether this is plain data already, through and through."""
    if type(value) is np.ndarray:
        return value.dtype.kind in "biuf"
    if type(value) is list:
        return all(map(is_plain, value))
    if type(value) is dict:
        return all(type(key) is str and is_plain(item) for key, item in value.items())
    return value is None or type(value) in (bool, int, float, str, Other)


def form(value: Any) -> Any:
    """The form of plain data: keys, kinds and shapes, without what stands in them.

    Two values of one form can be read by the same code. As in `difference`, a list of numbers is
    an array, and whole numbers are numbers.
    """
    array = _as_array(value)
    if array is not None:
        return ("truths" if array.dtype.kind == "b" else "numbers", array.shape)
    if isinstance(value, list):
        return [form(item) for item in value]
    if isinstance(value, dict):
        return {key: form(item) for key, item in value.items()}
    return type(value).__name__


def encode(value: Any) -> Any:
    """Turn plain data into JSON data, without loss (see `decode`)."""
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"$": "float", "value": repr(value)}
    if isinstance(value, np.ndarray):
        buffer = io.BytesIO()
        np.save(buffer, value, allow_pickle=False)
        return {"$": "npy", "value": base64.b64encode(buffer.getvalue()).decode("ascii")}
    if isinstance(value, Other):
        return {"$": "other", "type": value.type_name, "text": value.text}
    if isinstance(value, list):
        return [encode(item) for item in value]
    if isinstance(value, dict):
        return {"$": "dict", "value": {key: encode(item) for key, item in value.items()}}
    raise TypeError(f"{type(value).__name__} is not plain data; pass it through plain() first")


def decode(value: Any, depth: int = 0) -> Any:
    """Read what `encode` wrote. Raises ValueError for anything that `encode` can't have written."""
    if depth > 2 * MAX_DEPTH:
        raise ValueError("malformed plain data: nested too deeply")
    if value is None or type(value) in (bool, int, float, str):
        return value
    if type(value) is list:
        return [decode(item, depth + 1) for item in value]
    if type(value) is not dict:
        raise ValueError(f"unexpected {type(value).__name__}")
    try:
        match value.get("$"):
            case "float":
                return float(value["value"])
            case "npy":
                return _read_array(value["value"])
            case "other":
                return Other(str(value["type"]), str(value["text"]))
            case "dict":
                items = value["value"].items()
                return {str(key): decode(item, depth + 1) for key, item in items}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"malformed plain data: {error}") from None
    raise ValueError("malformed plain data: unknown tag")


def _read_array(text: str) -> np.ndarray:
    """Read one array in npy format: no pickles, no archives, nothing but numbers."""
    try:
        buffer = io.BytesIO(base64.b64decode(text, validate=True))
        array = np.lib.format.read_array(buffer, allow_pickle=False)
    except (ValueError, TypeError, EOFError, SyntaxError, ArithmeticError, MemoryError) as error:
        raise ValueError(f"malformed plain data: {error}") from None
    if array.dtype.kind not in "biuf":
        raise ValueError(f"malformed plain data: an array of dtype {array.dtype}")
    return array


@dataclass(frozen=True)
class Difference:
    """The first place where an answer differs from what was expected.

    `kind` is one of "type", "shape", "length", "keys", "nan" and "value"; `path` leads to the
    place inside a list or dict (empty at the top).
    """

    kind: str
    path: tuple[str, ...]
    expected: Any
    actual: Any


def is_number(value: Any) -> bool:
    """True for a Python number or a zero-dimensional array; booleans are not numbers here."""
    if isinstance(value, np.ndarray):
        return value.ndim == 0 and value.dtype.kind != "b"
    return type(value) in (int, float)


def difference(
    expected: Any, actual: Any, rtol: float, atol: float, path: tuple[str, ...] = ()
) -> Difference | None:
    """Compare plain data; None if it is the same.

    Style is tolerated, content is not: a list of numbers equals an array, a zero-dimensional
    array equals a number, 1 equals 1.0; NaN equals only an expected NaN.
    """

    def differs(kind: str) -> Difference:
        return Difference(kind, path, expected, actual)

    if isinstance(expected, np.ndarray) or is_number(expected):
        got = _as_array(actual)
        want = _as_array(expected)
        if got is None or want is None or (got.dtype.kind == "b") != (want.dtype.kind == "b"):
            return differs("type")
        if got.shape != want.shape:
            return differs("shape")
        if want.dtype.kind == "b":
            return None if np.array_equal(got, want) else differs("value")
        want, got = want.astype(float), got.astype(float)
        if np.any(np.isnan(got) & ~np.isnan(want)):
            return differs("nan")
        close = np.isclose(got, want, rtol=rtol, atol=atol, equal_nan=True)
        return None if bool(close.all()) else differs("value")
    if isinstance(expected, list):
        if isinstance(actual, np.ndarray) and actual.ndim:
            actual = actual.tolist()
        if not isinstance(actual, list):
            return differs("type")
        if len(actual) != len(expected):
            return differs("length")
        pairs = ((str(i), e, a) for i, (e, a) in enumerate(zip(expected, actual, strict=True)))
    elif isinstance(expected, dict):
        if not isinstance(actual, dict):
            return differs("type")
        if set(actual) != set(expected):
            return differs("keys")
        pairs = ((key, item, actual[key]) for key, item in expected.items())
    else:
        if type(actual) is not type(expected):
            return differs("type")
        return None if actual == expected else differs("value")
    for key, want_item, got_item in pairs:
        found = difference(want_item, got_item, rtol, atol, (*path, key))
        if found is not None:
            return found
    return None


def _as_array(value: Any) -> np.ndarray | None:
    if isinstance(value, np.ndarray):
        return value
    if type(value) not in (int, float, bool, list):
        return None
    try:
        array = np.array(value)
    except ValueError:  # a ragged list
        return None
    return array if array.dtype.kind in "biuf" else _from_big(array)


def _from_big(array: np.ndarray) -> np.ndarray | None:
    """An array of integers too large for any machine type, as floats; None for anything else."""
    if array.dtype != object or not all(type(item) in (int, float) for item in array.flat):
        return None
    try:
        return array.astype(float)
    except OverflowError:
        return None


def brief(value: Any, digits: int = 4) -> str:
    """A short text for a message: `array of shape (3, 5)`, `[1.0, 2.5]`, `0.7616`."""
    if isinstance(value, Other):
        return value.text
    if isinstance(value, np.ndarray):
        if value.ndim == 0:
            return brief(value.item(), digits)
        if value.size <= 12:
            shown = np.array2string(value, precision=digits, separator=", ", suppress_small=True)
            return " ".join(shown.split())
        return f"array of shape {value.shape}"
    if type(value) is float:
        if value == int(value) if math.isfinite(value) and abs(value) < 1e6 else False:
            return f"{value:.1f}"
        return f"{value:.{digits}g}"
    if isinstance(value, list):
        if len(value) > 8:
            return f"a list of {len(value)} items"
        return "[" + ", ".join(brief(item, digits) for item in value) + "]"
    if isinstance(value, dict):
        items = [f"{key} = {brief(item, digits)}" for key, item in list(value.items())[:8]]
        return ", ".join(items + ["..."] * (len(value) > 8)) or "{}"
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
