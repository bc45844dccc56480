"""The exercises about the model and its measure."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograder.core.exercise import Case, Exercise, Mistake
from autograder.exercises.m10_grokking.wrong import model
from autograder.probes import m10_grokking as probes

# --- One layer -----------------------------------------------------------------------------------


def _model_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for p, width, heads, hidden, count in (
        (7, 12, 3, 20, 15),
        (10, 8, 4, 9, 21),
        (5, 6, 1, 14, 11),
    ):
        tokens = rng.integers(p, size=(count, 3))
        tokens[:, 2] = p
        setting = {"p": p, "width": width, "heads": heads, "hidden": hidden}
        setting |= {"size": 77, "tokens": None, "answers": None}
        cases.append({"tokens": tokens, "setting": setting, "seed": int(rng.integers(2**31))})
    return cases


def logits_of(case: Case, weights: dict[str, np.ndarray]) -> np.ndarray:
    """The logits by loops over rows and heads, in double precision: (N, p)."""
    w = {name: np.asarray(value, dtype=float) for name, value in weights.items()}
    heads, width = case["setting"]["heads"], case["setting"]["width"]
    size = width // heads
    rows = []
    for row in case["tokens"]:
        x = [w["W_E"][token] + w["W_pos"][place] for place, token in enumerate(row)]
        heard = []
        for h in range(heads):
            part = slice(h * size, (h + 1) * size)
            query = x[2] @ w["W_q"][:, part]
            scores = [query @ (y @ w["W_k"][:, part]) / math.sqrt(size) for y in x]
            shares = np.exp(np.array(scores) - max(scores))
            shares /= shares.sum()
            heard.append(sum(s * (y @ w["W_v"][:, part]) for s, y in zip(shares, x, strict=True)))
        stream = x[2] + np.concatenate(heard) @ w["W_o"]
        stream = stream + np.maximum(stream @ w["W_in"] + w["b_in"], 0) @ w["W_out"]
        rows.append(stream @ w["W_U"])
    return np.array(rows)


def begins(case: Case, seen: Any) -> float:
    """How many times as large as in the stub the weights of a fresh model are."""
    tables = [w.ravel() for w in seen["fresh"].values() if w.ndim == 2]
    return float(np.concatenate(tables).std() * case["setting"]["width"] ** 0.5)


def _explain_model(case: Case, seen: Any, expected: Any) -> str | None:
    want, got = expected["logits"].shape, np.shape(seen["logits"])
    if got != want:
        given = np.shape(case["tokens"])
        return f"From tokens of shape {given} come logits of shape {got}: {want} is expected"
    if not np.isfinite(seen["logits"]).all():
        return "Some logits are nan or infinite"
    if not np.allclose(seen["logits"], expected["logits"], 2e-3, 2e-3):
        return (
            "The logits are others than these weights give. Go line by line: the token's row plus "
            "its place's row; scores for each head; shares that add up to 1 over the three places; "
            "two parts that are added to the stream"
        )
    return (
        "The logits are right, but some weights get no gradient, so they could not learn. Leave "
        "out `.detach()`, `.data` and `no_grad`"
    )


def _changed(*changes: tuple[str, str]) -> dict[str, Any]:
    return {"answer": model(*changes)}


one_layer_model = Exercise(
    id="one_layer_model",
    title="A transformer with one layer",
    takes={"OneLayer": "class"},
    points=3,
    minutes=12,
    difficulty=3,
    cases=_model_cases,
    probe=probes.model,
    measure=lambda case, seen: {
        "begins as given": 0.6 < begins(case, seen) < 1.6,
        "logits": seen["logits"],
        "gradient": seen["gradient"],
    },
    reference=lambda case, seen: {
        "begins as given": True,
        "logits": logits_of(case, seen["weights"]),
        "gradient": True,
    },
    explain=_explain_model,
    show=lambda case: (
        "OneLayer() with p = {p}, width = {width}, heads = {heads}, hidden = {hidden}, and weights "
        "that the check drew".format(**case["setting"])
    ),
    rtol=2e-3,
    atol=2e-3,
    mistakes=(
        Mistake(
            id="begins_large",
            message="The weights of a fresh model are larger than given: `weights` draws them with "
            "the spread 1/√width. What you will see in training depends on it, so leave it.",
            **_changed(("columns) / width", "columns) * width")),
            recognise=lambda case, seen, expected: begins(case, seen) >= 1.6,
        ),
        Mistake(
            id="begins_small",
            message="The weights of a fresh model are smaller than given: `weights` draws them "
            "with the spread 1/√width. What you will see in training depends on it, so leave it.",
            **_changed(("columns) / width**0.5", "columns) / width")),
            recognise=lambda case, seen, expected: begins(case, seen) <= 0.6,
        ),
        Mistake(
            id="no_positions",
            message="The places are missing: add `self.W_pos` to the tokens' rows, one row for "
            "each of the three places.",
            **_changed(("self.W_E[tokens] + self.W_pos", "self.W_E[tokens]")),
        ),
        Mistake(
            id="same_place",
            message="Every token gets the row of the same place. `self.W_pos` has one row for each "
            "of the three: added as it is, it fits the shape (N, 3, width).",
            **_changed(("+ self.W_pos", "+ self.W_pos[0]")),
        ),
        Mistake(
            id="no_scale",
            message="The scores are not divided by the root of a head's size, `size**0.5`.",
            **_changed((" / size**0.5\n", "\n")),
        ),
        Mistake(
            id="scale_by_width",
            message="The scores are divided by the root of the whole width. A head's product has "
            "only `size` terms: divide by `size**0.5`.",
            **_changed((" / size**0.5\n", " / width**0.5\n")),
        ),
        Mistake(
            id="scale_not_rooted",
            message="The scores are divided by `size`, not by its root: `size**0.5`.",
            **_changed((" / size**0.5\n", " / size\n")),
        ),
        Mistake(
            id="multiplied",
            message="The scores are multiplied by the root of a head's size. Divide by it.",
            **_changed((" / size**0.5\n", " * size**0.5\n")),
        ),
        Mistake(
            id="softmax_over_heads",
            message="The softmax runs over the heads. The three places share the attention of each "
            "head: of (N, 3, heads), that is `dim=1`.",
            **_changed(("softmax(dim=1)", "softmax(dim=2)")),
        ),
        Mistake(
            id="softmax_over_rows",
            message="The softmax runs over the rows of the batch, so pairs that have nothing to do "
            "with each other share attention. It belongs to the three places: `dim=1`.",
            **_changed(("softmax(dim=1)", "softmax(dim=0)")),
        ),
        Mistake(
            id="no_softmax",
            message="The scores are used as they are. Their softmax over the three places is the "
            "attention.",
            **_changed(("scores.softmax(dim=1)", "scores")),
        ),
        Mistake(
            id="mean_of_values",
            message="The values are averaged with equal weights: multiply them by the attention "
            "before you add them up.",
            **_changed(("(attention[..., None] * v).sum(1)", "v.mean(1)")),
        ),
        Mistake(
            id="mixes_keys",
            message="What is heard is a mix of keys. Keys only decide how much; what is passed on "
            "are the values, `v`.",
            **_changed(("(attention[..., None] * v)", "(attention[..., None] * k)")),
        ),
        Mistake(
            id="no_residual_attention",
            message="What was heard replaces `last`. It should be added to it: "
            "`last + heard @ self.W_o`.",
            **_changed(("last + heard", "heard")),
        ),
        Mistake(
            id="no_residual_mlp",
            message="The second part replaces the stream. What it thought should be added: "
            "`stream + thought @ self.W_out`.",
            **_changed(("stream + thought", "thought")),
        ),
        Mistake(
            id="reads_last",
            message="The second part reads `last`, as it was before attention. It should read the "
            "stream, with what was heard in it.",
            **_changed(("stream @ self.W_in", "last @ self.W_in")),
        ),
        Mistake(
            id="adds_to_last",
            message="What was thought is added to `last`, and what was heard is lost. Add it to "
            "the stream.",
            **_changed(("stream + thought", "last + thought")),
        ),
        Mistake(
            id="no_relu",
            message="The ReLU is missing: without it the second part is one linear map, and can "
            "multiply nothing.",
            **_changed(
                ("F.relu(stream @ self.W_in + self.b_in)", "stream @ self.W_in + self.b_in")
            ),
        ),
        Mistake(
            id="no_bias",
            message="The bias `self.b_in` is missing inside the ReLU.",
            **_changed((" + self.b_in", " + 0 * self.b_in")),
        ),
        Mistake(
            id="bias_outside",
            message="The bias is added after the ReLU. It belongs inside, where it decides from "
            "where on a unit answers.",
            **_changed(
                (
                    "F.relu(stream @ self.W_in + self.b_in)",
                    "F.relu(stream @ self.W_in) + self.b_in",
                )
            ),
        ),
        Mistake(
            id="probabilities",
            message="These are probabilities. Return logits, the numbers before the softmax: "
            "`F.cross_entropy` takes the softmax itself.",
            **_changed(("return stream @ self.W_U", "return (stream @ self.W_U).softmax(-1)")),
        ),
        Mistake(
            id="stream",
            message="This is the stream, `width` numbers for each row. `stream @ self.W_U` turns "
            "them into a logit for each possible answer.",
            **_changed(("return stream @ self.W_U", "return stream")),
        ),
    ),
    hints=(
        "Four lines are missing, all of which you wrote in module 07: look rows up, score, share, "
        "add to the stream.",
        "`q * k` is (N, 3, heads, size): its sum over the last axis is each head's score for each "
        "place. The three places are axis 1 of what is left. A part reads the stream and adds to "
        "it; see "
        "[torch.sum](https://pytorch.org/docs/stable/generated/torch.sum.html).",
        "```python\nx = self.W_E[tokens] + ...                # (N, 3, width)\n"
        "scores = (q * k).sum(-1) / ...             # (N, 3, heads)\n"
        "attention = scores.softmax(dim=...)        # (N, 3, heads)\n"
        "stream = last + ...                        # (N, width)\n"
        "thought = F.relu(stream @ self.W_in + ...)\n"
        "stream = stream + ...\n```",
    ),
)

# --- Accuracy ------------------------------------------------------------------------------------


def _accuracy_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for count, classes, right in ((8, 5, 3), (30, 7, 22), (5, 11, 5), (9, 4, 0)):
        logits = rng.normal(size=(count, classes)) * 3
        best = logits.argmax(1)
        away = rng.integers(1, classes, size=count)
        answers = np.where(np.arange(count) < right, best, (best + away) % classes)
        order = rng.permutation(count)
        cases.append({"args": [logits[order], answers[order]]})
    return cases


def _accuracy(case: Case) -> float:
    logits, answers = case["args"]
    hits = [row[answer] == max(row) for row, answer in zip(logits, answers, strict=True)]
    return sum(hits) / len(hits)


accuracy = Exercise(
    id="cells_right",
    title="How many cells are right",
    takes={"accuracy": "function"},
    points=1,
    minutes=3,
    difficulty=1,
    cases=_accuracy_cases,
    probe=probes.with_tensors,
    reference=_accuracy,
    rtol=1e-5,
    mistakes=(
        Mistake(
            id="count",
            message="This is how many are right. Divide by how many rows there are.",
            answer=lambda logits, answers: (logits.argmax(1) == answers).sum(),
        ),
        Mistake(
            id="percent",
            message="This is in percent. Give the share, between 0 and 1.",
            answer=lambda logits, answers: 100 * (logits.argmax(1) == answers).float().mean(),
        ),
        Mistake(
            id="errors",
            message="This is the share of wrong rows. Count those where the largest logit is that "
            "of the answer.",
            answer=lambda logits, answers: (logits.argmax(1) != answers).float().mean(),
        ),
        Mistake(
            id="smallest",
            message="The smallest logit is taken for the guess. It is the largest: `argmax`.",
            answer=lambda logits, answers: (logits.argmin(1) == answers).float().mean(),
        ),
        Mistake(
            id="loss",
            message="This is the cross-entropy, not the accuracy: the loss goes on falling long "
            "after every guess is right. Compare `argmax` with the answers.",
            answer=lambda logits, answers: (
                logits.logsumexp(1) - logits.gather(1, answers[:, None])[:, 0]
            ).mean(),
        ),
        Mistake(
            id="probability",
            message="This is the mean probability of the right answers. The accuracy asks only "
            "whether the largest logit is that of the answer.",
            answer=lambda logits, answers: logits.softmax(1).gather(1, answers[:, None]).mean(),
        ),
        Mistake(
            id="per_class",
            message="The number of right rows is divided by the number of possible answers. "
            "Divide it by the number of rows.",
            answer=lambda logits, answers: (logits.argmax(1) == answers).sum() / logits.shape[1],
        ),
        Mistake(
            id="hits",
            message="This says of each row whether it is right. Their mean is asked: "
            "`.float().mean()`.",
            answer=lambda logits, answers: (logits.argmax(1) == answers).float(),
        ),
    ),
    hints=(
        "The model's guess is the answer with the largest logit.",
        "`logits.argmax(...)` over the answers; compare with `==`, and take the mean of the 0s and "
        "1s. See [argmax](https://pytorch.org/docs/stable/generated/torch.argmax.html).",
        "```python\nright = logits.argmax(dim=...) == answers\nreturn right.float()...\n```",
    ),
)
