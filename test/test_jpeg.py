"""JPEG decoding against Pillow, byte for byte, through the command (`lake pixels IMAGE -o OUT.ppm`).

Most pictures come from the writer below: every sampling factor that the standard allows, scans of single components,
restart markers, coefficients that overflow the sample range, colour marks. The others are Pillow's with bytes removed or
added; what Pillow, ImageMagick and cjpeg write as it is, is in test_pictures.py. Expected values are Pillow's own
decoding."""
import io
import os
import platform
import shutil
import sys
import tempfile

try:
    import numpy as np
    from PIL import Image
except ImportError as missing:
    print(f"skip jpeg: {missing}")
    sys.exit(0)

from against_pillow import LAKE, difference, lake_pixels, pillow_pixels

FOLDER = ""  # scratch, while main runs


# ---------------------------------------------------------------- comparing

def group(name, cases):
    """One line for a group of (label, file bytes)."""
    count, failures = 0, []
    for label, data in cases:
        count += 1
        found, expected = lake_pixels(FOLDER, "jpeg", data)[1], pillow_pixels(data)
        if found != expected:
            failures.append(f"{label}: {difference(found, expected)}")
    if failures:
        print(f"not ok jpeg {name}: {len(failures)} of {count} differ; {'; '.join(failures[:3])}")
    else:
        print(f"ok jpeg {name} ({count} files)")


def refused(name, data, *words):
    """The command must exit with 3 and a message that holds the words."""
    code, message = lake_pixels(FOLDER, "jpeg", data)
    if code == 3 and all(word.encode() in message for word in words):
        print(f"ok jpeg refuses {name}")
    else:
        print(f"not ok jpeg refuses {name}: exit {code}, message {message.strip()!r}")


# ---------------------------------------------------------------- pictures and Pillow's writer

RNG = np.random.RandomState(20240611)


def picture(width, height):
    """Waves with a little noise: what photos are like."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    waves = [np.sin(x / 9 + i) + np.cos(y / (5 + i)) + np.sin((x + y) / 14) for i in range(3)]
    return np.uint8(np.clip(128 + 40 * np.stack(waves, 2) + RNG.normal(0, 4, (height, width, 3)), 0, 255))


def pillow_jpeg(pixels, mode="RGB", **options):
    out = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(out, "JPEG", **options)
    return out.getvalue()


# ---------------------------------------------------------------- a writer of our own


def segment(marker, payload):
    return bytes([0xff, marker]) + (len(payload) + 2).to_bytes(2, "big") + bytes(payload)


def segments(data):
    """(marker, payload) of each segment up to the first scan."""
    at, found = 2, []
    while data[at + 1] != 0xda:
        length = int.from_bytes(data[at + 2:at + 4], "big")
        found.append((data[at + 1], data[at + 4:at + 2 + length]))
        at += 2 + length
    return found


def standard_tables():
    """The DHT segments of a plain Pillow file, and code and length of each symbol: {class and index: {symbol: ...}}."""
    raw, codes = b"", {}
    for marker, payload in segments(pillow_jpeg(picture(8, 8))):
        if marker != 0xc4:
            continue
        raw += segment(marker, payload)
        while payload:
            table, counts, code, at = payload[0], payload[1:17], 0, 17
            codes[table] = {}
            for length, count in enumerate(counts, 1):
                for _ in range(count):
                    codes[table][payload[at]] = (code, length)
                    code, at = code + 1, at + 1
                code <<= 1
            payload = payload[at:]
    return raw, codes


DHT, CODES = standard_tables()


class Bits:
    def __init__(self):
        self.value, self.count = 0, 0

    def put(self, value, count):
        self.value, self.count = self.value << count | value, self.count + count

    def signed(self, value):
        size = abs(value).bit_length()
        self.put(value if value >= 0 else value + (1 << size) - 1, size)

    def flush(self):
        pad = -self.count % 8
        self.put((1 << pad) - 1, pad)
        data = self.value.to_bytes(self.count // 8, "big").replace(b"\xff", b"\xff\x00")
        self.value, self.count = 0, 0
        return data


def put_block(bits, block, previous, table):
    """One block, in zigzag order, with DC and AC tables `table`."""
    size = abs(int(block[0]) - previous).bit_length()
    bits.put(*CODES[table][size])
    bits.signed(int(block[0]) - previous)
    run = 0
    last = max([k for k in range(1, 64) if block[k] != 0], default=0)
    for k in range(1, last + 1):
        if block[k] == 0:
            run += 1
            continue
        while run > 15:
            bits.put(*CODES[0x10 | table][0xf0])
            run -= 16
        bits.put(*CODES[0x10 | table][run << 4 | abs(int(block[k])).bit_length()])
        bits.signed(int(block[k]))
        run = 0
    if last < 63:
        bits.put(*CODES[0x10 | table][0])
    return int(block[0])


def scan_bytes(width, height, factors, members, blocks, restart):
    """The entropy-coded segment of one scan of the components `members`; blocks(component, row, column) gives them."""
    max_h, max_v = max(h for h, _ in factors), max(v for _, v in factors)
    out, bits, previous, done = b"", Bits(), [0] * len(factors), 0
    if len(members) == 1:
        h, v = factors[members[0]]
        wide, high = -(-(-(-width * h // max_h)) // 8), -(-(-(-height * v // max_v)) // 8)
        mcus = [[(members[0], y, x)] for y in range(high) for x in range(wide)]
    else:
        wide, high = -(-width // (8 * max_h)), -(-height // (8 * max_v))
        mcus = [[(c, my * factors[c][1] + y, mx * factors[c][0] + x)
                 for c in members for y in range(factors[c][1]) for x in range(factors[c][0])]
                for my in range(high) for mx in range(wide)]
    for mcu in mcus:
        if restart and done and done % restart == 0:
            out += bits.flush() + bytes([0xff, 0xd0 + (done // restart - 1) % 8])
            previous = [0] * len(factors)
        for c, y, x in mcu:
            previous[c] = put_block(bits, blocks(c, y, x), previous[c], 0 if c == 0 else 1)
        done += 1
    return out + bits.flush()


def write_jpeg(width, height, factors, amplitude=40, quant=8, restart=0, scans=None, marks=b"", ids=(1, 2, 3, 4), tables=DHT,
               frame=0xc0, seed=0, requantise=False):
    """A sequential JPEG of random coefficients: DC within +-amplitude, AC falling off with frequency. quant above 255 makes a
    table of 16-bit numbers; requantise puts another table of the same number before each scan but the first."""
    rng, count, cache = np.random.RandomState(seed), len(factors), {}

    def blocks(c, y, x):
        if (c, y, x) not in cache:
            scale = amplitude / (1 + np.arange(64) / (1 if amplitude < 200 else 20))
            block = np.int64(rng.uniform(-1, 1, 64) * scale)
            block[rng.randint(1, 65):] = 0
            cache[c, y, x] = block
        return cache[c, y, x]

    def quant_table(base):
        if base > 255:
            return segment(0xdb, b"\x10" + b"".join((base + k).to_bytes(2, "big") for k in range(64)))
        return segment(0xdb, b"\x00" + bytes(min(255, base + k) for k in range(64)))

    data = b"\xff\xd8" + marks + quant_table(quant) + tables
    data += segment(frame, bytes([8]) + height.to_bytes(2, "big") + width.to_bytes(2, "big") + bytes([count])
                    + b"".join(bytes([ids[c], factors[c][0] << 4 | factors[c][1], 0]) for c in range(count)))
    if restart:
        data += segment(0xdd, restart.to_bytes(2, "big"))
    for number, members in enumerate(scans or [list(range(count))]):
        if requantise and number > 0:
            data += quant_table(quant + 5 * number)
        header = bytes([len(members)]) + b"".join(bytes([ids[c], 0 if c == 0 else 0x11]) for c in members)
        data += segment(0xda, header + bytes([0, 63, 0])) + scan_bytes(width, height, factors, members, blocks, restart)
    return data + b"\xff\xd9"


def whole_ratios(factors):
    return all(max(f[i] for f in factors) % f_c[i] == 0 for i in (0, 1) for f_c in factors)


def factor_cases():
    """All factors of the first component against 1x1 and 2x2, 2x1 and 1x2 of the others, where the ratio is whole; interleaved
    up to the standard's 10 blocks in an MCU, in separate scans beyond."""
    seed = 0
    for h in (1, 2, 3, 4):
        for v in (1, 2, 3, 4):
            for others in [((1, 1), (1, 1)), ((2, 2), (2, 2)), ((2, 1), (1, 2)), ((1, 2), (1, 1)), ((4, 1), (1, 4))]:
                factors = [(h, v)] + list(others)
                if not whole_ratios(factors):
                    continue
                seed += 1
                interleaved = sum(a * b for a, b in factors) <= 10
                scans = None if interleaved and seed % 3 else [[0], [1], [2]]
                for width, height in [(41, 35), (5, 3), (2, 2)]:
                    yield (f"{factors} {width}x{height} scans {scans}",
                           write_jpeg(width, height, factors, restart=(0, 0, 2)[seed % 3], scans=scans, seed=seed))


def single_cases():
    for h in (1, 2, 3, 4):
        for v in (1, 2, 3, 4):
            yield f"{h}x{v}", write_jpeg(29, 21, [(h, v)], seed=h * 5 + v, restart=h % 3)


def scan_cases():
    for seed, scans in enumerate([[[0], [1], [2]], [[2], [0], [1]], [[0, 1], [2]], [[0], [1, 2]], [[1, 2], [0]]]):
        for restart in (0, 1, 5):
            yield f"scans {scans} restart {restart}", write_jpeg(50, 34, [(2, 2), (1, 1), (1, 1)], scans=scans, restart=restart, seed=seed)


def quantisation_cases():
    for seed in range(4):
        yield f"16-bit table {seed}", write_jpeg(40, 30, [(2, 1), (1, 1), (1, 1)], amplitude=3, quant=300 + 400 * seed, frame=0xc1, seed=seed)
        yield f"new table before each scan {seed}", write_jpeg(40, 30, [(2, 1), (1, 1), (1, 1)], scans=[[2], [0], [1]], requantise=True,
                                                                seed=seed)
    progressive = pillow_jpeg(picture(40, 30), progressive=True)
    last_scan = progressive.rindex(b"\xff\xda")
    yield ("a table too late for a component begun",
           progressive[:last_scan] + segment(0xdb, b"\x00" + b"\x37" * 64) + progressive[last_scan:])


def colour_cases():
    def adobe(transform):
        return segment(0xee, b"Adobe\x00\x64\0\0\0\0" + bytes([transform]))

    jfif = segment(0xe0, b"JFIF\0\1\1\0\0\1\0\1\0\0")
    rgb, cmyk = [(1, 1)] * 3, [(1, 1)] * 4
    yield "no mark", write_jpeg(20, 20, rgb)
    yield "JFIF", write_jpeg(20, 20, rgb, marks=jfif)
    yield "JFIF and ids RGB", write_jpeg(20, 20, rgb, marks=jfif, ids=b"RGB")
    yield "ids RGB", write_jpeg(20, 20, rgb, ids=b"RGB")
    yield "ids 0 1 2", write_jpeg(20, 20, rgb, ids=(0, 1, 2))
    yield "all ids 0", write_jpeg(20, 20, rgb, ids=(7, 7, 7))
    for transform in (0, 1, 2):
        yield f"Adobe {transform}", write_jpeg(20, 20, rgb, marks=adobe(transform))
        yield f"Adobe {transform}, ids RGB", write_jpeg(20, 20, rgb, marks=adobe(transform), ids=b"RGB")
        yield f"JFIF and Adobe {transform}", write_jpeg(20, 20, rgb, marks=jfif + adobe(transform))
        yield f"CMYK Adobe {transform}", write_jpeg(20, 20, cmyk, marks=adobe(transform))
    yield "CMYK no mark", write_jpeg(20, 20, cmyk)
    yield "CMYK JFIF", write_jpeg(20, 20, cmyk, marks=jfif)
    yield "YCCK subsampled", write_jpeg(20, 20, [(2, 2), (1, 1), (1, 1), (2, 2)], marks=adobe(2))
    yield "extended sequential", write_jpeg(20, 20, rgb, frame=0xc1)
    yield "no Huffman tables", write_jpeg(20, 20, rgb, tables=b"")


def overflow_cases():
    """Coefficients far outside what a picture gives: samples clip, and 16-bit words wrap as in libjpeg-turbo's
    vector code for x86."""
    for seed in range(20):
        yield f"clipping {seed}", write_jpeg(32, 32, [(1, 1)] * 3, amplitude=100, quant=10, seed=seed)
    if platform.machine() not in ("x86_64", "AMD64"):
        print("skip jpeg wrapping coefficients: other processors' libjpeg-turbo wraps differently")
        return
    for seed in range(20):
        yield f"wrapping {seed}", write_jpeg(32, 32, [(1, 1)] * 3, amplitude=1000, quant=255, seed=seed)


# ---------------------------------------------------------------- altered files

def altered_cases():
    plain = pillow_jpeg(picture(40, 30), quality=80)
    yield "bytes behind the end", plain + b"anything" * 10
    yield "comment", plain[:2] + segment(0xfe, b"\xff\xd9 in a comment") + plain[2:]
    yield "fill bytes", plain[:2] + b"\xff\xff\xff" + plain[2:]
    yield "EXIF orientation", pillow_jpeg(picture(40, 30), exif=b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0")


def long_cases():
    """Coded data of several of the reader's chunks (16 KB), which begin anywhere: between 0xFF and the 0x00 stuffed behind it, too."""
    for seed in range(12):
        noise = RNG.normal(0, 30 + seed, (110, 150 + seed, 3))
        for progressive in (False, True):
            yield (f"noise {seed} progressive {progressive}",
                   pillow_jpeg(np.uint8(np.clip(128 + noise, 0, 255)), quality=97, subsampling=0, progressive=progressive))


def refusals():
    plain = pillow_jpeg(picture(40, 30), quality=80)
    frame = plain.index(b"\xff\xc0")
    for cut in (1, 2, 50, len(plain) // 2):
        refused(f"a file without its last {cut} bytes", plain[:-cut], "truncated")
    for marker, word in [(0xc3, "lossless"), (0xc5, "hierarchical"), (0xc9, "arithmetic"), (0xca, "arithmetic")]:
        refused(word, plain[:frame + 1] + bytes([marker]) + plain[frame + 2:], word, "convert")
    refused("12 bits", plain[:frame + 1] + b"\xc1" + plain[frame + 2:frame + 4] + b"\x0c" + plain[frame + 5:], "12-bit", "convert")
    refused("large promises", plain[:frame + 5] + b"\x3f\xff\x3f\xff" + plain[frame + 9:], "truncated")
    refused("two components", write_jpeg(20, 20, [(1, 1)] * 2), "2 components")
    refused("fractional subsampling", write_jpeg(20, 20, [(3, 1), (2, 1), (1, 1)]), "fractional")
    refused("a missing scan", write_jpeg(20, 20, [(1, 1)] * 3, scans=[[0], [1]]), "without a scan")


def coded_refusals():
    """Coded data that cannot be: all ones, which are no code; a run of zeros that leaves the block."""
    grey = write_jpeg(8, 8, [(1, 1)])
    head = grey[:grey.index(b"\xff\xda") + 10]
    refused("coded data of ones alone", head + b"\xff\x00" * 40000 + b"\xff\xd9", "invalid coded data")
    bits = Bits()
    bits.put(*CODES[0][0])
    for _ in range(4):
        bits.put(*CODES[0x10][0xf0])
    refused("a run that leaves the block", head + bits.flush() + b"\xff\xd9", "invalid coded data")


def main():
    if shutil.which(LAKE) is None:
        print(f"skip jpeg: no command {LAKE}")
        return
    group("sampling factors", factor_cases())
    group("one component's factors", single_cases())
    group("several scans", scan_cases())
    group("quantisation tables", quantisation_cases())
    group("colour marks", colour_cases())
    group("overflow", overflow_cases())
    group("altered files", altered_cases())
    group("long", long_cases())
    os.environ["LAKE_KERNEL"] = "plain"
    group("sampling factors, plain kernel", factor_cases())
    group("overflow, plain kernel", overflow_cases())
    del os.environ["LAKE_KERNEL"]
    refusals()
    coded_refusals()


if __name__ == "__main__":
    FOLDER = tempfile.mkdtemp(prefix="lake_jpeg_")
    try:
        main()
    finally:
        shutil.rmtree(FOLDER)
