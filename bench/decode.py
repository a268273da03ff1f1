"""Seconds to read a 12-megapixel photo, lake against Pillow, one thread each, alternating: bench/decode.py [--rounds N] [NAME ...]

`make bench` first. Makes the photo in each format in a scratch folder (--folder keeps it): a photo of leather from ../shared/data
where that is there, else a drawn one, mirrored to 3 x 3 tiles of 4000 x 3000 in all (--size), with a camera's noise. Both sides read from the page cache
to RGB in memory: Pillow by Image.open(...).convert("RGB"). The last rows add the resize to 518 x 518 that comes before the image
tower, on a photo of 1024 x 1024. A ratio is Pillow's time over ours: above 1, ours is the faster."""
import argparse
import glob
import os
import statistics
import subprocess
import tempfile
import time

import numpy as np
from PIL import Image, features

# name: (ending, Pillow's mode, options of save)
FORMATS = {
    "jpeg-420": ("jpg", "RGB", {"quality": 90, "subsampling": 2}),
    "jpeg-422": ("jpg", "RGB", {"quality": 90, "subsampling": 1}),
    "jpeg-444": ("jpg", "RGB", {"quality": 90, "subsampling": 0}),
    "jpeg-420-q75": ("jpg", "RGB", {"quality": 75, "subsampling": 2}),
    "jpeg-420-q98": ("jpg", "RGB", {"quality": 98, "subsampling": 2}),
    "jpeg-progressive": ("jpg", "RGB", {"quality": 90, "subsampling": 2, "progressive": True}),
    "jpeg-progressive-444": ("jpg", "RGB", {"quality": 90, "subsampling": 0, "progressive": True}),
    "jpeg-grey": ("jpg", "L", {"quality": 90}),
    "jpeg-cmyk": ("jpg", "CMYK", {"quality": 90}),
    "png": ("png", "RGB", {}),
    "png-grey": ("png", "L", {}),
    "tiff": ("tif", "RGB", {}),
    "tiff-lzw": ("tif", "RGB", {"compression": "tiff_lzw"}),
    "tiff-deflate": ("tif", "RGB", {"compression": "tiff_adobe_deflate"}),
    "tiff-grey": ("tif", "L", {}),
    "bmp": ("bmp", "RGB", {}),
    "bmp-grey": ("bmp", "L", {}),
    "ppm": ("ppm", "RGB", {}),
}


def photo(width, height):
    """A photo's content with a sensor's noise: 2.5 grey levels per pixel, half of it common to the channels."""
    rng = np.random.RandomState(7)
    found = sorted(glob.glob("../shared/data/mvtec/leather/train/good/*.png"))
    if found:
        base = Image.open(found[0]).convert("RGB")
    else:
        y, x = np.mgrid[0:1024, 0:1024] / 1024
        waves = [np.sin(40 * x * (1 + y) + i) + np.sin(90 * y + 7 * x * i) for i in range(3)]
        base = Image.fromarray(np.uint8(110 + 30 * np.stack(waves, 2) + rng.normal(0, 6, (1024, 1024, 3))))
    tile = np.asarray(base.resize((-(-width // 3), -(-height // 3)), Image.BICUBIC), np.float32)
    row = np.concatenate([tile, tile[:, ::-1], tile], 1)
    pixels = np.concatenate([row, row[::-1], row], 0)[:height, :width]
    noise = rng.normal(0, 1.8, (height, width, 1)) + rng.normal(0, 1.8, (height, width, 3))
    return Image.fromarray(np.uint8(np.clip(pixels + noise, 0, 255)))


def pillow_seconds(path, side):
    start = time.perf_counter()
    image = Image.open(path).convert("RGB")
    if side:
        image = image.resize((side, side), Image.BICUBIC)
    return time.perf_counter() - start


class Ours:
    """bench/decode.c, one process for all files."""

    def __init__(self, program, side):
        command = [program] + ([str(side)] if side else [])
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=dict(os.environ, OMP_NUM_THREADS="1"))

    def seconds(self, path):
        self.process.stdin.write(path + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def compare(name, path, ours, rounds, side=0):
    """One warm-up each, then alternating rounds; prints a row."""
    ours.seconds(path), pillow_seconds(path, side)
    times = [(ours.seconds(path), pillow_seconds(path, side)) for _ in range(rounds)]
    (our_median, our_best), (their_median, their_best) = [(statistics.median(t), min(t)) for t in zip(*times)]
    print(f"{name:22s} {os.path.getsize(path) / 1e6:6.1f} {1e3 * our_median:8.1f} {1e3 * our_best:8.1f} {1e3 * their_median:8.1f} "
          f"{1e3 * their_best:8.1f} {their_median / our_median:7.2f} {their_best / our_best:7.2f}", flush=True)


def make_files(folder, names, size):
    """Writes what is not there yet."""
    paths = {name: os.path.join(folder, f"{name}-{size[0]}x{size[1]}.{FORMATS[name][0]}") for name in names}
    picture = None
    for name, path in paths.items():
        if not os.path.exists(path):
            picture = picture or photo(*size)
            picture.convert(FORMATS[name][1]).save(path, **FORMATS[name][2])
    return paths


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(FORMATS)}; default: all, and the resize")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--size", type=int, nargs=2, default=(4000, 3000), metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--folder", help="where the pictures are made or, if there already, found")
    parser.add_argument("--program", default="build/bench/decode")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lake_decode_") as scratch:
        folder = arguments.folder or scratch
        os.makedirs(folder, exist_ok=True)
        paths = make_files(folder, arguments.names or list(FORMATS), arguments.size)
        small = make_files(folder, [] if arguments.names else ["png", "jpeg-420"], (1024, 1024))
        print(f"milliseconds for {arguments.size[0]} x {arguments.size[1]}, {arguments.rounds} rounds; Pillow {Image.__version__}, "
              f"libjpeg-turbo {features.version('jpg')}, zlib {features.version('zlib')}")
        print(f"{'':22s} {'MB':>6s} {'median':>8s} {'best':>8s} {'Pillow':>8s} {'best':>8s} {'ratio':>7s} {'best':>7s}")
        ours = Ours(arguments.program, 0)
        for name, path in paths.items():
            compare(name, path, ours, arguments.rounds)
        ours.close()
        ours = Ours(arguments.program, 518)
        for name, path in small.items():
            compare(f"{name} 1024 to 518", path, ours, arguments.rounds, 518)
        ours.close()


if __name__ == "__main__":
    main()
