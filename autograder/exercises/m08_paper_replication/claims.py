"""The paper's claims, judged from the weights of the models that a learner trained.

Every statistic is computed here, on samples that the judge draws. Only densities of the margins
that were measured are graded (`tools/measure/superposition.py`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake
from autograder.exercises.m08_paper_replication import reference
from autograder.probes import m08_paper_replication as probes

STARTS, REPETITIONS, ENOUGH = 8, 3, 2
FEATURES, HIDDEN = 5, 2
SLACK = 1.25  # how far above the loss of our own trainings a model's may lie
TRAINED = 1.1  # the same, to say for certain that it was trained there: half-trained ones are not

# What training reaches, by density: the best of 8 starts, held out.
LOSSES = {
    1.0: 0.0364,
    0.7: 0.0482,
    0.35: 0.0243,
    0.25: 0.0157,
    0.1: 0.0040,
    0.05: 0.00133,
    0.01: 0.00013,
}
LINEAR_LOSSES = {1.0: 0.0364, 0.25: 0.0294, 0.05: 0.0067}
SHAPES = {1.0: 2, 0.35: 4, 0.25: 4, 0.1: 5, 0.05: 5}  # density -> features that are kept
GRADED = {1.0: (0.95, 1.05), 0.29: (0.46, 0.52), 0.215: (0.36, 0.45)}  # density -> D*
DENSITIES = (1.0, 0.7, 0.4, 0.29, 0.215, 0.12, 0.086, 0.05, 0.025, 0.01)
MANY, DIMENSIONS = 200, 20
MANY_LOSSES = dict(
    zip(
        DENSITIES,
        (0.1025, 0.1040, 0.0804, 0.0636, 0.0500, 0.0288, 0.0205, 0.01105, 0.00475, 0.0012),
        strict=True,
    )
)
MANY_SLACK = 1.1
SHARE = 0.75  # of the features kept at p = 0.29, whose D is within 0.03 of 1/2


# --- What the judge makes of weights -------------------------------------------------------------


def _losses(case: Case, model: Any, p: float, linear: bool) -> np.ndarray:
    """Each instance's loss on the judge's samples."""
    return reference.held_out(case["_seed"], p, model["W"], model["b"], linear)


def _kind(case: Case, model: Any) -> str:
    """Whether a model's own outputs are those of its weights with a ReLU, without, or neither."""
    for name, linear in (("bent", False), ("linear", True)):
        if np.allclose(
            reference.forward(model["W"], model["b"], case["x"], linear),
            model["out"],
            1e-3,
            1e-4,
        ):
            return name
    return "other"


def _groups(model: Any) -> list[slice]:
    return [slice(STARTS * g, STARTS * (g + 1)) for g in range(len(model["W"]) // STARTS)]


def _fewest_starts(model: Any) -> int:
    """How many different models there are in a group of eight, where they are fewest.

    A model that turns up in two groups counts in the first one only.
    """
    W = model["W"].reshape(len(model["W"]), -1)
    new = [not any(np.abs(W[i] - W[j]).max() < 1e-4 for j in range(i)) for i in range(len(W))]
    return min(sum(new[g]) for g in _groups(model))


def _best(case: Case, model: Any, p: float, linear: bool = False) -> list[tuple[int, float]]:
    """(instance, loss) of the best of each group of eight."""
    losses = _losses(case, model, p, linear)
    return [(int(g.start + losses[g].argmin()), float(losses[g].min())) for g in _groups(model)]


def keeps_shape(W: np.ndarray, p: float) -> bool:
    """Whether one model (2, 5) has the geometry that is claimed at p."""
    angles = reference.angles(W)
    if len(angles) != SHAPES[p]:
        return False
    if len(angles) == 2:
        return bool(abs(np.cos(np.radians(angles[1] - angles[0]))) <= 0.03)
    if len(angles) == 4:
        return bool(np.all(np.abs(angles[2:] - angles[:2] - 180) <= 3))
    gaps = np.diff(np.append(angles, angles[0] + 360))
    return bool(np.all(np.abs(gaps - 72) <= 6))


def _of_model(
    case: Case,
    model: Any,
    p: float,
    linear: bool,
    limit: float,
    shaped: Callable[[np.ndarray], bool],
) -> dict[str, Any]:
    """What holds of one density's model."""
    found: dict[str, Any] = {"a model": "odd" not in model}
    if "odd" in model:
        return found
    found["instances"] = len(model["W"])
    found["hidden"] = model["W"].shape[1]
    if found["instances"] != STARTS * REPETITIONS or found["hidden"] != HIDDEN:
        return found
    best = _best(case, model, p, linear)
    found |= {
        "kind": _kind(case, model),
        "different starts": _fewest_starts(model),
        "trained": sum(loss <= limit for _, loss in best) >= ENOUGH,
        "holds": sum(shaped(model["W"][i]) for i, _ in best) >= ENOUGH,
    }
    return found


def _right(linear: bool) -> dict[str, Any]:
    return {
        "a model": True,
        "instances": STARTS * REPETITIONS,
        "hidden": HIDDEN,
        "kind": "linear" if linear else "bent",
        "different starts": STARTS,
        "trained": True,
        "holds": True,
    }


def _keeps_two(W: np.ndarray) -> bool:
    kept = np.sqrt(np.sum(np.square(W), axis=0)) > reference.REPRESENTED
    return kept.nonzero()[0].tolist() == [0, 1]


def _measure(linear: bool) -> Callable[[Case, Any], Any]:
    def measure(case: Case, seen: Any) -> Any:
        if seen["odd"]:
            return {"a dict": False}
        return {
            str(p): _of_model(
                case,
                seen["models"][str(p)],
                p,
                linear,
                SLACK * (LINEAR_LOSSES if linear else LOSSES)[p],
                _keeps_two if linear else lambda W, p=p: keeps_shape(W, p),
            )
            for p in case["densities"]
        }

    return measure


def _cases(
    densities: tuple[float, ...], n_features: int, shown: tuple[float, ...] = ()
) -> Callable[..., list[Case]]:
    """Models at `densities` are judged; those at `shown` have to be there, too."""

    def cases(rng: np.random.Generator) -> list[Case]:
        return [
            {
                "densities": list(densities),
                "asked": [*densities, *shown],
                "n_features": n_features,
                "x": np.round(rng.normal(size=(6, n_features)), 4),  # some outputs are below 0
                "_seed": reference.seed_of(rng),
            }
        ]

    return cases


def _any(linear: bool, wrong: Callable[[Case, Any, float, dict[str, Any]], bool]) -> Callable:
    """Recognises an answer by what holds of one of its models."""

    def recognise(case: Case, seen: Any, expected: Any) -> bool:
        found = _measure(linear)(case, seen)
        return any(wrong(case, seen["models"][str(p)], p, found[str(p)]) for p in case["densities"])

    return recognise


def _untrained(linear: bool) -> Callable:
    """Far from what training reaches, at the density of the dict and at any other.

    Or, at p = 1, with biases that are still near 0: training drives those of lost features to 1/2.
    """
    usual = LINEAR_LOSSES if linear else LOSSES

    def wrong(case: Case, model: Any, p: float, found: dict[str, Any]) -> bool:
        if found.get("trained", True):
            return False
        as_it_began = p == 1.0 and np.abs(model["b"]).max() < 0.1
        return as_it_began or all(
            np.median([loss for _, loss in _best(case, model, q, linear)]) > 1.5 * usual[q]
            for q in usual
        )

    return _any(linear, wrong)


def _elsewhere(linear: bool) -> Callable:
    """Badly off at its density, and as good as a trained model at another.

    A training that was cut short is off at its density, too, and near to no other.
    """
    usual = LINEAR_LOSSES if linear else LOSSES

    def wrong(case: Case, model: Any, p: float, found: dict[str, Any]) -> bool:
        if found.get("trained", True):
            return False
        return any(
            np.median([loss for _, loss in _best(case, model, q, linear)]) <= TRAINED * usual[q]
            for q in usual
            if q != p
        )

    return _any(linear, wrong)


def _explain(linear: bool) -> Callable[[Case, Any, Any], str | None]:
    usual = LINEAR_LOSSES if linear else LOSSES

    def explain(case: Case, seen: Any, expected: Any) -> str | None:
        measured = _measure(linear)(case, seen)
        for p in case["densities"]:
            found, model = measured[str(p)], seen["models"][str(p)]
            if found == _right(linear):
                continue
            if found["instances"] != STARTS * REPETITIONS:
                return (
                    f"At p = {p} there are {found['instances']} instances. Registered are "
                    f"{REPETITIONS} repetitions of {STARTS} starts, {STARTS * REPETITIONS} in all"
                )
            if found["hidden"] != HIDDEN:
                return f"At p = {p} the model has {found['hidden']} hidden dimensions, not 2"
            if found["kind"] == "other":
                return f"At p = {p} the model's outputs are not those of its own W and b_final"
            if found["kind"] != _right(linear)["kind"]:
                return f"At p = {p} the model has {'a ReLU' if linear else 'no ReLU'}"
            best = _best(case, model, p, linear)
            told = ", ".join(f"{loss:.4f}" for _, loss in best)
            if not found["trained"]:
                return (
                    f"At p = {p} the best of 8 have losses of {told} in the three repetitions, on "
                    f"{reference.SAMPLES} fresh samples. Training as registered gets to about "
                    f"{usual[p]:.4f}: 1,000 steps, lr 0.02, importance 0.9 ** i"
                )
            kept = [
                (np.sqrt(np.sum(np.square(model["W"][i]), axis=0)) > 0.5).nonzero()[0].tolist()
                for i, _ in best
            ]
            return (
                f"At p = {p} the claim does not hold in 2 of 3 repetitions. The best of 8 keep "
                f"the features {'; '.join(map(str, kept))}"
            )
        return None

    return explain


# --- Stand-ins for wrong answers -----------------------------------------------------------------


class Made:
    """A stand-in for a trained model: weights set by hand, many instances of it."""

    def __init__(self, W: np.ndarray, b: np.ndarray, linear: bool = False) -> None:
        self.W, self.b_final, self.linear = W, b, linear

    def __call__(self, x: Any) -> np.ndarray:
        return reference.forward(self.W, self.b_final, np.asarray(x), self.linear)


def _turned(W: np.ndarray, instances: int, same: bool = False) -> np.ndarray:
    """Copies of a model in the plane, each turned by another angle."""
    found = []
    for i in range(instances):
        angle = 0.0 if same else 0.37 * i
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        found.append(turn @ W)
    return np.array(found)


def _set_by_hand(
    p: float, kept: int, linear: bool = False, instances: int = 24, same: bool = False
) -> Made:
    """A model whose first features stand in the shape that is claimed for so many."""
    turns = {2: (0, 90), 4: (0, 180, 90, 270), 5: (0, 72, 144, 216, 288)}[kept]
    size, shift = (1.1, -0.22) if kept == 5 else (1.0, 0.0)
    W = np.zeros((HIDDEN, FEATURES))
    W[:, :kept] = size * np.array([np.cos(np.radians(turns)), np.sin(np.radians(turns))])
    b = np.where(np.arange(FEATURES) < kept, shift, p / 2)
    return Made(_turned(W, instances, same), np.tile(b, (instances, 1)), linear)


def _untrained_model(
    linear: bool, hidden: int = HIDDEN, features: int = FEATURES, instances: int = 24
) -> Made:
    rng = np.random.default_rng(3)
    W = rng.normal(size=(instances, hidden, features)) / np.sqrt(features)
    return Made(W, np.zeros((instances, features)), linear)


def _all(make: Callable[[float], Any], densities: Any) -> dict[float, Any]:
    return {p: make(p) for p in densities}


def _trained(**how: Any) -> dict[float, Any]:
    return _all(lambda p: _set_by_hand(p, SHAPES.get(p, 5), **how), (*SHAPES, 0.7, 0.01))


def _two(**how: Any) -> dict[float, Any]:
    return _all(lambda p: _set_by_hand(p, 2, linear=True, **how), LINEAR_LOSSES)


def _common(linear: bool, good: Callable[..., dict[float, Any]]) -> tuple[Mistake, ...]:
    """The mistakes that both claims on five features share."""
    densities = list(LINEAR_LOSSES if linear else LOSSES)

    def typed(case: Case, seen: Any, expected: Any) -> bool:
        return bool(seen["odd"]) or any("odd" in m for m in seen["models"].values())

    def too_few(case: Case, model: Any, p: float, found: dict[str, Any]) -> bool:
        return found["instances"] < STARTS * REPETITIONS

    def copies(case: Case, model: Any, p: float, found: dict[str, Any]) -> bool:
        return found.get("different starts", STARTS) < STARTS

    return (
        Mistake(
            id="typed_in",
            message="These are not trained models but results, or something else. Hand over the "
            "models themselves, {density: model}: the check measures them on samples of its own.",
            answer=_all(lambda p: {"count": 5, "loss": 0.01}, densities),
            recognise=typed,
        ),
        Mistake(
            id="too_few",
            message="A density has too few instances. Registered are three repetitions of 8 "
            "starts: a model of 24 instances, so that each repetition chooses its own best of 8.",
            answer=good(instances=8),
            recognise=_any(linear, too_few),
        ),
        Mistake(
            id="copies",
            message="Some of the 24 instances are copies of each other, so these are fewer than 8 "
            "different starts in each repetition. Train one model of 24 instances, each drawn "
            "afresh.",
            answer=good(same=True),
            recognise=_any(linear, copies),
        ),
    )


ELSEWHERE = (
    "A model is as good as a trained one at another density, and not at the one that it is given "
    "for. Look at the p of that training, and at its key in the dict."
)
UNTRAINED = (
    "A model's loss is far above what training reaches, at its own density and at every other: it "
    "looks untrained, or hardly trained. `train` changes the model that it is given and returns "
    "it; hand over that one."
)

claim_geometry = Exercise(
    id="claim_geometry",
    title="Claim: from two features to a pentagon",
    takes={"geometry": "value"},
    points=4,
    minutes=6,
    difficulty=3,
    cases=_cases(tuple(SHAPES), FEATURES, shown=(0.7, 0.01)),
    probe=probes.by_density,
    measure=_measure(False),
    reference=lambda case: {str(p): _right(False) for p in case["densities"]},
    explain=_explain(False),
    show=lambda case: (
        f"your models at p = {', '.join(map(str, case['densities']))}, "
        f"on {reference.SAMPLES} samples each"
    ),
    limit=20.0,
    trains=True,
    mistakes=(
        *_common(False, _trained),
        Mistake(
            id="linear",
            message="A model is linear: its outputs are not cut off at 0. The claim is about "
            "`ToyModel`, with the ReLU; the linear one is the control.",
            answer=_all(lambda p: _set_by_hand(p, 2, linear=True), (*SHAPES, 0.7, 0.01)),
            recognise=_any(False, lambda case, model, p, found: found.get("kind") == "linear"),
        ),
        Mistake(
            id="untrained",
            message=UNTRAINED,
            answer=_all(lambda p: _untrained_model(False), (*SHAPES, 0.7, 0.01)),
            recognise=_untrained(False),
        ),
        Mistake(
            id="other_density",
            message=ELSEWHERE,
            answer={**_trained(), 0.05: _set_by_hand(0.7, 2)},
            recognise=_elsewhere(False),
        ),
    ),
    hints=(
        "For each density one model of 24 instances, trained as registered.",
        "A dict comprehension over the densities: `{p: train(...) for p in ...}`. `train` returns "
        "the model that it trained.",
        "```python\ngeometry = {p: train(ToyModel(24, 5, 2), ..., importance) for p in ...}\n```",
    ),
)

claim_linear = Exercise(
    id="claim_linear",
    title="Claim: without the ReLU, no sharing",
    takes={"linear": "value"},
    points=2,
    minutes=3,
    difficulty=2,
    cases=_cases(tuple(LINEAR_LOSSES), FEATURES),
    probe=probes.by_density,
    measure=_measure(True),
    reference=lambda case: {str(p): _right(True) for p in case["densities"]},
    explain=_explain(True),
    show=lambda case: (
        f"your linear models at p = {', '.join(map(str, case['densities']))}, "
        f"on {reference.SAMPLES} samples each"
    ),
    limit=20.0,
    trains=True,
    mistakes=(
        *_common(True, _two),
        Mistake(
            id="bent",
            message="A model has a ReLU at its end. The control is `LinearModel`.",
            answer=_all(lambda p: _set_by_hand(p, 2), LINEAR_LOSSES),
            recognise=_any(True, lambda case, model, p, found: found.get("kind") == "bent"),
        ),
        Mistake(
            id="untrained",
            message=UNTRAINED,
            answer=_all(lambda p: _untrained_model(True), LINEAR_LOSSES),
            recognise=_untrained(True),
        ),
        Mistake(
            id="other_density",
            message=ELSEWHERE,
            answer={**_two(), 0.05: _set_by_hand(1.0, 2, linear=True)},
            recognise=_elsewhere(True),
        ),
    ),
    hints=(
        "The same as the claim before, with the other class and fewer densities.",
        "Change one thing only, or it is no control: the same steps, the same importance, the same "
        "number of starts.",
        "```python\nlinear = {p: train(LinearModel(24, 5, 2), ..., ...) for p in ...}\n```",
    ),
)

# --- Dimensionality ------------------------------------------------------------------------------


@functools.lru_cache(maxsize=32)
def _many_samples(seed: int, p: float) -> np.ndarray:
    return reference.sparse(np.random.default_rng(seed), (1000, MANY), p)


@functools.lru_cache(maxsize=256)
def _many_loss_of(seed: int, p: float, linear: bool, W: bytes, b: bytes) -> float:
    x = _many_samples(seed, p)
    weights = np.frombuffer(W).reshape(DIMENSIONS, MANY)
    out = reference.forward(weights, np.frombuffer(b), x, linear)
    return float(reference.losses(out, x, np.ones(MANY)))


def _many_loss(case: Case, model: Any, at: int, p: float, linear: bool = False) -> float:
    """The loss of one instance at a density."""
    W, b = (np.ascontiguousarray(model[name][at], float) for name in ("W", "b"))
    return _many_loss_of(case["_seed"], p, linear, W.tobytes(), b.tobytes())


def half_share(W: np.ndarray) -> float:
    """The share of the features kept whose D is within 0.03 of 1/2."""
    kept = np.sqrt(np.sum(np.square(W), axis=0)) > reference.REPRESENTED
    if not kept.any():
        return 0.0
    return float(np.mean(np.abs(reference.dimensionalities(W)[kept] - 0.5) <= 0.03))


def _measure_many(case: Case, seen: Any) -> Any:
    found: dict[str, Any] = {"a model": "odd" not in seen}
    if "odd" in seen:
        return found
    found["shape"] = list(seen["W"].shape)
    if found["shape"] != [len(DENSITIES), DIMENSIONS, MANY]:
        return found
    found["kind"] = _kind(case, seen)
    for p, (low, high) in GRADED.items():
        at = DENSITIES.index(p)
        loss = _many_loss(case, seen, at, p, found["kind"] == "linear")
        found[f"trained at {p}"] = loss <= MANY_SLACK * MANY_LOSSES[p]
        found[f"D* at {p}"] = low <= reference.per_feature(seen["W"][at]) <= high
    found["halves at 0.29"] = half_share(seen["W"][DENSITIES.index(0.29)]) >= SHARE
    return found


def _many_expected(case: Case) -> Any:
    found = {"a model": True, "shape": [len(DENSITIES), DIMENSIONS, MANY], "kind": "bent"}
    for p in GRADED:
        found |= {f"trained at {p}": True, f"D* at {p}": True}
    return {**found, "halves at 0.29": True}


def _explain_many(case: Case, seen: Any, expected: Any) -> str | None:
    found = _measure_many(case, seen)
    if found["shape"] != expected["shape"]:
        return (
            f"Its W has shape {tuple(found['shape'])}. Expected: {tuple(expected['shape'])}, one "
            "instance for each number in `densities`"
        )
    if found["kind"] == "other":
        return "The model's outputs are not those of its own W and b_final"
    for p in GRADED:
        at = DENSITIES.index(p)
        if not found[f"trained at {p}"]:
            return (
                f"Instance {at}, at p = {p}, has a loss of "
                f"{_many_loss(case, seen, at, p):.4f} on fresh samples. "
                f"Training as registered gets to about {MANY_LOSSES[p]:.4f}: 1,000 steps, lr 0.01, "
                "importance 1 for all"
            )
        if not found[f"D* at {p}"]:
            star = reference.per_feature(seen["W"][at])
            return f"At p = {p} its D* is {star:.3f}. Claimed: {GRADED[p][0]} to {GRADED[p][1]}"
    share = half_share(seen["W"][DENSITIES.index(0.29)])
    return (
        f"At p = 0.29 a share of {share:.2f} of the features kept has a D near 1/2: {SHARE} asked"
    )


def _pairs(linear: bool = False, p: float = 0.29) -> Made:
    """20 antipodal pairs at each density, as if all were trained at p."""
    W = np.zeros((DIMENSIONS, MANY))
    for i in range(DIMENSIONS):
        W[i, 2 * i], W[i, 2 * i + 1] = 1.0, -1.0
    b = np.where(np.arange(MANY) < 2 * DIMENSIONS, 0.0, p / 2)
    n = len(DENSITIES)
    return Made(np.tile(W, (n, 1, 1)), np.tile(b, (n, 1)), linear)


def _linear_many() -> Made:
    """At each density the first 20 features, alone, and the means of the others."""
    W = np.zeros((DIMENSIONS, MANY))
    W[:, :DIMENSIONS] = np.eye(DIMENSIONS)
    b = [np.where(np.arange(MANY) < DIMENSIONS, 0.0, p / 2) for p in DENSITIES]
    return Made(np.tile(W, (len(DENSITIES), 1, 1)), np.array(b), True)


def _other_density(case: Case, seen: Any, expected: Any) -> bool:
    """An instance is badly off at its own density, and as good as a trained one at another."""

    def share(at: int, p: float) -> float:  # of the usual loss
        return _many_loss(case, seen, at, p) / MANY_LOSSES[p]

    return any(
        share(at, p) > MANY_SLACK and any(share(at, q) <= 1.08 for q in DENSITIES if q != p)
        for p, at in ((p, DENSITIES.index(p)) for p in GRADED)
    )


def _as_it_began(case: Case, seen: Any, expected: Any) -> bool:
    """Training drives the biases of the dense instance to about a half."""
    return bool(np.abs(seen["b"][0]).max() < 0.1)


claim_dimensionality = Exercise(
    id="claim_dimensionality",
    title="Claim: dimensions come in halves",
    takes={"dimensionality": "value"},
    points=3,
    minutes=6,
    difficulty=3,
    cases=_cases(DENSITIES, MANY),
    probe=probes.at_densities,
    measure=_measure_many,
    reference=_many_expected,
    explain=_explain_many,
    show=lambda case: "your model of 10 instances, at p = 1.0, 0.29 and 0.215",
    limit=20.0,
    trains=True,
    mistakes=(
        Mistake(
            id="typed_in",
            message="This is not a trained model but results, or something else. Hand over the "
            "model itself: the check computes D and D* from its weights.",
            answer=[1.0, 0.9, 0.5, 0.49, 0.4, 0.3, 0.2, 0.15, 0.1, 0.07],
            recognise=lambda case, seen, expected: "odd" in seen,
        ),
        Mistake(
            id="too_few",
            message="It has fewer instances than there are densities. One instance for each: "
            "`ToyModel(len(densities), 200, 20)`, trained with p=densities.",
            answer=_untrained_model(False, DIMENSIONS, MANY, 1),
            recognise=lambda case, seen, expected: len(seen["W"]) < len(DENSITIES),
        ),
        Mistake(
            id="linear",
            message="The model is linear: its outputs are not cut off at 0. The claim is about "
            "`ToyModel`; a linear model has a D* of 1 at every density.",
            answer=_linear_many(),
            recognise=lambda case, seen, expected: (
                _measure_many(case, seen).get("kind") == "linear"
            ),
        ),
        Mistake(
            id="untrained",
            message="In the dense instance `b_final` is close to 0 everywhere; training takes it "
            "to about the features' mean, 0.5. The model looks untrained. `train` changes the "
            "model that it is given and returns it; hand over that one.",
            answer=_untrained_model(False, DIMENSIONS, MANY, len(DENSITIES)),
            recognise=_as_it_began,
        ),
        Mistake(
            id="other_density",
            message="An instance is as good as a trained one at another density, and not at its "
            "own. Train with p=densities, in the order of `densities`: instance i at densities[i].",
            answer=_pairs(),
            recognise=_other_density,
        ),
    ),
    hints=(
        "One model, one training: your `train` takes a density for each instance.",
        "The importance is 1 for all 200 features, a tensor of ones, and the learning rate is "
        "half of that for the small models.",
        "```python\nmodel = ToyModel(len(densities), 200, 20)\n"
        "dimensionality = train(model, densities, torch.ones(200), lr=...)\n```",
    ),
)
