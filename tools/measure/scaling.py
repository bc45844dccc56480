"""Losses of small language models that differ only in width.

``python -m tools.measure.scaling`` trains them again, in about ten minutes, and writes
`autograder/data/scaling.json`. The learner's notebook only reads it.
"""

from __future__ import annotations

import datetime
import json
import math
import time
from typing import Any

from autograder.data.tables import FOLDER

TABLE = FOLDER / "scaling.json"
WIDTHS = (8, 12, 16, 24, 32, 40)
HELD_OUT = 132  # ten times as many parameters as the widest of the others
LAYERS, CONTEXT, BATCH, STEPS, RATE = 2, 32, 32, 2000, 5e-3


def measure() -> dict[str, Any]:
    """Train all models, each on the same batches in the same order."""
    import torch

    from autograder.data.text import load_corpus
    from tools.bench.recipes import Text

    corpus = load_corpus()
    text = Text.of(corpus.text)
    torch.set_num_threads(1)
    models = []
    for width in (*WIDTHS, HELD_OUT):
        models.append(_trained(text.train, text.validation, text.vocab_size, width))
        print(models[-1], flush=True)
    return {
        "corpus": corpus.name,
        "machine": "2 CPU cores",
        "date": datetime.date.today().isoformat(),
        "setting": {
            "layers": LAYERS,
            "context": CONTEXT,
            "characters_read": STEPS * BATCH * CONTEXT,
            "vocabulary": text.vocab_size,
        },
        "models": models[:-1],
        "held_out": models[-1],
    }


def _trained(train: Any, held_out: Any, vocab_size: int, width: int) -> dict[str, Any]:
    import torch
    from torch.nn import functional

    from tools.bench.measure import validation_loss

    torch.manual_seed(1)
    model = _transformer(vocab_size, width)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min(1, (step + 1) / 200) * (0.52 + 0.48 * math.cos(math.pi * step / STEPS)),
    )
    batches = torch.Generator().manual_seed(2)
    began = time.perf_counter()
    for _ in range(STEPS):
        starts = torch.randint(len(train) - CONTEXT - 1, (BATCH, 1), generator=batches)
        chosen = starts + torch.arange(CONTEXT + 1)
        rows = train[chosen]
        logits = model(rows[:, :-1])
        loss = functional.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return {
        "width": width,
        "parameters": sum(p.numel() for p in model.parameters()),
        "loss": round(validation_loss(model, held_out, CONTEXT), 4),
        "seconds": round(time.perf_counter() - began),
    }


def _transformer(vocab_size: int, width: int) -> Any:
    """A GPT of LAYERS blocks with 4 heads each, whatever its width."""
    import torch
    from torch import nn
    from torch.nn import functional

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.think = nn.Sequential(
                nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
            )

        def forward(self, x: Any) -> Any:
            rows, length, _ = x.shape
            parts = self.qkv(self.first(x)).view(rows, length, 3, 4, width // 4)
            q, k, v = parts.permute(2, 0, 3, 1, 4)
            seen = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(seen.transpose(1, 2).reshape(rows, length, width))
            return x + self.think(self.second(x))

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.token, self.place = nn.Embedding(vocab_size, width), nn.Embedding(CONTEXT, width)
            self.blocks = nn.Sequential(*(Block() for _ in range(LAYERS)))
            self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocab_size)

        def forward(self, ids: Any) -> Any:
            x = self.token(ids) + self.place(torch.arange(ids.shape[1]))
            return self.head(self.norm(self.blocks(x)))

    return Model()


if __name__ == "__main__":
    table = measure()
    TABLE.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
