#!/usr/bin/env python3
"""Makes doc/strips.jpg, the README's picture: three kinds of drawn surfaces, four good ones of each to fit on, one with a defect.

    doc/make_picture.py WEIGHTS.clip        (with $LAKE the command, default ./lake)

The surfaces are drawn here (NumPy, SciPy, Pillow); detectors, maps and strips are the program's, with its default options.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

LAKE = os.environ.get("LAKE", "./lake")
SIDE = 512


def noise(rng, sigma, blur):
    field = rng.normal(0, 1, (SIDE, SIDE)).astype(np.float32)
    field = gaussian_filter(field, blur)
    return field / field.std() * sigma


def to_image(grey, tint, rng):
    light = 1 + 0.12 * np.linspace(-1, 1, SIDE)[None, :] * rng.uniform(-1, 1) + rng.uniform(-0.05, 0.05)
    return Image.fromarray(np.clip(grey[..., None] * light[..., None] * np.array(tint), 0, 255).astype(np.uint8))


def cloth(rng, defect):
    y, x = np.mgrid[:SIDE, :SIDE] + noise(rng, 1.2, 12)[None]
    warp, weft = np.sin(x * 2 * np.pi / 16), np.sin(y * 2 * np.pi / 16)
    grey = 120 + 38 * np.where((np.floor(x / 16) + np.floor(y / 16)) % 2 > 0, warp, weft) + noise(rng, 9, 1)
    image = to_image(grey, (0.75, 0.95, 1.15), rng)
    if defect:
        draw = ImageDraw.Draw(image)
        for i in range(14):
            px, py = 300 + rng.normal(0, 9), 200 + rng.normal(0, 7)
            draw.line([(px, py), (px + rng.normal(0, 34), py + rng.normal(0, 22))], fill=(210, 220, 225), width=3)
    return image


def metal(rng, defect):
    streaks = noise(rng, 1, 0.1)
    grey = 150 + 16 * np.asarray(Image.fromarray(streaks).resize((8, SIDE)).resize((SIDE, SIDE))) + noise(rng, 4, 0.6)
    image = to_image(grey, (1.0, 1.0, 1.03), rng)
    if defect:
        draw = ImageDraw.Draw(image)
        points = [(110 + 24 * i, 330 - 12 * i + rng.normal(0, 4)) for i in range(10)]
        draw.line(points, fill=(70, 66, 64), width=4)
        draw.line([(px + 3, py + 3) for px, py in points], fill=(225, 225, 225), width=2)
    return image


def tiles(rng, defect):
    y, x = np.mgrid[:SIDE, :SIDE]
    joint = (np.minimum(x % 128, 128 - x % 128) < 4) | (np.minimum(y % 128, 128 - y % 128) < 4)
    grey = np.where(joint, 95, 185) + noise(rng, 7, 3) + noise(rng, 4, 0.7)
    image = to_image(grey, (1.05, 0.9, 0.78), rng)
    if defect:
        draw = ImageDraw.Draw(image)
        cx, cy = 330, 145
        draw.polygon([(cx + (26 + 10 * rng.normal()) * np.cos(a), cy + (20 + 6 * rng.normal()) * np.sin(a)) for a in np.arange(0, 6.3, 0.5)],
                     fill=(120, 98, 80))
    return image


def strip(kind, folder, weights):
    """Four good pictures, one detector, the strip of the defective picture."""
    good = folder / kind.__name__
    good.mkdir()
    for i in range(4):
        kind(np.random.default_rng(i), False).save(good / f"{i}.png")
    bad = folder / f"{kind.__name__}.png"
    kind(np.random.default_rng(100), True).save(bad)
    detector = folder / f"{kind.__name__}.lake"
    subprocess.run([LAKE, "fit", str(good), "--weights", weights, "-o", str(detector)], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([LAKE, "score", str(detector), str(bad), "--strips", str(folder / "strips")], check=True)
    return Image.open(folder / "strips" / f"{kind.__name__}.png")


def main():
    with tempfile.TemporaryDirectory() as folder:
        strips = [strip(kind, pathlib.Path(folder), sys.argv[1]) for kind in (cloth, metal, tiles)]
        width = 960
        strips = [s.resize((width, s.height * width // s.width), Image.LANCZOS) for s in strips]
        page = Image.new("RGB", (width, sum(s.height for s in strips) + 6 * (len(strips) - 1)), "white")
        top = 0
        for s in strips:
            page.paste(s, (0, top))
            top += s.height + 6
        page.save("doc/strips.jpg", quality=88, optimize=True)


if __name__ == "__main__":
    main()
