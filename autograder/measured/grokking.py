"""What 10_grokking says of its recipe, on ten seeds: with weight decay and without.

``python -m autograder.measured.grokking`` trains all models again (about ten minutes on one CPU
core) and writes ``grokking.json``. Model, split and training are those of the notebook. Sources:
Power et al., 2022 (the task), Nanda et al., 2023 (Fourier shares, sections 4 and 5).
"""

from __future__ import annotations

import datetime
import functools
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

TABLE = Path(__file__).with_suffix(".json")
P, WIDTH, HEADS, HIDDEN, KNOWN = 59, 48, 4, 128, 0.4
RATE, BETAS, DECAY, EVERY = 0.01, (0.9, 0.98), 1.0, 20
LONGEST, ENOUGH, CONTROL, TOP = 3000, 0.99, 1000, 5
SEEDS, OTHER_SEEDS = range(10), range(3)
OTHERS = {"rate 0.003": {"rate": 0.003}, "begins at half the size": {"begin": 0.5}}
OTHER_LONGEST = 1500


@functools.cache
def grokking_table() -> dict[str, Any]:
    """The measured runs: `grokked` with weight decay, `memorised` without, and the setting.

    `others` are two other recipes with weight decay, on three seeds each.
    """
    return json.loads(TABLE.read_text(encoding="utf-8"))


def one_run(
    seed: int,
    decay: float,
    epochs: int,
    enough: float | None = None,
    rate: float = RATE,
    begin: float = 1.0,
) -> dict[str, Any]:
    """Train one model as the notebook does, and measure it; its weights begin `begin` times as
    large."""
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
            if enough is not None and scores[1] >= enough:
                break
        loss = functional.cross_entropy(model(tokens[known]), answers[known])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    seconds = time.process_time() - began

    rows = model.W_E[:P].detach().clone().numpy()
    waves = np.fft.rfft(rows, axis=0)
    key = 1 + np.argsort((np.abs(waves) ** 2).sum(1)[1:])[::-1][:TOP]
    part = np.fft.irfft(waves * np.isin(np.arange(len(waves)), key)[:, None], n=P, axis=0)
    changed = []
    for table in (rows.mean(0) + part, rows - part):
        with torch.no_grad():
            model.W_E[:P] = torch.tensor(table, dtype=torch.float32)
            hits = model(tokens).argmax(1) == answers
        changed.append(round(hits[other].float().mean().item(), 4))
    return {
        "seed": seed,
        "train_99": next((e for e, train, *_ in kept if train >= 0.99), None),
        "test_95": next((e for e, _, test, *_ in kept if test >= 0.95), None),
        "test_99": next((e for e, _, test, *_ in kept if test >= 0.99), None),
        "epochs": kept[-1][0],
        "train": kept[-1][1],
        "test": kept[-1][2],
        "share": kept[-1][3],
        "squares_at_most": max(row[4] for row in kept),
        "squares": kept[-1][4],
        "share_at_train_99": next((row[3] for row in kept if row[1] >= 0.99), None),
        "share_when_test_50": next((row[3] for row in kept if row[2] >= 0.5), None),
        "test_only_top": changed[0],
        "test_without_top": changed[1],
        "key": sorted(int(k) for k in key),
        "seconds": round(seconds, 1),
    }


def share(rows: np.ndarray) -> float:
    """The share of the energy of rows (P, width), constant left out, in the top frequencies."""
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
            "longest": LONGEST,
            "enough": ENOUGH,
            "control_epochs": CONTROL,
            "other_longest": OTHER_LONGEST,
            "top": TOP,
        },
        "grokked": [],
        "memorised": [],
    }
    for seed in SEEDS:
        found["grokked"].append(one_run(seed, DECAY, LONGEST, ENOUGH))
        print(found["grokked"][-1], flush=True)
    for seed in SEEDS:
        found["memorised"].append(one_run(seed, 0.0, CONTROL))
        print(found["memorised"][-1], flush=True)
    found["others"] = {
        name: [one_run(seed, DECAY, OTHER_LONGEST, ENOUGH, **how) for seed in OTHER_SEEDS]
        for name, how in OTHERS.items()
    }
    print(found["others"], flush=True)
    return found


if __name__ == "__main__":
    table = measure()
    TABLE.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
