"""Run one experiment in a process of its own: papermill, then one JSON file."""

from __future__ import annotations

import contextlib
import datetime
import logging
import multiprocessing
import os
import re
import signal
import threading
import time
from pathlib import Path
from typing import Any

from autograder.research.experiment import MIME
from autograder.research.runs import RUNS, Run, write_run

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def begin_worker() -> None:
    """Leave Ctrl-C to the parent process, and end when that process is gone.

    Whatever a run's kernel prints outside its cells is dropped: results and errors are in files.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:

        def leave() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=leave, daemon=True).start()


def run_one(notebook: str, out: str, run: Run) -> Run:
    """Execute one run and write its result; a failure is a result too."""
    for name in THREADS:
        os.environ[name] = "1"
    import papermill

    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    executed = Path(out) / RUNS / f"{run.id}.ipynb"
    executed.parent.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    try:
        ended = papermill.execute_notebook(
            notebook,
            str(executed),
            parameters=run.parameters,
            kernel_name="python3",
            progress_bar=False,
            cwd=str(Path(notebook).parent),
        )
        run.results = _results(ended, run.parameters)
        run.status = "done"
    except Exception as error:  # whatever a learner's experiment raises goes into the list
        run.status, run.error = "failed", _line_of(error)
    run.seconds = round(time.perf_counter() - began, 3)
    run.at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    write_run(Path(out), run)
    return run


def _results(notebook: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            given = (output.get("data") or {}).get(MIME)
            if isinstance(given, dict):
                found.update(given)
    if not found:
        raise ValueError("the notebook has no `record(...)` that ran: nothing was handed back")
    for name in found.keys() & parameters.keys():
        if found[name] != parameters[name]:
            raise ValueError(f"it records {name!r}, which is a parameter: use another name")
    return found


def _line_of(error: Exception) -> str:
    """What went wrong, in one line: the error that the notebook raised, if it raised one."""
    name, value = getattr(error, "ename", None), getattr(error, "evalue", None)
    text = f"{name}: {value}" if name else f"{type(error).__name__}: {error}"
    return " ".join(COLOURS.sub("", text).split())[:300]
