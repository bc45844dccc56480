"""Right answers to 09 in other styles: loops, einsum, other orders of layers and of steps."""

SEQUENCES = [
    """
def make_sequences(batch_size, seq_len, vocab_size, low, high):
    rows, periods = [], []
    for _ in range(batch_size):
        p = torch.randint(low, high + 1, (1,)).item()
        first = torch.randint(0, vocab_size, (p,))
        rows.append(first.repeat(seq_len // p + 1)[:seq_len])
        periods.append(p)
    return torch.stack(rows), torch.tensor(periods)
""",
    """
import random
def make_sequences(batch_size, seq_len, vocab_size, low, high):
    periods = [random.randint(low, high) for _ in range(batch_size)]
    idx = torch.randint(vocab_size, (batch_size, seq_len))
    for b, p in enumerate(periods):
        for t in range(p, seq_len):
            idx[b, t] = idx[b, t - p]
    return idx, torch.tensor(periods)
""",
    """
def make_sequences(batch_size, seq_len, vocab_size, low, high):
    periods = torch.randint(low, high + 1, size=(batch_size,))
    base = torch.randint(high=vocab_size, size=(batch_size, high))
    where = torch.remainder(torch.arange(seq_len)[None, :], periods.unsqueeze(1))
    return base[torch.arange(batch_size)[:, None], where], periods
""",
]

LOSSES = [
    """
def next_token_loss(logits, idx):
    B, T, V = logits.shape
    return F.cross_entropy(logits[:, :-1].reshape(-1, V), idx[:, 1:].reshape(-1))
""",
    """
def next_token_loss(logits, idx):
    return F.cross_entropy(logits[:, :-1].transpose(1, 2), idx[:, 1:])
""",
    """
def next_token_loss(logits, idx):
    log_probs = logits.log_softmax(-1)[:, :-1]
    picked = log_probs.gather(2, idx[:, 1:, None])
    return -picked.mean()
""",
    """
def next_token_loss(logits, idx):
    losses = []
    for b in range(idx.shape[0]):
        for t in range(idx.shape[1] - 1):
            losses.append(-torch.log(torch.softmax(logits[b, t], dim=0)[idx[b, t + 1]]))
    return sum(losses) / len(losses)
""",
]

ACCURACIES = [
    """
def repeat_accuracy(logits, idx, periods):
    right = total = 0
    for b in range(len(idx)):
        for t in range(int(periods[b]), idx.shape[1] - 1):
            right += int(logits[b, t].argmax() == idx[b, t + 1])
            total += 1
    return right / total
""",
    """
def repeat_accuracy(logits, idx, periods):
    B, T = idx.shape
    hit = (logits.argmax(-1)[:, :-1] == idx[:, 1:]).float()
    known = (torch.arange(T - 1).expand(B, -1) >= periods.unsqueeze(1)).float()
    return (hit * known).sum() / known.sum()
""",
]

PATTERNS = [
    """
def attention_pattern(q, k):
    T = q.shape[2]
    scores = torch.einsum("bhtd,bhsd->bhts", q, k) / math.sqrt(q.shape[-1])
    scores = scores + torch.full((T, T), -torch.inf).triu(1)
    return F.softmax(scores, dim=3)
""",
    """
def attention_pattern(q, k):
    B, H, T, D = q.shape
    scores = (q * D**-0.5) @ k.mT
    e = torch.exp(scores - scores.amax(-1, keepdim=True)).tril()
    return e / e.sum(-1, keepdim=True)
""",
    """
def attention_pattern(q, k):
    B, H, T, D = q.shape
    eye = torch.eye(T, dtype=q.dtype).expand(B, H, T, T)
    return F.scaled_dot_product_attention(q, k, eye, is_causal=True)
""",
]
PATTERNS[0] = "import math\n" + PATTERNS[0]

MODELS = [
    """
class AttentionOnly(nn.Module):
    def __init__(self, vocab_size, n_layer, width=64, n_head=2, context=32):
        super().__init__()
        self.n_layer, self.n_head = n_layer, n_head
        self.token = nn.Embedding(vocab_size, width)
        self.place = nn.Embedding(context, width)
        self.layers = nn.ModuleList([AttentionLayer(width, n_head) for _ in range(n_layer)])
        self.scores = nn.Linear(width, vocab_size, bias=False)

    def forward(self, idx, keep=None):
        B, T = idx.shape
        if keep is None:
            keep = torch.ones(self.n_layer, self.n_head)
        x = self.place(torch.arange(T)) + self.token(idx)
        outs = []
        for i in range(self.n_layer):
            added, p = self.layers[i](unit(x), keep[i])
            x = added + x
            outs += [p]
        return self.scores(unit(x)), tuple(outs)
""",
    """
class AttentionOnly(nn.Module):
    def __init__(self, vocab_size, n_layer, width=64, n_head=2, context=32):
        super().__init__()
        self.n_layer, self.n_head = n_layer, n_head
        self.scores = nn.Linear(width, vocab_size, bias=False)
        self.token = nn.Embedding(vocab_size, width)
        self.place = nn.Embedding(context, width)
        self.layers = nn.ModuleList(AttentionLayer(width, n_head) for _ in range(n_layer))

    def forward(self, idx, keep=None):
        x = self.token(idx) + self.place.weight[None, : idx.size(1)]
        if keep is None:
            keep = [torch.ones(self.n_head)] * self.n_layer
        results = []
        for at, layer in enumerate(self.layers):
            result = layer(unit(x), keep[at])
            x = x + result[0]
            results.append(result[1])
        return self.scores(unit(x)), torch.stack(results)
""",
]

PREVIOUS = [
    """
def previous_token_score(pattern):
    B, H, T, _ = pattern.shape
    out = torch.zeros(H)
    for h in range(H):
        for b in range(B):
            for t in range(1, T):
                out[h] += pattern[b, h, t, t - 1]
    return out / (B * (T - 1))
""",
    """
def previous_token_score(pattern):
    t = torch.arange(1, pattern.shape[-1])
    return pattern[:, :, t, t - 1].mean(dim=(0, 2))
""",
    """
def previous_token_score(pattern):
    return [torch.diagonal(pattern[:, h], -1, 1, 2).mean().item() for h in range(pattern.shape[1])]
""",
]

INDUCTION = [
    """
def induction_score(pattern, idx):
    B, H, T, _ = pattern.shape
    total, rows = torch.zeros(H), 0
    for b in range(B):
        for t in range(T):
            found = [s for s in range(1, t + 1) if idx[b, s - 1] == idx[b, t]]
            if found:
                rows += 1
                total += pattern[b, :, t, found].sum(-1)
    return total / rows
""",
    """
def induction_score(pattern, idx):
    same = (idx.unsqueeze(2) == idx.unsqueeze(1)).tril(-1)  # (B, T, T): earlier copies
    match = torch.zeros_like(same)
    match[:, :, 1:] = same[:, :, :-1]
    weight = torch.einsum("bhts,bts->bht", pattern, match.to(pattern.dtype))
    has = match.any(-1)
    return torch.stack([weight[:, h][has].mean() for h in range(pattern.shape[1])])
""",
]

KNOCKED = [
    """
def accuracy_without(model, idx, periods, heads):
    keep = torch.tensor(
        [[0.0 if (l, h) in heads else 1.0 for h in range(model.n_head)]
         for l in range(model.n_layer)]
    )
    with torch.no_grad():
        return repeat_accuracy(model(idx, keep=keep)[0], idx, periods)
""",
    """
def accuracy_without(model, idx, periods, heads):
    keep = torch.ones((model.n_layer, model.n_head), dtype=torch.bool)
    for pair in heads:
        keep[pair] = False
    return repeat_accuracy(model(idx, keep)[0], idx, periods)
""",
]

FUNCTIONS = {
    "make_sequences": SEQUENCES,
    "next_token_loss": LOSSES,
    "repeat_accuracy": ACCURACIES,
    "attention_pattern": PATTERNS,
    "attention_only": MODELS,
    "previous_token_score": PREVIOUS,
    "induction_score": INDUCTION,
    "accuracy_without": KNOCKED,
}
