"""Run an experiment notebook over a grid of values and seeds, several at a time."""

from __future__ import annotations

import importlib.util
import multiprocessing
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.errors import SpeedrunError
from autograder.kernel import is_graded, needed
from autograder.notebook import progress
from autograder.research.execute import begin_worker, run_one
from autograder.research.progress_bar import Bar
from autograder.research.runs import Run, plan, read_experiment, read_run, results_of, write_plan

LOCK = ".sweep.lock"


@dataclass
class Summary:
    """What a sweep did: the runs of this call, and those kept from earlier calls."""

    out: Path
    ran: list[Run] = field(default_factory=list)
    reused: int = 0
    failed_before: list[Run] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def done(self) -> list[Run]:
        """The runs of this call that succeeded."""
        return [run for run in self.ran if run.status == "done"]

    @property
    def failed(self) -> list[Run]:
        """The runs that raised, in this call or in an earlier one."""
        return self.failed_before + [run for run in self.ran if run.status == "failed"]

    @property
    def run_seconds(self) -> float:
        """The total seconds of this call's runs."""
        return sum(run.seconds for run in self.ran)


def sweep(
    notebook: str | Path,
    grid: Mapping[str, Sequence[Any]] | None = None,
    seeds: Iterable[int] | None = None,
    jobs: int = 2,
    out: str | Path | None = None,
    scheduler: str | None = None,
    retry_failed: bool = False,
) -> list[dict[str, Any]]:
    """Run an experiment for each combination of values in `grid`, with each seed.

    It does `jobs` runs at once, each in a process with one thread. Finished runs are kept in `out`
    (``<notebook>-runs`` beside the notebook) and not repeated while the notebook's code stays the
    same, so a sweep that was stopped continues where it left off. Returns a dict for each finished
    run: parameters, results, seconds. Failed runs are listed below the bar. It starts nothing and
    raises `SpeedrunError` while a notebook is graded, and inside `with needs(...)` until all those
    exercises are passed: runs of an answer that isn't right yet are worth nothing.

    ::

        sweep("experiment.ipynb", grid={"p": [1.0, 0.05]}, seeds=range(8), jobs=2)
    """
    summary = run_sweep(notebook, grid or {}, seeds, jobs, out, scheduler, retry_failed)
    for run in summary.failed:
        print(f"failed: {run.label}: {run.error}")
    return results_of(summary.out)


def run_sweep(
    notebook: str | Path,
    grid: Mapping[str, Sequence[Any]],
    seeds: Iterable[int] | None,
    jobs: int,
    out: str | Path | None = None,
    scheduler: str | None = None,
    retry_failed: bool = False,
) -> Summary:
    """Do what `sweep` does, and return a `Summary`."""
    _must_be_worth_it()
    if importlib.util.find_spec("papermill") is None:
        raise SpeedrunError("A sweep needs papermill: run pip install papermill.")
    if jobs < 1:
        raise SpeedrunError("At least one run has to go on at a time: jobs is 1 or more.")
    experiment = read_experiment(notebook)
    runs = plan(experiment, grid, seeds)
    path = experiment.path.resolve()
    folder = Path(out).resolve() if out else path.with_name(f"{path.stem}-runs")
    with _alone(folder):
        write_plan(folder, experiment, runs)
        kept = {run.id: read_run(folder, run.id) for run in runs}
        old = [
            run for run in kept.values() if run and not (retry_failed and run.status == "failed")
        ]
        known = {run.id for run in old}
        waiting = [run for run in runs if run.id not in known]
        summary = Summary(folder, failed_before=[run for run in old if run.status == "failed"])
        summary.reused = len(old) - len(summary.failed_before)
        began = time.perf_counter()
        with Bar(len(runs), len(old), path.stem) as bar:
            _run_all(path, folder, waiting, jobs, scheduler, summary.ran.append, bar.step)
        summary.seconds = time.perf_counter() - began
    return summary


def _must_be_worth_it() -> None:
    """Raise a `SpeedrunError` if no process may be started."""
    if is_graded():
        raise SpeedrunError("A sweep is not run while the notebook is graded.")
    names = needed()
    record = progress.load() if names else {}
    unsolved = [f"`{name}`" for name in names if not progress.is_done(record, name)]
    if unsolved:
        raise SpeedrunError(f"The sweep waits for {' and '.join(unsolved)}: nothing was started.")


@contextmanager
def _alone(folder: Path) -> Any:
    import filelock

    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / LOCK, timeout=0)
        lock.acquire()
    except filelock.Timeout:
        raise SpeedrunError(
            f"Another sweep is at work in {folder}: wait for it, or name another folder."
        ) from None
    except OSError as error:
        raise SpeedrunError(f"{folder} can't be written to: {error.strerror}.") from None
    try:
        yield
    finally:
        lock.release()


def _run_all(
    path: Path,
    folder: Path,
    waiting: list[Run],
    jobs: int,
    scheduler: str | None,
    keep: Callable[[Run], None],
    step: Callable[[], None],
) -> None:
    if not waiting:
        return
    executor, end = _executor(min(jobs, len(waiting)), scheduler)
    try:
        futures = [executor.submit(run_one, str(path), str(folder), run) for run in waiting]
        for future in as_completed(futures):
            keep(future.result())
            step()
    except BrokenExecutor:
        raise SpeedrunError(
            "The system ended one of the processes, most often because memory ran out. Finished "
            f"runs are kept in {folder}: the same command goes on from there, with fewer jobs."
        ) from None
    finally:
        end()


def _executor(jobs: int, scheduler: str | None) -> tuple[Executor, Callable[[], None]]:
    """An executor, and a function that ends it at once, finished or not."""
    if scheduler is not None:
        return _cluster(scheduler)
    pool = ProcessPoolExecutor(
        jobs, mp_context=multiprocessing.get_context("spawn"), initializer=begin_worker
    )

    def end() -> None:
        workers = list((getattr(pool, "_processes", None) or {}).values())
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.terminate()

    return pool, end


def _cluster(scheduler: str) -> tuple[Executor, Callable[[], None]]:
    try:
        from distributed import Client
    except ImportError:
        raise SpeedrunError(
            'A scheduler needs Dask: run pip install "ml-speedrun[cluster]".'
        ) from None
    try:
        client = Client(scheduler, timeout=10)
    except (OSError, ValueError, TypeError) as error:
        raise SpeedrunError(
            f"No scheduler answers at {scheduler}: {error}".splitlines()[0]
        ) from None
    executor = client.get_executor(pure=False)

    def end() -> None:
        executor.shutdown(wait=False)
        client.close()

    return executor, end
