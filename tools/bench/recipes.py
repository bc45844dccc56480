"""What is trained: the baseline, and the two GPTs of the notebook, run from its own cells.

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
# recipe -> the tag of the cell that trains it, and the name that this leaves the model in
CELLS = {"first GPT": ("bench-first", "model"), "fast GPT": ("bench-fast", "fast_model")}
FEW = 3  # steps, where a run is only to show that it works
EVALUATION = "estimate_loss"  # the notebook's own: what it takes is no training time


@dataclass
class Text:
    """A text as ids: characters in sorted order, the first 90% for training."""

    train: Tensor  # (N,)
    validation: Tensor  # (M,)
    vocab_size: int

    @classmethod
    def of(cls, text: str) -> Text:
        """Every character of `text` becomes its place among the sorted characters."""
        place = {character: number for number, character in enumerate(sorted(set(text)))}
        ids = torch.tensor([place[character] for character in text])
        cut = int(0.9 * len(ids))
        return cls(ids[:cut], ids[cut:], len(place))


@dataclass
class Clock:
    """Seconds of this process and on the clock, with time out for what is no training."""

    cpu: float = 0.0
    wall: float = 0.0
    _since: tuple[float, float] | None = field(default=None, repr=False)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Count the time spent in here."""
        self._start()
        try:
            yield
        finally:
            self._stop()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Do not count the time spent in here; where the clock stands still it stays so."""
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
    """Raise what is wrong with the notebook now, rather than after minutes of training."""
    for tag, _ in CELLS.values():
        cells_of(_notebook(), tag)


def train_baseline(
    text: Text, clock: Clock, after_step: Callable[[], object], quick: bool = False
) -> nn.Module:
    """The yardstick, trained; only its training is on the clock. A few steps where it is quick."""
    settings = baseline.Settings(steps=FEW, warmup=1) if quick else baseline.Settings()
    with clock.running():
        return baseline.train(text.train, text.vocab_size, settings, after_step)


def train_notebooks(
    recipe: str, text: Text, clock: Clock, seed: int, quick: bool = False
) -> nn.Module:
    """The notebook's model, trained by the notebook's cell; only that cell is on the clock.

    Where it is quick, a cell that trains ends after a few steps, with what it has made by then.
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
    """Ids to logits, whether the model returns logits alone or logits and a loss."""

    def logits(ids: Tensor) -> Tensor:
        out = model(ids)
        return out[0] if isinstance(out, tuple) else out

    return logits


def cells_of(notebook: dict[str, Any], tag: str) -> tuple[list[tuple[str, str]], tuple[str, str]]:
    """(name, source) of the cells that define things before the cell with this tag, and of it."""
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
    """The number of the setup cell, the first with code."""
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
    """A cell has trained for as many steps as it may."""


@contextlib.contextmanager
def _at_most(steps: int) -> Iterator[None]:
    """End what trains in here after so many steps of an optimizer."""
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
