"""Makes test/golden/image/: small pictures and compressed streams, and what other people's code reads in them.

    /usr/bin/python3 test/golden/make_image.py

pixels.txt has a line per picture and size: file, R of --res (0: not resized), width, height, CRC-32 of the RGB
bytes as Pillow gives them. plain is the content of the compressed files, which Python's zlib wrote; in all.gz
three members with every optional header field stand one after the other, so it holds plain three times."""
import io
import os
import random
import struct
import sys
import zlib

import PIL
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import test_pixels

FOLDER = os.path.join(HERE, "image")


def save(name, data):
    with open(os.path.join(FOLDER, name), "wb") as f:
        f.write(data)


def pictures():
    """One of each way to store pixels, small; every fifth of the large set."""
    for kinds in (test_pixels.png_kinds(), test_pixels.pnm_kinds()):
        for number, (name, files) in enumerate(kinds):
            if "oddities" not in name:
                kind = "png" if name.startswith("png") else "pnm"
                yield f"{name.split(' ', 1)[1].replace(' ', '-').replace('+', '-')}.{kind}", files[3 + number % 4]


def streams():
    random.seed(7)
    words = [bytes(random.choices(b"etaoinshrdlu", k=random.randint(1, 9))) for _ in range(60)]
    plain = b" ".join(random.choices(words, k=300)) + b"a" * 400 + bytes(random.randrange(256) for _ in range(300))
    save("plain", plain)
    for name, level, strategy in (("dynamic", 9, 0), ("fixed", 9, zlib.Z_FIXED), ("huffman", 6, zlib.Z_HUFFMAN_ONLY), ("stored", 0, 0)):
        packer = zlib.compressobj(level, zlib.DEFLATED, 15, 9, strategy)
        save(name + ".zlib", packer.compress(plain) + packer.flush())
    members = b""
    for flags in (0, 2 + 4 + 8 + 16, 8):  # header checksum, extra field, name, comment
        head = b"\x1f\x8b\x08" + bytes([flags]) + struct.pack("<IBB", 1700000000, 0, 255)
        head += struct.pack("<H", 5) + b"extra" if flags & 4 else b""
        head += b"a name\0" if flags & 8 else b""
        head += b"a comment\0" if flags & 16 else b""
        head += struct.pack("<H", zlib.crc32(head) & 0xFFFF) if flags & 2 else b""
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        members += head + packer.compress(plain) + packer.flush() + struct.pack("<II", zlib.crc32(plain), len(plain))
    save("all.gz", members)


def main():
    os.makedirs(FOLDER, exist_ok=True)
    lines = [f"# Pillow {PIL.__version__}, zlib {zlib.ZLIB_RUNTIME_VERSION}; made by test/golden/make_image.py\n"]
    for name, data in pictures():
        save(name, data)
        image = Image.open(io.BytesIO(data)).convert("RGB")
        for size in (0, 1, 6, 50):
            result = image.resize((size, size), Image.BICUBIC) if size else image
            lines.append(f"{name} {size} {result.width} {result.height} {zlib.crc32(result.tobytes()):08x}\n")
    save("pixels.txt", "".join(lines).encode())
    streams()


main()
