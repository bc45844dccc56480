"""The file of verdicts: complete, sorted, and the same in every run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from autograder import course
from autograder.exercises import by_id

ROOT = Path(__file__).resolve().parent.parent


def verdicts(out: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "tools/verdicts.py", "--out", str(out), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_two_runs_give_the_same_file(tmp_path: Path) -> None:
    files = [tmp_path / "one.txt", tmp_path / "two.txt"]
    for path in files:
        done = verdicts(path, "00_start_here")
        assert done.returncode == 0, done.stderr
    assert files[0].read_bytes() == files[1].read_bytes()
    lines = files[0].read_text(encoding="utf-8").splitlines()
    assert lines == sorted(lines)
    rows = [line.split("\t") for line in lines]
    assert {row[0] for row in rows} == {"00_start_here"}
    assert {row[1] for row in rows} == {e.id for e in course.module("00").exercises}
    outcomes = {(row[2], row[4], row[5]) for row in rows}
    assert ("solution", "passed", "") in outcomes
    assert ("stub", "not attempted", "") in outcomes
    for mistake in by_id()["mean_square"].mistakes:
        assert (f"mistake {mistake.id}", "wrong", mistake.id) in outcomes
    assert any(name.startswith("mutant") for name, _, _ in outcomes)


def test_an_unknown_module_is_one_line(tmp_path: Path) -> None:
    done = verdicts(tmp_path / "none.txt", "04_micrgrad")
    assert done.returncode == 2
    assert "Did you mean 04_micrograd?" in done.stderr.splitlines()[-1]
