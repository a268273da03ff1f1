"""The method in NumPy, on tokens: the yardstick that lake's C code is compared with.

Written from the equations alone, in double precision, as plainly as NumPy allows; nothing is shared with the C code but
the definition of its random generator (splitmix64). make_lake.py makes the golden files from it, test_lake_reference.py
compares the command with it, and experiments may sweep the options with it:

    from lake_reference import Options, Detector
    detector = Detector([[layer1, layer2], ...], grid=(37, 37), options=Options(neurons=100))
    result = detector.score([layer1, layer2])
    result["score"], result["map"], result["anomalous"]

An image is a list with one array [P, D] per layer; a set of images is a list of those.
"""
from dataclasses import dataclass, field

import numpy as np

FLT_MIN = 2.0 ** -126


@dataclass
class Options:
    normalisation: str = "clip"   # none clip l2 ln
    selection: str = "variance"   # variance random bottom all pca
    neurons: int = 100
    seed: int = 0
    distance: str = "l2"          # l2 cosine
    coreset: float = 1.0
    trim: float = 0.0
    weight: float = 0.3           # lambda
    pooling: str = "max"          # max mean top1
    threshold: object = "auto"    # "auto", a number, or ("fpr", q)


# ---- the C program's random generator ----

class Random:
    def __init__(self, seed):
        self.state = seed % 2 ** 64

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) % 2 ** 64
        z = self.state
        z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) % 2 ** 64
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) % 2 ** 64
        return z ^ z >> 31

    def below(self, bound):
        while True:
            drawn = self.next()
            if drawn >= 2 ** 64 % bound:
                return drawn % bound


# ---- one step per function ----

def normalise(tokens, kind):
    """[P, D] -> [P, D], float32 as the program keeps it."""
    t = np.asarray(tokens, np.float64)
    lengths = np.linalg.norm(t, axis=1, keepdims=True)
    if kind == "clip":
        limit = 2 * np.median(lengths)
        t = t * np.where(lengths > limit, limit / np.where(lengths > 0, lengths, 1), 1)
    elif kind == "l2":
        t = t / np.where(lengths > 0, lengths, 1)
    elif kind == "ln":
        t = (t - t.mean(1, keepdims=True)) / np.sqrt(t.var(1, keepdims=True) + 1e-5)
    return t.astype(np.float32)


def select(tokens, count, kind, seed):
    """Normal tokens [N, D] -> chosen channels [K], for every kind but pca."""
    width = tokens.shape[1]
    variance = np.asarray(tokens, np.float64).var(axis=0)
    if kind == "random":
        random, order = Random(seed), list(range(width))
        for k in range(count):
            other = k + random.below(width - k)
            order[k], order[other] = order[other], order[k]
        return np.array(order[:count])
    order = np.lexsort((np.arange(width), variance if kind == "bottom" else -variance))
    return order[:width if kind == "all" else count]


def principal_axes(tokens, count):
    """Mean [D] and the leading eigenvectors [K, D] of the covariance of [N, D]."""
    t = np.asarray(tokens, np.float64)
    mean = t.mean(0)
    _, vectors = np.linalg.eigh((t - mean).T @ (t - mean) / len(t))
    return mean, vectors[:, ::-1][:, :count].T


def unit(rows):
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1)


def squared_distances(a, b):
    """[m, K], [n, K] -> [m, n]. In double the cancellation of this form is below 1e-15 of the squared norms."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return np.maximum((a ** 2).sum(1)[:, None] + (b ** 2).sum(1)[None] - 2 * a @ b.T, 0)


def nearest(queries, gallery, allowed=None, distance="l2"):
    """Distances [m] and winning rows [m]; a query with no allowed row gets 0 and -1."""
    squared = squared_distances(queries, gallery)
    if allowed is not None:
        squared = np.where(allowed, squared, np.inf)
    winners = squared.argmin(1)
    exact = ((np.asarray(queries, np.float64) - gallery[winners]) ** 2).sum(1)
    none = ~np.isfinite(squared[np.arange(len(winners)), winners])
    exact[none] = 0
    winners = np.where(none, -1, winners)
    return (exact / 2 if distance == "cosine" else np.sqrt(exact)), winners


def coreset(rows, keep, seed):
    """Greedy k-centre: which rows are kept, ascending."""
    rows = np.asarray(rows, np.float64)
    chosen = [Random(seed).below(len(rows))]
    closest = ((rows - rows[chosen[0]]) ** 2).sum(1)
    closest[chosen[0]] = -1
    while len(chosen) < keep:
        chosen.append(int(closest.argmax()))
        closest = np.minimum(closest, ((rows - rows[chosen[-1]]) ** 2).sum(1))
        closest[chosen] = -1
    return np.sort(chosen)


def pool(values, pooling):
    values = np.sort(np.ravel(values))[::-1].astype(np.float64)
    count = {"max": 1, "mean": len(values), "top1": max(1, len(values) // 100)}[pooling]
    return values[:count].mean()


def activate(patches, normal, anomalous, scale):
    """[P, E] unit patches -> s [P]."""
    logits = scale * np.stack([patches @ normal, patches @ anomalous], -1).astype(np.float64)
    logits -= logits.max(-1, keepdims=True)
    return (np.exp(logits) / np.exp(logits).sum(-1, keepdims=True))[..., 1]


def enlarge(grid_map, height, width):
    """[g, g] -> [height, width], bilinear with align_corners false, then the Gaussian."""
    from scipy.ndimage import gaussian_filter

    def taps(out, size):
        at = np.clip((np.arange(out) + 0.5) * size / out - 0.5, 0, None)
        low = np.minimum(at.astype(int), size - 1)
        return low, np.minimum(low + 1, size - 1), at - low
    top, bottom, down = taps(height, grid_map.shape[0])
    left, right, across = taps(width, grid_map.shape[1])
    rows = grid_map[top] * (1 - down)[:, None] + grid_map[bottom] * down[:, None]
    big = rows[:, left] * (1 - across) + rows[:, right] * across
    return gaussian_filter(big, (4 * height / 518, 4 * width / 518))


# ---- a layer and a detector ----

@dataclass
class Layer:
    block: int
    channels: np.ndarray = None
    mean: np.ndarray = None
    axes: np.ndarray = None      # pca
    gallery: np.ndarray = None   # [rows, K]
    source: np.ndarray = None    # [rows] image * P + patch
    delta: float = 0
    distances: np.ndarray = None  # [n, P] leave-one-out
    counted: np.ndarray = None    # [n, P]

    def restrict(self, tokens, distance):
        rows = tokens[:, self.channels] if self.axes is None else (tokens - self.mean) @ self.axes.T
        rows = unit(np.asarray(rows, np.float64)) if distance == "cosine" else rows
        return np.asarray(rows, np.float32)


@dataclass
class Detector:
    normals: list                 # n images, each a list of [P, D] per layer
    grid: tuple
    options: Options = field(default_factory=Options)
    blocks: list = None           # numbers of the layers; seeds depend on them
    semantic: list = None         # n maps [P] of s, or None
    normalised: bool = False      # the tokens already are

    def __post_init__(self):
        o = self.options
        layers = len(self.normals[0])
        self.blocks = self.blocks or list(range(1, layers + 1))
        self.tokens = [np.stack([image[l] if self.normalised else normalise(image[l], o.normalisation)
                                 for image in self.normals]) for l in range(layers)]  # per layer [n, P, D]
        self.count, self.patches = self.tokens[0].shape[:2]
        self.dropped = np.zeros(self.count * self.patches, bool)
        self._learn()
        if o.trim > 0:
            drop = min(int(o.trim * len(self.dropped) + 0.5), len(self.dropped) - 1)
            scores = self.normal_maps.ravel()
            worst = np.lexsort((np.arange(len(scores)), -scores))[:drop]
            self.dropped[worst] = True
            if drop:
                self._learn()
        self.decide()

    def _learn(self):
        self.layers = [self._learn_layer(l) for l in range(len(self.tokens))]
        self.normal_maps = np.mean([y.distances / (y.distances + y.delta) for y in self.layers], 0).astype(np.float32)

    def _learn_layer(self, l):
        o, block = self.options, self.blocks[l]
        width = self.tokens[l].shape[2]
        flat = self.tokens[l].reshape(-1, width)[~self.dropped]
        layer = Layer(block, mean=flat.mean(0, dtype=np.float64))
        layer.variance = np.asarray(flat, np.float64).var(0)
        if o.selection == "pca":
            layer.mean, layer.axes = principal_axes(flat, min(o.neurons, width))
            layer.axes = layer.axes.astype(np.float32).astype(np.float64)
            layer.channels = np.arange(len(layer.axes))
        else:
            layer.channels = select(flat, min(o.neurons, width), o.selection, o.seed + block)
        layer.gallery = layer.restrict(flat, o.distance)
        layer.source = np.flatnonzero(~self.dropped)
        keep = max(1, int(o.coreset * len(layer.gallery) + 0.5))
        if keep < len(layer.gallery):
            kept = coreset(layer.gallery, keep, o.seed + block)
            layer.gallery, layer.source = layer.gallery[kept], layer.source[kept]
        self._leave_one_out(layer, l)
        return layer

    def _leave_one_out(self, layer, l):
        o, (height, width) = self.options, self.grid
        row_image, row_patch = layer.source // self.patches, layer.source % self.patches
        patch = np.arange(self.patches)
        far = np.maximum(abs(patch[:, None] // width - row_patch[None] // width),
                         abs(patch[:, None] % width - row_patch[None] % width))  # [P, rows]
        distances, counted = [], []
        for image in range(self.count):
            queries = layer.restrict(self.tokens[l][image], o.distance)
            own = (row_image == image)[None]
            found, winners = nearest(queries, layer.gallery, ~own & np.ones_like(far, bool), o.distance)
            for radius in (2, 1, 0):
                again, better = nearest(queries, layer.gallery, ~own | (far > radius), o.distance)
                fill = (winners < 0) & (better >= 0)
                found[fill], winners[fill] = again[fill], better[fill]
            distances.append(found.astype(np.float32))
            counted.append(winners >= 0)
        layer.distances, layer.counted = np.array(distances), np.array(counted)
        trusted = layer.distances.astype(np.float64).ravel()[layer.counted.ravel() & ~self.dropped]
        rms = np.sqrt((np.asarray(layer.gallery, np.float64) ** 2).sum(1).mean())
        least = 0.5e-12 if o.distance == "cosine" else 1e-6 * rms
        layer.delta = max(np.percentile(trusted, 99) if len(trusted) else 0, least, FLT_MIN)

    def decide(self):
        """Normal scores, outliers and threshold from the maps and the options (which may have been changed)."""
        o = self.options
        weight = o.weight if self.semantic is not None else 0
        maps = self.normal_maps if weight == 0 else (1 - weight) * self.normal_maps + weight * np.asarray(self.semantic)
        self.normal_scores = np.array([pool(m, o.pooling) for m in maps])
        median = np.median(self.normal_scores)
        self.outlier = self.normal_scores > median + 5 * np.median(abs(self.normal_scores - median))
        trusted = self.normal_scores[~self.outlier] if o.trim > 0 else self.normal_scores
        if o.threshold == "auto":
            self.threshold = min(1.1 * trusted.max(), (1 + trusted.max()) / 2)
        elif isinstance(o.threshold, tuple):
            self.threshold = np.quantile(trusted, 1 - o.threshold[1])
        else:
            self.threshold = float(o.threshold)

    def score(self, image, semantic=None, normalised=False):
        """One image (a list of [P, D]) -> dict of everything known about it."""
        o = self.options
        weight = o.weight if self.semantic is not None else 0
        r = {"selected": [], "distances": [], "winners": []}
        for layer, tokens in zip(self.layers, image):
            tokens = tokens if normalised else normalise(tokens, o.normalisation)
            queries = layer.restrict(tokens, o.distance)
            distances, winners = nearest(queries, layer.gallery, None, o.distance)
            for key, value in zip(("selected", "distances", "winners"), (queries, distances, winners)):
                r[key].append(value)
        r["structural_map"] = np.mean([d / (d + y.delta) for d, y in zip(r["distances"], self.layers)], 0)
        r["map"] = r["structural_map"] if weight == 0 else (1 - weight) * r["structural_map"] + weight * semantic
        r["structural"] = pool(r["structural_map"], o.pooling)
        r["semantic"] = pool(semantic, o.pooling) if weight > 0 else None
        r["score"] = pool(r["map"], o.pooling)
        r["patch"] = divmod(int(np.argmax(r["map"])), self.grid[1])
        r["threshold"], r["anomalous"] = self.threshold, bool(r["score"] > self.threshold)
        return r

    def shares(self, result, patch):
        """[(block, channel, share)] of all neurons for one patch, largest first."""
        parts = []
        for l, layer in enumerate(self.layers):
            difference = np.asarray(result["selected"][l][patch], np.float64) - layer.gallery[result["winners"][l][patch]]
            scale = 2 * layer.delta if self.options.distance == "cosine" else layer.delta ** 2
            parts += [(layer.block, int(c), v) for c, v in zip(layer.channels, difference ** 2 / scale)]
        total = sum(p[2] for p in parts)
        return sorted([(b, c, v / total if total > 0 else 0) for b, c, v in parts], key=lambda p: -p[2])

    def audit(self, l):
        """(captured, optimum, mean squared cosine) of the selection of layer l against the PCA."""
        layer = self.layers[l]
        flat = np.asarray(self.tokens[l].reshape(-1, self.tokens[l].shape[2])[~self.dropped], np.float64)
        covariance = np.cov(flat.T, bias=True).reshape(flat.shape[1], -1)
        values, vectors = np.linalg.eigh(covariance)
        values, vectors = values[::-1], vectors[:, ::-1].T
        k = len(layer.channels)
        return (np.diag(covariance)[layer.channels].sum() / values.sum(), values[:k].sum() / values.sum(),
                (vectors[:k][:, layer.channels] ** 2).sum() / k)


def overlap(a, b, width):
    """Common channels, Jaccard index, the number expected by chance, and the probability of as many or more by chance."""
    from scipy.stats import hypergeom

    common = len(np.intersect1d(a, b))
    return common, common / len(np.union1d(a, b)), len(a) * len(b) / width, hypergeom.sf(common - 1, width, len(a), len(b))
