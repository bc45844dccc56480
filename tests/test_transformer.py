"""06: its references agree with torch, and what its text says of the trained model is so."""

from __future__ import annotations

import numpy as np
import play
import torch
from torch.nn import functional

from autograder.core.judge import draw
from autograder.data.attention import FILE, all_sentences, load_attention
from autograder.exercises import by_id
from autograder.exercises.m06_illustrated_transformer.attention import attend
from autograder.exercises.m06_illustrated_transformer.stream import _block

SENTENCE = "the animal did not cross the street because it was too tired"
ASTRAY = "the dog did not reach the river as it was too wide"
TIRED = SENTENCE.split()
SEEDS = range(3)


def test_the_look_up_is_that_of_torch() -> None:
    for seed in SEEDS:
        for case in draw(by_id()["scaled_dot_product_attention"], seed):
            q, k, v, *mask = (torch.tensor(array) for array in case["args"])
            q, k, v = q.double(), k.double(), v.double()
            given = {"attn_mask": mask[0]} if mask else {}
            eye = torch.eye(k.shape[-2], dtype=torch.float64).expand(*k.shape[:-1], -1)
            out, weights = attend(*case["args"])
            for ours, values in ((out, v), (weights, eye)):
                theirs = functional.scaled_dot_product_attention(q, k, values, **given)
                np.testing.assert_allclose(ours, theirs.nan_to_num(0.0), rtol=1e-6, atol=1e-9)


def test_the_norm_is_that_of_torch() -> None:
    exercise = by_id()["layer_norm"]
    for seed in SEEDS:
        for case in draw(exercise, seed):
            x, gamma, beta, *eps = case["args"]
            x, gamma, beta = (torch.tensor(array).double() for array in (x, gamma, beta))
            theirs = functional.layer_norm(x, gamma.shape, gamma, beta, *eps)
            np.testing.assert_allclose(exercise.reference(case), theirs, rtol=1e-8, atol=1e-10)


def test_the_block_is_that_of_torch() -> None:
    for seed in SEEDS:
        for case in draw(by_id()["transformer_block"], seed):
            x, params, heads = case["args"]
            p = {name: torch.tensor(array) for name, array in params.items()}
            layer = torch.nn.TransformerEncoderLayer(
                x.shape[-1], heads, len(p["b1"]), 0.0, batch_first=True, norm_first=True
            ).double()
            attention = layer.self_attn
            for theirs, ours in (
                (attention.in_proj_weight, torch.cat([p[f"W_{n}"].T for n in "qkv"])),
                (attention.in_proj_bias, torch.zeros(3 * x.shape[-1])),
                (attention.out_proj.weight, p["W_o"].T),
                (attention.out_proj.bias, torch.zeros(x.shape[-1])),
                (layer.norm1.weight, p["gamma1"]),
                (layer.norm1.bias, p["beta1"]),
                (layer.norm2.weight, p["gamma2"]),
                (layer.norm2.bias, p["beta2"]),
                (layer.linear1.weight, p["W1"].T),
                (layer.linear1.bias, p["b1"]),
                (layer.linear2.weight, p["W2"].T),
                (layer.linear2.bias, p["b2"]),
            ):
                theirs.data.copy_(ours)
            with torch.no_grad():
                wanted = layer(torch.tensor(x)).numpy()
            np.testing.assert_allclose(_block(x, params, heads), wanted, rtol=1e-7, atol=1e-9)


def test_what_the_text_says_of_the_trained_model() -> None:
    run = play.namespace("06_illustrated_transformer")["run_model"]
    wide = [*TIRED[:-1], "wide"]
    (says, _), maps = run(TIRED)
    assert says == "animal"
    assert maps[1][8].argmax() == 1
    assert maps[0][8, 11] > 0.5
    assert max(block[8, place] for block in maps for place in (5, 6)) < 0.1
    (says, _), maps = run(wide)
    assert says == "street"
    assert maps[1][8].argmax() == 6  # predict_it
    assert maps[0][8, 11] < 0.1
    answers = {place: run(TIRED, hidden=[place])[0][0] for place in (1, 5, 6, 11)}
    assert answers[5] == answers[6] == "animal"
    assert answers[1] != "animal"
    assert answers[11] == "street"
    astray = ASTRAY.split()
    (says, _), maps = run(astray)
    assert says == "river"
    assert maps[1][8].argmax() == 9
    assert run(astray, hidden=[9])[0][0] == run(astray, hidden=[6])[0][0] == "river"


def test_the_trained_model_is_small_and_right() -> None:
    assert FILE.stat().st_size < 1_000_000
    facts = load_attention().facts
    assert len(all_sentences()) == facts["sentences"]
    assert all(run["accuracy"] == 1 for run in facts["seeds"])
    largest = [round(100 * run["largest"]) for run in facts["seeds"]]
    assert (min(largest), max(largest)) == (45, 76)  # as the text says
    run = play.namespace("06_illustrated_transformer")["run_model"]
    for words, meant in all_sentences()[::1013]:
        assert run(words)[0][0] == meant, words
