#!/usr/bin/python3
"""The command against PyTorch at full size, on random weights: every block's patch tokens, the image embedding, text
embeddings. PyTorch computes in double, so what is seen is our own rounding.

By default two models that take seconds; LAKE_FULL=1 runs all (some minutes, 6 GB of memory, 4 GB in TMPDIR).
Limits: the largest difference under 1e-4 of the largest absolute value, the cosine of embeddings above 0.999999. Sums
of a thousand float products err by 1e-6, and a residual stream of 24 blocks gathers some of these; a wrong bias, mask,
epsilon or activation gives 1e-3 and more.
"""
import os
import subprocess
import sys
import tempfile

LAKE = os.environ.get("LAKE", "./lake")
FULL = os.environ.get("LAKE_FULL") == "1"
SIZES = [("tiny", 64), ("tiny", 96), ("ViT-B-32", 224)]
FULL_SIZES = [("ViT-B-16", 224), ("ViT-B-16", 240), ("ViT-L-14-336", 518)]
TEXTS = ["a photo of a leather.", "damaged tile", "x", "a jpeg corrupted photo of the flawless metal nut for visual inspection."]
LARGEST, COSINE = 1e-4, 0.999999

try:
    import numpy as np
    import torch
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden"))
    sys.dont_write_bytecode = True
    from clip_reference import Clip, OPENAI, fill_random, normalise, save_safetensors, test_pixels
except ImportError as problem:
    print(f"skip torch: {problem}")
    sys.exit(0)

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


def lake(*arguments, kernel=None):
    environment = dict(os.environ, LAKE_KERNEL=kernel) if kernel else os.environ
    done = subprocess.run([LAKE, *map(str, arguments)], capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        raise RuntimeError(f"lake {' '.join(map(str, arguments))}: {done.stderr.strip().splitlines()[-1:]}")
    return done.stdout


def write_merges(path, vocabulary):
    """A vocabulary of any size in the form of bpe_simple_vocab_16e6.txt: pairs, then triples, of printable bytes."""
    letters = [chr(c) for c in range(33, 127)]
    merges = [f"{a} {b}" for a in letters for b in letters] + [f"{a} {b}</w>" for a in letters for b in letters]
    merges += [f"{a}{b} {c}" for a in letters for b in letters[:20] for c in letters[:20]]
    with open(path, "w") as f:
        f.write('"#version: 0.2\n' + "\n".join(merges[:vocabulary - 514]) + "\n")


def write_ppm(path, rgb):
    with open(path, "wb") as f:
        f.write(b"P6\n%d %d\n255\n" % (rgb.shape[1], rgb.shape[0]) + rgb.tobytes())


def difference(got, expected):
    """Largest absolute difference over the largest absolute value; infinite where shapes differ or a NaN is met."""
    if got.shape != expected.shape or not np.isfinite(got).all():
        return float("inf")
    return float(np.abs(got.astype(np.float64) - expected).max() / np.abs(expected).max())


def cosine(a, b):
    a, b = a.astype(np.float64), b.astype(np.float64)
    return float(((a * b).sum(-1) / (np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1))).min())


def verdict(name, largest, least_cosine, detail):
    passed = largest < LARGEST and least_cosine > COSINE
    print(f"{'ok' if passed else 'not ok'} {name}: difference {largest:.1e}, 1 - cosine {1 - least_cosine:.1e}, {detail}", flush=True)


def compare_image(name, model, weights, resolution, folder, kernel=None):
    rgb = test_pixels(resolution)
    picture, out = os.path.join(folder, "in.ppm"), os.path.join(folder, "out.npy")
    write_ppm(picture, rgb)
    visual = model.visual
    with torch.no_grad():
        stages = visual.blocks(visual.embed(normalise(rgb, MEAN, STD, torch.float64)))
        embedding = visual.project(stages[-1])[0, 0].numpy()
    lake("embed", picture, "--weights", weights, "--res", resolution, "--layers", "all", "-o", out, kernel=kernel)
    blocks = np.load(out)
    if len(blocks) != len(stages) - 1:
        print(f"not ok {name}: {len(blocks)} blocks, expected {len(stages) - 1}")
        return
    worst = [difference(blocks[i], stages[i + 1][0, 1:].numpy()) for i in range(len(blocks))]
    lake("embed", picture, "--weights", weights, "--res", resolution, "-o", out, kernel=kernel)
    got = np.load(out)
    verdict(f"{name} at {resolution}" + (f" by {kernel}" if kernel else ""), max(worst + [difference(got, embedding)]),
            cosine(got, embedding), f"worst block {int(np.argmax(worst)) + 1}")


def compare_texts(name, model, weights, folder):
    listed, out = os.path.join(folder, "texts.txt"), os.path.join(folder, "out.npy")
    with open(listed, "w") as f:
        f.write("\n".join(TEXTS) + "\n")
    context = model.config.context
    ids = [[int(i) for i in line.split()] for line in lake("tokens", *TEXTS, "--weights", weights).splitlines()]
    with torch.no_grad():
        expected = model.encode_text(torch.tensor([row + [0] * (context - len(row)) for row in ids])).numpy()
    lake("embed", "--text-file", listed, "--weights", weights, "-o", out)
    got = np.load(out)
    verdict(f"{name} texts", difference(got, expected), cosine(got, expected), f"{min(map(len, ids))} to {max(map(len, ids))} tokens")


def compare_model(name, resolutions, folder):
    config = OPENAI[name]
    model = fill_random(Clip(config), 7)
    checkpoint, vocabulary, weights = (os.path.join(folder, f) for f in ("model.safetensors", "bpe.txt", "model.clip"))
    save_safetensors(checkpoint, {k: v.numpy() for k, v in model.state_dict().items()})
    write_merges(vocabulary, config.vocabulary)
    lake("convert", checkpoint, "--vocab", vocabulary, "-o", weights)
    os.remove(checkpoint)
    model.double()
    for resolution in resolutions:
        compare_image(name, model, weights, resolution, folder)
    compare_texts(name, model, weights, folder)
    if name == "tiny":
        for kernel in ("plain", "sse2", "avx2", "avx512", "neon"):
            try:
                lake("info", weights, kernel=kernel)
            except RuntimeError as problem:
                print(f"skip {kernel}: {problem}")
                continue
            compare_image(name, model, weights, resolutions[-1], folder, kernel)


def main():
    sizes = SIZES + (FULL_SIZES if FULL else [])
    if not FULL:
        print("skip torch at ViT-B/16 and ViT-L/14: LAKE_FULL=1 runs them")
    for name in dict.fromkeys(n for n, _ in sizes):
        with tempfile.TemporaryDirectory() as folder:
            try:
                compare_model(name, [r for n, r in sizes if n == name], folder)
            except RuntimeError as problem:
                print(f"not ok {name}: {problem}")


main()
