"""Other right answers to 10_grokking: loops, einsum, torch's own transforms."""

PAIRS = [
    """
def all_pairs(p):
    n = torch.arange(p)
    ab = torch.cartesian_prod(n, n)
    tokens = torch.cat([ab, torch.full((p * p, 1), p)], dim=1)
    return tokens, ab.sum(1) % p
""",
    """
def all_pairs(p):
    tokens, answers = [], []
    for a in range(p):
        for b in range(p):
            tokens.append([a, b, p])
            answers.append((a + b) % p)
    return [torch.tensor(tokens), torch.tensor(answers)]
""",
    """
def all_pairs(p):
    a, b = torch.meshgrid(torch.arange(p), torch.arange(p), indexing="ij")
    a, b = a.reshape(-1), b.reshape(-1)
    s = a + b
    return torch.stack((a, b, torch.ones_like(a) * p), -1), torch.where(s >= p, s - p, s)
""",
    """
def all_pairs(p):
    i = np.arange(p * p)
    tokens = torch.from_numpy(np.stack([i // p, i % p, np.full_like(i, p)], axis=1))
    return tokens.int(), torch.from_numpy((i // p + i % p) % p).int()
""",
]

SPLITS = [
    """
def split_pairs(count, fraction):
    order = torch.from_numpy(np.random.default_rng().permutation(count))
    n = int(fraction * count)
    return order[:n], order[n:]
""",
    """
def split_pairs(count, fraction):
    import random
    chosen = sorted(random.sample(range(count), round(count * fraction)))
    rest = sorted(set(range(count)) - set(chosen))
    return torch.tensor(chosen), torch.tensor(rest)
""",
    """
def split_pairs(count, fraction):
    rank = torch.rand(count).argsort()
    n = math.ceil(fraction * count)
    return rank.split([n, count - n])
""",
    """
def split_pairs(count, fraction):
    g = torch.Generator().manual_seed(42)
    mask = torch.zeros(count, dtype=torch.bool)
    mask[torch.randperm(count, generator=g)[: round(fraction * count)]] = True
    return mask.nonzero()[:, 0], (~mask).nonzero().squeeze(1)
""",
]

HEAD = """
class OneLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.W_E = weights(p + 1, width)
        self.W_pos = weights(3, width)
        self.W_q, self.W_k = weights(width, width), weights(width, width)
        self.W_v, self.W_o = weights(width, width), weights(width, width)
        self.W_in, self.b_in = weights(width, hidden), nn.Parameter(torch.zeros(hidden))
        self.W_out, self.W_U = weights(hidden, width), weights(width, p)
"""

MODELS = [
    HEAD
    + """
    def forward(self, tokens):
        B, T = tokens.shape
        x = F.embedding(tokens, self.W_E) + self.W_pos[torch.arange(T)]
        q, k, v = ((x @ W).view(B, T, heads, -1).transpose(1, 2)
                   for W in (self.W_q, self.W_k, self.W_v))
        out = F.scaled_dot_product_attention(q, k, v)
        x = x + out.transpose(1, 2).reshape(B, T, width) @ self.W_o
        x = x + torch.relu(x @ self.W_in + self.b_in) @ self.W_out
        return (x @ self.W_U)[:, -1]
""",
    HEAD
    + """
    def forward(self, tokens):
        N, size = len(tokens), width // heads
        x = self.W_E[tokens]
        x = x + self.W_pos.unsqueeze(0)
        last = x[:, 2]
        out = []
        for h in range(heads):
            s = slice(h * size, (h + 1) * size)
            q, k, v = last @ self.W_q[:, s], x @ self.W_k[:, s], x @ self.W_v[:, s]
            a = torch.softmax(torch.einsum("nd,ntd->nt", q, k) / math.sqrt(size), -1)
            out.append(torch.einsum("nt,ntd->nd", a, v))
        stream = last + torch.cat(out, -1) @ self.W_o
        return (stream + (stream @ self.W_in + self.b_in).clamp(min=0) @ self.W_out) @ self.W_U
""",
    HEAD
    + """
    def forward(self, tokens):
        N, size = len(tokens), width // heads
        x = self.W_E[tokens] + self.W_pos
        last = x[:, -1]
        q = (last @ self.W_q).view(N, 1, heads, size)
        k = (x @ self.W_k).view(N, 3, heads, size)
        v = (x @ self.W_v).view(N, 3, heads, size)
        scores = torch.einsum("nqhs,nths->nth", q, k) * size ** -0.5
        e = torch.exp(scores - scores.amax(1, keepdim=True))
        attention = e / e.sum(1, keepdim=True)
        heard = (attention[..., None] * v).sum(1).reshape(N, width)
        stream = last + heard @ self.W_o
        thought = F.relu(F.linear(stream, self.W_in.T, self.b_in))
        stream = stream + torch.matmul(thought, self.W_out)
        return F.linear(stream, self.W_U.T)
""",
]

ACCURACIES = [
    """
def accuracy(logits, answers):
    return (logits.argmax(-1) == answers).sum() / len(answers)
""",
    """
def accuracy(logits, answers):
    right = 0
    for row, answer in zip(logits, answers):
        right += int(torch.argmax(row)) == int(answer)
    return right / len(logits)
""",
    """
def accuracy(logits, answers):
    _, best = torch.max(logits, dim=1)
    return np.mean((best == answers).numpy())
""",
    """
def accuracy(logits, answers):
    return 1 - torch.count_nonzero(logits.max(1).indices - answers).item() / answers.numel()
""",
]

OPTIMIZER = """
def train(model, weight_decay, epochs):
    history = []
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=1e-2, betas=(0.9, 0.98), weight_decay=weight_decay
    )
"""

TRAININGS = [
    """
def train(model, weight_decay, epochs, enough=None):
    history = []
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=0.01, betas=(0.9, 0.98), weight_decay=weight_decay
    )
    for epoch in progress(epochs + 1):
        if epoch % 20 == 0:
            record(history, model, epoch)
            if enough is not None and history[-1]["test"] >= enough:
                break
        logits = model(tokens[train_set])
        loss = F.cross_entropy(logits, answers[train_set])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        progress.show(loss)
    return history
""",
    OPTIMIZER
    + """
    x, y = tokens[train_set], answers[train_set]
    criterion = nn.CrossEntropyLoss()
    for epoch in range(epochs + 1):
        if epoch % 20 == 0:
            record(history, model, epoch)
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        model.zero_grad()
    return history
""",
    OPTIMIZER
    + """
    for epoch in progress(epochs + 1):
        if epoch % 20 == 0:
            record(history, model, epoch)
        if epoch == epochs:
            break
        logits = model(tokens[train_set])
        log_p = logits.log_softmax(-1)
        loss = -log_p[torch.arange(len(train_set)), answers[train_set]].mean()
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        optimizer.step()
        progress.show(loss)
    return history
""",
    """
def train(model, weight_decay, epochs):
    history = []
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, betas=(0.9, 0.98))
    for epoch in progress(epochs + 1):
        if epoch % 20 == 0:
            record(history, model, epoch)
        optimizer.zero_grad()
        F.cross_entropy(model(tokens[train_set]), answers[train_set]).backward()
        with torch.no_grad():
            for w in model.parameters():
                w.mul_(1 - 0.01 * weight_decay)
        optimizer.step()
    return history
""",
    OPTIMIZER
    + """
    shuffled = train_set[torch.randperm(len(train_set))]
    for epoch in progress(epochs + 1):
        if epoch % 20 == 0:
            record(history, model, epoch)
        loss = F.cross_entropy(model(tokens[shuffled]), answers[shuffled], reduction="sum")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return history
""",
]

BASES = [
    """
def fourier_basis(p):
    B = torch.zeros(p, p)
    B[0] = 1 / p**0.5
    for k in range(1, p // 2 + 1):
        for n in range(p):
            B[2 * k - 1, n] = math.cos(2 * math.pi * k * n / p) * (2 / p) ** 0.5
            B[2 * k, n] = math.sin(2 * math.pi * k * n / p) * (2 / p) ** 0.5
    return B
""",
    """
def fourier_basis(p):
    angle = 2 * torch.pi * torch.outer(torch.arange(1, (p + 1) // 2), torch.arange(p)) / p
    waves = torch.stack([angle.cos(), angle.sin()], dim=1).reshape(p - 1, p)
    B = torch.cat([torch.ones(1, p), waves])
    return F.normalize(B, dim=1)
""",
    """
def fourier_basis(p):
    n = np.arange(p)
    rows = [np.ones(p)]
    for k in range(1, (p + 1) // 2):
        z = np.exp(2j * np.pi * k * n / p)
        rows += [z.real, z.imag]
    rows = np.array(rows)
    return torch.tensor(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=torch.float32)
""",
]

ENERGIES = [
    """
def fourier_energy(W):
    return 2 / len(W) * torch.fft.rfft(W, dim=0).abs().pow(2).sum(1)[1:]
""",
    """
def fourier_energy(W):
    c = torch.einsum("wn,nd->wd", fourier_basis(W.shape[0]), W)[1:]
    return c.reshape(-1, 2 * W.shape[1]).square().sum(-1)
""",
    """
def fourier_energy(W):
    B, found = fourier_basis(len(W)), []
    for k in range(1, (len(W) - 1) // 2 + 1):
        found.append(((B[2 * k - 1] @ W) ** 2).sum() + ((B[2 * k] @ W) ** 2).sum())
    return torch.stack(found)
""",
]

SHARES = [
    """
def fourier_share(W, k):
    e = fourier_energy(W).sort(descending=True).values
    return e[:k].sum() / e.sum()
""",
    """
def fourier_share(W, k):
    e = sorted(fourier_energy(W).tolist())
    return sum(e[-k:]) / sum(e)
""",
    """
def fourier_share(W, k):
    centred = W - W.mean(0)
    return float(fourier_energy(W).topk(k)[0].sum() / (centred**2).sum())
""",
]

KEEPS = [
    """
def keep_frequencies(W, ks):
    coefficients = fourier_basis(len(W)) @ W
    mask = torch.zeros(len(W), 1)
    for k in ks:
        mask[2 * k - 1] = mask[2 * k] = 1
    return fourier_basis(len(W)).T @ (mask * coefficients)
""",
    """
def keep_frequencies(W, ks):
    waves = torch.fft.rfft(W, dim=0)
    kept = torch.zeros_like(waves)
    kept[list(ks)] = waves[list(ks)]
    return torch.fft.irfft(kept, n=len(W), dim=0)
""",
    """
def keep_frequencies(W, ks):
    B = fourier_basis(len(W))
    out = torch.zeros_like(W)
    for k in ks:
        for row in (B[2 * k - 1], B[2 * k]):
            out += torch.outer(row, row @ W)
    return out
""",
]

CLOCKS = [
    """
def clock_logits(a, b, ks, p):
    logits = torch.zeros(len(a), p)
    c = torch.arange(p)
    for k in ks:
        w = 2 * math.pi * k / p
        cos = torch.cos(w * a) * torch.cos(w * b) - torch.sin(w * a) * torch.sin(w * b)
        sin = torch.sin(w * a) * torch.cos(w * b) + torch.cos(w * a) * torch.sin(w * b)
        logits += cos[:, None] * torch.cos(w * c) + sin[:, None] * torch.sin(w * c)
    return logits
""",
    """
def clock_logits(a, b, ks, p):
    rows = []
    for x, y in zip(a.tolist(), b.tolist()):
        rows.append([sum(math.cos(2 * math.pi * k * (x + y - c) / p) for k in ks)
                     for c in range(p)])
    return torch.tensor(rows)
""",
    """
def clock_logits(a, b, ks, p):
    d = ((a + b) % p).reshape(-1, 1, 1) - torch.arange(p).reshape(1, -1, 1)
    return torch.cos(2 * torch.pi * torch.tensor(ks) * d / p).sum(-1)
""",
]

FUNCTIONS = {
    "all_pairs": PAIRS,
    "split_pairs": SPLITS,
    "one_layer_model": MODELS,
    "cells_right": ACCURACIES,
    "full_batch": TRAININGS,
    "fourier_basis": BASES,
    "fourier_energy": ENERGIES,
    "fourier_share": SHARES,
    "keep_frequencies": KEEPS,
    "clock_logits": CLOCKS,
}
