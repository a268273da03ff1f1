#!/usr/bin/env python3
"""The measures on scores as a detector gives them, not made up: `lake fit` on four demo pictures, `lake score --maps` on the
category's test pictures, then eval/metrics.h against scikit-learn and against PRO written here with NumPy and SciPy.

The same maps once more rounded to hundredths (many ties), of one class only, without masks, and grouped as beyond
EVAL_EXACT_PIXELS. test/show_metrics.c prints what the library says; compiled as test_layouts.py compiles its own.
Skipped without scikit-learn, or where the program has no demo in it."""
import csv
import io
import os
import pathlib
import shlex
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
LAKE = pathlib.Path(os.environ.get("LAKE", "./lake")).resolve()
LIBRARY = LAKE.parent / "liblake.a"
CC = shlex.split(os.environ.get("CC", "cc"))
CFLAGS = shlex.split(os.environ.get("CFLAGS", "-fopenmp")) + ["-O1"]
PICTURES = ROOT / "weights/demo/pictures"
CATEGORIES = ("gear",)
LIMIT, TOLERANCE = 0.3, 1e-6

try:
    import numpy as np
    import scipy.ndimage
    import sklearn.metrics
    from PIL import Image
except ImportError as missing:
    np = None
    MISSING = missing


def check(passed, name, detail=""):
    print(f"ok {name}" if passed else f"not ok {name}: {str(detail)[:600]}", flush=True)
    return passed


def show(program, *arguments):
    r = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=300)
    try:
        return [float(x) for x in r.stdout.split()]
    except ValueError:
        raise SystemExit(f"{r.stdout}{r.stderr}") from None


def same(found, expected):
    """Undefined is as good as undefined."""
    return len(found) == len(expected) and all(
        np.isnan(a) and np.isnan(b) or abs(a - b) < TOLERANCE for a, b in zip(found, expected))


# ---- the measures of scikit-learn, and PRO ----

def measures(labels, scores):
    """AUROC, AP and F1-max; NaN where there is one class."""
    if labels.min() == labels.max():
        return [np.nan] * 3
    precision, recall, _ = sklearn.metrics.precision_recall_curve(labels, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-300)
    return [sklearn.metrics.roc_auc_score(labels, scores), sklearn.metrics.average_precision_score(labels, scores), f1.max()]


def weights(masks):
    """1 / area of the 8-connected region that a pixel lies in, 0 outside, and how many regions there are."""
    all_weights, total = [], 0
    for mask in masks:
        label, count = scipy.ndimage.label(mask, structure=np.ones((3, 3)))
        areas = np.bincount(label.ravel())
        all_weights.append(np.where(label > 0, 1 / areas[label], 0))
        total += count
    return np.concatenate([w.ravel() for w in all_weights]), total


def pro(scores, labels, weight, regions):
    """Of every distinct score; and at the 200 thresholds of APRIL-GAN and AnomalyCLIP."""
    if regions == 0 or labels.all():
        return [np.nan, np.nan]
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    fpr = np.concatenate([[0], np.cumsum(~labels[order]) / np.sum(~labels)])
    overlap = np.concatenate([[0], np.cumsum(weight[order]) / regions])
    last = np.concatenate([[0], np.flatnonzero(np.append(np.diff(ordered) != 0, True)) + 1])
    x, y = fpr[last], overlap[last]
    inside = x < LIMIT
    exact = np.trapz(np.append(y[inside], np.interp(LIMIT, x, y)), np.append(x[inside], LIMIT)) / LIMIT
    low, high = scores.min(), scores.max()
    above = [np.searchsorted(-ordered, -(low + k * ((high - low) / 200)), side="left") for k in range(200)]
    x, y = fpr[above], overlap[above]
    x, y = x[x < LIMIT], y[x < LIMIT]
    if len(x) < 2 or x.max() == x.min():
        return [exact, np.nan]
    return [exact, sklearn.metrics.auc((x - x.min()) / (x.max() - x.min()), y)]


# ---- a detector's scores ----

def score(folder, category):
    """[(score, path of the picture, its map, path of its mask or -)] of the category's test pictures."""
    data = PICTURES / category
    good = sorted((data / "train/good").iterdir())[:4]
    r = subprocess.run([LAKE, "fit", *good, "--weights", "builtin:demo", "-o", folder / "d.lake"], capture_output=True, text=True)
    if r.returncode != 0:
        return None, r.stderr
    r = subprocess.run([LAKE, "score", folder / "d.lake", data / "test", "--csv", "--maps", folder / category],
                       capture_output=True, text=True)
    if r.returncode != 0:
        return None, r.stderr
    found = []
    for row in csv.DictReader(io.StringIO(r.stdout)):
        path = pathlib.Path(row["image"])
        mask = data / "ground_truth" / path.parent.name / f"{path.stem}_mask.png"
        found.append((float(row["score"]), path, folder / category / f"{path.parent.name}_{path.stem}.npy",
                      mask if mask.is_file() else "-"))
    return found, ""


def check_images(folder, show_metrics, category, found):
    labels = np.array([path.parent.name != "good" for _, path, _, _ in found])
    values = np.array([value for value, _, _, _ in found])
    cases = {"images": (values, labels), "rounded": (values.round(2), labels), "one class": (values[labels], labels[labels])}
    for name, (scores, truth) in cases.items():
        (folder / "scores.txt").write_text("".join(f"{s!r} {int(t)}\n" for s, t in zip(scores.tolist(), truth)))
        ours, theirs = show(show_metrics, "scores", folder / "scores.txt")[:3], measures(truth, scores)
        check(same(ours, theirs), f"{category}, {name}", f"{ours} for {theirs}")


def check_pixels(folder, show_metrics, category, found):
    maps = [np.load(path) for _, _, path, _ in found]
    masks = [np.zeros(m.shape, bool) if mask == "-" else np.asarray(Image.open(mask).convert("L")) > 0
             for m, (_, _, _, mask) in zip(maps, found)]
    given = [str(mask) for _, _, _, mask in found]
    rounded = [np.float32(np.round(m, 2)) for m in maps]
    cases = {"pixels": (maps, masks, given), "rounded pixels": (rounded, masks, given),
             "no masks": (maps, [m & False for m in masks], ["-"] * len(maps))}
    for name, (scores, truth, paths) in cases.items():
        arguments = []
        for i, (m, path) in enumerate(zip(scores, paths)):
            np.save(folder / f"{i}.npy", m)
            arguments += [folder / f"{i}.npy", path]
        flat, labels = np.concatenate([m.ravel() for m in scores]).astype(np.float64), np.concatenate([m.ravel() for m in truth])
        weight, regions = weights(truth)
        theirs = measures(labels, flat) + pro(flat, labels, weight, regions)
        for way, exact in (("", 0), (", grouped", 1)):
            ours = show(show_metrics, "pixels", exact, *arguments)
            check(same(ours[:5], theirs) and ours[8] == regions, f"{category}, {name}{way}", f"{ours} for {theirs}, {regions}")


def main():
    if np is None:
        return print(f"skip metrics of real scores: {MISSING}", flush=True)
    if not LIBRARY.exists() or not PICTURES.is_dir():
        return print(f"skip metrics of real scores: no {LIBRARY.name} beside {LAKE}, or no {PICTURES}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        r = subprocess.run([*CC, "-std=c11", "-Wall", "-Wextra", "-Wpedantic", *CFLAGS, "-I.", "-o", folder / "show",
                            "test/show_metrics.c", LIBRARY, "-lm"], cwd=ROOT, capture_output=True, text=True)
        if not check(r.returncode == 0 and not r.stderr, "test/show_metrics.c compiles", r.stderr):
            return
        for category in CATEGORIES:
            found, message = score(folder, category)
            if found is None and "without the demo model" in message:
                return print("skip metrics of real scores: built without the demo model", flush=True)
            if check(found, f"{category}: fit and score", message):
                check_images(folder, folder / "show", category, found)
                check_pixels(folder, folder / "show", category, found)


if __name__ == "__main__":
    main()
