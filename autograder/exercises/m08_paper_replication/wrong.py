"""Wrong answers for 08_paper_replication: one right program, with a line or two of it changed.

The program is compiled when it is first called, so that the registry of exercises does not import
torch. Each variant has a namespace of its own, which a probe's `setting` then changes.
"""

from __future__ import annotations

from typing import Any

PROGRAM = """
import math

import torch
import torch.nn as nn
from torch.nn import functional as F


def sample_sparse(n_instances, batch_size, n_features, p):
    size = (n_instances, batch_size, n_features)
    p = torch.as_tensor(p, dtype=torch.float32)
    p = p.reshape(-1, 1, 1)
    present = torch.rand(size) < p
    return torch.rand(size) * present


class ToyModel(nn.Module):
    def __init__(self, n_instances, n_features, n_hidden):
        super().__init__()
        self.W = nn.Parameter(torch.randn(n_instances, n_hidden, n_features) / n_features**0.5)
        self.b_final = nn.Parameter(torch.zeros(n_instances, n_features))

    def forward(self, x):
        hidden = x @ self.W.transpose(-1, -2)
        out = hidden @ self.W + self.b_final[:, None]
        return torch.relu(out)


class LinearModel(ToyModel):
    def forward(self, x):
        hidden = x @ self.W.transpose(-1, -2)
        return hidden @ self.W + self.b_final[:, None]


def weighted_loss(x_hat, x, importance):
    return (importance * (x_hat - x) ** 2).mean(dim=(1, 2))


def train(model, p, importance, steps=1000, batch_size=256, lr=0.02):
    n_instances, n_hidden, n_features = model.W.shape
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.0)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = lr * (1 + math.cos(math.pi * step / steps)) / 2
        x = sample_sparse(n_instances, batch_size, n_features, p)
        loss = weighted_loss(model(x), x, importance).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


@torch.no_grad()
def held_out_loss(model, p, importance, samples=4000):
    n_instances, n_hidden, n_features = model.W.shape
    x = sample_sparse(n_instances, samples, n_features, p)
    return weighted_loss(model(x), x, importance)


def best_of(losses, k):
    groups = torch.as_tensor(losses).reshape(-1, k)
    return groups.argmin(dim=1) + k * torch.arange(len(groups))


def feature_statistics(W):
    norms = W.norm(dim=-2)
    return norms, (norms > 0.5).sum(dim=-1)


def feature_dimensionality(W):
    norms = W.norm(dim=-2)
    unit = W / norms.clamp(min=1e-12).unsqueeze(-2)
    shared = (unit.transpose(-1, -2) @ W) ** 2
    D = norms**2 / shared.sum(dim=-1).clamp(min=1e-12)
    return D, W.shape[-2] / (W**2).sum(dim=(-1, -2))


def attack(model, x, epsilon=0.1, steps=20):
    delta = torch.randn_like(x)
    delta = epsilon * delta / delta.norm(dim=-1, keepdim=True)
    for _ in range(steps):
        delta.requires_grad_(True)
        error = ((model(x + delta) - x) ** 2).sum()
        (gradient,) = torch.autograd.grad(error, delta)
        unit = gradient / gradient.norm(dim=-1, keepdim=True).clamp(min=1e-12)
        delta = delta.detach() + 0.25 * epsilon * unit
        delta = delta * (epsilon / delta.norm(dim=-1, keepdim=True)).clamp(max=1.0)
    return x + delta


@torch.no_grad()
def squared_error(model, x_in, x):
    return ((model(x_in) - x) ** 2).sum(dim=-1).mean(dim=-1)


def adversarial_gain(model, x):
    attacked = attack(model, x)
    added = squared_error(model, attacked, x) - squared_error(model, x, x)
    return added / added[0]


def run(p, seed, steps=1000):
    torch.manual_seed(seed)
    importance = 0.9 ** torch.arange(5)
    model = ToyModel(8, 5, 2)
    train(model, p, importance, steps=steps)
    losses = held_out_loss(model, p, importance)
    best = int(best_of(losses, 8)[0])
    norms, counts = feature_statistics(model.W.detach())
    return {"loss": float(losses[best]), "count": int(counts[best])}


class SparseAutoencoder(nn.Module):
    def __init__(self, n_hidden, n_latents):
        super().__init__()
        directions = torch.randn(n_latents, n_hidden)
        self.W_dec = nn.Parameter(directions)
        self.W_enc = nn.Parameter(directions.T / directions.norm(dim=-1))
        self.b_enc = nn.Parameter(torch.zeros(n_latents))

    def forward(self, h):
        latents = torch.relu(h @ self.W_enc + self.b_enc)
        return latents, latents @ (self.W_dec / self.W_dec.norm(dim=-1, keepdim=True))


def sae_loss(h_hat, h, latents, l1):
    squared = ((h_hat - h) ** 2).sum(dim=-1)
    return (squared + l1 * latents.sum(dim=-1)).mean()


def max_cosine_similarity(directions, W):
    cosines = (directions / directions.norm(dim=-1, keepdim=True)) @ (W / W.norm(dim=0))
    return cosines.amax(dim=0)
"""

STANDS_FOR = {
    "class": """
class {name}:
    def __new__(cls, *args):
        return make("{name}")(*args)
""",
    "function": """
def {name}(*args, **kwargs):
    return make("{name}")(*args, **kwargs)
""",
}


def variants(names: tuple[str, ...], *changes: tuple[str, str]) -> tuple[Any, ...]:
    """These of the program, with texts replaced; it is compiled when one of them is first used."""
    source = PROGRAM
    for old, new in changes:
        assert old in source, old
        source = source.replace(old, new)
    space: dict[str, Any] = {}
    ready: dict[str, Any] = {}

    def make(wanted: str) -> Any:
        if not ready:
            before = {key: value for key, value in space.items() if value is not lazy.get(key)}
            exec(compile(source, f"<a wrong {wanted}>", "exec"), space)
            ready.update({name: space[name] for name in names})
            space.update(before)  # what a probe has put in place of the program's own
        return ready[wanted]

    space["make"] = make
    for name in names:
        kind = "class" if name[0].isupper() else "function"
        exec(STANDS_FOR[kind].format(name=name), space)
    lazy = {name: space[name] for name in names}
    return tuple(space[name] for name in names)


def variant(name: str, *changes: tuple[str, str]) -> Any:
    """One of them."""
    return variants((name,), *changes)[0]
