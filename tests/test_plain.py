"""Plain data: the way from a learner's objects to the judge."""

from __future__ import annotations

import base64
import io
import json
import math
import zipfile
from typing import Any

import numpy as np
import pytest
import torch

from autograder.core.plain import MAX_BITS, Other, brief, decode, difference, encode, plain


class Liar:
    """Equal to everything."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None


class LyingFloat(float):
    """A float that says it is something else."""

    def __eq__(self, other: object) -> bool:
        return True

    def __float__(self) -> float:
        return 99.0

    __hash__ = float.__hash__


class LyingText(str):
    def __str__(self) -> str:
        return "lie"


class LyingList(list):
    def __iter__(self) -> Any:
        return iter([99])

    def __len__(self) -> int:
        return 1


class LyingDict(dict):
    def items(self) -> Any:
        return [("lie", 99)]


def sent(value: Any) -> Any:
    """`value` as it arrives at the other end of the wire."""
    return decode(json.loads(json.dumps(encode(value))))


def same(first: Any, second: Any) -> bool:
    """Exactly the same plain data, types and NaN included."""
    if type(first) is not type(second):
        return False
    if isinstance(first, np.ndarray):
        return first.dtype == second.dtype and np.array_equal(
            first, second, equal_nan=first.dtype.kind == "f"
        )
    if isinstance(first, list):
        return len(first) == len(second) and all(map(same, first, second))
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[k], second[k]) for k in first)
    if isinstance(first, float) and math.isnan(first):
        return math.isnan(second)
    return first == second


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -3,
        2**80,
        0.1,
        float("nan"),
        float("inf"),
        float("-inf"),
        "text with a \x00 and an ä",
        [],
        [1, [2.5, "x"], None],
        {},
        {"$": "npy", "value": 3},
        np.array(1.5),
        np.zeros((0, 3)),
        np.array([np.nan, np.inf, 1e-300]),
        np.arange(6, dtype=np.int16).reshape(2, 3),
        np.array([[True, False]]),
        Other("Value", "an object of class Value"),
        {"deep": [{"array": np.ones((2, 3), dtype=np.float32)}]},
    ],
    ids=repr,
)
def test_what_is_encoded_is_decoded_unchanged(value: Any) -> None:
    assert same(sent(value), value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (LyingFloat(1.5), 1.5),
        (LyingText("truth"), "truth"),
        (LyingList([1, 2]), [1, 2]),
        (LyingDict(a=1), {"a": 1}),
        (np.float64(2.5), 2.5),
        (np.int8(3), 3),
        (np.True_, True),
        (np.longdouble(0.5), 0.5),
        ((1, (2, 3)), [1, [2, 3]]),
        ({(1, 2): 3, 4: 5}, {"[1, 2]": 3, "4": 5}),
        ("\ud800", "?"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_plain_takes_the_content_and_not_what_a_class_says_of_it(value: Any, expected: Any) -> None:
    assert same(plain(value), expected)


def test_tensors_become_arrays() -> None:
    weights = torch.ones(2, 3, requires_grad=True)
    assert same(plain(weights), np.ones((2, 3), dtype=np.float32))
    assert same(plain(torch.ones(2, dtype=torch.bfloat16)), np.ones(2, dtype=np.float32))
    assert same(plain(torch.eye(2).to_sparse()), np.eye(2, dtype=np.float32))
    assert same(plain(torch.tensor(True)), np.array(True))


def test_an_array_is_copied() -> None:
    array = np.zeros(3)
    taken = plain(array)
    array[0] = 5
    assert taken[0] == 0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Liar(), "an object of class Liar"),
        (Liar, "the class Liar"),
        (len, "the function len"),
        (..., "..."),
        (1j, "an object of class complex"),
        (np.array(["a"]), "an array of dtype <U1"),
        (np.array([None]), "an array of dtype object"),
        (2 ** (MAX_BITS + 1), "a whole number of 301 digits"),
    ],
)
def test_what_is_not_plain_is_only_described(value: Any, text: str) -> None:
    taken = plain(value)
    assert isinstance(taken, Other)
    assert taken.text == text


def test_plain_data_stays_as_it_is() -> None:
    value = {"a": [1, Other("Value", "an object of class Value"), np.ones(2)]}
    assert same(plain(plain(value)), value)


def test_a_list_that_holds_itself_ends() -> None:
    loop: list[Any] = []
    loop.append(loop)
    assert "nested too deeply" in str(plain(loop))
    assert same(sent(plain(loop)), plain(loop))


def test_encode_refuses_what_is_not_plain() -> None:
    with pytest.raises(TypeError, match="Liar is not plain data"):
        encode(Liar())


def _npy(array: np.ndarray) -> str:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return base64.b64encode(buffer.getvalue()).decode()


def _archive() -> str:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("a.npy"), b"")  # without the time of day
    return base64.b64encode(buffer.getvalue()).decode()


def _huge() -> str:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000000,)}\n"
    raw = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"$": "unknown"},
        {"$": "npy"},
        {"$": "npy", "value": "not base64"},
        {"$": "npy", "value": ""},
        {"$": "npy", "value": 3},
        {"$": "npy", "value": _npy(np.array([print], dtype=object))},
        {"$": "npy", "value": _npy(np.array(["text"]))},
        {"$": "npy", "value": _archive()},
        {"$": "npy", "value": _huge()},
        {"$": "float", "value": []},
        {"$": "dict", "value": 3},
        {"$": "other", "type": "x"},
        (1,),
        Liar(),
    ],
    ids=lambda data: str(data)[:40] if isinstance(data, dict) else type(data).__name__,
)
def test_decode_gives_one_error_for_all_that_encode_never_writes(data: Any) -> None:
    with pytest.raises(ValueError):
        decode(data)


def test_decode_refuses_what_is_nested_without_end() -> None:
    data: list[Any] = []
    for _ in range(100_000):
        data = [data]
    with pytest.raises(ValueError, match="nested too deeply"):
        decode(data)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (1, 1.0),
        (1.0, np.array(1.0)),
        (np.array([1.0, 2.0]), [1, 2]),
        ([1, 2], np.array([1.0, 2.0])),
        (np.ones((2, 2)), [[1, 1], [1, 1]]),
        (float("nan"), float("nan")),
        (np.array([np.nan, 1]), np.array([np.nan, 1])),
        (float("inf"), float("inf")),
        (1.0, 1.00001),
        ({"a": [1, "x"]}, {"a": [1.0, "x"]}),
        (True, True),
        (2**90, float(2**90)),
        (None, None),
    ],
)
def test_style_is_tolerated(expected: Any, actual: Any) -> None:
    assert difference(expected, actual, 1e-4, 1e-6) is None


@pytest.mark.parametrize(
    ("expected", "actual", "kind", "path"),
    [
        (1.0, "1.0", "type", ()),
        (1.0, None, "type", ()),
        (1.0, True, "type", ()),
        (True, 1, "type", ()),
        (1.0, 10**400, "type", ()),
        (np.ones(2), [[1], [1, 2]], "type", ()),
        ("a", ["a"], "type", ()),
        ([1], 1, "type", ()),
        ({"a": 1}, [1], "type", ()),
        (1.0, Other("Value", "x"), "type", ()),
        (np.ones((2, 3)), np.ones((3, 2)), "shape", ()),
        (1.0, [1.0], "shape", ()),
        (np.ones(2), ["a", 1], "type", ()),
        ([1.0, 2.0], [10**400, 1], "type", ("0",)),  # more than a float can hold
        ([1, 2], [1], "length", ()),
        ({"a": 1}, {"b": 1}, "keys", ()),
        (1.0, float("nan"), "nan", ()),
        (np.ones(2), np.array([1, np.nan]), "nan", ()),
        (float("nan"), 1.0, "value", ()),
        (float("inf"), float("-inf"), "value", ()),
        (1.0, 1.001, "value", ()),
        (np.array([True]), np.array([False]), "value", ()),
        ("a", "b", "value", ()),
        ({"grads": [1.0, {"b": 2.0}]}, {"grads": [1.0, {"b": 3.0}]}, "value", ("grads", "1", "b")),
    ],
)
def test_content_is_not(expected: Any, actual: Any, kind: str, path: tuple[str, ...]) -> None:
    found = difference(expected, actual, 1e-4, 1e-6)
    assert found is not None
    assert (found.kind, found.path) == (kind, path)


def test_an_object_that_equals_everything_equals_nothing() -> None:
    for expected in (1.0, "x", [1.0], np.ones(3), {"a": 1}, None, True):
        assert difference(expected, plain(Liar()), 1e-4, 1e-6) is not None
    assert difference(1.0, plain(LyingFloat(2.0)), 1e-4, 1e-6) is not None
    assert difference([1, 2], plain(LyingList([3, 4])), 1e-4, 1e-6) is not None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.76159, "0.7616"),
        (2.0, "2.0"),
        (float("nan"), "nan"),
        (1e-12, "1e-12"),
        (np.array(1.5), "1.5"),
        (np.ones((3, 5)), "array of shape (3, 5)"),
        (np.array([1.0, 0.5]), "[1. , 0.5]"),
        ([1.0, "a"], "[1.0, 'a']"),
        (list(range(9)), "a list of 9 items"),
        ({"x": 1.0}, "x = 1.0"),
        ({}, "{}"),
        (Other("Value", "an object of class Value"), "an object of class Value"),
    ],
)
def test_brief(value: Any, text: str) -> None:
    assert brief(value) == text


def test_brief_is_brief() -> None:
    for value in ("x" * 10_000, {str(i): 1.0 for i in range(1000)}, np.ones((50, 50))):
        assert len(brief(value)) < 120
