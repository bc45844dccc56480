"""05 and 06: language models and the transformer."""

from __future__ import annotations

from explained import changed, written

TABLE = "shape_table = {**shape_table, "
OUT = "return weights @ v, weights"
WRONG = (
    changed(
        "tokenizer",
        "Trained with vocab_size=262, your id 256 stands for 'kj', which is there 9 times; the",
        (
            "max(counts, key=counts.get)",
            "sorted(counts, key=counts.get)[-2] if len(counts) > 3 else max(counts, "
            "key=counts.get)",
        ),
    ),
    changed(
        "tokenizer",
        "Trained with vocab_size=262, decode([256]) gives '�-', which no pair of the text makes;",
        ("self.vocab[pair[0]] + self.vocab[pair[1]]", 'self.vocab[pair[0]] + b"-"'),
    ),
    changed(
        "tokenizer",
        "Trained with vocab_size=262, it should know the ids up to 261, and it can't decode",
        ("range(256, vocab_size)", "range(256, vocab_size - 1)"),
    ),
    changed(
        "tokenizer",
        "Trained with vocab_size=262, it encodes its own training text as 59 ids, expected 60",
        ("        return ids\n\n    def decode", "        return ids[1:]\n\n    def decode"),
    ),
    changed(
        "tokenizer",
        "Trained with vocab_size=270, decode([260]) gives 'at', which no pair of the text makes;",
        ('errors="replace")', 'errors="replace").rstrip()'),
    ),
    changed(
        "sample",
        "In 500 draws, token 1 comes 89% of the time, expected about 75%",
        ("/ temperature", "/ temperature**1.5"),
    ),
    changed(
        "sample",
        "It returns 5, and the tokens are 0 to 3",
        ("return int(rng", "return 3 + int(rng"),
    ),
    changed(
        "fit_power_law", "Return three numbers: a, alpha, floor", ("return best", "return [best]")
    ),
    changed(
        "fit_power_law",
        "Your curve with a = 67.37, alpha = 0.5206, floor = 1.263 misses the point at n = 1530:",
        ("return best", "return 1.1 * best[0], best[1], best[2]"),
    ),
    changed(
        "fit_power_law",
        "Your curve with a = 10.63, alpha = 0.3695, floor = 1.52 goes through the points, and",
        ("np.linspace(0, np.min(loss), 1000, endpoint=False)", "[0.9 * np.min(loss)]"),
    ),
    changed(
        "fit_power_law",
        "Your curve with a = 47.05, alpha = 0.4846, floor = 1.237 goes through the points, and",
        (
            "np.linspace(0, np.min(loss), 1000, endpoint=False)",
            "np.linspace(0, np.min(loss), 9, endpoint=False)",
        ),
    ),
    changed(
        "render_chat",
        "4 messages went in, and the reader finds 2 turns",
        ("in messages", "in messages[:2]"),
    ),
    changed(
        "render_chat",
        "2 messages went in, and the reader finds 0 turns",
        ("{message['role']}", "{message['role'].upper()}"),
    ),
    changed(
        "render_chat",
        "The reader understands it, but the format is another: '<|system|>\\nYou are a helpful",
        ("<|end|>\\n", "<|end|>\\n\\n"),
    ),
    written(
        "look_up_by_hand",
        "`out` should hold 2 numbers",
        "look_up_by_hand = {**look_up_by_hand, 'out': [1.0]}",
    ),
    written(
        "look_up_by_hand",
        "`scores`: right; `weights`: right; `out`: not right yet. Mend the first that is not",
        "look_up_by_hand = {**look_up_by_hand, 'out': [1.0, 1.5]}",
    ),
    changed(
        "scaled_dot_product_attention",
        "The two results are swapped: return `out, weights`, in this order",
        (OUT, "return weights, weights @ v"),
    ),
    changed(
        "scaled_dot_product_attention",
        "The weights have shape (3,), expected (3, 5): one row for each query, one column for",
        (OUT, "return weights @ v, weights.mean(-1)"),
    ),
    changed(
        "scaled_dot_product_attention",
        "The weights are right, `out` is not: it is the weights times the values",
        (OUT, "return weights @ v * 1.3, weights"),
    ),
    changed(
        "scaled_dot_product_attention",
        "The weights of a row don't add up to 1 (a row without a True: to 0)",
        (OUT, "return weights @ v, weights / 2"),
    ),
    changed(
        "scaled_dot_product_attention",
        "The weights contain NaN",
        (OUT, "return weights @ v, weights * np.nan"),
    ),
    changed(
        "scaled_dot_product_attention",
        "With a mask all weights are 0, also where it is True. Is it read one way before the",
        (
            "masked_softmax(scores, mask)",
            "masked_softmax(scores, mask if mask is None else ~mask) * (1 if mask is None "
            "else mask)",
        ),
    ),
    changed(
        "scaled_dot_product_attention",
        "NaN for large scores: e to a large number is infinite. Use the `softmax` of this",
        (
            "weights = masked_softmax(scores, mask)",
            "e = np.exp(scores)\n    weights = e / e.sum(axis=-1, keepdims=True) if mask is "
            "None else masked_softmax(scores, mask)",
        ),
    ),
    written(
        "shape_table",
        "Not right: q. Right: q in heads, scores, out in heads, merged, causal mask",
        TABLE + "'q': (2, 5, 13)}",
    ),
    changed(
        "split_heads",
        "`split_heads` returns None: is a return missing?",
        ("return x.reshape", "x.reshape"),
    ),
    changed(
        "split_heads",
        "`split_heads` gives shape (2, 3, 5, 3), expected (2, 3, 5, 4)",
        (
            ".swapaxes(1, 2)\n    ### END SOLUTION\n\n\ndef",
            "[..., 1:].swapaxes(1, 2)\n    ### END SOLUTION\n\n\ndef",
        ),
    ),
    changed(
        "split_heads",
        "`split_heads` has the right shape, with numbers in the wrong places",
        (
            ".swapaxes(1, 2)\n    ### END SOLUTION\n\n\ndef",
            "[:, ::-1].swapaxes(1, 2)\n    ### END SOLUTION\n\n\ndef",
        ),
    ),
    changed(
        "split_heads",
        "`merge_heads` has the right shape, with numbers in the wrong places",
        ("T, H * D)", "T, H * D) * 2"),
    ),
    changed(
        "render_chat",
        "The message 'You are a helpful assistant.' reads back as 'you are a helpful assistant.'",
        ("{content}", "{content.lower()}"),
    ),
    changed(
        "tokenizer",
        "decode([255]) gives '\\\\xff', expected '�'",
        ('errors="replace")', 'errors="backslashreplace")'),
    ),
)
