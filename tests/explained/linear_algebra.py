"""01a and 01b: linear algebra."""

from __future__ import annotations

from explained import changed

NULL = "Vt[rank(A) :].T"
TWO = "return v @ A @ v, v"
WRONG = (
    changed(
        "apply",
        "Your code raised ValueError: matmul: Input operand 1 has a mismatch in its core dimension",
        ("points @ A.T", "points @ points"),
    ),
    changed(
        "matmul",
        "Your code raised IndexError: index 2 is out of bounds for axis 0 with size 2. Your line: "
        "`C[i, j] += A[i][n - k] * B[k][j]`.",
        ("A[i][k]", "A[i][n - k]"),
    ),
    changed(
        "matmul_einsum",
        "Your code raised ValueError: einstein sum subscripts string contains too many subscripts "
        'for operand 0. Your line: `return np.einsum("ikl,kj->ij", A, B)` A and B have two axes',
        ('"ik,kj->ij"', '"ikl,kj->ij"'),
    ),
    changed(
        "solve",
        "The matrix is singular, and no ValueError is raised. Test each pivot's size against 1e-10",
        ("< 1e-10", "== 0"),
    ),
    changed(
        "solve",
        "Your code raised ValueError: operands could not be broadcast together with shapes (3,) ",
        ("M[k, k] * M[k]", "M[k, k] * M[:, k]"),
    ),
    changed(
        "inverse",
        "The matrix is singular, and no ValueError is raised. Your own `solve` raises it.",
        (
            "np.column_stack([solve(A, e) for e in np.eye(len(A))])",
            "np.linalg.solve(A, np.eye(len(A)))",
        ),
    ),
    changed(
        "inverse",
        "Your code raised ValueError: all the input array dimensions except for the concatenation",
        ("np.eye(len(A))", "np.eye(len(A) + 1)"),
    ),
    changed("null_space", "It should return an array of shape (3, 1)", (NULL, "[A[0], 1]")),
    changed("null_space", "The result contains NaN or infinity", (NULL, f"{NULL} * np.nan")),
    changed(
        "null_space",
        "The result has shape (2, 1). Expected is one basis vector a column, so (3, 1)",
        (NULL, f"{NULL}[1:]"),
    ),
    changed("null_space", "It gives 3 vectors, expected 1: the number of columns", (NULL, "Vt.T")),
    changed(
        "null_space",
        "A does not send these vectors to zero: A @ N should be all zeros",
        (NULL, "Vt[: len(Vt) - rank(A)].T"),
    ),
    changed(
        "project",
        "Your code raised ValueError: solve1: Input operand 1 has a mismatch in its core dimension",
        ("B.T @ v)", "v)"),
    ),
    changed("least_squares", "It returns several things. One array", ("return np", "return X, np")),
    changed(
        "least_squares",
        "The matrix to undo is singular, and XᵀX is not, with X as it comes. Did X get a second",
        ("X.T @ X", "np.cov(X - X.mean(axis=0))"),
        ("X.T @ y", "y"),
    ),
    changed(
        "least_squares",
        "Your code raised ValueError: matmul: Input operand 1 has a mismatch in its core dimension",
        ("X.T @ y", "X @ y"),
    ),
    changed(
        "cosine_similarity",
        "Your code raised ValueError: matmul: Input operand 1 has a mismatch in its core dimension",
        ("B @ a", "B @ a[None]"),
    ),
    changed("pairwise_distances", "It returns None: is a return missing?", ("return ", "")),
    changed(
        "pairwise_distances",
        "The distances have shape (3,), expected (4, 3): a row for each row of X",
        ("np.maximum(squares, 0)", "np.maximum(squares, 0).sum(axis=0)"),
    ),
    changed(
        "batched_matmul",
        "Your code raised ValueError: operand has more dimensions than subscripts given in einstein"
        " sum, but no '...' ellipsis provided to broadcast the extra dimensions. Shapes of the "
        'arrays here: (4, 2, 3), (4, 3, 5). Your line: `return np.einsum("ij,jk->ik", A, B)` A '
        "and B have three axes each, so three letters each before the arrow.",
        ('"bij,bjk->bik"', '"ij,jk->ik"'),
    ),
    changed("power_iteration", "Return two things: the eigenvalue and", (TWO, "return v")),
    changed(
        "power_iteration",
        "The eigenvalue should be one number, and it has shape (3,). The dot product v · (A v)",
        (TWO, "return A @ v, v"),
    ),
    changed(
        "power_iteration",
        "The eigenvector has shape (2,), expected (3,)",
        (TWO, "return v @ A @ v, v[:-1]"),
    ),
    changed(
        "power_iteration",
        "The vector is no eigenvector: A turns it. Multiply by A at each step, many times",
        ("v = A @ v", "v = np.cross(A[0], v) if len(v) == 3 else A @ v"),
    ),
    changed(
        "low_rank",
        "Your code raised ValueError: operands could not be broadcast together with shapes (4,2) ",
        ("s[:k] @", "s @"),
    ),
)
