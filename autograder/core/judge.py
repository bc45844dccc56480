"""The judge: a pure function from (exercise, cases, observations) to a `Result`.

It sees plain data only. In a learner's kernel it runs at once, in place; in grading it runs in
the trusted process, on observations that came out of the kernel, with reference values that
never went in.
"""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.core.exercise import UNMEASURED, Case, Exercise, Mistake
from autograder.core.outcome import Outcome, Result
from autograder.core.plain import STUMBLED, Difference, Other, brief, difference, is_number, plain
from autograder.probes import observe
from autograder.probes.run.limit import PATIENCE

Observation = dict[str, Any]

INSTANT_SEED = 20221
# What code raises that reads a value of another form than it counts on.
UNREADABLE = (
    TypeError,
    ValueError,
    KeyError,
    IndexError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
)


def draw(exercise: Exercise, seed: int) -> list[Case]:
    """The exercise's cases for one seed: the same list every time."""
    return exercise.cases(np.random.default_rng(seed))


def judge(exercise: Exercise, cases: list[Case], observations: list[Observation]) -> Result:
    """Compare what was observed with the reference and say what is right or wrong with it."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # of ours, about numbers of a wrong answer
        return _judged(exercise, cases, observations)


def _judged(exercise: Exercise, cases: list[Case], observations: list[Observation]) -> Result:
    if len(observations) > len(cases) or not all(map(_well_formed, observations)):
        return Result(Outcome.WRONG, "The check did not run to its end.")
    halted = _halted(exercise, cases, observations)
    if halted is not None:
        return halted
    if len(observations) != len(cases):
        return Result(Outcome.WRONG, "The check did not run to its end.")
    expected = []
    for case, seen in zip(cases, observations, strict=True):
        try:
            expected.append(exercise.expected(copy.deepcopy(case), seen["value"]))
        except UNREADABLE:
            if not exercise.reads_answer:
                raise
            return _unreadable(exercise, case, seen)
    for index, (case, seen) in enumerate(zip(cases, observations, strict=True)):
        wrong = _differs(exercise, case, seen["value"], expected[index])
        if wrong is not None:
            return _wrong(exercise, cases, observations, expected, index, wrong)
        if seen["mutated"]:
            return _mutated(exercise, case, seen)
    return Result(Outcome.PASSED, exercise.why)


def _well_formed(seen: Observation) -> bool:
    """Whether this can be an observation at all: it may come from a kernel that others wrote in."""
    if not isinstance(seen, dict):
        return False
    error = seen.get("error")
    told = {"type": str, "message": str, "line": str, "number": int, "function": str}
    fine = error is None or (
        isinstance(error, dict) and all(isinstance(error.get(k), kind) for k, kind in told.items())
    )
    match seen.get("status"):
        case "ok":
            mutated = seen.get("mutated")
            return (
                "value" in seen
                and isinstance(seen.get("printed"), str)
                and isinstance(mutated, list)
                and all(isinstance(name, str) for name in mutated)
            )
        case "stub":
            return fine and isinstance(seen.get("name", ""), str)
        case "raised":
            return fine and error is not None
        case "timed_out":
            return isinstance(seen.get("limit"), int | float)
        case "misuse":
            return isinstance(seen.get("message"), str)
    return False


def _unreadable(exercise: Exercise, case: Case, seen: Observation) -> Result:
    return Result(
        Outcome.WRONG,
        "The answer gives something of another form than the exercise asks for.",
        (("Called", exercise.shown(case)), ("Returned", brief(seen["value"]))),
    )


def _differs(exercise: Exercise, case: Case, seen: Any, expected: Any) -> Difference | None:
    # Declarations, too, may give a numpy scalar or a tuple: `True` and `np.True_` are the same.
    measured = plain(exercise.measured(case, seen))
    return difference(plain(expected), measured, exercise.rtol, exercise.atol)


def _halted(
    exercise: Exercise, cases: list[Case], observations: list[Observation]
) -> Result | None:
    """The outcome of an answer that did not return on some case; None where it always did."""
    for index, seen in enumerate(observations):
        called = (("Called", exercise.shown(cases[index])),)
        match seen["status"]:
            case "ok":
                continue
            case "misuse":
                return Result(Outcome.WRONG, _sentence(seen["message"]))
            case "stub" if other := _other_stub(exercise, seen.get("error")):
                return Result(
                    Outcome.RAISED,
                    f"Your `{other}` is still unwritten, and this calls it. Write it first, and "
                    "run its cell.",
                    called + _line(seen["error"]),
                )
            case "stub" if index == 0:
                missing = f"`{seen['name']}`" if len(exercise.takes) > 1 and "name" in seen else ""
                raises = (seen.get("error") or {}).get("line")
                left = " in place of `raise NotImplementedError()`" if raises else ""
                return Result(
                    Outcome.NOT_ATTEMPTED,
                    f"Write {missing or 'your answer'} in the cell above{left}, then run both.",
                )
            case "stub":
                where = _line(seen.get("error"))
                return Result(
                    Outcome.RAISED,
                    "Part of this is still unwritten: it raises NotImplementedError.",
                    called + where,
                )
            case "timed_out" if seen.get("waited"):
                return Result(
                    Outcome.TIMED_OUT,
                    f"Stopped after {PATIENCE * seen['limit']:g} seconds by the clock, though your "
                    f"code had not used its {seen['limit']:g} seconds of computing. Either the "
                    "machine was busy, and running this again helps, or the code waits for "
                    "something: look for a sleep or an input.",
                    called,
                )
            case "timed_out":
                return Result(
                    Outcome.TIMED_OUT,
                    f"Stopped: it ran for over {seen['limit']:g} seconds. Look for a loop that "
                    "never ends, or work that is done again and again.",
                    called,
                )
            case "raised":
                return _raised(exercise, seen["error"], called)
    return None


def _other_stub(exercise: Exercise, error: dict[str, Any] | None) -> str:
    """The name of another exercise's unwritten function or class that the answer calls, or ""."""
    if not error or "value" in exercise.takes.values():
        return ""
    path = error["function"].split(".")  # a function in a function belongs to the outer one, too
    if set(path) & set(exercise.takes):
        return ""
    if len(path) == 1 or "<locals>" in path:
        name = path[-1]
    elif path[1] in ("__init__", "__call__", "forward"):  # the whole class is unwritten
        name = path[0]
    else:
        name = ".".join(path[:2])
    return name if all(part.isidentifier() for part in name.split(".")) else ""


def _raised(exercise: Exercise, error: dict[str, Any], called: tuple[Any, ...]) -> Result:
    kind, text = error["type"], error["message"]
    message = f"Your code raised {kind}" + (f": {text}" if text else "")
    if kind == "TypeError" and "positional argument" in text and not error["line"]:
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
    return Result(Outcome.RAISED, _sentence(message), called + _line(error))


def _line(error: dict[str, Any] | None) -> tuple[tuple[str, str], ...]:
    if not error or not error["line"]:
        return ()
    return (("Your line", f"{error['number']}: {error['line']}"),)


def _wrong(
    exercise: Exercise,
    cases: list[Case],
    observations: list[Observation],
    expected: list[Any],
    index: int,
    wrong: Difference,
) -> Result:
    case, seen = cases[index], observations[index]
    values = [item["value"] for item in observations]
    mistake, shown = recognise(exercise, cases, values, expected) or (None, index)
    if mistake is not None:
        case, seen, message = cases[shown], observations[shown], mistake.message
        wrong = _differs(exercise, case, seen["value"], expected[shown]) or wrong
    elif seen["mutated"]:
        return _mutated(exercise, case, seen)
    else:
        explained = _safely(exercise.explain, case, seen["value"], expected[shown])
        verb = "It is" if set(exercise.takes.values()) == {"value"} else "It returns"
        message = explained or _explain(wrong, seen, verb)
    if not exercise.reveals:
        asked = (("Asked", exercise.shown(case)), ("Your answer", brief(seen["value"])))
        return Result(Outcome.WRONG, _sentence(message), asked, mistake.id if mistake else None)
    details = [("Called", exercise.shown(case))]
    place, returned, wanted = _shown(exercise, wrong)
    stumbled = isinstance(seen["value"], dict) and STUMBLED in seen["value"]
    if place and not stumbled:
        details.append(("Look at", " → ".join(place)))
    returns = is_number(wrong.expected) or _as_returned(exercise, case, seen["value"])
    if returns and not stumbled:
        details += [("Returned", returned), ("Expected", wanted)]
    drawn = _safely(exercise.picture, case, seen["value"], expected[shown])
    picture, picture_text = drawn or (None, "")
    return Result(
        Outcome.WRONG,
        _sentence(message),
        tuple(details),
        mistake.id if mistake else None,
        picture,
        picture_text,
    )


def _as_returned(exercise: Exercise, case: Case, value: Any) -> bool:
    """Whether what is compared is what came back itself, and not something measured on it."""
    if exercise.measure is None:
        return True
    return difference(plain(value), exercise.measured(case, value), 1e-12, 1e-12) is None


def _shown(exercise: Exercise, wrong: Difference) -> tuple[tuple[str, ...], str, str]:
    """Where an answer differs, what is there and what should be, in words that differ as well."""
    path, actual, expected = wrong.path, wrong.actual, wrong.expected
    large = isinstance(expected, np.ndarray) and expected.size > 12
    if wrong.kind in ("value", "nan") and large:
        got = np.asarray(actual)
        floats = got.astype(float), expected.astype(float)
        close = np.isclose(*floats, exercise.rtol, exercise.atol, equal_nan=True)
        index = tuple(int(i) for i in np.argwhere(~close)[0])
        path = (*path, f"[{', '.join(map(str, index))}]")
        actual, expected = got[index].item(), expected[index].item()
    for digits in (4, 6, 9, 17):
        returned, wanted = brief(actual, digits), brief(expected, digits)
        if returned != wanted:
            break
    return path, returned, wanted


def recognise(
    exercise: Exercise, cases: list[Case], values: list[Any], expected: list[Any]
) -> tuple[Mistake, int] | None:
    """The named mistake that explains most of the failing cases, and the first that it explains.

    Of those that explain as many, the one that is declared first. A mistake that the answer
    contradicts is not named: one that, replayed, differs from it on any of its cases, or whose
    `recognise` says no on the first failing case. Cases outside of `on` say nothing about it.
    """
    failing = [
        i
        for i, case in enumerate(cases)
        if _differs(exercise, case, values[i], expected[i]) is not None
    ]
    best: tuple[Mistake, int] | None = None
    most = 0
    for mistake in exercise.mistakes:
        chosen = [i for i, c in enumerate(cases) if not mistake.on or c.get("name") in mistake.on]
        explained = [i for i in failing if i in chosen]
        if mistake.recognise is not None:
            on_first = failing[0] in explained
            explained = [
                i
                for i in explained
                if _safely(mistake.recognises, cases[i], values[i], expected[i])
            ]
            if on_first and failing[0] not in explained:
                continue
        if len(explained) <= most:
            continue
        if mistake.recognise is None and not _replays(exercise, mistake, cases, values, chosen):
            continue
        best, most = (mistake, explained[0]), len(explained)
    return best


def _replays(
    exercise: Exercise, mistake: Mistake, cases: list[Case], values: list[Any], chosen: list[int]
) -> bool:
    """Whether the mistake's own wrong answer gives what the learner's gave, on all its cases."""
    asked = [cases[i] for i in chosen]
    replayed = observe(exercise.probe, exercise.takes, mistake.answers, asked, exercise.limit)
    return len(replayed) == len(chosen) and all(
        replay["status"] == "ok"
        and _differs(exercise, cases[i], values[i], exercise.measured(cases[i], replay["value"]))
        is None
        for i, replay in zip(chosen, replayed, strict=True)
    )


def _safely(reader: Callable[..., Any] | None, case: Case, seen: Any, expected: Any) -> Any:
    """What a declaration's function makes of an answer; None where it stumbles over its form."""
    if reader is None:
        return None
    try:
        return reader(case, seen, expected)
    except UNREADABLE:
        return None


def _explain(wrong: Difference, seen: Observation, verb: str) -> str:
    """Name what is wrong in general terms, where no named mistake explains it."""
    actual, expected = wrong.actual, wrong.expected
    if actual is None and expected is not None and verb == "It is":
        return "It is None"
    if actual is None and expected is not None:
        if seen["printed"].strip():
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


def _mutated(exercise: Exercise, case: Case, seen: Observation) -> Result:
    which = ", ".join(
        f"argument {name}" if name.isdigit() else f"`{name}`" for name in seen["mutated"]
    )
    return Result(
        Outcome.WRONG,
        f"It changes its input ({which}). Work on a copy: the caller still needs the original.",
        (("Called", exercise.shown(case)),),
    )


def _sentence(text: str) -> str:
    text = text.strip()
    if not re.match(r"[a-z_.]+\(", text):  # a call keeps its small letter
        text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "?", "!", ":", ".)", "?)")) else text + "."
