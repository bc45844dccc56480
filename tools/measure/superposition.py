"""How often the claims of 08_paper_replication hold, and whether wrong models pass their checks.

``python -m tools.measure.superposition 10`` trains everything ten times, with different seeds each
time, judges it as the notebook's checks do, and writes the counts and the margins to
`autograder/data/superposition.json`. It takes about ten minutes on one core. ``... 10 ablations``
measures only the ablations and the sparse autoencoders, and leaves the rest of the table as it is.
"""

from __future__ import annotations

import datetime
import json
import sys
import time
from typing import Any

import numpy as np

from autograder.core.judge import draw, judge
from autograder.data.tables import FOLDER
from autograder.exercises import observed, replay
from autograder.exercises.m08_paper_replication import claims, reference
from autograder.exercises.m08_paper_replication.wrong import PROGRAM

TABLE = FOLDER / "superposition.json"
FIRST_SEED = 2000  # none of the notebook's, and none that the thresholds were chosen on


def measure(repetitions: int) -> dict[str, Any]:
    """Train, judge and measure, `repetitions` times."""
    import torch

    torch.set_num_threads(1)
    space: dict[str, Any] = {}
    exec(compile(PROGRAM, "<the program>", "exec"), space)
    passes: dict[str, int] = {}
    wrong: dict[str, dict[str, int]] = {}
    margins: dict[str, list[float]] = {}
    began = time.process_time()
    for seed in range(FIRST_SEED, FIRST_SEED + repetitions):
        torch.manual_seed(seed)
        right, variants = _answers(space, _runs(space))
        for exercise, answer in right.items():
            passes[exercise] = passes.get(exercise, 0) + _judged(exercise, answer, seed).passed
        for name, (exercise, answer) in variants.items():
            result = _judged(exercise, answer, seed)
            told = "passed" if result.passed else result.mistake or "not named"
            counts = wrong.setdefault(f"{exercise}: {name}", {})
            counts[told] = counts.get(told, 0) + 1
        for key, value in _margins(right, seed).items():
            margins.setdefault(key, []).append(round(value, 6))
        print(seed, passes, wrong, flush=True)
    return {
        "repetitions": repetitions,
        "date": datetime.date.today().isoformat(),
        "cpu_seconds": round(time.process_time() - began),
        "passes": passes,
        "wrong": wrong,
        "margins": {key: [min(v), max(v)] for key, v in sorted(margins.items())},
    }


def ablations(repetitions: int) -> dict[str, Any]:
    """What the best of eight starts and single starts keep, with and without the bias.

    For each density: number of kept features -> how often, and the lowest and highest loss of a
    best start. Both models use the same seeds.
    """
    import torch

    torch.set_num_threads(1)
    space: dict[str, Any] = {}
    exec(compile(PROGRAM, "<the program>", "exec"), space)
    toy = space["ToyModel"]

    class NoBias(toy):  # type: ignore[valid-type,misc]
        def forward(self, x: Any) -> Any:
            return torch.relu(x @ self.W.transpose(-1, -2) @ self.W)

    importance = 0.9 ** torch.arange(claims.FEATURES)
    found: dict[str, Any] = {"repetitions": repetitions * claims.REPETITIONS}
    for name, kind in (("as it is", toy), ("no bias", NoBias)):
        for p in claims.LOSSES:
            best, singles, losses = [], [], []
            for seed in range(FIRST_SEED, FIRST_SEED + repetitions):
                torch.manual_seed(seed)
                model = kind(claims.STARTS * claims.REPETITIONS, claims.FEATURES, claims.HIDDEN)
                space["train"](model, p, importance)
                held_out = space["held_out_loss"](model, p, importance, 20_000)
                chosen = space["best_of"](held_out, claims.STARTS)
                counts = space["feature_statistics"](model.W.detach())[1]
                best += counts[chosen].tolist()
                singles += counts.tolist()
                losses += held_out[chosen].tolist()
            found.setdefault(name, {})[str(p)] = {
                "best of 8": _how_often(best),
                "single starts": _how_often(singles),
                "loss": [round(min(losses), 6), round(max(losses), 6)],
            }
            print(name, p, found[name][str(p)], flush=True)
    return found


def _how_often(counts: list[int]) -> dict[str, int]:
    return {str(k): counts.count(k) for k in sorted(set(counts))}


def autoencoders(runs: int = 3) -> dict[str, Any]:
    """The bonus: error as a share of the squared length of h, and the mean cosine."""
    import math

    import torch

    torch.set_num_threads(1)
    space: dict[str, Any] = {}
    exec(compile(PROGRAM, "<the program>", "exec"), space)
    p, steps, features, hidden, latents = 0.03, 1000, 40, 10, 80
    found: dict[str, Any] = {"at random": {"cosine": []}}
    for seed in range(FIRST_SEED, FIRST_SEED + runs):
        torch.manual_seed(seed)
        model = space["train"](
            space["ToyModel"](1, features, hidden), p, torch.ones(features), lr=0.01
        )
        W = model.W.detach()[0]
        cosine = space["max_cosine_similarity"](torch.randn(latents, hidden), W).mean()
        found["at random"]["cosine"].append(round(float(cosine), 3))
        for name, l1 in (("no penalty", 0.0), ("l1 = 0.3", 0.3)):
            sae = space["SparseAutoencoder"](hidden, latents)
            with torch.no_grad():
                sae.W_dec /= sae.W_dec.norm(dim=1, keepdim=True)
            optimizer = torch.optim.Adam(sae.parameters(), lr=0.02)
            for step in range(steps):
                for group in optimizer.param_groups:
                    group["lr"] = 0.02 * (1 + math.cos(math.pi * step / steps)) / 2
                h = space["sample_sparse"](1, 512, features, p)[0] @ W.T
                encoded, h_hat = sae(h)
                optimizer.zero_grad()
                space["sae_loss"](h_hat, h, encoded, l1).backward()
                optimizer.step()
            with torch.no_grad():
                h = space["sample_sparse"](1, 20_000, features, p)[0] @ W.T
                share = ((sae(h)[1] - h) ** 2).sum() / (h**2).sum()
                cosine = space["max_cosine_similarity"](sae.W_dec, W).mean()
            told = found.setdefault(name, {"error": [], "cosine": []})
            told["error"].append(round(float(share), 4))
            told["cosine"].append(round(float(cosine), 3))
    print(found, flush=True)
    return found


def _judged(name: str, answer: Any, seed: int) -> Any:
    exercise = getattr(claims, name)
    cases = draw(exercise, seed)
    seen = observed(exercise, (answer,), cases, 60)
    return judge(exercise, cases, seen, replay)


def _runs(space: dict[str, Any]) -> dict[str, Any]:
    """All training runs of one repetition, by name."""
    import torch

    train, toy, linear = space["train"], space["ToyModel"], space["LinearModel"]
    importance, starts = 0.9 ** torch.arange(5), claims.STARTS * claims.REPETITIONS
    densities, ones = torch.tensor(claims.DENSITIES), torch.ones(claims.MANY)
    size = (len(densities), claims.MANY, claims.DIMENSIONS)
    return {
        "geometry": {p: train(toy(starts, 5, 2), p, importance) for p in claims.SHAPES},
        "straight": {p: train(linear(starts, 5, 2), p, importance) for p in claims.SHAPES},
        "elsewhere": train(toy(starts, 5, 2), 0.7, importance),
        "many": train(toy(*size), densities, ones, lr=0.01),
        "straight many": train(linear(*size), densities, ones, 500, 128, lr=0.01),
    }


def _answers(
    space: dict[str, Any], runs: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, tuple[str, Any]]]:
    """The right answers, by exercise, and the wrong ones: name -> (exercise, answer)."""
    toy, linear = space["ToyModel"], space["LinearModel"]
    starts = claims.STARTS * claims.REPETITIONS
    size = (len(claims.DENSITIES), claims.MANY, claims.DIMENSIONS)
    geometry, straight, many = runs["geometry"], runs["straight"], runs["many"]
    fresh = {p: toy(starts, 5, 2) for p in claims.SHAPES}
    fresh_linear = {p: linear(starts, 5, 2) for p in claims.SHAPES}
    typed = {p: {"count": n, "loss": claims.LOSSES[p]} for p, n in claims.SHAPES.items()}
    right = {
        "claim_geometry": geometry,
        "claim_linear": {p: straight[p] for p in claims.LINEAR_LOSSES},
        "claim_dimensionality": many,
    }
    wrong = {
        "linear for ReLU": ("claim_geometry", straight),
        "p = 0.7 for 0.05": ("claim_geometry", {**geometry, 0.05: runs["elsewhere"]}),
        "untrained": ("claim_geometry", fresh),
        "one seed": ("claim_geometry", {p: _copied(m, toy) for p, m in geometry.items()}),
        "typed in": ("claim_geometry", typed),
        "one repetition": ("claim_geometry", {p: _first(m, toy) for p, m in geometry.items()}),
        "ReLU for linear": ("claim_linear", geometry),
        "untrained control": ("claim_linear", fresh_linear),
        "linear, many": ("claim_dimensionality", runs["straight many"]),
        "untrained, many": ("claim_dimensionality", toy(*size)),
        "densities turned round": ("claim_dimensionality", _turned(many, toy, size)),
    }
    return right, wrong


def _with(model: Any, W: Any, b: Any) -> Any:
    import torch

    with torch.no_grad():
        model.W.copy_(W)
        model.b_final.copy_(b)
    return model


def _copied(model: Any, toy: Any) -> Any:
    """A model whose instances are all copies of its first one."""
    n, hidden, features = model.W.shape
    first = model.W[:1].expand(n, -1, -1), model.b_final[:1].expand(n, -1)
    return _with(toy(n, features, hidden), *first)


def _first(model: Any, toy: Any) -> Any:
    _, hidden, features = model.W.shape
    k = claims.STARTS
    return _with(toy(k, features, hidden), model.W[:k], model.b_final[:k])


def _turned(model: Any, toy: Any, size: tuple[int, int, int]) -> Any:
    return _with(toy(*size), model.W.flip(0), model.b_final.flip(0))


def _margins(right: dict[str, Any], seed: int) -> dict[str, float]:
    """What the thresholds are compared with: the second best of three if two must hold."""
    found: dict[str, float] = {}
    rng = np.random.default_rng(seed)
    case = {"_seed": int(rng.integers(2**31))}
    for name, linear in (("claim_geometry", False), ("claim_linear", True)):
        for p, model in right[name].items():
            W, b = model.W.detach().numpy(), model.b_final.detach().numpy()
            best = claims._best(case, {"W": W, "b": b}, p, linear)
            label = "linear" if linear else "geometry"
            found[f"{label} p={p} loss"] = sorted(loss for _, loss in best)[1]
            if not linear:
                found[f"geometry p={p} deviation"] = sorted(_deviation(W[i], p) for i, _ in best)[1]
    W = right["claim_dimensionality"].W.detach().numpy()
    seen = {"W": W, "b": right["claim_dimensionality"].b_final.detach().numpy()}
    for p in claims.GRADED:
        at = claims.DENSITIES.index(p)
        found[f"many p={p} D*"] = reference.per_feature(W[at])
        found[f"many p={p} loss"] = claims._many_loss(case, seen, at, p)
    found["many p=0.29 share of halves"] = claims.half_share(W[claims.DENSITIES.index(0.29)])
    return found


def _deviation(W: np.ndarray, p: float) -> float:
    """Distance from the claimed shape: a cosine at p = 1, else degrees; 180 for a wrong count."""
    angles = reference.angles(W)
    if len(angles) != claims.SHAPES[p]:
        return 180.0
    if len(angles) == 2:
        return float(abs(np.cos(np.radians(angles[1] - angles[0]))))
    if len(angles) == 4:
        return float(np.abs(angles[2:] - angles[:2] - 180).max())
    return float(np.abs(np.diff(np.append(angles, angles[0] + 360)) - 72).max())


if __name__ == "__main__":
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    if "ablations" in sys.argv:
        table = json.loads(TABLE.read_text(encoding="utf-8"))
    else:
        table = measure(times)
    table |= {"ablations": ablations(times), "autoencoders": autoencoders()}
    TABLE.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
