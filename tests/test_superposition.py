"""08's code part: references agree with independent sources, claims with what is measured."""

from __future__ import annotations

import json

import numpy as np
import play
import pytest
import torch

from autograder.core.judge import draw
from autograder.exercises import by_id
from autograder.exercises.m08_paper_replication import claims, measures, reference
from autograder.exercises.m08_paper_replication.data import _losses
from autograder.probes.m08_paper_replication import fixed
from tools.measure.superposition import TABLE

SEEDS = range(3)
MEASURED = json.loads(TABLE.read_text(encoding="utf-8"))


def test_the_loss_is_that_of_torch() -> None:
    for seed in SEEDS:
        for case in draw(by_id()["weighted_loss"], seed):
            x_hat, x, importance = (torch.tensor(case[n]) for n in ("x_hat", "x", "importance"))
            theirs = [
                torch.nn.functional.mse_loss(a * importance.sqrt(), b * importance.sqrt())
                for a, b in zip(x_hat, x, strict=True)
            ]
            np.testing.assert_allclose(_losses(case)["losses"], torch.stack(theirs), rtol=1e-9)


def test_the_gradients_are_those_of_autograd() -> None:
    for seed in SEEDS:
        for case in draw(by_id()["train_toy"], seed):
            toy = fixed(case)
            n, _, features = toy.W.shape
            x = torch.rand(n, 6, features, generator=torch.Generator().manual_seed(seed))
            importance = torch.tensor(case["importance"], dtype=torch.float32)
            (importance * (toy(x) - x) ** 2).mean((1, 2)).sum().backward()
            dW, db = reference.gradients(case["W"], case["b"], x.numpy(), case["importance"])
            np.testing.assert_allclose(dW, toy.W.grad, rtol=1e-3, atol=1e-5)
            np.testing.assert_allclose(db, toy.b_final.grad, rtol=1e-3, atol=1e-5)


def test_dimensionality_of_shapes_that_are_known() -> None:
    turn = 2 * np.pi * np.arange(5) / 5
    pentagon = np.array([np.cos(turn), np.sin(turn)])
    cross = np.array([[1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.0]])
    for W, D in ((pentagon, 2 / 5), (cross, 1 / 2), (np.eye(3), 1.0)):
        np.testing.assert_allclose(reference.dimensionality(W), D)
        np.testing.assert_allclose(reference.per_feature(W), D)
    W = np.random.default_rng(0).normal(size=(4, 9))
    np.testing.assert_allclose(reference.dimensionalities(W), reference.dimensionality(W))


def test_a_gain_never_divides_by_almost_nothing() -> None:
    for seed in range(300):
        for case in draw(by_id()["adversarial_gain"], seed):
            x = case["x"]
            before, after = (measures._error(case, a, x)[0].mean() for a in (x, x + case["moved"]))
            assert after - before > 1e-3 * before, seed


def test_shapes_are_told_apart() -> None:
    for p, kept in claims.SHAPES.items():
        for other in (2, 4, 5):
            W = claims._set_by_hand(p, other).W[0]
            assert claims.keeps_shape(W, p) == (other == kept)
    bent = claims._set_by_hand(0.1, 5).W[0] + np.array([[0.3] * 5, [0.0] * 5])
    assert not claims.keeps_shape(bent, 0.1)


def test_one_of_eight_copies_is_noticed() -> None:
    model = claims._set_by_hand(1.0, 2)
    seen = {"W": model.W, "b": model.b_final}
    assert claims._fewest_starts(seen) == 8
    model.W[17] = model.W[3]
    assert claims._fewest_starts(seen) == 7


@pytest.mark.parametrize("name", ["claim_geometry", "claim_linear", "claim_dimensionality"])
def test_odd_answers_are_wrong_and_not_errors(name: str) -> None:
    exercise = by_id()[name]
    cases = draw(exercise, 0)
    dense = torch.nn.Linear(3, 2)
    for answer in (None, 3, [], {}, "models", {1.0: None}, dense, {"a": dense}, np.eye(3)):
        assert not play.judged(exercise, (answer,), cases, 5).passed


def test_the_claims_hold_as_often_as_the_text_needs() -> None:
    assert MEASURED["repetitions"] >= 10
    for name in ("claim_geometry", "claim_linear", "claim_dimensionality"):
        assert MEASURED["passes"][name] == MEASURED["repetitions"], name


def test_no_wrong_model_passes_and_each_is_named() -> None:
    expected = {
        "claim_geometry: linear for ReLU": "linear",
        "claim_geometry: p = 0.7 for 0.05": "other_density",
        "claim_geometry: untrained": "untrained",
        "claim_geometry: one seed": "copies",
        "claim_geometry: typed in": "typed_in",
        "claim_geometry: one repetition": "too_few",
        "claim_linear: ReLU for linear": "bent",
        "claim_linear: untrained control": "untrained",
        "claim_dimensionality: linear, many": "linear",
        "claim_dimensionality: untrained, many": "untrained",
        "claim_dimensionality: densities turned round": "other_density",
    }
    runs = MEASURED["repetitions"]
    assert MEASURED["wrong"] == {name: {told: runs} for name, told in expected.items()}


def test_margins_lie_within_the_thresholds() -> None:
    margins = MEASURED["margins"]
    for p, usual in claims.LOSSES.items():
        if p in claims.SHAPES:
            assert margins[f"geometry p={p} loss"][1] < 0.95 * claims.SLACK * usual, p
            most = {2: 0.03, 4: 3, 5: 6}[claims.SHAPES[p]]
            assert margins[f"geometry p={p} deviation"][1] < most, p
    for p, usual in claims.LINEAR_LOSSES.items():
        assert margins[f"linear p={p} loss"][1] < 0.95 * claims.SLACK * usual, p
    for p, (low, high) in claims.GRADED.items():
        found = margins[f"many p={p} D*"]
        assert low < found[0] <= found[1] < high, p
        assert margins[f"many p={p} loss"][1] < claims.MANY_SLACK * claims.MANY_LOSSES[p], p
    assert margins["many p=0.29 share of halves"][0] > claims.SHARE


def test_the_solution_cells_train_as_the_text_says() -> None:
    names = play.solved(by_id()["best_of"])
    torch.manual_seed(0)
    model = names["train"](names["ToyModel"](8, 5, 2), 0.05, 0.9 ** torch.arange(5))
    losses = names["held_out_loss"](model, 0.05, 0.9 ** torch.arange(5))
    best = int(names["best_of"](losses, 8)[0])
    assert claims.keeps_shape(model.W[best].detach().numpy(), 0.05)


@pytest.mark.parametrize("steps", [30, 100])
def test_a_training_that_was_cut_short_is_not_taken_for_one_elsewhere(steps: int) -> None:
    names = play.solved(by_id()["best_of"])
    torch.manual_seed(steps)
    short = {
        p: names["train"](names["ToyModel"](24, 5, 2), p, 0.9 ** torch.arange(5), steps=steps)
        for p in claims.LOSSES
    }
    exercise = by_id()["claim_geometry"]
    cases = draw(exercise, 0)
    result = play.judged(exercise, (short,), cases, 20)
    assert not result.passed and result.mistake != "other_density"


RUN = """
def run(p, seed, steps=1000):
    torch.manual_seed(seed)
    model = ToyModel(8, 5, 2)
    train(model, p, importance, steps=steps)
    losses = held_out_loss(model, p, importance)
    best = int(best_of(losses, 8)[0])
    norms, counts = feature_statistics(model.W.detach())
    return {"loss": float(losses[best]), "count": int(counts[best])}
"""
SAE = """
class SparseAutoencoder(SparseAutoencoder):
    def forward(self, h):
        latents = torch.relu(h @ self.W_enc + self.b_enc)
        return latents, latents @ (self.W_dec / self.W_dec.norm(dim=1, keepdim=True))

def sae_loss(h_hat, h, latents, l1):
    return (((h_hat - h) ** 2).sum(dim=1) + l1 * latents.sum(dim=1)).mean()
"""


@pytest.mark.parametrize(
    ("name", "source", "old", "new", "told"),
    [
        (
            "run_experiment",
            RUN,
            "    losses",
            "    train(model, p, importance, steps=steps)\n    losses",
            "2 times",
        ),
        ("run_experiment", RUN, "float(losses[best])", "'low'", "should be numbers"),
        ("run_experiment", RUN, "float(losses[best])", "float('nan')", "a loss of nan"),
        (
            "run_experiment",
            RUN,
            "float(losses[best])",
            "2 * float(losses[best])",
            "lowest is asked",
        ),
        ("run_experiment", RUN, "int(counts[best])", "int(counts.min())", "columns longer than"),
        ("sparse_autoencoder", SAE, ".mean()", "", "Expected: one number"),
        ("sparse_autoencoder", SAE, ".mean()", ".mean().item()", "no gradient comes back"),
        ("sparse_autoencoder", SAE, "(h_hat - h)", "(h_hat.detach() - h)", "back to `h_hat`"),
        ("sparse_autoencoder", SAE, "torch.relu(h", "torch.relu(h.detach()", ""),
        ("sparse_autoencoder", SAE, "self.W_enc +", "self.W_enc.detach() +", "back to `W_enc`"),
        ("sparse_autoencoder", SAE, "return latents,", "return latents.T,", "Expected: (7, 9)"),
        ("sparse_autoencoder", SAE, "2).sum", "3).sum", "What differs is `loss`"),
    ],
)
def test_what_else_is_wrong_is_put_into_words(
    name: str, source: str, old: str, new: str, told: str
) -> None:
    exercise, names = by_id()[name], dict(play.solved(by_id()[name]))
    assert old in source
    play.run(source, names, name)
    assert play.verdict(exercise, names, 3).passed
    names = dict(play.solved(exercise))
    play.run(source.replace(old, new, 1), names, name)
    result = play.verdict(exercise, names, 3)
    assert result.passed is not bool(told), result  # h itself is data: no gradient is owed to it
    assert told in result.message


def test_what_is_said_about_ablations_holds_at_every_density_measured() -> None:
    noticed = by_id()["ablation"].keep({}, "a text", "2026-11-01T10:00:00+00:00").message
    for claim in ("less fits in", "the count is often lower"):
        assert claim not in noticed
    for claim in ("loss rises at every density", "at some densities more", "lower or higher"):
        assert claim in noticed
    table = MEASURED["ablations"]
    densities = [str(p) for p in claims.LOSSES]
    change = {}
    for p in densities:
        as_it_is, no_bias = table["as it is"][p], table["no bias"][p]
        assert no_bias["loss"][0] > as_it_is["loss"][1]
        change[p] = _mean(no_bias["best of 8"]) - _mean(as_it_is["best of 8"])
    more = {p for p in densities if change[p] > 0.2}
    fewer = {p for p in densities if change[p] < -0.2}
    assert more and fewer  # the count rises at some densities, and falls at others
    assert any(len(table["no bias"][p]["best of 8"]) > 1 for p in more | fewer)  # and by the seed
    single = {p: table["as it is"][p]["single starts"] for p in densities}
    usual = {p: _mean(table["as it is"][p]["best of 8"]) for p in densities}
    assert any(int(k) < usual[p] - 0.5 for p in densities for k in single[p])
    assert any(int(k) > usual[p] + 0.5 for p in densities for k in single[p])


def _mean(how_often: dict[str, int]) -> float:
    """The mean of the counts in a table from a count to how often it came up."""
    return sum(int(k) * n for k, n in how_often.items()) / sum(how_often.values())
