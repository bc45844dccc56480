"""The runs of a sweep on disk: one folder per sweep, one JSON file per run."""

from __future__ import annotations

import ast
import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from autograder.errors import SpeedrunError
from autograder.files import write_atomically
from autograder.research.experiment import TAG

PLAN, RUNS = "sweep.json", "runs"


@dataclass(frozen=True)
class Experiment:
    """An experiment notebook: its path, a digest of its code, and its parameters' names."""

    path: Path
    digest: str
    parameters: tuple[str, ...]


@dataclass
class Run:
    """One run: its parameters, and how it ended."""

    id: str
    experiment: str
    parameters: dict[str, Any]
    status: str = "waiting"
    results: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    seconds: float = 0.0
    at: str = ""

    @property
    def label(self) -> str:
        """Its parameters in one line."""
        return ", ".join(f"{name}={value}" for name, value in self.parameters.items())

    def flat(self) -> dict[str, Any]:
        """Parameters, results and seconds in one dict."""
        return {**self.parameters, **self.results, "seconds": self.seconds}


def read_experiment(path: str | Path) -> Experiment:
    """Read a notebook's code; a `SpeedrunError` says why it isn't an experiment."""
    path = Path(path)
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = [
            ("".join(cell["source"]), cell.get("metadata", {}).get("tags", []))
            for cell in cells
            if cell["cell_type"] == "code"
        ]
    except FileNotFoundError:
        raise SpeedrunError(f"There is no file {path}.") from None
    except OSError as error:
        raise SpeedrunError(f"{path} can't be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SpeedrunError(f"{path} is not a notebook.") from None
    tagged = [source for source, tags in code if TAG in tags]
    if not tagged:
        raise SpeedrunError(
            f"{path.name} has no cell tagged `{TAG}`: put the values that change into one cell, "
            "and give it that tag (in JupyterLab: the cog at the upper right)."
        )
    digest = hashlib.sha256("\0".join(source for source, _ in code).encode()).hexdigest()
    return Experiment(path, digest[:16], tuple(_assigned(tagged[0], path)))


def _assigned(source: str, path: Path) -> list[str]:
    try:
        body = ast.parse(source).body
    except SyntaxError as error:
        raise SpeedrunError(f"{path.name}: the cell of parameters: {error.msg}.") from None
    targets = [t for node in body if isinstance(node, ast.Assign) for t in node.targets]
    targets += [node.target for node in body if isinstance(node, ast.AnnAssign)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def plan(
    experiment: Experiment, grid: Mapping[str, Sequence[Any]], seeds: Iterable[int] | None
) -> list[Run]:
    """All runs of a grid, seed by seed; `SpeedrunError` for a parameter the notebook lacks."""
    axes: dict[str, list[Any]] = {name: list(values) for name, values in grid.items()}
    if seeds is not None:
        axes["seed"] = list(seeds)
    known = ", ".join(experiment.parameters) or "none"
    for name, values in axes.items():
        if name not in experiment.parameters:
            raise SpeedrunError(
                f"{experiment.path.name} has no parameter `{name}`. Its parameters: {known}."
            )
        if not values:
            raise SpeedrunError(f"No values are given for `{name}`.")
    runs: dict[str, Run] = {}
    for chosen in itertools.product(*axes.values()):
        parameters = dict(zip(axes, chosen, strict=True))
        text = json.dumps([experiment.digest, parameters], sort_keys=True)
        name = hashlib.sha256(text.encode()).hexdigest()[:12]
        runs[name] = Run(name, experiment.digest, parameters)
    return list(runs.values())


def write_plan(out: Path, experiment: Experiment, runs: Sequence[Run]) -> None:
    """Record which runs belong to the sweep in `out`."""
    content = {
        "experiment": experiment.path.name,
        "digest": experiment.digest,
        "runs": [run.id for run in runs],
    }
    write_atomically(out / PLAN, json.dumps(content, indent=2) + "\n")


def write_run(out: Path, run: Run) -> None:
    """Write a finished run; a kill at any moment leaves a whole file or none."""
    write_atomically(out / RUNS / f"{run.id}.json", json.dumps(asdict(run), indent=2) + "\n")


def read_run(out: Path, name: str) -> Run | None:
    """The finished run with this id; None if it hasn't finished, or its file is damaged."""
    try:
        run = Run(**json.loads((out / RUNS / f"{name}.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    fits = run.id == name and run.status in ("done", "failed") and isinstance(run.results, dict)
    return run if fits and isinstance(run.parameters, dict) else None


def ended_runs(folder: str | Path) -> list[Run]:
    """The finished runs in a sweep's folder, in the order of its plan."""
    out = Path(folder)
    try:
        names = json.loads((out / PLAN).read_text(encoding="utf-8"))["runs"]
        found = [read_run(out, str(name)) for name in names]
    except FileNotFoundError:
        raise SpeedrunError(f"{out} is not the folder of a sweep.") from None
    except (ValueError, KeyError, TypeError):
        raise SpeedrunError(
            f"{out / PLAN} is damaged: run the sweep again, no run is lost."
        ) from None
    return [run for run in found if run is not None]


def results_of(folder: str | Path) -> list[dict[str, Any]]:
    """Parameters, results and seconds of each successful run in a sweep's folder.

    Failed runs are left out; `speedrun sweep` lists them.
    """
    return [run.flat() for run in ended_runs(folder) if run.status == "done"]
