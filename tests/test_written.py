"""Written answers: a check of the form, a rubric for a person, and nothing lost on the way."""

from __future__ import annotations

from pathlib import Path

import nbformat
import play
import pytest
from helpers_grade import cell, release, save, solved

import autograder
from autograder import course
from autograder.build.text import source_notebook
from autograder.core.exercise import Criterion
from autograder.core.judge import INSTANT_SEED, draw
from autograder.core.outcome import Outcome
from autograder.core.rubric import reflowed, rubric_text, written
from autograder.exercises import by_id
from autograder.grade import grade
from autograder.notebook import progress
from autograder.notebook.grader_card import grader_card

MODULE = course.module("08_paper_replication")
LONG = "A sentence with a number, 5, in it, and so on and on. " * 12
TEXTS = [e for e in by_id().values() if e.rubric and list(e.takes) == [e.id]]


def outcome_of(exercise, *answers):
    return play.judged(exercise, answers, draw(exercise, INSTANT_SEED))


def test_there_are_texts_to_grade() -> None:
    assert len(TEXTS) >= 8
    assert all(len(e.rubric) >= 2 for e in TEXTS)


@pytest.mark.parametrize("exercise", TEXTS, ids=lambda e: e.id)
def test_only_the_form_is_checked(exercise) -> None:
    for empty in ("", "\n\n", "\nWrite here.\n", ...):
        assert outcome_of(exercise, empty).outcome is Outcome.NOT_ATTEMPTED, empty
    assert outcome_of(exercise, 5).outcome is Outcome.WRONG
    assert outcome_of(exercise, "Too short.").mistake.endswith("_short")
    assert outcome_of(exercise, LONG * 9).mistake.endswith("_long")


def test_lines_and_numbers_are_asked_for() -> None:
    text = "\n".join(
        f"Line {i} of five, which says something about what was found, with a number."
        for i in range(5)
    )
    assert outcome_of(by_id()["abstract"], text).passed
    assert outcome_of(by_id()["abstract"], text + "\nA sixth.").mistake == "abstract_lines"
    without = "".join(c for c in text if not c.isdigit())
    assert outcome_of(by_id()["abstract"], without).mistake == "abstract_number"


def test_a_text_is_noted_and_then_shows_what_a_reader_noticed(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exercise = by_id()["read_claim"]
    noticed = exercise.keep({}, LONG, progress.now()).message
    autograder.check.read_claim("\nWrite here.\n")
    assert noticed[:40] not in capsys.readouterr().out
    autograder.check.read_claim(LONG)
    said = capsys.readouterr().out
    assert said.startswith("→ Noted")
    assert noticed in said
    assert "up to 4 points" in said
    stored = progress.load(home)
    assert stored["written"]["read_claim"]["text"] == LONG.strip()
    assert stored["exercises"]["read_claim"]["outcome"] == "passed"  # done, as far as they can


def test_the_rubric_is_there_beforehand_and_adds_up() -> None:
    notebook = release(MODULE)
    for exercise in (e for e in MODULE.exercises if e.rubric):
        place = notebook.cells.index(cell(notebook, exercise.id))
        assert rubric_text(exercise) in notebook.cells[place - 1].source, exercise.id
        metadata = cell(notebook, exercise.id).metadata["nbgrader"]
        assert (metadata["grade"], metadata["points"]) == (True, exercise.points)
        assert not cell(notebook, exercise.check_id).metadata["nbgrader"]["grade"]
        assert "Write here." in cell(notebook, exercise.id).source


def test_a_rubric_that_does_not_add_up_is_refused() -> None:
    with pytest.raises(AssertionError):
        written(
            "x",
            "X",
            rubric=(Criterion(name="a", levels=()),),
            minutes=1,
            noticed="",
            hints=("", "", ""),
        )


def test_a_strangers_text_is_escaped_for_the_grader() -> None:
    card = grader_card(by_id()["read_claim"], [("The text", "<script>alert(1)</script>")])
    assert "<script>" not in card.to_html()
    assert "&lt;script&gt;" in card.to_html()


@pytest.mark.slow
def test_a_person_finds_text_rubric_and_registration(tmp_path: Path) -> None:
    only = {"read_claim", "preregister"}
    notebook = release(MODULE)
    for name in only:
        cell(notebook, name).source = cell(solved(MODULE), name).source
    cell(notebook, "read_follows").source = 'read_follows = """\nI said """stop""" here\n"""'
    built = nbformat.read(MODULE.source_path, as_version=4)
    cell(notebook, "check_preregister").outputs = cell(built, "check_preregister").outputs
    notebook.cells = notebook.cells[: notebook.cells.index(cell(notebook, "expected_figure"))]
    save(notebook, tmp_path / MODULE.id, f"{MODULE.id}.ipynb")
    (report,) = grade([MODULE.id], tmp_path)
    found = {item["id"]: item for item in report.exercises}
    assert report.verdict == "needs_review"
    assert (found["read_claim"]["outcome"], found["read_claim"]["points"]) == ("noted", 0)
    assert found["read_evidence"]["outcome"] == "not attempted"
    assert found["read_follows"]["outcome"] == "raised"
    (note,) = [note for note in report.notes if "written answers" in note]
    assert note.startswith("3 written answers")
    page = report.feedback.read_text(encoding="utf-8")
    assert "To be graded by a person, up to 4 points" in page
    assert "To be graded by a person, up to 6 points" in page
    assert "I said" in page
    assert "the text above" in page  # its hash is the registered one


def test_the_source_text_announces_every_rubric() -> None:
    text = "\n".join(c.source for c in source_notebook(MODULE).cells)
    assert "@rubric" not in text


def test_line_breaks_within_a_sentence_go() -> None:
    text = (
        "A claim that is\nlonger than a line. And\nanother.\n\nA new paragraph:\n1. one (x)\n2. two"
    )
    assert reflowed(text) == (
        "A claim that is longer than a line. And another.\n\nA new paragraph:\n1. one (x)\n2. two"
    )
