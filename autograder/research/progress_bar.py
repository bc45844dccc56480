"""A progress bar for work in other processes: in a notebook, a terminal, or not at all."""

from __future__ import annotations

import sys
import time
from typing import Any

from autograder.core.outcome import Outcome
from autograder.kernel import in_notebook, is_graded
from autograder.notebook.cards import COLOURS, count
from autograder.plots.training import Drawn


class Bar:
    """``with Bar(total, done, title) as bar: bar.step()`` shows how many runs have ended, and the
    time left."""

    def __init__(self, total: int, done: int, title: str) -> None:
        self.total, self.done, self.old, self.title = total, done, done, title
        self.began = time.monotonic()
        self.handle: Any = None
        self.rich: Any = None

    def __enter__(self) -> Bar:
        if in_notebook():
            if not is_graded():
                from IPython.display import display

                self.handle = display(self._drawn(), display_id=True)
        elif sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeRemainingColumn,
            )

            columns = (TextColumn(self.title), BarColumn(), MofNCompleteColumn())
            self.rich = Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))
            self.rich.start()
            self.task = self.rich.add_task("", total=self.total, completed=self.done)
        return self

    def __exit__(self, *_: object) -> None:
        if self.rich is not None:
            self.rich.stop()

    def step(self) -> None:
        """Count one more run."""
        self.done += 1
        if self.rich is not None:
            self.rich.advance(self.task)
        if self.handle is not None:
            self.handle.update(self._drawn())

    def _drawn(self) -> Drawn:
        seconds = time.monotonic() - self.began
        text = f"{self.title}: {self.done} of {count(self.total, 'run')}"
        if self.done > self.old:
            each = seconds / (self.done - self.old)
            left = each * (self.total - self.done)
            text += f", {left:.0f} s left" if left else f", {seconds:.0f} s"
        if self.old:
            text += f" ({self.old} from before)"
        share = 100 * self.done / max(self.total, 1)
        body = (
            f'<div role="status" style="max-width:46em;color:inherit">{text}'
            '<div style="height:.6em;border-radius:.3em;background:rgba(128,128,128,.25)">'
            f'<div style="width:{share:.0f}%;height:100%;border-radius:.3em;'
            f'background:{COLOURS[Outcome.PASSED]}"></div></div></div>'
        )
        return Drawn(body, text)
