"""The exercises that train many models at once, and choose the best of several starts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake
from autograder.exercises.m08_paper_replication import reference
from autograder.exercises.m08_paper_replication.wrong import variant
from autograder.probes import m08_paper_replication as probes

# --- Training ------------------------------------------------------------------------------------


def _train_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for n, features, hidden, batch, steps, several in (
        (3, 5, 2, 7, 24, True),
        (2, 6, 4, 9, 13, False),
    ):
        densities = rng.uniform(0.1, 0.9, size=n).round(3).tolist()
        cases.append(
            {
                "W": rng.normal(0, 0.6, size=(n, hidden, features)),
                "b": rng.normal(0, 0.2, size=(n, features)),
                "p": densities if several else densities[0],
                "importance": np.sort(rng.uniform(0.3, 1.5, size=features))[::-1].copy(),
                "steps": steps,
                "batch_size": batch,
                "lr": round(float(rng.uniform(0.01, 0.03)), 4),
                "seed": reference.seed_of(rng),
            }
        )
    return cases


def _schedules(case: Case) -> list[np.ndarray]:
    """The cosine from lr to 0, with 0 reached after the last step or at it."""
    steps, at = case["steps"], np.arange(case["steps"])
    shares = (at / steps, (at + 1) / steps, at / (steps - 1), (at + 0.5) / steps)
    return [case["lr"] * (1 + np.cos(np.pi * share)) / 2 for share in shares]


def _rates(seen: Any) -> np.ndarray:
    return np.array([max(step["rates"]) for step in seen["steps"]])


def _gradient_is(case: Case, seen: Any) -> str:
    """Which gradient was there when the optimizer first stepped, and when it did so again."""
    importance = case["importance"]
    n = len(case["W"])
    so_far: list[Any] = [0.0, 0.0]
    told = "sum"
    for number, step in enumerate(seen["steps"][:3]):
        if "x" not in step:
            return "unknown"
        got = [step["W.grad"], step["b_final.grad"]]
        if any(g is None for g in got):
            return "none"
        own = reference.gradients(step["W"], step["b_final"], step["x"], importance)
        so_far = [total + g for total, g in zip(so_far, own, strict=True)]
        if _same(got, own):
            continue
        if _same(got, [g / n for g in own]):
            told = "mean"
        elif number and (_same(got, so_far) or _same(got, [g / n for g in so_far])):
            return "piled up"
        elif [i for i in range(n) if np.abs(got[0][i]).max() > 1e-9] != list(range(n)):
            return "some instances"
        elif _same(got, [-g for g in own]):
            return "uphill"
        elif _clipped(got, own):
            continue
        else:
            return "other"
    return told


def _same(got: list[Any], wanted: Any) -> bool:
    return all(np.allclose(a, b, 2e-3, 1e-6) for a, b in zip(got, wanted, strict=True))


def _clipped(got: list[Any], wanted: Any) -> bool:
    """Whether the gradient is the right one made shorter: clipping is fine."""
    a, b = np.concatenate([g.ravel() for g in got]), np.concatenate([g.ravel() for g in wanted])
    share = float(a @ b / (b @ b))
    return np.linalg.norm(b) > 0.9 and 0 < share < 1 and np.allclose(a, share * b, 2e-3, 1e-6)


def _measure(case: Case, seen: Any) -> Any:
    """What holds of the training that was watched."""
    steps, wanted = seen["steps"], case["steps"]
    rates = _rates(seen) if steps else np.zeros(0)
    features = np.shape(case["W"])[-1]
    p = np.atleast_1d(case["p"])
    first = seen["drawn"][0] if seen["drawn"] else {"sizes": [], "p": []}
    given = np.atleast_1d(first["p"])
    return {
        "draws with sample_sparse": seen["batches"] > 0,
        "measures with weighted_loss": seen["losses"] > 0,
        "steps": len(steps),
        "batch": first["sizes"],
        "p is handed on": given.size in (1, p.size) and bool(np.allclose(given, p, 1e-4)),
        "importance is handed on": len(seen["importance"]) == features
        and bool(np.allclose(seen["importance"], case["importance"], 1e-4)),
        "a fresh batch each step": seen["batches"] >= len(steps) == wanted
        and [s["batches"] for s in steps] == sorted({s["batches"] for s in steps}),
        "gradient": _gradient_is(case, seen),
        "Adam": all(step["adam"] for step in steps),
        "no weight decay": all(step["decay"] == 0 for step in steps),
        "rate": len(rates) == wanted
        and any(np.allclose(rates, s, 0, 0.01 * case["lr"]) for s in _schedules(case)),
        "every instance moves": all(seen["moved"]),
        "returns the model": seen["the model"],
    }


def _expected(case: Case) -> Any:
    n, _, features = np.shape(case["W"])
    return {
        "draws with sample_sparse": True,
        "measures with weighted_loss": True,
        "steps": case["steps"],
        "batch": [n, case["batch_size"], features],
        "p is handed on": True,
        "importance is handed on": True,
        "a fresh batch each step": True,
        "gradient": "sum",
        "Adam": True,
        "no weight decay": True,
        "rate": True,
        "every instance moves": True,
        "returns the model": True,
    }


def _is(name: str, value: Any) -> Callable[[Case, Any, Any], bool]:
    return lambda case, seen, expected: _measure(case, seen)[name] == value


def _constant(case: Case, seen: Any, expected: Any) -> bool:
    return bool(np.allclose(_rates(seen), case["lr"]))


def _straight(case: Case, seen: Any, expected: Any) -> bool:
    at = np.arange(case["steps"])
    lines = (1 - at / case["steps"], 1 - (at + 1) / case["steps"], 1 - at / (case["steps"] - 1))
    return any(np.allclose(_rates(seen), case["lr"] * line, 0, 0.01 * case["lr"]) for line in lines)


def _whole_wave(case: Case, seen: Any, expected: Any) -> bool:
    """A cosine without the half, below 0 in the second half of the training."""
    return bool(_rates(seen).min() < 0)


def _explain(case: Case, seen: Any, expected: Any) -> str | None:
    found = _measure(case, seen)
    if found["steps"] != case["steps"]:
        return f"With steps={case['steps']} the optimizer steps {found['steps']} times"
    if found["batch"] != expected["batch"]:
        return (
            f"`sample_sparse` is asked for shape {tuple(found['batch'])}: n_instances, batch_size, "
            f"n_features. Expected: {tuple(expected['batch'])}"
        )
    if not found["a fresh batch each step"]:
        return f"{seen['batches']} batches are drawn for {found['steps']} steps: one each"
    if found["gradient"] == "none":
        return "When the optimizer steps there are no gradients: is `backward()` missing?"
    if found["gradient"] != "sum":
        return (
            "The gradient at a step is not that of the sum of the instances' losses on the batch "
            "drawn for it"
        )
    if not found["rate"]:
        rates = _rates(seen)
        wanted = _schedules(case)[0]
        half = case["steps"] // 2
        return (
            f"With lr={case['lr']}, step {half} of {case['steps']} is taken with a rate of "
            f"{rates[half]:.4f}, the last one with {rates[-1]:.4f}. A cosine from lr to 0 gives "
            f"{wanted[half]:.4f} and {wanted[-1]:.4f}"
        )
    if not found["every instance moves"]:
        return "The weights of some instances do not move"
    return None


def _train(*changes: tuple[str, str]) -> Any:
    return variant("train", *changes)


DRAW = "        x = sample_sparse(n_instances, batch_size, n_features, p)\n        loss = weighted"
RATE = 'group["lr"] = lr * (1 + math.cos(math.pi * step / steps)) / 2'
FOR = "    for step in range(steps):\n        for group"

train_toy = Exercise(
    id="train_toy",
    title="Train them all at once",
    takes={"train": "function"},
    points=3,
    minutes=14,
    difficulty=3,
    cases=_train_cases,
    probe=probes.training,
    measure=_measure,
    reference=_expected,
    explain=_explain,
    show=lambda case: (
        f"train(model of {len(case['W'])} instances, p={reference.named(case)}, importance, "
        f"steps={case['steps']}, batch_size={case['batch_size']}, lr={case['lr']})"
    ),
    limit=20.0,
    mistakes=(
        Mistake(
            id="own_data",
            message="It does not draw its batches with your `sample_sparse`. Call that in each "
            "step: the check watches it.",
            answer=_train(
                (
                    DRAW,
                    "        x = torch.rand(n_instances, batch_size, n_features)\n"
                    "        loss = weighted",
                )
            ),
            recognise=_is("draws with sample_sparse", False),
        ),
        Mistake(
            id="own_loss",
            message="It does not measure with your `weighted_loss`. Call that in each step: the "
            "check watches it.",
            answer=_train(
                (
                    "weighted_loss(model(x), x, importance).sum()",
                    "(importance * (model(x) - x) ** 2).mean((1, 2)).sum()",
                )
            ),
            recognise=_is("measures with weighted_loss", False),
        ),
        Mistake(
            id="never_steps",
            message="No optimizer of torch ever takes a step: `optimizer.step()` at the end of "
            "each round.",
            answer=_train(("        optimizer.step()\n", "")),
            recognise=_is("steps", 0),
        ),
        Mistake(
            id="same_batch",
            message="The same batch serves for every step, so the models learn it by heart. Draw a "
            "fresh one inside the loop.",
            answer=_train(
                (FOR, "    x = sample_sparse(n_instances, batch_size, n_features, p)\n" + FOR),
                (DRAW, "        loss = weighted"),
            ),
            recognise=lambda case, seen, expected: seen["batches"] == 1 < len(seen["steps"]),
        ),
        Mistake(
            id="p_not_handed_on",
            message="The data is not drawn with the density p that `train` was given: hand p on to "
            "`sample_sparse` as it is.",
            answer=_train(("n_features, p)\n        loss", "n_features, 0.5)\n        loss")),
            recognise=_is("p is handed on", False),
        ),
        Mistake(
            id="importance_not_handed_on",
            message="The loss is not weighed with the importance that `train` was given: hand it "
            "on to `weighted_loss`.",
            answer=_train(("model(x), x, importance)", "model(x), x, torch.ones(n_features))")),
            recognise=_is("importance is handed on", False),
        ),
        Mistake(
            id="not_zeroed",
            message="Gradients pile up from step to step: `optimizer.zero_grad()` before each "
            "`backward()`.",
            answer=_train(("        optimizer.zero_grad()\n", "")),
            recognise=_is("gradient", "piled up"),
        ),
        Mistake(
            id="one_instance",
            message="Some instances get no gradient: not every loss goes into what is "
            "differentiated. Sum the losses of all instances.",
            answer=_train(("importance).sum()", "importance)[0]")),
            recognise=_is("gradient", "some instances"),
        ),
        Mistake(
            id="mean_of_losses",
            message="The losses are averaged over the instances, so a model's gradient shrinks "
            "with the number of its neighbours. Sum them: then each learns as if alone.",
            answer=_train(("importance).sum()", "importance).mean()")),
            recognise=_is("gradient", "mean"),
        ),
        Mistake(
            id="uphill",
            message="The gradient has the wrong sign: the loss is made larger. Differentiate the "
            "sum of the losses, not minus it.",
            answer=_train(("importance).sum()", "importance).sum().neg()")),
            recognise=_is("gradient", "uphill"),
        ),
        Mistake(
            id="not_adam",
            message="The optimizer is not Adam. With this learning rate others do not get there "
            "in 1,000 steps: `torch.optim.Adam`, or `AdamW` without weight decay.",
            answer=_train(
                (
                    "AdamW(model.parameters(), lr=lr, weight_decay=0.0)",
                    "SGD(model.parameters(), lr=lr)",
                )
            ),
            recognise=_is("Adam", False),
        ),
        Mistake(
            id="weight_decay",
            message="The optimizer decays the weights, and a column that is pulled to 0 looks like "
            "a feature that is not kept. AdamW does so unless you say `weight_decay=0`.",
            answer=_train((", weight_decay=0.0", "")),
            recognise=_is("no weight decay", False),
        ),
        Mistake(
            id="no_decay",
            message="The learning rate is the same at every step. It should fall from lr to 0 "
            "along half a cosine.",
            answer=_train((RATE, 'group["lr"] = lr')),
            recognise=_constant,
        ),
        Mistake(
            id="straight",
            message="The learning rate falls in a straight line. Here it falls along half a "
            "cosine: lr * (1 + cos(pi * step / steps)) / 2.",
            answer=_train((RATE, 'group["lr"] = lr * (1 - step / steps)')),
            recognise=_straight,
        ),
        Mistake(
            id="below_zero",
            message="The learning rate goes below 0, and the models climb. Shift the cosine up "
            "and halve it: lr * (1 + cos(pi * step / steps)) / 2.",
            answer=_train((RATE, 'group["lr"] = lr * math.cos(math.pi * step / steps)')),
            recognise=_whole_wave,
        ),
        Mistake(
            id="not_returned",
            message="The training is right, and nothing is returned: end with `return model`.",
            answer=_train(
                ("        optimizer.step()\n    return model", "        optimizer.step()")
            ),
            recognise=lambda case, seen, expected: seen["None"],
        ),
    ),
    hints=(
        "It is the training loop that you know: batch, forward, zero, backward, step. New is one "
        "loss for each instance, and they are summed.",
        "`backward()` wants one number. The sum's gradient for instance 3 is that of instance 3's "
        "own loss, because no other loss depends on its weights. Set the rate in "
        "[`optimizer.param_groups`](https://pytorch.org/docs/stable/optim.html), as in module 07.",
        "```python\nfor group in optimizer.param_groups:\n"
        '    group["lr"] = lr * (1 + math.cos(math.pi * step / steps)) / 2\n'
        "x = sample_sparse(n_instances, batch_size, n_features, p)\n"
        "loss = weighted_loss(model(x), ..., ...).sum()\n...\n```",
    ),
)

# --- The best of several starts ------------------------------------------------------------------


def _best_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for groups, k in ((3, 8), (4, 3), (1, 5), (5, 2)):
        losses = rng.uniform(0.01, 0.09, size=groups * k)
        losses[rng.integers(k)] = 0.005  # the best of all is in the first group
        if groups > 1:
            losses[-k:] += 0.1  # and in the last one even the best is worse than all others
        cases.append({"args": [losses.astype(np.float32), k]})
    return cases


def _best(case: Case) -> Any:
    losses, k = case["args"]
    found = []
    for start in range(0, len(losses), k):
        best = start
        for i in range(start, start + k):
            if losses[i] < losses[best]:
                best = i
        found.append(best)
    return found


def _torch(name: str) -> Any:
    import torch

    return getattr(torch, name)


best_of = Exercise(
    id="best_of",
    title="The best of eight starts",
    takes={"best_of": "function"},
    points=1,
    minutes=5,
    difficulty=2,
    cases=_best_cases,
    probe=probes.of_tensor,
    reference=_best,
    show=lambda case: f"best_of(losses of {len(case['args'][0])} instances, {case['args'][1]})",
    mistakes=(
        Mistake(
            id="one_winner",
            message="It gives the best of all instances. Each group of k has its own winner: "
            "n_instances // k numbers.",
            answer=lambda losses, k: losses.argmin(),
        ),
        Mistake(
            id="within_the_group",
            message="These are places within the groups, 0 to k - 1. Group g begins at g * k: add "
            "that, so that the numbers lead to instances.",
            answer=lambda losses, k: losses.reshape(-1, k).argmin(1),
            on=(),
        ),
        Mistake(
            id="highest",
            message="It picks the highest loss of each group. Low is good.",
            answer=lambda losses, k: (
                losses.reshape(-1, k).argmax(1) + k * _torch("arange")(len(losses) // k)
            ),
        ),
        Mistake(
            id="strided",
            message="The groups are every so-many-th instance. A group is k neighbours: "
            "`losses.reshape(-1, k)` has one in each row.",
            answer=lambda losses, k: (
                losses.reshape(k, -1).argmin(0) * (len(losses) // k)
                + _torch("arange")(len(losses) // k)
            ),
        ),
        Mistake(
            id="losses",
            message="These are the lowest losses themselves. Return which instances have them.",
            answer=lambda losses, k: losses.reshape(-1, k).min(1).values,
        ),
        Mistake(
            id="k_winners",
            message="These are the k best of all instances. Return one from each group of k.",
            answer=lambda losses, k: losses.argsort()[:k],
        ),
        Mistake(
            id="wrong_offset",
            message="The groups' beginnings are off: group g begins at instance g * k, not at g "
            "times the number of groups.",
            answer=lambda losses, k: (
                losses.reshape(-1, k).argmin(1)
                + (len(losses) // k) * _torch("arange")(len(losses) // k)
            ),
        ),
    ),
    hints=(
        "Give each group a row of its own; then look along the rows.",
        "`losses.reshape(-1, k)` has one group a row, and "
        "[`argmin(dim=1)`](https://pytorch.org/docs/stable/generated/torch.argmin.html) says where "
        "in each row. Row g holds the instances from g * k on.",
        "```python\nwithin = losses.reshape(-1, k).argmin(dim=1)\n"
        "return within + ... * torch.arange(len(within))\n```",
    ),
)
