"""The output of `speedrun grade`: a table for people, or one JSON object per submission."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from autograder.core.outcome import Outcome
from autograder.notebook.cards import MARKS, WORDS

REASONS = {
    "timeout": "The notebook ran past its time limit: what came after was not run.",
    "out_of_memory": "The kernel was killed by the system, most often because memory ran out.",
    "crashed": "A cell ended the kernel: its exercise got no points, the others were graded.",
    "malformed": "It can't be graded.",
    "tampered": "Something in the notebook wrote into the checks' results.",
    "needs_review": "Some answers wait for a person: the score is not complete.",
}
STYLES = {Outcome.PASSED: "green", Outcome.NOT_ATTEMPTED: "dim", Outcome.NOTED: "blue"}


@dataclass(frozen=True, kw_only=True)
class Report:
    """The grade of one submission.

    `verdict` is one of graded, timeout, out_of_memory, crashed, malformed, tampered and
    needs_review; `score` is None if there is none (malformed). Each of `exercises` has "id",
    "outcome", "points", "max_points" and "message".
    """

    target: str
    module: str | None
    verdict: str
    score: float | None = None
    max_score: float | None = None
    exercises: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    feedback: Path | None = None

    @property
    def graded(self) -> bool:
        """Whether the verdict is `graded`, whatever the score."""
        return self.verdict == "graded"

    def as_json(self) -> dict[str, Any]:
        """The object that `speedrun grade --json` prints."""
        return {
            "module": self.module,
            "verdict": self.verdict,
            "score": self.score,
            "max_score": self.max_score,
            "exercises": self.exercises,
        }


def print_reports(
    reports: list[Report], as_json: bool = False, console: Console | None = None
) -> int:
    """Print the reports; return the exit code: 0 if every submission was graded, else 1.

    As JSON, one object per line goes to standard output, and notes and reasons to standard error.
    """
    console = console or Console()
    for report in reports:
        if as_json:
            print(json.dumps(report.as_json(), ensure_ascii=False))
            for line in _lines(report):
                print(f"{report.target}: {line}", file=sys.stderr)
        else:
            _print(report, console)
    return 0 if all(report.graded for report in reports) else 1


def _lines(report: Report) -> list[str]:
    """The reason for a verdict other than graded, and the notes."""
    reason = [] if report.graded else [f"{report.verdict}: {REASONS[report.verdict]}"]
    if report.verdict == "malformed" and report.notes:
        return [f"malformed: {report.notes[0]}", *report.notes[1:]]
    return reason + report.notes


def _print(report: Report, console: Console) -> None:
    if report.score is None:
        console.print(f"[bold]{escape(report.target)}[/] was not graded.")
    else:
        table = Table(title=f"{report.module}", title_justify="left", title_style="bold")
        table.add_column("Exercise", no_wrap=True)
        table.add_column("Outcome", no_wrap=True)
        table.add_column("Points", justify="right", no_wrap=True)
        table.add_column("What to look at", overflow="fold")
        for item in report.exercises:
            outcome = Outcome(item["outcome"])
            said = f"{MARKS[outcome]} {WORDS[outcome]}"
            table.add_row(
                item["id"],
                f"[{STYLES.get(outcome, 'yellow')}]{said}[/]",
                f"{'?' if outcome is Outcome.NOTED else format(item['points'], 'g')} / "
                f"{item['max_points']:g}",
                escape(item["message"]),
            )
        console.print(table)
        so_far = " so far" if report.verdict == "needs_review" else ""
        console.print(f"Score{so_far}: [bold]{report.score:g} of {report.max_score:g}[/]")
    for line in _lines(report):
        console.print(f"• {escape(line)}", soft_wrap=True)
    if report.feedback is not None:
        console.print(f"Feedback: {escape(str(report.feedback))}", soft_wrap=True)
