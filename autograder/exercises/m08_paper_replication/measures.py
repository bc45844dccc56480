"""The exercises that measure what a model keeps, and how easily it is fooled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake, Option, question
from autograder.exercises.m08_paper_replication import reference
from autograder.exercises.m08_paper_replication.wrong import variants
from autograder.probes import m08_paper_replication as probes

# --- Which features are kept ---------------------------------------------------------------------


def _weights(rng: np.random.Generator, shape: tuple[int, ...], lost: float = 0.4) -> np.ndarray:
    """Columns of all lengths, none of them within 0.03 of a half; some are short."""
    W = rng.normal(size=shape)
    norms = rng.uniform(0.55, 1.4, size=(*shape[:-2], 1, shape[-1]))
    short = rng.uniform(0.02, 0.45, size=norms.shape)
    chosen = rng.random(norms.shape) < lost
    chosen[..., 0], chosen[..., -1] = False, True
    return W / np.linalg.norm(W, axis=-2, keepdims=True) * np.where(chosen, short, norms)


def _statistics_cases(rng: np.random.Generator) -> list[Case]:
    shapes = ((3, 2, 5), (4, 3, 7), (6, 9), (2, 3, 4, 6))
    cases = [{"args": [_weights(rng, s)], "names": ["norms", "count"]} for s in shapes]
    cases[2]["args"][0][:, 4] = 0.5 * np.eye(6)[1]  # of length 0.5, which is not over 0.5
    return cases


def _statistics(case: Case) -> Any:
    W = case["args"][0]
    return {
        "norms": np.sqrt(np.einsum("...hf,...hf->...f", W, W)),
        "count": reference.counts(W),
    }


feature_statistics = Exercise(
    id="feature_statistics",
    title="What is kept",
    takes={"feature_statistics": "function"},
    points=1,
    minutes=6,
    difficulty=2,
    cases=_statistics_cases,
    probe=probes.pair_of,
    reference=_statistics,
    show=lambda case: f"feature_statistics(W), W of shape {case['args'][0].shape}",
    mistakes=(
        Mistake(
            id="wrong_axis",
            message="These are the norms of the rows, one for each hidden dimension. A feature is "
            "a column: take the norm over the second to last axis, `dim=-2`.",
            answer=lambda W: (W.norm(dim=-1), (W.norm(dim=-1) > 0.5).sum(-1)),
        ),
        Mistake(
            id="squared",
            message="The norms are squared. A norm is the root of the sum of squares.",
            answer=lambda W: ((W**2).sum(-2), ((W**2).sum(-2) > 0.5).sum(-1)),
        ),
        Mistake(
            id="absolute",
            message="This is the sum of the absolute values. The norm is the root of the sum of "
            "squares.",
            answer=lambda W: (W.abs().sum(-2), (W.abs().sum(-2) > 0.5).sum(-1)),
        ),
        Mistake(
            id="at_least",
            message="A column of length 0.5 is counted. Count those that are over 0.5.",
            answer=lambda W: (W.norm(dim=-2), (W.norm(dim=-2) >= 0.5).sum(-1)),
        ),
        Mistake(
            id="no_threshold",
            message="Every column counts that is not exactly 0. After training hardly any is: "
            "count those whose norm is over 0.5.",
            answer=lambda W: (W.norm(dim=-2), (W.norm(dim=-2) > 0).sum(-1)),
        ),
        Mistake(
            id="threshold_at_one",
            message="The threshold is 1. A feature that is kept ends at a norm of about 1, on "
            "either side: count from 0.5 on.",
            answer=lambda W: (W.norm(dim=-2), (W.norm(dim=-2) > 1).sum(-1)),
        ),
        Mistake(
            id="squared_threshold",
            message="The norms are right, but the squared norm is compared with 0.5. Compare the "
            "norm itself.",
            answer=lambda W: (W.norm(dim=-2), ((W**2).sum(-2) > 0.5).sum(-1)),
        ),
        Mistake(
            id="below",
            message="It counts the features that are lost. Count those whose norm is over 0.5.",
            answer=lambda W: (W.norm(dim=-2), (W.norm(dim=-2) < 0.5).sum(-1)),
        ),
        Mistake(
            id="over_the_mean",
            message="The count compares each norm with their mean. The threshold is 0.5, whatever "
            "the others are.",
            answer=lambda W: (
                W.norm(dim=-2),
                (W.norm(dim=-2) > W.norm(dim=-2).mean(-1, keepdim=True)).sum(-1),
            ),
        ),
        Mistake(
            id="all_together",
            message="The count is one number for all instances. Sum over the last axis only: one "
            "count for each instance.",
            answer=lambda W: (W.norm(dim=-2), (W.norm(dim=-2) > 0.5).sum()),
        ),
        Mistake(
            id="which",
            message="This says which features are kept, True or False. Count them: sum over the "
            "last axis.",
            answer=lambda W: (W.norm(dim=-2), W.norm(dim=-2) > 0.5),
        ),
        Mistake(
            id="swapped",
            message="The two results are swapped: the norms first, then the count.",
            answer=lambda W: ((W.norm(dim=-2) > 0.5).sum(-1), W.norm(dim=-2)),
        ),
    ),
    hints=(
        "A column's length says how strongly its feature is kept.",
        "[`W.norm(dim=-2)`](https://pytorch.org/docs/stable/generated/torch.norm.html) goes along "
        "the hidden axis. A comparison gives True and False, and True counts as 1 in a sum.",
        "```python\nnorms = W.norm(dim=...)\ncount = (norms > ...).sum(dim=...)\n"
        "return norms, count\n```",
    ),
)

# --- How much of a dimension a feature gets ------------------------------------------------------


def _dimension_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for shape in ((3, 2, 5), (2, 4, 7), (3, 8)):
        W = _weights(rng, shape, lost=0.25)
        W = W * np.exp(rng.normal(0, 0.2, size=(*shape[:-2], 1, shape[-1])))
        cases.append({"name": "any", "args": [W], "names": ["D", "D_star"]})
    zero = _weights(rng, (2, 3, 5))
    zero[0, :, 1] = zero[1, :, 4] = 0.0
    cases.append({"name": "zero", "args": [zero], "names": ["D", "D_star"]})
    return cases


def _dimensions(case: Case) -> Any:
    W = case["args"][0]
    flat = W.reshape(-1, *W.shape[-2:])
    D = np.array([reference.dimensionality(w) for w in flat]).reshape(*W.shape[:-2], W.shape[-1])
    stars = np.array([reference.per_feature(w) for w in flat]).reshape(W.shape[:-2])
    return {"D": D, "D_star": stars}


def _D(how: str) -> Callable[[Any], Any]:
    """The paper's fraction, with one thing changed."""

    def answer(W: Any) -> Any:
        import torch

        norms = W.norm(dim=-2)
        unit = W / norms.clamp(min=1e-12).unsqueeze(-2)
        if how == "NaN":
            unit = W / norms.unsqueeze(-2)
        left, right = unit, W
        if how == "both hatted":
            right = unit
        if how == "neither hatted":
            left = W
        shared = left.transpose(-1, -2) @ right
        if how == "transposed":
            shared = shared.transpose(-1, -2)
        shared = shared.abs() if how == "not squared" else shared**2
        if how == "without itself":
            shared = shared * (1 - torch.eye(W.shape[-1]))
        total = shared.sum(-1) if how == "NaN" else shared.sum(-1).clamp(min=1e-12)
        own = norms if how == "norm not squared" else norms**2
        D = own / total
        if how == "upside down":
            D = total / own.clamp(min=1e-12)
        star = W.shape[-2] / (W**2).sum((-1, -2))
        if how == "D* upside down":
            star = 1 / star
        if how == "D* by count":
            star = W.shape[-2] / (norms > 0.5).sum(-1)
        if how == "D* mean":
            star = D.mean(-1)
        if how == "D* of the norm":
            star = W.shape[-2] / (W**2).sum((-1, -2)).sqrt()
        if how == "D* of features":
            star = W.shape[-1] / (W**2).sum((-1, -2))
        if how == "D* of all":
            star = W.shape[-2] / (W**2).sum()
        return D, star

    return answer


def _nan(case: Case, seen: Any, expected: Any) -> bool:
    if not np.isnan(np.asarray(seen["D"], float)).any():
        return False
    wanted, got = expected["D"], np.asarray(seen["D"], float)
    fine = ~np.isnan(got)
    return bool(np.allclose(got[fine], wanted[fine], 1e-3, 1e-5))


ANY = ("any",)

feature_dimensionality = Exercise(
    id="feature_dimensionality",
    title="How much of a dimension",
    takes={"feature_dimensionality": "function"},
    points=2,
    minutes=10,
    difficulty=3,
    cases=_dimension_cases,
    probe=probes.pair_of,
    reference=_dimensions,
    rtol=1e-3,
    show=lambda case: f"feature_dimensionality(W), W of shape {case['args'][0].shape}",
    mistakes=(
        Mistake(
            id="nan",
            message="A column of zeros gives NaN: it has no direction, and 0 / 0 is no number. "
            "Give such a feature a D of 0: keep both divisors above a tiny number with `clamp`.",
            answer=_D("NaN"),
            recognise=_nan,
        ),
        Mistake(
            id="without_itself",
            message="The sum leaves out j = i. A feature shares its dimension with itself, too: "
            "alone in its direction it gets D = 1.",
            answer=_D("without itself"),
            on=ANY,
        ),
        Mistake(
            id="both_hatted",
            message="Both vectors below the line are made of length 1. Only W_i is: the others "
            "count by how long they are.",
            answer=_D("both hatted"),
            on=ANY,
        ),
        Mistake(
            id="neither_hatted",
            message="Neither vector below the line is made of length 1. Divide W_i by its length "
            "before the product.",
            answer=_D("neither hatted"),
            on=ANY,
        ),
        Mistake(
            id="transposed",
            message="The sum runs over i instead of j: in W_i_hat . W_j, the one made of length 1 "
            "is the feature itself, and all the others are summed over.",
            answer=_D("transposed"),
            on=ANY,
        ),
        Mistake(
            id="not_squared",
            message="The products below the line are not squared.",
            answer=_D("not squared"),
            on=ANY,
        ),
        Mistake(
            id="norm_not_squared",
            message="Above the line is the length of W_i. It should be the square of it.",
            answer=_D("norm not squared"),
            on=ANY,
        ),
        Mistake(
            id="upside_down",
            message="D is upside down: the squared length goes above the line, the sum below it.",
            answer=_D("upside down"),
            on=ANY,
        ),
        Mistake(
            id="star_upside_down",
            message="D* is upside down: this is features per dimension. D* is dimensions per "
            "feature: n_hidden above, the sum of squares below.",
            answer=_D("D* upside down"),
            on=ANY,
        ),
        Mistake(
            id="star_by_count",
            message="D* counts the features over the threshold. Divide by the sum of all squares "
            "in W instead: it needs no threshold.",
            answer=_D("D* by count"),
            on=ANY,
        ),
        Mistake(
            id="star_mean",
            message="D* is the mean of D here. It is a number of its own: n_hidden over the sum of "
            "all squares in W.",
            answer=_D("D* mean"),
            on=ANY,
        ),
        Mistake(
            id="star_of_the_norm",
            message="D* divides by the Frobenius norm. Divide by its square, the sum of all "
            "squares in W.",
            answer=_D("D* of the norm"),
            on=ANY,
        ),
        Mistake(
            id="star_of_features",
            message="D* has n_features above the line. It shares out the hidden dimensions: "
            "`W.shape[-2]`.",
            answer=_D("D* of features"),
            on=ANY,
        ),
        Mistake(
            id="star_of_all",
            message="D* sums over all instances at once. Sum over the last two axes: one number "
            "for each instance.",
            answer=_D("D* of all"),
            on=("any", "zero"),
        ),
    ),
    hints=(
        "All products of two features at once are one matrix product: columns times columns.",
        "`unit.transpose(-1, -2) @ W` has W_i_hat . W_j in row i, column j. Square it, and sum "
        "over j, the last axis. [`clamp(min=...)`]"
        "(https://pytorch.org/docs/stable/generated/torch.clamp.html) keeps a divisor from 0.",
        "```python\nnorms = W.norm(dim=-2)\nunit = W / norms.clamp(min=1e-12)[..., None, :]\n"
        "shared = (unit.transpose(-1, -2) @ W) ** 2  # (..., i, j)\n"
        "D = ... / shared.sum(dim=-1).clamp(min=1e-12)\nD_star = ...\n```",
    ),
)

predict_dimensions = question(
    "predict_dimensions",
    "Half a dimension",
    right="b",
    minutes=2,
    options={
        "a": Option(
            text="1 each: they do not disturb each other",
            why="That holds where they are at right angles. On one line the product of the two is "
            "-1, and its square is 1: the sum below the line is 1 + 1.",
        ),
        "b": Option(
            text="1/2 each: one dimension for two",
            why="1 / (1 + 1). Such a pair is antipodal. The ReLU makes it possible: what the one "
            "feature adds to the other's output is negative, and is cut off.",
        ),
        "c": Option(
            text="0: they cancel each other",
            why="They cancel when both are there at once. D does not ask how often that is; it "
            "says how one dimension is shared: 1 / (1 + 1).",
        ),
        "d": Option(
            text="2/5 each",
            why="That is for five features in two dimensions, the corners of a pentagon. Here two "
            "share one: 1 / (1 + 1).",
        ),
    },
    hints=(
        "Put the two vectors into the formula: 1 and -1.",
        "Above the line 1. Below it the square of 1 times 1, and the square of 1 times -1.",
        "1 / (1 + 1).",
    ),
)

# --- How easily it is fooled ---------------------------------------------------------------------

ENOUGH = 0.85  # of what our own attack adds, in the instance where the answer adds least


def _attack_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for n, batch, features, hidden, epsilon, steps in (
        (3, 17, 9, 4, 0.1, 20),
        (2, 13, 6, 4, 0.25, 30),
        (3, 11, 7, 5, 0.1, 20),
    ):
        # Rows at right angles and of a length near 1: other attacks then lead elsewhere.
        W = np.linalg.qr(rng.normal(size=(n, features, hidden)))[0].swapaxes(1, 2)
        W = W * np.linspace(0.9, 1.15, n)[:, None, None]
        x = reference.sparse(rng, (n, batch, features), 0.6)
        moved = rng.normal(size=x.shape)
        moved *= 0.3 / np.linalg.norm(moved, axis=-1, keepdims=True)
        b = rng.uniform(0.0, 0.25, size=(n, features))
        if len(cases) == 2:  # small gradients, as dense models have, and outputs that are all cut
            W[0] *= 0.3
            b[2] -= 9.0
        case = {"W": W, "b": b, "x": x, "epsilon": epsilon, "steps": steps, "moved": moved}
        # The way that adds more: a gain divides by what is added, which should not be near 0.
        less = _error(case, x + moved, x) < _error(case, x - moved, x)
        moved[less] *= -1
        cases.append({**case, "seed": reference.seed_of(rng), "_seed": reference.seed_of(rng)})
    return cases


def _error(case: Case, x: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Squared error, summed over features, of each example: (n, batch)."""
    return np.square(reference.forward(case["W"], case["b"], x) - target).sum(-1)


def _best_attack(case: Case, moves: bool = False) -> np.ndarray:
    """By many starts and small steps: the change of each example that adds the most error.

    With `moves` the target moves along with x.
    """
    rng = np.random.default_rng(case["_seed"])
    W, b, x, epsilon = (np.asarray(case[name], float) for name in ("W", "b", "x", "epsilon"))
    best, most = np.zeros_like(x), _error(case, x, x)
    for _ in range(4):
        d = rng.normal(size=x.shape)
        d *= epsilon / np.linalg.norm(d, axis=-1, keepdims=True)
        for _ in range(60):
            given = x + d
            z = given @ np.swapaxes(W, -1, -2) @ W + b[:, None]
            back = np.maximum(z, 0) - (given if moves else x)
            slope = (back * (z > 0)) @ np.swapaxes(W, -1, -2) @ W - (back if moves else 0.0)
            d = d + 0.2 * epsilon * slope / np.maximum(
                np.linalg.norm(slope, axis=-1, keepdims=True), 1e-12
            )
            d *= np.minimum(epsilon / np.linalg.norm(d, axis=-1, keepdims=True), 1.0)
        error = _error(case, x + d, x + d if moves else x)
        better = error > most
        best[better], most[better] = d[better], error[better]
    return best


def _strengths(case: Case, seen: Any, moves: bool = False) -> np.ndarray:
    """What the answer's attack adds, over what ours adds, in each instance that reacts at all."""
    x = case["x"].astype(float)
    ours, theirs = x + _best_attack(case, moves), seen["attacked"].astype(float)
    clean = _error(case, x, x).mean(-1)
    added = _error(case, ours, ours if moves else x).mean(-1) - clean
    gained = _error(case, theirs, theirs if moves else x).mean(-1) - clean
    alive = added > 1e-9
    return gained[alive] / added[alive]


def _strength(case: Case, seen: Any, moves: bool = False) -> float:
    """The same, in the instance where it is weakest."""
    return float(_strengths(case, seen, moves).min())


def _lengths(case: Case, seen: Any) -> np.ndarray:
    return np.linalg.norm(seen["attacked"] - case["x"], axis=-1)


def _gains(case: Case) -> np.ndarray:
    x = case["x"]
    added = (_error(case, x + case["moved"], x) - _error(case, x, x)).mean(-1)
    return added / added[0]


def _measure_attack(case: Case, seen: Any) -> Any:
    if seen["attacked"].shape != case["x"].shape:
        return {"shape": list(seen["attacked"].shape)}
    gain = np.asarray(seen["gain"], float)
    right = _gains(case)
    return {
        "shape": list(seen["attacked"].shape),
        "finite": bool(np.isfinite(seen["attacked"]).all()),
        "within epsilon": bool(_lengths(case, seen).max() <= 1.002 * case["epsilon"]),
        "all steps": seen["calls"] >= case["steps"],
        "strong": _strength(case, seen) >= ENOUGH,
        "no gradients left": not seen["gradients left"],
        "gain": gain if gain.shape != right.shape or not np.allclose(gain, right, 2e-3) else right,
    }


def _attack_expected(case: Case) -> Any:
    return {
        "shape": list(case["x"].shape),
        "finite": True,
        "within epsilon": True,
        "all steps": True,
        "strong": True,
        "no gradients left": True,
        "gain": _gains(case),
    }


def _by_sign(case: Case, seen: Any, expected: Any) -> bool:
    change = np.abs(seen["attacked"] - case["x"])
    level = np.median(change, axis=-1, keepdims=True)
    return bool(np.mean(np.abs(change - level) < 0.1 * level) > 0.8)


def _explain_attack(case: Case, seen: Any, expected: Any) -> str | None:
    found = _measure_attack(case, seen)
    if found["shape"] != expected["shape"]:
        return f"The attacked x has shape {tuple(found['shape'])}, x {tuple(expected['shape'])}"
    if not found["strong"]:
        return (
            f"The attack adds {_strength(case, seen):.0%} of the error that such a small change "
            "can add: look at the size of a step, and at what is differentiated"
        )
    return None


def _both(*changes: tuple[str, str]) -> tuple[Any, ...]:
    return variants(("attack", "adversarial_gain"), *changes)


def _gain_is(value: Callable[[np.ndarray, np.ndarray], Any]) -> Callable[[Case, Any, Any], bool]:
    """Recognises a gain by what it is made of: the attacked and the clean errors."""

    def recognise(case: Case, seen: Any, expected: Any) -> bool:
        x = case["x"]
        attacked, clean = _error(case, x + case["moved"], x), _error(case, x, x)
        wanted = np.asarray(value(attacked.mean(-1), clean.mean(-1)))
        got = np.asarray(seen["gain"], float)
        return got.shape == wanted.shape and bool(np.allclose(got, wanted, 2e-3))

    return recognise


STEP = "delta = delta.detach() + 0.25 * epsilon * unit"
PROJECT = "        delta = delta * (epsilon / delta.norm(dim=-1, keepdim=True)).clamp(max=1.0)\n"

adversarial_gain = Exercise(
    id="adversarial_gain",
    title="A small push",
    takes={"attack": "function", "adversarial_gain": "function"},
    points=3,
    minutes=12,
    difficulty=4,
    cases=_attack_cases,
    probe=probes.attacks,
    measure=_measure_attack,
    reference=_attack_expected,
    explain=_explain_attack,
    show=lambda case: (
        f"attack(model, x, {case['epsilon']}, {case['steps']}), x of shape {case['x'].shape}; "
        "then adversarial_gain(model, x)"
    ),
    mistakes=(
        Mistake(
            id="only_delta",
            message="It returns the change alone. Return x with the change: x + delta.",
            answer=_both(("    return x + delta", "    return delta")),
            recognise=lambda case, seen, expected: bool(
                np.linalg.norm(seen["attacked"], axis=-1).max() <= 1.01 * case["epsilon"]
            ),
        ),
        Mistake(
            id="divided_by_zero",
            message="Some of the attacked numbers are NaN. Where the ReLU cuts off every output, "
            "the gradient is 0, and so is its norm: divide by at least 1e-12, as with "
            "`.clamp(min=1e-12)`.",
            answer=_both((".clamp(min=1e-12)", "")),
            recognise=lambda case, seen, expected: bool(np.isnan(seen["attacked"]).any()),
        ),
        Mistake(
            id="not_projected",
            message="Some examples are changed by more than epsilon. After each step, bring delta "
            "back: where its norm is larger than epsilon, shorten it to epsilon.",
            answer=_both((PROJECT, "")),
            recognise=lambda case, seen, expected: bool(
                _lengths(case, seen).max() > 1.002 * case["epsilon"]
            ),
        ),
        Mistake(
            id="descent",
            message="The error gets smaller: it steps against the gradient. An attacker goes "
            "uphill, so add the step.",
            answer=_both((STEP, STEP.replace("+", "-"))),
            recognise=lambda case, seen, expected: bool(_strengths(case, seen).max() < 0),
        ),
        Mistake(
            id="target_moves",
            message="The output is compared with the changed input, so the target moves along with "
            "the attack. Compare with x as it was: (model(x + delta) - x) ** 2.",
            answer=_both(
                (
                    "error = ((model(x + delta) - x) ** 2)",
                    "error = ((model(x + delta) - (x + delta)) ** 2)",
                )
            ),
            recognise=lambda case, seen, expected: (
                _strength(case, seen) < ENOUGH
                and _strength(case, seen, moves=True) > max(0.9, _strength(case, seen))
            ),
        ),
        Mistake(
            id="by_sign",
            message="Every feature is changed by about the same amount, as steps along the sign "
            "of the gradient do. Within a ball of radius epsilon the best step is along the "
            "gradient itself, divided by its norm.",
            answer=_both(
                (
                    "gradient / gradient.norm(dim=-1, keepdim=True).clamp(min=1e-12)",
                    "gradient.sign()",
                )
            ),
            recognise=_by_sign,
        ),
        Mistake(
            id="one_step",
            message="It takes one step, or fewer than it is asked for. The gradient turns as x "
            "moves: look again after each of the `steps` steps.",
            answer=_both(("for _ in range(steps)", "for _ in range(1)")),
            recognise=lambda case, seen, expected: seen["calls"] < case["steps"],
        ),
        Mistake(
            id="too_small",
            message="The changes stay well inside epsilon. The worst case lies at its edge: take "
            "larger steps, such as epsilon / 4 each, and shorten only what is too long.",
            answer=_both(
                ("delta = epsilon * delta / delta", "delta = 1e-3 * delta / delta"),
                (STEP, STEP.replace("0.25", "0.01")),
            ),
            recognise=lambda case, seen, expected: bool(
                np.median(_lengths(case, seen)) < 0.8 * case["epsilon"]
            ),
        ),
        Mistake(
            id="gradients_left",
            message="The attack works, and leaves gradients on the model's weights: a training "
            "that goes on would add them to its own. `torch.autograd.grad(error, delta)` gives the "
            "one gradient that is wanted and leaves no other.",
            answer=_both(
                (
                    "(gradient,) = torch.autograd.grad(error, delta)",
                    "error.backward()\n        gradient = delta.grad",
                )
            ),
            recognise=lambda case, seen, expected: seen["gradients left"],
        ),
        Mistake(
            id="raw_gradient",
            message="A step is as long as the gradient is large, so where gradients are small the "
            "attack never gets to its edge. Make the gradient of length 1 first.",
            answer=_both(
                (
                    "gradient / gradient.norm(dim=-1, keepdim=True).clamp(min=1e-12)",
                    "gradient",
                ),
            ),
            recognise=lambda case, seen, expected: (
                case["b"].min() < -5
                and 0
                < _strengths(case, seen)[0]
                < 0.7 * ENOUGH
                < ENOUGH
                <= _strengths(case, seen)[1]
                and seen["calls"] >= case["steps"]
            ),
        ),
        Mistake(
            id="gain_of_whole_errors",
            message="The gain divides whole errors. Take away the error without an attack first: "
            "what counts is what the attack adds.",
            answer=_both(
                (
                    "squared_error(model, attacked, x) - squared_error(model, x, x)",
                    "squared_error(model, attacked, x)",
                )
            ),
            recognise=_gain_is(lambda attacked, clean: attacked / attacked[0]),
        ),
        Mistake(
            id="gain_not_relative",
            message="This is the error that the attack adds. Divide it by what it adds to instance "
            "0, the dense model.",
            answer=_both(("return added / added[0]", "return added")),
            recognise=_gain_is(lambda attacked, clean: attacked - clean),
        ),
        Mistake(
            id="gain_of_the_last",
            message="The gain is relative to the last instance. The dense model is instance 0.",
            answer=_both(("added / added[0]", "added / added[-1]")),
            recognise=_gain_is(lambda a, c: (a - c) / (a - c)[-1]),
        ),
        Mistake(
            id="gain_over_clean",
            message="Each instance is compared with its own error without an attack. Compare what "
            "the attack adds with what it adds to instance 0.",
            answer=_both(
                (
                    "return added / added[0]",
                    "return squared_error(model, attacked, x) / squared_error(model, x, x)",
                )
            ),
            recognise=_gain_is(lambda attacked, clean: attacked / clean),
        ),
        Mistake(
            id="gain_upside_down",
            message="The gain is upside down: divide by what the attack adds to instance 0.",
            answer=_both(("added / added[0]", "added[0] / added")),
            recognise=_gain_is(lambda a, c: (a - c)[0] / (a - c)),
        ),
    ),
    hints=(
        "An attack is gradient ascent on the input, with the weights held still. Three lines: the "
        "error, a step, back into the ball.",
        "The direction is the gradient over its own norm, example by example (`dim=-1, "
        "keepdim=True`). To come back into the ball, multiply by epsilon / norm wherever that is "
        "below 1. See [adversarial examples]"
        "(https://pytorch.org/tutorials/beginner/fgsm_tutorial.html).",
        "```python\nerror = ((model(x + delta) - x) ** 2).sum()\n...\n"
        "unit = gradient / gradient.norm(dim=-1, keepdim=True).clamp(min=1e-12)\n"
        "delta = delta.detach() + epsilon / 4 * ...\n"
        "delta = delta * (... / delta.norm(dim=-1, keepdim=True)).clamp(max=1.0)\n```",
    ),
)
