#!/usr/bin/env python3
"""Data sets as eval/datasets.h lists them, against listings made here as the field's code makes them (pathlib and Python's csv
module); the reader of tables, base/csv.h, against csv.reader(strict=True); masks against Pillow.

The trees are made up, with what the real ones are odd in: class numbers in VisA's masks, pictures and masks of different types
and sizes, other words for good, hidden files, notes among the pictures. test/show_dataset.c prints what the library says; it is
compiled with the compiler and flags of `make test` and the library beside $LAKE. Standard library; masks need NumPy and Pillow.
"""
import codecs
import csv
import io
import os
import pathlib
import random
import shlex
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
LAKE = pathlib.Path(os.environ.get("LAKE", "./lake")).resolve()
LIBRARY = LAKE.parent / "liblake.a"
CC = shlex.split(os.environ.get("CC", "cc"))
CFLAGS = shlex.split(os.environ.get("CFLAGS", "-fopenmp")) + ["-O0"]
PICTURES = {".png", ".jpg", ".jpeg", ".jpe", ".pnm", ".ppm", ".pgm", ".pbm", ".bmp", ".tif", ".tiff"}
SHOW = None


def check(passed, name, detail=""):
    print(f"ok {name}" if passed else f"not ok {name}: {str(detail)[:1500]}", flush=True)
    return passed


def show(*arguments, cwd=None):
    r = subprocess.run([SHOW, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, cwd=cwd)
    if r.returncode != 0:
        return [["crashed", str(r.returncode), r.stderr.decode("utf-8", "replace")[-1500:]]]
    return [line.split("\t") for line in r.stdout.decode("utf-8", "surrogateescape").split("\n")[:-1]]


def listing(layout, root, cwd=None):
    """{category: (train, test)} with images as tuples (anomalous, kind, path, mask or None); the notes; the root; or an error."""
    sets, notes, base = {}, [], None
    for line in show("list", layout, root, cwd=cwd):
        if line[0] in ("error", "crashed"):
            return None, "\t".join(line), None
        if line[0] == "root":
            base = line[1]
        elif line[0] == "note":
            notes.append(line[1])
        elif line[0] == "category":
            here = sets[line[1]] = ([], [])
        else:
            here[line[0] == "test"].append((line[1] == "1", line[2], line[3], None if line[4] == "-" else line[4]))
    return sets, notes, base


# ---- the trees ----

def bytewise(paths, key=lambda x: x):
    return sorted(paths, key=lambda x: [os.fsencode(str(part)) for part in key(x)])


def write_tree(root, paths):
    """Empty files: names alone make a list."""
    for path in paths:
        full = root / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_bytes(b"")


def pictures(folder):
    """As a loader would: every picture in a folder, which may be missing."""
    if not folder.is_dir():
        return []
    return [p for p in folder.iterdir() if p.suffix.lower() in PICTURES and not p.name.startswith(".")]


def images_of(root, folder, kind, normal, mask_folder=None):
    """The pictures of one folder with masks found by stem, with or without _mask, whatever the type."""
    masks = {}
    for mask in bytewise(pictures(mask_folder) if mask_folder else [], lambda p: [p.name]):
        stem = mask.stem[:-5] if mask.stem.lower().endswith("_mask") else mask.stem
        masks.setdefault(stem, mask)
    return [(not normal, kind, str(p.relative_to(root)), str(masks[p.stem].relative_to(root)) if not normal and p.stem in masks else None)
            for p in bytewise(pictures(folder), lambda p: [p.name])]


def kinds_of(folder):
    return bytewise([p for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")], lambda p: [p.name]) if folder.is_dir() else []


def is_normal(kind):
    return kind.lower() in ("good", "ok")


def list_mvtec(root, category):
    """make_mvtec_dataset's files: train/good, test/*, ground_truth/*/NAME_mask; ok is BTAD's good."""
    top, train, test = root / category, [], []
    for folder in kinds_of(top / "train"):
        train += images_of(root, folder, folder.name, True) if is_normal(folder.name) else []
    for folder in kinds_of(top / "test"):
        test += images_of(root, folder, folder.name, is_normal(folder.name), top / "ground_truth" / folder.name)
    return train, test


def list_bmad(root, category, references="train"):
    top, test = root / category, []
    for folder in kinds_of(top / "test"):
        test += images_of(root, folder / "img", folder.name, folder.name == "good", folder / "anomaly_mask")
    return images_of(root, top / references / "good" / "img", "good", True), test


def split(normals):
    """A fifth of them, rounded up, evenly spread, is for testing."""
    n = len(normals)
    out = -(-n // 5) if n > 1 else 0
    chosen = [i for i in range(n) if (i + 1) * out // n > i * out // n] if n else []
    return [x for i, x in enumerate(normals) if i not in chosen], [normals[i] for i in chosen]


def list_own(root, category, mask_name="ground_truth"):
    top, test = root / category, []
    good = [folder for folder in kinds_of(top) if is_normal(folder.name)][0]
    train, normals = split(images_of(root, good, good.name, True))
    for folder in kinds_of(top):
        if folder not in (good, top / mask_name):
            test += images_of(root, folder, folder.name, False, top / mask_name / folder.name)
    return train, bytewise(test + normals, lambda x: [x[1], x[2]])


def same_sets(name, found, expected):
    if found[0] is None:
        return check(False, name, found[1])
    if list(found[0]) != bytewise(expected, lambda c: [c]):
        return check(False, name, f"categories {list(found[0])}, expected {sorted(expected)}")
    for category, (train, test) in expected.items():
        for part, here, there in (("train", found[0][category][0], train), ("test", found[0][category][1], test)):
            if here != list(there):
                return check(False, name, f"{category} {part}: {here} instead of {there}")
    return check(all(test for _, test in expected.values()), name, "the test's own list is empty")


def has_notes(name, found, words, silent=()):
    notes = found[1] if found[0] is not None else []
    missing = [w for w in words if not any(w in note for note in notes)]
    said = [w for w in silent if any(w in note for note in notes)]
    return check(found[0] is not None and not missing and not said, name, f"missing {missing}, said {said} in {found[1]}")


def is_error(name, found, *words, code=3):
    text = found[1] if found[0] is None else "no error"
    return check(found[0] is None and text.startswith(f"error\t{code}\t") and all(w in text for w in words), name, text)


MVTEC = """
gear/train/good/003.png gear/train/good/000.JPG gear/train/good/010.png gear/train/good/.000.png gear/train/good/thumbs.db
gear/train/broken/000.png gear/train/good/deeper/000.png gear/test/good/000.png gear/test/good/0010.png gear/test/good/001.png
gear/test/hole/000.png gear/test/hole/001.png gear/test/hole/a-b.png gear/test/hole/a.png gear/test/hole/none.png
gear/test/hole-b/000.png gear/test/Hole/000.png gear/test/.ipynb_checkpoints/000.png gear/ground_truth/hole/000_mask.png
gear/ground_truth/hole/001.png gear/ground_truth/hole/001_mask.png gear/ground_truth/hole/a-b.bmp gear/ground_truth/hole/a_MASK.tif
gear/ground_truth/hole/lost_mask.png gear/ground_truth/hole-b/000_mask.png gear/ground_truth/good/000_mask.png
gear/license.txt readme.png .hidden/train/good/000.png .hidden/test/good/000.png \u00e9toile/train/good/1.png \u00e9toile/test/good/1.png
\u00e9toile/test/bad/1.png Zinc/train/good/1.png Zinc/test/good/1.png Zinc/test/bad/1.png Zinc/ground_truth/bad/1.png
notes/train.png Loud/train/GOOD/1.png Loud/train/Ok/2.png Loud/test/Good/1.png Loud/test/OK/2.png Loud/test/bad/1.png
Loud/ground_truth/bad/1.png Loud/ground_truth/OK/2.png
""".split()

VISA = """
candle/train/good/0003.JPG candle/train/good/0001.JPG candle/test/good/0002.JPG candle/test/bad/000.JPG candle/test/bad/010.JPG
candle/ground_truth/bad/000.png candle/ground_truth/bad/010.png pcb1/train/good/0000.JPG pcb1/test/good/0001.JPG
pcb1/test/bad/000.JPG pcb1/ground_truth/bad/000.png
""".split()

BTAD = """
01/train/ok/0001.bmp 01/train/ok/0000.bmp 01/test/ok/0000.bmp 01/test/ko/0000.bmp 01/test/ko/0001.bmp 01/ground_truth/ko/0000.png
01/ground_truth/ko/0001.png 02/train/ok/0000.png 02/test/ok/0000.png 02/test/ko/0000.png 02/ground_truth/ko/0000.png
03/train/ok/0000.bmp 03/test/ok/0001.bmp 03/test/ko/0000.bmp 03/ground_truth/ko/0000.bmp
""".split()

BMAD = """
Brain/train/good/img/00001_60.png Brain/train/good/img/00000_61.png Brain/valid/good/img/00009_70.png Brain/valid/good/img/00010_9.png
Brain/valid/Ungood/img/00003_60.png Brain/valid/Ungood/anomaly_mask/00003_60.png Brain/test/good/img/00100_60.png
Brain/test/Ungood/img/00124_60.png Brain/test/Ungood/img/00125_60.png Brain/test/Ungood/anomaly_mask/00124_60.png
Brain/test/Ungood/anomaly_mask/00125_60.png Brain/test/Ungood/img/.DS_Store Chest/train/good/img/1.png Chest/test/good/img/1.png
Chest/valid/good/img/1.png Chest/test/Ungood/img/1.png
""".split()

OWN = [f"tin/good/{i:02}.jpg" for i in range(11)] + """
tin/good/.x.jpg tin/good/list.txt tin/dent/1.jpg tin/dent/2.png tin/ok-ish/1.jpg tin/ground_truth/dent/1.png tin/loose.png
can/good/1.png can/good/2.png can/dent/1.png lid/OK/1.png lid/OK/2.png lid/NG/1.png lid/NG/2.png lid/masks.txt
""".split()


def check_trees(home):
    """Each layout's tree, and what it says of the oddities."""
    for name, paths in (("mvtec", MVTEC), ("btad", BTAD), ("bmad", BMAD), ("own", OWN)):
        write_tree(home / name, paths)
    write_tree(home / "visa/VisA_pytorch/1cls", VISA)
    os.makedirs(home / "mvtec/gear/test/hole/folder.d")
    found = listing("mvtec", home / "mvtec")
    same_sets("mvtec", found, {c: list_mvtec(home / "mvtec", c) for c in ("gear", "Zinc", "Loud", "\u00e9toile")})
    has_notes("mvtec, notes", found, ["gear: masks that no picture takes: 2, passed over (first: gear/ground_truth/hole/001_mask.png)",
              "gear: pictures of train that are not in good: 1, passed over (first: gear/train/broken/000.png)",
              "gear: 2 of 7 defective test images have no mask (first: gear/test/Hole/000.png): image measures only for these",
              "\u00e9toile: 1 of 1 defective test images have no mask (first: \u00e9toile/test/bad/1.png): image measures only"], ["Zinc", "Loud"])
    found = listing("mvtec", home / "mvtec/gear")
    same_sets("mvtec, one category's folder", found, {"": list_mvtec(home / "mvtec/gear", "")})
    prepared = home / "visa/VisA_pytorch/1cls"
    for root in (home / "visa", home / "visa/VisA_pytorch", prepared):
        found = listing("visa", root)
        same_sets(f"visa, prepared, from {root.relative_to(home)}", found, {c: list_mvtec(prepared, c) for c in ("candle", "pcb1")})
        check(found[2] is not None and pathlib.Path(found[2]) == prepared and found[1] == [], "visa, prepared, the root", found)
    found = listing("btad", home / "btad")
    same_sets("btad", found, {c: list_mvtec(home / "btad", c) for c in ("01", "02", "03")})
    check(found[1] == [], "btad, nothing to note", found[1])
    found = listing("bmad", home / "bmad")
    same_sets("bmad", found, {c: list_bmad(home / "bmad", c) for c in ("Brain", "Chest")})
    has_notes("bmad, notes", found, ["Chest: 1 of 1 defective test images have no mask"], ["Brain"])
    found = listing("bmad-valid", home / "bmad")
    same_sets("bmad, references from valid", found, {c: list_bmad(home / "bmad", c, "valid") for c in ("Brain", "Chest")})
    same_sets("bmad, one category's folder", listing("bmad", home / "bmad/Brain"), {"": list_bmad(home / "bmad/Brain", "")})
    found = listing("folder", home / "own")
    same_sets("folder", found, {c: list_own(home / "own", c) for c in ("tin", "can", "lid")})
    has_notes("folder, notes", found, ["tin: without a split into train and test: 3 of 11 normal pictures, evenly spread",
                                       "can: without a split into train and test: 1 of 2", "tin: 2 of 3 defective"])
    same_sets("folder, one category's folder", listing("folder", home / "own/tin"), {"": list_own(home / "own/tin", "")})


def check_masks_of_folders(home):
    """The other places of masks in one's own folder."""
    normals = [f"good/{i}.png" for i in range(5)]
    for name in ("masks", "mask"):
        root = home / f"own-{name}"
        write_tree(root, normals + ["dent/1.png", f"{name}/dent/1_mask.bmp"])
        same_sets(f"folder, {name}/DEFECT", listing("folder", root), {"": list_own(root, "", name)})
    root = home / "own-flat"
    write_tree(root, normals + ["dent/1.png", "hole/2.png", "masks/1.png", "masks/2_mask.png"])
    found = listing("folder", root)
    check(found[0] is not None and [x[3] for x in found[0][""][1] if x[0]] == ["masks/1.png", "masks/2_mask.png"], "folder, all masks in masks", found)
    write_tree(root, ["hole/1.png"])
    is_error("folder, a mask for two pictures", listing("folder", root), "own-flat/masks/1.png", "2 pictures")
    root = home / "own-beside"
    write_tree(root, normals + ["dent/1.png", "dent/1_mask.png", "dent/2.png", "good/3_mask.png"])
    found = listing("folder", root)
    check(found[0] is not None and [x[2:] for x in found[0][""][1] if x[0]] == [("dent/1.png", "dent/1_mask.png"), ("dent/2.png", None)]
          and len(found[0][""][0]) == 4, "folder, masks beside the pictures", found)


def check_broken_trees(home):
    def tree(name, text):
        write_tree(home / name, text.split())
        return home / name

    for layout in ("mvtec", "visa", "btad", "bmad", "bmad-valid", "folder"):
        is_error(f"{layout}: no such folder", listing(layout, home / "nowhere"), "nowhere", "no such")
        empty = home / "empty"
        empty.mkdir(exist_ok=True)
        is_error(f"{layout}: an empty folder", listing(layout, empty), "empty: no category", "expected")
    is_error("no such layout", listing("mvtek", home), "mvtek", "expected mvtec, visa, btad, bmad", code=2)
    is_error("mvtec: a file", listing("mvtec", tree("b0", "x.png") / "x.png"), "x.png", "no such folder")
    for layout, top in (("mvtec", "gear/train/good gear/test/good"), ("bmad", "gear/train/good/img gear/test"), ("folder", "gear/good")):
        for folder in top.split():
            os.makedirs(home / f"b1-{layout}" / folder)
        is_error(f"{layout}: an empty category", listing(layout, home / f"b1-{layout}"), "gear: no test pictures")
    is_error("mvtec: train alone", listing("mvtec", tree("b2", "a/train/good/1.png")), "b2/a: no test pictures")
    found = listing("mvtec", tree("b3", "a/test/good/1.png a/test/x/1.png"))
    has_notes("mvtec: test alone", found, ["a: no normal training images: zero-shot only"])
    has_notes("mvtec: no defects", listing("mvtec", tree("b4", "a/train/good/1.png a/test/good/1.png")), ["a: no defective test images"])
    has_notes("mvtec: no normals to test", listing("mvtec", tree("b5", "a/train/good/1.png a/test/x/1.png")), ["a: no normal test images"])
    is_error("mvtec: masks of other names", listing("mvtec", tree("b6", "a/train/good/1.png a/test/x/1.png a/ground_truth/x/gt1.png")),
             "b6/a/ground_truth/x/gt1.png: no picture to this mask")
    found = listing("mvtec", tree("b10", "a/train/good/1.png a/test/good/1.png a/test/x/1.png a/test/x/2.webp a/ground_truth/x/1.GIF"))
    has_notes("mvtec: types that are not read", found,
              ["a: pictures or masks of types that are not read: 2, passed over (first: a/ground_truth/x/1.GIF)", "have no mask"])
    check(found[0] is not None and len(found[0]["a"][1]) == 2, "mvtec: types that are not read are no pictures", found)
    is_error("mvtec: nothing but types that are not read", listing("mvtec", tree("b11", "a/train/good/1.webp a/test/good/1.webp")),
             "a/test/good/1.webp: pictures of this type are not read", "PNG")
    is_error("folder: MVTec's tree", listing("folder", tree("b7", "train/good/1.png test/good/1.png test/x/1.png")), "layout mvtec")
    has_notes("folder: nothing but one good picture to fit", listing("folder", tree("b8", "good/1.png x/1.png")), ["no normal test images"])
    is_error("visa: raw, without its table", listing("visa", tree("b9", "candle/Data/Images/Normal/0.JPG")), "split_csv/1cls.csv")
    link = home / "loop"
    (link / "gear/train/good").mkdir(parents=True)
    try:
        (link / "gear/train/good/again").symlink_to(link, target_is_directory=True)
        (link / "gear/test").symlink_to(link / "gear", target_is_directory=True)
    except OSError:
        pass
    is_error("mvtec: folders in a circle", listing("mvtec", link), "gear: no test pictures")


# ---- tables ----

def write_table(path, rows, end="\r\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as f:
        csv.writer(f, lineterminator=end).writerows(rows)


def visa_rows():
    rows = [("object", "split", "label", "image", "mask")]
    for name in ("pcb1", "candle"):
        for i in (3, 1, 0, 2, 10):
            rows.append((name, "test" if i == 2 else "train", "normal", f"{name}/Data/Images/Normal/{i:04}.JPG", ""))
        for i in (1, 0):
            rows.append((name, "test", "anomaly", f"{name}/Data/Images/Anomaly/{i:03}.JPG", f"{name}/Data/Masks/Anomaly/{i:03}.png"))
    return rows


def list_table(path):
    """The rows of a table with a split, by Python's csv module."""
    sets = {}
    with open(path, newline="", encoding="utf-8-sig") as f:
        for row in csv.DictReader(f):
            bad = row["label"] not in ("normal", "good", "ok")
            image = (bad, row["label"], row["image"], (row["mask"] or None) if bad else None)
            sets.setdefault(row.get("object", ""), ([], []))[row["split"] == "test"].append(image)
    return {c: tuple(bytewise(part, lambda x: [x[1], x[2]]) for part in parts) for c, parts in sets.items()}


def check_tables(home):
    root, rows = home / "visa-raw", visa_rows()
    write_tree(root, [r[3] for r in rows[1:]] + [r[4] for r in rows[1:] if r[4]])
    table = root / "split_csv/1cls.csv"
    write_table(table, rows)
    for given in (root, table):
        found = listing("visa", given)
        same_sets(f"visa, raw, from {given.relative_to(home)}", found, list_table(table))
        check(found[2] is not None and os.path.samefile(found[2], root), "visa, raw, the root", found[2])
    few = root / "split_csv/2cls.csv"
    write_table(few, rows + [("candle", "train", "anomaly", "candle/Data/Masks/Anomaly/000.png", "")])
    has_notes("visa, a defective image in train", listing("visa", few), ["candle: rows of the validation split, or defective in train: 1"])

    own = home / "sheet"
    names = [f"n/{i}.png" for i in range(6)]
    odd = ['d/one, "two".png', "d/new\nline.png", "d/plain.png", "d/\u00fc.png"]
    write_tree(own, names + odd + ["m/a.tif"])
    rows = [(n, "good", "") for n in names] + [(odd[0], "dent", "m/a.tif"), (odd[2], "dent", ""), (odd[3], "1", str(own / "m/a.tif"))]
    write_table(own / "list.csv", [("image", "label", "mask")] + rows)
    train, normals = split([(False, "good", n, None) for n in names])
    expected = {"": (train, bytewise([(True, l, n, m or None) for n, l, m in rows[6:]] + normals, lambda x: [x[1], x[2]]))}
    found = listing("folder", own / "list.csv")
    same_sets("folder, a table", found, expected)
    has_notes("folder, a table, notes", found, ["1 of 3 defective test images have no mask (first: d/plain.png)", "without a split"])
    found = listing("folder", "list.csv", cwd=own)
    same_sets("folder, a table in this folder", found, expected)
    check(found[2] == ".", "folder, a table in this folder, the root", found[2])
    text = codecs.BOM_UTF8 + b" Label ,SPLIT, Image_Path ,other\n Good ,train, n/0.png ,1\n\nNORMAL,test,n/1.png,2\rdent,Test,d/plain.png,3"
    (own / "odd.csv").write_bytes(text)
    same_sets("folder, an odd table", listing("folder", own / "odd.csv"),
              {"": ([(False, "Good", "n/0.png", None)], [(False, "NORMAL", "n/1.png", None), (True, "dent", "d/plain.png", None)])})
    write_table(own / "line.csv", [("image", "label"), (odd[1], "x"), (names[0], "0"), (names[1], "ok")])
    lines = show("list", "folder", own / "line.csv")
    check(lines[0][0] == "root" and ["test", "1", "x", "d/new"] in lines, "folder, a line break in a name", lines)
    return own


def check_broken_tables(own):
    def table(name, text, *words):
        path = own / "broken.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        is_error(f"table: {name}", listing("folder", path), "broken.csv", *words)

    good = "image,label,mask\nn/0.png,good,\n"
    table("empty", "", "empty; expected a header")
    table("a header alone", "image,label\n", "no rows")
    table("semicolons", "image;label;mask\nn/0.png;good;\n", 'no column "image"', 'found "image;label;mask"')
    table("no label", "image,mask\nn/0.png,\n", 'no column "label"')
    table("two columns for one thing", "image,label,image_path\na,b,c\n", 'two columns for the image: "image" and "image_path"')
    table("a field too few", good + "n/1.png,good\n", "broken.csv:3: a row of 2 fields; the header has 3")
    table("a field too many", good + "\nn/1.png,good,,\n", "broken.csv:4: a row of 4 fields; the header has 3")
    table("a quote that stays open", good + 'n/1.png,"good\n,\n,\n', "broken.csv:3: a quoted field begins here and never ends")
    table("text behind a quote", good + '"n/1.png" ,good,\n', "broken.csv:3: a closing quote is followed by")
    table("a byte 0", good.encode() + b"n/1.png,go\0od,\n", "broken.csv:3: a byte 0")
    table("no such picture", good + "n/17.png,good,\n", "broken.csv:3:", "n/17.png: no such file")
    table("a folder for a picture", good + "n,good,\n", "broken.csv:3:", "no such file")
    table("no such mask", good + "d/plain.png,dent,m/b.png\n", "broken.csv:3:", "m/b.png: no such file")
    table("an empty picture", good + ",good,\n", "broken.csv:3: expected a path in the column image")
    table("an empty label", good + "n/1.png, ,\n", "broken.csv:3: expected good or a defect's name in the column label")
    table("the same picture twice", good + "d/plain.png,x,\nn/0.png,x,\n", "broken.csv:4: n/0.png is in line 2 already")
    table("another split", "image,label,split\nn/0.png,good,rest\n", 'broken.csv:2: expected train or test in the column split, found "rest"')
    table("no category", "image,label,object\nn/0.png,good,\n", "broken.csv:2: expected a name in the column category")
    table("nothing to test", "image,label,split,category\nn/0.png,good,train,gear\n", "broken.csv/gear: no test pictures")
    table("a picture's bytes", bytes(range(256)) * 4, "broken.csv:1:")
    table("a thousand columns and more", "a," * 1100 + "\n", "more than 1024 fields")


def python_rows(data):
    """What csv.reader makes of it: [(line, fields)], or None where it is wrong for us: also where rows differ in length."""
    try:
        text = data.decode("latin-1")
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        rows, before = [], 0
        for row in reader:
            if row:
                rows.append((before + 1, row))
            before = reader.line_num
    except csv.Error:
        return None
    return rows if rows and all(len(r) == len(rows[0][1]) for _, r in rows) and "\0" not in text else None


def check_reader(home):
    r = random.Random(7)
    cases = [b"a", b"a\n", b"a,b\r\n1,2\r\n", b"a,b\r1,2", b'"a","b"\n"1\r\n,""x""",\n', b'""\n""\n', b"a\n\n\n1\n", b'a"b,c\nd,"e"\n',
             b'"a\rb\nc\r\nd",x\n1,2\n', b'"a"b\n', b'"', b'a,"', b'"a', b'"a"\r', b",", b",\n", b"\n", b"\r\r\n", b'a\n"""', b'"a""', b""]
    for _ in range(1500):
        cases.append(bytes(r.choice(b'aab,,"\n\r ') for _ in range(r.randrange(1, 16))))
    for _ in range(100):  # tables of odd fields
        width = r.randrange(1, 5)
        out = io.StringIO(newline="")
        csv.writer(out, lineterminator=r.choice(["\r\n", "\n", "\r"]), quoting=r.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])).writerows(
            ["".join(r.choice('xy,"\n\r \u00fc') for _ in range(r.randrange(6))) for _ in range(width)] for _ in range(r.randrange(1, 6)))
        cases.append(out.getvalue().encode("latin-1"))
    files = []
    for i, case in enumerate(cases):
        files.append(home / f"case{i}")
        files[-1].write_bytes(case)
    wrong, errors = [], 0
    for case, line in zip(cases, show("csv", *files), strict=True):
        expected, found = python_rows(case), None
        if line[0] != "error":
            rows = line[0].split(";")[:-1]
            rows = [(0, rows[0])] + [row.split(":") for row in rows[1:]]
            found = [(int(n), [bytes.fromhex(f).decode("latin-1") for f in fields.split(",")]) for n, fields in rows]
            found[0] = (expected[0][0] if expected else 0, found[0][1])  # the header's line is not told
        errors += expected is None
        if found != expected:
            wrong.append((case, expected, line))
    check(not wrong and 100 < errors < len(cases) - 300, f"{len(cases)} tables as csv.reader reads them", f"{len(wrong)} differ, {errors} errors, first {wrong[:1]}")


# ---- shots ----

class Splitmix:
    """The generator as its authors give it (Steele, Lea, Flood 2014), and numbers below a bound by rejection."""

    def __init__(self, seed):
        self.state = seed

    def below(self, bound):
        while True:
            self.state = (self.state + 0x9E3779B97F4A7C15) % 2**64
            z = self.state
            z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
            z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
            z ^= z >> 31
            if z >= 2**64 % bound:
                return z % bound


def check_shots(home):
    names = [f"train/good/{i}.png" for i in range(13)]
    write_tree(home / "shots", names + ["test/good/0.png", "test/x/0.png"])
    names = sorted(names)

    def drawn(wanted, seed, draw):
        return [line[-1] if line[0] == "shot" else line for line in show("shots", "mvtec", home / "shots", wanted, seed, draw)]

    for wanted in (1, 2, 4):
        for seed in (0, 1, 2):
            found = drawn(wanted, seed, "slice")
            check(found == names[seed * wanted:(seed + 1) * wanted], f"{wanted} shots, slice {seed}", found)
    for wanted in (1, 2, 4, 8, 13):
        for seed in (0, 1, 2**64 - 1):
            random_source, left = Splitmix(seed), list(names)
            for i in range(wanted):
                other = i + random_source.below(len(left) - i)
                left[i], left[other] = left[other], left[i]
            found = drawn(wanted, seed, "random")
            check(found == left[:wanted], f"{wanted} shots, random {seed}", found)
    for draw in ("slice", "random"):
        check(drawn(0, 5, draw) == [], f"no shots, {draw}")
        check(drawn("all", 5, draw) == names, f"all shots, {draw}")
        found = drawn(14, 0, draw)
        check(found[0][:2] == ["error", "3"] and "found 13, expected at least 14" in found[0][2], f"too many shots, {draw}", found)
    check(drawn(8, 1, "slice")[0][:2] == ["error", "3"], "a slice beyond the end", drawn(8, 1, "slice"))
    check(drawn(1, 2**64 - 1, "slice")[0][:2] == ["error", "3"], "a slice far beyond", "")


# ---- masks ----

def check_masks(home):
    try:
        import numpy as np
        from PIL import Image
    except ImportError as e:
        return print(f"skip masks: {e}", flush=True)
    r = np.random.default_rng(3)
    classes = (r.random((9, 14)) < 0.3) * r.integers(1, 9, (9, 14))  # as VisA's: class numbers, far below 127
    masks = {"class.png": Image.fromarray(classes.astype(np.uint8)),
             "white.bmp": Image.fromarray(((classes > 0) * 255).astype(np.uint8)),
             "bits.png": Image.fromarray(classes > 0),
             "sixteen.png": Image.fromarray(classes.astype(np.uint16)),
             "colour.tif": Image.fromarray(np.stack([classes * 0, classes * 0, classes * 9], 2).astype(np.uint8)),
             "palette.png": Image.fromarray(classes.astype(np.uint8)).convert("P")}
    masks["palette.png"] = Image.fromarray(classes.astype(np.uint8), "P")
    masks["palette.png"].putpalette([0, 0, 0] + [v for i in range(1, 256) for v in (i, 255 - i, 3)])
    for name, mask in masks.items():
        mask.save(home / name)
        for height, width in [(9, 14), (30, 21), (4, 5)] + [tuple(r.integers(1, 60, 2)) for _ in range(4)]:
            expected = np.asarray(Image.fromarray(((classes > 0) * 255).astype(np.uint8)).resize((width, height), Image.NEAREST)) > 0
            found = show("mask", height, width, home / name)[0][0]
            check(found == "".join("01"[int(v)] for v in expected.ravel()), f"mask {name} at {width} x {height}", found)
    large = np.zeros((64, 64), np.uint8)
    large[13:37, 9:30] = 255
    Image.fromarray(large).save(home / "lossy.jpg", quality=60)
    decoded = np.asarray(Image.open(home / "lossy.jpg"))
    found = show("mask", 64, 64, home / "lossy.jpg")[0][0]
    check(found == "".join("01"[int(v)] for v in (decoded > 127).ravel()) and (decoded > 0).sum() > (large > 0).sum(),
          "a JPEG mask without its faint marks", f"{found.count('1')} of {(large > 0).sum()}")
    (home / "text.png").write_bytes(b"no picture")
    found = show("mask", 4, 4, home / "text.png", home / "missing.png")
    check([line[:2] for line in found] == [["error", "3"]] * 2, "masks that are none", found)


def main():
    global SHOW
    if not LIBRARY.exists() or shutil.which(CC[0]) is None:
        return print(f"skip layouts: no {LIBRARY.name} beside {LAKE}, or no compiler", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        home = pathlib.Path(folder)
        SHOW = home / "show"
        r = subprocess.run([*CC, "-std=c11", "-Wall", "-Wextra", "-Wpedantic", *CFLAGS, "-I.", "-o", SHOW, "test/show_dataset.c", LIBRARY, "-lm"],
                           cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if not check(r.returncode == 0 and r.stdout == "", "test/show_dataset.c compiles", r.stdout):
            return
        check_trees(home)
        check_masks_of_folders(home)
        check_broken_trees(home)
        check_broken_tables(check_tables(home))
        cases = home / "cases"
        cases.mkdir()
        check_reader(cases)
        check_shots(home)
        check_masks(home)


if __name__ == "__main__":
    main()
