"""04: the engine that differentiates, and the networks built with it."""

from __future__ import annotations

from explained import changed, written

UNTRAINED = ("losses = train(model, X, y)", "losses = []")
WRONG = (
    changed(
        "value_forward",
        "`out.data`, made by `out = a * b`, is 3.396, expected 2.396: the first wrong number",
        ("Value(self.data * other.data", "Value(self.data * other.data + 1"),
    ),
    changed(
        "value_forward",
        "The result does not remember its parents: pass `(self, other)` to the new Value",
        ('(self, other), "+")', '(), "+")'),
    ),
    written(
        "by_hand",
        "Give a dict with one number for each of km, rate, start and tip",
        "by_hand = {'km': 2.4}",
    ),
    written(
        "by_hand", "Not right: km. Right: rate, start, tip", "by_hand = {**by_hand, 'km': 5.0}"
    ),
    changed(
        "topological_order",
        "Missing from the list: a, b, d, e",
        (
            "            visited.add(value)\n",
            "            visited.add(value)\n            if value._op == '*':\n             "
            "   return\n",
        ),
    ),
    changed(
        "topological_order",
        "Listed more than once: out",
        ("    return order", "    return order + order[-1:]"),
    ),
    changed(
        "topological_order",
        "A value comes before one that it is made from: out before e. The list was c, a, out, b",
        ("return order", "return sorted(order, key=lambda v: v.data)"),
    ),
    changed(
        "topological_order",
        "The list holds Values that are not of this graph",
        ("return order", "return [Value(3), *order]"),
    ),
    changed(
        "deep_order",
        "Listed more than once: out",
        ("    return order", "    return order + order[-1:]"),
    ),
    changed(
        "backward",
        "`a.grad` is -3.18, expected -1.06: the first wrong gradient on the way back",
        ("self.grad = other.data * out.grad", "self.grad = 3 * other.data * out.grad"),
        drawn="Wrong gradients: a.grad is -3.18, expected -1.06.",
    ),
    changed(
        "accumulate",
        "`a.grad` is -9.04, expected -4.52: the first wrong gradient on the way back",
        ("self.grad += other.data * out.grad", "self.grad += 3 * other.data * out.grad"),
        drawn="Wrong gradients: a.grad is -9.04, expected -4.52.",
    ),
    changed(
        "arithmetic",
        "`a.grad` is -5.414, expected 4.791: the first wrong gradient on the way back",
        ("n * self.data ** (n - 1)", "n * self.data ** n / 2"),
        drawn="Wrong gradients: a.grad is -5.414, expected 4.791.",
    ),
    changed(
        "activations",
        "`a.grad` is -1.316, expected -0.6485: the first wrong gradient on the way back",
        ("(1 - t**2) * out.grad", "(1 - t**3) * out.grad"),
        drawn="Wrong gradients: a.grad is -1.316, expected -0.6485.",
    ),
    changed(
        "activations",
        "`a.grad` should be a plain number, and it is an object of class Value: is a "
        "`.data` missing?",
        ("(1 - t**2) * out.grad", "Value(1 - t**2) * out.grad"),
    ),
    changed(
        "neuron",
        "`parameters()` gives 2 parameters, expected 4: a weight for each input and a bias",
        ("[*self.w, self.b]", "[self.w[0], self.b]"),
    ),
    changed(
        "neuron",
        "`parameters()` gives other parameters at each call: does it append to a list?",
        ("self.b = Value(0)", "self.b = Value(0)\n        self.p = []"),
        ("return [*self.w, self.b]", "self.p += [*self.w, self.b]\n        return self.p"),
    ),
    changed(
        "neuron",
        "The same Value is in `parameters()` more than once: each weight is a Value of its own",
        ("[*self.w, self.b]", "[*self.w[:-1], self.b, self.b]"),
    ),
    changed(
        "neuron",
        "Changing a parameter's data changes no output: is every weight and bias used?",
        ("), self.b)", "), self.w[0])"),
    ),
    changed(
        "neuron",
        "Nothing flows back to the parameters: compute with the Values themselves",
        ("), self.b).tanh()", "), self.b).tanh().data * Value(1)"),
    ),
    changed(
        "neuron",
        "It gives 2 outputs, expected 1: one for each neuron of the last layer",
        ("self.b).tanh()", "self.b).tanh(), self.b"),
    ),
    changed(
        "layer",
        "`parameters()` gives 12 parameters, expected 16: a weight for each input",
        ("for neuron in self.neurons for", "for neuron in self.neurons[1:] for"),
    ),
    changed(
        "layer",
        "Changing one parameter changes several outputs: each neuron has its own weights",
        (
            "[neuron(x) for neuron in self.neurons]",
            "[sum([n(x) for n in self.neurons], self.neurons[i].b) for i in "
            "range(len(self.neurons))]",
        ),
    ),
    changed(
        "mlp",
        "`parameters()` gives 24 parameters, expected 26: a weight for each input",
        ("for p in layer.parameters()", "for p in layer.parameters()[1:]"),
    ),
    changed(
        "mlp",
        "It gives 6 outputs, expected 2: one for each neuron of the last layer",
        ("return x[0] if len(x) == 1 else x", "return 3 * x"),
    ),
    changed(
        "train",
        "With steps=12 the list has 24 losses: append one at every step, as a number",
        UNTRAINED,
        ("losses.append(value.data)", "losses += [value.data, value.data]"),
    ),
    changed(
        "train",
        "A step is not the gradient times lr: subtract `lr * p.grad` from every parameter",
        UNTRAINED,
        ("lr * p.grad", "lr / 3 * p.grad"),
    ),
    changed(
        "train",
        "`train` works. Your model gets 80% of 200 fresh points right, and 95% are asked for:",
        UNTRAINED,
    ),
)
