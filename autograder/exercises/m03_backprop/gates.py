"""The exercises on single numbers: gates, and a neuron in stages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake, Option, question
from autograder.exercises.m03_backprop.several_outputs import (
    ATOL,
    Given,
    explain_parts,
    numbers,
    same,
    slip,
    slopes,
)
from autograder.probes import m03_backprop as probes

predict_quiet = question(
    "predict_quiet",
    "Which nudge does nothing?",
    minutes=3,
    right="c",
    options={
        "a": Option(
            text="morning",
            why="With a little more in the morning, the sum of 5 hours grows. It is what the max "
            "gate lets through, so the pay grows with it.",
        ),
        "b": Option(
            text="afternoon",
            why="The afternoon counts like the morning: the sum of 5 hours is what the max gate "
            "lets through, and it grows.",
        ),
        "c": Option(
            text="guarantee",
            why="The max gate lets 5 hours through. Whether the other input is 4 or 4.01 makes "
            "no difference to it, so nothing flows back there.",
        ),
        "d": Option(
            text="rate",
            why="The rate multiplies the hours that are paid: raise it by 1 and the pay grows by "
            "5, one for each hour.",
        ),
    },
    hints=(
        "Work out the pay. Then raise each of the four by 0.01 in turn, and work it out again.",
        "A max gate hands on one of its inputs. What happens to its output when the other input "
        "moves a little?",
        "```python\npay(2.01, 3, 4, 20), pay(2, 3.01, 4, 20), pay(2, 3, 4.01, 20)\n```",
    ),
)


# --- Gates -------------------------------------------------------------------------------------

VALUES: dict[str, Callable] = {
    "add": lambda x, y: x + y,
    "mul": lambda x, y: x * y,
    "max": lambda x, y: x if x > y else y,
}
BACK: dict[str, Callable] = {
    "add": lambda x, y, dz: (dz, dz),
    "mul": lambda x, y, dz: (y * dz, x * dz),
    "max": lambda x, y, dz: (dz, 0.0) if x > y else (0.0, dz),
}


def _gate(value: Callable, back: Callable) -> Callable:
    def gate(x: float, y: float) -> tuple:
        return value(x, y), lambda dz: back(x, y, dz)

    return gate


def _with(kind: str, back: Callable | None = None, value: Callable | None = None) -> tuple:
    """The three gates, one of them wrong."""
    return tuple(
        _gate(value if value and k == kind else VALUES[k], back if back and k == kind else BACK[k])
        for k in VALUES
    )


def _forgetful() -> tuple:
    """Three gates that keep their inputs in one place that all gates share."""
    last: dict[str, Any] = {}

    def forgetful(kind: str) -> Callable:
        def gate(x: float, y: float) -> tuple:
            last.update(x=x, y=y)
            return VALUES[kind](x, y), lambda dz: BACK[kind](last["x"], last["y"], dz)

        return gate

    return tuple(forgetful(kind) for kind in VALUES)


def _gate_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for kind in VALUES:
        # Both orders of size, both signs, and a larger input that is smaller in size.
        x, y = numbers(rng), numbers(rng)
        low, high = sorted((float(-abs(x) - 2.5), float(abs(y))))
        for x, y in ((high, low), (low, high), (-0.75, low), (5, 3), (-3, 4)):
            dz = float(numbers(rng, low=1.2, high=3.0))
            kwargs = {"x": x, "y": y, "dz": 7 if (x, y) == (5, 3) else dz}
            cases.append({"name": kind, "gate": kind, "kwargs": kwargs})
    for kind in ("mul", "max"):
        given = {"x": 1.5, "y": -2.25, "dz": float(numbers(rng, low=1.2))}
        other = [float(-abs(numbers(rng)) - 3), float(abs(numbers(rng)) + 1)]
        cases.append({"name": "another in between", "gate": kind, "kwargs": given, "other": other})
    tie = float(numbers(rng))
    given = {"x": tie, "y": tie, "dz": float(numbers(rng, low=1.2))}
    return [*cases, {"name": "tie", "gate": "max", "kwargs": given}]


def _gate_reference(case: Case) -> Any:
    x, y, dz = case["kwargs"].values()
    value = {"add": np.add, "mul": np.multiply, "max": np.maximum}[case["gate"]]
    found = {
        "z": float(value(x, y)),
        "dx": dz * float(slopes(lambda x: value(x, y), x)),
        "dy": dz * float(slopes(lambda y: value(x, y), y)),
    }
    # At a tie a nudge of either input moves the output.
    return _measure_gate(case, {**found, "dy": dz - found["dx"]} if x == y else found)


def _measure_gate(case: Case, seen: Any) -> Any:
    """At a tie either input may get what arrives, or both their share: all of it in sum."""
    if case["name"] != "tie":
        return seen
    return {"z": seen["z"], "dx + dy": seen["dx"] + seen["dy"]}


def _show_gate(case: Case) -> str:
    x, y, dz = (f"{case['kwargs'][name]:g}" for name in ("x", "y", "dz"))
    lines = [f"z, backward = {case['gate']}_gate({x}, {y})"]
    if case.get("other"):
        one, two = case["other"]
        lines.append(f"{case['gate']}_gate({one:g}, {two:g})  # another gate, in between")
    return "\n".join([*lines, f"dx, dy = backward({dz})"])


def _explain_gate(case: Case, seen: Any, expected: Any) -> str | None:
    if case["name"] == "tie":
        return (
            "At a tie, give what arrives to one of the two inputs: `dx` and `dy` are to make up "
            "`dz` together"
        )
    name, sign = f"`{case['gate']}_gate`", {"add": "x + y", "mul": "x * y", "max": "max(x, y)"}
    if not same(seen["z"], expected["z"]):
        return f"The z of {name} is not {sign[case['gate']]}"
    for part in ("dx", "dy"):
        if type(seen[part]) is bool:
            return f"The `{part}` of {name} is {seen[part]}. Multiply it by what arrives: `dz`"
        if type(seen[part]) in (int, float) and not same(seen[part], expected[part]):
            nudged = part[1]
            return (
                f"The `{part}` of {name} is not its slope by {nudged} times what arrives. If "
                f"{nudged} rises by 0.01, by how much does {sign[case['gate']]} rise here?"
            )
    return explain_parts(case, seen, expected)


gates = Exercise(
    id="gates",
    title="Three gates",
    takes={"add_gate": "function", "mul_gate": "function", "max_gate": "function"},
    points=2,
    minutes=5,
    difficulty=2,
    cases=_gate_cases,
    probe=probes.gates,
    measure=_measure_gate,
    reference=_gate_reference,
    show=_show_gate,
    explain=_explain_gate,
    mistakes=(
        Mistake(
            id="add_upstream",
            message="`add_gate` forgets what arrives: its slope of 1 has to be multiplied by `dz`.",
            answer=_with("add", lambda x, y, dz: (1.0, 1.0)),
            on=("add",),
        ),
        Mistake(
            id="add_halves",
            message="`add_gate` splits `dz` between its inputs. Each of them moves the sum by its "
            "full step, so each gets all of `dz`.",
            answer=_with("add", lambda x, y, dz: (dz / 2, dz / 2)),
            on=("add",),
        ),
        Mistake(
            id="add_times_own",
            message="`add_gate` multiplies `dz` by its inputs. Raise one input of a sum by 1 and "
            "the sum rises by 1, whatever the inputs are.",
            answer=_with("add", lambda x, y, dz: (x * dz, y * dz)),
            on=("add",),
        ),
        Mistake(
            id="add_times_other",
            message="`add_gate` does what a mul gate does on the way back. Its own slopes are 1, "
            "whatever the inputs are.",
            answer=_with("add", BACK["mul"]),
            on=("add",),
        ),
        Mistake(
            id="mul_upstream",
            message="`mul_gate` forgets what arrives: the other input is only its own slope, and "
            "it has to be multiplied by `dz`.",
            answer=_with("mul", lambda x, y, dz: (y, x)),
            on=("mul",),
        ),
        Mistake(
            id="mul_own",
            message="`mul_gate` multiplies `dz` by the input itself. Raise x by 1 and x * y rises "
            "by y: each input gets `dz` times the other one.",
            answer=_with("mul", lambda x, y, dz: (x * dz, y * dz)),
            on=("mul",),
        ),
        Mistake(
            id="mul_output",
            message="`mul_gate` multiplies `dz` by its output. Each input gets `dz` times the "
            "other input.",
            answer=_with("mul", lambda x, y, dz: (x * y * dz, x * y * dz)),
            on=("mul",),
        ),
        Mistake(
            id="mul_as_add",
            message="`mul_gate` hands on `dz` unchanged, as an add gate does. If x rises by 1, "
            "x * y rises by y: that is its slope.",
            answer=_with("mul", BACK["add"]),
            on=("mul",),
        ),
        Mistake(
            id="mul_added",
            message="`mul_gate` adds what arrives to its slope. Multiply the two.",
            answer=_with("mul", lambda x, y, dz: (y + dz, x + dz)),
            on=("mul",),
        ),
        Mistake(
            id="add_added",
            message="`add_gate` adds what arrives to something. Its slopes are 1, and what "
            "arrives multiplies them: `dz` itself.",
            answer=_with("add", lambda x, y, dz: (1 + dz, 1 + dz)),
            on=("add",),
            recognise=lambda case, seen, expected: any(
                same([seen["dx"], seen["dy"]], [dz + one, dz + other])
                for dz, x, y in [[case["kwargs"][name] for name in ("dz", "x", "y")]]
                for one, other in ((1, 1), (x, y), (y, x))
            ),
        ),
        Mistake(
            id="max_input",
            message="`max_gate` hands back the larger input. What flows back is `dz`, times the "
            "slope 1.",
            answer=_with("max", lambda x, y, dz: (x, 0.0) if x > y else (0.0, y)),
            on=("max",),
        ),
        Mistake(
            id="max_upstream",
            message="`max_gate` forgets what arrives: the larger input gets `dz`, not 1.",
            answer=_with("max", lambda x, y, dz: (1.0, 0.0) if x > y else (0.0, 1.0)),
            on=("max",),
        ),
        Mistake(
            id="max_both",
            message="`max_gate` hands `dz` to both inputs. The smaller one did not reach the "
            "output, so nothing flows back to it.",
            answer=_with("max", lambda x, y, dz: (dz, dz)),
            on=("max",),
        ),
        Mistake(
            id="max_halves",
            message="`max_gate` shares `dz` between both inputs. All of it belongs to the larger "
            "one: the smaller did not reach the output.",
            answer=_with("max", lambda x, y, dz: (dz / 2, dz / 2)),
            on=("max",),
        ),
        Mistake(
            id="max_smaller",
            message="`max_gate` hands `dz` to the smaller input. It belongs to the larger one, "
            "which is the output.",
            answer=_with("max", lambda x, y, dz: BACK["max"](y, x, dz)),
            on=("max",),
        ),
        Mistake(
            id="max_value",
            message="`max_gate` multiplies `dz` by the larger input. It hands its input on "
            "unchanged, so its slope is 1.",
            answer=_with("max", lambda x, y, dz: (x * dz, 0.0) if x > y else (0.0, y * dz)),
            on=("max",),
        ),
        Mistake(
            id="max_size",
            message="`max_gate` compares the inputs without their signs: -3 is smaller than 1.",
            answer=_with(
                "max",
                lambda x, y, dz: (dz, 0.0) if abs(x) > abs(y) else (0.0, dz),
                lambda x, y: x if abs(x) > abs(y) else y,
            ),
            on=("max",),
        ),
        Mistake(
            id="shared_memory",
            message="A gate made later changes what this one remembers. Let `backward` use the "
            "x and y of its own call.",
            answer=_forgetful(),
            on=("another in between",),
        ),
    ),
    hints=(
        "Ask each gate: if x rises by 1 and y stays, by how much does z rise? That is the slope "
        "by x. What arrives, `dz`, multiplies it.",
        "Add: both slopes are 1. Multiply: the slope by x is y, the slope by y is x. Max: 1 for "
        "the larger input, 0 for the other. More under "
        "[Patterns in backward flow](https://cs231n.github.io/optimization-2/#patterns).",
        "```python\n# mul_gate\n    def backward(dz):\n        return y * dz, ...\n\n# max_gate\n"
        "    def backward(dz):\n        return (dz, 0.0) if x >= y else ...\n```",
    ),
)


# --- A neuron in stages ------------------------------------------------------------------------

predict_saturated = question(
    "predict_saturated",
    "A neuron that is sure",
    minutes=2,
    right="a",
    options={
        "a": Option(
            text="much smaller",
            why="0.99 · 0.01 = 0.0099 against 0.5 · 0.5 = 0.25: about 25 times smaller. A neuron "
            "that is sure hardly learns.",
        ),
        "b": Option(
            text="about the same",
            why="The slope f(1 - f) depends on the output: 0.25 at 0.5. Work it out at 0.99.",
        ),
        "c": Option(
            text="much larger",
            why="A larger output does not mean a larger slope. Work out f(1 - f) at 0.99, where "
            "1 - f is 0.01.",
        ),
        "d": Option(
            text="the same size, but negative",
            why="A larger sum gives a larger output, so the slope is never negative: f and 1 - f "
            "both lie between 0 and 1.",
        ),
    },
    hints=(
        "Put both outputs into f(1 - f).",
        "Where f is close to 1, what is left for 1 - f? And where f is 0.5?",
        "```python\n0.99 * (1 - 0.99), 0.5 * (1 - 0.5)\n```",
    ),
)


def _neuron_cases(rng: np.random.Generator) -> list[Case]:
    cases = [{"w": np.array([2.0, -3.0, -3.0]), "x": np.array([-1.0, -2.0])}]
    for size in (3, 1, 5):
        # A sum of some size, so that the slope is neither 1/4 nor nearly 0.
        while True:
            w, x = numbers(rng, size + 1, high=1.5), numbers(rng, size, high=1.5)
            if 0.4 < abs(w[:-1] @ x + w[-1]) < 2.5 and abs(w[:-1] @ x) > 0.2:
                break
        cases.append({"w": w, "x": x})
    return [{"kwargs": kwargs, "returns": ["f", "dw", "dx"]} for kwargs in cases]


def _neuron_reference(case: Case) -> Any:
    w, x = case["kwargs"].values()

    def f(w: Any, x: Any) -> Any:
        return 0.5 + 0.5 * np.tanh(0.5 * (np.dot(w[:-1], x) + w[-1]))

    return {
        "f": float(f(w, x)),
        "dw": slopes(lambda w: f(w, x), w),
        "dx": slopes(lambda x: f(w, x), x),
    }


def _neuron(given: Given, dot: Any = None, f: Any = None, ddot: Any = None) -> dict[str, Any]:
    """A right neuron, with some stage replaced."""
    w, x = given["w"], given["x"]
    dot = w[:-1] @ x + w[-1] if dot is None else dot
    f = 1 / (1 + np.exp(-dot)) if f is None else f
    ddot = f * (1 - f) if ddot is None else ddot
    return {"f": f, "dw": ddot * np.append(x, 1.0), "dx": ddot * w[:-1]}


def _neuron_answer(part: str, wrong: Callable[[Given], Any]) -> Callable:
    def sigmoid_neuron(w: Any, x: Any) -> tuple:
        given = {"w": w, "x": x}
        return tuple({**_neuron(given), part: wrong(given)}.values())

    return sigmoid_neuron


def _stage(**stages: Callable) -> Callable:
    """A neuron with a wrong stage, on which all later ones build."""

    def sigmoid_neuron(w: Any, x: Any) -> tuple:
        right = _neuron({"w": w, "x": x})["f"]
        dot = w[:-1] @ x + w[-1]
        made = {name: stage(w, x, dot, right) for name, stage in stages.items()}
        return tuple(_neuron({"w": w, "x": x}, **made).values())

    return sigmoid_neuron


def _dw(given: Given) -> Any:
    return _neuron(given)["dw"]


def _bias_first(w: Any, x: Any) -> tuple:
    f, dw, dx = _neuron({"w": np.append(w[1:], w[0]), "x": x}).values()
    return f, np.append(dw[-1], dw[:-1]), dx


def _swapped_order(w: Any, x: Any) -> tuple:
    f, dw, dx = _neuron({"w": w, "x": x}).values()
    return f, dx, dw


sigmoid_neuron = Exercise(
    id="sigmoid_neuron",
    title="A neuron, in stages",
    takes={"sigmoid_neuron": "function"},
    points=2,
    minutes=4,
    difficulty=2,
    cases=_neuron_cases,
    probe=probes.neuron,
    reference=_neuron_reference,
    explain=explain_parts,
    atol=ATOL,
    mistakes=(
        Mistake(
            id="bias_left_out",
            message="The last entry of w is the bias: add it to the sum. It is left out here.",
            answer=_stage(dot=lambda w, x, dot, f: w[:-1] @ x),
        ),
        Mistake(
            id="bias_first",
            message="The first entry of w is taken for the bias. It is the last one.",
            answer=_bias_first,
        ),
        Mistake(
            id="exponent_sign",
            message="The sign in the exponent is missing: sigmoid is 1 / (1 + exp(-dot)).",
            answer=_stage(f=lambda w, x, dot, f: 1 - f),
        ),
        Mistake(
            id="slope_left_out",
            message="The sigmoid's own slope is left out: what flows back to dot is f * (1 - f), "
            "and everything before it builds on that.",
            answer=_stage(ddot=lambda w, x, dot, f: 1.0),
        ),
        Mistake(
            id="slope_of_dot",
            message="The slope is taken from dot. It is f * (1 - f), with f the neuron's output.",
            answer=_stage(ddot=lambda w, x, dot, f: dot * (1 - dot)),
        ),
        Mistake(
            id="slope_squared",
            message="1 - f² is the slope of tanh. The slope of sigmoid is f * (1 - f).",
            answer=_stage(ddot=lambda w, x, dot, f: 1 - f * f),
        ),
        Mistake(
            id="slope_half",
            message="One factor of the slope is missing: it is f * (1 - f).",
            answer=_stage(ddot=lambda w, x, dot, f: 1 - f),
        ),
        Mistake(
            id="slope_is_output",
            message="The factor 1 - f of the slope is missing: it is f * (1 - f).",
            answer=_stage(ddot=lambda w, x, dot, f: f),
        ),
        Mistake(
            id="sign",
            message="The gradients have the wrong sign: the minus of the exponent cancels, and "
            "the slope of sigmoid is f * (1 - f).",
            answer=_stage(ddot=lambda w, x, dot, f: f * (f - 1)),
        ),
        Mistake(
            id="slope_zero",
            message="All gradients are 0 here. Look at the brackets of the slope: f * 1 - f is "
            "always 0, f * (1 - f) is not.",
            answer=_stage(ddot=lambda w, x, dot, f: 0.0),
        ),
        Mistake(
            id="slope_twice",
            message="The slope of the sigmoid is multiplied in twice. `ddot` holds it once, "
            "f * (1 - f), and `dw` and `dx` take it from there.",
            answer=_stage(ddot=lambda w, x, dot, f: (f * (1 - f)) ** 2),
        ),
        Mistake(
            id="slope_times_output",
            message="The slope is multiplied by f once more. What arrives at the end is 1, as f "
            "moves itself by 1: `ddot` is f * (1 - f).",
            answer=_stage(ddot=lambda w, x, dot, f: f * f * (1 - f)),
        ),
        Mistake(
            id="slope_times_dot",
            message="The slope is multiplied by dot. A slope needs only f: `ddot` is f * (1 - f).",
            answer=_stage(ddot=lambda w, x, dot, f: dot * f * (1 - f)),
        ),
        Mistake(
            id="swapped_order",
            message="`dw` and `dx` are in the wrong order: return f, `dw`, `dx`, as w comes "
            "before x.",
            answer=_swapped_order,
        ),
        slip(
            "dw_from_w",
            "`dw` is made from w. In a product each input gets the other one: `dw` is made from x.",
            "dw",
            lambda given: np.append(given["w"][:-1], 1.0) * _dw(given)[-1],
            _neuron_answer,
        ),
        slip(
            "dx_from_x",
            "`dx` is made from x. In a product each input gets the other one: `dx` is made from w.",
            "dx",
            lambda given: given["x"] * _dw(given)[-1],
            _neuron_answer,
        ),
        slip(
            "dw_upstream",
            "`dw` is the slopes of dot alone, x and a 1. Multiply them by what arrives at dot: "
            "`ddot`.",
            "dw",
            lambda given: np.append(given["x"], 1.0),
            _neuron_answer,
        ),
        slip(
            "dx_upstream",
            "`dx` is the slopes of dot alone, the weights. Multiply them by what arrives at dot: "
            "`ddot`.",
            "dx",
            lambda given: given["w"][:-1],
            _neuron_answer,
        ),
        slip(
            "dw_bias_first",
            "`dw` begins with the bias's gradient. The bias is the last entry of w, so its "
            "gradient comes last: np.append(..., ddot).",
            "dw",
            lambda given: np.roll(_dw(given), 1),
            _neuron_answer,
        ),
        slip(
            "dw_bias_added",
            "`dw` adds the bias's gradient to the others. It is an entry of its own, behind "
            "them: np.append.",
            "dw",
            lambda given: _dw(given)[:-1] + _dw(given)[-1],
            _neuron_answer,
        ),
        slip(
            "dx_summed",
            "`dx` is one number. Each input has a gradient of its own, so there is nothing to "
            "add up.",
            "dx",
            lambda given: float(_neuron(given)["dx"].sum()),
            _neuron_answer,
        ),
        slip(
            "dw_without_bias",
            "The bias has a gradient, too: `dw` is as long as w, and its last entry is the slope "
            "of the sigmoid times 1.",
            "dw",
            lambda given: _dw(given)[:-1],
            _neuron_answer,
        ),
        slip(
            "bias_gradient_one",
            "The bias's gradient is 1 here, its own slope alone. Multiply it by what arrives at "
            "dot, as for the others.",
            "dw",
            lambda given: np.append(_dw(given)[:-1], 1.0),
            _neuron_answer,
        ),
        slip(
            "bias_gradient_zero",
            "The bias's gradient is 0 here. Raise the bias by 1 and dot rises by 1: its slope is "
            "1, times what arrives at dot.",
            "dw",
            lambda given: np.append(_dw(given)[:-1], 0.0),
            _neuron_answer,
        ),
        slip(
            "bias_gradient_weight",
            "The bias's gradient is multiplied by the bias. dot takes the bias as it is, so its "
            "slope is 1: what arrives at dot, `ddot`.",
            "dw",
            lambda given: np.append(_dw(given)[:-1], given["w"][-1] * _dw(given)[-1]),
            _neuron_answer,
        ),
        slip(
            "dx_bias_first",
            "`dx` leaves out the first entry of w. The bias is the last one: w[:-1].",
            "dx",
            lambda given: given["w"][1:] * _dw(given)[-1],
            _neuron_answer,
        ),
        slip(
            "dx_with_bias",
            "`dx` is as long as w. It is the gradient of x, so it has one entry less: the bias "
            "belongs to no input.",
            "dx",
            lambda given: given["w"] * _dw(given)[-1],
            _neuron_answer,
        ),
    ),
    hints=(
        "Forward, in two stages: dot, the weighted sum with the bias, then f. Back, in two "
        "stages: `ddot`, what arrives at dot, then `dw` and `dx` from `ddot`.",
        "ddot = f * (1 - f). dot is a sum of products w[i] * x[i], so each w[i] gets x[i] * ddot "
        "and each x[i] gets w[i] * ddot. The bias is multiplied by 1. See the "
        "[sigmoid example](https://cs231n.github.io/optimization-2/#sigmoid).",
        "```python\nddot = f * (1 - f)\ndw = np.append(x * ddot, ...)\ndx = ...\n```",
    ),
)
