"""The exercises of 04_micrograd: a scalar engine, then a network on top of it.

The reference runs the same little programs in PyTorch, in double precision. Mistakes are small
changes to `Engine`, a compact engine that keeps local slopes, so each shows a learner's slip and
nothing else.
"""

from __future__ import annotations

import functools
import math
import random
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from autograder.draw import Node, graph_svg
from autograder.exercise import Case, Exercise, Mistake, Option, Rule, question
from autograder.probes import micrograd as probes

MODULE = "04_micrograd"


# --- The engine that mistakes are made of ---------------------------------------------------


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


# --- References -----------------------------------------------------------------------------


def in_torch(case: Case) -> dict[str, Any]:
    """Run a case's program on double-precision tensors."""
    import torch

    leaves = {
        name: torch.tensor(float(data), dtype=torch.float64, requires_grad=True)
        for name, data in case["leaves"].items()
    }
    values = probes.run(case["program"], leaves)
    result: dict[str, Any] = {"data": {n: float(v.detach()) for n, v in values.items()}}
    if case.get("backward"):
        for value in values.values():
            value.retain_grad()
        for name in case["backward"]:
            values[name].backward(retain_graph=True)
        result["grad"] = {
            name: 0.0 if value.grad is None else float(value.grad) for name, value in values.items()
        }
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
    return "\n".join(lines)


def explain_program(case: Case, seen: Any, expected: Any) -> str | None:
    """Name the first wrong link: data in the order of the program, gradients from the end."""
    for kind, names in (("data", list(expected["data"])), ("grad", list(expected["data"])[::-1])):
        for name in names if kind in expected else ():
            got, want = seen[kind].get(name), expected[kind][name]
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
        parents = tuple(n for n in expected["grad"] for _ in range(_uses(n, inside)))
        nodes.append(
            Node(key=name, title=source or name, lines=tuple(lines), parents=parents, wrong=bad)
        )
    text = "Wrong gradients: " + "; ".join(wrong) + "." if wrong else ""
    return (graph_svg(nodes, text), text) if wrong else None


def _uses(name: str, source: str) -> int:
    import ast

    tree = ast.parse(source or "0")
    return sum(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree))


def about(program_based: dict[str, Any]) -> dict[str, Any]:
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
        **program_based,
    }


def some(rng: np.random.Generator, low: float = 0.5, high: float = 3.0) -> float:
    """A number of either sign, never near 0, 1 or 2, with few digits so that messages stay short."""
    while True:
        value = round(float(rng.uniform(low, high)), 2)
        if abs(value - 1) > 0.05 and abs(value - 2) > 0.05:
            return value if rng.random() < 0.5 else -value


def above(rng: np.random.Generator, low: float = 1.2, high: float = 3.0) -> float:
    """A positive number above 1."""
    return round(float(rng.uniform(low, high)), 2)


# --- Part one: numbers that remember --------------------------------------------------------

predict_nudge = question(
    "predict_nudge",
    "What does one nudge change?",
    minutes=4,
    right="c",
    options={
        "a": Option(
            text="1.5",
            why="1.5 is what the meter adds for a kilometre. The tip then multiplies that, too.",
        ),
        "b": Option(
            text="1.1",
            why="1.1 is the tip's factor. It multiplies what a kilometre adds to the meter, 1.5.",
        ),
        "c": Option(text="1.65", why="1.5 for the kilometre, times 1.1 for the tip."),
        "d": Option(
            text="9.9",
            why="9.9 is the fare itself. The question is how fast it changes when km does.",
        ),
    },
    hints=(
        "Work out the fare for km = 4 and for km = 5. By how much do they differ?",
        "The meter grows by 1.5 for each kilometre; the tip then multiplies the meter by 1.1. "
        "Slopes along a chain multiply.",
        "```python\n((5 * 1.5 + 3) * 1.1) - ((4 * 1.5 + 3) * 1.1)\n```",
    ),
)


def _forward_cases(rng: np.random.Generator) -> list[Case]:
    a, b, c = some(rng), some(rng), some(rng)
    return [
        program("add", "out = a + b", (), a=a, b=b),
        program("multiply", "out = a * b", (), a=a, b=b),
        program("add a number", "out = a + 2.5", (), a=a),
        program("multiply by a number", "out = a * -3", (), a=a),
        program("twice the same", "c = a + a; out = c * c", (), a=a),
        program("a longer one", "d = a * b; e = d + c; f = e * 2; out = f + d", (), a=a, b=b, c=c),
        program("whole numbers", "c = a * b; out = c + 1", (), a=3, b=-4),
    ]


def _no_numbers(method: str) -> Callable:
    def operation(self: Engine, other: Any) -> Any:
        return getattr(Engine, method)(self, other if isinstance(other, Engine) else other.data)

    return operation


value_forward = Exercise(
    id="value_forward",
    title="A number that remembers: + and *",
    points=2,
    minutes=10,
    difficulty=2,
    cases=_forward_cases,
    mistakes=(
        Mistake(
            id="add_multiplies",
            message="`a + b` multiplies: its data should be the sum of both data.",
            answer=engine(__add__=Engine.__mul__),
            on=("add",),
        ),
        Mistake(
            id="multiply_adds",
            message="`a * b` adds: its data should be the product of both data.",
            answer=engine(__mul__=Engine.__add__),
            on=("multiply",),
        ),
        Mistake(
            id="changes_itself",
            message="`a + b` changes `a` itself: make a new Value for the result, and leave both "
            "inputs as they are.",
            answer=engine(
                __add__=lambda self, other: (
                    setattr(self, "data", self.data + self.lift(other).data) or self
                )
            ),
            on=("add",),
        ),
        Mistake(
            id="ignores_other",
            message="The result only uses one of its two inputs: combine `self.data` with "
            "`other.data`.",
            answer=engine(
                __add__=lambda self, other: self.make(self.data * 2, "+", (self, 1.0)),
                __mul__=lambda self, other: self.make(self.data**2, "*", (self, 1.0)),
            ),
            on=("add", "multiply"),
        ),
    ),
    hints=(
        "Both methods do the same three things: make sure that `other` is a Value, work out the "
        "new data, and return a new Value that knows its two parents.",
        "`isinstance(other, Value)` tells whether `other` is a Value already; if it isn't, wrap "
        "it: `Value(other)`. Python calls `a.__add__(b)` for `a + b`: see "
        "[emulating numeric types]"
        "(https://docs.python.org/3/reference/datamodel.html#emulating-numeric-types).",
        "```python\ndef __add__(self, other):\n"
        "    other = other if isinstance(other, Value) else Value(other)\n"
        '    return Value(..., (self, other), "+")\n```',
    ),
    **about({}),
)

TAXI = {"km": 4.0, "rate": 1.5, "start": 3.0, "tip": 1.1}


def _by_hand_reference(case: Case) -> dict[str, float]:
    values = in_torch(
        program("", "metre = km * rate; meter = metre + start; out = meter * tip", **TAXI)
    )
    return {name: values["grad"][name] for name in TAXI}


by_hand = Exercise(
    id="by_hand",
    title="Gradients by hand",
    takes={"by_hand": "value"},
    points=2,
    minutes=10,
    difficulty=2,
    cases=lambda rng: [{}],
    probe=probes.filled_in,
    reference=_by_hand_reference,
    show=lambda case: "the gradient of fare by km, rate, start and tip",
    rtol=1e-2,
    mistakes=(
        Mistake(
            id="no_upstream",
            message="The factor from further on is missing: what reaches `km`, `rate` and `start` "
            "has passed through `* tip`, and is multiplied by 1.1 there.",
            answer={"km": 1.5, "rate": 4.0, "start": 1.0, "tip": 9.0},
        ),
        Mistake(
            id="own_data",
            message="At `*` the gradients are swapped: each input gets the *other* input's data "
            "as its factor.",
            answer={"km": 4.0 * 1.1, "rate": 1.5 * 1.1, "start": 1.1, "tip": 9.0},
        ),
        Mistake(
            id="data_for_gradient",
            message="These are the data. A gradient says how much the fare changes for each unit.",
            answer=dict(TAXI),
        ),
        Mistake(
            id="add_multiplies",
            message="At `+` both inputs get the gradient unchanged: nothing is multiplied there "
            "by the other input.",
            answer={"km": 1.5 * 3 * 1.1, "rate": 4 * 3 * 1.1, "start": 6 * 1.1, "tip": 9.0},
        ),
        Mistake(
            id="tip_is_fare",
            message="The gradient of `tip` is what it is multiplied by, the meter: 9.0.",
            answer={"km": 1.65, "rate": 4.4, "start": 1.1, "tip": 9.9},
        ),
    ),
    hints=(
        "Start at the right end: the gradient of fare by itself is 1. Walk left, one box at a "
        "time.",
        "At `*`, each input gets the gradient that arrived, times the other input's data. At `+`, "
        "both get it unchanged.",
        "```python\nmeter = 1.0 * 1.1       # through `* tip`\nstart = meter * 1       # through "
        "`+`\nkm = meter * 1 * ...    # through `+`, then through `* rate`\n```",
    ),
)

# --- Part two: the order ---------------------------------------------------------------------

predict_order = question(
    "predict_order",
    "Who may go first?",
    minutes=3,
    right="b",
    options={
        "a": Option(
            text="c, then d, then out",
            why="That is the order of computing. Gradients flow from the end: `out` is the only "
            "one whose gradient is known at the start.",
        ),
        "b": Option(
            text="out, then d, then c",
            why="c waits until both d and out have passed their share to it.",
        ),
        "c": Option(
            text="out, then c, then d",
            why="c would pass its gradient on before d has added its share to it.",
        ),
        "d": Option(
            text="any order that starts with out",
            why="c is used twice, by d and by out. Passing on before both shares are there would "
            "pass on too little.",
        ),
    },
    hints=(
        "Which of the three is used by another of the three?",
        "A node may pass its gradient on once everything that was made from it has done so.",
        "`c` is used by `d` and by `out`, so both come before it.",
    ),
)


def _order_cases(rng: np.random.Generator) -> list[Case]:
    a, b, c = some(rng), some(rng), some(rng)
    return [
        program("chain", "d = a + 1.5; e = d * b; out = e + c", (), a=a, b=b, c=c),
        program("leaf", "out = a * b", (), a=a, b=b),
        program("reused", "c = a + b; d = a * c; out = d + c", (), a=a, b=b),
        program(
            "tangled",
            "c = a + b; d = a * c; e = c * d; f = e + c; g = f * a; h = d * e; out = g + h",
            (),
            a=a,
            b=b,
        ),
        program("long first", "d = a * b; e = d + c; f = e * c; out = a + f", (), a=a, b=b, c=c),
    ]


def _parents(case: Case) -> dict[str, list[str]]:
    names = [*case["leaves"], *(line.split(" = ")[0] for line in case["program"].splitlines())]
    inside = {line.split(" = ")[0]: line.split(" = ")[1] for line in case["program"].splitlines()}
    return {n: [p for p in names if _uses(p, inside.get(n, ""))] for n in names}


def _measure_order(case: Case, seen: Any) -> Any:
    if not isinstance(seen, list):
        return seen
    named = [name for name in seen if name != "?"]
    parents = _parents(case)
    place = {name: i for i, name in reversed(list(enumerate(named)))}
    early = [
        f"{n} before {p}"
        for n in dict.fromkeys(named)
        for p in parents[n]
        if p in place and place[p] > place[n]
    ]
    return {
        "missing": [name for name in parents if name not in place],
        "listed twice": sorted({name for name in named if named.count(name) > 1}),
        "too early": early,
    }


def _explain_order(case: Case, seen: Any, expected: Any) -> str | None:
    if not isinstance(seen, list):
        return None
    found = _measure_order(case, seen)
    if found["missing"]:
        return f"Missing from the list: {', '.join(found['missing'])}"
    if found["listed twice"]:
        return f"Listed more than once: {', '.join(found['listed twice'])}"
    return (
        f"A value comes before one that it is made from: {found['too early'][0]}. The list was "
        + ", ".join(seen)
    )


def _depth_first(*, after: bool = True, revisit: bool = False, skip: str = "") -> Callable:
    def topological_order(root: Any) -> list[Any]:
        found: list[Any] = []
        seen: set[int] = set()

        def visit(node: Any) -> None:
            if id(node) in seen and not revisit:
                return
            seen.add(id(node))
            if not after:
                found.append(node)
            for parent in node._prev:
                visit(parent)
            if after:
                found.append(node)

        visit(root)
        if skip == "root":
            found.remove(root)
        if skip == "leaves":
            found = [node for node in found if node._prev]
        return found

    return topological_order


def _breadth_first(root: Any) -> list[Any]:
    found, seen, queue = [], set(), deque([root])
    while queue:
        node = queue.popleft()
        if id(node) not in seen:
            seen.add(id(node))
            found.append(node)
            queue.extend(node._prev)
    return found[::-1]


ORDERED = {"missing": [], "listed twice": [], "too early": []}
GRAPH_HINT = "https://en.wikipedia.org/wiki/Topological_sorting#Depth-first_search"

topological_order = Exercise(
    id="topological_order",
    title="Put the graph in order",
    takes={"topological_order": "function", "Value": "class"},
    points=3,
    minutes=12,
    difficulty=3,
    cases=_order_cases,
    probe=probes.order,
    measure=_measure_order,
    reference=lambda case: ORDERED,
    show=lambda case: show_program(case) + "\ntopological_order(out)",
    explain=_explain_order,
    mistakes=(
        Mistake(
            id="before_parents",
            message="A value joins the list before its parents: visit the parents first, then "
            "append the value itself.",
            answer=(_depth_first(after=False), Engine),
            on=("tangled", "long first"),
        ),
        Mistake(
            id="reversed",
            message="The list is the wrong way round: it starts at the root. Each value should "
            "come after everything that it is made from, so the root comes last.",
            answer=(lambda root: ordered(root)[::-1], Engine),
            on=("chain", "leaf"),
        ),
        Mistake(
            id="no_visited",
            message="Values that are used twice are listed twice: remember which ones you have "
            "visited already, and skip them.",
            answer=(_depth_first(revisit=True), Engine),
            on=("reused",),
        ),
        Mistake(
            id="root_left_out",
            message="The root itself is missing from the list.",
            answer=(_depth_first(skip="root"), Engine),
        ),
        Mistake(
            id="leaves_left_out",
            message="The leaves are missing: values without parents belong in the list, too.",
            answer=(_depth_first(skip="leaves"), Engine),
        ),
        Mistake(
            id="breadth_first",
            message="Going level by level is not enough: a value can be near the root along one "
            "path and far along another. Visit the parents first, then append the value.",
            answer=(_breadth_first, Engine),
            on=("tangled", "long first"),
        ),
    ),
    hints=(
        "When may a value join the list? Once all its parents are in it. So deal with the "
        "parents first.",
        "Write a helper `visit(value)` that calls itself for each of `value._prev`, and then "
        "appends the value. A set of visited values keeps each from being listed twice. This is a "
        f"[depth-first search]({GRAPH_HINT}).",
        "```python\norder, visited = [], set()\n\ndef visit(value):\n    if value in visited:\n"
        "        return\n    visited.add(value)\n    for parent in value._prev:\n        ...\n"
        "    order.append(value)\n```",
    ),
)

# --- Part three: backward --------------------------------------------------------------------


def _tree_cases(rng: np.random.Generator) -> list[Case]:
    a, b, c, d = (some(rng) for _ in range(4))
    return [
        program("add", "out = a + b", a=a, b=b),
        program("multiply", "out = a * b", a=a, b=b),
        program("add, then multiply", "e = a + b; out = e * c", a=a, b=b, c=c),
        program("multiply twice", "e = a * b; out = e * c", a=a, b=b, c=c),
        program("plain numbers", "e = a * 3; f = e + 2.5; out = f * b", a=a, b=b),
        program("taxi", "e = a * b; f = e + c; out = f * d", a=a, b=b, c=c, d=d),
        program("two arms", "e = a * b; f = c + d; out = e * f", a=a, b=b, c=c, d=d),
    ]


def _add_without_upstream(self: Engine, node: Engine, slope: float) -> float:
    return slope if node._op == "+" else slope * node.grad


def _multiply_without_upstream(self: Engine, node: Engine, slope: float) -> float:
    return slope if node._op == "*" else slope * node.grad


def _own_data(self: Engine, other: Any) -> Engine:
    other = self.lift(other)
    return self.make(self.data * other.data, "*", (self, self.data), (other, other.data))


def _through_other_gradient(self: Engine, node: Engine, slope: float) -> float:
    return 0.0 if node._op == "*" else slope * node.grad


def _second_only(method: str) -> Callable:
    def operation(self: Engine, other: Any) -> Engine:
        out = getattr(Engine, method)(self, other)
        out.slopes = (out.slopes[0], 0.0)
        return out

    return operation


BACKWARD_HINTS = (
    "Two questions. What does each operation owe its parents? And in which order do the nodes pay?",
    "Inside `__add__`, write a function that passes `out.grad` to both parents; inside `__mul__`, "
    "one that also multiplies by the other parent's data. Keep it as `out._backward`. "
    "`backward()` sets `self.grad = 1.0` and calls them in reversed topological order. See "
    "[the chain rule](https://cs231n.github.io/optimization-2/).",
    "```python\ndef __mul__(self, other):\n"
    "    other = other if isinstance(other, Value) else Value(other)\n"
    '    out = Value(self.data * other.data, (self, other), "*")\n\n'
    "    def _backward():\n        self.grad = other.data * out.grad\n        other.grad = ...\n\n"
    "    out._backward = _backward\n    return out\n```",
)

backward = Exercise(
    id="backward",
    title="Backward, in ten lines",
    points=3,
    minutes=18,
    difficulty=4,
    cases=_tree_cases,
    mistakes=(
        Mistake(
            id="no_seed",
            message="Every gradient is 0: nothing starts the flow. The gradient of the root by "
            "itself is 1, so begin with `self.grad = 1.0`.",
            answer=engine(seed=lambda self: None),
        ),
        Mistake(
            id="forward_order",
            message="The gradients stop at the root's own parents. Call `_backward` for every node, "
            "in reversed topological order: from the root to the leaves.",
            answer=engine(order=lambda self: ordered(self)[::-1]),
        ),
        Mistake(
            id="own_data",
            message="In `*` each parent gets its own data as the factor. The slope of a * b by a "
            "is b: use the *other* parent's data.",
            answer=engine(__mul__=_own_data),
        ),
        Mistake(
            id="multiply_no_upstream",
            message="In `*` the gradient that arrives from further on is left out: multiply by "
            "`out.grad`.",
            answer=engine(flow=_multiply_without_upstream),
        ),
        Mistake(
            id="add_no_upstream",
            message="`+` passes on 1 instead of the gradient that arrives: hand `out.grad` to "
            "both parents.",
            answer=engine(flow=_add_without_upstream),
        ),
        Mistake(
            id="other_grad",
            message="In `*` the factor is the other parent's *data*, not its gradient: use "
            "`other.data * out.grad`.",
            answer=engine(flow=_through_other_gradient),
        ),
        Mistake(
            id="multiply_one_parent",
            message="In `*` only the first parent gets a gradient: pass one to `other`, too.",
            answer=engine(__mul__=_second_only("__mul__")),
        ),
        Mistake(
            id="add_one_parent",
            message="In `+` only the first parent gets a gradient: pass one to `other`, too.",
            answer=engine(__add__=_second_only("__add__")),
        ),
        Mistake(
            id="add_swaps",
            message="`+` multiplies by the other parent's data. That is the rule of `*`; a sum "
            "changes as much as each of its parts, so `+` passes the gradient on unchanged.",
            answer=engine(
                __add__=lambda self, other: self.make(
                    self.data + self.lift(other).data,
                    "+",
                    (self, self.lift(other).data),
                    (self.lift(other), self.data),
                )
            ),
            on=("add",),
        ),
    ),
    hints=BACKWARD_HINTS,
    **about({}),
)

predict_twice = question(
    "predict_twice",
    "One value, used twice",
    minutes=3,
    right="a",
    options={
        "a": Option(
            text="7", why="The path through a * a gives 2a = 6, the path through + gives 1."
        ),
        "b": Option(
            text="6",
            why="6 is the part that flows through a * a. The a that is added at the end counts, "
            "too.",
        ),
        "c": Option(
            text="1",
            why="1 is the part of the a that is added at the end. The two in a * a count, too.",
        ),
        "d": Option(
            text="4",
            why="In a * a, both factors move when a does: its slope is 2a = 6, not a = 3.",
        ),
    },
    hints=(
        "Nudge it: work out a * a + a for a = 3 and for a = 3.001.",
        "a * a changes by 2a for each unit of a; the a at the end changes by 1. The two add up.",
        "```python\n(3.001 * 3.001 + 3.001 - (3 * 3 + 3)) / 0.001\n```",
    ),
)


def _reuse_cases(rng: np.random.Generator) -> list[Case]:
    a, b, c = some(rng), some(rng), some(rng)
    tangled = "c = a + b; d = a * c; e = c * d; f = e + c; g = f * a; h = d * e; out = g + h"
    return [
        program("a + a", "out = a + a", a=a),
        program("a * a", "out = a * a", a=a),
        program("multiply and add itself", "b = a * 2; out = b + a", a=a),
        program("add and multiply itself", "b = a + 2; out = b * a", a=a),
        program("diamond", "d = a + b; e = d * c; f = d + c; out = e * f", a=a, b=b, c=c),
        program("tangled", tangled, a=a, b=b),
        program("long way round", "d = a * b; e = d + c; f = e * a; out = a + f", a=a, b=b, c=c),
        program("two losses", "x = a * b; y = a + c", ("x", "y"), a=a, b=b, c=c),
    ]


class PathByPath(Engine):
    """Walks every path on its own, in the order of first visit, so shared nodes pay too early."""

    def order(self) -> list[Engine]:
        return _breadth_first(self)


class Recursive(Engine):
    """Lets each node pass its gradient on as soon as it gets a share: shares are paid twice."""

    def backward(self) -> None:
        def pay(node: Engine) -> None:
            for parent, slope in zip(node._prev, node.slopes, strict=True):
                parent.grad += slope * node.grad
                pay(parent)

        self.grad = 1.0
        pay(self)


accumulate = Exercise(
    id="accumulate",
    title="Gradients add up",
    points=2,
    minutes=10,
    difficulty=3,
    cases=_reuse_cases,
    mistakes=(
        Mistake(
            id="overwritten",
            message="`a + a` should give a gradient of 2: the gradient is overwritten instead of "
            "accumulated. Add to it with `+=` in both operations.",
            answer=overwriting("__add__", "__mul__"),
            on=("a + a", "a * a"),
        ),
        Mistake(
            id="overwritten_in_add",
            message="`+` still overwrites the gradient of its inputs: add to it with `+=`.",
            answer=overwriting("__add__"),
            on=("a + a", "a * a"),
        ),
        Mistake(
            id="overwritten_in_multiply",
            message="`*` still overwrites the gradient of its inputs: add to it with `+=`.",
            answer=overwriting("__mul__"),
            on=("a + a", "a * a"),
        ),
        Mistake(
            id="zeroed_inside",
            message="`backward()` sets gradients back to 0 when it starts. Two losses that share "
            "a value should add up: leave the zeroing to the caller.",
            answer=engine(
                seed=lambda self: (
                    [setattr(node, "grad", 0.0) for node in ordered(self)],
                    setattr(self, "grad", 1.0),
                )
            ),
        ),
        Mistake(
            id="wrong_order",
            message="A shared value passes its gradient on before all its shares have arrived. "
            "Use the topological order: level by level is not enough.",
            answer=PathByPath,
            on=("tangled", "long way round"),
        ),
        Mistake(
            id="paid_twice",
            message="A shared value passes on the same gradient more than once. Each node should "
            "pass on its gradient once, when all its shares have arrived.",
            answer=Recursive,
            on=("diamond", "tangled"),
        ),
    ),
    hints=(
        "Where does the first gradient go when a second one arrives?",
        "A value that is used twice is reached along two paths, and their slopes "
        "[add up](https://en.wikipedia.org/wiki/Chain_rule#Multivariable_case). Assigning keeps "
        "only the last.",
        "```python\ndef _backward():\n    self.grad += other.data * out.grad\n"
        "    other.grad += ...\n```",
    ),
    **about({}),
)


def _zero_cases(rng: np.random.Generator) -> list[Case]:
    a, b, c = some(rng), some(rng), some(rng)
    text = "d = a * b\nout = d + c"
    leaves = {"a": a, "b": b, "c": c}
    return [
        {"name": "all", "program": text, "leaves": leaves, "zero": ["a", "b", "c"]},
        {"name": "two of three", "program": text, "leaves": leaves, "zero": ["c", "a"]},
        {"name": "none", "program": text, "leaves": leaves, "zero": []},
    ]


def _zero_reference(case: Case) -> dict[str, Any]:
    grads = {n: in_torch({**case, "backward": ["out"]})["grad"][n] for n in case["leaves"]}
    return {
        "gradients before": grads,
        "gradients after": {n: 0.0 if n in case["zero"] else g for n, g in grads.items()},
        "data after": dict(case["leaves"]),
        "gradients of the second backward": grads,
    }


def _zero_with(change: Callable[[Any], Any]) -> Callable[[list[Any]], None]:
    def zero(values: list[Any]) -> None:
        for value in values:
            change(value)

    return zero


zero_grad = Exercise(
    id="zero_grad",
    title="Start afresh",
    takes={"zero_grad": "function", "Value": "class"},
    points=1,
    minutes=6,
    difficulty=1,
    cases=_zero_cases,
    probe=probes.zeroed,
    reference=_zero_reference,
    show=lambda case: f"backward(), then zero_grad([{', '.join(case['zero'])}])",
    mistakes=(
        Mistake(
            id="data",
            message="It zeroes the data. Only the gradients start afresh: set `.grad`.",
            answer=(
                _zero_with(lambda v: (setattr(v, "data", 0.0), setattr(v, "grad", 0.0))),
                Engine,
            ),
            on=("all",),
        ),
        Mistake(
            id="nothing",
            message="The gradients are as before. Setting the loop's own variable changes nothing "
            "in the Value: set its `.grad`.",
            answer=(_zero_with(lambda v: None), Engine),
        ),
        Mistake(
            id="first_only",
            message="Only the first of the values is zeroed: go through all of them.",
            answer=(lambda values: [setattr(v, "grad", 0.0) for v in values[:1]], Engine),
        ),
        Mistake(
            id="none",
            message="The gradients should be the number 0, so that the next ones can be added to "
            "them.",
            answer=(_zero_with(lambda v: setattr(v, "grad", None)), Engine),
            recognise=lambda case, seen, expected: (
                None in seen["gradients after"].values() and bool(case["zero"])
            ),
        ),
        Mistake(
            id="one",
            message="The gradients are set to 1. Only the root of a backward pass starts at 1.",
            answer=(_zero_with(lambda v: setattr(v, "grad", 1.0)), Engine),
            on=("all", "two of three"),
        ),
    ),
    hints=(
        "One loop, one assignment.",
        "`values` is a list of Values; each has a `.grad`, which is a plain number.",
        "```python\nfor value in values:\n    value.grad = ...\n```",
    ),
)

# --- Part four: more operations ---------------------------------------------------------------


def _arithmetic_cases(rng: np.random.Generator) -> list[Case]:
    a, b, c = some(rng), some(rng), some(rng)
    p, q = above(rng), above(rng)
    whole = int(rng.integers(3, 6))
    return [
        program("negate", "out = -a * b", a=a, b=b),
        program("subtract", "c = a - b; out = c * b", a=a, b=b),
        program("subtract a number", "c = a - 3; out = c * a", a=a),
        program("subtract from a number", "c = 3 - a; out = c * a", a=a),
        program("add to a number", "c = 2 + a; out = c * a", a=a),
        program("multiply a number", "c = 2.5 * a; out = c * b", a=a, b=b),
        program("sum", "c = sum([a, b, a]); out = c * b", a=a, b=b),
        program("square", "c = a ** 2; out = c * b", a=a, b=b),
        program("power", f"c = a ** {whole}; out = c * b", a=a, b=b),
        program("broken power", "c = a ** 1.5; out = c * b", a=p, b=b),
        program("negative power", "c = a ** -2; out = c * b", a=p, b=b),
        program("divide", "c = a / b; out = c * b + a", a=p, b=q),
        program("divide by a number", "c = a / 4; out = c * b", a=a, b=b),
        program("divide a number", "c = 3 / a; out = c * b", a=p, b=b),
        program("negate plus itself", "c = -a; out = c + a", a=a),
        program("subtract plus itself", "c = a - b; out = c + a", a=a, b=b),
        program("subtracted plus itself", "c = b - a; out = c + a", a=a, b=b),
        program("power plus itself", "c = a ** 3; out = c + a", a=a),
        program("divide plus itself", "c = a / b; out = c + a", a=a, b=q),
        program("divided plus itself", "c = b / a; out = c + a", a=p, b=b),
        program("all", "d = (a - b) / c; e = 1 / d; f = 2 - e; out = f ** 2 - d", a=a, b=b, c=c),
    ]


def _power_slope(slope: Callable[[float, float], float]) -> Callable:
    def power(self: Engine, n: float) -> Engine:
        return self.make(self.data**n, "**", (self, slope(self.data, n)))

    return power


def _without_graph(method: str) -> Callable:
    """The data are right, and nothing flows back."""

    def operation(self: Engine, *args: Any) -> Engine:
        return type(self)(getattr(Engine, method)(self, *args).data)

    return operation


def _no_upstream_in(operation: str) -> Callable:
    def flow(self: Engine, node: Engine, slope: float) -> float:
        return slope if node._op == operation else slope * node.grad

    return flow


def _quotient(slope: Callable[[float, float], float]) -> Callable:
    def divide(self: Engine, other: Any) -> Engine:
        other = self.lift(other)
        x, y = self.data, other.data
        return self.make(x / y, "/", (self, 1 / y), (other, slope(x, y)))

    return divide


def _difference_of(second: float) -> Callable:
    def subtract(self: Engine, other: Any) -> Engine:
        other = self.lift(other)
        return self.make(self.data - other.data, "-", (self, 1.0), (other, second))

    return subtract


arithmetic = Exercise(
    id="arithmetic",
    title="Minus, power, divide, and from the other side",
    points=3,
    minutes=14,
    difficulty=3,
    cases=_arithmetic_cases,
    mistakes=(
        Mistake(
            id="negate",
            message="`-a` keeps the sign: its data should be `-a.data`.",
            answer=engine(__neg__=lambda self: self * 1),
            on=("negate",),
        ),
        Mistake(
            id="negate_no_gradient",
            message="`-a` has the right data, and nothing flows back through it. Write it as "
            "`self * -1`, so that `*` takes care of the gradient.",
            answer=engine(__neg__=_without_graph("__neg__")),
            on=("negate",),
        ),
        Mistake(
            id="rsub_sign",
            message="`3 - a` has the sign of `a - 3`. Python calls `a.__rsub__(3)` for it, so "
            "`other` is the one to subtract from.",
            answer=engine(__rsub__=lambda self, other: self - other),
            on=("subtract from a number",),
        ),
        Mistake(
            id="rtruediv_swapped",
            message="`3 / a` gives `a / 3`. Python calls `a.__rtruediv__(3)` for it, so `other` "
            "is on top.",
            answer=engine(__rtruediv__=lambda self, other: self / other),
            on=("divide a number",),
        ),
        Mistake(
            id="sub_no_gradient",
            message="`a - b` has the right data, and nothing flows back through it. Write it with "
            "`+` and `-`, which know their gradients.",
            answer=engine(__sub__=_without_graph("__sub__")),
            on=("subtract",),
        ),
        Mistake(
            id="truediv_no_gradient",
            message="`a / b` has the right data, and nothing flows back through it. Write it as "
            "`self * other ** -1`.",
            answer=engine(__truediv__=_without_graph("__truediv__")),
            on=("divide",),
        ),
        Mistake(
            id="sub_same_sign",
            message="In `a - b` the gradient of `b` has the wrong sign: when b rises, a - b falls.",
            answer=engine(__sub__=_difference_of(1.0)),
            on=("subtract",),
        ),
        Mistake(
            id="pow_no_upstream",
            message="In `a ** n` the gradient that arrives from further on is left out: multiply "
            "by `out.grad`.",
            answer=engine(flow=_no_upstream_in("**")),
            on=("square", "power"),
        ),
        Mistake(
            id="pow_exponent",
            message="The slope of `a ** n` is n · a to the power n - 1: the exponent goes down by "
            "one.",
            answer=engine(__pow__=_power_slope(lambda x, n: n * x**n)),
            on=("square", "power"),
        ),
        Mistake(
            id="pow_factor",
            message="The slope of `a ** n` is n · a to the power n - 1: the factor n is missing.",
            answer=engine(__pow__=_power_slope(lambda x, n: x ** (n - 1))),
            on=("square", "power"),
        ),
        Mistake(
            id="pow_times",
            message="`a ** n` multiplies by n: its data should be `self.data ** n`.",
            answer=engine(__pow__=lambda self, n: self * n),
            on=("power",),
        ),
        Mistake(
            id="pow_no_gradient",
            message="`a ** n` has the right data, and nothing flows back through it: give it a "
            "`_backward` of its own.",
            answer=engine(__pow__=_without_graph("__pow__")),
            on=("square", "power"),
        ),
        Mistake(
            id="div_slope",
            message="In `a / b` the gradient of `b` is off: the slope of a / b by b is -a / b².",
            answer=engine(__truediv__=_quotient(lambda x, y: x / y**2)),
            on=("divide",),
        ),
        *(
            Mistake(
                id=f"{name}_overwritten",
                message=f"`{sign}` overwrites the gradient of its input: where the input is used "
                "elsewhere, too, that share is lost. Add to it with `+=`.",
                answer=overwriting(method),
                on=(f"{name} plus itself",),
            )
            for name, sign, method in (
                ("negate", "-a", "__neg__"),
                ("subtract", "a - b", "__sub__"),
                ("power", "a ** n", "__pow__"),
                ("divide", "a / b", "__truediv__"),
            )
        ),
    ),
    hints=(
        "Most of these need no calculus: write them with the operations that you have.",
        "`-a` is `a * -1`; `a - b` is `a + (-b)`; `a / b` is `a * b ** -1`. Only `**` needs a "
        "`_backward`: the slope of aⁿ is n·aⁿ⁻¹. For `3 - a` Python calls "
        "[`a.__rsub__(3)`](https://docs.python.org/3/reference/datamodel.html#object.__radd__).",
        "```python\ndef __rsub__(self, other):      # other - self\n    return (-self) + ...\n\n"
        'def __pow__(self, n):\n    out = Value(self.data ** n, (self,), f"**{n}")\n\n'
        "    def _backward():\n        self.grad += ... * out.grad\n\n"
        "    out._backward = _backward\n    return out\n```",
    ),
    **about({}),
)


def _activation_cases(rng: np.random.Generator) -> list[Case]:
    x, w = some(rng, 0.2, 0.95), some(rng)
    positive, big = above(rng), above(rng, 2.0, 6.0)
    negative = -above(rng, 0.3, 3.0)
    cases = []
    for f in ("tanh", "exp", "log", "relu"):
        a = positive if f in ("log", "relu") else x
        cases += [
            program(f, f"b = a.{f}(); out = b * w", a=a, w=w),
            program(f"{f} plus itself", f"b = a.{f}(); out = b + a", a=a),
            program(f"{f} reused", f"b = a.{f}(); c = b * a; d = a.{f}(); out = c + d", a=a),
        ]
    return [
        *cases,
        program("relu below zero", "b = a.relu(); out = b * w + a", a=negative, w=w),
        program("tanh further out", "b = a.tanh(); out = b * w", a=negative, w=w),
        program("log of more", "b = a.log(); out = b * w", a=big, w=w),
        program("together", "b = a.exp(); c = b + 1; d = c.log(); out = d.tanh()", a=x),
    ]


activations = Exercise(
    id="activations",
    title="Four functions of one value",
    points=3,
    minutes=12,
    difficulty=3,
    cases=_activation_cases,
    mistakes=(
        *(
            Mistake(
                id=f"{name}_no_upstream",
                message=f"In `{name}` the gradient that arrives from further on is left out: "
                "multiply by `out.grad`.",
                answer=engine(flow=_no_upstream_in(name)),
                on=(name,),
            )
            for name in ("tanh", "exp", "log", "relu")
        ),
        *(
            Mistake(
                id=f"{name}_no_gradient",
                message=f"`{name}` has the right data, and nothing flows back through it: give it "
                "its input as a child and a `_backward`.",
                answer=engine(**{name: _without_graph(name)}),
                on=(name, f"{name} below zero"),
            )
            for name in ("tanh", "exp", "log", "relu")
        ),
        Mistake(
            id="tanh_input",
            message="The slope of tanh is 1 - t², where t is the *output*, tanh(x). The input is "
            "squared here.",
            answer=unary("tanh", math.tanh, lambda x, t: 1 - x * x),
            on=("tanh",),
        ),
        Mistake(
            id="tanh_squared_twice",
            message="The slope of tanh is 1 - t²: t is squared twice here.",
            answer=unary("tanh", math.tanh, lambda x, t: 1 - t**4),
            on=("tanh",),
        ),
        Mistake(
            id="tanh_not_squared",
            message="The slope of tanh is 1 - t²: the square is missing.",
            answer=unary("tanh", math.tanh, lambda x, t: 1 - t),
            on=("tanh",),
        ),
        Mistake(
            id="tanh_of_output",
            message="The slope uses tanh of the output: t is tanh(x) already, so 1 - t² is all.",
            answer=unary("tanh", math.tanh, lambda x, t: 1 - math.tanh(t) ** 2),
            on=("tanh",),
        ),
        Mistake(
            id="exp_input",
            message="The slope of exp is exp itself: use the output's data, not the input's.",
            answer=unary("exp", math.exp, lambda x, e: x),
            on=("exp",),
        ),
        Mistake(
            id="exp_power",
            message="The slope of exp(x) is exp(x): the rule for powers, n·xⁿ⁻¹, is not for it.",
            answer=unary("exp", math.exp, lambda x, e: x * math.exp(x - 1)),
            on=("exp",),
        ),
        Mistake(
            id="log_output",
            message="The slope of log(x) is 1 / x, where x is the input: the output is used here.",
            answer=unary("log", math.log, lambda x, y: 1 / y),
            on=("log",),
        ),
        Mistake(
            id="log_ten",
            message="This is the logarithm to base 10. Use the natural one, `math.log`.",
            answer=unary("log", math.log10, lambda x, y: 1 / (x * math.log(10))),
            on=("log", "log of more"),
        ),
        Mistake(
            id="log_slope",
            message="The slope of log(x) is 1 / x: the input itself is passed on here.",
            answer=unary("log", math.log, lambda x, y: x),
            on=("log",),
        ),
        Mistake(
            id="relu_inverted",
            message="`relu` is the wrong way round: it keeps positive inputs and makes negative "
            "ones 0.",
            answer=unary("relu", lambda x: min(0.0, x), lambda x, y: float(x < 0)),
            on=("relu", "relu below zero"),
        ),
        Mistake(
            id="relu_slope_inverted",
            message="The slope of relu is the wrong way round: 1 where the input is positive, 0 "
            "where it is negative.",
            answer=unary("relu", lambda x: max(0.0, x), lambda x, y: float(x < 0)),
            on=("relu", "relu below zero"),
        ),
        Mistake(
            id="relu_always",
            message="`relu` passes the gradient on where its input is negative, too. There its "
            "output is 0 and stays 0, so the slope is 0.",
            answer=unary("relu", lambda x: max(0.0, x), lambda x, y: 1.0),
            on=("relu below zero",),
        ),
        Mistake(
            id="relu_absolute",
            message="This is the absolute value: relu makes negative inputs 0.",
            answer=unary("relu", abs, lambda x, y: math.copysign(1.0, x)),
            on=("relu below zero",),
        ),
        *(
            Mistake(
                id=f"{name}_overwritten",
                message=f"`{name}` overwrites the gradient of its input: where the input is used "
                "elsewhere, too, that share is lost. Add to it with `+=`.",
                answer=overwriting(name),
                on=(f"{name} plus itself",),
            )
            for name in ("tanh", "exp", "log", "relu")
        ),
    ),
    hints=(
        "Each has one parent. Work out the data with `math`, then say how steep the function is "
        "there.",
        "Slopes: tanh 1 - t², with t the output; exp the output itself; log 1 / x; relu 1 where x "
        "is positive and 0 elsewhere. "
        "[Derivatives of common functions](https://en.wikipedia.org/wiki/Derivative#Rules_for_basic_functions).",
        "```python\ndef tanh(self):\n    t = math.tanh(self.data)\n"
        '    out = Value(t, (self,), "tanh")\n\n'
        "    def _backward():\n        self.grad += (...) * out.grad\n\n"
        "    out._backward = _backward\n    return out\n```",
    ),
    **about({}),
)

# --- Part five: a network ----------------------------------------------------------------------


class Module:
    """What right and wrong networks share: `neurons` in layers, tanh after each."""

    def __init__(self, *sizes: Any) -> None:
        *first, last = sizes
        self.layers = self.build(first[0] if first else last, last)

    def build(self, nin: int, nouts: Any) -> list[list[list[Engine]]]:
        widths = [nin, *(nouts if isinstance(nouts, (list, tuple)) else [nouts])]
        return [
            [[self.weight() for _ in range(n + 1)] for _ in range(m)]
            for n, m in zip(widths, widths[1:], strict=False)
        ]

    def weight(self) -> Engine:
        return Engine(random.uniform(-1, 1))

    def combine(self, neuron: list[Engine], x: list[Any]) -> Engine:
        *w, b = neuron
        return sum((wi * xi for wi, xi in zip(w, x, strict=False)), b)

    def squash(self, value: Engine, last: bool) -> Engine:
        return value.tanh()

    def feed(self, layer: list, x: list[Any], last: bool) -> list[Any]:
        return [self.squash(self.combine(neuron, x), last) for neuron in layer]

    def __call__(self, x: list[Any]) -> Any:
        for layer in self.layers:
            x = self.feed(layer, x, layer is self.layers[-1])
        return x[0] if len(x) == 1 else x

    def parameters(self) -> list[Engine]:
        return [p for layer in self.layers for neuron in layer for p in neuron]


class RightNeuron(Module):
    """One neuron: ``RightNeuron(nin)``."""

    def __init__(self, nin: int) -> None:
        self.layers = self.build(nin, 1)


def variant(base: type[Module], **methods: Any) -> type[Module]:
    """A wrong network: `base` with some methods replaced."""
    return type(base.__name__, (base,), methods)


def _network_case(rng: np.random.Generator, sizes: list[Any]) -> Case:
    nin = sizes[0]
    widths = (
        [nin, *(sizes[1] if isinstance(sizes[1], list) else [sizes[1]])]
        if sizes[1:]
        else [
            nin,
            1,
        ]
    )
    count = sum((n + 1) * m for n, m in zip(widths, widths[1:], strict=False))
    scale = 0.6 / math.sqrt(max(widths))
    x = [0.0]
    while abs(sum(x) + 1) < 0.5 or abs(sum(x)) < 0.3:
        x = [some(rng, 0.3, 0.95) for _ in range(nin)]
    # Of the sign that makes the first sum negative, where tanh, relu and a straight line differ.
    constant = -math.copysign(round(float(rng.uniform(0.2, 0.45)), 2), sum(x) + 1)
    return {
        "sizes": sizes,
        "widths": widths,
        "x": x,
        "constant": constant,
        "weights": [
            round(float(w), 3)
            for w in rng.choice([-1, 1], count) * rng.uniform(0.5, 1.6, count) * scale
        ],
    }


def _closed_form(case: Case, activation: Callable = math.tanh, last: Callable = math.tanh) -> list:
    """The outputs of a network whose parameters all equal ``case["constant"]``."""
    c, h = case["constant"], list(case["x"])
    for depth, width in enumerate(case["widths"][1:], start=1):
        squash = last if depth == len(case["widths"]) - 1 else activation
        h = [squash(c * (sum(h) + 1))] * width
    return h


def _count(case: Case) -> int:
    return len(case["weights"])


def _measure_network(case: Case, seen: Any) -> Any:
    """What holds for any right network, in whatever order its parameters come."""
    slopes, gradients = np.array(seen["slopes"]), np.array(seen["gradients"])
    same = len(slopes) == len(gradients) and bool(np.allclose(slopes, gradients, atol=1e-5))
    width, depth = case["widths"][-1], len(case["widths"]) - 1
    moved = seen["outputs moved"]
    return {
        "number of parameters": seen["parameters"],
        "parameters that are different Values": seen["different parameters"],
        "number of outputs": len(seen["with given parameters"]),
        "starts from random numbers": seen["different initial values"] > 0.9 * _count(case)
        and 0 < seen["largest initial value"] < 20,
        "outputs with equal parameters": seen["with equal parameters"],
        "outputs at (0, ..., 0)": len(set(seen["at zero"])) == width,
        "every parameter moves an output": bool(moved) and min(moved) > 0,
        "a parameter moves one output only": depth > 1 or max(moved, default=0) == 1,
        "gradients are the slopes": same,
    }


def _network_reference(case: Case) -> dict[str, Any]:
    return {
        "number of parameters": _count(case),
        "parameters that are different Values": _count(case),
        "number of outputs": case["widths"][-1],
        "starts from random numbers": True,
        "outputs with equal parameters": _closed_form(case),
        "outputs at (0, ..., 0)": True,
        "every parameter moves an output": True,
        "a parameter moves one output only": True,
        "gradients are the slopes": True,
    }


def _explain_network(case: Case, seen: Any, expected: Any) -> str | None:
    found = _measure_network(case, seen)
    if found["number of parameters"] != _count(case):
        return (
            f"`parameters()` gives {found['number of parameters']} parameters, expected "
            f"{_count(case)}: a weight for each input and a bias, for each neuron"
        )
    if found["parameters that are different Values"] != _count(case):
        return (
            "The same Value is in `parameters()` more than once: each weight is a Value of its own"
        )
    if found["number of outputs"] != expected["number of outputs"]:
        return (
            f"It gives {found['number of outputs']} outputs, expected "
            f"{expected['number of outputs']}: one for each neuron of the last layer"
        )
    if not found["every parameter moves an output"]:
        return "Changing a parameter's data changes no output: is every weight and bias used?"
    if not found["a parameter moves one output only"]:
        return "Changing one parameter changes several outputs: each neuron has its own weights"
    return None


def show_network(name: str) -> Callable[[Case], str]:
    """The constructor call of a case."""
    return lambda case: f"{name}({', '.join(str(size) for size in case['sizes'])})"


def _recognise_closed_form(hidden: Callable, last: Callable) -> Callable[[Case, Any, Any], bool]:
    """Outputs with equal parameters tell which activations a network uses."""

    def recognise(case: Case, seen: Any, expected: Any) -> bool:
        return seen["parameters"] == _count(case) and np.allclose(
            seen["with equal parameters"], _closed_form(case, hidden, last), atol=1e-6
        )

    return recognise


def _relu(x: float) -> float:
    return max(0.0, x)


def _same(x: float) -> float:
    return x


class SharedNeuron(Module):
    """One neuron, used for every output."""

    def build(self, nin: int, nouts: Any) -> list[list[list[Engine]]]:
        return [[layer[0]] * len(layer) for layer in super().build(nin, nouts)]


class ForgetsBias(Module):
    """The bias is a parameter, and not used."""

    def combine(self, neuron: list[Engine], x: list[Any]) -> Engine:
        return sum(wi * xi for wi, xi in zip(neuron, x, strict=False))


NO_BIAS = Mistake(
    id="bias_unused",
    message="The bias is not added: a neuron gives tanh(w·x + b), also where x is all zeros.",
    answer=type("ForgetsBias", (ForgetsBias, RightNeuron), {}),
    recognise=lambda case, seen, expected: (
        seen["parameters"] == _count(case)
        and np.allclose(seen["with equal parameters"], math.tanh(case["constant"] * sum(case["x"])))
    ),
)
NO_TANH = "There is no tanh: without it, a stack of layers is one straight line."

neuron = Exercise(
    id="neuron",
    title="A neuron",
    takes={"Neuron": "class"},
    points=2,
    minutes=10,
    difficulty=2,
    cases=lambda rng: [_network_case(rng, [3]), _network_case(rng, [5]), _network_case(rng, [2])],
    probe=probes.network,
    measure=_measure_network,
    reference=_network_reference,
    show=show_network("Neuron"),
    explain=_explain_network,
    rtol=1e-5,
    mistakes=(
        NO_BIAS,
        Mistake(
            id="no_tanh",
            message=NO_TANH,
            answer=variant(RightNeuron, squash=lambda self, value, last: value),
            recognise=_recognise_closed_form(_same, _same),
        ),
        Mistake(
            id="relu",
            message="It ends in relu. In this notebook every neuron ends in tanh.",
            answer=variant(RightNeuron, squash=lambda self, value, last: value.relu()),
            recognise=_recognise_closed_form(_relu, _relu),
        ),
        Mistake(
            id="no_bias_parameter",
            message="`parameters()` leaves out the bias: it is a parameter like the weights.",
            answer=variant(RightNeuron, parameters=lambda self: Module.parameters(self)[:-1]),
            recognise=lambda case, seen, expected: seen["parameters"] == case["widths"][0],
        ),
        Mistake(
            id="constant_start",
            message="All weights start at the same number. Neurons that start equal stay equal: "
            "draw each from `random.uniform(-1, 1)`.",
            answer=variant(RightNeuron, weight=lambda self: Engine(0.5)),
            recognise=lambda case, seen, expected: (
                seen["different initial values"] <= 2 and seen["parameters"] > 2
            ),
        ),
        Mistake(
            id="copies",
            message="`parameters()` gives copies: changing one changes nothing in the neuron. "
            "Return the Values themselves.",
            answer=variant(
                RightNeuron,
                parameters=lambda self: [Engine(p.data) for p in Module.parameters(self)],
            ),
            recognise=lambda case, seen, expected: (
                seen["parameters"] == _count(case) and max(seen["outputs moved"]) == 0
            ),
        ),
    ),
    hints=(
        "One Value for each input, one for the bias. Then multiply, add up, squash.",
        "`zip(self.w, x)` pairs weights with inputs, and `sum(..., self.b)` adds them up, starting "
        "from the bias. End with `.tanh()`. See "
        "[zip](https://docs.python.org/3/library/functions.html#zip).",
        "```python\nself.w = [Value(random.uniform(-1, 1)) for _ in range(nin)]\n"
        "self.b = Value(0.0)\n...\n"
        "total = sum((wi * xi for wi, xi in zip(self.w, x)), ...)\n```",
    ),
)

layer = Exercise(
    id="layer",
    title="A layer",
    takes={"Layer": "class"},
    points=1,
    minutes=5,
    difficulty=1,
    cases=lambda rng: [
        _network_case(rng, [3, 4]),
        _network_case(rng, [2, 5]),
        _network_case(rng, [4, 1]),
    ],
    probe=probes.network,
    measure=_measure_network,
    reference=_network_reference,
    show=show_network("Layer"),
    explain=_explain_network,
    rtol=1e-5,
    mistakes=(
        Mistake(
            id="sizes_swapped",
            message="nin and nout are swapped: a layer has nout neurons, and each takes nin "
            "inputs.",
            answer=variant(Module, build=lambda self, nin, nout: Module.build(self, nout, [nin])),
            recognise=lambda case, seen, expected: (
                seen["parameters"]
                == (case["widths"][1] + 1) * case["widths"][0]
                != (case["widths"][0] + 1) * case["widths"][1]
            ),
        ),
        Mistake(
            id="shared",
            message="It is one neuron, used nout times: make a new Neuron for each output.",
            answer=SharedNeuron,
            recognise=lambda case, seen, expected: (
                case["widths"][1] > 1
                and seen["parameters"] == _count(case)
                and seen["different parameters"] == case["widths"][0] + 1
            ),
        ),
        Mistake(
            id="first_parameters",
            message="`parameters()` only gives those of the first neuron: collect them from all.",
            answer=variant(Module, parameters=lambda self: [p for p in self.layers[0][0]]),
            recognise=lambda case, seen, expected: (
                case["widths"][1] > 1 and seen["parameters"] == case["widths"][0] + 1
            ),
        ),
        Mistake(
            id="first_output",
            message="It only gives the first neuron's output: return one for each neuron.",
            answer=variant(
                Module, feed=lambda self, layer, x, last: Module.feed(self, layer[:1], x, last)
            ),
            recognise=lambda case, seen, expected: (
                case["widths"][1] > 1 and len(seen["with given parameters"]) == 1
            ),
        ),
    ),
    hints=(
        "A layer is a list of neurons that all see the same x.",
        "Make the list once, in `__init__`; `__call__` asks every neuron; `parameters()` joins "
        "their lists, with [two `for` in one comprehension]"
        "(https://docs.python.org/3/tutorial/datastructures.html#list-comprehensions).",
        "```python\nself.neurons = [Neuron(nin) for _ in range(nout)]\n...\n"
        "return [p for neuron in self.neurons for p in ...]\n```",
    ),
)


class InputEverywhere(Module):
    """Every layer sees the first input again instead of the outputs before it."""

    def __call__(self, x: list[Any]) -> Any:
        out = x
        for layer in self.layers:
            again = [x[i % len(x)] for i in range(len(layer[0]) - 1)]
            out = self.feed(layer, again, layer is self.layers[-1])
        return out[0] if len(out) == 1 else out


class OnlyLast(Module):
    """`parameters()` of the last layer only."""

    def parameters(self) -> list[Engine]:
        return [p for neuron in self.layers[-1] for p in neuron]


class LinearBetween(Module):
    """tanh only at the end."""

    def squash(self, value: Engine, last: bool) -> Engine:
        return value.tanh() if last else value


class LinearAtEnd(Module):
    """tanh everywhere but at the end."""

    def squash(self, value: Engine, last: bool) -> Engine:
        return value if last else value.tanh()


mlp = Exercise(
    id="mlp",
    title="A network",
    takes={"MLP": "class"},
    points=2,
    minutes=9,
    difficulty=2,
    cases=lambda rng: [
        _network_case(rng, [3, [4, 2]]),
        _network_case(rng, [2, [5, 3, 1]]),
        _network_case(rng, [4, [3]]),
    ],
    probe=probes.network,
    measure=_measure_network,
    reference=_network_reference,
    show=show_network("MLP"),
    explain=_explain_network,
    rtol=1e-5,
    mistakes=(
        Mistake(
            id="last_layer_missing",
            message="The last layer is missing: there is one layer for each number in nouts.",
            answer=variant(
                Module,
                build=lambda self, nin, nouts: Module.build(self, nin, nouts[:-1] or nouts),
            ),
            recognise=lambda case, seen, expected: (
                len(case["widths"]) > 2
                and len(seen["with given parameters"]) == case["widths"][-2]
                and seen["parameters"] < _count(case)
            ),
        ),
        Mistake(
            id="linear_at_end",
            message="The last layer has no tanh. In this notebook every neuron ends in tanh, the "
            "last ones, too.",
            answer=LinearAtEnd,
            recognise=_recognise_closed_form(math.tanh, _same),
        ),
        Mistake(
            id="linear_between",
            message="The hidden layers have no tanh. " + NO_TANH,
            answer=LinearBetween,
            recognise=lambda case, seen, expected: (
                len(case["widths"]) > 2
                and _recognise_closed_form(_same, math.tanh)(case, seen, expected)
            ),
        ),
        Mistake(
            id="only_last_parameters",
            message="`parameters()` only gives those of the last layer: collect them from all.",
            answer=OnlyLast,
            recognise=lambda case, seen, expected: (
                len(case["widths"]) > 2
                and seen["parameters"] == (case["widths"][-2] + 1) * case["widths"][-1]
            ),
        ),
        Mistake(
            id="input_everywhere",
            message="Some layers have no effect: each layer takes the outputs of the one before "
            "it, not the input again.",
            answer=InputEverywhere,
            recognise=lambda case, seen, expected: (
                seen["parameters"] == _count(case) and min(seen["outputs moved"]) == 0
            ),
        ),
    ),
    hints=(
        "A network is a list of layers; what one gives, the next one takes.",
        "The sizes are `[nin] + nouts`; layer i goes from size i to size i + 1. In `__call__`, "
        "let `x = layer(x)` run through the layers.",
        "```python\nsizes = [nin] + nouts\n"
        "self.layers = [Layer(sizes[i], sizes[i + 1]) for i in range(len(nouts))]\n...\n"
        "for layer in self.layers:\n    x = ...\n```",
    ),
)


def _loss_cases(rng: np.random.Generator) -> list[Case]:
    return [
        {
            "scores": [round(float(s), 2) for s in rng.uniform(-0.95, 0.95, n)],
            "targets": [float(t) for t in rng.choice([-1.0, 1.0], n)],
        }
        for n in (3, 5, 1)
    ]


def _loss_reference(case: Case) -> dict[str, Any]:
    scores, targets = np.array(case["scores"]), np.array(case["targets"])
    return {
        "loss": float(np.mean((scores - targets) ** 2)),
        "gradients": (2 * (scores - targets) / len(scores)).tolist(),
    }


def _sum_of(terms: Callable[[Engine, float], Engine], mean: bool = True) -> Callable:
    def loss(scores: list[Engine], targets: list[float]) -> Engine:
        total = sum((terms(s, t) for s, t in zip(scores, targets, strict=True)), Engine(0.0))
        return total / len(scores) if mean else total

    return loss


loss = Exercise(
    id="loss",
    title="How wrong is it?",
    takes={"loss": "function", "Value": "class"},
    points=2,
    minutes=6,
    difficulty=2,
    cases=_loss_cases,
    probe=probes.loss,
    reference=_loss_reference,
    show=lambda case: f"loss({case['scores']}, {case['targets']})",
    rtol=1e-5,
    mistakes=(
        Mistake(
            id="sum",
            message="The squares are added up and not averaged: divide by the number of scores, "
            "so that the loss does not grow with the data.",
            answer=(_sum_of(lambda s, t: (s - t) ** 2, mean=False), Engine),
        ),
        Mistake(
            id="not_squared",
            message="The differences are averaged without squaring them, so that errors in two "
            "directions cancel.",
            answer=(_sum_of(lambda s, t: s - t), Engine),
        ),
        Mistake(
            id="squares_of_scores",
            message="The targets are missing: square the difference of score and target.",
            answer=(_sum_of(lambda s, t: s**2), Engine),
        ),
        Mistake(
            id="added",
            message="Score and target are added: it is their difference that tells how wrong the "
            "score is.",
            answer=(_sum_of(lambda s, t: (s + t) ** 2), Engine),
        ),
        Mistake(
            id="halved",
            message="The loss is half of what is asked: here there is no factor 1/2.",
            answer=(_sum_of(lambda s, t: (s - t) ** 2 / 2), Engine),
        ),
        Mistake(
            id="no_graph",
            message="The loss has the right data, and nothing flows back to the scores: build it "
            "from the Values themselves, not from their `.data`.",
            answer=(
                lambda scores, targets: Engine(
                    sum((s.data - t) ** 2 for s, t in zip(scores, targets, strict=True))
                    / len(scores)
                ),
                Engine,
            ),
        ),
    ),
    hints=(
        "For each pair: the difference, squared. Then the mean.",
        "`(score - target) ** 2` is a Value, as your engine knows minus and power. `sum(...)` of "
        "them is one, too.",
        "```python\nsquares = [(score - target) ** 2 for score, target in zip(scores, targets)]\n"
        "return sum(squares) / ...\n```",
    ),
)


def moons(rng: np.random.Generator, n: int) -> tuple[list[list[float]], list[float]]:
    """Two moons as (n points, n labels of -1 or 1)."""
    from sklearn.datasets import make_moons

    points, labels = make_moons(n, noise=0.1, random_state=int(rng.integers(2**31)))
    return points.tolist(), (2.0 * labels - 1).tolist()


def _train_cases(rng: np.random.Generator) -> list[Case]:
    points, labels = moons(rng, 200)
    X, y = moons(rng, 7)
    weights = _network_case(rng, [2, [3, 1]])["weights"]
    return [
        {
            "points": points,
            "labels": labels,
            "X": X,
            "y": y,
            "sizes": [2, [3, 1]],
            "weights": weights,
            "steps": 12,
            "lr": 0.05,
        }
    ]


def _accuracy(case: Case, seen: Any) -> float:
    scores = np.array(seen["scores"], dtype=float)
    return float(np.mean((scores > 0) == (np.array(case["labels"]) > 0)))


def _measure_training(case: Case, seen: Any) -> Any:
    losses = np.array(seen["losses"], dtype=float)
    after = np.array(seen["parameters after"], dtype=float)
    once = np.array(seen["gradients after one step"], dtype=float)
    twice = np.array(seen["gradients after two steps"], dtype=float)
    fresh = bool(np.allclose(once, twice, atol=1e-9) or not np.any(twice))
    return {
        "one loss a step": len(losses) == case["steps"],
        "parameters change": not np.allclose(after, case["weights"]),
        "gradients start afresh at each step": fresh,
        "the loss falls at a small learning rate": len(losses) > 1 and losses[-1] < losses[0],
        "step size": _step_is_gradient_times_lr(case, losses, once),
        "at least 95% of fresh points right": _accuracy(case, seen) >= 0.95,
    }


def _step_is_gradient_times_lr(case: Case, losses: np.ndarray, once: np.ndarray) -> bool:
    """After one small step the loss falls by about lr times the squared gradient."""
    if len(losses) < 2 or not np.any(once):
        return True
    predicted = case["lr"] * float(np.sum(once**2))
    return 0.6 * predicted < losses[0] - losses[1] < 1.4 * predicted


def _explain_training(case: Case, seen: Any, expected: Any) -> str | None:
    found = _measure_training(case, seen)
    if not isinstance(found, dict):
        return None
    if not found["one loss a step"]:
        return (
            f"With steps={case['steps']} the list has {len(seen['losses'])} losses: append one "
            "at every step, as a number"
        )
    if not found["the loss falls at a small learning rate"]:
        return (
            f"On a small network the loss goes from {seen['losses'][0]:.3f} to "
            f"{seen['losses'][-1]:.3f} in {case['steps']} small steps: it should fall"
        )
    if not found["step size"]:
        return "A step is not the gradient times lr: subtract `lr * p.grad` from every parameter"
    right = _accuracy(case, seen)
    return (
        f"`train` works. Your model gets {right:.0%} of 200 fresh points right, and 95% are asked "
        "for: train it for more steps, or with a larger lr while the loss still falls smoothly"
    )


def _wrong_training(
    zero: bool = True, sign: float = -1.0, update: bool = True, first_only: bool = False
) -> Callable[..., list[float]]:
    def train(
        model: Module, X: list[list[float]], y: list[float], steps: int = 100, lr: float = 0.1
    ) -> list[float]:
        losses = []
        mean_square = _sum_of(lambda s, t: (s - t) ** 2)
        for _ in range(steps):
            value = mean_square([model(x) for x in X], y)
            if zero:
                for p in model.parameters():
                    p.grad = 0.0
            value.backward()
            chosen = model.parameters()[:1] if first_only else model.parameters()
            for p in chosen if update else []:
                p.data += sign * lr * p.grad
            losses.append(value.data)
        return losses

    return train


@functools.cache
def _trained_model() -> Any:
    """Right on every point of the moons, as a trained model would be: so mistakes show alone."""

    class Oracle:
        def __call__(self, x: list[float]) -> Engine:
            upper = math.hypot(x[0], x[1] - 0.0) - math.hypot(x[0] - 1.0, x[1] - 0.5)
            near_upper = abs(math.hypot(x[0], x[1]) - 1) + 5 * (x[1] < -0.35)
            near_lower = abs(math.hypot(x[0] - 1, x[1] - 0.5) - 1) + 5 * (x[1] > 0.85)
            return Engine(math.tanh(5 * (near_upper - near_lower)) if upper else -1.0)

    return Oracle()


class Undecided:
    """A model that gives every point the same score."""

    def __call__(self, x: list[float]) -> Engine:
        return Engine(0.3)


train = Exercise(
    id="train",
    title="Train it",
    takes={"train": "function", "model": "value", "MLP": "class"},
    points=3,
    minutes=12,
    difficulty=3,
    cases=_train_cases,
    probe=probes.training,
    measure=_measure_training,
    reference=lambda case: {
        "one loss a step": True,
        "parameters change": True,
        "gradients start afresh at each step": True,
        "the loss falls at a small learning rate": True,
        "step size": True,
        "at least 95% of fresh points right": True,
    },
    show=lambda case: (
        f"train(MLP(2, [3, 1]), X, y, steps={case['steps']}, lr={case['lr']}), "
        "and your model on 200 fresh points"
    ),
    explain=_explain_training,
    limit=20.0,
    trains=True,
    mistakes=(
        Mistake(
            id="not_zeroed",
            message="The gradients are not zeroed between steps: after two steps they are the sum "
            "of both. Call `zero_grad(model.parameters())` before each `backward()`.",
            answer=(_wrong_training(zero=False), _trained_model(), Module),
            recognise=lambda case, seen, expected: (
                np.allclose(
                    2 * np.array(seen["gradients after one step"]),
                    seen["gradients after two steps"],
                )
                and np.any(seen["gradients after one step"])
            ),
        ),
        Mistake(
            id="no_update",
            message="The parameters do not change: after `backward()`, subtract `lr * p.grad` "
            "from each parameter's data.",
            answer=(_wrong_training(update=False), _trained_model(), Module),
            recognise=lambda case, seen, expected: np.allclose(
                seen["parameters after"], case["weights"]
            ),
        ),
        Mistake(
            id="uphill",
            message="The loss rises: the update goes along the gradient, which points uphill. "
            "Subtract it.",
            answer=(_wrong_training(sign=1.0), _trained_model(), Module),
            recognise=lambda case, seen, expected: seen["losses"][-1] > seen["losses"][0],
        ),
        Mistake(
            id="first_only",
            message="Only some of the parameters change: update all of `model.parameters()`.",
            answer=(_wrong_training(first_only=True), _trained_model(), Module),
            recognise=lambda case, seen, expected: np.any(
                np.isclose(seen["parameters after"], case["weights"], atol=1e-12)
                & ~np.isclose(seen["gradients after one step"], 0)
            ),
        ),
        Mistake(
            id="untrained",
            message="Your model gives every point the same side: is it the one that you trained?",
            answer=(_wrong_training(), Undecided(), Module),
            recognise=lambda case, seen, expected: len({s > 0 for s in seen["scores"]}) == 1,
        ),
    ),
    hints=(
        "Four lines in a loop: the scores and their loss, zero, backward, update.",
        "The gradient says which way is up, so subtract it: `p.data -= lr * p.grad`. Zero the "
        "gradients first, or each step adds to the last one. If the loss jumps about, lower `lr`; "
        "if it creeps, raise it. Background: "
        "[gradient descent](https://cs231n.github.io/optimization-1/).",
        "```python\nfor step in range(steps):\n    value = loss([model(x) for x in X], y)\n"
        "    zero_grad(model.parameters())\n    value.backward()\n"
        "    for p in model.parameters():\n        p.data -= ...\n"
        "    losses.append(value.data)\n```",
    ),
)

# --- Part six: the same in PyTorch -------------------------------------------------------------


def _torch_cases(rng: np.random.Generator) -> list[Case]:
    return [
        {
            "args": [
                [some(rng, 0.2, 0.9) for _ in range(n)],
                [some(rng, 0.2, 0.9) for _ in range(n)],
                some(rng, 0.1, 0.6),
            ]
        }
        for n in (3, 4, 2)
    ]


def _torch_reference(case: Case) -> list[Any]:
    w, x, b = (np.array(item) for item in case["args"])
    out = np.tanh(w @ x + b)
    slope = 1 - out**2
    return [float(out), (slope * x).tolist(), float(slope)]


def _neuron_with(change: Callable[[Any, Any, Any], list[Any]]) -> Callable:
    def neuron_in_torch(w: list[float], x: list[float], b: float) -> list[Any]:
        return change(np.array(w), np.array(x), float(b))

    return neuron_in_torch


def _single_precision(w: list[float], x: list[float], b: float) -> list[Any]:
    import torch

    weights = torch.tensor(w, requires_grad=True, dtype=torch.float16)
    bias = torch.tensor(b, requires_grad=True, dtype=torch.float16)
    out = torch.tanh((weights * torch.tensor(x, dtype=torch.float16)).sum() + bias)
    out.backward()
    return [out.item(), weights.grad.tolist(), bias.grad.item()]


neuron_in_torch = Exercise(
    id="neuron_in_torch",
    title="The same in PyTorch",
    takes={"neuron_in_torch": "function"},
    points=2,
    minutes=6,
    difficulty=2,
    cases=_torch_cases,
    reference=_torch_reference,
    rtol=1e-5,
    atol=1e-6,
    mistakes=(
        Mistake(
            id="no_tanh",
            message="The tanh is missing: the neuron gives tanh(w·x + b).",
            answer=_neuron_with(lambda w, x, b: [float(w @ x + b), x.tolist(), 1.0]),
        ),
        Mistake(
            id="no_bias",
            message="The bias is not added: the neuron gives tanh(w·x + b).",
            answer=_neuron_with(
                lambda w, x, b: [
                    float(np.tanh(w @ x)),
                    ((1 - np.tanh(w @ x) ** 2) * x).tolist(),
                    float(1 - np.tanh(w @ x) ** 2),
                ]
            ),
        ),
        Mistake(
            id="gradient_of_x",
            message="These are the gradients of x. The weights' are asked for: `w.grad`.",
            answer=_neuron_with(
                lambda w, x, b: [
                    float(np.tanh(w @ x + b)),
                    ((1 - np.tanh(w @ x + b) ** 2) * w).tolist(),
                    float(1 - np.tanh(w @ x + b) ** 2),
                ]
            ),
        ),
        Mistake(
            id="no_backward",
            message="There are no gradients: call `out.backward()` before reading `.grad`.",
            answer=_neuron_with(lambda w, x, b: [float(np.tanh(w @ x + b)), None, None]),
            recognise=lambda case, seen, expected: seen[1] is None or seen[2] is None,
        ),
        Mistake(
            id="half_precision",
            message="The numbers are close, and not close enough: they differ after the third or "
            "fourth digit. Use torch.float32 or torch.float64.",
            answer=_single_precision,
            recognise=lambda case, seen, expected: (
                np.allclose(seen[0], expected[0], rtol=1e-2)
                and np.allclose(seen[1], expected[1], rtol=1e-2, atol=1e-3)
            ),
        ),
    ),
    hints=(
        "The same three steps as in your engine: make the leaves, compute, call backward.",
        "`torch.tensor(w, requires_grad=True)` is a leaf that gets a gradient. `out.item()` and "
        "`w.grad.tolist()` turn tensors into numbers. See "
        "[autograd](https://pytorch.org/tutorials/beginner/blitz/autograd_tutorial.html).",
        "```python\nw = torch.tensor(w, requires_grad=True, dtype=torch.float64)\n"
        "out = torch.tanh((w * x).sum() + b)\nout.backward()\n"
        "return out.item(), ..., b.grad.item()\n```",
    ),
)

# --- Bonus: without recursion ------------------------------------------------------------------


def _deep_cases(rng: np.random.Generator) -> list[Case]:
    chain = {
        "name": "a chain of 50,000",
        "program": "step = a * 0.5\nout = a + 1",
        "leaves": {"a": some(rng)},
        "chain": 50_000,
    }
    return [*_order_cases(rng), chain]


def _deep_reference(case: Case) -> Any:
    # Two leaves (a and the 1), 0.5, step and the first sum: 5 nodes, then one for each link.
    return {"long enough": True, "last is out": True} if case.get("chain") else ORDERED


def _measure_deep(case: Case, seen: Any) -> Any:
    if not case.get("chain"):
        return _measure_order(case, seen)
    return {"long enough": seen["nodes"] >= case["chain"] + 3, "last is out": seen["last is out"]}


deep_order = Exercise(
    id="deep_order",
    title="Fifty thousand deep",
    takes={"deep_order": "function", "Value": "class"},
    points=0,
    minutes=15,
    difficulty=4,
    bonus=True,
    cases=_deep_cases,
    probe=probes.order,
    measure=_measure_deep,
    reference=_deep_reference,
    show=lambda case: case["name"] if case.get("chain") else topological_order.shown(case),
    explain=lambda case, seen, expected: (
        None if case.get("chain") else _explain_order(case, seen, expected)
    ),
    rules=(
        Rule(
            call="sys.setrecursionlimit",
            instead="keep a list of what is still to do, in place of recursion",
        ),
    ),
    mistakes=(
        Mistake(
            id="reversed",
            message="The list is the wrong way round: the root comes last.",
            answer=(lambda root: ordered(root)[::-1], Engine),
            on=("chain", "leaf"),
        ),
        Mistake(
            id="breadth_first",
            message="Going level by level is not enough: a value may join the list only when all "
            "its parents are in it.",
            answer=(_breadth_first, Engine),
            on=("tangled", "long first"),
        ),
        Mistake(
            id="leaves_left_out",
            message="The leaves are missing: values without parents belong in the list, too.",
            answer=(lambda root: [node for node in ordered(root) if node._prev], Engine),
            on=("chain", "leaf"),
        ),
    ),
    hints=(
        "Recursion keeps a to-do list for you, in the call stack. Keep your own.",
        "Put pairs on a list: a value, and whether its parents have been dealt with. Take the last "
        "pair; if its parents are done, the value joins the order; if not, put it back as done, "
        "and its parents on top.",
        "```python\nto_do = [(root, False)]\nwhile to_do:\n    value, parents_done = to_do.pop()\n"
        "    if parents_done:\n        order.append(value)\n    elif value not in visited:\n"
        "        ...\n```",
    ),
)

EXERCISES = [
    predict_nudge,
    value_forward,
    by_hand,
    predict_order,
    topological_order,
    backward,
    predict_twice,
    accumulate,
    zero_grad,
    arithmetic,
    activations,
    neuron,
    layer,
    mlp,
    loss,
    train,
    neuron_in_torch,
    deep_order,
]
