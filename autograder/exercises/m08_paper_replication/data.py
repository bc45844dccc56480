"""The exercises on sparse data, and on losses that weigh features."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake, Option, question
from autograder.core.plain import STUMBLED
from autograder.exercises.m08_paper_replication import reference
from autograder.exercises.m08_paper_replication.wrong import variant
from autograder.probes import m08_paper_replication as probes

# --- Sparse data ---------------------------------------------------------------------------------


def _sample_cases(rng: np.random.Generator) -> list[Case]:
    def near(p: float) -> float:
        return round(float(p * rng.uniform(0.92, 1.08)), 3)

    return [
        {
            "name": "one",
            "sizes": [3, 500, 7],
            "p": near(0.25),
            "seed": reference.seed_of(rng),
        },
        {
            "name": "several",
            "sizes": [4, 600, 6],
            "p": [near(0.9), near(0.4), near(0.15), near(0.05)],
            "seed": reference.seed_of(rng),
        },
        {"name": "dense", "sizes": [2, 300, 5], "p": 1.0, "seed": reference.seed_of(rng)},
    ]


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a.ravel() - a.mean(), b.ravel() - b.mean()
    scale = float(np.sqrt(np.sum(a * a) * np.sum(b * b)))
    return float(np.sum(a * b)) / scale if scale else 0.0


def _far(found: float, wanted: float, sd: float) -> bool:
    return abs(found - wanted) > 5.5 * sd + 1e-9


def _measure_samples(case: Case, seen: Any) -> Any:
    """What holds of the drawn data: each a property with a name."""
    x, again = seen["x"].astype(float), seen["again"].astype(float)
    n, batch, features = case["sizes"]
    if x.shape != (n, batch, features):
        return {"shape": list(x.shape)}
    p = np.broadcast_to(np.array(case["p"], float), n)
    present = x != 0
    # Were entries independent, the share that is present would lie this close to p.
    sd = np.sqrt(p * (1 - p) / (batch * features))
    share = present.mean(axis=(1, 2))
    values = x[present]
    centred = present - present.mean(axis=(1, 2), keepdims=True)
    spread = np.maximum(present.var(axis=(1, 2)), 1e-12)
    # Mean products of two entries' presence in one example, and of one feature's in two examples.
    pairs = (centred.sum(2) ** 2 - (centred**2).sum(2)).mean(1) / (features * (features - 1))
    rows = (centred.sum(1) ** 2 - (centred**2).sum(1)).mean(1) / (batch * (batch - 1))
    twins = [_correlation(x[0], other) for other in x[1:]]
    return {
        "shape": list(x.shape),
        "in 0 to 1": bool(values.size and values.min() >= 0 and values.max() <= 1),
        "strengths of their own": bool(len(np.unique(x[0][present[0]])) > 0.9 * present[0].sum()),
        "uniform": bool(
            values.size > 50
            and not _far(values.mean(), 0.5, np.sqrt(1 / 12 / values.size))
            and not _far(values.var(), 1 / 12, np.sqrt(1 / 180 / values.size))
        ),
        "density": bool(all(not _far(*given) for given in zip(share, p, sd, strict=True))),
        "features are independent": bool(np.all(pairs / spread < 0.2)),
        # Where each example has the same number of features, one more here is one less there.
        "some examples have more features than others": bool(np.all(pairs / spread > -0.08)),
        "examples are independent": bool(np.all(rows / spread < 0.2)),
        "instances differ": all(abs(c) < 0.3 for c in twins),
        "each call is fresh": abs(
            _correlation(
                x - x.mean((1, 2), keepdims=True), again - again.mean((1, 2), keepdims=True)
            )
        )
        < 0.3,
    }


def _samples_expected(case: Case) -> Any:
    return {
        "shape": case["sizes"],
        "in 0 to 1": True,
        "strengths of their own": True,
        "uniform": True,
        "density": True,
        "features are independent": True,
        "some examples have more features than others": True,
        "examples are independent": True,
        "instances differ": True,
        "each call is fresh": True,
    }


def lacks(measure: Callable[[Case, Any], Any], name: str) -> Callable[[Case, Any, Any], bool]:
    """Recognises an answer by a property that it lacks."""
    return lambda case, seen, expected: measure(case, seen).get(name) is False


def _sparsity(case: Case, seen: Any, expected: Any) -> bool:
    x = seen["x"]
    p = np.broadcast_to(np.array(case["p"], float), case["sizes"][0])
    share = (x != 0).mean(axis=(1, 2))
    return bool(np.all(np.abs(share - (1 - p)) < 0.06) and np.any(np.abs(share - p) > 0.06))


def _mask_only(case: Case, seen: Any, expected: Any) -> bool:
    return np.unique(seen["x"]).tolist() in ([0.0, 1.0], [1.0])


def _dense(case: Case, seen: Any, expected: Any) -> bool:
    return bool((seen["x"] != 0).all()) and case["p"] != 1.0


def _one_density(case: Case, seen: Any, expected: Any) -> bool:
    share = (seen["x"] != 0).mean(axis=(1, 2))
    return isinstance(case["p"], list) and float(np.ptp(share)) < 0.1


def _explain_samples(case: Case, seen: Any, expected: Any) -> str | None:
    found = _measure_samples(case, seen)
    if found["shape"] != case["sizes"]:
        return (
            f"Its shape is {tuple(found['shape'])}. Expected: (n_instances, batch_size, "
            f"n_features), here {tuple(case['sizes'])}"
        )
    if not found["density"]:
        share = (seen["x"] != 0).mean(axis=(1, 2))
        told = ", ".join(f"{s:.2f}" for s in share)
        return (
            f"With p = {reference.named(case)}, the share of entries that are not 0 is {told} in "
            "the instances. It should be p"
        )
    wrong = next(name for name, value in expected.items() if found[name] != value)
    return f"This does not hold of what it draws: {wrong}"


sample_sparse = Exercise(
    id="sample_sparse",
    title="Data that is mostly absent",
    takes={"sample_sparse": "function"},
    points=2,
    minutes=7,
    difficulty=2,
    cases=_sample_cases,
    probe=probes.samples,
    measure=_measure_samples,
    reference=_samples_expected,
    explain=_explain_samples,
    show=lambda case: "sample_sparse({}, {}, {}, p={})".format(
        *case["sizes"], reference.named(case)
    ),
    mistakes=(
        Mistake(
            id="wrong_axis",
            message="A tensor p has one density for each instance, and yours does not line up with "
            "the first axis. `p[:, None, None]` has shape (n_instances, 1, 1).",
            answer=variant("sample_sparse", ("p = p.reshape(-1, 1, 1)", "")),
            recognise=lambda case, seen, expected: seen.get(STUMBLED) == "p does not fit",
        ),
        Mistake(
            id="mask_only",
            message="Every entry is 0 or 1. p says whether a feature is there; how strong it is, "
            "is drawn as well, uniform in [0, 1].",
            answer=variant("sample_sparse", ("torch.rand(size) * present", "present * 1.0")),
            recognise=_mask_only,
        ),
        Mistake(
            id="dense",
            message="No entry is 0. Each is to be kept with probability p and set to 0 otherwise.",
            answer=variant("sample_sparse", (" * present", "")),
            recognise=_dense,
        ),
        Mistake(
            id="sparsity",
            message="The density p is taken for the sparsity: an entry should be there with "
            "probability p, not 1 - p.",
            answer=variant("sample_sparse", ("torch.rand(size) < p", "torch.rand(size) > p")),
            recognise=_sparsity,
        ),
        Mistake(
            id="one_density",
            message="All instances have about the same density, though p holds one for each.",
            answer=variant("sample_sparse", ("reshape(-1, 1, 1)", "mean()")),
            recognise=_one_density,
        ),
        Mistake(
            id="normal",
            message="Some values lie outside 0 to 1. Where a feature is there, its value is "
            "uniform in [0, 1]: `torch.rand`, as `torch.randn` is normal.",
            answer=variant(
                "sample_sparse", ("torch.rand(size) * present", "torch.randn(size) * present")
            ),
            recognise=lacks(_measure_samples, "in 0 to 1"),
        ),
        Mistake(
            id="shared_strength",
            message="Several features have one strength in common. Draw a value for every entry: "
            "the random tensor of the values has the full size, too.",
            answer=variant(
                "sample_sparse",
                (
                    "torch.rand(size) * present",
                    "torch.rand(n_instances, batch_size, 1) * present",
                ),
            ),
            recognise=lambda case, seen, expected: (
                _measure_samples(case, seen)["strengths of their own"] is False
                and len(np.unique(seen["x"][0])) > 2
                and _measure_samples(case, seen)["each call is fresh"]
            ),
        ),
        Mistake(
            id="not_uniform",
            message="The values that are not 0 are not uniform in [0, 1]. If you use one random "
            "tensor both for the choice and for the values, draw a second one; and do not scale "
            "the values by p.",
            answer=variant(
                "sample_sparse",
                ("return torch.rand(size) * present", "return torch.rand(size) * present * 0.7"),
            ),
            recognise=lacks(_measure_samples, "uniform"),
        ),
        Mistake(
            id="one_mask",
            message="One choice of features holds for the whole batch: a feature is there in all "
            "examples or in none. Draw the choice anew for every entry.",
            answer=variant(
                "sample_sparse",
                ("present = torch.rand(size)", "present = torch.rand(size[0], 1, size[2])"),
            ),
            recognise=lacks(_measure_samples, "examples are independent"),
        ),
        Mistake(
            id="per_example",
            message="The features of an example come and go together. Draw the choice for every "
            "entry by itself, not once an example.",
            answer=variant(
                "sample_sparse",
                ("present = torch.rand(size)", "present = torch.rand(size[0], size[1], 1)"),
            ),
            recognise=lacks(_measure_samples, "features are independent"),
        ),
        Mistake(
            id="fixed_count",
            message="Every example has nearly the same number of features. Whether one is there "
            "should not depend on the others: draw a number for each entry, and compare it with p.",
            answer=variant(
                "sample_sparse",
                (
                    "present = torch.rand(size)",
                    "present = torch.rand(size).argsort(-1).argsort(-1)",
                ),
                (
                    "torch.rand(size).argsort(-1).argsort(-1) < p",
                    "torch.rand(size).argsort(-1).argsort(-1)"
                    " < (p * size[2] + torch.rand(size[0], size[1], 1)).floor()",
                ),
            ),
            recognise=lacks(_measure_samples, "some examples have more features than others"),
        ),
        Mistake(
            id="same_instances",
            message="All instances get the same data. They are independent runs: give the random "
            "tensors the whole shape, instances included.",
            answer=variant(
                "sample_sparse",
                (
                    "return torch.rand(size) * present",
                    "return torch.rand(size[1:]) * (torch.rand(size[1:]) < p).expand(size)",
                ),
            ),
            recognise=lacks(_measure_samples, "instances differ"),
        ),
        Mistake(
            id="same_again",
            message="Two calls give the same data. A seed belongs at the top of an experiment, "
            "not in here: each batch must be a new one.",
            answer=variant(
                "sample_sparse", ("    size = (", "    torch.manual_seed(0)\n    size = (")
            ),
            recognise=lacks(_measure_samples, "each call is fresh"),
        ),
    ),
    hints=(
        "Two random tensors of the whole shape: one decides who is there, one says how strongly.",
        "`torch.rand(size) < p` is True with probability p. A tensor p needs two more axes, so "
        "that it lines up with the instances: see "
        "[broadcasting](https://pytorch.org/docs/stable/notes/broadcasting.html).",
        "```python\nsize = (n_instances, batch_size, n_features)\n"
        "p = torch.as_tensor(p).reshape(-1, 1, 1)\npresent = torch.rand(size) < ...\n"
        "return ... * present\n```",
    ),
)

predict_together = question(
    "predict_together",
    "How often do two meet?",
    right="c",
    minutes=2,
    options={
        "a": Option(
            text="About 1 in 20",
            why="That is how often one of them is there. For both, the second one has to be there "
            "as well: 0.05 of that 0.05.",
        ),
        "b": Option(
            text="About 1 in 10",
            why="That is how often at least one of the two is there, 0.05 + 0.05. Both at once is "
            "far rarer.",
        ),
        "c": Option(
            text="About 1 in 400",
            why="0.05 times 0.05. The price of sharing a direction is paid only when two meet: at "
            "p = 1 always, at p = 0.05 in one example of 400. What sharing gains, each "
            "feature gains whenever it is there.",
        ),
        "d": Option(
            text="Never: that is what sparse means",
            why="Sparse means seldom. Features are drawn independently, so two do meet, 0.05 times "
            "0.05 of the time.",
        ),
    },
    hints=(
        "The two are drawn independently of each other.",
        "For independent events, the probability of both is a product.",
        "0.05 times 0.05 is 0.0025.",
    ),
)

# --- The loss ------------------------------------------------------------------------------------


def _loss_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for n, batch, features in ((3, 8, 5), (2, 11, 6), (1, 4, 3)):
        size = (n, batch, features)
        cases.append(
            {
                "x": reference.sparse(rng, size, 0.6),
                "x_hat": rng.normal(0.4, 0.6, size=size),
                "importance": np.sort(rng.uniform(0.2, 2.5, size=features))[::-1].copy(),
            }
        )
    return cases


def _losses(case: Case) -> Any:
    n, batch, features = case["x"].shape
    found = []
    for i in range(n):
        total = 0.0
        for row, target in zip(case["x_hat"][i], case["x"][i], strict=True):
            for j in range(features):
                total += float(case["importance"][j]) * float(row[j] - target[j]) ** 2
        found.append(total / (batch * features))
    return {"losses": np.array(found), "the gradient goes on": True}


weighted_loss = Exercise(
    id="weighted_loss",
    title="Some features matter more",
    takes={"weighted_loss": "function"},
    points=1,
    minutes=7,
    difficulty=2,
    cases=_loss_cases,
    probe=probes.loss,
    reference=_losses,
    show=lambda case: (
        f"weighted_loss(x_hat, x, importance), x of shape {case['x'].shape}, importance of shape "
        f"{case['importance'].shape}"
    ),
    mistakes=(
        Mistake(
            id="wrong_axis",
            message="The importances do not line up with the features. Shape (n_features,) stands "
            "under the last axis of (n_instances, batch, n_features) by itself: multiply by "
            "`importance` as it is.",
            answer=lambda x_hat, x, importance: (importance[:, None] * (x - x_hat) ** 2).mean(
                (1, 2)
            ),
            recognise=lambda case, seen, expected: seen.get(STUMBLED) == "importance does not fit",
        ),
        Mistake(
            id="mean_over_instances",
            message="It is one number, a mean over the instances as well. They are separate "
            "models: return one loss for each, shape (n_instances,).",
            answer=lambda x_hat, x, importance: (importance * (x - x_hat) ** 2).mean(),
            recognise=lambda case, seen, expected: (
                np.ndim(seen["losses"]) == 0
                and np.isclose(seen["losses"], np.mean(expected["losses"]), 1e-4)
            ),
        ),
        Mistake(
            id="sum_of_all",
            message="It is one number, a sum. They are separate models: return one loss for each, "
            "the mean over its batch and its features.",
            answer=lambda x_hat, x, importance: (importance * (x - x_hat) ** 2).sum(),
        ),
        Mistake(
            id="sum_over_features",
            message="The features are summed up. Take the mean over the features, too: the last "
            "two axes, `dim=(1, 2)`.",
            answer=lambda x_hat, x, importance: (importance * (x - x_hat) ** 2).sum(2).mean(1),
        ),
        Mistake(
            id="summed",
            message="Batch and features are summed up. Take the mean over both.",
            answer=lambda x_hat, x, importance: (importance * (x - x_hat) ** 2).sum((1, 2)),
        ),
        Mistake(
            id="no_importance",
            message="The importances are not used: each feature's squared error is multiplied by "
            "its own.",
            answer=lambda x_hat, x, importance: ((x - x_hat) ** 2).mean((1, 2)),
        ),
        Mistake(
            id="importance_squared",
            message="The importances are squared as well. Multiply by them after squaring: "
            "importance * (x_hat - x)**2.",
            answer=lambda x_hat, x, importance: ((importance * (x - x_hat)) ** 2).mean((1, 2)),
        ),
        Mistake(
            id="normalised",
            message="It is divided by the sum of the importances. Divide by the number of "
            "features: that is what `mean` does.",
            answer=lambda x_hat, x, importance: (
                (importance * (x - x_hat) ** 2).sum(2).mean(1) / importance.sum()
            ),
        ),
        Mistake(
            id="absolute",
            message="This is the absolute error. The paper's loss takes the square.",
            answer=lambda x_hat, x, importance: (importance * (x - x_hat).abs()).mean((1, 2)),
        ),
        Mistake(
            id="importance_on_x",
            message="The importances weigh x, not the error. Compare x_hat with x as it is, "
            "square, then weigh.",
            answer=lambda x_hat, x, importance: ((importance * x - x_hat) ** 2).mean((1, 2)),
        ),
        Mistake(
            id="one_per_feature",
            message="This is one loss for each feature. Take the mean over the features as well.",
            answer=lambda x_hat, x, importance: (importance * (x - x_hat) ** 2).mean(1),
        ),
        Mistake(
            id="no_gradient",
            message="The numbers are right, but the way back is cut: a detached tensor, or "
            "numbers. Keep it one tensor expression, without detach, item or numpy.",
            answer=lambda x_hat, x, importance: (importance * (x - x_hat.detach()) ** 2).mean(
                (1, 2)
            ),
        ),
    ),
    hints=(
        "Square the error, weigh it, then take the mean over two of the three axes.",
        "`importance` has the length of the last axis, so it broadcasts by itself. "
        "[`mean`](https://pytorch.org/docs/stable/generated/torch.mean.html) takes several axes: "
        "`dim=(1, 2)`.",
        "```python\nerror = importance * (... - ...) ** 2\nreturn error.mean(dim=...)\n```",
    ),
)
