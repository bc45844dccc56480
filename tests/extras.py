"""Run what each extra of the package is for.

    python tests/extras.py lab

in an environment that has this extra and no other ("none": the package alone). The suite runs the
same with everything hidden that the extra doesn't bring; the nightly workflow, in environments of
their own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULE = "00_start_here"

CHECK = """
from autograder import check, hint, status
check.mean_square(lambda numbers: sum(n * n for n in numbers) / len(numbers))
hint("mean_square")
status()
"""
EVERY_MODULE = """
import importlib, pkgutil, autograder
found = [m.name for m in pkgutil.walk_packages(autograder.__path__, "autograder.")]
for name in found:
    if not name.endswith("__main__") and "._course" not in name:
        importlib.import_module(name)
print(f"{len(found)} modules")
"""
CLUSTER = """
from distributed import Client, LocalCluster
import autograder.research.sweep
if __name__ == "__main__":
    with LocalCluster(n_workers=1, processes=False, dashboard_address=None) as cluster:
        with Client(cluster) as client:
            print("a worker says", client.submit(sum, [1, 2]).result())
"""


def run(folder: Path, *words: str, code: int = 0) -> str:
    """Run a Python command in the folder; what it said, both ways."""
    environment = {
        **os.environ,
        "SPEEDRUN_HOME": str(folder / "home"),
        "JUPYTER_CONFIG_DIR": str(folder / "jupyter"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "IPYTHONDIR": str(folder / "ipython"),
        "PYTHONIOENCODING": "utf-8",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment,
        timeout=600,
    )
    said = done.stdout + done.stderr
    assert done.returncode == code, f"{' '.join(words)} ended with {done.returncode}:\n{said}"
    return said


def speedrun(folder: Path, *words: str, code: int = 0) -> str:
    """Run the command ``speedrun``."""
    return run(folder, "-m", "autograder.cli", *words, code=code)


def none(folder: Path) -> None:
    """The package alone: checks in any kernel, and the verbs that need no Jupyter."""
    assert "Passed" in run(folder, "-c", CHECK)
    assert "1 of 1" in speedrun(folder, "status")
    assert "def mean_square" in speedrun(folder, "solution", "mean_square")
    assert "page.html" in speedrun(folder, "report", "--out", "page.html")
    assert 'pip install "ml-speedrun[lab]"' in speedrun(folder, "grade", "0", code=1)


def lab(folder: Path) -> None:
    """Learners and instructors: JupyterLab, `speedrun grade`, nbgrader in a copy of the course."""
    run(folder, "-c", EVERY_MODULE)
    assert "http://" in speedrun(folder, "lab", "--headless", "--exit-when-ready")
    assert "nothing to do" in speedrun(folder, "reset", "0")
    assert '"verdict": "graded"' in speedrun(folder, "grade", "0", "--json")
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    for part in ("solutions", "curriculum"):
        shutil.copytree(ROOT / part / MODULE, folder / part / MODULE)
    run(folder, "-m", "nbgrader", "generate_assignment", MODULE)
    shutil.copytree(folder / "home" / MODULE, folder / "submitted" / "ada" / MODULE)
    run(folder, "-m", "nbgrader", "autograde", MODULE)
    assert (folder / "autograded" / "ada" / MODULE / f"{MODULE}.ipynb").is_file()


def cluster(folder: Path) -> None:
    """Sweeps on a Dask cluster."""
    (folder / "cluster.py").write_text(CLUSTER, encoding="utf-8")
    assert "a worker says 3" in run(folder, "cluster.py")


EXTRAS = {"none": none, "lab": lab, "cluster": cluster}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as empty:
        EXTRAS[sys.argv[1]](Path(empty).resolve())
    print(f"{sys.argv[1]}: all of it works")
