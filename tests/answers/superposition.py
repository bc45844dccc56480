"""Other right answers to 08_paper_replication: loops, einsum, torch's own functions."""

SAMPLES = [
    """
def sample_sparse(n_instances, batch_size, n_features, p):
    size = (n_instances, batch_size, n_features)
    if isinstance(p, torch.Tensor) and p.ndim == 1:
        p = p[:, None, None]
    return torch.where(torch.rand(size) <= p, torch.rand(size), torch.zeros(size))
""",
    """
def sample_sparse(n_instances, batch_size, n_features, p):
    p = torch.as_tensor(p, dtype=torch.float32).view(-1, 1, 1)
    p = p.expand(n_instances, batch_size, n_features)
    return torch.bernoulli(p) * torch.rand(n_instances, batch_size, n_features)
""",
    """
def sample_sparse(n_instances, batch_size, n_features, p):
    ps = p.flatten().tolist() if torch.is_tensor(p) and p.numel() > 1 else [float(p)] * n_instances
    found = []
    for q in ps:
        x = torch.empty(batch_size, n_features).uniform_(0, 1)
        x[torch.rand_like(x) >= q] = 0
        found.append(x)
    return torch.stack(found)
""",
    """
def sample_sparse(n_instances, batch_size, n_features, p):
    rng = np.random
    size = (n_instances, batch_size, n_features)
    q = np.asarray(p, dtype=float).reshape(-1, 1, 1)
    x = rng.uniform(size=size) * (rng.uniform(size=size) < q)
    return torch.tensor(x, dtype=torch.float32)
""",
    """
def sample_sparse(n_instances, batch_size, n_features, p):
    # one draw for both: given that u < p, u / p is uniform
    u = torch.rand(n_instances, batch_size, n_features)
    p = torch.as_tensor(p).reshape(-1, 1, 1)
    return torch.where(u < p, u / p, 0.0)
""",
]

TOYS = [
    """
class ToyModel(nn.Module):
    def __init__(self, n_instances, n_features, n_hidden):
        super().__init__()
        self.W = nn.Parameter(torch.empty(n_instances, n_hidden, n_features))
        nn.init.xavier_normal_(self.W)
        self.b_final = nn.Parameter(torch.zeros(n_instances, n_features))

    def forward(self, x):
        hidden = torch.einsum("ibf,ihf->ibh", x, self.W)
        out = torch.einsum("ibh,ihf->ibf", hidden, self.W)
        return torch.nn.functional.relu(out + self.b_final.unsqueeze(1))
""",
    """
class ToyModel(nn.Module):
    def __init__(self, n_instances, n_features, n_hidden):
        super().__init__()
        self.b_final = nn.Parameter(0.01 * torch.randn(n_instances, n_features))
        self.W = nn.Parameter(torch.randn((n_instances, n_hidden, n_features)) * 0.3)
        self.bend = nn.ReLU()

    def forward(self, x):
        outs = []
        for W, b, rows in zip(self.W, self.b_final, x):
            outs.append(self.bend((W.T @ (W @ rows.T)).T + b))
        return torch.stack(outs)
""",
    """
class ToyModel(nn.Module):
    def __init__(self, n_instances, n_features, n_hidden):
        super().__init__()
        weights = [torch.rand(n_hidden, n_features) - 0.5 for _ in range(n_instances)]
        self.W = nn.Parameter(torch.stack(weights))
        self.b_final = nn.Parameter(torch.zeros(n_instances, n_features))

    def forward(self, x):
        gram = torch.bmm(self.W.mT, self.W)
        return torch.clamp(torch.baddbmm(self.b_final[:, None, :], x, gram), min=0)
""",
]

LINEARS = [
    """
class LinearModel(ToyModel):
    def forward(self, x):
        hidden = torch.einsum("ibf,ihf->ibh", x, self.W)
        return torch.einsum("ibh,ihf->ibf", hidden, self.W) + self.b_final[:, None, :]
""",
    """
class LinearModel(ToyModel):
    def __init__(self, n_instances, n_features, n_hidden):
        super().__init__(n_instances, n_features, n_hidden)
    def forward(self, x):
        return torch.bmm(x, self.W.mT @ self.W) + self.b_final.unsqueeze(1)
""",
    """
class LinearModel(nn.Module):
    def __init__(self, n_instances, n_features, n_hidden):
        super().__init__()
        self.W = nn.Parameter(torch.randn(n_instances, n_hidden, n_features))
        self.b_final = nn.Parameter(torch.zeros(n_instances, n_features))
    def forward(self, x):
        return (x @ self.W.mT) @ self.W + self.b_final[:, None]
""",
]

LOSSES = [
    """
def weighted_loss(x_hat, x, importance):
    error = torch.nn.functional.mse_loss(x_hat, x, reduction="none")
    return torch.einsum("ibf,f->i", error, importance) / (x.shape[1] * x.shape[2])
""",
    """
def weighted_loss(x_hat, x, importance):
    return torch.stack([(importance[None] * (a - b).pow(2)).mean() for a, b in zip(x_hat, x)])
""",
    """
def weighted_loss(x_hat, x, importance):
    squares = torch.square(x - x_hat) * importance.view(1, 1, -1)
    return squares.mean(-1).mean(-1)
""",
]

TRAININGS = [
    """
def train(model, p, importance, steps=1000, batch_size=256, lr=0.02):
    n_instances, n_hidden, n_features = model.W.shape
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
    for _ in range(steps):
        optimizer.zero_grad()
        x = sample_sparse(n_instances, batch_size, n_features, p)
        weighted_loss(model(x), x, importance).sum().backward()
        optimizer.step()
        schedule.step()
    return model
""",
    """
def train(model, p, importance, steps=1000, batch_size=256, lr=0.02):
    n_instances, _, n_features = model.W.shape
    optimizer = torch.optim.AdamW([model.W, model.b_final], lr, betas=(0.9, 0.99), weight_decay=0)
    for step in progress(steps):
        rate = lr * 0.5 * (np.cos(np.pi * step / (steps - 1)) + 1)
        for group in optimizer.param_groups:
            group["lr"] = float(rate)
        x = sample_sparse(p=p, n_features=n_features, n_instances=n_instances,
                          batch_size=batch_size)
        losses = weighted_loss(x_hat=model.forward(x), x=x, importance=importance)
        model.zero_grad()
        losses.backward(torch.ones_like(losses))
        optimizer.step()
        progress.show(losses.mean())
    return model
""",
    """
def train(model, p, importance, steps=1000, batch_size=256, lr=0.02):
    n, h, f = model.W.shape
    opt = torch.optim.Adam(model.parameters(), lr=lr)
    step = 0
    while step < steps:
        opt.param_groups[0]["lr"] = lr * math.cos(math.pi * step / steps / 2) ** 2
        x = sample_sparse(n, batch_size, f, torch.as_tensor(p))
        loss = sum(weighted_loss(model(x), x, importance))
        opt.zero_grad(set_to_none=False)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        step += 1
    return model
""",
]

BESTS = [
    """
def best_of(losses, k):
    return torch.tensor([i + int(losses[i:i + k].argmin()) for i in range(0, len(losses), k)])
""",
    """
def best_of(losses, k):
    found = []
    for start in range(0, len(losses), k):
        found.append(min(range(start, start + k), key=lambda i: float(losses[i])))
    return found
""",
    """
def best_of(losses, k):
    losses = np.asarray(losses).reshape(-1, k)
    return losses.argmin(1) + np.arange(0, losses.size, k)
""",
]

STATISTICS = [
    """
def feature_statistics(W):
    norms = torch.sqrt((W ** 2).sum(-2))
    return norms, torch.sum(norms > 0.5, dim=-1)
""",
    """
def feature_statistics(W):
    norms = torch.linalg.norm(W, dim=-2)
    return norms, (norms > 0.5).float().sum(-1)
""",
    """
def feature_statistics(W):
    norms = torch.linalg.vector_norm(W, axis=W.ndim - 2)
    return [norms, torch.count_nonzero(norms > 0.5, dim=-1)]
""",
]

DIMENSIONALITIES = [
    """
def feature_dimensionality(W):
    gram = (W.transpose(-1, -2) @ W) ** 2
    norms = (W ** 2).sum(-2)
    D = torch.where(norms > 0, norms ** 2 / gram.sum(-1), torch.zeros_like(norms))
    return D, W.shape[-2] / norms.sum(-1)
""",
    """
def feature_dimensionality(W):
    norms = torch.linalg.norm(W, dim=-2, keepdim=True)
    hat = torch.nn.functional.normalize(W, dim=-2)
    overlap = torch.einsum("...hi,...hj->...ij", hat, W).square().sum(-1)
    D = norms.squeeze(-2).square() / (overlap + 1e-12)
    return D, W.size(-2) / torch.linalg.matrix_norm(W) ** 2
""",
    """
def feature_dimensionality(W):
    if W.ndim > 2:
        pairs = [feature_dimensionality(w) for w in W]
        return torch.stack([d for d, _ in pairs]), torch.stack([s for _, s in pairs])
    D = torch.zeros(W.shape[1])
    for i in range(W.shape[1]):
        length = W[:, i].norm()
        if length > 0:
            hat = W[:, i] / length
            D[i] = length ** 2 / sum((hat @ W[:, j]) ** 2 for j in range(W.shape[1]))
    return D, W.shape[0] / W.norm() ** 2
""",
]

GAIN = """
@torch.no_grad()
def squared_error(model, given, x):
    return ((model(given) - x) ** 2).sum(dim=-1).mean(dim=-1)

def adversarial_gain(model, x):
    added = squared_error(model, attack(model, x), x) - squared_error(model, x, x)
    return added / added[0]
"""

ATTACKS = [
    """
def attack(model, x, epsilon=0.1, steps=20):
    delta = torch.randn_like(x)
    delta = epsilon * torch.nn.functional.normalize(delta, dim=-1)
    for _ in range(steps):
        delta = delta.detach().requires_grad_(True)
        error = (model(x + delta) - x).square().mean()
        gradient = torch.autograd.grad(error, delta)[0]
        delta = delta.detach() + epsilon / 2 * torch.nn.functional.normalize(gradient, dim=-1)
        norm = delta.norm(dim=-1, keepdim=True)
        delta = torch.where(norm > epsilon, delta * epsilon / norm, delta)
    return (x + delta).detach()
"""
    + GAIN,
    """
def attack(model, x, epsilon=0.1, steps=20):
    moved = (x + epsilon * torch.nn.functional.normalize(torch.randn_like(x), dim=-1)).detach()
    for _ in range(steps):
        moved.requires_grad_(True)
        loss = ((model(moved) - x) ** 2).sum()
        loss.backward()
        with torch.no_grad():
            # power steps: go to the edge along the gradient
            g = moved.grad
            moved = x + epsilon * g / g.norm(dim=-1, keepdim=True).clamp(min=1e-9)
    model.zero_grad()
    return moved

def adversarial_gain(model, x):
    bad = attack(model, x)
    with torch.no_grad():
        gains = ((model(bad) - x) ** 2 - (model(x) - x) ** 2).mean((1, 2))
    return [float(g / gains[0]) for g in gains]
""",
]

RUNS = [
    """
def run(p, seed, steps=1000):
    torch.manual_seed(seed)
    toy = ToyModel(8, 5, 2)
    weights = torch.tensor([0.9**i for i in range(5)])
    train(toy, p, weights, steps)
    with torch.no_grad():
        losses = held_out_loss(toy, p, weights)
        i = losses.argmin().item()
        count = (toy.W[i].norm(dim=0) > 0.5).sum().item()
    return dict(loss=losses[i].item(), count=count)
""",
    """
def run(p, seed, steps=1000):
    importance = 0.9 ** torch.arange(5)
    np.random.seed(seed)
    torch.manual_seed(seed + 17)
    model = ToyModel(n_instances=8, n_features=5, n_hidden=2)
    model = train(model=model, p=p, importance=importance, steps=steps)
    losses = held_out_loss(model, p, importance, samples=20000)
    best = best_of(losses, 8)
    count = feature_statistics(model.W.detach()[best])[1]
    return {"loss": losses[best][0], "count": count[0], "kept": model.W.detach()[best].tolist()}
""",
]

AUTOENCODERS = [
    """
class SparseAutoencoder(nn.Module):
    def __init__(self, n_hidden, n_latents):
        super().__init__()
        directions = nn.functional.normalize(torch.randn(n_latents, n_hidden), dim=-1)
        self.W_dec = nn.Parameter(directions)
        self.W_enc = nn.Parameter(directions.T.clone())
        self.b_enc = nn.Parameter(torch.zeros(n_latents))

    def forward(self, h):
        latents = nn.functional.relu(torch.einsum("bh,hl->bl", h, self.W_enc) + self.b_enc)
        return latents, latents @ nn.functional.normalize(self.W_dec, dim=1)

def sae_loss(h_hat, h, latents, l1):
    error = torch.linalg.vector_norm(h_hat - h, dim=1).pow(2).mean()
    return error + l1 * latents.norm(p=1, dim=1).mean()
""",
    """
class SparseAutoencoder(nn.Module):
    def __init__(self, n_hidden, n_latents):
        super().__init__()
        self.W_dec = nn.Parameter(torch.randn(n_latents, n_hidden))
        self.W_enc = nn.Parameter(torch.randn(n_hidden, n_latents))
        self.b_enc = nn.Parameter(torch.zeros(n_latents))

    def forward(self, h):
        with torch.no_grad():
            self.W_dec /= self.W_dec.pow(2).sum(1, keepdim=True).sqrt()
        z = (h @ self.W_enc + self.b_enc).clamp(min=0)
        return z, z @ self.W_dec

def sae_loss(h_hat, h, latents, l1):
    total = 0.0
    for a, b, z in zip(h_hat, h, latents):
        total = total + ((a - b) ** 2).sum() + l1 * z.abs().sum()
    return total / len(h)
""",
]

COSINES = [
    """
def max_cosine_similarity(directions, W):
    found = []
    for column in W.T:
        found.append(max(torch.cosine_similarity(column, d, dim=0) for d in directions))
    return torch.stack(found)
""",
    """
def max_cosine_similarity(directions, W):
    d = directions / directions.norm(dim=1)[:, None]
    w = W.T / W.norm(dim=0)[:, None]
    return (w @ d.T).max(dim=1).values
""",
]

FUNCTIONS = {
    "sample_sparse": SAMPLES,
    "toy_model": TOYS,
    "linear_model": LINEARS,
    "weighted_loss": LOSSES,
    "train_toy": TRAININGS,
    "best_of": BESTS,
    "feature_statistics": STATISTICS,
    "feature_dimensionality": DIMENSIONALITIES,
    "adversarial_gain": ATTACKS,
    "run_experiment": RUNS,
    "sparse_autoencoder": AUTOENCODERS,
    "max_cosine_similarity": COSINES,
}
