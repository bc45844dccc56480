"""Execute a source notebook from top to bottom, in an empty folder, and keep its outputs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from autograder.core.outcome import Outcome
from autograder.errors import SpeedrunError
from autograder.local_kernel import LocalClient
from autograder.notebook.cards import MARKS, WORDS

WIDGET = "application/vnd.jupyter.widget-view+json"


def execute(notebook: NotebookNode, name: str, timeout: int = 300) -> NotebookNode:
    """Run every cell in a fresh kernel; a `SpeedrunError` names the first one that fails.

    A solution that doesn't pass its check is a failure too: a wrong solution is never built.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        _environment(SPEEDRUN_HOME=folder, SPEEDRUN_BUILD="1"),
    ):
        client = LocalClient(
            notebook,
            timeout=timeout,
            kernel_name="python3",
            resources={"metadata": {"path": folder}},
            record_timing=False,
        )
        try:
            client.execute()
        except CellExecutionError as error:
            raise SpeedrunError(f"{name}: a cell of the solution failed.\n{error}") from None
    for cell in notebook.cells:
        if cell.cell_type == "code":  # without a kernel, a slider shows nothing
            cell.outputs = [out for out in cell.outputs if WIDGET not in out.get("data", {})]
        if cell.metadata.get("nbgrader", {}).get("grade_id", "").startswith("check_"):
            _must_pass(cell, name)
    notebook.metadata.language_info = {"name": "python"}
    notebook.metadata.pop("widgets", None)
    return notebook


def _must_pass(cell: NotebookNode, name: str) -> None:
    said = "\n".join(output.get("data", {}).get("text/plain", "") for output in cell.outputs)
    done = tuple(f"{MARKS[o]} {WORDS[o]}" for o in (Outcome.PASSED, Outcome.NOTED))
    if not said.startswith(done):
        raise SpeedrunError(f"{name}: {cell.source} does not pass its solution.\n{said}")


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {key: os.environ.get(key) for key in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
