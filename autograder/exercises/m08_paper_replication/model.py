"""The exercises that build the paper's model, and its control without a bend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake
from autograder.exercises.m08_paper_replication import reference
from autograder.exercises.m08_paper_replication.wrong import variant
from autograder.probes import m08_paper_replication as probes

SIZES = ((3, 7, 4, 6), (2, 5, 3, 9))  # instances, features, hidden, batch


def _cases(rng: np.random.Generator) -> list[Case]:
    return [
        {
            "make": [n, features, hidden],
            "large": [5, 16, 9],
            "W": rng.normal(0, 0.7, size=(n, hidden, features)),
            "b": rng.normal(0, 0.6, size=(n, features)),
            "x": reference.sparse(rng, (n, batch, features), 0.7),
            "seed": reference.seed_of(rng),
        }
        for n, features, hidden, batch in SIZES
    ]


def _reference(linear: bool) -> Callable[[Case], Any]:
    def expected(case: Case) -> Any:
        out = reference.forward(case["W"], case["b"], case["x"], linear)
        return {
            "W shape": list(np.shape(case["W"])),
            "b_final shape": list(np.shape(case["b"])),
            "W is trained": True,
            "b_final is trained": True,
            "instances begin differently": True,
            "begins": "small",
            "out": [out, out[:, :1]],
        }

    return expected


def _begins(case: Case, seen: Any) -> Any:
    """With the lengths that columns begin with, and the biases, put into words."""
    given = seen["begins"]
    if isinstance(given, str):
        return {**seen, "begins": "small"}
    length, bias = given
    words = "small"
    if not 0.01 < length < 1.2:
        words = "too long" if length >= 1.2 else "too short"
    elif bias > 0.1:
        words = "a bias"
    return {**seen, "begins": words}


def _as_it_is(case: Case, seen: Any) -> Any:
    """The control may begin as it likes: `ToyModel` has been looked at."""
    return {**seen, "begins": "small"}


def _begins_with(words: str) -> Callable[[Case, Any, Any], bool]:
    return lambda case, seen, expected: _begins(case, seen)["begins"] == words


def _explain(linear: bool) -> Callable[[Case, Any, Any], str | None]:
    def explain(case: Case, seen: Any, expected: Any) -> str | None:
        n, features, hidden = case["make"]
        called = f"({n}, {features}, {hidden})"
        for name in ("W", "b_final"):
            got, want = seen[f"{name} shape"], expected[f"{name} shape"]
            if got != want:
                return (
                    f"`{name}` has shape {tuple(got)} after {called}: n_instances, n_features, "
                    f"n_hidden. Expected: {tuple(want)}"
                )
        out = np.asarray(seen["out"][0])
        if out.shape != case["x"].shape:
            return f"`x` of shape {case['x'].shape} comes back with shape {out.shape}: keep it"
        steps = "x Wᵀ W + b" if linear else "ReLU(x Wᵀ W + b), x a row"
        return f"The shapes are right, the numbers are not those of {steps}"

    return explain


def _shape_is(name: str, shape: Callable[[int, int, int], list[int]]) -> Callable:
    return lambda case, seen, expected: seen[f"{name} shape"] == shape(*case["make"])


def _untrained(name: str) -> Callable[[Case, Any, Any], bool]:
    return lambda case, seen, expected: seen[f"{name} is trained"] is False


def _exercise(linear: bool, **fields: Any) -> Exercise:
    name = "LinearModel" if linear else "ToyModel"
    return Exercise(
        takes={name: "class"},
        cases=_cases,
        probe=probes.model,
        measure=_as_it_is if linear else _begins,
        reference=_reference(linear),
        explain=_explain(linear),
        show=lambda case: (
            f"{name}{tuple(case['make'])} with W and b_final drawn at random, "
            f"`x` of shape {case['x'].shape}"
        ),
        rtol=1e-3,
        atol=1e-4,
        **fields,
    )


def _toy(*changes: tuple[str, str]) -> Any:
    return variant("ToyModel", *changes)


HIDDEN = "        hidden = x @ self.W.transpose(-1, -2)\n"
BENT = "        return torch.relu(out)"
B_FINAL = "self.b_final = nn.Parameter(torch.zeros(n_instances, n_features))"
W = "self.W = nn.Parameter(torch.randn(n_instances, n_hidden, n_features) / n_features**0.5)"

toy_model = _exercise(
    linear=False,
    id="toy_model",
    title="Down and up again",
    points=2,
    minutes=10,
    difficulty=3,
    mistakes=(
        Mistake(
            id="transposed",
            message="`W` is transposed: here its shape is (n_instances, n_hidden, n_features). "
            "Column i of an instance's W is the direction of feature i.",
            answer=_toy(
                (W, W.replace("n_hidden, n_features", "n_features, n_hidden")),
                ("x @ self.W.transpose(-1, -2)", "x @ self.W"),
                ("hidden @ self.W +", "hidden @ self.W.transpose(-1, -2) +"),
            ),
            recognise=_shape_is("W", lambda n, f, h: [n, f, h]),
        ),
        Mistake(
            id="one_for_all",
            message="There is one `W` for all instances. Each is a model of its own: shape "
            "(n_instances, n_hidden, n_features).",
            answer=_toy((W, W.replace("n_instances, ", ""))),
            recognise=_shape_is("W", lambda n, f, h: [h, f]),
        ),
        Mistake(
            id="one_bias_for_all",
            message="There is one `b_final` for all instances. Each has its own: shape "
            "(n_instances, n_features).",
            answer=_toy((B_FINAL, B_FINAL.replace("n_instances, ", "")), ("[:, None]", "")),
            recognise=_shape_is("b_final", lambda n, f, h: [f]),
        ),
        Mistake(
            id="bias_of_hidden",
            message="`b_final` has the size of the hidden layer. It is added after the way back "
            "up: shape (n_instances, n_features).",
            answer=_toy(
                (B_FINAL, B_FINAL.replace("n_features", "n_hidden")),
                (
                    "transpose(-1, -2)\n        out",
                    "transpose(-1, -2) + self.b_final[:, None]\n        out",
                ),
                (
                    "@ self.W + self.b_final[:, None]\n        return torch",
                    "@ self.W\n        return torch",
                ),
            ),
            recognise=_shape_is("b_final", lambda n, f, h: [n, h]),
        ),
        Mistake(
            id="W_not_trained",
            message="`W` is not among `parameters()`, so no optimizer finds it. Wrap it: "
            "`self.W = nn.Parameter(...)`.",
            answer=_toy(
                ("self.W = nn.Parameter(", "self.W = ("),
            ),
            recognise=_untrained("W"),
        ),
        Mistake(
            id="bias_not_trained",
            message="`b_final` is not among `parameters()`, so it stays as it is. Wrap it: "
            "`self.b_final = nn.Parameter(...)`.",
            answer=_toy(("self.b_final = nn.Parameter(", "self.b_final = (")),
            recognise=_untrained("b_final"),
        ),
        Mistake(
            id="instances_equal",
            message="Instances begin with equal weights: they would be the same model many "
            "times. Draw the whole `W` at random.",
            answer=_toy(
                ("torch.randn(n_instances,", "torch.randn(1,"),
                (
                    "n_features) / n_features**0.5)",
                    "n_features).repeat(n_instances, 1, 1) / n_features**0.5)",
                ),
            ),
            recognise=lambda case, seen, expected: seen["instances begin differently"] is False,
        ),
        Mistake(
            id="long_columns",
            message="The columns of `W` begin with a length of more than 1. Divide `torch.randn` "
            "by the root of n_features.",
            answer=_toy((" / n_features**0.5", "")),
            recognise=_begins_with("too long"),
        ),
        Mistake(
            id="bias_at_random",
            message="`b_final` begins with numbers that are not 0. Begin with zeros: training "
            "finds the biases.",
            answer=_toy((B_FINAL, B_FINAL.replace("zeros", "randn"))),
            recognise=_begins_with("a bias"),
        ),
        Mistake(
            id="no_bias",
            message="`b_final` is never added. It lets an output stay below zero, where the ReLU "
            "holds it, until enough speaks for the feature.",
            answer=_toy(
                (" + self.b_final[:, None]\n        return torch", "\n        return torch")
            ),
        ),
        Mistake(
            id="bias_subtracted",
            message="`b_final` is subtracted. The paper adds it.",
            answer=_toy(
                (
                    "@ self.W + self.b_final[:, None]\n        return torch",
                    "@ self.W - self.b_final[:, None]\n        return torch",
                )
            ),
        ),
        Mistake(
            id="no_relu",
            message="There is no ReLU at the end. Without it this is a linear model, the control "
            "of the next exercise.",
            answer=_toy((BENT, "        return out")),
        ),
        Mistake(
            id="relu_on_hidden",
            message="A ReLU bends the hidden layer, too. There is one ReLU only, at the end: "
            "hidden numbers may be negative.",
            answer=_toy(
                (
                    HIDDEN + "        out",
                    HIDDEN.replace(
                        "x @ self.W.transpose(-1, -2)", "torch.relu(x @ self.W.transpose(-1, -2))"
                    )
                    + "        out",
                )
            ),
        ),
        Mistake(
            id="relu_on_hidden_only",
            message="The ReLU stands after the way down. It belongs at the end, after the bias.",
            answer=_toy(
                (
                    HIDDEN + "        out",
                    HIDDEN.replace(
                        "x @ self.W.transpose(-1, -2)", "torch.relu(x @ self.W.transpose(-1, -2))"
                    )
                    + "        out",
                ),
                (BENT, "        return out"),
            ),
        ),
        Mistake(
            id="relu_before_bias",
            message="The bias is added after the ReLU. It comes before: ReLU(... + b_final).",
            answer=_toy(
                (
                    " + self.b_final[:, None]\n        return torch.relu(out)",
                    "\n        return torch.relu(out) + self.b_final[:, None]",
                ),
            ),
        ),
        Mistake(
            id="other_bend",
            message="The bend at the end is a sigmoid. The paper's is a ReLU.",
            answer=_toy((BENT, "        return torch.sigmoid(out)")),
        ),
    ),
    hints=(
        "Two products with the same `W`, one of them with its transpose; then the bias, then one "
        "ReLU.",
        "`@` treats the first axis as a list of matrices: (n, batch, features) @ (n, features, "
        "hidden) is (n, batch, hidden). [`transpose(-1, -2)`]"
        "(https://pytorch.org/docs/stable/generated/torch.transpose.html) turns each matrix, and "
        "`b_final[:, None]` gets an axis for the batch.",
        "```python\nhidden = x @ self.W.transpose(-1, -2)\n"
        "out = hidden @ ... + self.b_final[:, None]\nreturn ...\n```",
    ),
)

LINEAR_OUT = "        return hidden @ self.W + self.b_final[:, None]"

linear_model = _exercise(
    linear=True,
    id="linear_model",
    title="The control",
    points=1,
    minutes=3,
    difficulty=1,
    mistakes=(
        Mistake(
            id="still_bent",
            message="It still has the ReLU. Its `forward` returns x Wᵀ W + b_final as it is.",
            answer=variant(
                "LinearModel",
                (LINEAR_OUT, "        return torch.relu(hidden @ self.W + self.b_final[:, None])"),
            ),
        ),
        Mistake(
            id="no_bias",
            message="The bias is gone as well. Leave out the ReLU and nothing else: a control "
            "differs in one thing.",
            answer=variant("LinearModel", (LINEAR_OUT, "        return hidden @ self.W")),
        ),
        Mistake(
            id="below",
            message="It bends the other way: what is above 0 is cut off. Return the sum as it is.",
            answer=variant(
                "LinearModel",
                (
                    LINEAR_OUT,
                    "        return -torch.relu(-hidden @ self.W - self.b_final[:, None])",
                ),
            ),
        ),
        Mistake(
            id="relu_on_hidden",
            message="A ReLU bends its hidden layer. A linear model has none anywhere.",
            answer=variant(
                "LinearModel",
                (LINEAR_OUT, "        return torch.relu(hidden) @ self.W + self.b_final[:, None]"),
            ),
        ),
    ),
    hints=(
        "`ToyModel` makes the weights already: a subclass needs a `forward` and nothing else.",
        "A [subclass](https://docs.python.org/3/tutorial/classes.html#inheritance) may replace a "
        "method of its parent.",
        "```python\nclass LinearModel(ToyModel):\n    def forward(self, x):\n"
        "        return ...\n```",
    ),
)
