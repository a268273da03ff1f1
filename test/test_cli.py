#!/usr/bin/env python3
"""The command from outside: the main job on a tiny random model, and what every wrong call and every bad input gives.

A failure must be one line on standard error that names what is wrong, with exit code 2 (usage), 3 (bad input) or 4 (output,
memory), and leave no file behind. Standard library only.
"""
import csv
import io
import json
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import tiny

LAKE = os.path.abspath(os.environ.get("LAKE", "./lake"))


def check(passed, name, detail=""):
    print(f"ok {name}" if passed else f"not ok {name}: {detail}", flush=True)


def run(*arguments, stdin=None, env=None, stdout=None):
    environment = {k: v for k, v in os.environ.items() if k != "LAKE_WEIGHTS"}
    environment.update(env or {})
    return subprocess.run([LAKE, *map(str, arguments)], input=stdin, stdout=stdout or subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=environment, timeout=300)


def refuse(name, code, *arguments, says=(), leaves=(), **options):
    """The call fails with this code and one line that holds every word of `says`; no path of `leaves` exists afterwards."""
    r = run(*arguments, **options)
    lines = [line for line in r.stderr.splitlines() if ": note: " not in line]
    problems = []
    if r.returncode != code:
        problems.append(f"exit code {r.returncode}, expected {code}")
    if len(lines) != 1 or not lines[0].startswith("lake"):
        problems.append(f"{len(lines)} lines on standard error")
    problems += [f"no word of {word!r}" for word in says if word not in r.stderr]
    problems += [f"{path} was left" for path in leaves if os.path.exists(path)]
    check(not problems, name, "; ".join(problems) + " | " + r.stderr[-600:])


def make_world():
    """Weights, pictures and a detector in the current folder."""
    tiny.write_vocabulary("bpe_simple_vocab_16e6.txt")
    tiny.write_safetensors("tiny.safetensors", tiny.clip_tensors())
    tiny.write_safetensors("other.safetensors", tiny.clip_tensors(seed=1))
    for folder in ("good", "new/sub", "empty"):
        os.makedirs(folder)
    for i in range(4):
        tiny.write_png(f"good/{i}.png", 64, 64, tiny.texture(i))
    tiny.write_png("new/a.png", 64, 64, tiny.texture(10))
    tiny.write_png("new/sub/a.png", 64, 64, tiny.texture(11, (40, 20, 9)))
    for name in ("tiny", "other"):
        r = run("convert", f"{name}.safetensors", "-o", f"{name}.clip")
        check(r.returncode == 0 and os.path.exists(f"{name}.clip"), f"convert {name}", r.stderr)
    r = run("fit", "good", "--weights", "tiny.clip", "--res", "128", "-o", "d.lake")
    check(r.returncode == 0 and "threshold" in r.stdout, "fit on four pictures", r.stderr + r.stdout)


def check_main_job():
    r = run("score", "d.lake", "new", "--jsonl", "--explain", "--overlays", "out/o", "--heatmaps", "out/h", "--strips", "out/s", "--maps", "out/m")
    rows = [json.loads(line) for line in r.stdout.splitlines()]
    keys = {"image", "score", "label", "threshold", "structural", "semantic", "patch", "neurons"}
    check(r.returncode == 0 and len(rows) == 2 and all(keys == set(row) for row in rows), "score as JSON lines", r.stderr + r.stdout)
    check([row["image"] for row in rows] == ["new/a.png", "new/sub/a.png"], "score lists a folder sorted and deep", r.stdout)
    good, bad = rows
    check(good["label"] == "normal" and bad["label"] == "anomalous" and bad["score"] > good["score"], "the blot is the anomaly", r.stdout)
    row, column = bad["patch"]
    grid = 128 // 8
    check(abs((column + 0.5) / grid * 64 - 40) < 12 and abs((row + 0.5) / grid * 64 - 20) < 12, "the worst patch lies at the blot", r.stdout)
    shares = [n["share"] for n in bad["neurons"]]
    check(len(shares) == 5 and shares == sorted(shares, reverse=True) and 0 < sum(shares) <= 1, "neurons with shares", r.stdout)
    names = sorted(str(p) for p in pathlib.Path("out").glob("*/*"))
    check(names == [f"out/{k}/{n}.{x}" for k, x in (("h", "png"), ("m", "npy"), ("o", "png"), ("s", "png")) for n in ("a", "sub_a")],
          "pictures and maps per image", names)
    for path in names:
        data = pathlib.Path(path).read_bytes()
        if path.endswith(".png"):
            width, height = struct.unpack(">II", data[16:24])
            check(data[:8] == b"\x89PNG\r\n\x1a\n" and height >= 64 and width >= 64, f"{path} is a picture", f"{width} x {height}")
        else:
            check(b"'shape': (64, 64)" in data[:128] and len(data) >= 64 * 64 * 4, f"{path} is an array of the picture's size", data[:128])
    table = list(csv.DictReader(io.StringIO(run("score", "d.lake", "new", "--csv").stdout)))
    check([float(t["score"]) for t in table] == [row["score"] for row in rows], "CSV and JSON agree", table)
    text = run("score", "d.lake", "new", "--explain").stdout
    check("anomalous" in text and "because of" in text, "lines for people", text)
    stream = run("score", "d.lake", "-", "--jsonl", stdin="new/sub/a.png\nmissing.png\nnew/a.png\n")
    lines = [json.loads(line) for line in stream.stdout.splitlines()]
    check(stream.returncode == 3 and lines[0]["score"] == bad["score"] and "error" in lines[1] and lines[2]["score"] == good["score"],
          "paths from standard input", stream.stdout + stream.stderr)
    check(run("score", "d.lake", "new", "--fail-on-anomaly").returncode == 1, "exit code 1 for an anomaly")
    check(run("score", "d.lake", "new/a.png", "--fail-on-anomaly").returncode == 0, "exit code 0 without one")
    check(run("score", "d.lake", "new", "--threshold", "0.999", "--fail-on-anomaly").returncode == 0, "another threshold")
    one, two = (run("score", "d.lake", "new", "--jsonl", env={"OMP_NUM_THREADS": n}).stdout for n in "12")
    check(one == two, "scores do not depend on the threads", one + two)


def check_text_branch():
    r = run("fit", "good", "--weights", "tiny.clip", "--res", "128", "--class", "woven cloth", "-o", "t.lake")
    check(r.returncode == 0 and "woven cloth" in r.stdout, "fit with a class", r.stderr)
    rows = [json.loads(line) for line in run("score", "t.lake", "new", "--jsonl").stdout.splitlines()]
    check(all(0 <= row["semantic"] <= 1 for row in rows), "semantic scores", rows)
    off = [json.loads(line) for line in run("score", "t.lake", "new", "--jsonl", "--lambda", "0").stdout.splitlines()]
    plain = [json.loads(line) for line in run("score", "d.lake", "new", "--jsonl").stdout.splitlines()]
    check([o["score"] for o in off] == [p["score"] for p in plain] and [o["threshold"] for o in off] == [p["threshold"] for p in plain],
          "text weight 0 at scoring equals a fit without text", (off, plain))
    r = run("zero", "new", "--class", "woven cloth", "--weights", "tiny.clip", "--res", "128", "--jsonl")
    rows = [json.loads(line) for line in r.stdout.splitlines()]
    check(r.returncode == 0 and len(rows) == 2 and all(row["structural"] is None and row["semantic"] is not None for row in rows), "zero-shot", r.stdout + r.stderr)
    stream = run("zero", "-", "missing.png", "--class", "woven cloth", "--weights", "tiny.clip", "--res", "128", "--jsonl",
                 stdin="new/sub/a.png\n")
    lines = [json.loads(line) for line in stream.stdout.splitlines()]
    check(stream.returncode == 3 and lines[0] == rows[1] and "error" in lines[1], "zero-shot from standard input, a missing photo is a row",
          stream.stdout + stream.stderr)
    r = run("score", "d.lake", "new", "--lambda", "0.5")
    check(r.returncode == 0 and "note: " in r.stderr and "--lambda" in r.stderr, "a weight for texts that are not there is noted", r.stderr)
    r = run("zero", "new", "--weights", "tiny.clip", "--res", "128")
    check(r.returncode == 0 and "no --class" in r.stderr, "zero-shot without a class is noted", r.stderr)
    r = run("tokens", "a photo of the object", "-", "--weights", "tiny.clip", stdin="the\n\n")
    ids = [[int(i) for i in line.split()] for line in r.stdout.splitlines()]
    end = 512 + len(tiny.MERGES) + 1
    check(len(ids) == 3 and all(i[0] == end - 1 and i[-1] == end for i in ids) and ids[1] == [end - 1, 512 + 2, end] and ids[2] == [end - 1, end],
          "tokens", r.stdout + r.stderr)


def stack(paths, out):
    """.npy arrays of one shape [L, P, D] -> one file per layer of shape [n, P, D]; our own files have a head of 128 bytes."""
    blobs = [pathlib.Path(p).read_bytes() for p in paths]
    layers, patches, width = (int(v) for v in blobs[0][:128].split(b"(")[1].split(b")")[0].split(b","))
    size = patches * width * 4
    head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({len(blobs)}, {patches}, {width}), }}".encode()
    head = b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + head.ljust(117) + b"\n"
    for layer in range(layers):
        pathlib.Path(out % layer).write_bytes(head + b"".join(b[128 + layer * size:128 + (layer + 1) * size] for b in blobs))


def check_features_equal_photos():
    """Tokens that embed wrote, given as features, score as the photos themselves: both ways into the method are one."""
    for name, paths in (("n", [f"good/{i}.png" for i in range(4)]), ("t", ["new/a.png", "new/sub/a.png"])):
        for i, path in enumerate(paths):
            run("embed", path, "--weights", "tiny.clip", "--res", "264", "--layers", "1,2", "-o", f"{name}{i}.npy")
        stack([f"{name}{i}.npy" for i in range(len(paths))], name + "_layer%d.npy")
    run("fit", "good", "--weights", "tiny.clip", "--res", "264", "-o", "p.lake")
    r = run("fit", *(f"n_layer{i}.npy" for i in range(2)), "-o", "q.lake")
    photos = [json.loads(line) for line in run("score", "p.lake", "new/a.png", "new/sub/a.png", "--jsonl").stdout.splitlines()]
    r = run("score", "q.lake", *(f"t_layer{i}.npy" for i in range(2)), "--jsonl")
    features = [json.loads(line) for line in r.stdout.splitlines()]
    keys = ("score", "threshold", "structural", "patch")
    check(len(photos) == 2 and [[p[k] for k in keys] for p in photos] == [[f[k] for k in keys] for f in features],
          "photos and their tokens as features score alike", f"{photos} {features} {r.stderr}")


def check_other_verbs():
    for name, files in (("ab", ("good/0.png", "good/1.png")), ("cd", ("good/2.png", "good/3.png"))):
        run("fit", *files, "--weights", "tiny.clip", "--res", "128", "--keep-tokens", "-o", f"{name}.lake")
    r = run("merge", "ab.lake", "cd.lake", "-o", "m.lake")
    check(r.returncode == 0, "merge", r.stderr)
    check(run("score", "m.lake", "new", "--jsonl").stdout == run("score", "d.lake", "new", "--jsonl").stdout,
          "merged detectors score like one fit")
    check(open("m.lake", "rb").read() == open("d.lake", "rb").read(), "a merged detector is the file of one fit")
    r = run("neurons", "ab.lake", "cd.lake")
    check(r.returncode == 0 and "in common" in r.stdout and "against a PCA" in r.stdout, "neurons", r.stdout + r.stderr)
    run("fit", "good", "--weights", "other.clip", "--res", "128", "-o", "other.lake")
    refuse("neurons of different weights", 3, "neurons", "d.lake", "other.lake", says=["d.lake", "other.lake", "weights"])
    for file in ("tiny.clip", "d.lake"):
        r = run("info", file)
        check(r.returncode == 0 and "verified" in r.stdout, f"info {file}", r.stdout + r.stderr)
    r = run("embed", "new/a.png", "--weights", "tiny.clip", "--res", "64", "--layers", "all", "-o", "e.npy")
    check(r.returncode == 0 and b"'shape': (4, 64, 64)" in open("e.npy", "rb").read(128), "embed all layers", r.stderr)
    r = run("embed", "--text", "a photo", "--weights", "tiny.clip", "-o", "e.npy")
    check(r.returncode == 0 and b"'shape': (32,)" in open("e.npy", "rb").read(128), "embed a text", r.stderr)
    run("embed", "new/a.png", "--weights", "tiny.clip", "--res", "64", "--layers", "1,2", "-o", "f.npy")
    check(run("fit", "f.npy", "-o", "f.lake").returncode == 0, "fit on features")
    r = run("score", "f.lake", "f.npy", "--jsonl")
    rows = [json.loads(line) for line in r.stdout.splitlines()]
    check([row["image"] for row in rows] == ["f.npy#0", "f.npy#1"], "score features", r.stdout + r.stderr)


def write_turned_png(path, pixel, orientation):
    """A picture stored upside down, with EXIF data that says so."""
    tiny.write_png(path, 64, 64, lambda x, y: pixel(63 - x, 63 - y))
    exif = b"eXIfII*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x112, 3, 1, orientation, 0, 0)
    data = pathlib.Path(path).read_bytes()
    pathlib.Path(path).write_bytes(data[:-12] + struct.pack(">I", len(exif) - 4) + exif + struct.pack(">I", zlib.crc32(exif)) + data[-12:])


def check_orientation():
    """--exif makes turned photos the same as upright ones, in every verb that reads them."""
    os.makedirs("turned")
    for i in range(4):
        write_turned_png(f"turned/{i}.png", tiny.texture(i), 3)
    write_turned_png("a.png", tiny.texture(11, (40, 20, 9)), 3)
    shutil.copy("new/sub/a.png", "upright.png")

    def numbers(*arguments):
        r = run(*arguments, "--jsonl")
        return [{k: v for k, v in json.loads(line).items() if k != "image"} for line in r.stdout.splitlines()] or r.stderr

    upright = numbers("score", "d.lake", "upright.png")
    check(numbers("score", "d.lake", "a.png", "--exif") == upright, "score --exif", upright)
    check(numbers("score", "d.lake", "a.png") != upright, "score leaves orientation alone without --exif", upright)
    model = ("--weights", "tiny.clip", "--res", "128")
    check(numbers("zero", "a.png", *model, "--exif") == numbers("zero", "upright.png", *model), "zero --exif")
    run("fit", "turned", *model, "--exif", "-o", "turned.lake")
    check(numbers("score", "turned.lake", "upright.png") == upright, "fit --exif", upright)
    r = run("score", "turned.lake", "a.png", "--jsonl")
    check(numbers("score", "turned.lake", "a.png") == upright and r.stderr == "", "a detector remembers --exif", r.stderr)
    check("upright by EXIF" in run("info", "turned.lake").stdout and "EXIF" not in run("info", "d.lake").stdout, "info tells of --exif")
    for detector, noted in (("d.lake", True), ("turned.lake", False)):
        r = run("score", detector, "a.png", "--exif", "--jsonl")
        check(r.returncode == 0 and ("note: the detector was fitted on photos as stored" in r.stderr) == noted,
              f"score --exif with {detector}: {'a note' if noted else 'no note'}", r.stderr)
    check(numbers("score", "turned.lake", "a.png", "--exif") == upright, "score --exif with a detector that remembers it")
    for name, option in (("a", ["--exif"]), ("b", [])):
        run("fit", f"turned/{int(name == 'b')}.png", *model, *option, "--keep-tokens", "-o", f"part_{name}.lake")
    refuse("merge of turned and other photos", 3, "merge", "part_a.lake", "part_b.lake", "-o", "x.lake", says=["--exif"], leaves=["x.lake"])
    for name, options in (("a", ["--exif"]), ("upright", [])):
        run("embed", f"{name}.png", *model, *options, "-o", f"{name}.npy")
        run("pixels", f"{name}.png", *options, "-o", f"{name}.ppm")
    for ending in ("npy", "ppm"):
        check(open(f"a.{ending}", "rb").read() == open(f"upright.{ending}", "rb").read(), f"--exif: the same .{ending}")


def check_repeated_photos():
    """A photo that is given twice counts once: the detector is that of the photos without repetition, and a note says so."""
    os.makedirs("repeated")
    shutil.copy("good/2.png", "repeated/copy.png")
    os.symlink("../good/0.png", "repeated/link.png")
    r = run("fit", "good", "./good", "repeated", "good/../good/1.png", "--weights", "tiny.clip", "--res", "128", "-o", "x.lake")
    notes = [line for line in r.stderr.splitlines() if "repeat" in line]
    check(r.returncode == 0 and len(notes) == 1 and "7 of 11 photos" in notes[0] and "./good/0.png has the pixels of good/0.png, ..." in notes[0],
          "photos given twice are noted", r.stderr)
    check(open("x.lake", "rb").read() == open("d.lake", "rb").read(), "photos given twice count once")
    r = run("fit", "good", "--weights", "tiny.clip", "--res", "128", "-o", "x.lake")
    check("repeat" not in r.stderr, "different photos are not noted", r.stderr)
    tiny.write_png("wide.png", 64, 32, lambda x, y: (9, 9, 9))
    tiny.write_png("high.png", 32, 64, lambda x, y: (9, 9, 9))
    r = run("fit", "wide.png", "high.png", "--weights", "tiny.clip", "--res", "32", "-o", "x.lake")
    check(r.returncode == 0 and "repeat" not in r.stderr and "normal images 2" in r.stdout, "pixels of another shape are other photos", r.stderr + r.stdout)
    os.remove("x.lake")


def check_picture_limit():
    tiny.write_png("large.png", 1200, 1000, lambda x, y: (9, 9, 9))
    limit = ("large.png", "--max-megapixels", "1")
    for verb, *arguments in (("fit", "--weights", "tiny.clip", "-o", "large.lake"), ("embed", "--weights", "tiny.clip", "-o", "large.npy"),
                             ("pixels", "-o", "large.ppm")):
        refuse(f"{verb} --max-megapixels", 3, verb, *arguments, *limit, says=["1200 x 1000", "limit of 1000000"], leaves=[arguments[-1]])
    for verb, *arguments in (("score", "d.lake"), ("zero", "--weights", "tiny.clip", "--res", "128")):
        r = run(verb, *arguments, *limit, "--jsonl")
        check(r.returncode == 3 and "limit of 1000000" in r.stdout, f"{verb} --max-megapixels", r.stdout + r.stderr)
    check(run("pixels", "large.png", "-o", "large.ppm", "--max-megapixels", "2").returncode == 0, "a picture below the limit")
    refuse("a limit beyond all machines", 2, "pixels", "large.png", "-o", "large.ppm", "--max-megapixels", "5000", says=["at most 4000"])


def check_usage():
    refuse("no verb", 2, says=["expected a verb"])
    refuse("unknown verb", 2, "scor", says=["did you mean score"])
    refuse("unknown option", 2, "fit", "good", "--neuron", "5", says=["did you mean --neurons"])
    refuse("option without value", 2, "fit", "good", "-o", says=["-o", "expected"])
    refuse("value that is no number", 2, "fit", "good", "--neurons", "many", says=["--neurons", "many"])
    refuse("value out of range", 2, "fit", "good", "--lambda", "2", says=["--lambda", "0", "1"])
    refuse("value that is no choice", 2, "fit", "good", "--select", "best", says=["variance", "best"])
    refuse("no output", 2, "fit", "good", "--weights", "tiny.clip", says=["-o"])
    refuse("no input", 2, "fit", "-o", "x.lake", says=["expected photos"])
    if run("info", "builtin:demo").returncode != 0:  # with the demo model inside, test_embed.py
        refuse("no weights", 2, "fit", "good", "-o", "x.lake", says=["--weights", "LAKE_WEIGHTS", "lake convert"], leaves=["x.lake"])
    refuse("resolution that is no multiple", 2, "fit", "good", "--weights", "tiny.clip", "--res", "63", "-o", "x.lake", says=["8"], leaves=["x.lake"])
    refuse("block that is not there", 2, "fit", "good", "--weights", "tiny.clip", "--layers", "5", "-o", "x.lake", says=["layer 5", "4"], leaves=["x.lake"])
    refuse("no neurons", 2, "fit", "good", "--weights", "tiny.clip", "--neurons", "0", "-o", "x.lake", says=["neurons"], leaves=["x.lake"])
    refuse("embed of a block that is not there", 2, "embed", "new/a.png", "--weights", "tiny.clip", "--layers", "9", "-o", "x.npy", leaves=["x.npy"])
    refuse("features with another number of layers", 2, "fit", "f.npy", "--layers", "1,2", "-o", "x.lake", says=["--layers", "1"], leaves=["x.lake"])
    refuse("pictures of features", 2, "score", "f.lake", "f.npy", "f.npy", "--overlays", "x", says=["--overlays", "--maps"], leaves=["x"])
    image_tower = {name: tensor for name, tensor in tiny.clip_tensors().items() if name.startswith("visual.")}
    tiny.write_safetensors("image.safetensors", image_tower)
    run("convert", "image.safetensors", "-o", "image.clip")
    refuse("zero-shot without a text tower", 2, "zero", "new", "--class", "cloth", "--weights", "image.clip", says=["image.clip", "text tower"])
    r = run("fit", "good", "--class", "cloth", "--weights", "image.clip", "--res", "64", "-o", "image.lake")
    check(r.returncode == 0 and "no text tower" in r.stderr, "a class without a text tower is noted", r.stderr)
    refuse("a text with layers", 2, "embed", "--text", "x", "--layers", "2", "--weights", "tiny.clip", "-o", "x.npy", says=["--layers"], leaves=["x.npy"])
    for verb in "convert info fit score zero neurons merge embed tokens pixels".split():
        r = run(verb, "--help")
        lines = r.stdout.splitlines()
        check(r.returncode == 0 and len(lines) <= 40 and max(map(len, lines)) <= 120 and any(l.startswith("Example: ") for l in lines[-4:]),
              f"help of {verb} fits a screen and ends with an example", f"{len(lines)} lines, {max(map(len, lines), default=0)} wide")
        refuse(f"{verb} without arguments", 2, verb)
        refuse(f"{verb} with an unknown option", 2, verb, "--bogus", says=["--bogus"])


def damage(path, name, change):
    data = bytearray(pathlib.Path(path).read_bytes())
    pathlib.Path(name).write_bytes(change(data))
    return name


def check_bad_input():
    png = pathlib.Path("new/a.png").read_bytes()
    pathlib.Path("cut.png").write_bytes(png[:len(png) // 2])
    pathlib.Path("none.png").write_bytes(b"")
    pathlib.Path("text.png").write_text("this is no picture")
    tiny.write_png("dot.png", 1, 1, lambda x, y: (9, 9, 9))
    tiny.write_png("line.png", 40000, 1, lambda x, y: (x % 256, 9, 9))
    pathlib.Path("huge.png").write_bytes(png[:16] + struct.pack(">II", 60000, 60000) + png[24:])
    bad = {"cut.png": "cut.png", "none.png": "none.png", "text.png": "text.png", "dot.png": "1 x 1", "line.png": "40000 x 1",
           "huge.png": "huge.png", "missing.png": "missing.png"}
    for name, word in bad.items():
        refuse(f"fit with {name}", 3, "fit", "good", name, "--weights", "tiny.clip", "--res", "32", "-o", "x.lake", says=[word], leaves=["x.lake"])
        r = run("score", "d.lake", "new/a.png", name, "new/sub/a.png", "--jsonl")
        rows = [json.loads(line) for line in r.stdout.splitlines()]
        check(r.returncode == 3 and len(rows) == 3 and word in rows[1]["error"] and "score" in rows[0] and "score" in rows[2],
              f"score with {name} among others", r.stdout + r.stderr)
    for name in ("cut.png", "none.png", "text.png", "huge.png", "missing.png"):
        refuse(f"pixels of {name}", 3, "pixels", name, "-o", "x.ppm", says=[name], leaves=["x.ppm"])
    for name in ("dot.png", "line.png"):
        check(run("pixels", name, "--res", "32", "-o", "x.ppm").returncode == 0, f"pixels of {name}")
        os.remove("x.ppm")
    refuse("empty folder", 3, "fit", "empty", "--weights", "tiny.clip", "-o", "x.lake", says=["empty", "no pictures"], leaves=["x.lake"])
    refuse("missing folder", 3, "fit", "nowhere", "--weights", "tiny.clip", "-o", "x.lake", says=["nowhere"])
    refuse("missing weights", 3, "fit", "good", "--weights", "gone.clip", "-o", "x.lake", says=["gone.clip"])
    refuse("weights that are a picture", 3, "fit", "good", "--weights", "new/a.png", "-o", "x.lake", says=["new/a.png"])
    refuse("weights that are a checkpoint", 3, "fit", "good", "--weights", "tiny.safetensors", "-o", "x.lake", says=["lake convert"])
    refuse("weights that are a folder", 3, "fit", "good", "--weights", "good", "-o", "x.lake", says=["good"])
    refuse("the wrong weights", 3, "score", "d.lake", "new", "--weights", "other.clip", says=["d.lake", "weights"])
    os.rename("tiny.clip", "moved.clip")
    refuse("weights that moved away", 3, "score", "d.lake", "new", says=["tiny.clip", "--weights"])
    check(run("score", "d.lake", "new", "--weights", "moved.clip").returncode == 0, "weights under another name")
    os.rename("moved.clip", "tiny.clip")
    refuse("a detector that is missing", 3, "score", "gone.lake", "new", says=["gone.lake"])
    refuse("a detector that is a picture", 3, "score", "new/a.png", "new", says=["new/a.png"])
    refuse("a detector that is weights", 3, "score", "tiny.clip", "new", says=["tiny.clip", "not a detector, but weights", "lake fit"])
    damage("d.lake", "cut.lake", lambda d: d[:7])
    refuse("a detector cut within its first bytes", 3, "score", "cut.lake", "new", says=["cut.lake", "cut off", "copy or fit it again"])
    damage("d.lake", "cut.lake", lambda d: d[:len(d) // 2])
    refuse("weights that are a detector", 3, "fit", "good", "--weights", "d.lake", "-o", "x.lake", says=["d.lake", "is a detector", "lake score d.lake"])
    refuse("a detector cut short", 3, "score", "cut.lake", "new", says=["cut.lake"])
    damage("d.lake", "flip.lake", lambda d: d[:2000] + bytes([d[2000] ^ 16]) + d[2001:])
    refuse("a detector with a flipped bit", 3, "score", "flip.lake", "new", says=["flip.lake"])
    damage("tiny.clip", "cut.clip", lambda d: d[:len(d) // 2])
    refuse("weights cut short", 3, "info", "cut.clip", says=["cut.clip", "cut off", "copy it or convert"])
    damage("tiny.clip", "cut.clip", lambda d: d[:6])
    refuse("weights cut within their first bytes", 3, "fit", "good", "--weights", "cut.clip", "-o", "x.lake", says=["cut.clip", "cut off", "copy it or convert"])
    damage("tiny.clip", "flip.clip", lambda d: d[:-100] + bytes([d[-100] ^ 16]) + d[-99:])
    refuse("weights with a flipped bit", 3, "info", "flip.clip", says=["flip.clip"])
    damage("tiny.safetensors", "cut.safetensors", lambda d: d[:len(d) // 2])
    refuse("a checkpoint cut short", 3, "convert", "cut.safetensors", "-o", "x.clip", says=["cut.safetensors"], leaves=["x.clip"])
    for name, path, word in (("a picture", "new/a.png", "a picture"), ("a detector", "d.lake", "a detector"),
                             ("the vocabulary", "bpe_simple_vocab_16e6.txt", "--vocab"), ("some text", "text.png", "PyTorch or GGUF")):
        refuse(f"a checkpoint that is {name}", 3, "convert", path, "-o", "x.clip", says=[path, word], leaves=["x.clip"])
    refuse("an empty argument", 2, "convert", "", "-o", "x.clip", says=["argument 1 is empty"])
    refuse("a checkpoint without vocabulary", 3, "convert", "tiny.safetensors", "-o", "x.clip", "--vocab", "new/a.png", leaves=["x.clip"])
    pathlib.Path("bad.npy").write_bytes(b"\x93NUMPY\x01\x00\x10\x00{'descr': '<f4'}")
    refuse("features that are damaged", 3, "fit", "bad.npy", "-o", "x.lake", says=["bad.npy"], leaves=["x.lake"])
    refuse("photos for a detector of features", 3, "score", "f.lake", "new", says=["f.lake", "features"])
    refuse("features for a detector of photos", 3, "score", "d.lake", "f.npy", says=["d.lake", "photos"])
    refuse("merge without kept tokens", 3, "merge", "d.lake", "d.lake", "-o", "x.lake", says=["--keep-tokens"], leaves=["x.lake"])
    pathlib.Path("prompts.txt").write_text("[normal]\ngood thing\n")
    refuse("prompts without a place for the class", 3, "fit", "good", "--weights", "tiny.clip", "--class", "x", "--prompts", "prompts.txt",
           "-o", "x.lake", says=["prompts.txt", "2"], leaves=["x.lake"])


def through_pipe(source, *arguments):
    """Runs lake with a named pipe called `pipe`, into which the file `source` is written."""
    os.mkfifo("pipe")
    writer = subprocess.Popen(["sh", "-c", 'cat "$0" > pipe', source], stderr=subprocess.DEVNULL)
    try:
        return run(*arguments)
    finally:
        writer.kill()
        writer.wait()
        os.remove("pipe")


def check_devices_and_pipes():
    """What has no end is refused before it fills the memory; pipes are read as files are."""
    if not os.path.exists("/dev/zero"):
        return
    for device in ("/dev/zero", "/dev/random", "/dev/null"):
        refuse(f"a checkpoint that is {device}", 3, "convert", device, "-o", "x.clip", says=[device, "is a device"], leaves=["x.clip"])
    for name, call in (("a vocabulary", ["convert", "tiny.safetensors", "--vocab", "/dev/zero", "-o", "x.clip"]),
                       ("a picture", ["pixels", "/dev/zero", "-o", "x.ppm"]), ("weights", ["fit", "good", "--weights", "/dev/zero", "-o", "x.lake"]),
                       ("what to embed", ["embed", "/dev/zero", "--weights", "tiny.clip", "-o", "x.npy"]), ("prompts",
                       ["fit", "good", "--weights", "tiny.clip", "--class", "x", "--prompts", "/dev/zero", "-o", "x.lake"])):
        refuse(f"{name} of /dev/zero", 3, *call, says=["/dev/zero", "is a device"], leaves=[call[-1]])
    r = run("score", "d.lake", "/dev/zero", "new/a.png", "--jsonl")
    check(r.returncode == 3 and "is a device" in r.stdout.splitlines()[0] and "score" in r.stdout.splitlines()[1], "score of /dev/zero among others", r.stdout)
    refuse("texts of /dev/zero", 3, "embed", "--text-file", "/dev/zero", "--weights", "tiny.clip", "-o", "x.npy", says=["/dev/zero", "a line of 1048576 bytes or more"],
           leaves=["x.npy"])
    endless = "x" * (1 << 20)
    refuse("paths without an end", 3, "score", "d.lake", "-", says=["standard input: a line of 1048576 bytes or more"], stdin=endless)
    refuse("texts without an end", 3, "tokens", "-", "--weights", "tiny.clip", says=["standard input: a line of 1048576 bytes or more"], stdin=endless)
    r = run("tokens", "-", "--weights", "tiny.clip", stdin="x" * 500000)
    check(r.returncode == 0 and len(r.stdout.split()) == 24, "a long line", r.stderr)
    r = through_pipe("new/a.png", "pixels", "pipe", "-o", "x.ppm")
    run("pixels", "new/a.png", "-o", "y.ppm")
    check(r.returncode == 0 and open("x.ppm", "rb").read() == open("y.ppm", "rb").read(), "a picture through a pipe", r.stderr)
    r = through_pipe("tiny.safetensors", "convert", "pipe", "--vocab", "bpe_simple_vocab_16e6.txt", "-o", "x.clip")
    check(r.returncode == 0 and open("x.clip", "rb").read() == open("tiny.clip", "rb").read(), "a checkpoint through a pipe", r.stderr)
    r = through_pipe("d.lake", "score", "pipe", "new/a.png", "--csv")
    check(r.returncode == 0 and r.stdout == run("score", "d.lake", "new/a.png", "--csv").stdout, "a detector through a pipe", r.stderr)
    for name in ("x.ppm", "y.ppm", "x.clip"):
        os.remove(name)


def check_replaced():
    """What is there already and of another kind stays: a glob behind -o, or the checkpoint by another name."""
    os.symlink("tiny.safetensors", "link.safetensors")
    kept = {name: pathlib.Path(name).read_bytes() for name in ("tiny.safetensors", "tiny.clip", "new/a.png", "bpe_simple_vocab_16e6.txt")}
    for name, call, out in (("./checkpoint", ["convert", "tiny.safetensors"], "./tiny.safetensors"),
                            ("a link's target", ["convert", "link.safetensors"], "tiny.safetensors"),
                            ("./weights of another type", ["convert", "tiny.clip", "--dtype", "f16"], "./tiny.clip")):
        refuse(f"convert does not replace {name}", 2, *call, "-o", out, says=["would replace the checkpoint", out])
    for name, call, out in (("the vocabulary", ["convert", "tiny.safetensors"], "bpe_simple_vocab_16e6.txt"),
                            ("a photo", ["fit", "good", "--weights", "tiny.clip", "--res", "32"], "new/a.png"),
                            ("weights", ["merge", "d.lake", "d.lake"], "tiny.clip"),
                            ("a photo", ["embed", "new/sub/a.png", "--weights", "tiny.clip"], "new/a.png")):
        refuse(f"{call[0]} does not replace {name}", 2, *call, "-o", out, says=["is not replaced", out])
    check(all(pathlib.Path(name).read_bytes() == data for name, data in kept.items()), "what was not to be replaced is as it was")
    os.remove("link.safetensors")


def check_killed():
    """A conversion killed at any moment leaves the whole file or none under its name, and names only a whole one."""
    call = [LAKE, "convert", "tiny.safetensors", "-o", "killed.clip"]
    start = time.monotonic()
    subprocess.run(call, check=True, capture_output=True)
    takes, whole = time.monotonic() - start, pathlib.Path("killed.clip").read_bytes()
    wrong, early = 0, 0
    for i in range(20):
        os.remove("killed.clip") if os.path.exists("killed.clip") else None
        process = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        time.sleep(takes * i / 20)
        process.kill()
        said = process.communicate()[0]
        found = pathlib.Path("killed.clip").read_bytes() if os.path.exists("killed.clip") else None
        wrong += found not in (None, whole) or (bool(said) and found is None)
        early += found is None
    check(wrong == 0 and early > 0, "killed conversions leave no half file", f"{wrong} of 20 wrong, {early} before the end")
    for path in pathlib.Path(".").glob("killed.clip*"):
        path.unlink()


def write_slow_checkpoint(path):
    """The tiny model with 200,000 rows of zeros for tokens that no text has: some tenths of a second to convert, nothing to make."""
    data = pathlib.Path("tiny.safetensors").read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header, blob = json.loads(data[8:8 + length]), data[8 + length:]
    begin, end = header.pop("token_embedding.weight")["data_offsets"]
    for tensor in header.values():
        tensor["data_offsets"] = [at - (end - begin if at >= end else 0) for at in tensor["data_offsets"]]
    blob = blob[:begin] + blob[end:]
    size = 200000 * 64 * 4
    header["token_embedding.weight"] = {"dtype": "F32", "shape": [200000, 64], "data_offsets": [len(blob), len(blob) + size]}
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + blob)
        file.truncate(8 + len(text) + len(blob) + size)


def end_by(number, call):
    """Runs the call and sends the signal as soon as it writes: what it returns, and what is left of its output."""
    process = subprocess.Popen([LAKE, *call], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))
    part = f"slow.clip.part{process.pid}"
    while process.poll() is None and not os.path.exists(part):
        time.sleep(0.001)
    written = os.path.exists(part)
    process.send_signal(number)
    return process.wait(), written, sorted(p.name for p in pathlib.Path(".").glob("slow.clip*"))


def check_interrupted():
    """A signal ends a run at once, as the signal's own doing, and takes the unfinished output with it."""
    if os.name != "posix":
        return
    write_slow_checkpoint("slow.safetensors")
    call = ["convert", "slow.safetensors", "--vocab", "bpe_simple_vocab_16e6.txt", "-o", "slow.clip"]
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGPIPE"):
        number = getattr(signal, name)
        code, written, left = end_by(number, call)
        check(code == -number and written and left == [], f"{name} removes the unfinished output", f"exit {code}, writing: {written}, left {left}")
    pathlib.Path("slow.clip").write_bytes(b"")
    code, written, left = end_by(signal.SIGINT, call)
    check(code == -signal.SIGINT and written and left == ["slow.clip"] and os.path.getsize("slow.clip") == 0,
          "an interrupted run leaves the old output alone", f"exit {code}, writing: {written}, left {left}")
    os.remove("slow.clip")
    process = subprocess.Popen([LAKE, *call], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    while process.poll() is None:
        process.send_signal(signal.SIGHUP)
        time.sleep(0.02)
    process.stdout.close()
    check(process.returncode == 0 and os.path.exists("slow.clip"), "a signal that the caller ignores stays ignored (nohup)", process.returncode)
    for name in ("slow.clip", "slow.safetensors"):
        os.remove(name)


def check_bad_output():
    before = sorted(os.listdir("."))
    refuse("output in a folder that is not there", 4, "fit", "good", "--weights", "tiny.clip", "-o", "nowhere/x.lake", says=["nowhere/x.lake"])
    refuse("output that is a folder", 4, "fit", "good", "--weights", "tiny.clip", "-o", "good", says=["good", "folder"])
    refuse("convert to a folder that is not there", 4, "convert", "tiny.safetensors", "-o", "nowhere/x.clip", says=["nowhere/x.clip"])
    check_replaced()
    check_killed()
    check_interrupted()
    refuse("overlays into a file", 4, "score", "d.lake", "new", "--overlays", "d.lake", says=["d.lake"])
    if os.path.exists("/dev/full"):
        for name, call in (("convert", ["convert", "tiny.safetensors"]), ("fit", ["fit", "good", "--weights", "tiny.clip", "--res", "32"]),
                           ("pixels", ["pixels", "new/a.png"]), ("embed", ["embed", "new/a.png", "--weights", "tiny.clip"])):
            refuse(f"{name} to a full disk", 4, *call, "-o", "/dev/full", says=["/dev/full"])
        with open("/dev/full", "w") as full:
            refuse("score to a full standard output", 4, "score", "d.lake", "new", says=["standard output"], stdout=full)
    check(sorted(os.listdir(".")) == before, "nothing half written is left", set(os.listdir(".")) - set(before))


def main():
    home = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            make_world()
            check_main_job()
            check_text_branch()
            check_features_equal_photos()
            check_other_verbs()
            check_orientation()
            check_repeated_photos()
            check_picture_limit()
            check_usage()
            check_bad_input()
            check_devices_and_pipes()
            check_bad_output()
        finally:
            os.chdir(home)


if __name__ == "__main__":
    main()
