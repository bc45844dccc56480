"""`speedrun report`: a learner's replication as one page to share with anyone."""

from __future__ import annotations

import base64
import datetime
import io
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader

from autograder import course
from autograder.core.preregistration import is_outcome, is_registration
from autograder.core.rubric import reflowed
from autograder.errors import SpeedrunError
from autograder.notebook import progress
from autograder.research.labbook import FOLDER, entries
from autograder.research.runs import PLAN, Run, ended_runs

MODULE = "08_paper_replication"
DEEPEST = 4  # levels below the learner's folder that are searched for sweeps


@dataclass
class Table:
    """A sweep's results: one row per setting, with mean and deviation over its seeds."""

    name: str
    parameters: list[str]
    columns: list[str]
    rows: list[tuple[list[Any], int, list[str]]] = field(default_factory=list)
    failed: list[Run] = field(default_factory=list)
    picture: str = ""
    described: str = ""


def report(home: Path) -> str:
    """The page for a learner's folder, as self-contained HTML."""
    record = progress.load(home)
    written = record.get("written")
    written = written if isinstance(written, dict) else {}
    answers = {
        name: {
            "title": kept.get("title", name),
            "text": reflowed(kept["text"]),
            "at": kept.get("at", ""),
        }
        for name, kept in written.items()
        if isinstance(kept, dict) and isinstance(kept.get("text"), str)
    }
    environment = Environment(
        loader=PackageLoader("autograder.research"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["reflowed"] = reflowed
    registration = record.get("preregistration")
    if is_registration(registration) and not is_outcome(registration.get("outcome")):
        registration = {**registration, "outcome": None}
    return environment.get_template("report.html.j2").render(
        title=course.module(MODULE).title,
        paper=course.module(MODULE).resource,
        made=datetime.datetime.now(datetime.UTC).isoformat(timespec="minutes"),
        registration=registration if is_registration(registration) else None,
        first_training=record.get("first_training"),
        claims=_claims(record),
        abstract=answers.pop("abstract", None),
        outline=answers.pop("outline", None),
        answers=answers,
        entries=[(entry, _picture(home, entry.figure)) for entry in entries(home)],
        tables=_tables(home),
    )


def _claims(record: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(title, outcome, when it passed) of the capstone's claims."""
    return [
        (
            exercise.title,
            record["exercises"].get(exercise.id, {}).get("outcome", "not attempted"),
            record["exercises"].get(exercise.id, {}).get("passed_at", ""),
        )
        for exercise in course.module(MODULE).exercises
        if exercise.id.startswith("claim")
    ]


def _picture(home: Path, name: str) -> str:
    """A figure of the lab notebook as a data URL; empty if there is none."""
    path = home / FOLDER / Path(name).name
    if not name or not path.is_file():
        return ""
    return _address(path.read_bytes())


def _address(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _tables(home: Path) -> list[Table]:
    plans = [p for p in home.glob("**/" + PLAN) if len(p.relative_to(home).parts) <= DEEPEST]
    found = []
    for plan in sorted(plans):
        try:
            runs = ended_runs(plan.parent)
        except SpeedrunError:
            continue
        if runs:
            found.append(_table(plan.parent.name, runs))
    return found


def _table(name: str, runs: list[Run]) -> Table:
    done = [run for run in runs if run.status == "done"]
    varied = [key for key in runs[0].parameters if key != "seed"]
    numbers = [
        key
        for key in (done[0].results if done else {})
        if all(_is_number(run.results.get(key)) for run in done)
    ]
    table = Table(name, varied, numbers, failed=[run for run in runs if run.status == "failed"])
    groups: dict[tuple[Any, ...], list[Run]] = {}
    for run in done:
        groups.setdefault(tuple(run.parameters[key] for key in varied), []).append(run)
    for setting, group in groups.items():
        cells = [_mean([run.results[key] for run in group]) for key in numbers]
        table.rows.append((list(setting), len(group), [f"{m:.4g} ± {s:.2g}" for m, s in cells]))
    if len(varied) == 1 and numbers and len(groups) > 1:
        table.picture = _plot(varied[0], numbers[0], groups)
        table.described = (
            f"{numbers[0]} against {varied[0]}: "
            + "; ".join(f"{row[0][0]}: {row[2][0]}" for row in table.rows)
            + "."
        )
    return table


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _mean(values: list[float]) -> tuple[float, float]:
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return statistics.fmean(values), deviation


def _plot(parameter: str, result: str, groups: dict[tuple[Any, ...], list[Run]]) -> str:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    from autograder.plots.style import BLUE, STYLE

    points = [
        (setting[0], *_mean([run.results[result] for run in group]))
        for setting, group in groups.items()
    ]
    with rc_context(STYLE):
        drawn = Figure(figsize=(5.2, 2.6), layout="constrained")
        ax = drawn.subplots()
        if all(_is_number(x) for x, _, _ in points):
            points.sort()
            if min(x for x, _, _ in points) > 0 and points[-1][0] / points[0][0] > 20:
                ax.set_xscale("log")
            xs = [x for x, _, _ in points]
        else:
            xs = [str(x) for x, _, _ in points]
        ax.errorbar(
            xs,
            [m for _, m, _ in points],
            [s for _, _, s in points],
            fmt="o-",
            color=BLUE,
            capsize=3,
        )
        ax.set(xlabel=parameter, ylabel=result)
        image = io.BytesIO()
        drawn.savefig(image, dpi=130, format="png")
    return _address(image.getvalue())
