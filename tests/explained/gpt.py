"""07: the GPT, piece by piece."""

from __future__ import annotations

from explained import beside, changed

ENCODE = "[place[c] for c in s]"
X = "x = torch.stack([data[i : i + block_size] for i in starts])"
Y = "y = torch.stack([data[i + 1 : i + block_size + 1] for i in starts])"
STARTS = "torch.randint(len(data) - block_size, (batch_size,))"
LOGITS = "logits = self.scores(x)"
WRONG = (
    changed(
        "encode_decode",
        "`encode` gives 10 numbers for 9 characters",
        (ENCODE, "[place[c] for c in s] + [0]"),
    ),
    changed(
        "encode_decode",
        "`encode` should give each character its place in `chars`, counted from 0",
        (ENCODE, "[len(chars) - 1 - place[c] for c in s]"),
    ),
    changed(
        "get_batch",
        "`x` has the shape (5, 6), expected (5, 7): batch_size rows of block_size numbers, both",
        ("return x, y", "return x[:, :-1], y"),
    ),
    changed(
        "get_batch",
        "`y` has the shape (5, 6), expected (5, 7): the shape of x",
        ("return x, y", "return x, y[:, :-1]"),
    ),
    changed(
        "get_batch",
        "These are no whole numbers any more: torch.stack keeps the type of `data`",
        ("return x, y", "return x.float(), y.float()"),
    ),
    changed(
        "get_batch",
        "A row of x is no window of `data`: it should be block_size numbers in a row, as they",
        ("return x, y", "return x.flip(1), y"),
    ),
    changed(
        "get_batch",
        "`y` should hold, at each place, the number that comes after the one in x",
        (Y, "y = torch.stack([data[i + 1 : i + block_size + 1].flip(0) for i in starts])"),
    ),
    changed(
        "get_batch",
        "Windows begin at 2 to 5; every place from 0 to 5 should occur",
        (
            STARTS,
            "torch.randint(min(2, len(data) - block_size - 1), len(data) - block_size, "
            "(batch_size,))",
        ),
    ),
    changed(
        "bigram_model",
        "The logits at a place should be one row of a table of vocab_size rows and vocab_size",
        ("logits = self.table(idx)", "logits = self.table(idx).flip(1)"),
    ),
    changed(
        "bigram_model",
        "The loss is 4.119, and the cross-entropy of these logits with the targets is 3.119",
        ("targets.view(B * T))", "targets.view(B * T)) + 1"),
    ),
    changed(
        "bigram_model",
        "Without targets the logits have the shape (3, 7, 11), expected (3, 8, 11): (B, T,",
        ("return logits, loss", "return logits[:, :-1], loss"),
    ),
    changed(
        "estimate_loss",
        "The model is given 400 windows, expected all 470, once each",
        ("n, 200)", "n - 200, 200)"),
    ),
    changed(
        "estimate_loss", "It should return one number", ("return total / n", "return [total / n]")
    ),
    changed(
        "estimate_loss",
        "It returns 6.6480, and the mean over all windows is 2.8240",
        ("return total / n", "return 2 * total / n + 1"),
    ),
    changed(
        "generate",
        "From a prompt of shape (3, 2) and 9 new numbers comes the shape (3, 10), expected (3,",
        ("return idx", "return idx[:, :-1]"),
    ),
    changed(
        "generate",
        "Over 2,000 draws the five numbers come up with shares 0.26, 0.06, 0.05, 0.52, 0.12; the",
        (
            "p = F.softmax(logits[:, -1, :], dim=-1)",
            "p = F.softmax(logits[:, -1, :] * 1.5, dim=-1)",
        ),
    ),
    changed(
        "generate",
        "The model should be given the last block_size numbers, once for each new one",
        ("[:, -block_size:]", "[:, -block_size + 1 :]"),
    ),
    changed(
        "generate",
        "It changes the prompt that it is given: `torch.cat` makes a new tensor",
        ("return idx", "before[:, 0] = 0\n    return idx"),
        ("    for _ in", "    before = idx\n    for _ in"),
    ),
    changed(
        "averaging",
        "`average_matmul` gives the shape (2, 4, 3), expected (2, 5, 3)",
        ("return weights @ x\n\n\ndef", "return (weights @ x)[:, 1:]\n\n\ndef"),
    ),
    changed(
        "averaging",
        "`average_softmax` gives nan. 0 times minus infinity is nan, and so is the softmax of a",
        ("torch.zeros(T, T).masked_fill", "torch.full((T, T), 1e-9).masked_fill"),
        ('"-inf")', '"nan")'),
    ),
    changed(
        "averaging",
        "`average_matmul` is wrong at place 0: it should be the mean of places 0 to 0",
        ("tril / tril.sum(1, keepdim=True)", "tril / (tril.sum(1, keepdim=True) + 1)"),
    ),
    changed(
        "head",
        "From x of shape (3, 8, 10) comes the shape (3, 7, 6), expected (3, 8, 6)",
        ("return weights @ v", "return (weights @ v)[:, 1:]"),
    ),
    changed(
        "head",
        "Its numbers are not those of softmax(mask(q kᵀ / √head_size)) v with your own weights:",
        ("return weights @ v", "return weights @ v * 1.5"),
    ),
    changed(
        "head",
        "No query, key and value are found among its layers: make three `nn.Linear(n_embd,",
        (
            "self.value = nn.Linear(n_embd, head_size, bias=False)",
            "self.value = nn.Linear(n_embd, head_size + 1, bias=False)",
        ),
        ("return weights @ v", "return weights @ v[..., 1:]"),
    ),
    changed(
        "multi_head",
        "From x of shape (2, 8, 10) comes the shape (2, 8, 9), expected (2, 8, 10)",
        ("return self.dropout(self.proj(out))", "return self.dropout(self.proj(out))[..., 1:]"),
    ),
    changed(
        "multi_head",
        "Its linear layers are 10 to 4, 10 to 4, 10 to 4, 10 to 4, 10 to 4, 10 to 4, 10 to 4, 10",
        (
            "nn.Linear(num_heads * head_size, n_embd)",
            "nn.Sequential(nn.Linear(num_heads * head_size, 3), nn.Linear(3, n_embd))",
        ),
    ),
    changed(
        "feed_forward",
        "Its layers are 6 to 30, then 30 to 6. Expected: 6 to 24, then 24 to 6",
        ("nn.Linear(n_embd, 4 * n_embd)", "nn.Linear(n_embd, 5 * n_embd)"),
        ("nn.Linear(4 * n_embd, n_embd)", "nn.Linear(5 * n_embd, n_embd)"),
    ),
    changed(
        "feed_forward",
        "In training more is changed than by one dropout at the end: is there another?",
        ("nn.ReLU(),", "nn.ReLU(),\n            nn.Dropout(0.5),"),
    ),
    changed(
        "block",
        "Its numbers are not those of x + attention(norm(x)), then the same with feed-forward,",
        ("return x\n", "return x * 1.5\n"),
    ),
    changed(
        "block",
        "From x of shape (2, 8, 12) comes the shape (2, 7, 12), expected (2, 8, 12)",
        ("return x\n", "return x[:, :-1]\n"),
    ),
    changed(
        "gpt",
        "Its logits are not those of embeddings, blocks, norm and last layer with your own",
        ("x = self.norm(self.blocks(x))", "x = self.norm(self.blocks(x)) * 1.5"),
    ),
    changed(
        "gpt",
        "The loss is 3.865, and the cross-entropy of these logits with the targets is 2.865",
        ("targets.view(B * T))", "targets.view(B * T)) + 1"),
    ),
    changed(
        "gpt",
        "Its logits hold nan, as where a row of scores is minus infinity throughout: check the",
        (LOGITS, "logits = self.scores(x) * float('nan')"),
    ),
    changed(
        "gpt",
        "`generate` gives the shape (2, 4), expected (2, 5): the prompt and the new numbers",
        (
            "return generate(self, idx, max_new_tokens)",
            "return generate(self, idx, max_new_tokens)[:, 1:]",
        ),
    ),
    changed(
        "gpt",
        "What `generate` draws does not follow the softmax of the logits at the last place: over",
        (
            "return generate(self, idx, max_new_tokens)",
            "return torch.cat((idx, torch.randint(2, (len(idx), max_new_tokens))), dim=1)",
        ),
    ),
    beside(
        "train_gpt",
        "On 40 windows that it has never seen its loss is 2.47. A table of letter pairs gets",
        "only_pairs",
    ),
    beside(
        "faster",
        "On 40 windows that it has never seen its loss is 2.47. A table of letter pairs gets",
        "only_pairs",
    ),
)
