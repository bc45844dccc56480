"""Execute a source notebook from top to bottom, in an empty folder, and keep its outputs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from autograder.errors import SpeedrunError


def execute(notebook: NotebookNode, name: str, timeout: int = 300) -> NotebookNode:
    """Run every cell in a fresh kernel; a `SpeedrunError` names the first cell that fails.

    As under nbgrader, a check raises unless it passes: a wrong solution is never built.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        _environment(SPEEDRUN_HOME=folder, NBGRADER_EXECUTION="build"),
    ):
        client = NotebookClient(
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
    notebook.metadata.language_info = {"name": "python"}
    return notebook


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
