"""Print what a sweep did, in a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from autograder.notebook.cards import count
from autograder.research.sweep import Summary


def print_summary(summary: Summary) -> None:
    """Counts, seconds and speed-up; then each failed run with its error."""
    table = Table()
    for name in ("done", "from before", "failed", "seconds", "seconds of runs", "speed-up"):
        table.add_column(name, justify="right")
    speed_up = summary.run_seconds / summary.seconds if summary.ran else None
    table.add_row(
        str(len(summary.done)),
        str(summary.reused),
        str(len(summary.failed)),
        f"{summary.seconds:.1f}",
        f"{summary.run_seconds:.1f}",
        f"{speed_up:.2f}" if speed_up else "",
    )
    Console().print(table)
    for run in summary.failed:
        print(f"failed: {run.label}: {run.error}")
    if summary.failed:
        print(f"{count(len(summary.failed), 'run')} failed: --retry-failed runs them again.")
    print(f"Results: {summary.out}")
