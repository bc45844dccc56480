"""Where a learner stands: what is done, what is next, minutes left of the twelve hours."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder import course
from autograder.core.exercise import Exercise
from autograder.core.outcome import Outcome
from autograder.exercises import module_of
from autograder.notebook import progress
from autograder.notebook.cards import COLOURS, Card, heading, note_card, prose, table


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How far a learner has come in one module."""

    module: course.Module
    done: int
    total: int
    minutes_left: int
    next: Exercise | None


def standings(record: dict[str, Any]) -> list[Standing]:
    """The standing in every module, in the order of the course."""
    found = []
    for module in course.modules():
        required = [exercise for exercise in module.exercises if not exercise.bonus]
        open_ones = [e for e in required if not progress.is_done(record, e.id)]
        minutes = sum(e.minutes for e in open_ones) if required else module.minutes
        found.append(
            Standing(
                module=module,
                done=len(required) - len(open_ones),
                total=len(required),
                minutes_left=minutes,
                next=open_ones[0] if open_ones else None,
            )
        )
    return found


def summary(found: list[Standing]) -> tuple[str, str]:
    """Two lines: the time left of the twelve hours, and what comes next."""
    left = sum(item.minutes_left for item in found if item.module.in_speedrun)
    hours, minutes = divmod(left, 60)
    remaining = f"{hours} h {minutes:02d} min of the 12 hours left"
    upcoming = next(((item.module, item.next) for item in found if item.next), None)
    if upcoming is None:
        return remaining, "Every exercise that is written so far is done."
    module, exercise = upcoming
    return remaining, f"Next: {exercise.title} ({module.id}, `{exercise.id}`)"


def _without_exercises(module: course.Module) -> str:
    return "to read" if module in course.written() else "not written yet"


def read(folder: Path | None = None) -> tuple[dict[str, Any], str]:
    """The progress, and a note about a damaged progress file that was kept, or an empty string."""
    record = progress.load(folder, tell=False)
    kept = progress.set_aside(folder)
    if not kept:
        return record, ""
    return record, f"{progress.how_to_restore(kept[0])} This message goes when that file is gone."


def status_card(folder: Path | None = None, module: str = "") -> Card:
    """A card with the learner's progress in the course, or in one module exercise by exercise."""
    record, damage = read(folder)
    card = _module_card(record, named(module)) if module else _course_card(record)
    if damage:
        card.text += f"\n{damage.replace('`', '')}"
        card.body += f'<div style="margin-top:.5em">{prose(damage)}</div>'
    return card


def named(name: str) -> course.Module:
    """The module with this name, or the one with an exercise of this name."""
    return course.module(module_of().get(name, name))


def _module_card(record: dict[str, Any], module: course.Module) -> Card:
    """A module's exercises: done or not, points, minutes."""
    if not module.exercises:
        what = "it is for reading" if module in course.written() else "it isn't written yet"
        text = f"`{module.id}` has no exercises: {what}."
        return note_card(module.title, "status", text)
    (standing,) = [item for item in standings(record) if item.module == module]
    words = f"{module.id}: {standing.done} of {standing.total} done"
    if standing.minutes_left:
        words += f", {standing.minutes_left} min left"
    lines = [("", "exercise", "name", "points", "minutes")]
    for exercise in module.exercises:
        done = progress.is_done(record, exercise.id)
        points = "bonus" if exercise.bonus else f"{exercise.points:g}"
        lines.append(
            ("✓ done" if done else "○", exercise.title, exercise.id, points, str(exercise.minutes))
        )
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    shown = [
        "  ".join(entry.ljust(width) for entry, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    body = heading("#0072b2", "→", words, "status") + table(lines)
    return Card("#0072b2", body, "\n".join([f"→ {words}", *(f"  {line}" for line in shown)]))


def _course_card(record: dict[str, Any]) -> Card:
    """The whole course, with one bar per module."""
    found = standings(record)
    remaining, upcoming = summary(found)
    colour = COLOURS[Outcome.PASSED]
    lines, cells = [f"→ {remaining}", upcoming], ""
    width = max(len(item.module.id) for item in found)
    for item in found:
        share = item.done / item.total if item.total else 0
        count = f"{item.done} of {item.total}" if item.total else _without_exercises(item.module)
        lines.append(f"  {item.module.id:<{width}} {'█' * round(20 * share):<20} {count}")
        bar = (
            '<div style="height:.6em;border-radius:.3em;background:rgba(128,128,128,.25)">'
            f'<div style="width:{100 * share:.0f}%;height:100%;border-radius:.3em;'
            f'background:{colour}"></div></div>'
        )
        cells += f"<div>{html.escape(item.module.title)}</div>{bar}<div>{count}</div>"
    body = (
        heading("#0072b2", "→", remaining, "status")
        + '<div style="display:grid;grid-template-columns:max-content 12em max-content;'
        f'gap:.2em 1em;align-items:center;margin:.5em 0">{cells}</div>'
        + f"<div>{html.escape(upcoming).replace('`', '')}</div>"
    )
    return Card("#0072b2", body, "\n".join(lines))
