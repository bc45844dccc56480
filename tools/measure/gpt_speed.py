"""What each change in 07_build_gpt's last section gains, at the same number of steps.

``python -m tools.measure.gpt_speed`` measures again (some minutes) and writes
`autograder/data/gpt_speed.json`. A run has width 96, 4 heads, 2 layers, 64 characters, 320 steps of
16 windows, AdamW with a peak learning rate of 0.008, and one thread; its loss is that on the whole
validation split.
"""

from __future__ import annotations

import datetime
import json
import time
from typing import Any

from autograder.data.tables import FOLDER

FILE = FOLDER / "gpt_speed.json"
WIDTH, HEADS, LAYERS, LENGTH, STEPS, BATCH, PEAK = 96, 4, 2, 64, 320, 16, 0.008
CHANGES = ("previous", "rotary", "squared", "lean")
ROWS = {
    "your GPT": (),
    "+ four characters back": ("previous",),
    "+ rotary positions, heads in one product": ("previous", "rotary"),
    "+ ReLU squared": ("previous", "rotary", "squared"),
    "+ plain norms, no biases, clipping": CHANGES,
}


def build(changes: tuple[str, ...], vocab_size: int) -> Any:
    """A GPT with some of the changes."""
    import torch
    import torch.nn as nn
    from torch.nn import functional as F

    lean = "lean" in changes
    size = WIDTH // HEADS
    angles = torch.arange(LENGTH)[:, None] * 10000 ** (-torch.arange(0, size, 2) / size)
    cos, sin = angles.cos(), angles.sin()
    future = torch.ones(LENGTH, LENGTH).triu(1).bool()

    def norm() -> Any:
        return nn.RMSNorm(WIDTH, elementwise_affine=False) if lean else nn.LayerNorm(WIDTH)

    def turn(x: Any) -> Any:
        a, b = x.chunk(2, -1)
        return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)

    class Head(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.q, self.k, self.v = (nn.Linear(WIDTH, size, bias=False) for _ in range(3))

        def forward(self, x: Any) -> Any:
            scores = self.q(x) @ self.k(x).transpose(-2, -1) * size**-0.5
            return scores.masked_fill(future, float("-inf")).softmax(-1) @ self.v(x)

    class Separate(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.heads = nn.ModuleList([Head() for _ in range(HEADS)])

        def forward(self, x: Any) -> Any:
            return torch.cat([head(x) for head in self.heads], -1)

    class Together(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.q, self.k, self.v = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(3))

        def forward(self, x: Any) -> Any:
            split = (*x.shape[:2], HEADS, size)
            q, k, v = (f(x).view(split).transpose(1, 2) for f in (self.q, self.k, self.v))
            scores = turn(q) @ turn(k).transpose(-2, -1) * size**-0.5
            weights = scores.masked_fill(future, float("-inf")).softmax(-1)
            return (weights @ v).transpose(1, 2).flatten(2)

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.listen = Together() if "rotary" in changes else Separate()
            self.proj = nn.Linear(WIDTH, WIDTH, bias=not lean)
            self.up = nn.Linear(WIDTH, 4 * WIDTH, bias=not lean)
            self.down = nn.Linear(4 * WIDTH, WIDTH, bias=not lean)
            self.norm1, self.norm2 = norm(), norm()

        def forward(self, x: Any) -> Any:
            x = x + self.proj(self.listen(self.norm1(x)))
            h = F.relu(self.up(self.norm2(x)))
            return x + self.down(h.square() if "squared" in changes else h)

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            tables = 5 if "previous" in changes else 1
            self.tables = nn.ModuleList(nn.Embedding(vocab_size, WIDTH) for _ in range(tables))
            self.places = None if "rotary" in changes else nn.Embedding(LENGTH, WIDTH)
            self.blocks = nn.Sequential(*[Block() for _ in range(LAYERS)])
            self.norm, self.scores = norm(), nn.Linear(WIDTH, vocab_size, bias=not lean)
            if "previous" in changes:
                for each in self.tables:
                    nn.init.normal_(each.weight, std=0.5)

        def forward(self, idx: Any) -> Any:
            x = self.tables[0](idx)
            if self.places is not None:
                x = x + self.places.weight
            for back, each in enumerate(list(self.tables)[1:], start=1):
                x = x + F.pad(each(idx[:, :-back]), (0, 0, back, 0))
            return self.scores(self.norm(self.blocks(x)))

    return Model()


def measure(changes: tuple[str, ...], seed: int) -> tuple[float, float]:
    """(validation loss in nats, seconds of CPU time) of one run."""
    import torch
    from torch.nn import functional as F

    from autograder.data.text import load_corpus
    from tools.bench.measure import validation_loss
    from tools.bench.recipes import Text

    text = Text.of(load_corpus().text)
    train = text.train
    torch.manual_seed(seed)
    model = build(changes, text.vocab_size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK, betas=(0.9, 0.99), weight_decay=0.1)
    warmup, start = STEPS // 20, time.process_time()
    for step in range(STEPS):
        rate = min((step + 1) / warmup, (STEPS - step) / (STEPS - warmup))
        optimizer.param_groups[0]["lr"] = PEAK * rate
        at = torch.randint(len(train) - LENGTH, (BATCH, 1)) + torch.arange(LENGTH)
        loss = F.cross_entropy(model(train[at]).flatten(0, 1), train[at + 1].flatten())
        optimizer.zero_grad()
        loss.backward()
        if "lean" in changes:
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    seconds = time.process_time() - start
    return validation_loss(model, text.validation, LENGTH), seconds


def main() -> None:
    """Measure every row with two seeds, and write the table."""
    import torch

    torch.set_num_threads(1)
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in ROWS}
    for seed in (1, 2):
        for name, changes in ROWS.items():  # in turn, so that a busy minute affects all alike
            found[name].append(measure(changes, seed))
            print(seed, name, found[name][-1], flush=True)
    rows = [
        [name, [round(loss, 4) for loss, _ in runs], [round(s, 1) for _, s in runs]]
        for name, runs in found.items()
    ]
    measured = {"machine": "2 CPU cores", "date": str(datetime.date.today()), "rows": rows}
    FILE.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
