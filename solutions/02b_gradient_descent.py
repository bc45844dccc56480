# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% tags=["setup"]
import numpy as np
from sklearn.datasets import load_digits

from autograder import figure, needs
from autograder.plots import sliders

# %% [markdown]
# ## 1. A cost is a landscape
#
# *Goes with chapter 2 of the series, "Gradient descent, how neural networks learn".*
#
# Why this matters: to learn is to walk downhill, and you need to know which way is down.
#
# The digits are those of 02a: 1,348 images to learn from, and every fourth one held out. So are the functions; each says in a line what it does.


# %%
digits = load_digits()
X, y = digits.data / 16, digits.target
held_out = np.arange(len(X)) % 4 == 3
X_train, y_train = X[~held_out], y[~held_out]
X_test, y_test = X[held_out], y[held_out]


def relu(z):
    """The bend between layers: every number, with 0 in place of those below 0."""
    return np.maximum(z, 0)


def mlp_forward(params, X):
    """A network's scores (logits), a row an image: layer after layer, relu between them."""
    for W, b in params[:-1]:
        X = relu(X @ W + b)
    W, b = params[-1]
    return X @ W + b


def softmax(z, axis=-1):
    """Scores to probabilities: all above 0, each row's sum 1."""
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def one_hot(y, num_classes):
    """The right answers as rows: 1 in the column of the label, 0 elsewhere."""
    return np.eye(num_classes)[y]


def cross_entropy(probabilities, y):
    """The cost: minus the logarithm of the right class's probability, averaged over images."""
    return -np.log(probabilities[np.arange(len(y)), y]).mean()


def accuracy(logits, y):
    """The share of images whose largest score is in the right column."""
    return (logits.argmax(axis=1) == y).mean()


def new_net(sizes, rng):
    """Random parameters for layers of these sizes: a list of (weights W, biases b)."""
    return [(rng.normal(0, np.sqrt(2 / n), (n, m)), np.zeros(m)) for n, m in zip(sizes, sizes[1:])]


# %% [markdown]
# Fix the images and labels, and the cost depends on the dials alone. Take a fresh network with 1,210 dials and turn two of its weights from -4 to 4. The cost is a height over that plane: a landscape.

# %% tags=["nbval-ignore-output"]
start = new_net([64, 16, 10], np.random.default_rng(0))


def cost_at(u, v):
    """The cost after two weights of the last layer are set to u and v."""
    (W1, b1), (W2, b2) = start
    W2 = W2.copy()
    W2[3, 1], W2[12, 7] = u, v
    return cross_entropy(softmax(mlp_forward([(W1, b1), (W2, b2)], X_train[:300])), y_train[:300])


places = np.linspace(-4, 4, 33)
heights = np.array([[cost_at(u, v) for u in places] for v in places])
with figure(
    "The cost over two weights as bands of blue: a lopsided bowl, with an arrow that points from a "
    "place high on its side towards lower ground, straight across the bands.",
    width=4.8,
    height=3.2,
) as ax:
    drawn = ax.contourf(places, places, heights, levels=9, cmap="Blues_r")
    ax.figure.colorbar(drawn, label="cost")
    at = np.array([3.0, 3.0])
    slope = np.array([cost_at(3.01, 3) - cost_at(2.99, 3), cost_at(3, 3.01) - cost_at(3, 2.99)])
    step = -1.6 * slope / np.linalg.norm(slope)
    ax.annotate("", at + step, at, arrowprops={"color": "#d55e00", "width": 2, "headwidth": 8})
    ax.plot(*at, "o", color="#d55e00")
    ax.set(xlabel="one weight", ylabel="another weight")
    ax.grid(False)

# %% [markdown]
# Dark is low. The arrow points where the ground falls fastest, straight across the bands. It is minus the **gradient**: the list of slopes, one for each dial, each of them the answer to "if I raise you a little, how fast does the cost rise?" Nobody can draw 1,210 directions, but each slope can be measured.
#
# ### Nudge it
#
# Raise one dial by a tiny h, then lower it by h, and compare the costs. That is a **central difference**:
#
# $$\text{slope} \approx \frac{f(x + h) - f(x - h)}{2h}$$
#
# In words: how much higher is it to the right than to the left, for each unit between them? Looking both ways cancels the bend of the curve.

# %% [markdown]
# @exercise numerical_gradient
#
# Write `numerical_gradient(f, x)`. `x` is an array of any shape; `f` takes such an array and returns one number. The result has the shape of `x`: one central difference for each entry. `x` is as before when you are done.
#
# `np.ndindex(x.shape)` runs through the places of all entries, and `above` and `below` are two fresh copies of `x`, made of floats. Three lines are missing: nudge one entry of each, then fill in the slope.


# %% exercise="numerical_gradient"
def numerical_gradient(f, x):
    """The slope of f by each entry of x, by central differences: an array in the shape of x."""
    h = 0.00001
    slopes = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        above, below = x.astype(float), x.astype(float)
        ### BEGIN SOLUTION
        above[index] += h
        below[index] -= h
        slopes[index] = (f(above) - f(below)) / (2 * h)
        ### END SOLUTION
    return slopes


# %%
with needs("numerical_gradient"):
    last_b = start[1][1]

    def cost_of_biases(b):
        net = [start[0], (start[1][0], b)]
        return cross_entropy(softmax(mlp_forward(net, X_train)), y_train)

    slopes = numerical_gradient(cost_of_biases, last_b)
    for digit, slope in enumerate(slopes):
        print(
            f"bias of digit {digit}: slope {slope:+.4f}, so turn it {'down' if slope > 0 else 'up'}"
        )

# %% [markdown]
# Ten of the slopes, those of the last biases. The fresh network favours some digits for no reason; the signs say which ones to hold back.
#
# A slope takes two runs of the whole network, so all 1,210 take 2,420, for a single step. So nudging is no way to learn. It is the way to **check**: whenever you write a gradient as a formula, compare it with nudging on a small example.

# %% [markdown]
# ## 2. Downhill, step by step
#
# *Goes with chapter 2, from the gradient to the step.*
#
# Why this matters: the same three lines train every network there is.
#
# Take a small step against the slopes, look again. That is **gradient descent**:
#
# $$x \leftarrow x - \text{lr} \cdot \nabla f(x)$$
#
# In words: every dial moves against its slope, steep ones more than flat ones. ∇f ("nabla f") is the gradient of f, and **lr** the **learning rate**: how long a step is for a slope of 1.

# %% [markdown]
# @exercise gradient_descent
#
# Write `gradient_descent(f, grad, x0, lr, steps)`. `f(x)` is the cost at `x`, `grad(x)` its gradient, an array in the shape of `x`. It returns two lists:
#
# - `path`: the points visited, `x0` first, then where you stand after each step, so steps + 1 of them;
# - `costs`: f at each of them.
#
# What happens in one round of the loop is yours.


# %% exercise="gradient_descent"
def gradient_descent(f, grad, x0, lr, steps):
    """Walk downhill from x0: (the points visited, the costs there), steps + 1 of each."""
    x = x0
    path, costs = [x], [f(x)]
    for _ in range(steps):
        ### BEGIN SOLUTION
        x = x - lr * grad(x)  # a new array: the old one is on the path
        path.append(x)
        costs.append(f(x))
        ### END SOLUTION
    return path, costs


# %% [markdown]
# Two landscapes to try it on: the **bowl**, x² + y², and the **valley**, x² + 10 y², ten times as steep across as along its floor.


# %% tags=["nbval-ignore-output"]
def draw_descent(lr=0.04):
    grid = np.linspace(-3.2, 3.2, 81)
    with figure(
        f"Two sets of contour lines, with paths of 15 steps at lr {lr:g}: a round bowl, and a "
        "valley that is long from left to right. Both begin at the upper left; the titles give the "
        "costs at their ends.",
        width=6.2,
        height=2.6,
        columns=2,
    ) as axes:
        for ax, name, steep in zip(axes, ("bowl", "valley"), (1.0, 10.0)):
            w = np.array([1.0, steep])
            path, costs = gradient_descent(
                lambda x, w=w: (w * x**2).sum(),
                lambda x, w=w: 2 * w * x,
                np.array([-2.8, 1.6]),
                lr,
                15,
            )
            u, v = np.meshgrid(grid, grid)
            levels = np.linspace(0.5, 4, 6) ** 2 * (1 + steep) / 8
            ax.contour(
                grid, grid, u**2 + steep * v**2, levels=levels, colors="#9aa3ad", linewidths=0.7
            )
            ax.plot(*np.array(path).T, "o-", color="#d55e00", ms=3.5, lw=1.2)
            ax.set(title=f"{name}: cost {costs[-1]:.2g}", xlim=(-3.2, 3.2), ylim=(-3.2, 3.2))
            ax.set_aspect("equal")
            ax.grid(False)


with needs("gradient_descent"):
    draw_descent(0.04)

# %% [markdown]
# At lr 0.04 both paths are calm. In the bowl all directions shrink alike. In the valley the path turns to the floor, then creeps along it. Before you try longer steps, answer.

# %% [markdown]
# @exercise predict_step
#
# You raise the learning rate bit by bit. At some point the steps in the valley no longer shrink, they grow, and the cost explodes. In which direction does that happen first?
#
# @options

# %% exercise="predict_step"
predict_step = ...
### BEGIN SOLUTION
predict_step = "b"
### END SOLUTION

# %% [markdown]
# Drag the slider, or call `draw_descent` with 0.02, then with 0.11.

# %% tags=["nbval-ignore-output"]
with needs("gradient_descent"):
    sliders(draw_descent, lr=(0.01, 0.12, 0.01, 0.09))

# %% [markdown]
# At 0.09 the path in the valley jumps from wall to wall, though each jump is smaller; beyond 0.1 the jumps grow. At 0.02 it is calm, and after 15 steps neither path is near the middle.

# %% [markdown]
# ## 3. The slopes of a layer, as a formula
#
# *Goes with chapter 3, "What is backpropagation really doing?", where one example says what it wants.*
#
# Why this matters: a formula costs one run where nudging costs thousands.
#
# Take the smallest classifier: one layer, then softmax, then the cost, called **softmax regression**. Start at the end: what does one image want of its ten scores? (The slope **by** a score, or "with respect to" it, is what the cost does when that score is nudged.)

# %% [markdown]
# @exercise predict_sign
#
# An image shows a 3, and the net gives the 3 a probability of 0.2. What is the slope of its cost by the **score of the 3**?
#
# @options

# %% exercise="predict_sign"
predict_sign = ...
### BEGIN SOLUTION
predict_sign = "b"
### END SOLUTION

# %% [markdown]
# For softmax and cross-entropy together, the slope of the cost by score $z_k$, written with a ∂, is short:
#
# $$\frac{\partial\,\text{cost}}{\partial z_k} = p_k - (1 \text{ if } k \text{ is right, else } 0)$$
#
# In words: what the net says, minus what is so. Call these the **errors**. Here they are for an image, from one layer with random dials.

# %% tags=["nbval-ignore-output"]
W0, b0 = new_net([64, 10], np.random.default_rng(1))[0]
said = softmax(X_train[:1] @ W0 + b0)
with figure(
    f"Left: an image of a {y_train[0]}. Middle: bars of what the net says, spread over several "
    "digits. Right: the errors: the same bars, but that of the right digit goes far below 0.",
    width=7.2,
    height=2.1,
    columns=3,
) as (left, middle, right):
    left.imshow(X_train[0].reshape(8, 8), cmap="gray_r")
    left.set_axis_off()
    middle.bar(range(10), said[0], color="#6b7280")
    middle.set(title="says", xticks=range(10), ylim=(-1, 1))
    errors = (said - one_hot(y_train[:1], 10))[0]
    right.bar(range(10), errors, color=np.where(errors > 0, "#d55e00", "#0072b2"))
    right.set(title="errors", xticks=range(10), ylim=(-1, 1))

# %% [markdown]
# The blue bar is a score that should rise, the orange ones should fall. A weight joins input i to score k: if it rises by 1, the score rises by $x_i$. So its slope is **input times error**, averaged over the images. A bias sees a constant 1 in place of an input.

# %% [markdown]
# @exercise softmax_regression_gradient
#
# Write `softmax_regression_gradient(W, b, X, y)`: the gradient of `cross_entropy(softmax(X @ W + b), y)`. It returns `(dW, db)`, in the shapes of `W` and `b`.
#
# Put the shapes side by side: `X` is (n, inputs), the errors are (n, classes), `dW` is (inputs, classes). Which product has that shape? (`X.T` is X with rows and columns swapped.) It adds up over the images, so divide the errors by their number first. The check brings other numbers of classes than ten: `len(b)`.


# %% exercise="softmax_regression_gradient"
def softmax_regression_gradient(W, b, X, y):
    """The slopes of the mean cross-entropy by W and by b: (dW, db)."""
    p = softmax(X @ W + b)  # (n, classes)
    # errors = ...  (n, classes), each divided by n
    # dW = ...  (inputs, classes)
    # db = ...  (classes,)
    ### BEGIN SOLUTION
    errors = (p - one_hot(y, len(b))) / len(X)
    dW = X.T @ errors
    db = errors.sum(axis=0)
    ### END SOLUTION
    return dW, db


# %% tags=["nbval-ignore-output"]
with needs("softmax_regression_gradient"):
    dW, db = softmax_regression_gradient(np.zeros((64, 10)), np.zeros(10), X_train, y_train)
    with figure(
        "Minus the gradient of the weights, one image for each digit: in purple a blurred outline "
        "of the digit, in orange where other digits have their ink.",
        width=7.2,
        height=0.95,
        columns=10,
    ) as axes:
        for digit, ax in enumerate(axes):
            picture = -dW[:, digit].reshape(8, 8)
            ax.imshow(picture, cmap="PuOr", vmin=-0.05, vmax=0.05)
            ax.set_axis_off()

# %% [markdown]
# With all dials at 0, minus the gradient as images: purple weights should rise, orange ones fall. The first step already draws a zero. And is the formula right? Nudge and compare.

# %%
with needs("numerical_gradient", "softmax_regression_gradient"):
    few, labels = X_train[:50], y_train[:50]
    nudged = numerical_gradient(lambda W: cross_entropy(softmax(few @ W + b0), labels), W0)
    formula = softmax_regression_gradient(W0, b0, few, labels)[0]
    print("slopes:", formula.size, " runs by nudging:", 2 * formula.size, " runs by formula: 1")
    print("largest difference below 0.0000001:", np.abs(nudged - formula).max() < 1e-7)

# %% [markdown]
# ## 4. Back through the layers
#
# *Goes with chapters 3 and 4, "Backpropagation calculus".*
#
# Why this matters: with hidden layers, this walk back is the whole of backpropagation.
#
# For the last layer you have it: its inputs are the outputs h of the hidden neurons, or **hidden units**, instead of pixels. What should those do? If a unit rises by 1, a score rises by the weight between them, and the cost by that weight times the score's error. So the unit's slope is the **sum of all errors, each times the weight on the way**.
#
# Then relu. A unit that it switched off passes nothing on: multiply by 1 where h is above 0 and by 0 elsewhere, an array called a **mask**. Now you stand where you began, one layer earlier.

# %% tags=["nbval-ignore-output"]
with figure(
    "A chain of four boxes, X, h, scores, cost. Blue arrows above lead forward, labelled with the "
    "operations. Orange arrows below lead back: first the errors, then times the weights, then "
    "through relu's mask.",
    width=7.2,
    height=2.1,
) as ax:
    for place, name in enumerate(("X", "h", "scores", "cost")):
        ax.text(
            place, 0, name, ha="center", va="center", fontsize=12,
            bbox={"boxstyle": "round,pad=0.5", "fc": "white", "ec": "#6b7280"},
        )  # fmt: skip
    forward = ("layer 1, relu", "layer 2", "softmax, cross-entropy")
    back = (
        "where h is on:\nslopes of sums 1",
        "times weights 2:\nslopes of h",
        "errors:\nslopes of sums 2",
    )
    for place, (there, here) in enumerate(zip(forward, back)):
        ends = (place + 0.82, place + 0.2)
        ax.annotate(
            "",
            (ends[0], 0.12),
            (ends[1], 0.12),
            arrowprops={"arrowstyle": "->", "color": "#0072b2"},
        )
        ax.annotate(
            "",
            (ends[1], -0.12),
            (ends[0], -0.12),
            arrowprops={"arrowstyle": "->", "color": "#d55e00"},
        )
        ax.text(place + 0.5, 0.35, there, ha="center", fontsize=8, color="#0072b2")
        ax.text(place + 0.5, -0.55, here, ha="center", fontsize=8, color="#d55e00")
    ax.set(xlim=(-0.25, 3.3), ylim=(-0.7, 0.6))
    ax.set_axis_off()

# %% [markdown]
# Call `d` the slope of the cost by a layer's sums, one row an example. Each layer uses `d` for its own dW and db, as in section 3, then turns it into the `d` of the layer before.

# %% [markdown]
# @exercise mlp_gradients
#
# Write `mlp_gradients(params, X, y)`: the gradients of `cross_entropy(softmax(mlp_forward(params, X)), y)`. `params` is a list of `(W, b)`, one for each layer, and there may be any number of layers. It returns a list of `(dW, db)` in the same order.
#
# The way forward is there, and keeps in `inputs` what goes into each layer. So are the first `d` and the loop back (`[::-1]` is a list backwards): for each layer from the last to the first, `h` is what went into it. Write three lines: `dW`, `db` and the next `d`. For that one, put the shapes side by side again: `d` is (n, outputs), `W` is (inputs, outputs), and you want (n, inputs). (The `d` of the last round is not needed, and does no harm.)


# %% exercise="mlp_gradients"
def mlp_gradients(params, X, y):
    """The slopes of the mean cross-entropy by every parameter: a list of (dW, db)."""
    inputs = [X]
    for W, b in params[:-1]:
        inputs.append(relu(inputs[-1] @ W + b))
    W, b = params[-1]
    p = softmax(inputs[-1] @ W + b)

    d = (p - one_hot(y, len(b))) / len(X)  # the errors, as in section 3
    gradients = []
    for (W, b), h in zip(params[::-1], inputs[::-1]):
        # dW = ...  (inputs, outputs)
        # db = ...  (outputs,)
        # d = ...  for the layer before: back through W, then the mask of h
        ### BEGIN SOLUTION
        dW = h.T @ d
        db = d.sum(axis=0)
        d = (d @ W.T) * (h > 0)
        ### END SOLUTION
        gradients.append((dW, db))
    return gradients[::-1]


# %% [markdown]
# ### Help: "the shapes fit and the numbers are wrong"
#
# Check from the end. The last dW and db don't depend on the walk back. If only earlier layers are wrong, look at the mask: it belongs to `h`, the array that went **into** the layer you have just left.

# %% [markdown]
# ## 5. Learning to read
#
# *Goes with chapter 2, "gradient descent", and the end of chapter 3 on mini-batches.*
#
# Why this matters: here the dials find their places.
#
# How many images to look at before each step? All 1,348 give an exact slope and few steps; a handful, a **mini-batch**, gives a rough slope and many steps. Rough and many wins. Shuffle the images, cut the row into batches, and use each once: that is an **epoch**. Then shuffle again: `rng.permutation(n)` gives the numbers from 0 to n - 1 in a random order, and `rng` is a generator as `np.random.default_rng(0)` makes it.

# %% [markdown]
# @exercise train_digits
#
# Write `train(params, X, y, lr, epochs, batch_size, rng)`. The loops are there, and the gradients. For each batch, write two lines:
#
# - `chosen`: `batch_size` row numbers from `order`, beginning at `first`. Use the last batch as well if it is shorter. (A slice that ends beyond its array takes what is there.)
# - `params`: one plain step, every `W` minus `lr * dW`, every `b` minus `lr * db`. Make new arrays: the parameters that came in stay as they were.
#
# Below it, train a `net` to at least **95%** on the held-out digits, learning from `X_train` and `y_train` only: replace the `...`. (An lr near 0.1, a batch of about 20 and some dozens of epochs take a few seconds.)


# %% exercise="train_digits" tags=["nbval-ignore-output"]
def train(params, X, y, lr, epochs, batch_size, rng):
    """Gradient descent by mini-batches: the trained parameters, a list of (W, b)."""
    for epoch in range(epochs):
        order = rng.permutation(len(X))  # the row numbers, shuffled
        for first in range(0, len(X), batch_size):
            # chosen = ...  the row numbers of this batch
            ### BEGIN SOLUTION
            chosen = order[first : first + batch_size]
            ### END SOLUTION
            gradients = mlp_gradients(params, X[chosen], y[chosen])
            # params = [... for (W, b), (dW, db) in zip(params, gradients)]
            ### BEGIN SOLUTION
            params = [(W - lr * dW, b - lr * db) for (W, b), (dW, db) in zip(params, gradients)]
            ### END SOLUTION
    return params


rng = np.random.default_rng(0)
fresh = new_net([64, 32, 10], rng)
net = ...  # train(fresh, X_train, y_train, lr=..., epochs=..., batch_size=..., rng=rng)
### BEGIN SOLUTION
net = train(fresh, X_train, y_train, lr=0.1, epochs=60, batch_size=20, rng=rng)
### END SOLUTION

# %% [markdown]
# Here is such a training, epoch by epoch, on the images that it learns from and on those that it never sees.

# %% tags=["nbval-ignore-output"]
with needs("mlp_gradients", "train_digits"):
    rng = np.random.default_rng(1)
    watched, seen, unseen = new_net([64, 32, 10], rng), [], []
    for epoch in range(40):
        seen.append(cross_entropy(softmax(mlp_forward(watched, X_train)), y_train))
        unseen.append(cross_entropy(softmax(mlp_forward(watched, X_test)), y_test))
        watched = train(watched, X_train, y_train, 0.1, 1, 20, rng)
    reached = accuracy(mlp_forward(watched, X_test), y_test)
    with figure(
        "The cost over 40 epochs on a logarithmic scale: both curves fall steeply at first. That of "
        "the training images goes on falling, that of the held-out ones levels off above it.",
        width=4.8,
        height=2.6,
    ) as ax:
        ax.plot(seen, color="#0072b2", label="images it learns from")
        ax.plot(unseen, "--", color="#d55e00", label="held-out images")
        ax.set(xlabel="epoch", ylabel="cost, log scale", yscale="log")
        ax.set_title(f"{reached:.1%} of held-out images right", fontsize=10)
        ax.legend(fontsize=8)

# %% [markdown]
# The curves part: the net learns its own images by heart faster than it learns to read, which is called **overfitting**. Only the gap tells you, and that is why the held-out images must stay held out. Look at those that your own net gets wrong.

# %% tags=["nbval-ignore-output"]
with needs("train_digits"):
    says = mlp_forward(net, X_test).argmax(axis=1)
    wrong = np.flatnonzero(says != y_test)[:10]
    with figure(
        "Up to ten held-out digits that the net reads wrongly, each with what it says and what it "
        "is. Several are hard to read for people, too.",
        width=7.2,
        height=1.25,
        columns=10,
    ) as axes:
        for ax in axes:
            ax.set_axis_off()
        for i, ax in zip(wrong, axes):
            ax.imshow(X_test[i].reshape(8, 8), cmap="gray_r")
            ax.set_title(f"{says[i]}, is {y_test[i]}", fontsize=8, y=-0.32)

# %% [markdown]
# ### Help: "it stays at 10%, or the cost becomes NaN"
#
# At 10% all images get the same answer: the steps are so long that they have switched off the hidden units for good, or nothing is updated. Divide `lr` by 10. If the cost doesn't move at all, check that the new parameters are used in the next step, and returned.

# %% [markdown]
# ## 6. What the hidden units look for
#
# *Goes with chapter 2, "analyzing the network".*
#
# Why this matters: nobody chose these weights, so what do they mean?
#
# A hidden unit of the first layer has 64 weights: an image again, purple where ink raises it, orange where ink lowers it. What do you expect: whole digits, strokes, or noise?

# %% tags=["nbval-ignore-output"]
with needs("train_digits"):
    W1 = net[0][0]
    strongest = np.argsort(-np.abs(W1).sum(axis=0))[:10]
    for weights, title in (
        (new_net([64, 32], np.random.default_rng(1))[0][0][:, :10], "before"),
        (W1[:, strongest], "after"),
    ):
        with figure(
            f"Ten hidden units' weights as images, {title} training: "
            + (
                "plain noise."
                if title == "before"
                else "patches of purple beside patches of orange, like pieces of strokes."
            ),
            width=7.2,
            height=0.95,
            columns=10,
        ) as axes:
            for unit, ax in zip(weights.T, axes):
                ax.imshow(unit.reshape(8, 8), cmap="PuOr", vmin=-0.9, vmax=0.9)
                ax.set_axis_off()

# %% [markdown]
# Above a fresh net's units, below the strongest of yours: blobs and edges, ink here and none beside it, and a lot of noise that was never unlearned. It is tempting to name them, "this one looks for loops". Most resist. To find out what units do is a field of its own, **interpretability**.

# %% [markdown]
# ## 7. What it can't know
#
# *Goes with the end of chapter 2, where the network is shown noise.*
#
# Why this matters: a net meets things in the world that were in no training set.

# %% [markdown]
# @exercise predict_noise
#
# You show the trained net 500 images of pure noise: every pixel random from 0 to 1. What does it say?
#
# @options

# %% exercise="predict_noise"
predict_noise = ...
### BEGIN SOLUTION
predict_noise = "c"
### END SOLUTION

# %% tags=["nbval-ignore-output"]
with needs("train_digits"):
    noise = np.random.default_rng(0).random((500, 64))
    on_noise = softmax(mlp_forward(net, noise))
    with figure(
        "Ten images of grey noise, each with the digit that the net sees in it and how sure it is: "
        "some by more than 80 percent.",
        width=7.2,
        height=1.25,
        columns=10,
    ) as axes:
        for i, ax in enumerate(axes):
            ax.imshow(noise[i].reshape(8, 8), cmap="gray_r")
            ax.set_title(f"{on_noise[i].argmax()}: {on_noise[i].max():.0%}", fontsize=8, y=-0.32)
            ax.set_axis_off()
    print(f"sure by more than 80%: {(on_noise.max(axis=1) > 0.8).mean():.0%} of the noise images")

# %% [markdown]
# Nothing ever asked the net whether it is looking at a digit, and a number near 100% is not knowledge. Safety begins with not taking it for that.
#
# Worse: a gradient can as well say how to change the **pixels** so that the cost **rises**. Move each pixel by the same small epsilon, in the direction of the sign of its slope:
#
# $$X' = \text{clip}\big(X + \epsilon \cdot \text{sign}(\nabla_X\,\text{cost}),\ 0,\ 1\big)$$
#
# In words: one step uphill, every pixel a little; clip keeps them between 0 and 1. The result is called an **adversarial example**.

# %% [markdown]
# @exercise adversarial
#
# Write `adversarial(params, X, y, epsilon)`: the images of `X` after that step, for the net `params` and the right labels `y`, with `np.sign` and `np.clip(..., 0, 1)`.
#
# The walk back is there, as far as `d`, the slopes by the sums of the **first** layer. (`[:0:-1]` is a list backwards without its first entry.) From there to the pixels it is one step more, back through the W of `params[0]`. No relu stands in front of the pixels: a pixel that is 0 can be turned up as well.


# %% exercise="adversarial"
def adversarial(params, X, y, epsilon):
    """Images moved by epsilon in every pixel so that the net's cost rises."""
    inputs = [X]
    for W, b in params[:-1]:
        inputs.append(relu(inputs[-1] @ W + b))
    W, b = params[-1]
    d = softmax(inputs[-1] @ W + b) - one_hot(y, len(b))
    for (W, b), h in zip(params[:0:-1], inputs[:0:-1]):  # from the last layer to the second
        d = (d @ W.T) * (h > 0)

    # slopes = ...  of the cost by the pixels, in the shape of X: W of params[0]
    # return ...  the images after the step
    ### BEGIN SOLUTION
    W, b = params[0]
    slopes = d @ W.T
    return np.clip(X + epsilon * np.sign(slopes), 0, 1)
    ### END SOLUTION


# %% tags=["nbval-ignore-output"]
def draw_fooled(epsilon=0.16):
    moved = adversarial(net, X_test, y_test, epsilon)
    before, after = (softmax(mlp_forward(net, images)) for images in (X_test, moved))
    for images, said, what in ((X_test, before, "as they are"), (moved, after, "after the step")):
        with figure(
            f"Eight held-out digits {what}, each with the net's answer and how sure it is.",
            width=7.2,
            height=1.45,
            columns=8,
        ) as axes:
            for i, ax in enumerate(axes, start=10):
                ax.imshow(images[i].reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
                title = f"{said[i].argmax()}: {said[i].max():.0%}"
                right = said[i].argmax() == y_test[i]
                ax.set_title(title + ("" if right else " ✗"), fontsize=9, y=-0.3)
                ax.set_axis_off()


with needs("train_digits", "adversarial"):
    sliders(draw_fooled, epsilon=(0.0, 0.3, 0.02, 0.16))

# %% tags=["nbval-ignore-output"]
with needs("train_digits", "adversarial"):
    sizes = np.linspace(0, 0.3, 16)
    against = [
        accuracy(mlp_forward(net, adversarial(net, X_test, y_test, e)), y_test) for e in sizes
    ]
    signs = np.random.default_rng(0).choice([-1, 1], X_test.shape)
    at_random = [
        accuracy(mlp_forward(net, np.clip(X_test + e * signs, 0, 1)), y_test) for e in sizes
    ]
    with figure(
        "Accuracy against the size of the change. With random signs it falls slowly, to near 80 "
        "percent at 0.3. With the gradient's signs it falls to near one half at 0.1, and to a few "
        "percent at 0.2.",
        width=4.8,
        height=2.6,
    ) as ax:
        ax.plot(sizes, at_random, "--", color="#6b7280", label="random signs")
        ax.plot(sizes, against, color="#d55e00", label="the gradient's signs")
        ax.set(xlabel="change of each pixel", ylabel="held-out images right", ylim=(0, 1.02))
        ax.legend(fontsize=8, loc="lower left")

# %% [markdown]
# ✗ marks a wrong answer. Both curves change every pixel by the same amount; only the direction differs. A test on random noise would have called this net robust. Someone who may ask for its gradient halves its accuracy with a change of a tenth. How safe a system is depends on who looks for the worst case; held-out accuracy says nothing about that.

# %% [markdown]
# ## What you can do now
#
# - Check the formula of a slope by nudging.
# - Walk downhill step by step, and say why the steepest direction limits the step.
# - Write the gradient of a layer as inputs times errors, and carry errors back through relu.
# - Train a network on mini-batches, and judge it by images that it has never seen.
# - Show that a net can be sure and wrong, and build the image that proves it.
#
# ### The page to come back to
#
# | piece | what it does | in one line |
# |---|---|---|
# | central difference | a slope by nudging | `(f(x + h) - f(x - h)) / (2 * h)` |
# | errors | slopes of the logits | `(softmax(z) - one_hot(y, k)) / n` |
# | a layer's gradients | inputs times errors | `h.T @ d`, `d.sum(axis=0)` |
# | the layer before | back through W and relu | `d = (d @ W.T) * (h > 0)` |
# | a step | against the slope | `W - lr * dW`, `b - lr * db` |
# | an attack | with the slope, on the pixels | `X + epsilon * np.sign(dX)` |
#
# ### What comes next
#
# You wrote one walk back, for one kind of network. Part 2 takes it apart into gates that each know only their own slope.
#
# ### Three to read on
#
# - [A neural network playground](https://playground.tensorflow.org), Smilkov and Carter, 2016: turn learning rate and layers, and watch the units.
# - [Explaining and harnessing adversarial examples](https://arxiv.org/abs/1412.6572), Goodfellow et al., 2015: the step that you wrote.
# - [On calibration of modern neural networks](https://arxiv.org/abs/1706.04599), Guo et al., 2017: how sure nets say they are, and how right they are.

# %% tags=["nbval-ignore-output"]
status()
