"""What was seen of one answer on one case: all that the judge knows of it.

An observation is made where a probe runs, perhaps in a stranger's kernel. From there it travels
as plain data (`Observation.as_plain`) and is read by one parser (`Observation.parse`), which
accepts nothing that our own code can't have written.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from autograder.core.plain import is_plain


class Status(StrEnum):
    """How a probe ended on a case."""

    OK = "ok"
    STUB = "stub"  # the answer raises NotImplementedError, or is still `...`
    RAISED = "raised"
    TIMED_OUT = "timed_out"
    MISUSE = "misuse"  # the check was called with the wrong kind of thing
    MISSING = "missing"  # a name that the check takes is not defined


@dataclass(frozen=True, kw_only=True)
class RaisedError:
    """An error of the learner's code, with the last line of theirs that it passed through.

    `line` is empty, and `number` 0, where it passed through none. `function` is the qualified name
    of the function that holds the line.
    """

    type: str
    message: str
    line: str = ""
    number: int = 0
    function: str = ""


@dataclass(frozen=True, kw_only=True)
class Observation:
    """One case: its status, and the fields that this status fills.

    OK: `value`, as plain data. RAISED, and STUB where it raised: `error`. STUB, MISSING: the
    `name` of the answer. TIMED_OUT: `limit` in seconds of CPU time, and `waited`, the seconds by
    the clock, where these ran out first. MISUSE: `message`. What was `printed` (its start), and
    which arguments were `mutated`, may go with any.
    """

    status: Status
    value: Any = None
    printed: str = ""
    mutated: tuple[str, ...] = ()
    name: str = ""
    error: RaisedError | None = None
    limit: float = 0.0
    waited: float = 0.0
    message: str = ""

    @property
    def is_ok(self) -> bool:
        """Whether the answer gave a value."""
        return self.status is Status.OK

    def as_plain(self) -> dict[str, Any]:
        """The observation as plain data; `parse` reads it."""
        return {
            **vars(self),
            "status": str(self.status),
            "mutated": list(self.mutated),
            "error": None if self.error is None else dict(vars(self.error)),
        }

    @classmethod
    def parse(cls, data: Any) -> Observation:
        """Read what `as_plain` gave. Raises ValueError for anything that it can't have given."""
        fields = _fields(cls, data, "an observation")
        mutated, error = fields["mutated"], fields["error"]
        if fields["status"] not in list(Status):
            raise ValueError(f"an observation has no status {fields['status']!r}")
        if not is_plain(fields["value"]):
            raise ValueError("an observation's value is not plain data")
        if type(mutated) is not list or not all(type(name) is str for name in mutated):
            raise ValueError("an observation's `mutated` is not a list of names")
        for name in ("printed", "name", "message"):
            _must_be(str, fields, name)
        for name in ("limit", "waited"):
            _must_be(float, fields, name)
        if error is not None:
            error = _fields(RaisedError, error, "an observation's error")
            for name in ("type", "message", "line", "function"):
                _must_be(str, error, name)
            _must_be(int, error, "number")
        elif fields["status"] == Status.RAISED:
            raise ValueError("an observation that raised names no error")
        return cls(
            **{
                **fields,
                "status": Status(fields["status"]),
                "mutated": tuple(mutated),
                "error": None if error is None else RaisedError(**error),
            }
        )


def _fields(kind: type, data: Any, what: str) -> dict[str, Any]:
    names = {field.name for field in dataclasses.fields(kind)}
    if type(data) is not dict or set(data) != names:
        odd = sorted(map(str, set(data) ^ names)) if type(data) is dict else type(data).__name__
        raise ValueError(f"{what} has other fields than it should: {odd}")
    return data


def _must_be(kind: type, fields: dict[str, Any], name: str) -> None:
    if type(fields[name]) is not kind:
        raise ValueError(f"`{name}` is {type(fields[name]).__name__}, not {kind.__name__}")
