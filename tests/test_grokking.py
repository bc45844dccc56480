"""10: its references agree with independent sources, and what its text says of runs is so."""

from __future__ import annotations

import math

import numpy as np
import play
import pytest
import torch
from torch.nn import functional

from autograder import course
from autograder.core.judge import draw
from autograder.data import grokking_table
from autograder.exercises import by_id, observed
from autograder.exercises.m10_grokking import fourier, training
from autograder.exercises.m10_grokking.data import pairs
from autograder.exercises.m10_grokking.model import logits_of
from tools.measure import grokking as measured

SEEDS = range(3)
CLAIMS = ("claim_control", "claim_grokking", "key_frequencies")


def test_the_model_is_that_of_torch() -> None:
    """Its attention, at the last place, is torch's own; so is the rest, layer by layer."""
    exercise = by_id()["one_layer_model"]
    names = play.solved(exercise)
    for seed in SEEDS:
        for case in draw(exercise, seed):
            seen = observed(exercise, (names["OneLayer"],), [case], 9)[0]
            w = {k: torch.tensor(v).double() for k, v in seen.value["weights"].items()}
            width, heads = case["setting"]["width"], case["setting"]["heads"]
            layer = torch.nn.MultiheadAttention(width, heads, bias=False, batch_first=True).double()
            with torch.no_grad():
                layer.in_proj_weight.copy_(torch.cat([w[f"W_{n}"].T for n in "qkv"]))
                layer.out_proj.weight.copy_(w["W_o"].T)
                x = w["W_E"][torch.tensor(case["tokens"])] + w["W_pos"]
                stream = x[:, -1] + layer(x[:, -1:], x, x)[0][:, 0]
                thought = functional.relu(functional.linear(stream, w["W_in"].T, w["b_in"]))
                theirs = (stream + thought @ w["W_out"]) @ w["W_U"]
            np.testing.assert_allclose(logits_of(case, seen.value["weights"]), theirs, 1e-8, 1e-9)


@pytest.mark.parametrize("p", [3, 7, 11, 59])
def test_the_basis_is_orthonormal_and_its_energies_are_those_of_torch(p: int) -> None:
    B = fourier.basis(p)
    np.testing.assert_allclose(B @ B.T, np.eye(p), atol=1e-9)
    n = np.arange(p)
    for k in range(1, (p - 1) // 2 + 1):
        np.testing.assert_allclose(B[2 * k - 1], np.cos(2 * np.pi * k * n / p) * (2 / p) ** 0.5)
        np.testing.assert_allclose(
            B[2 * k], np.sin(2 * np.pi * k * n / p) * (2 / p) ** 0.5, atol=1e-12
        )
    W = np.random.default_rng(p).normal(size=(p, 4)) + 1
    squares = (B @ W) ** 2
    np.testing.assert_allclose(fourier.energies(W), squares[1::2].sum(1) + squares[2::2].sum(1))
    total = fourier.energies(W).sum() + p * (W.mean(0) ** 2).sum()
    assert math.isclose(total, (W**2).sum())
    ks = [1]
    np.testing.assert_allclose(fourier.kept(W, ks), B[1:3].T @ (B[1:3] @ W), atol=1e-9)


def test_the_rule_by_hand_adds() -> None:
    tokens, answers = pairs(13)
    a, b = tokens[:, 0], tokens[:, 1]
    for ks in ([1], [5, 2], [3, 4, 6]):
        logits = fourier.clock(a, b, ks, 13)
        assert (logits.argmax(1) == answers).all()
        angles = 2 * np.pi * np.multiply.outer((a + b)[:, None] - np.arange(13), ks) / 13
        np.testing.assert_allclose(logits, np.cos(angles).sum(-1), atol=1e-9)


def test_the_notebook_and_the_measured_runs_have_one_recipe() -> None:
    names = play.namespace("10_grokking", upto="full_batch")
    table = grokking_table()
    setting = table["setting"]
    assert [names[n] for n in ("p", "width", "heads", "hidden")] == [
        setting[n] for n in ("p", "width", "heads", "hidden")
    ]
    assert names["p"] == training.P
    assert len(names["train_set"]) == round(setting["known"] * training.P**2)
    torch.manual_seed(5)
    ours = measured._model()
    torch.manual_seed(5)
    theirs = names["OneLayer"]()
    for (name, a), (other, b) in zip(
        ours.named_parameters(), theirs.named_parameters(), strict=True
    ):
        assert name == other
        assert torch.equal(a, b), name
    assert torch.allclose(ours(names["tokens"]), theirs(names["tokens"]), atol=1e-5)
    source = play.solution(by_id()["full_batch"])
    assert f"lr={setting['rate']}, betas={measured.BETAS}" in source
    text = (course.module("10_grokking").source_path).read_text(encoding="utf-8")
    assert f"weight_decay={setting['decay']}, epochs={setting['epochs']})" in text
    assert f"weight_decay=0, epochs={setting['epochs']})" in text, "both have one budget"
    runs = table["grokked"] + table["memorised"]
    assert {run["epochs"] for run in runs} == {setting["epochs"]}, "none ended early"


def test_what_the_text_says_of_ten_seeds_is_so() -> None:
    table = grokking_table()
    found, control = table["grokked"], table["memorised"]
    assert len(found) == len(control) == 10
    assert all(run["test_95"] is not None for run in found), "all ten get there"
    assert all(run["test_95"] is None for run in control), "none of the controls does"
    reached = [run["test_95"] for run in found]
    assert 3.5 < max(reached) / min(reached) < 4.5, "a factor of four"
    assert all(run["train_99"] < 100 for run in found + control), "known before epoch 100"
    assert min(reached) > 3 * max(run["train_99"] for run in found), "long after"
    squares = [(run["squares"], run["squares_at_most"]) for run in found]
    assert all(end < 0.8 * most for end, most in squares), "rises, then sinks"
    assert all(run["squares"] > 0.99 * run["squares_at_most"] for run in control), (
        "grows to the end"
    )
    assert all(1.25 < run["squares"] / run["squares_at_train_99"] < 1.42 for run in control), (
        "grows by about a third"
    )
    assert all(0.01 < run["test"] - run["test_at_train_99"] < 0.12 for run in control), (
        "rises a little"
    )
    reached = {
        name: sum(run["test_95"] is not None for run in runs)
        for name, runs in table["others"].items()
    }
    assert min(reached.values()) < 3, "other recipes change the picture"
    assert max(run["share"] for run in control) < min(run["share_when_test_50"] for run in found)


def test_what_the_text_says_of_longer_memorising_is_so() -> None:
    """Three controls that went on: the weights grow, the test accuracy rises a little."""
    table = grokking_table()
    longer = table["memorised_longer"]
    assert len(longer) == 3
    assert {run["epochs"] for run in longer} == {3 * table["setting"]["epochs"]}
    for run, then in zip(longer, table["memorised"], strict=False):
        assert run["seed"] == then["seed"]
        assert run["squares"] > 1.15 * then["squares"], "the weights go on growing"
        assert -0.01 < run["test"] - then["test"] < 0.05, "a few points at most"


def test_what_the_text_says_of_the_cuts_is_so() -> None:
    """Equal energy at random: beside the large cut no difference, beside the small one a loss."""
    for run in grokking_table()["grokked"]:
        assert run["test_without_top"] < 0.03
        assert run["test_random_as_top"] < 0.03
        assert run["test_only_top"] > run["test_random_as_others"] + 0.01
        assert run["test_only_top"] > 0.98


def test_a_random_cut_takes_the_energy_that_it_is_told() -> None:
    names = {"torch": torch, "p": training.P}
    sources = [source for _, source in play.cells("10_grokking") if "def cut_at_random" in source]
    play.run(sources[0], names, "setup")
    cut = names["cut_at_random"]
    generator = torch.Generator().manual_seed(1)
    W = torch.randn(training.P, 7, generator=generator) + 2
    for share in (0.03, 0.5, 0.96):
        energy = ((W - W.mean(0)) ** 2).sum()
        left = cut(W, share * energy)
        torch.testing.assert_close(left.mean(0), W.mean(0))
        found = ((left - left.mean(0)) ** 2).sum() / energy
        torch.testing.assert_close(found, torch.tensor(1 - share), rtol=1e-3, atol=1e-3)
        theirs = measured.cut_at_random(W.numpy(), float(share * energy), 1)
        centred = theirs - theirs.mean(0)
        assert math.isclose((centred**2).sum() / float(energy), 1 - share, abs_tol=1e-3)


def test_what_the_text_says_of_epoch_160_is_so() -> None:
    table = grokking_table()
    text = (course.module("10_grokking").source_path).read_text(encoding="utf-8")
    assert table["setting"]["early"] == 160
    found, control = table["grokked"], table["memorised"]
    early = [[run["test_early"] for run in runs] for runs in (found, control)]
    for values in early:
        assert f"{100 * min(values):.0f}% to {max(values):.0%}" in text, values
    assert all(a > b for a, b in zip(*early, strict=True)), "each above its control"
    assert min(early[0]) > 3 / training.P, "well over chance"
    assert max(run["test_early"] for run in found) < 0.5, "most test pairs are wrong"


def test_thresholds_have_room() -> None:
    """Far enough from what ten seeds gave, on either side."""
    table = grokking_table()
    found, control = table["grokked"], table["memorised"]
    assert max(run["test_95"] for run in found) <= 0.7 * table["setting"]["epochs"]
    assert min(run["test"] for run in found) >= training.THE_RULE + 0.03
    assert max(run["test"] for run in control) <= training.NOT_THE_RULE - 0.1
    assert min(run["train"] for run in control) >= training.BY_HEART
    assert min(run["test_only_top"] for run in found) >= fourier.ONLY_KEY + 0.2
    assert max(run["test_without_top"] for run in found) <= fourier.WITHOUT_KEY - 0.2
    assert min(run["share"] for run in found) > 2 * max(run["share"] for run in control) - 0.05
    for run in found:  # the share moves before the test accuracy has
        assert run["share_at_train_99"] < run["share_when_test_50"] < run["share"]


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_takes_no_word_for_it(name: str) -> None:
    """A model that knows nothing does not pass, whatever split comes with it."""
    exercise = by_id()[name]
    blank = training.StandIn(0.0)
    given = {
        "memoriser": blank,
        "grokker": blank,
        "train_set": fourier.KNOWN_SET,
        "key": [1, 2, 3, 4, 6],
    }
    assert not play.verdict(exercise, given, 0).passed
