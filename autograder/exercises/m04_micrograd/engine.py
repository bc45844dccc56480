"""The engine that mistakes are made of, and the programs that Values are tried on.

The reference runs the same little programs in PyTorch, in double precision. A mistake is a small
change to `Engine`, a compact engine that keeps local slopes, so each shows a learner's slip and
nothing else.
"""

from __future__ import annotations

import ast
import functools
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from autograder.core.exercise import Case
from autograder.core.plain import Other
from autograder.plots.graph import Node, graph_svg
from autograder.probes import m04_micrograd as probes


class Engine:
    """A right engine. Every node keeps (parent, slope) pairs; a mistake overrides one method."""

    def __init__(self, data: Any, _children: tuple = (), _op: str = "", label: str = "") -> None:
        self.data, self.grad = float(data), 0.0
        self._prev, self._op, self.label = _children, _op, label
        self.slopes: tuple[float, ...] = ()
        self.overwrites = False

    def lift(self, other: Any) -> Engine:
        return other if isinstance(other, Engine) else type(self)(other)

    def make(self, data: float, op: str, *pairs: tuple[Engine, float]) -> Engine:
        out = type(self)(data, tuple(parent for parent, _ in pairs), op)
        out.slopes = tuple(slope for _, slope in pairs)
        return out

    def __add__(self, other: Any) -> Any:
        other = self.lift(other)
        return self.make(self.data + other.data, "+", (self, 1.0), (other, 1.0))

    def __mul__(self, other: Any) -> Any:
        other = self.lift(other)
        return self.make(self.data * other.data, "*", (self, other.data), (other, self.data))

    def __radd__(self, other: Any) -> Any:
        return self + other

    def __rmul__(self, other: Any) -> Any:
        return self * other

    def __neg__(self) -> Any:
        return self * -1

    def __sub__(self, other: Any) -> Any:
        return self + -self.lift(other)

    def __rsub__(self, other: Any) -> Any:
        return self.lift(other) - self

    def __pow__(self, n: float) -> Any:
        return self.make(self.data**n, "**", (self, n * self.data ** (n - 1)))

    def __truediv__(self, other: Any) -> Any:
        return self * self.lift(other) ** -1

    def __rtruediv__(self, other: Any) -> Any:
        return self.lift(other) / self

    def tanh(self) -> Any:
        t = math.tanh(self.data)
        return self.make(t, "tanh", (self, 1 - t * t))

    def exp(self) -> Any:
        return self.make(math.exp(self.data), "exp", (self, math.exp(self.data)))

    def log(self) -> Any:
        return self.make(math.log(self.data), "log", (self, 1 / self.data))

    def relu(self) -> Any:
        return self.make(max(0.0, self.data), "relu", (self, float(self.data > 0)))

    def order(self) -> list[Engine]:
        """Every node after all that it was made from."""
        return list(ordered(self))

    def seed(self) -> None:
        self.grad = 1.0

    def flow(self, node: Engine, slope: float) -> float:
        """What a parent gets from `node`."""
        return slope * node.grad

    def give(self, parent: Engine, amount: float, node: Engine) -> None:
        parent.grad = amount if node.overwrites else parent.grad + amount

    def backward(self) -> None:
        self.seed()
        for node in reversed(self.order()):
            for parent, slope in zip(node._prev, node.slopes, strict=True):
                self.give(parent, self.flow(node, slope), node)


def ordered(root: Any) -> list[Any]:
    """Parents before children, without recursion."""
    found, seen, stack = [], set(), [(root, False)]
    while stack:
        node, done = stack.pop()
        if done:
            found.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((parent, False) for parent in node._prev)
    return found


def engine(**methods: Any) -> type[Engine]:
    """A wrong engine: `Engine` with some methods replaced."""
    return type("Value", (Engine,), methods)


def unary(name: str, value: Callable, slope: Callable, **extra: Any) -> type[Engine]:
    """A wrong engine whose operation `name` has this value(x) and slope(x, value)."""

    def method(self: Engine) -> Engine:
        out = value(self.data)
        return self.make(out, name, (self, slope(self.data, out)))

    return engine(**{name: method}, **extra)


def overwriting(*operations: str) -> type[Engine]:
    """A wrong engine in which these operations overwrite the gradients of what they came from."""

    def wrap(name: str) -> Callable:
        right = getattr(Engine, name)

        @functools.wraps(right)
        def method(self: Engine, *args: Any) -> Engine:
            out = right(self, *args)
            out.overwrites = True
            return out

        return method

    return engine(**{name: wrap(name) for name in operations})


def in_torch(case: Case) -> dict[str, Any]:
    """Run a case's program on double-precision tensors."""
    import torch

    leaves = {
        name: torch.tensor(float(data), dtype=torch.float64, requires_grad=True)
        for name, data in case["leaves"].items()
    }
    values = probes.run(case["program"], leaves)
    result: dict[str, Any] = {"data": {n: float(v.detach()) for n, v in values.items()}}
    if case.get("remembers"):
        result["remembers"] = True
    if case.get("backward"):
        for value in values.values():
            value.retain_grad()
        for name in case["backward"]:
            values[name].backward(retain_graph=True)
        result["grad"] = {
            name: 0.0 if value.grad is None else float(value.grad) for name, value in values.items()
        }
    if case.get("again"):  # what the flow starts from is the same each time
        result["root after a second backward"] = 1.0
    return result


def program(name: str, text: str, backward: Iterable[str] = ("out",), **leaves: float) -> Case:
    """A case for the `expression` probe; `;` separates statements."""
    lines = "\n".join(part.strip() for part in text.split(";"))
    return {"name": name, "program": lines, "leaves": leaves, "backward": list(backward)}


def show_program(case: Case) -> str:
    """The inputs, then the program."""
    given = ", ".join(f"{name} = {data:g}" for name, data in case["leaves"].items())
    lines = [given, *case["program"].splitlines()]
    lines += [f"{name}.backward()" for name in case.get("backward", [])]
    lines += ["out.backward()"] if case.get("again") else []
    return "\n".join(lines)


def explain_program(case: Case, seen: Any, expected: Any) -> str | None:
    """Name the first wrong link: data in the order of the program, gradients from the end."""
    for kind, names in (("data", list(expected["data"])), ("grad", list(expected["data"])[::-1])):
        for name in names if kind in expected else ():
            got, want = seen[kind].get(name), expected[kind][name]
            if isinstance(got, Other):
                return (
                    f"`{name}.{kind}` should be a plain number, and it is {got.text}: is a `.data` "
                    "missing?"
                )
            if not isinstance(got, (int, float)):
                return f"`{name}.{kind}` should be a number"
            if not math.isclose(got, want, rel_tol=1e-4, abs_tol=1e-6):
                made = case["program"].splitlines()
                made = next((line for line in made if line.startswith(f"{name} = ")), "")
                where = f", made by `{made}`," if made and kind == "data" else ""
                first = (
                    "the first wrong number"
                    if kind == "data"
                    else ("the first wrong gradient on the way back")
                )
                return f"`{name}.{kind}`{where} is {got:.4g}, expected {want:.4g}: {first}"
    if "root after a second backward" in expected:
        got = seen["root after a second backward"]
        return (
            f"After a second `out.backward()` the gradient of `out` is {got}, and it should be 1: "
            "set `self.grad = 1.0` where the flow starts"
        )
    if seen.get("remembers") is False:
        return "The result does not remember its parents: pass `(self, other)` to the new Value"
    return None


def draw_program(case: Case, seen: Any, expected: Any) -> tuple[str, str] | None:
    """The graph of a program with each node's gradient and, where it differs, the expected one."""
    if "grad" not in expected or not isinstance(seen, dict) or "grad" not in seen:
        return None
    nodes, wrong = [], []
    sources = {line.split(" = ")[0]: line for line in case["program"].splitlines()}
    for name, want in expected["grad"].items():
        got = seen["grad"].get(name)
        if not isinstance(got, (int, float)):
            return None
        bad = not math.isclose(got, want, rel_tol=1e-4, abs_tol=1e-6)
        lines = [f"data {expected['data'][name]:.4g}", f"grad {got:.4g}"]
        if bad:
            lines.append(f"want {want:.4g}")
            wrong.append(f"{name}.grad is {got:.4g}, expected {want:.4g}")
        source = sources.get(name, "")
        inside = source.split(" = ")[1] if source else ""
        parents = tuple(n for n in expected["grad"] for _ in range(uses(n, inside)))
        nodes.append(
            Node(key=name, title=source or name, lines=tuple(lines), parents=parents, wrong=bad)
        )
    text = "Wrong gradients: " + "; ".join(wrong) + "." if wrong else ""
    return (graph_svg(nodes, text), text) if wrong else None


def uses(name: str, source: str) -> int:
    tree = ast.parse(source or "0")
    return sum(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree))


def about(**more: Any) -> dict[str, Any]:
    """What all exercises that run programs share."""
    return {
        "takes": {"Value": "class"},
        "probe": probes.expression,
        "reference": in_torch,
        "show": show_program,
        "explain": explain_program,
        "picture": draw_program,
        "rtol": 1e-5,
        "atol": 1e-7,
        **more,
    }


def some(rng: np.random.Generator, low: float = 0.5, high: float = 3.0) -> float:
    """A short number of either sign, never near 0, 1 or 2."""
    while True:
        value = round(float(rng.uniform(low, high)), 2)
        if abs(value - 1) > 0.05 and abs(value - 2) > 0.05:
            return value if rng.random() < 0.5 else -value


def above(rng: np.random.Generator, low: float = 1.2, high: float = 3.0) -> float:
    """A positive number above 1."""
    return round(float(rng.uniform(low, high)), 2)
