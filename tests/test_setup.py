"""The repository around the code: versions are locked, set-up works, files agree."""

from __future__ import annotations

import itertools
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import autograder

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def pins() -> list[Requirement]:
    """The lines of requirements.lock."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def dependencies() -> list[Requirement]:
    """All that pyproject.toml asks for, extras included."""
    extras = PROJECT["optional-dependencies"]
    lines = itertools.chain(PROJECT["dependencies"], *extras.values())
    asked = [Requirement(line) for line in lines]
    return [item for item in asked if item.name != PROJECT["name"]]


def version(pin: Requirement) -> str:
    (specifier,) = pin.specifier
    assert specifier.operator == "=="
    return specifier.version


@pytest.mark.parametrize("wanted", dependencies(), ids=str)
def test_every_dependency_has_a_pin_that_satisfies_it(wanted: Requirement) -> None:
    found = [p for p in pins() if canonicalize_name(p.name) == canonicalize_name(wanted.name)]
    assert found, f"{wanted.name} is not in requirements.lock: make it again (see its first lines)"
    assert all(wanted.specifier.contains(version(pin)) for pin in found)


@pytest.mark.parametrize("python", ["3.11.0", "3.12.3", "3.13.9"])
@pytest.mark.parametrize(
    "system",
    [
        {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"},
        {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"},
        {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"},
    ],
    ids=lambda system: system["sys_platform"],
)
def test_no_package_has_two_pins(system: dict[str, str], python: str) -> None:
    environment = {
        **default_environment(),
        **system,
        "python_full_version": python,
        "python_version": ".".join(python.split(".")[:2]),
    }
    names = [
        canonicalize_name(pin.name)
        for pin in pins()
        if pin.marker is None or pin.marker.evaluate(environment)
    ]
    assert len(names) == len(set(names))
    assert {"torch", "jupyterlab", "nbgrader", "numpy"} <= set(names)


def test_the_lock_names_no_host_no_build_and_no_cuda() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    for unwanted in ("://", "--", "+cpu", "@"):
        pinned = [line for line in text.splitlines() if not line.startswith("#")]
        assert not [line for line in pinned if unwanted in line]
    assert not [pin for pin in pins() if re.match("nvidia|cuda|triton", pin.name)]


def test_the_core_is_light() -> None:
    core = {Requirement(line).name for line in PROJECT["dependencies"]}
    assert core == {
        "filelock",
        "jinja2",
        "matplotlib",
        "numpy",
        "rich",
        "scikit-learn",
        "torch",
        "typer",
    }


def environment_pip() -> list[str]:
    """The pip part of environment.yml, as arguments."""
    described = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    (part,) = (item["pip"] for item in described["dependencies"] if isinstance(item, dict))
    return [word for line in part for word in shlex.split(line)]


def test_environment_yml_has_no_list_of_its_own() -> None:
    described = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    plain = [item for item in described["dependencies"] if isinstance(item, str)]
    assert [re.match(r"\w+", item)[0] for item in plain] == ["python", "pip"]
    assert environment_pip() == [
        "--extra-index-url",
        "https://download.pytorch.org/whl/cpu",
        "-c",
        "requirements.lock",
        "-e",
        ".[dev]",
    ]


def test_environment_yml_installs_this_package_with_an_extra_that_it_has() -> None:
    arguments = environment_pip()
    lock = ROOT / arguments[arguments.index("-c") + 1]
    assert lock.is_file()
    (asked,) = re.findall(r"^\.\[(.+)\]$", arguments[arguments.index("-e") + 1])
    assert asked in PROJECT["optional-dependencies"]
    described = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert described["name"] == PROJECT["name"]
    python = next(item for item in described["dependencies"] if str(item).startswith("python"))
    (version,) = re.findall(r"\d+\.\d+", python)
    assert SpecifierSet(PROJECT["requires-python"]).contains(version)


def test_citation_agrees_with_the_project() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= citation.keys()
    assert citation["license"] == PROJECT["license"]
    assert citation["repository-code"] == PROJECT["urls"]["Repository"]


def test_the_version_is_in_the_package_alone() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    path = tomllib.loads(text)["tool"]["hatch"]["version"]["path"]
    assert PROJECT["dynamic"] == ["version"] and "version" not in PROJECT
    assert f'__version__ = "{autograder.__version__}"' in (ROOT / path).read_text(encoding="utf-8")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert "version" not in citation


def test_workflows_agree_on_the_version_of_an_action() -> None:
    used: dict[str, set[str]] = {}
    for path in (ROOT / ".github/workflows").glob("*.yml"):
        for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values():
            for name in (step["uses"] for step in job["steps"] if "uses" in step):
                action, _, version = name.partition("@")
                used.setdefault(action, set()).add(version)
    assert {"actions/checkout", "actions/setup-python"} <= used.keys()
    assert all(len(versions) == 1 for versions in used.values()), used


def test_ci_tests_the_oldest_and_the_newest_python_on_three_systems() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    matrix = workflow["jobs"]["test"]["strategy"]["matrix"]
    assert {name.partition("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}
    assert PROJECT["requires-python"] == f">={matrix['python'][0]},<3.14"
    assert matrix["python"][-1] == "3.13"


needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")


@needs_make
@pytest.mark.parametrize(
    "target", ["setup", "lab", "test", "test-long", "coverage", "build", "bench"]
)
def test_the_makefile_knows_its_targets(target: str, tmp_path: Path) -> None:
    command = ["make", "--dry-run", target, f"VENV={tmp_path / 'venv'}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "requirements.lock" in done.stdout  # every target sets up first
    assert not (tmp_path / "venv").exists()


@needs_make
def test_without_a_python_that_fits_make_says_so(tmp_path: Path) -> None:
    """All Pythons that can be found are too old, or can't make environments."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "bash", "sed", "uname", "touch", "rm", "mktemp"):
        found = shutil.which(name)
        if found:
            (tools / name).symlink_to(found)

    def setup() -> subprocess.CompletedProcess[str]:
        command = [shutil.which("make"), "setup", f"VENV={tmp_path / 'venv'}"]
        return subprocess.run(
            command, cwd=ROOT, env={"PATH": str(tools)}, capture_output=True, text=True
        )

    done = setup()
    assert done.returncode != 0
    assert done.stderr.splitlines()[0] == (
        "Python 3.11, 3.12 or 3.13 is needed: install one, or name it with PYTHON=..."
    )
    lame = tools / "python3"
    lame.write_text('#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\nexit 0\n')
    lame.chmod(0o755)
    done = setup()
    assert done.returncode != 0
    assert done.stderr.splitlines()[0] == (
        "python3 can't make environments. On Debian or Ubuntu: sudo apt install python3-venv"
    )
    assert not (tmp_path / "venv").exists()


@needs_make
def test_a_python_that_is_named_is_looked_at_too(tmp_path: Path) -> None:
    old = tmp_path / "python3.10"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.10.13" && exit\nexit 1\n')
    old.chmod(0o755)

    def setup(python: str) -> str:
        command = ["make", "setup", f"VENV={tmp_path / 'venv'}", f"PYTHON={python}"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode != 0
        assert not (tmp_path / "venv").exists()
        return done.stderr.splitlines()[0]

    assert setup(str(old)) == f"PYTHON={old} is Python 3.10.13: name Python 3.11, 3.12 or 3.13."
    assert (
        setup("nothing") == "PYTHON=nothing is no Python that runs: name Python 3.11, 3.12 or 3.13."
    )


@pytest.mark.slow
@pytest.mark.long  # downloads and installs all of it; by day the tests above read the same file
def test_the_pip_part_of_environment_yml_installs_into_a_fresh_environment(tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=True)
    scripts = tmp_path / "env" / ("Scripts" if sys.platform == "win32" else "bin")

    def run(*command: str, folder: Path = tmp_path) -> str:
        done = subprocess.run(
            [str(scripts / command[0]), *command[1:]], cwd=folder, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-1500:]}\n{done.stderr[-1500:]}"
        return done.stdout

    quick = ["-q", "--no-compile", "--retries", "1"]
    run("python", "-m", "pip", "install", *quick, *environment_pip(), folder=ROOT)
    run("python", "-m", "pip", "check")
    imports = "import autograder.notebook.api, jupyterlab, nbgrader, nbval, jupytext, torch"
    run("python", "-c", imports)
    assert "Usage" in run("speedrun", "--help")
    installed = run("python", "-m", "pip", "freeze").lower()
    assert "nbgrader==0.9.6" in installed
    for_this_python = [pin for pin in pins() if pin.marker is None or pin.marker.evaluate()]
    locked = {canonicalize_name(pin.name): pin for pin in for_this_python}
    for line in installed.splitlines():
        if "==" in line and not line.startswith("#"):  # not ourselves, installed from a folder
            name, _, got = line.partition("==")
            pin = locked.get(canonicalize_name(name))
            assert pin is not None, f"{name} is installed and not in requirements.lock"
            assert pin.specifier.contains(got), line
