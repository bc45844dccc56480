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
from autograder.plots import BLUE, GREY, VERMILION, draw_arrow, draw_grid, sliders

np.set_printoptions(precision=3, suppress=True)

# %% [markdown]
# ## 1. A picture is a list of numbers
#
# *Goes with chapter 1, Vectors.*
#
# Why this matters: every model takes its data as lists of numbers, whatever they were before.
#
# Here are three handwritten digits. Each is 8 by 8 pixels, and each pixel is a brightness from 0 to 16. Read the pixels row by row, and a digit becomes a list of 64 numbers: a **vector**, a list of numbers with which you can do two things: add two of them entry by entry and scale one by a number.

# %%
digits = load_digits()
three, eight, one = digits.data[3], digits.data[8], digits.data[1]
print("one digit:", three.shape, " all of them:", digits.data.shape)
print("row 3 of the first:", three[16:24])


# %% tags=["nbval-ignore-output"]
def show_digit(ax, vector, title=""):
    """Draw a vector of 64 numbers as the 8 by 8 picture that it is."""
    ax.imshow(np.reshape(vector, (8, 8)), cmap="gray", vmin=0, vmax=16)
    ax.set_title(title, fontsize=9)
    ax.axis("off")


with figure(
    "Three grey pictures of 8 by 8 pixels: a handwritten 3, an 8 and a 1.",
    width=5.2,
    height=1.8,
    columns=3,
) as axes:
    for ax, vector, title in zip(axes, (three, eight, one), ("three", "eight", "one")):
        show_digit(ax, vector, title)

# %% [markdown]
# Scale and add, and nothing else: that is a **linear combination**. With **coefficients** $c_1, \dots, c_k$, the numbers to scale by,
#
# $$c_1 v_1 + c_2 v_2 + \dots + c_k v_k$$
#
# in words: take so much of each vector, and add up what you took.

# %% [markdown]
# @exercise linear_combination
#
# Write `linear_combination(coefficients, vectors)`. `coefficients` holds k numbers. `vectors` is an array of shape (k, n), one vector a row. It returns the combination: one vector of n numbers. Write the line in the loop.


# %% exercise="linear_combination"
def linear_combination(coefficients, vectors):
    """So much of each vector, added up. coefficients: (k,), vectors: (k, n); returns (n,)."""
    total = np.zeros(len(vectors[0]))
    for c, v in zip(coefficients, vectors):
        ### BEGIN SOLUTION
        total = total + c * v
        ### END SOLUTION
    return total


# %% [markdown]
# Pictures can be added like any other vector. Before you look: what do you expect of half a three and half an eight? And of an eight **minus** a three?

# %% tags=["nbval-ignore-output"]
with needs("linear_combination"):
    pair = np.array([three, eight])
    mixes = {
        "½ three + ½ eight": linear_combination([0.5, 0.5], pair),
        "0.2 three + 0.8 eight": linear_combination([0.2, 0.8], pair),
        "eight - three": linear_combination([-1, 1], pair),
    }
    with figure(
        "Two mixtures of the three and the eight, in which both shapes show through; and the "
        "eight minus the three, bright at its lower left and upper right.",
        width=5.2,
        height=1.8,
        columns=3,
    ) as axes:
        for ax, (title, vector) in zip(axes, mixes.items()):
            show_digit(ax, vector, title)

# %% [markdown]
# The last picture is bright where the eight has more ink than the three, and black everywhere else.

# %% [markdown]
# ## 2. What can be reached
#
# *Goes with chapter 2, Linear combinations, span, and basis vectors.*
#
# Why this matters: a model can only answer with what its building blocks reach, however well it is trained.
#
# All combinations of some vectors together are their **span**: everything that they reach. Two arrows in the plane show what it looks like. The dots are combinations with whole coefficients.

# %% tags=["nbval-ignore-output"]
with figure(
    "Left: two arrows in different directions. The dots of their combinations fill the plane as a "
    "slanted grid. Right: two arrows on one line. All dots lie on that line.",
    width=6.4,
    height=3.0,
    columns=2,
) as axes:
    for ax, v, w in ((axes[0], [1, 0.5], [-0.5, 1]), (axes[1], [1, 0.5], [-1.5, -0.75])):
        for c in range(-6, 7):
            for d in range(-6, 7):
                ax.plot(*(c * np.array(v) + d * np.array(w)), ".", color=GREY, ms=4)
        draw_arrow(ax, v, BLUE)
        draw_arrow(ax, w, VERMILION, "--")
        ax.set(xlim=(-4, 4), ylim=(-4, 4), aspect="equal")
    axes[0].set_title("two directions: the plane", fontsize=10)
    axes[1].set_title("one direction: a line", fontsize=10)

# %% [markdown]
# @exercise predict_combination
#
# Take three vectors in space, (1, -2, 0), (-2, 4, 0) and (0, 0, 1), with any coefficients, positive or negative. What do all their combinations together make?
#
# @options
#
# Decide before you compute. Then assign your letter, as a string.

# %% exercise="predict_combination"
predict_combination = ...
### BEGIN SOLUTION
predict_combination = "b"
### END SOLUTION

# %% [markdown]
# @exercise is_in_span
#
# Write `is_in_span(vectors, target)`: `True` if `target` is a linear combination of the rows of `vectors`, otherwise `False`.
#
# Two things are given. With no vectors at all, only the zero vector is in reach. And `np.linalg.lstsq` finds the coefficients whose combination comes **nearest** to the target, also where rows repeat a direction; in 01b you find out how. One question is left to you: is nearest near enough? Computers round, so ask `np.allclose(u, v)`: it says whether two vectors agree up to rounding.


# %% exercise="is_in_span"
def is_in_span(vectors, target):
    """Whether target (n,) is a linear combination of the rows of vectors (k, n): True or False."""
    if len(vectors) == 0:
        return bool(np.allclose(target, 0))
    # the nearest there is, even when the target is out of reach
    best = np.linalg.lstsq(vectors.T, target, rcond=None)[0]
    ### BEGIN SOLUTION
    return bool(np.allclose(linear_combination(best, vectors), target))
    ### END SOLUTION


# %% [markdown]
# Ask it about digits. Ten of them as building blocks: is a mixture in their span? And an eleventh digit?

# %%
with needs("is_in_span"):
    blocks = digits.data[:10]
    print("a mixture of two of the ten:", is_in_span(blocks, 0.3 * blocks[2] + 0.7 * blocks[5]))
    print("an eleventh digit:          ", is_in_span(blocks, digits.data[10]))
    print("the same, with 300 blocks:  ", is_in_span(digits.data[20:320], digits.data[10]))

# %% [markdown]
# Ten pictures reach only a thin slice of all pictures. Three hundred of them reach far more, and a new digit is made of old ones to the last pixel.

# %% [markdown]
# ## 3. A matrix says where the basis lands
#
# *Goes with chapter 3, Linear transformations and matrices.*
#
# Why this matters: a layer of a network is a matrix. If you see what a matrix does, you see what a layer does.
#
# Move the whole plane, so that grid lines stay straight, parallel and evenly spaced, and the origin stays where it is. That is a **linear map**. The place where a vector lands is its **image**. How much do you have to know, to know the image of **every** point?
#
# Only two things. The **basis vectors** (1, 0) and (0, 1) reach every point: (x, y) is x times the first and y times the second. So (x, y) lands at x times the image of the first plus y times the image of the second. Write the two images side by side, as **columns**: that is a **matrix**.
#
# In n dimensions there are n basis vectors, each with a single 1. Their images may have another length m: then the map leads into another space, and the matrix has m rows and n columns.

# %% tags=["nbval-ignore-output"]
with figure(
    "Left: the plain grid, with (1, 0) and (0, 1) marked. Right: the grid moved. (1, 0) has "
    "landed at (2, 1) and (0, 1) at (-1, 1); the lines are still straight, parallel and evenly "
    "spaced.",
    width=6.6,
    height=3.3,
    columns=2,
) as (before, after):
    draw_grid(before, np.eye(2), title="before")
    draw_grid(after, [[2, -1], [1, 1]], title="after: columns (2, 1) and (-1, 1)")

# %% [markdown]
# Blue and solid is where (1, 0) lands: the first column. Orange and dashed is where (0, 1) lands: the second. Every grid picture in this notebook is marked like this.

# %% [markdown]
# @exercise matrix_from_columns
#
# Write `matrix_from_columns(images_of_basis)`. It gets a list of n vectors of m numbers each, the images in order, and returns the matrix, of shape (m, n). (`np.array` of a list of vectors makes them **rows**.)


# %% exercise="matrix_from_columns"
def matrix_from_columns(images_of_basis):
    """The matrix whose j-th column is the image of the j-th basis vector: (m, n)."""
    ### BEGIN SOLUTION
    return np.column_stack(images_of_basis)
    ### END SOLUTION


# %% [markdown]
# Now make two maps that you can name. Don't look the matrices up: ask where the basis vectors land.

# %% [markdown]
# @exercise rotation
#
# Write `rotation(theta)`: the 2 by 2 matrix that turns the plane by `theta` radians about the origin, against the clock, so that (1, 0) sets out towards (0, 1). The image of (1, 0) is (cos, sin). Where is the image of (0, 1)?


# %% exercise="rotation"
def rotation(theta):
    """The 2 by 2 matrix that turns the plane by theta radians, against the clock."""
    cos, sin = np.cos(theta), np.sin(theta)
    ### BEGIN SOLUTION
    return matrix_from_columns([[cos, sin], [-sin, cos]])
    ### END SOLUTION


# %% [markdown]
# @exercise shear
#
# Write `shear(k)`: the map that slants the plane sideways. (1, 0) stays, (0, 1) goes to (k, 1).


# %% exercise="shear"
def shear(k):
    """The 2 by 2 matrix that leaves (1, 0) and sends (0, 1) to (k, 1)."""
    ### BEGIN SOLUTION
    return matrix_from_columns([[1, 0], [k, 1]])
    ### END SOLUTION


# %% tags=["nbval-ignore-output"]
with needs("rotation", "shear"):
    with figure(
        "Left: your rotation by 40 degrees. Both columns have length 1 and stand at a right "
        "angle. Right: your shear by 1. The first column has stayed, the second leans to the "
        "right.",
        width=5.2,
        height=2.6,
        columns=2,
    ) as (left, right):
        draw_grid(left, rotation(np.radians(40)), title="rotation(40 degrees)")
        draw_grid(right, shear(1.0), title="shear(1)")

# %% [markdown]
# Turn all four dials of a matrix yourself: with ipywidgets, the picture comes with a slider for each entry. Find a setting that flattens the plane onto a line. What do the columns do then?


# %% tags=["nbval-ignore-output"]
def show_matrix(a, b, c, d):
    with figure(
        f"The grid moved by the matrix with the first column ({a:g}, {c:g}) and the second column "
        f"({b:g}, {d:g}).",
        width=3.6,
        height=3.6,
    ) as ax:
        draw_grid(ax, [[a, b], [c, d]], title=f"columns ({a:g}, {c:g}) and ({b:g}, {d:g})")


sliders(
    show_matrix,
    a=(-2.0, 2.0, 0.25, 1.0),
    b=(-2.0, 2.0, 0.25, 0.5),
    c=(-2.0, 2.0, 0.25, 0.5),
    d=(-2.0, 2.0, 0.25, 1.0),
)

# %% [markdown]
# ## 4. Move many points
#
# *Goes with chapters 3 and 5.*
#
# Why this matters: data come as tables, one example a row, and a map has to move all rows at once.
#
# `A @ p` moves one point p: so much of each column as p says. In data, points stand as **rows** of an array, and `A @ points` does not do what you want. One transpose does.

# %% [markdown]
# @exercise apply
#
# Write `apply(A, points)`. A has shape (m, n). `points` has shape (N, n), one point a **row**. It returns the moved points in the same form, shape (N, m).


# %% exercise="apply"
def apply(A, points):
    """Move every row of points (N, n) by A (m, n): returns (N, m)."""
    ### BEGIN SOLUTION
    return points @ A.T
    ### END SOLUTION


# %% [markdown]
# ### Help: "matmul: Input operand 1 has a mismatch in its core dimension"
#
# The inner sizes have to agree: (N, **n**) @ (**n**, m). Write down both shapes, and ask which of them you have to transpose. With square matrices the wrong side raises nothing, and gives wrong numbers.

# %% [markdown]
# Now move a digit. Its bright pixels are points in the plane, and your maps turn and slant them.

# %% tags=["nbval-ignore-output"]
with needs("apply", "rotation", "shear"):
    rows, columns = np.nonzero(digits.images[3] > 5)
    points = np.column_stack([columns - 3.5, 3.5 - rows])
    strengths = digits.images[3][rows, columns]
    moved = {
        "as written": points,
        "turned by 30 degrees": apply(rotation(np.radians(30)), points),
        "slanted by 0.6": apply(shear(0.6), points),
    }
    with figure(
        "The pixels of a handwritten three as dots: as written, turned by 30 degrees against the "
        "clock, and slanted to the right.",
        width=6.6,
        height=2.4,
        columns=3,
    ) as axes:
        for ax, (title, places) in zip(axes, moved.items()):
            ax.scatter(*places.T, c=strengths, cmap="Blues", vmin=0, vmax=16, s=60, marker="s")
            ax.set(xlim=(-6, 6), ylim=(-6, 6), aspect="equal")
            ax.set_title(title, fontsize=9)

# %% [markdown]
# The same two functions make new training data from old: a slanted three is still a three.

# %% [markdown]
# ## 5. One after the other
#
# *Goes with chapter 4, Matrix multiplication as composition.*
#
# Why this matters: a deep network is maps one after the other, and a product of matrices is exactly that.

# %% [markdown]
# @exercise predict_first
#
# `R` is a rotation and `S` a shear. In `S @ R @ p`, which of the two moves the point p first, and does the order matter?
#
# @options

# %% exercise="predict_first"
predict_first = ...
### BEGIN SOLUTION
predict_first = "c"
### END SOLUTION

# %% tags=["nbval-ignore-output"]
R, S = np.array([[0.0, -1.0], [1.0, 0.0]]), np.array([[1.0, 1.0], [0.0, 1.0]])
with figure(
    "Two moved grids. For S @ R the columns are at (1, 1) and (-1, 0); for R @ S they are at "
    "(0, 1) and (-1, 1).",
    width=6.6,
    height=3.3,
    columns=2,
) as (left, right):
    draw_grid(left, S @ R, title="S @ R")
    draw_grid(right, R @ S, title="R @ S")

# %% [markdown]
# R is a quarter turn, and S slants by 1. Follow (1, 0) on the left: R turns it to (0, 1), and S slants that to (1, 1). (Python works from the left, `(S @ R) @ p`, and gets the same as `S @ (R @ p)`: the point still meets R first.)
#
# Two maps one after the other are one map, so they have one matrix: the **product** of the two. Its columns are again images. B sends the j-th basis vector to the j-th column of B, and A moves that on. So entry (i, j) of the product is
#
# $$(AB)_{ij} = \sum_k A_{ik} B_{kj}$$
#
# in words: go along row i of A and down column j of B, multiply in pairs, add up.

# %% [markdown]
# @exercise matmul
#
# Write `matmul(A, B)` with loops, for A of shape (m, n) and B of shape (n, p). Two loops are given, over all entries of the result. Write the third, which adds up one entry. This once, leave `@`, `np.dot` and `np.matmul` alone.


# %% exercise="matmul"
def matmul(A, B):
    """The product of A (m, n) and B (n, p), with loops: (m, p)."""
    m, n, p = len(A), len(B), len(B[0])
    C = np.zeros((m, p))
    for i in range(m):
        for j in range(p):
            ### BEGIN SOLUTION
            for k in range(n):
                C[i, j] += A[i][k] * B[k][j]
            ### END SOLUTION
    return C


# %% [markdown]
# Three loops for one formula: sums over shared letters are so common that numpy has a language for them. In `np.einsum`, you name the axes of each array with letters, and those of the result after an arrow. A letter that is missing after the arrow is summed over.
#
# | in words | einsum |
# |---|---|
# | add up all entries of x | `"i->"` |
# | the transpose of A | `"ij->ji"` |
# | A times a vector x | `"ij,j->i"` |
# | every product of an entry of x with one of y | `"i,j->ij"` |

# %% [markdown]
# @exercise matmul_einsum
#
# Write `matmul_einsum(A, B)`: the same product, as one call of `np.einsum`. Again without `@`, `np.dot` and any `matmul`.


# %% exercise="matmul_einsum"
def matmul_einsum(A, B):
    """The product of A (m, n) and B (n, p), with np.einsum: (m, p)."""
    ### BEGIN SOLUTION
    return np.einsum("ik,kj->ij", A, B)
    ### END SOLUTION


# %% tags=["nbval-ignore-output"]
import time

with needs("matmul", "matmul_einsum"):
    A, B = np.random.default_rng(0).normal(size=(2, 60, 60))
    products = {"loops": matmul, "einsum": matmul_einsum, "@": lambda A, B: A @ B}
    for name, product in products.items():
        start = time.perf_counter()
        product(A, B)
        print(f"{name:8} {1000 * (time.perf_counter() - start):8.2f} ms for 60 by 60")

# %% [markdown]
# The loops do the same sums, one at a time, in Python. From here on you use `@`, and know what it does.
#
# **A good place to rest.** You can read a matrix, move data with it, and chain two maps. About 50 minutes are behind you. What follows measures a map, and runs it backwards.

# %% [markdown]
# ## 6. How much does it stretch?
#
# *Goes with chapter 6, The determinant.*
#
# Why this matters: one number says whether a map can be undone at all.
#
# Every region of the plane changes its area by the **same** factor, as all grid cells change alike. That factor is the **determinant**. Look at the shaded square: it had area 1 before.

# %% tags=["nbval-ignore-output"]
with figure(
    "Three moved grids with the unit square shaded. Columns (2, 0) and (0.5, 1.5): area 3. "
    "Columns (0, 1) and (1, 0): area 1, turned over, so the determinant is -1. Columns (2, 1) and "
    "(-1, -0.5): everything on one line, determinant 0.",
    width=7.4,
    height=2.7,
    columns=3,
) as axes:
    for ax, matrix in zip(axes, ([[2, 0.5], [0, 1.5]], [[0, 1], [1, 0]], [[2, -1], [1, -0.5]])):
        title = f"determinant {np.linalg.det(matrix):.0f}".replace("-0", "0")
        draw_grid(ax, matrix, title=title, square=True)

# %% [markdown]
# In the middle, blue and orange have changed sides: the plane is **turned over**, like a sheet of paper, and the determinant is negative. On the right it is flat: the determinant is 0, and there is no way back.

# %% [markdown]
# @exercise predict_area
#
# First you stretch the plane by 3 in the direction of x. Then you mirror it at the x-axis. What is the determinant of both together?
#
# @options

# %% exercise="predict_area"
predict_area = ...
### BEGIN SOLUTION
predict_area = "d"
### END SOLUTION

# %% [markdown]
# How to get it for any size? Make the matrix simpler, and watch the area. A change of **rows** is one more map that acts after A, so you know what it does:
#
# - **Subtracting a multiple of one row from another** is a shear: the area stays.
# - **Swapping two rows** turns space over: the sign flips.
# - Once there are only zeros below the diagonal, the area is the product of the diagonal, width times height: a side that leans over changes neither.
#
# So go column by column. The number on the diagonal is the **pivot**. Clear what is below it: subtract multiples of its row. That is **Gaussian elimination**.
#
# | start | subtract 2 times row 1 from row 2 | the diagonal |
# |---|---|---|
# | 1  3 | 1  3 | 1 · (-2) |
# | 2  4 | 0  -2 | = -2 |
#
# A pivot of 0 clears nothing. So first look down this column, from the diagonal on, and swap the row with the largest number (in size) up to the diagonal. Why the largest, the next exercise says.

# %% [markdown]
# @exercise determinant
#
# Write `determinant(A)` by elimination, for A of shape (n, n), without `np.linalg.det`. The frame works on a copy that holds fractions, finds the row of the pivot, and swaps it up. You write the two steps after the swap.


# %% exercise="determinant"
def determinant(A):
    """The factor by which A (n, n) changes areas and volumes, sign included: a number."""
    U, sign = np.array(A, dtype=float), 1.0
    n = len(U)
    for k in range(n):
        p = k + np.argmax(np.abs(U[k:, k]))  # looks from row k down
        if U[p, k] == 0:
            return 0.0  # nothing but zeros is left in this column
        U[[k, p]] = U[[p, k]]  # rows k and p change places
        # 1. If p is another row than k: flip the sign.
        # 2. Clear column k below row k, with multiples of row k.
        ### BEGIN SOLUTION
        if p != k:
            sign = -sign
        for i in range(k + 1, n):
            U[i] -= U[i, k] / U[k, k] * U[k]
        ### END SOLUTION
    return sign * np.prod(np.diag(U))


# %% [markdown]
# ### Help: "the result is nan"
#
# Something was divided by 0. After the swap the pivot is `U[k, k]`; what stood there before is in row p, and may be 0.

# %%
with needs("determinant", "rotation", "shear"):
    print(f"a rotation:          {determinant(rotation(0.7)):.3f}")
    print(f"a shear:             {determinant(shear(5.0)):.3f}")
    print(f"stretch, then turn:  {determinant(rotation(0.7) @ np.diag([3.0, 1.0])):.3f}")
    print(f"columns on one line: {determinant([[2.0, -1.0], [1.0, -0.5]]):.3f}")

# %% [markdown]
# Turning and slanting leave areas alone, and the factors of two maps multiply.

# %% [markdown]
# ## 7. Run it backwards
#
# *Goes with chapter 7, Inverse matrices, column space and null space.*
#
# Why this matters: to find the cause of what you see is to solve $Ax = b$. Which x does A send to b?
#
# Read $Ax = b$ as one equation for each row. Three things leave the solution as it is: swapping two equations, multiplying one by a number other than 0, and adding a multiple of one to another, each **on both sides**. So put b beside A as one more column, and eliminate as before, but clear the column **above** the diagonal as well. In the end each row says pivot · x = number.

# %% [markdown]
# @exercise solve
#
# Write `solve(A, b)`, for A of shape (n, n) and b of shape (n,), by elimination. It returns x of shape (n,) with `A @ x` equal to b. Don't use `np.linalg.solve`, `inv`, `pinv` or `lstsq`.
#
# The frame swaps up the largest number, as before. This is called **pivoting**: it saves you from dividing by 0, and by something tiny, which would blow up what rounding leaves. If even this pivot is below 1e-10 in size, the matrix is **singular**: it flattens space and can't be undone. Then raise `ValueError`.


# %% exercise="solve"
def solve(A, b):
    """The x with A @ x = b, for A (n, n) and b (n,). A singular A raises ValueError."""
    M = np.column_stack([A, b]).astype(float)  # b is column n
    n = len(M)
    for k in range(n):
        p = k + np.argmax(np.abs(M[k:, k]))
        M[[k, p]] = M[[p, k]]
        # 1. If the pivot M[k, k] is too small in size, raise ValueError.
        # 2. Clear column k in every row but row k.
        ### BEGIN SOLUTION
        if abs(M[k, k]) < 1e-10:
            raise ValueError("the matrix is singular")
        for i in range(n):
            if i != k:
                M[i] -= M[i, k] / M[k, k] * M[k]
        ### END SOLUTION
    return M[:, n] / np.diag(M)


# %% [markdown]
# Use it on a picture. Somebody mixed three digits and does not say how much of each. Three pixels are enough to find out: three equations, three unknown amounts.

# %% tags=["nbval-ignore-output"]
secret = 0.25 * digits.data[3] + 0.6 * digits.data[8] + 0.15 * digits.data[1]
with figure(
    "A blurred grey picture in which an eight, a three and a one lie over each other.",
    width=2.0,
    height=2.0,
) as ax:
    show_digit(ax, secret, "a mixture")

# %%
with needs("solve"):
    pixels = [19, 26, 60]
    A = np.column_stack([digits.data[d][pixels] for d in (3, 8, 1)])
    print("three, eight and one at three pixels:\n", A)
    print("amounts of three, eight and one:", solve(A, secret[pixels]).round(6))

# %% [markdown]
# Sixty-four pixels were more than you needed. What if there are too many equations, and noise, so that no answer fits them all? 01b begins there.
#
# The map that undoes A is linear, too, so it has a matrix: the **inverse**. You know how to find a matrix: ask where the basis vectors land. (They are the rows of `np.eye(n)`.)

# %% [markdown]
# @exercise inverse
#
# Write `inverse(A)`, for A of shape (n, n), with your own `solve`. A singular matrix raises `ValueError`, which your `solve` does for you. Leave `np.linalg.inv` and `pinv` alone.


# %% exercise="inverse"
def inverse(A):
    """The matrix that undoes A (n, n). A singular A raises ValueError."""
    ### BEGIN SOLUTION
    return np.column_stack([solve(A, e) for e in np.eye(len(A))])
    ### END SOLUTION


# %% tags=["nbval-ignore-output"]
with needs("inverse"):
    M = np.array([[2.0, -1.0], [1.0, 1.0]])
    with figure(
        "Three grids: moved by a matrix, moved by its inverse, and moved by both one after the "
        "other, which is the plain grid again.",
        width=7.4,
        height=2.7,
        columns=3,
    ) as axes:
        for ax, matrix, title in zip(
            axes, (M, inverse(M), inverse(M) @ M), ("A", "inverse", "A, then the inverse")
        ):
            draw_grid(ax, matrix, title=title)

# %% [markdown]
# ### Help: "my inverse is right for some matrices and wrong for others"
#
# It is right for **symmetric** matrices, those that equal their transpose. Look at another one. Each solution is a **column** of the inverse; `np.array([...])` of the solutions makes them rows.

# %% [markdown]
# ## 8. What is lost
#
# *Goes with chapters 7 and 8.*
#
# Why this matters: what a layer flattens, no later layer can bring back.
#
# A map that flattens the plane onto a line sends many points to the same place. The number of directions that are left is the map's **rank**. The points that land on the origin make its **null space**: the directions that are lost.

# %% tags=["nbval-ignore-output"]
with figure(
    "Left: the plain grid with the line through (1, 2) dotted. Right: moved by the matrix with "
    "columns (2, 1) and (-1, -0.5), the whole grid lies on one line, and the dotted line has "
    "shrunk into the origin.",
    width=6.6,
    height=3.3,
    columns=2,
) as (before, after):
    flat = np.array([[2, -1], [1, -0.5]])
    lost = np.array([1, 2])[:, None] * np.linspace(-1.8, 1.8, 9)
    for ax, matrix, title in ((before, np.eye(2), "before"), (after, flat, "after: rank 1")):
        draw_grid(ax, matrix, title=title)
        ax.plot(*(matrix @ lost), "o", color="black", ms=4)

# %% [markdown]
# The black dots on the left all fall on the origin on the right: (1, 2) is in the null space. Two directions came in, one is left, one is lost. For every matrix, rank and lost directions add up to the number of columns.

# %% [markdown]
# @exercise rank
#
# Write `rank(A)` for A of any shape (m, n): eliminate, and count the pivots. Don't use `np.linalg.matrix_rank`.
#
# After rounding, what should be 0 is about 1e-16. So a pivot counts only if its size is above `tolerance`. A column without a pivot is skipped, and row r waits for the next column. So the pivot stands at `U[r, column]`, and from the first skipped column on that is off the diagonal.


# %% exercise="rank"
def rank(A):
    """How many directions A (m, n) leaves: a whole number."""
    U = np.array(A, dtype=float)
    m, n = U.shape
    tolerance = 1e-10 * np.abs(U).max()
    r = 0  # pivots so far: also the row where the next one belongs
    for column in range(n):
        if r == m:
            break  # all rows are used up
        p = r + np.argmax(np.abs(U[r:, column]))
        U[[r, p]] = U[[p, r]]
        # 1. No pivot at U[r, column]? On to the next column.
        # 2. Otherwise clear this column below row r, and count the pivot.
        ### BEGIN SOLUTION
        if abs(U[r, column]) <= tolerance:
            continue
        for i in range(r + 1, m):
            U[i] -= U[i, column] / U[r, column] * U[r]
        r += 1
        ### END SOLUTION
    return r


# %% [markdown]
# @exercise null_space
#
# Write `null_space(A)`: an **orthonormal basis** of the directions that A sends to zero, as the columns of an array of shape (n, n - rank). A basis is as few vectors as span all of it; orthonormal ones have length 1 and stand at right angles. Any such basis will do. Where nothing is lost, the array has shape (n, 0).
#
# `np.linalg.svd` does the work: the **rows** of `Vt` are directions at right angles, sorted from the most stretched to the lost. The first `rank(A)` of them are kept. 01b shows what else `svd` returns.


# %% exercise="null_space"
def null_space(A):
    """An orthonormal basis of what A (m, n) sends to zero, as columns: (n, n - rank)."""
    _, _, Vt = np.linalg.svd(A)
    ### BEGIN SOLUTION
    return Vt[rank(A) :].T
    ### END SOLUTION


# %% [markdown]
# Ask a real question of it. The first 400 digits, of 64 pixels each: how many of the 64 directions do they use? Guess before you run.

# %%
with needs("rank", "null_space"):
    some = digits.data[:400]
    print("directions used:", rank(some), "of", some.shape[1])
    lost = null_space(some)
    never = np.flatnonzero(np.abs(lost).sum(axis=1) > 1e-8)
    print("pixels in the lost directions:", never)
    print("their largest brightness:     ", some[:, never].max(axis=0))

# %% [markdown]
# The lost directions are pixels that nobody inked in these 400 digits, corners and edges of the picture. A model learns nothing about them, whatever it is shown.

# %% [markdown]
# ## What you can do now
#
# - Say what a matrix does by looking at its columns.
# - Move a table of points, and know on which side the matrix stands.
# - Chain maps, in loops and in einsum, and say which acts first.
# - Measure a map by its determinant, and undo it by elimination.
# - Say what a map loses: its rank, and a basis of its null space.
#
# ### The page to come back to
#
# | piece | what it says | in one line |
# |---|---|---|
# | combination | so much of each vector | `coefficients @ vectors` (vectors as rows) |
# | matrix | its columns are the images of the basis vectors | `np.column_stack(images)` |
# | moving rows | points as rows, from the right | `points @ A.T` |
# | product | B first, then A | `A @ B`, `"ik,kj->ij"` |
# | determinant | factor of area; 0 means flat | `sign * np.prod(np.diag(U))` |
# | solve | which x is sent to b? | eliminate A and b together, with pivoting |
# | rank | directions that are left | pivots above the tolerance |
# | null space | directions that are lost | `Vt[rank(A):].T` |
#
# ### What comes next
#
# In 01b you turn to data: the nearest point when none fits, distances of many vectors at once, the lines that a map leaves in place, and the few directions that a picture is made of.
#
# ### Three to read on
#
# - [Introduction to Linear Algebra](https://math.mit.edu/~gs/linearalgebra/), Strang: elimination, and the four subspaces of a matrix. Chapters 2 and 3 cover the ground of this notebook.
# - [Immersive Linear Algebra](https://immersivemath.com/ila/), Ström, Åström and Akenine-Möller: a free book whose figures you can take in your hand.
# - [Einsum is all you need](https://rockt.ai/2018/04/30/einsum), Rocktäschel, 2018: einsum from the first letter to deep learning.

# %% tags=["nbval-ignore-output"]
status()
