"""Run a released notebook as nobody has touched it, and say what is not as it should be.

No cell may fail, every check has to say that its answer isn't written yet, and no process may be
started: there is nothing yet that could be worth one.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from nbclient.exceptions import CellExecutionError

from autograder import course
from autograder.local_kernel import LocalClient

# What the kernel starts after this cell ends up in a list. `multiprocessing` raises no audit event.
WATCH = """\
import multiprocessing.process, os, sys
import matplotlib.font_manager  # on a new machine it asks a program for the fonts
_started, _begun = [], multiprocessing.process.BaseProcess.start
def _noticed(event, details, _mine=os.getpid()):
    kinds = ("subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system")
    if event in kinds and os.getpid() == _mine:
        _started.append(f"{event} {details}"[:200])
def _start(process):
    _started.append(repr(process)[:200])
    _begun(process)
multiprocessing.process.BaseProcess.start = _start
sys.addaudithook(_noticed)
"""
TELL = "import json; print(json.dumps(_started))"


class Failed(Exception):
    """What does not hold, in a line."""


@dataclass(frozen=True)
class Seen:
    """An untouched notebook that ran to its end."""

    code_cells: int
    checks: dict[str, str]  # what each check said, by the id of its cell
    left: tuple[str, ...]  # the files that it left beside it
    processes: tuple[str, ...]  # those that it started


def run_untouched(python: Path | str, notebook: Path, folder: Path) -> Seen:
    """Run a notebook in this interpreter's kernel, in a folder that holds nothing else.

    Raises `Failed` where a cell fails.
    """
    kernels, home = folder / "kernels", folder / "content"
    (kernels / "untouched").mkdir(parents=True)
    home.mkdir()
    command = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": command, "display_name": "Untouched", "language": "python"}
    (kernels / "untouched" / "kernel.json").write_text(json.dumps(spec))
    shutil.copy(notebook, home)
    ran = nbformat.read(home / notebook.name, as_version=4)
    before, after = nbformat.v4.new_code_cell(WATCH), nbformat.v4.new_code_cell(TELL)
    own = list(ran.cells)
    ran.cells = [before, *own, after]
    client = LocalClient(
        ran,
        timeout=600,
        kernel_name="untouched",
        resources={"metadata": {"path": str(home)}},
    )
    client.create_kernel_manager()
    client.km.kernel_spec_manager = KernelSpecManager(kernel_dirs=[str(kernels)])
    hidden = ("SPEEDRUN_HOME", "SPEEDRUN_BUILD", "SPEEDRUN_GRADING", "NBGRADER_EXECUTION")
    try:
        client.execute(env={k: v for k, v in os.environ.items() if k not in hidden})
    except CellExecutionError as error:
        raise Failed(f"a cell of {notebook.name} failed:\n{error}") from None
    return Seen(
        code_cells=sum(cell.cell_type == "code" for cell in own),
        checks={
            cell.metadata.nbgrader.grade_id: said(cell)
            for cell in own
            if cell.metadata.get("nbgrader", {}).get("grade_id", "").startswith("check_")
        },
        left=tuple(sorted(path.name for path in home.iterdir() if path.name != notebook.name)),
        processes=tuple(json.loads(after.outputs[0].text)),
    )


def said(cell: nbformat.NotebookNode) -> str:
    """The plain text of what a cell displayed."""
    return "".join(out.get("data", {}).get("text/plain", "") for out in cell.outputs)


def is_open(text: str) -> bool:
    """Whether a check's text says that its answer, or one that it builds on, isn't written yet."""
    return text.startswith("○ Not attempted") or (
        text.startswith("! It raised an error") and "is still unwritten" in text
    )


def complaints(module: course.Module, seen: Seen) -> list[str]:
    """What is not as it should be after an untouched notebook has run, a line each."""
    found = [f"started: {process}" for process in seen.processes]
    expected = [exercise.check_id for exercise in module.exercises]
    found += [f"no cell: {name}" for name in expected if name not in seen.checks]
    found += [f"not declared: {name}" for name in seen.checks if name not in expected]
    found += [f"{name}: {text[:200]}" for name, text in seen.checks.items() if not is_open(text)]
    return found
