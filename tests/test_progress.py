"""The progress file: never half written, never overwritten where it is damaged."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import filelock
import pytest

from autograder.errors import SpeedrunError
from autograder.files import write_atomically
from autograder.notebook import progress


def stored(folder: Path) -> dict:
    return json.loads((folder / progress.FILE_NAME).read_text(encoding="utf-8"))


def test_there_is_an_empty_record_before_there_is_a_file(tmp_path: Path) -> None:
    assert progress.load(tmp_path) == {"version": 1, "exercises": {}}
    assert list(tmp_path.iterdir()) == []


def test_what_is_noted_is_read_again(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    with progress.updating(folder) as record:
        progress.note_check(record, "backward", "wrong", "a")
    known = progress.load(folder)["exercises"]["backward"]
    assert (known["outcome"], known["tries"], known["hints"]) == ("wrong", 1, 0)
    assert stored(folder) == progress.load(folder)


def test_unknown_fields_are_kept(tmp_path: Path) -> None:
    text = '{"version": 2, "later": [1], "exercises": {"a": {"outcome": "passed", "x": 1}}}'
    (tmp_path / progress.FILE_NAME).write_text(text)
    with progress.updating(tmp_path) as record:
        progress.note_check(record, "b", "wrong", "1")
    assert stored(tmp_path)["later"] == [1]
    assert stored(tmp_path)["exercises"]["a"] == {"outcome": "passed", "x": 1}


def test_a_byte_order_mark_is_read_over(tmp_path: Path) -> None:
    (tmp_path / progress.FILE_NAME).write_text('{"exercises": {"a": {}}}', encoding="utf-8-sig")
    assert "a" in progress.load(tmp_path)["exercises"]


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[]",
        b"null",
        b'{"exercises": []}',
        b'{"exercises": {"a": 3}}',
        b"[" * 100_000,
    ],
    ids=lambda data: repr(data[:25]),
)
def test_a_damaged_file_is_kept_and_a_new_one_begun(tmp_path: Path, damaged: bytes) -> None:
    path = tmp_path / progress.FILE_NAME
    for number in range(1, 4):  # three times within a second
        path.write_bytes(damaged)
        with progress.updating(tmp_path) as record:
            progress.note_check(record, "a", "passed", "1")
        kept = list(tmp_path.glob("speedrun-progress.damaged-*.json"))
        assert len(kept) == number
        assert all(file.read_bytes() == damaged for file in kept)
        assert stored(tmp_path)["exercises"]["a"]["outcome"] == "passed"


def test_odd_counts_are_mended(tmp_path: Path) -> None:
    text = '{"exercises": {"a": {"tries": "many", "hints": null}}}'
    (tmp_path / progress.FILE_NAME).write_text(text)
    with progress.updating(tmp_path) as record:
        progress.note_check(record, "a", "wrong", "1")
    assert stored(tmp_path)["exercises"]["a"]["tries"] == 1
    assert stored(tmp_path)["exercises"]["a"]["hints"] == 0


def test_an_update_that_fails_changes_nothing(tmp_path: Path) -> None:
    with progress.updating(tmp_path) as record:
        progress.note_check(record, "a", "passed", "1")
    before = (tmp_path / progress.FILE_NAME).read_bytes()
    with pytest.raises(ZeroDivisionError), progress.updating(tmp_path) as record:
        record["exercises"].clear()
        raise ZeroDivisionError
    assert (tmp_path / progress.FILE_NAME).read_bytes() == before
    with progress.updating(tmp_path):  # and the lock is free again
        pass


# --- tries ---------------------------------------------------------------------------------------


def tries(*checks: tuple[str, str]) -> int:
    record = {"exercises": {}}
    for outcome, answer in checks:
        progress.note_check(record, "a", outcome, answer)
    return record["exercises"]["a"]["tries"]


def test_only_real_tries_count() -> None:
    assert tries(("wrong", "1"), ("wrong", "2"), ("raised", "3"), ("timed out", "4")) == 4
    assert tries(("wrong", "1"), ("wrong", "1"), ("wrong", "1")) == 1
    assert tries(("not attempted", "1"), ("not attempted", "2")) == 0
    assert tries(("wrong", ""), ("wrong", "")) == 0  # the check got nothing that it could run


def test_a_pass_stays_a_pass() -> None:
    record = {"exercises": {}}
    progress.note_check(record, "a", "passed", "1")
    first = record["exercises"]["a"]["passed_at"]
    progress.note_check(record, "a", "wrong", "2")
    progress.note_grade(record, "a", "wrong", 0)
    assert record["exercises"]["a"]["outcome"] == "passed"
    progress.note_check(record, "a", "passed", "1")
    assert record["exercises"]["a"]["passed_at"] == first
    assert record["exercises"]["a"]["graded"]["points"] == 0


def test_a_passed_grade_is_a_pass() -> None:
    record = {"exercises": {}}
    progress.note_grade(record, "a", "passed", 2)
    assert record["exercises"]["a"]["outcome"] == "passed"


# --- where it is ---------------------------------------------------------------------------------


def test_home_is_chosen_found_or_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPEEDRUN_HOME", raising=False)
    inner = tmp_path / "work" / "04_micrograd"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert progress.home() == inner
    (tmp_path / "work" / progress.FILE_NAME).write_text("{}")
    assert progress.home() == tmp_path / "work"
    monkeypatch.setenv("SPEEDRUN_HOME", str(tmp_path / "chosen"))
    assert progress.home() == tmp_path / "chosen"


def test_in_colab_it_is_the_mounted_drive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPEEDRUN_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(progress, "DRIVE", tmp_path)
    assert progress.home() == tmp_path / "ml-speedrun"


def test_what_was_passed_before_the_drive_was_mounted_goes_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPEEDRUN_HOME", raising=False)
    drive, runtime = tmp_path / "drive" / "MyDrive", tmp_path / "runtime"
    runtime.mkdir()
    monkeypatch.chdir(runtime)
    monkeypatch.setattr(progress, "DRIVE", drive)
    with progress.updating() as record:
        progress.note_check(record, "a", "passed", "1")
    drive.mkdir(parents=True)
    with progress.updating() as record:
        progress.note_check(record, "b", "passed", "1")
    assert progress.home() == drive / "ml-speedrun"
    assert sorted(stored(drive / "ml-speedrun")["exercises"]) == ["a", "b"]
    assert sorted(stored(runtime)["exercises"]) == ["a"]
    with progress.updating(runtime) as record:  # of another day: the Drive's own is never replaced
        progress.note_check(record, "c", "passed", "1")
    assert sorted(progress.load()["exercises"]) == ["a", "b"]
    own = drive / "course"
    (own / "02a_neural_networks").mkdir(parents=True)
    (own / progress.FILE_NAME).write_text("{}")
    monkeypatch.chdir(own / "02a_neural_networks")
    assert progress.home() == own  # notebooks that are on the Drive themselves


def test_a_clone_in_colab_keeps_its_progress_on_the_drive_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPEEDRUN_HOME", raising=False)
    (tmp_path / "clone" / "solutions").mkdir(parents=True)
    (tmp_path / "clone" / "solutions" / "course.toml").write_text("")
    monkeypatch.chdir(tmp_path / "clone")
    monkeypatch.setattr(progress, "DRIVE", tmp_path / "drive" / "MyDrive")
    assert progress.home() == tmp_path / "clone" / "work"
    progress.DRIVE.mkdir(parents=True)
    assert progress.home() == progress.DRIVE / "ml-speedrun"


# --- bad weather ---------------------------------------------------------------------------------


def test_a_folder_that_can_not_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SpeedrunError) as caught, progress.updating(tmp_path / "file" / "home"):
        pass
    assert "set SPEEDRUN_HOME" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_lock_that_is_held_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LOCK_SECONDS", 0.1)
    lock = filelock.FileLock(tmp_path / f".{progress.FILE_NAME}.lock")
    with (
        lock,
        pytest.raises(SpeedrunError, match="Another process has held your progress"),
        progress.updating(tmp_path),
    ):
        pass


def test_a_write_that_fails_leaves_the_old_file_and_no_rubbish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.json"
    write_atomically(path, "old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["file.json"]
    with (
        pytest.raises(SpeedrunError, match="No space left on device"),
        progress.updating(tmp_path) as record,
    ):
        progress.note_check(record, "a", "passed", "1")


def _add(folder: Path, names: list[str]) -> None:
    for name in names:
        with progress.updating(folder) as record:
            progress.note_check(record, name, "passed", "1")


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    names = [[f"e{worker}_{i}" for i in range(15)] for worker in range(3)]
    workers = [context.Process(target=_add, args=(tmp_path, own)) for own in names]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert sorted(stored(tmp_path)["exercises"]) == sorted(itertools.chain(*names))


WRITER = """
import sys
from pathlib import Path
from autograder.notebook import progress

number = 0
while True:
    number += 1
    with progress.updating(Path(sys.argv[1])) as record:
        record["number"] = number
        record["filling"] = str(number) * 20000
    print(number, flush=True)
"""


def test_killed_at_any_moment_the_file_is_whole(tmp_path: Path) -> None:
    kill = signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM
    for attempt in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        last = 0
        for _ in range(3 + attempt):
            last = int(process.stdout.readline())
        time.sleep(0.003 * attempt)
        process.send_signal(kill)
        rest, _ = process.communicate(timeout=30)
        last = max([last, *(int(line) for line in rest.split())])
        record = stored(tmp_path)
        assert record["number"] >= last
        assert record["filling"] == str(record["number"]) * 20000
        assert not list(tmp_path.glob("*damaged*"))
