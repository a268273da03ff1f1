"""The command on features from files, end to end, against the NumPy implementation: fit, score, merge.
Run: LAKE=./lake /usr/bin/python3 test/test_lake_reference.py"""
import json
import os
import subprocess
import sys
import tempfile

LAKE = os.path.abspath(os.environ.get("LAKE", "./lake"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden"))

try:
    import numpy as np
    from lake_reference import Detector, Options
except ImportError as missing:
    print("skip the command against NumPy:", missing)
    sys.exit(0)
if not os.access(LAKE, os.X_OK):
    print("skip the command against NumPy: no", LAKE)
    sys.exit(0)

# The command prints scores with enough digits for a float; the maps were rounded to float once.
TOLERANCE = 2e-6


def check(passed, name, detail=""):
    print("ok %s" % name if passed else "not ok %s: %s" % (name, detail))


def lake(*arguments):
    done = subprocess.run([LAKE, *arguments], capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise RuntimeError("lake %s: %s" % (" ".join(arguments), done.stderr.strip()))
    return done.stdout


def features(seed, images, side=7, width=48):
    """Tokens with channels of unequal spread, a few very long ones, and in the last image a defect."""
    random = np.random.default_rng(seed)
    spread = np.exp(random.normal(size=width)) if seed == 0 else features.spread
    features.spread = spread
    tokens = random.normal(size=(images, side * side, width)) * spread + 1
    tokens[:, 3] *= 6
    tokens[-1, 24:27] += 3 * spread
    return tokens.astype(np.float32)


def compare(name, folder, options, flags, normals=5):
    train, test = features(0, normals), features(1, 4)
    paths = [os.path.join(folder, name + end) for end in ("-train.npy", "-test.npy", ".lake")]
    np.save(paths[0], train)
    np.save(paths[1], test)
    lake("fit", paths[0], "-o", paths[2], *flags)
    lines = [json.loads(t) for t in lake("score", paths[2], paths[1], "--jsonl", "--explain").splitlines()]
    reference = Detector([[image] for image in train], (7, 7), options)
    check(len(lines) == 4, name + ": four results", len(lines))
    for i, line in enumerate(lines):
        r = reference.score([test[i]])
        check(line["image"].endswith("%s-test.npy#%d" % (name, i)), name + ": name", line["image"])
        for key in ("score", "structural", "threshold"):
            off = abs(line[key] - r[key])
            check(off <= TOLERANCE, "%s: %s" % (name, key), "image %d: %r, expected %r" % (i, line[key], r[key]))
        check((line["label"] == "anomalous") == r["anomalous"], name + ": label", line["label"])
        check(tuple(line["patch"]) == r["patch"], name + ": patch", "%s, expected %s" % (line["patch"], r["patch"]))
        if options.selection == "pca":
            continue
        shares = reference.shares(r, r["patch"][0] * 7 + r["patch"][1])
        for mine, theirs in zip(line["neurons"], shares):
            check(mine["channel"] == theirs[1] and abs(mine["share"] - theirs[2]) < 1e-5, name + ": neuron", "%s, expected %s" % (mine, theirs))


def main():
    with tempfile.TemporaryDirectory() as folder:
        compare("defaults", folder, Options(neurons=100), [])
        compare("neurons", folder, Options(neurons=12), ["--neurons", "12"])
        compare("single", folder, Options(neurons=12), ["--neurons", "12"], normals=1)
        compare("random", folder, Options(neurons=9, selection="random", seed=5),
                ["--neurons", "9", "--select", "random", "--seed", "5"])
        compare("pca", folder, Options(neurons=9, selection="pca"), ["--neurons", "9", "--select", "pca"])
        compare("cosine", folder, Options(neurons=9, distance="cosine", normalisation="ln"),
                ["--neurons", "9", "--distance", "cosine", "--normalise", "ln"])
        compare("coreset", folder, Options(neurons=9, coreset=0.25, pooling="mean"),
                ["--neurons", "9", "--coreset", "0.25", "--pooling", "mean"])
        compare("trim", folder, Options(neurons=9, trim=0.1), ["--neurons", "9", "--trim", "0.1"])

        # Shards that are merged give the detector of a single fit, to the byte but for the names of the images.
        train = features(0, 6)
        for name, part in (("whole", train), ("a", train[:2]), ("b", train[2:])):
            np.save(os.path.join(folder, name + ".npy"), part)
            lake("fit", os.path.join(folder, name + ".npy"), "-o", os.path.join(folder, name + ".lake"), "--keep-tokens")
        at = lambda name: os.path.join(folder, name)
        lake("merge", at("a.lake"), at("b.lake"), "-o", at("merged.lake"))
        np.save(at("test.npy"), features(1, 4))
        scores = [lake("score", at(d), at("test.npy"), "--jsonl") for d in ("whole.lake", "merged.lake")]
        check(scores[0] == scores[1] and scores[0], "merged shards score as one fit")


if __name__ == "__main__":
    try:
        main()
    except RuntimeError as failure:
        check(False, "the command ran", failure)
