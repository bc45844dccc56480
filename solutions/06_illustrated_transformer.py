# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% tags=["setup"]
import numpy as np

from autograder import figure, needs
from autograder.data import load_attention, load_corpus
from autograder.plots import sliders

# %% [markdown]
# ## 1. A dictionary that answers softly
#
# *Goes with "Self-Attention at a High Level" and "Self-Attention in Detail".*
#
# Why this matters: this one look-up is all of attention.
#
# Read "the robot ate the apple because **it** was hungry". To know what "it" is, you look back at the other words. A **transformer** is a network in which every word does that.
#
# Every word has three lists of numbers: a **query**, what it looks for; a **key**, what it is found by; a **value**, what it hands over. A Python dictionary finds the one key that fits. Here one query is compared with all keys, and gets a mix of all values, most of it from the keys that fit best: **attention**. Three words fit on paper:
#
# | word | key | value |
# |---|---|---|
# | robot | (2, 0) | (10, 0) |
# | apple | (0, 1) | (0, 10) |
# | it | (1, 1) | (5, 5) |
#
# Cells that draw a figure need not be read: run them, and look.

# %%
names = ["robot", "apple", "it"]
keys = np.array([[2.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
values = np.array([[10.0, 0.0], [0.0, 10.0], [5.0, 5.0]])

# %% tags=["nbval-ignore-output"]
with figure(
    "Three keys as arrows from the origin: that of robot to the right, that of apple up, that of "
    "it slanting between them. A dashed arrow, the query (1, 0), points to the right, in the direction of robot's key.",
    width=3.8,
    height=2.6,
) as ax:
    for name, key in zip(names, keys):
        ax.annotate("", key, (0, 0), arrowprops={"arrowstyle": "-|>", "color": "#0072b2", "lw": 2})
        ax.annotate(name, [*(key + 0.06)], color="#0072b2")
    ax.annotate(
        "", (1, 0), (0, 0),
        arrowprops={"arrowstyle": "-|>", "color": "#d55e00", "lw": 2.5, "ls": "--"},
    )  # fmt: skip
    ax.annotate("query", (0.62, -0.32), color="#d55e00")
    ax.set(xlim=(-0.3, 2.6), ylim=(-0.6, 1.5), aspect="equal")

# %% [markdown]
# "It" asks with the query (1, 0), the dashed arrow. Three steps:
#
# 1. **Scores.** The dot product of the query with each key. For robot: 1 · 2 + 0 · 0 = 2.
# 2. **Weights.** Raise e to each score, then divide by the sum of the three. That is **softmax**: positive shares that add up to 1. You need e⁰ = 1, e¹ = 2.72 and e² = 7.39.
# 3. **Out.** Multiply each value by its weight, and add them up.

# %% [markdown]
# @exercise look_up_by_hand
#
# With pen and paper, or a pocket calculator, to two decimals. The order is robot, apple, it.

# %% exercise="look_up_by_hand"
look_up_by_hand = {
    "scores": [..., ..., ...],
    "weights": [..., ..., ...],
    "out": [..., ...],
}
### BEGIN SOLUTION
look_up_by_hand = {
    "scores": [2, 0, 1],
    "weights": [0.665, 0.090, 0.245],  # 7.39, 1 and 2.72, divided by 11.11
    "out": [7.88, 2.12],
}
### END SOLUTION

# %% [markdown]
# "It" comes away with mostly robot's value. How soft is the choice? Stretch the query of "apple", (0.3, 1), and watch.


# %%
def softmax(z, axis=-1):
    """Shares that are positive and add up to 1 along an axis."""
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


# %% tags=["nbval-ignore-output"]
def draw_look_up(stretch=1.0):
    query = stretch * np.array([0.3, 1.0])
    weights = softmax(keys @ query)
    with figure(
        f"Bars of the three weights for apple's query times {stretch:g}: robot {weights[0]:.2f}, "
        f"apple {weights[1]:.2f}, it {weights[2]:.2f}.",
        width=3.8,
        height=1.9,
    ) as ax:
        ax.bar(names, weights, color=["#0072b2", "#e69f00", "#009e73"])
        ax.set(ylim=(0, 1), ylabel="weight", title=f"query times {stretch:g}")


sliders(draw_look_up, stretch=(0.0, 12.0, 0.5, 1.0))

# %% [markdown]
# At 0 you get the plain average. At 12 one key takes nearly all. (The key of "it", not apple's own: it is longer, so its dot product is larger.) The result changes smoothly with every number, so there are slopes, and queries, keys and values can be **learned**.

# %% [markdown]
# ## 2. All words at once
#
# *Goes with "Matrix Calculation of Self-Attention".*
#
# Why this matters: every word asks at the same time, and it costs two matrix products.
#
# Put the queries of all words into the rows of `q`, the keys into `k`, the values into `v`. Then `q` times `k` turned on its side has all scores: a row for each query, a column for each key. How large do they get?

# %% [markdown]
# @exercise predict_scale
#
# A query and a key have 64 random numbers each. Each of the 64 products lies around 0 with **variance** 1: its square is 1 on average. The variance of a sum of independent numbers is the sum of their variances, and a typical size is the *root* of a variance. How far from 0 is the dot product, typically?
#
# @options

# %% exercise="predict_scale"
predict_scale = ...
### BEGIN SOLUTION
predict_scale = "b"
### END SOLUTION

# %% tags=["nbval-ignore-output"]
rng = np.random.default_rng(0)
lengths = [1, 4, 16, 64, 256]
spread = [(rng.normal(size=(2000, d)) * rng.normal(size=(2000, d))).sum(1).std() for d in lengths]
one_query, six_keys = rng.normal(size=64), rng.normal(size=(6, 64))
raw = six_keys @ one_query
with figure(
    "Left: the typical size of a dot product against the length of the vectors, both on logarithmic "
    "scales: it rises with the root of the length. Middle: the weights of six random keys of length "
    "64: one bar takes nearly everything. Right: the same after the scores are divided by 8: all six "
    "have a share.",
    width=7.2,
    height=2.2,
    columns=3,
) as (left, middle, right):
    left.loglog(lengths, spread, "o-", color="#0072b2")
    left.set(xlabel="numbers in a vector", title="typical dot product")
    middle.bar(range(6), softmax(raw), color="#d55e00")
    middle.set(title="weights, raw scores", ylim=(0, 1), xlabel="key")
    right.bar(range(6), softmax(raw / 8), color="#0072b2")
    right.set(title="weights, scores / 8", ylim=(0, 1), xlabel="key")

# %% [markdown]
# Softmax of large scores is a hard choice, made by chance before anything is learned. So the scores are divided by the root of the vectors' length, **d_k**:
#
# $$\text{attention}(q, k, v) = \text{softmax}\!\left(\frac{q\,k^\top}{\sqrt{d_k}}\right) v$$
#
# In words: compare every query with every key, scale, make each row into weights, mix the values. (By hand, you left the scale out.)
#
# A **mask** hides keys. It is a table like the scores, and **True means: may be attended.** A hidden key gets a huge negative score, and e to that is 0. **A row without a single True looks nothing up: its weights and its output are all 0.** Here are both rules, written for you.


# %%
def masked_softmax(scores, mask=None):
    """softmax among the keys that the mask allows. The others get exactly 0."""
    if mask is None:
        return softmax(scores)
    weights = softmax(np.where(mask, scores, -1e9))  # e to -1e9 is 0
    return np.where(mask, weights, 0.0)  # also in a row without a single True


# %% tags=["nbval-ignore-output"]
row = np.array([1.0, 2.5, 0.5, 2.0, 1.5])
allowed = np.array([True, False, True, True, False])
with figure(
    "Three bar charts for five keys, of which the mask hides the second and the fifth. Left: the "
    "scores. Middle: the weights without the mask; all five have a share, the second the largest. "
    "Right: with the mask; the two hidden keys have no weight, and the other three share 1.",
    width=7.2,
    height=2.0,
    columns=3,
) as axes:
    shown = (row, softmax(row), masked_softmax(row, allowed))
    for ax, heights, title in zip(axes, shown, ("scores", "weights, no mask", "weights, masked")):
        bars = ax.bar(range(5), heights, color=np.where(allowed, "#0072b2", "#c9ccd1"))
        ax.set(title=title, xticks=range(5))
        ax.set_xticklabels([f"{key}\n{fits}" for key, fits in enumerate(allowed)], fontsize=7)

# %% [markdown]
# The keys that are left share the whole 1. Two tools of numpy: the last two axes are a table, those in front count tables, and `@` takes table by table.

# %%
tables = np.ones((2, 3, 4))  # two tables, each of 3 rows and 4 columns
print("turned:    ", np.swapaxes(tables, -1, -2).shape)  # .T would turn the first axis, too
print("a product: ", (tables @ np.ones((2, 4, 5))).shape)

# %% [markdown]
# ### Help: "ValueError: matmul: ... mismatch in its core dimension"
#
# Turn the keys: (rows, d) times (d, columns). If it comes with three or four axes only, you turned them with `.T`.

# %% [markdown]
# @exercise scaled_dot_product_attention
#
# Write the look-up, for any number of axes in front. It returns **two** things: the mixed values and the weights.


# %% exercise="scaled_dot_product_attention"
def scaled_dot_product_attention(q, k, v, mask=None):
    """Every query's soft look-up: (out (..., queries, d_v), weights (..., queries, keys)).

    q: (..., queries, d_k), k: (..., keys, d_k), v: (..., keys, d_v).
    mask: True where a key may be attended; it may have fewer axes than the weights.
    """
    # 1. the scores: q times k turned, divided by the root of d_k
    # 2. the weights: masked_softmax does all that the mask asks for
    # 3. return the weights times the values, and the weights
    ### BEGIN SOLUTION
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])
    weights = masked_softmax(scores, mask)
    return weights @ v, weights
    ### END SOLUTION


# %% [markdown]
# On real text, with nothing learned: each word's query and key has one large number, at a place of its own, so a word fits itself and its repetitions.

# %% tags=["nbval-ignore-output"]
corpus = load_corpus()
print(corpus.note)
text = "".join(c.lower() if c.isalpha() else " " for c in corpus.text[:6000]).split()
start = min(range(0, 400), key=lambda i: len(set(text[i : i + 12])))
words = text[start : start + 12]
with needs("scaled_dot_product_attention"):
    vocabulary = sorted(set(words))
    hot = 6 * np.eye(len(vocabulary))[[vocabulary.index(word) for word in words]]
    _, weights = scaled_dot_product_attention(hot, hot, hot)
    with figure(
        "A map for twelve words of a real text, set by hand: rows ask, columns are looked at. Each "
        "word looks at itself; where a word occurs more than once, it shares its attention among "
        "all its occurrences.",
        width=4.6,
        height=3.9,
    ) as ax:
        drawn = ax.imshow(weights, cmap="Blues", vmin=0, vmax=1)
        ax.set_xticks(range(12), words, rotation=60, ha="right", fontsize=8)
        ax.set_yticks(range(12), words, fontsize=8)
        ax.set(title="set by hand", ylabel="this word asks")
        ax.grid(False)
        ax.figure.colorbar(drawn, label="weight")

# %% [markdown]
# This is an **attention map**. A row is a word that asks, its squares are the words it looks at, and a row adds up to 1.

# %% [markdown]
# ## 3. The mask: no looking ahead
#
# *Goes with "The Decoder Side".*
#
# Why this matters: a model that should guess the next word must not see it.
#
# In training, the whole sentence is there at once. A **causal mask** hides the answers: each word sees itself and what came before.

# %% tags=["nbval-ignore-output"]
with figure(
    "Four words side by side: the, robot, ate, it. Arrows lead from ate back to the and to robot, "
    "and beside ate it says: itself, too. The word it, which comes after ate, is grey and marked: not "
    "yet.",
    width=5.4,
    height=1.5,
) as ax:
    for place, word in enumerate(("the", "robot", "ate", "it")):
        ax.text(
            place, 0, word, ha="center", fontsize=12, color="#9aa3ad" if place == 3 else "black"
        )
    for place, bend in ((0, 0.35), (1, 0.45)):
        ax.annotate(
            "", (place, 0.25), (2, 0.25),
            arrowprops={"arrowstyle": "->", "color": "#0072b2", "connectionstyle": f"arc3,rad={bend}"},
        )  # fmt: skip
    ax.text(2.12, 0.3, "itself, too", fontsize=8, color="#0072b2")
    ax.text(3, 0.32, "✗ not yet", ha="center", fontsize=9, color="#d55e00")
    ax.set(xlim=(-0.5, 3.6), ylim=(-0.2, 1.25))
    ax.set_axis_off()

# %% [markdown]
# @exercise causal_mask
#
# A (T, T) array of True and False, to be passed on as `mask`: row i is the word that asks, column j the word that is looked at.


# %% exercise="causal_mask"
def causal_mask(T):
    """True where word i (row) may look at word j (column): at itself and at what came before."""
    i = np.arange(T)  # i[:, None] is a column of these numbers, i[None, :] a row
    ### BEGIN SOLUTION
    return i[None, :] <= i[:, None]
    ### END SOLUTION


# %% tags=["nbval-ignore-output"]
with needs("scaled_dot_product_attention", "causal_mask"):
    x = np.random.default_rng(3).normal(size=(6, 8))
    _, free = scaled_dot_product_attention(x, x, x)
    _, masked = scaled_dot_product_attention(x, x, x, causal_mask(6))
    with figure(
        "Three squares of 6 by 6. Left, a map without a mask: weights everywhere. Middle, the mask: "
        "True on the diagonal and below it. Right, the map with the mask: nothing above the diagonal, "
        "the first row is a single 1, and later rows share 1 among more words.",
        width=7.0,
        height=2.5,
        columns=3,
    ) as axes:
        shown = ((free, "no mask"), (causal_mask(6), "causal_mask(6)"), (masked, "with the mask"))
        for ax, (picture, title) in zip(axes, shown):
            ax.imshow(picture, cmap="Blues", vmin=0, vmax=1)
            ax.set(title=title, xlabel="looked at", ylabel="asks")
            ax.grid(False)

# %% [markdown]
# Does it keep its promise? Change the last word: which results notice?

# %%
with needs("scaled_dot_product_attention", "causal_mask"):
    changed = x.copy()
    changed[-1] += 5
    for mask, name in ((None, "no mask"), (causal_mask(6), "causal mask")):
        before, _ = scaled_dot_product_attention(x, x, x, mask)
        after, _ = scaled_dot_product_attention(changed, changed, changed, mask)
        print(f"{name:12} changed:", np.flatnonzero(np.abs(after - before).max(axis=1) > 1e-9))

# %% [markdown]
# With the mask only the last result changes.

# %% [markdown]
# ## 4. Several heads
#
# *Goes with "The Beast With Many Heads".*
#
# Why this matters: a word needs to look at several things at once.
#
# "It" may want its noun and its verb. So each query, key and value is cut into pieces, and each piece does its own look-up, with its own map: a **head**.

# %% tags=["nbval-ignore-output"]
with figure(
    "The queries of a sentence: 5 words in rows, 12 numbers in columns. The columns are cut into three pieces of "
    "four neighbours, in blue, orange and green. An arrow leads to three tables of 5 by 4, one for "
    "each head.",
    width=7.2,
    height=2.1,
) as ax:
    shades = ("#0072b2", "#e69f00", "#009e73")
    for row in range(5):
        for column in range(12):
            colour = shades[column // 4]
            for left in (column, 16 + column + 2 * (column // 4)):
                ax.barh(4.45 - row, 0.9, height=0.9, left=left, color=colour)
    ax.annotate("", (15.5, 2.5), (12.5, 2.5), arrowprops={"arrowstyle": "->", "lw": 2})
    ax.text(5.95, 5.3, "the queries of 5 words, C = 12", ha="center", fontsize=9)
    for head in range(3):
        ax.text(18 + 6 * head, 5.3, f"head {head}", ha="center", fontsize=9, color=shades[head])
    ax.set(xlim=(-0.5, 32.5), ylim=(-0.3, 6.2), aspect="equal")
    ax.set_axis_off()

# %% [markdown]
# Each word has a learned list of C numbers, its **embedding**. B sentences of T words are an array `x` of shape (B, T, C). With H heads:
#
# 1. `q = x @ W_q`, and the same with W_k and W_v. These (C, C) arrays are learned.
# 2. Cut q, k and v into **heads**: (B, H, T, D), with D = C / H. Each head is a (T, D) table of its own.
# 3. The look-up, in every head: the **scores**, the weights, the **out**.
# 4. **Merge**: put the heads' results side by side again.
# 5. Mix them by a last (C, C) array, W_o.
#
# Most mistakes here are mistakes of shape. So write the shapes down first.

# %% [markdown]
# @exercise shape_table
#
# Take B = 2 sentences of T = 5 words, C = 12 numbers a word, and 3 heads. `x` is (2, 5, 12). Fill in each shape, as a tuple.

# %% exercise="shape_table"
shape_table = {
    "q": ...,  # x @ W_q, not cut yet
    "q in heads": ...,
    "scores": ...,
    "out in heads": ...,
    "merged": ...,
    "causal mask": ...,  # causal_mask(T), one for all
}
### BEGIN SOLUTION
shape_table = {
    "q": (2, 5, 12),
    "q in heads": (2, 3, 5, 4),
    "scores": (2, 3, 5, 5),
    "out in heads": (2, 3, 5, 4),
    "merged": (2, 5, 12),
    "causal mask": (5, 5),
}
### END SOLUTION

# %% [markdown]
# `reshape` reads all numbers in order and fills a new shape with them, so it can cut a row into pieces. It can't bring an axis forward: for that, `swapaxes`.

# %%
phone = np.array([[1, 2, 3, 4], [5, 6, 7, 8]])
print("rows cut in two:\n", phone.reshape(2, 2, 2))
print("reshaped to 4 x 2:", phone.reshape(4, 2).tolist())
print("axes swapped:     ", phone.swapaxes(0, 1).tolist(), " (the same shape, other numbers)")

# %% [markdown]
# ### Help: "the shape is right and the numbers are in the wrong places"
#
# A reshape was asked to do a swap's work, as in the last two lines above. Cut or join the last axis by `reshape`; bring the heads forward, or back, by `swapaxes`.

# %% [markdown]
# @exercise split_heads
#
# Both ways. `split_heads(x, num_heads)` takes (B, T, C) to (B, H, T, D): head 0 gets the first D numbers of each word, head 1 the next D. `merge_heads(x)` takes it back.


# %% exercise="split_heads"
def split_heads(x, num_heads):
    """Cut each word's numbers into heads: (B, T, C) -> (B, T, H, D) -> (B, H, T, D)."""
    B, T, C = x.shape
    D = C // num_heads
    ### BEGIN SOLUTION
    return x.reshape(B, T, num_heads, D).swapaxes(1, 2)
    ### END SOLUTION


def merge_heads(x):
    """Put the heads' numbers side by side: (B, H, T, D) -> (B, T, H, D) -> (B, T, C)."""
    B, H, T, D = x.shape
    ### BEGIN SOLUTION
    return x.swapaxes(1, 2).reshape(B, T, H * D)
    ### END SOLUTION


# %% [markdown]
# @exercise multi_head_attention
#
# The five steps together. `x` is (B, T, C), each W is (C, C), and the result is one array alone, (B, T, C).


# %% exercise="multi_head_attention"
def multi_head_attention(x, W_q, W_k, W_v, W_o, num_heads, mask=None):
    """Every word looks at the others, in several heads at once: (B, T, C) -> (B, T, C)."""
    q = split_heads(x @ W_q, num_heads)  # (B, H, T, D)
    # 1. and 2. the same for k and v
    # 3. scaled_dot_product_attention, with the mask: it returns two things
    # 4. and 5. merge_heads, then W_o
    ### BEGIN SOLUTION
    k = split_heads(x @ W_k, num_heads)
    v = split_heads(x @ W_v, num_heads)
    out, _ = scaled_dot_product_attention(q, k, v, mask)  # (B, H, T, D)
    return merge_heads(out) @ W_o  # (B, T, C)
    ### END SOLUTION


# %% [markdown]
# ## 5. Who stands where?
#
# *Goes with "Representing The Order of The Sequence Using Positional Encoding".*
#
# Why this matters: who did what to whom is often told by the order of the words alone.

# %% [markdown]
# @exercise predict_shuffle
#
# You put the words of a sentence into another order, and run your `multi_head_attention` without a mask. What happens to the result for the word "robot"?
#
# @options

# %% exercise="predict_shuffle"
predict_shuffle = ...
### BEGIN SOLUTION
predict_shuffle = "b"
### END SOLUTION

# %%
with needs("multi_head_attention"):
    rng = np.random.default_rng(4)
    W = rng.normal(0, 0.5, (4, 6, 6))  # W_q, W_k, W_v, W_o
    sentence = rng.normal(size=(1, 5, 6))
    order = [3, 0, 4, 1, 2]
    plain = multi_head_attention(sentence, *W, 2)
    shuffled = multi_head_attention(sentence[:, order], *W, 2)
    print("the same vectors, in the new order:", np.allclose(shuffled, plain[:, order]))

# %% [markdown]
# So each place gets a list of C numbers, which is added to the embedding. The original transformer uses clocks: each pair of columns is a hand that turns from word to word, the first pair fast, each further one more slowly.
#
# $$\text{column } 2i:\ \sin\!\left(\frac{\text{place}}{10000^{2i/C}}\right) \qquad \text{column } 2i+1:\ \cos\!\left(\frac{\text{place}}{10000^{2i/C}}\right)$$
#
# In words: sines and cosines take turns; i counts the pairs of columns, from 0. A tool for that: `0::2` means every second one, from 0 on.

# %%
row = np.zeros(7)
row[0::2] = [1, 2, 3, 4]
row[1::2] = 9
print(row)

# %% [markdown]
# @exercise positional_encoding
#
# One row for each place, `d_model` columns (that is C). The angles are given. If `d_model` is odd, the last sine has no cosine.


# %% exercise="positional_encoding"
def positional_encoding(seq_len, d_model):
    """A row of sines and cosines for each place: (seq_len, d_model)."""
    place = np.arange(seq_len)[:, None]  # a column: 0, 1, 2, ...
    two_i = np.arange(0, d_model, 2)  # 0, 2, 4, ...: one for each pair
    encoding = np.zeros((seq_len, d_model))
    angles = place / 10000 ** (two_i / d_model)  # one row a place, one column a pair
    # their sines into the even columns, their cosines into the odd ones
    # (of the cosines, the first d_model // 2 columns: one less for an odd d_model)
    ### BEGIN SOLUTION
    encoding[:, 0::2] = np.sin(angles)
    encoding[:, 1::2] = np.cos(angles[:, : d_model // 2])
    ### END SOLUTION
    return encoding


# %% tags=["nbval-ignore-output"]
with needs("positional_encoding"):
    encoding = positional_encoding(40, 24)
    with figure(
        "Left: the encoding of 40 places in 24 columns. The left columns flicker from place to "
        "place, further right the stripes get longer, and the last columns hardly change. Right: "
        "the dot product of place 20 with all others: highest at 20 itself, and falling off in waves.",
        width=7.0,
        height=2.7,
        columns=2,
    ) as (left, right):
        left.imshow(encoding, cmap="PuOr", aspect="auto")
        left.set(xlabel="column", ylabel="place")
        left.grid(False)
        right.plot(encoding @ encoding[20], color="#0072b2")
        right.axvline(20, ls="--", color="#d55e00")
        right.set(xlabel="place", title="dot product with place 20")

# %% [markdown]
# Near places have similar patterns: a query can ask for "close to me" by a dot product.

# %% [markdown]
# ## 6. The residual stream
#
# *Goes with "The Residuals".*
#
# Why this matters: with it, networks can be a hundred layers deep and still learn.
#
# A block is attention, and then a small network that works on each word by itself. Neither **replaces** a word's vector: each reads it, and **adds** what it has found. So the vector runs through the model as a **residual stream**.

# %% tags=["nbval-ignore-output"]
with figure(
    "A thick line runs from left, x, to right, to the next block. Twice it branches upwards: through "
    "a box norm and a box attention, and back to the line at a plus sign; then through norm and a "
    "small network, and back at a second plus sign.",
    width=7.2,
    height=2.0,
) as ax:
    ax.annotate(
        "", (10.4, 0), (0, 0), arrowprops={"arrowstyle": "-|>", "lw": 5, "color": "#0072b2"}
    )
    ax.text(-0.15, 0, "x", ha="right", va="center", fontsize=13)
    ax.text(10.5, 0, "next\nblock", va="center", fontsize=9)
    for start, box in ((0.6, "attention:\nwords look at words"), (5.4, "network:\nword by word")):
        way = {"arrowstyle": "->", "color": "#6b7280", "lw": 1.5}
        ax.annotate("", (start, 0.85), (start, 0), arrowprops=way)
        for at, label in ((start + 0.3, "norm"), (start + 2.3, box)):
            ax.text(
                at, 1.1, label, ha="center", va="center", fontsize=9,
                bbox={"boxstyle": "round,pad=0.4", "fc": "white", "ec": "#6b7280"},
            )  # fmt: skip
        ax.annotate(
            "",
            (start + 2.3, 1.1),
            (start + 0.3, 1.1),
            arrowprops=way | {"shrinkA": 17, "shrinkB": 50 if start < 1 else 37},
        )
        ax.annotate("", (start + 3.8, 0.2), (start + 2.9, 0.78), arrowprops=way)
        ax.text(
            start + 3.9, 0, "+", ha="center", va="center", fontsize=13, color="white",
            bbox={"boxstyle": "circle,pad=0.15", "fc": "#0072b2", "ec": "none"},
        )  # fmt: skip
    ax.set(xlim=(-0.5, 11.4), ylim=(-0.5, 1.7))
    ax.set_axis_off()

# %% [markdown]
# Every addition makes the stream larger. So each reader first brings its copy to one size, word by word, with a **layer norm**:
#
# $$\text{norm}(x) = \gamma \cdot \frac{x - \text{mean}}{\sqrt{\text{variance} + \epsilon}} + \beta$$
#
# In words: subtract the mean of the word's C numbers, divide by their typical size, then stretch and shift by two learned lists, gamma and beta. The variance is the mean of (x - mean)²: divided by C, not by C - 1. The tiny **eps** stands inside the root, so that nothing is divided by 0.

# %% [markdown]
# @exercise layer_norm
#
# Over the last axis of `x`; `gamma` and `beta` have shape (C,).


# %% exercise="layer_norm"
def layer_norm(x, gamma, beta, eps=1e-5):
    """Bring each word's numbers to mean 0 and size 1, then stretch by gamma and shift by beta."""
    mean = x.mean(axis=-1, keepdims=True)  # one for each word; x.var takes the same arguments
    ### BEGIN SOLUTION
    variance = x.var(axis=-1, keepdims=True)
    return gamma * (x - mean) / np.sqrt(variance + eps) + beta
    ### END SOLUTION


# %% [markdown]
# Now the block of the picture: twice "norm, do something, add". The norm comes **before** each part (**pre-norm**), as in most models of today; in the paper, after the addition.

# %% [markdown]
# ### Help: "KeyError", or a shape error inside the block
#
# Write `p["W1"]`, with the quotes. If `h @ p["W1"]` raises, print `h.shape`: it should be (B, T, C).

# %% [markdown]
# @exercise transformer_block
#
# The first half is given. Write the second, with gamma2 and beta2. The network is `relu(h @ W1 + b1) @ W2 + b2`, where relu is `np.maximum(..., 0)`; W1 is (C, hidden), W2 (hidden, C).


# %% exercise="transformer_block"
def transformer_block(x, params, num_heads):
    """One pre-norm block, attention and then a small network: (B, T, C) -> (B, T, C)."""
    p = params
    h = layer_norm(x, p["gamma1"], p["beta1"])
    x = x + multi_head_attention(h, p["W_q"], p["W_k"], p["W_v"], p["W_o"], num_heads)
    # h: the second norm, of the new x; then add the network of h to x, and return it
    ### BEGIN SOLUTION
    h = layer_norm(x, p["gamma2"], p["beta2"])
    return x + np.maximum(h @ p["W1"] + p["b1"], 0) @ p["W2"] + p["b2"]
    ### END SOLUTION


# %% [markdown]
# ## 7. Reading a trained model
#
# *Goes with "Self-Attention at a High Level", where the model looks from "it" to "the animal".*
#
# Why this matters: a map looks readable. How far can you trust it?
#
# This course trained a small model for you, on generated sentences such as the one below. At "it", it had to say which noun is meant; nobody told it where to look. It runs on **your** code: your positions, and your block, twice, with one head each. Its `answer`, below, names a noun and says how sure it is. The next two cells need not be read.

# %% tags=["nbval-ignore-output"]
model = load_attention()
facts = model.facts
groups = (*model.blocks, model.last, {"embedding": model.embedding})
count = sum(weights.size for group in groups for weights in group.values())
print(f"{count:,} weights, trained for {facts['steps']:,} steps on generated sentences")
print(f"of {facts['sentences']:,} sentences that there are, a fifth was held out;")
print(f"it is right on {facts['seeds'][0]['accuracy']:.1%} of those")
print(f"one training: {facts['seconds']:.0f} s on {facts['machine']}, {facts['date']}")


# %%
def answer(x):
    """The word that the model names for a vector of its stream, and how sure it is."""
    scores = layer_norm(x, model.last["gamma"], model.last["beta"]) @ model.last["W_out"]
    says = softmax(scores)
    return model.words[says.argmax()], says.max()


def run_model(words, hidden=()):
    """Its answer at "it", and the map of each block; "it" may not look at the `hidden` places."""
    it, maps = words.index("it"), []
    mask = np.ones((len(words), len(words)), dtype=bool)
    mask[it, list(hidden)] = False
    x = model.embedding[[model.words.index(word) for word in words]][None]  # (1, T, C)
    x = x + positional_encoding(len(words), x.shape[-1])
    for p in model.blocks:
        h = layer_norm(x, p["gamma1"], p["beta1"])
        q, k, v = (split_heads(h @ p[W], model.num_heads) for W in ("W_q", "W_k", "W_v"))
        maps.append(scaled_dot_product_attention(q, k, v, mask)[1][0, 0])
        if hidden:  # your block has no mask, so here is the same with one
            weights = (p["W_q"], p["W_k"], p["W_v"], p["W_o"])
            x = x + multi_head_attention(h, *weights, model.num_heads, mask)
            h = layer_norm(x, p["gamma2"], p["beta2"])
            x = x + np.maximum(h @ p["W1"] + p["b1"], 0) @ p["W2"] + p["b2"]
        else:
            x = transformer_block(x, p, model.num_heads)
    return answer(x[0, it]), maps


tired = "the animal did not cross the street because it was too tired".split()

# %% [markdown]
# Two maps of one sentence. **Left, drawn by hand**: what you might hope to see. **Right, measured**: the second block of the trained model.

# %% tags=["nbval-ignore-output"]
with needs("transformer_block", "positional_encoding"):
    (says, sure), maps = run_model(tired)
    by_hand = np.eye(12)
    by_hand[8] = 0
    by_hand[8, 1] = 1
    on_animal = maps[1][8, 1]
    with figure(
        "Two maps of the sentence. Left, drawn by hand: each word looks at itself, and it looks at "
        f"animal. Right, measured: the row of it puts {on_animal:.0%} of its weight on animal. Several "
        "other words look at animal as well, and the first rows are smeared over many places.",
        width=7.6,
        height=3.9,
        columns=2,
    ) as axes:
        for ax, picture, title in zip(
            axes, (by_hand, maps[1]), ("drawn by hand", "trained, block 2")
        ):
            ax.imshow(picture, cmap="Blues", vmin=0, vmax=1)
            ax.set_xticks(range(12), tired, rotation=70, ha="right", fontsize=8)
            ax.set_yticks(range(12), tired, fontsize=8)
            ax.axhline(7.5, color="#d55e00", lw=1)
            ax.axhline(8.5, color="#d55e00", lw=1)
            ax.set(title=title, ylabel="asks")
            ax.grid(False)
    print(f'At "it" the model says: {says} ({sure:.0%} sure)')

# %% [markdown]
# The answer is read off the row of "it" alone, between the orange lines. Nothing was ever asked of the other rows of this last block.

# %% [markdown]
# @exercise predict_it
#
# Now only the last word changes: "... because it was too **wide**". In the second block, which word gets the largest weight in the row of "it"?
#
# @options

# %% exercise="predict_it"
predict_it = ...
### BEGIN SOLUTION
predict_it = "b"
### END SOLUTION

# %% tags=["nbval-ignore-output"]
with needs("transformer_block", "positional_encoding"):
    wide = [*tired[:-1], "wide"]
    rows = {}
    for sentence in (tired, wide):
        (says, sure), maps = run_model(sentence)
        rows[sentence[-1]] = maps
        print(f'... too {sentence[-1]}: "it" is {says} ({sure:.0%} sure)')
    with figure(
        "The rows of it in two sentences, block 1 on the left and block 2 on the right, as bars. "
        "In block 2 the bar of animal is the highest for tired, that of street the highest for wide.",
        width=7.4,
        height=2.7,
        columns=2,
    ) as axes:
        for block, ax in enumerate(axes):
            for shift, (last, colour) in enumerate((("tired", "#0072b2"), ("wide", "#e69f00"))):
                ax.bar(
                    np.arange(12) + 0.4 * shift, rows[last][block][8], 0.4, color=colour, label=last
                )
            ax.set_xticks(np.arange(12) + 0.2, [*tired[:-1], "last"], rotation=70, fontsize=8)
            ax.set(title=f"row of it, block {block + 1}", ylim=(0, 1))
        axes[0].legend(fontsize=8)

# %% [markdown]
# In block 2 the look moves from one noun to the other. "It" and both nouns began the same, so block 1 made the difference. For "tired" you see it: more than half of the weight of "it" lies there. At "wide" it hardly looks. It seems that with no "tired" in sight, it takes the street. The next test bears this out.
#
# ### Does the map tell the truth?
#
# A map shows where weight went, not what it was good for. So **take the look away**: hide one word from "it", in both blocks. Does the answer change?

# %% tags=["nbval-ignore-output"]
with needs("transformer_block", "positional_encoding"):
    for place in (1, 5, 6, 11):
        says, sure = run_model(tired, hidden=[place])[0]
        print(f"{tired[place]:8} hidden: it is {says} ({sure:.0%} sure)")

# %% [markdown]
# Four times the weights had told the truth. Without "animal" the model names another animal: it knows the kind, and has lost the word. Without "the" or "street" nothing changes. Without "tired" it is the street. Now a sentence where the map leads astray.

# %% tags=["nbval-ignore-output"]
with needs("transformer_block", "positional_encoding"):
    astray = "the dog did not reach the river as it was too wide".split()
    (says, sure), maps = run_model(astray)
    print(f"it is {says} ({sure:.0%} sure)")
    for place in np.argsort(-maps[1][8])[:4]:
        print(f"  {astray[place]:6} {maps[1][8, place]:.0%} of the weight in block 2")
    for place in (9, 6):
        says, sure = run_model(astray, hidden=[place])[0]
        print(f"{astray[place]} hidden: it is {says} ({sure:.0%} sure)")
    shares = [f"{run['largest']:.0%}" for run in facts["seeds"]]
    print("how often the right noun has the largest weight, in three trainings:", *shares)

# %% [markdown]
# Most of the weight lies on "was", and hiding it hardly changes a thing. Even with "river" hidden the answer is the river: other words have looked at it in block 1 and pass on what they found.
#
# The last line counts over all sentences that the models never saw. Three models, trained alike from other random weights, are right on all of them; the right noun has the largest weight in 45% to 76%. A map gives you a guess: **look, then take the look away, and count over more than one example.**
#
# ## What you can do now
#
# - Do an attention look-up by hand: scores, weights, a mix of values.
# - Write it for any batch, with heads, and with a mask that keeps its promise.
# - Name the shape of every array between `x` and the block's result.
# - Say what the scale, the positions, the residual stream and the norms are for.
# - Read an attention map by its rows, and test it by taking a look away.
#
# ### The page to come back to
#
# | piece | what it does | in one line |
# |---|---|---|
# | scores | how well keys fit queries | `q @ np.swapaxes(k, -1, -2) / np.sqrt(d_k)` |
# | mask | True: may be attended | `masked_softmax(scores, mask)`: -1e9 before the softmax, 0 after it |
# | look-up | mix the values | `weights @ v` |
# | causal mask | itself and before | `i[None, :] <= i[:, None]` |
# | split, merge | into heads and back | `x.reshape(B, T, H, D).swapaxes(1, 2)`, `x.swapaxes(1, 2).reshape(B, T, C)` |
# | positions | a clock for each pair of columns | `sin`, `cos` of `place / 10000 ** (two_i / C)` |
# | layer norm | mean 0, size 1, for each word | `gamma * (x - mean) / sqrt(variance + eps) + beta` |
# | block | read the stream, add to it | `x + attention(norm(x))`, `x + network(norm(x))` |
#
# ### What comes next
#
# In 07 you train one yourself: the same parts in torch, with the causal mask, grown into a GPT that writes.
#
# ### Three to read on
#
# - [Attention is all you need](https://arxiv.org/abs/1706.03762), Vaswani et al., 2017: you can now read its section 3.
# - [The annotated transformer](https://nlp.seas.harvard.edu/annotated-transformer/), Rush and others: the paper as a program.
# - [Attention is not explanation](https://arxiv.org/abs/1902.10186), Jain and Wallace, 2019: how far maps can lead astray.

# %% tags=["nbval-ignore-output"]
status()
