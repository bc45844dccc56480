"""Each extra brings what it needs: everything else that is installed here is hidden from it."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from extras import EXTRAS, ROOT, run
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

# Every Python below runs this at its start, kernels too. What is hidden is as if not installed.
HIDING = """
import json, pathlib, re, sys
kept = json.loads(pathlib.Path(__file__).with_name("kept.json").read_text(encoding="utf-8"))
hidden = set(kept["hidden"])
distributions = {*kept["distributions"], "ml-speedrun"}

class Hiding:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in hidden:
            return self.finder.find_spec(name, path, target)

    def find_distributions(self, *context):
        for found in getattr(self.finder, "find_distributions", lambda *_: ())(*context):
            if re.sub(r"[-_.]+", "-", found.metadata["Name"]).lower() in distributions:
                yield found

    def invalidate_caches(self):
        getattr(self.finder, "invalidate_caches", lambda: None)()

sys.meta_path[:] = map(Hiding, sys.meta_path)
"""


def closure(extra: str) -> set[str]:
    """The distributions that the package brings with this extra, by pyproject.toml."""
    lines = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"].get(extra, ())]
    left = [Requirement(line) for line in lines]
    done: set[tuple[str, str]] = set()
    while left:
        wanted = left.pop()
        name = canonicalize_name(wanted.name)
        for asked in ("", *wanted.extras):
            if (name, asked) in done:
                continue
            try:
                brings = metadata.requires(name) or ()
            except metadata.PackageNotFoundError:
                continue  # for another Python or system, under a marker that a package forgot
            done.add((name, asked))
            for line in map(Requirement, brings):
                if line.marker is None or line.marker.evaluate({"extra": asked}):
                    left.append(line)
    return {name for name, _ in done}


def modules_of(names: Iterable[str]) -> set[str]:
    """The top-level modules of these distributions."""
    found = set()
    for name in names:
        distribution = metadata.distribution(name)
        found.update((distribution.read_text("top_level.txt") or "").split())
        for file in distribution.files or ():
            first = file.parts[0]
            found.add(first if len(file.parts) > 1 else inspect.getmodulename(first) or first)
    return found


@pytest.fixture
def hide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Hide all but what an extra brings from the Pythons that the test starts.

    What is installed is what a new Python finds: setuptools adds the packages that it carries
    inside to the path of the Python that imports it.
    """
    code = "import json, sys; print(json.dumps(sys.path))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    monkeypatch.setattr(sys, "path", json.loads(found.stdout))

    def hidden(extra: str) -> set[str]:
        kept = closure(extra)
        folder = tmp_path / "hiding"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(HIDING, encoding="utf-8")
        others = {canonicalize_name(d.metadata["Name"]) for d in metadata.distributions()} - kept
        hidden = modules_of(others) - modules_of(kept) - {"autograder"}
        told = {"hidden": sorted(hidden), "distributions": sorted(kept)}
        (folder / "kept.json").write_text(json.dumps(told), encoding="utf-8")
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), str(ROOT)]))
        return kept

    return hidden


@pytest.mark.slow
@pytest.mark.lasts(50)
@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_does_what_it_is_for_with_what_it_brings(extra: str, tmp_path: Path, hide) -> None:
    hide(extra)
    work = tmp_path / "work"
    work.mkdir()
    EXTRAS[extra](work)


@pytest.mark.parametrize(
    ("extra", "hidden", "seen"),
    [
        ("none", ("nbformat", "nbgrader", "jupytext", "distributed"), ("torch", "jinja2")),
        ("lab", ("jupytext", "distributed", "pytest"), ("nbgrader", "ipykernel", "torch")),
        ("cluster", ("nbgrader", "jupytext"), ("distributed", "torch")),
    ],
)
def test_what_is_hidden(
    extra: str, hidden: tuple[str, ...], seen: tuple[str, ...], tmp_path: Path, hide
) -> None:
    hide(extra)
    code = (
        "import sys; from importlib.util import find_spec; print(*filter(find_spec, sys.argv[1:]))"
    )
    assert run(tmp_path, "-c", code, *hidden, *seen).split() == list(seen)


def test_what_setuptools_carries_inside_is_not_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    import setuptools

    carried = Path(setuptools.__file__).parent / "_vendor"
    monkeypatch.setattr(sys, "path", [*sys.path, str(carried)])
    hide = request.getfixturevalue("hide")
    hide("lab")
    told = json.loads((tmp_path / "hiding" / "kept.json").read_text(encoding="utf-8"))
    assert (carried / "jaraco").is_dir()
    assert "jaraco" not in told["hidden"]


def test_every_extra_is_run() -> None:
    assert set(EXTRAS) == {"none", *PROJECT["optional-dependencies"]} - {"dev"}


def test_each_extra_has_a_night_of_its_own() -> None:
    path = ROOT / ".github" / "workflows" / "nightly.yml"
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow[True]["schedule"]  # YAML reads the key `on` as true
    job = workflow["jobs"]["extra"]
    assert set(job["strategy"]["matrix"]["extra"]) == set(EXTRAS)
    assert "python tests/extras.py ${{ matrix.extra }}" in job["steps"][-1]["run"]
