"""Other right answers to 02a_neural_networks and 02b_gradient_descent."""

FUNCTIONS = {
    "sigmoid": [
        # By clipping, as many libraries did.
        "def sigmoid(z):\n    return 1 / (1 + np.exp(-np.clip(z, -500, 500)))",
        # Through tanh.
        "def sigmoid(z):\n    return (np.tanh(z / 2) + 1) / 2",
        # By masks, on a copy of floats.
        """
def sigmoid(z):
    out = np.zeros(z.shape)
    positive = z >= 0
    out[positive] = 1 / (1 + np.exp(-z[positive]))
    e = np.exp(z[~positive])
    out[~positive] = e / (1 + e)
    return out
""",
        # Number by number.
        """
import math

def sigmoid(z):
    def one(v):
        return 1 / (1 + math.exp(-v)) if v >= 0 else math.exp(v) / (1 + math.exp(v))
    return np.array([one(v) for v in z.ravel()]).reshape(z.shape)
""",
    ],
    "relu": [
        "def relu(z):\n    return z * (z > 0)",
        "def relu(z):\n    out = z.copy()\n    out[out < 0] = 0\n    return out",
        "def relu(z):\n    return np.where(z > 0, z, 0.0)",
    ],
    "layer_digits": [
        "def layer(W, b, X):\n    return np.dot(X, W) + b.reshape(1, -1)",
        "def layer(W, b, X):\n    return np.einsum('ni,io->no', X, W) + b",
        "def layer(W, b, X):\n    return (W.T @ X.T + b[:, None]).T",
        "def layer(W, b, X):\n    return [[sum(a * w for a, w in zip(x, c)) + k "
        "for c, k in zip(W.T, b)] for x in X]",
    ],
    "mlp_forward": [
        """
def mlp_forward(params, X):
    h = X
    for i, (W, b) in enumerate(params):
        h = h @ W + b
        if i < len(params) - 1:
            h = h * (h > 0)
    return h
""",
        """
def mlp_forward(params, X):
    if len(params) == 1:
        return layer(*params[0], X)
    return mlp_forward(params[1:], relu(layer(*params[0], X)))
""",
    ],
    "softmax": [
        """
def softmax(z, axis=-1):
    z = np.asarray(z, dtype=np.float64)
    z = z - np.max(z, axis=axis, keepdims=True)
    return np.exp(z) / np.sum(np.exp(z), axis=axis, keepdims=True)
""",
        # Through logarithms.
        """
def softmax(z, axis=-1):
    m = np.max(z, axis, keepdims=True)
    return np.exp(z - m - np.log(np.sum(np.exp(z - m), axis, keepdims=True)))
""",
        # Axis by axis, in single precision at the end.
        """
def softmax(z, axis=-1):
    def one(row):
        e = np.exp(row - max(row))
        return e / sum(e)
    return np.apply_along_axis(one, axis, z.astype(float)).astype(np.float32)
""",
    ],
    "accuracy": [
        "def accuracy(logits, y):\n    return float(np.mean(np.argmax(logits, axis=-1) == y))",
        "def accuracy(logits, y):\n    return sum(int(np.argmax(r) == k) "
        "for r, k in zip(logits, y)) / len(y)",
    ],
    "one_hot": [
        """
def one_hot(y, num_classes):
    out = np.zeros((len(y), num_classes))
    out[np.arange(len(y)), y] = 1
    return out
""",
        "def one_hot(y, num_classes):\n    return y[:, None] == np.arange(num_classes)",
        "def one_hot(y, num_classes):\n    return [[int(k == c) for c in range(num_classes)] "
        "for k in y]",
    ],
    "cross_entropy": [
        "def cross_entropy(probabilities, y):\n"
        "    return np.mean([-np.log(p[k]) for p, k in zip(probabilities, y)])",
        # With a floor under the logarithm, and one-hot rows.
        "def cross_entropy(probabilities, y):\n"
        "    hot = np.eye(probabilities.shape[1])[y]\n"
        "    return -np.sum(hot * np.log(probabilities + 1e-12)) / len(y)",
        "def cross_entropy(probabilities, y):\n"
        "    hot = one_hot(y, probabilities.shape[1])\n"
        "    return -np.log((hot * probabilities).sum(axis=1)).mean()",
        "def cross_entropy(probabilities, y):\n"
        "    p = np.clip(probabilities, 1e-9, 1.0)\n"
        "    return -np.mean(np.log(np.take_along_axis(p, y[:, None], axis=1)))",
    ],
    "entropy": [
        "def entropy(p):\n    return sum(-a * np.log(a) for a in p if a > 0)",
        "def entropy(p):\n    return -(p * np.log(p + 1e-12)).sum()",
        "def entropy(p):\n    with np.errstate(all='ignore'):\n"
        "        return -np.sum(np.where(p > 0, p * np.log(p), 0))",
    ],
    "kl_divergence": [
        "def kl_divergence(p, q):\n"
        "    return sum(a * np.log(a / b) for a, b in zip(p, q) if a > 0)",
        "def kl_divergence(p, q):\n    return np.sum(p * (np.log(p + 1e-12) - np.log(q + 1e-12)))",
        "def kl_divergence(p, q):\n    return -np.sum(p * np.log(q)) - entropy(p)",
    ],
    "numerical_gradient": [
        # A flat copy, another h.
        """
def numerical_gradient(f, x, h=1e-6):
    flat = np.array(x, dtype=float).ravel()
    out = np.zeros_like(flat)
    for i in range(flat.size):
        e = np.zeros_like(flat)
        e[i] = h
        out[i] = (f((flat + e).reshape(x.shape)) - f((flat - e).reshape(x.shape))) / (2 * h)
    return out.reshape(x.shape)
""",
        # With an iterator, nudging in place and putting back (whole numbers on a copy).
        """
def numerical_gradient(f, x):
    h = 1e-4
    x = x.astype(float) if x.dtype.kind in "iu" else x
    grad = np.zeros_like(x)
    it = np.nditer(x, flags=["multi_index"], op_flags=["readwrite"])
    while not it.finished:
        i = it.multi_index
        old = x[i]
        x[i] = old + h
        up = f(x)
        x[i] = old - h
        down = f(x)
        x[i] = old
        grad[i] = (up - down) / (2.0 * h)
        it.iternext()
    return grad
""",
    ],
    "gradient_descent": [
        """
def gradient_descent(f, grad, x0, lr, steps):
    x = np.array(x0, dtype=float)
    path = np.zeros((steps + 1, len(x)))
    path[0] = x
    for i in range(steps):
        x -= lr * grad(x)
        path[i + 1] = x
    return path, np.array([f(p) for p in path])
""",
        """
def gradient_descent(f, grad, x0, lr, steps):
    x, path, costs = x0.copy(), [], []
    for i in range(steps + 1):
        path.append(tuple(x))
        costs.append(float(f(x)))
        x -= lr * grad(x)
    return [path, costs]
""",
    ],
    "softmax_regression_gradient": [
        """
def softmax_regression_gradient(W, b, X, y):
    p = softmax(X @ W + b)
    p[np.arange(len(y)), y] -= 1
    p /= len(y)
    return np.dot(X.T, p), np.sum(p, axis=0)
""",
        # One example after another.
        """
def softmax_regression_gradient(W, b, X, y):
    dW, db = np.zeros(W.shape), np.zeros(b.shape)
    for x, k in zip(X, y):
        e = softmax(x @ W + b)
        e[k] -= 1.0
        dW += np.outer(x, e)
        db += e
    return [dW / len(X), db / len(X)]
""",
        # By nudging: slow, and right.
        """
def softmax_regression_gradient(W, b, X, y):
    dW = numerical_gradient(lambda V: cross_entropy(softmax(X @ V + b), y), W)
    db = numerical_gradient(lambda c: cross_entropy(softmax(X @ W + c), y), b)
    return dW, db
""",
    ],
    "mlp_gradients": [
        """
def mlp_gradients(params, X, y):
    n, caches, h = len(y), [], X
    for i, (W, b) in enumerate(params):
        z = h @ W + b
        caches.append((h, z))
        h = relu(z) if i < len(params) - 1 else z
    delta = softmax(h)
    delta[np.arange(n), y] -= 1
    grads = [None] * len(params)
    for i in range(len(params) - 1, -1, -1):
        h, z = caches[i]
        grads[i] = [h.T @ delta / n, delta.mean(axis=0)]
        if i > 0:
            delta = (delta @ params[i][0].T) * (caches[i - 1][1] >= 0)
    return grads
""",
        # In PyTorch.
        """
import torch

def mlp_gradients(params, X, y):
    leaves = [[torch.tensor(p, dtype=torch.float64, requires_grad=True) for p in pair]
              for pair in params]
    h = torch.tensor(X, dtype=torch.float64)
    for i, (W, b) in enumerate(leaves):
        h = h @ W + b
        h = h.relu() if i < len(leaves) - 1 else h
    torch.nn.functional.cross_entropy(h, torch.tensor(y)).backward()
    return [(W.grad, b.grad) for W, b in leaves]
""",
    ],
    "train_digits": [
        # In place on copies, the order shuffled in place, a rate that falls from epoch to epoch.
        """
def train(params, X, y, lr, epochs, batch_size, rng):
    params = [[W.copy(), b.copy()] for W, b in params]
    order = np.arange(len(X))
    for epoch in range(epochs):
        rng.shuffle(order)
        rate = lr / (1 + 0.01 * epoch)
        for i in range(0, len(order), batch_size):
            batch = order[i : i + batch_size]
            for (W, b), (dW, db) in zip(params, mlp_gradients(params, X[batch], y[batch])):
                W -= rate * dW
                b -= rate * db
    return params

net = train(new_net([64, 40, 10], np.random.default_rng(5)), X_train, y_train, 0.15, 40, 16,
            np.random.default_rng(6))
""",
        # Batches by array_split, two hidden layers, a tuple of tuples.
        """
def train(params, X, y, lr, epochs, batch_size, rng):
    batches = -(-len(X) // batch_size)
    for _ in range(epochs):
        shuffled = rng.permutation(len(X))
        for batch in np.array_split(shuffled, batches):
            g = mlp_gradients(params, X[batch], y[batch])
            params = tuple((W - lr * dW, b - lr * db) for (W, b), (dW, db) in zip(params, g))
    return params

net = train(new_net([64, 32, 24, 10], np.random.default_rng(2)), X_train, y_train, lr=0.1,
            epochs=50, batch_size=25, rng=np.random.default_rng(3))
""",
    ],
    "adversarial": [
        # By nudging every pixel.
        """
def adversarial(params, X, y, epsilon):
    slopes = numerical_gradient(
        lambda images: cross_entropy(softmax(mlp_forward(params, images)), y), X)
    return np.minimum(np.maximum(X + epsilon * np.sign(slopes), 0), 1)
""",
        # In PyTorch.
        """
import torch

def adversarial(params, X, y, epsilon):
    images = torch.tensor(X, requires_grad=True)
    h = images
    for i, (W, b) in enumerate(params):
        h = h @ torch.tensor(W) + torch.tensor(b)
        h = torch.relu(h) if i < len(params) - 1 else h
    torch.nn.functional.cross_entropy(h, torch.tensor(y), reduction="sum").backward()
    return torch.clamp(images.detach() + epsilon * images.grad.sign(), 0.0, 1.0)
""",
    ],
}
