"""Each extra alone: what it promises runs with what it declares, and nothing else to import."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from helpers_grade import RIGHT, START, answered, save
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from autograder import course

PROJECT = "ml-speedrun"
# Read by every Python process at its start, kernels included.
BLOCKER = """
import sys
from importlib.machinery import PathFinder

BLOCKED = frozenset({blocked!r})


class Allowed(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in BLOCKED else super().find_spec(name, path, target)


sys.meta_path[:] = [Allowed if finder is PathFinder else finder for finder in sys.meta_path]
"""


def closure(extra: str) -> set[str]:
    """All distributions that installing the project with one extra (or "") brings."""
    found: set[str] = set()
    waiting = [(PROJECT, frozenset({extra}))]
    done = set()
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in done:
            continue
        done.add((name, extras))
        found.add(name)
        try:
            lines = requires(name) or []
        except PackageNotFoundError:  # for another system, or left out here
            continue
        for requirement in map(Requirement, lines):
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": e}) for e in extras | {""}):
                waiting.append((canonicalize_name(requirement.name), frozenset(requirement.extras)))
    return found


def outside(extra: str) -> set[str]:
    """The importable names that only other distributions bring, and that are not the tests' own."""
    allowed = closure(extra)
    return {
        name
        for name, distributions in packages_distributions().items()
        if not {canonicalize_name(d) for d in distributions} & allowed
    }


class Alone:
    """Runs Python where only one extra can be imported."""

    def __init__(self, extra: str, folder: Path) -> None:
        self.folder = folder
        site = folder / "site"
        site.mkdir()
        text = BLOCKER.format(blocked=sorted(outside(extra)))
        (site / "sitecustomize.py").write_text(text, encoding="utf-8")
        self.environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(site), str(course.root())]),
            "SPEEDRUN_HOME": str(folder / "home"),
            "JUPYTER_CONFIG_DIR": str(folder / "jupyter"),
            "IPYTHONDIR": str(folder / "ipython"),
        }

    def run(self, *arguments: str, fails: bool = False, cwd: Path | None = None) -> str:
        """`python ARGUMENTS`; what it said, both ways."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=cwd or self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        said = done.stdout + done.stderr
        assert (done.returncode != 0) == fails, said
        assert "Traceback" not in said, said
        return said


def test_what_is_blocked_is_what_an_extra_does_not_bring() -> None:
    assert {"nbgrader", "jupytext", "jinja2", "pytest", "distributed"} - outside("") <= {"jinja2"}
    assert "jupytext" in outside("lab") and "pytest" in outside("lab")
    assert not {"nbgrader", "jinja2", "psutil", "numpy"} & outside("lab")
    assert "nbgrader" in outside("cluster") and "distributed" not in outside("cluster")
    assert "jupytext" not in outside("dev")


def test_a_blocked_import_fails(tmp_path: Path) -> None:
    assert "No module named" in Alone("", tmp_path).run(
        "-c", "try:\n    import nbgrader\nexcept ImportError as e:\n    print(e)"
    )


def test_without_an_extra_checks_run_and_the_rest_says_what_it_needs(tmp_path: Path) -> None:
    alone = Alone("", tmp_path)
    code = "from autograder import check, status\ncheck.mean_square(lambda n: sum(n))\nstatus()"
    assert "Not right yet" in alone.run("-c", code)
    assert "of the 12 hours left" in alone.run("-m", "autograder.cli", "status")
    for verb in (["grade", START.id], ["sweep", "x.ipynb"]):
        said = alone.run("-m", "autograder.cli", *verb, fails=True)
        assert "[lab]" in said, said


@pytest.mark.slow
def test_the_lab_extra_grades_releases_and_reports(tmp_path: Path) -> None:
    alone = Alone("lab", tmp_path)
    path = save(answered(RIGHT), tmp_path, "right.ipynb")
    said = alone.run("-m", "autograder.cli", "grade", str(path), "--json")
    assert json.loads(said.splitlines()[-1])["verdict"] == "graded"
    alone.run("-m", "autograder.cli", "report", "--out", "page.html")
    assert (tmp_path / "page.html").is_file()
    root = tmp_path / "course"
    save_source(root)
    alone.run("-m", "nbgrader", "generate_assignment", START.id, cwd=root)
    assert (root / "curriculum" / START.id / f"{START.id}.ipynb").is_file()


def save_source(root: Path) -> None:
    """The part of a clone that nbgrader reads."""
    source = root / "solutions" / START.id
    source.mkdir(parents=True)
    (source / f"{START.id}.ipynb").write_bytes(START.source_path.read_bytes())
    config = course.root() / "nbgrader_config.py"
    (root / config.name).write_bytes(config.read_bytes())


def test_the_cluster_extra_brings_dask(tmp_path: Path) -> None:
    code = "from distributed import Client\nimport autograder.research.sweep\nprint(Client)"
    assert "Client" in Alone("cluster", tmp_path).run("-c", code)


@pytest.mark.slow
def test_the_dev_extra_builds(tmp_path: Path) -> None:
    said = Alone("dev", tmp_path).run("-m", "autograder.cli", "build", "--check", START.id)
    assert "1 of 1 modules are up to date." in said
