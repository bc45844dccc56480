"""Other right answers to 03_backprop, as learners and public repositories write them."""

FUNCTIONS = {
    "predict_quiet": ['predict_quiet = "C"', 'predict_quiet = " (c)"'],
    "gates": [
        # Lambdas, numpy, lists in place of tuples.
        """
import numpy as np

def add_gate(x, y):
    return np.add(x, y), lambda dz: [dz * 1, dz * 1]

def mul_gate(x, y):
    return np.float64(x * y), lambda dz: np.array([dz * y, dz * x])[:2].tolist()

def max_gate(x, y):
    first = x > y
    return np.maximum(x, y), lambda dz: (dz * first, dz * (not first))
""",
        # Objects that are called; half of what arrives to each input at a tie.
        """
class Back:
    def __init__(self, *slopes):
        self.slopes = slopes

    def __call__(self, dz):
        return tuple(slope * dz for slope in self.slopes)

def add_gate(x, y):
    return x + y, Back(1, 1)

def mul_gate(x, y):
    return x * y, Back(y, x)

def max_gate(x, y):
    if x == y:
        return x, Back(0.5, 0.5)
    return (x, Back(1, 0)) if x > y else (y, Back(0, 1))
""",
        # Both gradients in one array.
        """
import numpy as np

def add_gate(x, y):
    return x + y, lambda dz: dz * np.ones(2)

def mul_gate(x, y):
    return x * y, lambda dz: dz * np.array([y, x])

def max_gate(x, y):
    return max(x, y), lambda dz: dz * np.array([x > y, x <= y])
""",
    ],
    "predict_saturated": ['predict_saturated = "A"'],
    "predict_product": ['predict_product = "a."'],
    "sigmoid_neuron": [
        # The notes' own style: lists and the math module.
        """
import math

def sigmoid_neuron(w, x):
    dot = w[-1]
    for i in range(len(x)):
        dot += w[i] * x[i]
    f = 1.0 / (1 + math.exp(-dot))
    ddot = (1 - f) * f
    dx = [w[i] * ddot for i in range(len(x))]
    dw = [x[i] * ddot for i in range(len(x))] + [1.0 * ddot]
    return [f, dw, dx]
""",
        # A 1 appended to x, gate after gate, torch.
        """
import torch

def sigmoid_neuron(w, x):
    w = torch.tensor(w, requires_grad=True)
    x = torch.tensor(x, requires_grad=True)
    f = torch.sigmoid(torch.cat([x, torch.ones(1, dtype=x.dtype)]) @ w)
    f.backward()
    return f, w.grad, x.grad
""",
        """
def sigmoid_neuron(w, x):
    ones = np.concatenate((x, np.ones(1)))
    products = w * ones
    dot = products.sum()
    e = np.exp(-dot)
    plus = 1 + e
    f = 1 / plus
    dplus = -1 / plus**2
    de = dplus
    ddot = -np.exp(-dot) * de
    dproducts = np.full(len(w), ddot)
    return np.array(f), dproducts * ones, (dproducts * w)[:-1]
""",
    ],
    "affine_forward": [
        """
def affine_forward(x, w, b):
    N = x.shape[0]
    D = np.prod(x.shape[1:])
    x2 = np.reshape(x, (N, D))
    out = np.dot(x2, w) + b
    cache = (x, w, b)
    return out, cache
""",
        # Loops, and a dict for a cache.
        """
def affine_forward(x, w, b):
    out = np.zeros((len(x), len(b)))
    for i in range(len(x)):
        for j in range(len(b)):
            out[i, j] = (x[i].flatten() * w[:, j]).sum() + b[j]
    return [out, {"x": x, "w": w}]
""",
        """
def affine_forward(x, w, b):
    return np.einsum("nd,dm->nm", x.reshape(len(x), len(w)), w) + b[None, :], (x, w, b)
""",
    ],
    "affine_backward": [
        """
def affine_backward(dout, cache):
    x, w, b = cache
    N = x.shape[0]
    x_row = x.reshape(N, -1)
    dx = np.dot(dout, w.T)
    dx = np.reshape(dx, x.shape)
    dw = np.dot(x_row.T, dout)
    db = np.dot(dout.T, np.ones(N))
    return dx, dw, db
""",
        # Another cache, a loop over the examples.
        """
def affine_forward(x, w, b):
    return x.reshape(len(x), -1) @ w + b, {"rows": x.reshape(len(x), -1), "w": w, "of": x.shape}

def affine_backward(dout, cache):
    dw, db = np.zeros(cache["w"].shape), np.zeros(dout.shape[1])
    for row, arrives in zip(cache["rows"], dout):
        dw += np.outer(row, arrives)
        db += arrives
    dx = np.stack([(cache["w"] @ d).reshape(cache["of"][1:]) for d in dout])
    return [dx, dw, db]
""",
        """
import torch

def affine_backward(dout, cache):
    x, w, b = [torch.tensor(np.asarray(part, float), requires_grad=True) for part in cache]
    out = x.reshape(x.shape[0], -1) @ w + b
    return torch.autograd.grad(out, (x, w, b), torch.tensor(np.asarray(dout, float)))
""",
    ],
    "relu_backward": [
        """
def relu_backward(dout, cache):
    dx, x = None, cache
    dx = dout.copy()
    dx[x <= 0] = 0
    return dx
""",
        """
def relu_backward(dout, cache):
    x = cache
    return np.where(x >= 0, dout, 0)
""",
        """
def relu_backward(dout, cache):
    mask = np.ceil(np.clip(cache, 0, 1))
    return np.multiply(dout, mask, dtype=np.float32)
""",
        """
def relu_backward(dout, cache):
    return (dout * (0.5 + 0.5 * np.sign(cache))).tolist()
""",
    ],
    "softmax_loss": [
        # From scores by their logarithms, as most public ones do.
        """
def softmax_loss(x, y):
    shifted_logits = x - np.max(x, axis=1, keepdims=True)
    Z = np.sum(np.exp(shifted_logits), axis=1, keepdims=True)
    log_probs = shifted_logits - np.log(Z)
    probs = np.exp(log_probs)
    N = x.shape[0]
    loss = -np.sum(log_probs[np.arange(N), y]) / N
    dx = probs.copy()
    dx[np.arange(N), y] -= 1
    dx /= N
    return loss, dx
""",
        # Loops.
        """
def softmax_loss(x, y):
    loss, dx = 0.0, np.zeros_like(x)
    for i in range(x.shape[0]):
        scores = x[i] - max(x[i])
        p = [np.exp(s) / sum(np.exp(scores)) for s in scores]
        loss += -np.log(p[y[i]])
        for j in range(x.shape[1]):
            dx[i, j] = p[j] - (j == y[i])
    return loss / len(x), dx / len(x)
""",
        """
import torch

def softmax_loss(x, y):
    x = torch.tensor(x, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(x, torch.as_tensor(y))
    loss.backward()
    return loss, x.grad
""",
        """
from scipy.special import logsumexp

def softmax_loss(x, y):
    truth = np.eye(x.shape[1])[y]
    logs = x - logsumexp(x, axis=1, keepdims=True)
    return np.mean(-(truth * logs).sum(1)), (np.exp(logs) - truth) / len(y)
""",
    ],
    "gradient_check": [
        # Through an iterator, as CS231n's own helper goes.
        """
def gradient_check(f, analytic, x, h=1e-5):
    grad = np.zeros_like(x)
    it = np.nditer(x, flags=["multi_index"], op_flags=["readwrite"])
    while not it.finished:
        ix = it.multi_index
        oldval = x[ix]
        x[ix] = oldval + h
        fxph = f(x)
        x[ix] = oldval - h
        fxmh = f(x)
        x[ix] = oldval
        grad[ix] = (fxph - fxmh) / (2 * h)
        it.iternext()
    return np.max(np.abs(analytic - grad) / (np.maximum(1e-8, np.abs(analytic) + np.abs(grad))))
""",
        # Copies, a plain float.
        """
def gradient_check(f, analytic, x, h=1e-5):
    worst = 0.0
    for i in range(x.size):
        up, down = x.copy(), x.copy()
        up.flat[i] += h
        down.flat[i] -= h
        slope = (f(up) - f(down)) / (2 * h)
        size = max(1e-8, abs(slope) + abs(analytic.flat[i]))
        worst = max(worst, abs(slope - analytic.flat[i]) / size)
    return float(worst)
""",
        # In place, back and forth: x comes back but for rounding.
        """
def gradient_check(f, analytic, x, h=1e-5):
    errors = []
    for i, a in np.ndenumerate(analytic):
        x[i] += h
        above = f(x)
        x[i] -= 2 * h
        below = f(x)
        x[i] += h
        n = (above - below) / (2 * h)
        errors.append(abs(a - n) / max(1e-8, abs(a) + abs(n)))
    return max(errors)
""",
    ],
}
