#!/usr/bin/env python3
"""`lake eval` end to end, on small trees of every layout with a tiny random model: rows against scikit-learn over what `lake fit` and
`lake score` say of the same pictures, sweeps, runs that are ended and go on, shares that are gathered, pictures that cannot be read.

Pictures and model come from the standard library (tiny.py); the comparison of measures needs NumPy and scikit-learn.
"""
import csv
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import tiny

LAKE = os.path.abspath(os.environ.get("LAKE", "./lake"))
SIDE = 48
MEASURES = ["image_auroc", "image_ap", "image_f1max", "pixel_auroc", "pixel_ap", "pixel_f1max", "pro"]


def check(passed, name, detail=""):
    print(f"ok {name}" if passed else f"not ok {name}: {str(detail)[:1200]}", flush=True)
    return passed


def run(*arguments, env=None):
    environment = {k: v for k, v in os.environ.items() if k != "LAKE_WEIGHTS"}
    environment.update(env or {})
    return subprocess.run([LAKE, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, timeout=300)


def evaluate(layout, root, output, *options, code=0, env=None):
    """The rows of a run, as dictionaries; None where it ended otherwise than expected."""
    r = run("eval", layout, root, "--weights", "tiny.clip", "--res", 32, "-o", output, *options, env=env)
    if r.returncode != code:
        check(False, f"{output}: exit code {code}", f"{r.returncode}: {r.stderr[-600:]}")
        return None
    return rows_of(output)


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def timeless(rows):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows]


# ---- pictures ----

def write_bmp(path, width, height, pixel):
    """24 bits, rows from below."""
    rows = b""
    for y in reversed(range(height)):
        row = b"".join(bytes(reversed(pixel(x, y))) for x in range(width))
        rows += row + b"\0" * (-len(row) % 4)
    head = b"BM" + (54 + len(rows)).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little")
    info = (40).to_bytes(4, "little") + width.to_bytes(4, "little") + height.to_bytes(4, "little") + b"\x01\0\x18\0" + bytes(24)
    path.write_bytes(head + info + rows)


def write_ppm(path, width, height, pixel):
    path.write_bytes(b"P6 %d %d 255\n" % (width, height) + b"".join(bytes(pixel(x, y)) for y in range(height) for x in range(width)))


def write_picture(path, seed, defect=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = {".bmp": write_bmp, ".ppm": write_ppm}.get(path.suffix, tiny.write_png)
    writer(path, SIDE, SIDE, tiny.texture(seed, defect))


def write_mask(path, defect, value=255, scale=1):
    """White, or `value`, within the defect; at another size with a scale."""
    path.parent.mkdir(parents=True, exist_ok=True)
    x0, y0, r = (c * scale for c in defect)
    inside = lambda x, y: (value,) * 3 if (x - x0) ** 2 + (y - y0) ** 2 < r * r else (0, 0, 0)
    (write_bmp if path.suffix == ".bmp" else tiny.write_png)(path, SIDE * scale, SIDE * scale, inside)


DEFECTS = [(14, 14, 7), (34, 20, 5), (22, 36, 9)]


def make_mvtec(root, category, seed=0, shots=4):
    for i in range(shots):
        write_picture(root / category / f"train/good/{i:03}.png", seed + i)
    for i in range(3):
        write_picture(root / category / f"test/good/{i:03}.{'ppm' if i == 1 else 'png'}", seed + 50 + i)
    for i, defect in enumerate(DEFECTS):
        write_picture(root / category / f"test/blot/{i:03}.png", seed + 90 + i, defect)
        write_mask(root / category / f"ground_truth/blot/{i:03}_mask.png", defect)
    write_picture(root / category / "test/unknown/000.png", seed + 99, DEFECTS[0])  # no mask


def make_visa(root):
    """Raw: a table, masks that hold class numbers."""
    lines = ["object,split,label,image,mask"]
    for i in range(4):
        write_picture(root / f"pcb/Data/Images/Normal/{i:04}.png", i)
        lines.append(f"pcb,{'train' if i < 3 else 'test'},normal,pcb/Data/Images/Normal/{i:04}.png,")
    for i, defect in enumerate(DEFECTS):
        write_picture(root / f"pcb/Data/Images/Anomaly/{i:03}.png", 70 + i, defect)
        write_mask(root / f"pcb/Data/Masks/Anomaly/{i:03}.png", defect, value=i + 1)
        lines.append(f"pcb,test,anomaly,pcb/Data/Images/Anomaly/{i:03}.png,pcb/Data/Masks/Anomaly/{i:03}.png")
    (root / "split_csv").mkdir()
    (root / "split_csv/1cls.csv").write_text("\n".join(lines) + "\n")


def make_btad(root):
    """ok and ko, bitmaps, masks of another type and size."""
    for i in range(3):
        write_picture(root / f"01/train/ok/{i:04}.bmp", i)
        write_picture(root / f"01/test/ok/{i:04}.bmp", 40 + i)
    for i, defect in enumerate(DEFECTS):
        write_picture(root / f"01/test/ko/{i:04}.bmp", 80 + i, defect)
        write_mask(root / f"01/ground_truth/ko/{i:04}.png", defect, scale=2)


def make_bmad(root):
    for i in range(3):
        write_picture(root / f"Brain/train/good/img/{i:05}_60.png", i)
        write_picture(root / f"Brain/test/good/img/{i:05}_70.png", 40 + i)
        write_picture(root / f"Brain/valid/good/img/{i:05}_80.png", 60 + i)
    for i, defect in enumerate(DEFECTS):
        write_picture(root / f"Brain/test/Ungood/img/{i:05}_60.png", 80 + i, defect)
        write_mask(root / f"Brain/test/Ungood/anomaly_mask/{i:05}_60.png", defect)


def make_folder(root):
    """One's own: good/ beside a defect, one mask of three."""
    for i in range(8):
        write_picture(root / f"good/{i}.png", i)
    for i, defect in enumerate(DEFECTS):
        write_picture(root / f"cracked, badly/{i}.png", 80 + i, defect)
    write_mask(root / "ground_truth/cracked, badly/1.png", DEFECTS[1])


def make_table(root):
    for i in range(5):
        write_picture(root / f"p{i}.png", i)
    for i, defect in enumerate(DEFECTS[:2]):
        write_picture(root / f"q{i}.png", 80 + i, defect)
    write_mask(root / "m0.png", DEFECTS[0])
    lines = ["image,label,mask,split"] + [f"p{i}.png,good,,{'train' if i < 3 else 'test'}" for i in range(5)]
    (root / "list.csv").write_text("\n".join(lines + ["q0.png,scratch,m0.png,test", "q1.png,scratch,,test"]) + "\n")


# ---- tests ----

def test_layouts():
    """Every layout gives a row per method with all measures that its masks allow."""
    makers = {"mvtec": lambda r: make_mvtec(r, "nut"), "visa": make_visa, "btad": make_btad, "bmad": make_bmad, "bmad-valid": make_bmad,
              "folder": make_folder, "table": make_table}
    counts = {"mvtec": (3, 4), "visa": (1, 3), "btad": (3, 3), "bmad": (3, 3), "bmad-valid": (3, 3), "folder": (2, 3), "table": (2, 2)}
    for layout, make in makers.items():
        root = pathlib.Path(f"data-{layout}")
        root.mkdir()
        make(root)
        where, name = (root / "list.csv", "folder") if layout == "table" else (root, layout)
        rows = evaluate(name, where, f"{layout}.csv", "--shots", 2, "--methods", "lake,zero,patchcore,anomalydino", "--examples", 1)
        if rows is None:
            continue
        here = [row for row in rows if row["category"] != "mean"]
        check(sorted(row["method"] for row in here) == ["anomalydino", "lake", "patchcore", "zero"] and
              all((int(row["good"]), int(row["bad"])) == counts[layout] for row in here), f"{layout}: a row per method, all pictures counted", here)
        check(all(row[m] != "" and 0 <= float(row[m]) <= 1 for row in here for m in MEASURES), f"{layout}: every measure is there", here)
        check(all(row["normals"] == ("0" if row["method"] == "zero" else "2") for row in here), f"{layout}: fitted on two pictures, zero on none", here)
        check({row["category"] for row in here} == {{"mvtec": "nut", "visa": "pcb", "btad": "01", "folder": "data-folder", "table": "list"}.get(layout, "Brain")},
              f"{layout}: the category's name", here)
        check(all(row["dataset"] == name for row in rows), f"{layout}: the dataset's name", rows)
        check([row["method"] for row in rows if row["category"] == "mean"] == [row["method"] for row in here], f"{layout}: a mean per method", rows)


def test_measures():
    """LAKE's row is what scikit-learn says of the scores and maps of `lake fit` and `lake score` on the same pictures."""
    try:
        import numpy as np
        from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score
    except ImportError as missing:
        print(f"skip eval measures: {missing}", flush=True)
        return
    root = pathlib.Path("data-mvtec/nut")
    r = run("fit", *(root / f"train/good/{i:03}.png" for i in range(2)), "--weights", "tiny.clip", "--res", 32, "--class", "nut", "-o", "nut.lake")
    check(r.returncode == 0, "fit on the same draw", r.stderr)
    scored = list(csv.DictReader(run("score", "nut.lake", root / "test", "--csv", "--maps", "maps").stdout.splitlines()))
    labels = np.array([0 if "/good/" in row["image"] else 1 for row in scored])
    scores = np.array([float(row["score"]) for row in scored])
    row = next(row for row in rows_of("mvtec.csv") if row["method"] == "lake" and row["category"] == "nut")
    precision, recall, _ = precision_recall_curve(labels, scores)
    f1 = np.nanmax(2 * precision * recall / np.maximum(precision + recall, 1e-300))
    expected = [roc_auc_score(labels, scores), average_precision_score(labels, scores), f1]
    values, truth = [], []
    for row_scored in scored:
        path = pathlib.Path(row_scored["image"])
        map_ = np.load(f"maps/{path.parent.name}_{path.stem}.npy")
        defect = None if path.parent.name == "good" else DEFECTS[int(path.stem)]
        if path.parent.name == "unknown":
            continue
        y, x = np.mgrid[:SIDE, :SIDE]
        mask = np.zeros((SIDE, SIDE), bool) if defect is None else (x - defect[0]) ** 2 + (y - defect[1]) ** 2 < defect[2] ** 2
        values.append(map_.ravel())
        truth.append(mask.ravel())
    values, truth = np.concatenate(values), np.concatenate(truth)
    precision, recall, _ = precision_recall_curve(truth, values)
    expected += [roc_auc_score(truth, values), average_precision_score(truth, values),
                 np.nanmax(2 * precision * recall / np.maximum(precision + recall, 1e-300))]
    got = [float(row[m]) for m in MEASURES[:6]]
    # The table has six decimals.
    check(max(abs(a - b) for a, b in zip(got, expected)) <= 1e-6, "LAKE's row equals scikit-learn's measures of score's output", f"{got} {expected}")
    threshold = float(scored[0]["threshold"])
    check(abs(float(row["threshold"]) - threshold) < 1e-6 and int(row["false_alarms"]) == sum(s > threshold for s, l in zip(scores, labels) if l == 0) and
          int(row["misses"]) == sum(s <= threshold for s, l in zip(scores, labels) if l == 1), "its threshold, false alarms and misses, too", row)
    images = rows_of("mvtec.parts/001-nut-shots0002-seed00/images.csv")
    lake = {r["image"]: float(r["score"]) for r in images if r["method"] == "lake"}
    check(all(abs(lake[str(pathlib.Path(r["image"]).relative_to("data-mvtec"))] - float(r["score"])) < 1e-6 for r in scored) and len(lake) == len(scored),
          "images.csv has every picture's score", images[:3])
    shots = [r["image"] for r in rows_of("mvtec.parts/001-nut-shots0002-seed00/shots.csv")]
    check(shots == ["nut/train/good/000.png", "nut/train/good/001.png"], "shots.csv lists the draw", shots)
    neurons = rows_of("mvtec.parts/001-nut-shots0002-seed00/neurons.csv")
    check([r["rank"] for r in neurons[:3]] == ["1", "2", "3"] and len({(r["block"], r["channel"]) for r in neurons}) == len(neurons) and
          float(neurons[0]["share"]) >= float(neurons[1]["share"]), "neurons.csv lists the chosen channels", neurons[:3])


def test_sweeps():
    rows = evaluate("mvtec", "data-mvtec", "sweep.csv", "--methods", "lake", "--shots", 3, "--pixels", "none", "--lambda", 0.3, "--sweep", "neurons=4,16,all",
                    "lambda=0:1:0.5", "lambda=0.3", "pooling=max,mean", "layers=1,1+3,2+4", "norm=none,clip", "shots=1,3,all", "--sweep", "contaminate=0,1,2")
    if rows is None:
        return
    by = {row["method"]: row for row in rows if row["category"] == "nut"}
    expected = ["lake", "lake neurons=4", "lake neurons=16", "lake neurons=all", "lake lambda=0", "lake lambda=0.5", "lake lambda=1", "lake lambda=0.3",
                "lake pooling=max", "lake pooling=mean", "lake layers=1", "lake layers=1+3", "lake layers=2+4", "lake norm=none", "lake norm=clip",
                "lake shots=1", "lake shots=3", "lake shots=all", "lake contaminate=0", "lake contaminate=0 trim=0.1", "lake contaminate=1",
                "lake contaminate=1 trim=0.1", "lake contaminate=2", "lake contaminate=2 trim=0.1"]
    check(sorted(by) == sorted(expected), "a row per value", sorted(set(by) ^ set(expected)))
    same = [f"lake {v}" for v in ("lambda=0.3", "pooling=max", "norm=clip", "shots=3", "neurons=all")]  # the model has 64 channels: all of them are chosen
    columns = ["image_auroc", "image_ap", "image_f1max", "threshold", "false_alarms", "misses"]
    check(all([by[s][c] for c in columns] == [by["lake"][c] for c in columns] for s in same), "the default among the values gives LAKE's row",
          [(s, by[s]) for s in same])
    others = ["lake"] + [f"lake {v}" for v in ("neurons=4", "neurons=16", "layers=1", "layers=1+3", "layers=2+4", "lambda=0", "lambda=1", "shots=1")]
    check(len({by[o]["threshold"] for o in others}) == len(others), "other values do not", {o: by[o]["threshold"] for o in others})
    check([by[f"lake contaminate={k}"]["normals"] for k in (0, 1, 2)] == ["3", "4", "5"] and
          {by[f"lake contaminate={k}"]["bad"] for k in (0, 1, 2)} == {"2"}, "contaminated: more normals, the same test pictures")
    check([by[f"lake shots={k}"]["normals"] for k in (1, 3, "all")] == ["1", "3", "4"], "shots: as many normals")
    check(by["lake"]["pixel_auroc"] == "" and by["lake"]["pro"] == "", "--pixels none leaves the pixels' columns empty")


def test_draws():
    rows = evaluate("mvtec", "data-mvtec", "draws.csv", "--methods", "lake,zero", "--shots", "all,2,0", "--seeds", 2, "--pixels", 32)
    if rows is None:
        return
    keys = [(row["shots"], row["seed"], row["method"], row["normals"]) for row in rows]
    check(keys == [("0", "0", "zero", "0"), ("2", "0", "lake", "2"), ("2", "1", "lake", "2"), ("all", "0", "lake", "4"), ("all", "1", "lake", "4"),
                   ("0", "", "zero", "0"), ("2", "", "lake", "4"), ("all", "", "lake", "8")] or
          [k[:3] for k in keys[:4]] == [("0", "0", "zero"), ("2", "0", "lake"), ("2", "1", "lake"), ("all", "0", "lake")], "units in order", keys)
    drawn = [[r["image"][-7:-4] for r in rows_of(f"draws.parts/001-nut-shots0002-seed0{s}/shots.csv")] for s in (0, 1)]
    check(drawn == [["000", "001"], ["002", "003"]], "draws are slices of the sorted list", drawn)
    a = evaluate("mvtec", "data-mvtec", "random.csv", "--methods", "lake", "--shots", 2, "--seeds", 3, "--draw", "random", "--pixels", "none")
    drawn = [[r["image"][-7:-4] for r in rows_of(f"random.parts/001-nut-shots0002-seed0{s}/shots.csv")] for s in (0, 1, 2)]
    check(a is not None and len({tuple(d) for d in drawn}) > 1 and all(len(set(d)) == 2 for d in drawn), "random draws differ by seed", drawn)
    many = run("eval", "mvtec", "data-mvtec", "--weights", "tiny.clip", "--res", 32, "--shots", "3", "--seeds", 3, "--methods", "lake", "--pixels", "none", "-o", "few.csv")
    check(many.returncode == 0 and "too few" in many.stderr and len(rows_of("few.csv")) == 2, "draws that a category has no room for are left out, with a note", many.stderr)


def test_variants():
    """What else the line can ask for."""
    exact = {row["category"]: row for row in rows_of("mvtec.csv") if row["method"] == "lake"}["nut"]
    other = evaluate("mvtec", "data-mvtec", "pro.csv", "--methods", "lake", "--shots", 2, "--pro", 200, "--name", "MY, nuts")
    if other is not None:
        same = [m for m in MEASURES if other[0][m] == exact[m]]
        check(same == MEASURES[:-1] and abs(float(other[0]["pro"]) - float(exact["pro"])) < 0.2, "--pro 200 changes that column alone", other[0])
        check({row["dataset"] for row in other} == {"MY, nuts"}, "--name names the data set", other[0])
    small = evaluate("mvtec", "data-mvtec", "small.csv", "--methods", "lake", "--shots", 2, "--pixels", 24)
    check(small is not None and small[0]["pixel_auroc"] != exact["pixel_auroc"] and small[0]["image_auroc"] == exact["image_auroc"] and
          abs(float(small[0]["pixel_auroc"]) - float(exact["pixel_auroc"])) < 0.1, "--pixels N compares maps and masks at another size", small)
    bare = evaluate("mvtec", "data-mvtec", "bare.csv", "--shots", 2, "--no-text")
    check(bare is not None and len(bare) == 22 and not any("zero" in row["method"] for row in bare) and
          next(row for row in bare if row["method"] == "lake")["threshold"] != exact["threshold"], "--no-text leaves the texts out", bare and len(bare))


OPTIONS = ["--shots", "1,2", "--seeds", 2, "--sweep", "neurons=8,32", "--methods", "lake,lake-random,zero,patchcore,patchcore+lake", "--examples", 2]


def test_goes_on():
    """Killed and started again: what was finished is not done again, and the table is that of a run in one go."""
    root = pathlib.Path("data-three")
    for i, name in enumerate(("bolt", "cap", "ring")):
        make_mvtec(root, name, seed=200 * i)
    whole = evaluate("mvtec", root, "whole.csv", *OPTIONS)
    p = subprocess.Popen([LAKE, "eval", "mvtec", str(root), "--weights", "tiny.clip", "--res", "32", "-o", "killed.csv", *map(str, OPTIONS)],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    parts = pathlib.Path("killed.parts")
    for _ in range(60000):
        if len(list(parts.glob("*/rows.csv"))) >= 4 or p.poll() is not None:
            break
        time.sleep(0.002)
    p.send_signal(signal.SIGKILL)
    p.wait()
    done = {f: f.stat().st_mtime_ns for f in parts.glob("*/rows.csv")}
    check(4 <= len(done) < 15 and not pathlib.Path("killed.csv").exists(), "killed in the middle: parts, no table", len(done))
    rows = evaluate("mvtec", root, "killed.csv", *OPTIONS)
    check(rows is not None and timeless(rows) == timeless(whole), "started again: the same table")
    check(all(f.stat().st_mtime_ns == t for f, t in done.items()), "what was finished was not done again")
    check(not list(parts.glob("observed-*")), "observations are gone when a category is done", list(parts.glob("observed-*")))
    again = rows_of("killed.csv")
    evaluate("mvtec", root, "killed.csv", *OPTIONS)
    check(rows_of("killed.csv") == again, "a finished run writes the same table again, seconds too")
    other = run("eval", "mvtec", root, "--weights", "tiny.clip", "--res", 32, "-o", "killed.csv", *OPTIONS, "--neurons", 7)
    lines = [line for line in other.stderr.splitlines() if ": note: " not in line]
    check(other.returncode == 2 and len(lines) == 1 and "neurons '100'" in lines[0], "other options are refused, by name", other.stderr)
    return whole


def test_shares(whole):
    root = "data-three"
    early = run("eval", "mvtec", root, "--weights", "tiny.clip", "--res", 32, "-o", "shares.csv", *OPTIONS, "--gather")
    check(early.returncode == 3 and "not finished" in early.stderr and not pathlib.Path("shares.csv").exists(), "gathering too early is refused", early.stderr)
    for share in (3, 1, 2, 4):
        r = run("eval", "mvtec", root, "--weights", "tiny.clip", "--res", 32, "-o", "shares.csv", *OPTIONS, "--shard", f"{share}/4")
        check(r.returncode == 0 and not pathlib.Path("shares.csv").exists(), f"share {share} of 4", r.stderr)
    rows = evaluate("mvtec", root, "shares.csv", *OPTIONS, "--gather")
    check(rows is not None and timeless(rows) == timeless(whole), "four shares, gathered: the same table")
    one = evaluate("mvtec", root, "one.csv", *OPTIONS, env={"OMP_NUM_THREADS": "1"})
    check(one is not None and timeless(one) == timeless(whole), "one thread: the same table")


def test_bad_pictures():
    """A bad test picture, a bad normal one and a bad mask are named; the others are measured, and the rows say so."""
    shutil.copytree("data-mvtec", "data-bad")
    nut = pathlib.Path("data-bad/nut")
    (nut / "test/good/000.png").write_bytes(b"no picture at all")
    (nut / "train/good/001.png").write_bytes((nut / "train/good/000.png").read_bytes()[:200])
    (nut / "ground_truth/blot/001_mask.png").write_bytes(b"")
    r = run("eval", "mvtec", "data-bad", "--weights", "tiny.clip", "--res", 32, "--shots", 2, "--methods", "lake,patchcore", "-o", "bad.csv", "--html", "bad.html")
    check(r.returncode == 3 and all(word in r.stderr for word in ("test/good/000.png", "train/good/001.png", "001_mask.png")), "bad pictures are named, exit code 3",
          f"{r.returncode} {r.stderr}")
    rows = [row for row in rows_of("bad.csv") if row["category"] == "nut"]
    check([(row["normals"], row["good"], row["bad"], row["skipped"]) for row in rows] == [("1", "2", "4", "2")] * 2, "the others are measured, rows count what was left out", rows)
    skipped = rows_of("bad.parts/001-nut-shots0002-seed00/skipped.csv")
    check(len(skipped) == 3 and all(row["error"] for row in skipped), "skipped.csv names them", skipped)
    check(pathlib.Path("bad.html").stat().st_size > 5000, "the page is written")


def test_what_cannot_be_measured():
    """Normals that are all one picture: what cannot be calibrated by them is left out and named; nor does a category whose normals cannot be read end the run."""
    root = pathlib.Path("data-same")
    make_mvtec(root, "a", shots=2)
    make_mvtec(root, "b", shots=2)
    for i in (0, 1):
        tiny.write_png(root / f"a/train/good/{i:03}.png", SIDE, SIDE, lambda x, y: (128, 128, 128))
        (root / f"b/train/good/{i:03}.png").write_bytes(b"")
    make_mvtec(root, "c", shots=2)
    r = run("eval", "mvtec", root, "--weights", "tiny.clip", "--res", 32, "--shots", 2, "--methods", "lake,patchcore,patchcore+lake", "--no-text", "--sweep", "neurons=8",
            "-o", "same.csv", "--html", "same.html")
    rows = [(row["category"], row["method"]) for row in rows_of("same.csv") if row["category"] != "mean"]
    everything = ["lake", "patchcore", "patchcore+lake", "lake neurons=8"]
    check(r.returncode == 3 and rows == [("a", m) for m in everything if m != "patchcore+lake"] + [("c", m) for m in everything],
          "what pictures do not allow is left out, all else is measured", f"{r.returncode} {rows} {r.stderr}")
    check("patchcore+lake" in r.stderr and "b/train/good" in r.stderr, "and named", r.stderr)
    check([row["image"] for row in rows_of("same.parts/001-a-shots0002-seed00/skipped.csv")] == ["patchcore+lake"], "and recorded",
          rows_of("same.parts/001-a-shots0002-seed00/skipped.csv"))


def test_nothing_measured():
    root = pathlib.Path("data-none")
    make_mvtec(root, "a", shots=1)
    (root / "a/train/good/000.png").write_bytes(b"")
    r = run("eval", "mvtec", root, "--weights", "tiny.clip", "--res", 32, "--shots", 1, "--no-text", "-o", "none.csv", "--html", "none.html")
    check(r.returncode == 3 and "nothing has been measured" in r.stderr and rows_of("none.csv") == [] and not os.path.exists("none.html"),
          "nothing can be measured: an empty table, no page, a line that says so", f"{r.returncode} {r.stderr}")


def test_refusals():
    base = ["eval", "mvtec", "data-mvtec", "--weights", "tiny.clip", "--res", 32, "-o", "refused.csv"]
    for name, code, extra, word in [
            ("an unknown method", 2, ["--methods", "lake,pachcore"], "patchcore"), ("an unknown axis", 2, ["--sweep", "neuron=3"], "neurons"),
            ("a value that is none", 2, ["--sweep", "norm=clip,l3"], "l3"), ("an empty range", 2, ["--sweep", "lambda=1:0:0.1"], "0:1:0.1"),
            ("a block beyond the model", 2, ["--sweep", "layers=2+9"], "4 blocks"), ("a share beyond all", 2, ["--shard", "5/4"], "5/4"),
            ("no shots", 2, ["--shots", "4,x"], "4,x"), ("more normals than there are", 3, ["--shots", "40", "--methods", "lake"], "too few"),
            ("an unknown category", 2, ["--categories", "nuts"], "nuts"), ("pixels of no size", 2, ["--pixels", "0"], "original"),
            ("two ways at once", 2, ["--shard", "1/2", "--gather"], "exclude")]:
        r = run(*base, *extra)
        lines = [line for line in r.stderr.splitlines() if ": note: " not in line]
        check(r.returncode == code and len(lines) == 1 and word in r.stderr and not os.path.exists("refused.csv"), f"refused: {name}", f"{r.returncode} {r.stderr}")
    pathlib.Path("notes.csv").write_text("dear diary\n")
    r = run(*base[:-1], "notes.csv")
    check(r.returncode == 2 and pathlib.Path("notes.csv").read_text() == "dear diary\n", "a file of another kind is not replaced", r.stderr)
    r = run("eval", "mvtec", "nowhere", "--weights", "tiny.clip", "-o", "refused.csv")
    check(r.returncode == 3 and "nowhere" in r.stderr, "a data set that is not there", r.stderr)


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        tiny.write_vocabulary("bpe_simple_vocab_16e6.txt")
        tiny.write_safetensors("tiny.safetensors", tiny.clip_tensors())
        r = run("convert", "tiny.safetensors", "-o", "tiny.clip")
        if not check(r.returncode == 0, "the tiny model", r.stderr):
            return
        test_layouts()
        test_measures()
        test_sweeps()
        test_draws()
        test_variants()
        whole = test_goes_on()
        test_shares(whole)
        test_bad_pictures()
        test_what_cannot_be_measured()
        test_nothing_measured()
        test_refusals()
        os.chdir("/")


if __name__ == "__main__":
    main()
