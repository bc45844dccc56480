"""What the paper's model computes, in numpy and double precision, and what is measured of it.

The sources: Elhage et al., Toy Models of Superposition, 2022.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from autograder.core.exercise import Case

SAMPLES = 20000  # that the judge draws to measure a loss
REPRESENTED = 0.5  # a feature counts as represented where its column's norm is above this


def sparse(rng: np.random.Generator, size: tuple[int, ...], p: Any) -> np.ndarray:
    """Each entry uniform in [0, 1] with probability p, else 0."""
    return rng.random(size) * (rng.random(size) < p)


def forward(W: np.ndarray, b: np.ndarray, x: np.ndarray, linear: bool = False) -> np.ndarray:
    """x (..., batch, n_features) through W (..., n_hidden, n_features) and back."""
    W, b = np.asarray(W, float), np.asarray(b, float)
    out = np.asarray(x, float) @ np.swapaxes(W, -1, -2) @ W + b[..., None, :]
    return out if linear else np.maximum(out, 0.0)


def losses(x_hat: np.ndarray, x: np.ndarray, importance: np.ndarray) -> np.ndarray:
    """The mean over batch and features, for each instance."""
    return np.mean(np.square(x_hat - x) * importance, axis=(-1, -2))


def held_out(seed: int, p: float, W: np.ndarray, b: np.ndarray, linear: bool = False) -> np.ndarray:
    """Each instance's loss on the judge's samples, importance 0.9 ** i: W (n, h, f), b (n, f).

    They are kept, because every mistake asks again.
    """
    W, b = np.ascontiguousarray(W, float), np.ascontiguousarray(b, float)
    return _held_out(seed, p, linear, W.shape, W.tobytes(), b.tobytes())


@functools.lru_cache(maxsize=256)
def _held_out(
    seed: int, p: float, linear: bool, shape: tuple[int, ...], W: bytes, b: bytes
) -> np.ndarray:
    weights, biases = np.frombuffer(W).reshape(shape), np.frombuffer(b).reshape(shape[0], shape[2])
    x = _samples(seed, p, shape[2])
    return losses(forward(weights, biases, x, linear), x, 0.9 ** np.arange(shape[2]))


@functools.lru_cache(maxsize=32)
def _samples(seed: int, p: float, n_features: int) -> np.ndarray:
    return sparse(np.random.default_rng(seed), (SAMPLES, n_features), p)


def gradients(
    W: np.ndarray, b: np.ndarray, x: np.ndarray, importance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The gradient of each instance's own loss: for W (n, h, f) and b (n, f)."""
    W, x = W.astype(float), x.astype(float)
    hidden = np.einsum("nbf,nhf->nbh", x, W)
    z = np.einsum("nbh,nhf->nbf", hidden, W) + b[:, None]
    back = 2 * importance * (np.maximum(z, 0) - x) * (z > 0) / (x.shape[1] * x.shape[2])
    dW = np.einsum("nbh,nbf->nhf", hidden, back)
    dW += np.einsum("nbg,nhg,nbf->nhf", back, W, x)
    return dW, back.sum(axis=1)


def counts(W: np.ndarray) -> np.ndarray:
    """How many columns are longer than 0.5."""
    return np.sum(np.sqrt(np.sum(np.square(W), axis=-2)) > REPRESENTED, axis=-1)


def dimensionality(W: np.ndarray) -> np.ndarray:
    """D of each feature, feature by feature: W (n_hidden, n_features)."""
    W = np.asarray(W, float)
    found = []
    for i in range(W.shape[1]):
        own = float(W[:, i] @ W[:, i])
        if own == 0:
            found.append(0.0)
            continue
        others = sum(float(W[:, i] @ W[:, j]) ** 2 / own for j in range(W.shape[1]))
        found.append(own / others)
    return np.array(found)


def dimensionalities(W: np.ndarray) -> np.ndarray:
    """The same for many features at once: through W^T W alone."""
    gram = np.square(np.swapaxes(W, -1, -2) @ W)
    own = np.sum(np.square(W), axis=-2)
    return np.divide(own**2, gram.sum(-1), out=np.zeros_like(own), where=own > 1e-12)


def per_feature(W: np.ndarray) -> float:
    """D*: hidden dimensions over the squared Frobenius norm."""
    return float(W.shape[-2] / np.sum(np.square(W)))


def angles(W: np.ndarray) -> np.ndarray:
    """The directions of the represented features of a model in the plane, sorted, in degrees."""
    kept = W[:, np.sqrt(np.sum(np.square(W), axis=0)) > REPRESENTED]
    return np.sort(np.degrees(np.arctan2(kept[1], kept[0])) % 360)


def seed_of(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))


def named(case: Case) -> str:
    """The text of a density or of several, for messages."""
    p = case["p"]
    return f"{p:g}" if not isinstance(p, list) else f"tensor({[round(v, 2) for v in p]})"
