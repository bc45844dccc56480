"""The judge: a pure function from (exercise, cases, observations) to a `Result`.

It sees plain data only. In a learner's kernel it runs at once, in place; in grading it runs in
the trusted process, on observations that came out of the kernel, with reference values that
never went in.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from autograder.exercise import Case, Exercise, Mistake
from autograder.outcome import Outcome, Result
from autograder.plain import Difference, Other, brief, difference
from autograder.probes import observe

Observation = dict[str, Any]

INSTANT_SEED = 20221


def draw(exercise: Exercise, seed: int) -> list[Case]:
    """The exercise's cases for one seed: the same list every time."""
    return exercise.cases(np.random.default_rng(seed))


def judge(exercise: Exercise, cases: list[Case], observations: list[Observation]) -> Result:
    """Compare what was observed with the reference and say what is right or wrong with it."""
    halted = _halted(exercise, cases, observations)
    if halted is not None:
        return halted
    if len(observations) != len(cases):
        return Result(Outcome.WRONG, "The check did not run to its end.")
    expected = [
        exercise.expected(copy.deepcopy(case), seen["value"])
        for case, seen in zip(cases, observations, strict=True)
    ]
    for index, (case, seen) in enumerate(zip(cases, observations, strict=True)):
        wrong = difference(expected[index], seen["value"], exercise.rtol, exercise.atol)
        if wrong is not None:
            return _wrong(exercise, cases, observations, expected, index, wrong)
        if seen["mutated"]:
            return _mutated(exercise, case, seen)
    return Result(Outcome.PASSED)


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
            case "stub" if index == 0:
                return Result(
                    Outcome.NOT_ATTEMPTED, "Write your answer in the cell above, then run both."
                )
            case "stub":
                where = _line(seen.get("error"))
                return Result(
                    Outcome.RAISED,
                    "Part of this is still unwritten: it raises NotImplementedError.",
                    called + where,
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


def _raised(exercise: Exercise, error: dict[str, Any], called: tuple) -> Result:
    kind, text = error["type"], error["message"]
    message = f"Your code raised {kind}" + (f": {text}" if text else "")
    if kind == "TypeError" and "positional argument" in text and not error["line"]:
        message = f"It can't be called as the exercise calls it: {text}"
    if kind == "RecursionError":
        message = "Your code called itself until Python gave up (RecursionError)"
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
        wrong = difference(expected[shown], seen["value"], exercise.rtol, exercise.atol) or wrong
    elif seen["mutated"]:
        return _mutated(exercise, case, seen)
    else:
        explained = exercise.explain and exercise.explain(case, seen["value"], expected[shown])
        message = explained or _explain(wrong, seen)
    details = [("Called", exercise.shown(case))]
    if wrong.path:
        details.append(("Look at", " → ".join(wrong.path)))
    details += [("Returned", brief(wrong.actual)), ("Expected", brief(wrong.expected))]
    drawn = exercise.picture and exercise.picture(case, seen["value"], expected[shown])
    picture, picture_text = drawn or (None, "")
    return Result(
        Outcome.WRONG,
        _sentence(message),
        tuple(details),
        mistake.id if mistake else None,
        picture,
        picture_text,
    )


def recognise(
    exercise: Exercise, cases: list[Case], values: list[Any], expected: list[Any]
) -> tuple[Mistake, int] | None:
    """The first named mistake that explains a wrong answer, and the case that shows it."""
    for mistake in exercise.mistakes:
        chosen = [i for i, c in enumerate(cases) if not mistake.on or c.get("name") in mistake.on]
        wrong = [
            i
            for i in chosen
            if difference(expected[i], values[i], exercise.rtol, exercise.atol) is not None
        ]
        if not wrong:
            continue
        if mistake.recognise is not None:
            hit = [i for i in wrong if _safely(mistake, cases[i], values[i], expected[i])]
            if hit:
                return mistake, hit[0]
            continue
        replayed = observe(
            exercise.probe,
            exercise.takes,
            mistake.answers,
            [cases[i] for i in chosen],
            exercise.limit,
        )
        if len(replayed) == len(chosen) and all(
            replay["status"] == "ok"
            and difference(replay["value"], values[i], exercise.rtol, exercise.atol) is None
            for i, replay in zip(chosen, replayed, strict=True)
        ):
            return mistake, wrong[0]
    return None


def _safely(mistake: Mistake, case: Case, seen: Any, expected: Any) -> bool:
    """A recogniser reads data of any shape: one that stumbles over it has not recognised it."""
    try:
        return bool(mistake.recognise(case, seen, expected))
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, ArithmeticError):
        return False


def _explain(wrong: Difference, seen: Observation) -> str:
    """Name what is wrong in general terms, where no named mistake explains it."""
    actual, expected = wrong.actual, wrong.expected
    if actual is None and expected is not None:
        if seen["printed"].strip():
            return "It prints its result and returns None: end it with return"
        return "It returns None: is a return missing?"
    match wrong.kind:
        case "type":
            if isinstance(actual, Other):
                return f"It returns {actual.text}, where {_kind(expected)} is expected"
            return f"It returns {_kind(actual)}, where {_kind(expected)} is expected"
        case "shape":
            got, want = np.shape(actual), np.shape(expected)
            if got == tuple(reversed(want)) and len(want) > 1:
                return f"The result is transposed: its shape is {got}, expected {want}"
            return f"The result has shape {got}, expected {want}"
        case "length":
            return f"It returns {len(actual)} items, expected {len(expected)}"
        case "keys":
            missing = sorted(set(expected) - set(actual))
            extra = sorted(set(actual) - set(expected))
            told = [f"missing: {', '.join(missing)}"] if missing else []
            told += [f"unexpected: {', '.join(extra)}"] if extra else []
            return f"The result has other keys than expected ({'; '.join(told)})"
        case "nan":
            return "The result contains NaN (not a number)"
    return "It returns another value than expected"


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
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "?", "!", ":")) else text + "."
