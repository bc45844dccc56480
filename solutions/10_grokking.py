# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% tags=["setup"]
import math

import numpy as np
import torch
import torch.nn as nn
from torch.nn import functional as F

from autograder import figure, needs
from autograder.data import grokking_table
from autograder.plots import progress

torch.set_num_threads(1)  # for a model this small, a second thread only gets in the way

# %% [markdown]
# ## 1. A table with holes
#
# Why this matters: a model that gives right answers may remember them, or may have found how they come about. From outside the two look alike. Here you can tell them apart, and you will see one turn into the other.
#
# The task is addition on a circle. There are `p` numbers, 0 to p - 1, and p - 1 is followed by 0 again, like the hours of a clock. The sum of a and b is the remainder of a + b by p: addition **modulo** p. On a clock of 12 hours, 9 + 5 is 2.
#
# Our p is 59, a prime. The whole task is a table with 59 · 59 cells.

# %%
p = 59  # numbers 0, 1, ..., 58; the number 59 itself is free, and will stand for "="

# %% [markdown]
# A model reads three tokens, `a b =`, and has to name the answer at the last one. To it these are only numbers of rows in a table: nobody tells it that 7 comes after 6, or that a + b is b + a.

# %% [markdown]
# @exercise all_pairs
#
# Write `all_pairs(p)`. It returns two tensors of whole numbers, one row for each cell of the table:
#
# - `tokens`, shape (p · p, 3): a, b, and p, which stands for =. Row a · p + b belongs to a and b: first (0, 0), then (0, 1), and so on.
# - `answers`, shape (p · p): a + b modulo p. In Python, `17 % 12` is 5.


# %% exercise="all_pairs"
def all_pairs(p):
    """The whole table modulo p: tokens (p * p, 3) and answers (p * p)."""
    ### BEGIN SOLUTION
    rows = [[a, b, p] for a in range(p) for b in range(p)]
    tokens = torch.tensor(rows)
    answers = (tokens[:, 0] + tokens[:, 1]) % p
    return tokens, answers
    ### END SOLUTION


# %% [markdown]
# Now make holes. Some cells are for training. All others are the **test set**: cells that the model never sees, and on which it shows whether it found the rule.

# %% [markdown]
# @exercise split_pairs
#
# Write `split_pairs(count, fraction)`. It returns two tensors of row numbers, `train_set` and `test_set`. Together they hold each number from 0 to count - 1 once. The first has `round(fraction * count)` of them, chosen at random.
#
# Below the function, put your data together: `tokens` and `answers` of the whole table, and a split with 40% of all pairs for training.


# %% exercise="split_pairs"
def split_pairs(count, fraction):
    """Numbers of rows, shuffled and cut in two: those for training, and the others."""
    ### BEGIN SOLUTION
    order = torch.randperm(count)
    n = round(fraction * count)
    return order[:n], order[n:]
    ### END SOLUTION


torch.manual_seed(3)
tokens, answers = ..., ...
train_set, test_set = ..., ...
### BEGIN SOLUTION
tokens, answers = all_pairs(p)
train_set, test_set = split_pairs(len(tokens), 0.4)
### END SOLUTION

# %% tags=["nbval-ignore-output"]
with needs("all_pairs", "split_pairs"):
    table = np.full(p * p, np.nan)
    table[train_set] = answers[train_set]
    print(f"{len(train_set):,} cells to learn, {len(test_set):,} to guess")
    with figure(
        "A table of 59 by 59 cells. The cells for training are coloured by their answer, in stripes "
        "that run diagonally; more than half of the cells are blank, scattered at random.",
        width=4.2,
        height=3.6,
    ) as ax:
        shown = ax.imshow(table.reshape(p, p), cmap="twilight", vmin=0, vmax=p)
        ax.set(xlabel="b", ylabel="a")
        ax.grid(False)
        ax.figure.colorbar(shown, label="a + b modulo p")

# %% [markdown]
# The colours make stripes from lower left to upper right: along a stripe, a + b is the same. You see the rule at a glance, because the rows are in order and your eye knows what lies beside what. The model gets the coloured cells in the form of a list, and no order at all.

# %% [markdown]
# ## 2. The model, and how to watch it
#
# Why this matters: nothing in it is made for arithmetic. It is one block of the GPT of module 07, and what it finds it finds by itself.
#
# It has one layer: attention with four heads, then a small network with 128 **hidden units**, the numbers between its two matrices. No norms, no mask, and only the last place has to answer. The last place listens to a and b, thinks, and gives a score, a **logit**, to each of the 59 answers.

# %%
width, heads, hidden = 48, 4, 128


# %% [markdown]
# @exercise one_layer_model
#
# Finish `forward`. Six lines are missing, each with the shape that it should have. `__init__` and the products are given.
#
# - `x`: each token's row of `W_E`, plus the row of `W_pos` for its place.
# - `scores`: for each head, the products of query and key added up, divided by the root of `size`. As a tensor, `q * k` has the shape (N, 3, heads, size).
# - `attention`: for each head, shares of the three places that add up to 1.
# - The last place gets `heard @ self.W_o` added. Then a part with a ReLU reads the sum, and what it makes is added, too: `W_in`, then `b_in`, the ReLU, `W_out`.
# - The logits are the stream times `W_U`.


# %% exercise="one_layer_model"
def weights(rows, columns):
    """A table to be trained. How large it begins matters for what follows: leave it so."""
    return nn.Parameter(torch.randn(rows, columns) / width**0.5)


class OneLayer(nn.Module):
    """A transformer of one layer that answers at its last token: (N, 3) -> (N, p).

    The form is that of Nanda et al., 2023, section 3: no norm, and one table in, another out.
    """

    def __init__(self):
        super().__init__()
        self.W_E = weights(p + 1, width)  # a row for each number, the last one for "="
        self.W_pos = weights(3, width)  # a row for each of the three places
        self.W_q, self.W_k = weights(width, width), weights(width, width)
        self.W_v, self.W_o = weights(width, width), weights(width, width)
        self.W_in, self.b_in = weights(width, hidden), nn.Parameter(torch.zeros(hidden))
        self.W_out, self.W_U = weights(hidden, width), weights(width, p)

    def forward(self, tokens):
        N, size = len(tokens), width // heads
        x = ...  # (N, 3, width)
        ### BEGIN SOLUTION
        x = self.W_E[tokens] + self.W_pos
        ### END SOLUTION
        last = x[:, -1]  # (N, width)
        q = (last @ self.W_q).view(N, 1, heads, size)
        k = (x @ self.W_k).view(N, 3, heads, size)
        v = (x @ self.W_v).view(N, 3, heads, size)
        scores = ...  # (N, 3, heads)
        attention = ...  # (N, 3, heads)
        ### BEGIN SOLUTION
        scores = (q * k).sum(-1) / size**0.5
        attention = scores.softmax(dim=1)
        ### END SOLUTION
        heard = (attention[..., None] * v).sum(1).reshape(N, width)  # all heads, side by side
        stream = ...  # (N, width): last, and what was heard
        thought = ...  # (N, hidden): the ReLU
        ### BEGIN SOLUTION
        stream = last + heard @ self.W_o
        thought = F.relu(stream @ self.W_in + self.b_in)
        stream = stream + thought @ self.W_out
        return stream @ self.W_U
        ### END SOLUTION


# %% [markdown]
# ### Help: "The size of tensor a must match the size of tensor b"
#
# Print the shapes, one line after the other. A sum over heads of size 12 uses `.sum(-1)`; the three places are axis 1 throughout.

# %% tags=["nbval-ignore-output"]
with needs("one_layer_model"):
    torch.manual_seed(0)
    fresh = OneLayer()
    print(f"{sum(w.numel() for w in fresh.parameters()):,} numbers to train")

# %% [markdown]
# @exercise cells_right
#
# Write `accuracy(logits, answers)`, the share of rows whose largest logit is that of the answer: a number between 0 and 1. `logits` has the shape (N, number of answers), `answers` the shape (N).


# %% exercise="cells_right"
def accuracy(logits, answers):
    """The share of rows that are right: (N, C) and (N) -> a number between 0 and 1."""
    ### BEGIN SOLUTION
    return (logits.argmax(dim=1) == answers).float().mean().item()
    ### END SOLUTION


# %% [markdown]
# While it trains, we want to look in from time to time. `record` keeps the two accuracies, and two things from inside for later: the sum of all squared weights, and a copy of the embedding.


# %%
@torch.no_grad()
def record(history, model, epoch):
    """Append what there is to see of the model now."""
    logits = model(tokens)
    history.append(
        {
            "epoch": epoch,
            "train": accuracy(logits[train_set], answers[train_set]),
            "test": accuracy(logits[test_set], answers[test_set]),
            "squares": sum((w**2).sum().item() for w in model.parameters()),
            "W_E": model.W_E[:p].clone(),
        }
    )


# %% [markdown]
# **Weight decay** makes every weight a little smaller at every step, whatever the loss says. With AdamW, a weight loses the share `lr * weight_decay` of itself each time. What is not needed fades; what is needed, the loss puts back. Two weights that the loss does not need, over 100 steps:

# %%
w = nn.Parameter(torch.tensor([2.0, -1.0]))
optimizer = torch.optim.AdamW([w], lr=0.01, weight_decay=1.0)
for step in range(100):
    optimizer.zero_grad()
    (0 * w).sum().backward()  # a loss that asks nothing of them
    optimizer.step()
print(w.data, "and 0.99 to the power of 100 is", round(0.99**100, 3))

# %% [markdown]
# Weight decay is an argument of your training, because it is the one thing that we will change.

# %% [markdown]
# @exercise full_batch
#
# Finish `train`. An **epoch** is one pass over the training set. Here it is one step, because the set is small enough to be one batch: the rows `train_set` of `tokens`, with their answers.
#
# - `optimizer`: `torch.optim.AdamW` with lr=0.01, betas=(0.9, 0.98) and the weight decay that is asked for. The second beta makes its running mean of sizes shorter.
# - In the loop, one step: logits, loss (`F.cross_entropy`), zero, backward, step. Call the loss `loss`: the last line draws it.


# %% exercise="full_batch"
def train(model, weight_decay, epochs):
    """Train on train_set, all at once in each step; look in every 20 epochs.

    The recipe follows Power et al., 2022, with a larger learning rate; it returns the history, a
    list of dicts.
    """
    history = []
    optimizer = ...
    ### BEGIN SOLUTION
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=0.01, betas=(0.9, 0.98), weight_decay=weight_decay
    )
    ### END SOLUTION
    for epoch in progress(epochs + 1):
        if epoch % 20 == 0:
            record(history, model, epoch)
        ### BEGIN SOLUTION
        logits = model(tokens[train_set])
        loss = F.cross_entropy(logits, answers[train_set])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        ### END SOLUTION
        progress.show(loss)
    return history


# %% [markdown]
# ## 3. By heart
#
# Why this matters: you can't say what a change did before you know what happens without it. So the **control**, the run without the thing that you want to test, comes first.
#
# The control has no weight decay.

# %% [markdown]
# @exercise claim_control
#
# Make a new model, `memoriser`, and train it for 2,000 epochs with `weight_decay=0`. Keep what `train` returns in `by_heart`. It takes about half a minute.
#
# The check wants to see two things: at least 99% of the training pairs right, and at most 50% of the others. It gets the model, and counts for itself.

# %% exercise="claim_control" tags=["nbval-ignore-output"]
torch.manual_seed(3)
memoriser = ...
by_heart = ...
### BEGIN SOLUTION
memoriser = OneLayer()
by_heart = train(memoriser, weight_decay=0, epochs=2000)
### END SOLUTION


# %%
def draw_curves(ax, history):
    """Both accuracies against the epochs, in percent."""
    epochs = [max(row["epoch"], 10) for row in history]  # an axis of powers has no 0
    ax.plot(epochs, [100 * row["train"] for row in history], color="#6b7280", ls="--")
    ax.plot(epochs, [100 * row["test"] for row in history], color="#0072b2", lw=2)
    ax.set(xscale="log", xlabel="epoch", ylabel="right, %", ylim=(-3, 105))
    ax.legend(["training pairs", "test pairs"], loc="upper left", fontsize=8)


# %% tags=["nbval-ignore-output"]
with needs("claim_control"):
    known = next(row for row in by_heart if row["train"] >= 0.99)
    for row in (known, by_heart[-1]):
        print(
            f"epoch {row['epoch']:4}: {row['train']:4.0%} of the training pairs, {row['test']:3.0%} of "
            f"the others; sum of squared weights {row['squares']:,.0f}"
        )
    with figure(
        "Accuracy against epochs without weight decay: the training pairs go to 100% before epoch "
        "100; the test pairs stay low to the end.",
        width=5.0,
        height=2.6,
    ) as ax:
        draw_curves(ax, by_heart)

# %% [markdown]
# The dashed line is at the top before epoch 100: the model knows its pairs by heart. The blue line stays far below. Blind guessing would get one cell in 59, under 2%; the model does somewhat better, so it has picked up something, but it is far from the rule. Nor did it stand still: between the two lines above, the sum of squared weights grew by about a third, and the test accuracy rose a little. Every textbook says what to do now: stop, this one only memorises. (Where the dashed line dips for a moment, the loss has jumped: at this learning rate it does so now and then, and soon comes back.)

# %% [markdown]
# @exercise predict_more
#
# Suppose this run, without weight decay, went on to epoch 6,000, three times as long. What do you expect?
#
# @options

# %% exercise="predict_more"
predict_more = ...
### BEGIN SOLUTION
predict_more = "c"
### END SOLUTION

# %% [markdown]
# The course let three such runs go on:

# %%
measured = grokking_table()
print("      sum of squared weights at epoch     test accuracy at epoch")
print("seed     2,000     6,000                  2,000     6,000")
for then, later in zip(measured["memorised"], measured["memorised_longer"]):
    print(
        f"{then['seed']:<9}{then['squares']:5,.0f}{later['squares']:10,.0f}"
        f"{then['test']:23.0%}{later['test']:10.0%}"
    )

# %% [markdown]
# The weights have not come to rest. The test accuracy has risen by a few points at most, and the rule is still far away.

# %% [markdown]
# ## 4. And then
#
# Why this matters: this is the curve that made the paper of 2022. Whoever stopped at 100% in training never saw it.
#
# One number changes: `weight_decay=1.0`. Before you run it, say to yourself what weight decay might do to a model that knows its pairs by heart.

# %% [markdown]
# @exercise claim_grokking
#
# Make a new model, `grokker`, and train it with `weight_decay=1.0`, for 2,000 epochs like the control. Keep what `train` returns in `late`. It takes about half a minute. Nothing ends it early: a training that stops once its test accuracy is good has chosen the number that it reports.
#
# The check wants at least 95% of the pairs that it never saw.

# %% exercise="claim_grokking" tags=["nbval-ignore-output"]
torch.manual_seed(3)
grokker = ...
late = ...
### BEGIN SOLUTION
grokker = OneLayer()
late = train(grokker, weight_decay=1.0, epochs=2000)
### END SOLUTION

# %% tags=["nbval-ignore-output"]
with needs("claim_grokking"):
    known = next(row["epoch"] for row in late if row["train"] >= 0.99)
    found = next((row["epoch"] for row in late if row["test"] >= 0.95), None)
    print(f"99% of the training pairs after {known} epochs, 95% of the others after {found}.")
    with figure(
        "Accuracy against epochs with weight decay: the training pairs go to 100% before epoch 100. "
        "Most test pairs are still wrong long after that; then their line climbs to the top.",
        width=5.0,
        height=2.6,
    ) as ax:
        draw_curves(ax, late)

# %% [markdown]
# Look between the two rises. The training set is known, and most of the test set is still wrong, as in the control. The blue line only creeps; then it climbs to the top. Power and his colleagues called this **grokking**: a network generalises long after it has fitted its training set. (The horizontal axis shows powers of ten, as theirs does.)
#
# One run is an anecdote, and this one's seed was chosen because its curve is clear. So the course trained the recipe on ten seeds that nobody chose, and the control on the same ten.

# %%
print("              epochs to 99%   epochs to 95%   test accuracy   test accuracy")
print("weight decay  in training     in test         at epoch 160    at the end")
for name, runs in (("1.0", measured["grokked"]), ("none", measured["memorised"])):
    for run in runs:
        late_or_never = run["test_95"] if run["test_95"] is not None else "never"
        print(
            f"{name:14}{run['train_99']:<16}{late_or_never!s:<16}{run['test_early']:<16.0%}"
            f"{run['test']:.0%}"
        )

# %% [markdown]
# All ten with weight decay get there, and how long it takes differs by a factor of four. None without it does within the same 2,000 epochs. How many of your own seeds would you want to see before you believe it? Change the seed and run the cell again; keep count.
#
# A warning that belongs to the result: it hangs on the recipe. Here are two others with the same weight decay, three seeds each.

# %%
longest = measured["setting"]["other_epochs"]
for name, runs in measured["others"].items():
    reached = sum(run["test_95"] is not None for run in runs)
    print(f"{name:26}{reached} of {len(runs)} get to 95% within {longest:,} epochs")

# %% [markdown]
# A smaller step, or weights that begin smaller: both change the picture. Whether those runs would get there later, these numbers don't say. Grokking is no law of nature.

# %% [markdown]
# ## 5. What moves before it shows
#
# Why this matters: if a skill can appear late and suddenly, we would like to see it coming. The outside shows little. The inside might show more.

# %% [markdown]
# @exercise predict_inside
#
# From epoch 100 until the rise, the training accuracy stands still and most test pairs stay wrong. What happens inside?
#
# @options

# %% exercise="predict_inside"
predict_inside = ...
### BEGIN SOLUTION
predict_inside = "b"
### END SOLUTION

# %% [markdown]
# First, the plainest thing inside: the sum of all squared weights.

# %% tags=["nbval-ignore-output"]
with needs("claim_control", "claim_grokking"):
    with figure(
        "The sum of squared weights against epochs. Without weight decay it grows throughout; with "
        "it, it rises at first and then falls.",
        width=5.0,
        height=2.4,
    ) as ax:
        for history, colour, style in ((late, "#0072b2", "-"), (by_heart, "#d55e00", "--")):
            ax.plot(
                [max(row["epoch"], 10) for row in history],
                [row["squares"] for row in history],
                color=colour,
                ls=style,
            )
        ax.set(xscale="log", xlabel="epoch", ylabel="sum of squares")
        ax.legend(["weight decay 1.0", "none"], fontsize=9)

# %% [markdown]
# Without weight decay the sum grows to the end. With it, it rises while the pairs are learnt by heart, and ends well below its highest point, with more answers right. In squared weights, remembering each cell by itself is expensive, and a rule is cheap. What does the cheap way look like?
#
# ### Waves
#
# The numbers lie on a circle, and what moves along a circle is a **wave**: a cosine or sine that makes k whole turns while n runs from 0 to p - 1. k is its **frequency**. Any list of p numbers is a sum of such waves, in exactly one way: that is the **Fourier transform**. In the words of module 01, waves are another basis, and its vectors are perpendicular to each other.

# %% [markdown]
# @exercise fourier_basis
#
# Write `fourier_basis(p)` for an odd p: a tensor of shape (p, p) whose rows are
#
# - row 0: a constant;
# - row 2k - 1: the cosine of 2πkn/p at n = 0, 1, ..., p - 1, for k = 1, ..., (p - 1)/2;
# - row 2k: the sine of the same.
#
# Each row is scaled to length 1.


# %% exercise="fourier_basis"
def fourier_basis(p):
    """The constant, then cosine and sine of each frequency, as rows of length 1: (p, p)."""
    ### BEGIN SOLUTION
    n = torch.arange(p)
    rows = [torch.ones(p)]
    for k in range(1, (p - 1) // 2 + 1):
        angle = 2 * math.pi * k * n / p
        rows += [torch.cos(angle), torch.sin(angle)]
    return torch.stack([row / row.norm() for row in rows])
    ### END SOLUTION


# %% tags=["nbval-ignore-output"]
with needs("fourier_basis"):
    waves = fourier_basis(p)
    print(
        "rows perpendicular, of length 1:", torch.allclose(waves @ waves.T, torch.eye(p), atol=1e-4)
    )
    with figure(
        "Three rows of the basis against n: the cosine of frequency 1 makes one turn, its sine the "
        "same a quarter turn later, the cosine of frequency 4 makes four turns.",
        width=5.4,
        height=2.0,
    ) as ax:
        for row, colour, style in ((1, "#0072b2", "-"), (2, "#d55e00", "--"), (7, "#009e73", ":")):
            ax.plot(waves[row], color=colour, ls=style)
        ax.legend(["row 1", "row 2", "row 7"], fontsize=8, loc="lower left", ncols=3)
        ax.set(xlabel="n", ylim=(-0.32, 0.2))

# %% [markdown]
# Rows 1 and 2 are one wave, shifted by a quarter of a turn. Together they are a point that goes round a circle once, as n goes from 0 to p - 1. Row 7 belongs to frequency 4.
#
# Now look at the embedding in this basis. `W_E` has one row for each number, so each of its columns is a list of p numbers. How much of each wave is in the columns? The dot product says it, and its square is called **energy**.

# %% [markdown]
# @exercise fourier_energy
#
# Write `fourier_energy(W)` for a table W of shape (p, width). It returns a tensor of (p - 1)/2 numbers: for k = 1, 2, ..., the sum, over all columns, of the squared coefficients of cosine and sine of frequency k. The constant is left out: it is the mean, and says nothing about which number is which.
#
# The coefficients are `fourier_basis(len(W)) @ W`.


# %% exercise="fourier_energy"
def fourier_energy(W):
    """The energy of each frequency 1, 2, ... in the columns of W: (p, width) -> ((p - 1) / 2)."""
    ### BEGIN SOLUTION
    squares = (fourier_basis(len(W)) @ W) ** 2  # (p, width)
    each = squares.sum(1)  # (p)
    return each[1::2] + each[2::2]
    ### END SOLUTION


# %% tags=["nbval-ignore-output"]
with needs("fourier_energy", "claim_control", "claim_grokking"):
    with figure(
        "Two bar charts of the embedding's energy for each frequency. With weight decay a few "
        "frequencies stand out far above the others; without, it is spread over all.",
        width=6.4,
        height=2.4,
        columns=2,
    ) as (left, right):
        for ax, history, title in ((left, late, "weight decay 1.0"), (right, by_heart, "none")):
            energy = fourier_energy(history[-1]["W_E"])
            ax.bar(range(1, len(energy) + 1), energy / energy.sum(), color="#0072b2")
            ax.set(title=title, xlabel="frequency", ylim=(0, 0.5))
        left.set(ylabel="share of the energy")

# %% [markdown]
# There it is. The model that found the rule has put its numbers on a few circles: a handful of frequencies hold most of the energy. Nobody asked for circles. In the one that only remembers, the energy is spread over all frequencies. (Which ones stand out differs from seed to seed.)

# %% [markdown]
# @exercise fourier_share
#
# Make one number of it. Write `fourier_share(W, k)`: the share of the energy of all frequencies that is in the k strongest.


# %% exercise="fourier_share"
def fourier_share(W, k):
    """The k strongest frequencies' share of the energy, between 0 and 1."""
    ### BEGIN SOLUTION
    energy = fourier_energy(W)
    return (energy.topk(k).values.sum() / energy.sum()).item()
    ### END SOLUTION


# %% tags=["nbval-ignore-output"]
with needs("fourier_share", "claim_control", "claim_grokking"):
    shares = [100 * fourier_share(row["W_E"], 5) for row in late]
    with figure(
        "Percent against epochs, with weight decay: the share of the five strongest frequencies "
        "climbs while most test pairs are still wrong, and the test accuracy follows.",
        width=5.4,
        height=2.8,
    ) as ax:
        epochs = [row["epoch"] for row in late]
        ax.plot(epochs, [100 * row["test"] for row in late], color="#0072b2", lw=2)
        ax.plot(epochs, shares, color="#d55e00", ls="--", lw=2)
        ax.plot(
            [row["epoch"] for row in by_heart],
            [100 * fourier_share(row["W_E"], 5) for row in by_heart],
            color="#6b7280",
            ls=":",
        )
        ax.set(xlabel="epoch", ylabel="%", ylim=(0, 105))
        ax.legend(["test pairs right", "share of five", "share, no decay"], fontsize=9)

# %% [markdown]
# The axis is even now. The orange line is above the dotted one, and climbing, while most test pairs are still wrong: the circles grow while most answers still come from memory. Nanda and his colleagues call such a thing a **progress measure**, a number that moves steadily towards a skill that shows only later. What looks sudden from outside was under way inside.

# %% tags=["nbval-ignore-output"]
for when, name in (
    ("share_at_train_99", "when 99% of the training pairs are right"),
    ("share_when_test_50", "when half of the test pairs are right"),
    ("share", "at the end"),
):
    values = [run[when] for run in measured["grokked"]]
    print(f"share of five {name:42} {min(values):.0%} to {max(values):.0%}, ten seeds")

# %% [markdown]
# ## 6. Read the rule
#
# Why this matters: a pattern that you found in the weights may be what the model computes with, or an ornament. A picture can't tell. Cut it out and see: that is a **causal test**.
#
# The cut: take the embedding apart into waves, keep a few, put it together again.

# %% [markdown]
# @exercise keep_frequencies
#
# Write `keep_frequencies(W, ks)`: the part of W, shape (p, width), that consists of the frequencies in the list `ks`, cosine and sine of each. Everything else is left out, the constant as well.
#
# It is a projection, as in module 01: coefficients for the rows of the basis that you keep, then the sum of these rows, each times its coefficient.


# %% exercise="keep_frequencies"
def keep_frequencies(W, ks):
    """The part of W's columns along the frequencies ks: (p, width) -> (p, width)."""
    ### BEGIN SOLUTION
    rows = [row for k in ks for row in (2 * k - 1, 2 * k)]
    kept = fourier_basis(len(W))[rows]  # (2 * len(ks), p)
    return kept.T @ (kept @ W)
    ### END SOLUTION


# %% [markdown]
# @exercise predict_removed
#
# There are 29 frequencies. In `grokker`'s embedding you will keep only the five strongest (and the mean), then, the other way round, take out these five and leave the other 24. What becomes of its accuracy on the test pairs?
#
# @options

# %% exercise="predict_removed"
predict_removed = ...
### BEGIN SOLUTION
predict_removed = "b"
### END SOLUTION

# %% [markdown]
# @exercise key_frequencies
#
# Make `key`, a list of the five frequencies with most energy in the numbers' rows of `grokker.W_E` (its last row is =). `grokker.W_E[:p].detach()` is a plain table, without a graph for gradients.
#
# The check makes both cuts for itself. It wants at least 70% of the test pairs right with the five alone, and at most 30% without them.

# %% exercise="key_frequencies"
key = ...
### BEGIN SOLUTION
rows = grokker.W_E[:p].detach()
key = [int(i) + 1 for i in fourier_energy(rows).topk(5).indices]
### END SOLUTION


# %%
@torch.no_grad()
def test_accuracy_with(model, rows):
    """The test accuracy with other rows for the numbers; the model stays as it was."""
    kept = model.W_E.clone()
    model.W_E[:p] = rows
    result = accuracy(model(tokens[test_set]), answers[test_set])
    model.W_E.copy_(kept)
    return result


def cut_at_random(W, energy):
    """W with random directions taken out of its columns, until this much energy is gone."""
    draws = torch.randn(p, p - 1)
    directions = torch.linalg.qr(draws - draws.mean(0)).Q  # perpendicular, and to the constant, too
    for d in directions.T:
        part = torch.outer(d, d @ W)
        share = min(1.0, (energy / (part**2).sum()).item())  # 1, then a rest, then 0
        W = W - (1 - (1 - share) ** 0.5) * part
        energy = energy - share * (part**2).sum()
    return W


# %% tags=["nbval-ignore-output"]
with needs("key_frequencies", "keep_frequencies"):
    rows = grokker.W_E[:p].detach().clone()
    five = keep_frequencies(rows, key)
    others = [k for k in range(1, 30) if k not in key]
    torch.manual_seed(0)
    any_five = [others[i] for i in torch.randperm(len(others))[:5]]
    energy, of_five = ((rows - rows.mean(0)) ** 2).sum(), (five**2).sum()
    print("key:", sorted(key))
    print("                               energy taken out   test pairs right")
    for name, tables in (
        ("as it is", [rows]),
        ("only the five", [rows.mean(0) + five]),
        ("as much at random", [cut_at_random(rows, energy - of_five) for draw in range(10)]),
        ("without the five", [rows - five]),
        ("as much at random", [cut_at_random(rows, of_five) for draw in range(10)]),
        ("without five others", [rows - keep_frequencies(rows, any_five)]),
    ):
        out = np.mean([1 - ((W - W.mean(0)) ** 2).sum() / energy for W in tables])
        right = np.mean([test_accuracy_with(grokker, W) for W in tables])
        print(f"{name:31}{out:16.1%}{right:19.1%}")

# %% [markdown]
# The five alone keep the answers right. Without them hardly one is, no more than by guessing. Does that show that it is these five that count, and not the cut as such? The last line doesn't answer it: five other frequencies hold so little energy that next to nothing was taken out. A fair control takes out as much energy. So do the two lines "as much at random", each the mean of ten draws: they cut along random directions, which mix all frequencies.
#
# Compare each cut with its control. Without the five nearly everything is wrong, but so it is when as much is taken out at random. This fall alone doesn't single out the five: a cut that takes nearly all the energy breaks the model wherever it is made. The other cut does. Everything but the five can go without harm, while a random cut of the same small size, which takes a little from the five as well, costs some of the answers. So these five are enough, and the others are hardly needed. Ten seeds say the same:

# %%
for what, name in (
    ("only the five", "test_only_top"),
    ("as much at random", "test_random_as_others"),
    ("without the five", "test_without_top"),
    ("as much at random", "test_random_as_top"),
):
    values = [run[name] for run in measured["grokked"]]
    print(f"{what:20}{min(values):7.1%} to {max(values):6.1%} of the test pairs")

# %% [markdown]
# ### How waves add
#
# How do circles add numbers? On the circle of frequency k, the number a is a point at the angle 2πka/p, given by a cosine and a sine. These addition formulas are exact:
#
# cos(u + v) = cos u · cos v − sin u · sin v, and sin(u + v) = sin u · cos v + cos u · sin v
#
# In words: from the cosines and sines of two angles, products and sums make those of their sum. So a model that can multiply, roughly, can turn by a and then by b, and arrive at the angle of a + b, whatever lies beyond p: a full turn changes nothing. That is the modulo, for free. Attention and the ReLU are what it has to multiply with.
#
# To answer, it turns back by each candidate c and takes the cosine. It is largest, 1, where nothing is left: at c = a + b.

# %% [markdown]
# @exercise clock_logits
#
# Write the rule by hand. `clock_logits(a, b, ks, p)` gets two tensors of N whole numbers, and returns logits of shape (N, p): for each answer c = 0, ..., p - 1 the sum of cos(2πk(a + b − c)/p) over the frequencies k in `ks`.


# %% exercise="clock_logits"
def clock_logits(a, b, ks, p):
    """Addition modulo p by waves: (N) and (N) -> (N, p). Nanda et al., 2023, section 4."""
    ### BEGIN SOLUTION
    distance = (a + b)[:, None] - torch.arange(p)  # (N, p)
    return sum(torch.cos(2 * math.pi * k * distance / p) for k in ks)
    ### END SOLUTION


# %% tags=["nbval-ignore-output"]
with needs("clock_logits", "key_frequencies"):
    a, b = tokens[:, 0], tokens[:, 1]
    by_rule = clock_logits(a, b, key, p)
    print(f"the rule by hand: {accuracy(by_rule, answers):.1%} of all pairs")
    # The mean logit of grokker at each distance c - (a + b), and the rule's with a weight for each k.
    away = (torch.arange(p) - answers[:, None]) % p
    with torch.no_grad():
        logits = grokker(tokens)
    logits = logits - logits.mean(1, keepdim=True)
    means = np.array([logits[away == d].mean() for d in range(p)])
    waves = [
        clock_logits(a[:1], b[:1], [k], p)[0].numpy() for k in key
    ]  # a = b = 0: c is the distance
    strengths = np.linalg.lstsq(np.stack(waves, 1), means, rcond=None)[0]
    rule = strengths @ np.array(waves)
    print("weights:", ", ".join(f"{s:.1f} for k = {k}" for k, s in zip(key, strengths)))
    print(f"correlation of the two lines: {np.corrcoef(means, rule)[0, 1]:.3f}")
    left = (logits.numpy() - rule[away]).var() / logits.numpy().var()
    print(f"of single logits, pair by pair, the rule leaves {left:.0%} of the variance unexplained")
    with figure(
        "Logit against the distance c minus a plus b. The grokker's mean logits and those of the "
        "rule, one weight for each frequency, have a tall peak at 0 and wave up and down elsewhere.",
        width=4.4,
        height=2.0,
    ) as ax:
        where = (np.arange(p) + p // 2) % p - p // 2
        order = np.argsort(where)
        ax.plot(where[order], means[order], color="#0072b2", lw=2)
        ax.plot(where[order], rule[order], color="#d55e00", ls="--", lw=1.2)
        ax.set(xlabel="c − (a + b)", ylabel="logit")
        ax.legend(["grokker, mean", "the rule"], fontsize=8, loc="upper right")

# %% [markdown]
# The blue line is what the network does, averaged over all pairs; the orange one is your formula, with a weight fitted for each of the five frequencies. A correlation of 1 would mean that the one is the other, up to scale. Five numbers, of more than twenty-seven thousand, are enough to draw what the model says on average. The last number is what averaging hid: single logits also hold something that the rule does not say.
#
# Why several frequencies, when one circle would already put every number at its own angle? Try it: the distance between the best logit and the second best is what makes an answer safe.

# %% tags=["nbval-ignore-output"]
with needs("clock_logits", "key_frequencies"):
    for ks in (key[:1], key[:2], key[:3], key):
        best = clock_logits(a[:1], b[:1], ks, p)[0].topk(2).values
        print(f"with {len(ks)}: {best[0]:.3f}, and {best[1]:.3f} for the next best answer")

# %% [markdown]
# With one frequency the neighbours on its circle score almost as high. Waves of several frequencies agree only at the right answer.

# %% [markdown]
# ## 7. What it tells you, and what not
#
# Why this matters: this little model is often told as a story about safety. Know which part of the story was measured.
#
# What it tells. A capability can be absent in every test, and be on its way. Training longer, without new data, can bring it out. And it is possible, at least once, to take a network apart so far that you can write its algorithm on a line, cut away most of the rest of its embedding, and watch the answers stay. If tests from outside were all we had, we might have called the model at epoch 160 a memoriser: its training pairs all right, most test pairs wrong. It was not quite one even then. In the ten runs 8% to 45% of the test pairs were right at that epoch, where chance is 1.7%. But so were 4% to 29% in the controls, which never found the rule.
#
# What it doesn't tell. This is a toy: one task with a short exact rule, a network of fewer than thirty thousand numbers. The progress measure was found after the fact, by people who had first understood the end. Nobody has such a measure for a skill that is not yet there. Grokking depends on the recipe, as you saw. And a model whose embedding is explained is not a model explained: the cosines say what goes in and what comes out, and how the ReLU multiplies you have not looked at.

# %% [markdown]
# @exercise conclude
#
# Which sentence could stand in the abstract of your report?
#
# @options

# %% exercise="conclude"
conclude = ...
### BEGIN SOLUTION
conclude = "d"
### END SOLUTION

# %% [markdown]
# ## What you can do now
#
# - Write a task with a train and a test side that do not touch, and run the control first.
# - Watch a network learn by heart, and then find the rule, with one number changed.
# - Measure inside a network what its answers do not show yet.
# - Test by a cut whether a pattern in the weights is used.
# - Say what such a result supports, and where it stops.
#
# ### What comes next
#
# Module 11 is about a first project of your own. A small one from here: another operation (a − b, or a² + b), a smaller share of known pairs, half the weight decay. Say what you expect, then run five seeds.
#
# - [Grokking: generalization beyond overfitting on small algorithmic datasets](https://arxiv.org/abs/2201.02177), Power et al., 2022: short, with many operations and their curves.
# - [Progress measures for grokking via mechanistic interpretability](https://arxiv.org/abs/2301.05217), Nanda et al., 2023: this notebook's second half, with how the ReLU multiplies, on p = 113.
# - [The clock and the pizza](https://arxiv.org/abs/2306.17844), Zhong et al., 2023: networks that add by another algorithm. A warning to those who stop at the first explanation.

# %% tags=["nbval-ignore-output"]
status()
