#!/usr/bin/env python3
"""Which options do the data support: sweeps LAKE's choices over folders in MVTec's layout.

    eval/sweep.py --weights W.clip --root FOLDER CATEGORY [CATEGORY ...] [--res R] [--shots 4] -o RESULTS.csv

Tokens of every block come from `lake embed --layers all`, once per image; everything after that (token normalisation, selection,
distance, calibration, pooling) is NumPy here, so the table is also a check of the C code by other code. Rows: category, blocks,
normalisation, selection, K, distance, pooling, image AUROC. Uses NumPy and scikit-learn; $LAKE is the command (default ./lake).
"""
import argparse
import csv
import itertools
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from sklearn.metrics import roc_auc_score

LAKE = os.environ.get("LAKE", "./lake")
POOLINGS = ("max", "top1", "mean")


def tokens_of(image, weights, res, folder):
    """All blocks' patch tokens of an image, [L, P, D]."""
    out = folder / "tokens.npy"
    subprocess.run([LAKE, "embed", str(image), "--weights", weights, "--res", str(res), "--layers", "all", "-o", str(out)], check=True)
    return np.load(out)


def load(root, category, weights, res, shots):
    """Tokens of the normal images [n, L, P, D], of the test images, and the labels of the latter."""
    base = pathlib.Path(root) / category
    train = sorted((base / "train" / "good").iterdir())[:shots]
    tests = sorted(p for p in (base / "test").glob("*/*") if p.is_file())
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        normal = np.stack([tokens_of(p, weights, res, folder) for p in train])
        test = np.stack([tokens_of(p, weights, res, folder) for p in tests])
    return normal, test, np.array([p.parent.name != "good" for p in tests])


def normalise(tokens, kind):
    """tokens [images, P, D]"""
    if kind == "clip":
        length = np.linalg.norm(tokens, axis=-1, keepdims=True)
        return tokens * np.minimum(1, 2 * np.median(length, axis=-2, keepdims=True) / np.maximum(length, 1e-30))
    if kind == "l2":
        return tokens / np.maximum(np.linalg.norm(tokens, axis=-1, keepdims=True), 1e-30)
    if kind == "ln":
        centred = tokens - tokens.mean(-1, keepdims=True)
        return centred / np.sqrt(tokens.var(-1, keepdims=True) + 1e-5)
    return tokens


def channels(tokens, selection, count):
    variance = tokens.reshape(-1, tokens.shape[-1]).astype(np.float64).var(0)
    order = np.argsort(-variance, kind="stable")
    if selection == "random":
        return np.random.default_rng(0).permutation(len(order))[:count]
    if selection == "bottom":
        return order[::-1][:count]
    return order[:count]


def nearest(queries, gallery):
    """Distance of every row of queries [P, K] to its nearest row of gallery [N, K]."""
    squared = (queries ** 2).sum(1)[:, None] + (gallery ** 2).sum(1)[None] - 2 * queries @ gallery.T
    return np.sqrt(np.maximum(squared.min(1), 0))


def structural(normal, test, selection, count, distance):
    """Calibrated maps a(p) of one block: normal images (leave one out) [n, P] and test images [m, P]."""
    chosen = channels(normal, selection, count)
    normal, test = normal[..., chosen], test[..., chosen]
    if distance == "cosine":
        normal, test = normalise(normal, "l2"), normalise(test, "l2")
    n, patches, width = normal.shape
    left_out = np.stack([nearest(normal[i], np.delete(normal, i, 0).reshape(-1, width)) for i in range(n)])
    delta = np.percentile(left_out, 99)
    distances = np.stack([nearest(t, normal.reshape(-1, width)) for t in test])
    return distances / (distances + delta)


def pool(maps, pooling):
    if pooling == "max":
        return maps.max(1)
    if pooling == "mean":
        return maps.mean(1)
    top = max(1, maps.shape[1] // 100)
    return np.sort(maps, 1)[:, -top:].mean(1)


def layer_sets(depth):
    """Single blocks, and the spread sets that a default could be."""
    q = depth / 4
    singles = [(b,) for b in range(1, depth + 1)]
    spread = [(round(q), round(2 * q), round(3 * q)), (round(q), round(2 * q)), (round(2 * q), round(3 * q)), tuple(range(1, depth + 1)),
              (round(q), round(2 * q), round(3 * q), depth), (round(2 * q), round(3 * q), depth)]
    return singles + spread


def sweep(category, normal, test, labels, counts, writer):
    depth, width = normal.shape[1], normal.shape[3]
    selections = [("variance", k) for k in counts] + [("all", width)] + [("random", k) for k in counts] + [("bottom", k) for k in counts]
    for kind, (selection, count), distance in itertools.product(("none", "clip", "l2", "ln"), selections, ("l2", "cosine")):
        maps = {}
        for block in range(depth):
            maps[block + 1] = structural(normalise(normal[:, block], kind), normalise(test[:, block], kind), selection, count, distance)
        for blocks in layer_sets(depth):
            mean = np.mean([maps[b] for b in blocks], 0)
            for pooling in POOLINGS:
                writer.writerow([category, "+".join(map(str, blocks)), kind, selection, count, distance, pooling,
                                 f"{roc_auc_score(labels, pool(mean, pooling)):.4f}"])
        print(category, kind, selection, count, distance, file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("categories", nargs="+")
    parser.add_argument("--weights", required=True)
    parser.add_argument("--root", required=True)
    parser.add_argument("--res", type=int, default=512)
    parser.add_argument("--shots", type=int, default=4)
    parser.add_argument("--neurons", default="25,50,100")
    parser.add_argument("-o", dest="output", required=True)
    a = parser.parse_args()
    with open(a.output, "w", newline="") as f:
        writer = csv.writer(f)
        writer.writerow("category blocks normalisation selection neurons distance pooling image_auroc".split())
        for category in a.categories:
            sweep(category, *load(a.root, category, a.weights, a.res, a.shots), [int(k) for k in a.neurons.split(",")], writer)


if __name__ == "__main__":
    main()
