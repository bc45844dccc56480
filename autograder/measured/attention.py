"""A small transformer that this course trained: what does "it" stand for?

``python -m autograder.measured.attention`` trains it anew and writes `attention.npz` beside this
file; `load_attention()` reads that. The language is generated: sentences such as "the animal did
not cross the street because it was too tired", in which the last word alone says whether "it" is
the animal or the street. The model is asked at the word "it", and nowhere else, which of the words
is meant. It is the block of 06_illustrated_transformer, twice: pre-norm, relu, no dropout.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


def _words(text: str) -> list[str]:
    return text.split()


ANIMALS = _words(
    "animal dog cat horse fox bear hen goat duck robot mouse pig cow "
    "sheep wolf lion deer frog crow bee owl rat hare swan seal mule"
)
PLACES = _words(
    "street river bridge field road hill lake park yard path wall lane stream "
    "valley ditch canal marsh trail square forest beach garden rail tunnel moat bog"
)
TIRED = _words("tired hungry sleepy scared weak")
WIDE = _words("wide deep long muddy steep")
OTHERS = _words("the did not cross reach please because as it was too")
WORDS = OTHERS + ANIMALS + PLACES + TIRED + WIDE
TEMPLATES = (
    "the {animal} did not cross the {place} because it was too {last}",
    "the {animal} did not reach the {place} as it was too {last}",
    "the {place} did not please the {animal} because it was too {last}",
)
D_MODEL, D_HIDDEN, NUM_HEADS, NUM_BLOCKS = 32, 64, 1, 2
STEPS, BATCH, SEEDS = 1200, 64, 3
FILE = Path(__file__).with_suffix(".npz")


@dataclass(frozen=True)
class Trained:
    """The trained model: its words, its weights, and what was measured about it.

    `blocks` are dicts as `transformer_block` takes them; `embedding` has one row a word.
    """

    words: list[str]
    embedding: np.ndarray
    blocks: list[dict[str, np.ndarray]]
    last: dict[str, np.ndarray]  # the norm before the scores, and their weights
    num_heads: int
    facts: dict[str, Any]


def load_attention() -> Trained:
    """The model as it was trained; see `facts` for when, on what, and how well it does."""
    with np.load(FILE, allow_pickle=False) as stored:
        arrays = {name: stored[name].astype(float) for name in stored if name != "facts"}
        facts = json.loads(str(stored["facts"]))
    return Trained(
        words=list(WORDS),
        embedding=arrays["embedding"],
        blocks=[
            {
                name.partition(".")[2]: array
                for name, array in arrays.items()
                if name.startswith(f"block{i}.")
            }
            for i in range(NUM_BLOCKS)
        ],
        last={name: arrays[name] for name in ("gamma", "beta", "W_out")},
        num_heads=NUM_HEADS,
        facts=facts,
    )


def all_sentences() -> list[tuple[list[str], str]]:
    """Every sentence of the language as (its words, the word that "it" stands for)."""
    return [
        (template.format(animal=animal, place=place, last=last).split(), meant)
        for template in TEMPLATES
        for animal in ANIMALS
        for place in PLACES
        for lasts, meant in ((TIRED, animal), (WIDE, place))
        for last in lasts
    ]


def encode(sentence: list[str]) -> list[int]:
    """The numbers of a sentence's words."""
    return [WORDS.index(word) for word in sentence]


def train(seed: int, steps: int = STEPS) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """One training run: the weights, and what was measured on held-out sentences."""
    import torch
    from torch.nn import functional

    generator = torch.Generator().manual_seed(seed)
    weights = {
        name: (torch.randn(shape, generator=generator) * scale + start).requires_grad_()
        for name, shape, scale, start in _shapes()
    }
    ids = torch.tensor([encode(words) for words, _ in all_sentences()])  # all of one length
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
        "weight_on_it": [round(share, 3) for share in on_it],  # by block: on the word meant
        "largest": round(best, 3),  # how often that is the largest weight of the last block
    }
    return {name: w.detach().numpy() for name, w in weights.items()}, measured


def _shapes() -> list[tuple[str, tuple[int, ...], float, float]]:
    c, h = D_MODEL, D_HIDDEN
    found = [("embedding", (len(WORDS), c), 0.5, 0.0)]
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
    """Train with several seeds, say how each one did, and keep the first."""
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
    np.savez_compressed(FILE, facts=np.array(json.dumps(facts)), **arrays)
    print(f"{FILE.name}: {FILE.stat().st_size / 1000:.0f} kB, {facts['seconds']} s a run")


if __name__ == "__main__":
    main()
