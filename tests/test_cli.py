"""The command `speedrun`: what it says, and its exit codes."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

import autograder
from autograder import cli, course
from autograder.notebook import progress

VERBS = (
    "lab",
    "status",
    "hint",
    "solution",
    "reset",
    "update",
    "grade",
    "sweep",
    "report",
    "build",
)
Run = Callable[..., subprocess.CompletedProcess[str]]
needs_jupyterlab = pytest.mark.skipif(
    importlib.util.find_spec("jupyterlab") is None, reason="JupyterLab is not installed"
)


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the command in this process; its exit code."""
    monkeypatch.setattr(sys, "argv", ["speedrun", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code or 0


# Help, version, usage


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_an_example(
    verb: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, verb, "--help") == 0
    assert f"Example: speedrun {verb}" in capsys.readouterr().out


def test_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, "--version") == 0
    assert capsys.readouterr().out.split() == ["speedrun", autograder.__version__]


@pytest.mark.parametrize(
    "arguments",
    [[], ["nope"], ["hint"], ["reset"], ["grade"], ["lab", "--port", "x"], ["lab", "--nope"]],
)
def test_wrong_usage_is_2(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert call(monkeypatch, *arguments) == 2


def test_help_loads_nothing_heavy(speedrun: Run) -> None:
    code = (
        "import sys; sys.argv = ['speedrun', '--help']\n"
        "from autograder.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'nbformat', 'nbgrader', 'jupyterlab'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# What a person can mend is one line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["hint", "mean_sqare"], "Did you mean mean_square?"),
        (["solution", "nope"], "No exercise is called 'nope'"),
        (["reset", "99"], "No module is called '99'"),
        (["lab", "12", "--headless"], "not written yet"),
        (["build", "12"], "not written yet"),
        (["status", "99"], "No module is called '99'"),
        (["hint", "zzzz"], "`speedrun status 04_micrograd`"),
        (["update"], "speedrun lab"),
        (["reset", "0", "--exercise", "nope"], "No exercise is called"),
    ],
)
def test_an_error_is_one_line_and_1(
    arguments: list[str],
    said: str,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    announced = dataclasses.replace(course.modules()[-1], id="12_announced")
    everything = (*course.modules(), announced)
    monkeypatch.setattr(course, "modules", lambda: everything)
    assert call(monkeypatch, *arguments) == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.startswith("speedrun: ")
    assert error.count("\n") == 1


def test_a_folder_that_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert call(monkeypatch, "status", "--folder", str(tmp_path / "file")) == 1
    assert "name a folder" in capsys.readouterr().err


def test_a_report_into_a_folder_says_how_to_name_a_file(
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "pages").mkdir()
    assert call(monkeypatch, "report", "--out", str(tmp_path / "pages")) == 1
    wanted = tmp_path / "pages" / "report.html"
    assert capsys.readouterr().err == (
        f"speedrun: {tmp_path / 'pages'} is a folder: name a file, as in --out {wanted}.\n"
    )
    assert not list((tmp_path / "pages").iterdir())
    assert call(monkeypatch, "report", "--out", str(wanted)) == 0
    assert wanted.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_missing_extra_says_what_to_install(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert call(monkeypatch, "lab") == 1
    assert 'pip install "ml-speedrun[lab]"' in capsys.readouterr().err
    assert call(monkeypatch, "build") == 1
    assert 'pip install "ml-speedrun[dev]"' in capsys.readouterr().err


# Hints, solutions, status


def test_hints_come_step_by_step(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for step in (1, 2, 3, 3):
        assert call(monkeypatch, "hint", "mean_square") == 0
        assert f"Hint {step} of 3" in capsys.readouterr().out


def test_the_solution_opens_after_three_real_tries(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(3):
        assert call(monkeypatch, "solution", "mean_square") == 1
        out = capsys.readouterr().out
        assert f"after {3 - number} more real" in out
        assert "return" not in out
        with progress.updating(home) as record:
            progress.note_check(record, "mean_square", "wrong", f"answer {number}")
    assert call(monkeypatch, "solution", "mean_square") == 0
    out = capsys.readouterr().out
    assert "def mean_square" in out
    assert "SOLUTION" not in out


def test_status_counts_what_is_done(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "status") == 0
    assert re.search(r"00_start_here +0 of 1", capsys.readouterr().out)
    with progress.updating(home) as record:
        progress.note_check(record, "mean_square", "passed", "x")
    assert call(monkeypatch, "status") == 0
    assert re.search(r"00_start_here .*1 of 1", capsys.readouterr().out)


def test_status_lists_the_exercises_of_a_module(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress.updating(home) as record:
        progress.note_check(record, "train", "passed", "x")
    assert call(monkeypatch, "status", "04_micrograd") == 0
    out = capsys.readouterr().out
    assert out.startswith("→ 04_micrograd: 1 of 17 done, 134 min left")
    assert re.search(r"✓ done +Train it +train +3 +16\n", out)
    assert re.search(r"○ +Fifty thousand deep +deep_order +bonus +15\n", out)
    assert call(monkeypatch, "status", "micrograd") == 0
    assert capsys.readouterr().out == out
    assert call(monkeypatch, "status", "11") == 0
    assert "11_next_steps has no exercises" in capsys.readouterr().out.replace("`", "")


@pytest.mark.parametrize("verb", [["status"], ["status", "0"], ["hint", "mean_square"]])
def test_a_damaged_progress_file_is_not_passed_over(
    verb: list[str], home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home.mkdir()
    (home / progress.FILE_NAME).write_text("{")
    assert call(monkeypatch, *verb) == 0
    (kept,) = home.glob("speedrun-progress.damaged-*.json")
    shown = capsys.readouterr()
    said = shown.out if verb[0] == "status" else shown.err
    assert said.count(f"It is kept as {kept}, and a new record begins. To bring the old one") == 1
    assert (shown.out + shown.err).count(str(kept)) == 1


# Build and grade


def test_build_check_lists_what_is_out_of_date(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import autograder.build.make

    monkeypatch.setattr(autograder.build.make, "out_of_date", lambda modules: ["x.ipynb: differs"])
    assert call(monkeypatch, "build", "0", "--check") == 1
    assert "x.ipynb: differs" in capsys.readouterr().out
    monkeypatch.setattr(autograder.build.make, "out_of_date", lambda modules: [])
    assert call(monkeypatch, "build", "0", "--check") == 0


@pytest.mark.parametrize(("verdicts", "code"), [(["graded"], 0), (["graded", "malformed"], 1)])
def test_a_grade_that_is_incomplete_is_1(
    verdicts: list[str], code: int, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import autograder.grade
    import autograder.grade.report

    seen = {}

    def grade(targets: list[str], folder: Path, on_progress: Callable[[str], None]) -> list:
        on_progress("half [way]")
        seen.update(targets=targets, folder=folder)
        return [SimpleNamespace(verdict=verdict) for verdict in verdicts]

    monkeypatch.setattr(autograder.grade, "grade", grade, raising=False)
    monkeypatch.setattr(
        autograder.grade.report, "print_reports", lambda reports, as_json: seen.update(j=as_json)
    )
    assert call(monkeypatch, "grade", "0", "x.ipynb", "--json") == code
    assert seen == {"targets": ["0", "x.ipynb"], "folder": home.resolve(), "j": True}


# Lab, reset and update in one go


@needs_jupyterlab
@pytest.mark.slow
def test_lab_says_its_address_and_stops(home: Path, speedrun: Run) -> None:
    done = speedrun("lab", "--headless", "--exit-when-ready")
    assert done.returncode == 0, done.stderr
    url = re.search(r"http://\S+", done.stdout)[0]
    assert "/lab/tree/00_start_here/00_start_here.ipynb?token=" in url
    with pytest.raises(OSError):
        urllib.request.urlopen(url, timeout=5)
    assert (home / progress.FILE_NAME).is_file()


@needs_jupyterlab
@pytest.mark.slow
def test_lab_twice_finds_the_first_and_ctrl_c_stops_it(home: Path, speedrun: Run) -> None:
    command = [sys.executable, "-m", "autograder.cli", "lab", "--headless"]
    group = {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **group) as first:
        try:
            first_url = _address(first)
            second = speedrun("lab", "0", "--headless")
            assert second.returncode == 0, second.stderr
            assert "already runs" in second.stdout
            assert re.search(r"http://\S+", second.stdout)[0] == first_url
            assert urllib.request.urlopen(first_url, timeout=10).status == 200
        finally:
            stop = signal.CTRL_BREAK_EVENT if os.name == "nt" else signal.SIGINT
            first.send_signal(stop)
        assert first.wait(timeout=30) == 0
    with pytest.raises(OSError):
        urllib.request.urlopen(first_url, timeout=5)


def _address(process: subprocess.Popen[str]) -> str:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        line = process.stdout.readline()
        assert line, "speedrun lab ended without an address"
        if found := re.search(r"http://\S+", line):
            return found[0]
    raise AssertionError("speedrun lab said no address")


@needs_jupyterlab
@pytest.mark.slow
def test_a_port_that_is_taken_is_said(home: Path, speedrun: Run) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = speedrun("lab", "--headless", "--port", port, "--exit-when-ready")
    assert done.returncode == 1
    assert f"could not start on port {port}" in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


@needs_jupyterlab
def test_reset_and_update_say_where_the_old_one_is(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from autograder.learner.copy import copy_missing
    from autograder.learner.folder import Folder

    copy_missing(Folder(home))
    mine = home / "00_start_here" / "00_start_here.ipynb"
    pristine = mine.read_bytes()
    mine.write_bytes(pristine.replace(b"raise NotImplementedError()", b"return 42"))
    assert call(monkeypatch, "update", "0") == 0
    assert "up to date" in capsys.readouterr().out
    assert call(monkeypatch, "reset", "0", "--exercise", "mean_square") == 0
    out = capsys.readouterr().out
    backup = Path(re.search(r"is kept: (.+)", out)[1])
    assert b"return 42" in backup.read_bytes()
    assert b"return 42" not in mine.read_bytes()
    assert call(monkeypatch, "reset", "0") == 0
    assert mine.read_bytes() == pristine

    mine.write_bytes(b"damaged")
    assert call(monkeypatch, "update") == 1
    error = capsys.readouterr().err
    assert "speedrun reset 00_start_here" in error
    assert error.count("\n") == 1
