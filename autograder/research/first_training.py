"""When the first training of a notebook began: a preregistration counts if it came before it."""

from __future__ import annotations

from typing import Any

from autograder.errors import SpeedrunError
from autograder.kernel import in_notebook, is_checking, is_graded
from autograder.notebook import progress


def watch_training() -> None:
    """Note the time at which the first optimizer of this notebook takes a step.

    A registration is worth something because it came first: this is how the report knows. Steps
    within a check do not count, and nothing is written while a notebook is graded.
    """
    from torch.optim.optimizer import register_optimizer_step_post_hook

    handle: Any = None

    def stepped(*_: Any) -> None:
        if is_checking():
            return
        handle.remove()
        note_training()

    if in_notebook() and not is_graded():
        handle = register_optimizer_step_post_hook(stepped)


def note_training() -> None:
    """Note that a training ran, unless one is noted already."""
    if is_graded():
        return
    try:
        with progress.updating() as record:
            record.setdefault("first_training", progress.now())
    except SpeedrunError:
        return  # a training is worth more than a note about it
