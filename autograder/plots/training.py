"""What 07_build_gpt shows during training: a bar with a live curve, a table, and samples."""

from __future__ import annotations

import html
import math
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from autograder.kernel import in_notebook, is_graded, is_watched
from autograder.plots.style import BLUE, GREY, ORANGE, VERMILION, figure

EVERY = 0.25  # seconds between redraws of the curve
WIDTH, HEIGHT = 420, 90


class Drawn:
    """HTML, and the same in plain text."""

    def __init__(self, body: str, text: str) -> None:
        self.body, self.text = body, text

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/plain": self.text, "text/html": self.body}

    def __repr__(self) -> str:
        return self.text


class Progress:
    """``for step in progress(steps): ...; progress.show(loss)`` draws a bar and the loss so far.

    It is redrawn four times a second; only once, at the end, while a notebook is built; and never
    while one is graded, or outside a notebook.
    """

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.steps, self.began, self.drawn = 0, 0.0, 0.0
        self.handle: Any = None

    def __call__(self, steps: int) -> Iterator[int]:
        self.losses, self.steps, self.handle = [], steps, None
        self.began = time.monotonic()
        self.drawn = self.began
        for step in range(steps):
            yield step
            if is_watched() and time.monotonic() - self.drawn > EVERY:
                self._draw(step + 1)
        self._draw(steps)

    def show(self, loss: Any) -> None:
        """Add one loss (a number, or a tensor with one number) to the curve."""
        self.losses.append(float(loss.detach() if hasattr(loss, "detach") else loss))

    def _draw(self, done: int) -> None:
        if is_graded() or not in_notebook():
            return
        from IPython.display import display

        self.drawn = time.monotonic()
        drawn = curve(self.losses, done, self.steps, self.drawn - self.began)
        if self.handle is None:
            self.handle = display(drawn, display_id=True)
        else:
            self.handle.update(drawn)


def curve(losses: list[float], done: int, steps: int, seconds: float) -> Drawn:
    """A bar for the steps done, and the smoothed losses as a curve."""
    smooth, mean = [], None
    for loss in losses:
        mean = loss if mean is None else 0.9 * mean + 0.1 * loss
        smooth.append(mean)
    now = f", loss {smooth[-1]:.2f}" if smooth else ""
    text = f"step {done} of {steps}{now}, {seconds:.0f} s"
    points = ""
    finite = [(i, y) for i, y in enumerate(smooth) if math.isfinite(y)]
    if len(finite) > 1:
        step = max(1, len(finite) // 200)
        low, high = min(y for _, y in finite), max(y for _, y in finite)
        points = " ".join(
            f"{WIDTH * (i + 1) / steps:.1f},{4 + (HEIGHT - 8) * (high - y) / (high - low or 1):.1f}"
            for i, y in [*finite[::step], finite[-1]]
        )
    body = (
        f'<div style="max-width:{WIDTH}px;font-size:13px">'
        f'<progress value="{done}" max="{steps}" style="width:100%" aria-label="{text}"></progress>'
        f"<div>{html.escape(text)}</div>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="100%" role="img" '
        f'aria-label="The loss against the steps: {text}">'
        f'<polyline points="{points}" fill="none" stroke="{BLUE}" stroke-width="2"/></svg></div>'
    )
    return Drawn(body, text)


progress = Progress()


class Ladder:
    """The rungs from a blind guess to a GPT, each with a name, a validation loss and a sample."""

    def __init__(self) -> None:
        self.rungs: dict[str, tuple[float, str]] = {}

    def add(self, name: str, loss: float, sample: str = "") -> None:
        """Add a rung (or replace the one with that name), and show the table and the plot."""
        self.rungs[name] = (float(loss), sample)
        self.show()

    def show(self) -> None:
        """Show the table and the plot of all rungs so far."""
        names, losses = list(self.rungs), [loss for loss, _ in self.rungs.values()]
        wide = max(len(name) for name in names)
        bought = [0.0, *(a - b for a, b in pairwise(losses))]
        print(f"{'rung':{wide}}  loss   better than the row above by")
        for name, loss, gain in zip(names, losses, bought, strict=True):
            print(
                f"{name:{wide}}  {loss:.3f}  {gain:+.3f}" if gain else f"{name:{wide}}  {loss:.3f}"
            )
        told = "; ".join(f"{name} {loss:.2f}" for name, loss in zip(names, losses, strict=True))
        with figure(f"Validation losses, rung by rung: {told}.", 5.8, 0.7 + 0.3 * len(names)) as ax:
            colours = [GREY] * (len(names) - 1) + [ORANGE if losses[-1] > min(losses) else BLUE]
            ax.barh(range(len(names)), losses, color=colours, height=0.65)
            for at, loss in enumerate(losses):
                ax.text(loss + 0.02, at, f"{loss:.2f}", va="center", fontsize=9)
            ax.set_yticks(range(len(names)), names)
            ax.invert_yaxis()
            ax.grid(axis="y", visible=False)
            ax.set(xlabel="validation loss, nats", xlim=(min(1.2, *losses), max(losses) + 0.3))

    def samples(self, *names: str) -> None:
        """Show what some of the rungs write, side by side."""
        from IPython.display import display

        chosen = [name for name in names or self.rungs if self.rungs.get(name, (0, ""))[1]]
        cells = "".join(
            f'<td style="vertical-align:top;text-align:left;padding:4px 10px"><b>'
            f"{html.escape(name)}</b>, {self.rungs[name][0]:.2f}<pre style='white-space:pre-wrap;"
            f"font-size:12px'>{html.escape(self.rungs[name][1])}</pre></td>"
            for name in chosen
        )
        text = "\n\n".join(f"--- {name}\n{self.rungs[name][1]}" for name in chosen)
        display(Drawn(f"<table><tr>{cells}</tr></table>", text))


def draw_block() -> None:
    """Draw a block: a residual stream, and two parts that read from it and add to it."""
    with figure(
        "A line, the stream, runs from left to right. Twice a branch leaves it downwards, passes a "
        "box norm and a box, attention the first time and feed-forward the second, and comes back "
        "to the line at a plus sign.",
        width=6.6,
        height=1.9,
    ) as ax:
        arrow = {"arrowstyle": "->", "lw": 2.5, "color": BLUE}
        ax.annotate("", (10.2, 2), (-0.2, 2), arrowprops=arrow)
        ax.text(-0.3, 2.25, "x", color=BLUE, fontsize=12)
        for left, name in ((0.7, "attention"), (5.6, "feed-forward")):
            ax.plot([left, left, left + 4, left + 4], [2, 0.85, 0.85, 1.7], color=GREY, lw=1.2)
            ax.annotate("", (left + 4, 1.85), (left + 4, 1.6), arrowprops={"arrowstyle": "->"})
            for at, label, edge in ((left + 1, "norm", GREY), (left + 2.6, name, VERMILION)):
                box = {"boxstyle": "round", "facecolor": "#fcfcfa", "edgecolor": edge}
                ax.text(at, 0.85, label, ha="center", va="center", bbox=box)
            ring = {"boxstyle": "circle", "facecolor": "#fcfcfa", "edgecolor": BLUE}
            ax.text(left + 4, 2, "+", ha="center", va="center", fontsize=13, bbox=ring)
        ax.set(xlim=(-0.5, 10.4), ylim=(0.3, 2.6))
        ax.set_axis_off()
