"""What a check says where its answer's cell has not been run: calm words for a NameError."""

from __future__ import annotations

import linecache
from types import TracebackType
from typing import Any

from autograder.core.outcome import Outcome
from autograder.kernel import is_graded
from autograder.notebook.cards import COLOURS, note_card, show


def install(shell: Any) -> None:
    """Let IPython's `shell` show a NameError in a line `check...` as "not attempted".

    Nothing is installed where a grader needs the error, or where someone else handles errors.
    """
    if shell is None or is_graded() or shell.custom_exceptions:
        return
    shell.set_custom_exc((NameError,), _show_name_error)


def _show_name_error(
    shell: Any,
    kind: type[BaseException],
    error: NameError,
    trace: TracebackType | None,
    tb_offset: int | None = None,
) -> list[str]:
    if error.name is None or not _in_a_check(trace):
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
        return []
    text = (
        f"Python does not know `{error.name}` yet. Run the cell with your answer first, then this "
        "one."
    )
    show(note_card("Not attempted", error.name, text, "○", COLOURS[Outcome.NOT_ATTEMPTED]))
    return []


def _in_a_check(trace: TracebackType | None) -> bool:
    """Whether the error was raised by a cell's own line that calls a check, not deeper."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None or trace.tb_frame.f_code.co_name != "<module>":
        return False
    line = linecache.getline(trace.tb_frame.f_code.co_filename, trace.tb_lineno)
    return line.lstrip().startswith("check.")
