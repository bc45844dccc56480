"""The results of a run: what each exercise gets, in the trusted process."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import re

from autograder.core import rules
from autograder.core.exercise import Exercise
from autograder.core.judge import judge
from autograder.core.outcome import Outcome, Result
from autograder.exercises import replay
from autograder.grade.testcell import Event, Test

EXIT = "It calls exit, which ends the notebook. Leave that out"
MEMORY = "The system ended the kernel while this ran, most often because memory ran out"
DIED = "This ended the kernel"
MAGICS = ("run_line_magic", "run_cell_magic")
OPTIONS = re.compile(r"^(\s*-\w+(\s+\d+)?)*\s*")


class Unjudged(Exception):
    """The judge itself stumbled over an answer; a person has to look."""


def result_of(test: Test, answer: str, stub: str, event: Event | None) -> Result:
    """Judge one test. `event` is what happened to the answer cell, `answer` its source."""
    if test.tampered:
        return Result(
            Outcome.WRONG, "Something in the notebook wrote into the check's result: no points."
        )
    untouched = answer.strip() == stub.strip()
    result = _result(test, answer, event)
    if untouched and not result.passed:
        return Result(Outcome.NOT_ATTEMPTED, "The answer cell is as it was handed out.")
    return result


def _result(test: Test, answer: str, event: Event | None) -> Result:
    if test.observations is None:
        return _happened(event) or _happened(test.event) or _silent(test)
    result = judged(test.exercise, test)
    if result.passed:
        return rules.broken(test.exercise.rules, python(answer)) or result
    halted = not all(seen.is_ok for seen in test.observations)
    if event is not None and (halted or event.kind != "raised" or "SyntaxError" in event.text):
        return _happened(event) or result
    return result


def judged(exercise: Exercise, test: Test) -> Result:
    """The judge's result; raises `Unjudged` where it can't be had even without a diagnosis."""
    plainer = dataclasses.replace(
        exercise, explain=None, picture=None, mistakes=(), few_mistakes_because="judged plainly"
    )
    for attempt in (exercise, plainer):
        try:
            return judge(attempt, test.cases, test.observations or [], replay)
        except Exception as error:
            stumbled = error
    raise Unjudged(f"{exercise.id}: {type(stumbled).__name__}: {stumbled}")


def _happened(event: Event | None) -> Result | None:
    """What a cell's own fate says of its exercise."""
    if event is None:
        return None
    match event.kind:
        case "died":
            why = {"exit": EXIT, "memory": MEMORY}.get(event.text, DIED)
            return Result(Outcome.RAISED, f"{why}. The other exercises were graded without it.")
        case "stuck":
            return Result(
                Outcome.TIMED_OUT, "It ran past its time limit and could not be interrupted."
            )
        case "timed_out":
            return Result(
                Outcome.TIMED_OUT,
                f"Stopped: the cell ran for over {event.text} seconds. Look for a loop that "
                "never ends, or something that it waits for.",
            )
        case "raised":
            return Result(Outcome.RAISED, f"Running the cell raised {event.text[:300]}.")
    return None


def _silent(test: Test) -> Result:
    return Result(
        Outcome.RAISED, "The check could not report from this notebook: it was not run to its end."
    )


def python(source: str) -> str:
    """A cell's source as plain Python; what a magic runs (`%time f(x)`) follows at the end."""
    from IPython.core.inputtransformer2 import TransformerManager

    code = TransformerManager().transform_cell(source)
    try:
        calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    except SyntaxError:
        return code
    for call in calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr in MAGICS:
            for given in call.args[1:]:
                text = given.value if isinstance(given, ast.Constant) else None
                body = OPTIONS.sub("", text) if isinstance(text, str) else ""
                with contextlib.suppress(SyntaxError):
                    ast.parse(body)
                    code += body + "\n"
    return code
