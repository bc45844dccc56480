"""Other right answers to 06_illustrated_transformer."""

FUNCTIONS = {
    "look_up_by_hand": [
        "look_up_by_hand = {'scores': (2.0, 0.0, 1.0), 'weights': (0.67, 0.09, 0.24), "
        "'out': np.array([7.9, 2.1])}",
        """
e = np.exp(np.array([2.0, 0.0, 1.0]))
w = e / e.sum()
look_up_by_hand = {"scores": keys @ [1, 0], "weights": w, "out": w @ values}
""",
    ],
    "scaled_dot_product_attention": [
        # Minus infinity, and NaN made 0.
        """
def scaled_dot_product_attention(Q, K, V, mask=None):
    d_k = Q.shape[-1]
    scores = np.matmul(Q, K.swapaxes(-2, -1)) / np.sqrt(d_k)
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    weights = np.nan_to_num(np.exp(scores - scores.max(-1, keepdims=True)))
    total = weights.sum(-1, keepdims=True)
    weights = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
    return np.matmul(weights, V), weights
""",
        # By einsum, the query scaled, the rows without a True repaired at the end.
        """
def scaled_dot_product_attention(q, k, v, mask=None):
    scores = np.einsum("...qd,...kd->...qk", q * q.shape[-1] ** -0.5, k)
    if mask is None:
        mask = np.ones(scores.shape, dtype=bool)
    mask = np.broadcast_to(mask, scores.shape)
    scores = scores.copy()
    scores[~mask] = -1e30
    weights = softmax(scores) * mask.any(axis=-1, keepdims=True)
    return np.einsum("...qk,...kd->...qd", weights, v), weights
""",
        # Exponentials times the mask, in single precision at the end.
        """
def scaled_dot_product_attention(q, k, v, mask=None):
    s = q @ np.swapaxes(k, -1, -2) / q.shape[-1] ** 0.5
    m = 1.0 if mask is None else mask
    s = s if mask is None else np.where(mask, s, -1e9)
    e = np.exp(s - s.max(-1, keepdims=True)) * m
    w = e / (e.sum(-1, keepdims=True) + 1e-30)
    return (w @ v).astype(np.float32), w.astype(np.float32)
""",
        # Through torch.
        """
import torch

def scaled_dot_product_attention(q, k, v, mask=None):
    q, k, v = (torch.tensor(a, dtype=torch.float64) for a in (q, k, v))
    s = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    if mask is not None:
        s = s.masked_fill(~torch.tensor(mask), float("-inf"))
    w = torch.softmax(s, -1).nan_to_num(0.0)
    return [w @ v, w]
""",
    ],
    "causal_mask": [
        "def causal_mask(T):\n    return np.tril(np.ones((T, T), dtype=bool))",
        "def causal_mask(T):\n    return np.tril(np.ones((T, T)))",
        "def causal_mask(T):\n    return ~np.triu(np.ones((T, T), dtype=bool), k=1)",
        "def causal_mask(T):\n    return [[j <= i for j in range(T)] for i in range(T)]",
    ],
    "shape_table": [
        "shape_table = {'q': [2, 5, 12], 'q in heads': [2, 3, 5, 4], 'scores': [2, 3, 5, 5], "
        "'out in heads': [2, 3, 5, 4], 'merged': [2, 5, 12], 'causal mask': [5, 5]}",
        "shape_table = {'q': np.ones((2, 5, 12)).shape, 'q in heads': (2, 3, 5, 12 // 3), "
        "'scores': (2, 3, 5, 5), 'out in heads': (2, 3, 5, 4), 'merged': (2, 5, 3 * 4), "
        "'causal mask': causal_mask(5).shape}",
    ],
    "split_heads": [
        """
def split_heads(x, num_heads):
    return np.stack(np.split(x, num_heads, axis=-1), axis=1)

def merge_heads(x):
    return np.concatenate(list(x.swapaxes(0, 1)), axis=-1)
""",
        """
def split_heads(x, h):
    return np.transpose(x.reshape(x.shape[0], -1, h, x.shape[2] // h), (0, 2, 1, 3))

def merge_heads(x):
    return np.transpose(x, (0, 2, 1, 3)).reshape(x.shape[0], x.shape[2], -1)
""",
    ],
    "multi_head_attention": [
        # One head after the other.
        """
def multi_head_attention(x, W_q, W_k, W_v, W_o, num_heads, mask=None):
    D = x.shape[-1] // num_heads
    heads = []
    for h in range(num_heads):
        s = slice(h * D, (h + 1) * D)
        q, k, v = x @ W_q[:, s], x @ W_k[:, s], x @ W_v[:, s]
        heads.append(scaled_dot_product_attention(q, k, v, mask)[0])
    return np.concatenate(heads, axis=-1) @ W_o
""",
        # The three products at once; other names.
        """
def multi_head_attention(X, Wq, Wk, Wv, Wo, n_heads, mask=None):
    qkv = X @ np.concatenate([Wq, Wk, Wv], axis=1)
    q, k, v = (split_heads(a, n_heads) for a in np.split(qkv, 3, axis=-1))
    return np.matmul(merge_heads(scaled_dot_product_attention(q, k, v, mask)[0]), Wo)
""",
    ],
    "positional_encoding": [
        """
import math

def positional_encoding(seq_len, d_model):
    pe = np.zeros((seq_len, d_model))
    for pos in range(seq_len):
        for i in range(0, d_model, 2):
            pe[pos, i] = math.sin(pos / 10000 ** (i / d_model))
            if i + 1 < d_model:
                pe[pos, i + 1] = math.cos(pos / 10000 ** (i / d_model))
    return pe
""",
        """
def positional_encoding(seq_len, d_model):
    columns = np.arange(d_model)
    angles = np.arange(seq_len)[:, None] * np.exp(-np.log(10000.0) * 2 * (columns // 2) / d_model)
    return np.where(columns % 2 == 0, np.sin(angles), np.cos(angles)).astype(np.float32)
""",
    ],
    "layer_norm": [
        """
def layer_norm(x, gamma, beta, eps=1e-5):
    centred = x - x.mean(-1)[..., None]
    return centred * (np.square(centred).mean(-1)[..., None] + eps) ** -0.5 * gamma + beta
""",
        """
def layer_norm(x, weight, bias, eps=1e-5):
    mu = np.mean(x, axis=-1, keepdims=True)
    var = np.mean(x * 1.0 * x, axis=-1, keepdims=True) - mu**2
    return weight * ((x - mu) / np.sqrt(np.maximum(var, 0) + eps)) + bias
""",
    ],
    "transformer_block": [
        """
def transformer_block(x, params, num_heads):
    def norm(x, i):
        return layer_norm(x, params[f"gamma{i}"], params[f"beta{i}"])
    weights = [params[k] for k in ("W_q", "W_k", "W_v", "W_o")]
    y = x + multi_head_attention(norm(x, 1), *weights, num_heads)
    inner = norm(y, 2) @ params["W1"] + params["b1"]
    return y + (inner * (inner > 0)) @ params["W2"] + params["b2"]
""",
        # In torch, from its own layers.
        """
import torch
from torch.nn.functional import layer_norm as norm, relu, scaled_dot_product_attention as sdpa

def transformer_block(x, params, num_heads):
    p = {k: torch.tensor(w) for k, w in params.items()}
    x = torch.tensor(x)
    B, T, C = x.shape
    h = norm(x, (C,), p["gamma1"], p["beta1"])
    q, k, v = ((h @ p[w]).view(B, T, num_heads, -1).transpose(1, 2) for w in ("W_q", "W_k", "W_v"))
    x = x + sdpa(q, k, v).transpose(1, 2).reshape(B, T, C) @ p["W_o"]
    h = norm(x, (C,), p["gamma2"], p["beta2"])
    return (x + relu(h @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"]).numpy()
""",
    ],
}
