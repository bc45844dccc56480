"""Wrong models for 10_grokking: one right program with a line of it changed, compiled on first
use, so that the registry of exercises does not import torch."""

from __future__ import annotations

from typing import Any

PROGRAM = """
import torch
import torch.nn as nn
from torch.nn import functional as F


def weights(rows, columns):
    return nn.Parameter(torch.randn(rows, columns) / width**0.5)


class OneLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.W_E = weights(p + 1, width)
        self.W_pos = weights(3, width)
        self.W_q = weights(width, width)
        self.W_k = weights(width, width)
        self.W_v = weights(width, width)
        self.W_o = weights(width, width)
        self.W_in = weights(width, hidden)
        self.b_in = nn.Parameter(torch.zeros(hidden))
        self.W_out = weights(hidden, width)
        self.W_U = weights(width, p)

    def forward(self, tokens):
        N, size = len(tokens), width // heads
        x = self.W_E[tokens] + self.W_pos
        last = x[:, -1]
        q = (last @ self.W_q).view(N, 1, heads, size)
        k = (x @ self.W_k).view(N, 3, heads, size)
        v = (x @ self.W_v).view(N, 3, heads, size)
        scores = (q * k).sum(-1) / size**0.5
        attention = scores.softmax(dim=1)
        heard = (attention[..., None] * v).sum(1)
        stream = last + heard.reshape(N, width) @ self.W_o
        thought = F.relu(stream @ self.W_in + self.b_in)
        stream = stream + thought @ self.W_out
        return stream @ self.W_U
"""

STANDS_FOR = """
class OneLayer:
    def __new__(cls):
        return make()()
"""


def model(*changes: tuple[str, str]) -> Any:
    """The class of the program with texts replaced; its sizes are globals of its own."""
    source = PROGRAM
    for old, new in changes:
        assert old in source, old
        source = source.replace(old, new)
    space: dict[str, Any] = {"__name__": "a wrong model"}

    def make() -> Any:
        if "F" not in space:
            stand_in = space["OneLayer"]
            exec(compile(source, "<a wrong model>", "exec"), space)
            space["made"], space["OneLayer"] = space["OneLayer"], stand_in
        return space["made"]

    space["make"] = make
    exec(STANDS_FOR, space)
    return space["OneLayer"]


TRAIN = """
import torch
from torch.nn import functional as F


def train(model, weight_decay, epochs):
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=0.01, betas=(0.9, 0.98), weight_decay=weight_decay
    )
    history = []
    for epoch in range(epochs + 1):
        if epoch % 20 == 0:
            record(history, model, epoch)
        logits = model(tokens[train_set])
        loss = F.cross_entropy(logits, answers[train_set])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return history
"""


def train(*changes: tuple[str, str]) -> Any:
    """The training with texts replaced, in a namespace of its own."""
    source = TRAIN
    for old, new in changes:
        assert old in source, old
        source = source.replace(old, new)
    space: dict[str, Any] = {"__name__": "a wrong training"}

    def make() -> Any:
        if "F" not in space:
            stand_in = space["train"]
            exec(compile(source, "<a wrong training>", "exec"), space)
            space["made"], space["train"] = space["train"], stand_in
        return space["made"]

    space["make"] = make
    exec("def train(*args, **named):\n    return make()(*args, **named)\n", space)
    return space["train"]
