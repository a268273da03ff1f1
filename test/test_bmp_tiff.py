"""BMP and TIFF pictures through `lake pixels`, byte for byte against Pillow's Image.open(f).convert("RGB"). They are put
together here, since other programs write few of the variants that cameras and tools do (test_pictures.py has those).
What Pillow 9.4 refuses or reads wrongly is compared with the pixels that the file was made of, in groups named "beyond
Pillow". Orientation (--exif) is compared with PIL.ImageOps.exif_transpose. Other versions of Pillow are skipped.

Run: LAKE=./lake /usr/bin/python3 test/test_bmp_tiff.py
"""
import io
import itertools
import os
import struct
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
    print(f"skip bmp_tiff: {missing}")
    sys.exit(0)

from against_pillow import LAKE, difference, lake_pixels, pillow_pixels, ppm

warnings.simplefilter("ignore")
rng = np.random.default_rng(7)
SIZES = [(1, 1), (2, 1), (1, 3), (3, 2), (7, 5), (8, 8), (9, 7), (15, 4), (17, 31), (33, 18), (70, 45)]


def samples(width, height, channels, levels):
    """[height, width, channels] below `levels`: flat parts for runs, noise for the rest."""
    ramp = (np.add.outer(np.arange(height) // 4, np.arange(width) // 6)[:, :, None] * 5 + 3 * np.arange(channels)) % levels
    noise = rng.integers(0, levels, (height, width, channels))
    return np.where(rng.random((height, width, 1)) < 0.3, noise, ramp)


def pack(row, bits):
    """Samples of one row as bytes, the first bit highest."""
    return np.packbits((row[:, None] >> np.arange(bits - 1, -1, -1) & 1).astype(np.uint8)).tobytes()


# ---- BMP ----


def bmp(width, height, bits, rows, palette=b"", header=40, compression=0, masks=(), top_down=False, colors=0, offset=None):
    """`rows` are the pixels as they stand in the file, without the filling of rows; bytes: the whole as it is."""
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", header, width, -height if top_down else height, 1, bits, compression, 0, 0, 0,
                           colors, 0)
        info += b"".join(struct.pack("<I", m) for m in masks)
        info += bytes(max(0, header - len(info)))
    data = rows if isinstance(rows, bytes) else b"".join(row + bytes(-len(row) % 4) for row in rows)
    at = 14 + len(info) + len(palette) if offset is None else offset
    return b"BM" + struct.pack("<IHHI", 14 + len(info) + len(palette) + len(data), 0, 0, at) + info + palette + data


def random_palette(count, entry=4):
    colors = rng.integers(0, 256, (count, entry))
    return colors.astype(np.uint8).tobytes()


def bmp_palettes(bits):
    for number, (width, height) in enumerate(SIZES):
        for header in (40, 12, 64, 108, 124):
            rows = [pack(row, bits) for row in samples(width, height, 1, 1 << bits)[:, :, 0]]
            top_down = number % 2 == 1 and header != 12
            yield bmp(width, height, bits, rows, random_palette(1 << bits, 3 if header == 12 else 4), header, top_down=top_down)
    fewer = (1 << bits) * 3 // 4 if bits > 1 else 2  # indices behind the palette's end
    rows = [pack(row, bits) for row in samples(19, 11, 1, 1 << bits)[:, :, 0]]
    yield bmp(19, 11, bits, rows, random_palette(fewer), colors=fewer)
    yield bmp(19, 11, bits, rows, random_palette(1 << bits), offset=54)  # the palette forgotten in the offset
    yield bmp(19, 11, bits, rows, random_palette(1 << bits), offset=0)
    yield bmp(19, 11, bits, rows, random_palette(1 << bits) + b"gap")
    greys = np.repeat(np.arange(256) if bits == 8 else np.array([0, 255]), 4).astype(np.uint8).tobytes()
    if bits != 4:
        yield bmp(19, 11, bits, rows, greys)
    yield bmp(19, 11, bits, rows, random_palette(1 << bits))[:-1]  # the last row's filling is not all there


def bmp_colors(bits, header=40, compression=0, masks=()):
    for number, (width, height) in enumerate(SIZES):
        rows = [row.astype(np.uint8).tobytes() for row in samples(width, height, bits // 8, 256).reshape(height, -1)]
        yield bmp(width, height, bits, rows, header=header, compression=compression, masks=masks, top_down=number % 3 == 1)


def bmp_masks():
    """The layouts of masks that Pillow knows."""
    for bits, masks in ((32, (0xFF0000, 0xFF00, 0xFF, 0)), (32, (0xFF000000, 0xFF0000, 0xFF00, 0)),
                        (32, (0xFF000000, 0xFF0000, 0xFF00, 0xFF)), (32, (0xFF, 0xFF00, 0xFF0000, 0xFF000000)),
                        (32, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)), (32, (0, 0, 0, 0)), (24, (0xFF0000, 0xFF00, 0xFF, 0)),
                        (16, (0xF800, 0x7E0, 0x1F, 0)), (16, (0x7C00, 0x3E0, 0x1F, 0))):
        yield from bmp_colors(bits, 108, 3, masks)
        yield from bmp_colors(bits, 124, 3, masks)
        if masks[3] == 0 and any(masks) and masks[0] != 0xFF000000 or bits < 32:
            yield from bmp_colors(bits, 40, 3, masks[:3])


def run_lengths(row, bits, literal_step):
    """One row as run-length codes; literals are multiples of literal_step long."""
    out, i, values = b"", 0, list(row)
    while i < len(values):
        same = 1
        while i + same < len(values) and values[i + same] == values[i] and same < 255:
            same += 1
        literal = min(len(values) - i, 252) // literal_step * literal_step
        if same >= 3 or literal < 3:
            byte = values[i] if bits == 8 else values[i] * 17
            out += bytes([same, byte])
            i += same
            continue
        literal = min(literal, literal_step * int(rng.integers(1, 6)))
        if literal < 3:
            literal = literal_step * -(-3 // literal_step)
        part = values[i:i + literal]
        coded = bytes(part) if bits == 8 else pack(np.array(part), 4)
        out += bytes([0, literal]) + coded + bytes(len(coded) % 2)
        i += literal
    return out


def bmp_runs(bits, literal_step):
    """(file, pixels as palette indices)"""
    for number, (width, height) in enumerate(SIZES + [(300, 40), (600, 3)]):
        pixels = samples(width, height, 1, 1 << bits)[:, :, 0]
        codes = b"\0\0".join(run_lengths(row, bits, literal_step) for row in pixels)
        codes += (b"\0\0\0\1", b"\0\1", b"")[number % 3]
        palette = random_palette(1 << bits)
        file = bmp(width, height, bits, codes, palette, compression=1 if bits == 8 else 2, top_down=number % 4 == 3)
        yield file, colored(pixels, palette)[:: 1 if number % 4 == 3 else -1]


def colored(indices, palette):
    return np.frombuffer(palette, np.uint8).reshape(-1, 4)[:, 2::-1][indices]


def bmp_beyond():
    """(file, pixels) of what Pillow 9.4 refuses or reads otherwise."""
    yield from bmp_runs(4, 1)
    palette = random_palette(256)
    jumps = b"\3\5" + b"\0\2\2\1" + b"\2\7" + b"\0\0" + b"\0\0" + b"\4\1" + b"\0\1"  # 7 x 5; rows 0, 1, none, 3, and an end
    pixels = np.zeros((5, 7), int)
    pixels[0, :3], pixels[1, 5:7], pixels[3, :4] = 5, 7, 1
    yield bmp(7, 5, 8, jumps, palette, compression=1), colored(pixels, palette)[::-1]
    for bits in (4, 8):  # a palette of black and white alone
        pixels = samples(21, 9, 1, 2)[:, :, 0]
        greys = bytes([0, 0, 0, 0, 255, 255, 255, 0])
        yield bmp(21, 9, bits, [pack(row, bits) for row in pixels], greys, colors=2), colored(pixels, greys)[::-1]
    for bits, masks in ((16, (0xF00, 0xF0, 0xF)), (16, (0x1F, 0x7E0, 0xF800)), (32, (0x3FF00000, 0xFFC00, 0x3FF)),
                        (32, (0xFF00, 0xFF0000, 0xFF000000))):
        for header in (40, 52, 56, 108):
            values = rng.integers(0, 1 << bits, (9, 13))
            rows = [row.astype(f"<u{bits // 8}").tobytes() for row in values]
            ones = [m & -m for m in masks]
            pixels = np.stack([(values & m) // o * 255 // (m // o) for m, o in zip(masks, ones)], 2)
            yield bmp(13, 9, bits, rows, header=header, compression=3, masks=masks), pixels[::-1]


# ---- TIFF ----

LZW, DEFLATE, PACKBITS, OLD_DEFLATE = 5, 8, 32773, 32946
REVERSED = bytes(int(f"{i:08b}"[::-1], 2) for i in range(256))


def lzw(data):
    """TIFF's LZW: clear first and when the table is full, lengths one code early."""
    table, width, current, codes = {}, 9, b"", []

    def clear():
        nonlocal table, width
        table = {bytes([i]): i for i in range(256)}
        codes.append((256, width))
        width = 9

    clear()
    for value in data:
        longer = current + bytes([value])
        if longer in table:
            current = longer
            continue
        codes.append((table[current], width))
        table[longer] = len(table) + 2
        current = bytes([value])
        width = max(width, (len(table) + 2).bit_length())
        if len(table) + 2 == 4095:
            clear()
    if current:
        codes.append((table[current], width))
        width = max(width, (len(table) + 3).bit_length())
    codes.append((257, min(width, 12)))
    bits = "".join(f"{code:0{width}b}" for code, width in codes)
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def packbits(data):
    out, i = b"", 0
    while i < len(data):
        same = 1
        while same < 128 and data[i:i + same + 1] == data[i:i + 1] * (same + 1):
            same += 1
        if same > 1:
            out += bytes([257 - same, data[i]])
        else:
            while same < 128 and i + same < len(data) and data[i + same:i + same + 1] != data[i + same - 1:i + same]:
                same += 1
            out += bytes([same - 1]) + data[i:i + same]
        i += same
        if len(out) % 7 == 0:
            out += b"\x80"
    return out


def stored(block, order, bits, compression, predictor, reverse):
    """Bytes of one strip or tile, of samples [rows, columns, channels]."""
    if predictor:
        block = np.diff(block, axis=1, prepend=np.zeros_like(block[:, :1])) & ((1 << bits) - 1)
    if bits in (8, 16):
        data = block.astype(f"{order}u{bits // 8}").tobytes()
    else:
        data = b"".join(pack(row.reshape(-1), bits) for row in block)
    if compression == LZW:
        data = lzw(data)
    elif compression in (DEFLATE, OLD_DEFLATE):
        data = zlib.compress(data)
    elif compression == PACKBITS:
        data = packbits(data)
    return data.translate(REVERSED) if reverse else data


def tiff(pixels, bits, photometric, order="<", compression=1, predictor=False, rows=None, tile=None, planar=False, fill=1,
         extra=(), palette=None, orientation=None, big=False, more=(), sizes=True):
    """A TIFF of samples [height, width, channels]."""
    height, width, channels = pixels.shape
    blocks = []
    for part in [pixels[:, :, c:c + 1] for c in range(channels)] if planar else [pixels]:
        if tile:
            part = np.pad(part, ((0, -height % tile[1]), (0, -width % tile[0]), (0, 0)), constant_values=1)
            blocks += [part[y:y + tile[1], x:x + tile[0]] for y in range(0, height, tile[1]) for x in range(0, width, tile[0])]
        else:
            blocks += [part[y:y + (rows or height)] for y in range(0, height, rows or height)]
    data = [stored(b, order, bits, compression, predictor, fill == 2) for b in blocks]
    start = 16 if big else 8
    offsets = [start + sum(len(d) for d in data[:i]) for i in range(len(data))]
    tags = [(256, 3, [width]), (257, 4, [height]), (258, 3, [bits] * channels), (259, 3, [compression]),
            (262, 3, [photometric]), (277, 3, [channels]), *more]
    tags += [(324 if tile else 273, 4, offsets)]
    tags += [(325 if tile else 279, 3 if max(map(len, data)) < 65536 else 4, [len(d) for d in data])] if sizes else []
    tags += [(322, 3, [tile[0]]), (323, 3, [tile[1]])] if tile else [(278, 3, [rows])] if rows else []
    tags += [(284, 3, [2])] if planar else []
    tags += [(317, 3, [2])] if predictor else []
    tags += [(266, 3, [fill])] if fill != 1 else []
    tags += [(274, 3, [orientation])] if orientation else []
    tags += [(320, 3, palette)] if palette is not None else []
    tags += [(338, 3, list(extra))] if extra else []
    body = b"".join(data)
    body += bytes(len(body) % 2)
    field, entries, at = ("Q", b"", start + len(body)) if big else ("I", b"", start + len(body))
    room, values = struct.calcsize(field), b""
    values_at = at + (8 if big else 2) + len(tags) * (20 if big else 12) + room
    for tag, kind, numbers in sorted(tags, key=lambda t: t[0]):
        value = struct.pack(f"{order}{len(numbers)}{ {1: 'B', 3: 'H', 4: 'I'}[kind]}", *map(int, numbers))
        if len(value) > room:
            values, value = values + value + bytes(len(value) % 2), struct.pack(order + field, values_at + len(values))
        entries += struct.pack(order + "HH" + field, tag, kind, len(numbers)) + value.ljust(room, b"\0")
    directory = struct.pack(order + ("Q" if big else "H"), len(tags)) + entries + struct.pack(order + field, 0) + values
    mark = b"II" if order == "<" else b"MM"
    head = struct.pack(order + "HHHQ", 43, 8, 0, at) if big else struct.pack(order + "HI", 42, at)
    return mark + head + body + directory


NUMBER = itertools.count()


def layout():
    """A way to store samples, another one at each call."""
    number = next(NUMBER)
    form = ({}, {"rows": 1}, {"rows": 3}, {"tile": (16, 16)}, {"rows": 1000}, {"tile": (32, 16)}, {"rows": 2})[number % 7]
    return {"compression": (1, LZW, DEFLATE, PACKBITS, OLD_DEFLATE)[number % 5], **form}


def random_colors(bits):
    return rng.integers(0, 65536, 3 << bits)


def each(make):
    """make(width, height, options) over sizes, byte orders and layouts."""
    return [make(width, height, {"order": order, **layout()}) for width, height in SIZES for order in "<>"]


def fill_order(known, options):
    """1 or 2; uncompressed, Pillow has the latter for some kinds only."""
    return int(rng.integers(1, 3)) if known or options["compression"] != 1 else 1


def tiff_grey(bits, photometric):
    def make(width, height, options):
        if bits in (12, 16) and photometric == 0 or bits == 12:
            options["order"] = "<"
        fill = fill_order(bits < 8 or photometric == 1, options) if bits < 12 else 1
        levels = 1 << bits if rng.random() < 0.5 or bits < 12 else 400
        return tiff(samples(width, height, 1, levels), bits, photometric, fill=fill,
                    predictor=bits in (8, 16) and bool(rng.integers(2)), **options)
    return each(make)


def tiff_palette(bits):
    return each(lambda width, height, options: tiff(samples(width, height, 1, 1 << bits), bits, 3, palette=random_colors(bits),
                                                    fill=fill_order(bits == 8, options), **options))


def tiff_rgb(bits, extra, missing=False):
    def make(width, height, options):
        channels = 3 + len(extra)
        return tiff(samples(width, height, channels, 1 << bits), bits, 2, extra=() if missing else extra,
                    predictor=bool(rng.integers(2)), **options)
    return each(make)


def tiff_alpha_grey(photometric):
    def make(width, height, options):
        palette = random_colors(8) if photometric == 3 else None
        return tiff(samples(width, height, 2, 256), 8, photometric, extra=(2,), palette=palette, **options)
    return each(make)


def tiff_planes(bits):
    """Planes compressed, and of 8 bits also uncompressed: Pillow takes others for 8 bits."""
    def make(width, height, options):
        channels = int(rng.integers(3, 5))
        if bits == 16 and options["compression"] == 1:
            options["compression"] = LZW
        return tiff(samples(width, height, channels, 1 << bits), bits, 2, planar=True, extra=(2,) * (channels - 3),
                    predictor=bool(rng.integers(2)), **options)
    return each(make)


def tiff_oddities():
    rgb = samples(19, 13, 3, 256)
    grey = samples(19, 13, 1, 256)
    yield tiff(rgb, 8, 2, sizes=False)
    yield tiff(rgb, 8, 2, more=[(339, 3, [1, 1, 1])])
    yield tiff(rgb, 8, 2, more=[(339, 3, [1])])
    yield tiff(grey, 8, 1, more=[(65000, 1, range(50)), (270, 1, b"text"), (254, 4, [0])])
    yield tiff(grey, 8, 1, big=True)
    yield tiff(rgb, 8, 2, big=True, compression=LZW, rows=2, predictor=True)
    yield tiff(grey, 8, 1, more=[(317, 3, [2])])  # a predictor that uncompressed data does not have
    yield tiff(grey, 8, 1, compression=PACKBITS, more=[(317, 3, [2])])
    few = rng.integers(0, 65536, 30)
    yield tiff(grey, 8, 3, palette=few)
    yield tiff(samples(300, 260, 3, 256), 8, 2, compression=LZW, predictor=True)  # the table fills up more than once
    yield tiff(samples(300, 260, 1, 65536), 16, 1, compression=LZW, order=">")
    buffer = io.BytesIO()
    pages = [Image.fromarray(samples(9, 9, 3, 256).astype(np.uint8), "RGB") for _ in range(3)]
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:])
    yield buffer.getvalue()


def tiff_orientation():
    for orientation in range(1, 9):
        for width, height in SIZES[:9]:
            yield tiff(samples(width, height, 3, 256), 8, 2, orientation=orientation, compression=(1, LZW)[orientation % 2])
    yield tiff(samples(5, 3, 1, 256), 8, 1, orientation=9)


def tiff_beyond():
    """(file, pixels) of what Pillow 9.4 refuses or reads otherwise."""
    for width, height in SIZES:
        for order in "<>":
            options = {"order": order, **layout()}
            alike = {**options, "compression": 1}
            grey, rgb = samples(width, height, 1, 65536), samples(width, height, 4, 65536)
            clipped = np.minimum(np.repeat(grey, 3, 2), 255)
            yield tiff(rgb[:, :, :3], 16, 2, planar=True, **alike), rgb[:, :, :3] >> 8
            yield tiff(rgb, 16, 2, extra=(0,), fill=2, **options), rgb[:, :, :3] >> 8
            yield tiff(grey >> 8, 8, 0, fill=2, **alike), 255 - np.repeat(grey >> 8, 3, 2)
            colors = random_colors(4)
            yield (tiff(grey >> 12, 4, 3, fill=2, palette=colors, **alike),
                   colors.reshape(3, 16).T[grey[:, :, 0] >> 12] >> 8)
            yield tiff(rgb[:, :, :3], 16, 2, order=">", big=True, compression=LZW), rgb[:, :, :3] >> 8
            yield tiff(grey, 16, 0, order=">"), clipped
            yield tiff(grey, 16, 1, big=True, **options), clipped
            yield tiff(grey >> 4, 12, 1, order=">"), np.minimum(np.repeat(grey >> 4, 3, 2), 255)
            yield tiff(grey >> 8, 8, 0, more=[(284, 3, [2])], **alike), 255 - np.repeat(grey >> 8, 3, 2)
            yield tiff(grey >> 15, 1, 0, more=[(284, 3, [2])], **options), 255 - 255 * np.repeat(grey >> 15, 3, 2)
            yield tiff(rgb[:, :, :2] >> 8, 8, 1, planar=True, extra=(2,), **options), np.repeat(rgb[:, :, :1] >> 8, 3, 2)


# ---- orientation ----


def exif(orientation, order):
    mark, directory = (b"II*\0", "<") if order == "<" else (b"MM\0*", ">")
    return b"Exif\0\0" + mark + struct.pack(directory + "IHHHIHHI", 8, 1, 0x112, 3, 1, orientation, 0, 0)


def oriented():
    for kind in ("JPEG", "PNG"):
        for orientation in range(0, 10):
            for width, height in ((1, 1), (3, 2), (17, 31), (40, 24)):
                image = Image.fromarray(samples(width, height, 3, 256).astype(np.uint8), "RGB")
                buffer = io.BytesIO()
                image.save(buffer, kind, exif=exif(orientation, "<>"[width % 2]))
                yield buffer.getvalue()
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    yield buffer.getvalue()


# ---- the comparison ----


def compare(name, files, folder, pool, options=()):
    """files: contents, to be as Pillow shows them, or pairs of content and pixels."""
    files = [(file, None) if isinstance(file, bytes) else file for file in files]
    results = list(pool.map(lambda job: lake_pixels(folder, job[0], job[1][0], options)[1], enumerate(files)))
    for number, ((data, pixels), result) in enumerate(zip(files, results)):
        expected = pillow_pixels(data, upright=bool(options)) if pixels is None else ppm(np.asarray(pixels))
        if result != expected:
            kept = os.path.join(tempfile.gettempdir(), "lake-bmp-tiff-failed")
            with open(kept, "wb") as f:
                f.write(data)
            print(f"not ok {name}: picture {number} of {len(files)}: {difference(result, expected)} (kept as {kept})")
            return
    print(f"ok {name}: {len(files)} pictures identical")


def groups(folder):
    for bits in (1, 4, 8):
        yield f"bmp {bits} bit", bmp_palettes(bits)
    for bits in (16, 24, 32):
        yield f"bmp {bits} bit", list(bmp_colors(bits)) + list(bmp_colors(bits, 124)) + list(bmp_colors(bits, 12))[::3]
    yield "bmp colour masks", bmp_masks()
    yield "bmp run lengths, 8 bit", [file for file, _ in bmp_runs(8, 1)]
    yield "bmp run lengths, 4 bit", [file for file, _ in bmp_runs(4, 4)]
    yield "bmp beyond Pillow", bmp_beyond()
    for bits in (1, 2, 4, 8, 12, 16):
        yield f"tiff grey {bits} bit", tiff_grey(bits, 1)
        if bits != 12:
            yield f"tiff grey {bits} bit, white is zero", tiff_grey(bits, 0)
    for bits in (1, 2, 4, 8):
        yield f"tiff palette {bits} bit", tiff_palette(bits)
    for bits in (8, 16):
        yield f"tiff RGB {bits} bit", tiff_rgb(bits, ())
        for extra, word in (((0,), "unknown sample"), ((1,), "premultiplied alpha"), ((2,), "alpha")):
            yield f"tiff RGB {bits} bit, {word}", tiff_rgb(bits, extra)
        yield f"tiff RGB {bits} bit, alpha not named", tiff_rgb(bits, (2,), missing=True)
        yield f"tiff RGB {bits} bit, planes", tiff_planes(bits)
    yield "tiff RGB 8 bit, three more samples", tiff_rgb(8, (1, 0, 0))
    yield "tiff grey with alpha", tiff_alpha_grey(1)
    yield "tiff palette with alpha", tiff_alpha_grey(3)
    yield "tiff orientation", tiff_orientation()
    yield "tiff oddities", tiff_oddities()
    yield "tiff beyond Pillow", tiff_beyond()


def refusals(folder):
    """What is not read is named."""
    rgb = samples(9, 9, 3, 256)

    def changed(tag, value):
        return tiff(rgb, 8, 2, more=[(tag, 3, [value])])

    def compressed(number):
        data = tiff(rgb, 8, 2)
        at = data.index(struct.pack("<HHI", 259, 3, 1)) + 8
        return data[:at] + struct.pack("<H", number) + data[at + 2:]

    jpeg, fax = compressed(7), compressed(4)
    files = {"JPEG in TIFF": (jpeg, "JPEG inside"), "CCITT": (fax, "CCITT"), "LZMA": (compressed(34925), "LZMA"),
             "float": (changed(339, 3), "floating-point"), "signed": (changed(339, 2), "signed"),
             "CMYK": (tiff(samples(9, 9, 4, 256), 8, 5), "CMYK"), "YCbCr": (tiff(rgb, 8, 6), "YCbCr"),
             "32 bits": (tiff(rgb[:, :, :1], 32, 1), "bits per sample"), "Bayer": (tiff(rgb[:, :, :1], 8, 32803), "colour filter"),
             "BMP with PNG": (bmp(9, 9, 24, b"", compression=5), "PNG inside"),
             "BMP of 2 bits": (bmp(9, 9, 2, bytes(99)), "2 bits"), "header": (bmp(9, 9, 8, bytes(99), header=48)[:14] +
             struct.pack("<I", 20) + bytes(99), "header of 20 bytes")}
    bad = 0
    for name, (data, word) in files.items():
        code, message = lake_pixels(folder, "bad", data)
        if code != 3 or word.encode() not in message or message.count(b"\n") != 1:
            print(f"not ok bmp_tiff names what it refuses: {name}: exit code {code}, {message[:200]!r}")
            bad += 1
    if not bad:
        print(f"ok bmp_tiff names what it refuses: {len(files)} kinds")


def main():
    if not PIL.__version__.startswith("9.4"):
        print(f"skip bmp_tiff: Pillow {PIL.__version__}, the reference is 9.4")
        return
    if not os.path.exists(LAKE):
        print(f"skip bmp_tiff: no command {LAKE}")
        return
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, files in groups(folder):
            compare(name, files, folder, pool)
        compare("orientation by EXIF", oriented(), folder, pool, ["--exif"])
        compare("orientation left alone", oriented(), folder, pool)
        refusals(folder)


if __name__ == "__main__":
    main()
