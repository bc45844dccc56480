"""How an exercise is declared: once, for the check, the grade, the diagnosis and the proof."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograder.core.outcome import Result
from autograder.core.plain import brief, plain

Case = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A mistake that learners make, as an executable wrong answer with the message to read.

    `answer` is what such a learner would pass to the check (a tuple where the check takes
    several things). It proves that the check bites and, unless `recognise` is given, its outputs
    are what a wrong answer is compared with.

    `on` limits the comparison to the cases of these names: those on which the mistake shows in
    one way only, however the rest of the learner's code is arranged.

    `recognise(case, seen, expected)` replaces the comparison where a wrong answer can't be
    replayed, because it depends on the learner's own weights.
    """

    id: str
    message: str
    answer: Any
    on: tuple[str, ...] = ()
    recognise: Callable[[Case, Any, Any], bool] | None = None

    @property
    def answers(self) -> tuple[Any, ...]:
        """The wrong answer as the check's arguments."""
        return self.answer if isinstance(self.answer, tuple) else (self.answer,)

    def recognises(self, case: Case, seen: Any, expected: Any) -> bool:
        """What `recognise` says, as one truth value: arrays of an odd answer have none."""
        return bool(self.recognise and self.recognise(case, seen, expected))


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A call that the answer may not make, and what to use instead.

    `call` is a dotted name as it stands in the source ("np.linalg.solve"); its last part is
    enough to be recognised however the module was imported. "@" is the operator.
    """

    call: str
    instead: str


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """One line of a rubric: what is looked at, and what earns 0, 1, 2, ... points."""

    name: str
    levels: tuple[str, ...]

    def __post_init__(self) -> None:
        assert len(self.levels) >= 2, self.name

    @property
    def points(self) -> int:
        """What the best level earns."""
        return len(self.levels) - 1


@dataclass(frozen=True, kw_only=True)
class Published:
    """What the output of a check carries in a notebook that is handed in, under a MIME type.

    `write(record)` takes it from the learner's progress, {} where there is nothing yet.
    `read(given)` takes over what stands in a submission, which may be anything: {} where `write`
    can't have written it. It is the learner's own statement, not a proof.
    """

    mime: str
    write: Callable[[dict[str, Any]], dict[str, Any]]
    read: Callable[[Any], dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """One exercise: what it asks, and how an answer is judged.

    `takes` names what ``check.<id>(...)`` is called with, and of what kind each is: "class",
    "function" or "value". `cases(rng)` draws inputs; a case is a dict of plain data, with its
    `name` where mistakes or messages refer to it; in grading, fields that begin with an underscore
    stay with the judge. `probe(case, *answers)` touches the learner's
    objects and hands back plain data; most exercises have the common one of their kind (see
    `autograder.exercises.probe_of`). `reference(case)`, or ``reference(case, seen)`` where the
    answer depends on the learner's own weights, gives what a right answer hands back.

    `measure(case, seen)` turns what the probe handed back into what is compared, in the judge's own
    process: an accuracy from the learner's scores, say. Mistakes' `recognise`, `explain` and
    `picture` still get what the probe handed back.

    `why` is what a learner reads with a pass, where there is more to say than that; `options` are
    the texts of a question's answers, by letter.
    `show(case)` says in a line what was run; `explain(case, seen, expected)` may put the first
    wrong link of a chain into words, and `picture` draws it as (SVG, the same in words).
    `reveals` is off where the expected value is the answer itself, and a failing check must not
    show it. `limit` is in seconds of CPU time, for all cases together.

    `rubric` is for what a person grades (see `autograder.core.rubric`): the check then only sees to
    the form, and all points come from the person. `keep(record, seen, now)` may write into the
    progress what the probe handed back of an answer that passed, with the time, and replace the
    result. `publishes` is what then goes into the check's output, and back out of a submission.
    `for_grader(seen, facts)` gives labelled lines for who grades by hand; `facts` are what came
    back, {} where nothing did.
    """

    id: str
    title: str
    takes: dict[str, str]
    points: int
    minutes: int
    difficulty: int
    cases: Callable[[np.random.Generator], list[Case]]
    reference: Callable[..., Any]
    probe: Callable[..., Any] | None = None
    measure: Callable[[Case, Any], Any] | None = None
    mistakes: tuple[Mistake, ...] = ()
    few_mistakes_because: str = ""
    hints: tuple[str, str, str]
    why: str = ""
    options: dict[str, str] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    show: Callable[[Case], str] | None = None
    explain: Callable[[Case, Any, Any], str | None] | None = None
    picture: Callable[[Case, Any, Any], tuple[str, str] | None] | None = None
    rtol: float = 1e-4
    atol: float = 1e-6
    limit: float = 5.0
    reveals: bool = True
    bonus: bool = False
    trains: bool = False
    rubric: tuple[Criterion, ...] = ()
    keep: Callable[[dict[str, Any], Any, str], Result | None] | None = None
    publishes: Published | None = None
    for_grader: Callable[[Any, dict[str, Any]], list[tuple[str, str]]] | None = None

    def __post_init__(self) -> None:
        assert self.id.isidentifier(), self.id
        assert 1 <= self.difficulty <= 5, self.id
        assert len(self.hints) == 3, self.id
        assert len(self.mistakes) >= 3 or self.few_mistakes_because, self.id
        by_hand = sum(criterion.points for criterion in self.rubric)
        assert not self.rubric or by_hand == self.points, (self.id, by_hand)

    @property
    def check_id(self) -> str:
        """The `grade_id` of the exercise's test cell; its solution cell's is the `id` itself."""
        return f"check_{self.id}"

    @property
    def graded_cell(self) -> str:
        """The `grade_id` of the cell that carries the points: where a person gives them, the
        answer's own."""
        return self.id if self.rubric else self.check_id

    def expected(self, case: Case, seen: Any) -> Any:
        """What a right answer hands back for `case`."""
        return self.reference(case, seen) if self.reads_answer else self.reference(case)

    @property
    def reads_answer(self) -> bool:
        """Whether the reference depends on what the learner's answer gave (their own weights)."""
        return len(inspect.signature(self.reference).parameters) == 2

    def measured(self, case: Case, seen: Any) -> Any:
        """What of an observed value is compared with the reference."""
        return seen if self.measure is None else plain(self.measure(case, seen))

    def shown(self, case: Case) -> str:
        """The line that says what was run on `case`."""
        if self.show is not None:
            return self.show(case)
        name = next(iter(self.takes))
        given = [brief(value) for value in case.get("args", [])]
        given += [f"{key}={brief(value)}" for key, value in case.get("kwargs", {}).items()]
        return f"{name}({', '.join(given)})"


@dataclass(frozen=True, kw_only=True)
class Option:
    """One answer to a multiple-choice question, and why it is wrong (or right)."""

    text: str
    why: str


def question(
    id: str,
    title: str,
    *,
    options: dict[str, Option],
    right: str,
    minutes: int,
    hints: tuple[str, str, str],
    points: int = 1,
    difficulty: int = 1,
) -> Exercise:
    """A multiple-choice question, checked like an exercise: each wrong option has its own why.

    The learner assigns a letter to a variable that is named like the exercise.
    """
    letters = ", ".join(f'"{letter}"' for letter in options)
    return Exercise(
        id=id,
        title=title,
        takes={id: "value"},
        points=points,
        minutes=minutes,
        difficulty=difficulty,
        cases=lambda rng: [{"letters": sorted(options)}],
        reference=lambda case: right,
        show=lambda case: f"{id} is one of {letters}",
        explain=lambda case, seen, expected: f"Answer with one letter in quotes: {letters}.",
        reveals=False,
        mistakes=tuple(
            Mistake(id=f"{id}_{letter}", message=option.why, answer=letter)
            for letter, option in options.items()
            if letter != right
        ),
        why=options[right].why,
        options={letter: option.text for letter, option in options.items()},
        few_mistakes_because="a question has as many mistakes as wrong options",
        hints=hints,
    )
