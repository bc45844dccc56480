"""The command `speedrun`: lab, status, hint, solution, reset, update, grade, sweep, report, build.

Exit codes: 0 done, 1 the answer is no (and one line says why), 2 wrong usage. Each command imports
what it needs itself, so that `--help` is quick.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.console import Console

from autograder import __version__
from autograder.errors import SpeedrunError

app = typer.Typer(
    name="speedrun",
    help="Learn machine learning by building it: open the notebooks, see where you stand, "
    "get your work graded.",
    epilog="Begin with: speedrun lab",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
FolderOption = Annotated[
    Path | None,
    typer.Option(
        "--folder",
        metavar="DIR",
        help="Your folder of notebooks. Default: SPEEDRUN_HOME, or work/ in a clone.",
    ),
]
ModuleArgument = Annotated[
    str, typer.Argument(metavar="MODULE", help="As in 04_micrograd, or 4, or micrograd.")
]
ExerciseArgument = Annotated[
    str, typer.Argument(metavar="EXERCISE", help="The exercise's id, as it stands in its heading.")
]


def main() -> None:
    """Run the command; an error that a person can fix is one line on stderr, and exit code 1."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            # Other kinds of streams lack the method: hence the suppressed AttributeError.
            cast(Any, stream).reconfigure(errors="replace")  # for consoles without "→"
    try:
        app()
    except SpeedrunError as error:
        _end(str(error))
    except OSError as error:
        named = f": {error.filename}" if error.filename else ""
        _end(f"{error.strerror or error}{named}")


def _end(message: str) -> None:
    typer.echo(f"speedrun: {message}", err=True)
    sys.exit(1)


def _say(line: str) -> None:
    """Print a line as it is, without wrapping or colours, so that addresses stay whole."""
    print(line, flush=True)


def _need(extra: str, *packages: str) -> None:
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise SpeedrunError(
            f'This needs {", ".join(missing)}: run pip install "ml-speedrun[{extra}]".'
        )


def _version(wanted: bool) -> None:
    if wanted:
        _say(f"speedrun {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    pass


@app.command(epilog="Example: speedrun lab 04_micrograd")
def lab(
    module: Annotated[
        str | None,
        typer.Argument(metavar="[MODULE]", help="What to open. Default: what comes next."),
    ] = None,
    folder: FolderOption = None,
    no_browser: Annotated[
        bool,
        typer.Option("--no-browser", "--headless", help="Say the address, open no browser."),
    ] = False,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="The port. Default: 8888 or a free one.")
    ] = None,
    exit_when_ready: Annotated[bool, typer.Option("--exit-when-ready", hidden=True)] = False,
) -> None:
    """Copy the notebooks you don't have yet, and open JupyterLab.

    Nothing that exists is overwritten. Ctrl-C stops it.
    """
    _need("lab", "jupyterlab", "nbformat")
    from autograder import course
    from autograder.learner.folder import learner_folder
    from autograder.learner.lab import lab as open_lab

    open_lab(
        learner_folder(folder),
        course.module(module) if module else None,
        browser=not no_browser,
        port=port,
        exit_when_ready=exit_when_ready,
        say=_say,
    )


@app.command(epilog="Example: speedrun status 04_micrograd")
def status(
    module: Annotated[
        str,
        typer.Argument(metavar="[MODULE]", help="List its exercises. Default: the whole course."),
    ] = "",
    folder: FolderOption = None,
) -> None:
    """Show what is done, what is next, and the minutes left of the 12 hours."""
    from autograder.learner.folder import learner_folder
    from autograder.notebook.status import status_card

    _say(status_card(learner_folder(folder).path, module).text)


@app.command(epilog="Example: speedrun hint mean_square")
def hint(exercise: ExerciseArgument, folder: FolderOption = None) -> None:
    """Give the next of an exercise's three hints."""
    from autograder.learner.folder import learner_folder
    from autograder.notebook.hints import hint_card

    _say(hint_card(exercise, learner_folder(folder).path).text)


@app.command(epilog="Example: speedrun solution mean_square")
def solution(exercise: ExerciseArgument, folder: FolderOption = None) -> None:
    """Show a solution, once you have passed the exercise or made three real tries."""
    from autograder.learner.folder import learner_folder
    from autograder.notebook.hints import solution_card

    card, opened = solution_card(exercise, learner_folder(folder).path)
    _say(card.text)
    if not opened:
        raise typer.Exit(1)


@app.command(epilog="Example: speedrun reset 04_micrograd --exercise backward")
def reset(
    module: ModuleArgument,
    exercise: Annotated[
        str | None,
        typer.Option(metavar="EXERCISE", help="Restore this exercise only. Default: all."),
    ] = None,
    folder: FolderOption = None,
) -> None:
    """Restore a notebook, or one exercise of it; the old one is kept as a backup."""
    _need("lab", "nbformat")
    from autograder import course
    from autograder.learner.folder import learner_folder
    from autograder.learner.reset import reset as restore
    from autograder.learner.reset import reset_exercise

    where, wanted = learner_folder(folder), course.module(module)
    what = wanted.id
    if exercise is None:
        done = restore(where, wanted)
    else:
        done = reset_exercise(where, wanted, course.exercise(exercise))
        what = f"{exercise} in {wanted.id}"
    if not done.changed:
        _say(f"{what} is as it was released: nothing to do.")
        return
    _say(f"{what} is restored: {where.shown(where.notebook(wanted))}")
    if done.backup:
        _say(f"The old notebook is kept: {where.shown(done.backup)}")
        _say("Where it is open in JupyterLab: File, then Reload Notebook from Disk.")


@app.command(epilog="Example: speedrun update 04_micrograd")
def update(
    module: Annotated[
        str | None, typer.Argument(metavar="[MODULE]", help="What to update. Default: all.")
    ] = None,
    folder: FolderOption = None,
) -> None:
    """Bring newer versions of your notebooks, with your answers and your own cells in them."""
    _need("lab", "nbformat")
    from autograder import course
    from autograder.learner.folder import learner_folder, ready
    from autograder.learner.update import update as bring

    where = learner_folder(folder)
    wanted = (
        [course.module(module)] if module else [m for m in ready() if where.notebook(m).exists()]
    )
    if not wanted:
        raise SpeedrunError(
            f"There is no notebook in {where.path} yet: `speedrun lab` copies them."
        )
    failures = []
    for each in wanted:
        try:
            changes = bring(where, each)
        except (SpeedrunError, OSError) as error:
            failures.append(error)
            continue
        _say(f"{each.id}: {'updated' if changes.updated else 'up to date'}")
        for line in changes.lines():
            _say(f"  {line}")
        if changes.backup:
            _say(f"  the old notebook is kept: {where.shown(changes.backup)}")
    for failure in failures[:-1]:
        typer.echo(f"speedrun: {failure}", err=True)
    if failures:
        raise failures[-1]


@app.command(epilog="Example: speedrun grade 04_micrograd --json")
def grade(
    targets: Annotated[
        list[str], typer.Argument(metavar="TARGET...", help="Modules, or paths of notebooks.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else.")] = False,
    folder: FolderOption = None,
) -> None:
    """Grade saved notebooks in a fresh kernel, on fresh inputs."""
    _need("lab", "nbgrader", "nbclient")
    from autograder.grade import grade as grade_all
    from autograder.grade.report import print_reports
    from autograder.learner.folder import learner_folder

    console = Console(stderr=True)
    with console.status("Grading") as line:
        reports = grade_all(
            targets,
            learner_folder(folder).path,
            lambda text: line.update(text.replace("[", r"\[")),
        )
    print_reports(reports, as_json)
    if any(report.verdict != "graded" for report in reports):
        raise typer.Exit(1)


@app.command(
    epilog="Example: speedrun sweep experiment.ipynb --grid p=1.0,0.35,0.05 --seeds 0:8 --jobs 2"
)
def sweep(
    experiment: Annotated[
        Path, typer.Argument(metavar="EXPERIMENT.ipynb", help="A notebook with a parameters cell.")
    ],
    grid: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=V,V,...", help="Values of one parameter; may be given again."),
    ] = None,
    seeds: Annotated[
        str | None,
        typer.Option(metavar="A:B", help="Seeds A to B - 1, or a list: 0,3,5. Default: none."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="How many runs go on at once.")] = 2,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where results go. Default: EXPERIMENT-runs beside it."),
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="A Dask scheduler, as in tcp://host:8786.")
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Run again what has failed before.")
    ] = False,
) -> None:
    """Run an experiment notebook for every combination of values and seeds.

    Finished runs are kept: the same command goes on where it was stopped, and repeats nothing
    while the notebook's code is the same.
    """
    _need("lab", "papermill", "nbformat")
    from autograder.research.options import grid_of, seeds_of
    from autograder.research.sweep import run_sweep
    from autograder.research.table import print_summary

    try:
        values, numbers = grid_of(grid or []), seeds_of(seeds)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    try:
        summary = run_sweep(experiment, values, numbers, jobs, out, scheduler, retry_failed)
    except KeyboardInterrupt:
        raise SpeedrunError("Stopped. Finished runs are kept: the same command goes on.") from None
    print_summary(summary)
    if summary.failed:
        raise typer.Exit(1)


@app.command(epilog="Example: speedrun report --out replication.html")
def report(
    out: Annotated[Path, typer.Option(metavar="FILE", help="The page to write.")] = Path(
        "report.html"
    ),
    show: Annotated[bool, typer.Option("--open", help="Open it in a browser.")] = False,
    folder: FolderOption = None,
) -> None:
    """Write your replication as one page: registration, claims, sweeps, lab notebook, outline."""
    from autograder.files import write_atomically
    from autograder.learner.folder import learner_folder
    from autograder.research.report import report as page

    if out.is_dir():
        raise SpeedrunError(f"{out} is a folder: name a file, as in --out {out / 'report.html'}.")
    write_atomically(out, page(learner_folder(folder).path))
    _say(str(out))
    if show:
        import webbrowser

        webbrowser.open(out.resolve().as_uri())


@app.command(epilog="Example: speedrun build 04_micrograd")
def build(
    modules: Annotated[
        list[str] | None, typer.Argument(metavar="[MODULE...]", help="Default: all.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing: list what is out of date.")
    ] = False,
) -> None:
    """For authors: make the notebooks from their text, with their solutions executed."""
    _need("dev", "jupytext", "nbgrader", "nbclient")
    from autograder import course
    from autograder.build import make as building

    wanted = [course.module(name) for name in modules or []] or list(course.written())
    for module in wanted:
        if not module.text_path.is_file():
            raise SpeedrunError(f"{module.id} is not written yet: there is no {module.text_path}.")
    if check:
        stale = building.out_of_date(wanted)
        for line in stale:
            _say(line)
        if stale:
            _say("`speedrun build` brings this up to date.")
            raise typer.Exit(1)
        _say(f"{len(wanted)} of {len(wanted)} modules are up to date.")
        return
    with Console(stderr=True).status("Building") as shown:
        written = building.build(wanted, shown.update)
    for path in written:
        _say(path.relative_to(course.root()).as_posix())


if __name__ == "__main__":
    main()
