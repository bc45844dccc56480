"""The six outcomes of a check, never blurred, and the result that carries one."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """The outcomes of an exercise. `NOTED` is only for texts that a person grades."""

    PASSED = "passed"
    WRONG = "wrong"
    NOT_ATTEMPTED = "not attempted"
    RAISED = "raised"
    TIMED_OUT = "timed out"
    NOTED = "noted"


@dataclass(frozen=True)
class Result:
    """The judge's result for one answer.

    `message` is one or two sentences for the learner; `details` are labelled lines under it
    (called, returned, expected, your line). `mistake` is the id of the named mistake that was
    recognised. `picture` is an SVG and `picture_text` says the same in words. `table` has
    rows of strings; the first row holds the headings.
    """

    outcome: Outcome
    message: str = ""
    details: tuple[tuple[str, str], ...] = field(default=())
    mistake: str | None = None
    picture: str | None = None
    picture_text: str = ""
    table: tuple[tuple[str, ...], ...] = ()

    @property
    def passed(self) -> bool:
        """True only for `Outcome.PASSED`."""
        return self.outcome is Outcome.PASSED
