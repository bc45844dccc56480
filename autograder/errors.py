"""Errors that a person reads: one line that says what to do."""

from __future__ import annotations


class SpeedrunError(Exception):
    """Something that the person at the keyboard can mend; its text is the whole message."""
