"""Other right answers to 05_intro_to_llms."""

FUNCTIONS = {
    "get_stats": [
        # As in minbpe.
        """
def get_stats(ids, counts=None):
    counts = {} if counts is None else counts
    for pair in zip(ids, ids[1:]):
        counts[pair] = counts.get(pair, 0) + 1
    return counts
""",
        "from collections import Counter\n\n"
        "def get_stats(ids):\n    return Counter(zip(ids[:-1], ids[1:]))",
        """
from collections import defaultdict

def get_stats(ids):
    counts = defaultdict(int)
    for i in range(len(ids) - 1):
        counts[ids[i], ids[i + 1]] += 1
    return counts
""",
        """
def get_stats(ids):
    pairs = np.array([ids[:-1], ids[1:]], dtype=int).T
    found, counts = np.unique(pairs, axis=0, return_counts=True)
    return {(a, b): n for (a, b), n in zip(found, counts)}
""",
    ],
    "merge": [
        # As in minbpe.
        """
def merge(ids, pair, idx):
    newids = []
    i = 0
    while i < len(ids):
        if ids[i] == pair[0] and i < len(ids) - 1 and ids[i+1] == pair[1]:
            newids.append(idx)
            i += 2
        else:
            newids.append(ids[i])
            i += 1
    return newids
""",
        # With a flag in place of an index.
        """
def merge(ids, pair, idx):
    out, waiting = [], False
    for i in ids:
        if waiting and i == pair[1]:
            out[-1] = idx
            waiting = False
        else:
            out.append(i)
            waiting = i == pair[0]
    return out
""",
        # On a copy, from the left, as an array.
        """
def merge(ids, pair, idx):
    out = list(ids)
    i = 0
    while i + 1 < len(out):
        if out[i:i + 2] == list(pair):
            out[i:i + 2] = [idx]
        i += 1
    return np.array(out)
""",
    ],
    "tokenizer": [
        # As in minbpe: encode looks for the pair of the lowest rank, and the vocabulary is made
        # at the end of training.
        """
class BasicTokenizer:
    def train(self, text, vocab_size, verbose=False):
        ids = list(text.encode("utf-8"))
        merges = {}
        vocab = {i: bytes([i]) for i in range(256)}
        for i in range(vocab_size - 256):
            stats = get_stats(ids)
            if not stats:
                break
            pair = max(stats, key=stats.get)
            ids = merge(ids, pair, 256 + i)
            merges[pair] = 256 + i
            vocab[256 + i] = vocab[pair[0]] + vocab[pair[1]]
        self.merges, self.vocab = merges, vocab

    def decode(self, ids):
        return b"".join(self.vocab[idx] for idx in ids).decode("utf-8", errors="replace")

    def encode(self, text):
        ids = list(text.encode("utf-8"))
        while len(ids) >= 2:
            stats = get_stats(ids)
            pair = min(stats, key=lambda p: self.merges.get(p, float("inf")))
            if pair not in self.merges:
                break
            ids = merge(ids, pair, self.merges[pair])
        return ids
""",
        # Ties go to the largest pair, nothing of the names above, decoding by the pairs.
        """
class BasicTokenizer:
    def train(self, text, vocab_size):
        self.rules, ids = [], list(bytes(text, "utf8"))
        while 256 + len(self.rules) < vocab_size and len(ids) > 1:
            counts = get_stats(ids)
            n, best = max((n, pair) for pair, n in counts.items())
            ids = merge(ids, best, 256 + len(self.rules))
            self.rules.append(best)

    def encode(self, text):
        ids = [*text.encode()]
        for i, rule in enumerate(self.rules):
            ids = merge(ids, rule, 256 + i)
        return ids

    def spell(self, i):
        if i < 256:
            return bytes([i])
        left, right = self.rules[i - 256]
        return self.spell(left) + self.spell(right)

    def decode(self, ids):
        whole = b""
        for i in ids:
            whole += self.spell(i)
        return str(whole, "utf-8", "replace")
""",
        # Ties go to the pair that comes last; ids as an array.
        """
class BasicTokenizer:
    def __init__(self):
        self.merges, self.vocab = {}, {i: bytes((i,)) for i in range(256)}

    def train(self, text, vocab_size):
        ids = list(text.encode())
        for idx in range(256, vocab_size):
            counts = get_stats(ids)
            if len(counts) == 0:
                return
            pair = sorted(reversed(counts.items()), key=lambda item: -item[1])[0][0]
            self.merges[pair] = idx
            self.vocab[idx] = self.vocab[pair[0]] + self.vocab[pair[1]]
            ids = merge(ids, pair, idx)

    def encode(self, text):
        ids = list(text.encode())
        for pair in sorted(self.merges, key=self.merges.get):
            ids = merge(ids, pair, self.merges[pair])
        return np.array(ids, dtype=int)

    def decode(self, ids):
        return b"".join([self.vocab[int(i)] for i in ids]).decode(errors="replace")
""",
    ],
    "bigram_probabilities": [
        """
def bigram_probabilities(ids, vocab_size, smoothing):
    P = np.full((vocab_size, vocab_size), float(smoothing))
    for a, b in zip(ids, ids[1:]):
        P[a, b] += 1
    return P / P.sum(1)[:, None]
""",
        """
import torch

def bigram_probabilities(ids, vocab_size, smoothing):
    N = torch.zeros((vocab_size, vocab_size))
    for a, b in zip(ids[:-1], ids[1:]):
        N[a, b] += 1
    P = (N + smoothing).float()
    P /= P.sum(1, keepdim=True)
    return P
""",
        """
def bigram_probabilities(ids, vocab_size, smoothing):
    ids = np.asarray(ids)
    flat = np.bincount(ids[:-1] * vocab_size + ids[1:], minlength=vocab_size**2)
    counts = flat.reshape(vocab_size, vocab_size)
    rows = counts.sum(axis=1) + smoothing * vocab_size
    return ((counts + smoothing).T / rows).T
""",
        """
def bigram_probabilities(ids, vocab_size, smoothing):
    rows = [[smoothing] * vocab_size for _ in range(vocab_size)]
    for a, b in zip(ids, ids[1:]):
        rows[a][b] += 1
    return [[n / sum(row) for n in row] for row in rows]
""",
    ],
    "perplexity": [
        "import math\n\ndef perplexity(log_probs):\n"
        "    return math.exp(-sum(log_probs) / len(log_probs))",
        "def perplexity(log_probs):\n    return np.exp(-np.asarray(log_probs)).prod() "
        "** (1 / len(log_probs))",
        "import torch\n\ndef perplexity(log_probs):\n"
        "    return torch.exp(-torch.as_tensor(log_probs).mean())",
        "def perplexity(log_probs):\n    return 1 / np.exp(np.mean(log_probs))",
    ],
    "sample": [
        # By running sums and one random number.
        """
def sample(logits, temperature=1.0, top_k=None, top_p=None, rng=None):
    z = [float(v) / temperature for v in logits]
    order = sorted(range(len(z)), key=lambda i: z[i], reverse=True)
    if top_k is not None:
        order = order[:top_k]
    top = max(z)
    weights = [np.exp(z[i] - top) for i in order]
    total = sum(weights)
    if top_p is not None:
        kept, reached = [], 0.0
        for i, w in zip(order, weights):
            kept.append((i, w))
            reached += w / total
            if reached >= top_p:
                break
        order, weights = [i for i, _ in kept], [w for _, w in kept]
    u = rng.random() * sum(weights)
    for i, w in zip(order, weights):
        u -= w
        if u < 0:
            return i
    return order[-1]
""",
        # With the Gumbel trick, everything on logits.
        """
def sample(logits, temperature=1.0, top_k=None, top_p=None, rng=None):
    z = np.array(logits) / temperature
    if top_k is not None:
        z = np.where(z >= np.sort(z)[-min(top_k, len(z))], z, -np.inf)
    if top_p is not None:
        order = np.argsort(z)[::-1]
        cum = np.cumsum(softmax(z)[order])
        cut = np.searchsorted(cum, top_p) + 1
        z[order[cut:]] = -np.inf
    return np.argmax(z + rng.gumbel(size=len(z)))
""",
        # Multinomial, mapped back.
        """
def sample(logits, temperature, top_k=None, top_p=None, rng=None):
    order = np.argsort(-logits)
    z = (logits / temperature)[order]
    if top_k:
        z = z[:top_k]
    p = softmax(z)
    if top_p:
        mask = np.cumsum(p) - p < top_p
        p = np.where(mask, p, 0)
        p = p / p.sum()
    return order[np.argmax(rng.multinomial(1, p))]
""",
    ],
    "fit_power_law": [
        # By a library.
        """
from scipy.optimize import curve_fit

def fit_power_law(n, loss):
    x = n / n[0]
    (a, alpha, floor), _ = curve_fit(
        lambda x, a, alpha, floor: a * x**-alpha + floor, x, loss, p0=[1.0, 0.5, 1.0]
    )
    return a * float(n[0]) ** alpha, alpha, floor
""",
        # For each alpha, a and floor follow from a straight line.
        """
def fit_power_law(n, loss):
    tried = []
    for alpha in np.linspace(0.05, 1.5, 600):
        x = (n / n[0]) ** -alpha
        a, floor = np.polyfit(x, loss, 1)
        tried.append((np.sum((a * x + floor - loss) ** 2), a * n[0] ** alpha, alpha, floor))
    return np.array(min(tried)[1:])
""",
        # A coarse grid, the error in logarithms, base 10.
        """
def fit_power_law(n, loss):
    best = (np.inf, 0, 0, 0)
    for floor in np.arange(0.0, min(loss) - 1e-6, 0.004):
        x, y = np.log10(n), np.log10(loss - floor)
        slope, height = np.polyfit(x, y, 1)
        error = np.mean((slope * x + height - y) ** 2)
        best = min(best, (error, 10**height, -slope, floor))
    return best[1:]
""",
    ],
    "render_chat": [
        "import html\n\ndef render_chat(messages):\n    return ''.join(\n"
        "        f\"<|{m['role']}|>\\n{html.escape(m['content'])}<|end|>\\n\" for m in messages)",
        # Only what could begin a mark.
        """
def render_chat(messages):
    safe = [
        {**m, "content": m["content"].replace("&", "&amp;").replace("<|", "&lt;|")}
        for m in messages
    ]
    return naive_chat(safe)
""",
        """
def render_chat(messages):
    table = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
    parts = []
    for m in messages:
        parts += ["<|", m["role"], "|>", chr(10), m["content"].translate(table), "<|end|>\\n"]
    return "".join(parts)
""",
    ],
}
