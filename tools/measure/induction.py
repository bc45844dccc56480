"""One and two layers of attention on sequences that repeat, over many seeds.

``python -m tools.measure.induction`` trains them again, in about ten minutes, and writes
`autograder/data/induction.json`. The margins of 09's checks and its claims come from it.
"""

from __future__ import annotations

import datetime
import json
import time
from typing import Any

from autograder.data.tables import FOLDER

TABLE = FOLDER / "induction.json"
VOCABULARY, CONTEXT, WIDTH, HEADS, BATCH, RATE = 64, 32, 64, 2, 32, 5e-3
STEPS, LOW, HIGH = 300, 4, 16  # for training with a new period for each sequence
FIXED, FIXED_STEPS = 8, 150  # for training with one period for all sequences
SEEDS, FIXED_SEEDS = 24, 10
PERIODS = tuple(range(2, 25))
SEQUENCES = 256  # to measure on


def measure() -> dict[str, Any]:
    """Train and measure all models, one after another, on one thread."""
    import torch

    torch.set_num_threads(1)
    rows = []
    for seed in range(SEEDS):
        for layers in (1, 2):
            rows.append(_measured(layers, LOW, HIGH, STEPS, seed))
            print(rows[-1], flush=True)
    fixed = []
    for seed in range(FIXED_SEEDS):
        for layers in (1, 2):
            fixed.append(_measured(layers, FIXED, FIXED, FIXED_STEPS, seed))
            print(fixed[-1], flush=True)
    return {
        "machine": "2 CPU cores, one thread",
        "date": datetime.date.today().isoformat(),
        "setting": {
            "vocabulary": VOCABULARY,
            "context": CONTEXT,
            "width": WIDTH,
            "heads": HEADS,
            "batch": BATCH,
            "rate": RATE,
            "steps": STEPS,
            "periods": [LOW, HIGH],
            "fixed period": FIXED,
            "fixed steps": FIXED_STEPS,
        },
        "models": rows,
        "fixed": fixed,
    }


def _measured(layers: int, low: int, high: int, steps: int, seed: int) -> dict[str, Any]:
    """Train one model and measure it."""
    import torch

    torch.manual_seed(seed)
    model = attention_only(layers)
    began = time.process_time()
    curve = _train(model, low, high, steps)
    seconds = time.process_time() - began
    draws = torch.Generator().manual_seed(1000 + seed)
    idx, periods = sequences(SEQUENCES, low, high, draws)
    with torch.no_grad():
        logits, patterns = model(idx)
        alone = {f"{m} {h}": _without(model, idx, periods, [(m, h)]) for m, h in _heads(layers)}
        previous = [previous_token(p).tolist() for p in patterns]
        induction = [follows_match(p, idx).tolist() for p in patterns]
        looking = [(0, h) for h, score in enumerate(previous[0]) if score >= 0.2]
        others = [(0, h) for h in range(HEADS) if (0, h) not in looking]
        by_period = {}
        for period in PERIODS:
            some, p = sequences(64, period, period, draws)
            by_period[period] = round(repeat_accuracy(model(some)[0], some, p), 3)
        row = {
            "layers": layers,
            "seed": seed,
            "accuracy": round(repeat_accuracy(logits, idx, periods), 4),
            "previous": [[round(s, 3) for s in scores] for scores in previous],
            "induction": [[round(s, 3) for s in scores] for scores in induction],
            "without": {name: round(value, 3) for name, value in alone.items()},
            "without previous": round(_without(model, idx, periods, looking), 3),
            "without others": round(_without(model, idx, periods, others), 3),
            "without last layer": round(
                _without(model, idx, periods, [(layers - 1, h) for h in range(HEADS)]), 3
            ),
            "by period": by_period,
            "half at step": next((step for step, a in curve if a >= 0.5), None),
            "curve": {step: round(a, 3) for step, a in curve if step % 20 == 0},
            "seconds": round(seconds, 1),
        }
    return row


def _heads(layers: int) -> list[tuple[int, int]]:
    return [(m, h) for m in range(layers) for h in range(HEADS)]


def sequences(count: int, low: int, high: int, draws: Any = None) -> tuple[Any, Any]:
    """(count, CONTEXT) ids that repeat with a period from low to high, and the periods (count)."""
    import torch

    periods = torch.randint(low, high + 1, (count,), generator=draws)
    first = torch.randint(VOCABULARY, (count, CONTEXT), generator=draws)
    return first.gather(1, torch.arange(CONTEXT) % periods[:, None]), periods


def repeat_accuracy(logits: Any, idx: Any, periods: Any) -> float:
    """The share of right predictions of the next id, at positions from the period on."""
    right = total = 0
    guesses = logits.argmax(-1)
    for row, period in enumerate(periods.tolist()):
        right += int((guesses[row, period:-1] == idx[row, period + 1 :]).sum())
        total += idx.shape[1] - 1 - period
    return right / total


def previous_token(pattern: Any) -> Any:
    """Each head's mean weight on the previous position: (B, H, T, T) -> (H)."""
    return pattern.diagonal(-1, -2, -1).mean((0, 2))


def follows_match(pattern: Any, idx: Any) -> Any:
    """Each head's mean weight on positions just after the same id: (B, H, T, T), (B, T) -> (H)."""
    import torch

    before = torch.nn.functional.pad(idx[:, :-1], (1, 0), value=-1)
    match = (idx[:, :, None] == before[:, None, :]).tril()
    rows = match.any(-1)
    weight = (pattern * match[:, None]).sum(-1)  # (B, H, T)
    return (weight * rows[:, None]).sum((0, 2)) / rows.sum()


def _without(model: Any, idx: Any, periods: Any, heads: list[tuple[int, int]]) -> float:
    import torch

    keep = torch.ones(len(model.layers), HEADS)
    for layer, head in heads:
        keep[layer, head] = 0
    return repeat_accuracy(model(idx, keep)[0], idx, periods)


def _train(model: Any, low: int, high: int, steps: int) -> list[tuple[int, float]]:
    import torch
    from torch.nn import functional

    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE)
    idx, periods = sequences(64, low, high, torch.Generator().manual_seed(7))
    curve = []
    for step in range(1, steps + 1):
        batch, _ = sequences(BATCH, low, high)
        logits, _ = model(batch)
        loss = functional.cross_entropy(logits[:, :-1].flatten(0, 1), batch[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 10 == 0:
            with torch.no_grad():
                curve.append((step, repeat_accuracy(model(idx)[0], idx, periods)))
    return curve


def attention_only(layers: int) -> Any:
    """An attention-only model of the sizes above; calling it returns logits and patterns."""
    import torch
    from torch import nn
    from torch.nn import functional

    def unit(x: Any) -> Any:
        return functional.rms_norm(x, (x.shape[-1],))

    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.query, self.key, self.value, self.out = (
                nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(4)
            )

        def forward(self, x: Any, keep: Any) -> Any:
            shape = (*x.shape[:2], HEADS, WIDTH // HEADS)
            q, k, v = (
                part(x).view(shape).transpose(1, 2) for part in (self.query, self.key, self.value)
            )
            scores = q @ k.mT / shape[-1] ** 0.5
            future = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
            pattern = scores.masked_fill(future, -torch.inf).softmax(-1)
            mixed = pattern @ v
            if keep is not None:
                mixed = mixed * keep[:, None, None]
            return self.out(mixed.transpose(1, 2).flatten(2)), pattern

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.token = nn.Embedding(VOCABULARY, WIDTH)
            self.place = nn.Embedding(CONTEXT, WIDTH)
            self.layers = nn.ModuleList(Attention() for _ in range(layers))
            self.scores = nn.Linear(WIDTH, VOCABULARY, bias=False)
            for table in (self.token, self.place):
                nn.init.normal_(table.weight, std=0.5)  # torch's default is 1

        def forward(self, idx: Any, keep: Any = None) -> Any:
            x = self.token(idx) + self.place(torch.arange(idx.shape[1]))
            patterns = []
            for at, layer in enumerate(self.layers):
                out, pattern = layer(unit(x), None if keep is None else keep[at])
                x = x + out
                patterns.append(pattern)
            return self.scores(unit(x)), patterns

    return Model()


if __name__ == "__main__":
    table = measure()
    TABLE.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
