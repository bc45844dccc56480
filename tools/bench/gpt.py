"""How much sooner the notebook's GPTs reach the loss of nanoGPT's published CPU configuration."""

from __future__ import annotations

import os
import statistics

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from autograder.data import text as corpus
from autograder.errors import SpeedrunError
from tools.bench import baseline, recipes
from tools.bench.measure import Run, interleaved, ratio, time_to, validation_loss

TARGETS = {"first GPT": 3.0, "fast GPT": 10.0}  # times faster than the baseline, at least


def report(console: Console, *, rounds: int = 3, threads: int = 1, quick: bool = False) -> bool:
    """Train, measure, print; return whether every target is met. A quick run checks no targets."""
    os.environ["MPLBACKEND"] = "agg"  # the notebook's cells import matplotlib
    found = corpus.load_corpus()
    if found.name != "Tiny Shakespeare" and not quick:
        raise SpeedrunError(
            "This benchmark needs Tiny Shakespeare, and it could not be fetched. Set SPEEDRUN_DATA "
            f"to a folder with {corpus.FILE}, or run --only latency."
        )
    recipes.ready()
    text = recipes.Text.of(found.text)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        runs = _train_all(text, rounds, console, quick)
    finally:
        torch.set_num_threads(before)
    met = show(runs, console, threads)
    if quick:
        console.print(f"A quick run: {recipes.FEW} steps of each, so these figures say little.")
    return met or quick


def _train_all(
    text: recipes.Text, rounds: int, console: Console, quick: bool
) -> dict[str, list[Run]]:
    names = [recipes.BASELINE, *recipes.CELLS]
    runs: dict[str, list[Run]] = {name: [] for name in names}
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    # Redrawn only once a second: drawing the bars is part of the process that is timed.
    with Progress(*columns, console=console, refresh_per_second=1) as progress:
        for turn, name in interleaved(names, rounds):
            task = progress.add_task(f"{name}, {turn + 1} of {rounds}", total=None)
            run = _train(name, text, turn + 1, progress, task, quick)
            runs[name].append(run)
            progress.update(
                task,
                total=1,
                completed=1,
                description=f"{name}, {turn + 1} of {rounds}: {run.cpu:.1f} s, loss {run.loss:.3f}",
            )
    return runs


def _train(
    name: str, text: recipes.Text, seed: int, progress: Progress, task: TaskID, quick: bool
) -> Run:
    clock = recipes.Clock()
    torch.manual_seed(seed)
    if name == recipes.BASELINE:
        progress.update(task, total=recipes.FEW if quick else baseline.Settings().steps)
        model = recipes.train_baseline(text, clock, lambda: progress.advance(task), quick)
    else:
        model = recipes.train_notebooks(name, text, clock, seed, quick)
    model.eval()
    block_size = baseline.Settings().block_size
    loss = validation_loss(recipes.logits_of(model), text.validation, block_size)
    return Run(name, clock.cpu, clock.wall, loss)


def show(runs: dict[str, list[Run]], console: Console, threads: int) -> bool:
    """Print what was measured, recipe by recipe; return whether every target is met."""
    yardstick = runs[recipes.BASELINE]
    goal = statistics.median(run.loss for run in yardstick)
    clock = threads > 1  # CPU time says little if threads wait for each other
    table = Table(
        "recipe",
        "CPU time",
        "on the clock",
        "final losses",
        f"time to {goal:.3f}",
        "times faster",
        "target",
        "",
        title=f"GPT, {threads} thread{'s' * (threads > 1)}, medians of {len(yardstick)}",
    )
    met = True
    for name, some in runs.items():
        losses = ", ".join(f"{run.loss:.3f}" for run in some)
        times = [f"{statistics.median(run.cpu for run in some):.1f} s"]
        times += [f"{statistics.median(run.wall for run in some):.1f} s"]
        if some is yardstick:  # its median run ends at the goal, by the goal's definition
            table.add_row(name, *times, losses)
            continue
        faster = ratio(yardstick, some, on_the_clock=clock)
        target = TARGETS[name]
        reached = faster is not None and faster >= target
        met = met and reached
        table.add_row(
            name,
            *times,
            losses,
            "not reached" if faster is None else f"{time_to(goal, some, on_the_clock=clock):.1f} s",
            "no ratio" if faster is None else f"{faster:.1f}",
            f"{target:.0f}",
            "met" if reached else "missed",
        )
    console.print(table)
    console.print(
        "Losses in nats a character, over the whole validation split in fixed windows of 64. The "
        f"times are {'on the clock' if clock else 'CPU time of this process'}, evaluation excluded."
    )
    return met
