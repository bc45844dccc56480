"""What a learner reads about an answer that did not come to an end, or that no mistake explains."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise
from autograder.core.observation import Observation, RaisedError, Status
from autograder.core.outcome import Outcome, Result
from autograder.core.plain import Difference, Other

UNMEASURED = Other("result", "not of the form that the exercise asks for")


def halted(exercise: Exercise, cases: list[Case], observations: list[Observation]) -> Result | None:
    """The outcome of an answer that did not return on some case; None where it always did."""
    for index, seen in enumerate(observations):
        called = (("Called", exercise.shown(cases[index])),)
        match seen.status:
            case Status.OK:
                continue
            case Status.MISUSE:
                return Result(Outcome.WRONG, sentence(seen.message))
            case Status.MISSING:
                return _missing(exercise, seen)
            case Status.STUB if other := _other_stub(exercise, seen.error):
                return Result(
                    Outcome.RAISED,
                    f"Your `{other}` is still unwritten, and this calls it. Write it first, and "
                    "run its cell.",
                    called + _line(seen.error),
                )
            case Status.STUB if index == 0:
                named = f"`{seen.name}`" if len(exercise.takes) > 1 and seen.name else ""
                raises = seen.error is not None and seen.error.line
                left = " in place of `raise NotImplementedError()`" if raises else ""
                return Result(
                    Outcome.NOT_ATTEMPTED,
                    f"Write {named or 'your answer'} in the cell above{left}, then run both.",
                )
            case Status.STUB:
                return Result(
                    Outcome.RAISED,
                    "Part of this is still unwritten: it raises NotImplementedError.",
                    called + _line(seen.error),
                )
            case Status.TIMED_OUT if seen.waited:
                return Result(
                    Outcome.TIMED_OUT,
                    f"Stopped after {seen.waited:g} seconds by the clock, though your "
                    f"code had not used its {seen.limit:g} seconds of computing. Either the "
                    "machine was busy, and running this again helps, or the code waits for "
                    "something: look for a sleep or an input.",
                    called,
                )
            case Status.TIMED_OUT:
                return Result(
                    Outcome.TIMED_OUT,
                    f"Stopped: it ran for over {seen.limit:g} seconds. Look for a loop that "
                    "never ends, or work that is done again and again.",
                    called,
                )
            case Status.RAISED if seen.error is not None:
                return _raised(seen.error, called)
    return None


def _missing(exercise: Exercise, seen: Observation) -> Result:
    name = seen.name or next(iter(exercise.takes))
    return Result(Outcome.RAISED, f"`{name}` is not defined: does the answer cell define it?")


def _other_stub(exercise: Exercise, error: RaisedError | None) -> str:
    """The name of another exercise's unwritten function or class that the answer calls, or ""."""
    if error is None or "value" in exercise.takes.values():
        return ""
    path = error.function.split(".")  # a function in a function belongs to the outer one, too
    if set(path) & set(exercise.takes):
        return ""
    if len(path) == 1 or "<locals>" in path:
        name = path[-1]
    elif path[1] in ("__init__", "__call__", "forward"):  # the whole class is unwritten
        name = path[0]
    else:
        name = ".".join(path[:2])
    return name if all(part.isidentifier() for part in name.split(".")) else ""


def _raised(error: RaisedError, called: tuple[tuple[str, str], ...]) -> Result:
    kind, text = error.type, error.message
    message = f"Your code raised {kind}" + (f": {text}" if text else "")
    if kind == "TypeError" and "positional argument" in text and not error.line:
        text = re.sub(r"\S*<locals>\.", "", text)
        message = f"It can't be called as the exercise calls it: {text}"
    if kind == "RecursionError":
        message = "Your code called itself until Python gave up (RecursionError)"
    if kind == "TypeError" and text == "'NoneType' object is not callable":
        message += ". Something was called where it should be stored: leave out its brackets there"
    if "truth value of an array" in text:
        message = (
            "A whole array stands where one number is needed. Python's `if`, `max` and `and` take "
            "one; np.where, np.maximum and & take arrays"
        )
    if kind == "UFuncTypeError" and "Cannot cast" in text:
        message = (
            "Whole numbers can't hold the fractions that your code puts into them: start from a "
            "copy of floats, `.astype(float)`"
        )
    if kind == "UnboundLocalError":
        message += ". A name that a function assigns to is its own: choose another for the result"
    return Result(Outcome.RAISED, sentence(message), called + _line(error))


def _line(error: RaisedError | None) -> tuple[tuple[str, str], ...]:
    if error is None or not error.line:
        return ()
    return (("Your line", f"{error.number}: {error.line}"),)


def explain(wrong: Difference, seen: Observation, verb: str) -> str:
    """Name what is wrong in general terms, where no named mistake explains it."""
    actual, expected = wrong.actual, wrong.expected
    if actual is None and expected is not None and verb == "It is":
        return "It is None"
    if actual is None and expected is not None:
        if seen.printed.strip():
            return "It prints its result and returns None: end it with return"
        return "It returns None: is a return missing?"
    match wrong.kind:
        case "type":
            if isinstance(actual, Other) and actual == UNMEASURED:
                return "What it gives back is not of the form that the exercise asks for"
            if isinstance(actual, Other):
                return f"{verb} {actual.text}, where {_kind(expected)} is expected"
            return f"{verb} {_kind(actual)}, where {_kind(expected)} is expected"
        case "shape":
            got, want = np.shape(actual), np.shape(expected)
            if not want or not got:
                return f"{verb} {_kind(actual)}, where {_kind(expected)} is expected"
            if got == tuple(reversed(want)) and len(want) > 1:
                return f"The result is transposed: its shape is {got}, expected {want}"
            return f"The result has shape {got}, expected {want}"
        case "length":
            return f"{verb} a list of {len(actual)} items, where {len(expected)} are expected"
        case "keys":
            missing = sorted(set(expected) - set(actual))
            extra = sorted(set(actual) - set(expected))
            told = [f"missing: {', '.join(missing)}"] if missing else []
            told += [f"unexpected: {', '.join(extra)}"] if extra else []
            return f"The result has other keys than expected ({'; '.join(told)})"
        case "nan":
            return "The result contains NaN (not a number)"
    return f"{verb} another value than expected"


def _kind(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, Other):
        return value.text
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}" if value.ndim else "a number"
    names = {bool: "True or False", int: "a number", float: "a number", str: "a text"}
    return names.get(type(value), f"a {type(value).__name__}")


def sentence(text: str) -> str:
    text = text.strip()
    if not re.match(r"[a-z_.]+\(", text):  # a call keeps its small letter
        text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "?", "!", ":", ".)", "?)")) else text + "."
