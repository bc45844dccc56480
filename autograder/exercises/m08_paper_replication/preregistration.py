"""What is said before training: the registration, the expected figure, and what became of them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from autograder.core import preregistration as registration
from autograder.core.exercise import Case, Criterion, Exercise, Mistake
from autograder.core.rubric import NO_MISTAKES, words_of
from autograder.probes import m08_expected_figure as figure_probes
from autograder.probes import texts as probes

DENSITIES = (1.0, 0.7, 0.35, 0.25, 0.1, 0.05, 0.01)
FEATURES = 5

FORM = {
    "hypothesis": "The count of represented features never falls as the density p falls.",
    "experiment": "Best of 8 starts at five densities, three repetitions, five features in two "
    "dimensions.",
    "refuted_if": "The count falls by at least 1 from one density to the next lower one.",
    "number": 1,
    "stop_rule": "8 starts and 3 repetitions of 1,000 steps; no setting changes after the first "
    "look.",
    "amendment": "",
}


def _form(**changes: Any) -> tuple[Any, ...]:
    """A filled-in form as the check gets it."""
    return tuple({**FORM, **changes}.values())


NUMBER = r"(-?(?:\d+(?:[.,]\d+)*|\.\d+)(?:[eE][-+]?\d+)?)(?:\s*/\s*(\d+))?\s*(%?)"


def numbers_in(text: str) -> list[float]:
    """The numbers that stand in a text: 0.5, .5, 1/2, 1e-3, 0,5 and 1,000; of 20% also 0.2."""
    found = []
    text = text.replace("\u2212", "-").replace("\u2013", "-")
    for number, below, percent in re.findall(NUMBER, text):
        values = {number.replace(",", ""), number.replace(",", ".")}
        for value in (float(v) for v in values if v.count(".") <= 1):
            found.append(value)
            if below and float(below):
                found.append(value / float(below))
            if percent:
                found.append(value / 100)
    return found


def _named(seen: dict[str, Any]) -> bool:
    number = seen["number"]
    return any(abs(n - number) < 1e-9 for n in numbers_in(seen["texts"]["refuted_if"]))


def _form_of(case: Case, seen: dict[str, Any]) -> dict[str, bool]:
    texts = seen["texts"]
    return {
        "a hypothesis": len(words_of(texts["hypothesis"])) >= 6,
        "an experiment": len(words_of(texts["experiment"])) >= 6,
        "the number is named": _named(seen),
        "an end": bool(re.search(r"\d", texts["stop_rule"])),
    }


preregister = Exercise(
    id="preregister",
    title="Preregister",
    takes=dict.fromkeys(FORM, "value"),
    points=6,
    minutes=12,
    difficulty=3,
    cases=lambda rng: [{"name": "form"}],
    probe=probes.registration,
    measure=_form_of,
    reference=lambda case: dict.fromkeys(
        ("a hypothesis", "an experiment", "the number is named", "an end"), True
    ),
    show=lambda case: "the form, each part of it filled in",
    reveals=False,
    keep=registration.register,
    publishes=registration.REGISTRATION,
    for_grader=registration.facts_of,
    rubric=(
        Criterion(
            name="Hypothesis",
            levels=(
                "can't be false",
                "could be false, with a quantity left vague",
                "could be false, and anybody could tell",
            ),
        ),
        Criterion(
            name="The experiment and its number",
            levels=(
                "do not bear on the hypothesis",
                "would count against it",
                "would refute it: the number follows from what is claimed, not from a guess",
            ),
        ),
        Criterion(
            name="Stop rule",
            levels=(
                "none that binds",
                "says how many runs",
                "says how many runs, and what is not touched after the first look",
            ),
        ),
    ),
    mistakes=(
        Mistake(
            id="hypothesis_short",
            message="The hypothesis is short. Write it as a full sentence that could be false: "
            "what happens, to which quantity, under which condition?",
            answer=_form(hypothesis="Superposition happens."),
            recognise=lambda case, seen, expected: not _form_of(case, seen)["a hypothesis"],
        ),
        Mistake(
            id="experiment_short",
            message="The experiment is short. Say what is trained, at which settings, and what "
            "is measured.",
            answer=_form(experiment="Train it."),
            recognise=lambda case, seen, expected: not _form_of(case, seen)["an experiment"],
        ),
        Mistake(
            id="number_not_named",
            message="`refuted_if` does not name the `number`. Put it there in digits: at which "
            "number do you give the hypothesis up?",
            answer=_form(refuted_if="The figure looks different from what I expect."),
            recognise=lambda case, seen, expected: not _named(seen),
        ),
        Mistake(
            id="no_end",
            message="The stop rule has no number in it: how many starts, how many repetitions? "
            "Without it one can always run once more.",
            answer=_form(stop_rule="I stop when the result is clear."),
            recognise=lambda case, seen, expected: not _form_of(case, seen)["an end"],
        ),
    ),
    hints=(
        "Think of the result that would disappoint you. That is what `refuted_if` describes.",
        "A quantity, a comparison, a number. `number` is that number alone, so that it can stand "
        "beside the result. See [preregistration](https://www.cos.io/initiatives/prereg).",
        '```python\nrefuted_if = """\nThe count falls by at least 1 from one density to the next '
        'lower one, in ...\n"""\nnumber = 1\n```',
    ),
)


def _expected_cases(rng: np.random.Generator) -> list[Case]:
    return [{"densities": list(DENSITIES)}]


def _expected_form(case: Case, seen: dict[str, Any]) -> dict[str, bool]:
    counts = seen["counts"]
    return {
        "possible": all(0 <= count <= FEATURES for count in counts),
        "whole": all(float(count).is_integer() for count in counts),
    }


expected_figure = Exercise(
    id="expected_figure",
    title="The figure that you expect",
    takes={"expected": "value"},
    points=1,
    minutes=8,
    difficulty=1,
    cases=_expected_cases,
    probe=figure_probes.expected,
    measure=_expected_form,
    reference=lambda case: {"possible": True, "whole": True},
    show=lambda case: "expected, one count for each density",
    reveals=False,
    few_mistakes_because="every figure that can be is a fair expectation",
    why="Nobody says yet whether it is right: your own runs will. It is drawn below, and again in "
    "section 7, beside what you find.",
    mistakes=(
        Mistake(
            id="too_many",
            message="One of the counts can't be: the model has 5 features, so from 0 to 5 of them "
            "are represented.",
            answer=dict(zip(DENSITIES, (2, 2, 4, 4, 7, 9, 9), strict=True)),
            recognise=lambda case, seen, expected: not _expected_form(case, seen)["possible"],
        ),
        Mistake(
            id="not_whole",
            message="A count is a whole number: how many of the 5 features do you expect?",
            answer=dict(zip(DENSITIES, (2, 2.5, 3, 3.5, 4, 4.5, 5), strict=True)),
            recognise=lambda case, seen, expected: not _expected_form(case, seen)["whole"],
        ),
    ),
    hints=(
        "Two dimensions, five features. What would a model without a ReLU keep?",
        "Begin with the ends: at p = 1 every feature is always there, at p = 0.01 they hardly ever "
        "meet. Then fill in the middle.",
        "```python\nexpected = {1.0: 2, ..., 0.01: 5}\n```",
    ),
)


def _of_outcome(seen: dict[str, Any], facts: dict[str, Any]) -> list[tuple[str, str]]:
    held = "held" if seen["held"] else "did not hold"
    return [
        ("Found", seen["text"]),
        ("Its number", f"{seen['number']:g}"),
        ("The hypothesis", held),
        *[line for line in registration.order_of(facts) if line[1]],
    ]


outcome = Exercise(
    id="outcome",
    title="Said before, found after",
    takes={"found": "value", "found_number": "value", "held": "value"},
    points=3,
    minutes=5,
    difficulty=2,
    cases=lambda rng: [{"name": "found"}],
    probe=probes.outcome,
    measure=lambda case, seen: {
        "long enough": len(words_of(seen["text"])) >= 8,
        "a number": bool(re.search(r"\d", seen["text"])),
    },
    reference=lambda case: {"long enough": True, "a number": True},
    show=lambda case: "a sentence or two, a number, and True or False",
    reveals=False,
    keep=registration.conclude,
    publishes=registration.REGISTRATION,
    for_grader=_of_outcome,
    few_mistakes_because=NO_MISTAKES,
    rubric=(
        Criterion(
            name="What was found",
            levels=(
                "does not answer the registered question",
                "answers it, with the spread left out",
                "answers it, with a number and its spread over repetitions",
            ),
        ),
        Criterion(
            name="Held or not",
            levels=("decided by taste", "decided by the registered number"),
        ),
    ),
    mistakes=(
        Mistake(
            id="found_short",
            message="This is short. Say in a sentence what your runs show about the hypothesis.",
            answer=("It held, 5.", 5, True),
            recognise=lambda case, seen, expected: len(words_of(seen["text"])) < 8,
        ),
        Mistake(
            id="found_no_number",
            message="There is no number in it. State what you measured, in digits.",
            answer=("The count rises when the density falls, in all repetitions.", 5, True),
            recognise=lambda case, seen, expected: not re.search(r"\d", seen["text"]),
        ),
    ),
    hints=(
        "Read your registration again. What did you say would refute it?",
        "`found_number` is the quantity that you named there, as it came out. `held` compares the "
        "two, and nothing else.",
        '```python\nfound = """\nIn all 3 repetitions the count went from 2 at p = 1 to ...\n"""\n'
        "found_number = ...\nheld = ...\n```",
    ),
)
