"""Grading whole notebooks: scores, bad input, dead kernels, and a kill at any moment."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers_grade import RIGHT, START, answered, cell, position, release, save, solved
from rich.console import Console

from autograder import course
from autograder.core.exercise import Exercise
from autograder.core.judge import draw
from autograder.core.outcome import Outcome
from autograder.errors import SpeedrunError
from autograder.exercises import by_id, probe_of
from autograder.grade import Limits, Report, grade, gradebook, run
from autograder.grade.gate import rebuild
from autograder.grade.nbgrader_plugin import master_of
from autograder.grade.report import print_reports
from autograder.grade.testcell import Test as GradedTest
from autograder.grade.testcell import probe_name
from autograder.grade.verdict import result_of
from autograder.notebook import progress
from autograder.probes import observe

slow = pytest.mark.slow
QUICK = Limits(cell=5, notebook=600, test=2)


def rows(folder: Path) -> list[tuple[str, str, float]]:
    """Assignment, exercise and score of every grade in a gradebook."""
    from nbgrader.api import Gradebook

    path = gradebook.gradebook_path(folder)
    with Gradebook(f"sqlite:///{path}") as opened:
        return sorted(
            (grade.assignment.name, grade.name, grade.score)
            for assignment in opened.assignments
            for submission in assignment.submissions
            for notebook in submission.notebooks
            for grade in notebook.grades
        )


@pytest.fixture(scope="module")
def graded_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a right answer has been graded."""
    folder = tmp_path_factory.mktemp("graded")
    (report,) = grade([save(answered(RIGHT), folder)], folder)
    assert report.score == 1
    return folder


@pytest.fixture
def graded(graded_once: Path, tmp_path: Path) -> Path:
    """A copy of that folder, for one test."""
    return shutil.copytree(graded_once, tmp_path / "graded")


def judged(notebook: object, limits: Limits = QUICK) -> tuple[dict, str]:
    """The result of 00_start_here's exercise and the verdict, without gradebook."""
    ready = rebuild(notebook, master_of(START), START).notebook
    found = run(ready, START, limits)
    return cell(found, "check_mean_square").metadata["speedrun"], found.metadata["speedrun"][
        "verdict"
    ]


# What needs no kernel


def test_probes_know_nothing_of_references() -> None:
    code = (
        "import sys, pkgutil, importlib, autograder.probes as p\n"
        "for m in pkgutil.walk_packages(p.__path__, 'autograder.probes.'):\n"
        "    importlib.import_module(m.name)\n"
        "known = [m for m in sys.modules if m.startswith('autograder.') and 'probes' not in m]\n"
        "print(' '.join(sorted(known)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    core = ["autograder.core", "autograder.core.observation", "autograder.core.plain"]
    assert found.stdout.split() == core


@pytest.mark.parametrize("exercise", by_id().values(), ids=lambda exercise: exercise.id)
def test_every_probe_is_found_by_name(exercise: Exercise) -> None:
    assert probe_name(exercise).startswith("autograder.probes")


@pytest.mark.parametrize("exercise", by_id().values(), ids=lambda exercise: exercise.id)
def test_payloads_hold_cases_and_no_reference(exercise: Exercise) -> None:
    import base64

    test = GradedTest(exercise)
    payload = json.loads(base64.b64decode(test.source().split('"')[5]))
    assert set(payload) == {"exercise", "probe", "takes", "limit", "cases", "nonce"}
    assert test.seed != GradedTest(exercise).seed
    for mistake in exercise.mistakes:
        assert mistake.message not in json.dumps(payload)


def test_a_probe_elsewhere_is_refused() -> None:
    odd = dataclasses.replace(by_id()["mean_square"], probe=lambda case, answer: 1)
    with pytest.raises(SpeedrunError, match="autograder/probes"):
        probe_name(odd)


def test_rules_hold_under_a_magic_too() -> None:
    from autograder.core.exercise import Rule

    exercise = by_id()["mean_square"]
    strict = dataclasses.replace(exercise, rules=(Rule(call="np.mean", instead="add them up"),))
    for source in ("%timeit -n 1 np.mean(1)", "%%time\nnp.mean(1)", "x = np.mean(1)"):
        test = GradedTest(strict)
        answer = lambda numbers: sum(n * n for n in numbers) / len(numbers)  # noqa: E731
        test.observations = observe(
            probe_of(strict), strict.takes, (answer,), draw(strict, test.seed), 5
        )
        assert result_of(test, source, "stub", None).outcome is Outcome.WRONG


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "empty"), (b"{", "not JSON"), (b"[]", "no cells")]
)
def test_malformed_is_a_verdict_with_its_reason(
    content: bytes, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "broken.ipynb"
    path.write_bytes(content)
    reports = grade([path], tmp_path)
    assert [(r.verdict, r.score, r.exercises) for r in reports] == [("malformed", None, [])]
    assert print_reports(reports, as_json=True) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["verdict"] == "malformed"
    assert reason in printed.err
    assert print_reports(reports) == 1
    assert reason in capsys.readouterr().out
    assert not gradebook.gradebook_path(tmp_path).exists()


@pytest.mark.parametrize("target", ["no_such_module", "no/such/file.ipynb", "04_micrograd"])
def test_a_target_that_is_not_there_is_one_line(target: str, tmp_path: Path) -> None:
    with pytest.raises(SpeedrunError) as caught:
        grade([target], tmp_path)
    assert "\n" not in str(caught.value)


def test_a_module_without_exercises_has_nothing_to_grade(tmp_path: Path) -> None:
    module = course.module("11_next_steps")
    save(release(module), tmp_path / module.id, f"{module.id}.ipynb")
    with pytest.raises(SpeedrunError, match="Nothing in 11_next_steps is graded"):
        grade([module.id], tmp_path)


def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    item = {"id": "a", "outcome": "passed", "points": 1, "max_points": 1, "message": ""}
    report = Report(
        target="x", module="m", verdict="graded", score=1, max_score=1, exercises=[item]
    )
    assert print_reports([report, report], as_json=True) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert list(json.loads(lines[0])) == ["module", "verdict", "score", "max_score", "exercises"]


def test_people_get_a_table_with_the_score_and_what_waits_for_a_person(
    capsys: pytest.CaptureFixture[str],
) -> None:
    items = [
        {"id": "a", "outcome": "passed", "points": 1, "max_points": 1, "message": ""},
        {"id": "b", "outcome": "wrong", "points": 0, "max_points": 2, "message": "Not [twice]."},
        {"id": "c", "outcome": "noted", "points": 0, "max_points": 3, "message": "By a person."},
    ]
    report = Report(
        target="x.ipynb",
        module="m",
        verdict="needs_review",
        score=1,
        max_score=6,
        exercises=items,
        notes=["It began with a byte order mark: removed."],
        feedback=Path("page.html"),
    )
    assert print_reports([report], console=Console(width=100)) == 1
    said = capsys.readouterr().out
    assert [row in said for row in ("1 / 1", "0 / 2", "? / 3", "Not [twice].")] == [True] * 4
    *_, score, reason, note, feedback = said.splitlines()
    assert score == "Score so far: 1 of 6"
    assert reason.startswith("• needs_review: Some answers wait for a person")
    assert note == "• It began with a byte order mark: removed."
    assert feedback == "Feedback: page.html"


# Whole notebooks


SECONDS = {"07_build_gpt": 100, "08_paper_replication": 80, "10_grokking": 60}


@slow
@pytest.mark.parametrize(
    "module",
    [
        pytest.param(m, id=m.id, marks=pytest.mark.lasts(SECONDS.get(m.id, 20)))
        for m in course.graded()
    ],
)
def test_solutions_get_full_marks(module: course.Module, tmp_path: Path) -> None:
    save(solved(module), tmp_path / module.id, f"{module.id}.ipynb")
    (report,) = grade([module.id], tmp_path)
    by_hand = [e for e in module.exercises if e.rubric]
    points = module.points - sum(e.points for e in by_hand)
    fine = ("passed", "noted")
    assert [item["message"] for item in report.exercises if item["outcome"] not in fine] == []
    assert (report.verdict, report.score, report.max_score) == (
        "needs_review" if by_hand else "graded",
        points,
        module.points,
    )
    assert [item["id"] for item in report.exercises] == [e.id for e in module.exercises]
    assert len(report.notes) == bool(by_hand)
    assert rows(tmp_path) == sorted(
        (module.id, e.graded_cell, 0 if e.rubric else e.points) for e in module.exercises
    )
    page = report.feedback.read_text(encoding="utf-8")
    assert f"(Score: {points:.1f} / {module.points:.1f})" in page
    done = progress.load(tmp_path)["exercises"]
    assert all(done[e.id]["outcome"] == "passed" for e in module.exercises)


# By day the first, an engine, a training and texts; test_untouched runs every module's in a kernel.
UNTOUCHED = {"00_start_here", "04_micrograd", "07_build_gpt", "08_paper_replication"}


@slow
@pytest.mark.parametrize(
    "module",
    [
        pytest.param(m, id=m.id, marks=() if m.id in UNTOUCHED else pytest.mark.long)
        for m in course.graded()
    ],
)
def test_untouched_release_is_not_attempted_throughout(
    module: course.Module, tmp_path: Path
) -> None:
    save(release(module), tmp_path / module.id, f"{module.id}.ipynb")
    (report,) = grade([module.id], tmp_path)
    assert (report.verdict, report.score) == ("graded", 0)
    assert {item["outcome"] for item in report.exercises} == {"not attempted"}
    assert rows(tmp_path) == sorted((module.id, e.graded_cell, 0) for e in module.exercises)


@slow
@pytest.mark.parametrize(
    ("answer", "outcome", "said", "verdict"),
    [
        ("import os\nos._exit(3)", "raised", "ended the kernel", "crashed"),
        (RIGHT + "\nexit()", "raised", "calls exit", "crashed"),
        ("def mean_square(n):\n    import os\n    os._exit(0)", "raised", "ended", "crashed"),
        ("while True: pass", "timed out", "over 5 seconds", "graded"),
        ("import time\ntime.sleep(900)", "timed out", "it waits for", "graded"),
        ("def mean_square(n):\n    while True: pass", "timed out", "over 2 seconds", "graded"),
        ("raise SystemExit", "raised", "SystemExit", "graded"),
        ("def mean_square(n:\n  return 1", "raised", "SyntaxError", "graded"),
        ("mean_squared = 1", "raised", "`mean_square` is not defined", "graded"),
        ("del check\n" + RIGHT, "passed", "", "graded"),
    ],
)
def test_what_an_answer_may_do_to_the_kernel(
    answer: str, outcome: str, said: str, verdict: str
) -> None:
    found, got = judged(answered(answer))
    assert (found["outcome"], got) == (outcome, verdict)
    assert said in found["message"]
    assert found["points"] == (outcome == "passed")


@slow
def test_a_loop_that_swallows_interrupts_costs_only_itself() -> None:
    loop = "while True:\n    try:\n        while True: pass\n    except BaseException: pass"
    found, verdict = judged(answered(RIGHT, before=loop))
    assert (found["outcome"], verdict) == ("passed", "graded")


@slow
def test_a_dead_kernel_costs_the_cell_that_killed_it_and_not_the_others() -> None:
    killer = "import os, signal\nos._exit(1)"
    notebook = answered("K = 2\n" + RIGHT.replace("/ len", "* K / 2 / len"), before=killer)
    place = position(notebook, "mean_square")
    notebook.cells.insert(place, answered("", before="seen = []").cells[place - 1])
    found, verdict = judged(notebook)
    assert (found["outcome"], found["points"], verdict) == ("passed", 1, "crashed")


@slow
def test_a_notebook_that_keeps_dying_ends() -> None:
    notebook = answered(RIGHT)
    for _ in range(9):
        dying = answered("", before="import os; os._exit(1)")
        notebook.cells.insert(0, next(c for c in dying.cells if "os._exit(1)" in c.source))
    found, verdict = judged(notebook, Limits(cell=5, notebook=600))
    assert verdict == "crashed"
    assert found["points"] == 0


@slow
def test_the_time_for_a_whole_notebook_is_a_verdict() -> None:
    found, verdict = judged(
        answered(RIGHT, before="import time; time.sleep(30)"), Limits(cell=20, notebook=3)
    )
    assert (found["points"], verdict) == (0, "timeout")


@slow
def test_warnings_prints_and_numbers_cost_an_honest_answer_nothing() -> None:
    noisy = (
        "import sys, warnings\n"
        + RIGHT.replace(
            "    return",
            "    print('x', file=sys.stderr)\n"
            "    warnings.warn('old')\n    print(float('nan'))\n    return",
        )
        + "\nwarnings.warn('again')\nprint('x', file=sys.stderr)"
    )
    assert judged(answered(noisy))[0]["outcome"] == "passed"


@slow
def test_repairs_are_graded_and_noted(tmp_path: Path) -> None:
    notebook = answered(RIGHT)
    del notebook.cells[position(notebook, "check_mean_square")]
    path = save(notebook, tmp_path, "my copy.ipynb")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    (report,) = grade([path], tmp_path)
    assert (report.module, report.verdict, report.score) == ("00_start_here", "graded", 1)
    assert [note.split(":")[0] for note in report.notes] == [
        "It began with a byte order mark",
        "The test cell of `mean_square` was missing",
    ]


@slow
def test_a_damaged_gradebook_is_kept_aside(tmp_path: Path) -> None:
    path = gradebook.gradebook_path(tmp_path)
    path.parent.mkdir()
    path.write_bytes(b"no database" * 500)
    (report,) = grade([save(answered(RIGHT), tmp_path)], tmp_path)
    assert report.score == 1 and "kept as gradebook.damaged" in report.notes[0]
    (aside,) = path.parent.glob("gradebook.damaged-*.db")
    assert aside.read_bytes() == b"no database" * 500
    assert rows(tmp_path) == [("00_start_here", "check_mean_square", 1)]


@slow
def test_rows_survive_a_course_whose_cells_changed(graded: Path) -> None:
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{gradebook.gradebook_path(graded)}") as opened:
        opened.add_source_cell(
            "retired", "00_start_here", "00_start_here", cell_type="code", source="", checksum=""
        )
    grade([graded / "00_start_here.ipynb"], graded)
    names = [name for name, _, score in rows(graded) if score == 1]
    assert names[0] == "00_start_here" and names[1].startswith("00_start_here_until_")


MOMENTS = {
    "while the notebook runs": "autograder.grade.execute.ExecuteTests._run",
    "before nbgrader writes": "autograder.grade.gradebook._with_nbgrader",
    "while nbgrader writes": "nbgrader.preprocessors.SaveAutoGrades._add_score",
    "before the gradebook is replaced": "pathlib.Path.replace",
    "before the feedback is written": "autograder.grade.gradebook.feedback_path",
    "before the progress is written": "autograder.notebook.progress.note_grade",
}
KILLED = """
import importlib, os, sys
from pathlib import Path
from autograder.grade import grade
import autograder.grade.execute, autograder.grade.gradebook, nbgrader.preprocessors
owner, _, name = sys.argv[3].rpartition(".")
module, _, last = owner.rpartition(".")
try:
    target = importlib.import_module(owner)
except ImportError:
    target = getattr(importlib.import_module(module), last)
setattr(target, name, lambda *a, **k: os._exit(77))
grade([sys.argv[1]], Path(sys.argv[2]))
"""


# By day one moment for each file that a grade writes, and the kill from outside while cells run.
BY_NIGHT = {"while the notebook runs", "before nbgrader writes"}


@slow
@pytest.mark.parametrize(
    "moment",
    [pytest.param(m, marks=pytest.mark.long if m in BY_NIGHT else ()) for m in MOMENTS],
)
def test_a_kill_at_any_moment_loses_nothing(moment: str, graded: Path) -> None:
    path = save(answered("def mean_square(numbers):\n    return 0"), graded)
    child = subprocess.run(
        [sys.executable, "-c", KILLED, str(path), str(graded), MOMENTS[moment]],
        capture_output=True,
        text=True,
    )
    assert child.returncode == 77, child.stderr
    ((_, _, score),) = rows(graded)
    assert score == (0 if moment in list(MOMENTS)[4:] else 1)
    with contextlib.closing(sqlite3.connect(gradebook.gradebook_path(graded))) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert progress.load(graded)["exercises"]["mean_square"]["outcome"] == "passed"
    (again,) = grade([path], graded)
    assert (again.verdict, again.score) == ("graded", 0)
    assert rows(graded)[0][2] == 0


@slow
@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_a_kill_from_outside_loses_nothing(graded: Path) -> None:
    before = rows(graded)
    waiting = graded / "waiting"
    waits = f"import pathlib, time\npathlib.Path({str(waiting)!r}).touch()\ntime.sleep(60)"
    path = save(answered(RIGHT, before=waits), graded)
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path), str(graded), "os.no_such_name"],
        start_new_session=True,
    )
    give_up = time.monotonic() + 120
    while not waiting.exists():
        assert child.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < give_up
        time.sleep(0.1)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    assert rows(graded) == before
    assert progress.load(graded)["exercises"]["mean_square"]["graded"]["points"] == 1


def test_what_only_the_judge_may_know_stays_out_of_the_kernel() -> None:
    import base64
    import json

    from autograder.exercises import by_id
    from autograder.grade.testcell import Test

    test = Test(by_id()["train"])
    payload = json.loads(base64.b64decode(test.source().split('"')[5]))
    assert "points" in payload["cases"][0]["value"]
    assert "_labels" in test.cases[0] and "_labels" not in payload["cases"][0]["value"]
