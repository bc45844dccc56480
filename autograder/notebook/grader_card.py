"""What a person reads who grades a text by hand."""

from __future__ import annotations

import html

from autograder.core.exercise import Exercise
from autograder.core.outcome import Outcome
from autograder.notebook.cards import COLOURS, Card, count, heading, prose


def grader_card(exercise: Exercise, lines: list[tuple[str, str]]) -> Card:
    """What a person needs who grades an answer by hand: the text, facts about it, the rubric.

    The text is escaped: it is a stranger's.
    """
    colour = COLOURS[Outcome.NOTED]
    most = count(exercise.points, "point")
    body = heading(colour, "→", f"To be graded by a person, up to {most}", exercise.title)
    text = [f"→ To be graded by a person, up to {most} · {exercise.title}"]
    for label, value in lines:
        body += (
            f'<div style="margin-top:.5em"><span style="opacity:.75">{html.escape(label)}</span>'
            '<div style="white-space:pre-wrap;overflow-wrap:anywhere">'
            f"{html.escape(value)}</div></div>"
        )
        text.append(f"  {label}: {value}")
    body += '<table style="margin-top:.6em;font-size:13px;border-collapse:collapse">'
    cell = 'style="text-align:left;vertical-align:top;padding:.2em .8em .2em 0;white-space:normal"'
    for criterion in exercise.rubric:
        levels = [f"{points}: {level}" for points, level in enumerate(criterion.levels)]
        body += f"<tr><th {cell}>{html.escape(criterion.name)}</th>"
        body += "".join(f"<td {cell}>{prose(level)}</td>" for level in levels) + "</tr>"
        text.append(f"  {criterion.name}: " + "; ".join(levels))
    return Card(colour, body + "</table>", "\n".join(text))
