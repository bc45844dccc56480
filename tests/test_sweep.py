"""Sweeps: nothing is run twice, nothing is lost, and what failed is named."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from autograder import cli, needs
from autograder.errors import SpeedrunError
from autograder.notebook import progress
from autograder.research import record, results_of, sweep, write_experiment
from autograder.research.experiment import jsonable, source_of
from autograder.research.options import grid_of, seeds_of
from autograder.research.runs import PLAN, RUNS, plan, read_experiment, read_run
from autograder.research.sweep import LOCK, run_sweep

LIGHT = "import time\nfrom pathlib import Path\n\nfrom autograder.research import record"
slow = pytest.mark.slow


class Doubler:
    """Part of the experiment below."""

    def __call__(self, x: float) -> float:
        return 2 * x


def measured(p: float, seed: int, folder: str) -> dict:
    (Path(folder) / f"{p}-{seed}-{time.time_ns()}").touch()
    time.sleep(0.3)
    if p < 0 and not (Path(folder) / "mended").exists():
        raise ValueError("a negative p")
    return {"double": Doubler()(p) + seed}


@pytest.fixture
def ran(tmp_path: Path) -> Path:
    """The folder in which each run of the experiment leaves a file."""
    folder = tmp_path / "ran"
    folder.mkdir()
    return folder


@pytest.fixture
def experiment(tmp_path: Path, ran: Path) -> Path:
    parameters = {"p": 1.0, "seed": 0, "folder": str(ran)}
    return write_experiment(tmp_path / "exp.ipynb", parameters, [Doubler], measured, LIGHT)


def times(ran: Path) -> dict[str, int]:
    """How often each setting was run."""
    counts: dict[str, int] = {}
    for path in ran.glob("*-*-*"):
        name = path.name.rpartition("-")[0]
        counts[name] = counts.get(name, 0) + 1
    return counts


# Writing and reading an experiment


def test_an_experiment_holds_its_sources_and_one_tagged_cell(experiment: Path) -> None:
    notebook = nbformat.read(experiment, as_version=4)
    nbformat.validate(notebook)
    tagged = [c.source for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    assert len(tagged) == 1
    assert tagged[0].startswith("p = 1.0\nseed = 0\nfolder = ")
    assert "class Doubler:" in notebook.cells[3].source
    assert notebook.cells[-1].source == "record(**measured(p=p, seed=seed, folder=folder))"
    assert read_experiment(experiment).parameters == ("p", "seed", "folder")


def test_a_class_of_a_notebook_has_its_source_too() -> None:
    pytest.importorskip("IPython")
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    cell = "class Net:\n    ### BEGIN SOLUTION\n    def f(self):\n        return 1\n"
    assert shell.run_cell(cell).success
    assert source_of(shell.user_ns["Net"]) == "class Net:\n    def f(self):\n        return 1"


def test_a_source_that_is_nowhere_is_named() -> None:
    with pytest.raises(SpeedrunError, match="source"):
        source_of(len)
    made: dict = {}
    exec("def ghost():\n    return 1", made)
    with pytest.raises(SpeedrunError, match="`ghost` can't be had"):
        source_of(made["ghost"])


def test_parameters_must_fit(tmp_path: Path) -> None:
    with pytest.raises(SpeedrunError, match="missing a required argument: 'folder'"):
        write_experiment(tmp_path / "e.ipynb", {"p": 1.0, "seed": 0}, [], measured)
    with pytest.raises(SpeedrunError, match="not a finite number"):
        write_experiment(tmp_path / "e.ipynb", {"p": float("nan")}, [], lambda p: {})


def test_results_are_plain(capsys: pytest.CaptureFixture[str]) -> None:
    torch = pytest.importorskip("torch")
    assert jsonable("x", torch.tensor([1.5])) == [1.5]
    assert jsonable("x", {"a": (1, float("inf"))}) == {"a": [1, None]}
    with pytest.raises(SpeedrunError, match="x is of class object"):
        record(x=object())


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ("no notebook", "is not a notebook"),
        ('{"cells": []}', "no cell tagged `parameters`"),
    ],
)
def test_what_is_no_experiment_is_said_in_one_line(
    cells: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "e.ipynb"
    path.write_text(cells, encoding="utf-8")
    with pytest.raises(SpeedrunError, match=message):
        read_experiment(path)


def test_a_grid_names_parameters_that_are_there(experiment: Path) -> None:
    with pytest.raises(SpeedrunError, match=r"no parameter `q`. Its parameters: p, seed, folder"):
        plan(read_experiment(experiment), {"q": [1]}, None)
    with pytest.raises(SpeedrunError, match="No values are given for `p`"):
        plan(read_experiment(experiment), {"p": []}, None)
    runs = plan(read_experiment(experiment), {"p": [1.0, 2.0]}, range(3))
    assert len({run.id for run in runs}) == 6


def test_options_as_they_are_typed() -> None:
    assert grid_of(["p=1.0,3", "act=relu,none"]) == {"p": [1.0, 3], "act": ["relu", None]}
    assert seeds_of("0:3") == [0, 1, 2]
    assert seeds_of("0,3,5") == [0, 3, 5]
    for wrong in (["p"], ["p="], ["1=2"], ["p=1", "p=2"]):
        with pytest.raises(ValueError, match="--grid"):
            grid_of(wrong)
    for wrong in ("a", "3:3", ""):
        with pytest.raises(ValueError, match="--seeds"):
            seeds_of(wrong)


# Running


@slow
def test_failed_runs_are_listed_kept_and_run_again_on_demand(
    experiment: Path, ran: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = sweep(experiment, {"p": [1.0, -1.0]}, range(2))
    assert [(row["p"], row["seed"], row["double"]) for row in found] == [(1.0, 0, 2), (1.0, 1, 3)]
    said = capsys.readouterr().out
    assert "failed: p=-1.0, seed=1: ValueError: a negative p" in said
    again = run_sweep(experiment, {"p": [1.0, -1.0]}, range(2), jobs=2)
    assert (again.ran, again.reused, len(again.failed)) == ([], 2, 2)
    assert set(times(ran).values()) == {1}
    (ran / "mended").touch()
    mended = run_sweep(experiment, {"p": [1.0, -1.0]}, range(2), jobs=2, retry_failed=True)
    assert (len(mended.done), mended.reused, mended.failed) == (2, 2, [])
    assert times(ran) == {"1.0-0": 1, "1.0-1": 1, "-1.0-0": 2, "-1.0-1": 2}
    assert len(results_of(mended.out)) == 4


@slow
def test_a_changed_notebook_does_not_take_over_old_results(experiment: Path, ran: Path) -> None:
    first = run_sweep(experiment, {}, [0], jobs=1)
    notebook = nbformat.read(experiment, as_version=4)
    notebook.cells[3].source = notebook.cells[3].source.replace("2 * x", "3 * x")
    nbformat.write(notebook, experiment)
    (row,) = sweep(experiment, {}, [0], jobs=1)
    assert row["double"] == 3.0
    assert times(ran) == {"1.0-0": 2}
    assert read_run(first.out, first.ran[0].id).results == {"double": 2.0}


@slow
@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_a_sweep_that_was_killed_goes_on_and_runs_nothing_twice(
    experiment: Path, ran: Path
) -> None:
    command = [sys.executable, "-m", "autograder.cli", "sweep", str(experiment)]
    command += ["--grid", "p=1,2,3,4", "--seeds", "0:2", "--jobs", "2"]
    out = experiment.with_name("exp-runs")
    killed = subprocess.Popen(command, start_new_session=True)
    try:
        give_up = time.monotonic() + 120
        while len(list((out / RUNS).glob("*.json"))) < 3:
            assert killed.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < give_up
            time.sleep(0.02)
    finally:
        os.killpg(killed.pid, signal.SIGKILL)
        killed.wait()
    finished = {path.stem for path in (out / RUNS).glob("*.json")}
    before = times(ran)
    assert 3 <= len(finished) < 8
    done = subprocess.run(command, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    assert len(results_of(out)) == 8
    kept = [read_run(out, name).parameters for name in finished]
    for parameters in kept:
        name = "{p}-{seed}".format(**parameters)
        assert times(ran)[name] == before[name] == 1
    assert sum(times(ran).values()) <= 8 + 2  # only the two that were under way ran again


@slow
def test_a_dask_cluster_runs_it_too(experiment: Path, ran: Path) -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        found = sweep(experiment, {"p": [2.0]}, range(2), scheduler=cluster.scheduler_address)
    assert [row["double"] for row in found] == [4.0, 5.0]


def test_two_sweeps_of_one_folder_are_one_too_many(experiment: Path) -> None:
    import filelock

    out = experiment.with_name("exp-runs")
    out.mkdir()
    with (
        filelock.FileLock(out / LOCK),
        pytest.raises(SpeedrunError, match="Another sweep is at work"),
    ):
        run_sweep(experiment, {}, [0], jobs=1)


def test_no_scheduler_is_one_line(experiment: Path) -> None:
    pytest.importorskip("distributed")
    with pytest.raises(SpeedrunError, match="No scheduler answers at nonsense"):
        run_sweep(experiment, {}, [0], jobs=1, scheduler="nonsense")


def test_damaged_files_cost_a_run_and_no_more(tmp_path: Path) -> None:
    (tmp_path / RUNS).mkdir()
    (tmp_path / PLAN).write_text(json.dumps({"runs": ["a", "b", "c"]}), encoding="utf-8")
    whole = {"id": "b", "experiment": "x", "parameters": {"p": 1}, "status": "done"}
    (tmp_path / RUNS / "a.json").write_text('{"id": "a"', encoding="utf-8")
    (tmp_path / RUNS / "b.json").write_text(
        json.dumps({**whole, "results": {"loss": 2}, "seconds": 1.0}), encoding="utf-8"
    )
    assert results_of(tmp_path) == [{"p": 1, "loss": 2, "seconds": 1.0}]
    with pytest.raises(SpeedrunError, match="not the folder of a sweep"):
        results_of(tmp_path / RUNS)


@pytest.mark.parametrize(
    "options", [["--grid", "p"], ["--seeds", "x"], ["--jobs", "0"], ["--nope"]]
)
def test_wrong_options_are_usage_errors(
    options: list[str], experiment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["speedrun", "sweep", str(experiment), *options])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2


def test_a_graded_notebook_starts_no_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEEDRUN_GRADING", "1")
    with pytest.raises(SpeedrunError, match="while the notebook is graded"):
        sweep(tmp_path / "experiment.ipynb", out=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


@pytest.fixture
def no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any attempt to start a process fails the test."""

    def started(*_: object) -> None:
        raise AssertionError("a process was about to be started")

    monkeypatch.setattr(sys.modules["autograder.research.sweep"], "_executor", started)


@pytest.mark.parametrize("name", ["SPEEDRUN_GRADING", "NBGRADER_EXECUTION"])
def test_the_command_starts_none_there_either(
    name: str, experiment: Path, no_process: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.raises(SpeedrunError, match="while the notebook is graded"):
        run_sweep(experiment, {}, [0], jobs=1)
    assert not experiment.with_name("exp-runs").exists()


def test_a_sweep_waits_for_the_exercises_that_its_cell_builds_on(
    experiment: Path, no_process: None, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = experiment.with_name("exp-runs")
    with needs("mean_square", "run_experiment"):
        sweep(experiment, {}, [0])
        raise AssertionError("the sweep did not stop the cell")
    said = capsys.readouterr().out
    assert "This cell builds on `mean_square` and `run_experiment`. Pass the checks" in said
    assert "The sweep waits for `mean_square` and `run_experiment`: nothing was started." in said
    assert "SpeedrunError" not in said
    with progress.updating() as record:
        progress.note_check(record, "mean_square", "passed", "1")
        progress.note_check(record, "run_experiment", "wrong", "1")
    with needs("run_experiment"):
        with needs("mean_square"):
            sweep(experiment, {}, [0])
        raise AssertionError("the outer exercise was forgotten")
    assert not out.exists()
    said = capsys.readouterr().out
    assert "The sweep waits for `run_experiment`: nothing was started." in said


def test_a_sweep_is_free_once_they_are_passed(
    experiment: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[int] = []
    monkeypatch.setattr(
        sys.modules["autograder.research.sweep"],
        "_run_all",
        lambda path, folder, waiting, *others: ran.append(len(waiting)),
    )
    with progress.updating() as record:
        progress.note_check(record, "run_experiment", "passed", "1")
    with needs("run_experiment"):
        sweep(experiment, {}, [0, 1])
    with needs("mean_square"):
        raise NotImplementedError
    sweep(experiment, {}, [0, 1, 2])  # what an earlier cell built on is no matter any more
    assert ran == [2, 3]
