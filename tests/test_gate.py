"""The front gate: bytes in, the canonical notebook out, every repair noted."""

from __future__ import annotations

import json

import nbformat
import pytest
from helpers_grade import RIGHT, START, answered, as_bytes, cell, plain, position, release, solved
from nbformat.v4 import new_code_cell, new_markdown_cell

from autograder import course
from autograder.grade.gate import Gated, Malformed, gate, module_of, read


def through(notebook: object) -> Gated:
    data = notebook if isinstance(notebook, bytes) else as_bytes(notebook)
    return gate(data, release(), START)


def without_notes(gated: Gated) -> Gated:
    assert gated.notes == ()
    nbformat.validate(gated.notebook)
    return gated


def source(gated: Gated, name: str) -> str:
    return cell(gated.notebook, name).source


@pytest.mark.parametrize("module", course.written(), ids=lambda module: module.id)
def test_untouched_release_passes_unchanged(module: course.Module) -> None:
    gated = gate(module.release_path.read_bytes(), release(module), module)
    assert gated.notes == ()
    assert plain(gated.notebook) == plain(release(module))


@pytest.mark.parametrize("module", course.written(), ids=lambda module: module.id)
def test_answers_are_taken_and_nothing_else(module: course.Module) -> None:
    submitted = solved(module)
    for each in submitted.cells:
        each.metadata["trusted"] = each.metadata["tags"] = ["skip-execution"]
        if each.cell_type == "code":
            each.outputs = [nbformat.v4.new_output("stream", text="forged")]
    submitted.metadata["kernelspec"] = {"name": "evil", "display_name": "evil"}
    gated = without_notes(gate(as_bytes(submitted), release(module), module))
    assert plain(gated.notebook) == plain(solved(module))


def test_gating_twice_changes_nothing() -> None:
    once = through(answered(RIGHT, before="import math", after="print(1)"))
    twice = through(once.notebook)
    assert plain(twice.notebook) == plain(once.notebook)
    assert twice.notes == ()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"print('hello')", "not JSON"),
        (as_bytes(plain(solved()))[:-300], "not JSON"),
        (b"\xff\x00\xfe\x80" * 8, "UTF-8"),
        (b"[1, 2]", "no cells"),
        (b"null", "no cells"),
        (b'{"cells": 3}', "no cells"),
        (b"[" * 200_000, "not JSON"),
        (b"<<<<<<< HEAD\n{}\n=======", "conflict"),
        (b'{"cells": []}', "Nothing in it belongs"),
        (b'{"cells": [null, 3, {"source": 5}, {"source": "1 + 1"}]}', "Nothing in it belongs"),
    ],
    ids=lambda value: repr(value[:20]),
)
def test_malformed_says_why_in_one_line(data: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason) as caught:
        through(data)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("encoding", "note"),
    [("utf-8-sig", "byte order mark"), ("utf-16", "UTF-16"), ("utf-16-be", "UTF-16")],
)
def test_other_encodings_are_read(encoding: str, note: str) -> None:
    gated = through(json.dumps(plain(answered(RIGHT))).encode(encoding))
    assert source(gated, "mean_square") == RIGHT
    assert len(gated.notes) == 1 and note in gated.notes[0]


def test_old_format_is_converted() -> None:
    new = plain(answered(RIGHT, before="import math"))
    for each in new["cells"]:
        del each["id"]
        if each["cell_type"] == "code":
            each["input"] = each.pop("source")
            each["language"] = "python"
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [new]}
    gated = through(old)
    assert source(gated, "mean_square") == RIGHT
    assert [c.source for c in gated.notebook.cells if c.id.startswith("added")] == ["import math"]
    assert "old format 3" in gated.notes[0]


def test_missing_fields_are_filled_in() -> None:
    notebook = plain(answered(RIGHT))
    for each in notebook["cells"]:
        for name in ("outputs", "execution_count"):
            each.pop(name, None)
    del notebook["metadata"], notebook["nbformat"], notebook["nbformat_minor"]
    assert source(without_notes(through(notebook)), "mean_square") == RIGHT


def test_a_lone_surrogate_does_not_stop_it() -> None:
    data = as_bytes(answered(RIGHT)).replace(b"return", rb"# \ud800\n    return")
    gated = through(data)
    assert "# ?" in source(gated, "mean_square")
    assert nbformat.writes(gated.notebook).encode("utf-8")


def test_deleted_test_cell_comes_back() -> None:
    notebook = answered(RIGHT)
    del notebook.cells[position(notebook, "check_mean_square")]
    gated = through(notebook)
    assert source(gated, "check_mean_square") == "check.mean_square(mean_square)"
    assert gated.notes == ("The test cell of `mean_square` was missing: restored.",)


def test_edited_test_cell_is_restored() -> None:
    notebook = answered(RIGHT)
    edited = cell(notebook, "check_mean_square")
    edited.source = "print('passed')"
    edited.metadata["nbgrader"]["points"] = 100
    gated = through(notebook)
    assert source(gated, "check_mean_square") == "check.mean_square(mean_square)"
    assert cell(gated.notebook, "check_mean_square").metadata["nbgrader"]["points"] == 1
    assert gated.notes == ("The test cell of `mean_square` was edited: restored.",)


def test_duplicated_test_cell_is_dropped() -> None:
    notebook = plain(answered(RIGHT))
    test = next(cell for cell in notebook["cells"] if cell["id"] == "check_mean_square")
    notebook["cells"].append({**test, "id": "copy"})
    gated = through(notebook)
    graded = [c for c in gated.notebook.cells if "nbgrader" in c.metadata]
    assert [c.id for c in graded] == ["mean_square", "check_mean_square"]
    assert len(gated.notebook.cells) == len(release().cells)
    assert "2 test cells" in gated.notes[0]


def test_deleted_answer_becomes_the_stub() -> None:
    notebook = answered(RIGHT)
    del notebook.cells[position(notebook, "mean_square")]
    gated = through(notebook)
    assert source(gated, "mean_square") == cell(release(), "mean_square").source
    assert gated.notes == (
        "The answer cell of `mean_square` was missing: the untouched one stands in.",
    )


@pytest.mark.parametrize("stub_last", [True, False])
def test_of_two_answer_cells_the_last_written_one_counts(stub_last: bool) -> None:
    notebook = plain(answered(RIGHT))
    place = position(answered(RIGHT), "mean_square")
    stub = {
        **notebook["cells"][place],
        "id": "copy",
        "source": cell(release(), "mean_square").source,
    }
    notebook["cells"].insert(place + stub_last, stub)
    gated = through(notebook)
    assert source(gated, "mean_square") == RIGHT
    assert len(gated.notebook.cells) == len(release().cells)
    assert "2 answer cells" in gated.notes[0]


def test_a_split_answer_cell_keeps_both_halves() -> None:
    notebook = plain(answered("answer = mean_square"))
    place = position(answered(RIGHT), "mean_square")
    notebook["cells"].insert(place, {**notebook["cells"][place], "id": "half", "source": RIGHT})
    gated = through(notebook)
    assert source(gated, "mean_square") == "answer = mean_square"
    first_half = gated.notebook.cells[position(gated.notebook, "mean_square") - 1]
    assert first_half.source == RIGHT and "nbgrader" not in first_half.metadata


def test_added_cells_stay_in_their_place() -> None:
    notebook = answered(RIGHT, before="import math", after="# between")
    notebook.cells.append(new_markdown_cell("my notes"))
    notebook.cells.insert(0, new_code_cell("first = 1"))
    gated = without_notes(through(notebook))
    assert [c.source for c in gated.notebook.cells] == [c.source for c in notebook.cells]
    assert gated.notebook.cells[-1].cell_type == "markdown"


def test_stripped_metadata_is_restored_from_the_ids() -> None:
    notebook = plain(answered(RIGHT))
    for each in notebook["cells"]:
        each["metadata"] = {}
    gated = through(notebook)
    assert source(gated, "mean_square") == RIGHT
    assert gated.notes == ("nbgrader's metadata was missing from some cells: restored.",)


def test_with_no_ids_left_the_answer_is_known_by_its_place() -> None:
    notebook = plain(answered(RIGHT))
    for each in notebook["cells"]:
        each["metadata"] = {}
        del each["id"]
    gated = through(notebook)
    assert source(gated, "mean_square") == RIGHT
    assert len(gated.notebook.cells) == len(release().cells)
    assert any("recognised by its place" in note for note in gated.notes)


def test_an_answer_in_a_text_cell_is_read_as_code() -> None:
    notebook = plain(answered(RIGHT))
    notebook["cells"][position(answered(RIGHT), "mean_square")]["cell_type"] = "markdown"
    gated = through(notebook)
    assert cell(gated.notebook, "mean_square").cell_type == "code"
    assert source(gated, "mean_square") == RIGHT
    assert "text cell" in gated.notes[0]


def test_changed_course_cells_are_the_masters_and_noted() -> None:
    notebook = answered(RIGHT)
    demo = next(c for c in notebook.cells if c.cell_type == "code" and "nbgrader" not in c.metadata)
    demo.source = "import os"
    gated = through(notebook)
    assert source(gated, demo.id) == cell(release(), demo.id).source
    assert "`import os`" in gated.notes[0]


def test_the_module_is_known_by_metadata_then_ids_then_name() -> None:
    notebook = plain(answered(RIGHT))
    assert module_of(notebook, "renamed.ipynb") == START
    notebook["metadata"] = {"speedrun": {"module": "no such module"}}
    assert module_of(notebook, "renamed.ipynb") == START
    notebook["cells"] = []
    assert module_of(notebook, "00_start_here (1).ipynb") == START
    with pytest.raises(Malformed, match="no notebook of this course"):
        module_of(notebook, "renamed.ipynb")


def test_read_survives_every_truncation_and_flipped_byte() -> None:
    data = as_bytes(answered(RIGHT))
    for end in range(0, len(data), 97):
        with pytest.raises(Malformed):
            read(data[:end])
    for place in range(0, len(data), 53):
        changed = bytearray(data)
        changed[place] ^= 0x15
        try:
            nbformat.validate(through(bytes(changed)).notebook)
        except Malformed as error:
            assert "\n" not in str(error)
