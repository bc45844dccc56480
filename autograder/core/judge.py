"""The judge: a pure function from (exercise, cases, observations) to a `Result`.

It sees plain data only. In a learner's kernel it runs at once, in place; in grading it runs in
the trusted process, on observations that came out of the kernel, with reference values that
never went in. Running code, a mistake's own wrong answer included, is left to what is handed in.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake
from autograder.core.messages import UNMEASURED, explain, halted, sentence
from autograder.core.observation import Observation
from autograder.core.outcome import Outcome, Result
from autograder.core.plain import STUMBLED, Difference, brief, difference, is_number, plain

Replay = Callable[[Exercise, Mistake, list[Case]], list[Observation]]

INSTANT_SEED = 20221
UNFINISHED = "The check did not run to its end."
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


@dataclass(frozen=True)
class Stumble:
    """A function of a declaration that raised on an answer: which one, on what, and how.

    Over an answer of an odd form it may: `seen` is then not what the function was written for.
    """

    exercise: str
    function: str  # "explain", "picture", "measure", "reference", or a mistake's id
    case: Case
    seen: Any
    error: Exception


def judge(
    exercise: Exercise,
    cases: list[Case],
    observations: list[Observation],
    replay: Replay,
    on_stumble: Callable[[Stumble], None] | None = None,
) -> Result:
    """Compare what was observed with the reference and say what is right or wrong with it.

    `replay` runs a mistake's own wrong answer. `on_stumble` is told of each function of the
    declaration that raises; a learner is then told less, and never sees a traceback of ours.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # of ours, about numbers of a wrong answer
        return _Judgement(exercise, cases, observations, replay, on_stumble).result()


class _Judgement:
    """One answer on its cases: what it gave, what is expected, and how the two compare."""

    def __init__(
        self,
        exercise: Exercise,
        cases: list[Case],
        observations: list[Observation],
        replay: Replay,
        on_stumble: Callable[[Stumble], None] | None,
    ) -> None:
        self.exercise, self.cases, self.observations = exercise, cases, observations
        self.replay, self.on_stumble = replay, on_stumble
        self.expected: list[Any] = []  # as the reference gives it: what `explain` reads
        self.wanted: list[Any] = []  # the same as plain data: what is compared
        self.measured: list[Any] = []

    def result(self) -> Result:
        """What the judge says."""
        exercise = self.exercise
        if len(self.observations) > len(self.cases):
            return Result(Outcome.WRONG, UNFINISHED)
        stopped = halted(exercise, self.cases, self.observations)
        if stopped is not None:
            return stopped
        if len(self.observations) != len(self.cases):
            return Result(Outcome.WRONG, UNFINISHED)
        for case, seen in zip(self.cases, self.observations, strict=True):
            try:
                self.expected.append(exercise.expected(copy.deepcopy(case), seen.value))
            except UNREADABLE as error:
                if not exercise.reads_answer:
                    raise
                self._stumbled("reference", case, seen.value, error)
                return _unreadable(exercise, case, seen)
        self.wanted = list(map(plain, self.expected))
        self.measured = [
            self._measured(case, seen.value)
            for case, seen in zip(self.cases, self.observations, strict=True)
        ]
        for index, (case, seen) in enumerate(zip(self.cases, self.observations, strict=True)):
            wrong = self._differs(index)
            if wrong is not None:
                return self._wrong(index, wrong)
            if seen.mutated:
                return _mutated(exercise, case, seen)
        return Result(Outcome.PASSED, exercise.why)

    def _differs(self, index: int) -> Difference | None:
        return self._difference(self.wanted[index], self.measured[index])

    def _difference(self, expected: Any, actual: Any) -> Difference | None:
        return difference(expected, actual, self.exercise.rtol, self.exercise.atol)

    def _measured(self, case: Case, value: Any) -> Any:
        try:
            return self.exercise.measured(case, value)
        except UNREADABLE as error:
            self._stumbled("measure", case, value, error)
            return UNMEASURED

    def _wrong(self, index: int, wrong: Difference) -> Result:
        exercise = self.exercise
        mistake, index = self._recognise() or (None, index)
        case, seen, expected = self.cases[index], self.observations[index], self.expected[index]
        if mistake is not None:
            message = mistake.message
            wrong = self._differs(index) or wrong
        elif seen.mutated:
            return _mutated(exercise, case, seen)
        else:
            verb = "It is" if set(exercise.takes.values()) == {"value"} else "It returns"
            told = self._ask("explain", exercise.explain, case, seen.value, expected)
            message = told or explain(wrong, seen, verb)
        name = mistake.id if mistake else None
        if not exercise.reveals:
            asked = (("Asked", exercise.shown(case)), ("Your answer", brief(seen.value)))
            return Result(Outcome.WRONG, sentence(message), asked, name)
        details = [("Called", exercise.shown(case))]
        if not (isinstance(seen.value, dict) and STUMBLED in seen.value):
            place, returned, wanted = _shown(exercise, wrong)
            if place:
                details.append(("Look at", " → ".join(place)))
            if is_number(wrong.expected) or self._is_as_returned(index):
                details += [("Returned", returned), ("Expected", wanted)]
        drawn = self._ask("picture", exercise.picture, case, seen.value, expected)
        picture, picture_text = drawn or (None, "")
        return Result(Outcome.WRONG, sentence(message), tuple(details), name, picture, picture_text)

    def _is_as_returned(self, index: int) -> bool:
        """Whether what is compared is what came back itself, and not something measured on it."""
        if self.exercise.measure is None:
            return True
        value = self.observations[index].value
        return difference(value, self.measured[index], 1e-12, 1e-12) is None

    def _recognise(self) -> tuple[Mistake, int] | None:
        """The named mistake that explains most failing cases, and the first that it explains.

        Of those that explain as many, the one that is declared first. A mistake that the answer
        contradicts is not named: one that, replayed, differs from it on any of its cases, or whose
        `recognise` says no on the first failing case. Cases outside of `on` say nothing about it.
        """
        indices = range(len(self.cases))
        failing = [index for index in indices if self._differs(index) is not None]
        best: tuple[Mistake, int] | None = None
        most = 0
        for mistake in self.exercise.mistakes:
            names = mistake.on
            chosen = [i for i in indices if not names or self.cases[i].get("name") in names]
            explained = [index for index in failing if index in chosen]
            if mistake.recognise is not None:
                on_first = failing[0] in explained
                explained = [index for index in explained if self._recognises(mistake, index)]
                if on_first and failing[0] not in explained:
                    continue
            if len(explained) <= most:
                continue
            if mistake.recognise is None and not self._replays(mistake, chosen):
                continue
            best, most = (mistake, explained[0]), len(explained)
        return best

    def _recognises(self, mistake: Mistake, index: int) -> bool:
        value, expected = self.observations[index].value, self.expected[index]
        return bool(self._ask(mistake.id, mistake.recognises, self.cases[index], value, expected))

    def _replays(self, mistake: Mistake, chosen: list[int]) -> bool:
        """Whether the mistake's own wrong answer gives what this one gave, on all its cases."""
        replayed = self.replay(self.exercise, mistake, [self.cases[index] for index in chosen])
        return len(replayed) == len(chosen) and all(
            again.is_ok
            and self._difference(
                self._measured(self.cases[index], again.value), self.measured[index]
            )
            is None
            for index, again in zip(chosen, replayed, strict=True)
        )

    def _ask(
        self, name: str, reader: Callable[..., Any] | None, case: Case, seen: Any, expected: Any
    ) -> Any:
        """What a declaration's function makes of an answer; None where it raises."""
        if reader is None:
            return None
        try:
            return reader(case, seen, expected)
        except UNREADABLE as error:
            self._stumbled(name, case, seen, error)
            return None

    def _stumbled(self, name: str, case: Case, seen: Any, error: Exception) -> None:
        if self.on_stumble is not None:
            self.on_stumble(Stumble(self.exercise.id, name, case, seen, error))


def _unreadable(exercise: Exercise, case: Case, seen: Observation) -> Result:
    return Result(
        Outcome.WRONG,
        "The answer gives something of another form than the exercise asks for.",
        (("Called", exercise.shown(case)), ("Returned", brief(seen.value))),
    )


def _mutated(exercise: Exercise, case: Case, seen: Observation) -> Result:
    which = ", ".join(
        f"argument {name}" if name.isdigit() else f"`{name}`" for name in seen.mutated
    )
    return Result(
        Outcome.WRONG,
        f"It changes its input ({which}). Work on a copy: the caller still needs the original.",
        (("Called", exercise.shown(case)),),
    )


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
