"""The baseline: our own small GPT with nanoGPT's published settings for a CPU.

Every number comes from nanoGPT's README and `config/train_shakespeare_char.py`
(https://github.com/karpathy/nanoGPT), from the command line for a CPU. No code is copied.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Settings:
    """The shape of the model and its training schedule, as published."""

    batch_size: int = 12  # windows per step
    block_size: int = 64  # characters per window
    n_layer: int = 4
    n_head: int = 4
    n_embd: int = 128
    steps: int = 2000
    warmup: int = 100  # steps
    lr: float = 1e-3
    lr_end: float = 1e-4
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 0.1  # on matrices only
    clip: float = 1.0  # the gradient's largest norm


class Block(nn.Module):
    """Attention, then a feed-forward layer, each on a normalized copy and added back. (B, T, C)."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        width = settings.n_embd
        self.n_head = settings.n_head
        self.norm_attention = nn.LayerNorm(width, bias=False)
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.attention_out = nn.Linear(width, width, bias=False)
        self.norm_feed = nn.LayerNorm(width, bias=False)
        self.feed_in = nn.Linear(width, 4 * width, bias=False)
        self.feed_out = nn.Linear(4 * width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        batch, time, width = x.shape
        parts = self.query_key_value(self.norm_attention(x)).chunk(3, dim=-1)
        q, k, v = (p.view(batch, time, self.n_head, -1).transpose(1, 2) for p in parts)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)  # (B, heads, T, d)
        x = x + self.attention_out(mixed.transpose(1, 2).reshape(batch, time, width))
        return x + self.feed_out(functional.gelu(self.feed_in(self.norm_feed(x))))


class Baseline(nn.Module):
    """Token and position embeddings, blocks, a final norm; the output shares the embedding."""

    def __init__(self, vocab_size: int, settings: Settings) -> None:
        super().__init__()
        self.token = nn.Embedding(vocab_size, settings.n_embd)
        self.position = nn.Embedding(settings.block_size, settings.n_embd)
        self.blocks = nn.ModuleList(Block(settings) for _ in range(settings.n_layer))
        self.norm = nn.LayerNorm(settings.n_embd, bias=False)
        small = 0.02 / math.sqrt(2 * settings.n_layer)  # what is added to the residual stream
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                nn.init.normal_(weight, std=small if name.endswith("_out.weight") else 0.02)

    def forward(self, idx: Tensor) -> Tensor:
        """Ids (B, T) to logits (B, T, vocab_size)."""
        x = self.token(idx) + self.position.weight[: idx.shape[1]]
        for block in self.blocks:
            x = block(x)
        return functional.linear(self.norm(x), self.token.weight)


def learning_rate(step: int, settings: Settings) -> float:
    """Linear warm-up, then cosine decay to `lr_end`."""
    if step < settings.warmup:
        return settings.lr * (step + 1) / (settings.warmup + 1)
    progress = (step - settings.warmup) / (settings.steps - settings.warmup)
    return (
        settings.lr_end + (settings.lr - settings.lr_end) * (1 + math.cos(math.pi * progress)) / 2
    )


def random_windows(data: Tensor, settings: Settings) -> tuple[Tensor, Tensor]:
    """Inputs and targets, both (B, T): random windows, and the same one character later."""
    starts = torch.randint(len(data) - settings.block_size, (settings.batch_size, 1))
    places = starts + torch.arange(settings.block_size)
    return data[places], data[places + 1]


def train(
    data: Tensor,
    vocab_size: int,
    settings: Settings,
    after_step: Callable[[], object] = lambda: None,
) -> Baseline:
    """A model trained on `data`, ids of shape (N,), for `settings.steps` steps."""
    model = Baseline(vocab_size, settings)
    matrices = [weight for weight in model.parameters() if weight.dim() == 2]
    others = [weight for weight in model.parameters() if weight.dim() != 2]
    groups = [
        {"params": matrices, "weight_decay": settings.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=settings.lr, betas=settings.betas)
    for step in range(settings.steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, settings)
        inputs, targets = random_windows(data, settings)
        logits = model(inputs)
        loss = functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
        optimizer.step()
        after_step()
    return model
