# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% tags=["setup"]
from types import SimpleNamespace as Box

import numpy as np
from IPython.display import display
from sklearn.datasets import load_digits

from autograder import draw_graph, figure, needs
from autograder.plots import sliders

digits = load_digits()

# %% [markdown]
# ## 1. Which number matters?
#
# *Goes with "Compound expressions with chain rule".*
#
# You deliver parcels: 2 hours in the morning, 3 in the afternoon, at 20 an hour. Four hours are guaranteed: on a shorter day you are paid for 4 all the same. Three **gates** work out your pay: steps that take numbers in and give one number out.


# %%
def pay(morning, afternoon, guarantee, rate):
    hours = morning + afternoon  # an add gate
    paid = max(hours, guarantee)  # a max gate
    return paid * rate  # a mul gate


print(f"a day's pay: {pay(2, 3, 4, 20)}")


# %%
def box(label, data, grad=None, op="", parents=()):
    """A box of the picture: its name, its number, its gradient, and what it was made from."""
    return Box(label=label, data=data, grad=grad, _op=op, _prev=parents)


hours = box("hours", 5, op="add", parents=(box("morning", 2), box("afternoon", 3)))
paid = box("paid", 5, op="max", parents=(hours, box("guarantee", 4)))
display(draw_graph(box("pay", 100, op="mul", parents=(paid, box("rate", 20)))))

# %% [markdown]
# @exercise predict_quiet
#
# Raise one of the four numbers by a little. **Which one leaves the pay as it is?** Assign its letter, as a string, before you compute.
#
# @options

# %% exercise="predict_quiet"
predict_quiet = ...
### BEGIN SOLUTION
predict_quiet = "c"
### END SOLUTION

# %% [markdown]
# A **gradient** answers such a nudge: how much the result changes for each unit of this number. **Backpropagation** finds all of them in one walk from the result to the inputs.
#
# ## 2. A gate minds its own business
#
# *Goes with "Patterns in backward flow".*
#
# **Forward**, a gate turns its inputs into its output `z`. **Back**, it is handed `dz`, the gradient of the final result by `z`, and tells each input its gradient: **its own slope by that input, times what arrives**. That product is the **chain rule**.
#
# This gate doubles, so its slope is 2. It returns its output, and its way back.


# %%
def double_gate(x):
    z = 2 * x

    def backward(dz):
        return 2 * dz  # its own slope, times what arrives: dx

    return z, backward


z, backward = double_gate(3.5)
print(f"forward: {z}; when 10 arrives, it sends back {backward(10.0)}")

# %% [markdown]
# @exercise gates
#
# Write each `backward(dz)`: it returns two numbers, `dx` and `dy`. Ask the gate: if x rises by a little, how many times as much does z rise? If the inputs of `max_gate` are equal, give what arrives to one of them.


# %% exercise="gates"
def add_gate(x, y):
    """x + y: returns z and backward, where backward(dz) returns dx, dy."""
    z = x + y

    def backward(dz):
        ### BEGIN SOLUTION
        return dz, dz
        ### END SOLUTION

    return z, backward


def mul_gate(x, y):
    """x * y: returns z and backward, where backward(dz) returns dx, dy."""
    z = x * y

    def backward(dz):
        ### BEGIN SOLUTION
        return y * dz, x * dz
        ### END SOLUTION

    return z, backward


def max_gate(x, y):
    """The larger of x and y: returns z and backward, where backward(dz) returns dx, dy."""
    z = max(x, y)

    def backward(dz):
        ### BEGIN SOLUTION
        return (dz, 0.0) if x >= y else (0.0, dz)
        ### END SOLUTION

    return z, backward


# %% [markdown]
# Your gates, wired up: `data` flows forward, `grad` back.


# %%
def pay_graph(morning, afternoon, guarantee, rate):
    """The day's pay through your gates, drawn with values forward and gradients back."""
    hours, add_back = add_gate(morning, afternoon)
    paid, max_back = max_gate(hours, guarantee)
    result, mul_back = mul_gate(paid, rate)
    dpaid, drate = mul_back(1.0)  # the result moves itself by 1
    dhours, dguarantee = max_back(dpaid)
    dmorning, dafternoon = add_back(dhours)

    day = (box("morning", morning, dmorning), box("afternoon", afternoon, dafternoon))
    least = box("guarantee", guarantee, dguarantee)
    hours = box("hours", hours, dhours, "add", day)
    paid = box("paid", paid, dpaid, "max", (hours, least))
    return draw_graph(box("pay", result, 1.0, "mul", (paid, box("rate", rate, drate))))


with needs("gates"):
    display(pay_graph(2.0, 3.0, 4.0, 20.0))

# %% [markdown]
# **Add hands on** what arrives to both inputs. **Max routes** it to the larger one. **Mul swaps:** the rate's gradient is the hours, the hours' is the rate.
#
# With a guarantee of 6 hours, everything flows to it:


# %% tags=["nbval-ignore-output"]
def show_day(guarantee):
    """The picture of the day for one guarantee."""
    with needs("gates"):
        display(pay_graph(2.0, 3.0, guarantee, 20.0))


sliders(show_day, guarantee=(3.0, 7.0, 0.5, 6.0))

# %% [markdown]
# ## 3. In stages
#
# *Goes with "Modularity: Sigmoid example".*
#
# A gate can be as large as you like, if you know its slope. A neuron has two stages: a weighted sum, then the **sigmoid**, which squeezes it into the range from 0 to 1.
#
# $$\text{dot} = w_0 x_0 + \dots + w_{n-1} x_{n-1} + w_n \qquad f = \frac{1}{1 + e^{-\text{dot}}}$$
#
# in words: multiply, add up, add the bias $w_n$; then squeeze. The squeeze's slope needs only its output: $f\,(1 - f)$.

# %% [markdown]
# @exercise predict_saturated
#
# One neuron's output is 0.5, another's 0.99. The same gradient arrives at both. **How large is what the second sends back through its squeeze, compared with the first?**
#
# @options

# %% exercise="predict_saturated"
predict_saturated = ...
### BEGIN SOLUTION
predict_saturated = "a"
### END SOLUTION

# %% tags=["nbval-ignore-output"]
with figure(
    "The sigmoid rises from 0 to 1 like an S. Its slope is a hill: 0.25 high in the middle, "
    "nearly 0 where the sigmoid is close to 0 or 1.",
    width=5.4,
    height=2.3,
) as ax:
    sums = np.linspace(-7, 7, 200)
    squeezed = 1 / (1 + np.exp(-sums))
    ax.plot(sums, squeezed, color="#0072b2", label="f")
    ax.plot(sums, squeezed * (1 - squeezed), "--", color="#d55e00", label="its slope, f (1 - f)")
    ax.set(xlabel="dot")
    ax.legend(loc="upper left")

# %% [markdown]
# @exercise sigmoid_neuron
#
# `x` is an array of n numbers, `w` of n + 1. Walk back through the names: first `ddot`, the gradient of `f` by (with respect to) `dot`, then `dw`, of the shape of `w`, and `dx`, of the shape of `x`.
#
# `np.append(a, b)` is a new array: `a`, with the number `b` behind it.


# %% exercise="sigmoid_neuron"
def sigmoid_neuron(w, x):
    """One neuron: its output f, and the gradients of f by w and by x."""
    dot = w[:-1] @ x + w[-1]  # the bias is the last entry of w
    f = 1 / (1 + np.exp(-dot))
    ### BEGIN SOLUTION
    ddot = f * (1 - f)
    dw = np.append(x * ddot, ddot)
    dx = w[:-1] * ddot
    ### END SOLUTION
    return f, dw, dx


# %% [markdown]
# ## 4. The same with arrays
#
# *Goes with "Gradients for vectorized operations".*
#
# The layer of 02, here called **affine**, is thousands of mul and add gates. It returns its output, and a **cache**, which keeps what the way back will need.

# %% [markdown]
# @exercise affine_forward
#
# `x` holds N examples, each of any shape: five digits are (5, 8, 8). The first line makes each a row of D numbers: (5, 64). Write the second: `rows` times `w`, of shape (D, M), plus `b`, of shape (M,).


# %% exercise="affine_forward"
def affine_forward(x, w, b):
    """A layer: (out, cache), out of shape (N, M)."""
    rows = x.reshape(x.shape[0], -1)  # (N, D): keep the first axis, flatten the others
    ### BEGIN SOLUTION
    out = rows @ w + b
    ### END SOLUTION
    return out, (x, w, b)  # x as it came, in its own shape


# %% [markdown]
# @exercise predict_product
#
# `rows` is (5, 64), `w` is (64, 10), and what arrives, `dout`, is (5, 10). **Which product has the shape of `dw`,** which is that of `w`?
#
# @options

# %% exercise="predict_product"
predict_product = ...
### BEGIN SOLUTION
predict_product = "a"
### END SOLUTION

# %% [markdown]
# @exercise affine_backward
#
# Write `dx`, `dw` and `db`, of the shapes of `x`, `w` and `b`. By the mul gate's rule, `dw` comes from the rows and what arrives, `dx` from `w` and what arrives. All examples share one `w` and one `b`, so what they send back **adds up**.
#
# #### Help: "the shapes don't fit"
#
# In (a, b) @ (b, c) the inner sizes agree and go away. Write the shapes of `dout`, `rows` and `w` side by side; `.T` swaps the two sizes of one.


# %% exercise="affine_backward"
def affine_backward(dout, cache):
    """The layer's way back: dx, dw, db, from dout of shape (N, M)."""
    x, w, _ = cache
    rows = x.reshape(x.shape[0], -1)
    # dout is (N, M), rows (N, D), w (D, M)
    ### BEGIN SOLUTION
    dx = (dout @ w.T).reshape(x.shape)
    dw = rows.T @ dout
    db = dout.sum(axis=0)
    ### END SOLUTION
    return dx, dw, db


# %% [markdown]
# What is in a `dw`? Take five digits and one output, and let 1, 1, -1, -1 and 0.5 arrive.

# %% tags=["nbval-ignore-output"]
with needs("affine_forward", "affine_backward"):
    five, arrives = digits.images[:5] / 16, np.array([1, 1, -1, -1, 0.5])
    kept = affine_forward(five, np.zeros((64, 1)), np.zeros(1))[1]
    gradient = affine_backward(arrives[:, None], kept)[1].reshape(8, 8)
    with figure(
        "Five small digits, 0 to 4, each times what arrives for it: 0 and 1 in violet, 2 and 3 in "
        "orange, 4 in pale violet. The sixth picture is their sum, with strokes of all five.",
        width=7.2,
        height=1.45,
        columns=6,
    ) as axes:
        titles = [f"{a:+g}" for a in arrives] + ["= dw"]
        shares = arrives[:, None, None] * five  # (5, 8, 8)
        for ax, image, title in zip(axes, [*shares, gradient], titles):
            ax.imshow(image, cmap="PuOr", vmin=-1.4, vmax=1.4)
            ax.set_title(title)
            ax.axis("off")

# %% [markdown]
# `dw` is the examples, each times what arrives for it, added up. This is how data gets into the weights.

# %% [markdown]
# ## 5. Between the layers, and at the end
#
# *CS231n's [case study](https://cs231n.github.io/neural-networks-case-study/) works it out.*
#
# Between two layers stands **relu**: a max gate whose other input is always 0.

# %% [markdown]
# @exercise relu_backward
#
# Here `cache` is relu's input x itself, one array of the shape of `dout`. Return a new array. A comparison such as `cache < 3` gives True and False, which count as 1 and 0.


# %% exercise="relu_backward"
def relu_backward(dout, cache):
    """Relu's way back: dx, of the shape of dout."""
    ### BEGIN SOLUTION
    return dout * (cache > 0)
    ### END SOLUTION


# %% [markdown]
# At the end, **softmax** turns each example's scores into probabilities, and the **loss** is the mean of $-\log p$, with $p$ the probability of the right class: the cost of 02.
#
# What flows back to the scores of **one** example is **what the net says, less what is true**: 0.7 for a wrong class that it gives 0.7, and 0.2 - 1 = -0.8 for the right one that it gives 0.2. As the loss is a mean over N examples, each gets that divided by N.

# %% tags=["nbval-ignore-output"]
with figure(
    "Bars for three classes of one example. Left: the probabilities 0.7, 0.2 and 0.1. Right: the "
    "gradient at the scores, 0.7, -0.8 for the right class, and 0.1.",
    width=6.4,
    height=2.1,
    columns=2,
) as (left, right):
    classes = ["seven", "one (right)", "four"]
    left.bar(classes, [0.7, 0.2, 0.1], color="#0072b2")
    left.set(title="what the net says", ylim=(-1, 1))
    right.bar(classes, [0.7, 0.2 - 1, 0.1], color=["#0072b2", "#d55e00", "#0072b2"])
    right.set(title="what flows back", ylim=(-1, 1))
    right.axhline(0, color="#6b7280", linewidth=0.8)

# %% [markdown]
# @exercise softmax_loss
#
# `x` holds scores, shape (N, C); `y` the right classes, N whole numbers. The probabilities are given. Write `loss`, the **mean** over the examples, and make `dx` its gradient by `x`. What you can read you can also set: `dx[each, y] = 5` changes one number in each row.
#
# #### Help: "the loss is right and `dx` is not"
#
# Print `dx.sum(axis=1)`: it is 0 in each row. If it is, ask whether `dx` is a mean, like the loss.


# %% exercise="softmax_loss"
def softmax_loss(x, y):
    """The mean cross-entropy of scores x and right classes y, and its gradient by x."""
    # exp(1000) overflows. Less each row's largest score, the probabilities are the same.
    e = np.exp(x - x.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)  # (N, C)
    each = np.arange(len(y))  # the rows: 0, 1, ..., N - 1
    right = p[each, y]  # one number from each row, (N,)
    dx = p.copy()  # what the net says, in an array of its own
    ### BEGIN SOLUTION
    loss = -np.log(right).mean()
    dx[each, y] -= 1
    dx = dx / len(y)
    ### END SOLUTION
    return loss, dx


# %% [markdown]
# ## 6. Trust, then check
#
# *Goes with CS231n's [gradient checks](https://cs231n.github.io/neural-networks-3/#gradcheck).*
#
# A wrong gradient raises no error; the net only learns badly. So compare yours, $a$, with the nudge $n$ of 02b. The **relative error** is how far apart the two are, against how large they are:
#
# $$\frac{|a - n|}{\max(10^{-8},\ |a| + |n|)}$$
#
# Below 0.0001 your gradient is almost surely right. (A kink of relu within h can raise it.)

# %% [markdown]
# @exercise gradient_check
#
# `analytic` is the gradient of `f` at `x` that is to be checked. The loop nudges one entry of `x` after the other, and keeps the largest error in `worst`. Write `error`, the relative error of this entry.


# %% exercise="gradient_check"
def gradient_check(f, analytic, x, h=1e-5):
    """The largest relative error of `analytic`, beside the numerical gradient of f at x."""
    worst = 0.0
    for i in np.ndindex(*x.shape):  # the index of each entry, whatever the shape
        before = x[i]
        x[i] = before + h
        above = f(x)
        x[i] = before - h
        below = f(x)
        x[i] = before
        a, n = analytic[i], (above - below) / (2 * h)
        ### BEGIN SOLUTION
        error = abs(a - n) / max(1e-8, abs(a) + abs(n))
        ### END SOLUTION
        worst = max(worst, error)
    return worst


# %% [markdown]
# Now the whole chain, each layer with its own cache. Is the gradient right, on six digits?


# %%
def net(params, x, y):
    """The loss of a net with one hidden layer, and the gradients of its four arrays."""
    w1, b1, w2, b2 = params
    hidden, cache1 = affine_forward(x, w1, b1)
    scores, cache2 = affine_forward(np.maximum(hidden, 0), w2, b2)
    loss, dscores = softmax_loss(scores, y)
    dactive, dw2, db2 = affine_backward(dscores, cache2)
    dhidden = relu_backward(dactive, hidden)
    _, dw1, db1 = affine_backward(dhidden, cache1)
    return loss, [dw1, db1, dw2, db2]


def start(hidden=32):
    """Fresh random weights: 64 pixels, a hidden layer, 10 classes."""
    rng = np.random.default_rng(0)
    w1, w2 = rng.normal(0, 0.15, (64, hidden)), rng.normal(0, 0.15, (hidden, 10))
    return [w1, rng.normal(0, 0.15, hidden), w2, rng.normal(0, 0.15, 10)]


x, y = digits.images / 16, digits.target
with needs("affine_forward", "affine_backward", "relu_backward", "softmax_loss", "gradient_check"):
    params = start(hidden=7)
    loss, gradients = net(params, x[:6], y[:6])
    for i, name in enumerate(["w1", "b1", "w2", "b2"]):

        def loss_at(p, i=i):
            """The loss with p in the place of the i-th array."""
            return net([*params[:i], p, *params[i + 1 :]], x[:6], y[:6])[0]

        error = gradient_check(loss_at, gradients[i], params[i])
        print(f"{name} of shape {params[i].shape!s:8} right: {error < 1e-4}")

# %% [markdown]
# Four times `True`, for 535 numbers. Now let a larger net learn: 300 steps on 1,400 digits, then a test on the 397 that it has never seen.

# %% tags=["nbval-ignore-output"]
with needs("affine_forward", "affine_backward", "relu_backward", "softmax_loss"):
    params, losses = start(), []
    for step in range(300):
        loss, gradients = net(params, x[:1400], y[:1400])
        losses.append(loss)
        for p, g in zip(params, gradients):
            p -= 0.5 * g
    hidden = np.maximum(affine_forward(x[1400:], *params[:2])[0], 0)
    found = affine_forward(hidden, *params[2:])[0].argmax(axis=1)
    print(f"right on digits it has never seen: {(found == y[1400:]).mean():.0%}")
    with figure(
        "The loss falls from 2.3 to about 0.05 in 300 steps, steeply at first.",
        width=5.4,
        height=2.2,
    ) as ax:
        ax.plot(losses, color="#0072b2")
        ax.set(xlabel="step", ylabel="loss", ylim=(0, 2.5))

# %% [markdown]
# Each gate took what arrived, multiplied it by its own slope, and handed it on.
#
# ## What you can do now
#
# - Say what an add, a mul and a max gate send back, and why.
# - Take a formula apart into stages, and walk back through them by name.
# - Write a layer's way back by looking at shapes.
# - Say in one line what flows back from a softmax loss.
# - Catch a wrong gradient with a nudge, before it costs you a day.
#
# ### The page to come back to
#
# | piece | forward | back |
# |---|---|---|
# | add | `x + y` | `dz, dz` |
# | mul | `x * y` | `y * dz, x * dz` |
# | max | the larger one | `dz` to the larger one, 0 to the other |
# | sigmoid | `f = 1 / (1 + exp(-x))` | `f * (1 - f) * df` |
# | affine | `x @ w + b` | `dout @ w.T`, `x.T @ dout`, `dout.sum(axis=0)` |
# | relu | `maximum(x, 0)` | `dout * (x > 0)` |
# | softmax and loss | mean of `-log(p)` of the right classes | `p`, less 1 at the right class, over N |
#
# ### What comes next
#
# In [04_micrograd](../04_micrograd/04_micrograd.ipynb) the numbers remember how they were made, and find the way back alone.
#
# ### Three to read on
#
# - [Yes you should understand backprop](https://karpathy.medium.com/yes-you-should-understand-backprop-e2f06eab496b), Karpathy, 2016.
# - [Learning representations by back-propagating errors](https://www.nature.com/articles/323533a0), Rumelhart, Hinton and Williams, 1986.
# - [Derivatives, backpropagation, and vectorization](https://cs231n.stanford.edu/handouts/derivatives.pdf), Johnson, 2017.

# %% tags=["nbval-ignore-output"]
status()
