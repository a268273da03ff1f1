#!/usr/bin/env python3
"""lake neurons: the overlap of detectors against counting by hand and Python's exact binomials; the maps of all neurons of a photo
against the method in NumPy (test/golden/lake_reference.py), on patch tokens from `lake embed`: together they are the squared
deviation, enlarged. Needs NumPy and SciPy; the pictures also Pillow."""
import csv
import io
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "golden")]
import tiny

LAKE = os.path.abspath(os.environ.get("LAKE", "./lake"))
BLOCKS, NEURONS = [2, 3], 12


def check(passed, name, detail=""):
    print(f"ok {name}" if passed else f"not ok {name}: {str(detail)[:600]}", flush=True)
    return passed


def run(*arguments):
    return subprocess.run([LAKE, *map(str, arguments)], capture_output=True, text=True, timeout=300,
                          env={k: v for k, v in os.environ.items() if k != "LAKE_WEIGHTS"})


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def make_world():
    tiny.write_vocabulary("bpe_simple_vocab_16e6.txt")
    tiny.write_safetensors("tiny.safetensors", tiny.clip_tensors())
    run("convert", "tiny.safetensors")
    for i in range(6):
        tiny.write_png(f"{i}.png", 64, 64, tiny.texture(i))
    tiny.write_png("cut.png", 90, 52, tiny.texture(9, (40, 20, 9)))
    for name, photos in (("a", (0, 1, 2)), ("b", (3, 4, 5)), ("c", (0, 5))):
        r = run("fit", *[f"{i}.png" for i in photos], "--weights", "tiny.clip", "--res", 64, "--layers", "2,3", "--neurons", NEURONS,
                "--keep-tokens", "-o", f"{name}.lake")
        check(r.returncode == 0, f"fit {name}", r.stderr)


def tail(common, a, b, width):
    """Of b drawn out of width, common or more are among a marked ones."""
    return sum(math.comb(a, i) * math.comb(width - a, b - i) for i in range(common, min(a, b) + 1)) / math.comb(width, b)


def check_report():
    names = ["a.lake", "b.lake", "c.lake"]
    table = rows(run("neurons", *names, "--csv").stdout)
    chosen = {}
    for row in table:
        if row["record"] == "neuron":
            chosen.setdefault((row["detector"], row["layer"]), []).append(int(row["channel"]))
    check(len(chosen) == 6 and all(len(set(c)) == NEURONS for c in chosen.values()), "every neuron is in the table", chosen)
    variances = [float(row["variance"]) for row in table if row["record"] == "neuron"]
    check(all(v == sorted(v, reverse=True) and v[-1] > 0 for v in (variances[i:i + NEURONS] for i in range(0, 6 * NEURONS, NEURONS))),
          "by descending variance", variances)
    pairs = [row for row in table if row["record"] == "overlap"]
    check([(row["detector"], row["other"], row["layer"], row["other_layer"]) for row in pairs] ==
          [(a, b, n, n) for a, b in (names[:2], names[::2], names[1:]) for n in ("2", "3")], "pairs", pairs)
    for row in pairs:
        a, b = (set(chosen[row[who], row["layer"]]) for who in ("detector", "other"))
        common = len(a & b)
        right = (int(row["common"]) == common and abs(float(row["expected"]) - NEURONS ** 2 / 64) < 1e-8 and
                 abs(float(row["jaccard"]) - common / len(a | b)) < 1e-8 and
                 abs(float(row["probability"]) / tail(common, NEURONS, NEURONS, 64) - 1) < 1e-7)
        check(right, f"overlap of {row['detector']} and {row['other']}", f"{row}, {common}, {tail(common, NEURONS, NEURONS, 64)}")
    audits = [row for row in table if row["record"] == "audit"]
    check(len(audits) == 6 and all(0 < float(row["captured"]) <= float(row["optimum"]) + 1e-9 <= 1 + 2e-9 and
                                   abs(float(row["chance"]) - NEURONS / 64) < 1e-9 for row in audits), "audits", audits)
    lines = [json.loads(line) for line in run("neurons", *names, "--jsonl").stdout.splitlines()]
    flat = [{k: v for k, v in row.items() if v != ""} for row in table]
    same = len(lines) == len(flat) and all(
        set(a) == set(b) and all(a[k] == b[k] if isinstance(b[k], str) else float(a[k]) == b[k] for k in a) for a, b in zip(flat, lines))
    check(same, "JSON says what CSV says", lines[:1])
    check(len(rows(run("neurons", "a.lake", "--csv", "--top", "3").stdout)) == 3 * 2 + 2, "--top in a table")
    text = run("neurons", *names).stdout
    for l, block in enumerate(BLOCKS):
        matrix = text[text.index(f"block {block}: neurons in common"):].splitlines()[2:5]
        cells = [line.split() for line in matrix]
        found = [int(cells[0][2]), int(cells[0][3]), int(cells[1][3])]
        expected = [int(p["common"]) for p in pairs[l::2]]
        ratios = [float(cells[1][1]), float(cells[2][1]), float(cells[2][2])]
        check(found == expected and [row[-1] for row in cells] == names and
              all(abs(x - c / (NEURONS ** 2 / 64)) < 0.006 for x, c in zip(ratios, expected)), f"matrix of block {block}", text)
    two = run("neurons", "a.lake", "b.lake").stdout
    check("times; so many or more by chance" in two and "right of x" not in two, "two detectors", two)


def check_refusals():
    run("fit", "0.png", "1.png", "--weights", "tiny.clip", "--res", 64, "--select", "pca", "-o", "pca.lake")
    for arguments, code, says in (
            (["a.lake", "--csv", "--jsonl"], 2, "exclude"), (["a.lake", "--image", "cut.png"], 2, "go together"),
            (["a.lake", "--maps", "out"], 2, "go together"), (["a.lake", "--neuron", "2:3"], 2, "--image"),
            (["a.lake", "b.lake", "--image", "cut.png", "--maps", "out"], 2, "found 2"),
            (["a.lake", "--image", "cut.png", "--maps", "out", "--neuron", "2:99"], 2, "no neuron 99 in block 2"),
            (["a.lake", "--image", "cut.png", "--maps", "out", "--neuron", "2:1x"], 2, "expected BLOCK:CHANNEL"),
            (["a.lake", "--image", "cut.png", "--maps", "out", "--neuron", ""], 2, "expected BLOCK:CHANNEL"),
            (["a.lake", "--image", "cut.png", "--maps", "out", "--neuron", ",2:1"], 2, "expected BLOCK:CHANNEL"),
            (["a.lake", "--image", "none.png", "--maps", "out"], 3, "none.png"), (["a.lake", "pca.lake"], 3, "directions")):
        r = run("neurons", *arguments)
        check(r.returncode == code and says in r.stderr and r.stderr.count("\n") == 1 and not os.path.exists("out"),
              f"refused: {' '.join(arguments)}", r.stderr)
    r = run("neurons", "pca.lake", "--image", "cut.png", "--maps", "components", "--top", 1)
    check(r.returncode == 0 and "component" in r.stdout and len(os.listdir("components")) == 2, "components of a PCA", r.stderr)


def check_maps():
    try:
        import numpy as np
        import scipy.ndimage  # of enlarge
        from lake_reference import Detector, Options, enlarge
    except ImportError as missing:
        return print(f"skip maps of neurons: {missing}", flush=True)

    def tokens(photo):
        r = run("embed", photo, "--weights", "tiny.clip", "--res", 64, "--layers", "2,3", "-o", "t.npy")
        check(r.returncode == 0, f"tokens of {photo}", r.stderr)
        return list(np.load("t.npy"))

    reference = Detector([tokens(f"{i}.png") for i in range(3)], (8, 8), Options(neurons=NEURONS), BLOCKS)
    result = reference.score(tokens("cut.png"))
    shares = reference.shares(result, result["patch"][0] * 8 + result["patch"][1])
    squared = sum((d / layer.delta) ** 2 for d, layer in zip(result["distances"], reference.layers))
    r = run("neurons", "a.lake", "--image", "cut.png", "--maps", "all", "--top", 1000, "--csv")
    table = rows(r.stdout)
    if not check(r.returncode == 0 and len(table) == 2 * NEURONS == len(os.listdir("all")) / 2, "a map for every neuron", r.stderr):
        return
    maps = {(int(row["layer"]), int(row["channel"])): np.load(f"all/{row['map']}.npy") for row in table}
    expected = enlarge(squared.reshape(8, 8), 52, 90)
    total = np.sum(list(maps.values()), axis=0, dtype=np.float64)
    check(total.shape == expected.shape and np.abs(total - expected).max() < 1e-5 * expected.max(), "all maps are the squared deviation",
          f"{np.abs(total - expected).max()} of {expected.max()}")
    for row, (block, channel, share) in zip(table, shares):
        check((int(row["layer"]), int(row["channel"])) == (block, channel) and abs(float(row["share"]) - share) < 1e-5, "share", f"{row}, {share}")
    layer = reference.layers[0]
    neuron = 4
    part = (result["selected"][0][:, neuron].astype(float) - layer.gallery[result["winners"][0], neuron]) ** 2 / layer.delta ** 2
    one = maps[BLOCKS[0], int(layer.channels[neuron])]
    check(np.abs(one - enlarge(part.reshape(8, 8), 52, 90)).max() < 1e-5 * expected.max(), "one map", np.abs(one).max())
    named = f"3:{reference.layers[1].channels[2]},2:{layer.channels[neuron]}"
    lines = [json.loads(x) for x in run("neurons", "a.lake", "--image", "cut.png", "--maps", "two", "--neuron", named, "--jsonl").stdout.splitlines()]
    check([f"{x['layer']}:{x['channel']}" for x in lines] == named.split(",") and abs(lines[1]["largest"] / part.max() - 1) < 1e-4 and
          (np.load(f"two/{lines[1]['map']}.npy") == one).all() and len(os.listdir("two")) == 4, "neurons by name", lines)
    check_pictures(np, lines, one)


def check_pictures(np, lines, one):
    """Of two neurons the one with the larger part is drawn up to the light end; both on one scale."""
    try:
        from PIL import Image
    except ImportError as missing:
        return print(f"skip pictures of neurons: {missing}", flush=True)
    light = [np.asarray(Image.open(f"two/{x['map']}.png").convert("L")).astype(int) for x in lines]
    check(all(x.shape == (52, 90) for x in light) and light[1].ravel()[one.argmax()] == light[1].max() and light[1].max() > light[1].min() + 9,
          "pictures at the photo's size, light where the neuron deviates", [x.shape for x in light])
    peaks = [np.load(f"two/{x['map']}.npy").max() for x in lines]
    check((peaks[0] > peaks[1]) == (light[0].max() > light[1].max()), "pictures on one scale", f"{peaks}, {[x.max() for x in light]}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        make_world()
        check_report()
        check_refusals()
        check_maps()


if __name__ == "__main__":
    main()
