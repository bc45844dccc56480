"""Run a probe on a learner's answers, one case after another, and write down what happened.

An observation is plain data::

    {"status": "ok", "value": ..., "printed": "", "mutated": [...]}
    {"status": "raised", "error": {"type", "message", "line", "number", "function"}, ...}

with one of the statuses ok, stub (the answer raises NotImplementedError, or is still ``...``),
raised, timed_out and misuse (the check was called with the wrong kind of thing).
"""

from __future__ import annotations

import _thread
import contextlib
import copy
import inspect
import io
import linecache
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from autograder.plain import difference, plain

OUR_FILES = str(Path(__file__).resolve().parent.parent)
PRINTED_LIMIT = 400


class TimedOut(Exception):
    """A learner's code ran past its limit."""


class Misuse(Exception):
    """The answer is not the kind of thing that the exercise asks for; the text says why."""


def observe(
    probe: Callable[..., Any],
    takes: dict[str, str],
    answers: tuple[Any, ...],
    cases: list[dict[str, Any]],
    limit: float,
) -> list[dict[str, Any]]:
    """Run `probe` on every case, for `limit` seconds in all, and return one observation a case.

    `takes` maps the name of each answer to its kind ("class", "function" or "value"). After a
    time-out the remaining cases are left out. Nothing is raised for what a learner's code does.
    """
    problem = misuse(takes, answers)
    if problem is not None:
        return [problem]
    observations = []
    deadline = time.monotonic() + limit
    for case in cases:
        observations.append(_observe_one(probe, answers, case, deadline - time.monotonic(), limit))
        if observations[-1]["status"] == "timed_out":
            break
    return observations


def misuse(takes: dict[str, str], answers: tuple[Any, ...]) -> dict[str, Any] | None:
    """The observation for answers of the wrong number or kind; None where they fit."""
    names = list(takes)
    if len(answers) != len(names):
        wanted = ", ".join(names)
        many = "nothing" if not answers else f"{len(answers)} things"
        return _misused(f"pass {wanted} to the check: it got {many}")
    for name, answer in zip(names, answers, strict=True):
        kind = takes[name]
        if answer is ... or _is_stub(answer):
            return {"status": "stub"}
        shown = f"{name!r} should be your {kind}, and the check got"
        if isinstance(answer, (int, float, str, list, tuple, dict, type(None), np.ndarray)):
            got = "None" if answer is None else f"a value of type {type(answer).__name__}"
        elif isinstance(answer, type):
            got = f"the class {answer.__name__}: pass what it makes, not the class"
        else:
            got = f"an object of class {type(answer).__name__}"
        if kind == "class" and not isinstance(answer, type):
            article = "an object of class"
            if type(answer).__name__ == name:
                return _misused(f"pass the class {name} itself, without calling it: check got "
                                f"{article} {name}")
            return _misused(f"{shown} {got}")
        if kind == "function" and (isinstance(answer, type) or not callable(answer)):
            if not isinstance(answer, type):
                got += f". Write {name} without brackets after it"
            return _misused(f"{shown} {got}")
        if kind == "value" and isinstance(answer, type):
            return _misused(f"{shown} {got}")
    return None


def _misused(message: str) -> dict[str, Any]:
    return {"status": "misuse", "message": message}


def _is_stub(answer: Any) -> bool:
    """True for a function that only has a docstring, or only ``...`` or ``pass``."""
    code = getattr(answer, "__code__", None)
    if not inspect.isfunction(answer) or code is None:
        return False

    def empty() -> None: ...

    return code.co_code == empty.__code__.co_code and len(code.co_consts) <= 2


def _observe_one(
    probe: Callable[..., Any],
    answers: tuple[Any, ...],
    case: dict[str, Any],
    seconds: float,
    limit: float,
) -> dict[str, Any]:
    given = copy.deepcopy(case)
    printed = io.StringIO()
    seen: dict[str, Any] = {"status": "ok"}
    try:
        with (
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(printed),
            warnings.catch_warnings(),
            _time_limit(seconds),
        ):
            warnings.simplefilter("ignore")
            seen["value"] = plain(probe(given, *answers))
    except TimedOut:
        seen = {"status": "timed_out", "limit": limit}
    except Misuse as error:
        seen = _misused(str(error))
    except NotImplementedError as error:
        seen = {"status": "stub", "error": _error(error)}
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit, and what a learner derives from BaseException
        seen = {"status": "raised", "error": _error(error)}
    seen["printed"] = printed.getvalue()[:PRINTED_LIMIT]
    seen["mutated"] = [
        str(name)
        for name, before in _arguments(case)
        if difference(plain(before), plain(dict(_arguments(given)).get(name)), 0, 0) is not None
    ]
    return seen


def _arguments(case: dict[str, Any]) -> list[tuple[Any, Any]]:
    """What of a case is handed to the learner's code, with names for messages."""
    return [*enumerate(case.get("args", []), start=1), *case.get("kwargs", {}).items()]


def call(case: dict[str, Any], function: Callable[..., Any], *others: Any) -> Any:
    """The common probe: call the learner's function with the case's `args` and `kwargs`."""
    return function(*case.get("args", []), *others, **case.get("kwargs", {}))


def _error(error: BaseException) -> dict[str, Any]:
    """Describe an error by the learner's own last line, never by a line of ours."""
    line, number, function = "", 0, ""
    trace = error.__traceback__
    while trace is not None:
        filename = trace.tb_frame.f_code.co_filename
        if not _is_ours(filename) and "site-packages" not in filename:
            text = linecache.getline(filename, trace.tb_lineno).strip()
            if text:
                line, number = text, trace.tb_lineno
                function = trace.tb_frame.f_code.co_name
        trace = trace.tb_next
    try:
        message = str(error)
    except Exception:
        message = ""
    return {
        "type": type(error).__name__,
        "message": message[:300],
        "line": line[:200],
        "number": number,
        "function": function,
    }


def _is_ours(filename: str) -> bool:
    return filename.startswith(OUR_FILES)


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise `TimedOut` in the main thread after `seconds`.

    It works where there are no POSIX signals, too. The interruption is repeated, so a bare
    ``except:`` in a learner's loop can't swallow it for good; a single long call into C code
    ends only when that call does. Outside the main thread there is no limit.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    finished = threading.Event()
    lock = threading.Lock()
    fired = False

    def watch() -> None:
        nonlocal fired
        wait = max(seconds, 0.001)
        while not finished.wait(wait):
            with lock:
                if finished.is_set():
                    return
                fired = True
                _interrupt_main_thread()
            wait = 0.2

    def stop() -> None:
        while True:
            try:
                with lock:
                    finished.set()
                if fired:
                    time.sleep(0.01)  # an interruption that is under way arrives here
                return
            except KeyboardInterrupt:
                if not fired:
                    finished.set()
                    raise

    threading.Thread(target=watch, daemon=True, name="speedrun-time-limit").start()
    try:
        yield
    except KeyboardInterrupt:
        stop()
        if fired:
            raise TimedOut from None
        raise
    except BaseException:
        stop()
        raise
    stop()
    if fired:
        raise TimedOut


def _interrupt_main_thread() -> None:
    """As if the learner had pressed stop: a real signal where there is one, so sleep ends too."""
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, signal.SIGINT)
    else:
        _thread.interrupt_main()
