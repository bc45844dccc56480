"""The bonus: a sparse autoencoder finds the features again that the model has mixed.

Sources: Sharkey et al., Taking features out of superposition with sparse autoencoders, 2022;
Bricken et al., Towards Monosemanticity, 2023.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake
from autograder.exercises.m08_paper_replication import reference
from autograder.exercises.m08_paper_replication.wrong import variant, variants
from autograder.probes import m08_paper_replication as probes

# --- The autoencoder -----------------------------------------------------------------------------

SIZES = ((4, 9, 7, 0.3), (3, 8, 5, 0.05))  # n_hidden, n_latents, batch, l1


def _autoencoder_cases(rng: np.random.Generator) -> list[Case]:
    return [
        {
            "make": [hidden, latents],
            "W_enc": rng.normal(0, 0.8, size=(hidden, latents)),
            "b_enc": rng.normal(0, 0.5, size=latents),
            "W_dec": rng.normal(size=(latents, hidden)) * rng.uniform(0.5, 2.0, (latents, 1)),
            "h": rng.normal(0, 1.0, size=(batch, hidden)),
            "h_hat": rng.normal(0, 1.0, size=(batch, hidden)),
            "latents": reference.sparse(rng, (batch, latents), 0.6) * 3,
            "l1": l1,
            "seed": reference.seed_of(rng),
        }
        for hidden, latents, batch, l1 in SIZES
    ]


def _autoencoder(case: Case) -> Any:
    latents = np.maximum(case["h"] @ case["W_enc"] + case["b_enc"], 0)
    directions = case["W_dec"] / np.linalg.norm(case["W_dec"], axis=1, keepdims=True)
    squared = np.sum(np.square(case["h_hat"] - case["h"]), axis=1)
    return {
        "latents": latents,
        "h_hat": latents @ directions,
        "loss": np.mean(squared + case["l1"] * case["latents"].sum(axis=1)),
        "gradients reach": ["W_enc", "b_enc", "W_dec", "h_hat", "latents"],
    }


def _explain_autoencoder(case: Case, seen: Any, expected: Any) -> str | None:
    for name in ("latents", "h_hat"):
        got, wanted = np.shape(seen[name]), np.shape(expected[name])
        if got != wanted:
            return (
                f"With n_hidden={case['make'][0]}, n_latents={case['make'][1]} and a batch of "
                f"{len(case['h'])}, `{name}` has shape {got}. Expected: {wanted}"
            )
    if np.shape(seen["loss"]) != ():
        return f"`sae_loss` returns shape {np.shape(seen['loss'])}. Expected: one number"
    for name in ("latents", "h_hat", "loss"):
        if not np.allclose(seen[name], expected[name], 1e-3, 1e-5):
            return f"What differs is `{name}`"
    lost = [n for n in expected["gradients reach"] if n not in seen["gradients reach"]]
    return (
        f"The numbers are right, and no gradient comes back to {', '.join(f'`{n}`' for n in lost)}"
        ": nothing could be learned. Leave out `detach()`, `item()` and `no_grad`"
    )


def _sae(*changes: tuple[str, str]) -> tuple[Any, ...]:
    return variants(("SparseAutoencoder", "sae_loss"), *changes)


LATENTS = "latents = torch.relu(h @ self.W_enc + self.b_enc)"
UNIT = "self.W_dec / self.W_dec.norm(dim=-1, keepdim=True)"
SQUARED = "squared = ((h_hat - h) ** 2).sum(dim=-1)"
PENALTY = "(squared + l1 * latents.sum(dim=-1)).mean()"

sparse_autoencoder = Exercise(
    id="sparse_autoencoder",
    title="A sparse autoencoder",
    takes={"SparseAutoencoder": "class", "sae_loss": "function"},
    points=0,
    minutes=12,
    difficulty=3,
    bonus=True,
    cases=_autoencoder_cases,
    probe=probes.autoencoder,
    reference=_autoencoder,
    explain=_explain_autoencoder,
    rtol=1e-3,
    atol=1e-5,
    show=lambda case: (
        f"SparseAutoencoder({case['make'][0]}, {case['make'][1]})(h), h of shape "
        f"{case['h'].shape}; then sae_loss(h_hat, h, latents, l1={case['l1']})"
    ),
    mistakes=(
        Mistake(
            id="no_relu",
            message="The latents are not bent. Without a ReLU they can be negative, and every "
            "direction would answer to every input.",
            answer=_sae((LATENTS, "latents = h @ self.W_enc + self.b_enc")),
        ),
        Mistake(
            id="no_bias",
            message="`b_enc` is never added. A negative one keeps a latent silent while only "
            "interference reaches it.",
            answer=_sae((LATENTS, "latents = torch.relu(h @ self.W_enc)")),
        ),
        Mistake(
            id="bias_after_relu",
            message="The bias is added after the ReLU. It comes before: ReLU(h W_enc + b_enc).",
            answer=_sae((LATENTS, "latents = torch.relu(h @ self.W_enc) + self.b_enc")),
        ),
        Mistake(
            id="any_length",
            message="The rows of `W_dec` count with the length that they have. Then long rows and "
            "small latents get round the penalty: divide each row by its norm first.",
            answer=_sae((f"latents @ ({UNIT})", "latents @ self.W_dec")),
        ),
        Mistake(
            id="columns_of_one",
            message="It is the columns of `W_dec` that are made of length 1. A direction is a row: "
            "take the norm over the last axis.",
            answer=_sae((UNIT, "self.W_dec / self.W_dec.norm(dim=0, keepdim=True)")),
        ),
        Mistake(
            id="all_of_one",
            message="`W_dec` is divided by one norm, that of the whole matrix. Each row gets its "
            "own: `dim=1, keepdim=True`.",
            answer=_sae((UNIT, "self.W_dec / self.W_dec.norm()")),
        ),
        Mistake(
            id="tied",
            message="The way back is `W_enc`, transposed. Here the two are separate: use the rows "
            "of `W_dec`, of length 1.",
            answer=_sae((f"latents @ ({UNIT})", "latents @ self.W_enc.T")),
        ),
        Mistake(
            id="swapped",
            message="The two results are swapped: the latents first, then h_hat.",
            answer=_sae(
                ("return latents, latents @ (" + UNIT + ")", f"return latents @ ({UNIT}), latents")
            ),
            recognise=lambda case, seen, expected: (
                np.shape(seen["latents"]) == np.shape(expected["h_hat"])
                and np.shape(seen["h_hat"]) == np.shape(expected["latents"])
            ),
        ),
        Mistake(
            id="mean_of_squares",
            message="The squared error is averaged over the hidden dimensions. Sum it over them "
            "and average over the batch: the l1 was chosen for that.",
            answer=_sae((SQUARED, "squared = ((h_hat - h) ** 2).mean(dim=-1)")),
        ),
        Mistake(
            id="mean_of_latents",
            message="The penalty is averaged over the latents. Sum them: then a latent costs the "
            "same however many there are.",
            answer=_sae(("l1 * latents.sum(dim=-1)", "l1 * latents.mean(dim=-1)")),
        ),
        Mistake(
            id="sum_over_batch",
            message="The loss is summed over the batch. Average it, or it grows with the batch.",
            answer=_sae((PENALTY, PENALTY.replace("mean()", "sum()"))),
        ),
        Mistake(
            id="no_penalty",
            message="The penalty is missing: this is the squared error alone. Add l1 times the sum "
            "of the latents.",
            answer=_sae((PENALTY, "squared.mean()")),
        ),
        Mistake(
            id="penalty_subtracted",
            message="The penalty is subtracted, so that latents are wanted. Add it.",
            answer=_sae((PENALTY, PENALTY.replace("squared +", "squared -"))),
        ),
        Mistake(
            id="squared_penalty",
            message="The latents are squared in the penalty. A square hardly asks for exact zeros: "
            "sum the latents themselves.",
            answer=_sae(("l1 * latents.sum(dim=-1)", "l1 * (latents**2).sum(dim=-1)")),
        ),
        Mistake(
            id="counted",
            message="The penalty counts the latents that are on. A count has no gradient: sum "
            "the latents themselves.",
            answer=_sae(("l1 * latents.sum(dim=-1)", "l1 * (latents > 0).float().sum(dim=-1)")),
        ),
        Mistake(
            id="no_square",
            message="The error is not squared, so errors of both signs cancel. Square the "
            "difference before the sum.",
            answer=_sae((SQUARED, "squared = (h_hat - h).sum(dim=-1)")),
        ),
        Mistake(
            id="absolute",
            message="The error is the sum of absolute differences. Square each difference instead.",
            answer=_sae((SQUARED, "squared = (h_hat - h).abs().sum(dim=-1)")),
        ),
    ),
    hints=(
        "Up into many latents, back by as many directions. The loss wants two things at once: "
        "little error, and few latents.",
        "`W.norm(dim=1, keepdim=True)` has one number a row, in a shape that divides W. In the "
        "loss, `sum(dim=1)` leaves one number for each row of the batch; average at the end.",
        "```python\nlatents = torch.relu(...)\n"
        "directions = self.W_dec / self.W_dec.norm(dim=..., keepdim=True)\n"
        "return latents, latents @ ...\n\n"
        "squared = ((h_hat - h) ** 2).sum(dim=1)\n"
        "return (squared + ...).mean()\n```",
    ),
)

# --- What it found -------------------------------------------------------------------------------


def _cosine_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for hidden, features, latents in ((4, 6, 9), (7, 5, 3)):
        lengths = rng.uniform(0.4, 1.8, size=features), rng.uniform(0.4, 1.8, size=latents)
        W = rng.normal(size=(hidden, features)) * lengths[0]
        directions = rng.normal(size=(latents, hidden)) * lengths[1][:, None]
        directions[0] = -2 * W[:, 1]  # the other way: not found
        cases.append({"args": [directions, W]})
    return cases


def _cosines(case: Case) -> Any:
    directions, W = case["args"]
    return np.array(
        [
            max(float(d @ w / (np.linalg.norm(d) * np.linalg.norm(w))) for d in directions)
            for w in W.T
        ]
    )


UNIT_W = "W / W.norm(dim=0)"
UNIT_D = "directions / directions.norm(dim=-1, keepdim=True)"
LARGEST = "return cosines.amax(dim=0)"


def _max(*changes: tuple[str, str]) -> Any:
    return variant("max_cosine_similarity", *changes)


max_cosine_similarity = Exercise(
    id="max_cosine_similarity",
    title="Found again?",
    takes={"max_cosine_similarity": "function"},
    points=0,
    minutes=6,
    difficulty=2,
    bonus=True,
    cases=_cosine_cases,
    probe=probes.of_tensor,
    reference=_cosines,
    show=lambda case: (
        f"max_cosine_similarity(directions, W), shapes {case['args'][0].shape} and "
        f"{case['args'][1].shape}"
    ),
    mistakes=(
        Mistake(
            id="lengths_count",
            message="These are the largest products, not cosines. Make the rows of `directions` "
            "and the columns of `W` of length 1 first.",
            answer=_max((UNIT_W, "W"), (UNIT_D, "directions")),
        ),
        Mistake(
            id="only_directions",
            message="The columns of `W` still have their lengths. Divide each by its norm.",
            answer=_max((UNIT_W, "W")),
        ),
        Mistake(
            id="only_features",
            message="The directions still have their lengths. Divide each row by its norm.",
            answer=_max((UNIT_D, "directions")),
        ),
        Mistake(
            id="per_direction",
            message="There is one number for each direction. Ask for each feature: take the "
            "largest over the directions.",
            answer=_max((LARGEST, "return cosines.amax(dim=1)")),
        ),
        Mistake(
            id="either_sign",
            message="A direction that points the other way counts as found. A latent is never "
            "negative, so the opposite direction is another one: leave out the absolute value.",
            answer=_max((LARGEST, "return cosines.abs().amax(dim=0)")),
        ),
        Mistake(
            id="the_mean",
            message="This is the mean over the directions. One direction is enough for a feature: "
            "take the largest.",
            answer=_max((LARGEST, "return cosines.mean(dim=0)")),
        ),
        Mistake(
            id="which",
            message="This says which direction is nearest. Return how near it is: the cosine.",
            answer=_max((LARGEST, "return cosines.argmax(dim=0)")),
        ),
        Mistake(
            id="all_in_one",
            message="This is one number for all features. Return one for each.",
            answer=_max((LARGEST, "return cosines.amax(dim=0).mean()")),
        ),
        Mistake(
            id="value_and_place",
            message="`max(dim=...)` of a tensor returns two things, values and places. Return the "
            "values: `.values`, or use `amax`.",
            answer=_max((LARGEST, "return cosines.max(dim=0)")),
        ),
    ),
    hints=(
        "A cosine is the product of two vectors of length 1. All of them at once are one matrix "
        "product.",
        "Rows of `directions` over `norm(dim=1, keepdim=True)`, columns of `W` over "
        "`norm(dim=0)`. Their product has a row for each direction, a column for each feature. "
        "[`amax`](https://pytorch.org/docs/stable/generated/torch.amax.html) takes the largest.",
        "```python\ncosines = (directions / ...) @ (W / ...)  # (n_latents, n_features)\n"
        "return cosines.amax(dim=...)\n```",
    ),
)
