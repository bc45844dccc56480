"""The learner's copy: nothing that they wrote is ever lost."""

from __future__ import annotations

import copy
import json
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.errors import SpeedrunError
from autograder.learner import cells
from autograder.learner import reset as resetting
from autograder.learner import update as updating
from autograder.learner.copy import copy_missing, copy_one, newer_versions
from autograder.learner.folder import Folder, learner_folder
from autograder.notebook import progress

STUB = "def {}(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()"


@dataclass(frozen=True)
class FakeModule:
    """A module whose release the test writes."""

    id: str
    text_path: Path
    release_path: Path
    exercises: tuple[SimpleNamespace, ...] = ()


def prose(name: str, text: str) -> NotebookNode:
    return new_markdown_cell(text, id=name)


def code(name: str, text: str) -> NotebookNode:
    return new_code_cell(text, id=name)


def exercise(name: str, stub: str = STUB) -> list[NotebookNode]:
    """An answer cell and its locked test cell."""
    answer = {"grade": False, "grade_id": name, "locked": False, "solution": True}
    test = {"grade": True, "grade_id": f"check_{name}", "locked": True, "solution": False}
    return [
        new_code_cell(stub.format(name), id=name, metadata={"nbgrader": answer}),
        new_code_cell(f"check.{name}({name})", id=f"check_{name}", metadata={"nbgrader": test}),
    ]


OLD = [
    prose("title", "# Old title"),
    code("setup", "from autograder import check"),
    prose("p1", "Old words about one."),
    *exercise("one"),
    prose("p2", "Words about two."),
    *exercise("two"),
]
NEW = [
    prose("title-new", "# New title"),
    code("setup", "from autograder import check"),
    prose("p1-new", "New words about one."),
    *exercise("one", STUB + "  # better"),
    prose("p2", "Words about two."),
    prose("p3", "Words about three."),
    *exercise("three"),
]


def as_bytes(cell_list: list[NotebookNode]) -> bytes:
    return (nbformat.writes(new_notebook(cells=cell_list)) + "\n").encode()


@pytest.fixture
def module(tmp_path: Path) -> FakeModule:
    text = tmp_path / "04_fake.py"
    text.write_text("# %%\n")
    release = tmp_path / "04_fake.ipynb"
    release.write_bytes(as_bytes(OLD))
    named = [SimpleNamespace(id=name, check_id=f"check_{name}") for name in ("one", "two", "three")]
    return FakeModule("04_fake", text, release, tuple(named))


@pytest.fixture
def folder(tmp_path: Path, module: FakeModule) -> Folder:
    """A learner's folder with a copy of the old release in it."""
    made = Folder(tmp_path / "home")
    copy_one(made, module)
    return made


def edit(folder: Folder, module: FakeModule, change) -> None:
    """Change the learner's notebook as they would, and save it."""
    path = folder.notebook(module)
    notebook = cells.read(path)
    change(notebook.cells)
    path.write_text(cells.text_of(notebook), encoding="utf-8")


def write_answer(name: str, text: str):
    def change(cell_list: list[NotebookNode]) -> None:
        next(c for c in cell_list if cells.answer_id(c) == name).source = text

    return change


def sources(folder: Folder, module: FakeModule) -> list[str]:
    return [cell.source for cell in cells.read(folder.notebook(module)).cells]


def backups(folder: Folder) -> list[Path]:
    return sorted((folder.hidden / "backups").glob("*.ipynb"))


# Copying


def test_lab_copies_what_is_missing_and_overwrites_nothing(home: Path) -> None:
    folder = Folder(home)
    first = copy_missing(folder)
    assert "00_start_here" in [m.id for m in first]
    assert (home / progress.FILE_NAME).is_file()
    mine = folder.notebook(first[0])
    mine.write_text("my own words", encoding="utf-8")
    assert copy_missing(folder) == []
    assert mine.read_text(encoding="utf-8") == "my own words"


def test_a_copy_is_the_release_byte_for_byte(home: Path) -> None:
    folder = Folder(home)
    for module in copy_missing(folder):
        assert folder.notebook(module).read_bytes() == module.release_path.read_bytes()
        assert folder.pristine(module).read_bytes() == module.release_path.read_bytes()
    assert newer_versions(folder) == []


def test_progress_survives_a_second_copy(home: Path) -> None:
    copy_missing(Folder(home))
    with progress.updating(home) as record:
        progress.note_check(record, "mean_square", "passed", "x")
    copy_missing(Folder(home))
    assert progress.load(home)["exercises"]["mean_square"]["outcome"] == "passed"


def test_the_folder_is_found_from_below_it(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_missing(Folder(home))
    monkeypatch.delenv("SPEEDRUN_HOME")
    monkeypatch.chdir(home / "00_start_here")
    assert learner_folder().path == home.resolve()
    assert learner_folder(tmp_path / "other").path == (tmp_path / "other").resolve()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SpeedrunError, match="name a folder"):
        learner_folder(tmp_path / "file")


# Reset


def test_reset_restores_and_keeps_the_old(folder: Folder, module: FakeModule) -> None:
    edit(folder, module, write_answer("one", "my answer"))
    old = folder.notebook(module).read_bytes()
    done = resetting.reset(folder, module)
    assert done.changed
    assert done.backup.read_bytes() == old
    assert folder.notebook(module).read_bytes() == module.release_path.read_bytes()
    assert not resetting.reset(folder, module).changed


def test_backups_of_one_second_do_not_overwrite_each_other(
    folder: Folder, module: FakeModule
) -> None:
    for number in range(4):
        edit(folder, module, write_answer("one", f"answer {number}"))
        resetting.reset(folder, module)
    kept = [cells.read(path).cells[3].source for path in backups(folder)]
    assert sorted(kept) == [f"answer {number}" for number in range(4)]


def test_reset_of_one_exercise_leaves_the_rest(folder: Folder, module: FakeModule) -> None:
    edit(folder, module, write_answer("one", "first"))
    edit(folder, module, write_answer("two", "second"))
    edit(folder, module, lambda c: c.insert(4, code("mine", "my own cell")))
    before = sources(folder, module)
    done = resetting.reset_exercise(folder, module, module.exercises[0])
    after = sources(folder, module)
    assert after == [STUB.format("one") if s == "first" else s for s in before]
    assert "first" in [cell.source for cell in cells.read(done.backup).cells]
    assert not resetting.reset_exercise(folder, module, module.exercises[0]).changed


def test_reset_of_one_exercise_brings_back_deleted_cells_in_their_place(
    folder: Folder, module: FakeModule
) -> None:
    def damage(cell_list: list[NotebookNode]) -> None:
        del cell_list[3:5]

    edit(folder, module, damage)
    resetting.reset_exercise(folder, module, module.exercises[0])
    assert sources(folder, module) == [cell.source for cell in OLD]


def test_reset_of_one_exercise_keeps_the_text_of_a_copied_answer(
    folder: Folder, module: FakeModule
) -> None:
    edit(folder, module, lambda c: c.insert(4, exercise("one", "my second try")[0]))
    resetting.reset_exercise(folder, module, module.exercises[0])
    assert "my second try" in sources(folder, module)
    found = [cells.answer_id(cell) for cell in cells.read(folder.notebook(module)).cells]
    assert found.count("one") == 1


def test_reset_names_an_exercise_of_another_module(folder: Folder, module: FakeModule) -> None:
    with pytest.raises(SpeedrunError, match=r"no exercise of 04_fake.*one, two, three"):
        resetting.reset_exercise(folder, module, SimpleNamespace(id="other", check_id="x"))


# Update


def test_update_without_a_newer_version_touches_nothing(folder: Folder, module: FakeModule) -> None:
    edit(folder, module, write_answer("one", "my answer"))
    before = folder.notebook(module).read_bytes()
    assert not updating.update(folder, module).updated
    assert folder.notebook(module).read_bytes() == before
    assert backups(folder) == []


def test_update_carries_everything_over(folder: Folder, module: FakeModule) -> None:
    def work(cell_list: list[NotebookNode]) -> None:
        write_answer("one", "answer one")(cell_list)
        write_answer("two", "answer two")(cell_list)
        cell_list[2].source = "Old words about one. And my note."
        cell_list.insert(6, prose("mine-2", "after p2"))
        cell_list.insert(4, code("mine-1", "after my answer one"))
        cell_list.insert(0, prose("mine-0", "at the top"))
        cell_list.append(code("mine-3", "at the very end"))

    edit(folder, module, work)
    old = folder.notebook(module).read_bytes()
    module.release_path.write_bytes(as_bytes(NEW))
    changes = updating.update(folder, module)

    assert sources(folder, module) == [
        "at the top",
        "# New title",
        "from autograder import check",
        "New words about one.",
        "Old words about one. And my note.",
        "answer one",
        "after my answer one",
        "check.one(one)",
        "Words about two.",
        "after p2",
        "Words about three.",
        STUB.format("three"),
        "check.three(three)",
        "at the very end",
        updating.KEPT,
        "answer two",
    ]
    assert (changes.answers, changes.vanished) == (["one"], ["two"])
    assert (changes.added, changes.edited) == (4, 1)
    assert changes.backup.read_bytes() == old
    assert folder.pristine(module).read_bytes() == module.release_path.read_bytes()
    nbformat.validate(nbformat.read(folder.notebook(module), as_version=4))
    graded = [cells.grading(c).get("grade_id") for c in cells.read(folder.notebook(module)).cells]
    assert [name for name in graded if name] == ["one", "check_one", "three", "check_three"]


def test_update_twice_is_update_once(folder: Folder, module: FakeModule) -> None:
    edit(folder, module, write_answer("two", "answer two"))
    edit(folder, module, lambda c: c.insert(3, code("mine", "my cell")))
    module.release_path.write_bytes(as_bytes(NEW))
    updating.update(folder, module)
    after = folder.notebook(module).read_bytes()
    assert not updating.update(folder, module).updated
    assert folder.notebook(module).read_bytes() == after
    assert len(backups(folder)) == 1
    # As if it had been killed between the notebook and its pristine original.
    folder.pristine(module).write_bytes(as_bytes(OLD))
    updating.update(folder, module)
    assert folder.notebook(module).read_bytes() == after
    # And as if there were no original at all.
    folder.pristine(module).unlink()
    updating.update(folder, module)
    assert folder.notebook(module).read_bytes() == after


def test_update_there_and_back_loses_nothing(folder: Folder, module: FakeModule) -> None:
    edit(folder, module, write_answer("two", "answer two"))
    module.release_path.write_bytes(as_bytes(NEW))
    updating.update(folder, module)
    edit(folder, module, write_answer("three", "answer three"))
    module.release_path.write_bytes(as_bytes(OLD))
    updating.update(folder, module)
    found = sources(folder, module)
    assert "answer two" in found
    assert "answer three" in found
    assert found.count(updating.KEPT) == 1


def test_an_untouched_stub_is_replaced_by_the_new_stub(folder: Folder, module: FakeModule) -> None:
    module.release_path.write_bytes(as_bytes(NEW))
    changes = updating.update(folder, module)
    assert sources(folder, module) == [cell.source for cell in NEW]
    assert not changes.lines()


def test_update_keeps_outputs_of_what_did_not_change(folder: Folder, module: FakeModule) -> None:
    def run(cell_list: list[NotebookNode]) -> None:
        cell_list[1].execution_count = 7
        cell_list[1].outputs = [nbformat.v4.new_output("stream", text="seen\n")]

    edit(folder, module, run)
    module.release_path.write_bytes(as_bytes(NEW))
    updating.update(folder, module)
    assert cells.read(folder.notebook(module)).cells[1].outputs[0].text == "seen\n"


def test_update_without_ids_matches_by_text(folder: Folder, module: FakeModule) -> None:
    """An editor of the old format drops cell ids: the course's own cells are not doubled."""
    stored = json.loads(folder.notebook(module).read_text(encoding="utf-8"))
    stored["nbformat_minor"] = 4
    for cell in stored["cells"]:
        del cell["id"]
    folder.notebook(module).write_text(json.dumps(stored), encoding="utf-8")
    module.release_path.write_bytes(as_bytes(NEW))
    updating.update(folder, module)
    assert sources(folder, module) == [cell.source for cell in NEW]


def test_a_copied_answer_cell_keeps_its_text(folder: Folder, module: FakeModule) -> None:
    """JupyterLab copies nbgrader's metadata with the cell."""

    def work(cell_list: list[NotebookNode]) -> None:
        write_answer("one", "first version")(cell_list)
        cell_list.insert(4, exercise("one", "second version")[0])

    edit(folder, module, work)
    module.release_path.write_bytes(as_bytes(NEW))
    updating.update(folder, module)
    found = cells.read(folder.notebook(module)).cells
    assert [c.source for c in found if cells.answer_id(c) == "one"] == ["first version"]
    assert [c.source for c in found].count("second version") == 1


def test_a_byte_order_mark_is_no_damage(folder: Folder, module: FakeModule) -> None:
    edit(folder, module, write_answer("one", "größer = 1"))
    path = folder.notebook(module)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    module.release_path.write_bytes(as_bytes(NEW))
    assert updating.update(folder, module).answers == ["one"]
    assert "größer = 1" in sources(folder, module)


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"not JSON {",
        b"[1, 2]",
        b"{}",
        b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": 3}',
        b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code"}]}',
        b'{"nbformat": "four", "cells": []}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
    ],
)
def test_a_damaged_file_is_kept_and_said(folder: Folder, module: FakeModule, damage: bytes) -> None:
    folder.notebook(module).write_bytes(damage)
    module.release_path.write_bytes(as_bytes(NEW))
    for _ in range(2):
        with pytest.raises(SpeedrunError, match="speedrun reset 04_fake") as said:
            updating.update(folder, module)
    assert "\n" not in str(said.value)
    assert folder.notebook(module).read_bytes() == damage
    assert [path.read_bytes() for path in backups(folder)] == [damage]
    with pytest.raises(SpeedrunError, match="notebook"):
        resetting.reset_exercise(folder, module, module.exercises[0])
    resetting.reset(folder, module)
    assert folder.notebook(module).read_bytes() == module.release_path.read_bytes()
    assert [path.read_bytes() for path in backups(folder)] == [damage]


def test_a_read_only_notebook_is_left_alone(folder: Folder, module: FakeModule) -> None:
    edit(folder, module, write_answer("one", "mine"))
    path = folder.notebook(module)
    before = path.read_bytes()
    path.chmod(0o444)
    module.release_path.write_bytes(as_bytes(NEW))
    for change in (updating.update, resetting.reset):
        with pytest.raises(SpeedrunError, match="read-only: make it writable"):
            change(folder, module)
    assert path.read_bytes() == before
    path.chmod(0o644)
    assert updating.update(folder, module).answers == ["one"]


def test_update_of_what_was_never_copied(tmp_path: Path, module: FakeModule) -> None:
    with pytest.raises(SpeedrunError, match="speedrun lab"):
        updating.update(Folder(tmp_path / "empty"), module)


def test_no_text_is_lost_in_random_edits(folder: Folder, module: FakeModule) -> None:
    """Whatever is typed where: after an update each word is still in the notebook."""
    rng = random.Random(0)
    for round_ in range(60):
        module.release_path.write_bytes(as_bytes(OLD if round_ % 2 else NEW))
        updating.update(folder, module)
        typed = [f"typed {round_}-{i}" for i in range(4)]

        def work(cell_list: list[NotebookNode], typed: list[str] = typed) -> None:
            for text in typed:
                kind = rng.choice(["add", "edit", "duplicate", "move", "delete course cell"])
                if kind == "add":
                    cell_list.insert(rng.randrange(len(cell_list) + 1), code("new", text))
                    continue
                if kind == "delete course cell":
                    own = [c for c in cell_list if "typed" not in c.source]
                    cell_list.remove(rng.choice(own))
                cell = rng.choice(cell_list)
                if kind == "duplicate":
                    cell_list.insert(rng.randrange(len(cell_list)), copy.deepcopy(cell))
                if kind == "move":
                    cell_list.remove(cell)
                    cell_list.insert(rng.randrange(len(cell_list) + 1), cell)
                cell.source += f"\n# {text}"

        edit(folder, module, work)
        before = "\n".join(sources(folder, module))
        module.release_path.write_bytes(as_bytes(NEW if round_ % 2 else OLD))
        updating.update(folder, module)
        after = "\n".join(sources(folder, module))
        lost = [word for word in _typed(before) if word not in _typed(after)]
        assert not lost, (round_, lost)
        if round_ % 10 == 9:
            resetting.reset(folder, module)


def _typed(text: str) -> list[str]:
    return sorted(line.lstrip("# ") for line in text.splitlines() if "typed" in line)


WORKER = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_learner import FakeModule, NEW, OLD, as_bytes
from autograder.learner.folder import Folder
from autograder.learner.update import update
home = Path({home!r})
module = FakeModule("04_fake", home.parent / "04_fake.py", home.parent / "04_fake.ipynb")
print("ready", flush=True)
while True:
    for version in (NEW, OLD):
        module.release_path.write_bytes(as_bytes(version))
        update(Folder(home), module)
"""


@pytest.mark.slow
def test_killed_at_any_moment_the_notebook_is_whole(folder: Folder, module: FakeModule) -> None:
    edit(folder, module, write_answer("one", "my precious answer"))
    script = WORKER.format(tests=str(Path(__file__).parent), home=str(folder.path))
    rng = random.Random(1)
    for _ in range(6):
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as worker:
            assert worker.stdout.readline().strip() == b"ready"
            time.sleep(rng.uniform(0.0, 0.15))
            worker.kill()
        assert "my precious answer" in sources(folder, module)
    assert worker.returncode in (-getattr(signal, "SIGKILL", 9), 1)
