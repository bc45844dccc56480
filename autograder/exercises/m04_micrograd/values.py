"""The exercises that build `Value`: a number that remembers, and the way back."""

from __future__ import annotations

import ast
import math
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake, Option, Rule, question
from autograder.exercises.m04_micrograd.engine import (
    Engine,
    about,
    above,
    engine,
    in_torch,
    ordered,
    overwriting,
    program,
    show_program,
    some,
    unary,
    uses,
)
from autograder.probes import m04_micrograd as probes

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
        {**program("add", "out = a + b", (), a=a, b=b), "remembers": ["a", "b"]},
        {**program("multiply", "out = a * b", (), a=a, b=b), "remembers": ["a", "b"]},
        {**program("add a number", "out = a + 2.5", (), a=a), "remembers": ["a"]},
        program("multiply by a number", "out = a * -3", (), a=a),
        program("twice the same", "c = a + a; out = c * c", (), a=a),
        program("a longer one", "d = a * b; e = d + c; f = e * 2; out = f + d", (), a=a, b=b, c=c),
        program("whole numbers", "c = a * b; out = c + 1", (), a=3, b=-4),
    ]


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
            id="forgets_parents",
            message="The result does not remember its parents: pass `(self, other)` as the second "
            "argument of the new Value.",
            answer=engine(
                __add__=lambda self, other: type(self)(self.data + self.lift(other).data),
                __mul__=lambda self, other: type(self)(self.data * self.lift(other).data),
            ),
            on=("add", "multiply"),
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
    **about(picture=None),
)

RIDE = {"km": 10.0, "rate": 2.0, "start": 5.0, "tip": 1.2}


def _by_hand_reference(case: Case) -> dict[str, float]:
    values = in_torch(
        program("", "metre = km * rate; meter = metre + start; out = meter * tip", **RIDE)
    )
    return {name: values["grad"][name] for name in RIDE}


def _explain_by_hand(case: Case, seen: Any, expected: Any) -> str | None:
    if not isinstance(seen, dict) or set(seen) != set(expected):
        return "Give a dict with one number for each of km, rate, start and tip"
    wrong = [
        name
        for name, want in expected.items()
        if not (isinstance(seen[name], float) and math.isclose(seen[name], want, rel_tol=1e-2))
    ]
    right = [name for name in expected if name not in wrong]
    return f"Not right: {', '.join(wrong)}. " + (f"Right: {', '.join(right)}" if right else "")


by_hand = Exercise(
    id="by_hand",
    title="Gradients by hand",
    takes={"by_hand": "value"},
    points=2,
    minutes=8,
    difficulty=2,
    cases=lambda rng: [{}],
    probe=probes.filled_in,
    reference=_by_hand_reference,
    show=lambda case: "the gradient of fare by km, rate, start and tip",
    explain=_explain_by_hand,
    reveals=False,
    rtol=1e-2,
    mistakes=(
        Mistake(
            id="no_upstream",
            message="The factor from further on is missing: what reaches `km`, `rate` and `start` "
            "has passed through `* tip`, and is multiplied by 1.2 there.",
            answer={"km": 2.0, "rate": 10.0, "start": 1.0, "tip": 25.0},
        ),
        Mistake(
            id="own_data",
            message="At `*` the gradients are swapped: each input gets the *other* input's data "
            "as its factor.",
            answer={"km": 12.0, "rate": 2.4, "start": 1.2, "tip": 25.0},
        ),
        Mistake(
            id="data_for_gradient",
            message="These are the data. A gradient says how much the fare changes for each unit.",
            answer=dict(RIDE),
        ),
        Mistake(
            id="add_multiplies",
            message="At `+` both inputs get the gradient unchanged: nothing is multiplied there "
            "by the other input.",
            answer={"km": 2 * 5 * 1.2, "rate": 10 * 5 * 1.2, "start": 20 * 1.2, "tip": 25.0},
        ),
        Mistake(
            id="tip_is_fare",
            message="The gradient of `tip` is what it is multiplied by: the meter, not the fare.",
            answer={"km": 2.4, "rate": 12.0, "start": 1.2, "tip": 30.0},
        ),
    ),
    hints=(
        "Start at the right end: the gradient of fare by itself is 1. Walk left, one box at a "
        "time.",
        "At `*`, each input gets the gradient that arrived, times the other input's data. At `+`, "
        "both get it unchanged.",
        "```python\nmeter = 1.0 * 1.2       # through `* tip`\nstart = meter * 1       # through "
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
            why="`c` waits until both `d` and `out` have passed their share to it.",
        ),
        "c": Option(
            text="out, then c, then d",
            why="`c` would pass its gradient on before `d` has added its share to it.",
        ),
        "d": Option(
            text="any order that starts with out",
            why="`c` is used twice, by `d` and by `out`. Passing on before both shares are there "
            "would pass on too little.",
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
        program("equal data", "d = a + b; e = b + a; out = d * e", (), a=a, b=a),
    ]


def _parents(case: Case) -> dict[str, list[str]]:
    names = [*case["leaves"], *(line.split(" = ")[0] for line in case["program"].splitlines())]
    inside = {line.split(" = ")[0]: line.split(" = ")[1] for line in case["program"].splitlines()}
    return {n: [p for p in names if uses(p, inside.get(n, ""))] for n in names}


def _constants(case: Case) -> int:
    """How many plain numbers a program has, each of which becomes a Value without a name."""
    nodes = ast.walk(ast.parse(case["program"]))
    return sum(isinstance(node, ast.Constant) for node in nodes)


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
        "not of this graph": max(0, seen.count("?") - _constants(case)),
    }


def _explain_order(case: Case, seen: Any, expected: Any) -> str | None:
    if not isinstance(seen, list):
        return None
    found = _measure_order(case, seen)
    if found["missing"]:
        return f"Missing from the list: {', '.join(found['missing'])}"
    if found["listed twice"]:
        return f"Listed more than once: {', '.join(found['listed twice'])}"
    if found["too early"]:
        return (
            f"A value comes before one that it is made from: {found['too early'][0]}. The list was "
            + ", ".join(seen)
        )
    return (
        "The list holds Values that are not of this graph. Does a list or set outside the function "
        "keep what an earlier call put there?"
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


def _by_data(root: Any) -> list[Any]:
    found: list[Any] = []

    def visit(node: Any) -> None:
        if node.data not in [other.data for other in found]:
            for parent in node._prev:
                visit(parent)
            found.append(node)

    visit(root)
    return found


ORDERED = {"missing": [], "listed twice": [], "too early": [], "not of this graph": 0}
GRAPH_HINT = "https://en.wikipedia.org/wiki/Topological_sorting#Depth-first_search"

topological_order = Exercise(
    id="topological_order",
    title="Put the graph in order",
    takes={"topological_order": "function", "Value": "class"},
    points=3,
    minutes=17,
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
            id="same_data",
            message="Two Values with the same data are taken for one. Remember the Values "
            "themselves (or their `id`), not their data.",
            answer=(_by_data, Engine),
            on=("equal data",),
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
        {**program("backward again", "out = a * b", a=a, b=b), "again": True},
    ]


def _no_upstream_in(operation: str) -> Callable:
    def flow(self: Engine, node: Engine, slope: float) -> float:
        return slope if node._op == operation else slope * node.grad

    return flow


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
    minutes=20,
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
            message="The gradients stop at the root's own parents. Call `_backward` for every "
            "node, in reversed topological order: from the root to the leaves.",
            answer=engine(order=lambda self: ordered(self)[::-1]),
        ),
        Mistake(
            id="root_added",
            message="`backward()` adds 1 to the root's gradient, so a second call starts the flow "
            "with 2. Set it: `self.grad = 1.0`.",
            answer=engine(seed=lambda self: setattr(self, "grad", self.grad + 1.0)),
            on=("backward again",),
        ),
        Mistake(
            id="own_data",
            message="In `*` each parent gets its own data as the factor. The slope of a * b by a "
            "is b: use the *other* parent's data.",
            answer=engine(__mul__=_own_data),
        ),
        Mistake(
            id="nothing_flows",
            message="Only the root has a gradient. Store each `_backward` as `out._backward`, "
            "without brackets, and let `backward` call it, with brackets, for every node.",
            answer=engine(order=lambda self: []),
        ),
        Mistake(
            id="no_upstream",
            message="The gradient that arrives from further on is left out, in both operations: "
            "multiply by `out.grad`.",
            answer=engine(flow=lambda self, node, slope: slope),
        ),
        Mistake(
            id="multiply_no_upstream",
            message="In `*` the gradient that arrives from further on is left out: multiply by "
            "`out.grad`.",
            answer=engine(flow=_no_upstream_in("*")),
        ),
        Mistake(
            id="add_no_upstream",
            message="`+` passes on 1 instead of the gradient that arrives: hand `out.grad` to "
            "both parents.",
            answer=engine(flow=_no_upstream_in("+")),
        ),
        Mistake(
            id="other_grad",
            message="Nothing flows back through `*`: its inputs get 0. What arrives is in "
            "`out.grad`; multiply it by the other parent's data.",
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
    **about(),
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


class RecursiveNode(Engine):
    """Each visit of a node pays all its parents, and then goes on to each: paths are paid twice."""

    def backward(self) -> None:
        def walk(node: Engine) -> None:
            for parent, slope in zip(node._prev, node.slopes, strict=True):
                parent.grad += slope * node.grad
            for parent in node._prev:
                walk(parent)

        self.grad = 1.0
        walk(self)


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
    minutes=5,
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
            id="walked_twice",
            message="`backward` comes to a shared value once for each path, and passes its "
            "gradient on each time. Follow your topological order, so that each node pays once.",
            answer=RecursiveNode,
            on=("diamond", "tangled"),
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
    **about(),
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
    minutes=3,
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
            message="The gradients are as before. Set `.grad` of each Value: assigning to the "
            "loop's own variable, or making new Values, changes nothing in the old ones.",
            answer=(_zero_with(lambda v: None), Engine),
        ),
        Mistake(
            id="data_only",
            message="It sets the data to 0 and leaves the gradients as they are. Here it is the "
            "other way round: set `.grad`.",
            answer=(_zero_with(lambda v: setattr(v, "data", 0.0)), Engine),
            on=("all",),
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
    minutes=15,
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
            id="pow_precedence",
            message="`n * x ** n - 1` takes 1 from the product. Put the exponent in brackets: "
            "`n * x ** (n - 1)`.",
            answer=engine(__pow__=_power_slope(lambda x, n: n * x**n - 1)),
            on=("square", "power"),
        ),
        Mistake(
            id="pow_brackets",
            message="`(n * x) ** (n - 1)` takes n to the power, too. The slope of `a ** n` is "
            "`n * x ** (n - 1)`: the power is for x alone.",
            answer=engine(__pow__=_power_slope(lambda x, n: (n * x) ** (n - 1))),
            on=("square", "power", "negative power"),
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
            on=("divide", "square", "negative power"),
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
    **about(),
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
    minutes=10,
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
    **about(),
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
    limit=20.0,
    cases=_deep_cases,
    probe=probes.order,
    measure=_measure_deep,
    reference=_deep_reference,
    show=lambda case: (
        case["name"] if case.get("chain") else show_program(case) + "\ndeep_order(out)"
    ),
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
