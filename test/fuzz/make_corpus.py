#!/usr/bin/python3
"""The seeds in test/fuzz/corpus/: small good files of every kind that lake reads. `make_corpus.py [FOLDER]`, from the
project's folder; needs ./lake (or $LAKE), NumPy, Pillow and PyTorch. Files named crash-* were found by fuzzing and are
not made here.

Made with Python 3.11.2, NumPy 1.24.2, Pillow 9.4.0, PyTorch 1.13.1."""
import gzip
import io
import json
import os
import pickle
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib

import numpy as np
import torch
from PIL import Image, TiffImagePlugin

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "golden"))
import make_checkpoints as checkpoints  # noqa: E402

LAKE = os.environ.get("LAKE", "./lake")
FOLDER = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "corpus")


def write(kind, name, data):
    os.makedirs(os.path.join(FOLDER, kind), exist_ok=True)
    with open(os.path.join(FOLDER, kind, name), "wb") as f:
        f.write(data.encode() if isinstance(data, str) else data)


# ---- pictures ----

def picture(mode, width=13, height=9):
    """A coloured ramp with a few random pixels."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:height, 0:width]
    rgb = np.stack([x * 255 // width, y * 255 // height, (x + y) * 9 % 256], 2).astype(np.uint8)
    rgb[rng.integers(0, height, 9), rng.integers(0, width, 9)] = 255
    image = Image.fromarray(rgb)
    if mode == "I;16":
        return Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 201)
    return image.convert("RGB").quantize(11) if mode == "P" else image.convert(mode)


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def png_chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width, height, bits, colour, interlaced=0, extra=b"", pieces=1):
    """A PNG of random bytes, all filters in turn."""
    rng = random.Random(bits * 8 + colour)
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)] if interlaced else [(0, 0, 1, 1)]
    rows, n = b"", 0
    for x, y, dx, dy in passes:
        w, h = -(-(width - x) // dx), -(-(height - y) // dy)
        for _ in range(h if w > 0 else 0):
            rows += bytes([n % 5]) + bytes(rng.randrange(256) & (0x11 if colour == 3 else 255) for _ in range(-(-w * channels * bits // 8)))
            n += 1
    data, out = zlib.compress(rows, 9), b"\x89PNG\r\n\x1a\n"
    out += png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced)) + extra
    step = -(-len(data) // pieces)
    return out + b"".join(png_chunk(b"IDAT", data[i:i + step]) for i in range(0, len(data), step)) + png_chunk(b"IEND", b"")


def make_png():
    for colour, depths in ((0, (1, 2, 4, 8, 16)), (2, (8, 16)), (3, (1, 2, 4, 8)), (4, (8, 16)), (6, (8, 16))):
        for bits in depths:
            extra = png_chunk(b"PLTE", bytes(range(3 * min(17, 1 << bits)))) if colour == 3 else b""
            write("png", f"colour{colour}-{bits}.png", png(5, 6, bits, colour, extra=extra))
            if bits in (1, 4, 8):
                write("png", f"colour{colour}-{bits}-interlaced.png", png(6, 5, bits, colour, 1, extra))
    write("png", "colour3-8-full.png", png(4, 3, 8, 3, extra=png_chunk(b"PLTE", bytes(range(256)) * 3)))
    write("png", "pieces.png", png(5, 4, 8, 2, pieces=4))
    write("png", "chunks.png", png(3, 3, 8, 2, extra=png_chunk(b"gAMA", bytes(4)) + png_chunk(b"tEXt", b"a\0b") + png_chunk(b"tRNS", bytes(6))))
    write("png", "pillow.png", saved(picture("RGB"), "PNG"))


def make_jpeg():
    for mode in ("RGB", "L", "CMYK"):
        write("jpeg", f"{mode}.jpg", saved(picture(mode, 17, 11), "JPEG", quality=60))
    for subsampling in (0, 1, 2):
        for progressive in (False, True):
            write("jpeg", f"s{subsampling}{'p' if progressive else ''}.jpg",
                  saved(picture("RGB", 19, 18), "JPEG", quality=40, subsampling=subsampling, progressive=progressive, optimize=True))
    exif = Image.Exif()
    exif[274] = 6
    write("jpeg", "exif.jpg", saved(picture("L", 9, 5), "JPEG", quality=30, exif=exif))
    if shutil.which("cjpeg"):
        source = saved(picture("RGB", 33, 17), "PPM")
        for name, options in (("restart", ["-restart", "1B"]), ("411", ["-sample", "4x1"]), ("440", ["-sample", "1x2"]), ("odd", ["-sample", "3x1,1x1,2x1"])):
            done = subprocess.run(["cjpeg", "-quality", "40", *options], input=source, capture_output=True)
            if done.returncode == 0:
                write("jpeg", name + ".jpg", done.stdout)


def make_bmp():
    for mode in ("RGB", "L", "1", "P", "RGBA"):
        write("bmp", f"{mode}.bmp", saved(picture(mode, 7, 5), "BMP"))
    rows = bytes(range(64))
    for bits, masks in ((16, (0x7c00, 0x3e0, 0x1f, 0)), (16, (0xf800, 0x7e0, 0x1f, 0)), (32, (0xff0000, 0xff00, 0xff, 0xff000000))):
        head = struct.pack("<IiiHHIIiiII", 56, 4, 4, 1, bits, 3, 0, 0, 0, 0, 0) + struct.pack("<IIII", *masks)
        write("bmp", f"masks{bits}-{masks[0]:x}.bmp", b"BM" + struct.pack("<IHHI", 0, 0, 0, 14 + len(head)) + head + rows)
    palette = bytes(range(64))
    for name, compression, bits, data in (("rle8", 1, 8, b"\3\1\0\3\1\2\3\0\0\0\0\2\1\1\2\5\0\0\0\1"), ("rle4", 2, 4, b"\5\x12\0\0\0\4\x12\x34\0\2\1\1\3\x21\0\1")):
        head = struct.pack("<IiiHHIIiiII", 40, 6, 4, 1, bits, compression, len(data), 0, 0, 16, 0)
        write("bmp", f"{name}.bmp", b"BM" + struct.pack("<IHHI", 0, 0, 0, 14 + len(head) + 64) + head + palette + data)
    write("bmp", "os2.bmp", b"BM" + struct.pack("<IHHI", 0, 0, 0, 32) + struct.pack("<IHHHH", 12, 4, 2, 1, 1) + bytes([0, 0, 0, 255, 255, 255]) + bytes([160, 0, 0, 0, 80, 0, 0, 0]))
    write("bmp", "upside-down.bmp", b"BM" + struct.pack("<IHHI", 0, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, 2, -2, 1, 24, 0, 0, 0, 0, 0, 0) + bytes(range(16)))


def tiff(tags, order="<", data=b""):
    """A TIFF of these tags, {number: (type, values)}; "data" as a value is the offset of the data."""
    sizes, out = {1: "B", 3: "H", 4: "I"}, (b"II*\0" if order == "<" else b"MM\0*")
    at = 8 + 2 + 12 * len(tags) + 4
    directory, behind = struct.pack(order + "H", len(tags)), b""
    room = sum(len(v) * struct.calcsize(sizes[t]) for t, v in tags.values() if len(v) * struct.calcsize(sizes[t]) > 4)
    for tag, (kind, values) in sorted(tags.items()):
        values = [at + room + v[0] if isinstance(v, tuple) else v for v in values]
        raw = struct.pack(order + sizes[kind] * len(values), *values)
        if len(raw) > 4:
            directory += struct.pack(order + "HHII", tag, kind, len(values), at + len(behind))
            behind += raw
        else:
            directory += struct.pack(order + "HHI", tag, kind, len(values)) + raw.ljust(4, b"\0")
    return out + struct.pack(order + "I", 8) + directory + bytes(4) + behind + data


def make_tiff():
    for mode in ("RGB", "L", "1", "P", "CMYK", "RGBA", "I;16"):
        for compression in ("raw", "tiff_lzw", "packbits", "tiff_adobe_deflate"):
            if mode in ("RGB", "P") or compression == "tiff_lzw":
                write("tiff", f"{mode.replace(';', '')}-{compression}.tif", saved(picture(mode, 9, 6), "TIFF", compression=compression))
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[317] = 2
    write("tiff", "predictor.tif", saved(picture("RGB", 9, 6), "TIFF", compression="tiff_lzw", tiffinfo=info))
    data = bytes(range(256)) * 3
    for order in "<>":
        base = {256: (3, [20]), 257: (3, [18]), 258: (3, [8]), 259: (3, [1]), 262: (3, [1]), 274: (3, [7])}
        tiles = {322: (3, [16]), 323: (3, [16]), 324: (4, [(0,), (64,), (128,), (256,)]), 325: (4, [256] * 4)}
        write("tiff", f"tiles-{'little' if order == '<' else 'big'}.tif", tiff({**base, **tiles}, order, data))
        planes = {256: (3, [5]), 257: (3, [4]), 258: (3, [8, 8, 8]), 259: (3, [1]), 262: (3, [2]), 277: (3, [3]), 278: (3, [3]), 284: (3, [2]),
                  273: (4, [(0,), (15,), (20,), (35,), (40,), (55,)]), 279: (4, [15, 5] * 3)}
        write("tiff", f"planes-{'little' if order == '<' else 'big'}.tif", tiff(planes, order, data[:64]))
    write("tiff", "bits4.tif", tiff({256: (3, [5]), 257: (3, [4]), 258: (3, [4]), 262: (3, [0]), 266: (3, [2]), 273: (4, [(0,)]), 278: (4, [4]), 279: (4, [12])}, "<", data[:12]))
    big = b"II+\0\x08\0\0\0" + struct.pack("<Q", 16) + struct.pack("<Q", 7)
    for tag, kind, value in ((256, 3, 2), (257, 3, 2), (258, 3, 8), (262, 3, 1), (273, 16, 172), (278, 3, 2), (279, 3, 4)):
        big += struct.pack("<HHQQ", tag, kind, 1, value)
    write("tiff", "big.tif", big + bytes(8) + bytes([1, 2, 3, 4]))


def make_pnm():
    for name, text in (("P1", b"P1 # a bit map\n5 3\n1 0 1 0 1\n01010\n1 1 1 1 1\n"), ("P2", b"P2\n3 2\n15\n0 5 10\n15 1 2\n"),
                       ("P3", b"P3 2 2 300 0 1 2 3 4 5 6 7 8 9 10 300\n"), ("P4", b"P4\n9 2\n\xaa\x80\x55\0"), ("P5", b"P5 3 2 255\n012345"),
                       ("P5-16", b"P5\n#c\n2 2\n1000\n\0\1\0\2\3\0\3\xe8"), ("P6", b"P6\n2 2\n255\nabcdefghijkl"), ("P6-16", b"P6 1 2 65535\nabcdefghijkl"),
                       ("P6-3", b"P6 1 1 3\n\0\1\3")):
        write("pnm", name + ".pnm", text)


def make_exif():
    for order in "<>":
        for orientation in (1, 3, 6, 8, 9):
            write("exif", f"{orientation}{'little' if order == '<' else 'big'}", tiff({271: (1, [65] * 6), 274: (3, [orientation])}, order))
    whole = Image.Exif()
    whole[274] = 5
    write("exif", "whole.jpg", saved(picture("L", 1, 1), "JPEG", exif=whole, quality=1))
    write("exif", "whole.png", saved(picture("L", 1, 1), "PNG", exif=whole))


# ---- compression ----

def make_inflate():
    rng = random.Random(3)
    texts = {"empty": b"", "text": b"the quick brown fox, the quick brown dog, " * 9, "runs": b"a" * 900 + b"b" * 5, "noise": bytes(rng.randrange(256) for _ in range(99))}
    for name, data in texts.items():
        for how, level, strategy in (("dynamic", 9, 0), ("fixed", 9, zlib.Z_FIXED), ("huffman", 9, zlib.Z_HUFFMAN_ONLY), ("stored", 0, 0)):
            if name in ("text", "noise") or how == "dynamic":
                packer = zlib.compressobj(level, zlib.DEFLATED, 15, 9, strategy)
                stream = packer.compress(data) + packer.flush()
                write("inflate", f"zlib-{name}-{how}", b"\0" + stream)
                write("inflate", f"raw-{name}-{how}", b"\4" + stream[2:-4])
        write("inflate", f"short-{name}", b"\1" + zlib.compress(data))
        write("inflate", f"pack-{name}", b"\3" + data)
    packed = gzip.compress(texts["text"], mtime=0)
    write("inflate", "gzip", b"\2" + packed)
    write("inflate", "gzip-members", b"\2" + packed * 2 + bytes(5))
    head = b"\x1f\x8b\x08\x1e\0\0\0\0\0\xff\3\0abcname\0comment\0"
    write("inflate", "gzip-fields", b"\2" + head + struct.pack("<H", zlib.crc32(head) & 0xffff) + packed[10:])


# ---- checkpoints ----

def make_json():
    values = [{}, [], 1, "x", None, True, [1e300, -0.0, 1.5e-300, 1234567890123456789, 0.1, -2], ["\0", "\xe9\n\t\"\\/", "\U0001f600", "</w>"], {"a": {"b": {"c": [[[]]], "d": 1}}, "": 2},
              {"vocab": {"a</w>": 1, "b": 2}, "merges": ["a b", ["c", "d"]]}]
    for i, value in enumerate(values):
        write("json", f"{i}.json", json.dumps(value))
        if i > 6:
            write("json", f"{i}-plain.json", json.dumps(value, indent=1, ensure_ascii=False))


def make_npy():
    for kind in ("<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "<i4"):
        out = io.BytesIO()
        np.lib.format.write_array(out, np.linspace(-9, 9, 6).reshape(2, 3).astype(kind), version=(1, 0))
        write("npy", f"{'big' if kind[0] == '>' else 'little'}-{kind[1:]}.npy", out.getvalue())
    for name, array, version in (("scalar", np.float32(2), (1, 0)), ("empty", np.zeros((0, 4), np.float32), (2, 0)), ("rank8", np.zeros((1,) * 8, np.float64), (3, 0)),
                                 ("fortran", np.ones((2, 3), np.float32, order="F"), (1, 0)), ("special", np.array([np.nan, np.inf, -0.0, 1e300]), (1, 0))):
        out = io.BytesIO()
        np.lib.format.write_array(out, np.asarray(array), version=version)
        write("npy", f"{name}.npy", out.getvalue())


def small_tensors():
    rng = np.random.default_rng(5)
    return {"a.weight": rng.standard_normal((2, 3)).astype(np.float32), "b": rng.standard_normal(4).astype(np.float16), "c.d": np.float64(3), "e": np.arange(3, dtype=np.int64),
            "f": checkpoints.bf16(rng.standard_normal((1, 2, 2)))}


def make_safetensors():
    write("safetensors", "small", checkpoints.pack(small_tensors()))
    write("safetensors", "empty", checkpoints.pack({}))
    write("safetensors", "index", json.dumps({"metadata": {"total_size": 8}, "weight_map": {"a": "a", "b": "b"}}))
    write("safetensors", "index-one", json.dumps({"weight_map": {"a": "a"}}))
    for name, (data, _) in checkpoints.broken().items():
        if len(data) < 2000:
            write("safetensors", "bad_" + name, data)


def make_convert():
    example = checkpoints.example()
    for name, tensors in (("openai", example), ("hf", checkpoints.hf(example)), ("timm", checkpoints.timm(example))):
        write("convert", name, checkpoints.pack({k: np.asarray(v).astype(np.float16) if k.startswith(("token_embedding", "text_model.embeddings.token")) else v for k, v in tensors.items()}))


def gguf_string(text):
    return struct.pack("<Q", len(text.encode())) + text.encode()


def gguf_value(v):
    """Type and bytes."""
    if isinstance(v, bool):
        return 7, struct.pack("<B", v)
    if isinstance(v, int):
        return 4, struct.pack("<I", v)
    if isinstance(v, float):
        return 6, struct.pack("<f", v)
    if isinstance(v, str):
        return 8, gguf_string(v)
    return 9, struct.pack("<IQ", gguf_value(v[0])[0], len(v)) + b"".join(gguf_value(x)[1] for x in v)


def gguf(values, tensors, version=3):
    """tensors: name -> (type's number, shape, bytes)"""
    out, blob = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(values)), b""
    for key, value in values.items():
        kind, data = gguf_value(value)
        out += gguf_string(key) + struct.pack("<I", kind) + data
    for name, (kind, shape, data) in tensors.items():
        out += gguf_string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *reversed(shape), kind, len(blob))
        blob += data + bytes(-len(data) % 32)
    return out + bytes(-len(out) % 32) + blob


def make_gguf():
    values = {"general.architecture": "clip", "clip.use_gelu": True, "clip.vision.attention.head_count": 2, "clip.vision.image_mean": [0.5, 0.25, 0.75],
              "clip.vision.attention.layer_norm_epsilon": 1e-5, "general.alignment": 32, "tokenizer.ggml.tokens": ["a", "b</w>", "ab</w>"], "tokenizer.ggml.merges": ["a b</w>"]}
    tensors = {"f32": (0, (2, 3), np.arange(6, dtype="<f4").tobytes()), "f16": (1, (4,), np.arange(4, dtype="<f2").tobytes()),
               "q8": (8, (2, 32), bytes(68)), "bf16": (30, (2, 2), bytes(8)), "other": (2, (32,), bytes(18))}
    write("gguf", "all", gguf(values, tensors))
    write("gguf", "version2", gguf({"general.architecture": "clip"}, {"f32": tensors["f32"]}, 2))
    write("gguf", "empty", gguf({"general.architecture": "clip"}, {}))


def torch_bytes(value, old=False):
    out = io.BytesIO()
    torch.save(value, out, _use_new_zipfile_serialization=not old)
    return out.getvalue()


def make_pytorch():
    base = torch.arange(12, dtype=torch.float32)
    values = {"tensor": base[:3], "views": {"a": base.reshape(3, 4).T, "b": base[2:8:2], "c": torch.ones(1).expand(2, 3)},
              "nested": {"state_dict": {"w": torch.nn.Parameter(base[:2].clone()), "n": torch.tensor(3)}, "epoch": 3, "args": [1, "x", None]},
              "types": {str(t): torch.ones(2).to(t) for t in (torch.float16, torch.bfloat16, torch.float64, torch.int64)}}
    for name, value in values.items():
        write("pytorch", name, torch_bytes(value))
        write("pytorch", name + "-old", torch_bytes(value, True))

    class Add(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(2))

        def forward(self, x: torch.Tensor):
            return x + self.weight
    out = io.BytesIO()
    torch.jit.save(torch.jit.script(Add()), out)
    write("pytorch", "script", out.getvalue())


def make_pickle():
    from collections import OrderedDict
    values = {"plain": {"a": [1, -2, 2 ** 40, 2 ** 70, 1.5], "b": (None, True, False, ()), "c": {"x", "y"}, "d": b"bytes", "e": "text \xe9 \U0001f600"},
              "ordered": OrderedDict([("a", 1), ("b", [2, 3])]), "shared": [["x"] * 3] * 3, "long": ["a" * 300, list(range(20)), {i: i for i in range(9)}]}
    for name, value in values.items():
        for protocol in (2, 3, 4, 5):
            if name == "plain" or protocol in (2, 4):
                write("pickle", f"{name}-{protocol}", pickle.dumps(value, protocol))
    with zipfile.ZipFile(io.BytesIO(torch_bytes({"w": torch.ones(2, 3), "p": torch.nn.Parameter(torch.ones(1))}))) as archive:
        write("pickle", "torch", archive.read("archive/data.pkl"))
    loop = []
    loop.append(loop)
    write("pickle", "loop", pickle.dumps(loop, 2))


def make_zip():
    for name, compression, comment in (("stored", zipfile.ZIP_STORED, b""), ("packed", zipfile.ZIP_DEFLATED, b"a comment")):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", compression) as archive:
            archive.writestr(zipfile.ZipInfo("a/data.pkl"), b"x" * 20, compression)
            archive.writestr(zipfile.ZipInfo("a/data/0"), bytes(16), compression)
            archive.comment = comment
        write("zip", name, out.getvalue())
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, archive.open(zipfile.ZipInfo("big"), "w", force_zip64=True) as entry:
        entry.write(b"abc")
    write("zip", "zip64-entry", out.getvalue())
    data = out.getvalue()
    at = data.index(b"PK\5\6")
    count, size, begin = struct.unpack("<HII", data[at + 10:at + 20])
    end64 = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, count, count, size, begin) + b"PK\6\7" + struct.pack("<IQI", 0, at, 1)
    write("zip", "zip64-end", data[:at] + end64 + data[at:at + 8] + struct.pack("<HHIIH", 0xffff, 0xffff, 0xffffffff, 0xffffffff, 0))
    name, content, ones = b"a/b", b"xyz", 0xffffffff
    local = b"PK\3\4" + struct.pack("<HHHHHIIIHH", 45, 0, 0, 0, 0x21, zlib.crc32(content), 3, 3, len(name), 0) + name + content
    line = b"PK\1\2" + struct.pack("<HHHHHHIIIHHHHHII", 45, 45, 0, 0, 0, 0x21, zlib.crc32(content), ones, ones, len(name), 28, 0, 0, 0, 0, ones) + name
    line += struct.pack("<HHQQQ", 1, 24, 3, 3, 0)
    write("zip", "zip64-line", local + line + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(line), len(local), 0))
    write("zip", "torch", torch_bytes(torch.ones(2)))
    write("zip", "empty", b"PK\5\6" + bytes(18))


# ---- texts ----

def make_vocab():
    with tempfile.TemporaryDirectory() as folder:
        checkpoints.vocabulary(folder, 530)
        with open(os.path.join(folder, "vocab.json"), "rb") as v, open(os.path.join(folder, "merges.txt"), "rb") as m:
            vocabulary, merges = v.read(), m.read()
    short = json.dumps(json.loads(vocabulary), separators=(",", ":"), ensure_ascii=False).encode()
    write("vocab", "merges", b"\1" + merges + b"\0" + short)
    write("vocab", "vocab", b"\2" + short + b"\0" + merges)
    ids = json.loads(vocabulary)
    tokenizer = {"added_tokens": [{"id": ids["<|endoftext|>"], "content": "<|endoftext|>"}], "model": {"type": "BPE", "end_of_word_suffix": "</w>", "vocab": ids, "merges": merges.decode().split("\n")[1:-1]}}
    write("vocab", "tokenizer", b"\3" + json.dumps(tokenizer, separators=(",", ":"), ensure_ascii=False).encode())
    small = {"model": {"end_of_word_suffix": "</w>", "merges": [["a", "b"], "c d</w>"], "vocab": {"a": 1, "b": 2}}, "added_tokens": [{"id": 3, "content": "<|endoftext|>"}]}
    write("vocab", "tokenizer-small", b"\3" + json.dumps(small).encode())
    openai = b'"bpe_simple_vocab_16e6.txt#version: 0.2\n' + merges.split(b"\n", 1)[1]
    write("vocab", "openai", b"\0" + openai)
    write("vocab", "openai-gzip", b"\0" + gzip.compress(openai, mtime=0))
    write("vocab", "small", b"\0#version: 0.2\nt h\nth e</w>\na b\n")
    symbols = sorted(ids, key=ids.get)
    write("vocab", "gguf", b"\0" + gguf({"tokenizer.ggml.tokens": symbols}, {}))


def make_tokenizer():
    merges = [(0, 1, 514), (514, 257, 515), (64, 65, 516), (65, 322, 517), (516, 66, 518)]
    head = bytes([len(merges)]) + b"".join(struct.pack("<HHH", *m) for m in merges)
    for i, text in enumerate(("a photo of a cab.", "caf\xe9 na\xefve \xc5ngstr\xf6m", "&lt;b&gt; &amp;amp; &notit; &#233; &#x1F600; &eacute", "it's you'll I\u017fd 12 \u2167 \xbd", "\u0130\u03a3\u03a3 \u03a3. A\u030a e\u0301\u0323 \uac00\u11a8",
                              "<|startoftext|> <|endoftext|>a", "\t a \u3000 b\n\x1c", "x" * 60, "\U0001f468\u200d\U0001f469 \U00020000")):
        write("tokenizer", f"text{i}", head + text.encode())
    write("tokenizer", "no-text", head + b"\xff\xc3(\xed\xa0\x80\xf4\x90\x80\x80")
    section = b"LTOK" + struct.pack("<IIII", 1, len(merges), 512, 513) + struct.pack("<512I", *range(512)) + b"".join(struct.pack("<III", *m) for m in merges)
    write("tokenizer", "section", b"\xff" + section)


def make_prompts():
    with open("weights/prompts.txt", "rb") as f:
        write("prompts", "default", f.read())
    write("prompts", "small", "# c\n[normal]\n{}\n[anomalous]\n broken {} \r\n[templates]\na {}.\n\na photo of {}\n")


def make_config():
    vision = {"hidden_size": 24, "num_hidden_layers": 3, "intermediate_size": 24, "patch_size": 8, "image_size": 32, "num_attention_heads": 3, "hidden_act": "gelu", "layer_norm_eps": 1e-6}
    text = {"hidden_size": 14, "num_hidden_layers": 2, "intermediate_size": 14, "max_position_embeddings": 12, "vocab_size": 514, "num_attention_heads": 2, "eos_token_id": 513}
    processor = {"image_mean": [0.5, 0.25, 0.125], "image_std": [0.5, 0.75, 1.0]}
    open_clip = {"model_cfg": {"embed_dim": 18, "quick_gelu": True, "vision_cfg": {"image_size": 32, "layers": 3, "width": 24, "patch_size": 8, "head_width": 8},
                               "text_cfg": {"context_length": 12, "vocab_size": 514, "width": 14, "heads": 2, "layers": 2}}, "preprocess_cfg": {"mean": [0.5, 0.25, 0.125], "std": [0.5, 0.75, 1.0]}}
    dino = {"model_type": "dinov2", "hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 3, "mlp_ratio": 1, "patch_size": 8, "image_size": 32, "hidden_act": "gelu", "layer_norm_eps": 1e-6, "use_swiglu_ffn": False}
    for name, family, config, other in (("openai", 0, open_clip, None), ("hf", 1, {"projection_dim": 18, "vision_config": vision, "text_config": text}, processor), ("hf-vision", 1, {"model_type": "clip_vision_model", **vision}, None),
                                        ("timm", 2, {"architecture": "vit_x_quickgelu", "pretrained_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3}}, None), ("dino", 4, dino, processor)):
        write("config", name, bytes([family]) + json.dumps(config).encode() + (b"\0" + json.dumps(other).encode() if other else b""))


# ---- lake's own files ----

def lake(*arguments):
    done = subprocess.run([LAKE, *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"lake {' '.join(arguments)}: {done.stderr}")


def panels():
    """A tower whose matrices fit the panels of FORMAT.md, with an MLP no wider than the rest."""
    tensors = checkpoints.timm(checkpoints.openai(width=32, layers=1, patch=2, grid=1))
    return {k: v[:32] if "mlp.fc1" in k else v[:, :32] if k.endswith("mlp.fc2.weight") else v for k, v in tensors.items() if not k.startswith("head.")}


def make_clip():
    with tempfile.TemporaryDirectory() as folder:
        model, out = os.path.join(folder, "m.safetensors"), os.path.join(folder, "m.clip")
        checkpoints.vocabulary(folder, 515)
        for name, tensors in (("text", checkpoints.example()), ("vision", checkpoints.timm(checkpoints.example())), ("panels", panels())):
            with open(model, "wb") as f:
                f.write(checkpoints.pack(tensors))
            for kind in ("f32", "f16", "bf16", "q8"):
                if name == "vision" or f"{name} {kind}" in ("text f16", "text q8", "panels bf16", "panels q8"):
                    options = checkpoints.EXAMPLE_OPTIONS[2:] if name == "text" else ("--heads", "2")
                    lake("convert", model, "-o", out, "--dtype", kind, *options)
                    with open(out, "rb") as f:
                        data = f.read()
                    write("clip", f"{name}-{kind}.clip", data)
                    if kind == "f16" or name == "panels" and kind == "bf16":
                        write("convert", f"{name}.clip", data)


def make_detector():
    rng = np.random.default_rng(11)
    with tempfile.TemporaryDirectory() as folder:
        one, two, out = (os.path.join(folder, n) for n in ("1.npy", "2.npy", "d.lake"))
        np.save(one, rng.standard_normal((3, 4, 5)).astype(np.float32))
        np.save(two, rng.standard_normal((3, 4, 3)).astype(np.float32))
        for name, files, options in (("plain", [one], ()), ("layers", [one, two], ("--neurons", "2")), ("pca", [one], ("--select", "pca", "--neurons", "2", "--keep-tokens")),
                                     ("trim", [one], ("--trim", "0.2", "--coreset", "0.5", "--distance", "cosine", "--threshold", "fpr=0.1"))):
            lake("fit", *files, "-o", out, *options)
            with open(out, "rb") as f:
                data = f.read()
            write("detector", name + ".lake", data)


if __name__ == "__main__":
    torch.manual_seed(1)
    for make in [v for k, v in sorted(globals().items()) if k.startswith("make_")]:
        make()
