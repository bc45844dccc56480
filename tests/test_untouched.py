"""A notebook that nobody has touched runs to its end, says what is open, and starts nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from autograder import course

pytest.importorskip("nbclient")
import untouched

MODULES = {module.id: module for module in course.written()}


@pytest.mark.slow
@pytest.mark.parametrize("name", MODULES)
def test_an_untouched_notebook_says_what_is_open_and_starts_nothing(
    name: str, tmp_path: Path
) -> None:
    module = MODULES[name]
    seen = untouched.run_untouched(sys.executable, module.release_path, tmp_path)
    assert untouched.complaints(module, seen) == []
    assert seen.code_cells > 1
    assert len(seen.checks) == len(module.exercises)


def test_what_is_not_as_it_should_be_is_named() -> None:
    module = course.module("00_start_here")
    open_text = "○ Not attempted · The mean of the squares\nWrite your answer in the cell above."
    for checks, processes, words in (
        ({"check_mean_square": open_text}, (), []),
        ({}, (), ["no cell: check_mean_square"]),
        ({"check_mean_square": "✓ Passed · T"}, (), ["check_mean_square: ✓ Passed · T"]),
        ({"check_mean_square": open_text}, ("<Spawn>",), ["started: <Spawn>"]),
        ({"check_mean_square": open_text, "check_x": open_text}, (), ["not declared: check_x"]),
    ):
        seen = untouched.Seen(code_cells=9, checks=checks, left=(), processes=processes)
        assert untouched.complaints(module, seen) == words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("! It raised an error · A tokenizer\nYour `merge` is still unwritten, and this", True),
        ("! It raised an error · A tokenizer\nKeyError: 3", False),
        ("✗ Not right yet · A tokenizer\nYour `merge` is still unwritten", False),
        ("", False),
    ],
)
def test_only_an_answer_that_is_not_written_is_open(text: str, expected: bool) -> None:
    assert untouched.is_open(text) is expected


@pytest.mark.slow
@pytest.mark.parametrize(
    "source",
    [
        "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'pass'])",
        "import concurrent.futures as futures, multiprocessing\n"
        "context = multiprocessing.get_context('spawn')\n"
        "with futures.ProcessPoolExecutor(1, mp_context=context) as pool:\n"
        "    pool.submit(abs, 1).result()",
    ],
    ids=["subprocess", "pool"],
)
def test_a_process_is_noticed(source: str, tmp_path: Path) -> None:
    import nbformat

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    nbformat.write(notebook, tmp_path / "one.ipynb")
    seen = untouched.run_untouched(sys.executable, tmp_path / "one.ipynb", tmp_path / "folder")
    assert len(seen.processes) == 1


@pytest.mark.slow
def test_a_cell_that_fails_is_named(tmp_path: Path) -> None:
    import nbformat

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")])
    nbformat.write(notebook, tmp_path / "one.ipynb")
    with pytest.raises(untouched.Failed, match=r"a cell of one.ipynb failed[\s\S]*ZeroDivision"):
        untouched.run_untouched(sys.executable, tmp_path / "one.ipynb", tmp_path / "folder")
