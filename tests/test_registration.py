"""Preregistration: kept with time and hash, amended and never changed, seen by who grades."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from helpers_grade import cell, plain, release
from nbformat.v4 import new_output

import autograder
from autograder import course
from autograder.core import preregistration as registration
from autograder.core.preregistration import REGISTRATION
from autograder.exercises import by_id
from autograder.grade.gate import rebuild
from autograder.grade.nbgrader_plugin import master_of
from autograder.notebook import checks, progress
from autograder.research import first_training

FORM = {
    "hypothesis": "The count of features never falls as p falls.",
    "experiment": "Best of 8 starts at five densities, three repetitions.",
    "refuted_if": "The count falls by at least 1 at some step.",
    "number": 1,
    "stop_rule": "8 starts, 3 repetitions.",
    "amendment": "",
}
NOW = "2026-11-01T10:00:00+00:00"


@pytest.fixture
def said(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """Run the check of a form, a minute after the last one; what it says."""
    clock = iter(f"2026-11-01T10:{minute:02d}:00+00:00" for minute in range(60))
    monkeypatch.setattr(progress, "now", lambda: next(clock))

    def run(**changes: object) -> str:
        autograder.check.preregister(*{**FORM, **changes}.values())
        return capsys.readouterr().out

    return run


def stored(home: Path) -> dict:
    return progress.load(home)["preregistration"]


def test_it_is_kept_with_time_and_hash(said, home: Path) -> None:
    assert "Registered at 2026-11-01T10:00:00" in said()
    known = stored(home)
    assert known["texts"]["hypothesis"] == FORM["hypothesis"]
    assert known["hash"] == registration.digest(known["texts"], 1)
    first = copy.deepcopy(known)
    assert "Registered at 2026-11-01T10:00:00" in said()
    assert stored(home) == first


def test_an_edit_is_refused_and_an_amendment_is_visible(said, home: Path) -> None:
    said()
    first = stored(home)
    refused = said(number=2, refuted_if="The count falls by at least 2 at some step.")
    assert "Changed: refuted if, number" in refused
    assert "→ Noted" not in refused
    assert stored(home) == first
    changed = {"number": 2, "refuted_if": "The count falls by at least 2 at some step."}
    amended = said(**changed, amendment="One step was a typing error.")
    assert "has been amended" in amended
    assert "One step was a typing error." in amended
    assert "The number, now" in amended
    known = stored(home)
    assert {key: known[key] for key in ("texts", "number", "hash", "at")} == {
        key: first[key] for key in ("texts", "number", "hash", "at")
    }
    assert known["amendments"][0]["number"] == 2
    assert len(known["amendments"]) == 1
    said(**changed, amendment="One step was a typing error.")  # run again
    assert len(stored(home)["amendments"]) == 1
    again = said(number=3, refuted_if="By 3.", amendment="One step was a typing error.")
    assert "Changed: refuted if, number" in again  # a reason counts once
    assert "was used already" in again
    assert len(stored(home)["amendments"]) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hypothesis": ""}, "Still to be filled in: hypothesis"),
        ({"hypothesis": "It works."}, "could be false"),
        ({"number": ...}, "Write `number`"),
        ({"number": "1"}, "one finite number"),
        ({"number": float("nan")}, "one finite number"),
        ({"refuted_if": "It looks wrong to me."}, "does not name the `number`"),
        ({"stop_rule": "When I am tired of it."}, "no number in it"),
        ({"amendment": 3}, "`amendment` should be a text"),
    ],
)
def test_an_incomplete_form_registers_nothing(said, changes, message, home: Path) -> None:
    assert message in said(**changes)
    assert "preregistration" not in progress.load(home)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Fewer than 20% of cases fail.", 0.2),
        ("Its loss is over 1e-3 there.", 0.001),
        ("It is .5 or more.", 0.5),
        ("It is more than 1/2.", 0.5),
        ("It is below \u22121 anywhere.", -1),
        ("It is above 0,52 in the middle.", 0.52),
        ("After 1,000 steps it is larger.", 1000),
    ],
)
def test_numbers_may_be_written_as_people_write_them(
    said, home: Path, text: str, number: float
) -> None:
    said(refuted_if=text, number=number)
    assert stored(home)["number"] == number


@pytest.mark.parametrize("damage", [3, {}, {"texts": {}}, {"amendments": [1]}, []])
def test_a_damaged_record_is_begun_anew(said, damage, home: Path) -> None:
    with progress.updating(home) as record:
        record["preregistration"] = damage
    assert "Registered at" in said()


def test_the_outcome_stands_beside_what_was_said(
    said, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = ("In 3 of 3 repetitions the count never fell at any step.", 0, True)
    autograder.check.outcome(*found)
    assert "Nothing is registered yet" in capsys.readouterr().out
    said()
    autograder.check.outcome(*found)
    shown = capsys.readouterr().out
    assert f"Said before: {FORM['hypothesis']}" in shown
    assert f"Found after: {found[0]}" in shown
    assert stored(home)["outcome"]["number"] == 0
    said(number=2, refuted_if="The count falls by at least 2.", amendment="A slip.")
    autograder.check.outcome("It fell by 1 in 2 of 3 repetitions, so no.", 1, False)
    shown = capsys.readouterr().out
    assert "did not hold" in shown
    assert stored(home)["outcome"]["held"] is False
    assert shown.index("Said before: 1") < shown.index("A slip.") < shown.index("at least 2")


def step() -> None:
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    weight.sum().backward()
    optimizer.step()


def test_the_first_training_is_noted_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_training, "in_notebook", lambda: True)
    first_training.watch_training()
    with autograder.kernel.checking():
        step()  # within a check
    assert "first_training" not in progress.load(home)
    step()
    first = progress.load(home)["first_training"]
    monkeypatch.setattr(progress, "now", lambda: "2100-01-01T00:00:00+00:00")
    first_training.watch_training()
    step()
    assert progress.load(home)["first_training"] == first


def test_nothing_is_noted_while_graded(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEEDRUN_GRADING", "1")
    monkeypatch.setattr(first_training, "in_notebook", lambda: True)
    first_training.watch_training()
    step()
    first_training.note_training()
    assert "first_training" not in progress.load(home)


def test_a_training_before_the_registration_is_told(said, home: Path) -> None:
    with progress.updating(home) as record:
        record["first_training"] = "2026-11-01T09:00:00+00:00"
    assert "A training ran before it" in said()
    facts = registration.published(progress.load(home))
    (line,) = registration.order_of(facts)
    assert "BEFORE the registration" in line[1]


# --- What travels with a notebook ----------------------------------------------------------------


def seen(**changes: object) -> dict:
    form = {**FORM, **changes}
    texts = {name: form[name] for name in registration.TEXTS}
    return {"texts": texts, "number": float(form["number"]), "amendment": ""}


def record_of(*changes: dict) -> dict:
    record: dict = {"first_training": "2100-01-01T00:00:00+00:00"}
    registration.register(record, seen(), NOW)
    for change in changes:
        registration.register(record, {**seen(**change), "amendment": "why"}, NOW)
    return record


def test_the_record_goes_through_the_gate(home: Path) -> None:
    module = course.module("08_paper_replication")
    facts = registration.published(record_of())
    notebook = release(module)
    output = new_output("display_data", data={REGISTRATION.mime: facts})
    cell(notebook, "check_preregister").outputs = [output]
    gated = rebuild(plain(notebook), master_of(module), module)
    assert gated.notebook.metadata["speedrun"]["published"] == {REGISTRATION.mime: facts}
    assert all(not c.get("outputs") for c in gated.notebook.cells)
    again = rebuild(plain(gated.notebook), master_of(module), module)  # nbgrader's second pass
    assert again.notebook.metadata["speedrun"]["published"] == {REGISTRATION.mime: facts}
    lines = dict(registration.facts_of(seen(), facts))
    assert lines["What was registered"] == "the text above"
    assert "after the registration" in lines["First training"]


def test_the_last_record_of_the_outputs_counts(home: Path) -> None:
    module = course.module("08_paper_replication")
    first = registration.published(record_of())
    last = registration.published(record_of({"number": 5, "refuted_if": "By 5."}))
    notebook = plain(release(module))
    notebook["metadata"]["speedrun"]["published"] = {REGISTRATION.mime: first}
    gated = rebuild(notebook, master_of(module), module)
    assert gated.notebook.metadata["speedrun"]["published"] == {REGISTRATION.mime: first}
    notebook["cells"][1]["outputs"] = [{"data": {REGISTRATION.mime: first}}]
    notebook["cells"][-1]["outputs"] = [{"data": {REGISTRATION.mime: last}}, {"data": {}}]
    gated = rebuild(notebook, master_of(module), module)
    assert gated.notebook.metadata["speedrun"]["published"] == {REGISTRATION.mime: last}


def test_a_module_that_publishes_nothing_takes_nothing(home: Path) -> None:
    module = course.module("00_start_here")
    facts = registration.published(record_of())
    notebook = plain(release(module))
    notebook["metadata"]["speedrun"]["published"] = {REGISTRATION.mime: facts}
    notebook["cells"][1]["outputs"] = [{"data": {REGISTRATION.mime: facts}}]
    gated = rebuild(notebook, master_of(module), module)
    assert "published" not in gated.notebook.metadata["speedrun"]


def test_a_check_publishes_what_its_declaration_says(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards: list = []
    monkeypatch.setattr(checks, "show", cards.append)
    autograder.check.preregister(*FORM.values())
    known = progress.load(home)["preregistration"]
    assert cards[-1].data[REGISTRATION.mime]["hash"] == known["hash"]
    autograder.check.read_claim("A sentence with a number, 5, in it, and so on. " * 8)
    assert cards[-1].text.startswith("→ Noted")
    assert cards[-1].data == {}


def test_another_text_than_the_registered_one_is_seen() -> None:
    facts = registration.published(record_of())
    lines = dict(registration.facts_of(seen(number=5), facts))
    assert lines["What was registered"].startswith("another text")
    facts = registration.published(record_of({"number": 5, "refuted_if": "By 5."}))
    lines = dict(registration.facts_of(seen(number=5, refuted_if="By 5."), facts))
    assert lines["What was registered"] == "the text above"
    assert lines["Amended"].endswith(": why")


@pytest.mark.parametrize(
    "forged",
    [
        3,
        {},
        {"at": 1, "hash": "x", "first_training": "", "amendments": []},
        {"at": "x" * 9999, "hash": "x", "first_training": "", "amendments": []},
        {"at": "", "hash": "", "first_training": "", "amendments": [3]},
        {"at": "", "hash": "", "first_training": "", "amendments": [{}] * 999},
    ],
)
def test_a_forged_record_of_another_form_is_not_taken(forged: object) -> None:
    module = course.module("08_paper_replication")
    notebook = plain(release(module))
    notebook["cells"][0]["outputs"] = [{"data": {REGISTRATION.mime: forged}}, 5]
    notebook["cells"][1]["outputs"] = 3
    notebook["metadata"]["speedrun"]["published"] = {REGISTRATION.mime: forged}
    gated = rebuild(notebook, master_of(module), module)
    assert "published" not in gated.notebook.metadata["speedrun"]
    (line,) = registration.order_of(forged)  # type: ignore[arg-type]
    assert line == ("Registered", "no record of a registration came with the notebook")


def test_the_grader_of_the_outcome_reads_the_order() -> None:
    facts = registration.published(record_of())
    exercise = by_id()["outcome"]
    lines = dict(exercise.for_grader({"text": "t", "number": 1.0, "held": True}, facts))
    assert lines["The hypothesis"] == "held"
    assert "First training" in lines
