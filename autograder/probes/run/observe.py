"""Run a probe on a learner's answers, one case after another, and write down what happened."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import dis
import inspect
import io
import linecache
import sysconfig
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from autograder.core.observation import Observation, RaisedError, Status
from autograder.core.plain import difference, plain
from autograder.probes.run.limit import PATIENCE, Budget, TimedOut, limited

NOT_LEARNERS = (str(Path(__file__).resolve().parents[2]), sysconfig.get_paths()["stdlib"])
PRINTED_LIMIT = 400


class Misuse(Exception):
    """The answer is not the kind of thing that the exercise asks for; the text says why."""


def observe(
    probe: Callable[..., Any],
    takes: dict[str, str],
    answers: tuple[Any, ...],
    cases: list[dict[str, Any]],
    limit: float,
) -> list[Observation]:
    """Run `probe` on every case and return one observation a case.

    `limit` is in seconds of CPU time, for all cases together. `takes` maps the name of each answer
    to its kind ("class", "function" or "value"). After a time-out the remaining cases are left out.
    Nothing is raised for what a learner's code does.
    """
    problem = misuse(takes, answers)
    if problem is not None:
        return [problem]
    observations = []
    budget = Budget(limit)
    for case in cases:
        observations.append(_observe_one(probe, answers, case, budget))
        if observations[-1].status is Status.TIMED_OUT:
            break
    return observations


def misuse(takes: dict[str, str], answers: tuple[Any, ...]) -> Observation | None:
    """The observation for answers of the wrong number or kind; None where they fit."""
    names = list(takes)
    if len(answers) != len(names):
        things = " and ".join(f"`{name}`" for name in names)
        if not answers:
            return _misused(f"The check got nothing: pass it {things}, between the brackets.")
        got = "1 thing" if len(answers) == 1 else f"{len(answers)} things"
        return _misused(f"The check takes {things}, and it got {got}.")
    for name, answer in zip(names, answers, strict=True):
        if answer is ... or _is_stub(answer):
            return Observation(status=Status.STUB, name=name)
        problem = _wrong_kind(name, takes[name], answer)
        if problem:
            return _misused(problem)
    return None


def _wrong_kind(name: str, kind: str, answer: Any) -> str:
    """What is wrong with the kind of an answer, in a sentence; empty where nothing is."""
    asked = f"`{name}` should be your {kind}, and the check got {_kind(answer)}."
    if kind == "class" and not isinstance(answer, type):
        if type(answer).__name__ == name:
            return f"Pass the class itself, not an object of it: `{name}`, without brackets."
        return asked
    if kind == "function" and isinstance(answer, type):
        return asked
    if kind == "function" and not callable(answer):
        return f"{asked} Pass the function itself: `{name}`, without brackets after it."
    if kind == "value" and isinstance(answer, type):
        return f"{asked} Pass an object that you made with it."
    if kind == "value" and inspect.isroutine(answer):
        return f"{asked} Call it, and pass what it returns."
    return ""


def _kind(answer: Any) -> str:
    if answer is None:
        return "None"
    if isinstance(answer, type):
        return f"the class {answer.__name__}"
    if inspect.isroutine(answer):
        return f"the function {answer.__name__}"
    names = {bool: "True or False", int: "a number", float: "a number", str: "a text"}
    names |= {list: "a list", tuple: "a tuple", dict: "a dict", np.ndarray: "an array"}
    return names.get(type(answer), f"an object of class {type(answer).__name__}")


def _misused(message: str) -> Observation:
    return Observation(status=Status.MISUSE, message=message)


def _is_stub(answer: Any) -> bool:
    """True for a function with nothing in it but a docstring, ``...`` or ``pass``."""
    if not inspect.isfunction(answer):
        return False
    skipped = ("RESUME", "NOP", "COPY_FREE_VARS")
    steps = [step for step in dis.get_instructions(answer) if step.opname not in skipped]
    names = [step.opname for step in steps]
    return names in (["LOAD_CONST", "RETURN_VALUE"], ["RETURN_CONST"]) and steps[0].argval is None


class _Printed(io.StringIO):
    """Keeps the start of what is printed; it can't be closed, nor filled without end."""

    def write(self, text: str) -> int:
        super().write(text[: max(PRINTED_LIMIT - self.tell(), 0)])
        return len(text)

    def close(self) -> None:
        pass


def _observe_one(
    probe: Callable[..., Any],
    answers: tuple[Any, ...],
    case: dict[str, Any],
    budget: Budget,
) -> Observation:
    given = copy.deepcopy(case)
    printed = _Printed()
    try:
        with (
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(printed),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            value = limited(budget, _probed, probe, given, answers)
            seen = Observation(status=Status.OK, value=value)
    except TimedOut as error:
        seen = Observation(
            status=Status.TIMED_OUT,
            limit=float(budget.seconds),
            waited=float(PATIENCE * budget.seconds) if error.waited else 0.0,
        )
    except Misuse as error:
        seen = _misused(str(error))
    except NotImplementedError as error:
        seen = Observation(status=Status.STUB, error=raised_error(error))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit, and what a learner derives from BaseException
        seen = Observation(status=Status.RAISED, error=raised_error(error))
    mutated = tuple(
        str(name)
        for name, before in _arguments(case)
        if difference(plain(before), plain(dict(_arguments(given)).get(name)), 0, 0) is not None
    )
    return dataclasses.replace(seen, printed=printed.getvalue(), mutated=mutated)


def _probed(probe: Callable[..., Any], case: dict[str, Any], answers: tuple[Any, ...]) -> Any:
    return plain(probe(case, *answers))


def _arguments(case: dict[str, Any]) -> list[tuple[Any, Any]]:
    """What of a case is handed to the learner's code, with names for messages."""
    return [*enumerate(case.get("args", []), start=1), *case.get("kwargs", {}).items()]


def call(case: dict[str, Any], function: Callable[..., Any], *others: Any) -> Any:
    """The common probe: call the learner's function with the case's `args` and `kwargs`."""
    return function(*case.get("args", []), *others, **case.get("kwargs", {}))


def letter(case: dict[str, Any], answer: Any) -> Any:
    """The probe of a multiple-choice question: the letter, however it was written ("B", "(b)")."""
    return answer.strip().strip("().").lower() if isinstance(answer, str) else answer


def raised_error(error: BaseException) -> RaisedError:
    """Describe an error by the learner's own last line, never by a line of ours."""
    line, number, function = "", 0, ""
    trace = error.__traceback__
    while trace is not None:
        filename = trace.tb_frame.f_code.co_filename
        if not filename.startswith(NOT_LEARNERS) and "-packages" not in filename:
            text = linecache.getline(filename, trace.tb_lineno).strip()
            if text:
                line, number = text, trace.tb_lineno
                function = trace.tb_frame.f_code.co_qualname
        trace = trace.tb_next
    try:
        message = str(error)
    except Exception:
        message = ""
    return RaisedError(
        type=plain(type(error).__name__),
        message=plain(message)[:300],
        line=line[:200],
        number=number,
        function=function,
    )
