"""The lab notebook and the report: whole, escaped, and there when things are missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from autograder.errors import SpeedrunError
from autograder.notebook import progress
from autograder.research import experiments, log
from autograder.research.labbook import ENTRIES, FOLDER, entries
from autograder.research.report import report
from autograder.research.runs import PLAN, Run, write_run

TEXTS = {
    "hypothesis": "The count <b>never</b> falls.",
    "experiment": "Seven densities, eight seeds.",
    "refuted_if": "Any count below its left neighbour.",
    "stop_rule": "Three repetitions.",
}


def test_entries_are_only_added(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figure = Figure()
    figure.subplots().plot([1, 2])
    log("first", figure=figure, loss=0.5)
    path = home / FOLDER / ENTRIES
    with path.open("a", encoding="utf-8") as file:
        file.write('{"at": "2026-01-01", "text": "cut o')  # a kill in the middle of a line
    log("second")
    first, second = entries(home)
    assert (first.text, first.values, second.text) == ("first", {"loss": 0.5}, "second")
    assert (home / FOLDER / first.figure).read_bytes().startswith(b"\x89PNG")
    assert "Noted" in capsys.readouterr().out


def test_nothing_is_noted_while_graded(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEEDRUN_GRADING", "1")
    log("from a stranger's notebook")
    assert entries(home) == []


def test_a_figure_is_a_figure(home: Path) -> None:
    with pytest.raises(SpeedrunError, match="matplotlib"):
        log("x", figure="plot.png")


def test_an_empty_folder_says_what_is_missing(home: Path) -> None:
    page = report(home)
    for missing in ("Nothing is preregistered yet", "No abstract", "The lab notebook is empty"):
        assert missing in page


@pytest.mark.parametrize(
    "damage",
    [
        {"preregistration": 3},
        {"preregistration": {"texts": {}}},
        {
            "preregistration": {
                "texts": TEXTS,
                "number": 1,
                "hash": "x",
                "at": "",
                "amendments": [1],
            }
        },
        {
            "preregistration": {
                "texts": TEXTS,
                "number": 1,
                "hash": "x",
                "at": "",
                "amendments": [],
                "outcome": {"text": "x", "number": "many"},
            }
        },
        {"written": ["x"]},
        {"written": {"abstract": {"no": "text"}}},
    ],
)
def test_a_damaged_record_is_no_crash(damage: dict, home: Path) -> None:
    with progress.updating(home) as record:
        record.update(damage)
    assert "No abstract is written yet" in report(home)


def test_the_whole_page(home: Path) -> None:
    amended = {**TEXTS, "stop_rule": "Four repetitions."}
    with progress.updating(home) as record:
        record["preregistration"] = {
            "texts": TEXTS,
            "number": 4.0,
            "hash": "f00d",
            "at": "2026-11-01T10:00:00+00:00",
            "amendments": [
                {
                    "at": "2026-11-02",
                    "reason": "A run crashed.",
                    "texts": amended,
                    "number": 4,
                    "hash": "beef",
                }
            ],
            "outcome": {"text": "It held.", "number": 5, "at": "2026-11-03"},
        }
        record["written"] = {
            "abstract": {"title": "Abstract", "text": "Five lines & more.", "at": "2026-11-03"},
            "read_claim": {"title": "What is claimed", "text": "<script>x</script>", "at": ""},
        }
    log("A pentagon.", loss=0.0014)
    folder = experiments() / "exp-runs"
    runs = [
        Run(f"r{p}{seed}", "d", {"p": p, "seed": seed}, "done", {"kept": 2 + seed}, seconds=1.0)
        for p in (1.0, 0.05)
        for seed in (0, 1)
    ]
    runs.append(Run("bad", "d", {"p": 9, "seed": 0}, "failed", error="ValueError: <p>"))
    for run in runs:
        write_run(folder, run)
    (folder / PLAN).write_text(json.dumps({"runs": [run.id for run in runs]}), encoding="utf-8")
    page = report(home)
    assert "The count &lt;b&gt;never&lt;/b&gt; falls." in page
    assert "<script>" not in page
    assert page.index("Four repetitions.") > page.index("A run crashed.") > page.index("f00d")
    assert "It held." in page
    assert "2.5 ± 0.71" in page
    assert "kept against p: 1.0: 2.5 ± 0.71; 0.05: 2.5 ± 0.71." in page
    assert "failed: p=9, seed=0: ValueError: &lt;p&gt;" in page
    assert "A pentagon." in page
    assert "<code>loss = 0.0014</code>" in page
    assert "http" not in page.replace("https://transformer-circuits.pub", "")  # nothing is loaded
