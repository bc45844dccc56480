"""Train the small transformer of `autograder/data/attention.py`, which says what "it" stands for.

``python -m tools.measure.attention`` trains it with several seeds, keeps the first, and writes
`autograder/data/attention.npz`.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from autograder.data.attention import (
    D_HIDDEN,
    D_MODEL,
    FILE,
    NUM_BLOCKS,
    NUM_HEADS,
    WORDS,
    all_sentences,
    encode,
)

STEPS, BATCH, SEEDS = 1200, 64, 3


def train(seed: int, steps: int = STEPS) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """One training run: the weights, and what was measured on held-out sentences."""
    import torch
    from torch.nn import functional

    generator = torch.Generator().manual_seed(seed)
    weights = {
        name: (torch.randn(shape, generator=generator) * scale + start).requires_grad_()
        for name, shape, scale, start in _shapes()
    }
    ids = torch.tensor([encode(words) for words, _ in all_sentences()])  # all of the same length
    meant = torch.tensor([WORDS.index(word) for _, word in all_sentences()])
    held_out = torch.rand(len(ids), generator=torch.Generator().manual_seed(0)) < 0.2
    seen, right_words = ids[~held_out], meant[~held_out]
    turns = torch.arange(ids.shape[1])[:, None] / 10000 ** (torch.arange(0, D_MODEL, 2) / D_MODEL)
    places = torch.stack([turns.sin(), turns.cos()], dim=-1).reshape(-1, D_MODEL)  # interleaved
    optimizer = torch.optim.AdamW(weights.values(), lr=3e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for _ in range(steps):
        pick = torch.randint(len(seen), (BATCH,), generator=generator)
        scores, _ = _forward(weights, seen[pick], places)
        loss = functional.cross_entropy(scores, right_words[pick])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    ids, meant = ids[held_out], meant[held_out]
    with torch.no_grad():
        scores, maps = _forward(weights, ids, places)
    rows = torch.arange(len(ids))
    at = (ids == WORDS.index("it")).int().argmax(1)
    where = (ids == meant[:, None]).int().argmax(1)
    on_it = [map_[rows, :, at, where].mean().item() for map_ in maps]
    best = (maps[-1][rows, 0, at].argmax(-1) == where).float().mean().item()
    measured = {
        "held_out": len(ids),
        "accuracy": round((scores.argmax(-1) == meant).float().mean().item(), 4),
        "weight_on_it": [round(share, 3) for share in on_it],  # by block: on the word that is meant
        "largest": round(best, 3),  # how often that is the largest weight of the last block
    }
    return {name: w.detach().numpy() for name, w in weights.items()}, measured


def _shapes() -> list[tuple[str, tuple[int, ...], float, float]]:
    c, h = D_MODEL, D_HIDDEN
    found: list[tuple[str, tuple[int, ...], float, float]] = [
        ("embedding", (len(WORDS), c), 0.5, 0.0)
    ]
    for i in range(NUM_BLOCKS):
        for name, shape, scale, start in (
            ("gamma1", (c,), 0.0, 1.0),
            ("beta1", (c,), 0.0, 0.0),
            *((f"W_{name}", (c, c), c**-0.5, 0.0) for name in "qkvo"),
            ("gamma2", (c,), 0.0, 1.0),
            ("beta2", (c,), 0.0, 0.0),
            ("W1", (c, h), c**-0.5, 0.0),
            ("b1", (h,), 0.0, 0.0),
            ("W2", (h, c), h**-0.5, 0.0),
            ("b2", (c,), 0.0, 0.0),
        ):
            found.append((f"block{i}.{name}", shape, scale, start))
    return [
        *found,
        ("gamma", (c,), 0.0, 1.0),
        ("beta", (c,), 0.0, 0.0),
        ("W_out", (c, len(WORDS)), c**-0.5, 0.0),
    ]


def _forward(weights: dict[str, Any], ids: Any, places: Any) -> tuple[Any, list[Any]]:
    """The scores at the word "it", and each block's attention map."""
    import torch
    from torch.nn.functional import layer_norm, relu

    B, T = ids.shape
    x = weights["embedding"][ids] + places
    maps = []
    for i in range(NUM_BLOCKS):
        p = {n.partition(".")[2]: w for n, w in weights.items() if n.startswith(f"block{i}.")}
        h = layer_norm(x, (D_MODEL,), p["gamma1"], p["beta1"])
        q, k, v = ((h @ p[f"W_{n}"]).reshape(B, T, NUM_HEADS, -1).transpose(1, 2) for n in "qkv")
        map_ = (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(-1)
        maps.append(map_)
        x = x + (map_ @ v).transpose(1, 2).reshape(B, T, D_MODEL) @ p["W_o"]
        h = layer_norm(x, (D_MODEL,), p["gamma2"], p["beta2"])
        x = x + relu(h @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"]
    x = layer_norm(x, (D_MODEL,), weights["gamma"], weights["beta"])
    at = (ids == WORDS.index("it")).int().argmax(1)
    return x[torch.arange(B), at] @ weights["W_out"], maps


def main() -> None:
    """Train with several seeds, print how each one did, and keep the first."""
    import datetime
    import time

    import torch

    torch.set_num_threads(1)  # arrays this small are slower on two
    started = time.perf_counter()
    runs = [train(seed) for seed in range(SEEDS)]
    for seed, (_, measured) in enumerate(runs):
        print(seed, measured)
    facts = {
        "date": datetime.date.today().isoformat(),
        "machine": "2 CPU cores",
        "seconds": round((time.perf_counter() - started) / SEEDS, 1),
        "steps": STEPS,
        "sentences": len(all_sentences()),
        "seeds": [measured for _, measured in runs],
    }
    arrays = {name: w.astype(np.float32) for name, w in runs[0][0].items()}
    # numpy's types take any of these names for `allow_pickle`.
    np.savez_compressed(FILE, facts=np.array(json.dumps(facts)), **arrays)  # type: ignore[arg-type]
    print(f"{FILE.name}: {FILE.stat().st_size / 1000:.0f} kB, {facts['seconds']} s a run")


if __name__ == "__main__":
    main()
