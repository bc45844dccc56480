"""One type for what was seen, and one parser: nothing else can have come from our own code."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autograder.core.observation import Observation, RaisedError, Status
from autograder.core.plain import Other, decode, encode

ERROR = RaisedError(type="ValueError", message="too small", line="raise", number=7, function="f")
OK = Observation(status=Status.OK, value=6.0).as_plain()
RAISED = Observation(status=Status.RAISED, error=ERROR).as_plain()


@pytest.mark.parametrize(
    "seen",
    [
        Observation(status=Status.OK, value=[1, {"a": None}], printed="x", mutated=("1", "scale")),
        Observation(status=Status.OK, value=Other("set", "an object of class set")),
        Observation(status=Status.STUB, name="relu"),
        Observation(status=Status.STUB, error=ERROR),
        Observation(status=Status.RAISED, error=ERROR),
        Observation(status=Status.TIMED_OUT, limit=5.0, waited=50.0),
        Observation(status=Status.MISUSE, message="Pass the class itself."),
        Observation(status=Status.MISSING, name="relu"),
    ],
    ids=lambda seen: seen.status,
)
def test_what_is_written_is_read_back(seen: Observation) -> None:
    assert Observation.parse(decode(encode(seen.as_plain()))) == seen


def test_arrays_come_back_as_they_went() -> None:
    value = np.arange(6.0).reshape(2, 3)
    seen = Observation(status=Status.OK, value={"w": value}).as_plain()
    assert Observation.parse(decode(encode(seen))).value["w"].tolist() == value.tolist()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("text", "an observation has other fields than it should: str"),
        ({}, "other fields"),
        ({"status": "ok", "value": 6.0}, "other fields"),
        ({**OK, "points": 1}, r"other fields than it should: \['points'\]"),
        ({**OK, "status": "passed"}, "no status 'passed'"),
        ({**OK, "status": ["ok"]}, "no status"),
        ({**OK, "value": {1: 2}}, "not plain data"),
        ({**OK, "value": object()}, "not plain data"),
        ({**OK, "value": np.array([object()])}, "not plain data"),
        ({**OK, "printed": 3}, "`printed` is int, not str"),
        ({**OK, "mutated": "none"}, "`mutated` is not a list"),
        ({**OK, "mutated": [1]}, "`mutated` is not a list"),
        ({**OK, "name": None}, "`name` is NoneType"),
        ({**OK, "message": 3}, "`message` is int"),
        ({**OK, "limit": True}, "`limit` is bool, not float"),
        ({**OK, "limit": "long"}, "`limit` is str"),
        ({**OK, "waited": 3}, "`waited` is int"),
        ({**OK, "status": "raised"}, "names no error"),
        ({**RAISED, "error": "text"}, "error has other fields"),
        ({**RAISED, "error": {"type": "ValueError"}}, "error has other fields"),
        ({**RAISED, "error": {**vars(ERROR), "number": "7"}}, "`number` is str, not int"),
        ({**RAISED, "error": {**vars(ERROR), "function": None}}, "`function` is NoneType"),
    ],
)
def test_anything_else_is_refused_by_name(data: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Observation.parse(data)
