"""Other right answers to 07_build_gpt: the lecture's style, fused heads, torch's own functions."""

ENCODINGS = [
    """
stoi = {ch: i for i, ch in enumerate(chars)}
itos = {i: ch for i, ch in enumerate(chars)}
encode = lambda s: [stoi[c] for c in s]
decode = lambda l: ''.join([itos[i] for i in l])
""",
    """
def encode(s):
    return np.array([chars.index(c) for c in s], dtype=int).tolist()
def decode(ids):
    out = ""
    for i in ids:
        out += chars[int(i)]
    return out
""",
    """
def encode(s):
    return list(map(chars.index, s))
def decode(ids):
    return "".join(map(chars.__getitem__, ids))
""",
]

BATCHES = [
    """
def get_batch(data, batch_size, block_size):
    ix = torch.randint(len(data) - block_size, (batch_size,))
    x = torch.stack([data[i:i+block_size] for i in ix])
    y = torch.stack([data[i+1:i+block_size+1] for i in ix])
    x, y = x.to(device), y.to(device)
    return x, y
""",
    """
def get_batch(data, batch_size, block_size):
    at = torch.randint(0, len(data) - block_size, (batch_size, 1)) + torch.arange(block_size)
    return data[at], data[at + 1]
""",
    """
def get_batch(data, batch_size, block_size):
    import random
    x, y = [], []
    for _ in range(batch_size):
        i = random.randrange(0, len(data) - block_size)
        x.append(data[i:i + block_size].tolist())
        y.append(data[i + 1:i + 1 + block_size].tolist())
    return torch.tensor(x), torch.tensor(y)
""",
    """
def get_batch(data, batch_size, block_size):
    windows = data.unfold(0, block_size + 1, 1)
    chosen = windows[np.random.randint(0, len(windows), batch_size)]
    return [chosen[:, :-1], chosen[:, 1:]]
""",
]

BIGRAMS = [
    """
class BigramLanguageModel(nn.Module):
    def __init__(self, vocab_size):
        super().__init__()
        self.token_embedding_table = nn.Embedding(vocab_size, vocab_size)
    def forward(self, idx, targets=None):
        logits = self.token_embedding_table(idx)
        if targets is None:
            loss = None
        else:
            B, T, C = logits.shape
            logits = logits.view(B*T, C)
            targets = targets.view(B*T)
            loss = F.cross_entropy(logits, targets)
        return logits, loss
    def generate(self, idx, max_new_tokens):
        for _ in range(max_new_tokens):
            logits, loss = self(idx)
            logits = logits[:, -1, :]
            probs = F.softmax(logits, dim=-1)
            idx_next = torch.multinomial(probs, num_samples=1)
            idx = torch.cat((idx, idx_next), dim=1)
        return idx
""",
    """
class BigramLanguageModel(nn.Module):
    def __init__(self, vocab_size):
        super().__init__()
        self.W = nn.Parameter(torch.zeros(vocab_size, vocab_size))
    def forward(self, idx, targets=None):
        logits = self.W[idx]
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.transpose(1, 2), targets)
""",
    """
class BigramLanguageModel(nn.Module):
    def __init__(self, vocab_size):
        super().__init__()
        self.V = vocab_size
        self.linear = nn.Linear(vocab_size, vocab_size, bias=False)
    def forward(self, idx, targets=None):
        logits = self.linear(F.one_hot(idx, self.V).float())
        if targets is None:
            return logits, None
        logp = logits.log_softmax(-1)
        return logits, -logp.gather(-1, targets[..., None]).mean()
""",
]

ESTIMATES = [
    """
@torch.no_grad()
def estimate_loss(model, data):
    was = model.training
    model.eval()
    n = (len(data) - 1) // block_size
    x = data[: n * block_size].view(n, block_size)
    y = data[1 : n * block_size + 1].view(n, block_size)
    losses = torch.tensor([model(x[i:i+1], y[i:i+1])[1] for i in range(n)])
    model.train(was)
    return losses.mean()
""",
    """
def estimate_loss(model, data):
    n = (len(data) - 1) // block_size
    x = data[: n * block_size].view(n, block_size)
    y = data[1 : n * block_size + 1].view(n, block_size)
    model.eval()
    with torch.no_grad():
        loss = model(x, y)[1]
    model.train()
    return loss.item()
""",
]

WRITERS = [
    """
def generate(model, idx, max_new_tokens):
    for _ in range(max_new_tokens):
        idx_cond = idx[:, -block_size:]
        logits, loss = model(idx_cond)
        logits = logits[:, -1, :]
        probs = F.softmax(logits, dim=-1)
        idx_next = torch.multinomial(probs, num_samples=1)
        idx = torch.cat((idx, idx_next), dim=1)
    return idx
""",
    """
def generate(model, idx, max_new_tokens):
    out = idx.clone()
    while out.size(1) < idx.size(1) + max_new_tokens:
        context = out if out.size(1) <= block_size else out[:, out.size(1) - block_size:]
        logits = model(context)[0][:, -1]
        new = torch.distributions.Categorical(logits=logits).sample()
        out = torch.hstack([out, new.unsqueeze(1)])
    return out
""",
]

AVERAGES = [
    """
def average_matmul(x):
    T = x.size(1)
    wei = torch.tril(torch.ones(T, T))
    wei = wei / wei.sum(1, keepdim=True)
    return wei @ x
def average_softmax(x):
    T = x.shape[1]
    tril = torch.tril(torch.ones(T, T))
    wei = torch.zeros((T, T))
    wei = wei.masked_fill(tril == 0, float('-inf'))
    wei = F.softmax(wei, dim=-1)
    xbow3 = wei @ x
    return xbow3
""",
    """
def average_matmul(x):
    T = x.shape[1]
    w = torch.ones(T, T).tril() / torch.arange(1, T + 1).unsqueeze(1)
    return torch.einsum("ts,bsc->btc", w, x)
def average_softmax(x):
    T = x.shape[1]
    s = torch.full((T, T), float("-inf")).triu(1)
    return torch.matmul(s.softmax(1), x)
""",
]

LECTURE_HEAD = """
class Head(nn.Module):
    \"\"\" one head of self-attention \"\"\"

    def __init__(self, head_size):
        super().__init__()
        self.key = nn.Linear(n_embd, head_size, bias=False)
        self.query = nn.Linear(n_embd, head_size, bias=False)
        self.value = nn.Linear(n_embd, head_size, bias=False)
        self.register_buffer('tril', torch.tril(torch.ones(block_size, block_size)))

        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        B,T,C = x.shape
        k = self.key(x)
        q = self.query(x)
        wei = q @ k.transpose(-2,-1) * k.shape[-1]**-0.5
        wei = wei.masked_fill(self.tril[:T, :T] == 0, float('-inf'))
        wei = F.softmax(wei, dim=-1)
        wei = self.dropout(wei)
        v = self.value(x)
        out = wei @ v
        return out
"""

HEADS = [
    LECTURE_HEAD,
    """
class Head(nn.Module):
    def __init__(self, head_size):
        super().__init__()
        self.qkv = nn.Linear(n_embd, 3 * head_size)
    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
""",
    """
class Head(nn.Module):
    def __init__(self, head_size):
        super().__init__()
        self.Wv = nn.Parameter(torch.randn(n_embd, head_size))
        self.Wq = nn.Parameter(torch.randn(n_embd, head_size))
        self.Wk = nn.Parameter(torch.randn(n_embd, head_size))
    def forward(self, x):
        T = x.shape[1]
        q, k, v = x @ self.Wq, x @ self.Wk, x @ self.Wv
        scores = torch.einsum("btd,bsd->bts", q, k) / math.sqrt(q.shape[-1])
        mask = torch.triu(torch.ones(T, T, dtype=torch.bool), diagonal=1)
        scores[:, mask] = -1e9
        return torch.softmax(scores, dim=2) @ v
""",
    """
class Head(nn.Module):
    def __init__(self, head_size, n_embd=n_embd, block_size=block_size):
        super().__init__()
        self.k = nn.Linear(n_embd, head_size, bias=True)
        self.q = nn.Linear(n_embd, head_size, bias=True)
        self.v = nn.Linear(n_embd, head_size, bias=True)
        self.tril = torch.tril(torch.ones(block_size, block_size))
    def forward(self, x):
        T = x.size(1)
        att = (self.q(x) @ self.k(x).mT).div(self.q.out_features ** 0.5)
        att = att.masked_fill(~self.tril[:T, :T].bool(), -torch.inf).softmax(-1)
        return att.bmm(self.v(x))
""",
]

MULTI = [
    """
class MultiHeadAttention(nn.Module):
    def __init__(self, num_heads, head_size):
        super().__init__()
        self.heads = nn.ModuleList([Head(head_size) for _ in range(num_heads)])
        self.proj = nn.Linear(head_size * num_heads, n_embd)
        self.dropout = nn.Dropout(dropout)
    def forward(self, x):
        out = torch.cat([h(x) for h in self.heads], dim=-1)
        out = self.dropout(self.proj(out))
        return out
""",
    """
class MultiHeadAttention(nn.Module):
    def __init__(self, num_heads, head_size):
        super().__init__()
        self.num_heads, self.head_size = num_heads, head_size
        self.c_attn = nn.Linear(n_embd, 3 * num_heads * head_size, bias=False)
        self.c_proj = nn.Linear(num_heads * head_size, n_embd, bias=False)
        self.drop = nn.Dropout(dropout)
    def forward(self, x):
        B, T, C = x.shape
        q, k, v = self.c_attn(x).split(self.num_heads * self.head_size, dim=2)
        q, k, v = (z.view(B, T, self.num_heads, self.head_size).transpose(1, 2) for z in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.drop(self.c_proj(y.transpose(1, 2).contiguous().view(B, T, -1)))
""",
    """
class MultiHeadAttention(nn.Module):
    def __init__(self, num_heads, head_size):
        super().__init__()
        inner = num_heads * head_size
        self.h = num_heads
        self.out = nn.Sequential(nn.Linear(inner, n_embd), nn.Dropout(dropout))
        self.to_v = nn.Linear(n_embd, inner)
        self.to_k = nn.Linear(n_embd, inner)
        self.to_q = nn.Linear(n_embd, inner)
        self.register_buffer("mask", torch.tril(torch.ones(block_size, block_size))[None, None])
    def forward(self, x):
        B, T, _ = x.shape
        split = lambda z: z.view(B, T, self.h, -1).transpose(1, 2)
        q, k, v = split(self.to_q(x)), split(self.to_k(x)), split(self.to_v(x))
        w = q @ k.transpose(-2, -1) / q.size(-1) ** 0.5
        w = w.masked_fill(self.mask[:, :, :T, :T] == 0, float("-inf")).softmax(-1)
        return self.out((w @ v).transpose(1, 2).flatten(2))
""",
]

FEEDS = [
    """
class FeedFoward(nn.Module):
    def __init__(self, n_embd):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(n_embd, 4 * n_embd),
            nn.ReLU(),
            nn.Linear(4 * n_embd, n_embd),
            nn.Dropout(dropout),
        )
    def forward(self, x):
        return self.net(x)
FeedForward = FeedFoward
""",
    """
class FeedForward(nn.Module):
    def __init__(self, n_embd):
        super().__init__()
        self.fc2 = nn.Linear(4 * n_embd, n_embd, bias=False)
        self.fc1 = nn.Linear(n_embd, 4 * n_embd, bias=False)
        self.drop = nn.Dropout(dropout)
    def forward(self, x):
        return self.drop(self.fc2(F.relu(self.fc1(x))))
""",
]

BLOCKS = [
    """
class Block(nn.Module):
    def __init__(self, n_embd, n_head):
        super().__init__()
        head_size = n_embd // n_head
        self.sa = MultiHeadAttention(n_head, head_size)
        self.ffwd = FeedForward(n_embd)
        self.ln1 = nn.LayerNorm(n_embd)
        self.ln2 = nn.LayerNorm(n_embd)
    def forward(self, x):
        x = x + self.sa(self.ln1(x))
        x = x + self.ffwd(self.ln2(x))
        return x
""",
    """
class LayerNorm(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(n))
        self.beta = nn.Parameter(torch.zeros(n))
    def forward(self, x):
        mean = x.mean(-1, keepdim=True)
        var = x.var(-1, keepdim=True, unbiased=False)
        return self.gamma * (x - mean) / torch.sqrt(var + 1e-5) + self.beta

class Block(nn.Module):
    def __init__(self, n_embd, n_head):
        super().__init__()
        self.ln_2 = LayerNorm(n_embd)
        self.ln_1 = LayerNorm(n_embd)
        self.mlp = FeedForward(n_embd)
        self.attn = MultiHeadAttention(num_heads=n_head, head_size=n_embd // n_head)
    def forward(self, x):
        h = self.attn(self.ln_1(x)) + x
        return self.mlp(self.ln_2(h)) + h
""",
]

GPTS = [
    """
class GPTLanguageModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.token_embedding_table = nn.Embedding(vocab_size, n_embd)
        self.position_embedding_table = nn.Embedding(block_size, n_embd)
        self.blocks = nn.Sequential(*[Block(n_embd, n_head=n_head) for _ in range(n_layer)])
        self.ln_f = nn.LayerNorm(n_embd) # final layer norm
        self.lm_head = nn.Linear(n_embd, vocab_size)
        self.apply(self._init_weights)

    def _init_weights(self, module):
        if isinstance(module, nn.Linear):
            torch.nn.init.normal_(module.weight, mean=0.0, std=0.02)
            if module.bias is not None:
                torch.nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            torch.nn.init.normal_(module.weight, mean=0.0, std=0.02)

    def forward(self, idx, targets=None):
        B, T = idx.shape
        tok_emb = self.token_embedding_table(idx)
        pos_emb = self.position_embedding_table(torch.arange(T, device=device))
        x = tok_emb + pos_emb
        x = self.blocks(x)
        x = self.ln_f(x)
        logits = self.lm_head(x)
        if targets is None:
            loss = None
        else:
            B, T, C = logits.shape
            logits = logits.view(B*T, C)
            targets = targets.view(B*T)
            loss = F.cross_entropy(logits, targets)
        return logits, loss

    def generate(self, idx, max_new_tokens):
        for _ in range(max_new_tokens):
            idx_cond = idx[:, -block_size:]
            logits, loss = self(idx_cond)
            logits = logits[:, -1, :]
            probs = F.softmax(logits, dim=-1)
            idx_next = torch.multinomial(probs, num_samples=1)
            idx = torch.cat((idx, idx_next), dim=1)
        return idx
""",
    """
class GPTLanguageModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(dropout)
        self.ln_f = nn.LayerNorm(n_embd)
        self.lm_head = nn.Linear(n_embd, vocab_size, bias=False)
        self.h = nn.ModuleList([Block(n_embd, n_head) for _ in range(n_layer)])
        self.wte = nn.Embedding(vocab_size, n_embd)
        self.wpe = nn.Parameter(torch.zeros(1, block_size, n_embd))
        self.wte.weight = self.lm_head.weight
    def forward(self, idx, targets=None):
        x = self.drop(self.wte(idx) + self.wpe[:, : idx.shape[1]])
        for block in self.h:
            x = block(x)
        logits = self.lm_head(self.ln_f(x))
        loss = None
        if targets is not None:
            flat = logits.view(-1, logits.size(-1))
            loss = F.cross_entropy(flat, targets.view(-1), ignore_index=-1)
        return logits, loss
    @torch.no_grad()
    def generate(self, idx, max_new_tokens, temperature=1.0):
        for _ in range(max_new_tokens):
            logits = self(idx[:, -block_size:])[0][:, -1] / temperature
            idx = torch.cat([idx, torch.multinomial(logits.softmax(-1), 1)], 1)
        return idx
""",
]

FUSED_HEAD = """
class Head(nn.Module):
    def __init__(self, head_size):
        super().__init__()
        self.qkv = nn.Linear(n_embd, 3 * head_size, bias=False)
    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
"""
MULTI.append(FUSED_HEAD + MULTI[0])
BLOCKS.append(FUSED_HEAD + MULTI[0] + BLOCKS[0])
GPTS.append(FUSED_HEAD + MULTI[0] + BLOCKS[0] + GPTS[0])
GPTS.append(
    """
class GPTLanguageModel(GPTLanguageModel):
    @torch.no_grad()
    def generate(self, idx, max_new_tokens):
        self.eval()
        out = generate(self, idx, max_new_tokens)
        self.train()
        return out
"""
)

RATES = [
    """
def learning_rate(step, steps, peak, warmup):
    return peak * min((step + 1) / warmup, (steps - step) / (steps - warmup))
""",
]

FUNCTIONS = {
    "encode_decode": ENCODINGS,
    "get_batch": BATCHES,
    "bigram_model": BIGRAMS,
    "estimate_loss": ESTIMATES,
    "generate": WRITERS,
    "averaging": AVERAGES,
    "head": HEADS,
    "multi_head": MULTI,
    "feed_forward": FEEDS,
    "block": BLOCKS,
    "gpt": GPTS,
    "learning_rate": RATES,
}
