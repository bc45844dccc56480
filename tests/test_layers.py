"""The layers of the package bite, and a graded kernel needs only the part that is meant for it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from autograder import course
from autograder.exercises import by_id
from autograder.grade.testcell import probe_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "pyproject.toml"
CONTRACTS = {
    contract["id"]: contract
    for contract in tomllib.loads(PROJECT.read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
}
SKIPPED = shutil.ignore_patterns("__pycache__")

# --- The contracts -------------------------------------------------------------------------------

WRONG = {  # by contract: a file, a line that does not belong there, and what is said of it
    "layers": (
        "core/plain.py",
        "from autograder.exercises import by_id",
        "autograder.core is not allowed to import autograder.exercises: "
        "- autograder.core.plain -> autograder.exercises",
    ),
    "no-cycle": (
        "exercises/__init__.py",
        "def late():\n    from autograder import course",
        "- .exercises -> .course (1 import)",
    ),
    "core-is-pure": (
        "core/rules.py",
        "import time",
        "- autograder.core.rules -> time",
    ),
    "probes-know-no-answers": (
        "probes/texts.py",
        "from autograder.core.rules import broken",
        "- autograder.probes.texts -> autograder.core.rules",
    ),
    "graded-kernel": (
        "notebook/cards.py",
        "from autograder.core.judge import draw",
        "- autograder.notebook.cards -> autograder.core.judge",
    ),
}


def lint(folder: Path, contract: str) -> subprocess.CompletedProcess[str]:
    """Hold the package in `folder` to one contract."""
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", code, "--no-logo", "--no-cache", "--contract", contract],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200", "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def test_every_contract_is_tried() -> None:
    assert set(WRONG) == set(CONTRACTS)


@pytest.mark.parametrize("contract", WRONG)
def test_an_import_against_a_contract_is_named(contract: str, tmp_path: Path) -> None:
    pytest.importorskip("importlinter")
    shutil.copytree(ROOT / "autograder", tmp_path / "autograder", ignore=SKIPPED)
    shutil.copy(PROJECT, tmp_path)
    name, line, told = WRONG[contract]
    path = tmp_path / "autograder" / name
    path.write_text(f"{path.read_text(encoding='utf-8')}\n\n{line}\n", encoding="utf-8")
    done = lint(tmp_path, contract)
    said = " ".join(done.stdout.split())
    assert done.returncode == 1, said + done.stderr
    assert f"{CONTRACTS[contract]['name']} BROKEN" in said
    assert told in said


# --- A graded kernel -----------------------------------------------------------------------------

KERNEL = """
import importlib, importlib.util, json, sys
from IPython.core.interactiveshell import InteractiveShell

asked = json.load(sys.stdin)
shell = InteractiveShell.instance()
failed = []
for module, cells in asked["cells"].items():
    shell.reset(new_session=False)
    print("-----", module)
    for source in cells:
        done = shell.run_cell(source, silent=True)
        error = done.error_before_exec or done.error_in_exec
        if error is not None:
            failed.append([module, source, repr(error)])
from autograder.probes.run.emit import resolve

for name in asked["probes"]:
    resolve(name)
absent = [name for name in asked["absent"] if importlib.util.find_spec(name) is None]
told = {"file": sys.modules["autograder"].__file__, "failed": failed, "absent": absent}
print("=====", json.dumps(told))
"""
ABSENT = (
    "autograder.core.exercise",
    "autograder.core.judge",
    "autograder.core.rubric",
    "autograder.course",
    "autograder.exercises",
    "autograder.grade",
    "autograder.learner",
    "autograder.build",
    "autograder.notebook.checks",
    "autograder._course",
)
CALLS = """
print("----- calls")
status()
status("04_micrograd")
check.mean_square(lambda numbers: 1)
hint("mean_square")
solution.mean_square()
assert dir(check) == [], dir(check)
from autograder import needs
with needs("rank", "relu"):
    raise NotImplementedError
with needs("rank"):
    1 / 0
"""


def copy_for_a_graded_kernel(folder: Path) -> None:
    """Copy the files that the contract "graded-kernel" lists, and nothing else of the package."""
    for name in CONTRACTS["graded-kernel"]["source_modules"]:
        path = ROOT.joinpath(*name.removesuffix(".**").split("."))
        if name.endswith(".**"):
            target = folder / path.relative_to(ROOT)
            shutil.copytree(path, target, dirs_exist_ok=True, ignore=SKIPPED)
            continue
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        (folder / file.relative_to(ROOT)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, folder / file.relative_to(ROOT))


def code_cells(module: course.Module) -> list[str]:
    """The sources of a release's code cells."""
    cells = json.loads(module.release_path.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def test_a_cell_of_each_kind_is_there_to_be_run() -> None:
    sources = {module.id: code_cells(module) for module in course.written()}
    assert all("import check, hint, solution, status" in cells[0] for cells in sources.values())
    assert sum("with needs(" in cell for cells in sources.values() for cell in cells) > 50


@pytest.mark.slow
def test_every_notebook_runs_where_nothing_judges(tmp_path: Path) -> None:
    pytest.importorskip("IPython")
    copy_for_a_graded_kernel(tmp_path / "package")
    home = tmp_path / "home"
    home.mkdir()
    cells = {module.id: [*code_cells(module), CALLS] for module in course.written()}
    probes = sorted({probe_name(exercise) for exercise in by_id().values()})
    hidden = ("SPEEDRUN_BUILD", "NBGRADER_EXECUTION")
    done = subprocess.run(
        [sys.executable, "-c", KERNEL],
        input=json.dumps({"cells": cells, "probes": probes, "absent": ABSENT}),
        cwd=home,
        env={
            **{name: value for name, value in os.environ.items() if name not in hidden},
            "PYTHONPATH": str(tmp_path / "package"),
            "PYTHONUTF8": "1",
            "SPEEDRUN_GRADING": "1",
            "SPEEDRUN_HOME": str(home),
            "IPYTHONDIR": str(tmp_path / "ipython"),
        },
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    said, _, told = done.stdout.rpartition("===== ")
    found = json.loads(told)
    assert found["file"] == str(tmp_path / "package" / "autograder" / "__init__.py")
    assert found["absent"] == list(ABSENT)
    assert found["failed"] == []
    called = [part.splitlines()[1:] for part in said.split("----- ") if part.startswith("calls\n")]
    assert len(called) == len(cells)
    for lines in called:
        for name in ("check", "hint", "solution", "status"):
            where = lines.index(f"! Can't do that · {name}")
            assert lines[where + 1].startswith("The exercises are not in this kernel"), lines
        assert "This cell builds on `rank` and `relu`. Pass the checks, then run it again." in lines
        assert "It raised ZeroDivisionError: division by zero" in lines
        assert not [line for line in lines if "Traceback" in line]
