"""Show that the course leaves Colab whole, and that a notebook runs there alone.

    python tests/colab_check.py PYTHON FREEZE [MODULE]

PYTHON is the interpreter of an environment with Colab's versions, FREEZE its `pip freeze` (lines
``name==version``), MODULE a module's id (default 00_start_here). Run it from an environment with
the `dev` extra; it needs git. What it does:

1. a clean clone of this repository is installed into PYTHON's environment with pip;
2. `pip freeze` before and after differ by ml-speedrun alone, and no version that FREEZE names and
   the environment had has changed;
3. the released notebook is copied alone into an empty folder and run from top to bottom in
   PYTHON's kernel: no cell fails, and every check says "not attempted";
4. the package is uninstalled again.

It exits 0 where all of this holds, 1 where something does not, 2 on wrong usage.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "ml-speedrun"


class Failed(Exception):
    """What does not hold, in a line."""


def run(*command: str | Path, folder: Path | None = None) -> str:
    """Run a command and return what it prints; `Failed` with its last lines where it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-8:]
        raise Failed(f"{' '.join(words)} failed:\n" + "\n".join(last))
    return done.stdout


def versions(text: str) -> dict[str, str]:
    """`pip freeze`'s lines as versions (or addresses), by name."""
    found = {}
    for line in text.splitlines():
        named = re.match(r"([\w.-]+)\s*(?:==|@)\s*(\S+)", line)
        if named:
            found[re.sub(r"[-_.]+", "-", named[1]).lower()] = named[2]
    return found


def installed(python: Path) -> dict[str, str]:
    """The versions in an environment."""
    return versions(run(python, "-m", "pip", "freeze"))


def check_versions(before: dict[str, str], after: dict[str, str], colab: dict[str, str]) -> None:
    """Raise `Failed` where the installation changed more than it may."""
    changed = sorted(
        name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
    )
    if changed != [PACKAGE]:
        shown = ", ".join(f"{n} {before.get(n)} -> {after.get(n)}" for n in changed)
        raise Failed(f"pip freeze differs by more than {PACKAGE}: {shown}")
    wrong = [name for name in after if name in colab and after[name] != colab[name]]
    if wrong:
        print(f"  not at Colab's version already before: {', '.join(wrong)}")


def run_alone(python: Path, notebook: Path, folder: Path) -> None:
    """Run a notebook in the environment's kernel, in a folder that holds nothing else."""
    import nbformat
    from jupyter_client.kernelspec import KernelSpecManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    kernels, home = folder / "kernels", folder / "content"
    (kernels / "colab").mkdir(parents=True)
    home.mkdir()
    command = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": command, "display_name": "Colab", "language": "python"}
    (kernels / "colab" / "kernel.json").write_text(json.dumps(spec))
    shutil.copy(notebook, home)
    for name in ("PYTHONPATH", "SPEEDRUN_HOME", "NBGRADER_EXECUTION"):
        os.environ.pop(name, None)
    client = NotebookClient(
        nbformat.read(home / notebook.name, as_version=4),
        timeout=600,
        kernel_name="colab",
        resources={"metadata": {"path": str(home)}},
    )
    client.create_kernel_manager()
    client.km.kernel_spec_manager = KernelSpecManager(kernel_dirs=[str(kernels)])
    try:
        client.execute()
    except CellExecutionError as error:
        raise Failed(f"a cell of {notebook.name} failed:\n{error}") from None
    unlike = []
    tests = 0
    for cell in client.nb.cells:
        if not cell.metadata.get("nbgrader", {}).get("grade"):
            continue
        tests += 1
        shown = "".join(out.get("data", {}).get("text/plain", "") for out in cell.outputs)
        if "Not attempted" not in shown:
            unlike.append(f"{cell.metadata.nbgrader.grade_id}: {shown[:200]}")
    if unlike or not tests:
        raise Failed("checks that do not say 'not attempted':\n" + "\n".join(unlike))
    cells = sum(cell.cell_type == "code" for cell in client.nb.cells)
    left = sorted(path.name for path in home.iterdir() if path.name != notebook.name)
    print(f"  {cells} code cells ran, {tests} checks say 'not attempted'; beside it: {left}")


def main(arguments: list[str]) -> int:
    """Do what the module's text says."""
    if len(arguments) not in (2, 3):
        print("usage: python tests/colab_check.py PYTHON FREEZE [MODULE]", file=sys.stderr)
        return 2
    python, freeze = Path(arguments[0]).absolute(), Path(arguments[1])
    module = arguments[2] if len(arguments) == 3 else "00_start_here"
    notebook = ROOT / "curriculum" / module / f"{module}.ipynb"
    for path in (python, freeze, notebook):
        if not path.is_file():
            print(f"There is no file {path}.", file=sys.stderr)
            return 2
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name).resolve()
            run("git", "clone", "--quiet", "--no-hardlinks", ROOT, folder / "clone")
            run(python, "-m", "pip", "uninstall", "--quiet", "--yes", PACKAGE)
            before = installed(python)
            print(f"{len(before)} packages before")
            try:
                run(python, "-m", "pip", "install", "--quiet", folder / "clone")
                check_versions(before, installed(python), versions(freeze.read_text()))
                print(f"  pip changed nothing but {PACKAGE}")
                run_alone(python, notebook, folder)
            finally:
                run(python, "-m", "pip", "uninstall", "--quiet", "--yes", PACKAGE)
    except Failed as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
