"""Figures for notebooks: small, readable on light and dark, each with alternative text."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Okabe and Ito's palette: safe for colour-blind readers, in print and on screen.
BLUE, ORANGE, GREEN, VERMILION, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#6b7280"
# A dict of Any, because matplotlib's types list every setting by name.
STYLE: dict[Any, Any] = {
    "figure.facecolor": "#fcfcfa",
    "axes.facecolor": "#fcfcfa",
    "axes.edgecolor": "#6b7280",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.grid": True,
    "grid.color": "#e5e5e0",
    "axes.axisbelow": True,
    "font.size": 10,
    "legend.frameon": False,
}


class Picture:
    """A rendered figure with its alternative text."""

    def __init__(self, png: bytes, text: str, width: int) -> None:
        self.png, self.text, self.width = png, text, width

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        data = base64.b64encode(self.png).decode("ascii")
        described = html.escape(self.text, quote=True)
        return {
            "text/plain": self.text,
            "text/html": (
                f'<img alt="{described}" width="{self.width}" '
                f'style="max-width:100%;border-radius:6px" src="data:image/png;base64,{data}">'
            ),
        }

    def __repr__(self) -> str:
        return self.text


@contextmanager
def figure(text: str, width: float = 5.6, height: float = 3.0, columns: int = 1) -> Iterator[Any]:
    """Draw on axes and show the figure, with `text` for readers who can't see it.

    Sizes are in inches. With several columns it yields a list of axes::

        with figure("A line that rises by 1.65 for each kilometre.") as ax:
            ax.plot(km, fare)
    """
    import matplotlib
    from IPython.display import display
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        drawn = Figure(figsize=(width, height), layout="constrained")
        axes = drawn.subplots(1, columns)
        yield axes
        buffer = io.BytesIO()
        drawn.savefig(buffer, format="png", dpi=130)
    display(Picture(buffer.getvalue(), text, round(96 * width)))
