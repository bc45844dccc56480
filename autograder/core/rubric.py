"""Texts that a person grades: a check for the form, a rubric for what they say.

The answer is a text in a code cell, so that a check can see that something is written, and show
what a careful reader would have noticed. The cell is one of nbgrader's manually graded ones: all
its points come from a person, who finds the rubric below it.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from autograder.core.exercise import Criterion, Exercise, Mistake, Published
from autograder.core.outcome import Outcome, Result

NO_MISTAKES = "a check sees a text's form only; what it says is judged by a person"


def written(
    id: str,
    title: str,
    *,
    rubric: tuple[Criterion, ...],
    minutes: int,
    noticed: str,
    hints: tuple[str, str, str],
    words: tuple[int, int] = (15, 150),
    lines: int = 0,
    numbers: bool = False,
    difficulty: int = 2,
    publishes: Published | None = None,
) -> Exercise:
    """A text to write, of so many `words`, graded by `rubric`.

    `lines` asks for exactly so many lines that are not empty, `numbers` for at least one digit.
    `noticed` is shown once something is written: what a careful reader would have seen.
    `publishes` is of `Exercise`.
    """
    least, most = words
    asked = f"{least} to {most} words"
    asked += f", {lines} lines" if lines else ""
    asked += ", with a number in digits" if numbers else ""
    wrong = [
        Mistake(
            id=f"{id}_short",
            message=f"This is short. Write at least {least} words, in sentences.",
            answer="Superposition, see above.",
            recognise=lambda case, seen, expected: len(words_of(seen)) < least,
        ),
        Mistake(
            id=f"{id}_long",
            message=f"This is long. Say it in at most {most} words: what can be left out?",
            answer="word 1\n" * (most + 1),
            recognise=lambda case, seen, expected: len(words_of(seen)) > most,
        ),
    ]
    filler = [f"one {i} " + "word " * ((least + 40) // max(lines, 1)) for i in range(lines or 1)]
    if lines:
        wrong.append(
            Mistake(
                id=f"{id}_lines",
                message=f"It should have {lines} lines. Begin a new line for each, and leave "
                "the others empty.",
                answer=" ".join(filler),
                recognise=lambda case, seen, expected: len(lines_of(seen)) != lines,
            )
        )
    if numbers:
        wrong.append(
            Mistake(
                id=f"{id}_number",
                message="There is no number in it. State the result with the figure that you "
                "measured.",
                answer=re.sub(r"\d", "", "\n".join(filler)),
                recognise=lambda case, seen, expected: not re.search(r"\d", seen),
            )
        )

    def keep(record: dict[str, Any], seen: Any, now: str) -> Result:
        texts = record.setdefault("written", {})
        before = texts.get(id)
        if not isinstance(before, dict) or before.get("text") != seen:
            texts[id] = {"title": title, "text": seen, "at": now}
        return Result(Outcome.NOTED, noticed)

    return Exercise(
        id=id,
        title=title,
        takes={id: "value"},
        points=sum(criterion.points for criterion in rubric),
        minutes=minutes,
        difficulty=difficulty,
        cases=lambda rng: [{"name": id}],
        measure=lambda case, seen: {
            "words": least <= len(words_of(seen)) <= most,
            "lines": not lines or len(lines_of(seen)) == lines,
            "number": not numbers or re.search(r"\d", seen) is not None,
        },
        reference=lambda case: {"words": True, "lines": True, "number": True},
        show=lambda case: asked,
        reveals=False,
        mistakes=tuple(wrong),
        few_mistakes_because=NO_MISTAKES,
        hints=hints,
        rubric=rubric,
        keep=keep,
        publishes=publishes,
        for_grader=lambda seen, facts: [
            ("The text", reflowed(seen)),
            ("What a careful reader would have noticed", noticed),
        ],
    )


def words_of(text: str) -> list[str]:
    """The words of a text."""
    return re.findall(r"[\u3040-\u30ff\u4e00-\u9fff]|\w+(?:['’.-]\w+)*", text)


def lines_of(text: str) -> list[str]:
    """The lines of a text that are not empty."""
    return [line for line in text.splitlines() if line.strip()]


def reflowed(text: str) -> str:
    """A text without the line breaks that stand in the middle of a sentence."""
    return re.sub(r"(?<=[^\s.?!:;)\]])\n(?=\S)", " ", text)


def rubric_text(exercise: Exercise) -> str:
    """What a learner reads before they write: the form that is asked for, and the rubric."""
    asked = exercise.shown(exercise.cases(np.random.default_rng(0))[0])
    return f"*Asked for: {asked}. A person grades it by this rubric:*\n\n" + rubric_table(
        exercise.rubric
    )


def rubric_table(rubric: tuple[Criterion, ...]) -> str:
    """A rubric in Markdown, for the learner before they write."""
    most = max(criterion.points for criterion in rubric)
    columns = ["1 point" if points == 1 else f"{points} points" for points in range(most + 1)]
    lines = ["| what is looked at | " + " | ".join(columns) + " |", "|---" * (most + 2) + "|"]
    for criterion in rubric:
        levels = [*criterion.levels, *[""] * (most - criterion.points)]
        lines.append(f"| **{criterion.name}** | " + " | ".join(levels) + " |")
    return "\n".join(lines)
