#!/usr/bin/env python3
"""The page of a measured data set (eval/report.h): made of a run's folder that is written here, with names that hold whatever a
name may hold, measures that are undefined, sweeps and pictures. It parses as XML, every figure of its tables is what is computed
here from the rows, its precision-recall curve is scikit-learn's, and it loads in Chromium without a message or a request.
test/show_report.c writes it; it is compiled with the compiler and flags of `make test` and the library beside $LAKE. Standard
library; the curve needs scikit-learn, the last part Chromium."""
import csv
import math
import os
import pathlib
import random
import re
import shlex
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import xml.etree.ElementTree
import zlib

from test_page import CHROMIUM, XHTML, check, check_loading, check_phone, check_structure, skip

ROOT = pathlib.Path(__file__).resolve().parent.parent
LAKE = pathlib.Path(os.environ.get("LAKE", "./lake")).resolve()
LIBRARY = LAKE.parent / "liblake.a"
CC = shlex.split(os.environ.get("CC", "cc"))
CFLAGS = shlex.split(os.environ.get("CFLAGS", "-fopenmp")) + ["-O0"]
MEASURES = ["image_auroc", "image_ap", "image_f1max", "pixel_auroc", "pixel_ap", "pixel_f1max", "pro"]
NAMES = ["Image AUROC", "Image AP", "Image F1-max", "Pixel AUROC", "Pixel AP", "Pixel F1-max", "PRO"]
COLUMNS = ["dataset", "category", "shots", "seed", "method", *MEASURES, "normals", "tests", "seconds", "threshold", "good", "bad",
           "false_alarms", "misses", "skipped"]
CATEGORIES = ["<b>nut</b>, \"M8\" & 'co'", "leather", "z\u00e9ro 100%"]
METHODS = ["lake", "zero", "patchcore", "anomalydino", "patchcore+lake"]
SWEEPS = ["lake neurons=10", "lake neurons=all", "lake neurons=50", "lake norm=none", "lake shots=2", "lake pooling=max", "lake pooling=<top>&1", "lake contaminate=0", "lake contaminate=1",
          "lake contaminate=2", "lake contaminate=1 trim=0.1", "lake contaminate=2 trim=0.1"]
DASH = "\u2013"


# ---- the run ----

def write_csv(path, columns, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as f:
        csv.writer(f, lineterminator="\n").writerows([columns, *rows])


def write_png(path, width, height, color):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    lines = (b"\0" + bytes(color) * width) * height
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
                     chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))


def make_row(rng, category, shots, seed, method, undefined):
    good, bad = rng.randrange(10, 30), rng.randrange(10, 30)
    values = ["" if m in undefined else f"{rng.uniform(0.5, 1):.6f}" for m in MEASURES]
    return ["mvtec", category, shots, seed, method, *values, 0 if shots == "0" else 4, good + bad, f"{rng.uniform(0, 9):.3f}",
            f"{rng.uniform(0.3, 0.7):.9g}", good, bad, rng.randrange(good), rng.randrange(bad), 1]


def make_images(rng, methods):
    """Scores on a coarse scale, so that there are ties."""
    return [[method, f"test/{kind}/{i:03d} & <{method}>.png", kind, int(kind != "good"), f"{rng.randrange(20, 60 + 30 * (kind != 'good')) / 100}"]
            for method in methods for kind in ("good", "<hole>") for i in range(23)]


def write_examples(folder, category):
    examples = []
    for role, kind in (("false alarm", "good"), ("miss", "<hole>")):
        for i in range(3):
            name = f"{role.replace(' ', '-')}-{i + 1}.png"
            write_png(folder / name, 96, 48, (40 * i, 200, 20))
            examples.append([role, f"test/{kind}/{i:03d} & \"x\".png", kind, 0.8 - 0.3 * i, name, "block 3 channel 41 (11.9 %), <i>"])
    write_png(folder.parent / "outside.png", 8, 8, (0, 0, 0))
    examples.append(["miss", "outside", "<hole>", 0.1, "../outside.png", ""])
    examples.append(["miss", "missing", "<hole>", 0.1, "missing.png", ""])
    write_csv(folder / "examples.csv", ["role", "image", "kind", "score", "picture", "neurons"], examples)


def write_unit(rng, parts, number, category, shots, seed):
    folder = parts / f"{number:03d}-{re.sub('[^a-z]', '_', category)}-shots{shots:>04}-seed{seed:02d}"
    methods = ["zero"] if shots == "0" else METHODS + (SWEEPS if shots == "4" else [])
    undefined = MEASURES[3:] if category == "leather" else []
    rows = [make_row(rng, category, shots, seed, m, undefined if m != "patchcore" else MEASURES[1:]) for m in methods]
    folder.mkdir(parents=True)
    write_csv(folder / "images.csv", ["method", "image", "kind", "anomalous", "score"], make_images(rng, set(methods) & set(METHODS)))
    if shots != "0":
        write_csv(folder / "shots.csv", ["image"], [[f"train/good/{i} <&>.png"] for i in range(4)])
        neurons = [[block, 64, rank + 1, channel, 0.5 / (rank + 1)] for block in (3, 6)
                   for rank, channel in enumerate(rng.sample(range(64), 16))]
        write_csv(folder / "neurons.csv", ["block", "width", "rank", "channel", "share"], neurons)
        write_examples(folder, category)
        write_csv(folder / "skipped.csv", ["image", "error"], [["test/good/<bad>.png", "not & a picture"]])
    write_csv(folder / "rows.csv", COLUMNS, rows)
    return rows


def write_run(parts):
    rng = random.Random(1)
    settings = [["dataset", "mvtec"], ["root", "/data/<mvtec> & co"], ["weights", "vit \"b\" 16.clip"], ["fingerprint", "ab" * 32],
                ["neurons", "100"], ["pooling", "max"], ["normalise", "clip"], ["shots", "0 1 4"], ["some-new-key", "its value"], ["command", "lake eval /data/<mvtec> & co"]]
    write_csv(parts / "settings.csv", ["key", "value"], settings)
    rows = []
    for number, category in enumerate(CATEGORIES):
        for shots, seed in (("0", 0), ("1", 0), ("4", 0), ("4", 1)):
            rows += write_unit(rng, parts, number, category, shots, seed)
    (parts / "009-unfinished-shots0004-seed00").mkdir()
    return [dict(zip(COLUMNS, row)) for row in rows]


# ---- the figures ----

def category_mean(rows, category, shots, method, measure):
    values = [float(r[measure]) for r in rows
              if (r["category"], r["shots"], r["method"]) == (category, shots, method) and r[measure] != ""]
    return statistics.fmean(values) if values else None


def over_categories(values):
    values = [v for v in values if v is not None]
    if not values:
        return None, None
    return statistics.fmean(values), statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None


def mean(rows, shots, method, measure):
    return over_categories([category_mean(rows, c, shots, method, measure) for c in CATEGORIES])


def difference(rows, shots, a, b, measure):
    pairs = [[category_mean(rows, c, shots, m, measure) for m in (a, b)] for c in CATEGORIES]
    return over_categories([x - y if None not in (x, y) else None for x, y in pairs])


def number(value, decimals=3):
    if value is None:
        return DASH
    text = f"{value:.{decimals}f}"
    return text.replace("-", "") if float(text) == 0 else text


def figure(value):
    return number(value[0]) + (f" \u00b1 {number(value[1])}" if value[1] is not None else "")


def text_of(element):
    return re.sub(r"[\s\u200a\u00a0]+", " ", "".join(element.itertext())).strip()


def tables_of(root, section):
    """[(heading before it, caption, [[text of each cell]])] of a section."""
    part = next(e for e in root.iter(XHTML + "section") if e.get("id") == section)
    found, heading = [], ""
    for element in part.iter():
        if element.tag in (XHTML + "h3", XHTML + "h2"):
            heading = text_of(element)
        elif element.tag == XHTML + "table":
            found.append((heading, text_of(element.find(XHTML + "caption")),
                          [[text_of(cell) for cell in line] for line in element.iter(XHTML + "tr")]))
    return found


def starred(values):
    """The cells of numbers or figures, the best ones with a star behind the number."""
    key = [v[0] if isinstance(v, tuple) else v for v in values]
    defined = [k for k in key if k is not None]
    best = max(defined) if len(defined) > 1 else None
    cells = [figure(v) if isinstance(v, tuple) else number(v) for v in values]
    return [re.sub(r"^([0-9.]+)", r"\1 *", cell) if None not in (k, best) and number(k) == number(best) else cell for k, cell in zip(key, cells)]


def expected_main_tables(rows):
    for shots, heading in (("0", "With no normal picture"), ("1", "With 1 normal picture"), ("4", "With 4 normal pictures")):
        methods = ["zero"] if shots == "0" else ["zero", *[m for m in METHODS if m != "zero"]]
        columns = [starred([mean(rows, shots, m, measure) for m in methods]) for measure in MEASURES]
        yield heading, "Means over", [["Method", *NAMES]] + [[m, *(c[i] for c in columns)] for i, m in enumerate(methods)]
        if shots == "0":
            yield heading, "By category", [["Category", *NAMES]] + [[c, *(number(category_mean(rows, c, shots, "zero", m)) for m in MEASURES)]
                                                                   for c in CATEGORIES]
            continue
        for measure, name in ((m, NAMES[MEASURES.index(m)]) for m in ("image_auroc", "pixel_auroc", "pro")):
            body = [[c, *starred([category_mean(rows, c, shots, m, measure) for m in methods])] for c in CATEGORIES]
            foot = [mean(rows, shots, m, measure) for m in methods]
            yield heading, name + " by category", [["Category", *methods], *body, ["Mean", *starred([v[0] for v in foot])],
                                                   ["\u00b1 standard error", *(number(v[1]) for v in foot)]]


def expected_decisions(rows):
    def cells(chosen):
        sums = {k: sum(r[k] for r in chosen) for k in ("good", "bad", "false_alarms", "misses")}
        return [f"{sums['false_alarms']} of {sums['good']}", number(100 * sums["false_alarms"] / sums["good"], 1),
                f"{sums['misses']} of {sums['bad']}", number(100 * sums["misses"] / sums["bad"], 1)]
    for shots, heading in (("0", "With no normal picture"), ("1", "With 1 normal picture"), ("4", "With 4 normal pictures")):
        here = [r for r in rows if r["shots"] == shots]
        lake = [r for r in here if r["method"] == "lake"]
        if lake:
            body = [[c, *cells([r for r in lake if r["category"] == c])] for c in CATEGORIES]
            yield heading, "LAKE's decisions", [["Category", "False alarms", "%", "Misses", "%"], *body, ["All", *cells(lake)]]
        methods = ["zero"] if shots == "0" else ["zero", *[m for m in METHODS if m != "zero"]]
        yield heading, "Every method's", [["Method", "False alarms", "%", "Misses", "%"],
                                          *([m, *cells([r for r in here if r["method"] == m])] for m in methods)]


def expected_sweeps(rows):
    shown = ("image_auroc", "pixel_auroc", "pro")
    for axis, default in (("neurons", "default (100)"), ("norm", "default (clip)"), ("shots", "default (4)"), ("pooling", "default (max)"),
                          ("contaminate", "default")):
        lines = [[axis, "Image AUROC", "Pixel AUROC", "PRO", "Image AUROC against " + ("contaminate=0" if axis == "contaminate" else "default")]]
        methods = [m for m in SWEEPS if m.startswith(f"lake {axis}=")]
        if axis in ("neurons", "contaminate"):  # numbers are in their order, all of the 64 channels last
            methods.sort(key=lambda m: float(re.sub("all", "64", m.split("=")[1].split()[0])))
        for method in methods:
            lines.append([method.split("=", 1)[1].replace(" ", ", "), *(figure(mean(rows, "4", method, m)) for m in shown),
                          figure(difference(rows, "4", method, "lake contaminate=0" if axis == "contaminate" else "lake", "image_auroc"))])
        yield f"{axis}, with 4 normal pictures", "Means over", lines + [[default, *(figure(mean(rows, "4", "lake", m)) for m in shown), ""]]


def expected_rows(rows, category):
    lines = [["Method", *NAMES, "Threshold", "False alarms", "Misses", "Seconds"]]
    for r in rows:
        if (r["category"], r["shots"], r["seed"]) == (category, "4", 0) and "=" not in r["method"]:
            lines.append([r["method"], *(number(float(r[m])) if r[m] else DASH for m in MEASURES), number(float(r["threshold"])),
                          f"{r['false_alarms']} of {r['good']}", f"{r['misses']} of {r['bad']}", number(float(r["seconds"]), 1)])
    return lines


def compare(found, expected, name):
    expected = list(expected)
    check(len(found) == len(expected), f"{name}: as many tables as expected", f"{len(found)}, expected {len(expected)}")
    for have, want in zip(found, expected):
        wrong = [(a, b) for a, b in zip(have[2], want[2]) if a != b]
        check(have[0] == want[0] and have[1].startswith(want[1]) and len(have[2]) == len(want[2]) and not wrong,
              f"{name}: {want[0]}, {want[1]}", f"found {have[:2]} {have[2] if not wrong else wrong[0]}; {len(have[2])} lines of {len(want[2])}")


def check_figures(root, rows):
    compare(tables_of(root, "tables"), expected_main_tables(rows), "tables")
    compare(tables_of(root, "decisions"), expected_decisions(rows), "decisions")
    compare(tables_of(root, "sweeps"), expected_sweeps(rows), "sweeps")
    for i, category in enumerate(CATEGORIES):
        first = [t for t in tables_of(root, f"category-{i + 1}") if t[1].startswith("This draw")]
        check(len(first) == 1 and first[0][2] == expected_rows(rows, category), "a category's rows", first)


def check_verdict(root, rows):
    text = text_of(next(e for e in root.iter(XHTML + "section") if e.get("id") == "verdict"))
    best = max(METHODS, key=lambda m: mean(rows, "4", m, "image_auroc")[0])
    check(f"By Image AUROC, {best} comes out first: {figure(mean(rows, '4', best, 'image_auroc'))} over 3 categories" in text,
          "the verdict names the best method", text)
    lake = [r for r in rows if r["shots"] == "4" and r["method"] == "lake"]
    alarms, misses = (100 * sum(r[a] for r in lake) / sum(r[b] for r in lake) for a, b in (("false_alarms", "good"), ("misses", "bad")))
    check(f"{alarms:.1f} % of the normal test pictures" in text and f"{misses:.1f} % of the defective" in text,
          "the verdict tells what the threshold does", text)
    check("94.7" in text, "the paper's figures stand beside those of MVTec-AD", text)


def check_overlap(root, parts):
    """Jaccard of each pair, mean channels in common, and what chance would give."""
    chosen = {}
    for c, folder in enumerate(sorted(parts.glob("*shots0004-seed00/neurons.csv"))):
        for r in csv.DictReader(open(folder, newline="")):
            chosen.setdefault(int(r["block"]), {}).setdefault(c, set()).add(int(r["channel"]))
    section = next(e for e in root.iter(XHTML + "section") if e.get("id") == "neurons")
    for (block, sets), (_, _, lines) in zip(chosen.items(), tables_of(root, "neurons")):
        want = [[DASH if i == j else number(len(sets[i] & sets[j]) / len(sets[i] | sets[j]), 2) for j in range(3)] for i in range(3)]
        check([line[1:] for line in lines[1:]] == want, f"overlap of block {block}", f"{lines} expected {want}")
        common = statistics.fmean(len(sets[i] & sets[j]) for i in range(3) for j in range(i))
        check(f"In block {block} two categories have {common:.1f} channels in common" in text_of(section) and "chance would have 4.0" in text_of(section),
              "overlap beside chance", text_of(section))


# ---- pictures and curves ----

def check_pictures(root, text):
    sections = [e for e in root.iter(XHTML + "section") if (e.get("id") or "").startswith("category-")]
    images = [[i for i in e.iter(XHTML + "img")] for e in sections]
    check([len(i) for i in images] == [6, 6, 6], "pictures are shown, those missing or outside passed over", [len(i) for i in images])
    check(all((i.get("width"), i.get("height")) == ("96", "48") for part in images for i in part), "pictures have their size")
    badges = [text_of(e) for e in sections[0].iter(XHTML + "span") if "badge" in (e.get("class") or "")]
    check(len(badges) == 8 and badges[-1].endswith("wrongly called normal"), "pictures say what they were called", badges)
    check("not & a picture" in text_of(sections[0]), "skipped pictures are named", text_of(sections[0])[-300:])


def path_points(chart, kind):
    """The points of the longest line of that class; a legend's is short."""
    line = max((e for e in chart.iter() if e.get("class") == kind), key=lambda e: len(e.get("d")))
    return [tuple(map(float, p.split())) for p in re.split("[ML]", line.get("d"))[1:]]


def check_curves(root, parts):
    try:
        from sklearn.metrics import precision_recall_curve, roc_curve
    except ImportError:
        skip("the curves against scikit-learn", "no scikit-learn")
        return
    folder = sorted(parts.glob("*shots0004-seed00"))[0]
    images = [r for r in csv.DictReader(open(folder / "images.csv", newline="")) if r["method"] == "lake"]
    labels, scores = [int(r["anomalous"]) for r in images], [float(r["score"]) for r in images]
    section = next(e for e in root.iter(XHTML + "section") if e.get("id") == "category-1")
    charts = [e for e in section.iter() if e.tag.endswith("}svg") and e.get("aria-label")]
    roc, precision = (next(c for c in charts if c.get("aria-label").startswith(n)) for n in ("ROC", "Precision"))
    x0, x1, height = 48, 346, 176
    y, x = precision_recall_curve(labels, scores)[:2]
    fpr, tpr = roc_curve(labels, scores, drop_intermediate=False)[:2]
    for name, chart, want in (("precision-recall", precision, list(zip(x, y))[::-1]), ("ROC", roc, list(zip(fpr, tpr)))):
        points = path_points(chart, "line s0")
        bottom = max(p[1] for p in path_points(chart, "axis"))
        have = [((px - x0) / (x1 - x0), (bottom - py) / height) for px, py in points]
        # Older versions of scikit-learn end the precision-recall curve where everything is found.
        far = [(h, w) for h, w in zip(have, want) if abs(h[0] - w[0]) > 0.002 or abs(h[1] - w[1]) > 0.002]
        check(len(have) >= len(want) > 10 and not far, f"the {name} curve is scikit-learn's", f"{len(have)} of {len(want)}: {far[:2]}")


def check_histogram(root, parts):
    """The bars' heights are counts of pictures."""
    section = next(e for e in root.iter(XHTML + "section") if e.get("id") == "category-1")
    chart = next(e for e in section.iter() if (e.get("aria-label") or "").startswith("LAKE's scores"))
    labels = [text_of(e) for e in chart.iter() if e.tag.endswith("}text")]
    for kind in ("fill s0", "line s1"):
        path = [e for e in chart.iter() if e.get("class") == kind][-1].get("d")
        bottom = float(re.match(r"M[\d.]+ ([\d.]+)V", path).group(1))
        heights = [bottom - float(v) for v in re.findall(r"V([\d.]+)H", path)]
        unit = min(h for h in heights if h > 0)
        check(abs(sum(heights) / unit - 23) < 0.5, f"the histogram's {kind} counts every picture", f"{heights}")
    check(any(t.startswith("threshold 0.") for t in labels), "the histogram has its threshold", labels)


# ---- the program ----

def build(folder):
    program = os.path.join(folder, "show_report")
    r = subprocess.run([*CC, "-std=c11", *CFLAGS, f"-I{ROOT}", "-o", program, str(ROOT / "test/show_report.c"), str(LIBRARY), "-lm"],
                       capture_output=True, text=True)
    check(r.returncode == 0, "test/show_report.c is compiled", r.stderr)
    return program if r.returncode == 0 else None


def write_page(program, parts, page):
    return subprocess.run([program, parts, page, f"{page}.csv"], capture_output=True, text=True)


def check_refusals(program, folder):
    empty = pathlib.Path(folder, "empty.parts")
    write_csv(empty / "settings.csv", ["key", "value"], [])
    r = write_page(program, empty, os.path.join(folder, "empty.html"))
    check(r.returncode == 3 and "no report" in r.stdout and not os.path.exists(os.path.join(folder, "empty.html")),
          "a run without a finished category gives no page", r)


def check_poor(program, folder):
    """One category without a name, one method, nothing defined, none of the optional files."""
    parts = pathlib.Path(folder, "poor.parts")
    write_csv(parts / "settings.csv", ["key", "value"], [])
    write_csv(parts / "000" / "rows.csv", COLUMNS, [["", "", "all", 0, "x", *[""] * 7, 0, 0, "", "", 0, 0, 0, 0, 0]])
    page = os.path.join(folder, "poor.html")
    r = write_page(program, parts, page)
    check(r.returncode == 0, "the poorest run there can be has a page", r)
    if r.returncode == 0:
        text = pathlib.Path(page).read_text(encoding="utf-8")
        check(xml.etree.ElementTree.fromstring(text.split("\n", 1)[1]) is not None and "nan" not in re.sub("<style>.*</style>", "", text, flags=re.S),
              "its page is well formed")


def main():
    with tempfile.TemporaryDirectory() as folder:
        program = build(folder)
        if program is None:
            return
        parts, page = pathlib.Path(folder, "results.parts"), pathlib.Path(folder, "page.html")
        rows = write_run(parts)
        r = write_page(program, parts, page)
        if not check_ok(r):
            return
        text = page.read_text(encoding="utf-8")
        root = check_structure(text)
        if root is None:
            return
        check_figures(root, rows)
        check_verdict(root, rows)
        check_overlap(root, parts)
        check_pictures(root, text)
        check_curves(root, parts)
        check_histogram(root, parts)
        again = pathlib.Path(folder, "again.html")
        write_page(program, parts, again)
        check(again.read_bytes() == page.read_bytes(), "the same run gives the same page")
        check_refusals(program, folder)
        check_poor(program, folder)
        if CHROMIUM is None:
            skip("the report in a browser", "no Chromium on this machine")
            return
        check_loading(folder, page)
        check_phone(folder, page)


def check_ok(r):
    check(r.returncode == 0, "the page is written", r.stdout + r.stderr)
    return r.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
