"""A calm message in place of a NameError, when a check runs before its answer's cell."""

from __future__ import annotations

import linecache
from types import TracebackType
from typing import Any

from autograder.core.outcome import Outcome
from autograder.kernel import is_graded
from autograder.notebook.cards import COLOURS, note_card, show


def install(shell: Any) -> None:
    """Have IPython's `shell` show a NameError in a `check...` line as "not attempted".

    Does nothing if a grader needs the error, or if another handler for errors is installed.
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
    """Whether the error comes from a line of the cell itself that calls a check, and no deeper."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None or trace.tb_frame.f_code.co_name != "<module>":
        return False
    line = linecache.getline(trace.tb_frame.f_code.co_filename, trace.tb_lineno)
    return line.lstrip().startswith("check.")
