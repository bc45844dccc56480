# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% tags=["setup"]
import math
import time

import numpy as np
import torch
import torch.nn as nn

from autograder import figure, needs
from autograder.plots import progress
from autograder.research import (
    experiments,
    log,
    results_of,
    sweep,
    watch_training,
    write_experiment,
)

torch.set_num_threads(1)  # for models this small, a second thread only gets in the way
BLUE, ORANGE, GREEN, VERMILION, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#6b7280"
watch_training()  # notes when your first training begins: a registration counts if it came before

# %% [markdown]
# A paper is a set of claims. To **replicate** one is to run it yourself and see whether it holds. You take one claim, the one that all others rest on, say beforehand what would prove it wrong, run it, and report what came out. That is most of what a researcher does, and you can do it on this computer.
#
# The paper is [Toy Models of Superposition](https://transformer-circuits.pub/2022/toy_model/index.html) by Nelson Elhage and others, 2022. Keep it open in a second tab.
#
# Some answers in this notebook are texts. A check sees that something is written, notes it, and shows what a careful reader would have noticed. What your text is worth is for a person to say, by the rubric that stands above it. If you learn alone, grade yourself: the rubric is the same.
#
# The eight sections are rests on the way: stop after any of them. Sections 1 to 4 take about an hour, 5 takes 80 minutes, 6 and 7 about 75, 8 half an hour.

# %% [markdown]
# ## 1. Read in passes
#
# Why this matters: most papers do not deserve two hours. Reading in passes tells you after five minutes whether this one does.
#
# | pass | what you look at | stop if |
# |---|---|---|
# | 1, five minutes | title, introduction, all figures, no formula | you can't say what is claimed, or don't care whether it is true |
# | 2, ten minutes | the key figure and how it was made | the evidence could not have come out otherwise |
# | 3, five minutes | strategy, discussion | nothing would follow for anybody |
#
# Set a clock. Answer after each pass, from memory. Then decide: go on, or stop. (Here you go on. With the next paper, stopping is often right.)
#
# Write between the triple quotes, in sentences or points, over as many lines as you like.

# %% [markdown]
# @exercise read_claim
#
# **Look at** the title, the introduction, and the figures with their captions. Five minutes. Then write, in three to six sentences: what does the paper claim? Which claims does it show, and which does it suppose?
#
# @rubric

# %% exercise="read_claim"
read_claim = """
### BEGIN SOLUTION
The paper claims that a network can represent more features than it has dimensions, in directions
that are almost at right angles; it calls this superposition. It happens when features are sparse
and a ReLU can cut off the interference between them. In small models the features arrange
themselves in regular shapes, such as pairs and pentagons, and switch between them abruptly. All of
this is shown by training toy models. That large networks do the same is supposed.
### END SOLUTION
"""

# %% [markdown]
# @exercise read_evidence
#
# **Look at** the section in which superposition is demonstrated for the first time, then at the first figure of the section on geometry. Ten minutes. Which figure carries the claim, and what has to be seen in it? What rules out another cause? What would you ask for?
#
# @rubric

# %% exercise="read_evidence"
read_evidence = """
### BEGIN SOLUTION
The figure with five features in two dimensions carries the claim: as the features become sparser,
first two of them are kept at right angles, then four as two opposite pairs, then all five as a
pentagon. The linear model is the control: with the same data it keeps the two most important
features at any sparsity, so the ReLU is what makes the difference. I would ask how many starts were
tried for each picture, because if most starts end elsewhere, the pictures show what is possible and
not what usually happens.
### END SOLUTION
"""

# %% [markdown]
# @exercise read_follows
#
# **Look at** the section on strategy and at the discussion. Five minutes. If the claim is true of large networks: what follows, for whom? And which step from toy to real is not shown?
#
# @rubric

# %% exercise="read_follows"
read_follows = """
### BEGIN SOLUTION
If it is true, somebody who audits a model can't go through its neurons one by one and say that
nothing else is in there: a feature may be spread over many neurons, each of which also serves
others. They would first have to find the directions, and to know that they found all of them. The
paper does not show that the features of a large model are independent and sparse in the way that
the toy data are.
### END SOLUTION
"""

# %% [markdown]
# ## 2. Predict the reviews
#
# Why this matters: you learn to see the weak point of a paper by looking for it before somebody shows it to you. Soon you will see your own.

# %% [markdown]
# @exercise predicted_reviews
#
# At its end the paper prints comments of other researchers. Don't read them yet. Write two short reviews: one that would accept the paper and one that would reject it. Each names one strength or weakness of *this* paper. End with one experiment that the second reviewer would ask for, and the result that would settle it.
#
# @rubric

# %% exercise="predicted_reviews"
predicted_reviews = """
### BEGIN SOLUTION
Reviewer 1 would accept it. The linear control makes the cause clear: the same data and loss without
a ReLU give no superposition. The predictions are sharp enough for others to check, and cheap.

Reviewer 2 would reject it. Features in the toy data are independent and equally likely. In language
they are not: words that mean similar things occur together. The shapes may be an effect of this
symmetry, and then they say little about real networks.

They would ask for the same model with features that occur in correlated groups of different sizes.
If the count of features kept stays above the number of dimensions, the claim stands; if it falls
back to the linear model's count, it does not.
### END SOLUTION
"""

# %% [markdown]
# ## 3. Preregister
#
# Why this matters: after the fact, every result looks like what one expected. A text with a time on it does not.
#
# A **preregistration** says before any training what you expect, and which number would make you give it up. Nobody holds you to being right. You are held to having said it.
#
# First the model, so that you know what you promise. It gets n numbers, the **features**, squeezes them into m < n dimensions and tries to get them back:
#
# $$\hat x = \mathrm{ReLU}(W^\top W x + b)$$
#
# In words: W, with m rows and n columns, maps the features down; its transpose maps them up again; a bias is added, and negative numbers become 0. Column i of W is the direction in which feature i is stored. If that column is nearly 0, the feature is given up. We call a feature **represented** when its column is longer than 0.5.
#
# Each feature is there with probability p, its **density**, and is otherwise 0. (The paper writes 1 - S for it.) At p = 1 all features are there all the time; at p = 0.01 two of them hardly ever meet. With five features and two dimensions you can draw the columns as arrows:

# %% tags=["nbval-ignore-output"]
pictures = {
    "two kept, three given up": [0, 90],
    "four, as two pairs": [0, 90, 180, 270],
    "all five": [90, 162, 234, 306, 18],
}
with figure(
    "Three drawings of arrows from a centre: two arrows at right angles; four arrows in a cross; five arrows evenly spread, like a pentagon.",
    width=6.4,
    height=2.3,
    columns=3,
) as axes:
    for ax, (name, angles) in zip(axes, pictures.items()):
        for angle in np.deg2rad(angles):
            ax.annotate(
                "",
                (np.cos(angle), np.sin(angle)),
                (0, 0),
                arrowprops={"arrowstyle": "->", "color": "#0072b2", "lw": 2},
            )
        ax.set(xlim=(-1.25, 1.25), ylim=(-1.25, 1.25), aspect="equal", title=name)
        ax.title.set_fontsize(10)
        ax.set_axis_off()

# %% [markdown]
# Arrows at right angles do not disturb each other. In the second drawing opposite arrows do, but where the product is negative, the ReLU cuts it off. In the third drawing neighbours disturb each other a little, whenever two of them are there at once.
#
# Choose a hypothesis from this list, or write your own:
#
# | | hypothesis | refuted if |
# |---|---|---|
# | A | the linear model (no ReLU) keeps the 2 most important features at every density | it keeps another set at 1 density or more |
# | B | the count of represented features never falls as p falls | it falls by 1 or more at some step |
# | C | at p = 0.1 and below, the five features form a pentagon | a gap between neighbours is more than 6 degrees off 72 |
# | D | in a model of 200 features and 20 dimensions, dimensions per feature are 1 when dense and about 1/2 at 1/p = 3.4 | they are more than 0.03 away from 0.49 there |
# | E | an adversary's gain is at least 3 times that against the dense model once features per dimension exceed 2 | it is less than 3 times |
# | F | with one start instead of the best of eight, B fails in at least 20% of cases | it fails in fewer than 20% |
#
# The rule for stopping that we suggest: the best of K = 8 starts, three repetitions, and nothing is tuned after the first look. A thing counts as found at a density if it is found in at least two of the three.

# %% [markdown]
# @exercise preregister
#
# Fill in the form. `number` is the one that decides, and `refuted_if` names it in digits; of a range, take the distance from its middle. Read it once more before you run the check: the first run registers. The check notes text, time and a **hash**: sixteen digits and letters that come out otherwise if a single letter changes. From then on the form can't be changed, only amended: write the reason into `amendment`, and both versions stay.
#
# @rubric

# %% exercise="preregister"
hypothesis = """
### BEGIN SOLUTION
The count of represented features never falls as the density p falls from 1.0 to 0.35, 0.25, 0.1
and 0.05, with five features in two dimensions.
### END SOLUTION
"""
experiment = """
### BEGIN SOLUTION
At each density I train 24 models from different starts and take the best of each 8 by held-out
loss, which makes three repetitions. I count the columns of W that are longer than 0.5.
### END SOLUTION
"""
refuted_if = """
### BEGIN SOLUTION
In 2 or more of the 3 repetitions the count falls by at least 1 from one density to the next.
### END SOLUTION
"""
number = ...
### BEGIN SOLUTION
number = 1
### END SOLUTION
stop_rule = """
### BEGIN SOLUTION
8 starts and 3 repetitions, 1,000 steps each. No setting and no threshold is changed after the
first look at a result.
### END SOLUTION
"""
amendment = ""

# %% [markdown]
# ### Help: "You registered something else"
#
# The form in the cell is not the one that you registered. The card shows what was. Put the old text back, or give a reason in `amendment` and run both cells again. A reason counts once: a second change needs another.

# %% [markdown]
# ## 4. The fake plot first
#
# Why this matters: if you can't draw the figure that would convince you, you don't know yet what you are testing.
#
# Draw it with made-up numbers before the real ones exist, with axes and units. If the figure that you expect and the figure of the opposite look alike, the experiment won't decide anything.

# %% [markdown]
# @exercise expected_figure
#
# Seven densities, five features, two dimensions. How many features do you expect to be represented at each?

# %% exercise="expected_figure"
expected = {1.0: ..., 0.7: ..., 0.35: ..., 0.25: ..., 0.1: ..., 0.05: ..., 0.01: ...}
### BEGIN SOLUTION
expected = {1.0: 2, 0.7: 2, 0.35: 3, 0.25: 4, 0.1: 5, 0.05: 5, 0.01: 5}
### END SOLUTION

# %% tags=["nbval-ignore-output"]
with needs("expected_figure"):
    told = ", ".join(f"{count} at {p:g}" for p, count in expected.items())
    with figure(
        f"Expected, not measured: features represented against density: {told}.",
        width=5,
        height=2.4,
    ) as ax:
        ax.plot([1 / p for p in expected], list(expected.values()), "o--", color="#e69f00")
        ax.set(
            xscale="log",
            ylim=(0, 5.5),
            xlabel="1 / p (sparser to the right)",
            ylabel="features represented",
        )
        ax.set_title("EXPECTED, not measured", fontsize=10, color="#d55e00")

# %% [markdown]
# A figure with made-up numbers says so in its title, wherever it ends up.
#
# Note what you did today. A **lab notebook** is a list of dated entries; `log` adds one, and it can hold numbers and a figure. It costs ten seconds now, and saves the afternoon on which you ask yourself what the run called "final2" was. Put your own words into this one.

# %% tags=["nbval-ignore-output"]
with needs("expected_figure"):
    counts = [int(expected[p]) for p in expected]
    log("Read the paper in three passes, registered, drew the figure that I expect.", counts=counts)

# %% [markdown]
# This is a good place to stop for the day.

# %% [markdown]
# ## 5. Build
#
# Why this matters: a claim is tested with an instrument. If yours has a fault, you learn about the fault, and take it for the world.
#
# So you build five parts, and each is checked before the next: data, model, loss, training, measurement.
#
# One convention runs through all of them. A single model trains in about a second, and most of that second is overhead. So every tensor gets a first axis of **instances**: independent models, or data for them, side by side in one tensor. `(n_instances, batch, n_features)` is a batch for each instance.

# %% [markdown]
# ### Data
#
# A **feature** is something that may be in an input or not: a curve, a name, a language. Here features are numbers without a meaning. Each is there with probability p, its **density**. The paper speaks of **sparsity**, which is 1 - p: the share that is absent. A feature that is there has a strength, drawn uniformly from 0 to 1.

# %% [markdown]
# @exercise sample_sparse
#
# Write `sample_sparse(n_instances, batch_size, n_features, p)`: a tensor of shape (n_instances, batch_size, n_features).
#
# - Each entry is uniform in [0, 1] with probability p, and 0 otherwise. All entries are independent of each other.
# - p is a number, or a tensor of shape (n_instances,): one density for each instance.


# %% exercise="sample_sparse"
def sample_sparse(n_instances, batch_size, n_features, p):
    """Inputs of sparse features: (n_instances, batch_size, n_features).

    p is the density, a number or a tensor (n_instances,).
    """
    size = (n_instances, batch_size, n_features)
    p = torch.as_tensor(p, dtype=torch.float32)
    ### BEGIN SOLUTION
    present = torch.rand(size) < p.reshape(-1, 1, 1)
    return torch.rand(size) * present
    ### END SOLUTION


# %% tags=["nbval-ignore-output"]
with needs("sample_sparse"):
    shown = sample_sparse(3, 24, 20, torch.tensor([1.0, 0.25, 0.05]))
    with figure(
        "Three panels of 24 examples by 20 features, dark where a feature is strong. At p = 1 every "
        "entry has a shade, at p = 0.25 one in four has, at p = 0.05 a few.",
        width=6.6,
        height=2.6,
        columns=3,
    ) as axes:
        for ax, x, p in zip(axes, shown, (1.0, 0.25, 0.05), strict=True):
            ax.imshow(x, cmap="Blues", vmin=0, vmax=1)
            ax.set(title=f"p = {p:g}", xlabel="feature", xticks=[], yticks=[])
            ax.grid(False)
        axes[0].set_ylabel("example")

# %% [markdown]
# Look at the rows: a row is one input. On the left everything is there at once. On the right most rows hold one feature or none.

# %% [markdown]
# @exercise predict_together
#
# Before you build the model: at p = 0.05, in how many inputs are feature 0 **and** feature 1 both there?
#
# @options

# %% exercise="predict_together"
predict_together = ...
### BEGIN SOLUTION
predict_together = "c"
### END SOLUTION

# %% [markdown]
# ### Model
#
# The model squeezes an input of n features through m numbers, fewer than n, and tries to give the input back:
#
# $$\hat x = \mathrm{ReLU}(W^\top W x + b)$$
#
# In words: W takes x down to m hidden numbers, the same W, transposed, takes them up again, a bias is added, and what is negative is cut off. Column i of W is the direction that stands for feature i in the hidden space. With n directions in m < n dimensions they can't all be at right angles. **Superposition** is when a model keeps more features than it has dimensions, at the price of **interference**: one feature's presence shows up in another's output.
#
# Public code splits on the layout of W. Ours is (n_hidden, n_features), with instances in front.

# %% [markdown]
# @exercise toy_model
#
# Write `ToyModel(n_instances, n_features, n_hidden)`.
#
# - `W`, an `nn.Parameter` of shape (n_instances, n_hidden, n_features), random, another for each instance. Divide `torch.randn` by the root of n_features, so that columns begin well below a length of 1.
# - `b_final`, an `nn.Parameter` of shape (n_instances, n_features), zeros to begin with.
# - `forward(x)` takes x of shape (n_instances, batch, n_features) and keeps its shape. One row of x is one input, so "W x" becomes x times W transposed.


# %% exercise="toy_model"
class ToyModel(nn.Module):
    """x_hat = ReLU(WᵀW x + b), many at once (Elhage et al. 2022, section 2)."""

    def __init__(self, n_instances, n_features, n_hidden):
        super().__init__()
        ### BEGIN SOLUTION
        self.W = nn.Parameter(torch.randn(n_instances, n_hidden, n_features) / n_features**0.5)
        self.b_final = nn.Parameter(torch.zeros(n_instances, n_features))
        ### END SOLUTION

    def forward(self, x):
        """x (n_instances, batch, n_features) -> the same shape."""
        ### BEGIN SOLUTION
        hidden = x @ self.W.transpose(-1, -2)  # (n_instances, batch, n_hidden)
        return torch.relu(hidden @ self.W + self.b_final[:, None])
        ### END SOLUTION


# %% [markdown]
# ### Help: "the size of tensor a must match the size of tensor b"
#
# Torch lines shapes up from the right. `b_final` is (n_instances, n_features), and the batch axis lies between these two: `b_final[:, None]` is (n_instances, 1, n_features).

# %% [markdown]
# @exercise linear_model
#
# A **control** is the same experiment with the one thing left out that you think matters. Write `LinearModel`, a subclass of `ToyModel` whose `forward` has no ReLU.


# %% exercise="linear_model"
class LinearModel(ToyModel):
    """The control: x_hat = WᵀW x + b."""

    def forward(self, x):
        """x (n_instances, batch, n_features) -> the same shape."""
        ### BEGIN SOLUTION
        return x @ self.W.transpose(-1, -2) @ self.W + self.b_final[:, None]
        ### END SOLUTION


# %% [markdown]
# ### Loss
#
# If all features mattered the same, no model would prefer one to another. So feature i gets an **importance**, the weight of its squared error in the loss:
#
# $$L = \frac{1}{B\,n}\sum_{x}\sum_i I_i\,(\hat x_i - x_i)^2$$
#
# In words: square each error, multiply by the feature's importance, take the mean over the B inputs of the batch and the n features.

# %% [markdown]
# @exercise weighted_loss
#
# Write `weighted_loss(x_hat, x, importance)`. x_hat and x have shape (n_instances, batch, n_features), importance (n_features,). Return one loss for each instance: shape (n_instances,).


# %% exercise="weighted_loss"
def weighted_loss(x_hat, x, importance):
    """For each instance the mean over batch and features of importance * squared error."""
    ### BEGIN SOLUTION
    return (importance * (x_hat - x) ** 2).mean(dim=(1, 2))
    ### END SOLUTION


# %% [markdown]
# ### Training
#
# `backward()` starts from one number, and you have n_instances losses. Sum them. No loss depends on another instance's weights, so the sum's gradient for instance 3 is the gradient of instance 3's own loss: each learns as if it were alone. A mean would divide every gradient by the number of its neighbours.

# %% [markdown]
# @exercise train_toy
#
# Write the loop of `train`. In each step:
#
# - set the rate: it falls along half a cosine, from `lr` to 0: `lr * (1 + math.cos(math.pi * step / steps)) / 2`;
# - draw a fresh batch with your `sample_sparse`, handing p on;
# - compute the losses with your `weighted_loss`, and sum them;
# - the three lines that you know: zero, backward, step.
#
# The optimizer is given: Adam's step, without weight decay. Decay would pull columns towards 0, and you are about to measure how long columns are.


# %% exercise="train_toy"
def train(model, p, importance, steps=1000, batch_size=256, lr=0.02):
    """Train all instances of a model, each on its own fresh batches; return the model."""
    n_instances, n_hidden, n_features = model.W.shape
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.0)
    for step in range(steps):
        ### BEGIN SOLUTION
        for group in optimizer.param_groups:
            group["lr"] = lr * (1 + math.cos(math.pi * step / steps)) / 2
        x = sample_sparse(n_instances, batch_size, n_features, p)
        loss = weighted_loss(model(x), x, importance).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        ### END SOLUTION
    return model


# %% [markdown]
# Train eight instances of 5 features in 2 dimensions, at p = 0.1. Each draws its own start and its own data.

# %% tags=["nbval-ignore-output"]
importance = 0.9 ** torch.arange(5)  # 1, 0.9, 0.81, ...


@torch.no_grad()
def held_out_loss(model, p, importance, samples=4000):
    """Each instance's loss on fresh samples: (n_instances,)."""
    n_instances, n_hidden, n_features = model.W.shape
    x = sample_sparse(n_instances, samples, n_features, p)
    return weighted_loss(model(x), x, importance)


def draw_plane(ax, W, title):
    """The columns of one W (2, n_features) as arrows, but for the shortest."""
    for i, (across, up) in enumerate(W.T.tolist()):
        if math.hypot(across, up) < 0.2:  # too short for an arrow
            continue
        colour = (BLUE, ORANGE, GREEN, VERMILION, GREY)[i % 5]
        ax.annotate("", (across, up), (0, 0), arrowprops={"arrowstyle": "->", "color": colour})
        ax.text(1.2 * across, 1.2 * up, str(i), color=colour, ha="center", va="center", fontsize=8)
    ax.set(xlim=(-1.6, 1.6), ylim=(-1.6, 1.6), aspect="equal", xticks=[], yticks=[])
    ax.set_title(title, fontsize=9)


# %% tags=["nbval-ignore-output"]
with needs("sample_sparse", "toy_model", "weighted_loss", "train_toy"):
    eight = train(ToyModel(8, 5, 2), 0.1, importance)
    losses = held_out_loss(eight, 0.1, importance)
    order = losses.argsort()[[0, 3, 5, 7]]
    with figure(
        "Four of the eight instances, each with five arrows from one point, from the lowest loss to "
        "the highest.",
        width=6.8,
        height=2.0,
        columns=4,
    ) as axes:
        for ax, i in zip(axes, order, strict=True):
            draw_plane(ax, eight.W[i].detach(), f"start {i}, loss {losses[i]:.5f}")

# %% [markdown]
# Left to right, from the best start to the worst. The best is five arrows, evenly spread: five features in two dimensions, a pentagon. The whole figure may be turned, that changes nothing. Look at whether the others are the same shape.
#
# A training can get stuck: no small step makes it better, though another solution would be. That is a **local minimum**. So an experiment takes the best of several starts. What decides is the **held-out loss**, on fresh samples that the training has not seen. `held_out_loss`, above, is ready made.

# %% [markdown]
# @exercise best_of
#
# Write `best_of(losses, k)`. `losses` is a tensor with one loss for each instance. Each k neighbours are one group: instances 0 to k - 1, then k to 2k - 1, and so on. Return a tensor with the number of the best instance of each group, counted from the first instance of all: n_instances // k numbers.


# %% exercise="best_of"
def best_of(losses, k):
    """Of each k consecutive instances the one with the lowest loss: (n_instances // k,)."""
    ### BEGIN SOLUTION
    within = losses.reshape(-1, k).argmin(dim=1)
    return within + k * torch.arange(len(within))
    ### END SOLUTION


# %% [markdown]
# ### Measure
#
# An arrow's length says how strongly a feature is kept. The paper counts a feature as **represented** where that length is about 1; we draw the line at 0.5.

# %% [markdown]
# @exercise feature_statistics
#
# Write `feature_statistics(W)` for W of shape (..., n_hidden, n_features), where `...` stands for any number of axes in front, or none. Return two things: the norms of the columns, shape (..., n_features), and how many of them are over 0.5, shape (...).


# %% exercise="feature_statistics"
def feature_statistics(W):
    """Norms of the columns (..., n_features), and how many are over 0.5 (...)."""
    ### BEGIN SOLUTION
    norms = W.norm(dim=-2)
    return norms, (norms > 0.5).sum(dim=-1)
    ### END SOLUTION


# %% [markdown]
# Two dimensions can be drawn. For more, there are two pictures: the norms, and the matrix WᵀW. Its entry in row i, column j is what feature j adds to the output of feature i. On the diagonal is what is kept, beside it is interference. Here are 20 features in 5 dimensions, dense on the left, sparse on the right.

# %% tags=["nbval-ignore-output"]
with needs("train_toy", "best_of", "feature_statistics"):
    twenty = train(
        ToyModel(2, 20, 5), torch.tensor([1.0, 0.05]), 0.9 ** torch.arange(20), steps=600
    )
    norms, counts = feature_statistics(twenty.W.detach())
    with figure(
        "For a dense and a sparse model: bars of the 20 norms, and the 20 by 20 matrix of W "
        f"transposed times W. The dense model keeps {counts[0]} features with little beside the "
        f"diagonal, the sparse one {counts[1]}, with many small entries beside it.",
        width=7.0,
        height=2.2,
        columns=4,
    ) as axes:
        for k, p in enumerate(("p = 1", "p = 0.05")):
            bars, grid = axes[2 * k], axes[2 * k + 1]
            bars.bar(range(20), norms[k], color=BLUE)
            bars.axhline(0.5, color=VERMILION, lw=0.8)
            bars.set(title=f"{p}: {counts[k]} kept", ylim=(0, 1.5), xlabel="feature")
            W = twenty.W[k].detach()
            grid.imshow(W.T @ W, cmap="RdBu", vmin=-1.2, vmax=1.2)
            grid.set(title="WᵀW", xticks=[], yticks=[])
            grid.grid(False)

# %% [markdown]
# Dense: about as many features as dimensions, the most important ones, and little off the diagonal. Sparse: many more are kept, and the squares off the diagonal are the price. The strong ones are red, negative: what they add is cut off by the ReLU when the feature is absent.
#
# ### How much of a dimension
#
# If five features share two dimensions, each has 2/5 of one. The paper makes that a number for every feature, its **dimensionality**:
#
# $$D_i = \frac{\lVert W_i\rVert^2}{\sum_j (\hat W_i \cdot W_j)^2}$$
#
# $W_i$ is column i, $\hat W_i$ is the same made of length 1. In words: the feature's own squared length, over all that lies along its direction, its own share (j = i) included. A feature alone in its direction has D = 1.

# %% [markdown]
# @exercise predict_dimensions
#
# Two features of length 1 lie on one line, pointing opposite ways. All others are at right angles to it. What is the D of these two?
#
# @options

# %% exercise="predict_dimensions"
predict_dimensions = ...
### BEGIN SOLUTION
predict_dimensions = "b"
### END SOLUTION

# %% [markdown]
# @exercise feature_dimensionality
#
# Write `feature_dimensionality(W)` for W of shape (..., n_hidden, n_features). Return two things:
#
# - D, shape (..., n_features), by the formula above. A column of zeros gets 0, not NaN;
# - D\*, shape (...): n_hidden over the sum of all squares in W. If every feature that is kept has length 1, that is **dimensions per feature**.


# %% exercise="feature_dimensionality"
def feature_dimensionality(W):
    """D of each feature (..., n_features), and D* (...)  (Elhage et al. 2022)."""
    norms = W.norm(dim=-2)
    unit = W / norms.clamp(min=1e-12)[..., None, :]  # columns of length 1; zeros stay zeros
    ### BEGIN SOLUTION
    shared = (unit.transpose(-1, -2) @ W) ** 2  # (..., i, j)
    D = norms**2 / shared.sum(dim=-1).clamp(min=1e-12)
    D_star = W.shape[-2] / (W**2).sum(dim=(-1, -2))
    return D, D_star
    ### END SOLUTION


# %%
with needs("feature_dimensionality"):
    turn = 2 * math.pi * torch.arange(5) / 5
    pentagon = torch.stack([turn.cos(), turn.sin()])  # (2, 5)
    D, D_star = feature_dimensionality(pentagon)
    print("a pentagon: D =", [round(d, 3) for d in D.tolist()], " D* =", round(float(D_star), 3))

# %% [markdown]
# ### How easily it is fooled
#
# Why this matters: if features share directions, a push along a direction moves several outputs at once. The paper suspects that this is one cause of **adversarial examples**: inputs that were changed a little, on purpose, so that a model errs.
#
# The attack is gradient ascent on the input. Change x by a delta with a norm of at most epsilon in each example, so that the squared error becomes as large as possible. The target stays x as it was: what the model should have said does not change.

# %% [markdown]
# Two functions are given: where an attack starts, and how an attack is measured afterwards.


# %%
def random_start(x, epsilon):
    """A change of length epsilon for each example, in a random direction: the shape of x."""
    delta = torch.randn_like(x)
    return epsilon * delta / delta.norm(dim=-1, keepdim=True)


@torch.no_grad()  # a measurement: no gradient comes out of it
def squared_error(model, given, x):
    """For each instance the squared error of model(given), summed over features: (n_instances,)."""
    return ((model(given) - x) ** 2).sum(dim=-1).mean(dim=-1)


# %% [markdown]
# @exercise adversarial_gain
#
# Finish `attack(model, x, epsilon, steps)`: it returns x with the worst small change that it finds. In each step:
#
# - `error`: the summed squared error of the model's output on `x + delta`, compared with `x`;
# - a step: add epsilon / 4 times the gradient made of length 1, example by example (`dim=-1, keepdim=True`). Where the ReLU cuts off every output, the gradient is 0: divide by at least 1e-12, `.clamp(min=1e-12)`;
# - back into the ball: where delta's norm is over epsilon, shorten it to epsilon.
#
# Then finish `adversarial_gain(model, x)`: what the attack **adds** to each instance's squared error, divided by what it adds to instance 0, the dense model. Shape (n_instances,). Here `squared_error` does the work; within `attack` it would not, since no gradient comes out of it.


# %% exercise="adversarial_gain"
def attack(model, x, epsilon=0.1, steps=20):
    """x (n_instances, batch, n_features), each example changed by at most epsilon."""
    delta = random_start(x, epsilon)
    for _ in range(steps):
        delta.requires_grad_(True)
        ### BEGIN SOLUTION
        error = ((model(x + delta) - x) ** 2).sum()
        ### END SOLUTION
        (gradient,) = torch.autograd.grad(error, delta)  # of delta alone: weights get none
        delta = delta.detach()
        ### BEGIN SOLUTION
        delta = delta + epsilon / 4 * gradient / gradient.norm(dim=-1, keepdim=True).clamp(
            min=1e-12
        )
        delta = delta * (epsilon / delta.norm(dim=-1, keepdim=True)).clamp(max=1.0)
        ### END SOLUTION
    return x + delta


def adversarial_gain(model, x):
    """What an attack adds to each instance's error, relative to instance 0: (n_instances,)."""
    attacked = attack(model, x)
    ### BEGIN SOLUTION
    added = squared_error(model, attacked, x) - squared_error(model, x, x)
    return added / added[0]
    ### END SOLUTION


# %% [markdown]
# Six models of 100 features in 20 dimensions, from dense to sparse, trained as one batch. All features are equally important.

# %% tags=["nbval-ignore-output"]
with needs("train_toy", "feature_dimensionality", "adversarial_gain"):
    six = torch.tensor([1.0, 0.4, 0.2, 0.1, 0.05, 0.01])
    hundred = train(ToyModel(6, 100, 20), six, torch.ones(100), lr=0.01)
    gain = adversarial_gain(hundred, sample_sparse(6, 256, 100, six))
    D, D_star = feature_dimensionality(hundred.W.detach())
    with figure(
        "The gain of an attack against features per dimension, six points from dense to sparse: "
        + "; ".join(f"{1 / d:.1f}, {g:.0f}" for d, g in zip(D_star, gain, strict=True)),
        width=5.2,
        height=2.6,
    ) as ax:
        ax.plot(1 / D_star, gain, "o-", color=BLUE)
        for x, y, p in zip(1 / D_star, gain, six, strict=True):
            ax.annotate(f"p = {p:g}", (x, y), (5, 4), textcoords="offset points", fontsize=8)
        ax.set(xlabel="features per dimension, 1 / D*", ylabel="error added, dense = 1")

# %% [markdown]
# Against the dense model, the same small push does many times the harm in a model that shares its dimensions. Look at the end of the line as well. At extreme sparsity the gain falls again: the direction of the claim holds, a rule "the more, the worse" does not.

# %% [markdown]
# ## 6. Run, in series then in parallel
#
# Why this matters: a claim needs several starts at several densities, with repetitions. What you can ask depends on how many trainings fit into your afternoon.
#
# ### One by one, then as one batch
#
# First the plain way: 32 models of 5 features in 2 dimensions, one after the other, 200 steps each. Then the same 32 as the instances of one model. One thread, no second core.

# %% [markdown]
# @exercise predict_batched
#
# How much faster is the batch of 32?
#
# @options

# %% exercise="predict_batched"
predict_batched = ...
### BEGIN SOLUTION
predict_batched = "c"
### END SOLUTION

# %% tags=["nbval-ignore-output"]
table = {}  # name -> (models trained, seconds)


def timed(name, models, work):
    """Run `work()`, and keep how many seconds it took."""
    start = time.perf_counter()
    work()
    table[name] = models, time.perf_counter() - start
    print(f"{name}: {table[name][1]:.2f} s for {models} models")


# %% tags=["nbval-ignore-output"]
with needs("toy_model", "train_toy"):

    def one_by_one():
        for seed in range(32):
            torch.manual_seed(seed)
            train(ToyModel(1, 5, 2), 0.1, importance, steps=200)

    timed("tiny, one by one", 32, one_by_one)
    timed("tiny, one batch", 32, lambda: train(ToyModel(32, 5, 2), 0.1, importance, steps=200))

# %% [markdown]
# You wrote the batch by hand: a first axis for instances, in every line. `torch.func.vmap` does that to a function that knows nothing of instances. Here it maps the gradient of one model's loss over 32 sets of parameters.

# %% tags=["nbval-ignore-output"]
with needs("toy_model", "train_toy"):
    single = ToyModel(1, 5, 2)

    def loss_of_one(parameters, x):
        x_hat = torch.func.functional_call(single, parameters, (x,))
        return weighted_loss(x_hat, x, importance).sum()

    def mapped():
        models = [ToyModel(1, 5, 2) for _ in range(32)]
        parameters, _ = torch.func.stack_module_state(models)  # each (32, ...)
        gradients = torch.func.vmap(torch.func.grad(loss_of_one))
        optimizer = torch.optim.AdamW(parameters.values(), lr=0.02, weight_decay=0.0)
        for _ in range(200):
            x = sample_sparse(32, 256, 5, 0.1)[:, None]  # (32, 1, 256, 5)
            for name, gradient in gradients(parameters, x).items():
                parameters[name].grad = gradient
            optimizer.step()

    timed("tiny, vmap", 32, mapped)

# %% [markdown]
# @exercise predict_larger
#
# Now eight models of 100 features in 20 dimensions. One by one, then as one batch of eight. How much does the batch gain here?
#
# @options

# %% exercise="predict_larger"
predict_larger = ...
### BEGIN SOLUTION
predict_larger = "a"
### END SOLUTION

# %% tags=["nbval-ignore-output"]
with needs("toy_model", "train_toy"):

    def larger(instances):
        return train(ToyModel(instances, 100, 20), 0.1, torch.ones(100), steps=100)

    timed("larger, one by one", 8, lambda: [larger(1) for _ in range(8)])
    timed("larger, one batch", 8, lambda: larger(8))

# %% [markdown]
# Tiny models are bound by **overhead**, the cost of a call that does not shrink with the tensor. Larger ones are bound by arithmetic. So batch the tiny ones. For the others, use more cores: one process for each run, one thread in each process.
#
# ### A run as a function, an experiment as a notebook
#
# A sweep needs a run that stands by itself: its parameters go in, numbers come out, and the same parameters give the same numbers.

# %% [markdown]
# @exercise run_experiment
#
# Write `run(p, seed, steps)`: one repetition of the experiment.
#
# - Set torch's seed, before the model is made.
# - Make a `ToyModel` of 8 instances, 5 features, 2 dimensions, and `train` it at p for `steps` steps.
# - Find the best of the 8 by `held_out_loss`.
# - Return a dict: `"loss"`, the best one's held-out loss, and `"count"`, how many features it keeps. Plain numbers: they are written to a file.
#
# Use nothing but the functions of this notebook: what you import or define elsewhere does not travel with `run`.


# %% exercise="run_experiment"
def run(p, seed, steps=1000):
    """One repetition: the best of 8 starts at density p, as a dict of numbers."""
    importance = 0.9 ** torch.arange(5)
    ### BEGIN SOLUTION
    torch.manual_seed(seed)
    model = train(ToyModel(8, 5, 2), p, importance, steps=steps)
    losses = held_out_loss(model, p, importance)
    best = int(best_of(losses, 8)[0])
    norms, counts = feature_statistics(model.W.detach())
    return {"loss": float(losses[best]), "count": int(counts[best])}
    ### END SOLUTION


# %% [markdown]
# `write_experiment` puts `run` and all that it needs into a notebook of its own, with the parameters in one tagged cell. **papermill** is a program that executes a notebook with other values in that cell. `sweep` starts it for every combination, several at a time, each in a process of its own, and shows a bar.

# %% tags=["nbval-ignore-output"]
with needs("run_experiment"):
    parts = [sample_sparse, ToyModel, weighted_loss, train, held_out_loss, best_of]
    experiment = write_experiment(
        experiments() / "experiment.ipynb",
        {"p": 1.0, "seed": 0, "steps": 1000},
        uses=[*parts, feature_statistics],
        run=run,
    )
    start = time.perf_counter()
    print(run(0.05, seed=0))
    print(f"here, in this kernel: {time.perf_counter() - start:.1f} s")

# %% [markdown]
# @exercise predict_processes
#
# You have seen how long one run takes here. How long does the same run take as a notebook, in a process of its own?
#
# @options

# %% exercise="predict_processes"
predict_processes = ...
### BEGIN SOLUTION
predict_processes = "b"
### END SOLUTION

# %% tags=["nbval-ignore-output"]
with needs("run_experiment"):
    grid = {"p": [1.0, 0.05]}
    one, two = experiments() / "runs-1", experiments() / "runs-2"
    timed("sweep, 1 job", 2, lambda: sweep(experiment, grid, [0], jobs=1, out=one))
    timed("sweep, 2 jobs", 4, lambda: sweep(experiment, grid, [0, 1], jobs=2, out=two))
    for found in results_of(two):
        print({name: found[name] for name in ("p", "seed", "count", "loss", "seconds")})

# %% [markdown]
# ### Help: "the sweep says 4 of 4 at once, and nothing runs"
#
# Finished runs are kept. A sweep only runs what is missing, as long as the experiment's code is the same. That is how a stopped sweep goes on where it was. Delete the folder `runs-1` or `runs-2` in your folder `experiments` to measure again.

# %% tags=["nbval-ignore-output"]
with needs("run_experiment"):
    each = {name: 1000 * seconds / models for name, (models, seconds) in table.items()}
    print(f"{'':20} models  seconds  ms a model")
    for name, (models, seconds) in table.items():
        print(f"{name:20} {models:6}  {seconds:7.2f}  {each[name]:10.0f}")
    with figure(
        "Milliseconds a model, as bars: "
        + "; ".join(f"{name} {value:.0f}" for name, value in each.items()),
        width=5.8,
        height=2.6,
    ) as ax:
        colours = [{"t": BLUE, "l": ORANGE, "s": GREEN}[name[0]] for name in each]
        ax.barh(list(each), list(each.values()), color=colours)
        ax.invert_yaxis()
        ax.set(xscale="log", xlabel="milliseconds a model (each mark is ten times the last)")

# %% [markdown]
# @exercise explain_speed
#
# Your table is measured. Why does each row cost what it costs? Use its figures: what do tiny models spend their time on, what do larger ones, what does a process add? What would you do with a thousand tiny models, and with ten large ones? Name one row that came out unlike your prediction.
#
# @rubric

# %% exercise="explain_speed"
explain_speed = """
### BEGIN SOLUTION
A tiny model spends nearly all its time on overhead: one by one, 32 of them took over 5 times as
long as the same 32 in one batch, where each operation is started once for all. The 8 larger models
gained less than a factor of 4 from batching, since their time goes into arithmetic, which is the
same either way. A run of the sweep costs some seconds of starting Python and importing torch on top
of its own work; with 2 jobs that start is paid on two cores at once, so the 4 runs took less than
twice as long as the 2 runs with 1 job. A thousand tiny models I would train as one batch, ten large
ones in processes with one thread each. I had expected vmap to be as fast as my own batch; it was
slower.
### END SOLUTION
"""

# %% [markdown]
# Compare within a colour: the groups do different work (a "model" of a sweep is 8 starts and 1,000 steps). Blue: the batch costs a fraction of one by one, and vmap comes close without your writing a batch. Orange: the gain is far smaller. Green: a second process helps, on a computer with a core for it, but the start of a Python is in every run.
#
# The lesson, in two lines. Tiny models: one batch. Models whose training lasts longer than a Python's start: processes, one thread each.
#
# On macOS and Windows, and on Linux from Python 3.14 on, a new process starts from nothing (**spawn**) instead of as a copy of the old one (**fork**). That is slower, and it is why an experiment has to stand by itself.
#
# The same from a terminal, in the folder `experiments` that lies beside your progress file:
#
# ```
# speedrun sweep experiment.ipynb --grid p=1.0,0.35,0.05 --seeds 0:8 --jobs 2
# ```
#
# With several computers, start a Dask scheduler on one, a worker on each, and add `--scheduler tcp://ADDRESS:8786`. The experiment is the same file.

# %% [markdown]
# ## 7. Result
#
# Now the runs that you registered: K = 8 starts, three repetitions, no tuning after looking. 24 instances at each density make three groups of eight; each group's best by held-out loss is one repetition. A claim holds at a density if it holds in at least two of the three.
#
# The checks take your **models**. They draw samples of their own, choose the best of each eight, and measure the weights. Which four features are kept, or how the figure is turned, is not asked.

# %% [markdown]
# @exercise claim_geometry
#
# Make `geometry`: a dict from density to a trained `ToyModel` of 24 instances, 5 features, 2 dimensions, for all of `p_geometry`, with `importance` (0.9 to the power of i) and the defaults of `train`.
#
# The claim: at p = 1 two features, at right angles (the cosine at most 0.03 from 0). At 0.35 and 0.25 four, in antipodal pairs (within 3 degrees). At 0.1 and 0.05 all five, a pentagon (gaps within 6 degrees of 72). 0.7 and 0.01 are shown and not graded.

# %%
p_geometry = [1.0, 0.7, 0.35, 0.25, 0.1, 0.05, 0.01]

# %% exercise="claim_geometry" tags=["nbval-ignore-output"]
geometry = ...
### BEGIN SOLUTION
torch.manual_seed(0)  # so that the text below can quote what this run gave
geometry = {p: train(ToyModel(24, 5, 2), p, importance) for p in p_geometry}
### END SOLUTION

# %% tags=["nbval-ignore-output"]
with needs("claim_geometry"):
    with figure(
        "Seven panels from dense to sparse, each with the five arrows of the best model: two at "
        "right angles, then crosses of four, then pentagons.",
        width=7.6,
        height=1.7,
        columns=7,
    ) as axes:
        for ax, (p, model) in zip(axes, geometry.items(), strict=True):
            best = best_of(held_out_loss(model, p, importance, 20_000), 8)
            draw_plane(ax, model.W[best[0]].detach(), f"p = {p:g}")
    print("features kept by the best of 8, in three repetitions; then by single starts")
    for p, model in geometry.items():
        best = best_of(held_out_loss(model, p, importance, 20_000), 8)
        _, counts = feature_statistics(model.W.detach())
        singles = np.bincount(counts, minlength=6)
        told = ", ".join(f"{n} of 24 keep {k}" for k, n in enumerate(singles) if n)
        print(f"p = {p:<5g} {counts[best].tolist()}   {told}")

# %% [markdown]
# From left to right the inputs get sparser. Two arrows at right angles, then a cross of two pairs, then a pentagon. The table's right half is what a single start would have told you: look for densities at which some of the 24 keep another number than the best do. The eight starts are there for those.

# %% [markdown]
# @exercise claim_linear
#
# The control. Make `linear`: a dict from density to a trained `LinearModel` of 24 instances, for all of `p_linear`, everything else as before. The claim: it keeps exactly the features 0 and 1, the two most important, at every density.

# %%
p_linear = [1.0, 0.25, 0.05]

# %% exercise="claim_linear" tags=["nbval-ignore-output"]
linear = ...
### BEGIN SOLUTION
torch.manual_seed(0)
linear = {p: train(LinearModel(24, 5, 2), p, importance) for p in p_linear}
### END SOLUTION

# %% tags=["nbval-ignore-output"]
with (
    needs("claim_linear"),
    figure(
        "Three panels, each with two long arrows at right angles, features 0 and 1, and no others.",
        width=4.6,
        height=1.8,
        columns=3,
    ) as axes,
):
    for ax, (p, model) in zip(axes, linear.items(), strict=True):
        best = best_of(held_out_loss(model, p, importance, 20_000), 8)
        draw_plane(ax, model.W[best[0]].detach(), f"linear, p = {p:g}")
        print(f"linear, p = {p:<5g} {feature_statistics(model.W[best].detach())[1].tolist()} kept")

# %% [markdown]
# Sparsity changes nothing here. So it is not sparsity alone that makes superposition: it takes the ReLU, which cuts off what others add below zero.

# %% [markdown]
# @exercise claim_dimensionality
#
# The same at size: 200 features in 20 dimensions, all equally important. Make `dimensionality`: **one** trained `ToyModel` with an instance for each of `densities`. Importance is a tensor of 200 ones, the learning rate 0.01, the rest as before. It takes half a minute or so.
#
# The claim: D\* is 1 when dense (0.95 to 1.05), about 1/2 at p = 0.29 (0.46 to 0.52, and at least 75% of the features kept have a D within 0.03 of 1/2), and lower again at p = 0.215 (0.36 to 0.45).

# %%
densities = torch.tensor([1.0, 0.7, 0.4, 0.29, 0.215, 0.12, 0.086, 0.05, 0.025, 0.01])

# %% exercise="claim_dimensionality" tags=["nbval-ignore-output"]
dimensionality = ...
### BEGIN SOLUTION
dimensionality = train(ToyModel(len(densities), 200, 20), densities, torch.ones(200), lr=0.01)
### END SOLUTION

# %% tags=["nbval-ignore-output"]
with needs("claim_dimensionality"):
    D, D_star = feature_dimensionality(dimensionality.W.detach())
    norms, counts = feature_statistics(dimensionality.W.detach())
    with figure(
        "The D of every feature that is kept, against 1/p from 1 to 100, with a line through D*. "
        "Around 1/p = 3 the dots gather at one half. "
        + "D* is "
        + ", ".join(f"{d:.2f} at {1 / p:.1f}" for d, p in zip(D_star, densities, strict=True)),
        width=6.2,
        height=3.2,
    ) as ax:
        for level, name in ((1, "1"), (1 / 2, "1/2"), (2 / 5, "2/5")):
            ax.axhline(level, color=GREY, lw=0.8, ls="--")
            ax.text(70, level + 0.02, name, fontsize=9, color=GREY)
        for p, d, n in zip(densities, D, norms, strict=True):
            kept = d[n > 0.5]
            ax.plot(torch.full_like(kept, 1 / p), kept, ".", color=BLUE, alpha=0.25, ms=5)
        ax.plot(1 / densities, D_star, "-", color=VERMILION, label="D*")
        ax.set(xscale="log", xlabel="1 / p", ylabel="D of a feature", ylim=(0, 1.1))
        ax.legend()

# %% [markdown]
# The dots do not spread evenly. Around 1/p = 3 they lie on one half: pairs, each sharing one dimension. Two more things to see. At p = 1 D\* is 1 and there are no dots: all features matter the same, none is preferred, so each is kept a little, and few or none over 0.5. And to the far right D falls below any simple fraction.
#
# What is not graded, and why: at p = 0.215 many features sit near 2/5, as in pentagons, but how many differs a lot from run to run.

# %% [markdown]
# ### The key figure, beside the one that you drew
#
# Dots are the three repetitions, the line goes through their middle one. A figure that shows one run alone hides the question that a reader asks first: would it come out again?

# %% tags=["nbval-ignore-output"]
with needs("expected_figure", "claim_geometry", "claim_linear"):
    with figure(
        "Features represented against 1/p, three repetitions at each density, with the line that "
        "was expected beforehand, dashed, and the linear control.",
        width=5.4,
        height=2.8,
    ) as ax:
        ax.plot(
            [1 / p for p in expected],
            list(expected.values()),
            "--",
            color=ORANGE,
            label="expected before",
        )
        for models, colour, name in ((geometry, BLUE, "ReLU"), (linear, GREY, "linear")):
            kept = {
                p: feature_statistics(
                    m.W.detach()[best_of(held_out_loss(m, p, importance, 20_000), 8)]
                )[1]
                for p, m in models.items()
            }
            ax.plot(
                [1 / p for p in kept],
                [counts.median() for counts in kept.values()],
                color=colour,
                label=name,
            )
            for p, counts in kept.items():
                ax.plot(1 / p * torch.tensor([0.94, 1, 1.06]), counts, "o", color=colour, ms=4)
        ax.set(
            xscale="log",
            ylim=(0, 5.5),
            xlabel="1 / p (sparser to the right)",
            ylabel="features represented",
        )
        ax.legend(loc="lower right")
    log("Counts at seven densities, three repetitions, beside what I expected.", figure=ax)

# %% [markdown]
# Look for two things: where your dashed line was wrong, and where the three dots of a density disagree. Both belong into your report.

# %% [markdown]
# ### Take something away
#
# Why this matters: that a thing works does not say which of its parts made it work. An **ablation** is a run in which one part is missing and all else is the same.

# %% [markdown]
# @exercise ablation
#
# Take one part away, or change one setting: the bias, the importances, the ReLU in one place, the eight starts, the cosine, the batch size. Train both, the model as it is and the changed one, with 24 starts at one or two densities, each after the same `torch.manual_seed`; count the features of the three repetitions. Do so for several seeds, since the counts may depend on them, and write what it says, with the counts in digits. Code and text go into the cell below; more cells may stand above it.
#
# @rubric


# %% exercise="ablation" tags=["nbval-ignore-output"]
# Your code: change one thing, train, count.
### BEGIN SOLUTION
class NoBias(ToyModel):
    """The model without its bias."""

    def forward(self, x):
        return torch.relu((x @ self.W.transpose(-1, -2)) @ self.W)


for name, kind in (("as it is", ToyModel), ("no bias", NoBias)):
    kept, lost = [], []
    for seed in range(5):
        torch.manual_seed(seed)  # the same starts and the same data for both
        ablated = train(kind(24, 5, 2), 0.05, importance)
        ablated_losses = held_out_loss(ablated, 0.05, importance)
        best = best_of(ablated_losses, 8)
        kept.append(feature_statistics(ablated.W[best].detach())[1])
        lost += ablated_losses[best].tolist()
    print(f"{name}: {[counts.tolist() for counts in kept]}")
    for k in (4, 5):
        print(f"  {k} features in {int((torch.cat(kept) == k).sum())} of {len(lost)} repetitions")
    print(f"  losses from {min(lost):.4f} to {max(lost):.4f}")
### END SOLUTION

ablation = """
### BEGIN SOLUTION
I took away the bias, because a negative bias could be what lets the ReLU cut off small
interference. At p = 0.05 I trained both for 5 seeds, 24 starts each, so there are 15 repetitions.
As it is, the best of 8 kept 5 features in 15 of 15. Without the bias it kept 5 in 6 of them and 4
in the other 9. One seed alone would have misled me: in some all three repetitions kept 4, in others
all three kept 5. The held-out losses went up, from between 0.0011 and 0.0013 to between 0.0020 and
0.0024. So at this density the bias makes the reconstruction better, and without it the fifth
feature is kept in some runs only. It does not say what happens at other densities, nor with
hundreds of features, where interference adds up.
### END SOLUTION
"""

# %% [markdown]
# ### Said before, found after
#
# Why this matters: this is the moment that you registered for.

# %% [markdown]
# @exercise outcome
#
# State what came out. `found` answers the question that you registered, with its number and how it spread over the repetitions. `found_number` is the quantity that your `number` is about, as you measured it. `held` is True if the registered rule says that the hypothesis survived. The check puts both side by side.
#
# @rubric

# %% exercise="outcome"
found = """
### BEGIN SOLUTION
From one density to the next lower one the count never fell, in 3 of 3 repetitions: the smallest
change was 0. It went from 2 at p = 1 to 5 at p = 0.1 and below.
### END SOLUTION
"""
found_number = ...
held = ...
### BEGIN SOLUTION
found_number = 0
held = True
### END SOLUTION

# %% [markdown]
# @exercise honesty
#
# What did not come out, what did you not test, what did you choose after looking? Write it as you would want to read it in somebody else's paper.
#
# @rubric

# %% exercise="honesty"
honesty = """
### BEGIN SOLUTION
Some single starts end with another count than the best of 8: 4 of 24 keep fewer at p = 0.1, and 5
of 24 keep more at p = 1. My claim is about what training can find, not about what it always finds.
The claims leave out p = 0.7 and p = 0.01, and I did not repeat the runs with other seeds. Without
the bias the count depended on the seed. The margins in degrees were set by the course, by people who
had seen results. I chose no setting after the first look. I did not test correlated features, other
losses or larger models, and my result is about 5 features in 2 dimensions with uniform values, and
about one model of 200 features in 20.
### END SOLUTION
"""

# %% [markdown]
# ## 8. Lab notebook and story
#
# Why this matters: a result that nobody can retell did not happen. You write it down twice: for a reader with a minute, and for a room with five.
#
# Your lab notebook so far holds what you logged. Add what you found, with its numbers.

# %% tags=["nbval-ignore-output"]
with needs("claim_geometry", "claim_linear"):
    log("Claims checked with 3 repetitions of 8 starts; ablation and honesty note written.")

# %% [markdown]
# @exercise abstract
#
# Five lines, no more: question, method, the key number with its spread, what did not hold, what it means and what not. Each on a line of its own, however long the line is, and no heading; empty lines don't count.
#
# @rubric

# %% exercise="abstract"
abstract = """
### BEGIN SOLUTION
Elhage et al. (2022) claim that small networks store more features than they have dimensions when features are sparse.
I trained their ReLU model with 5 features in 2 dimensions at seven densities, best of 8 starts, three repetitions, and a linear control.
The count of represented features rose from 2 at p = 1 to 5 at p = 0.05 in 3 of 3 repetitions, as a pentagon, while the linear model kept 2 at every density.
Some single starts ended with another count than the best of 8, 4 of 24 at p = 0.1 and 5 of 24 at p = 1; without its bias the model kept 4 or 5 at p = 0.05, depending on the seed.
So superposition replicates in this toy model; that large networks store features alike is not tested here.
### END SOLUTION
"""

# %% [markdown]
# @exercise outline
#
# Five slides, one line each and nothing else: the title as a full sentence that could be false, and in brackets the figure that carries it.
#
# @rubric

# %% exercise="outline"
outline = """
### BEGIN SOLUTION
1. If features share neurons, reading neurons one by one misses some of them (drawing: one neuron, three meanings)
2. A model with 2 dimensions can be asked to store 5 features (the model as a picture, W down and up)
3. The sparser the features, the more are stored: 2, then 4, then 5 (the arrows at seven densities, with counts)
4. Without the ReLU it does not happen at any density (count against 1/p, both models, three repetitions)
5. This is a toy with independent features; next I would let features occur together (one sketch of correlated groups)
### END SOLUTION
"""

# %% [markdown]
# ### One page of it all
#
# `speedrun report` in a terminal writes your replication as one page: what you registered and what came out side by side, the claims, the sweeps with their spread, your texts, your lab notebook with its figures, and the outline. It needs nothing from elsewhere, so it can be sent to anybody.
#
# ```
# speedrun report --out replication.html --open
# ```
#
# Read it as a stranger would. Then show it to one.
#
# ## What you can do now
#
# - Read a paper in passes, and stop in time.
# - Say beforehand what would prove you wrong, and show it unchanged afterwards.
# - Build a model with more features than dimensions, and measure what it keeps.
# - Run many models as one batch or in several processes, and say which pays when.
# - Report what held, what did not, and how far it reaches.
#
# ### What comes next
#
# Two electives use the same habits on other papers: 09 on induction heads, 10 on grokking. 11 helps you choose a project of your own.
#
# ### Three to read on
#
# - [Toy Models of Superposition](https://transformer-circuits.pub/2022/toy_model/index.html), Elhage et al., 2022: the sections that you skipped, on learning dynamics and on computing in superposition.
# - [Towards Monosemanticity](https://transformer-circuits.pub/2023/monosemantic-features/index.html), Bricken et al., 2023: the search for features in a language model, with sparse autoencoders.
# - [Superposition, Memorization, and Double Descent](https://transformer-circuits.pub/2023/toy-double-descent/index.html), Henighan et al., 2023: the same toy model with few examples stores examples rather than features.

# %% [markdown]
# ## For the curious: get the features back
#
# Why this matters: in a toy you know the features. In a real network you see activations only, and want to know what they are made of. A **sparse autoencoder** looks for directions of which a few at a time add up to what it sees ([Bricken et al. 2023](https://transformer-circuits.pub/2023/monosemantic-features/index.html)). Here you can test whether what it finds is what is there.
#
# The patient is a model of 40 features in 10 dimensions. The autoencoder sees its hidden numbers h and nothing else: no W, no x. It has 80 latents, each with a direction of its own.

# %% [markdown]
# @exercise sparse_autoencoder
#
# Finish `forward(h)` and write `sae_loss`.
#
# - latents = ReLU(h W_enc + b_enc), shape (batch, n_latents);
# - h_hat = latents times the directions, which are the rows of `W_dec`, each divided by its norm. `forward` returns latents and h_hat, in this order;
# - `sae_loss(h_hat, h, latents, l1)` is one number: for each row of the batch the squared error summed over the hidden dimensions, plus l1 times the sum of its latents; then the mean over the batch.
#
# The penalty is what asks for few latents. Without the division by the norm a long row and a small latent would get round it.


# %% exercise="sparse_autoencoder"
class SparseAutoencoder(nn.Module):
    """n_latents directions in a space of n_hidden dimensions, few of them in use at once."""

    def __init__(self, n_hidden, n_latents):
        super().__init__()
        directions = nn.functional.normalize(torch.randn(n_latents, n_hidden), dim=1)
        self.W_dec = nn.Parameter(directions)
        self.W_enc = nn.Parameter(directions.T.clone())
        self.b_enc = nn.Parameter(torch.zeros(n_latents))

    def forward(self, h):
        """h (batch, n_hidden) -> latents (batch, n_latents), h_hat (batch, n_hidden)."""
        ### BEGIN SOLUTION
        latents = torch.relu(h @ self.W_enc + self.b_enc)
        directions = self.W_dec / self.W_dec.norm(dim=1, keepdim=True)
        return latents, latents @ directions
        ### END SOLUTION


def sae_loss(h_hat, h, latents, l1):
    """Squared error of each row plus l1 times its latents, both summed; the batch's mean."""
    ### BEGIN SOLUTION
    squared = ((h_hat - h) ** 2).sum(dim=1)
    return (squared + l1 * latents.sum(dim=1)).mean()
    ### END SOLUTION


# %% [markdown]
# @exercise max_cosine_similarity
#
# Was feature i found? Look for the direction that is nearest to its column of W. Write `max_cosine_similarity(directions, W)`: for each feature the largest cosine between its column and any row of `directions`, shape (n_features,). `directions` is (n_latents, n_hidden), `W` is (n_hidden, n_features); lengths don't count, signs do.


# %% exercise="max_cosine_similarity"
def max_cosine_similarity(directions, W):
    """For each column of W the cosine to the nearest row of directions (Sharkey et al. 2022)."""
    ### BEGIN SOLUTION
    cosines = nn.functional.normalize(directions, dim=1) @ nn.functional.normalize(W, dim=0)
    return cosines.amax(dim=0)
    ### END SOLUTION


# %% [markdown]
# Three dictionaries for the same model: directions drawn at random, an autoencoder without the penalty, and one with it. The first two are the controls: 80 directions in 10 dimensions come near to anything by chance.


# %%
def train_sae(W, p, l1, steps=1000, lr=0.02):
    """An autoencoder of 80 latents for the hidden numbers of a model with weights W."""
    sae = SparseAutoencoder(W.shape[0], 80)
    optimizer = torch.optim.Adam(sae.parameters(), lr=lr)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = lr * (1 + math.cos(math.pi * step / steps)) / 2
        h = sample_sparse(1, 512, W.shape[1], p)[0] @ W.T
        latents, h_hat = sae(h)
        optimizer.zero_grad()
        sae_loss(h_hat, h, latents, l1).backward()
        optimizer.step()
    return sae.W_dec.detach()


# %% tags=["nbval-ignore-output"]
with needs("train_toy", "sparse_autoencoder", "max_cosine_similarity"):
    torch.manual_seed(6)
    mixed = train(ToyModel(1, 40, 10), 0.03, torch.ones(40), lr=0.01).W.detach()[0]
    dictionaries = {
        "at random": torch.randn(80, 10),
        "no penalty": train_sae(mixed, 0.03, l1=0.0),
        "l1 = 0.3": train_sae(mixed, 0.03, l1=0.3),
    }
    cosines = {name: max_cosine_similarity(d, mixed) for name, d in dictionaries.items()}
    with figure(
        "For each of 40 features the cosine to the nearest direction, sorted; means: "
        + ", ".join(f"{name} {c.mean():.2f}" for name, c in cosines.items()),
        width=5.2,
        height=2.4,
    ) as ax:
        for (name, c), colour in zip(cosines.items(), (GREY, ORANGE, BLUE), strict=True):
            ax.plot(c.sort().values, color=colour, label=f"{name}: mean {c.mean():.2f}")
        ax.set(xlabel="features, the worst found first", ylabel="nearest cosine")
        ax.legend(loc="lower right")

# %% [markdown]
# With the penalty nearly every feature comes back. Without it the autoencoder finds hardly more than chance does, and yet it reproduces h far better: over three runs its error was under 1% of the squared length of h, with the penalty about 15%. A good reconstruction does not show that the parts are the right ones. Note what helped: the features were sparse and independent, their number was known roughly, and W was there to compare with. In a language model none of the three is given, which is why people still argue about what such dictionaries show.

# %% tags=["nbval-ignore-output"]
status()
