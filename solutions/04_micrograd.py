# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% tags=["setup"]
import gc
import math
import random

import numpy as np
import torch
from IPython.display import display
from sklearn.datasets import make_moons

from autograder import draw_graph, figure, needs

# %% [markdown]
# ## 1. A slope is the answer to a nudge
#
# *Goes with 0:08 to 0:19 of the video.*
#
# A network learns by asking one question of each of its numbers: **if I raise you a little, does the loss go up or down, and how fast?** The answer is a **gradient**: the slope of the output with respect to that number. This notebook builds the machine that answers the question for every number at once.
#
# We start with something smaller than a network: a taxi fare. The taxi drives 4 km. The meter adds 1.50 for each kilometre and 3.00 to start with. You then add 10% as a tip, so you multiply by 1.1.


# %%
def fare_for(km, rate=1.5, start=3.0, tip=1.1):
    return (km * rate + start) * tip


print(f"4 km cost {fare_for(4):.2f}")

# %% [markdown]
# @exercise predict_nudge
#
# You ask the driver to go a little further than 4 km. By how much does the fare grow **for each extra kilometre**?
#
# @options
#
# Decide before you compute. Then put your letter in place of the `...`, in quotes.

# %% exercise="predict_nudge"
predict_nudge = ...
### BEGIN SOLUTION
predict_nudge = "c"
### END SOLUTION

# %% [markdown]
# The same by machine: nudge one input by a tiny `h`, see how much the output moves, divide by `h`. This is a **numerical gradient**, and it works for any function.

# %%
h = 0.0001
for name, value in {"km": 4.0, "rate": 1.5, "start": 3.0, "tip": 1.1}.items():
    inputs = {"km": 4.0, "rate": 1.5, "start": 3.0, "tip": 1.1}
    inputs[name] = value + h
    print(f"slope by {name:5}: {(fare_for(**inputs) - fare_for(4.0)) / h:.3f}")

# %% tags=["nbval-ignore-output"]
with figure(
    "The fare against the distance is a straight line. Around 4 km a step of 1 km to the right "
    "goes with a step of 1.65 up.",
    width=4.8,
    height=2.6,
) as ax:
    km = np.linspace(0, 8, 50)
    ax.plot(km, fare_for(km), color="#0072b2")
    ax.plot([4, 5, 5], [fare_for(4), fare_for(4), fare_for(5)], color="#d55e00")
    ax.annotate("+1 km", (4.25, fare_for(4) - 1.5), color="#d55e00")
    ax.annotate("+1.65", (5.1, fare_for(4.3)), color="#d55e00")
    ax.set(xlabel="km", ylabel="fare")

# %% [markdown]
# Look at the four slopes above. They tell you more than the fare does: which number to change if you want to pay less, and how much each change buys.
#
# So why not do this for a network, too? Because each slope costs one more run of the whole function. A network with a million weights would run a million and one times for a single step of learning. **Backpropagation** gets all slopes from one run and one walk back. The rest of this notebook builds it.

# %% [markdown]
# ## 2. A number that remembers
#
# *Goes with 0:19 to 0:32 of the video.*
#
# To walk back, we have to know the way we came. Ordinary numbers forget it: `9.0` doesn't know that it was `6.0 + 3.0`. So we make a number that remembers.
#
# A `Value` holds a number in `.data`. When two Values are added or multiplied, the result is a new Value that also keeps the two it was made from, its **parents**, and the name of the operation. Follow the parents and you see the whole **graph** of the computation.

# %% [markdown]
# @exercise value_forward
#
# Write `__add__` and `__mul__`. Python calls `a.__add__(b)` when it sees `a + b`.
#
# - Both return a **new** `Value` with the right data. Neither changes `self` or `other`.
# - The new Value remembers its parents: pass `(self, other)` as its second argument, and `"+"` or `"*"` as its third.
# - `other` may be a plain number, as in `a + 2`. Make a Value of it first.


# %% exercise="value_forward"
class Value:
    """A number that remembers what it was made from.

    data: the number. grad: the slope of the final result by this number, filled in later.
    _prev: the parents that it was made from, _op: by which operation, label: a name for pictures.
    """

    def __init__(self, data, _children=(), _op="", label=""):
        self.data = float(data)
        self.grad = 0.0
        self._prev = tuple(_children)
        self._op = _op
        self.label = label
        self._backward = lambda: None  # what it owes its parents: nothing, so far

    def __repr__(self):
        return f"Value({self.data:.4f})"

    def __add__(self, other):
        ### BEGIN SOLUTION
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, (self, other), "+")
        ### END SOLUTION

    def __mul__(self, other):
        ### BEGIN SOLUTION
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data, (self, other), "*")
        ### END SOLUTION


# %% [markdown]
# Here is the fare again, this time from Values. `draw_graph` follows the parents and draws one box for each Value: its data, and its gradient, which is still 0 everywhere.


# %%
def taxi(km, rate, start, tip):
    """The fare as a graph: (fare, its four inputs)."""
    km, rate = Value(km, label="km"), Value(rate, label="rate")
    start, tip = Value(start, label="start"), Value(tip, label="tip")
    distance = km * rate
    meter = distance + start
    fare = meter * tip
    distance.label, meter.label, fare.label = "distance", "meter", "fare"
    return fare, [km, rate, start, tip]


with needs("value_forward"):
    fare, inputs = taxi(4.0, 1.5, 3.0, 1.1)
    display(draw_graph(fare))

# %% [markdown]
# Read it from left to right: that is the **forward pass**. The four boxes without parents are the **leaves**, the inputs that you may turn. `fare` is the **root**, the one number that we care about.

# %% [markdown]
# ## 3. Gradients by hand
#
# *Goes with 0:32 to 0:51 of the video.*
#
# Now walk the same graph from right to left. Every box gets its **gradient**: how much the fare changes for each unit by which that box changes. Three rules are enough, because each operation only has to know its own inputs:
#
# - **The root starts with 1.** If the fare changes by 1, the fare changes by 1.
# - **`+` hands on.** Raise one input of a sum by a little, and the sum rises by as much. So both inputs get the gradient that arrived, unchanged.
# - **`*` hands on, times the other one.** Raise `a` in `a * b` by a little, and the product rises by `b` times as much. So `a` gets the gradient that arrived times `b.data`, and `b` gets it times `a.data`.
#
# In words, this is the **chain rule**: the slope along a path is the product of the slopes of its steps.
#
# Here is another ride, longer and in a dearer city.

# %%
with needs("value_forward"):
    fare, inputs = taxi(10.0, 2.0, 5.0, 1.2)
    display(draw_graph(fare))

# %% [markdown]
# @exercise by_hand
#
# Walk back through the graph of this second ride with pen and paper. Fill in the gradient of each leaf: numbers in place of the dots.

# %% exercise="by_hand"
by_hand = {
    "km": ...,
    "rate": ...,
    "start": ...,
    "tip": ...,
}
### BEGIN SOLUTION
by_hand = {
    "km": 2.0 * 1.2,
    "rate": 10.0 * 1.2,
    "start": 1.2,
    "tip": 25.0,
}
### END SOLUTION

# %% [markdown]
# One walk gave you all four slopes. Each box did a little local work: take what arrives, multiply by its own slope, hand it on. Nobody needed to see the whole formula.

# %% [markdown]
# ## 4. Who goes first?
#
# *Goes with 1:17 to 1:22 of the video.*
#
# By hand you saw at a glance which box to do next. A program needs a rule. The order matters as soon as a value is used twice, like `c` here.

# %%
with needs("value_forward"):
    a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    c = a + b
    d = a * c
    out = d + c
    c.label, d.label, out.label = "c", "d", "out"
    display(draw_graph(out))

# %% [markdown]
# @exercise predict_order
#
# Gradients flow from `out` to the left. In which order may `c`, `d` and `out` hand their gradients on, so that each of them has received everything that it is due?
#
# @options

# %% exercise="predict_order"
predict_order = ...
### BEGIN SOLUTION
predict_order = "b"
### END SOLUTION

# %% [markdown]
# An order in which every value comes **after** all that it was made from is called a **topological order**. Read backwards, every value comes **before** all that it was made from: the order in which gradients may flow.

# %% [markdown]
# @exercise topological_order
#
# Write `topological_order(root)`. It returns a list of all Values that `root` depends on, `root` included.
#
# - Each Value is in the list once, even if it is used many times. A `set` of the ones you have seen tells quickly, and it stays quick when there are thousands of them.
# - Each Value comes after its parents, which are in `value._prev`. So leaves come early and `root` comes last.


# %% exercise="topological_order"
def topological_order(root):
    """All Values that `root` depends on, parents first, `root` last: a list of Values."""
    ### BEGIN SOLUTION
    order, visited = [], set()

    def visit(value):
        if value not in visited:
            visited.add(value)
            for parent in value._prev:
                visit(parent)
            order.append(value)

    visit(root)
    return order
    ### END SOLUTION


# %% [markdown]
# Your own order for the graph above, and the graph once more. Follow the list with your finger: do you ever meet a value before one of its parents?

# %%
with needs("topological_order"):
    print([value.label for value in topological_order(out)])
    display(draw_graph(out))

# %% [markdown]
# ## 5. Backward, in ten lines
#
# *Goes with 1:09 to 1:22 of the video.*
#
# Everything is there. The rules of section 3 go into the operations, as a small function `_backward` that each result carries with it. The order of section 4 goes into a method `backward()` that calls these functions, root first.
#
# A function inside a function remembers the variables around it, even after the outer one has returned. That is what `_backward` lives on: it is written where the result and its parents are at hand, and called much later.
#
# ```
# def make_counter():
#     count = [0]
#
#     def step():
#         count[0] += 1
#         return count[0]
#
#     return step      # without brackets: the function itself
# ```
#
# One more thing about the code that follows: `class Value(Value):` means "the Value so far, plus what stands here". So each exercise can add to your class without repeating it. If you would rather keep the whole class in one cell and paste it again each time, that works as well.

# %% [markdown]
# @exercise backward
#
# Write `+` and `*` again, now with the way back, and the method `backward`.
#
# - In `__add__` and `__mul__`: give the new Value a name, `out`. Define an inner function `_backward()` that sets `self.grad` and `other.grad` from `out.grad`, by the rules of section 3. Gradients are plain numbers, so use `.data` and `.grad`. Store the function as `out._backward`, without calling it, and return `out`.
# - `backward()` gives `self` a gradient of 1. Then it calls `_backward()` of every Value that `self` depends on, from the root to the leaves: your `topological_order`, reversed.
#
# In this exercise no value is used twice. That is for the next one.


# %% exercise="backward"
class Value(Value):
    def __add__(self, other):
        ### BEGIN SOLUTION
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other), "+")

        def _backward():
            self.grad = out.grad
            other.grad = out.grad

        out._backward = _backward
        return out
        ### END SOLUTION

    def __mul__(self, other):
        ### BEGIN SOLUTION
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other), "*")

        def _backward():
            self.grad = other.data * out.grad
            other.grad = self.data * out.grad

        out._backward = _backward
        return out
        ### END SOLUTION

    def backward(self):
        """Fill in `.grad` of every Value that this one depends on."""
        ### BEGIN SOLUTION
        self.grad = 1.0
        for value in reversed(topological_order(self)):
            value._backward()
        ### END SOLUTION


# %% [markdown]
# The second ride once more. The four gradients of the leaves should be the ones that you worked out by hand.

# %%
with needs("backward"):
    fare, inputs = taxi(10.0, 2.0, 5.0, 1.2)
    fare.backward()
    display(draw_graph(fare))

# %% [markdown]
# ### Help: "AttributeError: 'Value' object has no attribute 'backward'"
#
# You ran an earlier `Value` cell again, and it put the older class back. Run the `Value` cells below it again, in order. Do so, too, when gradients that were right are suddenly too small: an older `+` or `*` has come back.
#
# ### Help: "TypeError: float() argument must be a string or a real number, not 'Value'"
#
# Either a `.data` is missing, so that a Value stands where a number should, often in a `_backward`. Or a Value made by an older class has met one of the newer class: make your Values afresh.

# %% [markdown]
# ## 6. Used twice
#
# *Goes with 1:22 to 1:27 of the video.*
#
# In every network, every input is used many times. So look at the smallest case.

# %% [markdown]
# @exercise predict_twice
#
# Let `out = a * a + a`, and `a = 3`. What is the gradient of `a`?
#
# @options
#
# Nudge it in your head, or on paper: what happens to `out` when `a` becomes 3.001?

# %% exercise="predict_twice"
predict_twice = ...
### BEGIN SOLUTION
predict_twice = "a"
### END SOLUTION

# %% [markdown]
# Ask your engine the same, and the numerical gradient beside it. Do they agree?

# %%
with needs("backward"):
    a = Value(3.0, label="a")
    out = a * a + a
    out.backward()
    print(f"your engine: {a.grad:.3f}")
print(f"a nudge:     {(3.001 * 3.001 + 3.001 - (3 * 3 + 3)) / 0.001:.3f}")

# %% [markdown]
# (The nudge is a little off, 7.001, because its step is not infinitely small.) If your engine says something else than 7, it has lost a path. `a` is used three times, so three shares come back to it, and assigning to `a.grad` keeps only the one that comes last. Slopes along **one** path multiply; slopes of **several** paths add up.

# %% [markdown]
# @exercise accumulate
#
# Write both operations once more. This time they **add** to the gradients of their parents instead of setting them, so that no share is lost. `backward` itself can stay as it is, if it follows your topological order.
#
# If yours did so from the start, paste them here.


# %% exercise="accumulate"
class Value(Value):
    def __add__(self, other):
        ### BEGIN SOLUTION
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other), "+")

        def _backward():
            self.grad += out.grad
            other.grad += out.grad

        out._backward = _backward
        return out
        ### END SOLUTION

    def __mul__(self, other):
        ### BEGIN SOLUTION
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other), "*")

        def _backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._backward = _backward
        return out
        ### END SOLUTION


# %%
with needs("accumulate"):
    a = Value(3.0, label="a")
    out = a * a + a
    out.label = "out"
    out.backward()
    display(draw_graph(out))

# %% [markdown]
# `a` goes into the product twice (the arrow marked ×2) and into the sum once. Its gradient is the sum of the three shares: 3 + 3 + 1.
#
# Adding up has a price: gradients now pile up from one `backward()` to the next. That is useful where two losses share a value, and a famous bug where you forget about it.

# %% [markdown]
# @exercise zero_grad
#
# Write `zero_grad(values)`: set the gradient of every Value in the list back to 0. The data stay as they are.


# %% exercise="zero_grad"
def zero_grad(values):
    """Set `.grad` of each Value in the list to 0."""
    ### BEGIN SOLUTION
    for value in values:
        value.grad = 0.0
    ### END SOLUTION


# %% [markdown]
# **A good place to rest.** You have built backpropagation: a graph, an order, two local rules, and sums where paths meet. It is about 75 minutes to here. What follows adds more operations, and then a network that learns.

# %% [markdown]
# ## 7. More operations
#
# *Goes with 1:27 to 1:39 of the video.*
#
# `+` and `*` already give you more than it seems. Minus is a sum with something negated, and negating is multiplying by -1. Only powers need a rule of their own: the slope of $a^n$ is $n \cdot a^{n-1}$.
#
# Python also has to know what `3 - a` means. It first asks the number 3, which knows nothing about Values, and then calls `a.__rsub__(3)`: "r" for reflected, because `self` stands on the **right**.

# %% [markdown]
# @exercise arithmetic
#
# Give Value the rest of arithmetic, data and gradients:
#
# - `-a`, `a - b`, `a / b`, and `a ** n`, where `n` is a plain number, which may be negative or a fraction.
# - With a plain number on the left: `2 + a`, `2 * a`, `3 - a`, `3 / a`. Then `sum([a, b, c])` works as well, since it starts from `0 + a`.
#
# Most methods are one line that uses operations you have.


# %% exercise="arithmetic"
class Value(Value):
    def __neg__(self):  # -self
        ### BEGIN SOLUTION
        return self * -1
        ### END SOLUTION

    def __sub__(self, other):  # self - other
        ### BEGIN SOLUTION
        return self + -1 * other
        ### END SOLUTION

    def __pow__(self, n):  # self ** n
        ### BEGIN SOLUTION
        out = Value(self.data**n, (self,), f"**{n}")

        def _backward():
            self.grad += n * self.data ** (n - 1) * out.grad

        out._backward = _backward
        return out
        ### END SOLUTION

    def __truediv__(self, other):  # self / other
        ### BEGIN SOLUTION
        other = other if isinstance(other, Value) else Value(other)
        return self * other**-1
        ### END SOLUTION

    def __radd__(self, other):  # other + self
        ### BEGIN SOLUTION
        return self + other
        ### END SOLUTION

    def __rmul__(self, other):  # other * self
        ### BEGIN SOLUTION
        return self * other
        ### END SOLUTION

    def __rsub__(self, other):  # other - self
        ### BEGIN SOLUTION
        return -self + other
        ### END SOLUTION

    def __rtruediv__(self, other):  # other / self
        ### BEGIN SOLUTION
        return other * self**-1
        ### END SOLUTION


# %% [markdown]
# A network needs one more kind of operation: a function of a single value that bends. Without a bend, any stack of sums and products with fixed weights is one straight line.
#
# Here are four that bend, each with its slope. Cover the dashed lines with your hand and guess them from the solid ones first.

# %% tags=["nbval-ignore-output"]
with figure(
    "Four functions and their slopes. tanh rises from -1 to 1, steepest at 0. exp is its own "
    "slope. log gets flatter as x grows. relu is 0 on the left with slope 0, and x on the right "
    "with slope 1.",
    width=7.4,
    height=2.3,
    columns=4,
) as axes:
    x, positive = np.linspace(-3, 3, 200), np.linspace(0.15, 4, 200)
    curves = {
        "tanh": (x, np.tanh(x), 1 - np.tanh(x) ** 2),
        "exp": (x / 2, np.exp(x / 2), np.exp(x / 2)),
        "log": (positive, np.log(positive), 1 / positive),
        "relu": (x, np.maximum(x, 0), (x > 0) * 1.0),
    }
    for ax, (name, (at, value, slope)) in zip(axes, curves.items()):
        ax.plot(at, value, color="#0072b2", label="value")
        ax.plot(at, slope, "--", color="#d55e00", label="slope")
        ax.set_title(name)
    axes[0].legend(fontsize=8)

# %% [markdown]
# @exercise activations
#
# Add four methods without arguments. Each returns a new Value with one parent, and adds its share to that parent's gradient.
#
# | method | data | slope |
# |---|---|---|
# | `tanh` | tanh(x) | 1 - t², where t is tanh(x) |
# | `exp` | eˣ | eˣ |
# | `log` | the natural logarithm of x, for x > 0 | 1 / x |
# | `relu` | x where x > 0, otherwise 0 | 1 where x > 0, otherwise 0 |
#
# The module `math` has the first three as functions of plain numbers.


# %% exercise="activations"
class Value(Value):
    def tanh(self):
        ### BEGIN SOLUTION
        t = math.tanh(self.data)
        out = Value(t, (self,), "tanh")

        def _backward():
            self.grad += (1 - t**2) * out.grad

        out._backward = _backward
        return out
        ### END SOLUTION

    def exp(self):
        ### BEGIN SOLUTION
        out = Value(math.exp(self.data), (self,), "exp")

        def _backward():
            self.grad += out.data * out.grad

        out._backward = _backward
        return out
        ### END SOLUTION

    def log(self):
        ### BEGIN SOLUTION
        out = Value(math.log(self.data), (self,), "log")

        def _backward():
            self.grad += out.grad / self.data

        out._backward = _backward
        return out
        ### END SOLUTION

    def relu(self):
        ### BEGIN SOLUTION
        out = Value(max(0.0, self.data), (self,), "relu")

        def _backward():
            self.grad += (self.data > 0) * out.grad

        out._backward = _backward
        return out
        ### END SOLUTION


# %% [markdown]
# Your engine is complete, and no operation in it knows more than its own slope. Whatever you build from them, however tangled, gets its gradients for the price of one walk back.

# %% [markdown]
# ## 8. A neuron, a layer, a network
#
# *Goes with 0:52 to 1:09 and 1:43 to 1:51 of the video.*
#
# A **neuron** holds a **weight** for each of its inputs and a **bias**. It multiplies inputs by weights, adds everything up, and squashes the sum into the range from -1 to 1:
#
# $$\text{out} = \tanh(w_1 x_1 + w_2 x_2 + \dots + b)$$
#
# The weights say how much each input matters and in which direction; the bias says how easily the neuron fires. Weights and biases together are the **parameters**: the dials that training turns.

# %% [markdown]
# @exercise neuron
#
# Write `Neuron(nin)`, with `nin` the number of inputs.
#
# - It starts with random weights from -1 to 1, and a bias that starts at 0 or at random. All of them are Values.
# - Calling it on a list of `nin` numbers (or Values) returns the Value of the formula above.
# - `parameters()` returns its weights and bias in one flat list.


# %% exercise="neuron"
class Neuron:
    """nin inputs, one output: tanh(w·x + b)."""

    def __init__(self, nin):
        ### BEGIN SOLUTION
        self.w = [Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = Value(0)
        ### END SOLUTION

    def __call__(self, x):
        ### BEGIN SOLUTION
        return sum((wi * xi for wi, xi in zip(self.w, x)), self.b).tanh()
        ### END SOLUTION

    def parameters(self):
        ### BEGIN SOLUTION
        return [*self.w, self.b]
        ### END SOLUTION


# %% [markdown]
# One neuron, drawn. Even this small graph would be tedious by hand. Run it a few times: the weights are different each time, and the gradients follow.

# %% tags=["nbval-ignore-output"]
with needs("neuron"):
    out = Neuron(2)([0.5, -1.0])
    out.backward()
    display(draw_graph(out))

# %% [markdown]
# @exercise layer
#
# A **layer** is several neurons side by side that all see the same inputs. Write `Layer(nin, nout)`: calling it returns a list with the output of each of its `nout` neurons, and `parameters()` returns the parameters of all of them in one flat list.


# %% exercise="layer"
class Layer:
    """nin inputs, nout outputs: nout neurons side by side."""

    def __init__(self, nin, nout):
        ### BEGIN SOLUTION
        self.neurons = [Neuron(nin) for _ in range(nout)]
        ### END SOLUTION

    def __call__(self, x):
        ### BEGIN SOLUTION
        return [neuron(x) for neuron in self.neurons]
        ### END SOLUTION

    def parameters(self):
        ### BEGIN SOLUTION
        return [p for neuron in self.neurons for p in neuron.parameters()]
        ### END SOLUTION


# %% [markdown]
# @exercise mlp
#
# A **multi-layer perceptron** is layers one after another: what one gives, the next one takes. Write `MLP(nin, nouts)`, where `nouts` is the list of the layers' sizes. `MLP(2, [8, 8, 1])` takes 2 numbers, has two **hidden** layers of 8 neurons, and gives 1 output.
#
# - Every neuron ends in tanh, those of the last layer, too.
# - Calling it returns the last layer's outputs as a list. Where there is only one output, return that Value itself: the rest of the notebook wants it so.
# - `parameters()` returns all parameters in one flat list.


# %% exercise="mlp"
class MLP:
    """nin inputs, then layers of the sizes in nouts."""

    def __init__(self, nin, nouts):
        ### BEGIN SOLUTION
        sizes = [nin, *nouts]
        self.layers = [Layer(n, m) for n, m in zip(sizes, sizes[1:])]
        ### END SOLUTION

    def __call__(self, x):
        ### BEGIN SOLUTION
        for layer in self.layers:
            x = layer(x)
        return x[0] if len(x) == 1 else x
        ### END SOLUTION

    def parameters(self):
        ### BEGIN SOLUTION
        return [p for layer in self.layers for p in layer.parameters()]
        ### END SOLUTION


# %% [markdown]
# ## 9. Learning
#
# *Goes with 1:51 to 2:14 of the video.*
#
# Time to use it. The data are two moons: 100 points in the plane, half of them in one moon (label -1), half in the other (label +1). No straight line separates them, so the network has to bend.

# %%
X, y = make_moons(100, noise=0.1, random_state=0)
X, y = X.tolist(), (2.0 * y - 1).tolist()


# %% tags=["nbval-ignore-output"]
def draw_moons(ax):
    points, labels = np.array(X), np.array(y)
    for label, colour, marker in ((-1, "#0072b2", "o"), (1, "#e69f00", "^")):
        ax.scatter(
            *points[labels == label].T,
            c=colour,
            marker=marker,
            s=18,
            edgecolors="white",
            linewidths=0.4,
        )
    ax.grid(False)


with figure(
    "Two interleaved half-moons of 50 points each: circles above on the left, triangles below on "
    "the right.",
    width=4.2,
    height=2.7,
) as ax:
    draw_moons(ax)

# %% [markdown]
# The network gives each point a **score** between -1 and 1. To learn, it needs one number that says how wrong all its scores are together: the **loss**. We take the **mean squared error**,
#
# $$\text{loss} = \frac{1}{n} \sum_{i=1}^{n} (\text{score}_i - \text{target}_i)^2$$
#
# in words: the squared difference of score and target, averaged over the points. It is 0 when every score is right and grows quickly with large errors.

# %% [markdown]
# @exercise loss
#
# Write `loss(scores, targets)`. `scores` is a list of Values, `targets` a list of plain numbers of the same length. It returns one Value, from which gradients can flow back to every score.


# %% exercise="loss"
def loss(scores, targets):
    """The mean squared difference of scores (Values) and targets (numbers), as a Value."""
    ### BEGIN SOLUTION
    return sum((score - target) ** 2 for score, target in zip(scores, targets)) / len(scores)
    ### END SOLUTION


# %% [markdown]
# Now the loop that all of deep learning runs, from this notebook to the largest language models:
#
# 1. **forward**: compute the scores, `[model(x) for x in X]`, and their loss;
# 2. **zero** the gradients of all parameters;
# 3. **backward**: fill them in;
# 4. **update**: move every parameter a small step **against** its gradient, `p.data -= lr * p.grad`.
#
# The order matters: zeroing after backward would wipe out what it found. And don't name a variable `loss` inside a function that calls `loss`: Python would take both for the variable. The gradient points uphill, so against it the loss falls. `lr` is the **learning rate**: how far to step. This is **gradient descent**.

# %% [markdown]
# One line for speed before you start. Each `_backward` refers to the result that carries it, and Python's garbage collector keeps searching such loops for things to throw away. Training makes thousands of them at every step, so let it search less often: that makes a step about three times faster.

# %%
gc.freeze()
gc.set_threshold(100_000)

# %% [markdown]
# @exercise train
#
# Write `train(model, X, y, steps, lr)`. It does the four things above, `steps` times, on all points of `X`, and returns the list of the losses (plain numbers), one for each step, each measured before that step's update.
#
# Below it, make a `model` with two inputs and one output, and train it until it gets at least **95%** of points right that it has never seen. A score above 0 counts as the label +1. The sizes, `steps` and `lr` are yours to choose. One hidden layer of 8 neurons is enough, and a hundred steps of it take about ten seconds.


# %% exercise="train" tags=["nbval-ignore-output"]
def train(model, X, y, steps=100, lr=1.0):
    """Gradient descent on the mean squared error: the list of the losses, one for each step."""
    ### BEGIN SOLUTION
    losses = []
    for step in range(steps):
        value = loss([model(x) for x in X], y)
        zero_grad(model.parameters())
        value.backward()
        for p in model.parameters():
            p.data -= lr * p.grad
        losses.append(value.data)
    return losses
    ### END SOLUTION


model = ...
losses = ...
### BEGIN SOLUTION
random.seed(1)
model = MLP(2, [8, 1])
losses = train(model, X, y)
### END SOLUTION

# %% [markdown]
# What your network has learned, as a picture. On the left the loss, falling; on the right the score at every place in the plane. The border between the colours is where the score is 0.

# %% tags=["nbval-ignore-output"]
with needs("train"):
    assert model is not ..., "there is no model yet"
    grid_x, grid_y = np.linspace(-1.6, 2.6, 32), np.linspace(-1.1, 1.6, 24)
    scores = [[model([u, v]) for u in grid_x] for v in grid_y]
    heights = np.array(
        [[float(getattr(s, "data", None) or s[0].data) for s in row] for row in scores]
    )
    with figure(
        "Left: the loss falls steeply, then levels off near zero. Right: the plane in two "
        "colours, with a border that winds between the two moons.",
        width=7.2,
        height=2.9,
        columns=2,
    ) as (left, right):
        left.plot([float(getattr(value, "data", value)) for value in losses], color="#0072b2")
        left.set(xlabel="step", ylabel="loss", ylim=(0, None))
        right.contourf(
            grid_x, grid_y, heights, levels=20, cmap="PuOr_r", vmin=-1.3, vmax=1.3, alpha=0.6
        )
        right.contour(grid_x, grid_y, heights, levels=[0], colors="black", linewidths=1.2)
        draw_moons(right)

# %% [markdown]
# ### Help: "the loss stops falling too early"
#
# Look at the curve. If it jumps up and down, the steps are too long: halve `lr`. If it creeps, they are too short: double it. If it settles at a loss near 0.3, the border is still nearly straight: give it more steps, or start again from other random weights. If it is flat from the first step on, nothing is updated: check that `backward` comes after `zero_grad`, and the update after both.

# %% [markdown]
# ## 10. The same in PyTorch
#
# *Goes with 1:39 to 1:43 of the video.*
#
# PyTorch does what your engine does, with one difference that matters for speed: its values are **tensors**, whole arrays of numbers, with one node of the graph for all of them. The rest you know: leaves that want a gradient, a graph that grows while you compute, `backward()`, gradients in `.grad`, and they add up until you zero them.

# %%
a = torch.tensor([2.0, 3.0], requires_grad=True)  # a leaf with two numbers in it
out = (a * a).sum()
out.backward()
print(out.item(), a.grad.tolist())  # .item() and .tolist() make plain numbers of tensors

# %% [markdown]
# Each number's gradient is twice the number itself, as for `a * a` in your engine.

# %% [markdown]
# @exercise neuron_in_torch
#
# Write one neuron with torch tensors: `neuron_in_torch(w, x, b)`, where `w` and `x` are lists of numbers and `b` is a number. Compute `out = tanh(w·x + b)`, call `backward()`, and return three things: the output (a number), the gradient of `w` (a list of numbers) and the gradient of `b` (a number).


# %% exercise="neuron_in_torch"
def neuron_in_torch(w, x, b):
    """One neuron in PyTorch: (out, gradient of w as a list, gradient of b)."""
    ### BEGIN SOLUTION
    w = torch.tensor(w, dtype=torch.float64, requires_grad=True)
    b = torch.tensor(b, dtype=torch.float64, requires_grad=True)
    out = torch.tanh((w * torch.tensor(x, dtype=torch.float64)).sum() + b)
    out.backward()
    return out.item(), w.grad.tolist(), b.grad.item()
    ### END SOLUTION


# %% [markdown]
# And the two engines side by side, on the same neuron. How far apart are they?

# %%
with needs("neuron_in_torch"):
    w, x, b = [0.7, -0.4, 0.9], [0.5, 1.5, -0.3], 0.2
    mine_w, mine_b = [Value(wi) for wi in w], Value(b)
    mine = sum((wi * xi for wi, xi in zip(mine_w, x)), mine_b).tanh()
    mine.backward()
    out, grad_w, grad_b = neuron_in_torch(w, x, b)
    print(f"output       yours {mine.data:.6f}   torch {out:.6f}")
    for wi, gi in zip(mine_w, grad_w):
        print(f"gradient     yours {wi.grad:.6f}   torch {gi:.6f}")
    apart = max(abs(wi.grad - gi) for wi, gi in zip(mine_w, grad_w))
    print("largest difference below 0.000001:", apart < 1e-6)

# %% [markdown]
# ## What you can do now
#
# - Say what a gradient is: the answer to "if I nudge this number, what happens to the result?"
# - Turn any formula into a graph, and get all its gradients from one walk back.
# - Explain why gradients add up where a value is used twice, and why they have to be zeroed.
# - Give an engine a new operation, by its value and its slope alone.
# - Train a network with the four lines that train every network.
#
# ### The page to come back to
#
# | piece | what it does | in one line |
# |---|---|---|
# | graph | a result remembers its parents | `Value(data, (self, other), "*")` |
# | local rule | what a result owes its parents | `self.grad += other.data * out.grad` |
# | order | parents first, root last; backward in reverse | `for v in reversed(topological_order(self))` |
# | start | the root's gradient | `self.grad = 1.0` |
# | learning | forward, zero, backward, update | `p.data -= lr * p.grad` |
#
# ### What comes next
#
# In part 3 of the course (modules 05 to 07) the values become tensors and the network becomes a transformer. The loop stays the same four lines.
#
# ### Three to read on
#
# - [micrograd](https://github.com/karpathy/micrograd), about 150 lines: read the engine next to yours. What did you do differently?
# - [Automatic differentiation in machine learning: a survey](https://arxiv.org/abs/1502.05767), Baydin et al., 2018: the family that backpropagation belongs to.
# - [Calculus on computational graphs: backpropagation](https://colah.github.io/posts/2015-08-Backprop/), Olah, 2015: the same idea in pictures, and why backwards beats forwards.

# %% [markdown]
# ## For the curious
#
# @exercise deep_order
#
# Your `topological_order` calls itself for every parent. Python stops that after about a thousand calls within each other, so a chain of a few thousand operations is too deep for it. Nearly every engine like yours has this limit, and the network above never meets it.
#
# Write `deep_order(root)`, with the same result as `topological_order` and without recursion, so that it manages a chain of 50,000 Values. Raising Python's recursion limit with `sys.setrecursionlimit` doesn't count.


# %% exercise="deep_order"
def deep_order(root):
    """As topological_order, for graphs of any depth."""
    ### BEGIN SOLUTION
    order, visited, to_do = [], set(), [(root, False)]
    while to_do:
        value, parents_done = to_do.pop()
        if parents_done:
            order.append(value)
        elif value not in visited:
            visited.add(value)
            to_do.append((value, True))
            to_do.extend((parent, False) for parent in value._prev)
    return order
    ### END SOLUTION


# %% tags=["nbval-ignore-output"]
status()
