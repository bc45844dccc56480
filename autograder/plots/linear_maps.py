"""The plane's grid under a matrix, with the matrix's columns marked, and vectors as arrows."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograder.plots.style import BLUE, GREY, VERMILION


def draw_grid(
    ax: Any,
    matrix: Any,
    *,
    title: str = "",
    reach: int = 3,
    limit: float = 4.0,
    square: bool = False,
) -> None:
    """Draw on `ax` where a 2 by 2 matrix sends the integer grid, and the matrix's two columns.

    The first column, where (1, 0) lands, is blue and solid; the second, where (0, 1) lands, is
    orange and dashed. `square` fills in the image of the unit square.
    """
    moved = np.asarray(matrix, dtype=float)
    ends = np.array([-reach, reach])
    for at in range(-reach, reach + 1):
        for line in (np.array([[at, at], ends]), np.array([ends, [at, at]])):
            ax.plot(*(moved @ line), color=GREY, lw=0.7 if at else 1.3, alpha=0.55)
    if square:
        corners = moved @ np.array([[0, 1, 1, 0], [0, 0, 1, 1]])
        ax.fill(*corners, color=BLUE, alpha=0.2, lw=0)
    steep_both = all(abs(y) > 0.6 * abs(x) for x, y in moved.T) and np.prod(moved[1]) > 0
    for j, colour, style, name in (
        (0, BLUE, "-", "1st column"),
        (1, VERMILION, "--", "2nd column"),
    ):
        column, other = moved[:, j], moved[:, 1 - j]
        draw_arrow(ax, column, colour, style)
        x, y = column
        steep = abs(y) > 0.6 * abs(x)
        aside = "left" if x > other[0] else "right"  # away from the other label
        ax.annotate(
            name,
            np.clip(column, -0.8 * limit, 0.8 * limit),
            xytext=(0 if steep else 5 * np.sign(x), 8 * (np.sign(y) or 1) if steep else -9),
            textcoords="offset points",
            color=colour,
            fontsize=8,
            ha=(aside if steep_both else "center") if steep else ("left" if x >= 0 else "right"),
            va="center",
            bbox={"facecolor": "#fcfcfa", "edgecolor": "none", "pad": 0.5, "alpha": 0.8},
        )
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", title=title)
    ax.grid(False)


def draw_arrow(ax: Any, vector: Any, colour: str, style: str = "-", start: Any = (0, 0)) -> None:
    """Draw a vector on `ax` as an arrow from `start`."""
    start = np.asarray(start, dtype=float)
    ax.annotate(
        "",
        xy=start + np.asarray(vector, dtype=float),
        xytext=start,
        arrowprops={
            "arrowstyle": "-|>",
            "color": colour,
            "lw": 2,
            "linestyle": style,
            "shrinkA": 0,
            "shrinkB": 0,
        },
    )
