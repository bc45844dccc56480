"""Errors that a person reads: one line that says what to do."""

from __future__ import annotations


class SpeedrunError(Exception):
    """Something that the person at the keyboard can mend; its text is the whole message."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows of it: the message, and no traceback through our files."""
        return [str(self)]
