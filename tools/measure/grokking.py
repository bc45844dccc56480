"""What 10_grokking says about its recipe, on ten seeds, with and without weight decay.

``python -m tools.measure.grokking`` trains all models again (about fifteen minutes on one CPU
core) and writes `autograder/data/grokking.json`. Model, split and training are the notebook's;
every run has a fixed number of epochs. Sources: Power et al., 2022 (the task), Nanda et
al., 2023 (Fourier shares, sections 4 and 5).
"""

from __future__ import annotations

import datetime
import json
import time
from typing import Any

import numpy as np

from autograder.data.tables import FOLDER

TABLE = FOLDER / "grokking.json"
P, WIDTH, HEADS, HIDDEN, KNOWN = 59, 48, 4, 128, 0.4
RATE, BETAS, DECAY, EVERY = 0.01, (0.9, 0.98), 1.0, 20
EPOCHS, EARLY, TOP, DRAWS = 2000, 160, 5, 10
SEEDS, OTHER_SEEDS, LONG_SEEDS = range(10), range(3), range(3)
OTHERS = {"rate 0.003": {"rate": 0.003}, "begins at half the size": {"begin": 0.5}}
OTHER_EPOCHS, LONG_EPOCHS = 1500, 6000


def one_run(
    seed: int, decay: float, epochs: int, rate: float = RATE, begin: float = 1.0
) -> dict[str, Any]:
    """Train one model as the notebook does, and measure it; its initial weights are scaled by
    `begin`."""
    import torch
    from torch.nn import functional

    torch.manual_seed(seed)
    a, b = (part.flatten() for part in torch.meshgrid(*[torch.arange(P)] * 2, indexing="ij"))
    tokens, answers = torch.stack([a, b, torch.full_like(a, P)], 1), (a + b) % P
    order = torch.randperm(P * P)
    known, other = order[: round(KNOWN * P * P)], order[round(KNOWN * P * P) :]
    model = _model()
    with torch.no_grad():
        for w in model.parameters():
            w.mul_(begin)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=BETAS, weight_decay=decay)
    began = time.process_time()
    kept = []
    for epoch in range(epochs + 1):
        if epoch % EVERY == 0:
            with torch.no_grad():
                hits = model(tokens).argmax(1) == answers
            scores = [round(hits[part].float().mean().item(), 4) for part in (known, other)]
            rows = model.W_E[:P].detach().numpy()
            squares = sum(float((w.detach() ** 2).sum()) for w in model.parameters())
            kept.append([epoch, *scores, round(share(rows), 4), round(squares, 1)])
        if epoch < epochs:
            loss = functional.cross_entropy(model(tokens[known]), answers[known])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    seconds = time.process_time() - began
    return {
        "seed": seed,
        **_told(kept),
        **cuts(model, tokens[other], answers[other]),
        "seconds": round(seconds, 1),
    }


def _told(kept: list[list[float]]) -> dict[str, Any]:
    """What is kept of a run's records: epoch, train, test, share, squares."""
    known = next((row for row in kept if row[1] >= 0.99), None)
    half = next((row for row in kept if row[2] >= 0.5), None)
    found = next((row[0] for row in kept if row[2] >= 0.95), None)
    early = next(row for row in kept if row[0] == EARLY)
    return {
        "train_99": known and known[0],
        "test_95": found,
        "test_99": next((row[0] for row in kept if row[2] >= 0.99), None),
        "epochs": kept[-1][0],
        "train": kept[-1][1],
        "test": kept[-1][2],
        "train_lowest_after_99": known and min(row[1] for row in kept if row[0] >= known[0]),
        "test_at_train_99": known and known[2],
        "test_early": early[2],
        "test_lowest_after_95": found and min(row[2] for row in kept if row[0] >= found),
        "share": kept[-1][3],
        "share_at_train_99": known and known[3],
        "share_when_test_50": half and half[3],
        "squares_at_train_99": known and known[4],
        "squares_at_most": max(row[4] for row in kept),
        "squares": kept[-1][4],
    }


def cuts(model: Any, tokens: Any, answers: Any) -> dict[str, Any]:
    """The accuracy on these pairs with parts of the embedding taken out.

    The parts are the strongest frequencies, and all others. The controls remove the same energy as
    either of them, in random directions (the mean of DRAWS draws).
    """
    import torch

    rows = model.W_E[:P].detach().clone().numpy()

    def accuracy(table: np.ndarray) -> float:
        with torch.no_grad():
            model.W_E[:P] = torch.tensor(table, dtype=torch.float32)
            hits = model(tokens).argmax(1) == answers
            model.W_E[:P] = torch.tensor(rows)
        return hits.float().mean().item()

    waves = np.fft.rfft(rows, axis=0)
    key = 1 + np.argsort((np.abs(waves) ** 2).sum(1)[1:])[::-1][:TOP]
    part = np.fft.irfft(waves * np.isin(np.arange(len(waves)), key)[:, None], n=P, axis=0)
    energy, of_key = float(((rows - rows.mean(0)) ** 2).sum()), float((part**2).sum())
    at_random = [
        np.mean([accuracy(cut_at_random(rows, much, draw)) for draw in range(DRAWS)])
        for much in (of_key, energy - of_key)
    ]
    return {
        "key": sorted(int(k) for k in key),
        "test_only_top": round(accuracy(rows.mean(0) + part), 4),
        "test_without_top": round(accuracy(rows - part), 4),
        "test_random_as_top": round(float(at_random[0]), 4),
        "test_random_as_others": round(float(at_random[1]), 4),
    }


def cut_at_random(rows: np.ndarray, energy: float, seed: int) -> np.ndarray:
    """The rows with random directions taken out of their columns until `energy` is gone.

    The directions are perpendicular to each other and to the constant. Of the last one, only the
    remaining energy is taken out.
    """
    draws = np.random.default_rng(seed).normal(size=(len(rows), len(rows) - 1))
    directions = np.linalg.qr(draws - draws.mean(0))[0]
    left = rows.astype(float)
    for direction in directions.T:
        part = np.outer(direction, direction @ left)
        taken = min(energy, float((part**2).sum()))
        left = left - (1 - (1 - taken / float((part**2).sum())) ** 0.5) * part
        energy -= taken
    return left


def share(rows: np.ndarray) -> float:
    """The share of the energy of rows (P, width), without the constant, in the top frequencies."""
    energy = (np.abs(np.fft.rfft(rows, axis=0)) ** 2).sum(1)[1:]
    return float(np.sort(energy)[::-1][:TOP].sum() / energy.sum())


def _model() -> Any:
    import torch
    from torch import nn
    from torch.nn import functional

    def weights(rows: int, columns: int) -> Any:
        return nn.Parameter(torch.randn(rows, columns) / WIDTH**0.5)

    class OneLayer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.W_E, self.W_pos = weights(P + 1, WIDTH), weights(3, WIDTH)
            self.W_q, self.W_k = weights(WIDTH, WIDTH), weights(WIDTH, WIDTH)
            self.W_v, self.W_o = weights(WIDTH, WIDTH), weights(WIDTH, WIDTH)
            self.W_in, self.b_in = weights(WIDTH, HIDDEN), nn.Parameter(torch.zeros(HIDDEN))
            self.W_out, self.W_U = weights(HIDDEN, WIDTH), weights(WIDTH, P)

        def forward(self, tokens: Any) -> Any:
            rows, size = len(tokens), WIDTH // HEADS
            x = self.W_E[tokens] + self.W_pos
            last = x[:, -1]
            q = (last @ self.W_q).view(rows, 1, HEADS, size)
            k = (x @ self.W_k).view(rows, 3, HEADS, size)
            v = (x @ self.W_v).view(rows, 3, HEADS, size)
            attention = ((q * k).sum(-1) / size**0.5).softmax(1)
            heard = (attention[..., None] * v).sum(1).reshape(rows, WIDTH)
            stream = last + heard @ self.W_o
            thought = functional.relu(stream @ self.W_in + self.b_in)
            return (stream + thought @ self.W_out) @ self.W_U

    return OneLayer()


def measure() -> dict[str, Any]:
    """All runs, one after another."""
    import torch

    torch.set_num_threads(1)
    found: dict[str, Any] = {
        "machine": "2 CPU cores, one thread",
        "date": datetime.date.today().isoformat(),
        "setting": {
            "p": P,
            "width": WIDTH,
            "heads": HEADS,
            "hidden": HIDDEN,
            "known": KNOWN,
            "rate": RATE,
            "decay": DECAY,
            "epochs": EPOCHS,
            "early": EARLY,
            "other_epochs": OTHER_EPOCHS,
            "long_epochs": LONG_EPOCHS,
            "top": TOP,
            "draws": DRAWS,
        },
    }
    plans: dict[str, tuple[range, dict[str, Any]]] = {
        "grokked": (SEEDS, {"decay": DECAY, "epochs": EPOCHS}),
        "memorised": (SEEDS, {"decay": 0.0, "epochs": EPOCHS}),
        "memorised_longer": (LONG_SEEDS, {"decay": 0.0, "epochs": LONG_EPOCHS}),
    }
    for name, (seeds, how) in plans.items():
        found[name] = []
        for seed in seeds:
            found[name].append(one_run(seed, **how))
            print(name, found[name][-1], flush=True)
    found["others"] = {
        name: [one_run(seed, DECAY, OTHER_EPOCHS, **how) for seed in OTHER_SEEDS]
        for name, how in OTHERS.items()
    }
    print(found["others"], flush=True)
    return found


if __name__ == "__main__":
    table = measure()
    TABLE.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
