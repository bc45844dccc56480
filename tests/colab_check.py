"""Show that the course leaves Colab whole, and that a notebook runs there alone.

    python tests/colab_check.py PYTHON FREEZE [MODULE]

PYTHON is the interpreter of an environment with Colab's versions, FREEZE its `pip freeze` (lines
``name==version``), MODULE a module's id (default 00_start_here). Run it from an environment with
the `dev` extra; it needs git. What it does:

1. a clean clone of this repository is installed into PYTHON's environment with pip;
2. `pip freeze` before and after differ by ml-speedrun alone, and no version that FREEZE names and
   the environment had has changed;
3. the released notebook is copied alone into an empty folder and run from top to bottom in
   PYTHON's kernel: no cell fails, every check says that its answer isn't written yet, and no
   process is started (`tests/untouched.py`; `make test` does this part for all modules);
4. the package is uninstalled again.

It exits 0 where all of this holds, 1 where something does not, 2 on wrong usage.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from untouched import Failed, complaints, run_untouched

from autograder import course
from autograder.errors import SpeedrunError

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "ml-speedrun"


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


def run_alone(python: Path, module: course.Module, folder: Path) -> None:
    """Run a released notebook in the environment's kernel, alone; `Failed` says what is amiss."""
    os.environ.pop("PYTHONPATH", None)
    seen = run_untouched(python, module.release_path, folder)
    amiss = complaints(module, seen)
    if amiss:
        raise Failed(f"{module.id} is not as it should be:\n" + "\n".join(amiss))
    print(
        f"  {seen.code_cells} code cells ran, {len(seen.checks)} checks say that nothing is "
        f"written, no process was started; beside it: {list(seen.left)}"
    )


def main(arguments: list[str]) -> int:
    """Do what the module's text says."""
    if len(arguments) not in (2, 3):
        print("usage: python tests/colab_check.py PYTHON FREEZE [MODULE]", file=sys.stderr)
        return 2
    python, freeze = Path(arguments[0]).absolute(), Path(arguments[1])
    try:
        module = course.module(arguments[2] if len(arguments) == 3 else "00_start_here")
    except SpeedrunError as error:
        print(error, file=sys.stderr)
        return 2
    for path in (python, freeze, module.release_path):
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
                run_alone(python, module, folder)
            finally:
                run(python, "-m", "pip", "uninstall", "--quiet", "--yes", PACKAGE)
    except Failed as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
