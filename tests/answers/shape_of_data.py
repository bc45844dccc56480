"""Other right answers to 01b_shape_of_data."""

FUNCTIONS = {
    "project": [
        """
def project(v, onto):
    if onto.ndim == 1:
        return np.dot(v, onto) / np.dot(onto, onto) * onto
    return onto @ np.linalg.inv(onto.T @ onto) @ onto.T @ v
""",
        """
def project(v, onto):
    B = onto[:, None] if onto.ndim == 1 else onto
    Q, _ = np.linalg.qr(B)
    return Q @ (Q.T @ v)
""",
        """
def project(v, onto):
    B = np.array(onto, dtype=float).reshape(len(v), -1)
    return list(B @ np.linalg.lstsq(B, v, rcond=None)[0])
""",
    ],
    "least_squares": [
        # Downhill, step by step.
        """
def least_squares(X, y):
    w = np.zeros(X.shape[1])
    rate = 1 / np.linalg.eigvalsh(X.T @ X).max()
    for _ in range(5000):
        w = w - rate * X.T @ (X @ w - y)
    return w
""",
        """
def least_squares(X, y):
    return np.linalg.inv(X.T @ X) @ X.T @ y
""",
        """
def least_squares(X, y):
    Q, R = np.linalg.qr(X)
    return np.linalg.solve(R, Q.T @ y)
""",
        """
def least_squares(X, y):
    U, s, Vt = np.linalg.svd(X, full_matrices=False)
    return (Vt.T @ ((U.T @ y) / s)).tolist()
""",
    ],
    "cosine_similarity": [
        """
def cosine_similarity(a, B):
    a = a / np.sqrt((a * a).sum())
    B = B / np.sqrt((B * B).sum(axis=1, keepdims=True))
    return B @ a
""",
        """
def cosine_similarity(a, B):
    return [np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b)) for b in B]
""",
    ],
    "pairwise_distances": [
        """
def pairwise_distances(X, Y):
    return np.sqrt(((X[:, None, :] - Y[None, :, :]) ** 2).sum(-1))
""",
        """
def pairwise_distances(X, Y):
    return np.linalg.norm(X[:, np.newaxis] - Y, axis=2)
""",
        """
def pairwise_distances(X, Y):
    XX = np.einsum("nd,nd->n", X, X)[:, None]
    YY = np.einsum("md,md->m", Y, Y)[None, :]
    return np.clip(XX + YY - 2 * np.einsum("nd,md->nm", X, Y), 0, None) ** 0.5
""",
    ],
    "batched_matmul": [
        """
def batched_matmul(A, B):
    return np.einsum("...ij,...jk->...ik", A, B)
""",
        """
def batched_matmul(A, B):
    return (A[:, :, :, None] * B[:, None]).sum(2)
""",
    ],
    "change_of_basis": [
        """
def change_of_basis(A, P):
    return np.linalg.solve(P, A @ P)
""",
        """
def change_of_basis(A, P):
    return np.linalg.multi_dot([np.linalg.inv(P), A, P]).tolist()
""",
    ],
    "power_iteration": [
        # Until it settles, with the Rayleigh quotient, and the other sign.
        """
def power_iteration(A):
    v = np.random.rand(A.shape[0])
    value = 0.0
    for _ in range(10000):
        w = A @ v
        w = w / np.linalg.norm(w)
        new = (w @ A @ w) / (w @ w)
        if abs(new - value) < 1e-12 * abs(new):
            break
        v, value = w, new
    return new, -w
""",
        # By the largest entry, brought to length 1 at the end; arrays with one column.
        """
def power_iteration(A):
    rng = np.random.default_rng(3)
    v = rng.normal(size=(len(A), 1))
    for _ in range(60):
        v = A @ v
        v = v / np.abs(v).max()
    v = v / np.linalg.norm(v)
    return (v.T @ A @ v).item(), v[:, 0]
""",
    ],
    "matrix_power": [
        # By squaring again and again.
        """
def matrix_power(A, n):
    result, square = np.eye(len(A)), np.array(A, dtype=float)
    while n:
        if n % 2:
            result = result @ square
        square, n = square @ square, n // 2
    return result
""",
        """
def matrix_power(A, n):
    w, V = np.linalg.eig(A)
    return (V * w**n) @ np.linalg.inv(V)
""",
        """
def matrix_power(A, n):
    values, V = np.linalg.eig(np.asarray(A, dtype=float))
    D = np.diag([value**n for value in values])
    return np.linalg.solve(V.T, (V @ D).T).T
""",
    ],
    "low_rank": [
        """
def low_rank(A, k):
    U, s, Vt = np.linalg.svd(A)
    return U[:, :k] @ np.diag(s[:k]) @ Vt[:k, :]
""",
        """
def low_rank(A, k):
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    return sum(s[i] * np.outer(U[:, i], Vt[i]) for i in range(k))
""",
        """
def low_rank(A, k):
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    s[k:] = 0
    return (U * s) @ Vt
""",
    ],
}
