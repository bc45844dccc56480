"""Other right answers to 04_micrograd: other engines, other graphs, other networks.

`ENGINES` are complete: each is pasted, whole, into every answer cell of a class. `FUNCTIONS` are
other ways to write one of the functions.
"""

CLOSURES = '''
import math, random

class Value:
    """Gradients in closures, parents in a set, recursion inside backward."""

    def __init__(self, data, _children=(), _op="", label=""):
        self.data = data
        self.grad = 0
        self._backward = lambda: None
        self._prev = set(_children)
        self._op = _op
        self.label = label

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other), "+")
        def _backward():
            self.grad += out.grad
            other.grad += out.grad
        out._backward = _backward
        return out

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other), "*")
        def _backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad
        out._backward = _backward
        return out

    def __pow__(self, k):
        assert isinstance(k, (int, float))
        out = Value(self.data ** k, (self,), "pow")
        def _backward():
            self.grad += k * self.data ** (k - 1) * out.grad
        out._backward = _backward
        return out

    def tanh(self):
        e = math.exp(2 * self.data)
        t = (e - 1) / (e + 1)
        out = Value(t, (self,), "tanh")
        def _backward():
            self.grad += (1 - t ** 2) * out.grad
        out._backward = _backward
        return out

    def exp(self):
        out = Value(math.exp(self.data), (self,), "exp")
        def _backward():
            self.grad += out.data * out.grad
        out._backward = _backward
        return out

    def log(self):
        out = Value(math.log(self.data), (self,), "log")
        def _backward():
            self.grad += (1 / self.data) * out.grad
        out._backward = _backward
        return out

    def relu(self):
        out = Value(0 if self.data < 0 else self.data, (self,), "ReLU")
        def _backward():
            self.grad += (out.data > 0) * out.grad
        out._backward = _backward
        return out

    def backward(self):
        topo, visited = [], set()
        def build(v):
            if v not in visited:
                visited.add(v)
                for child in v._prev:
                    build(child)
                topo.append(v)
        build(self)
        self.grad = 1
        for v in reversed(topo):
            v._backward()

    def __neg__(self): return self * -1
    def __radd__(self, other): return self + other
    def __sub__(self, other): return self + (-other)
    def __rsub__(self, other): return other + (-self)
    def __rmul__(self, other): return self * other
    def __truediv__(self, other): return self * other ** -1
    def __rtruediv__(self, other): return other * self ** -1

class Module:
    def zero_grad(self):
        for p in self.parameters():
            p.grad = 0

    def parameters(self):
        return []

class Neuron(Module):
    def __init__(self, nin):
        self.w = [Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = Value(0)

    def __call__(self, x):
        act = sum((wi * xi for wi, xi in zip(self.w, x)), self.b)
        return act.tanh()

    def parameters(self):
        return self.w + [self.b]

class Layer(Module):
    def __init__(self, nin, nout):
        self.neurons = [Neuron(nin) for _ in range(nout)]

    def __call__(self, x):
        outs = [n(x) for n in self.neurons]
        return outs[0] if len(outs) == 1 else outs

    def parameters(self):
        return [p for n in self.neurons for p in n.parameters()]

class MLP(Module):
    def __init__(self, nin, nouts):
        sz = [nin] + nouts
        self.layers = [Layer(sz[i], sz[i + 1]) for i in range(len(nouts))]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

    def parameters(self):
        return [p for layer in self.layers for p in layer.parameters()]
'''

SLOPES = '''
import math
import numpy as np

class Value:
    """No closures: local slopes in slots, an iterative order, division with a rule of its own."""

    __slots__ = ("data", "grad", "parents", "slopes", "label", "_op", "__weakref__")

    def __init__(self, data, _children=(), _op="", label=""):
        self.data = np.float64(data)
        self.grad = np.float64(0)
        self.parents = list(_children)
        self.slopes = []
        self.label, self._op = label, _op

    @staticmethod
    def of(x):
        return x if isinstance(x, Value) else Value(x)

    @classmethod
    def node(cls, data, op, *pairs):
        out = cls(data, [p for p, _ in pairs], op)
        out.slopes = [s for _, s in pairs]
        return out

    def __add__(self, o):
        o = Value.of(o)
        return Value.node(self.data + o.data, "+", (self, 1), (o, 1))

    def __sub__(self, o):
        o = Value.of(o)
        return Value.node(self.data - o.data, "-", (self, 1), (o, -1))

    def __mul__(self, o):
        o = Value.of(o)
        return Value.node(self.data * o.data, "*", (self, o.data), (o, self.data))

    def __truediv__(self, o):
        o = Value.of(o)
        slope = -self.data / o.data ** 2
        return Value.node(self.data / o.data, "/", (self, 1 / o.data), (o, slope))

    def __pow__(self, n):
        return Value.node(self.data ** float(n), "**", (self, n * self.data ** float(n - 1)))

    def __neg__(self):
        return Value.node(-self.data, "-", (self, -1))

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, o):
        return Value.of(o) - self

    def __rtruediv__(self, o):
        return Value.of(o) / self

    def tanh(self):
        return Value.node(np.tanh(self.data), "tanh", (self, 1 - np.tanh(self.data) ** 2))

    def exp(self):
        return Value.node(np.exp(self.data), "exp", (self, np.exp(self.data)))

    def log(self):
        return Value.node(np.log(self.data), "log", (self, 1 / self.data))

    def relu(self):
        return Value.node(np.maximum(self.data, 0), "relu", (self, 1.0 * (self.data >= 0)))

    @property
    def _prev(self):
        return self.parents

    def backward(self):
        waiting = {}
        seen, stack = {id(self)}, [self]
        while stack:
            node = stack.pop()
            for parent in node.parents:
                waiting[id(parent)] = waiting.get(id(parent), 0) + 1
                if id(parent) not in seen:
                    seen.add(id(parent))
                    stack.append(parent)
        # The gradients of this pass, apart from what is there from earlier ones.
        flow, ready = {id(self): 1.0}, [self]
        while ready:
            node = ready.pop()
            node.grad = node.grad + flow[id(node)] if node is not self else np.float64(1)
            for parent, slope in zip(node.parents, node.slopes):
                flow[id(parent)] = flow.get(id(parent), 0.0) + slope * flow[id(node)]
                waiting[id(parent)] -= 1
                if waiting[id(parent)] == 0:
                    ready.append(parent)

class Neuron:
    """Bias first, weights drawn by numpy, a plain loop."""

    def __init__(self, nin):
        draws = np.random.default_rng().normal(0, 1, nin + 1)
        self.parts = [Value(d) for d in draws]

    def __call__(self, x):
        total = self.parts[0]
        for i in range(len(x)):
            total = total + x[i] * self.parts[i + 1]
        return total.tanh()

    def parameters(self):
        return tuple(self.parts)

class Layer:
    def __init__(self, nin, nout):
        self.units = tuple(Neuron(nin) for _ in range(nout))

    def __call__(self, x):
        return tuple(unit(x) for unit in self.units)

    def parameters(self):
        found = []
        for unit in self.units:
            found.extend(unit.parameters())
        return found

class MLP:
    """Parameters from the last layer to the first; a list even for one output."""

    def __init__(self, nin, nouts):
        self.stack = []
        for nout in nouts:
            self.stack.append(Layer(nin, nout))
            nin = nout

    def __call__(self, x):
        for layer in self.stack:
            x = layer(x)
        return list(x)

    def parameters(self):
        return [p for layer in reversed(self.stack) for p in layer.parameters()]
'''

ENGINES = {"closures": CLOSURES, "slopes": SLOPES}
CLASS_CELLS = (
    "value_forward",
    "backward",
    "accumulate",
    "arithmetic",
    "activations",
    "neuron",
    "layer",
    "mlp",
)
# Both engines return one-element lists or tuples from time to time; the loss and the training of
# the solution index into nothing, so a network with one output is unpacked here.
SCORES = """
def first(out):
    return out[0] if isinstance(out, (list, tuple)) else out

def train(model, X, y, steps=100, lr=0.1):
    losses = []
    for k in range(steps):
        for p in model.parameters():
            p.grad = 0.0
        value = loss([first(model(x)) for x in X], y)
        value.backward()
        for p in model.parameters():
            p.data -= lr * p.grad
        losses.append(float(value.data))
    return losses

model = MLP(2, [8, 1])
losses = []
"""

FUNCTIONS = {
    "predict_nudge": ['predict_nudge = "C"', 'predict_nudge = "(c)"', 'predict_nudge = " c "'],
    "by_hand": [
        'by_hand = {"km": 2.4, "rate": 12, "start": 1.2, "tip": 25}',
        'import numpy as np\nby_hand = {"tip": np.float64(25.0), "rate": 12.0, "km": 2.40, '
        '"start": 1.20}',
    ],
    "topological_order": [
        # Recursion with the list handed down.
        """
def topological_order(root, order=None, seen=None):
    order = [] if order is None else order
    seen = set() if seen is None else seen
    if id(root) in seen:
        return order
    seen.add(id(root))
    for parent in root._prev:
        topological_order(parent, order, seen)
    order.append(root)
    return order
""",
        # Kahn's algorithm from the root, then reversed; a tuple.
        """
def topological_order(root):
    children, everything, stack = {}, [], [root]
    while stack:
        value = stack.pop()
        if value not in everything:
            everything.append(value)
            stack.extend(value._prev)
    pending = {value: 0 for value in everything}
    for value in everything:
        for parent in set(value._prev):
            pending[parent] += 1
    order, ready = [], [root]
    while ready:
        value = ready.pop(0)
        order.append(value)
        for parent in set(value._prev):
            pending[parent] -= 1
            if pending[parent] == 0:
                ready.append(parent)
    return tuple(reversed(order))
""",
        # A generator.
        """
def topological_order(root):
    seen = set()
    def visit(value):
        if value in seen:
            return
        seen.add(value)
        for parent in value._prev:
            yield from visit(parent)
        yield value
    return visit(root)
""",
    ],
    "zero_grad": [
        "def zero_grad(values):\n    for v in values:\n        v.grad = 0",
        "import numpy as np\ndef zero_grad(values):\n"
        "    [setattr(v, 'grad', np.float32(0)) for v in values]\n    return values",
    ],
    "loss": [
        """
def loss(scores, targets):
    total = Value(0.0)
    for i in range(len(scores)):
        gap = targets[i] - scores[i]
        total = total + gap * gap
    return total * (1 / len(scores))
""",
        """
def loss(scores, targets):
    return sum([(s - t) ** 2 for s, t in zip(scores, targets)]) * (1.0 / len(targets))
""",
    ],
    "train": [
        # Zero at the end of the step, a Value kept for each loss, gradients scaled before.
        """
def train(model, X, y, steps=100, lr=0.1):
    history = []
    for step in range(steps):
        value = loss([model(x) for x in X], y)
        history.append(value)
        value.backward()
        for p in model.parameters():
            p.data = p.data - lr * p.grad
            p.grad = 0
    return history
""",
        # A learning rate that decays a little, and a numpy array of losses.
        """
def train(model, X, y, steps=100, lr=0.1):
    found = np.zeros(steps)
    for step in range(steps):
        scores = list(map(model, X))
        value = loss(scores, y)
        zero_grad(model.parameters())
        value.backward()
        rate = lr * (1 - 0.5 * step / steps)
        for p in model.parameters():
            p.data += -rate * p.grad
        found[step] = value.data
    return found
""",
    ],
    "neuron_in_torch": [
        # Single precision, and tensors handed back.
        """
def neuron_in_torch(w, x, b):
    w = torch.tensor(w, requires_grad=True)
    x = torch.tensor(x)
    b = torch.tensor(b, requires_grad=True)
    out = torch.tanh(w @ x + b)
    out.backward()
    return out, w.grad, b.grad
""",
        """
def neuron_in_torch(w, x, b):
    w = torch.nn.Parameter(torch.as_tensor(w).double())
    b = torch.nn.Parameter(torch.as_tensor([b]).double())
    total = b.clone()
    for wi, xi in zip(w, x):
        total = total + wi * xi
    out = total.tanh()[0]
    grads = torch.autograd.grad(out, [w, b])
    return [float(out), list(grads[0].numpy()), grads[1].item()]
""",
    ],
    "deep_order": [
        """
def deep_order(root):
    found, seen, path = [], {root}, [(root, iter(root._prev))]
    while path:
        value, rest = path[-1]
        for parent in rest:
            if parent not in seen:
                seen.add(parent)
                path.append((parent, iter(parent._prev)))
                break
        else:
            path.pop()
            found.append(value)
    return found
""",
    ],
}
