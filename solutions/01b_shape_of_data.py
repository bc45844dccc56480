# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% tags=["setup"]
import numpy as np
from sklearn.datasets import load_diabetes, load_digits

from autograder import figure, needs
from autograder.plots import BLUE, GREEN, GREY, VERMILION, draw_arrow, draw_grid, sliders

np.set_printoptions(precision=3, suppress=True)
digits = load_digits()

# %% [markdown]
# ## 1. The nearest point
#
# *Goes with chapter 9, Dot products and duality.*
#
# Why this matters: data are noisy, so a model rarely fits them exactly. It gives the nearest thing that it can reach.
#
# A vector v, and a line. Which point of the line is nearest to v? Drop a perpendicular: its foot is the **projection** of v onto the line, v's shadow. What is left over stands at a **right angle** to the line.

# %% tags=["nbval-ignore-output"]
with figure(
    "A vector v = (1, 3) and a line in the direction u = (2, 1). The shadow of v on the line is "
    "at (2, 1). A dotted segment from the shadow to the tip of v meets the line at a right angle.",
    width=4.6,
    height=3.2,
) as ax:
    v, u = np.array([1.0, 3.0]), np.array([2.0, 1.0])
    shadow = (v @ u) / (u @ u) * u
    ax.axline((0, 0), u, color=GREY, lw=1)
    ax.plot(*np.array([v, shadow]).T, ":", color="black", lw=2)
    draw_arrow(ax, v, BLUE)
    draw_arrow(ax, shadow, VERMILION)
    ax.text(0.55, 2.9, "v", color=BLUE, fontsize=12)
    ax.text(1.6, 0.35, "shadow", color=VERMILION)
    ax.text(1.75, 2.1, "what is left over")
    ax.set(xlim=(-1.2, 4.2), ylim=(-0.6, 3.4), aspect="equal")

# %% [markdown]
# The tool is the **dot product**, $v \cdot u = v_1 u_1 + v_2 u_2 + \dots$: multiply in pairs, add up. It is 0 for a right angle, positive where two vectors are less than a right angle apart, and $u \cdot u$ is the squared length of u. The shadow is
#
# $$\frac{v \cdot u}{u \cdot u}\, u$$
#
# in words: how often u fits into the shadow, times u.

# %% [markdown]
# @exercise predict_shadow
#
# You replace u by 2u, and project v again. What happens to the length of the shadow?
#
# @options

# %% exercise="predict_shadow"
predict_shadow = ...
### BEGIN SOLUTION
predict_shadow = "a"
### END SOLUTION

# %% [markdown]
# Now a plane, or any span of k vectors, the columns of a matrix B. The shadow is a combination of the columns, $Bx$, and what is left over stands at a right angle to every column:
#
# $$B^\top (v - Bx) = 0 \quad\text{so}\quad B^\top B\, x = B^\top v$$
#
# in words: the dot product of each column with what is left over is 0, and that is k equations for the k numbers in x.

# %% [markdown]
# @exercise project
#
# Write `project(v, onto)`. It returns the point nearest to v (n numbers).
#
# - `onto` of shape (n,) is one vector, of any length but 0: project onto its line.
# - `onto` of shape (n, k) holds k independent **columns**, of any lengths and at any angles: project onto their span.
#
# The given line makes one case of the two: a line is a span of one column. `np.linalg.solve(M, c)` gives the x with $Mx = c$, as your own `solve` did.


# %% exercise="project"
def project(v, onto):
    """The point nearest to v (n,) on the line of onto (n,), or in the span of its columns (n, k)."""
    B = onto.reshape(len(v), -1)  # (n, k): a line is the span of one column
    ### BEGIN SOLUTION
    x = np.linalg.solve(B.T @ B, B.T @ v)
    return B @ x
    ### END SOLUTION


# %% [markdown]
# What is a five, seen by someone who knows other digits only? Its shadow in the span of digits that are not fives.


# %% tags=["nbval-ignore-output"]
def show_digit(ax, vector, title=""):
    """Draw a vector of 64 numbers as the 8 by 8 picture that it is."""
    ax.imshow(np.reshape(vector, (8, 8)), cmap="gray", vmin=0, vmax=16)
    ax.set_title(title, fontsize=9)
    ax.axis("off")


with needs("project"):
    others = digits.data[digits.target != 5]
    pictures = {"a digit": digits.data[digits.target == 5][40]}
    for k in (3, 12, 40):
        pictures[f"from {k} others"] = project(pictures["a digit"], others[:k].T)
    with figure(
        "A handwritten five, and its projections onto the spans of 3, 12 and 40 other digits. The "
        "more there are, the more the shadow looks like the five.",
        width=6.2,
        height=1.8,
        columns=4,
    ) as axes:
        for ax, (title, vector) in zip(axes, pictures.items()):
            show_digit(ax, vector, title)

# %% [markdown]
# ## 2. Your first machine-learning model
#
# *Beyond the series: the projection of section 1, put to work.*
#
# Why this matters: a linear model is the first thing to try on any data, and the last layer of most networks.
#
# 442 people with diabetes were measured, and a year later doctors scored how far the illness had gone. Can the score be told from the measurements? A **linear model** answers with a combination of the measured columns, $Xw$: X has a row for each person, and the **weights** w say how much each column counts.
#
# All that such a model can answer is the span of X's columns. The measured scores y lie outside of it. So take the shadow of y: nothing in the span is nearer. This is called **least squares**, as the nearest point has the smallest sum of squared errors.

# %% [markdown]
# @exercise least_squares
#
# Write `least_squares(X, y)`, for X of shape (n, d), with independent columns, and y of shape (n,). It returns the weights w of shape (d,) for which `X @ w` is nearest to y. Leave `np.linalg.lstsq` and `pinv` alone.
#
# X comes complete: where an intercept is wanted, one of its columns is all ones.


# %% exercise="least_squares"
def least_squares(X, y):
    """The weights w (d,) for which X (n, d) @ w comes nearest to y (n,)."""
    ### BEGIN SOLUTION
    return np.linalg.solve(X.T @ X, X.T @ y)
    ### END SOLUTION


# %% tags=["nbval-ignore-output"]
patients = load_diabetes(scaled=False)
bmi, progress = patients.data[:, 2], patients.target

with needs("least_squares"):
    X = np.column_stack([np.ones(len(bmi)), bmi])
    w = least_squares(X, progress)
    with figure(
        "442 points: body mass index to the right, progression of the illness upwards. A line "
        "through the cloud rises by about 10 for each unit of the index.",
        width=5.2,
        height=2.9,
    ) as ax:
        ax.plot(bmi, progress, ".", color=GREY, ms=3)
        line = np.array([18.0, 42.0])
        ax.plot(line, w[0] + w[1] * line, color=VERMILION, lw=2)
        ax.set(xlabel="body mass index (kg per m²)", ylabel="progression (score)")

# %%
with needs("least_squares"):
    print(f"one measurement:  score = {w[0]:.1f} + {w[1]:.2f} * bmi")
    table = np.column_stack([np.ones(len(bmi)), patients.data])
    fits = {
        "the mean alone": np.full(len(bmi), progress.mean()),
        "body mass index": X @ w,
        "ten measurements": table @ least_squares(table, progress),
    }
    for name, predicted in fits.items():
        print(f"{name:17} typical error {np.sqrt(np.mean((progress - predicted) ** 2)):.1f}")

# %% [markdown]
# The typical error is the root of the mean squared error. Each column helps a little, and much stays unexplained. That, too, is a result.
#
# ### Help: "LinAlgError: Singular matrix"
#
# Then `X.T @ X` can't be undone: one column of X is a combination of others, so no weights are better than all others. A column of ones twice is enough. Leave one out.

# %% [markdown]
# ## 3. Alike, whatever the length
#
# *Goes with chapter 9.*
#
# Why this matters: search engines and language models compare meanings as vectors, by the angle between them.
#
# A faint three and a bold three should count as alike, though one vector is three times as long. So divide the lengths out of the dot product:
#
# $$\text{similarity}(a, b) = \frac{a \cdot b}{|a|\,|b|}$$
#
# This is the **cosine** of the angle between them: 1 for the same direction, 0 for a right angle, -1 for opposite directions.

# %% [markdown]
# @exercise cosine_similarity
#
# Write `cosine_similarity(a, B)`: the similarity of a, shape (d,), to every **row** of B, shape (n, d). It returns n numbers. No vector is zero. `np.linalg.norm(B, axis=1)` gives the length of each row, and one line of array operations will do.


# %% exercise="cosine_similarity"
def cosine_similarity(a, B):
    """The cosine of the angle between a (d,) and each row of B (n, d): (n,)."""
    ### BEGIN SOLUTION
    return B @ a / (np.linalg.norm(a) * np.linalg.norm(B, axis=1))
    ### END SOLUTION


# %% tags=["nbval-ignore-output"]
with needs("cosine_similarity"):
    query = 0.3 * digits.data[103]  # a faint one
    alike = cosine_similarity(query, digits.data[200:])
    best = 200 + np.argsort(alike)[::-1][:3]
    worst = 200 + np.argmin(alike)
    shown = [("asked for", query)]
    for i in (*best, worst):
        shown.append((f"{alike[i - 200]:.2f}: a {digits.target[i]}", digits.data[i]))
    with figure(
        "A faint three, the three most similar of 1,597 digits, all of them bold threes, and the "
        "least similar one, another digit.",
        width=7.0,
        height=1.7,
        columns=5,
    ) as axes:
        for ax, (title, vector) in zip(axes, shown):
            show_digit(ax, vector, title)

# %% [markdown]
# The three nearest show the same digit, though they are more than three times as bright.

# %% [markdown]
# ## 4. All at once
#
# *Beyond the series: the same ideas, as array code.*
#
# Why this matters: a loop in Python costs tens to thousands of times what the same sums cost in one array operation. Every fast model is written this way.
#
# When shapes differ, numpy **broadcasts**: it lines the shapes up at their right ends, and stretches axes of length 1 to fit. `None` in an index makes such an axis. The picture is the whole idea: a column minus a row is a table.

# %% tags=["nbval-ignore-output"]
with figure(
    "A column of the numbers 1, 4, 6 minus a row of the numbers 1, 2, 3, 5 is a table of 3 rows "
    "and 4 columns: each entry is its row's number minus its column's number.",
    width=6.4,
    height=2.3,
) as ax:
    column, row = np.array([1, 4, 6]), np.array([1, 2, 3, 5])
    for i, c in enumerate(column):
        ax.text(0, -i, c, ha="center", va="center", color=BLUE, fontsize=13)
    for j, r in enumerate(row):
        ax.text(1.6 + 0.7 * j, -1, r, ha="center", va="center", color=VERMILION, fontsize=13)
        for i, c in enumerate(column):
            ax.text(5.4 + 0.7 * j, -i, c - r, ha="center", va="center", fontsize=13)
    for x, sign in ((0.8, "−"), (4.5, "=")):
        ax.text(x, -1, sign, ha="center", va="center", fontsize=15)
    for x, shape in ((0, "(3, 1)"), (2.65, "(4,)"), (6.45, "(3, 4)")):
        ax.text(x, -2.9, shape, ha="center", va="center", color=GREY)
    ax.set(xlim=(-0.7, 8.1), ylim=(-3.3, 0.5))
    ax.axis("off")

# %% [markdown]
# @exercise predict_shape
#
# X has shape (5, 3) and Y has shape (7, 3). Which shape has `X[:, None, :] - Y`?
#
# @options

# %% exercise="predict_shape"
predict_shape = ...
### BEGIN SOLUTION
predict_shape = "b"
### END SOLUTION

# %% [markdown]
# @exercise pairwise_distances
#
# Write `pairwise_distances(X, Y)`, for X of shape (n, d) and Y of shape (m, d): the straight-line distance of every row of X to every row of Y, shape (n, m). No Python loop over the rows, and no ready-made function of scipy or scikit-learn.
#
# The question above shows the way: all differences, shape (n, m, d), then the length of each. (If you know $|x - y|^2 = |x|^2 + |y|^2 - 2\,x \cdot y$: it saves memory. There, rounding can leave a tiny negative number under the root. Clip at 0 with `np.maximum`.)


# %% exercise="pairwise_distances"
def pairwise_distances(X, Y):
    """The distance of every row of X (n, d) to every row of Y (m, d): (n, m)."""
    ### BEGIN SOLUTION
    squares = (X**2).sum(axis=1)[:, None] + (Y**2).sum(axis=1) - 2 * X @ Y.T
    return np.sqrt(np.maximum(squares, 0))
    ### END SOLUTION


# %% [markdown]
# What does it buy? Here are all distances between 2,000 points and 2,000 others: a loop over the first fifty thousand pairs, and yours over all four million.

# %% tags=["nbval-ignore-output"]
import time

with needs("pairwise_distances"):
    rng = np.random.default_rng(0)
    here, there = rng.normal(size=(2, 2000, 3))
    start = time.perf_counter()
    for x in here[:25]:
        for y in there:
            sum((x - y) ** 2) ** 0.5
    loop = (time.perf_counter() - start) * 2000 / 25
    start = time.perf_counter()
    pairwise_distances(here, there)
    print(f"with loops, about {loop:5.1f} s   yours {time.perf_counter() - start:5.2f} s")

# %% [markdown]
# And it makes a classifier, without any training: a new digit is called what its nearest neighbour is called.

# %%
with needs("pairwise_distances"):
    known, new = digits.data[:1400], digits.data[1400:]
    nearest = pairwise_distances(new, known).argmin(axis=1)
    right = digits.target[nearest] == digits.target[1400:]
    print(f"{right.sum()} of {len(right)} new digits called right: {right.mean():.1%}")

# %% [markdown]
# Keep this number. The networks of the next notebooks have to work to beat it.
#
# One more drill. A transformer multiplies thousands of small matrices at once: a **batch**. In einsum the batch is one more letter, on both sides of the arrow.

# %% [markdown]
# @exercise batched_matmul
#
# Write `batched_matmul(A, B)`, for A of shape (b, n, m) and B of shape (b, m, p): the b products, shape (b, n, p), with one call of `np.einsum`, without `@` and `np.matmul`.


# %% exercise="batched_matmul"
def batched_matmul(A, B):
    """The product of each matrix of A (b, n, m) with its partner in B (b, m, p): (b, n, p)."""
    ### BEGIN SOLUTION
    return np.einsum("bij,bjk->bik", A, B)
    ### END SOLUTION


# %% [markdown]
# **A good place to rest.** You have projected, fitted a model, and compared thousands of vectors at once. About 45 minutes are behind you. What follows looks for the axes in which a map, or a picture, becomes easy.

# %% [markdown]
# ## 5. The same map in other axes
#
# *Goes with chapter 13, Change of basis.*
#
# Why this matters: most of the trouble with a matrix comes from looking at it in the wrong axes.
#
# Somebody else describes the plane by other basis vectors, the columns of P. Where they say (1, 0), you see the first column of P. So P translates **their** numbers into **yours**, and the inverse of P translates back.
#
# Below, A is a map that mixes x and y. On their axes, the lines through (1, 1) and (-1, 1), it does far less.

# %% tags=["nbval-ignore-output"]
with figure(
    "Left: the plain grid moved by A, with columns (1.5, 0.5) and (0.5, 1.5). Right: two other "
    "axes, with dots at (1, 1) and (-1, 1), which are called (1, 0) and (0, 1) there. A moves the "
    "first to twice its length and leaves the second where it is.",
    width=6.6,
    height=3.2,
    columns=2,
) as (left, right):
    A = np.array([[1.5, 0.5], [0.5, 1.5]])
    draw_grid(left, A, title="A in your axes")
    for p, colour, style in (([1, 1], BLUE, "-"), ([-1, 1], VERMILION, "--")):
        right.axline((0, 0), p, color=GREY, lw=0.8)
        draw_arrow(right, A @ p, colour, style)
        right.plot(*p, "o", color=colour)
    right.text(1.4, 0.2, "their (1, 0)\nbecomes\ntheir (2, 0)", color=BLUE, fontsize=9)
    right.text(-3.9, 0.6, "their (0, 1)\nstays", color=VERMILION, fontsize=9)
    right.set(xlim=(-4, 4), ylim=(-4, 4), aspect="equal", title="A on their axes")

# %% [markdown]
# In their numbers, A doubles the first and leaves the second. The same map, and nothing left to work out. Which matrix do they write down for it? It takes **their** numbers and gives **their** numbers, and all you have is A and P.

# %% [markdown]
# @exercise change_of_basis
#
# Write `change_of_basis(A, P)`: the matrix of the map A in the basis of P's columns. Both have shape (n, n), and `np.linalg.inv` is welcome. Follow one vector: their numbers, your numbers, moved, their numbers again. The first step stands on the right.


# %% exercise="change_of_basis"
def change_of_basis(A, P):
    """The map A (n, n), as it is written in the basis of P's columns (n, n)."""
    ### BEGIN SOLUTION
    return np.linalg.inv(P) @ A @ P
    ### END SOLUTION


# %%
with needs("change_of_basis"):
    P = np.array([[1.0, -1.0], [1.0, 1.0]])
    print(change_of_basis(np.array([[1.5, 0.5], [0.5, 1.5]]), P))

# %% [markdown]
# The map of the picture, in their numbers: twice the first, once the second.

# %% [markdown]
# ## 6. The lines that stay
#
# *Goes with chapter 14, Eigenvectors and eigenvalues.*
#
# Why this matters: the directions that a map only stretches tell what happens when it acts again and again.
#
# Those axes were no accident. A vector that A only stretches is an **eigenvector**: $Av = \lambda v$. The factor $\lambda$ is its **eigenvalue**. Its whole line stays in place, while other lines may turn.

# %% tags=["nbval-ignore-output"]
with figure(
    "The grid moved by the matrix with columns (2, 0) and (0.67, 1.33), before and after. Two "
    "dotted lines, through (1, 0) and (-1, 1), are at the same place in both pictures.",
    width=6.6,
    height=3.3,
    columns=2,
) as (before, after):
    A = np.array([[3.0, 1.0], [0.0, 2.0]]) / 1.5
    for ax, matrix, title in ((before, np.eye(2), "before"), (after, A, "after")):
        draw_grid(ax, matrix, title=title)
        for v in ([1, 0], [-1, 1]):
            ax.axline((0, 0), v, color=GREEN, ls=":", lw=3)

# %% [markdown]
# The green dotted lines are where they were: everything on them was stretched, nothing was turned.

# %% [markdown]
# @exercise predict_stays
#
# The shear with the columns (1, 0) and (1, 1): which lines through the origin does it leave in place?
#
# @options

# %% exercise="predict_stays"
predict_stays = ...
### BEGIN SOLUTION
predict_stays = "c"
### END SOLUTION

# %% [markdown]
# How to find an eigenvector? Let them compete. For most matrices any start is a mixture of eigenvectors, and each time you apply A, the part with the largest eigenvalue grows most. After a while nothing else is left.


# %% tags=["nbval-ignore-output"]
def show_steps(steps):
    A = np.array([[1.5, 0.5], [0.5, 1.5]])
    with figure(
        f"A vector that starts at (-1.6, 2.2) and is multiplied {steps} times by a matrix, brought "
        "back to length 2.7 each time: it turns towards the dotted line through (1, 1).",
        width=3.6,
        height=3.4,
    ) as ax:
        ax.axline((0, 0), (1, 1), color=GREEN, ls=":", lw=3)
        v = np.array([-1.6, 2.2])
        for step in range(steps + 1):
            draw_arrow(ax, v, VERMILION if step == steps else GREY)
            v = A @ v
            v = 2.7 * v / np.linalg.norm(v)
        ax.set(xlim=(-3, 3), ylim=(-3, 3), aspect="equal", title=f"after {steps} steps")


sliders(show_steps, steps=(0, 8, 1, 5))

# %% [markdown]
# The grey arrows are the steps before. With ipywidgets, the slider takes you through them one by one.

# %% [markdown]
# @exercise power_iteration
#
# Write `power_iteration(A)`. It returns two things: the eigenvalue of A (n, n) that is largest **in size**, and its eigenvector, shape (n,), of length 1. Don't use `np.linalg.eig` and its relatives, nor `svd`.
#
# - The start is drawn for you. A tidy one, such as all ones, may have no share of the eigenvector that you look for.
# - Multiply by A and bring the vector back to length 1, a hundred times.
# - The eigenvalue may be negative. For v of length 1 it is $v \cdot (Av)$. Either sign of the vector is right.


# %% exercise="power_iteration"
def power_iteration(A):
    """The eigenvalue of A (n, n) that is largest in size, and its eigenvector of length 1."""
    v = np.random.default_rng(0).normal(size=len(A))
    ### BEGIN SOLUTION
    for _ in range(100):
        v = A @ v
        v = v / np.linalg.norm(v)
    return v @ A @ v, v
    ### END SOLUTION


# %% [markdown]
# Now real data. In which direction do the 1,797 digits differ most? Take the mean away, multiply the transpose of the table with the table, and divide by the number of rows: in that matrix, 64 by 64, the entry (i, j) says how far pixels i and j vary together. Its first eigenvector is the direction of most variation, the **first principal component**.

# %% tags=["nbval-ignore-output"]
with needs("power_iteration"):
    centred = digits.data - digits.data.mean(axis=0)
    value, direction = power_iteration(centred.T @ centred / len(centred))
    along = centred @ direction
    ends = digits.data[[along.argmin(), along.argmax()]]
    with figure(
        "The first principal component as an 8 by 8 picture, in which orange and purple pixels "
        "pull in opposite directions; and the digits at its two ends, a four and a three.",
        width=5.2,
        height=1.9,
        columns=3,
    ) as (first, *rest):
        first.imshow(direction.reshape(8, 8), cmap="PuOr", vmin=-0.4, vmax=0.4)
        first.set_title("the direction", fontsize=9)
        first.axis("off")
        for ax, vector, title in zip(rest, ends, ("one end", "the other end")):
            show_digit(ax, vector, title)

# %% [markdown]
# One number for each digit, its place along this direction, and a four and a three are as far apart as digits get. The second eigenvalue is nine tenths of the first here, so it takes all hundred steps to settle.

# %% [markdown]
# ### Help: "my power iteration gives nan"
#
# The vector grew past what a float holds (about 1e308), or shrank to 0. Divide by its length at **every** step, not at the end only.

# %% [markdown]
# ## 7. A thousand steps at once
#
# *Goes with chapter 14.*
#
# Why this matters: a signal that passes the same matrix again and again, step after step or layer after layer, dies out, stays or explodes, and the eigenvalues say which.
#
# In the basis of its eigenvectors, if it has enough of them, a matrix only stretches: there it is **diagonal**, D, with numbers on the diagonal and zeros elsewhere. With the eigenvectors as columns of V, section 5 says $V^{-1} A V = D$, so
#
# $$A = V D V^{-1} \quad\text{and}\quad A^2 = V D V^{-1} \, V D V^{-1}$$
#
# in words: translate, stretch, translate back, and all of it again. What stands side by side in the middle? And what is left of it for $A^n$?

# %% [markdown]
# @exercise matrix_power
#
# Write `matrix_power(A, n)` for a whole number n of 0 or more, through `np.linalg.eig`, which returns the eigenvalues and, as columns, the eigenvectors. No multiplying step by step, and no `np.linalg.matrix_power`. The matrices of this exercise have real eigenvalues and enough eigenvectors. `np.diag` makes a diagonal matrix of a vector.


# %% exercise="matrix_power"
def matrix_power(A, n):
    """A (n, n) times itself, n times, through its eigenvectors."""
    values, V = np.linalg.eig(A)
    ### BEGIN SOLUTION
    return V @ np.diag(values**n) @ np.linalg.inv(V)
    ### END SOLUTION


# %% [markdown]
# The matrix A with the columns (0.7, 0.3) and (0.3, 0.7) has the eigenvalues 1 and 0.4. What are those of 0.9 A and of 1.1 A? Predict what 30 steps of each do to the length of (1, 0). Then run the cell.

# %% tags=["nbval-ignore-output"]
with needs("matrix_power"):
    start = np.array([1.0, 0.0])
    A = np.array([[0.7, 0.3], [0.3, 0.7]])
    kinds = (
        (0.9 * A, "0.9 A", BLUE, "-"),
        (A, "A", GREEN, ":"),
        (1.1 * A, "1.1 A", VERMILION, "--"),
    )
    with figure(
        "The length of a vector under 30 steps of three matrices. With 0.9 A it dies out, with A "
        "it settles at 0.7, with 1.1 A it grows ever faster.",
        width=5.2,
        height=2.6,
    ) as ax:
        for matrix, name, colour, style in kinds:
            lengths = [np.linalg.norm(matrix_power(matrix, n) @ start) for n in range(31)]
            ax.plot(lengths, style, color=colour, lw=2, label=name)
        ax.set(xlabel="steps", ylabel="length of the vector", ylim=(0, 8))
        ax.legend()

# %% [markdown]
# The largest eigenvalue decides: 0.9 dies out, 1 settles, 1.1 explodes (and leaves the picture before its 30 steps are done). You meet all three again wherever a network is deep.

# %% [markdown]
# ## 8. Keep what matters
#
# *Beyond the series: chapter 14's idea, for matrices of any shape.*
#
# Why this matters: large models are shrunk, and fine-tuned, by matrices of low rank.
#
# A matrix that is not square has no eigenvectors. But every matrix makes an ellipse of a circle (in more dimensions an ellipsoid, perhaps a flat one), and the axes of that ellipse tell all. The **singular value decomposition**, SVD, writes it as
#
# $$A = U S V^\top$$
#
# in words, from the right: turn ($V^\top$), stretch along the axes ($S$), turn ($U$). A turn may be a mirror, too. The factors of the stretch are the **singular values**, sorted from the largest. The null space of 01a is where they are 0.

# %% tags=["nbval-ignore-output"]
with figure(
    "A circle with two arrows at right angles, and the ellipse that a matrix makes of it. The "
    "arrows land on the long and the short half-axis of the ellipse, still at right angles.",
    width=6.4,
    height=2.9,
    columns=2,
) as (before, after):
    A = np.array([[2.0, 1.0], [0.5, 1.5]])
    U, s, Vt = np.linalg.svd(A)
    circle = np.array([np.cos(np.linspace(0, 7, 200)), np.sin(np.linspace(0, 7, 200))])
    for ax, matrix, title in ((before, np.eye(2), "before"), (after, A, "after")):
        ax.plot(*(matrix @ circle), color=GREY)
        draw_arrow(ax, matrix @ Vt[0], BLUE)
        draw_arrow(ax, matrix @ Vt[1], VERMILION, "--")
        ax.set(xlim=(-3, 3), ylim=(-2.2, 2.2), aspect="equal", title=title)
    after.text(-2.8, 1.75, f"half-axes {s[0]:.2f} and {s[1]:.2f}", fontsize=9)

# %% [markdown]
# So a matrix is a sum of simple parts, one for each singular value: $s_1 u_1 v_1^\top + s_2 u_2 v_2^\top + \dots$ The first part matters most, the last one least. Keep the first k, and you have the best approximation of **rank k** that there is. What is lost are the parts that you dropped.
#
# How large are they? Read a part as one long list of numbers: its length is $s_i$, and the dot product of two parts is 0. So the parts stand at right angles to each other.

# %% [markdown]
# @exercise predict_lost
#
# A matrix has the singular values 20, 9, 4 and 2. You keep the first two parts. Take the difference to the original, entry by entry, square the entries, add them up, take the root. What do you get?
#
# @options

# %% exercise="predict_lost"
predict_lost = ...
### BEGIN SOLUTION
predict_lost = "d"
### END SOLUTION

# %% [markdown]
# @exercise low_rank
#
# Write `low_rank(A, k)`: the best approximation of A (m, n) of rank k, of the same shape, for k from 1 to the smaller side. `np.linalg.svd` returns U, the singular values as a vector s, and Vt, already transposed. Watch the sides: parts are columns of U, and rows of Vt.


# %% exercise="low_rank"
def low_rank(A, k):
    """The matrix of rank k that is nearest to A (m, n): (m, n)."""
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    ### BEGIN SOLUTION
    return U[:, :k] * s[:k] @ Vt[:k]
    ### END SOLUTION


# %% [markdown]
# A digit, rebuilt from its largest singular values. How many does it take until you can read it?

# %% tags=["nbval-ignore-output"]
with needs("low_rank"):
    image = digits.images[2]
    shown = {f"rank {k}": low_rank(image, k) for k in (1, 2, 3, 5)} | {"original": image}
    with figure(
        "A handwritten two rebuilt with rank 1, 2, 3 and 5, and the original. Rank 1 is upright "
        "stripes; with 3 the two can be read; 5 is nearly the original.",
        width=7.0,
        height=1.7,
        columns=5,
    ) as axes:
        for ax, (title, picture) in zip(axes, shown.items()):
            show_digit(ax, picture, title)

# %%
with needs("low_rank"):
    image = digits.images[2]
    s = np.linalg.svd(image, compute_uv=False)
    print("singular values:", s.round(1))
    for k in (1, 2, 3, 5):
        error = np.linalg.norm(image - low_rank(image, k))
        print(
            f"rank {k}: error {error:6.3f}   from the dropped values {np.sqrt(sum(s[k:] ** 2)):6.3f}"
        )

# %% [markdown]
# The two columns agree: the error is what was dropped, by Pythagoras.
#
# A larger table shows what this is good for. All 1,797 digits together are a table of 115,008 numbers. Keep k directions, and each digit is k numbers instead of 64. The picture is for k = 12; the slider takes you from 1 to 40.


# %% tags=["nbval-ignore-output"]
def show_kept(k):
    U, s, Vt = np.linalg.svd(digits.data, full_matrices=False)
    kept = (U[:6, :k] * s[:k]) @ Vt[:k]
    share = (s[:k] ** 2).sum() / (s**2).sum()
    with figure(
        f"Six digits rebuilt from {k} of 64 directions: {share:.0%} of the table's squared size "
        "is kept.",
        width=7.0,
        height=1.5,
        columns=6,
    ) as axes:
        for ax, vector in zip(axes, kept):
            show_digit(ax, vector)
        axes[0].set_title(f"{k} numbers each, {share:.0%} kept", fontsize=9, loc="left")


sliders(show_kept, k=(1, 40, 1, 12))

# %% [markdown]
# ## What you can do now
#
# - Find the nearest point of a line or a span, and fit a linear model with it.
# - Compare thousands of vectors at once, by angle or by distance, without a loop.
# - Write a map in other axes, and say in which order to translate.
# - Find the direction in which a map, or a table of data, is longest.
# - Rebuild a matrix from its largest singular values, and say what is lost.
#
# ### The page to come back to
#
# | piece | what it says | in one line |
# |---|---|---|
# | projection | nearest point; the rest is at right angles | `B @ np.linalg.solve(B.T @ B, B.T @ v)` |
# | least squares | the best weights | `np.linalg.solve(X.T @ X, X.T @ y)` |
# | cosine | alike, whatever the length | `B @ a / (norm(a) * norm(B, axis=1))` |
# | broadcasting | shapes flush right, 1 stretches | `X[:, None, :] - Y` |
# | batch | one more letter on both sides | `"bij,bjk->bik"` |
# | change of basis | translate, move, translate back | `inv(P) @ A @ P` |
# | eigenvector | stays on its line | `A @ v == value * v` |
# | power | stretch n times | `V @ np.diag(values**n) @ inv(V)` |
# | SVD | turn, stretch, turn | `U[:, :k] * s[:k] @ Vt[:k]` |
#
# ### What comes next
#
# In 02 a linear map gets a bend, and becomes a network with thousands of dials. The digits come along, and nearest neighbours are what it has to beat.
#
# ### Three to read on
#
# - [Mathematics for Machine Learning](https://mml-book.github.io/), Deisenroth, Faisal and Ong: chapters 3, 4 and 10 go on from here, to principal components.
# - [The fundamental theorem of linear algebra](https://doi.org/10.2307/2324660), Strang, 1993: four spaces and one picture, in eight pages.
# - [LoRA: low-rank adaptation of large language models](https://arxiv.org/abs/2106.09685), Hu et al., 2021: section 8 of this notebook, at the size of a language model.

# %% tags=["nbval-ignore-output"]
status()
