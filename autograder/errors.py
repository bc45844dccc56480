"""Errors that a person reads: one line that says what to do."""

from __future__ import annotations

import sys
from types import TracebackType


class SpeedrunError(Exception):
    """Something that the person at the keyboard can mend; its text is the whole message."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows of it: the message, and no traceback through our files."""
        return [str(self)]


def _show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What a plain script or Python's prompt shows of an error of ours: its line alone."""
    if isinstance(error, SpeedrunError):
        print(error, file=sys.stderr)
    else:
        _shown_before(kind, error, trace)


_shown_before, sys.excepthook = sys.excepthook, _show
