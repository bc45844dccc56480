"""`python -m tools.bench`: the latency of checks, and the speed of the notebook's GPTs."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from autograder import course
from autograder.errors import SpeedrunError


class Part(StrEnum):
    """The parts that can be measured alone."""

    latency = "latency"
    gpt = "gpt"


def bench(
    only: Annotated[
        Part | None,
        typer.Option(
            help="latency: checks and the import, in seconds. gpt: training, against nanoGPT's "
            "settings for a CPU. Both without this option.",
        ),
    ] = None,
    module: Annotated[
        list[str] | None,
        typer.Option(metavar="MODULE", help="latency: this module only; may be given again."),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="gpt: how often each recipe is trained.")] = 3,
    threads: Annotated[
        int,
        typer.Option(min=1, help="gpt: PyTorch's threads. With more than one, the clock counts."),
    ] = 1,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help="Only see that it runs: each check once, each GPT for a few steps on any text. "
            "The figures say little.",
        ),
    ] = False,
) -> None:
    """Print this machine's figures beside their targets.

    Exit code 1: a GPT missed its target, or Tiny Shakespeare can't be had.

    Example: make bench ARGS="--only gpt --rounds 1"
    """
    console = Console()
    met = True
    try:
        if only in (None, Part.latency):
            from tools.bench import latency

            chosen = [course.module(name) for name in module or []]
            latency.report(console, chosen, quick=quick)
        if only in (None, Part.gpt):
            from tools.bench import gpt

            met = gpt.report(console, rounds=1 if quick else rounds, threads=threads, quick=quick)
    except SpeedrunError as error:
        typer.echo(f"bench: {error}", err=True)
        sys.exit(1)
    sys.exit(0 if met else 1)


def app() -> typer.Typer:
    """The command, for the shell and for the tests."""
    made = typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    made.command()(bench)
    return made


if __name__ == "__main__":
    app()(prog_name="python -m tools.bench")
