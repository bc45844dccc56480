# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% tags=["setup"]
import torch
import torch.nn as nn
from torch.nn import functional as F

from autograder import figure, needs
from autograder.plots import progress

torch.set_num_threads(1)  # for models this small, a second thread only gets in the way

# %% [markdown]
# ## 1. A look-up in the context
#
# Why this matters: a language model uses what it read a minute ago, without a single weight being changed. This is called **in-context learning**, and here you watch its smallest form come into being.
#
# Read this sequence of tokens, and say what comes next:
#
# `k r w d m k r w d m k r ?`
#
# You looked for the last `r` before this one, and read what came after it. You have never seen this sequence. So you did not remember the answer, you **looked it up**: find the earlier copy of the present token, read the token after it. Heads of attention that do this are called **induction heads**, and this notebook grows some.

# %%
tokens = "k r w d m k r".split()
with figure(
    "Seven tokens in a row: k r w d m k r. An arrow leads from the last r back to the first r, "
    "marked: find the copy. A second arrow leads from the first r to the w after it, marked: read "
    "the next.",
    width=6.0,
    height=1.9,
) as ax:
    for i, token in enumerate(tokens):
        ax.text(i, 0, token, ha="center", va="center", fontsize=14, family="monospace")
        ax.text(i, -0.5, str(i), ha="center", va="center", fontsize=8, color="#6b7280")
    arrow = {"arrowstyle": "->", "lw": 1.6}
    ax.annotate(
        "",
        (1, 0.3),
        (6, 0.3),
        arrowprops=arrow | {"color": "#0072b2", "connectionstyle": "arc3,rad=0.3"},
    )
    ax.annotate(
        "",
        (2, 0.3),
        (1.1, 0.3),
        arrowprops=arrow | {"color": "#d55e00", "connectionstyle": "arc3,rad=-0.9"},
    )
    ax.text(3.6, 1.35, "1. find the copy", color="#0072b2", ha="center", fontsize=10)
    ax.text(1.5, 0.85, "2. read the next", color="#d55e00", ha="right", fontsize=10)
    ax.set(xlim=(-0.7, 6.7), ylim=(-0.8, 1.7))
    ax.set_axis_off()

# %% [markdown]
# The numbers under the tokens are their **places**. The first arrow is a search by content: it follows a token, wherever it stands. Keep that in mind, it will decide everything.
#
# Our task has nothing in it but this look-up. A sequence begins with tokens drawn at random, then says the same again and again. The length of a round is its **period**: 5 in the example.

# %% [markdown]
# @exercise predict_known
#
# A sequence has the period 5, and the model is not told so. From which place on can the look-up tell the **next** token?
#
# @options

# %% exercise="predict_known"
predict_known = ...
### BEGIN SOLUTION
predict_known = "c"
### END SOLUTION

# %% [markdown]
# One tool for the next exercise, on something else. `rows.gather(1, places)` reads, in each row, the entries at the places given for that row:

# %%
rows = torch.tensor([[10, 11, 12, 13], [20, 21, 22, 23]])
places = torch.tensor([[0, 1, 0, 1], [2, 2, 2, 0]])
print(rows.gather(1, places))
print(torch.arange(4) % torch.tensor([[2], [3]]))  # a row against a column: a whole table

# %% [markdown]
# @exercise make_sequences
#
# Write `make_sequences(batch_size, seq_len, vocab_size, low, high)`. It returns two tensors of whole numbers:
#
# - `periods`, shape (batch_size,): for each sequence a period of its own, drawn from `low` to `high`, both included;
# - `idx`, shape (batch_size, seq_len): tokens from 0 to vocab_size - 1. The first round of each sequence is drawn at random, each token by itself, and then repeats to the end of the sequence.
#
# Return `idx, periods`.


# %% exercise="make_sequences"
def make_sequences(batch_size, seq_len, vocab_size, low, high):
    """Random sequences that repeat: idx (batch_size, seq_len), periods (batch_size,)."""
    ### BEGIN SOLUTION
    periods = torch.randint(low, high + 1, (batch_size,))
    first = torch.randint(vocab_size, (batch_size, seq_len))  # more than is needed
    places = torch.arange(seq_len) % periods[:, None]  # (batch_size, seq_len)
    return first.gather(1, places), periods
    ### END SOLUTION


# %% [markdown]
# From here on there are 64 different tokens, and a sequence has 32 of them.

# %%
vocab_size, context = 64, 32

# %% tags=["nbval-ignore-output"]
with needs("make_sequences"):
    torch.manual_seed(0)
    idx, periods = make_sequences(3, context, vocab_size, 4, 16)
    for row, period in zip(idx.tolist(), periods.tolist()):
        print(f"period {period:2}:", *row)

# %% [markdown]
# As in module 07, a model gives logits of shape (B, T, vocab_size): at each place, scores for the token that comes **after** it. New is that `forward` gives no loss. You take it from the logits.

# %% [markdown]
# @exercise next_token_loss
#
# Write `next_token_loss(logits, idx)`: the mean cross-entropy, over all places that have a next token. (`F.cross_entropy` takes logits (N, V) and targets (N,).)


# %% exercise="next_token_loss"
def next_token_loss(logits, idx):
    """The mean loss of guessing idx[:, t + 1] by logits[:, t]: (B, T, V), (B, T) -> a number."""
    ### BEGIN SOLUTION
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), idx[:, 1:].flatten())
    ### END SOLUTION


# %% [markdown]
# The loss counts all places, also those that nobody can know. To see whether a model has learnt the look-up, count only where it can be done.

# %% [markdown]
# @exercise repeat_accuracy
#
# Write `repeat_accuracy(logits, idx, periods)`: how often the likeliest token is the right one, a number from 0 to 1.
#
# - The guess at place t is about the token at t + 1.
# - In a sequence of period p, the places t with t >= p count, as far as they have a next token.
# - It is the share among **all** such places of the batch.


# %% exercise="repeat_accuracy"
def repeat_accuracy(logits, idx, periods):
    """The share of right guesses at places t >= period: (B, T, V), (B, T), (B,) -> a number."""
    B, T = idx.shape
    guesses = logits[:, :-1].argmax(-1)  # (B, T - 1)
    ### BEGIN SOLUTION
    right = guesses == idx[:, 1:]  # (B, T - 1)
    counts = torch.arange(T - 1) >= periods[:, None]  # (B, T - 1)
    return right[counts].float().mean().item()
    ### END SOLUTION


# %% [markdown]
# ## 2. Nothing but attention
#
# Why this matters: to understand a mechanism, take away all that can be taken away.
#
# Our models have no feed-forward part. A layer is attention, added to the stream, and nothing else. And it hands out what it looked at: its **attention pattern**, shape (B, H, T, T). In `pattern[b, h, t, s]` stands how much head h, at place t, looks at place s.

# %% [markdown]
# Read the layer: all heads at once, and two things to note. It calls `attention_pattern`, which you write next. And `keep` holds a factor for each head, by which the head's mix is multiplied. Ones leave all as it is; a 0 takes a head out. You will need it in section 5.


# %%
def unit(x):
    """Each vector divided by its root mean square: module 07's norm without trained numbers."""
    return F.rms_norm(x, (x.shape[-1],))


class AttentionLayer(nn.Module):
    """Attention alone: x (B, T, width) -> what it adds (B, T, width), pattern (B, H, T, T)."""

    def __init__(self, width, n_head):
        super().__init__()
        self.n_head = n_head
        self.query = nn.Linear(width, width, bias=False)  # all heads side by side
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def split(self, x):  # (B, T, width) -> (B, H, T, head_size)
        return x.unflatten(-1, (self.n_head, -1)).transpose(1, 2)

    def forward(self, x, keep):
        q, k, v = self.split(self.query(x)), self.split(self.key(x)), self.split(self.value(x))
        pattern = attention_pattern(q, k)
        mixed = pattern @ v  # (B, H, T, head_size)
        mixed = mixed * keep[:, None, None]  # new: a factor for each head
        return self.out(mixed.transpose(1, 2).flatten(2)), pattern


# %% [markdown]
# @exercise attention_pattern
#
# Write `attention_pattern(q, k)`, from queries and keys of several heads at once, each (B, H, T, head_size), to the pattern, (B, H, T, T): scaled by √head_size, no look at later places, each row a softmax.


# %% exercise="attention_pattern"
def attention_pattern(q, k):
    """Causal attention weights: q, k (B, H, T, head_size) -> (B, H, T, T)."""
    B, H, T, head_size = q.shape
    ### BEGIN SOLUTION
    scores = q @ k.transpose(-2, -1) / head_size**0.5
    future = torch.ones(T, T, dtype=torch.bool).triu(1)  # True above the diagonal
    return scores.masked_fill(future, float("-inf")).softmax(-1)
    ### END SOLUTION


# %% [markdown]
# @exercise attention_only
#
# Write the `forward` of `AttentionOnly`. The layers are made for you, and `keep`, shape (n_layer, n_head), is ones where none is given.
#
# - x begins as the token's vector (`self.token`) plus the vector of its place (the first T rows of `self.place.weight`).
# - Layer by layer: it reads `unit(x)` and its own row of `keep`. What it gives is added to x, and its pattern goes into the list.
# - The logits are `self.scores` of `unit(x)`.
# - Return `logits, patterns`.


# %% exercise="attention_only"
class AttentionOnly(nn.Module):
    """Attention layers on a stream: idx (B, T) -> logits (B, T, V), a pattern for each layer."""

    def __init__(self, vocab_size, n_layer, width=64, n_head=2, context=32):
        super().__init__()
        self.n_layer, self.n_head = n_layer, n_head
        self.token = nn.Embedding(vocab_size, width)
        self.place = nn.Embedding(context, width)
        self.layers = nn.ModuleList([AttentionLayer(width, n_head) for _ in range(n_layer)])
        self.scores = nn.Linear(width, vocab_size, bias=False)
        for table in (self.token, self.place):
            nn.init.normal_(table.weight, std=0.5)  # torch begins at 1

    def forward(self, idx, keep=None):
        B, T = idx.shape
        if keep is None:
            keep = torch.ones(self.n_layer, self.n_head)
        patterns = []
        ### BEGIN SOLUTION
        x = self.token(idx) + self.place.weight[:T]  # (B, T, width)
        for layer, factors in zip(self.layers, keep):
            out, pattern = layer(unit(x), factors)
            x = x + out
            patterns.append(pattern)
        return self.scores(unit(x)), patterns
        ### END SOLUTION


# %% [markdown]
# The training loop is the one that you know. Each batch is new, so nothing can be learnt by heart. Every ten steps it writes down the accuracy on 64 sequences of the same kind.


# %%
def train(model, low, high, steps):
    """Train on fresh sequences of periods low to high; returns [(step, accuracy), ...]."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.005)
    test_idx, test_periods = make_sequences(64, context, vocab_size, low, high)
    curve = []
    for step in progress(steps):
        idx, _ = make_sequences(32, context, vocab_size, low, high)
        logits, _ = model(idx)
        loss = next_token_loss(logits, idx)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        progress.show(loss)
        if step % 10 == 9:
            with torch.no_grad():
                logits, _ = model(test_idx)
            curve.append((step + 1, repeat_accuracy(logits, test_idx, test_periods)))
    return curve


def accuracy_at(model, low, high):
    """The model's accuracy on 256 new sequences of periods low to high."""
    idx, periods = make_sequences(256, context, vocab_size, low, high)
    with torch.no_grad():
        logits, _ = model(idx)
    return repeat_accuracy(logits, idx, periods)


# %% [markdown]
# ## 3. A success, to begin with
#
# Why this matters: the most dangerous result is the one that you hoped for.
#
# Start small: one layer, and all sequences with the period 8.

# %% [markdown]
# @exercise predict_fixed
#
# One layer of attention trains on sequences of period 8. How often is it right, where the next token can be known?
#
# @options

# %% exercise="predict_fixed"
predict_fixed = ...
### BEGIN SOLUTION
predict_fixed = "d"
### END SOLUTION

# %% tags=["nbval-ignore-output"]
BUILT = (
    "make_sequences",
    "next_token_loss",
    "repeat_accuracy",
    "attention_pattern",
    "attention_only",
)
with needs(*BUILT):
    torch.manual_seed(1)
    fixed = AttentionOnly(vocab_size, n_layer=1)
    train(fixed, low=8, high=8, steps=150)
    print(f"accuracy on new sequences of period 8: {accuracy_at(fixed, 8, 8):.0%}")

# %% [markdown]
# Every sequence of this test was new, and the model completes it without a fault. In-context look-up, with one layer, in a few seconds. Would you publish it?
#
# First try to break it. The look-up of section 1 does not care about the period.

# %% [markdown]
# @exercise predict_other_periods
#
# You test this model, as it is, on sequences of other periods. What do you see?
#
# @options

# %% exercise="predict_other_periods"
predict_other_periods = ...
### BEGIN SOLUTION
predict_other_periods = "b"
### END SOLUTION

# %% tags=["nbval-ignore-output"]
with needs(*BUILT):
    test_periods = range(3, 17)
    fixed_at = [accuracy_at(fixed, p, p) for p in test_periods]
    with figure(
        "Bars of the accuracy against the period of the test, 3 to 16. At 8 it is 100%, at 4 "
        "nearly. At 5, 7, 9, 10 and others it is near 0, at 3, 6, 12 and 16 in between.",
        width=5.8,
        height=2.4,
    ) as ax:
        ax.bar(
            test_periods, fixed_at, color=["#e69f00" if p == 8 else "#0072b2" for p in test_periods]
        )
        ax.set_xticks(list(test_periods))
        ax.set(xlabel="period of the test (trained on 8 alone)", ylabel="accuracy", ylim=(0, 1.05))

# %% [markdown]
# See the period 8 and its divisor 4, and the holes between. (In part right are periods such as 12 and 16: later in a sequence the model looks 15 and 23 places back, two and three rounds of 8.) The pattern says why.

# %% tags=["nbval-ignore-output"]
with needs(*BUILT), torch.no_grad():
    some = [make_sequences(64, context, vocab_size, p, p)[0] for p in (8, 5)]
    looks = [fixed(idx)[1][0].mean((0, 1)) for idx in some]  # over sequences and heads
    with figure(
        "Two attention patterns side by side, on sequences of period 8 and of period 5. Both show "
        "the same stripes, 7, 15 and 23 places back.",
        width=6.6,
        height=3.2,
        columns=2,
    ) as axes:
        for ax, look, p in zip(axes, looks, (8, 5)):
            ax.imshow(look, cmap="Blues", vmin=0, vmax=0.6)
            ax.set(title=f"sequences of period {p}", xlabel="looked at, s", ylabel="looking, t")
            ax.grid(False)

# %% [markdown]
# The stripes lie at the same distance whatever the tokens are. This head doesn't search for a copy. It counts places: "the answer stands 7 back", or one or two rounds further. On the task as we posed it, that is a perfect solution, and not the one that we meant.
#
# The fault is ours. We tested on new sequences of the **same kind**, and both rules, the look-up and the counting, give the same answers there. A test can only tell two rules apart where they disagree.

# %% [markdown]
# ## 4. The control, and the jump
#
# Why this matters: "two layers can" means little until you have seen that one can't, with all else the same.
#
# So draw the period anew for each sequence, from 4 to 16. Counting no longer helps, because nobody says how far to count.

# %% [markdown]
# @exercise one_layer
#
# Make an `AttentionOnly` of one layer, in `one_layer`. Train it for 300 steps on periods from 4 to 16, and keep what `train` returns in `one_curve`. It takes some seconds. The check runs it on sequences of its own, and passes a model that was trained and does **not** learn the look-up.

# %% exercise="one_layer" tags=["nbval-ignore-output"]
torch.manual_seed(2)
one_layer = ...
one_curve = ...
### BEGIN SOLUTION
one_layer = AttentionOnly(vocab_size, n_layer=1)
one_curve = train(one_layer, low=4, high=16, steps=300)
### END SOLUTION

# %% tags=["nbval-ignore-output"]
with needs("one_layer", *BUILT):
    print(f"one layer, periods 4 to 16: {accuracy_at(one_layer, 4, 16):.0%}")

# %% [markdown]
# Better than blind (1.6%), far from the look-up. It guesses: among the tokens that have come up, and with an eye on distances that are right for several periods at once (11 places back is right for 4, 6 and 12).

# %% [markdown]
# @exercise predict_why
#
# What is it that one layer lacks? Think of the picture in section 1: the second `r` wants to find the **place after** the first `r`.
#
# @options

# %% exercise="predict_why"
predict_why = ...
### BEGIN SOLUTION
predict_why = "a"
### END SOLUTION

# %% [markdown]
# With two layers there is a way, and each layer has its own job:

# %%
with figure(
    "Two rows of the tokens k r w d m k r. In the lower one, layer 1: an arrow from each place to "
    "the one before it; below w it says: before me, r. In the upper one, layer 2: an arrow from the "
    "last r to w, marked: who has an r before it?",
    width=6.4,
    height=3.0,
) as ax:
    for i, token in enumerate(tokens):
        for height in (0, 2.2):
            ax.text(i, height, token, ha="center", va="center", fontsize=13, family="monospace")
        if i:
            ax.annotate(
                "",
                (i - 0.85, 0.3),
                (i, 0.3),
                arrowprops={
                    "arrowstyle": "->",
                    "color": "#d55e00",
                    "connectionstyle": "arc3,rad=0.6",
                },
            )
            ax.text(
                i,
                -0.5,
                f"before\nme: {tokens[i - 1]}",
                ha="center",
                va="center",
                fontsize=8,
                color="#d55e00",
            )
    ax.annotate(
        "",
        (2.1, 2.55),
        (6, 2.55),
        arrowprops={
            "arrowstyle": "->",
            "lw": 1.6,
            "color": "#0072b2",
            "connectionstyle": "arc3,rad=0.25",
        },
    )
    ax.text(4.0, 3.5, "who has r before it?", ha="center", fontsize=10, color="#0072b2")
    ax.text(-0.8, 2.2, "layer 2", ha="right", va="center", fontsize=10)
    ax.text(-0.8, 0, "layer 1", ha="right", va="center", fontsize=10)
    ax.set(xlim=(-2.0, 6.6), ylim=(-0.9, 3.8))
    ax.set_axis_off()

# %% [markdown]
# Layer 1 looks one place back, and writes into each place's vector which token stood before it. Layer 2 can then search by it: the query of the last `r` asks who has an `r` before it, and finds `w`. What it reads there is the answer.
#
# That is a hypothesis. Nobody tells the model to do it so.

# %% [markdown]
# @exercise two_layers
#
# The same with two layers, in `two_layers`, and its curve in `two_curve`. Change nothing else.

# %% exercise="two_layers" tags=["nbval-ignore-output"]
torch.manual_seed(2)
two_layers = ...
two_curve = ...
### BEGIN SOLUTION
two_layers = AttentionOnly(vocab_size, n_layer=2)
two_curve = train(two_layers, low=4, high=16, steps=300)
### END SOLUTION

# %% tags=["nbval-ignore-output"]
with needs("one_layer", "two_layers", *BUILT):
    print(f"two layers, periods 4 to 16: {accuracy_at(two_layers, 4, 16):.0%}")
    with figure(
        "Accuracy against the training step. One layer rises slowly to between 20 and 30% and "
        "stays there. Two layers go the same way at first, then jump to over 90% within some "
        "fifty steps.",
        width=5.8,
        height=2.8,
    ) as ax:
        ax.plot(*zip(*one_curve), color="#d55e00", label="one layer")
        ax.plot(*zip(*two_curve), color="#0072b2", label="two layers")
        ax.set(xlabel="step", ylabel="accuracy", ylim=(0, 1))
        ax.legend(loc="center right")

# %% [markdown]
# For a while the two curves go the same way. Then two layers jump. Both links of the chain have to be there before either pays: looking one place back is useless while nobody reads what it wrote, and the search is useless while nobody writes. So nothing seems to happen, and then all of it.
#
# Why not 100%? With 64 tokens, some stand twice within a round, and then the last copy may be the wrong one. See what a look-up written by hand gets:

# %% tags=["nbval-ignore-output"]
with needs("make_sequences", "repeat_accuracy"):
    idx, periods = make_sequences(256, context, vocab_size, 4, 16)
    copies = (idx[:, :, None] == idx[:, None, :]).tril(-1)  # (B, T, T): earlier copies of each
    after = torch.where(copies, torch.arange(context) + 1, 0).amax(-1)  # after the last of them
    by_hand = F.one_hot(idx.gather(1, after), vocab_size).float()
    print(f"the last copy, and what came after it: {repeat_accuracy(by_hand, idx, periods):.0%}")

# %% [markdown]
# Your model does better than that, so it has something more to go by. Several copies that agree would be one such thing. The notebook leaves it open; what you write in section 5 are tools to find out.
#
# Now ask the question that unmasked the trap.

# %% tags=["nbval-ignore-output"]
with needs("one_layer", "two_layers", *BUILT):
    with figure(
        "Accuracy against the period of the test, 3 to 24. Two layers stay above 75% throughout, also "
        "at periods that were not trained. One layer is at 60% for the shortest and falls. The model "
        "of the trap has single spikes.",
        width=5.6,
        height=2.5,
    ) as ax:
        wide = range(3, 25)
        for name, model, colour, dash in (
            ("two layers", two_layers, "#0072b2", "-"),
            ("one layer", one_layer, "#d55e00", "-"),
            ("the trap", fixed, "#6b7280", ":"),
        ):
            ax.plot(wide, [accuracy_at(model, p, p) for p in wide], dash, color=colour, label=name)
        ax.axvspan(4, 16, color="#fbf0dc", lw=0)
        ax.set(
            xlabel="period of the test (trained: the shaded ones)",
            ylabel="accuracy",
            ylim=(0, 1.05),
        )
        ax.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))

# %% [markdown]
# Two layers go on working outside of the shaded range, where no training sequence ever was. A rule about tokens carries over to periods that it has not met; a rule about places doesn't.

# %% [markdown]
# ### Help: "my two layers did not jump"
#
# Look at the curve. If it still rises at its end, give it more steps. If it is flat at a few per cent, look whether `one_layer` fares the same: then the fault is in the model or in the loss, and their checks will say. Another seed moves the jump by some tens of steps.
#
# **A good place to rest.** What follows opens the model that you have trained.

# %% [markdown]
# ## 5. Open it
#
# Why this matters: good answers don't tell you how they come about. You have seen that twice now.
#
# The hypothesis says what the patterns should look like: in layer 1 a head that looks one place back, in layer 2 heads that look at the place after an earlier copy. Turn both into numbers.

# %% [markdown]
# @exercise previous_token_score
#
# Write `previous_token_score(pattern)`: for each head the mean weight that a place gives to the place before it. The mean is over all sequences, and over all places that have one before them. From (B, H, T, T) to (H,).


# %% exercise="previous_token_score"
def previous_token_score(pattern):
    """Each head's mean weight on the place before: (B, H, T, T) -> (H,)."""
    ### BEGIN SOLUTION
    looks = pattern.diagonal(-1, 2, 3)  # (B, H, T - 1): row t, column t - 1
    return looks.mean((0, 2))
    ### END SOLUTION


# %% [markdown]
# The second is the heart of the matter. Call place s a **match** for place t if the token just before s is the token at t: `idx[b, s - 1] == idx[b, t]`, with 1 <= s <= t. This is where an induction head looks.

# %% tags=["nbval-ignore-output"]
short = "k r k w r k".split()
with figure(
    "A table of six by six for the tokens k r k w r k. Row 2, the second k, has one match: place 1, "
    "after the first k. Row 4, the second r, has one: place 2. Row 5, the third k, has two: places 1 "
    "and 3. Rows 0, 1 and 3 have none.",
    width=3.4,
    height=3.2,
) as ax:
    match = [[float(1 <= s <= t and short[s - 1] == short[t]) for s in range(6)] for t in range(6)]
    ax.imshow(match, cmap="Blues", vmin=0, vmax=1.4)
    ax.set_xticks(range(6), [f"{c}\n{i}" for i, c in enumerate(short)])
    ax.set_yticks(range(6), [f"{i} {c}" for i, c in enumerate(short)])
    ax.set(xlabel="looked at, s", ylabel="looking, t")
    ax.grid(False)

# %% [markdown]
# See row 5: the third `k` has two matches, the places after the two earlier ones. And rows 0, 1 and 3 have none: their tokens stand there for the first time.

# %% [markdown]
# @exercise induction_score
#
# Write `induction_score(pattern, idx)`: for each head the mean weight on matches, from (B, H, T, T) and (B, T) to (H,).
#
# - In a row with several matches, add their weights up.
# - The mean is over all rows, of all sequences, that have a match.
#
# `before` is given: at place s the token at s - 1, and -1, which is no token, at place 0.


# %% exercise="induction_score"
def induction_score(pattern, idx):
    """Each head's mean weight on places just after an earlier copy: (B, H, T, T), (B, T) -> (H,)."""
    before = F.pad(idx[:, :-1], (1, 0), value=-1)  # (B, T)
    ### BEGIN SOLUTION
    match = (idx[:, :, None] == before[:, None, :]).tril()  # (B, T, T)
    counts = match.any(-1)  # (B, T): the rows with a match
    weight = (pattern * match[:, None]).sum(-1)  # (B, H, T)
    return (weight * counts[:, None]).sum((0, 2)) / counts.sum()
    ### END SOLUTION


# %% [markdown]
# ### Help: "the shapes don't fit"
#
# `match` is (B, T, T), one table for each sequence. The pattern has one for each sequence **and head**. An axis of size 1 fits them together: `match[:, None]` is (B, 1, T, T).
#
# Now the map of your models: each score for each head.

# %% tags=["nbval-ignore-output"]
SCORES = ("previous_token_score", "induction_score")
with needs("one_layer", "two_layers", *BUILT, *SCORES), torch.no_grad():
    torch.manual_seed(3)
    idx, periods = make_sequences(256, context, vocab_size, 4, 16)
    print("                          previous token    induction")
    for name, model in (("one layer", one_layer), ("two layers", two_layers)):
        for at, pattern in enumerate(model(idx)[1], start=1):
            for head, (a, b) in enumerate(
                zip(previous_token_score(pattern), induction_score(pattern, idx))
            ):
                print(f"{name:10}  layer {at} head {head + 1}   {a:14.2f}   {b:10.2f}")

# %% [markdown]
# In the model of two layers one head of layer 1 has a high previous-token score, and both heads of layer 2 have a high induction score. Nowhere else is there anything like it. The hypothesis predicted this map.
#
# Look at the patterns themselves, on one sequence.

# %% tags=["nbval-ignore-output"]
with needs("two_layers", *BUILT, *SCORES), torch.no_grad():
    torch.manual_seed(5)
    one, _ = make_sequences(1, context, vocab_size, 9, 9)
    first, second = two_layers(one)[1]
    looking = previous_token_score(first).argmax().item()
    with figure(
        "Two attention patterns on a sequence of period 9. Left, the head of layer 1: a sharp diagonal "
        "one place back in the first half of the rows, which blurs in the second half. Right, a "
        "head of layer 2: stripes 8, 17 and 26 places back, from row 9 on.",
        width=6.6,
        height=3.2,
        columns=2,
    ) as axes:
        for ax, look, name in zip(
            axes,
            (first[0, looking], second[0, 0]),
            (f"layer 1, head {looking + 1}", "layer 2, head 1"),
        ):
            ax.imshow(look, cmap="Blues", vmin=0, vmax=1)
            ax.set(title=name, xlabel="looked at, s", ylabel="looking, t")
            ax.grid(False)

# %% [markdown]
# On the right: from row 9 on, where the second round begins, the head looks at the places after earlier copies. It looks like the stripes of the trap, but here their distance follows the sequence.
#
# On the left is something that the score hid. It is about one half, and you might have read "it looks back half of the time". In fact it looks back nearly always up to about place 15, and hardly ever after that. Can you say why? No period is longer than 16, so the first round, in which the copy can always be found, ends there. The model learnt what our data asked for, and not one place more.

# %% [markdown]
# ### Can a score be fooled?
#
# Take the induction scores of the model in the trap: on its own period, and on another.

# %% tags=["nbval-ignore-output"]
with needs("two_layers", *BUILT, *SCORES), torch.no_grad():
    for p in (8, 5):
        idx, _ = make_sequences(256, context, vocab_size, p, p)
        for name, model in (("the trap", fixed), ("two layers", two_layers)):
            best = induction_score(model(idx)[1][-1], idx).max()
            print(f"period {p}: best induction score of {name:10} {best:.2f}")

# %% [markdown]
# On period 8 the head that only counts places gets as high a score as a true induction head. It looks where an induction head would look, for another reason. The score is taken on data, and is no better than the data: where two rules agree, it can't tell them apart.
#
# So a map is a hint. To know what a head is **for**, take it out and see what breaks.

# %% [markdown]
# @exercise predict_knock_out
#
# In `two_layers` we knock out one head at a time, four runs in all. What do you expect?
#
# @options

# %% exercise="predict_knock_out"
predict_knock_out = ...
### BEGIN SOLUTION
predict_knock_out = "c"
### END SOLUTION

# %% [markdown]
# @exercise accuracy_without
#
# Write `accuracy_without(model, idx, periods, heads)`: the accuracy where all heads of the list `heads` are knocked out at once. Each is a pair (layer, head), counted from 0 as Python does: (0, 1) is the second head of layer 1. The list may be empty. The model has `n_layer` and `n_head`, and takes `keep`, as above. Your `repeat_accuracy` measures.


# %% exercise="accuracy_without"
@torch.no_grad()
def accuracy_without(model, idx, periods, heads):
    """repeat_accuracy with the heads [(layer, head), ...] multiplied by 0: a number."""
    ### BEGIN SOLUTION
    keep = torch.ones(model.n_layer, model.n_head)
    for layer, head in heads:
        keep[layer, head] = 0
    logits, _ = model(idx, keep)
    return repeat_accuracy(logits, idx, periods)
    ### END SOLUTION


# %% tags=["nbval-ignore-output"]
with needs("two_layers", "accuracy_without", *BUILT, *SCORES):
    torch.manual_seed(4)
    idx, periods = make_sequences(256, context, vocab_size, 4, 16)
    looking = [
        (0, h) for h, score in enumerate(previous_token_score(two_layers(idx)[1][0])) if score > 0.2
    ]
    others = [(0, h) for h in range(2) if (0, h) not in looking]
    runs = {"nothing knocked out": []}
    runs |= {f"layer {m + 1}, head {h + 1}": [(m, h)] for m in range(2) for h in range(2)}
    runs |= {
        "layer 1: heads that look one back": looking,
        "layer 1: the others": others,
        "layer 2: both": [(1, 0), (1, 1)],
    }
    results = {name: accuracy_without(two_layers, idx, periods, out) for name, out in runs.items()}
    with figure(
        "Bars of the accuracy after knock-outs: "
        + "; ".join(f"{name} {value:.0%}" for name, value in results.items())
        + ".",
        width=6.4,
        height=2.8,
    ) as ax:
        ax.barh(range(len(results)), results.values(), color="#0072b2", height=0.65)
        for at, value in enumerate(results.values()):
            ax.text(value + 0.01, at, f"{value:.0%}", va="center", fontsize=9)
        ax.set_yticks(range(len(results)), results)
        ax.invert_yaxis()
        ax.set(xlabel="accuracy that is left", xlim=(0, 1.1))

# %% [markdown]
# Without the head that looks one place back, the look-up is gone. Without the other head of layer 1 nearly nothing is lost: a control, and a needed one, for it shows that not every knock-out does harm. In layer 2 either head can be missed, and both together can't: they do the same work twice.
#
# Mind that last row before you ever conclude "it does nothing, for nothing broke".

# %% [markdown]
# ## 6. What this shows, and what it doesn't
#
# Why this matters: the wish to say what a model will do, from what goes on inside it, is a reason to open models at all. It is also a reason to be strict.
#
# In one notebook you have seen a model that answered every test question and had another rule than you thought; a score that looked inside and was fooled as well; and a test by intervention that was not. A model that behaves well in all tests of one kind may follow a rule that parts from the wanted one elsewhere. That is the question of safety in small, and the answer was the same: look for the cases in which the rules disagree, and change something inside.
#
# Know the limits, too:
#
# - It is a toy: two layers, 64 tokens, nothing but repeats. In a language model tokens mean something, and a head may have many jobs.
# - The scores are correlations, on our sequences. The knock-outs are causal, on the same sequences.
# - Setting a head to 0 puts the layers after it into a state that they never met in training. Some of the harm may come from that.
# - That one layer fails is a fact about these sizes and this training. The argument in section 4 says why; it is not a proof.

# %% [markdown]
# @exercise predict_shows
#
# Which of these sentences may you write in a report on this notebook?
#
# @options

# %% exercise="predict_shows"
predict_shows = ...
### BEGIN SOLUTION
predict_shows = "b"
### END SOLUTION

# %% [markdown]
# The paper beside this notebook goes on where you stop. It follows such heads in models of many sizes, and argues that they are behind much of in-context learning in large ones. For small attention-only models it has interventions like yours. For large models with feed-forward parts, its authors say themselves, the evidence is mostly correlational. Read it with that difference in mind.

# %% [markdown]
# ## What you can do now
#
# - Make a task that needs one ability and nothing else, and a measure that counts where it can show.
# - Spot a success that a simpler rule explains, and find the test on which the rules disagree.
# - Run a control that differs in one thing.
# - Read attention patterns as numbers, and distrust the numbers.
# - Knock parts out of a model, and say what that shows and what not.
#
# ### What comes next
#
# Module 10, on grokking, is the other elective: a model that changes its rule long after it seems done.
#
# - [In-context Learning and Induction Heads](https://transformer-circuits.pub/2022/in-context-learning-and-induction-heads/index.html): the paper; read its six arguments, and for each how strong it is called.
# - [A Mathematical Framework for Transformer Circuits](https://transformer-circuits.pub/2021/framework/index.html): why attention-only models come apart into such chains; demanding, best read with a pencil.
# - [TransformerLens](https://transformerlensorg.github.io/TransformerLens/): a library to look for the same heads in GPT-2; it downloads weights, so not for a slow connection.

# %% tags=["nbval-ignore-output"]
status()
