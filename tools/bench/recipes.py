"""The recipes: the baseline, and the notebook's two GPTs, trained by its own cells.

The notebook marks its cells with tags. Cells with an answer, the setup cell and cells tagged
`bench` define things; the cell tagged `bench-first` trains the first GPT and leaves it in `model`,
the one tagged `bench-fast` (after "make it fast") leaves its own in `fast_model`.
"""

from __future__ import annotations

import contextlib
import functools
import io
import itertools
import json
import linecache
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_post_hook

from autograder import course
from autograder.errors import SpeedrunError
from tools.bench import baseline

MODULE = "07_build_gpt"
BASELINE = "baseline"
# recipe -> the tag of the cell that trains it, and the name of the model it leaves
CELLS = {"first GPT": ("bench-first", "model"), "fast GPT": ("bench-fast", "fast_model")}
FEW = 3  # steps of a run that only has to work
EVALUATION = "estimate_loss"  # the notebook's function, whose time isn't training time


@dataclass
class Text:
    """A text as ids: characters in sorted order, the first 90% for training."""

    train: Tensor  # (N,)
    validation: Tensor  # (M,)
    vocab_size: int

    @classmethod
    def of(cls, text: str) -> Text:
        """Replace each character of `text` by its index among the sorted characters."""
        place = {character: number for number, character in enumerate(sorted(set(text)))}
        ids = torch.tensor([place[character] for character in text])
        cut = int(0.9 * len(ids))
        return cls(ids[:cut], ids[cut:], len(place))


@dataclass
class Clock:
    """CPU and wall-clock seconds, with pauses for anything that isn't training."""

    cpu: float = 0.0
    wall: float = 0.0
    _since: tuple[float, float] | None = field(default=None, repr=False)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Count the time spent inside."""
        self._start()
        try:
            yield
        finally:
            self._stop()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Don't count the time spent inside; a stopped clock stays stopped."""
        if self._since is None:
            yield
            return
        self._stop()
        try:
            yield
        finally:
            self._start()

    def _start(self) -> None:
        self._since = time.process_time(), time.perf_counter()

    def _stop(self) -> None:
        cpu, wall = self._since or (0.0, 0.0)
        self.cpu += time.process_time() - cpu
        self.wall += time.perf_counter() - wall
        self._since = None


def ready() -> None:
    """Raise any problem with the notebook now, rather than after minutes of training."""
    for tag, _ in CELLS.values():
        cells_of(_notebook(), tag)


def train_baseline(
    text: Text, clock: Clock, after_step: Callable[[], object], quick: bool = False
) -> nn.Module:
    """Train the baseline, timing only the training; a quick run takes a few steps."""
    settings = baseline.Settings(steps=FEW, warmup=1) if quick else baseline.Settings()
    with clock.running():
        return baseline.train(text.train, text.vocab_size, settings, after_step)


def train_notebooks(
    recipe: str, text: Text, clock: Clock, seed: int, quick: bool = False
) -> nn.Module:
    """Train the notebook's model with the notebook's cell, timing only that cell.

    A quick run ends the training cell after a few steps, with what it has made by then.
    """
    tag, result = CELLS[recipe]
    before, training = cells_of(_notebook(), tag)
    space: dict[str, Any] = {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()):
        for name, source in before:
            _execute(name, source, space, quick)
        if not _same(space.get("train_data"), text.train):
            raise SpeedrunError(
                f"{MODULE}: the notebook's train_data is not the first 90% of Tiny Shakespeare."
            )
        if EVALUATION in space:
            space[EVALUATION] = _untimed(space[EVALUATION], clock)
        torch.manual_seed(seed)
        with clock.running():
            _execute(*training, space, quick)
    if not isinstance(space.get(result), nn.Module):
        raise SpeedrunError(f"{MODULE}: the cell tagged {tag} leaves no `{result}`.")
    return space[result]


def logits_of(model: nn.Module) -> Callable[[Tensor], Tensor]:
    """A function from ids to logits, whether the model returns logits or (logits, loss)."""

    def logits(ids: Tensor) -> Tensor:
        out = model(ids)
        return out[0] if isinstance(out, tuple) else out

    return logits


def cells_of(notebook: dict[str, Any], tag: str) -> tuple[list[tuple[str, str]], tuple[str, str]]:
    """(name, source) of the defining cells before the cell with this tag, and of that cell."""
    before: list[tuple[str, str]] = []
    for number, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] != "code":
            continue
        tags = cell["metadata"].get("tags", [])
        graded = cell["metadata"].get("nbgrader", {})
        named = f"<cell {number} of {MODULE}>", "".join(cell["source"]).replace("%pip", "pass  # ")
        if tag in tags:
            return before, named
        if number == _first_code(notebook) or graded.get("solution") or "bench" in tags:
            before.append(named)
    raise SpeedrunError(f"{MODULE}: no cell is tagged {tag}.")


def _first_code(notebook: dict[str, Any]) -> int:
    """The index of the setup cell, the first with code."""
    return next(n for n, cell in enumerate(notebook["cells"]) if cell["cell_type"] == "code")


@functools.cache
def _notebook() -> dict[str, Any]:
    path = course.root() / "solutions" / MODULE / f"{MODULE}.ipynb"
    if not path.is_file():
        raise SpeedrunError(f"{path} is missing: build it with make build ARGS={MODULE}.")
    stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return stored


def _execute(name: str, source: str, space: dict[str, Any], quick: bool) -> None:
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    with _at_most(FEW) if quick else contextlib.nullcontext():
        exec(compile(source, name, "exec"), space)


class _EnoughError(Exception):
    """A cell has trained for as many steps as allowed."""


@contextlib.contextmanager
def _at_most(steps: int) -> Iterator[None]:
    """End the training inside after so many optimizer steps."""
    taken = itertools.count(1)

    def stop(*_: Any) -> None:
        if next(taken) == steps:
            raise _EnoughError

    hook = register_optimizer_step_post_hook(stop)
    try:
        yield
    except _EnoughError:
        return
    finally:
        hook.remove()


def _untimed(function: Callable[..., Any], clock: Clock) -> Callable[..., Any]:
    @functools.wraps(function)
    def paused(*args: Any, **kwargs: Any) -> Any:
        with clock.paused():
            return function(*args, **kwargs)

    return paused


def _same(given: object, wanted: Tensor) -> bool:
    return isinstance(given, Tensor) and torch.equal(given.cpu(), wanted)
