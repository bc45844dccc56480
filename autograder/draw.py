"""Draw a graph of values as SVG, with no external program: one box a node, arrows left to right.

The text takes the page's own colour, so the picture reads on light and on dark.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

from autograder.errors import SpeedrunError

BOX_WIDTH, ROW, GAP_X, GAP_Y, MARGIN = 128, 17, 46, 16, 8
BLUE, VERMILION = "#3a87c8", "#d55e00"
CHILD_NAMES = ("_prev", "prev", "_children", "children", "_parents", "parents", "_inputs", "inputs")


@dataclass(frozen=True, kw_only=True)
class Node:
    """A box: its title, its lines, the keys of what it was made from, and whether it is wrong."""

    key: Any
    title: str
    lines: tuple[str, ...]
    parents: tuple[Any, ...] = ()
    wrong: bool = False


def graph_svg(nodes: list[Node], label: str) -> str:
    """The SVG of a graph; `nodes` come in any order, `label` is its text for a screen reader."""
    layers = _layers(nodes)
    heights = {node.key: ROW * (1 + len(node.lines)) + 10 for node in nodes}
    tallest = max(sum(heights[n.key] + GAP_Y for n in layer) for layer in layers)
    position: dict[Any, tuple[float, float]] = {}
    for column, layer in enumerate(layers):
        free = tallest - sum(heights[node.key] + GAP_Y for node in layer)
        y = MARGIN + free / 2
        for node in layer:
            position[node.key] = (MARGIN + column * (BOX_WIDTH + GAP_X), y)
            y += heights[node.key] + GAP_Y
    width = 2 * MARGIN + len(layers) * BOX_WIDTH + (len(layers) - 1) * GAP_X
    height = 2 * MARGIN + tallest - GAP_Y
    arrows, boxes = [], []
    for node in nodes:
        x, y = position[node.key]
        for parent in dict.fromkeys(node.parents):
            px, py = position[parent]
            y1, y2 = py + heights[parent] / 2, y + heights[node.key] / 2
            x1, x2 = px + BOX_WIDTH, x - 5
            bend = (x2 - x1) / 2
            twice = " ×2" if node.parents.count(parent) > 1 else ""
            arrows.append(
                f'<path d="M{x1:.0f} {y1:.0f} C{x1 + bend:.0f} {y1:.0f} {x2 - bend:.0f} {y2:.0f} '
                f'{x2:.0f} {y2:.0f}" fill="none" stroke="{BLUE}" stroke-width="1.5"/>'
                f'<path d="M{x2:.0f} {y2 - 4:.0f} l7 4 l-7 4 z" fill="{BLUE}"/>'
            )
            if twice:
                boxes.append(
                    f'<text x="{x2 - 4:.0f}" y="{y2 - 6:.0f}" text-anchor="end" font-size="11" '
                    f'fill="currentColor">{twice.strip()}</text>'
                )
        stroke, thick = (VERMILION, 2.5) if node.wrong else ("currentColor", 1)
        opacity = "1" if node.wrong else ".45"
        boxes.append(
            f'<rect x="{x:.0f}" y="{y:.0f}" width="{BOX_WIDTH}" height="{heights[node.key]}" '
            f'rx="6" fill="none" stroke="{stroke}" stroke-opacity="{opacity}" '
            f'stroke-width="{thick}"/>'
        )
        for row, text in enumerate((node.title, *node.lines)):
            weight = "600" if row == 0 else "400"
            boxes.append(
                f'<text x="{x + 9:.0f}" y="{y + 18 + row * ROW:.0f}" font-weight="{weight}" '
                f'fill="currentColor">{html.escape(text)}</text>'
            )
    return (
        f'<svg role="img" aria-label="{html.escape(label, quote=True)}" '
        f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" style="max-width:100%;height:auto;color:inherit" '
        'font-family="ui-monospace,Menlo,Consolas,monospace" font-size="12.5">'
        + "".join(arrows + boxes)
        + "</svg>"
    )


def _layers(nodes: list[Node]) -> list[list[Node]]:
    """Columns from left to right: a node stands right of all that it was made from."""
    known = {node.key: node for node in nodes}
    depth: dict[Any, int] = {}
    waiting = list(nodes)
    while waiting:
        ready = [n for n in waiting if all(p in depth for p in n.parents if p in known)]
        if not ready:
            raise SpeedrunError("This graph has a loop: a node is made from itself.")
        for node in ready:
            depth[node.key] = 1 + max((depth[p] for p in node.parents if p in known), default=-1)
        waiting = [node for node in waiting if node.key not in depth]
    # A leaf is drawn beside its first use, not at the far left.
    for node in nodes:
        if not node.parents:
            uses = [depth[n.key] for n in nodes if node.key in n.parents]
            depth[node.key] = min(uses) - 1 if uses else 0
    layers: list[list[Node]] = [[] for _ in range(max(depth.values()) + 1)]
    for node in nodes:
        layers[depth[node.key]].append(node)
    # Two sweeps that put a node at the mean height of its neighbours untangle small graphs.
    place = {node.key: float(i) for layer in layers for i, node in enumerate(layer)}
    for sweep in (layers, layers[::-1]) * 2:
        for layer in sweep:
            for node in layer:
                around = [place[p] for p in node.parents if p in place]
                around += [place[n.key] for n in nodes if node.key in n.parents]
                if around:
                    place[node.key] = sum(around) / len(around)
            layer.sort(key=lambda node: place[node.key])
            for i, node in enumerate(layer):
                place[node.key] = i + (1 - len(layer)) / 2
    return layers


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
    """Draw the graph that ends in `root`, a `Value` of yours, with data and gradient at each node.

    It finds what a node was made from in `_prev` (or `children`, `_children`, `parents`), and
    uses `label` and `_op` where a node has them.
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
