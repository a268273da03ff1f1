"""Pictures as people have them: written by Pillow, ImageMagick and cjpeg in every kind that these can write and lake reads,
decoded by `lake pixels` and compared byte for byte with Pillow's Image.open(f).convert("RGB"). Ends with a table.

A picture counts as one of
  identical  to the byte what Pillow shows;
  as meant   where Pillow 9.4 refuses it or shows other pixels (the lists at the tops of image/bmp.c and image/tiff.c): the
             pixels that it was made of, which storage without loss must give back;
  refused    with exit code 3 and one line that names the reason, where lake does not read this kind by design;
  different  anything else.

Files put together by hand, which these programs do not write, are in test_jpeg.py, test_pixels.py and test_bmp_tiff.py.
Pillow 9.4 with libjpeg-turbo is the reference; others are skipped. ImageMagick and cjpeg are skipped where absent.

Run: LAKE=./lake /usr/bin/python3 test/test_pictures.py
"""
import collections
import io
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor

try:
    import numpy as np
    import PIL
    from PIL import Image, TiffImagePlugin
except ImportError as missing:
    print(f"skip pictures: {missing}")
    sys.exit(0)

from against_pillow import LAKE, difference, lake_pixels, pillow_pixels, ppm

FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "PNM")
ENOUGH = 500
CONVERT = shutil.which("convert-im6.q16") or shutil.which("convert")
CJPEG = shutil.which("cjpeg")
SIZES = [(1, 1), (2, 1), (1, 3), (3, 2), (5, 4), (7, 9), (8, 8), (9, 7), (15, 16), (17, 31), (33, 18), (40, 1), (64, 40), (131, 67),
         (257, 120)]
rng = np.random.default_rng(20240611)

# pixels: None where Pillow says what they are, else [height, width, 3]; reason: a word of the refusal, else None.
Picture = collections.namedtuple("Picture", "label data pixels reason", defaults=(None, None))


def pixels_of(width, height, kind, channels=3):
    """[height, width, channels] bytes. noise: every frequency at full swing; smooth: like photos; edges: saturated colours
    side by side; flat: few colours in large areas."""
    if kind == "noise":
        return rng.integers(0, 256, (height, width, channels)).astype(np.uint8)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    if kind == "smooth":
        waves = [np.sin(x / 9 + i) + np.cos(y / (5 + i)) + np.sin((x + y) / 14) for i in range(channels)]
        noise = rng.normal(0, 4, (height, width, channels))
        return np.uint8(np.clip(128 + 40 * np.stack(waves, 2) + noise, 0, 255))
    step = (x // 5 + y // 3) % 6 if kind == "edges" else (x + y) // 40 % 6
    colours = [[255, 0, 0, 255], [0, 255, 0, 0], [0, 0, 255, 99], [255, 255, 255, 128], [0, 0, 0, 7], [255, 255, 0, 1]]
    return np.array(colours, np.uint8)[step.astype(int), :channels]


def rgb_image(width, height, kind):
    return Image.fromarray(pixels_of(width, height, kind))


KINDS = ("smooth", "noise", "edges", "flat")


# ---- Pillow ----


def image_of_mode(mode, width, height, kind, number):
    """A picture in one of Pillow's modes; P has a palette of varying size, the 16-bit modes vary in how large samples are."""
    if mode.startswith("I"):
        values = rng.integers(0, 65536 if number % 2 else 400, (height, width))
        if mode == "I":
            return Image.fromarray(values.astype(np.int32))
        return Image.frombytes(mode, (width, height), values.astype(">u2" if mode == "I;16B" else "<u2").tobytes())
    image = Image.fromarray(pixels_of(width, height, kind, 4))
    if mode == "P":
        return image.convert("RGB").quantize((2, 3, 16, 100, 256)[number % 5])
    return image.convert("RGB").convert(mode) if mode in ("CMYK", "YCbCr", "LAB", "F") else image.convert(mode)


def saved(image, format, **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def refusable(label, reason, image, format, **options):
    """The picture to be refused for that reason, where this Pillow was built with what it takes to write it."""
    try:
        yield Picture(label, saved(image, format, **options), reason=reason)
    except (OSError, KeyError, RuntimeError) as error:
        print(f"skip pictures {format} {label}: Pillow does not write it: {error!r}")


def pillow_each(format, modes, options=({},)):
    """Every mode at every size, with the options in turn."""
    number = 0
    for mode in modes:
        for width, height in SIZES:
            number += 1
            chosen, kind = options[number % len(options)], KINDS[number // 2 % 4]
            data = saved(image_of_mode(mode, width, height, kind, number), format, **chosen)
            yield Picture(f"{mode} {width}x{height} {kind} {chosen}", data)


def pillow_jpeg():
    for quality in range(1, 101):
        yield Picture(f"quality {quality}", saved(rgb_image(45, 37, KINDS[quality % 4]), "JPEG", quality=quality))
    qualities = (1, 5, 10, 25, 50, 75, 85, 90, 95, 100)
    for number, (width, height) in enumerate(SIZES):
        for subsampling in (0, 1, 2):
            for k, extra in enumerate(({}, {"optimize": True}, {"progressive": True})):
                options = {"quality": qualities[(number + 3 * k + subsampling) % 10], "subsampling": subsampling, **extra}
                kind = KINDS[(number + k + subsampling) % 4]
                yield Picture(f"{width}x{height} {kind} {options}", saved(rgb_image(width, height, kind), "JPEG", **options))
    yield from pillow_each("JPEG", ("1", "L", "YCbCr"), [{"quality": q, "progressive": q % 2} for q in (1, 30, 75, 100)])
    yield from pillow_each("JPEG", ("CMYK",), [{"subsampling": s, "progressive": p} for s in (0, 1, 2) for p in (0, 1)])
    yield from jpeg_colours()
    yield Picture("arithmetic", with_frame(saved(rgb_image(40, 30, "smooth"), "JPEG"), 0xc9), reason="arithmetic")


def with_frame(data, marker):
    """Another kind of frame promised."""
    return data.replace(b"\xff\xc0", bytes([0xff, marker]), 1)


def jpeg_colours():
    """The same coefficients under another mark of what they mean: YCCK, and RGB by Adobe's transform 0."""
    def adobe(transform):
        return b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0" + bytes([transform])

    for width, height in SIZES[::2]:
        for subsampling in (0, 2):
            cmyk = saved(image_of_mode("CMYK", width, height, "smooth", 0), "JPEG", subsampling=subsampling)
            assert cmyk[2:18] == adobe(0)
            yield Picture(f"YCCK {width}x{height} {subsampling}", cmyk[:2] + adobe(2) + cmyk[18:])
            yield Picture(f"CMYK unmarked {width}x{height} {subsampling}", cmyk[:2] + cmyk[18:])
            rgb = saved(rgb_image(width, height, "edges"), "JPEG", subsampling=subsampling)
            assert rgb[2:4] == b"\xff\xe0"
            yield Picture(f"RGB {width}x{height} {subsampling}", rgb[:2] + adobe(0) + rgb[20:])


def pillow_png():
    yield from pillow_each("PNG", ("1", "L", "LA", "RGB", "RGBA", "I;16", "I"), [{}, {"optimize": True}, {"compress_level": 0}])
    yield from pillow_each("PNG", ("P",), [{}, {"bits": 8}, {"transparency": 0}, {"transparency": bytes([0, 128])}])
    yield from pillow_each("PNG", ("L",), [{"transparency": 0}, {"compress_type": 2}])
    yield from pillow_each("PNG", ("RGB",), [{"transparency": (255, 0, 0)}, {"compress_type": 3}, {"compress_type": 4}])


def pillow_bmp():
    yield from pillow_each("BMP", ("1", "L", "RGB", "RGBA"))
    for picture in pillow_each("BMP", ("P",)):
        yield picture
        yield picture._replace(label=picture.label + " top down", data=top_down(picture.data))
    for picture in pillow_each("BMP", ("RGB",)):
        yield picture._replace(label=picture.label + " top down", data=top_down(picture.data))
    run_length_4 = [pixels_of(w, h, "flat", 1)[:, :, 0] % 16 for w, h in SIZES]
    for indices in run_length_4:
        yield bmp_runs_4(indices)


def top_down(data):
    """The same rows, said to begin at the top: a height below zero."""
    return data[:22] + struct.pack("<i", -struct.unpack("<i", data[22:26])[0]) + data[26:]


def bmp_runs_4(indices):
    """Run-length codes of 4 bits, which none of the programs writes: runs alone (test_bmp_tiff.py has more)."""
    height, width = indices.shape
    codes = b""
    for row in indices[::-1]:
        ends = [x for x in range(1, width) if row[x] != row[x - 1]] + [width]
        for start, end in zip([0] + ends, ends):
            for at in range(start, end, 254):
                codes += bytes([min(254, end - at), row[start] * 17])
        codes += b"\0\0"
    codes += b"\0\1"
    palette = pixels_of(16, 1, "noise", 4).tobytes()
    head = struct.pack("<IHHIIiiHHIIiiII", 0, 0, 0, 14 + 40 + 64, 40, width, height, 1, 4, 2, len(codes), 0, 0, 16, 16)
    return Picture(f"RLE4 {width}x{height}", b"BM" + head + palette + codes)


TIFF_COMPRESSIONS = (None, "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits")


def pillow_tiff():
    yield from pillow_each("TIFF", ("1", "L", "LA", "P", "RGB", "RGBA", "I;16", "I;16B"),
                           [{"compression": c} for c in TIFF_COMPRESSIONS])
    yield from pillow_each("TIFF", ("L", "RGB", "RGBA"),
                           [{"compression": c, "tiffinfo": predictor()} for c in TIFF_COMPRESSIONS[1:4]])
    strips = [{"compression": c} for c in TIFF_COMPRESSIONS[1:]]
    kept, TiffImagePlugin.STRIP_SIZE = TiffImagePlugin.STRIP_SIZE, 1024  # what Pillow takes for a good size of strips
    yield from pillow_each("TIFF", ("1", "L", "RGB"), strips)
    TiffImagePlugin.STRIP_SIZE = kept
    for mode, options, reason in (("CMYK", {}, "CMYK"), ("YCbCr", {}, "YCbCr"), ("LAB", {}, "L*a*b*"), ("F", {}, "floating-point"),
                                  ("I", {}, "signed"), ("RGB", {"compression": "jpeg"}, "JPEG inside"),
                                  ("1", {"compression": "group3"}, "CCITT"), ("1", {"compression": "group4"}, "CCITT"),
                                  ("1", {"compression": "tiff_ccitt"}, "CCITT"), ("RGB", {"compression": "lzma"}, "LZMA"),
                                  ("RGB", {"compression": "zstd"}, "Zstandard"), ("RGB", {"compression": "webp"}, "WebP")):
        yield from refusable(f"{mode} {options}", reason, image_of_mode(mode, 33, 18, "smooth", 0), "TIFF", **options)


def predictor():
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[317] = 2
    return tags


def pillow_pnm():
    yield from pillow_each("PPM", ("1", "L", "RGB", "RGBA", "I"))
    for number, (width, height) in enumerate(SIZES):  # as text, which Pillow reads but does not write
        maxval = (1, 7, 15, 100, 254, 255, 256, 1000, 4095, 65535)[number % 10]
        for kind, channels in ((1, 1), (2, 1), (3, 3)):
            values = rng.integers(0, 2 if kind == 1 else maxval + 1, height * width * channels)
            head = f"P{kind}\n# text\n{width} {height}\n" + (f"{maxval}\n" if kind > 1 else "")
            yield Picture(f"P{kind} {width}x{height} maxval {maxval}", (head + "\n".join(map(str, values)) + "\n").encode())
        for kind, channels in ((5, 1), (6, 3)):
            values = rng.integers(0, maxval + 1, height * width * channels)
            head = f"P{kind} {width} {height} {maxval}\n".encode()
            data = head + values.astype(">u2" if maxval > 255 else np.uint8).tobytes()
            yield Picture(f"P{kind} {width}x{height} maxval {maxval}", data)


def pillow_foreign():
    for format, name in (("GIF", "GIF"), ("WEBP", "WebP"), ("JPEG2000", "JPEG 2000"), ("ICO", "ICO"), ("PDF", "PDF")):
        yield from refusable(format, f"is {name}, which is not read", rgb_image(33, 18, "smooth"), format)


# ---- ImageMagick ----


class ImageMagick:
    """Many pictures from one process: it takes longer to start than to write one. No dithering, which takes longer still."""

    def __init__(self, folder):
        self.folder, self.sources = folder, []
        for number, (width, height) in enumerate([(67, 45), (17, 31), (1, 1), (150, 99), (3, 2), (64, 64), (8, 9)]):
            pixels = pixels_of(width, height, KINDS[number % 4])
            for alpha in (False, True):
                path = os.path.join(folder, f"source{number}{'a' if alpha else ''}.png")
                image = Image.fromarray(pixels)
                if alpha:
                    image.putalpha(Image.fromarray(pixels_of(width, height, "smooth", 1)[:, :, 0]))
                image.save(path)
            self.sources.append((path.replace("a.png", ".png"), path, pixels))

    def write(self, format, jobs):
        """jobs: (ending of the name, options, pictures to make of it, and what to expect: None, the reason of a refusal, or a
        function that makes the source's pixels those of the picture)"""
        command, wanted = [CONVERT, "-respect-parentheses", "+dither"], []
        for number, (ending, options, copies, outcome) in enumerate(jobs):
            for copy in range(copies):
                plain, with_alpha, pixels = self.sources[(number + copy * 2) % len(self.sources) if copies < 7 else copy]
                target = os.path.join(self.folder, f"{format}{len(wanted)}.{ending.split(':')[-1]}")
                written = f"{ending.split(':')[0]}:{target}" if ":" in ending else target
                command += ["(", with_alpha if "-alpha" in options else plain, *options.split(), "-write", written, "+delete", ")"]
                wanted.append((f"{ending} {options} {os.path.basename(plain)}", target, pixels, outcome))
        subprocess.run(command + ["xc:", "null:"], capture_output=True, env={**os.environ, "MAGICK_THREAD_LIMIT": "1"})
        for label, target, pixels, outcome in wanted:
            if not os.path.exists(target) or os.path.getsize(target) == 0:
                print(f"skip pictures {format}: ImageMagick did not write {label}")
                continue
            with open(target, "rb") as f:
                data = f.read()
            if callable(outcome):
                yield Picture(label, data, pixels=outcome(pixels))
            else:
                yield Picture(label, data, reason=outcome)


def magick_jpeg():
    factors = ("1x1 2x1 1x2 2x2 4x1 1x4 4x2 2x4 3x1 1x3 4:4:4 4:2:2 4:4:0 4:2:0 4:1:1 4:1:0 2x2,2x1,1x2 2x2,1x2,2x1 1x2,1x1,1x2 "
               "4x1,1x1,2x1 1x1,2x2,2x2 1x1,2x1,1x2 2x1,2x1,2x1").split()
    for number, factor in enumerate(factors):
        for options in ("", "-interlace JPEG", "-quality 95 -define jpeg:optimize-coding=false"):
            yield "jpg", f"-quality {(number * 13) % 90 + 5} -sampling-factor {factor} {options}", 3, None
    for quality in range(1, 101, 3):
        yield "jpg", f"-quality {quality}", 1, None
    for space in ("Gray", "CMYK", "RGB"):
        for factor in ("1x1", "2x2", "2x1"):
            for options in ("", "-interlace JPEG"):
                yield "jpg", f"-colorspace {space} -sampling-factor {factor} -quality 60 {options}", 3, None
    yield "jpg", "-monochrome", 2, None


def magick_png():
    for kind in ("png", "PNG8:png", "PNG24:png", "PNG32:png", "PNG48:png", "PNG64:png"):
        for options in ("", "-interlace PNG", "-alpha set"):
            yield kind, options, 4, None
    for interlace in ("", "-interlace PNG"):
        for depth in (1, 2, 4, 8, 16):
            yield "png", f"-depth {depth} -colorspace Gray -define png:bit-depth={depth} {interlace}", 4, None
        for depth, colors in ((1, 2), (2, 4), (2, 3), (4, 16), (4, 9), (8, 200), (8, 20)):
            yield "png", f"-depth {depth} -colors {colors} -type Palette -define png:bit-depth={depth} {interlace}", 4, None
            yield "png", f"-alpha set -colors {colors} -type PaletteMatte {interlace}", 3, None
    for color in (0, 2, 4, 6):
        for options in ("", "-depth 16", "-alpha set", "-monochrome -interlace PNG"):
            yield "png", f"{options} -define png:color-type={color}", 3, None
    for number in range(6):
        yield "png", f"-define png:compression-filter={number} -define png:compression-level={number + 1}", 4, None
    yield "png", "-transparent red", 4, None


def magick_bmp():
    for kind in ("bmp", "BMP2:bmp", "BMP3:bmp"):
        for options in ("", "-colors 200 -type Palette", "-colors 16 -type Palette", "-colors 40 -type Palette -compress RLE",
                        "-type Palette -colors 200 -compress RLE", "-colorspace Gray", "-monochrome", "-flip"):
            yield kind, options, 4, None
    for options in ("-alpha set", "-alpha set -type TrueColorMatte"):
        yield "bmp", options, 4, None
        yield "BMP3:bmp", options, 4, None
    for subtype in ("RGB565", "RGB555", "ARGB1555"):
        yield "bmp", f"-alpha set -define bmp:subtype={subtype}", 4, None
    yield "bmp", "-alpha set -define bmp:subtype=ARGB4444", 4, lambda pixels: pixels // 17 * 17


def magick_tiff():
    for compression in ("None", "LZW", "Zip", "RLE"):
        for options in ("", "-endian MSB", "-endian LSB -depth 16", "-endian MSB -depth 16", "-define tiff:tile-geometry=32x16",
                        "-define tiff:tile-geometry=16x48 -depth 16", "-define tiff:rows-per-strip=1", "-define tiff:rows-per-strip=7",
                        "-colorspace Gray", "-colorspace Gray -depth 4", "-colorspace Gray -depth 2",
                        "-colorspace Gray -depth 16 -endian MSB", "-colors 30 -type Palette", "-colors 16 -depth 4 -type Palette",
                        "-monochrome", "-monochrome -define quantum:polarity=min-is-white", "-alpha set", "-alpha set -depth 16",
                        "-alpha set -colorspace Gray", "-define tiff:alpha=associated -alpha set", "-define tiff:fill-order=lsb"):
            yield "tif", f"-compress {compression} {options}", 2, None
    for compression in ("LZW", "Zip"):
        for options in ("", "-depth 16", "-colorspace Gray", "-interlace plane", "-define tiff:tile-geometry=32x32", "-endian MSB"):
            yield "tif", f"-compress {compression} -define tiff:predictor=2 {options}", 2, None
    for options in ("-interlace plane", "-interlace plane -compress LZW", "-interlace plane -compress LZW -depth 16",
                    "-interlace plane -compress Zip -alpha set"):
        yield "tif", options, 3, None
    for orientation in ("TopRight", "BottomRight", "BottomLeft", "LeftTop", "RightTop", "RightBottom", "LeftBottom"):
        yield "tif", f"-orient {orientation}", 2, None
    for options in ("-endian LSB", "-endian MSB", "-compress LZW -depth 16"):
        yield "TIFF64:tif", options, 3, None
    yield "tif", "-interlace plane -depth 16 -compress None", 3, lambda pixels: pixels
    for options, reason in (("-colorspace CMYK", "CMYK"), ("-depth 32", "bits per sample"), ("-compress JPEG", "JPEG inside"),
                            ("-monochrome -compress Group4", "CCITT"), ("-compress LZMA", "LZMA"), ("-compress Zstd", "Zstandard"),
                            ("-depth 32 -define quantum:format=floating-point", "floating-point")):
        yield "tif", options, 1, reason


def magick_pnm():
    for ending, options in (("pbm", ""), ("pgm", ""), ("ppm", ""), ("pnm", "")):
        for compression in ("", "-compress None"):
            for depth in ("", "-depth 1", "-depth 5", "-depth 8", "-depth 12", "-depth 16"):
                yield ending, f"{options} {compression} {depth}", 2, None
    yield "pam", "", 1, "PAM"
    yield "pfm", "", 1, "PFM"


# ---- cjpeg ----


def cjpeg():
    """Restart intervals, and factors and colour spaces that the others do not write."""
    factors = ("1x1 2x1 1x2 2x2 4x1 1x4 4x2 2x4 3x1 1x3 4x4,2x2,2x2 2x2,2x1,1x2 2x2,1x2,2x1 1x2,1x1,1x2 4x2,1x1,2x1").split()
    jobs = []
    for number, factor in enumerate(factors):
        for options in ("-restart 3B", "-restart 1", "-progressive", "-progressive -restart 2B", "-quality 2", "-quality 99 -optimize"):
            jobs += [(f"-sample {factor} -quality 70 {options}", size, None) for size in (SIZES[(2 * number + 3) % 15], (33, 47))]
    for options in ("-rgb", "-rgb -progressive", "-rgb -sample 2x2", "-grayscale", "-grayscale -restart 2B", "-baseline -quality 1"):
        jobs += [(options, size, None) for size in SIZES[::4]]
    jobs.append(("-arithmetic", (33, 47), "arithmetic"))
    for number, (options, (width, height), reason) in enumerate(jobs):
        source = ppm(pixels_of(width, height, KINDS[number % 4]))
        done = subprocess.run([CJPEG, *options.split()], input=source, capture_output=True)
        if done.returncode == 0:
            yield Picture(f"{options} {width}x{height}", done.stdout, None, reason)


# ---- the comparison ----


def judge(folder, name, picture):
    """(what it counts as, detail where different)"""
    code, found = lake_pixels(folder, name, picture.data)
    if picture.reason is not None:
        if code == 3 and found.count(b"\n") == 1 and picture.reason.encode() in found:
            return "refused", ""
        return "different", f"exit code {code}, {'pixels' if code == 0 else found}; expected a refusal for {picture.reason}"
    expected = shown = pillow_pixels(picture.data)
    if picture.pixels is not None:
        expected = ppm(picture.pixels)
    if found != expected:
        return "different", difference(found, expected)
    return "identical" if found == shown else "as meant", ""


def compare(format, writer, pictures, folder, pool):
    """Counts of the outcomes; prints the first three that differ and keeps the first."""
    pictures = list(pictures)
    counts, shown = collections.Counter(pictures=len(pictures)), 0
    results = pool.map(lambda job: judge(folder, job[0], job[1]), enumerate(pictures))
    for picture, (outcome, detail) in zip(pictures, results):
        counts[outcome] += 1
        if outcome == "different" and shown < 3:
            shown += 1
            kept = os.path.join(tempfile.gettempdir(), f"lake-pictures-{format}-{shown}")
            with open(kept, "wb") as f:
                f.write(picture.data)
            print(f"  {format} by {writer}, {picture.label}: {detail} (kept as {kept})")
    return counts


def writers(folder):
    """(format, writer, pictures) for all there are."""
    for format, make in zip(FORMATS, (pillow_jpeg, pillow_png, pillow_bmp, pillow_tiff, pillow_pnm)):
        yield format, "Pillow", make()
    yield "others", "Pillow", pillow_foreign()
    if CONVERT is None:
        print("skip pictures ImageMagick: not installed (Debian: imagemagick)")
    else:
        magick = ImageMagick(folder)
        for format, jobs in zip(FORMATS, (magick_jpeg, magick_png, magick_bmp, magick_tiff, magick_pnm)):
            yield format, "ImageMagick", magick.write(format, jobs())
    if CJPEG is None:
        print("skip pictures cjpeg: not installed (Debian: libjpeg-turbo-progs)")
    else:
        yield "JPEG", "cjpeg", cjpeg()


def table(rows):
    columns = ("pictures", "identical", "as meant", "refused", "different")
    print(f"{'format':8}{'written by':13}" + "".join(f"{c:>11}" for c in columns))
    for format, writer, counts in rows:
        print(f"{format:8}{writer:13}" + "".join(f"{counts[c]:11}" for c in columns))


def main():
    if not PIL.__version__.startswith("9.4"):
        print(f"skip pictures: Pillow {PIL.__version__}, the reference is 9.4")
        return
    if shutil.which(LAKE) is None:
        print(f"skip pictures: no command {LAKE}")
        return
    rows = []
    # Most of the time goes into starting processes, so that more of them than processors help.
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2 * os.cpu_count()) as pool:
        for format, writer, pictures in writers(folder):
            rows.append((format, writer, compare(format, writer, pictures, folder, pool)))
    rows.sort(key=lambda row: (FORMATS + ("others",)).index(row[0]))
    sums = {format: sum((c for f, _, c in rows if f == format), collections.Counter()) for format in (*FORMATS, "others")}
    total = sum(sums.values(), collections.Counter())
    table(rows + [("all", "", total)])
    for format, counts in sums.items():
        outcome = ", ".join(f"{n} {word}" for word, n in counts.items() if word != "pictures")
        print(f"{'not ok' if counts['different'] else 'ok'} pictures {format}: {outcome}")
    enough = total["identical"] >= ENOUGH
    print(f"{'ok' if enough else 'not ok'} pictures: {total['identical']} identical with Pillow's, at least {ENOUGH} expected")


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # Pillow's remarks on palettes with transparency
    main()
