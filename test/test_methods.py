#!/usr/bin/env python3
"""The methods that are measured side by side (eval/method.h) against NumPy: PatchCore, AnomalyDINO, both on LAKE's channels, and
fused with LAKE, from the tokens that `lake embed --layers` writes.

The model is a tiny random CLIP, so that its final layer normalisation is known here; the pictures are the demo's. What is
computed here is written from the papers' equations; LAKE's own maps are those of test/golden/lake_reference.py. The normal
pictures are among the test pictures as well: so the texts' maps of them are seen, which a fused detector is calibrated with.
test/show_methods.c prints what the library says; it is compiled with the compiler and flags of `make test`.
"""
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
LAKE = pathlib.Path(os.environ.get("LAKE", "./lake")).resolve()
LIBRARY = LAKE.parent / "liblake.a"
CC = shlex.split(os.environ.get("CC", "cc"))
CFLAGS = shlex.split(os.environ.get("CFLAGS", "-fopenmp")) + ["-O1"]
sys.path[:0] = [str(ROOT / "test"), str(ROOT / "test" / "golden")]

try:
    import numpy as np
    import tiny
    from lake_reference import Detector, Options, coreset, normalise, pool, unit
except ImportError as missing:
    print("skip methods against NumPy:", missing)
    sys.exit(0)

SIDE, RESOLUTION, LAYERS, LAST, NEURONS, SEED = 16, 128, [1, 2], 4, 20, 7

# Of the largest value. Both sides start from the same floats. The program rounds a sum of nine tokens, a quotient and each map
# to floats, 6e-8 each, and a distance, far shorter than its patches, feels the rounding of these some ten times as much.
TOLERANCE = 5e-6


def check(passed, name, detail=""):
    print(f"ok {name}" if passed else f"not ok {name}: {str(detail)[:1500]}", flush=True)
    return passed


def close(found, expected, name):
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    if found.shape != expected.shape:
        return check(False, name, f"shape {found.shape}, expected {expected.shape}")
    largest = np.abs(expected).max()
    off = np.abs(found - expected).max() / largest
    return check(off <= TOLERANCE and largest > 0, name, f"off by {off:.2e} of the largest")


# ---- the methods, from their equations ----

def neighbourhoods(tokens):
    """[P, D] -> the mean over 3 x 3 with zeros beyond the edge: torch.nn.AvgPool2d(3, 1, 1)."""
    grid = tokens.reshape(SIDE, SIDE, -1).astype(np.float64)
    padded = np.pad(grid, ((1, 1), (1, 1), (0, 0)))
    total = sum(padded[y:y + SIDE, x:x + SIDE] for y in range(3) for x in range(3))
    return (total / 9).reshape(SIDE * SIDE, -1)


def layer_norm(tokens, gain, bias):
    t = tokens.astype(np.float64)
    return (t - t.mean(-1, keepdims=True)) / np.sqrt(t.var(-1, keepdims=True) + 1e-5) * gain + bias


def selected(images, block, kind):
    """LAKE's channels of a block: the largest variance over all normal tokens after its normalisation."""
    tokens = np.concatenate([normalise(image[block], kind) for image in images]).astype(np.float64)
    return np.sort(np.argsort(-tokens.var(0), kind="stable")[:NEURONS])


def distances(a, b):
    return np.sqrt(np.maximum(((a[:, None] - b[None]) ** 2).sum(-1), 0))


def allowed_rows(source, image, patch, count):
    """Rows that normal picture `image` may be compared with: of others; of a single one those away from the patch."""
    other = source // SIDE ** 2 != image
    if count > 1:
        return other
    row, column = divmod(source % SIDE ** 2, SIDE)
    return np.maximum(abs(row - patch // SIDE), abs(column - patch % SIDE)) > 2


class Bank:
    """Rows of all normal patches, or of a coreset."""

    def __init__(self, normals, share, cosine, score):
        self.normals = [unit(n) if cosine else n for n in normals]
        self.cosine, self.score_of = cosine, score
        rows = np.concatenate(self.normals)
        self.source = np.arange(len(rows))
        if share < 1:
            self.source = coreset(rows.astype(np.float32), max(1, int(share * len(rows) + 0.5)), SEED + 1)
        self.rows = rows[self.source]

    def judge(self, patches, left_out=None):
        """Map and score; left_out: number of the normal picture that the patches are of."""
        q = unit(patches) if self.cosine else patches
        d = distances(q, self.rows)
        if left_out is not None:
            for p in range(len(d)):
                d[p, ~allowed_rows(self.source, left_out, p, len(self.normals))] = np.inf
        nearest = d.argmin(1)
        m = d.min(1)
        if self.cosine:
            m = m ** 2 / 2
        if self.score_of == "top1":
            return m, pool(m, "top1")
        worst = m.argmax()
        own = np.flatnonzero(np.isfinite(d[worst]))
        star = nearest[worst]
        near = own[np.argsort(distances(self.rows[star][None], self.rows[own])[0], kind="stable")[:9]]
        weight = np.exp(d[worst, near].astype(np.longdouble))
        return m, float((1 - np.exp(np.longdouble(m[worst])) / weight.sum()) * m[worst])


def distance_scale(v, normal):
    edge = np.percentile(normal, 99)
    return v / (v + edge)


def probability_scale(v, normal):
    e = np.percentile(normal, 99)
    return v * (1 - e) / (v * (1 - e) + e * (1 - v))


# ---- the program ----

def run(*command):
    r = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
    if r.returncode != 0:
        raise RuntimeError(f"{command[0]}: {r.returncode} {r.stderr[-1000:]}")
    return r.stdout


def make_model(home):
    tensors = tiny.clip_tensors(seed=3, layers=LAST)
    tiny.write_safetensors(home / "tiny.safetensors", tensors)
    tiny.write_vocabulary(home / "vocabulary.txt")
    run(LAKE, "convert", home / "tiny.safetensors", "--vocab", home / "vocabulary.txt", "-o", home / "tiny.clip")
    return [np.array(tensors["visual.ln_post." + part][1], np.float32).astype(np.float64) for part in ("weight", "bias")]


def make_tree(home, shots):
    """MVTec's layout with the first pictures of the demo's gear; the normals are test pictures as well."""
    demo, tree = ROOT / "weights" / "demo" / "pictures" / "gear", home / "data" / "gear"
    for part in ("train/good", "test/good", "test/cut"):
        (tree / part).mkdir(parents=True)
    normals = sorted((demo / "train" / "good").iterdir())[:shots]
    for picture in normals:
        shutil.copy(picture, tree / "train" / "good")
        shutil.copy(picture, tree / "test" / "good" / ("normal-" + picture.name))
    for part, count in (("good", 2), ("cut", 3)):
        for picture in sorted((demo / "test" / part).iterdir())[:count]:
            shutil.copy(picture, tree / "test" / part)
    return home / "data"


class Shown:
    """What show_methods printed: scores and maps by path."""

    def __init__(self, home, show, tree, shots, kind, methods):
        out = home / f"out-{shots}"
        out.mkdir()
        text = run(show, home / "tiny.clip", tree, "gear", RESOLUTION, ",".join(map(str, LAYERS)), NEURONS, kind, shots, SEED, out, *methods)
        self.threshold, self.scores, self.normal_scores, self.maps, self.normal_maps = {}, {}, {}, {}, {}
        order = {}
        for line in text.splitlines():
            f = line.split("\t")
            if f[0] == "error":
                raise RuntimeError(line)
            if f[0] == "method":
                self.threshold[f[1]] = float(f[2])
                continue
            (self.scores if f[0] == "test" else self.normal_scores).setdefault(f[1], []).append(float(f[3]))
            order.setdefault((f[0], f[1]), []).append(f[2])
        self.tests = order["test", methods[0]]
        self.normals = order["normal", methods[0]]
        for m in methods:
            self.maps[m] = np.load(out / f"{m}.npy").astype(np.float64)
            if m in self.normal_scores:
                self.normal_maps[m] = np.load(out / f"{m}-normal.npy").astype(np.float64)


# ---- the comparison ----

def tokens_of(home, tree, paths):
    """{block: [P, D]} of each picture."""
    images = []
    for path in paths:
        run(LAKE, "embed", tree / path, "--weights", home / "tiny.clip", "--res", RESOLUTION, "--layers", "1,2,4", "-o", home / "t.npy")
        images.append(dict(zip([1, 2, 4], np.load(home / "t.npy"))))
    return images


def compare(name, shown, normal, test, threshold=True):
    """normal, test: lists of (map, score)."""
    close(shown.maps[name], [m for m, _ in test], name + ": maps")
    close(shown.scores[name], [s for _, s in test], name + ": scores")
    close(shown.normal_maps[name], [m for m, _ in normal], name + ": maps of the normals")
    close(shown.normal_scores[name], [s for _, s in normal], name + ": scores of the normals")
    largest = max(s for _, s in normal)
    expected = 1.1 * largest if threshold else min(1.1 * largest, (1 + largest) / 2)
    close(shown.threshold[name], expected, name + ": threshold")


def check_banks(shown, normals, tests, final, kind):
    """The memory banks on all channels and on LAKE's; returns maps of the first two."""
    channels = {block: selected(normals, block, kind) for block in LAYERS + [LAST]}
    post = lambda image: layer_norm(image[LAST], *final)
    join = lambda image, of: np.concatenate([neighbourhoods(image[b])[:, of(b)] for b in LAYERS], 1)
    every = lambda block: slice(None)
    kinds = {"patchcore": (lambda image: join(image, every), 0.1, False, "reweighted"),
             "patchcore-lake": (lambda image: join(image, channels.get), 0.1, False, "reweighted"),
             "anomalydino": (post, 1, True, "top1"),
             "anomalydino-lake": (lambda image: post(image)[:, channels[LAST]], 1, True, "top1")}
    kept = {}
    for name, (features, share, cosine, score) in kinds.items():
        bank = Bank([features(image) for image in normals], share, cosine, score)
        normal = [bank.judge(n, i) for i, n in enumerate(bank.normals)]
        test = [bank.judge(features(image)) for image in tests]
        compare(name, shown, normal, test)
        kept[name] = (np.array([m for m, _ in normal]), np.array([m for m, _ in test]))
    return kept


def lake_maps(normals, tests, semantic, normal_semantic, weight, kind):
    """LAKE's maps of the normals and of the tests."""
    lake = Detector([[n[b] for b in LAYERS] for n in normals], (SIDE, SIDE), Options(neurons=NEURONS, normalisation=kind), blocks=LAYERS)
    normal = (1 - weight) * lake.normal_maps + weight * normal_semantic
    return normal, np.array([(1 - weight) * lake.score([t[b] for b in LAYERS])["map"] + weight * s for t, s in zip(tests, semantic)])


def check_fused(shown, kept, normals, tests, kind):
    semantic = shown.maps["zero"]
    copies = [next(i for i, t in enumerate(shown.tests) if t.endswith("normal-" + os.path.basename(n))) for n in shown.normals]
    kept["zero"] = (semantic[copies], semantic)
    for other in ("patchcore", "anomalydino", "zero"):
        lake = lake_maps(normals, tests, semantic, semantic[copies], 0 if other == "zero" else 0.3, kind)
        if other != "zero":
            close(shown.maps["lake"], lake[1], "lake: maps")
            close(shown.normal_maps["lake"], lake[0], "lake: maps of the normals")
        scale = probability_scale if other == "zero" else distance_scale
        fused = [(probability_scale(m, lake[0]) + scale(o, kept[other][0])) / 2 for m, o in zip(lake, kept[other])]
        compare(other + "+lake", shown, [(m, m.max()) for m in fused[0]], [(m, m.max()) for m in fused[1]], threshold=False)


def check_shots(home, show, final, shots, kind):
    methods = ["lake", "zero", "patchcore", "patchcore-lake", "anomalydino", "anomalydino-lake", "patchcore+lake", "anomalydino+lake", "zero+lake"]
    place = home / f"shots-{shots}"
    tree = make_tree(place, shots)
    shown = Shown(home, show, tree, shots, kind, methods)
    check(len(shown.tests) == shots + 5 and len(shown.normals) == shots, "pictures", f"{len(shown.tests)} and {len(shown.normals)}")
    normals, tests = tokens_of(home, tree, shown.normals), tokens_of(home, tree, shown.tests)
    check_fused(shown, check_banks(shown, normals, tests, final, kind), normals, tests, kind)


def main():
    if shutil.which(CC[0]) is None or not LIBRARY.is_file():
        return print(f"skip methods: no {LIBRARY.name} beside {LAKE}, or no compiler", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        home = pathlib.Path(folder)
        show = home / "show"
        r = subprocess.run([*CC, "-std=c11", "-Wall", "-Wextra", "-Wpedantic", *CFLAGS, "-I.", "-o", show, "test/show_methods.c", LIBRARY, "-lm"],
                           cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if not check(r.returncode == 0 and r.stdout == "", "test/show_methods.c compiles", r.stdout):
            return
        final = make_model(home)
        for shots, kind in ((3, "clip"), (1, "ln")):
            check_shots(home, show, final, shots, kind)


if __name__ == "__main__":
    try:
        main()
    except RuntimeError as failure:
        check(False, "the programs ran", failure)
