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
# ## 1. A digit is 64 numbers
#
# *Goes with chapter 1 of the series, "But what is a neural network?", its first part.*
#
# Why this matters: before a machine can learn to read, reading has to become arithmetic.
#
# You will work with 1,797 real digits, written by 13 people. Each is an image of 8 by 8 **pixels**, points with one brightness each: 0 is paper, 1 is ink. Its 64 numbers are a row of the array `X`. The array `y` holds the **labels**: which digit each image shows.

# %%
digits = load_digits()
X, y = digits.data / 16, digits.target  # brightness comes as 0 to 16
held_out = np.arange(len(X)) % 4 == 3  # every fourth image
X_train, y_train = X[~held_out], y[~held_out]
X_test, y_test = X[held_out], y[held_out]
print("to learn from:", X_train.shape, " held out:", X_test.shape)

# %% [markdown]
# Every fourth image is **held out**: no dial is ever fitted to it, so it tells how well a net reads digits that it has never seen. (The hands are the same.) Below, each digit once, and the last one as the net sees it.

# %% tags=["nbval-ignore-output"]
with figure(
    "Ten small images in a row, the digits 0 to 9, coarse but readable: 8 by 8 grey pixels each.",
    width=7.2,
    height=0.95,
    columns=10,
) as axes:
    for digit, ax in enumerate(axes):
        ax.imshow(X[digit].reshape(8, 8), cmap="gray_r")
        ax.set_axis_off()

with figure(
    "A nine as a grid of 8 by 8 numbers from 0 to 1, written over its pixels: high where there is "
    "ink, 0 on paper.",
    width=3.3,
    height=3.3,
) as ax:
    ax.imshow(X[9].reshape(8, 8), cmap="gray_r", alpha=0.45)
    for place, value in enumerate(X[9]):
        ax.text(place % 8, place // 8, f"{value:.1f}", ha="center", va="center", fontsize=7)
    ax.set_axis_off()

# %% [markdown]
# So the task is a function: 64 numbers go in, and out come ten, one for each digit. Nobody can write down its rule, but a function with many dials, and then look for a setting that works. This notebook builds the function, and the number that says how bad a setting is. 02b turns the dials.

# %% [markdown]
# ## 2. A neuron asks one question
#
# *Goes with chapter 1, from the neurons to the weights and biases.*
#
# Why this matters: everything else is made of it.
#
# A **neuron** holds one **weight** for each input and one **bias**. It multiplies each input by its weight and adds up, the bias last:
#
# $$z = x_1 w_1 + x_2 w_2 + \dots + x_{64} w_{64} + b$$
#
# In words: how much does this image look like my weights, and is it enough? The 64 weights are an image themselves. Below, a neuron looks for zeros: its weights are the average zero minus the average of all digits. Purple pixels speak for a zero, orange ones against it.

# %% tags=["nbval-ignore-output"]
zero_weights = X_train[y_train == 0].mean(axis=0) - X_train.mean(axis=0)
sums = X_test @ zero_weights
with figure(
    "Left: the weights as an image, a purple ring with an orange middle. Right: two histograms of "
    "the neuron's sums; those of zeros lie to the right of nearly all the others.",
    width=6.6,
    height=2.6,
    columns=2,
) as (left, right):
    left.imshow(zero_weights.reshape(8, 8), cmap="PuOr", vmin=-0.7, vmax=0.7)
    left.set_title("weights", fontsize=10)
    left.set_axis_off()
    bins = np.linspace(-3, 5, 33)
    right.hist(sums[y_test != 0], bins, density=True, color="#e69f00", label="other digits")
    right.hist(
        sums[y_test == 0], bins, density=True, histtype="step", lw=2, color="#0072b2", label="zeros"
    )
    right.set(xlabel="the neuron's sum", yticks=[])
    right.legend(fontsize=8)

# %% [markdown]
# Ink on the ring raises the sum, ink in the middle lowers it. On the right, the held-out zeros get larger sums than nearly everything else.
#
# A sum can be any number. For a yes or no that is soft at the border, the **sigmoid** squashes any number into the range from 0 to 1,
#
# $$\sigma(z) = \frac{1}{1 + e^{-z}}$$
#
# in words: far below zero it is nearly 0, far above it is nearly 1, and at zero it is one half.

# %% [markdown]
# @exercise sigmoid
#
# Write `sigmoid(z)` for an array `z` of any shape, of floats or whole numbers. It returns an array of the same shape.
#
# It has to hold at z = 1200 and z = -1200, too, **without an overflow on the way** (and without hiding one by `np.errstate`): `np.exp(1200.0)` fits into no number. So only raise e to powers below 0. The first line does: `small` is $e^{-z}$ where z is positive and $e^z$ where z is negative. Write the sigmoid with `small`, once for each sign. (For negative z, multiply the formula by $e^z$ above and below the fraction bar.)
#
# `np.where(z >= 0, a, b)` takes its numbers from `a` where z >= 0 and from `b` elsewhere.


# %% exercise="sigmoid"
def sigmoid(z):
    """Squash every number of an array into the range from 0 to 1, without overflow."""
    small = np.exp(-np.abs(z))  # never above 1
    # np.where(z >= 0, the formula with small, the other form of it)
    ### BEGIN SOLUTION
    return np.where(z >= 0, 1 / (1 + small), small / (1 + small))
    ### END SOLUTION


# %% [markdown]
# The sigmoid is the older choice and the one in the videos. Most networks today use something plainer: **relu**, which is z where z is positive and 0 elsewhere. It says: not my question, or this much.

# %% [markdown]
# @exercise relu
#
# Write `relu(z)` for an array `z` of any shape. It returns a new array and leaves `z` as it is.


# %% exercise="relu"
def relu(z):
    """Every number of an array, with 0 in place of those below 0."""
    ### BEGIN SOLUTION
    return np.maximum(z, 0)
    ### END SOLUTION


# %% tags=["nbval-ignore-output"]
def draw_bends(weight=1.0, bias=0.0):
    x = np.linspace(-6, 6, 241)
    with figure(
        f"Sigmoid and relu of {weight:g} x + {bias:g}, side by side. The sigmoid rises in an S from "
        "0 to 1. Relu is flat at 0, then rises in a straight line.",
        width=6.6,
        height=2.3,
        columns=2,
    ) as (left, right):
        left.plot(x, sigmoid(weight * x + bias), color="#0072b2")
        left.set(title="sigmoid(w x + b)", xlabel="x", ylim=(-0.1, 1.1))
        right.plot(x, relu(weight * x + bias), color="#d55e00")
        right.set(title="relu(w x + b)", xlabel="x", ylim=(-0.5, 6.5))


with needs("sigmoid", "relu"):
    sliders(draw_bends, weight=(-4.0, 4.0, 0.5, 1.0), bias=(-6.0, 6.0, 0.5, 0.0))

# %% [markdown]
# Both turn at w x + b = 0. Move that place with the sliders, or call `draw_bends(4, -6)`: a larger weight makes the turn sharper, and the bias moves it.

# %% [markdown]
# ## 3. A layer asks many at once
#
# *Goes with chapter 1, the part where the weights become a matrix.*
#
# Why this matters: one matrix product does the work of thousands of neurons, and fast hardware is built for it.
#
# A **layer** is several neurons side by side that all see the same inputs. The weights of each neuron are a column of `W`, of shape (inputs, neurons); its bias is a number in the row `b`. With one example in each row of `X`:
#
# $$Z = X W + b$$
#
# In words: row i, column j holds the sum of neuron j for example i. In shapes: (n, inputs) times (inputs, neurons) gives (n, neurons). (The videos write $W a + b$, with an example as a column. Nearly all code has examples as rows.)

# %% [markdown]
# @exercise layer_digits
#
# Write `layer(W, b, X)`. `W` has shape (inputs, neurons), `b` has shape (neurons,), `X` has shape (n, inputs). It returns the plain sums, of shape (n, neurons), with neither sigmoid nor relu.
#
# #### Help: "mismatch in its core dimension"
#
# The inner sizes of a product differ. Print `X.shape` and `W.shape`: the last number of the first has to equal the first number of the second.


# %% exercise="layer_digits"
def layer(W, b, X):
    """The sums of every neuron for every example: (n, inputs) -> (n, neurons)."""
    ### BEGIN SOLUTION
    return X @ W + b
    ### END SOLUTION


# %% [markdown]
# Now ten neurons at once, with weights made by hand: each neuron's are the average image of its digit, a **template**. The bias is half of the template's squared length, with a minus: then the largest score is that of the nearest template, and ink alone doesn't win.

# %%
means = np.array([X_train[y_train == digit].mean(axis=0) for digit in range(10)])
W_hand, b_hand = means.T, -0.5 * (means**2).sum(axis=1)
with needs("layer_digits"):
    scores = layer(W_hand, b_hand, X_test)
    print("images and weights:", X_test.shape, W_hand.shape, " scores:", scores.shape)
    print("scores of the first one:", scores[0].round(1).tolist())

# %% tags=["nbval-ignore-output"]
with figure(
    "Ten blurred images in a row: the average 0 to the average 9, each readable.",
    width=7.2,
    height=0.95,
    columns=10,
) as axes:
    for mean, ax in zip(means, axes):
        ax.imshow(mean.reshape(8, 8), cmap="gray_r")
        ax.set_axis_off()

# %% [markdown]
# The blur is where people differ. One template for each digit has little to say of a seven with a bar. (How many it reads, you will count in section 5.) For more, it needs neurons that look for parts, and neurons that put parts together.

# %% [markdown]
# ## 4. Layer after layer
#
# *Goes with chapter 1, "recapping the network", and its last part on relu.*
#
# Why this matters: this is the shape of every network that you will meet.
#
# Put a **hidden layer** of 16 neurons between the pixels and the ten scores.

# %% [markdown]
# @exercise predict_stack
#
# Two layers in a row, (X W1 + b1) W2 + b2, with no sigmoid and no relu. What can they compute?
#
# @options
#
# Decide, then assign your letter, as a string.

# %% exercise="predict_stack"
predict_stack = ...
### BEGIN SOLUTION
predict_stack = "b"
### END SOLUTION

# %% [markdown]
# So relu goes between the layers. Layers with a bend between them are called a **multi-layer perceptron**, or MLP. Out of its last layer come the **logits**: one score for each **class** (here, a digit), of any size and sign.

# %% [markdown]
# @exercise mlp_forward
#
# Write `mlp_forward(params, X)`. `params` is a list of pairs `(W, b)`, one for each layer, first layer first; there may be any number of them. Relu stands **between** the layers and not after the last one. It returns the logits, of shape (n, classes). Two lines are missing.


# %% exercise="mlp_forward"
def mlp_forward(params, X):
    """The logits of a network with relu between its layers: (n, inputs) -> (n, classes)."""
    h = X
    for W, b in params[:-1]:  # every layer but the last
        ### BEGIN SOLUTION
        h = relu(layer(W, b, h))
        ### END SOLUTION
    W, b = params[-1]  # the last one
    ### BEGIN SOLUTION
    return layer(W, b, h)
    ### END SOLUTION


# %% [markdown]
# A fresh network needs random weights: neurons that start equal would stay equal. `np.random.default_rng(0)` is a generator of random numbers; 0 is its **seed**, and the same seed gives the same numbers again. How large should weights be? A sum of n terms grows with the root of n, so the weights are divided by it (and multiplied by the root of 2, as relu cuts off half), and the sums keep about the same size in every layer.


# %%
def new_net(sizes, rng):
    """Random parameters for layers of these sizes: a list of (W, b)."""
    return [(rng.normal(0, np.sqrt(2 / n), (n, m)), np.zeros(m)) for n, m in zip(sizes, sizes[1:])]


net = new_net([64, 16, 10], np.random.default_rng(0))
dials = sum(W.size + b.size for W, b in net)

# %%
with needs("layer_digits", "relu", "mlp_forward"):
    logits = mlp_forward(net, X_test)
    print("one image's logits:", logits[0].round(2).tolist())

# %% tags=["nbval-ignore-output"]
with figure(
    "A network from left to right: a column of 64 pixels of a digit, a column of 16 circles, a "
    "column of 10 circles labelled 0 to 9, and coloured lines from each "
    "column to the next.",
    width=5,
    height=2.9,
) as ax:
    hidden = np.maximum(X_test[5] @ net[0][0] + net[0][1], 0)
    columns = [X_test[5], hidden / hidden.max(), np.zeros(10)]
    heights = [np.linspace(1, 0, 64), np.linspace(0.95, 0.05, 16), np.linspace(0.9, 0.1, 10)]
    for place, (W, _) in enumerate(net):
        strong = np.abs(W) > np.quantile(np.abs(W), 0.95 if place == 0 else 0.7)
        for i, j in np.argwhere(strong):
            ends = [heights[place][i], heights[place + 1][j]]
            colour = "#0072b2" if W[i, j] > 0 else "#e69f00"
            ax.plot([place, place + 1], ends, color=colour, lw=0.7, antialiased=False)
    for place, (values, high) in enumerate(zip(columns, heights)):
        size = (12, 90, 130)[place]
        ax.scatter(
            [place] * len(values),
            high,
            s=size,
            c=values,
            cmap="gray_r",
            vmin=0,
            vmax=1.2,
            edgecolors="#6b7280",
            zorder=3,
        )
    for digit, high in enumerate(heights[2]):
        ax.text(2.07, high, str(digit), va="center", fontsize=8)
    ax.set(xlim=(-0.1, 2.2), xticks=[0, 1, 2], yticks=[])
    ax.set_xticklabels(["64 pixels", "16 hidden", "10 logits"])
    ax.grid(False)

# %% [markdown]
# Blue lines are weights above 0, orange ones below; only the strongest are drawn. The darker a hidden circle, the more it responds to this image; relu has switched off the white ones.
#
# Weights and biases together are the **parameters**, the dials of this function: one for each line, and a bias for each circle of the last two columns. That makes 16 · (64 + 1) + 10 · (16 + 1) = 1,210.

# %% [markdown]
# ## 5. From scores to probabilities
#
# *Beyond the videos, which stop at ten numbers between 0 and 1.*
#
# Why this matters: every classifier and every language model ends in this function.
#
# Logits can be anything. We want **probabilities**: none below 0, all together 1. Raise e to the power of each, which makes them positive, then divide by their sum. That is **softmax**:
#
# $$p_k = \frac{e^{z_k}}{\sum_j e^{z_j}}$$

# %% [markdown]
# @exercise predict_shift
#
# You add 100 to all ten logits of an image. What happens to its ten probabilities?
#
# @options

# %% exercise="predict_shift"
predict_shift = ...
### BEGIN SOLUTION
predict_shift = "c"
### END SOLUTION

# %% [markdown]
# You can use that. Logits near 900 are too large for `np.exp`. But you may subtract the same number from all logits of an image, so subtract the one that makes the largest harmless.
#
# Each row needs a number of its own. A sum or maximum along an axis loses that axis, and (4, 3) less (4,) fails; worse, (3, 3) less (3,) works and is wrong. `keepdims=True` keeps it, with length 1, so that it fits back onto the array:

# %%
table = np.array([[3.0, 1.0, 2.0], [40.0, 60.0, 50.0]])
print(table.mean(axis=1).shape, table.mean(axis=1, keepdims=True).shape)
print(table - table.mean(axis=1, keepdims=True))  # each row minus its own mean

# %% [markdown]
# @exercise softmax
#
# Write `softmax(z, axis=-1)` from `np.exp`, without a library's softmax. `z` is an array of any shape; along `axis` the results are a **distribution**: none below 0, all together 1. By default that is the last axis, so each row of a matrix is one. Pass `axis=axis` on to numpy, with `keepdims=True`.
#
# It has to be right for logits of any size: near 900, near -900, with rows that lie far apart.
#
# #### Help: "operands could not be broadcast together"
#
# A sum or maximum has lost its axis: (4, 3) divided by (4,) fails, and (3, 3) divided by (3,) works and is wrong. With `keepdims=True` it is (4, 3) divided by (4, 1).


# %% exercise="softmax"
def softmax(z, axis=-1):
    """Probabilities that add up to 1 along `axis`, in the shape of z."""
    # 1. subtract what makes the largest logit of each row harmless
    # 2. raise e to the power of each
    # 3. divide by the sum along the axis
    ### BEGIN SOLUTION
    e = np.exp(z - z.max(axis=axis, keepdims=True))  # the largest power is 0
    return e / e.sum(axis=axis, keepdims=True)
    ### END SOLUTION


# %% tags=["nbval-ignore-output"]
def draw_softmax(factor=1.0):
    z = factor * np.array([2.0, -0.3, 1.1, 0.4, -1.5])
    with figure(
        f"Five logits as bars, times {factor:g}, and beside them their softmax: the order is the "
        "same, and the largest takes the largest share.",
        width=6.4,
        height=2.2,
        columns=2,
    ) as (left, right):
        left.bar(range(5), z, color="#6b7280")
        left.set(title=f"logits, times {factor:g}", xlabel="class")
        right.bar(range(5), softmax(z), color="#0072b2")
        right.set(title="softmax", xlabel="class", ylim=(0, 1))


with needs("softmax"):
    draw_softmax(1)
    sliders(draw_softmax, factor=(0.0, 6.0, 0.25, 4.0))

# %% [markdown]
# Multiplying the logits widens their gaps, and the largest takes nearly everything. At factor 0, all classes are equal. (The factor is one over the **temperature** that you set on a language model.)

# %% [markdown]
# @exercise accuracy
#
# The network's answer is the class with the largest logit. Write `accuracy(logits, y)`: the share of examples whose answer is the label in `y`, as one number from 0 to 1. `argmax` gives the place of the largest number; like `max`, it takes an `axis`.


# %% exercise="accuracy"
def accuracy(logits, y):
    """The share of rows whose largest logit is in column y."""
    ### BEGIN SOLUTION
    return (logits.argmax(axis=1) == y).mean()
    ### END SOLUTION


# %%
with needs("layer_digits", "relu", "mlp_forward", "accuracy"):
    by_hand = layer(W_hand, b_hand, X_test)
    untrained = mlp_forward(net, X_test)
    print(f"templates by hand, one layer: {accuracy(by_hand, y_test):.1%}")
    print(f"random dials, {dials:,} of them: {accuracy(untrained, y_test):.1%}")

# %% [markdown]
# One layer of templates reads nine digits in ten. 1,210 random dials guess. Which way should each of them turn?

# %% [markdown]
# ## 6. What a wrong answer costs
#
# *Goes with chapter 2, "the cost function". The videos use squared differences; this is what networks use today.*
#
# Why this matters: a dial that moves a little rarely changes which answers are right, so accuracy doesn't say which way to turn it. A cost does.
#
# First the right answer, in a form to compare with ten probabilities: a row with 1 at the right class and 0 elsewhere, called **one-hot**. Arrays may stand as an index. Two of them pair up: the first says which rows, the second which column in each.

# %%
table = np.array([[10, 11, 12], [20, 21, 22]])
print(table[[1, 0, 1]].tolist())  # rows 1, 0 and 1
print(table[[0, 1], [2, 0]].tolist())  # row 0 column 2, row 1 column 0
print(np.arange(4))  # the row numbers of an array with 4 rows

# %% [markdown]
# @exercise one_hot
#
# Write `one_hot(y, num_classes)`. `y` is an array of n labels, counted from 0; the result has shape (n, num_classes).


# %% exercise="one_hot"
def one_hot(y, num_classes):
    """One row for each label, with a single 1 in its column."""
    ### BEGIN SOLUTION
    return np.eye(num_classes)[y]
    ### END SOLUTION


# %% [markdown]
# Now the cost. Look at the probability that the network gave to the **right** class, and take minus its natural logarithm. Probability 1 costs nothing; the smaller, the more, without limit. The mean over all examples is the **cross-entropy**:
#
# $$\text{cost} = -\frac{1}{n} \sum_{i=1}^{n} \ln p_{i,\,y_i}$$
#
# In words: how surprised is the network, on average, by the right answer?

# %% [markdown]
# @exercise predict_guess
#
# A network knows nothing and gives each of the ten digits the same probability. What is its cost?
#
# @options

# %% exercise="predict_guess"
predict_guess = ...
### BEGIN SOLUTION
predict_guess = "d"
### END SOLUTION

# %% tags=["nbval-ignore-output"]
with figure(
    "The cost against the probability of the right digit: 0 at probability 1, 0.7 at one half, and "
    "it climbs without limit towards probability 0.",
    width=4.8,
    height=2.5,
) as ax:
    p = np.linspace(0.005, 1, 300)
    ax.plot(p, -np.log(p), color="#0072b2")
    for at, note in ((0.5, "a coin"), (0.9, "quite sure"), (0.02, "sure, and wrong")):
        ax.plot(at, -np.log(at), "o", color="#d55e00")
        ax.annotate(note, (at + 0.02, -np.log(at) + 0.25), fontsize=9)
    ax.set(xlabel="probability of the right digit", ylabel="cost", ylim=(0, 5.5))

# %% [markdown]
# To be unsure is cheap, to be sure and wrong is not.

# %% [markdown]
# @exercise cross_entropy
#
# Write `cross_entropy(probabilities, y)`: `probabilities` has shape (n, classes), `y` holds the n right classes as whole numbers. It returns one number, the mean over the n examples.
#
# A **wrong** class may have probability exactly 0, and its logarithm is minus infinity: it must not turn the cost into NaN. (The right class never has 0 here.)


# %% exercise="cross_entropy"
def cross_entropy(probabilities, y):
    """Minus the natural logarithm of the right class's probability, averaged over examples."""
    ### BEGIN SOLUTION
    return -np.log(probabilities[np.arange(len(y)), y]).mean()
    ### END SOLUTION


# %%
with needs("layer_digits", "relu", "mlp_forward", "softmax", "cross_entropy"):
    print(f"random dials:      {cross_entropy(softmax(mlp_forward(net, X_test)), y_test):.3f}")
    print(f"knowing nothing:   {np.log(10):.3f}")
    scores = layer(W_hand, b_hand, X_test)
    print(f"templates by hand: {cross_entropy(softmax(scores), y_test):.3f}")

# %% [markdown]
# The random network is worse than knowing nothing: it has opinions, and they are unfounded. When you train a network of your own, look at its first cost. If it is far above ln(number of classes), something is wrong before it begins.

# %% [markdown]
# ## 7. Surprise, measured
#
# *Beyond the videos; you will need it for language models in part 3.*
#
# Why this matters: "how unsure is it?" and "how wrong is its belief?" are questions for every model.
#
# Minus the logarithm of a probability is the **surprise** at an outcome. **Entropy** is the surprise that you expect on average, when p itself says how often each outcome comes:
#
# $$H(p) = -\sum_k p_k \ln p_k$$
#
# With the natural logarithm its unit is the **nat**. It is 0 when the outcome is certain, and largest when all are equally likely.

# %% [markdown]
# @exercise entropy
#
# Write `entropy(p)` in nats, for one distribution: a row `p` of probabilities. An outcome that never happens adds nothing, so leave it out: a comparison may stand as an index, and `p[p > 0]` holds the entries above 0.


# %% exercise="entropy"
def entropy(p):
    """The expected surprise at outcomes of the distribution p, in nats."""
    ### BEGIN SOLUTION
    p = p[p > 0]
    return -np.sum(p * np.log(p))
    ### END SOLUTION


# %% [markdown]
# Which held-out images are the templates from section 3 least sure about?

# %% tags=["nbval-ignore-output"]
with needs("layer_digits", "softmax", "entropy"):
    unsure = [entropy(p) for p in softmax(layer(W_hand, b_hand, X_test))]
    least, most = np.argsort(unsure)[:5], np.argsort(unsure)[-5:]
    with figure(
        "Two groups of five images: on the left clean digits with a low entropy, on the right "
        "odd and smeared ones with a high entropy. Each has its entropy below it.",
        width=7.2,
        height=1.25,
        columns=10,
    ) as axes:
        for i, ax in zip([*least, *most], axes):
            ax.imshow(X_test[i].reshape(8, 8), cmap="gray_r")
            ax.set_title(f"{unsure[i]:.2f}", fontsize=9, y=-0.32)
            ax.set_axis_off()

# %% [markdown]
# On the left the lowest entropies, on the right the highest: you would hesitate at some of them, too.
#
# The last piece compares two beliefs. Outcomes come as p says, and you believe q. On average you are more surprised than you had to be, by the **Kullback-Leibler divergence**:
#
# $$D(p \,\|\, q) = \sum_k p_k \ln \frac{p_k}{q_k}$$
#
# It is 0 where q is p, never negative, and not the same with p and q swapped. Add H(p), the surprise you can't avoid, and you have the whole surprise, the cross-entropy $-\sum_k p_k \ln q_k$. (With a one-hot p it is $-\ln q$ of the right class: section 6.)

# %% [markdown]
# @exercise kl_divergence
#
# Write `kl_divergence(p, q)` in nats, for two rows of probabilities. p may hold zeros; q has none. Leave out the same places of both: `q[p > 0]` holds the entries of q where p is above 0.


# %% exercise="kl_divergence"
def kl_divergence(p, q):
    """How much more surprised you are by p's outcomes when you believe q, in nats."""
    ### BEGIN SOLUTION
    happens = p > 0
    return np.sum(p[happens] * np.log(p[happens] / q[happens]))
    ### END SOLUTION


# %%
with needs("entropy", "kl_divergence"):
    weather, belief = np.array([0.7, 0.2, 0.1]), np.array([0.2, 0.3, 0.5])
    crossed = -np.sum(weather * np.log(belief))
    print(f"surprise that can't be avoided: {entropy(weather):.3f}")
    print(f"price of the wrong belief:      {kl_divergence(weather, belief):.3f}")
    print(f"together, the cross-entropy:    {crossed:.3f}")
    print(f"the other way round:            {kl_divergence(belief, weather):.3f}")

# %% [markdown]
# A one-hot row has entropy 0. So the cost of section 6 is all divergence, the price of what the network believes. Training will shrink it.

# %% [markdown]
# ## What you can do now
#
# - See an image as numbers, and a neuron as a question about them.
# - Compute a whole layer, for any number of examples, in one matrix product.
# - Say why layers need a bend between them, and count a network's dials.
# - Turn scores of any size into probabilities, and put a price on an answer.
# - Read entropy as the least price on average, and a divergence as what wrong beliefs cost on top.
#
# ### The page to come back to
#
# | piece | what it does | in one line |
# |---|---|---|
# | layer | n examples through all neurons | `X @ W + b` |
# | relu | the bend between layers | `np.maximum(z, 0)` |
# | softmax | scores to probabilities | `e = np.exp(z - z.max(axis=-1, keepdims=True)); e / e.sum(axis=-1, keepdims=True)` |
# | one-hot | the right answer as a row | `np.eye(num_classes)[y]` |
# | cross-entropy | how wrong, in nats | `-np.log(p[np.arange(len(y)), y]).mean()` |
# | entropy | how unsure, in nats | `p = p[p > 0]`, then `-np.sum(p * np.log(p))` |
#
# ### What comes next
#
# The function stands, and so does its cost. In 02b the gradient says which way to turn every dial, and the network learns to read.
#
# ### Three to read on
#
# - [Neural networks and deep learning, chapter 1](http://neuralnetworksanddeeplearning.com/chap1.html), Nielsen, 2015: the same task, with sigmoids throughout.
# - [Visual information theory](https://colah.github.io/posts/2015-09-Visual-Information/), Olah, 2015: entropy and cross-entropy as areas that you can see.
# - [Linear classification](https://cs231n.github.io/linear-classify/), CS231n: templates as classifiers, and another cost to compare.

# %% tags=["nbval-ignore-output"]
status()
