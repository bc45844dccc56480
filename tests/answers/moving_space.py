"""Other right answers to 01a_moving_space: other loops, other pivots, other decompositions."""

FUNCTIONS = {
    "linear_combination": [
        """
def linear_combination(coefficients, vectors):
    return np.asarray(coefficients) @ vectors
""",
        """
def linear_combination(coefficients, vectors):
    result = []
    for j in range(len(vectors[0])):
        result.append(sum(coefficients[i] * vectors[i][j] for i in range(len(vectors))))
    return result
""",
        """
def linear_combination(coefficients, vectors):
    return np.float32(np.einsum("k,kn->n", coefficients, vectors))
""",
    ],
    "is_in_span": [
        # The rank does not grow.
        """
def is_in_span(vectors, target):
    with_target = np.vstack([vectors, target])
    return np.linalg.matrix_rank(with_target) == np.linalg.matrix_rank(vectors)
""",
        # Nothing is left over after taking out each direction (Gram and Schmidt).
        """
def is_in_span(vectors, target):
    scale = max(1e-9, np.abs(target).max())
    basis = []
    for v in [np.array(v, float) for v in vectors]:
        size = np.linalg.norm(v)
        for _ in range(2):
            for b in basis:
                v = v - (v @ b) * b
        if np.linalg.norm(v) > 1e-9 * size:
            basis.append(v / np.linalg.norm(v))
    rest = np.array(target, float)
    for b in basis:
        rest = rest - (rest @ b) * b
    if np.linalg.norm(rest) < 1e-8 * scale:
        return True
    else:
        return False
""",
        # With the pseudo-inverse.
        """
def is_in_span(vectors, target):
    if vectors.shape[0] == 0:
        return not np.any(target)
    V = vectors.T
    return np.allclose(V @ np.linalg.pinv(V) @ target, target)
""",
    ],
    "matrix_from_columns": [
        """
def matrix_from_columns(images_of_basis):
    return np.array(images_of_basis).T
""",
        """
def matrix_from_columns(images_of_basis):
    return [list(row) for row in zip(*images_of_basis)]
""",
        """
def matrix_from_columns(images_of_basis):
    m, n = len(images_of_basis[0]), len(images_of_basis)
    A = np.zeros((m, n))
    for j, image in enumerate(images_of_basis):
        A[:, j] = image
    return A
""",
    ],
    "rotation": [
        """
def rotation(theta):
    import math
    return [[math.cos(theta), -math.sin(theta)], [math.sin(theta), math.cos(theta)]]
""",
        """
def rotation(theta):
    c, s = torch_free = np.cos(theta), np.sin(theta)
    return np.array([[c, -s], [s, c]], dtype=np.float32)
""",
    ],
    "shear": [
        """
def shear(k):
    return np.eye(2) + k * np.outer([1, 0], [0, 1])
""",
        """
def shear(k):
    return [[1, k], [0, 1]]
""",
    ],
    "apply": [
        """
def apply(A, points):
    return (A @ points.T).T
""",
        """
def apply(A, points):
    return [A @ p for p in points]
""",
        """
def apply(A, points):
    return np.einsum("mn,Nn->Nm", A, points)
""",
    ],
    "matmul": [
        """
def matmul(A, B):
    return [[sum(a * b for a, b in zip(row, col)) for col in zip(*B)] for row in A]
""",
        """
def matmul(A, B):
    C = np.zeros((A.shape[0], B.shape[1]))
    for i in range(A.shape[0]):
        for j in range(B.shape[1]):
            C[i, j] = np.sum(A[i, :] * B[:, j])
    return C
""",
        """
def matmul(A, B):
    total = 0
    for k in range(A.shape[1]):
        total = total + np.outer(A[:, k], B[k])
    return total
""",
    ],
    "matmul_einsum": [
        """
def matmul_einsum(A, B):
    return np.einsum("ij,jk", A, B)
""",
        """
def matmul_einsum(A, B):
    return np.einsum(A, [0, 1], B, [1, 2], [0, 2])
""",
    ],
    "determinant": [
        # Swaps only where it must, on lists.
        """
def determinant(A):
    M = [[float(x) for x in row] for row in A]
    n, det = len(M), 1.0
    for i in range(n):
        p = next((r for r in range(i, n) if abs(M[r][i]) > 1e-12), None)
        if p is None:
            return 0
        if p != i:
            M[i], M[p] = M[p], M[i]
            det *= -1
        det *= M[i][i]
        for r in range(i + 1, n):
            f = M[r][i] / M[i][i]
            M[r] = [x - f * y for x, y in zip(M[r], M[i])]
    return det
""",
        # By cofactors.
        """
def determinant(A):
    A = np.asarray(A, dtype=float)
    if len(A) == 1:
        return A[0, 0]
    total = 0.0
    for j in range(len(A)):
        minor = np.delete(A[1:], j, axis=1)
        total += (-1) ** j * A[0, j] * determinant(minor)
    return total
""",
        # Through the eigenvalues.
        """
def determinant(A):
    return np.prod(np.linalg.eigvals(A)).real
""",
    ],
    "solve": [
        # By Cramer's rule.
        """
def solve(A, b):
    whole = determinant(A)
    if abs(whole) < 1e-9:
        raise ValueError("singular")
    x = []
    for j in range(len(A)):
        B = np.array(A, dtype=float)
        B[:, j] = b
        x.append(determinant(B) / whole)
    return x
""",
        # Forward, then back substitution.
        """
def solve(A, b):
    U, y = np.array(A, dtype=float), np.array(b, dtype=float)
    n = len(y)
    for k in range(n):
        p = max(range(k, n), key=lambda r: abs(U[r, k]))
        if abs(U[p, k]) < 1e-10:
            raise np.linalg.LinAlgError("Singular matrix")
        if p != k:
            U[[k, p]], y[[k, p]] = U[[p, k]], y[[p, k]]
        for i in range(k + 1, n):
            f = U[i, k] / U[k, k]
            U[i, k:] -= f * U[k, k:]
            y[i] -= f * y[k]
    x = np.zeros(n)
    for i in reversed(range(n)):
        x[i] = (y[i] - U[i, i + 1:] @ x[i + 1:]) / U[i, i]
    return x
""",
        # Lists all the way.
        """
def solve(A, b):
    n = len(A)
    M = [[float(v) for v in A[i]] + [float(b[i])] for i in range(n)]
    for c in range(n):
        best = c
        for r in range(c + 1, n):
            if abs(M[r][c]) > abs(M[best][c]):
                best = r
        M[c], M[best] = M[best], M[c]
        if abs(M[c][c]) < 1e-10:
            raise ValueError("singular")
        M[c] = [v / M[c][c] for v in M[c]]
        for r in range(n):
            if r != c:
                M[r] = [v - M[r][c] * w for v, w in zip(M[r], M[c])]
    return [row[-1] for row in M]
""",
    ],
    "inverse": [
        # Gauss and Jordan beside the identity.
        """
def inverse(A):
    n = len(A)
    M = np.hstack([np.asarray(A, dtype=float), np.eye(n)])
    for k in range(n):
        p = k + np.abs(M[k:, k]).argmax()
        if abs(M[p, k]) < 1e-10:
            raise ValueError("singular")
        M[[k, p]] = M[[p, k]]
        M[k] /= M[k, k]
        for i in range(n):
            if i != k:
                M[i] -= M[i, k] * M[k]
    return M[:, n:]
""",
        """
def inverse(A):
    n = len(A)
    rows = [solve(A, [float(i == j) for i in range(n)]) for j in range(n)]
    return np.array(rows).T
""",
    ],
    "rank": [
        """
def rank(A):
    s = np.linalg.svd(A, compute_uv=False)
    return np.sum(s > 1e-10 * s.max())
""",
        """
def rank(A):
    rows, r = [np.array(row, float) for row in A], 0
    limit = 1e-10 * max(abs(x) for row in rows for x in row)
    for j in range(len(rows[0])):
        rows.sort(key=lambda row: 0)
        rest = rows[r:]
        if not rest:
            break
        p = max(range(len(rest)), key=lambda i: abs(rest[i][j]))
        if abs(rest[p][j]) <= limit:
            continue
        rows[r], rows[r + p] = rows[r + p], rows[r]
        for i in range(r + 1, len(rows)):
            rows[i] = rows[i] - rows[i][j] / rows[r][j] * rows[r]
        r += 1
    return r
""",
    ],
    "null_space": [
        # Another basis, of the other sign and turned.
        """
def null_space(A):
    U, s, Vt = np.linalg.svd(A)
    N = -Vt[np.linalg.matrix_rank(A):].T
    if N.shape[1] > 1:
        c, d = np.cos(0.4), np.sin(0.4)
        N[:, :2] = N[:, :2] @ np.array([[c, -d], [d, c]])
    return N
""",
        # Through the eigenvectors of the square.
        """
def null_space(A):
    A = np.asarray(A, float)
    values, vectors = np.linalg.eigh(A.T @ A)
    return vectors[:, values < 1e-10 * values.max()]
""",
        """
def null_space(A):
    Q, R = np.linalg.qr(np.asarray(A, float).T, mode="complete")
    return np.linalg.svd(A)[2][rank(A):].T
""",
    ],
}
