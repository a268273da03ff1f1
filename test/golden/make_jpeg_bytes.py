"""Writes test/golden/jpeg_bytes.h: small JPEG files as C arrays, with the CRC-32 of the RGB bytes that Pillow decodes from
each. Run from the checkout's root: /usr/bin/python3 test/golden/make_jpeg_bytes.py"""
import io
import sys
import zlib

import numpy as np
import PIL
from PIL import Image, features

sys.path.insert(0, "test")
import test_jpeg  # noqa: E402

y, x = np.mgrid[0:22, 0:27]
pixels = np.uint8(np.stack([128 + 100 * np.sin(x / 3), 128 + 100 * np.cos(y / 4), 9 * x], 2).clip(0, 255))
files = [
    ("baseline", test_jpeg.pillow_jpeg(pixels, quality=60, optimize=True)),
    ("grey", test_jpeg.pillow_jpeg(pixels, "L", quality=60, optimize=True)),
    ("progressive", test_jpeg.pillow_jpeg(pixels, quality=60, progressive=True)),
    ("cmyk", test_jpeg.pillow_jpeg(pixels, "CMYK", quality=40, optimize=True)),
    ("restarts", test_jpeg.write_jpeg(27, 22, [(2, 2), (1, 1), (1, 1)], restart=1, tables=b"")),
    ("scans", test_jpeg.write_jpeg(27, 22, [(1, 2), (1, 1), (1, 1)], scans=[[1], [0, 2]], tables=b"")),
]
with open("test/golden/jpeg_bytes.h", "w") as out:
    out.write(f"/* Made by make_jpeg_bytes.py with Pillow {PIL.__version__}, libjpeg-turbo {features.version('libjpeg_turbo')}. */\n"
              "#include <stdint.h>\n#include <stdlib.h>\n\n")
    for name, data in files:
        out.write(f"static const unsigned char jpeg_{name}[{len(data)}] = {{\n")
        for i in range(0, len(data), 32):
            out.write("    " + ", ".join(str(b) for b in data[i:i + 32]) + ("," if i + 32 < len(data) else "") + "\n")
        out.write("};\n\n")
    out.write("static const struct {\n    const char *name;\n    const unsigned char *data;\n    size_t size;\n"
              "    int width, height;\n    uint32_t crc;\n} jpeg_files[] = {\n")
    for name, data in files:
        picture = Image.open(io.BytesIO(data)).convert("RGB")
        out.write(f'    {{"{name}", jpeg_{name}, sizeof jpeg_{name}, {picture.width}, {picture.height}, '
                  f"{zlib.crc32(picture.tobytes()):#010x}}},\n")
    out.write("};\n")
