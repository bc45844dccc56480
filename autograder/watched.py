"""Whether there is a notebook, and whether somebody sits at it or a program runs it."""

from __future__ import annotations

import os


def is_graded() -> bool:
    """True where an instructor's tools run the notebook: it may be anybody's."""
    return bool(os.environ.get("NBGRADER_EXECUTION") or os.environ.get("SPEEDRUN_GRADING"))


def is_watched() -> bool:
    """False where the notebook is built or graded: nobody moves a slider or waits at a bar."""
    return not (is_graded() or os.environ.get("SPEEDRUN_BUILD"))


def in_notebook() -> bool:
    """Whether what is displayed reaches a notebook."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return get_ipython() is not None
