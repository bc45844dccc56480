"""What is written down of a learner's code: whatever it does, and never a traceback of ours."""

from __future__ import annotations

import contextlib
import functools
import json
import signal
import sys
import threading
import time
import warnings
from typing import Any

import numpy as np
import pytest
import torch

from autograder.core.observation import Observation, Status
from autograder.core.plain import Other, encode
from autograder.probes import call, observe
from autograder.probes.run.limit import PATIENCE
from autograder.probes.run.observe import PRINTED_LIMIT, misuse

ONE = [{"args": [[1.0, 2.0]]}]


def seen(function: Any, cases: list[dict[str, Any]] = ONE, limit: float = 5.0) -> Observation:
    """The first observation of a function."""
    return observe(call, {"f": "function"}, (function,), cases, limit)[0]


def test_a_value_comes_back_plain() -> None:
    assert seen(sum) == Observation(status=Status.OK, value=3.0)
    assert isinstance(seen(lambda x: object()).value, Other)


def test_there_is_one_observation_a_case() -> None:
    cases = [{"args": [[n]]} for n in range(3)]
    found = observe(call, {"f": "function"}, (sum,), cases, 5.0)
    assert [item.value for item in found] == [0, 1, 2]


def test_keywords_and_further_answers_are_handed_on() -> None:
    def scaled(values: list[float], other: Any, by: float) -> float:
        return other(values) * by

    case = {"args": [[1.0, 2.0]], "kwargs": {"by": 10.0}}
    takes = {"scaled": "function", "other": "function"}
    assert observe(call, takes, (scaled, sum), [case], 5.0)[0].value == 30.0


# --- code that does not end ---------------------------------------------------------------------


def loops(values: Any) -> None:
    while True:
        pass


def sleeps(values: Any) -> None:
    time.sleep(1000)


def swallows_exceptions(values: Any) -> None:
    while True:
        try:  # noqa: SIM105
            time.sleep(0.01)
        except Exception:
            pass


def swallows_everything(values: Any) -> None:
    while True:
        try:  # noqa: SIM105
            sum(values)
        except:  # noqa: E722
            pass


def swallows_everything_suppressed(values: Any) -> None:
    while True:
        with contextlib.suppress(BaseException):
            sum(values)


def hides_it_in_finally(values: Any) -> int:
    try:
        while True:
            sum(values)
    finally:
        return 3  # noqa: B012


def recurses_for_ever(values: Any) -> None:
    for _ in iter(int, 1):
        inner(values)


def inner(values: Any) -> None:
    try:
        sum(values)
    except BaseException:
        inner(values)


WAITING = [sleeps, swallows_exceptions]
ENDLESS = [
    *WAITING,
    loops,
    swallows_everything,
    swallows_everything_suppressed,
    hides_it_in_finally,
    recurses_for_ever,
]


@pytest.mark.parametrize("function", ENDLESS)
def test_endless_code_is_stopped(function: Any) -> None:
    handler, tracer = signal.getsignal(signal.SIGINT), sys.gettrace()
    waits = function in WAITING
    limit = 0.1 if waits else 0.5  # only the clock ends what waits: after ten times the limit
    start, began = time.thread_time(), time.monotonic()
    found = observe(call, {"f": "function"}, (function,), ONE * 3, limit)
    starved = (
        time.monotonic() - began > PATIENCE * limit
    )  # a machine too busy for a tenth of a core
    assert time.thread_time() - start < limit + 1
    assert [item.status for item in found] == ["timed_out"]
    assert found[0].limit == limit
    assert bool(found[0].waited) is waits or starved
    # Nothing stays behind: no handler, no tracing, no interruption that comes late.
    assert signal.getsignal(signal.SIGINT) is handler
    assert sys.gettrace() is tracer
    time.sleep(0.3)
    assert not [t for t in threading.enumerate() if t.name == "speedrun-time-limit"]


def burns(seconds: float) -> float:
    """Use the processor for so many seconds of CPU time."""
    start = time.thread_time()
    while time.thread_time() - start < seconds:
        pass
    return seconds


def test_the_limit_is_for_all_cases_together() -> None:
    cases = [{"args": [0.3]}] * 9
    found = observe(call, {"f": "function"}, (burns,), cases, 0.7)
    assert [item.status for item in found] == ["ok", "ok", "timed_out"]


def test_time_on_the_clock_that_nobody_computed_in_does_not_count() -> None:
    """As on a busy machine: three times the limit goes by, and the code had little of it."""

    def starved(values: Any) -> int:
        for _ in range(6):
            burns(0.01)
            time.sleep(0.1)
        return 3

    start = time.monotonic()
    assert seen(starved, limit=0.2).value == 3
    assert time.monotonic() - start > 0.6


def test_torch_in_two_threads_counts_once() -> None:
    def multiplies(values: Any) -> float:
        threads = torch.get_num_threads()
        torch.set_num_threads(2)
        try:
            a, start = torch.ones(400, 400), time.thread_time()
            while time.thread_time() - start < 0.4:
                a = (a @ a).clamp(0, 1)
        finally:
            torch.set_num_threads(threads)
        return float(a[0, 0])

    assert seen(multiplies, limit=0.7).value == 1.0


def test_a_stop_that_comes_while_the_limit_looks_on_is_still_the_learners() -> None:
    def stopped_late(values: Any) -> None:
        time.sleep(0.5)  # the limit has looked by now, and found time left
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        seen(stopped_late, limit=0.2)


def test_the_learners_own_interruption_is_not_a_time_out() -> None:
    def pressed_stop(values: Any) -> None:
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        seen(pressed_stop)


def test_a_check_works_outside_the_main_thread() -> None:
    found: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: found.append(seen(sum)))
    thread.start()
    thread.join()
    assert found[0].value == 3.0


# --- code that raises ---------------------------------------------------------------------------


def raises_deep_down(values: list[float]) -> float:
    first = values[0]
    return first.missing  # this line


def raises_in_torch(values: list[float]) -> Any:
    return torch.ones(2) @ torch.ones(3)  # this line


def raises_in_the_standard_library(values: list[float]) -> Any:
    return json.loads("{")  # this line


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (raises_deep_down, "AttributeError"),
        (raises_in_torch, "RuntimeError"),
        (raises_in_the_standard_library, "JSONDecodeError"),
    ],
)
def test_an_error_names_the_learners_line(function: Any, kind: str) -> None:
    found = seen(function)
    assert found.status == "raised"
    assert found.error.type == kind
    assert found.error.line.endswith("# this line")
    assert found.error.function == function.__qualname__
    assert found.error.number > function.__code__.co_firstlineno


def test_an_error_before_their_first_line_names_none_of_ours() -> None:
    error = seen(lambda: 1).error
    assert error.type == "TypeError"
    assert (error.line, error.number, error.function) == ("", 0, "")


class Wordless(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


class NoException(BaseException):
    pass


def _raiser(error: BaseException) -> Any:
    def function(values: Any) -> None:
        raise error

    return function


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (SystemExit(3), "SystemExit", "3"),
        (Wordless(), "Wordless", ""),
        (NoException("b"), "NoException", "b"),
        (ValueError("x" * 5000), "ValueError", "x" * 300),
        (ExceptionGroup("two", [ValueError("a")]), "ExceptionGroup", "two (1 sub-exception)"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_is_raised_is_written_down(error: Any, kind: str, message: str) -> None:
    found = seen(_raiser(error))
    assert found.status == "raised"
    assert (found.error.type, found.error.message) == (kind, message)


def test_endless_recursion_is_an_error() -> None:
    def again(values: Any) -> Any:
        return again(values)

    assert seen(again).error.type == "RecursionError"


def test_a_probe_that_meets_an_odd_object_is_the_learners_error() -> None:
    class Odd:
        @property
        def data(self) -> float:
            raise ZeroDivisionError("data")

    def probe(case: dict[str, Any], make: Any) -> float:
        return make().data

    found = observe(probe, {"f": "function"}, (lambda: Odd(),), [{}], 5.0)
    assert found[0].error.type == "ZeroDivisionError"


# --- stubs --------------------------------------------------------------------------------------


def only_a_docstring(x: Any) -> Any:
    """Says what to do."""


def dots(x: Any) -> Any: ...


def passes(x: Any) -> Any:
    """Says what to do."""
    pass


def not_implemented(x: Any) -> Any:
    raise NotImplementedError()


@pytest.mark.parametrize("stub", [only_a_docstring, dots, passes, not_implemented, ...])
def test_an_untouched_stub_is_told_apart(stub: Any) -> None:
    assert seen(stub).status == "stub"


@pytest.mark.parametrize("answer", [lambda x: 0, lambda x: x, print, lambda x: [][0]])
def test_an_answer_is_no_stub(answer: Any) -> None:
    assert seen(answer).status != "stub"


# --- prints, warns, mutates ---------------------------------------------------------------------


def test_what_is_printed_is_kept_and_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    def shouts(values: Any) -> None:
        print("loss", values)
        print("aside", file=sys.stderr)

    assert seen(shouts).printed == "loss [1.0, 2.0]\naside\n"
    assert capsys.readouterr() == ("", "")


def test_only_the_start_of_what_is_printed_is_kept() -> None:
    def floods(values: Any) -> int:
        return sum(print("x" * 1000) is None for _ in range(1000))

    found = seen(floods)
    assert found.value == 1000
    assert found.printed == "x" * PRINTED_LIMIT


def test_closing_or_replacing_stdout_harms_nobody() -> None:
    before = sys.stdout

    def closes(values: Any) -> int:
        sys.stdout.close()
        sys.stdout = None
        return 1

    assert seen(closes).value == 1
    assert sys.stdout is before


def test_a_warning_is_no_failure() -> None:
    def warns(values: Any) -> int:
        warnings.warn("careful", stacklevel=1)
        return int(np.log(np.array(0.0)) < 0)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert seen(warns).value == 1


def _sorts(values: list[float], scale: Any = None) -> int:
    values.sort(reverse=True)
    return 1


def _scales(values: list[float], scale: np.ndarray) -> int:
    scale *= 2
    return 1


class Unlistable(list):
    def __iter__(self) -> Any:
        raise RuntimeError("no")


def _appends_odd_things(values: list[Any], scale: Any = None) -> int:
    values.append(Unlistable())
    values.append(values)
    return 1


@pytest.mark.parametrize(
    ("function", "names"),
    [(_sorts, ["1"]), (_scales, ["scale"]), (_appends_odd_things, ["1"]), (lambda *a, **k: 1, [])],
)
def test_changed_inputs_are_named(function: Any, names: list[str]) -> None:
    case = {"args": [[1.0, 2.0]], "kwargs": {"scale": np.ones(2)}}
    found = seen(function, [case])
    assert list(found.mutated) == names
    assert case["args"] == [[1.0, 2.0]]  # the judge's own case stays as it was
    assert case["kwargs"]["scale"].tolist() == [1.0, 1.0]


# --- the check called with the wrong kind of thing ----------------------------------------------


class Value:
    """A learner's class."""


class Neuron:
    """Another."""


def relu(x: float) -> float:
    return max(x, 0.0)


CLASS, FUNCTION, VALUE = {"Value": "class"}, {"relu": "function"}, {"out": "value"}


@pytest.mark.parametrize(
    ("takes", "answers", "words"),
    [
        (CLASS, (3,), "`Value` should be your class, and the check got a number."),
        (CLASS, (None,), "`Value` should be your class, and the check got None."),
        (CLASS, (relu,), "`Value` should be your class, and the check got the function relu."),
        (
            CLASS,
            (Neuron(),),
            "`Value` should be your class, and the check got an object of class Neuron.",
        ),
        (
            CLASS,
            (Value(),),
            "Pass the class itself, not an object of it: `Value`, without brackets.",
        ),
        (FUNCTION, (Value,), "`relu` should be your function, and the check got the class Value."),
        (
            FUNCTION,
            (relu(2.0),),
            "`relu` should be your function, and the check got a number. "
            "Pass the function itself: `relu`, without brackets after it.",
        ),
        (
            FUNCTION,
            (None,),
            "`relu` should be your function, and the check got None. "
            "Pass the function itself: `relu`, without brackets after it.",
        ),
        (
            VALUE,
            (Value,),
            "`out` should be your value, and the check got the class Value. "
            "Pass an object that you made with it.",
        ),
        (
            VALUE,
            (relu,),
            "`out` should be your value, and the check got the function relu. "
            "Call it, and pass what it returns.",
        ),
        (FUNCTION, (), "The check got nothing: pass it `relu`, between the brackets."),
        (FUNCTION, (relu, relu), "The check takes `relu`, and it got 2 things."),
        (
            {**CLASS, **FUNCTION},
            (Value,),
            "The check takes `Value` and `relu`, and it got 1 thing.",
        ),
    ],
)
def test_misuse_is_named_in_a_sentence(
    takes: dict[str, str], answers: tuple[Any, ...], words: str
) -> None:
    assert misuse(takes, answers) == Observation(status=Status.MISUSE, message=words)


@pytest.mark.parametrize(
    ("takes", "answer"),
    [
        (CLASS, Value),
        (CLASS, Neuron),  # by another name it is still a class
        (FUNCTION, relu),
        (FUNCTION, len),
        (FUNCTION, functools.partial(relu)),
        (FUNCTION, torch.nn.ReLU()),
        (VALUE, 3.0),
        (VALUE, None),
        (VALUE, Value()),
        (VALUE, torch.nn.Linear(2, 3)),
    ],
)
def test_what_fits_is_let_in(takes: dict[str, str], answer: Any) -> None:
    assert misuse(takes, (answer,)) is None


def test_every_observation_can_travel() -> None:
    for function in (sum, loops, raises_deep_down, not_implemented, 3, lambda x: object()):
        found = observe(call, {"f": "function"}, (function,), ONE, 0.3)
        json.dumps([encode(item.as_plain()) for item in found])
