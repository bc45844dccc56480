"""Stock nbgrader commands, in a copy of the course, with the course's own nbgrader_config.py."""

from __future__ import annotations

import csv
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import nbformat
import pytest
from helpers_grade import (
    RIGHT,
    START,
    WRONG,
    answered,
    cell,
    position,
    release,
    save,
    solved,
)

from autograder import course
from autograder.grade import grade

pytestmark = pytest.mark.slow


@pytest.fixture
def classroom(tmp_path: Path) -> Path:
    """A course folder with what nbgrader needs of the repository, and no release yet."""
    root = tmp_path / "course"
    for module in course.written():
        shutil.copytree(module.source_path.parent, root / "solutions" / module.id)
    shutil.copy(course.root() / "nbgrader_config.py", root)
    return root


def nbgrader(folder: Path, *arguments: str) -> str:
    """Run a stock nbgrader command; what it said, both ways."""
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")]),
        "JUPYTER_CONFIG_DIR": str(folder / "jupyter"),
        "IPYTHONDIR": str(folder / "ipython"),
        "SPEEDRUN_HOME": str(folder / "home"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env=environment,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def git(folder: Path, *arguments: str) -> str:
    """Run git; what it said."""
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "core.autocrlf=false")
    done = subprocess.run(
        ["git", *who, *arguments], cwd=folder, capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh clone of the repository as it stands here, releases and all, running its own code."""
    origin, root = tmp_path / "origin", tmp_path / "clone"
    listed = git(course.root(), "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        if (course.root() / name).is_file():  # not one that was deleted and still is in the index
            (origin / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(course.root() / name, origin / name)
    git(origin, "init", "--quiet")
    git(origin, "add", "--all")
    git(origin, "commit", "--quiet", "--message", "The repository as it stands")
    git(tmp_path, "clone", "--quiet", str(origin), str(root))
    monkeypatch.setenv("PYTHONPATH", str(root))
    return root


def readme_commands() -> list[list[str]]:
    """The nbgrader commands that the README gives to instructors, word by word."""
    text = (course.root() / "README.md").read_text(encoding="utf-8")
    part = text.partition("## For instructors")[2].partition("\n## ")[0]
    lines = re.findall(r"^nbgrader (.+)$", part, re.MULTILINE)
    return [shlex.split(re.split(r"\s{2,}", line)[0]) for line in lines]


def scores(folder: Path) -> dict[tuple[str, str], float]:
    """What `nbgrader export` writes: the score by student and assignment."""
    nbgrader(folder, "export", "--to", "grades.csv")
    with (folder / "grades.csv").open(newline="", encoding="utf-8") as file:
        return {
            (row["student_id"], row["assignment"]): float(row["score"])
            for row in csv.DictReader(file)
        }


@pytest.mark.lasts(120)
def test_stock_nbgrader_gives_the_scores_of_speedrun_grade(classroom: Path, tmp_path: Path) -> None:
    edited = answered(WRONG)
    cell(edited, "check_mean_square").source = "pass"
    deleted = answered(RIGHT)
    del deleted.cells[position(deleted, "check_mean_square")]
    classes = {
        "right": answered("import warnings\nwarnings.warn('x')\n" + RIGHT),
        "wrong": edited,
        "untouched": release(),
        "killer": answered(RIGHT, before="import os\nos._exit(1)"),
        "repaired": deleted,
    }
    nbgrader(classroom, "generate_assignment", START.id)
    for student, notebook in classes.items():
        save(notebook, classroom / "submitted" / student / START.id)
    bom = classroom / "submitted" / "repaired" / START.id / f"{START.id}.ipynb"
    bom.write_bytes(b"\xef\xbb\xbf" + bom.read_bytes())
    nbgrader(classroom, "autograde", START.id)
    nbgrader(classroom, "generate_feedback", START.id)

    stock = {student: score for (student, _), score in scores(classroom).items()}
    ours = {}
    for student in classes:
        path = classroom / "submitted" / student / START.id / f"{START.id}.ipynb"
        (report,) = grade([path], tmp_path / student)
        ours[student] = report.score
    assert stock == ours
    assert ours == {"right": 1, "wrong": 0, "untouched": 0, "killer": 1, "repaired": 1}

    page = classroom / "feedback" / "wrong" / START.id / f"{START.id}.html"
    assert "This is the sum of the squares" in page.read_text(encoding="utf-8")
    marked = nbformat.read(
        classroom / "autograded" / "repaired" / START.id / f"{START.id}.ipynb", as_version=4
    )
    assert any("byte order mark" in note for note in marked.metadata["speedrun"]["notes"])


@pytest.mark.lasts(100)
@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git here")
def test_the_readmes_commands_work_in_a_fresh_clone_and_leave_it_clean(clone: Path) -> None:
    module = course.module("04_micrograd")
    commands = readme_commands()
    assert [words[0] for words in commands] == [
        "generate_assignment",
        "autograde",
        "generate_feedback",
        "export",
    ]
    assert (clone / "curriculum" / module.id / f"{module.id}.ipynb").is_file()
    expected = {("ada", module.id): module.points}
    save(solved(module), clone / "submitted" / "ada" / module.id, f"{module.id}.ipynb")
    for student in ("grace", "alan"):  # each time round, one more has handed in
        for words in commands:
            nbgrader(clone, *words)
            if words[0] == "generate_assignment":
                assert (clone / "gradebook.db").is_file()
                assert not git(clone, "status", "--porcelain")
                handed_in = clone / "submitted" / student / module.id
                save(release(module), handed_in, f"{module.id}.ipynb")
        expected[student, module.id] = 0
        assert (clone / "feedback" / student / module.id / f"{module.id}.html").is_file()
        with (clone / "grades.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        found = {(row["student_id"], row["assignment"]): float(row["score"]) for row in rows}
        assert found == expected
        assert not git(clone, "status", "--porcelain")


# Two quick modules and one that trains; the others by night.
BY_DAY = {"00_start_here", "02b_gradient_descent", "09_induction_heads"}
MODULES = [
    pytest.param(module, id=module.id, marks=[] if module.id in BY_DAY else pytest.mark.long)
    for module in course.written()
]


@pytest.mark.lasts(40)
@pytest.mark.parametrize("module", MODULES)
def test_the_release_is_nbgraders_own_and_solutions_get_full_marks(
    module: course.Module, classroom: Path
) -> None:
    nbgrader(classroom, "generate_assignment", module.id)
    released = classroom / "curriculum" / module.id / f"{module.id}.ipynb"
    assert released.read_bytes() == module.release_path.read_bytes()
    save(solved(module), classroom / "submitted" / "ada" / module.id, f"{module.id}.ipynb")
    nbgrader(classroom, "autograde", module.id)
    by_hand = sum(e.points for e in module.exercises if e.rubric)  # for a person to give
    assert scores(classroom)["ada", module.id] == module.points - by_hand


def test_stock_nbgrader_leaves_texts_to_a_person(classroom: Path) -> None:
    """In 08 with its texts and nothing else written, so that nothing trains."""
    module = course.module("08_paper_replication")
    texts = [exercise for exercise in module.exercises if exercise.rubric]
    notebook, answers = release(module), solved(module)
    for exercise in texts:
        cell(notebook, exercise.id).source = cell(answers, exercise.id).source
    nbgrader(classroom, "generate_assignment", module.id)
    save(notebook, classroom / "submitted" / "ada" / module.id, f"{module.id}.ipynb")
    nbgrader(classroom, "autograde", module.id)
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{classroom / 'gradebook.db'}") as opened:
        (marked,) = opened.assignment_submissions(module.id)
        (graded,) = marked.notebooks
        waiting = {grade.name for grade in graded.grades if grade.needs_manual_grade}
        score = marked.score
    assert waiting == {exercise.graded_cell for exercise in texts}
    assert score == 0


def test_a_notebook_of_another_course_is_graded_as_nbgrader_does(classroom: Path) -> None:
    from nbformat.v4 import new_code_cell, new_notebook

    meta = {"grade": True, "grade_id": "t", "locked": True, "points": 3, "schema_version": 3}
    test = new_code_cell(
        "assert x == 1", metadata={"nbgrader": {**meta, "solution": False, "task": False}}
    )
    meta = {"grade": False, "grade_id": "s", "locked": False, "schema_version": 3}
    answer = new_code_cell(
        "x = 1", metadata={"nbgrader": {**meta, "solution": True, "task": False}}
    )
    other = new_notebook(cells=[answer, test])
    save(other, classroom / "solutions" / "other", "other.ipynb")
    nbgrader(classroom, "generate_assignment", "other")
    save(other, classroom / "submitted" / "ada" / "other", "other.ipynb")
    nbgrader(classroom, "autograde", "other")
    assert scores(classroom)["ada", "other"] == 3


def test_validate_says_what_a_learner_would_get(tmp_path: Path) -> None:
    right = save(answered(RIGHT), tmp_path, "right.ipynb")
    wrong = save(answered(WRONG), tmp_path, "wrong.ipynb")
    assert "Success" in nbgrader(tmp_path, "validate", str(right))
    said = nbgrader(tmp_path, "validate", str(wrong))
    assert "VALIDATION FAILED" in said
    assert "This is the sum of the squares" in said
