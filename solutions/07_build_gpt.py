# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% tags=["setup", "bench"]
import math
import time

import numpy as np
import torch
import torch.nn as nn
from torch.nn import functional as F

from autograder import figure, needs
from autograder.data import gpt_speed_table, load_corpus
from autograder.plots import Ladder, draw_block, progress, sliders

torch.set_num_threads(1)  # for models this small, a second thread only gets in the way

# %% [markdown]
# ## 1. A text, as guesses
#
# *Goes with 0:07 to 0:22 of the video.*
#
# Why this matters: whatever a language model can do, it learnt from one question, asked again and again: what comes next?
#
# Here we ask it of single characters. Our text is small enough for a laptop.

# %% tags=["bench", "nbval-ignore-output"]
corpus = load_corpus()
text = corpus.text
print(corpus.note)
print(f"{len(text):,} characters. They begin:\n")
print(text[:180])

# %% [markdown]
# A model computes with numbers. So every character that occurs gets one: its place in the sorted list of all of them. That list is the **vocabulary**. A piece of text with a number of its own is a **token**: here each character is one.

# %% tags=["bench", "nbval-ignore-output"]
chars = sorted(set(text))
vocab_size = len(chars)
device = "cpu"
print(vocab_size, "characters:", "".join(chars))

# %% [markdown]
# @exercise encode_decode
#
# Write `encode(s)`, from a text to the list (a Python list) of its characters' numbers, and `decode(ids)`, from such numbers back to the text. A character's number is its place in `chars`, counted from 0.


# %% exercise="encode_decode"
def encode(s):
    """A text as a list of numbers: the place of each character in `chars`."""
    ### BEGIN SOLUTION
    return [place[c] for c in s]
    ### END SOLUTION


def decode(ids):
    """A list of numbers as the text that it stands for."""
    ### BEGIN SOLUTION
    return "".join(chars[i] for i in ids)
    ### END SOLUTION


### BEGIN SOLUTION
place = {c: i for i, c in enumerate(chars)}
### END SOLUTION

# %% [markdown]
# The whole text becomes one long tensor of numbers (numpy looks up all places at once). The first nine tenths are for training. The last tenth is the **validation** part: the model never trains on it, so it shows what was understood rather than remembered.

# %% tags=["bench"]
data = torch.from_numpy(np.searchsorted(chars, list(text)))  # whole numbers: torch.long
n = int(0.9 * len(data))
train_data, val_data = data[:n], data[n:]

# %% tags=["nbval-ignore-output"]
print(f"{len(train_data):,} characters to train on, {len(val_data):,} to validate")
with needs("encode_decode"):
    print("your decode on its first numbers:", repr(decode(train_data[:24].tolist())))

# %% [markdown]
# A model can't read all that at once. It reads **windows** of `block_size` characters. Look at a window of 8, and the character after it.

# %% tags=["nbval-ignore-output"]
piece = text[:9]
with figure(
    f"The first nine characters of the text in a row. Below them, for each of the first eight, "
    f"an arrow to the character after it: {piece[0]!r} is followed by {piece[1]!r}, and so on.",
    width=6.4,
    height=1.5,
) as ax:
    for i, c in enumerate(piece):
        ax.text(
            i,
            1,
            "␣" if c == " " else repr(c)[1:-1],
            ha="center",
            va="center",
            fontsize=13,
            family="monospace",
        )
        if i < 8:
            ax.annotate(
                "",
                (i + 0.85, 0.45),
                (i + 0.05, 0.45),
                arrowprops={"arrowstyle": "->", "color": "#0072b2"},
            )
    ax.text(-0.9, 1, "x", fontsize=11, color="#6b7280")
    ax.text(-0.9, 0.4, "asks for", fontsize=9, color="#0072b2", ha="center")
    ax.set(xlim=(-1.5, 8.6), ylim=(0, 1.5))
    ax.set_axis_off()

# %% [markdown]
# The input `x` is the window. The target `y` is the same window, one place later: what is to be guessed at each place.

# %% [markdown]
# @exercise predict_examples
#
# A model reads a window of 32 characters, and the text goes on with a 33rd. How many guesses can be compared with the truth?
#
# @options

# %% exercise="predict_examples"
predict_examples = ...
### BEGIN SOLUTION
predict_examples = "b"
### END SOLUTION

# %% [markdown]
# So a model that trains on windows learns to guess from short contexts as well as from long ones.
#
# Windows are stacked into a **batch**: several at once, because a computer multiplies large tables almost as fast as small ones. Three tools for it, tried on something else:

# %%
row = torch.tensor([10, 11, 12, 13, 14, 15])
torch.manual_seed(0)
print(torch.randint(4, (5,)))  # 5 random whole numbers, each 0, 1, 2 or 3: the 4 is left out
print(row[2 : 2 + 3])  # 3 numbers, from place 2 on
print(torch.stack([row[0:2], row[3:5]]))  # rows on top of each other

# %% [markdown]
# @exercise get_batch
#
# Write `get_batch(data, batch_size, block_size)`. It returns `x` and `y`, both of shape (batch_size, block_size).
#
# - Each row of `x` is a window of `data`. Where it begins is drawn at random, for each row anew, and every place where a window and its targets fit has the same chance.
# - `y` has, at each place, the number that comes after the one in `x`.


# %% exercise="get_batch"
def get_batch(data, batch_size, block_size):
    """batch_size random windows of block_size numbers, and what follows each number: (x, y)."""
    ### BEGIN SOLUTION
    starts = torch.randint(len(data) - block_size, (batch_size,))
    x = torch.stack([data[i : i + block_size] for i in starts])
    y = torch.stack([data[i + 1 : i + block_size + 1] for i in starts])
    return x, y
    ### END SOLUTION


# %% tags=["nbval-ignore-output"]
with needs("get_batch"):
    torch.manual_seed(1)
    x, y = get_batch(train_data, 3, 12)
    for before, after in zip(x, y):
        print(repr(decode(before.tolist())), "->", repr(decode(after.tolist())))

# %% [markdown]
# ## 2. The bigram model
#
# *Goes with 0:22 to 0:42 of the video.*
#
# Why this matters: it is the smallest language model there is, and everything around it (loss, training, writing) stays as it is until the end.
#
# A **bigram model** guesses the next character from the last one alone. All it has is a table: row i holds a score for every character that may follow character i. Scores before the softmax are called **logits**. Training turns the table's numbers, as in module 04.
#
# Three torch idioms that you need, on something else:

# %%
table = nn.Embedding(4, 3)  # a trainable table, 4 rows of 3 numbers; calling it looks rows up
ids = torch.tensor([[0, 2, 2], [1, 0, 3]])
print(table(ids).shape)  # one row of 3 for each of the 2 x 3 numbers

scores = torch.tensor([[[2.0, 0.0], [0.0, 1.0]]])  # (1, 2, 2)
right = torch.tensor([[0, 0]])  # (1, 2)
print(scores.view(2, 2).shape, right.view(2).shape)  # the same numbers in another shape
print(
    F.cross_entropy(scores.view(2, 2), right.view(2))
)  # logits (N, classes), targets (N,): the mean

# %% [markdown]
# `F.cross_entropy` takes the softmax, then the mean of -log(probability of the right one). A model is a class that inherits from `nn.Module`. It makes its layers in `__init__` and keeps them in `self`; calling the object calls `forward`. On something else:


# %%
class Twice(nn.Module):  # a model with one layer, used twice
    def __init__(self, size):
        super().__init__()  # first of all: nn.Module sets itself up
        self.layer = nn.Linear(size, size)  # kept in self, so that torch finds and trains it

    def forward(self, x):
        return self.layer(self.layer(x))


print(Twice(3)(torch.ones(2, 3)).shape)

# %% [markdown]
# @exercise bigram_model
#
# Write `BigramLanguageModel(vocab_size)`. `forward(idx, targets=None)` gets numbers of shape (B, T), and returns two things:
#
# - `logits`, shape (B, T, vocab_size): at each place, the table's row for the character there;
# - `loss`: the mean cross-entropy with `targets`, shape (B, T), or None where there are no targets.


# %% exercise="bigram_model"
class BigramLanguageModel(nn.Module):
    """The next character from the last one alone: a table of logits."""

    def __init__(self, vocab_size):
        super().__init__()
        ### BEGIN SOLUTION
        self.table = nn.Embedding(vocab_size, vocab_size)
        ### END SOLUTION

    def forward(self, idx, targets=None):
        ### BEGIN SOLUTION
        logits = self.table(idx)  # (B, T, V)
        loss = None
        if targets is not None:
            B, T, V = logits.shape
            loss = F.cross_entropy(logits.view(B * T, V), targets.view(B * T))
        return logits, loss
        ### END SOLUTION


# %% [markdown]
# The loop that trains it is the one of module 04, in torch's words. `torch.optim.AdamW` is a better step than plain gradient descent: for each weight it keeps a running mean of the gradient and of its size, and divides one by the other, so every weight moves at about the speed `lr`. We use this function for all small models to come.


# %% tags=["bench"]
block_size, batch_size = 32, 32


def train_rung(model, steps=400, lr=0.003):
    """Train a small model: the four steps of module 04, with AdamW."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    for step in progress(steps):
        x, y = get_batch(train_data, batch_size, block_size)
        logits, loss = model(x, y)  # forward
        optimizer.zero_grad()  # zero
        loss.backward()  # backward
        optimizer.step()  # update
        progress.show(loss)


# %% tags=["nbval-ignore-output"]
with needs("bigram_model", "get_batch"):
    torch.manual_seed(1)
    bigram = BigramLanguageModel(vocab_size)
    train_rung(bigram, lr=0.05)

# %% [markdown]
# The curve trembles, because each batch is another one. To compare models we want one number that does not: the loss on the validation part, all of it, always the same windows.
#
# Two things belong to measuring in torch. Some layers act differently while training, so `model.eval()` says that this is no training, and `model.train()` that it goes on. And `torch.no_grad()` saves the work of keeping a graph for gradients.

# %% [markdown]
# @exercise estimate_loss
#
# Finish `estimate_loss(model, data)`: the mean loss over all windows of `data`, one number. The windows are cut for you, and come in groups of 200 so that they fit into memory. The last group is smaller. Every **window** counts the same.


# %% exercise="estimate_loss"
@torch.no_grad()
def estimate_loss(model, data):
    """The model's mean loss on data, cut into windows of block_size: a number."""
    n = (len(data) - 1) // block_size
    x = data[: n * block_size].view(n, block_size)
    y = data[1 : n * block_size + 1].view(n, block_size)
    ### BEGIN SOLUTION
    model.eval()
    total = 0.0
    ### END SOLUTION
    for start in range(0, n, 200):
        xb, yb = x[start : start + 200], y[start : start + 200]
        ### BEGIN SOLUTION
        logits, loss = model(xb, yb)
        total += loss.item() * len(xb)
        ### END SOLUTION
    ### BEGIN SOLUTION
    model.train()
    return total / n
    ### END SOLUTION


# %% [markdown]
# A loss in **nats** (natural logarithms) is easy to feel: e to the power of it is how many characters the model wavers between. Who knows nothing wavers between all of them, at a loss of ln(vocab_size). That is the ground on which our ladder stands.

# %% tags=["nbval-ignore-output"]
ladder = Ladder()
measured = None
with needs("estimate_loss", "bigram_model"):
    measured = val_data[:20_000]  # enough for the small models
    print(f"blind: {math.log(vocab_size):.2f} nats, {vocab_size} characters")
    loss = estimate_loss(bigram, measured)
    print(f"bigram: {loss:.2f} nats, {math.exp(loss):.1f} characters")

# %% [markdown]
# ### Let it write
#
# A model that guesses can also write: draw a character by the guessed probabilities, append it, ask again. Drawing and joining in torch, on something else:

# %%
p = torch.tensor([[0.1, 0.9], [0.5, 0.5]])  # two rows of probabilities
torch.manual_seed(3)
print(torch.multinomial(p, num_samples=1))  # one draw for each row: a column of places
print(torch.cat((torch.tensor([[7], [8]]), torch.tensor([[1], [0]])), dim=1))  # side by side
print(torch.arange(24).view(2, 3, 4)[:, -1, :])  # of (2, 3, 4), the last place in the middle

# %% [markdown]
# @exercise generate
#
# Write `generate(model, idx, max_new_tokens)`. `idx`, shape (B, T), is the **prompt**, what stands there already. It returns the prompt and, after it, `max_new_tokens` numbers drawn one by one: shape (B, T + max_new_tokens).
#
# - `model(idx)` returns logits and loss. What comes next is said at the **last** place.
# - Draw by the probabilities. Always taking the most likely one would write the same few words for ever.
# - A model reads at most `block_size` numbers: give it the last ones. The bigram model needs only one of them, and those to come will need them all.


# %% exercise="generate"
@torch.no_grad()
def generate(model, idx, max_new_tokens):
    """Continue each row of idx by max_new_tokens numbers, drawn one after another."""
    ### BEGIN SOLUTION
    for _ in range(max_new_tokens):
        context = idx[:, -block_size:]  # (B, at most block_size)
        logits, _ = model(context)
        p = F.softmax(logits[:, -1, :], dim=-1)  # (B, V)
        new = torch.multinomial(p, num_samples=1)  # (B, 1)
        idx = torch.cat((idx, new), dim=1)  # (B, T + 1)
    return idx
    ### END SOLUTION


# %% [markdown]
# Your first language model speaks, and takes its place on the ladder.


# %% tags=["bench"]
def sample(model, length=160):
    """A text of this model: it begins with a line break, the same draws each time."""
    torch.manual_seed(2)
    prompt = torch.tensor([encode("\n")])
    return decode(generate(model, prompt, length)[0].tolist()).strip()


# %% tags=["nbval-ignore-output"]
with needs("generate", "estimate_loss"):
    ladder.rungs["blind guess"] = (math.log(vocab_size), "")
    ladder.add("bigram", estimate_loss(bigram, measured), sample(bigram))
    print(sample(bigram))

# %% [markdown]
# Rubbish, but pronounceable in places: the model knows that a vowel likes to follow a consonant. It does not know what came two characters ago. To do better, characters have to tell each other what they know.

# %% [markdown]
# ## 3. The past, averaged
#
# *Goes with 0:42 to 1:02 of the video.*
#
# Why this matters: attention is a weighted average of the past. First the average, then the weights.
#
# From now on each place holds a **vector** of `n_embd` numbers, and a whole batch is x of shape (B, T, n_embd). The crudest way to hear from the past: replace each vector by the mean of itself and all before it. In loops:


# %%
def average_loop(x):
    """At each place the mean of all vectors up to it, slowly: (B, T, C) -> (B, T, C)."""
    out = torch.zeros_like(x)
    for b in range(x.shape[0]):
        for t in range(x.shape[1]):
            out[b, t] = x[b, : t + 1].mean(0)
    return out


x = torch.tensor([[[6.0, 0.0], [2.0, 4.0], [1.0, 2.0]]])  # B = 1, T = 3, C = 2
print(average_loop(x))

# %% [markdown]
# Loops are slow, and they hide the idea. A product of tables does the same: `weights @ x`, where row t of `weights`, shape (T, T), says how much of each place goes into place t. (With x of shape (B, T, C), `@` multiplies each of the B tables.) Some tools, on other numbers:

# %%
print(torch.tril(torch.full((3, 3), 5.0)))  # keeps the lower triangle
m = torch.tensor([[1.0, 3.0], [4.0, 4.0]])
print(m.sum(1, keepdim=True))  # the sum of each row, as a column, so that m / it divides the rows
print(m.masked_fill(m == 4, -9.0))  # a new tensor, with another number where the condition holds
print(F.softmax(torch.tensor([[1.0, 1.0, float("-inf")]]), dim=-1))  # minus infinity: no weight

# %% [markdown]
# ### Help: "what changes at `dim`?"
#
# `dim` says which index runs while the others stand still. In a (T, T) table, `dim=-1` (or 1) runs along a row, `dim=0` down a column.

# %% [markdown]
# @exercise averaging
#
# Make the `weights` of two functions with the result of `average_loop`, each with one product `weights @ x` and no loop:
#
# - `average_matmul(x)`: weights from a triangle of ones, each row divided by its sum.
# - `average_softmax(x)`: scores, all 0, with minus infinity at every place that may not be seen; the weights are their softmax.
#
# (Without `cumsum`, `mean` and `average_loop`; neither calls the other.)


# %% exercise="averaging"
def average_matmul(x):
    """At each place the mean of all vectors up to it, by a triangle of ones."""
    B, T, C = x.shape
    tril = torch.tril(torch.ones(T, T))
    ### BEGIN SOLUTION
    weights = tril / tril.sum(1, keepdim=True)
    ### END SOLUTION
    return weights @ x


def average_softmax(x):
    """The same, by scores of 0 and minus infinity, and a softmax."""
    B, T, C = x.shape
    tril = torch.tril(torch.ones(T, T))
    ### BEGIN SOLUTION
    scores = torch.zeros(T, T).masked_fill(tril == 0, float("-inf"))
    weights = F.softmax(scores, dim=-1)
    ### END SOLUTION
    return weights @ x


# %% [markdown]
# Why the detour over the softmax? Because scores need not be 0. If place t could say "I care more about a vowel", its score for vowels would rise, and the softmax would still make proper weights. That is the next section.
#
# A model around it is soon built. Each character becomes a vector through an embedding, `body` lets the vectors talk, and a linear layer makes scores of each vector.


# %% tags=["bench"]
n_embd, n_head = 48, 4
dropout = 0.0


class Reader(nn.Module):
    """A small language model: an embedding, `body` from (B, T, n_embd) to the same, scores."""

    def __init__(self, body, positions=True):
        super().__init__()
        self.tokens = nn.Embedding(vocab_size, n_embd)
        self.positions = nn.Embedding(block_size, n_embd) if positions else None
        self.body = body
        self.scores = nn.Linear(n_embd, vocab_size)

    def forward(self, idx, targets=None):
        B, T = idx.shape
        x = self.tokens(idx)  # (B, T, n_embd)
        if self.positions is not None:  # section 4 says what this is for
            x = x + self.positions(torch.arange(T))
        logits = self.scores(self.body(x))  # (B, T, V)
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.view(B * T, -1), targets.view(B * T))


# %% tags=["nbval-ignore-output"]
with needs("averaging"):
    torch.manual_seed(1)
    averager = Reader(average_softmax, positions=False)
    train_rung(averager)
    ladder.add("mean of the past", estimate_loss(averager, measured), sample(averager))

# %% [markdown]
# Worse than the bigram model, and no wonder: in a mean of 32 characters the last one, which matters most, is drowned. A mean listens to everybody alike. We need one that chooses.

# %% [markdown]
# ## 4. One head of attention
#
# *Goes with 1:02 to 1:21 of the video.*
#
# Why this matters: this is the step that made language models work.
#
# Each place makes three vectors from its own x, each by a linear layer of its own, each of `head_size` numbers:
#
# - the **query**: what am I looking for?
# - the **key**: what do I have to offer?
# - the **value**: what do I tell those who listen to me?
#
# The score of place t for place s is the dot product of t's query with s's key: large where what is sought meets what is offered. Then as before: mask the future, softmax, and take the weighted sum, of the **values**.
#
# $$\text{out} = \text{softmax}\left(\text{mask}\left(\frac{q\,k^\top}{\sqrt{\text{head\_size}}}\right)\right) v$$
#
# In words: compare every query with every key, scale, hide the future, make weights, mix the values.

# %% [markdown]
# ### Why the root?
#
# A dot product of head_size random terms is about √head_size large. Softmax exaggerates: among large scores the largest takes everything, and the model stops learning from the others. Drag the head size and compare the two rows. (Without a slider: `draw_scale(64)`.)


# %% tags=["nbval-ignore-output"]
def draw_scale(head_size=64):
    rng = np.random.default_rng(5)
    q, k = rng.normal(size=head_size), rng.normal(size=(8, head_size))
    raw = k @ q
    with figure(
        f"Weights of 8 places at head size {head_size}. As they are, one place has nearly all the "
        "weight once heads are large. Divided by the root of the head size, several places share.",
        width=6.4,
        height=2.1,
        columns=2,
    ) as axes:
        for ax, scores, name in zip(
            axes, (raw, raw / np.sqrt(head_size)), ("as they are", "divided by √head_size")
        ):
            e = np.exp(scores - scores.max())
            ax.bar(range(8), e / e.sum(), color="#0072b2" if "div" in name else "#d55e00")
            ax.set(title=f"{name}, head size {head_size}", ylim=(0, 1), xlabel="place")


sliders(draw_scale, head_size=(1, 256, 1, 64))

# %% [markdown]
# A warning if you follow the video: the lecture's own code multiplies by `C**-0.5`, where `C` is `n_embd`, the width of x. The paper divides by the root of the head's own size, and so do we. As long as there is one head as wide as x, nobody can tell. With four heads, the scores come out half as large as they should.

# %% [markdown]
# @exercise predict_leak
#
# Before you write it: suppose you forget the triangle, so that every place may look at every place, later ones too. You train, and measure the loss on training and validation windows. What happens?
#
# @options

# %% exercise="predict_leak"
predict_leak = ...
### BEGIN SOLUTION
predict_leak = "c"
### END SOLUTION

# %% [markdown]
# @exercise head
#
# Write the `forward` of `Head(head_size)`. The layers are there. A **buffer** is a tensor that belongs to a module without being trained: `self.tril` is the triangle, block_size by block_size.
#
# - x has the shape (B, T, n_embd), and out comes (B, T, head_size). T may be smaller than block_size: cut the triangle to what you need.
# - For a batch of tables, `k.transpose(-2, -1)` turns each one on its side.
# - `head_size` may differ from n_embd.


# %% exercise="head"
class Head(nn.Module):
    """One head of causal self-attention: (B, T, n_embd) -> (B, T, head_size)."""

    def __init__(self, head_size):
        super().__init__()
        self.head_size = head_size
        self.query = nn.Linear(n_embd, head_size, bias=False)
        self.key = nn.Linear(n_embd, head_size, bias=False)
        self.value = nn.Linear(n_embd, head_size, bias=False)
        self.register_buffer("tril", torch.tril(torch.ones(block_size, block_size)))

    def forward(self, x):
        B, T, C = x.shape
        # queries, keys, values; then scores, mask, softmax, mix
        ### BEGIN SOLUTION
        q, k, v = self.query(x), self.key(x), self.value(x)  # (B, T, head_size)
        scores = q @ k.transpose(-2, -1) * self.head_size**-0.5  # (B, T, T)
        scores = scores.masked_fill(self.tril[:T, :T] == 0, float("-inf"))
        weights = F.softmax(scores, dim=-1)
        return weights @ v
        ### END SOLUTION


# %% [markdown]
# ### Help: "the size of tensor a (32) must match the size of tensor b (8)"
#
# The triangle is for block_size places, and x has fewer. Cut it: the first T rows and T columns.
#
# ### Help: "the loss is suspiciously low"
#
# The future leaks. Change the last character of a window: only the last output may change.

# %% [markdown]
# ### Order
#
# One question before it may climb the ladder: does a head know who stands where?

# %% [markdown]
# @exercise predict_shuffled
#
# Take the vectors of `d o g b i t e s m a n`, without anything that says where they stand. Shuffle all but the last. What happens to the head's output at the **last** place?
#
# @options

# %% exercise="predict_shuffled"
predict_shuffled = ...
### BEGIN SOLUTION
predict_shuffled = "a"
### END SOLUTION

# %%
with needs("head"):
    torch.manual_seed(0)
    x = torch.randn(1, 8, n_embd)
    shuffled = x[:, [3, 0, 6, 2, 5, 1, 4, 7]]
    head = Head(n_embd)
    apart = (head(x)[0, -1] - head(shuffled)[0, -1]).abs().max()
    print("the same output at the last place:", apart.item() < 1e-5)

# %% [markdown]
# So the order has to be put into the vectors. A second embedding does it, with one row for each **place** in the window: x = token's vector + place's vector. That is the line in `Reader` that you skipped. Now one head, with positions:

# %% tags=["nbval-ignore-output"]
with needs("head"):
    torch.manual_seed(1)
    one_head = Reader(Head(n_embd))
    train_rung(one_head)
    ladder.add("one head", estimate_loss(one_head, measured), sample(one_head))

# %% [markdown]
# Far better than the mean, and on Shakespeare a shade better than the pairs. What did it learn to look at? Here are its weights on a line of validation text: row by row, where each character looks. Most of all it looks at itself, as the bigram model does, and here and there at one a little before.

# %% tags=["nbval-ignore-output"]
with needs("head"), torch.no_grad():
    ids = val_data[:block_size]
    x = one_head.tokens(ids) + one_head.positions(torch.arange(block_size))
    body = one_head.body
    scores = body.query(x) @ body.key(x).T * n_embd**-0.5
    weights = F.softmax(scores.masked_fill(body.tril == 0, float("-inf")), dim=-1)
    with figure(
        "A triangle of attention weights, 32 by 32 characters of validation text. The upper half "
        "is empty: nobody sees the future. Most of the weight lies on the diagonal, on the "
        "character itself, and some on the few before it.",
        width=4.6,
        height=4.2,
    ) as ax:
        ax.imshow(weights, cmap="Blues", vmin=0, vmax=0.6)
        names = [repr(c)[1:-1] for c in decode(ids.tolist())]
        ax.set_xticks(range(block_size), names, fontsize=7)
        ax.set_yticks(range(block_size), names, fontsize=7)
        ax.set(xlabel="looked at", ylabel="looking")
        ax.grid(False)

# %% [markdown]
# **A good place to rest.** You have written attention, the heart of every GPT. It is an hour to here, or an hour and a half. When you come back: run the setup cell, then "Run All Above Selected Cell" from the menu. What follows makes a tower of it.

# %% [markdown]
# ## 5. Many heads, and time to think
#
# *Goes with 1:21 to 1:26 of the video.*
#
# Why this matters: one head can look for one thing at a time. A character may need the last vowel **and** the start of the line.
#
# So let several small heads work side by side, each with its own query, key and value. Their outputs are joined into one wide vector, and a last linear layer mixes them.
#
# Two more pieces of torch. `nn.ModuleList([...])` is a list whose modules torch knows: those in a plain Python list are invisible to it, and never trained. And **dropout**: in training, `nn.Dropout(p)` sets a random share p of the numbers to 0, so that no part relies on a single other one. In evaluation it does nothing. On a short training like ours it is set to 0; larger models need it.

# %% [markdown]
# @exercise multi_head
#
# Write `MultiHeadAttention(num_heads, head_size)`, from (B, T, n_embd) to the same shape.
#
# - `num_heads` heads of size `head_size`, all reading the same x.
# - Their outputs side by side, `torch.cat([...], dim=-1)`.
# - Then the last layer and the dropout. They are made for you; num_heads * head_size may differ from n_embd.


# %% exercise="multi_head"
class MultiHeadAttention(nn.Module):
    """Several heads side by side: (B, T, n_embd) -> (B, T, n_embd)."""

    def __init__(self, num_heads, head_size):
        super().__init__()
        ### BEGIN SOLUTION
        self.heads = nn.ModuleList([Head(head_size) for _ in range(num_heads)])
        ### END SOLUTION
        self.proj = nn.Linear(num_heads * head_size, n_embd)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        ### BEGIN SOLUTION
        out = torch.cat([head(x) for head in self.heads], dim=-1)
        return self.dropout(self.proj(out))
        ### END SOLUTION


# %% [markdown]
# ### Help: "mat1 and mat2 shapes cannot be multiplied"
#
# What goes into a layer is not as wide as the layer takes. Side by side, the heads give num_heads * head_size numbers; added up they give head_size.

# %% tags=["nbval-ignore-output"]
with needs("multi_head"):
    torch.manual_seed(1)
    four_heads = Reader(MultiHeadAttention(n_head, n_embd // n_head))
    train_rung(four_heads)
    ladder.add("four heads", estimate_loss(four_heads, measured), sample(four_heads))

# %% [markdown]
# The queries, keys and values of the four heads are together as large as those of the one before (12 numbers each in place of 48); new is only the last layer. They do better. Now they have listened. But each vector had no time to think about what it heard: all that it got is weighted sums. So after the heads comes a small network of the kind of module 02, for each place by itself: the **feed-forward** part.

# %% [markdown]
# @exercise feed_forward
#
# Write `FeedForward(n_embd)`: a linear layer from n_embd to 4 · n_embd, a ReLU, a linear layer back to n_embd, and `nn.Dropout(dropout)` at the end. `nn.Sequential(a, b, c)` is a module that runs a, then b, then c.


# %% exercise="feed_forward"
class FeedForward(nn.Module):
    """Each place thinks by itself: (B, T, n_embd) -> (B, T, n_embd)."""

    def __init__(self, n_embd):
        super().__init__()
        ### BEGIN SOLUTION
        self.net = nn.Sequential(
            nn.Linear(n_embd, 4 * n_embd),
            nn.ReLU(),
            nn.Linear(4 * n_embd, n_embd),
            nn.Dropout(dropout),
        )
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        return self.net(x)
        ### END SOLUTION


# %% tags=["nbval-ignore-output"]
with needs("multi_head", "feed_forward"):
    torch.manual_seed(1)
    thinking = Reader(
        nn.Sequential(MultiHeadAttention(n_head, n_embd // n_head), FeedForward(n_embd))
    )
    train_rung(thinking)
    ladder.add("+ feed-forward", estimate_loss(thinking, measured), sample(thinking))

# %% [markdown]
# ## 6. Blocks
#
# *Goes with 1:26 to 1:38 of the video.*
#
# Why this matters: depth is what makes these models good, and depth alone does not train.
#
# Listen, think; listen to those who have thought, think again. Let's stack three rounds of it.

# %% tags=["nbval-ignore-output"]
with needs("multi_head", "feed_forward"):
    torch.manual_seed(1)
    rounds = [
        part
        for _ in range(3)
        for part in (MultiHeadAttention(n_head, n_embd // n_head), FeedForward(n_embd))
    ]
    tower = Reader(nn.Sequential(*rounds))
    train_rung(tower)
    ladder.add("three rounds, bare", estimate_loss(tower, measured), sample(tower))

# %% [markdown]
# Three times the weights, and it got worse. Every part has to pass on all that it heard, through every layer, and so do the gradients on their way back. Two ideas mend it.
#
# **The residual stream.** A part no longer replaces x, it **adds** to it. What nobody changes flows through untouched, forward and backward: the slope of a sum is 1.
#
# **LayerNorm.** Before a part reads x, each vector is shifted and scaled to mean 0 and variance 1, then multiplied and shifted by trained numbers. So a part always reads numbers of the same size, however much has been added to the stream. `nn.LayerNorm(n_embd)` does it, with a gain and a shift of its own.

# %% tags=["nbval-ignore-output"]
draw_block()

# %% [markdown]
# (The paper of 2017 put the norm after each sum. GPT-2 and nearly all since put it before the part, as in the picture.)

# %% [markdown]
# @exercise block
#
# Write `Block(n_embd, n_head)`: the picture, from left to right. The heads share the width: each has the size n_embd // n_head. Each part has a LayerNorm of its own.


# %% exercise="block"
class Block(nn.Module):
    """Listen, then think, both added to the stream: (B, T, n_embd) -> (B, T, n_embd)."""

    def __init__(self, n_embd, n_head):
        super().__init__()
        ### BEGIN SOLUTION
        self.attention = MultiHeadAttention(n_head, n_embd // n_head)
        self.feed = FeedForward(n_embd)
        self.norm1 = nn.LayerNorm(n_embd)
        self.norm2 = nn.LayerNorm(n_embd)
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        x = x + self.attention(self.norm1(x))
        x = x + self.feed(self.norm2(x))
        return x
        ### END SOLUTION


# %% [markdown]
# ### Help: "one of the variables needed for gradient computation has been modified by an inplace operation"
#
# `x += ...` changes x itself, which the way back still needs. Write `x = x + ...`: that makes a new tensor.

# %% tags=["nbval-ignore-output"]
with needs("block"):
    torch.manual_seed(1)
    blocks = Reader(nn.Sequential(*[Block(n_embd, n_head) for _ in range(3)]))
    train_rung(blocks)
    ladder.add("three blocks", estimate_loss(blocks, measured), sample(blocks))

# %% [markdown]
# The same parts, the same number of steps: two sums and two norms made the tower train.

# %% [markdown]
# ## 7. The GPT
#
# *Goes with 1:38 to 1:46 of the video.*
#
# Why this matters: this class, larger and trained on more, is what answers when you chat with a language model.
#
# Now everything in one class, somewhat larger. The sizes stand in the notebook's globals, and your classes read them there. From here on the small models above no longer run. To go back to them, run the notebook again from the setup cell.

# %% tags=["bench"]
block_size = 64  # characters that it reads
n_embd = 96  # numbers for each of them
n_head = 4  # heads in a block
n_layer = 2  # blocks
dropout = 0.0

# %% [markdown]
# @exercise gpt
#
# Write `GPTLanguageModel()`, with the sizes above.
#
# - Embeddings of the characters and of the places, added.
# - `n_layer` Blocks, then one last LayerNorm, then a linear layer from n_embd to vocab_size.
# - `forward(idx, targets=None)` returns logits and loss, as in the bigram model.
# - `generate(idx, max_new_tokens)` as a method: your function can do the work.


# %% exercise="gpt"
class GPTLanguageModel(nn.Module):
    """A GPT with the sizes in the notebook's globals."""

    def __init__(self):
        super().__init__()
        ### BEGIN SOLUTION
        self.tokens = nn.Embedding(vocab_size, n_embd)
        self.positions = nn.Embedding(block_size, n_embd)
        self.blocks = nn.Sequential(*[Block(n_embd, n_head) for _ in range(n_layer)])
        self.norm = nn.LayerNorm(n_embd)
        self.scores = nn.Linear(n_embd, vocab_size)
        ### END SOLUTION

    def forward(self, idx, targets=None):
        B, T = idx.shape
        ### BEGIN SOLUTION
        x = self.tokens(idx) + self.positions(torch.arange(T, device=idx.device))  # (B, T, n_embd)
        x = self.norm(self.blocks(x))
        logits = self.scores(x)  # (B, T, V)
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.view(B * T, -1), targets.view(B * T))
        ### END SOLUTION

    def generate(self, idx, max_new_tokens):
        ### BEGIN SOLUTION
        return generate(self, idx, max_new_tokens)
        ### END SOLUTION


# %% [markdown]
# Count its **parameters**, the numbers that training will turn, as a check that you built the same thing. With the 65 characters of Tiny Shakespeare it has 241,985. (A layer more or less without a bias is a small difference, and no mistake.)

# %% tags=["nbval-ignore-output"]
with needs("gpt"):
    print(f"{sum(p.numel() for p in GPTLanguageModel().parameters()):,} parameters")

# %% [markdown]
# @exercise predict_batch
#
# You may show the model 12,800 windows in all. Which way gives the lower loss at the end, each with a learning rate that suits it?
#
# @options

# %% exercise="predict_batch"
predict_batch = ...
### BEGIN SOLUTION
predict_batch = "b"
### END SOLUTION

# %% [markdown]
# ### A rate that changes
#
# One thing about training was too simple so far: a constant learning rate. At first the model's gradients are wild, so the rate should begin small and rise: the **warm-up**. Towards the end, steps should become shorter, or the weights keep jumping around the best place: the **decay**. With both, the peak can be far higher than a constant rate could.

# %% [markdown]
# @exercise learning_rate
#
# Write `learning_rate(step, steps, peak, warmup)`, the rate at step 0, 1, 2, ... of `steps`:
#
# - in the first `warmup` steps it rises in a straight line: peak / warmup at step 0, twice that at step 1, the full peak at step warmup - 1 (this is written for you);
# - then it falls in a straight line, from the peak at step `warmup` to what would be 0 at step `steps`, one after the last.


# %% exercise="learning_rate"
def learning_rate(step, steps, peak, warmup):
    """The learning rate at a step: up to the peak in `warmup` steps, then down to 0."""
    if step < warmup:
        return peak * (step + 1) / warmup
    ### BEGIN SOLUTION
    return peak * (steps - step) / (steps - warmup)
    ### END SOLUTION


# %% tags=["nbval-ignore-output"]
with (
    needs("learning_rate"),
    figure(
        "The learning rate against the step, 1,700 steps: a steep rise in the first 85, then a straight "
        "line down to 0.",
        width=4.6,
        height=2.0,
    ) as ax,
):
    ax.plot([learning_rate(step, 1700, 0.008, 85) for step in range(1700)], color="#0072b2")
    ax.set(xlabel="step", ylabel="learning rate")

# %% [markdown]
# @exercise train_gpt
#
# Train your GPT, and leave it in `model`.
#
# - The loop is that of `train_rung`. New is the rate, set at the start of every step.
# - An optimizer keeps its rate in `optimizer.param_groups`, a list of dicts: `group["lr"] = ...` sets it for one of them.
# - Keep the seconds in `first_seconds`, you will want to beat them: `time.process_time()` after the loop minus the same before it. This clock counts computing time of this notebook, over all cores. On a busy computer the clock on the wall shows more.
# - The check wants a loss of at most 0.87 of what a table of letter pairs gets, about 2.15. With the settings given it is about 1.9.

# %% tags=["bench"]
torch.manual_seed(1337)
steps, warmup, peak, batch_size = 1700, 85, 0.008, 8

# %% exercise="train_gpt" tags=["bench-first", "nbval-ignore-output"]
model = ...
first_seconds = ...
### BEGIN SOLUTION
model = GPTLanguageModel()
optimizer = torch.optim.AdamW(model.parameters(), lr=peak, betas=(0.9, 0.99), weight_decay=0.1)
start = time.process_time()  # seconds of computing, over all cores
for step in progress(steps):
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(step, steps, peak, warmup)
    x, y = get_batch(train_data, batch_size, block_size)
    logits, loss = model(x, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    progress.show(loss)
first_seconds = time.process_time() - start
### END SOLUTION

# %% tags=["nbval-ignore-output"]
with needs("train_gpt"):
    first_loss = estimate_loss(model, val_data)  # the whole validation part, from here on
    print(f"{first_seconds:.0f} seconds, loss {first_loss:.3f}")
    ladder.add("GPT", first_loss, sample(model))

# %% [markdown]
# The same prompt, up the ladder: pairs of letters, then words, then lines.

# %% tags=["nbval-ignore-output"]
with needs("train_gpt"):
    ladder.samples("bigram", "three blocks", "GPT")

# %% [markdown]
# ### Help: "the loss is nan, or jumps up and stays there"
#
# The peak of the rate is too high for your sizes: halve it. If it is nan from the first step on, look for a row of scores that is minus infinity throughout.
#
# ### Help: "it takes minutes"
#
# Watch the seconds for ten steps. Other programs on the machine count; so does a `batch_size` or `n_layer` that was left large.

# %% [markdown]
# ## 8. Make it fast
#
# *Beyond the video; its spirit is that of the "speedruns" that the field holds on larger models.*
#
# Why this matters: research is paced by how long you wait for an answer. A tenfold faster training is ten times as many questions.
#
# The rule: same text, same measure, less time.

# %% [markdown]
# Three changes. You need not read all of the code below them: the lines that carry each change are marked with its number.
#
# **1. Look back for free.** What the last few characters are is the first thing that attention has to find out. Hand it over: each place gets its own character's vector, plus one for the character before it, plus one for the one before that, and so on, four places back, each from an embedding of its own. That costs four look-ups, and attention is free for what is further away.
#
# **2. Rotary positions.** In place of adding a vector for each place, turn every query and key, pair of numbers by pair of numbers, by an angle that grows with the place. The product of a turned query and a turned key depends on the **distance** between their places. So what is learnt at one place holds at all.
#
# **3. Small things.** Norms without trained numbers, linear layers without biases, all heads in one product in place of a Python loop. The ReLU is squared, so strong answers count for more. Gradients are **clipped**, made shorter where they are longer than 1, so that a high learning rate stays safe. And the embeddings begin five times smaller than torch would, so that a few hundred small steps can move them far.


# %% tags=["bench"]
def unit(x):
    """LayerNorm's little sister: each vector divided by its root mean square."""
    return F.rms_norm(x, (x.shape[-1],))


class FastBlock(nn.Module):
    """A Block with rotary positions, all heads in one product, norms without parameters."""

    def __init__(self, n_embd, n_head):
        super().__init__()
        self.n_head = n_head
        self.q, self.k, self.v, self.proj = (
            nn.Linear(n_embd, n_embd, bias=False) for _ in range(4)
        )
        self.up = nn.Linear(n_embd, 4 * n_embd, bias=False)
        self.down = nn.Linear(4 * n_embd, n_embd, bias=False)
        size = n_embd // n_head
        speeds = 10000 ** (-torch.arange(0, size, 2) / size)  # (2) how fast each pair turns
        angles = torch.arange(block_size)[:, None] * speeds
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())
        self.register_buffer("future", torch.triu(torch.ones(block_size, block_size), 1) == 1)

    def turn(self, x):  # (B, heads, T, size), each pair of numbers turned by the place's angle
        a, b = x.chunk(2, -1)
        cos, sin = self.cos[: x.shape[-2]], self.sin[: x.shape[-2]]
        return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)  # (2)

    def forward(self, x):
        B, T, C = x.shape
        y = unit(x)
        q, k, v = (
            f(y).view(B, T, self.n_head, -1).transpose(1, 2) for f in (self.q, self.k, self.v)
        )
        scores = self.turn(q) @ self.turn(k).transpose(-2, -1) * q.shape[-1] ** -0.5  # (2)
        weights = scores.masked_fill(self.future[:T, :T], float("-inf")).softmax(-1)
        x = x + self.proj((weights @ v).transpose(1, 2).reshape(B, T, C))
        return x + self.down(F.relu(self.up(unit(x))).square())  # (3) the ReLU squared


class FastGPT(nn.Module):
    """A GPT whose every place also gets the four characters before it."""

    def __init__(self):
        super().__init__()
        self.tables = nn.ModuleList([nn.Embedding(vocab_size, n_embd) for _ in range(1 + 4)])
        self.blocks = nn.Sequential(*[FastBlock(n_embd, n_head) for _ in range(n_layer)])
        self.scores = nn.Linear(n_embd, vocab_size, bias=False)
        for table in self.tables:
            nn.init.normal_(table.weight, std=0.2)  # (3) torch begins at 1

    def forward(self, idx, targets=None):
        B, T = idx.shape
        x = self.tables[0](idx)
        for back, table in enumerate(self.tables[1:], start=1):
            if back < T:  # (1) the character `back` places before; nothing where there is none
                x = x + F.pad(table(idx[:, :-back]), (0, 0, back, 0))
        logits = self.scores(unit(self.blocks(x)))
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.view(B * T, -1), targets.view(B * T))


# %% [markdown]
# @exercise faster
#
# Train a `fast_model`: in at most half of the seconds of your first GPT, to a loss of at most 0.8 of that of letter pairs, about 1.98. `FastGPT` is yours to use, or something better.
#
# - `train_fast` is your training loop again. One line is missing: `nn.utils.clip_grad_norm_(model.parameters(), 1.0)`, where the gradients are there and the step is not yet taken.
# - Then make the model, train it, and keep the seconds in `fast_seconds`, measured as before.

# %% tags=["bench"]
torch.manual_seed(1337)
steps, warmup, peak, batch_size = 500, 25, 0.008, 8


# %% exercise="faster" tags=["bench-fast", "nbval-ignore-output"]
def train_fast(model):
    """Your training loop, with clipped gradients."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=peak, betas=(0.9, 0.99), weight_decay=0.1)
    for step in progress(steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps, peak, warmup)
        x, y = get_batch(train_data, batch_size, block_size)
        logits, loss = model(x, y)
        optimizer.zero_grad()
        loss.backward()
        ### BEGIN SOLUTION
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        ### END SOLUTION
        optimizer.step()
        progress.show(loss)


fast_model = ...
fast_seconds = ...
### BEGIN SOLUTION
fast_model = FastGPT()
start = time.process_time()
train_fast(fast_model)
fast_seconds = time.process_time() - start
### END SOLUTION

# %% tags=["nbval-ignore-output"]
with needs("faster"):
    fast_loss = estimate_loss(fast_model, val_data)
    print(f"the first GPT: {first_seconds:5.1f} seconds, loss {first_loss:.3f}")
    print(f"the fast one:  {fast_seconds:5.1f} seconds, loss {fast_loss:.3f}")
    ladder.add("fast GPT", fast_loss, sample(fast_model))
    ladder.samples("GPT", "fast GPT")

# %% [markdown]
# What did each change buy? The course measured it, at the same number of steps: the first row is your GPT, and each row keeps the changes above it.

# %%
found = gpt_speed_table()
print(f"320 steps of 16 windows; {found['machine']}, {found['date']}; means of two seeds")
print(f"{'':42} loss   seconds")
for name, losses, seconds in found["rows"]:
    print(f"{name:42} {np.mean(losses):.3f}  {np.mean(seconds):5.1f}")

# %% [markdown]
# Looking back and turning buy most: the one saves attention work that a look-up can do, the other gives it distances at once. The ReLU squared adds a little. The last row buys nothing that two seeds can show (its own two runs lie 0.03 apart); it stays because its code is shorter. An honest table has such rows. (The seconds were measured on a busy computer: compare them with each other. Your fast model went on from the last row: half the windows in a step, more steps, and smaller embeddings to begin with.)
#
# ### Now yours
#
# Change one thing at a time, and write down what it bought: `steps`, a `peak`, `n_layer`, a third embedding of what came before. Measure twice before you believe a small gain: another seed alone moves the loss by up to 0.03.

# %% [markdown]
# ## What you can do now
#
# - Turn any text into windows and targets, and measure a model on text that it has never seen.
# - Write causal attention, with the right scale, and test that it does not see the future.
# - Say what each part of a GPT is for: heads listen, feed-forward thinks, the stream carries, norms keep it in range.
# - Build and train a GPT from nothing on a laptop, in well under two minutes.
# - Make a training run faster, and say what each change bought.
#
# ### The page to come back to
#
# | piece | what it does | in one line |
# |---|---|---|
# | window | a text as guesses | `x, y = data[i : i + T], data[i + 1 : i + T + 1]` |
# | attention | choose whom to listen to | `softmax(mask(q @ kᵀ / √head_size)) @ v` |
# | heads | look for several things | `proj(cat([h(x) for h in heads], -1))` |
# | feed-forward | think, each place by itself | `down(relu(up(x)))` |
# | block | add to the stream | `x = x + part(norm(x))`, twice |
# | write | draw, append, ask again | `multinomial(softmax(logits[:, -1]))` |
#
# ### What comes next
#
# You have finished the twelve hours. Part 4 (module 08) is research: take a paper's key claim, say what you expect, and find out whether it holds.
#
# ### Three to read on
#
# - [nanoGPT](https://github.com/karpathy/nanoGPT), about 600 lines: your model, on many machines. Find each of your classes in `model.py`.
# - [Language models are unsupervised multitask learners](https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf), Radford et al., 2019: GPT-2, the same blocks, and what appears when they are many.
# - [modded-nanogpt](https://github.com/KellerJordan/modded-nanogpt): section 8 as a sport, with a log of records and what each change bought.

# %% tags=["nbval-ignore-output"]
status()
