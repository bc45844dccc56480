"""Draw a graph of values as SVG, without external programs: a box per node, arrows to the right.

The text inherits the page's colour, so the picture is readable on light and dark.
"""

from __future__ import annotations

import html
import itertools
from dataclasses import dataclass
from typing import Any

from autograder.errors import SpeedrunError
from autograder.probes.m04_micrograd import CHILD_NAMES

BOX_WIDTH, ROW, GAP_X, GAP_Y, MARGIN = 132, 17, 46, 16, 8
BLUE, VERMILION = "#3a87c8", "#d55e00"


@dataclass(frozen=True, kw_only=True)
class Node:
    """A box: its title, its lines, the keys of its inputs, and whether it is wrong."""

    key: Any
    title: str
    lines: tuple[str, ...]
    parents: tuple[Any, ...] = ()
    wrong: bool = False


def graph_svg(nodes: list[Node], label: str) -> str:
    """The SVG of a graph; `nodes` come in any order, `label` is for screen readers."""
    spots, paths = _layout(nodes)
    layers = max(spot.layer for spot in spots.values()) + 1
    columns = [
        sorted((s for s in spots.values() if s.layer == i), key=lambda s: s.place)
        for i in range(layers)
    ]
    tallest = max(sum(spot.height + GAP_Y for spot in column) for column in columns)
    for i, column in enumerate(columns):
        y = MARGIN + (tallest - sum(spot.height + GAP_Y for spot in column)) / 2
        for spot in column:
            spot.x, spot.y = MARGIN + i * (BOX_WIDTH + GAP_X), y
            y += spot.height + GAP_Y
    width = 2 * MARGIN + layers * BOX_WIDTH + (layers - 1) * GAP_X
    height = 2 * MARGIN + tallest - GAP_Y
    arrows = [_arrow([spots[key] for key in path], twice) for path, twice in paths]
    boxes = [_box(node, spots[node.key]) for node in nodes]
    return (
        f'<svg role="img" aria-label="{html.escape(label, quote=True)}" '
        f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" style="max-width:100%;height:auto;color:inherit" '
        'font-family="ui-monospace,Menlo,Consolas,monospace" font-size="12.5">'
        + "".join(arrows + boxes)
        + "</svg>"
    )


@dataclass
class _Spot:
    """A place in the drawing: a node's box, or a point where a long arrow crosses a column."""

    layer: int
    height: float
    place: float = 0.0
    x: float = 0.0
    y: float = 0.0

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


def _box(node: Node, spot: _Spot) -> str:
    stroke, thick, opacity = (VERMILION, 2.5, "1") if node.wrong else ("currentColor", 1, ".45")
    lines = [
        f'<rect x="{spot.x:.0f}" y="{spot.y:.0f}" width="{BOX_WIDTH}" '
        f'height="{spot.height:.0f}" rx="6" fill="none" stroke="{stroke}" '
        f'stroke-opacity="{opacity}" stroke-width="{thick}"/>'
    ]
    for row, text in enumerate((node.title, *node.lines)):
        weight = "600" if row == 0 else "400"
        text = text if len(text) <= 15 else text[:14] + "…"
        lines.append(
            f'<text x="{spot.x + 9:.0f}" y="{spot.y + 18 + row * ROW:.0f}" '
            f'font-weight="{weight}" fill="currentColor">{html.escape(text)}</text>'
        )
    return "".join(lines)


def _arrow(path: list[_Spot], twice: bool) -> str:
    """A smooth line from the right side of the first spot, past the others, to the last's left."""
    first, *between, last = path
    x, y = first.x + BOX_WIDTH, first.middle
    line = f"M{x:.0f} {y:.0f}"
    for spot in [*between, last]:
        to = spot.x - (5 if spot is last else 0)
        bend = (to - x) / 2
        line += f"C{x + bend:.0f} {y:.0f} {to - bend:.0f} {spot.middle:.0f} {to:.0f} "
        line += f"{spot.middle:.0f}"
        x, y = to, spot.middle
        if spot is not last:
            x += BOX_WIDTH
            line += f"H{x:.0f}"
    mark = (
        f'<text x="{x - 3:.0f}" y="{y - 7:.0f}" text-anchor="end" font-size="11" '
        'fill="currentColor">×2</text>'
        if twice
        else ""
    )
    return (
        f'<path d="{line}" fill="none" stroke="{BLUE}" stroke-width="1.5"/>'
        f'<path d="M{x:.0f} {y - 4:.0f} l7 4 l-7 4 z" fill="{BLUE}"/>{mark}'
    )


def _layout(nodes: list[Node]) -> tuple[dict[Any, _Spot], list[tuple[list[Any], bool]]]:
    """Spots by key, and the arrows as lists of keys: layered, with a spot per column passed."""
    depth = _depths(nodes)
    spots = {n.key: _Spot(depth[n.key], ROW * (1 + len(n.lines)) + 10) for n in nodes}
    paths = []
    for node in nodes:
        for parent in dict.fromkeys(node.parents):
            passed = [(parent, node.key, i) for i in range(depth[parent] + 1, depth[node.key])]
            spots.update({key: _Spot(key[2], 8) for key in passed})
            paths.append(([parent, *passed, node.key], node.parents.count(parent) > 1))
    beside: dict[Any, list[Any]] = {key: [] for key in spots}
    for path, _ in paths:
        for one, other in itertools.pairwise(path):
            beside[one].append(other)
            beside[other].append(one)
    # A few sweeps that move each spot to the mean height of its neighbours untangle small graphs.
    columns = [[k for k in spots if spots[k].layer == i] for i in range(max(depth.values()) + 1)]
    for column in columns:
        _spread(column, spots)
    for sweep in (columns, columns[::-1]) * 3:
        for column in sweep:
            for key in column:
                if beside[key]:
                    spots[key].place = sum(spots[k].place for k in beside[key]) / len(beside[key])
            column.sort(key=lambda key: spots[key].place)
            _spread(column, spots)
    return spots, paths


def _spread(column: list[Any], spots: dict[Any, _Spot]) -> None:
    for i, key in enumerate(column):
        spots[key].place = i + (1 - len(column)) / 2


def _depths(nodes: list[Node]) -> dict[Any, int]:
    """The column of each node: to the right of its inputs; leaves go next to their first use."""
    depth: dict[Any, int] = {}
    waiting = list(nodes)
    while waiting:
        ready = [n for n in waiting if all(p in depth for p in n.parents)]
        if not ready:
            raise SpeedrunError("This graph has a loop: a node is made from itself.")
        for node in ready:
            depth[node.key] = 1 + max((depth[p] for p in node.parents), default=-1)
        waiting = [node for node in waiting if node.key not in depth]
    for node in nodes:
        if not node.parents:
            uses = [depth[n.key] for n in nodes if node.key in n.parents]
            depth[node.key] = min(uses) - 1 if uses else 0
    return depth


class Graph:
    """A drawn graph: an SVG in a notebook, lines of text elsewhere."""

    def __init__(self, nodes: list[Node], label: str) -> None:
        self.nodes, self.label = nodes, label

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": graph_svg(self.nodes, self.label)}

    def __repr__(self) -> str:
        names = {node.key: node.title for node in self.nodes}
        lines = []
        for node in self.nodes:
            made = ", ".join(names[p] for p in node.parents)
            lines.append(
                " | ".join((node.title, *node.lines)) + (f" | from {made}" if made else "")
            )
        return "\n".join(lines)


def draw_graph(root: Any, limit: int = 60) -> Graph:
    """Draw the graph that ends in `root`, a `Value` of yours, with each node's data and gradient.

    A node's inputs are read from `_prev` (or `children`, `_children`, `parents`); `label` and `_op`
    are used if a node has them.
    """
    order: list[Any] = []
    seen: set[int] = set()
    stack: list[tuple[Any, bool]] = [(root, False)]
    while stack:
        value, expanded = stack.pop()
        if expanded:
            order.append(value)
        elif id(value) not in seen:
            seen.add(id(value))
            if len(seen) > limit:
                raise SpeedrunError(f"This graph has over {limit} nodes: draw a smaller one.")
            stack.append((value, True))
            stack.extend((parent, False) for parent in reversed(_parents(value)))
    nodes = []
    for value in order:
        op = str(getattr(value, "_op", "") or getattr(value, "op", "") or "")
        name = str(getattr(value, "label", "") or "")
        title = f"{name} = {op}" if name and op else name or op or "value"
        lines = [f"data {_number(value.data)}"]
        if getattr(value, "grad", None) is not None:
            lines.append(f"grad {_number(value.grad)}")
        nodes.append(
            Node(
                key=id(value),
                title=title,
                lines=tuple(lines),
                parents=tuple(id(parent) for parent in _parents(value)),
            )
        )
    described = "; ".join(f"{n.title}, {', '.join(n.lines)}" for n in nodes)
    return Graph(nodes, f"Graph of {len(nodes)} values: {described}")


def _number(value: Any) -> str:
    try:
        return f"{float(value): .4f}"
    except (TypeError, ValueError):
        return f"{type(value).__name__}, not a number"


def _parents(value: Any) -> list[Any]:
    if not hasattr(value, "data"):
        raise SpeedrunError(f"draw_graph() draws a Value of yours; it got {type(value).__name__}.")
    for name in CHILD_NAMES:
        found = getattr(value, name, None)
        if isinstance(found, (tuple, list, set, frozenset)):
            return list(found)
    return []
