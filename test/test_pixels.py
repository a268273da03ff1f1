"""PNG and PNM pictures of every kind through `lake pixels`, byte for byte against Pillow: decoded to RGB, and
resized with Image.resize((R, R), BICUBIC). They are put together here by hand: every colour type and depth of PNG,
interlacing, every row filter, split image data; all kinds of PNM. (test_pictures.py has what other programs write.) Pillow
9.4 is the reference; newer ones treat 16-bit greys differently, so other versions are skipped.

Run: LAKE=./lake /usr/bin/python3 test/test_pixels.py
"""
import io
import os
import random
import struct
import subprocess
import sys
import tempfile
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

try:
    import numpy as np
    import PIL
    from PIL import Image
except ImportError as missing:
    print(f"skip pixels: {missing}")
    sys.exit(0)

from against_pillow import LAKE, difference, lake_pixels, pillow_pixels

warnings.simplefilter("ignore")  # Pillow's remark on palettes with transparency
random.seed(20240501)
rng = np.random.default_rng(20240501)
SIZES = [(1, 1), (2, 1), (1, 2), (3, 5), (7, 7), (8, 8), (9, 4), (17, 31), (33, 16), (64, 48), (5, 100), (131, 67)]


def samples(height, width, channels, levels):
    """Noise on a gradient, [height, width, channels]: smooth parts for the filters, edges for the rest."""
    ramp = np.add.outer(np.arange(height) * 3, np.arange(width) * 2)[:, :, None] + 40 * np.arange(channels)
    noise = rng.integers(0, levels, (height, width, channels))
    mask = rng.random((height, width, 1)) < 0.5
    return np.where(mask, ramp * max(1, levels // 256) % levels, noise).astype(np.int64)


# ---- PNG by hand ----


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pack_row(row, depth):
    """Samples of one row as bytes, the first one highest."""
    if depth == 16:
        return row.astype(">u2").tobytes()
    if depth == 8:
        return row.astype(np.uint8).tobytes()
    bits = (row[:, None] >> np.arange(depth - 1, -1, -1)) & 1
    return np.packbits(bits.astype(np.uint8)).tobytes()


def paeth(a, b, c):
    p = a + b - c
    pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
    return a if pa <= pb and pa <= pc else b if pb <= pc else c


def filter_rows(rows, step):
    """Each row with one of the five filters in turn, from a random one on."""
    out, above, kind = [], bytes(len(rows[0])), random.randrange(5)
    for row in rows:
        kind = (kind + 1) % 5
        line = bytearray([kind])
        for i, value in enumerate(row):
            a = row[i - step] if i >= step else 0
            b = above[i]
            c = above[i - step] if i >= step else 0
            line.append((value - (0, a, b, (a + b) // 2, paeth(a, b, c))[kind]) & 255)
        out.append(bytes(line))
        above = row
    return b"".join(out)


def png(pixels, depth, color, interlaced=False, before=(), parts=1):
    """A PNG of pixels [height, width, channels]."""
    height, width, channels = pixels.shape
    step = max(1, channels * depth // 8)
    passes = [(0, 0, 1, 1)]
    if interlaced:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    raw = b""
    for x, y, dx, dy in passes:
        part = pixels[y::dy, x::dx]
        if part.size:
            raw += filter_rows([pack_row(row.reshape(-1), depth) for row in part], step)
    data = zlib.compress(raw, random.choice([0, 1, 6, 9]))
    cuts = sorted(random.randrange(len(data) + 1) for _ in range(parts - 1))
    idats = [chunk(b"IDAT", data[i:j]) for i, j in zip([0] + cuts, cuts + [len(data)])]
    head = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, int(interlaced))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + b"".join(before) + b"".join(idats) + chunk(b"IEND", b"")


def png_kinds():
    """(name, files) for every colour type and depth, interlaced and not, built by hand."""
    names = {0: "grey", 2: "RGB", 3: "palette", 4: "grey+alpha", 6: "RGB+alpha"}
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
    for color, depths in ((0, (1, 2, 4, 8, 16)), (2, (8, 16)), (3, (1, 2, 4, 8)), (4, (8, 16)), (6, (8, 16))):
        for depth in depths:
            for interlaced in (False, True):
                files = []
                for number, (width, height) in enumerate(SIZES[: 12 if not interlaced else 9]):
                    before = [chunk(b"gAMA", struct.pack(">I", 45455)), chunk(b"tEXt", b"Comment\0any")][: number % 3]
                    if color == 3:
                        entries = 1 << depth if number % 2 else (1 << depth) * 3 // 4  # some indices have no colour
                        before.append(chunk(b"PLTE", rng.integers(0, 256, entries * 3).astype(np.uint8).tobytes()))
                    if number % 4 == 1 and color in (0, 2, 3):  # transparency, which does not change RGB
                        size = {0: 2, 2: 6, 3: 1}[color]
                        before.append(chunk(b"tRNS", bytes([0] * size)))
                    levels = 1 << depth if color or depth < 16 or number % 2 else 400  # 16-bit grey is clipped at 255
                    files.append(png(samples(height, width, channels[color], levels), depth, color, interlaced, before,
                                     1 + number % 4))
                yield f"png {names[color]} {depth} bit{' interlaced' if interlaced else ''}", files


# ---- PNM by hand ----


def pnm(kind, width, height, maxval, comments, values):
    """A PNM of samples [height * width * channels]; kind 1 to 6."""
    note = "# a comment 1 2 3\n" if comments else ""
    head = f"P{kind}{random.choice([' ', chr(10), chr(9)])}{note}{width}  {note}{height}\n"
    if kind not in (1, 4):
        head += f"{note}{maxval}\n"
    if kind == 1:
        body = random.choice([" ", ""]).join(str(v) for v in values) + "\n"
    elif kind <= 3:
        words = [str(v) + random.choice([" ", "\n", "\t ", "\r\n"]) for v in values]
        if comments:
            words.insert(len(words) // 2, "# 99 98\n")
        body = "".join(words)
    elif kind == 4:
        return head.encode() + b"".join(pack_row(row, 1) for row in values.reshape(height, width))
    else:
        return head.encode() + values.astype(">u2" if maxval > 255 else np.uint8).tobytes()
    return (head + body).encode()


def pnm_kinds():
    for kind in (1, 2, 3, 4, 5, 6):
        files = []
        for number, (width, height) in enumerate(SIZES):
            maxvals = (255, (1, 7, 15, 100, 254, 128)[number % 6], (256, 1000, 4095, 65535)[number % 4])
            for maxval in (1,) if kind in (1, 4) else maxvals:
                values = samples(height, width, 3 if kind in (3, 6) else 1, maxval + 1).reshape(-1)
                files.append(pnm(kind, width, height, maxval, number % 2, values))
        yield f"pnm P{kind}", files
    odd = [b"P2#c\n1#d\n0 1 255\n" + b" ".join(b"%d" % (25 * i) for i in range(10)),  # the width is 10, says the standard
           b"P5 3 1 100 " + bytes([0, 100, 200]),  # a sample above maxval
           b"P5 2 1 300 " + struct.pack(">2H", 0, 40000), b"P4\n9 2\n" + bytes([0xAA, 0x80, 0x55, 0]),
           b"P1\n3 2\n1 01#x\n0 10",
           b"P5 #a\n#b\n#c\r2 1 255 xy", b"P3 #a\n2 1 7 #b\n#c\n0 1 #d\n#e\n2 3 4 5", b"P6\n2 1\n255\n" + b"#a b #trailing"]
    yield "pnm oddities", odd


# ---- the comparison ----


def reference(data, size):
    # Pillow takes "P2#" for no PNM at all; the standard allows it, so white space replaces it for Pillow.
    return pillow_pixels(b"P2 " + data[5:] if data.startswith(b"P2#c\n") else data, size=size)


def ours(folder, number, data, size):
    return lake_pixels(folder, number, data, ["--res", str(size)] if size else [])[1]


def compare(name, jobs, folder, pool):
    """jobs: pairs of file content and size of the resize, 0 for none."""
    results = list(pool.map(lambda job: ours(folder, job[0], *job[1]), enumerate(jobs)))
    for (data, size), result in zip(jobs, results):
        expected = reference(data, size)
        if result != expected:
            width, height = Image.open(io.BytesIO(data)).size
            kept = os.path.join(tempfile.gettempdir(), "lake-pixels-failed")
            with open(kept, "wb") as f:
                f.write(data)
            print(f"not ok pixels {name}: {width} x {height}, --res {size}: {difference(result, expected)} (kept as {kept})")
            return
    print(f"ok pixels {name}: {len(jobs)} pictures identical")


def refusals(folder):
    """Files that Pillow refuses, or should; each must end with exit code 3 and one line."""
    good = png(samples(20, 20, 3, 256), 8, 2, parts=3)
    header = struct.pack(">IIBBBBB", 16000, 16000, 8, 2, 0, 0, 0)
    bad = {"empty": b"", "text": b"hello", "GIF": b"GIF89a" + bytes(50), "no IDAT": good[:33] + chunk(b"IEND", b""),
           "claims too much": good[:8] + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + good[-12:],
           "bit flipped": good[:60] + bytes([good[60] ^ 4]) + good[61:], "P5 cut": b"P5 9 9 255 " + bytes(80),
           "P2 letter": b"P2 1 1 255 x", "P3 above maxval": b"P3 1 1 255 1 2 256"}
    bad.update((f"cut at {n}", good[:n]) for n in range(8, len(good), 97))
    for name, data in bad.items():
        code, message = lake_pixels(folder, "bad", data)
        if code != 3 or message.count(b"\n") != 1 or os.path.exists(os.path.join(folder, "bad.ppm")):
            print(f"not ok pixels refuses {name}: exit code {code}, {message!r}")
            return
    print(f"ok pixels refuses {len(bad)} damaged files")


def written_png(folder):
    """-o X.png, read back by Pillow; and not much larger than what Pillow's own optimize makes."""
    ours_total = pillow_total = 0
    for number, (width, height) in enumerate(SIZES + [(300, 200)]):
        image = Image.fromarray(samples(height, width, 3, 256).astype(np.uint8), "RGB")
        if number % 2:
            image = image.resize((width, height)).rotate(10, Image.BICUBIC)
        source, target, buffer = os.path.join(folder, "w.ppm"), os.path.join(folder, "w.png"), io.BytesIO()
        image.save(source)
        image.save(buffer, "PNG", optimize=True)
        done = subprocess.run([LAKE, "pixels", source, "-o", target], capture_output=True)
        if done.returncode != 0 or Image.open(target).mode != "RGB" or Image.open(target).tobytes() != image.tobytes():
            print(f"not ok pixels written png: {width} x {height}: {done.stderr!r}")
            return
        ours_total += os.path.getsize(target)
        pillow_total += len(buffer.getvalue())
    # Pillow's optimize searches 32 times as long; 5 % is what the search length is worth on pictures.
    if ours_total > 1.05 * pillow_total:
        print(f"not ok pixels written png: {ours_total} bytes, Pillow {pillow_total}")
        return
    print("ok pixels written png: read back by Pillow, size as Pillow's")


def main():
    if not PIL.__version__.startswith("9."):
        print(f"skip pixels: Pillow {PIL.__version__}, the reference is 9.4")
        return
    if not os.path.exists(LAKE):
        print(f"skip pixels: no command {LAKE}")
        return
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        kept = []
        for kinds in (png_kinds(), pnm_kinds()):
            for name, files in kinds:
                compare(name, [(data, 0) for data in files], folder, pool)
                kept.append((name, files))
        for size in (1, 2, 5, 37, 224):
            jobs = [(files[(i + size) % len(files)], size) for i, (_, files) in enumerate(kept)]
            compare(f"resize to {size}", jobs, folder, pool)
        extreme = [pnm(6, w, h, 255, 0, samples(h, w, 3, 256).reshape(-1))
                   for w, h in ((40000, 1), (1, 40000), (518, 518), (700, 518), (518, 700), (3000, 2), (1023, 769))]
        compare("resize extremes", [(data, size) for data in extreme for size in (1, 7, 518)], folder, pool)
        refusals(folder)
        written_png(folder)


if __name__ == "__main__":
    main()
