"""Errors for people to read: one line that says what to do."""

from __future__ import annotations

import sys
from types import TracebackType


class SpeedrunError(Exception):
    """Something that the person at the keyboard can fix; its text is the whole message."""

    def _render_traceback_(self) -> list[str]:
        """The message, which IPython shows in place of a traceback through our files."""
        return [str(self)]


def _show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show only the line of an error of ours, in a plain script or at Python's prompt."""
    if isinstance(error, SpeedrunError):
        print(error, file=sys.stderr)
    else:
        _shown_before(kind, error, trace)


_shown_before, sys.excepthook = sys.excepthook, _show
