"""Run a canonical notebook in a fresh kernel: test cells publish, and a dead kernel is replaced.

Nothing from the run is trusted except what `Test.read` accepts. A cell that kills the kernel, or
that can't be stopped, costs only itself: a new kernel runs the cells before it again, skips it,
and goes on after it.
"""

from __future__ import annotations

import copy
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_core.utils import run_sync
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbgrader.preprocessors import Execute
from traitlets import Float, Integer

from autograder.errors import SpeedrunError
from autograder.grade.cpu_limit import CpuLimit
from autograder.grade.testcell import Event, grade_id, tests_of
from autograder.local_kernel import STARTUP_TIMEOUT, LocalKernelManager, WithoutWidgets
from autograder.probes.run.limit import PATIENCE

START_UP = 30.0  # seconds that a test cell may take beyond its exercise's own limit
CELL_FILE = re.compile(r"\([^()\s]*\.py, (line \d+)\)")  # the kernel's file name for a cell
PRINTED_LIMIT = 500_000  # characters of text a cell may print; the rest is dropped
MEMORY_SIGNAL = -9
QUIET = {
    "stdout": subprocess.DEVNULL,
    "stderr": subprocess.DEVNULL,
}  # from the process itself, not from cells


class ExecuteTests(WithoutWidgets, Execute):
    """nbgrader's Execute, with the course's test cells replaced while they run.

    What happened is stored in ``resources["speedrun"]``: "tests" and "events" by cell id, and
    "halted" (None, "timeout", "crashed" or "out_of_memory").
    """

    cell_limit = Float(180, help="Seconds of CPU time that a cell may take.").tag(config=True)
    notebook_limit = Float(3600, help="Seconds by the clock for a whole notebook.").tag(config=True)
    test_limit = Float(
        None,
        allow_none=True,
        help="Seconds of CPU time that a test may take, where its own limit is longer.",
    ).tag(config=True)
    restarts = Integer(5, help="How often a dead kernel is started again.").tag(config=True)

    on_test: Callable[[str], None] | None = None  # called with each exercise's id before its test

    def preprocess(
        self, nb: NotebookNode, resources: Any = None, km: Any = None
    ) -> tuple[NotebookNode, Any]:
        """Run the notebook in place."""
        NotebookClient.__init__(self, nb, km)
        self.startup_timeout = STARTUP_TIMEOUT
        self.reset_execution_trackers()
        self._check_assign_resources(resources)
        self.timeout_func, self.shutdown_kernel = self._backstop, "immediate"
        self._tests, self._halted = tests_of(nb), None
        self._events: dict[str, Any] = {}
        self._deadline = time.monotonic() + self.notebook_limit
        self._reply: dict[str, Any] = {}
        self._printed: dict[int, int] = {}
        next_cell, starts, failures = 0, 0, 0
        while next_cell < len(nb.cells) and self._halted != "timeout":
            if starts > self.restarts:
                self._halted = self._halted or "timeout"
                break
            starts += 1
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                try:
                    with self.setup_kernel(cwd=folder, env=_environment(folder), **QUIET):
                        next_cell = self._run(next_cell)
                except RuntimeError as error:  # the kernel did not start
                    failures += 1
                    if failures > 1:
                        raise SpeedrunError(
                            f"The notebook's kernel does not start: {error}."
                        ) from None
        resources["speedrun"] = {
            "tests": self._tests,
            "events": self._events,
            "halted": self._halted,
        }
        return nb, resources

    def create_kernel_manager(self) -> LocalKernelManager:
        """A kernel of this same interpreter, whatever kernels the user has installed."""
        specs = KernelSpecManager(kernel_dirs=[])
        self.km = LocalKernelManager(
            kernel_name="python3", kernel_spec_manager=specs, config=self.config
        )
        return self.km

    def _run(self, first: int) -> int:
        """Run cells from `first` on; return the index to go on from in a new kernel."""
        cells = self.nb.cells
        for index in range(first):
            again = cells[index]
            past = self._events.get(again.id)
            spoilt = past is not None and past.kind != "raised"
            if not spoilt and grade_id(again) not in self._tests:
                event = self._execute(copy.deepcopy(again), index, again)
                if event is not None and event.kind in ("died", "stuck"):
                    self._note(again, event)
                    return first
        for index in range(first, len(cells)):
            if time.monotonic() > self._deadline:
                self._halted = "timeout"
                return index
            cell, original = cells[index], cells[index]
            test = self._tests.get(grade_id(cell))
            if test is not None:
                cell = copy.deepcopy(cell)
                cell.source = test.source(self.test_limit)
                if self.on_test is not None:
                    self.on_test(test.exercise.id)
            event = self._execute(cell, index, original)
            if test is not None:
                test.read(cell.get("outputs", []))
                test.event, original.outputs = event, []
            if event is not None:
                self._note(original, event)
                if event.kind in ("died", "stuck"):
                    return index + 1
        return len(cells)

    def _execute(self, cell: NotebookNode, index: int, original: NotebookNode) -> Event | None:
        """Run one cell; return what happened to it, or None if it ended normally."""
        self._reply = {}
        limit = CpuLimit(self._pid(), self._seconds(cell))
        try:
            with limit:
                self.execute_cell(cell, index, store_history=True)
        except DeadKernelError:
            return Event("stuck") if limit.fired else Event("died", self._cause())
        except CellTimeoutError:
            return Event("stuck")
        finally:
            self.nb.cells[index] = original
        if cell.cell_type != "code" or not self._reply:
            return None
        content = self._reply["content"]
        if any(item.get("source") == "ask_exit" for item in content.get("payload") or []):
            return Event("died", "exit")
        if content["status"] == "error":
            if content["ename"] == "CellTimeoutError" or limit.fired:
                return Event("timed_out", f"{limit.seconds:g}")
            said = f"{content['ename']}: {content['evalue']}".strip(": ")
            return Event("raised", CELL_FILE.sub(r"(\1)", said))
        if not run_sync(self.km.is_alive)():
            return Event("died", self._cause())
        return None

    def _pid(self) -> int | None:
        return getattr(self.km.provisioner, "pid", None) if self.km.provisioner else None

    def _note(self, cell: NotebookNode, event: Event) -> None:
        self._events[cell.id] = event
        if event.kind == "died" and self._halted != "timeout":
            self._halted = "out_of_memory" if event.text == "memory" else "crashed"

    def _cause(self) -> str:
        """Why the kernel is gone: "memory" if the system killed it, else ""."""
        code = run_sync(self.km.provisioner.poll)() if self.km.provisioner else None
        return "memory" if code == MEMORY_SIGNAL else ""

    def _seconds(self, cell: NotebookNode) -> float:
        """Seconds of CPU time that a cell may take."""
        test = self._tests.get(grade_id(cell))
        if test is None:
            return self.cell_limit
        limit = test.exercise.limit
        return (min(limit, self.test_limit) if self.test_limit else limit) + START_UP

    def _backstop(self, cell: NotebookNode) -> float:
        """Seconds of wall-clock time after which a cell is given up, whatever it has used."""
        left = max(1.0, self._deadline - time.monotonic())
        return min(PATIENCE * self._seconds(cell), left)

    def on_cell_executed(self, **kwargs: Any) -> None:
        """Keep the kernel's reply, besides what nbgrader does with it."""
        self._reply = kwargs["execute_reply"]
        super().on_cell_executed(**kwargs)

    def output(self, outs: list[Any], msg: dict[str, Any], display_id: Any, cell_index: int) -> Any:
        """Drop what a cell prints beyond a limit, so that endless output can't fill the memory."""
        if msg["msg_type"] == "stream":
            printed = self._printed.get(cell_index, 0) + len(msg["content"].get("text", ""))
            self._printed[cell_index] = printed
            if printed > PRINTED_LIMIT:
                return None
        return super().output(outs, msg, display_id, cell_index)


def _environment(folder: str) -> dict[str, str]:
    """The kernel's environment: one thread, and no accidental access to the learner's files."""
    settings = Path(folder) / ".ipython"
    settings.mkdir()
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return {
        **os.environ,
        **dict.fromkeys(threads, "1"),
        "SPEEDRUN_HOME": folder,
        "SPEEDRUN_GRADING": "1",
        "IPYTHONDIR": str(settings),
    }
