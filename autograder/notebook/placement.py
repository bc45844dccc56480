"""Placement: ten questions that show which parts to take slowly and which to test out of."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any

from autograder.errors import SpeedrunError
from autograder.notebook import progress
from autograder.notebook.cards import Card, heading, note_card, problem_card, prose, rows, show


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question with its options; `why` explains the right answer."""

    topic: str
    text: str
    options: dict[str, str]
    right: str
    why: str


QUESTIONS = (
    Question(
        topic="vectors",
        text="u = (1, 2) and v = (3, -1). What is 2u + v?",
        options={"a": "(5, 3)", "b": "(4, 1)", "c": "(5, 1)", "d": "(7, 0)"},
        right="a",
        why="Scale first, then add entry by entry: (2, 4) + (3, -1) = (5, 3).",
    ),
    Question(
        topic="vectors",
        text="The dot product of two vectors is 0, and neither is zero. How do they lie?",
        options={
            "a": "on one line",
            "b": "at a right angle",
            "c": "in opposite directions",
            "d": "it can't be known",
        },
        right="b",
        why="The dot product is the lengths times the cosine of the angle: 0 means 90 degrees.",
    ),
    Question(
        topic="vectors",
        text="A has shape (3, 5), B has shape (5, 2). Which shape has AB?",
        options={"a": "(5, 5)", "b": "(2, 3)", "c": "(3, 2)", "d": "it does not exist"},
        right="c",
        why="The inner sizes must agree, and vanish: (3, 5)(5, 2) gives (3, 2).",
    ),
    Question(
        topic="vectors",
        text="The columns of a 2 by 2 matrix are (0, 1) and (-1, 0). What does it do to the plane?",
        options={
            "a": "mirrors it",
            "b": "stretches it",
            "c": "turns it by 180 degrees",
            "d": "turns it by 90 degrees",
        },
        right="d",
        why="Columns say where the basis lands: (1, 0) goes to (0, 1), (0, 1) to (-1, 0).",
    ),
    Question(
        topic="derivatives",
        text="f(x) = 3x² - 4x + 5. What is its slope at x = 3?",
        options={"a": "14", "b": "20", "c": "18", "d": "5"},
        right="a",
        why="f'(x) = 6x - 4, and 6 · 3 - 4 = 14.",
    ),
    Question(
        topic="derivatives",
        text="y depends on u, u depends on x; dy/du = 2 and du/dx = 5. What is dy/dx?",
        options={"a": "7", "b": "0.4", "c": "10", "d": "2.5"},
        right="c",
        why="The chain rule multiplies: 2 · 5 = 10.",
    ),
    Question(
        topic="derivatives",
        text="The derivative of a loss by a weight is -3. You raise the weight a little. The loss",
        options={"a": "rises", "b": "falls", "c": "stays", "d": "becomes negative"},
        right="b",
        why="A negative slope means that the loss falls as the weight rises.",
    ),
    Question(
        topic="probability",
        text="p = (0.5, 0.2, x) is a probability distribution. What is x?",
        options={"a": "0.7", "b": "0.1", "c": "1", "d": "0.3"},
        right="d",
        why="Probabilities add up to 1.",
    ),
    Question(
        topic="probability",
        text="You win 10 with probability 0.3, and lose 2 otherwise. What do you expect to win?",
        options={"a": "1.6", "b": "3", "c": "4.4", "d": "8"},
        right="a",
        why="0.3 · 10 - 0.7 · 2 = 1.6.",
    ),
    Question(
        topic="probability",
        text="A model gives the right class probability 0.01. Its loss, -log p, is then",
        options={"a": "small", "b": "negative", "c": "large", "d": "0.01"},
        right="c",
        why="-log 0.01 is about 4.6, while -log 0.99 is about 0.01: doubt of the truth costs much.",
    ),
)
ADVICE = {
    "vectors": (
        "Test out of 01 where you like: passing its checks without reading counts as done.",
        "Take 01 (linear algebra) slowly, with its pictures.",
    ),
    "derivatives": (
        "03 and the first section of 04 will be quick.",
        "Take 03 and 04 slowly: do each derivative by hand before you run it.",
    ),
    "probability": (
        "The softmax and the loss in 02 will be quick.",
        "Take the sections on softmax, entropy and the loss in 02 and 05 slowly.",
    ),
}


def placement(answers: Any = None) -> None:
    """Show the ten questions; with your ten letters, say which parts to take slowly.

    ``placement("a b c d a b c d a b")``: one letter per question, "-" if you don't know.
    """
    if answers is None or answers is ...:
        show(_questions())
        return
    letters = read(answers)
    if letters is None:
        text = (
            'Give ten letters, one a question, "-" where you don\'t know: '
            '`placement("a b c d - a b c d -")`.'
        )
        show(problem_card("placement", text))
        return
    if set(letters) == {"-"}:
        text = 'Put your letters in place of the dashes: `placement("a b c d - a b c d -")`.'
        show(note_card("No answers yet", "placement, not graded", text))
        return
    score = {topic: [0, 0] for topic in ADVICE}
    misses = []
    for number, (item, letter) in enumerate(zip(QUESTIONS, letters, strict=True), start=1):
        score[item.topic][1] += 1
        if letter == item.right:
            score[item.topic][0] += 1
        else:
            misses.append((f"{number}: {item.right}", item.why))
    try:
        with progress.updating() as record:
            record["placement"] = {topic: right for topic, (right, _) in score.items()}
    except SpeedrunError as error:
        show(problem_card("placement", str(error)))
    advice = []
    for topic, (right, total) in score.items():
        well, slowly = ADVICE[topic]
        advice.append((f"{topic} {right}/{total}", well if right >= total - 1 else slowly))
    done = sum(letter == item.right for letter, item in zip(letters, QUESTIONS, strict=True))
    body = heading("#0072b2", "→", f"{done} of {len(QUESTIONS)}", "placement, not graded")
    body += rows(advice)
    lines = [f"→ {done} of {len(QUESTIONS)} · placement, not graded"]
    lines += [f"  {label:<18} {value}" for label, value in advice]
    if misses:
        body += '<div style="margin-top:.6em">Worth another look:</div>' + rows(misses)
        lines += ["Worth another look:", *(f"  {label:<6} {value}" for label, value in misses)]
    show(Card("#0072b2", body, "\n".join(lines)))


def read(answers: Any) -> list[str] | None:
    """The ten letters of an answer, given as a string, a list or a dict; None if it isn't one."""
    if isinstance(answers, dict):
        answers = list(answers.values())
    if isinstance(answers, str):
        answers = re.findall(r"[A-Za-z-]", answers)
    if not isinstance(answers, (list, tuple)) or len(answers) != len(QUESTIONS):
        return None
    letters = [str(answer).strip().lower() for answer in answers]
    return letters if all(letter in ("a", "b", "c", "d", "-") for letter in letters) else None


def _questions() -> Card:
    body = heading("#0072b2", "→", "Ten questions", "placement, not graded")
    lines = ["→ Ten questions · placement, not graded"]
    for number, item in enumerate(QUESTIONS, start=1):
        options = "   ".join(f"{letter}) {text}" for letter, text in item.options.items())
        body += f'<div style="margin-top:.5em">{number}. {prose(item.text)}</div>'
        shown = html.escape(options)
        body += f'<div style="opacity:.8;margin-left:1.2em;white-space:pre-wrap">{shown}</div>'
        lines += [f"{number:>2}. {item.text}", f"      {options}"]
    return Card("#0072b2", body, "\n".join(lines))
