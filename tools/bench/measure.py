"""The arithmetic of a benchmark of training: order, loss, time to a loss, ratio. Pure functions."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Run:
    """One training run: the recipe, its seconds, and its final validation loss in nats."""

    recipe: str
    cpu: float  # seconds of this process, on all cores together
    wall: float  # seconds of wall-clock time
    loss: float


def interleaved(recipes: Sequence[str], rounds: int) -> Iterator[tuple[int, str]]:
    """(round, recipe): every recipe once per round, so that a busy minute affects all alike.

    Each round starts one recipe later, so that none is always first on a cool machine.
    """
    for turn in range(rounds):
        shift = turn % len(recipes)
        for recipe in (*recipes[shift:], *recipes[:shift]):
            yield turn, recipe


def validation_loss(
    logits_of: Callable[[Tensor], Tensor], data: Tensor, block_size: int, at_once: int = 64
) -> float:
    """Mean cross-entropy, in nats per character, over fixed windows that tile `data` (N,).

    Window i reads the characters from i * block_size on and predicts each one's successor. Every
    character is predicted once, except the first and a remainder shorter than a window. `logits_of`
    turns ids (B, T) into logits of shape (B, T, vocab_size) or (B * T, vocab_size).
    """
    windows = (len(data) - 1) // block_size
    inputs = data[: windows * block_size].view(windows, block_size)
    targets = data[1 : windows * block_size + 1].view(windows, block_size)
    total = 0.0
    with torch.no_grad():
        for some, wanted in zip(inputs.split(at_once), targets.split(at_once), strict=True):
            logits = logits_of(some)
            logits = logits.reshape(-1, logits.shape[-1])
            total += functional.cross_entropy(logits, wanted.flatten(), reduction="sum").item()
    return total / (windows * block_size)


def seconds(run: Run, *, on_the_clock: bool) -> float:
    """The time that counts: wall-clock time, or CPU time of the process."""
    return run.wall if on_the_clock else run.cpu


def time_to(loss: float, runs: Iterable[Run], *, on_the_clock: bool = False) -> float:
    """Median seconds to `loss`; a run that ends above it never gets there: infinity.

    The time to a loss is the whole time of a run that ends at or below it. Losses on the way don't
    count, because a schedule pays off at its end.
    """
    return statistics.median(
        seconds(run, on_the_clock=on_the_clock) if run.loss <= loss else math.inf for run in runs
    )


def ratio(
    baseline: Sequence[Run], runs: Sequence[Run], *, on_the_clock: bool = False
) -> float | None:
    """How many times faster `runs` reach the baseline's final loss; None if most don't.

    The baseline's final loss is the median of its runs, and so is its time.
    """
    goal = statistics.median(run.loss for run in baseline)
    slow = statistics.median(seconds(run, on_the_clock=on_the_clock) for run in baseline)
    fast = time_to(goal, runs, on_the_clock=on_the_clock)
    return slow / fast if math.isfinite(fast) else None
