"""Draws the pictures that the demo model learns from, and those that it is shown in the demo.

    generate.py train FOLDER [--count N] [--jobs J]    pictures of training families with training defects, as .npy files
    generate.py demo FOLDER                            the held-out families in MVTec-AD's layout: JPEG, masks as PNG

Every picture has a random number generator of its own, seeded with its number, so the result depends neither on the number
of jobs nor on the order.
"""
import argparse
import io
import multiprocessing
import pathlib
import zlib

import numpy as np
from PIL import Image

import camera
import defects
import objects
import surfaces

SIZE = 128
FAMILIES = surfaces.FAMILIES + objects.FAMILIES
HELD_OUT = surfaces.HELD_OUT + objects.HELD_OUT
TRAINING = [f for f in FAMILIES if f.name not in HELD_OUT]
KINDS = {k.name: k for k in defects.KINDS}
TRAINING_KINDS = [k for k in defects.KINDS if k.name not in defects.HELD_OUT]
NORMAL = -1  # in place of a defect's number


def suits(kind, family):
    return kind.suits in ("both", family.kind)


def through_jpeg(rgb, quality):
    """What is left of a picture after JPEG, as a camera stores it."""
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=int(quality))
    return np.asarray(Image.open(file))


def zoomed(picture, rng):
    """Where a random SIZE x SIZE part of a larger picture lies, as an index of its rows and columns."""
    room = picture.rgb.shape[0] - SIZE
    y, x = rng.integers(room + 1, size=2)
    return np.s_[y:y + SIZE, x:x + SIZE]


def training_picture(number):
    """-> rgb uint8 [SIZE, SIZE, 3], mask bool [SIZE, SIZE], number of the family, number of the defect or NORMAL"""
    rng = np.random.default_rng([1, number])
    which = int(rng.integers(len(TRAINING)))
    family = TRAINING[which]
    size = SIZE if family.kind == "object" else int(rng.choice((128, 144, 176)))
    picture = family.render(family.product(rng), rng, size)
    rgb, mask, kind = picture.rgb, np.zeros((size, size), bool), NORMAL
    if rng.random() < 0.6:
        kinds = [k for k in TRAINING_KINDS if suits(k, family)]
        chosen = kinds[rng.integers(len(kinds))]
        kind = defects.KINDS.index(chosen)
        rgb, mask = chosen.apply(picture, rng, rng.uniform(0.4, 1.0))
    part = zoomed(picture, rng)
    rgb, mask = camera.photograph(rgb[part], rng), mask[part]
    if rng.random() < 0.7:
        rgb = through_jpeg(rgb, rng.integers(80, 97))
    return rgb, mask, which, kind if mask.any() else NORMAL


def train_set(folder, count, jobs):
    folder.mkdir(parents=True, exist_ok=True)
    images = np.lib.format.open_memmap(folder / "images.npy", "w+", np.uint8, (count, SIZE, SIZE, 3))
    masks = np.lib.format.open_memmap(folder / "masks.npy", "w+", bool, (count, SIZE, SIZE))
    labels = np.lib.format.open_memmap(folder / "labels.npy", "w+", np.int16, (count, 2))  # family, defect
    with multiprocessing.Pool(jobs) as pool:
        for i, (rgb, mask, family, kind) in enumerate(pool.imap(training_picture, range(count), chunksize=64)):
            images[i], masks[i], labels[i] = rgb, mask, (family, kind)
            if (i + 1) % 2000 == 0:
                print(f"{i + 1} of {count}", flush=True)


# ---- the demo ----

TRAIN_COUNT, GOOD_COUNT, DEFECT_COUNT = 12, 8, 3  # normal pictures to fit on, to test with; per kind of defect
STRENGTH = (0.45, 0.9)                            # of defects
QUALITY = 78                                      # of JPEG

# Category (a held-out family): which of its products, chosen by eye as typical of what it is called, before anything was
# measured on it; and its defects, two of kinds that the training has, two of kinds that it has not.
DEMO = dict(
    capsule=(9, ("crack", "misprint", "cut", "glue")),
    gear=(11, ("missing", "contamination", "burn", "cut")),
    leather=(9, ("scratch", "hole", "fold", "glue")),
    screw=(2, ("scratch", "missing", "glue", "burn")),
    tile=(6, ("crack", "stain", "glue", "cut")),
    wood=(4, ("scratch", "stain", "burn", "fold")))


def demo_rng(category, *what):
    return np.random.default_rng([2, zlib.crc32(category.encode()), *what])


def save(path, rgb):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rgb).save(path, quality=QUALITY, optimize=True)


def demo_category(folder, family, seed, kinds):
    """Pictures of one product, normal and with each kind of defect."""
    product = family.product(demo_rng(family.name, 0, seed))

    def normal(path, *what):
        rng = demo_rng(family.name, *what)
        save(path, camera.photograph(family.render(product, rng, SIZE).rgb, rng))

    for i in range(TRAIN_COUNT):
        normal(folder / "train/good" / f"{i:03}.jpg", 1, i)
    for i in range(GOOD_COUNT):
        normal(folder / "test/good" / f"{i:03}.jpg", 2, i)
    for number, kind in enumerate(kinds):
        for i in range(DEFECT_COUNT):
            rng = demo_rng(family.name, 3, number, i)
            rgb, mask = KINDS[kind].apply(family.render(product, rng, SIZE), rng, rng.uniform(*STRENGTH))
            save(folder / "test" / kind / f"{i:03}.jpg", camera.photograph(rgb, rng))
            path = folder / "ground_truth" / kind / f"{i:03}_mask.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(mask).save(path, optimize=True)


def demo_set(folder, categories):
    """categories: as DEMO"""
    for family in FAMILIES:
        if family.name in categories:
            demo_category(folder / family.name, family, *categories[family.name])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("train", "demo"))
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=60000)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    if options.what == "train":
        train_set(options.folder, options.count, options.jobs)
    else:
        demo_set(options.folder, DEMO)
