"""The exercises that build a network from Values, train it, and compare with PyTorch."""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake
from autograder.exercises.m04_micrograd.engine import (
    Engine,
    some,
)
from autograder.probes import m04_micrograd as probes

# --- Part five: a network ----------------------------------------------------------------------


class Module:
    """What right and wrong networks share: `neurons` in layers, tanh after each."""

    def __init__(self, *sizes: Any) -> None:
        *first, last = sizes
        self.layers = self.build(first[0] if first else last, last)

    def build(self, nin: int, nouts: Any) -> list[list[list[Engine]]]:
        widths = [nin, *(nouts if isinstance(nouts, (list, tuple)) else [nouts])]
        return [
            [[self.weight() for _ in range(n + 1)] for _ in range(m)] for n, m in pairwise(widths)
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
    count = sum((n + 1) * m for n, m in pairwise(widths))
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


def _weights(case: Case) -> int:
    """How many of the parameters are weights; biases may all start at 0."""
    return sum(n * m for n, m in pairwise(case["widths"]))


def _measure_network(case: Case, seen: Any) -> Any:
    """What holds for any right network, in whatever order its parameters come."""
    slopes, gradients = np.array(seen["slopes"]), np.array(seen["gradients"])
    same = len(slopes) == len(gradients) and bool(np.allclose(slopes, gradients, atol=1e-5))
    depth = len(case["widths"]) - 1
    moved = seen["outputs moved"]
    return {
        "number of parameters": seen["parameters"],
        "parameters that are different Values": seen["different parameters"],
        "number of outputs": len(seen["with given parameters"]),
        "starts from random numbers": seen["different initial values"] > 0.9 * _weights(case)
        and 0 < seen["largest initial value"] < 20,
        "outputs with equal parameters": seen["with equal parameters"],
        "the same parameters each time": seen["parameters"] == seen["parameters the next time"],
        "the same outputs each time": seen["with given parameters"] == seen["the next time"],
        "another one starts differently": not seen["starts like another one"],
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
        "the same parameters each time": True,
        "the same outputs each time": True,
        "another one starts differently": True,
        "every parameter moves an output": True,
        "a parameter moves one output only": True,
        "gradients are the slopes": True,
    }


def _explain_network(case: Case, seen: Any, expected: Any) -> str | None:
    found = _measure_network(case, seen)
    if not found["the same parameters each time"]:
        return "`parameters()` gives other parameters at each call: does it append to a list?"
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
    if not found["the same outputs each time"]:
        return (
            "It gives other outputs each time, for the same input: make the weights once, in "
            "`__init__`, not in `__call__`"
        )
    if not found["another one starts differently"]:
        return "Two of them start with the same numbers: no fixed seed inside the class"
    if not found["every parameter moves an output"]:
        return "Changing a parameter's data changes no output: is every weight and bias used?"
    if not found["a parameter moves one output only"]:
        return "Changing one parameter changes several outputs: each neuron has its own weights"
    if not any(seen["gradients"]) and any(seen["slopes"]):
        return (
            "Nothing flows back to the parameters: compute with the Values themselves, not with "
            "their `.data`"
        )
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
    minutes=9,
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
            message="Weights start at the same number. What starts equal learns the same: draw "
            "each from `random.uniform(-1, 1)`.",
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
    minutes=4,
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
            message="The sizes nin and nout are swapped: a layer has nout neurons, and each "
            "takes nin inputs.",
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
            answer=variant(Module, parameters=lambda self: list(self.layers[0][0])),
            recognise=lambda case, seen, expected: (
                case["widths"][1] > 1 and seen["parameters"] == case["widths"][0] + 1
            ),
        ),
        Mistake(
            id="first_output",
            message="It gives one output: return a list with the output of each neuron.",
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


def _first_output(self: Module, x: list[Any]) -> Any:
    out = Module.__call__(self, x)
    return out[0] if isinstance(out, list) else out


mlp = Exercise(
    id="mlp",
    title="A network",
    takes={"MLP": "class"},
    points=2,
    minutes=8,
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
            id="first_output",
            message="It gives the first output only. Where the last layer has several neurons, "
            "return the outputs of all.",
            answer=variant(Module, __call__=_first_output),
            recognise=lambda case, seen, expected: (
                case["widths"][-1] > 1
                and seen["parameters"] == _count(case)
                and len(seen["with given parameters"]) == 1
            ),
        ),
        Mistake(
            id="input_everywhere",
            message="Some layers have no effect: each layer takes the outputs of the one before "
            "it, not the input again.",
            answer=InputEverywhere,
            recognise=lambda case, seen, expected: (
                len(case["widths"]) > 2
                and seen["parameters"] == _count(case)
                and len(seen["with given parameters"]) == case["widths"][-1]
                and sum(moved == 0 for moved in seen["outputs moved"])
                == _count(case) - (case["widths"][-2] + 1) * case["widths"][-1]
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


_mean_square = _sum_of(lambda s, t: (s - t) ** 2)

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
            id="root",
            message="This is the root of the mean square. Leave the root out.",
            answer=(lambda scores, targets: _mean_square(scores, targets) ** 0.5, Engine),
        ),
        Mistake(
            id="square_of_mean",
            message="The differences are averaged first and squared then: square each one first.",
            answer=(
                lambda scores, targets: _sum_of(lambda s, t: s - t)(scores, targets) ** 2,
                Engine,
            ),
        ),
        Mistake(
            id="first_only",
            message="Only the first pair counts: is the return inside the loop?",
            answer=(lambda scores, targets: (scores[0] - targets[0]) ** 2, Engine),
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
            "_labels": labels,
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
    return float(np.mean((scores > 0) == (np.array(case["_labels"]) > 0)))


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
        "losses measured before the update": not _measured_late(case, seen),
        "step size": _step_is_gradient_times_lr(case, losses, once),
        "at least 95% of fresh points right": _accuracy(case, seen) >= 0.95,
    }


def _measured_late(case: Case, seen: Any) -> bool:
    """Whether the first loss is that of the network after its first step."""
    first, y = float(seen["losses"][0]), np.array(case["y"])
    before, after = (
        float(np.mean((np.array(seen[when], dtype=float) - y) ** 2))
        for when in ("scores at the start", "scores after one step")
    )
    return abs(before - after) > 1e-9 and abs(first - after) < 0.1 * abs(before - after)


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
    zero: bool = True,
    sign: float = -1.0,
    update: bool = True,
    first_only: bool = False,
    late: bool = False,
) -> Callable[..., list[float]]:
    def train(
        model: Module, X: list[list[float]], y: list[float], steps: int = 100, lr: float = 0.1
    ) -> list[float]:
        losses = []
        for _ in range(steps):
            value = _mean_square([model(x) for x in X], y)
            if zero:
                for p in model.parameters():
                    p.grad = 0.0
            value.backward()
            chosen = model.parameters()[:1] if first_only else model.parameters()
            for p in chosen if update else []:
                p.data += sign * lr * p.grad
            losses.append(_mean_square([model(x) for x in X], y).data if late else value.data)
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
    minutes=16,
    difficulty=3,
    cases=_train_cases,
    probe=probes.training,
    measure=_measure_training,
    reference=lambda case: {
        "one loss a step": True,
        "parameters change": True,
        "losses measured before the update": True,
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
            message="The parameters do not change. Zero the gradients before `backward()`, not "
            "after it; then subtract `lr * p.grad` from each `p.data`.",
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
            id="measured_late",
            message="Each loss is that after its step's update. The loss of a step is measured "
            "before it: keep `value.data` of the loss that `backward()` started from.",
            answer=(_wrong_training(late=True), _trained_model(), Module),
            recognise=lambda case, seen, expected: _measured_late(case, seen),
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
        "```python\nfor step in range(steps):\n    scores = [model(x) for x in X]   # model(x)[0] "
        "where yours returns a list\n    value = loss(scores, y)\n"
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
    minutes=9,
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
                np.ndim(seen[2]) == 0
                and np.allclose(seen[0], expected[0], rtol=1e-2)
                and np.allclose(seen[1], expected[1], rtol=1e-2, atol=1e-3)
            ),
        ),
    ),
    hints=(
        "The same three steps as in your engine: make the leaves, compute, call backward.",
        "`torch.tensor(w, requires_grad=True)` is a leaf that gets a gradient. `out.item()` and "
        "`w.grad.tolist()` turn tensors into numbers. See "
        "[autograd](https://pytorch.org/tutorials/beginner/blitz/autograd_tutorial.html).",
        "```python\nw = torch.tensor(w, requires_grad=True)\nx = torch.tensor(x)\nb = ...\n"
        "out = torch.tanh((w * x).sum() + b)\nout.backward()\n"
        "return out.item(), ..., b.grad.item()\n```",
    ),
)
