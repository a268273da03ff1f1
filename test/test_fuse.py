#!/usr/bin/python3
"""lake fuse against NumPy, PyTorch and scikit-learn: calibration by normal images, resampling, the rules, the threshold, AUROC, the
pairing of names; and what it refuses. The expected values are computed here from the formulas of doc/METHOD.md, section 9."""
import csv
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import tiny

try:
    import numpy as np
except ImportError:
    np = None

LAKE = os.path.abspath(os.environ.get("LAKE", "./lake"))

# Scores are doubles printed with 9 digits; maps are floats (6e-8 of 1), calibrated, resampled and averaged: a few roundings.
SCORE_TOLERANCE, MAP_TOLERANCE = 1e-8, 5e-7


def check(passed, name, detail=""):
    print(f"ok {name}" if passed else f"not ok {name}: {detail}", flush=True)


def run(*arguments):
    return subprocess.run([LAKE, "fuse", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=300)


def rows_of(result):
    return list(csv.DictReader(io.StringIO(result.stdout)))


def refuse(name, code, *arguments, says=()):
    r = run(*arguments)
    lines = [line for line in r.stderr.splitlines() if ": note: " not in line]
    problems = [] if r.returncode == code else [f"exit code {r.returncode}, expected {code}"]
    problems += [] if len(lines) == 1 and lines[0].startswith("lake fuse: ") else [f"{len(lines)} lines on standard error"]
    problems += [f"no word of {word!r}" for word in says if word not in r.stderr]
    check(not problems, name, "; ".join(problems) + " | " + r.stderr[-600:] + r.stdout[-200:])


# ---- the formulas ----

def distance_scale(normals):
    normals = np.asarray(normals, np.float64).ravel()
    origin, edge = min(0, normals.min()), np.quantile(normals, 0.99)
    edge = edge if edge > origin else normals.max()
    return lambda v: np.maximum(v - origin, 0) / (np.maximum(v - origin, 0) + edge - origin)


def odds_scale(normals):
    e = np.quantile(np.asarray(normals, np.float64).ravel(), 0.99)
    return lambda v: v * (1 - e) / (v * (1 - e) + e * (1 - v))


def automatic(normals):
    return min(1.1 * max(normals), (1 + max(normals)) / 2)


def write_table(path, rows, header="image,score"):
    with open(path, "w") as f:
        f.write(header + "\n")
        f.writelines(",".join(str(x) if isinstance(x, str) else repr(float(x)) if isinstance(x, (float, np.floating)) else str(x) for x in row) + "\n"
                     for row in rows)


# ---- scores ----

def check_scores(rng):
    names = [f"test/{kind}/{i:03d}.png" for kind in ("good", "cut") for i in range(12)]
    truth = np.array([0] * 12 + [1] * 12)
    lake = rng.uniform(0.3, 0.6, 24) + 0.15 * truth
    other = rng.normal(20, 3, 24) + 3 * truth
    lake_good, other_good = rng.uniform(0.3, 0.6, 7), rng.normal(20, 3, 7)
    write_table("lake.csv", zip(names, lake))
    order = rng.permutation(24)  # another order, flat names, labels
    write_table("other.csv", [(names[i].split("/", 1)[1].replace("/", "_")[:-4], other[i], int(truth[i])) for i in order], "image,score,label")
    write_table("lake_good.csv", [(f"train/{i}.png", lake_good[i]) for i in range(7)])
    write_table("other_good.csv", [(f"{i}.png", other_good[i]) for i in range(7)])
    a, b = odds_scale(lake_good), distance_scale(other_good)
    normals = ["--lake-normals", "lake_good.csv", "--with-normals", "other_good.csv"]

    for weight in (0.0, 0.25, 0.5, 1.0):
        expected = (1 - weight) * a(lake) + weight * b(other)
        threshold = automatic((1 - weight) * a(lake_good) + weight * b(other_good))
        r = run("--lake", "lake.csv", "--with", "other.csv", *normals, "--weight", weight, "--csv")
        rows = rows_of(r)
        ours = np.array([float(row["score"]) for row in rows])
        check(r.returncode == 0 and len(rows) == 24 and [row["image"] for row in rows] == names, f"weight {weight}: every image in LAKE's order", r.stderr)
        off = max(np.abs(ours - expected).max(), abs(float(rows[0]["threshold"]) - threshold))
        check(off <= SCORE_TOLERANCE, f"weight {weight}: scores and threshold", f"off by {off}")
        check([row["label"] == "anomalous" for row in rows] == list(expected > threshold), f"weight {weight}: labels")
    off = max(max(abs(float(row["lake"]) - x), abs(float(row["other"]) - y)) for row, x, y in zip(rows, a(lake), b(other)))
    check(off <= SCORE_TOLERANCE, "each detector's calibrated score", f"off by {off}")
    r = run("--lake", "lake.csv", "--with", "other.csv", *normals, "--rule", "max", "--jsonl")
    ours = np.array([json.loads(line)["score"] for line in r.stdout.splitlines()])
    check(np.abs(ours - np.maximum(a(lake), b(other))).max() <= SCORE_TOLERANCE, "rule max, JSON lines", r.stderr)

    r = run("--lake", "lake.csv", "--with", "other.csv", *normals, "--threshold", "fpr=0.2", "--csv")
    threshold = np.quantile((a(lake_good) + b(other_good)) / 2, 0.8)
    check(abs(float(rows_of(r)[0]["threshold"]) - threshold) <= SCORE_TOLERANCE, "threshold by a false-positive rate", r.stderr)
    r = run("--lake", "lake.csv", "--with", "other.csv", "--with-normals", "other_good.csv", "--jsonl")
    row = json.loads(r.stdout.splitlines()[3])
    check(row["label"] is None and row["threshold"] is None and row["pixel"] is None and abs(row["lake"] - lake[3]) <= SCORE_TOLERANCE,
          "without LAKE's normals its scores stay and nothing is labelled", r.stdout[:300])
    r = run("--lake", "lake.csv", "--with", "other.csv", "--with-normals", "other_good.csv", "--threshold", 0.5, "--fail-on-anomaly")
    check(r.returncode == 1 and "anomalous 0." in r.stdout, "a threshold as a number, and exit code 1", r.stderr)
    check_auroc(truth, lake, other, a, b, normals, names)


def check_auroc(truth, lake, other, a, b, normals, names):
    try:
        from sklearn.metrics import roc_auc_score
    except ImportError:
        return print("skip AUROC: no scikit-learn")
    expected = [roc_auc_score(truth, s) for s in (lake, other, (a(lake) + b(other)) / 2)]
    line = "LAKE {:.4f}, other {:.4f}, fused {:.4f}".format(*expected)
    r = run("--lake", "lake.csv", "--with", "other.csv", *normals)
    check(line in r.stdout and "12 normal and 12 anomalous" in r.stdout, "AUROC as scikit-learn's", r.stdout[-200:] + line)
    r = run("--lake", "lake.csv", "--with", "other.csv", *normals, "--csv")
    check(line in r.stderr and "AUROC" not in r.stdout, "beside a table it goes to standard error", r.stderr)
    write_table("plain.csv", zip(names, other))
    write_table("truth.csv", [(n, "anomalous" if t else "normal") for n, t in zip(names, truth)], "image,label")
    r = run("--lake", "lake.csv", "--with", "plain.csv", *normals, "--labels", "truth.csv")
    check(line in r.stdout, "labels in a table of their own", r.stdout[-200:])
    write_table("decided.csv", [(n, s, "anomalous", 0.1) for n, s in zip(names, lake)], "image,score,label,threshold")
    r = run("--lake", "decided.csv", "--with", "other.csv", *normals)
    check(line in r.stdout, "a label beside a threshold is a decision, not the truth", r.stdout[-200:])
    write_table("liar.csv", [(n, 1 - int(t)) for n, t in zip(names, truth)], "image,label")
    refuse("labels that contradict each other", 3, "--lake", "lake.csv", "--with", "other.csv", *normals, "--labels", "liar.csv", says=["000", "labelled"])


def check_negative(rng):
    """Log-likelihoods: below zero, where d / (d + delta) alone means nothing."""
    lake, other, good = rng.uniform(0, 1, 9), rng.normal(-300, 80, 9), rng.normal(-400, 40, 30)
    write_table("n_lake.csv", [(f"{i}.png", v) for i, v in enumerate(lake)])
    write_table("n_other.csv", [(f"{i}.png", v) for i, v in enumerate(other)])
    write_table("n_good.csv", [(f"{i}.png", v) for i, v in enumerate(good)])
    r = run("--lake", "n_lake.csv", "--with", "n_other.csv", "--with-normals", "n_good.csv", "--csv")
    off = np.abs(np.array([float(row["other"]) for row in rows_of(r)]) - distance_scale(good)(other)).max()
    check(off <= SCORE_TOLERANCE, "negative values", f"off by {off}: {r.stderr}")
    write_table("n_probability.csv", [(f"{i}.png", v) for i, v in enumerate(lake[::-1])])
    r = run("--lake", "n_lake.csv", "--with", "n_probability.csv", "--with-values", "probability", "--csv")
    off = np.abs(np.array([float(row["score"]) for row in rows_of(r)]) - (lake + lake[::-1]) / 2).max()
    check(off <= SCORE_TOLERANCE, "probabilities go without normals", f"off by {off}: {r.stderr}")
    r = run("--lake", "n_lake.csv", "--with", "n_other.csv", "--with-normals", "n_good.csv", "--lake-normals", "n_probability.csv", "--csv")
    check(r.returncode == 0 and "no labels" in r.stderr and rows_of(r)[0]["label"] == "", "other normal images on either side: no labels, and a note", r.stderr)


# ---- maps ----

def check_maps(rng):
    try:
        import torch
    except ImportError:
        return print("skip maps: no PyTorch")

    def enlarge(m, size):
        return torch.nn.functional.interpolate(torch.from_numpy(m)[None, None], size=size, mode="bilinear", align_corners=False)[0, 0].numpy()

    os.makedirs("lake_maps/cut")
    sizes = [(40, 60), (17, 23), (40, 60), (64, 8)]
    names = ["cut/a", "cut/b", "cut/c", "d"]
    lake = [rng.uniform(0, 0.9, size).astype(np.float32) for size in sizes]
    other = [rng.exponential(5, (9, 13)) for _ in sizes]
    for name, m in zip(names, lake):
        np.save(f"lake_maps/{name}.npy", m)
    os.makedirs("other_maps")
    for i, (name, m) in enumerate(zip(names, other)):
        m = m.astype([">f8", "<f4", "<f8", "<f4"][i])
        np.save(f"other_maps/{name.replace('/', '_')}.npy", m[None] if i == 2 else m)
    lake_good = rng.uniform(0, 0.8, (3, 40, 60)).astype(np.float32)
    other_good = rng.exponential(5, (3, 9, 13)).astype(np.float32)
    other_good[other_good < 1] = 0
    np.save("lake_good.npy", lake_good)
    np.save("other_good.npy", other_good)
    a, b = odds_scale(lake_good), distance_scale(other_good)

    def fuse(x, y):
        size = tuple(np.maximum(x.shape, y.shape))
        return 0.7 * enlarge(a(x.astype(np.float64)), size) + 0.3 * enlarge(b(y.astype(np.float32).astype(np.float64)), size)

    calls = ["--lake-normals", "lake_good.npy", "--with-normals", "other_good.npy", "--weight", 0.3]
    expected = [fuse(x, y) for x, y in zip(lake, other)]
    r = run("--lake", "lake_maps", "--with", "other_maps", *calls, "--maps", "out/fused", "--csv")
    rows = rows_of(r)
    check(r.returncode == 0 and [row["image"] for row in rows] == [n + ".npy" for n in names], "maps in folders", r.stderr)
    written = [np.load(f"out/fused/{n.replace('/', '_')}.npy") for n in names]
    check(all(m.dtype == np.float32 and m.shape == e.shape for m, e in zip(written, expected)), "fused maps have the common size")
    off = max(np.abs(m - e).max() for m, e in zip(written, expected))
    check(off <= MAP_TOLERANCE, "fused maps", f"off by {off}")
    off = max(abs(float(row["score"]) - e.max()) for row, e in zip(rows, expected))
    check(off <= MAP_TOLERANCE, "the score is the largest value", f"off by {off}")
    check(all(m[int(row["row"]), int(row["column"])] == m.max() for row, m in zip(rows, written)), "row and column are its place")
    threshold = automatic([fuse(x, y).max() for x, y in zip(lake_good, other_good)])
    check(abs(float(rows[0]["threshold"]) - threshold) <= MAP_TOLERANCE and "provisional" in r.stderr,
          "threshold of three normal images, and a note", f"{rows[0]['threshold']} {threshold} {r.stderr}")
    for pooling, pool in (("mean", np.mean), ("top1", lambda m: np.sort(m.ravel())[::-1][:max(1, m.size // 100)].mean())):
        r = run("--lake", "lake_maps", "--with", "other_maps", *calls, "--pooling", pooling, "--csv")
        off = max(abs(float(row["score"]) - pool(e)) for row, e in zip(rows_of(r), expected))
        check(off <= MAP_TOLERANCE, f"pooling {pooling}", f"off by {off}")
    check_stacks(rng, fuse, lake_good, other_good, calls)


def check_stacks(rng, fuse, lake_good, other_good, calls):
    """The normal maps as the images, too: arrays of the same order, and, by names, of another."""
    expected = [fuse(x, y).max() for x, y in zip(lake_good, other_good)]
    r = run("--lake", "lake_good.npy", "--with", "other_good.npy", *calls, "--csv", "--maps", "out/stacks")
    rows = rows_of(r)
    off = max(abs(float(row["score"]) - e) for row, e in zip(rows, expected))
    check(off <= MAP_TOLERANCE and [row["image"] for row in rows] == [f"lake_good.npy#{i}" for i in range(3)], "two stacks", f"off by {off} {r.stderr}")
    check(sorted(os.listdir("out/stacks")) == [f"lake_good_{i}.npy" for i in range(3)], "maps of a stack are numbered", os.listdir("out/stacks"))
    os.makedirs("by_name")
    for i, name in enumerate(("x", "y", "z")):
        np.save(f"by_name/{name}.npy", other_good[2 - i])
    pathlib.Path("names.txt").write_text("z\ny\nx\n")
    r = run("--lake", "lake_good.npy", "--with", "by_name", *calls, "--csv", "--names", "names.txt")
    ours = {row["image"]: float(row["score"]) for row in rows_of(r)}
    off = max(abs(ours.get(n, 9) - e) for n, e in zip("zyx", expected))
    check(off <= MAP_TOLERANCE, "a stack with names and a folder", f"off by {off} {r.stderr}")
    np.save("short.npy", other_good[:2])
    refuse("stacks of different length", 3, "--lake", "lake_good.npy", "--with", "short.npy", *calls, says=["2 maps", "expected 3"])
    pathlib.Path("names2.txt").write_text("z\ny\n")
    refuse("too few names", 3, "--lake", "lake_good.npy", "--with", "by_name", *calls, "--names", "names2.txt", says=["names2.txt", "2 names"])


# ---- with a detector of lake ----

def check_detector(rng):
    tiny.write_vocabulary("bpe_simple_vocab_16e6.txt")
    tiny.write_safetensors("tiny.safetensors", tiny.clip_tensors())
    for folder in ("good", "new"):
        os.makedirs(folder)
    for i in range(4):
        tiny.write_png(f"good/{i}.png", 64, 64, tiny.texture(i))
        tiny.write_png(f"new/{i}.png", 64, 64, tiny.texture(10 + i, (40, 20, 9) if i == 2 else None))

    def lake(*arguments):
        return subprocess.run([LAKE, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=300)

    lake("convert", "tiny.safetensors", "-o", "tiny.clip")
    lake("fit", "good", "--weights", "tiny.clip", "--res", "128", "-o", "d.lake")
    scored = lake("score", "d.lake", "new", "--csv", "--maps", "d_maps")
    pathlib.Path("d.csv").write_text(scored.stdout)
    scores = [float(row["score"]) for row in csv.DictReader(io.StringIO(scored.stdout))]
    write_table("d_other.csv", [(f"{i}.png", 0.5) for i in range(4)])
    write_table("d_good.csv", [(f"{i}.png", 0.4 + 0.05 * i) for i in range(4)])
    r = run("--lake", "d.csv", "--with", "d_other.csv", "--lake-normals", "d.lake", "--with-normals", "d_good.csv", "--weight", 0, "--csv")
    rows = rows_of(r)
    # With weight 0 only LAKE counts; auto is 1.1 times the largest leave-one-out score M, and the edge e of four scores lies just below M.
    largest = float(rows[0]["threshold"]) / 1.1 if rows else 0
    check(r.returncode == 0 and len(rows) == 4 and 0.5 <= largest < 0.51, "leave-one-out scores of a detector calibrate it", f"{largest} {r.stderr}")
    check(np.argmax([float(row["score"]) for row in rows]) == np.argmax(scores) == 2, "and keep its order", r.stdout)
    for folder, values in (("o_maps", range(4)), ("o_good", range(4))):
        os.makedirs(folder)
        for i in values:
            np.save(f"{folder}/{i}.npy", rng.uniform(0, 2, (5, 5)))
    r = run("--lake", "d_maps", "--with", "o_maps", "--lake-normals", "d.lake", "--with-normals", "o_good", "--jsonl", "--maps", "d_fused")
    lines = [json.loads(line) for line in r.stdout.splitlines()]
    check(r.returncode == 0 and len(lines) == 4 and lines[0]["threshold"] is not None and np.load("d_fused/2.npy").shape == (64, 64),
          "leave-one-out maps of a detector calibrate its maps", r.stderr)
    refuse("a detector where scores are expected", 3, "--lake", "d.lake", "--with", "d_other.csv", "--with-normals", "d_good.csv", says=["d.lake", "lake score"])


# ---- names ----

def check_names():
    def names(lake, other):
        write_table("a.csv", [(n, 0.1 * (i + 1)) for i, n in enumerate(lake)])
        write_table("b.csv", [(n, 0.1 * (i + 1)) for i, n in enumerate(other)])
        return ["--lake", "a.csv", "--with", "b.csv", "--with-values", "probability"]

    for name, lake, other in (
            ("the file's name alone", ["x/1.png", "y/2.png"], ["2.npy", "/far/1.tif"]),
            ("folders where names repeat", ["t/good/1.png", "t/cut/1.png"], ["cut_1.npy", "good_1.npy"]),
            ("folders on both sides", ["t/good/1.png", "t/cut/1.png"], ["z/cut/1.jpg", "z/good/1.jpg"]),
            ("folders where the other's names do not repeat", ["cut_0", "good_1"], ["q/good/1.png", "q/cut/0.png"]),
            ("a number is no extension", ["part.001", "part.002"], ["part.002", "part.001"]),
            ("backslashes", ["t\\good\\1.png", "t\\cut\\1.png"], ["cut/1", "good/1"])):
        r = run(*names(lake, other), "--csv")
        rows = rows_of(r)
        crossed = len(rows) == 2 and all(abs(float(row["lake"]) + float(row["other"]) - 0.3) < 1e-9 for row in rows)
        check(r.returncode == 0 and crossed, f"names: {name}", r.stderr + r.stdout)
    refuse("a missing name", 3, *names(["1.png", "2.png", "3.png"], ["1.png", "3.png"]), says=["b.csv has no image '2'", "a.csv"])
    refuse("a missing name of LAKE's", 3, *names(["1.png"], ["1.png", "cut/7.png"]), says=["a.csv has no image '7'"])
    refuse("a name twice", 3, *names(["1.png", "1.jpg"], ["1.png", "2.png"]), says=["a.csv", "1.png", "1.jpg"])


# ---- what is refused ----

def check_refusals(rng):
    write_table("a.csv", [("1.png", 0.5), ("2.png", 0.6)])
    write_table("b.csv", [("1.png", 3.0), ("2.png", 4.0)])
    both = ["--lake", "a.csv", "--with", "b.csv"]
    refuse("nothing", 2, says=["--lake and --with"])
    refuse("an argument without option", 2, "a.csv", "b.csv", says=["a.csv"])
    refuse("no normals of the other", 2, *both, says=["--with-normals", "probability"])
    refuse("a distance called a probability", 3, *both, "--with-values", "probability", says=["b.csv", "1.png", "3", "from 0 to 1"])
    refuse("LAKE's values beyond 1", 3, "--lake", "b.csv", "--with", "a.csv", "--with-normals", "a.csv", says=["b.csv", "from 0 to 1"])
    refuse("auto without normals", 2, *both, "--with-normals", "b.csv", "--threshold", "auto", says=["--lake-normals"])
    refuse("a weight beyond 1", 2, *both, "--with-normals", "b.csv", "--weight", 1.5, says=["--weight"])
    refuse("--maps for scores", 2, *both, "--with-normals", "b.csv", "--maps", "m", says=["--maps", "a.csv"])
    check(not os.path.exists("m"), "and no folder is made")
    refuse("--pooling for scores", 2, *both, "--with-normals", "b.csv", "--pooling", "mean", says=["--pooling"])
    refuse("--names for tables", 2, *both, "--with-normals", "b.csv", "--names", "a.csv", says=["--names"])
    refuse("a missing file", 3, "--lake", "nowhere.csv", "--with", "b.csv", "--with-normals", "b.csv", says=["nowhere.csv"])
    for name, text, says in (("empty file", "", []), ("header alone", "image,score\n", ["no row"]), ("no column score", "image,value\na,1\n", ["image and score"]),
                             ("a score that is a word", "image,score\n1,0.5\n2,high\n", ["line 3", "high"]), ("NaN", "image,score\n1,nan\n2,1\n", ["line 2", "nan"]),
                             ("infinity", "image,score\n1,1e999\n2,1\n", ["line 2"]), ("an empty score", "image,score\n1,\n2,1\n", ["line 2"]),
                             ("an unknown label", "image,score,label\n1,1,ok\n2,1,bad\n", ["line 2", "ok"]), ("a short row", "image,score\n1\n2,1\n", ["2"])):
        pathlib.Path("bad.csv").write_text(text)
        refuse(f"table: {name}", 3, "--lake", "a.csv", "--with", "bad.csv", "--with-normals", "b.csv", says=["bad.csv", *says])
    write_table("zero.csv", [("1.png", 0.0), ("2.png", 0.0)])
    refuse("normals that are all 0", 3, *both, "--with-normals", "zero.csv", says=["zero.csv", "not fitted on"])
    write_table("one.csv", [("1.png", 1.0), ("2.png", 1.0)])
    refuse("probabilities that are all 1", 3, *both, "--with-normals", "b.csv", "--lake-normals", "one.csv", says=["one.csv", "1"])
    check_bad_maps(rng)


def check_bad_maps(rng):
    for folder in ("ok", "bad", "none"):
        os.makedirs(folder)
    for i in range(2):
        np.save(f"ok/{i}.npy", rng.uniform(0, 1, (4, 6)))
        np.save(f"bad/{i}.npy", rng.uniform(0, 1, (4, 6)))
    maps = ["--lake", "ok", "--with", "bad", "--with-normals", "ok"]
    refuse("an empty folder", 3, "--lake", "none", "--with", "ok", "--with-normals", "ok", says=["none", ".npy"])
    refuse("maps and scores", 3, "--lake", "ok", "--with", "a.csv", "--with-normals", "a.csv", says=["maps", "scores"])
    refuse("normals of another form", 3, *maps[:4], "--with-normals", "a.csv", says=["a.csv", "scores"])
    broken = np.ones((4, 6))
    broken[2, 3] = np.nan
    for name, array, says in (("NaN", broken, ["nan in row 2, column 3"]), ("infinity", np.full((4, 6), np.inf), ["inf"]), ("rank 1", np.ones(7), ["rank 1"]),
                              ("rank 3", np.ones((2, 4, 6)), ["2 maps"]), ("no pixel", np.ones((0, 6)), ["0 numbers"]), ("integers", np.ones((4, 6), int), ["1.npy"]),
                              ("two stacks", np.ones((2, 2, 4, 6)), ["rank 4"]), ("beyond a float", np.full((4, 6), 1e300), ["inf"])):
        np.save("bad/1.npy", array)
        r = run(*maps, "--jsonl")
        lines = [json.loads(line) for line in r.stdout.splitlines()]
        good = r.returncode == 3 and len(lines) == 2 and "score" in lines[0] and all(word in lines[1].get("error", "") for word in says)
        check(good, f"map with {name}: the image is named, the others are fused", r.stdout + r.stderr)
        refuse(f"normal map with {name}", 3, "--lake", "ok", "--with", "ok", "--with-normals", "bad", says=["bad", *says])
    pathlib.Path("bad/1.npy").write_bytes(b"\x93NUMPY")
    r = run(*maps, "--csv")
    rows = rows_of(r)
    check(r.returncode == 3 and len(rows) == 2 and rows[1]["score"] == "" and "bad/1.npy" in rows[1]["error"], "a damaged map in a table", r.stdout)
    np.save("wide.npy", np.ones((1, 1, 20000)))
    np.save("tall.npy", np.ones((1, 20000, 1)))
    r = run("--lake", "wide.npy", "--with", "tall.npy", "--with-normals", "tall.npy", "--names", "names1.txt")
    check(r.returncode == 3 and "names1.txt" in r.stderr, "a file of names that is not there", r.stderr)
    pathlib.Path("names1.txt").write_text("one\n")
    r = run("--lake", "wide.npy", "--with", "tall.npy", "--with-normals", "tall.npy", "--names", "names1.txt")
    check(r.returncode == 3 and "2^28" in r.stdout, "a common size beyond reason", r.stdout + r.stderr)


def main():
    if np is None:
        return print("skip lake fuse: no NumPy")
    rng = np.random.default_rng(7)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        check_scores(rng)
        check_negative(rng)
        check_maps(rng)
        check_detector(rng)
        check_names()
        check_refusals(rng)
        os.chdir("/")


if __name__ == "__main__":
    main()
