"""02a, 02b and 03: networks, gradient descent and backpropagation."""

from __future__ import annotations

from explained import changed

UNTRAINED = ("net = train(fresh, X_train", "net = fresh  # train(fresh, X_train")
WRONG = (
    changed(
        "sigmoid",
        "It gives NaN (not a number), as 0 divided by 0 or infinity by infinity does",
        ("small / (1 + small))", "small / (1 + small)) * np.nan"),
    ),
    changed(
        "numerical_gradient",
        "The slopes have shape (1, 3), expected (3,): one for each number in x",
        ("return slopes", "return slopes[None]"),
    ),
    changed(
        "numerical_gradient",
        "The slopes are close, and not close enough: take h near 1e-5",
        ("0.00001", "0.03"),
    ),
    changed(
        "gradient_descent",
        "The path has 2 entries, expected 7: are both `append` lines",
        ("        path.append(x)\n        costs.append(f(x))\n", ""),
        ("    return path", "    path.append(x)\n    costs.append(f(x))\n    return path"),
    ),
    changed(
        "gradient_descent",
        "With steps=6 the path has 13 entries, expected 7: the start, then one",
        ("path.append(x)", "path.extend([x, x])"),
    ),
    changed(
        "gradient_descent",
        "With steps=6 the costs have 6 entries, expected 7: the start, then one",
        ("costs = [x], [f(x)]", "costs = [x], []"),
    ),
    changed(
        "mlp_gradients",
        "`dW` of layer 2 of 2 has shape (12, 3), expected (6, 3)",
        ("dW = h.T @ d", "dW = np.vstack([h.T @ d] * 2)"),
    ),
    changed(
        "mlp_gradients",
        "On the way back, the first gradient that differs is `dW` of layer 2 of 2",
        ("dW = h.T @ d", "dW = 0.3 * h.T @ d"),
    ),
    changed(
        "gates",
        "At a tie, give what arrives to one of the two inputs",
        (
            "(dz, 0.0) if x >= y else (0.0, dz)",
            "(dz, 0.0) if x > y else (0.0, dz) if y > x else (3 * dz, 0.0)",
        ),
    ),
    changed("gates", "The z of `add_gate` is not x + y", ("z = x + y", "z = x - 2 * y")),
    changed(
        "gates",
        "The `dx` of `max_gate` is True. Multiply it by what arrives: `dz`",
        ("return (dz, 0.0) if x >= y else (0.0, dz)", "return x > y, y > x"),
    ),
    changed(
        "gates",
        "The `dy` of `mul_gate` is not its slope by y times what arrives. If y rises by 0.01",
        ("y * dz, x * dz", "y * dz, 7 * dz"),
    ),
    changed("gates", "`dx` is None", ("y * dz, x * dz", "None, x * dz")),
    changed(
        "gates",
        "`dx` has shape (1,), expected a number",
        ("y * dz, x * dz", "np.array([y * dz]), x * dz"),
    ),
    changed("sigmoid_neuron", "`dw` is None", ("return f, dw", "return f, None")),
    changed(
        "sigmoid_neuron",
        "`dx` has shape (1, 2), expected shape (2,)",
        ("w[:-1] * ddot", "w[None, :-1] * ddot"),
    ),
    changed(
        "sigmoid_neuron",
        "`f` is another value than expected.",
        ("f = 1 / (1 + np.exp(-dot))", "f = 3 / (1 + np.exp(-dot))"),
    ),
    changed(
        "affine_forward",
        "`out` is transposed: its shape is (3, 4), expected (4, 3)",
        ("return out,", "return out.T,"),
    ),
    changed(
        "affine_backward",
        "`db` is another value than expected. `dx` and `dw` are right",
        ("dout.sum(axis=0)", "7 * dout.sum(axis=0)"),
    ),
    changed(
        "affine_backward",
        "`dx` contains NaN (not a number)",
        ("(dout @ w.T)", "(dout @ w.T * np.nan)"),
    ),
    changed(
        "relu_backward",
        "Where x is 0, send back `dout`, or 0, or something between the two",
        ("(cache > 0)", "np.where(cache == 0, -3, cache > 0)"),
    ),
    changed(
        "relu_backward",
        "Where x is -0.5 and 0.9 arrives, it sends back 0.27. Where x is negative, none does",
        ("(cache > 0)", "np.where(cache > 0, 1, 0.3)"),
    ),
    changed(
        "relu_backward",
        "Where x is 1.25 and 0.8 arrives, it sends back 0.56. Where x is positive, all "
        "of it passes",
        ("(cache > 0)", "np.where(cache > 0, 0.7, 0)"),
    ),
    changed(
        "softmax_loss",
        "`loss` has shape (4, 3), expected a number",
        ("-np.log(right).mean()", "-np.log(p)"),
    ),
    changed(
        "softmax_loss",
        "`dx` is another value than expected. `loss` is right",
        ("dx[each, y] -= 1", "dx[each, y] -= 0.7"),
    ),
    changed(
        "softmax_loss",
        "`dx` is transposed: its shape is (3, 4), expected (4, 3)",
        ("dx = dx / len(y)", "dx = dx.T / len(y)"),
    ),
    changed(
        "gradient_check",
        "It should return one number: the largest relative error",
        ("return worst", "return [worst]"),
    ),
    changed(
        "gradient_check",
        "It should return the largest relative error itself, not whether it is small",
        ("return worst", "return bool(worst < 1e-4)"),
    ),
    changed(
        "gradient_check", "It returns NaN (not a number)", ("return worst", "return worst * np.nan")
    ),
    changed(
        "gradient_check",
        "This gradient is right: its error is below 0.0001, and it returns 0.0065",
        ("abs(a) + abs(n)", "min(a, n)"),
    ),
    changed(
        "gradient_check",
        "This gradient is half again too large in one entry, so the largest relative error is 0.2",
        ("abs(a) + abs(n)", "100"),
    ),
    changed(
        "train_digits",
        "`train` works. Your net gets 75.5% of the held-out digits right, and 95% are asked for:",
        ("epochs=60", "epochs=1"),
    ),
    changed(
        "train_digits",
        "The trained parameters contain NaN or infinity",
        UNTRAINED,
        ("W - lr * dW, b", "W - lr * dW * np.nan, b"),
    ),
    changed(
        "train_digits",
        "The trained parameters have other shapes than those that came in",
        UNTRAINED,
        ("return params", "return params[:1]"),
    ),
    changed(
        "train_digits",
        "With 6 examples, batch_size=2, epochs=1, every example is used as often as it should",
        UNTRAINED,
        ("lr * dW, b - lr", "lr * 10 * dW, b - 10 * lr"),
    ),
)
