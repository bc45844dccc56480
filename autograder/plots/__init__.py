"""What a notebook draws with: figures, graphs, linear maps, sliders, training curves."""

from autograder.plots.graph import draw_graph
from autograder.plots.linear_maps import draw_arrow, draw_grid
from autograder.plots.sliders import sliders
from autograder.plots.style import BLUE, GREEN, GREY, ORANGE, VERMILION, figure
from autograder.plots.training import Ladder, draw_block, progress

__all__ = [
    "BLUE",
    "GREEN",
    "GREY",
    "ORANGE",
    "VERMILION",
    "Ladder",
    "draw_arrow",
    "draw_block",
    "draw_graph",
    "draw_grid",
    "figure",
    "progress",
    "sliders",
]
