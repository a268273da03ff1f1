"""A tiny random CLIP checkpoint and small pictures, made with Python's standard library alone, for the tests of the command."""
import json
import math
import pathlib
import random
import struct
import zlib

MERGES = ["a n", "t h", "th e</w>", "p h", "ph o", "o f</w>", "o b", "g o", "d a", "i n", "w i", "t h</w>", "wi th</w>", "f l", "fl a", "fla w</w>"]


def write_safetensors(path, tensors):
    """tensors: name -> (shape, list of floats)"""
    header, blob = {}, b""
    for name, (shape, values) in tensors.items():
        data = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(blob), len(blob) + len(data)]}
        blob += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    pathlib.Path(path).write_bytes(struct.pack("<Q", len(text)) + text + blob)


def clip_tensors(seed=0, width=64, patch=8, resolution=32, layers=4, text_width=64, text_layers=2, embed=32, context=24):
    """OpenAI's names and shapes; heads of 64 channels."""
    rng = random.Random(seed)
    vocabulary = 512 + len(MERGES) + 2
    t = {}

    def normal(name, std, *shape, mean=0.0):
        t[name] = (list(shape), [rng.gauss(mean, std) for _ in range(math.prod(shape))])

    def norm(name, w):
        normal(name + ".weight", 0.1, w, mean=1.0)
        normal(name + ".bias", 0.1, w)

    def blocks(prefix, w, count):
        for i in range(count):
            b = f"{prefix}transformer.resblocks.{i}."
            norm(b + "ln_1", w)
            norm(b + "ln_2", w)
            for key, o, k in (("attn.in_proj_", 3 * w, w), ("attn.out_proj.", w, w), ("mlp.c_fc.", 4 * w, w), ("mlp.c_proj.", w, 4 * w)):
                normal(b + key + "weight", k ** -0.5, o, k)
                normal(b + key + "bias", 0.05, o)

    normal("visual.conv1.weight", (3 * patch * patch) ** -0.5, width, 3, patch, patch)
    normal("visual.class_embedding", width ** -0.5, width)
    normal("visual.positional_embedding", width ** -0.5, (resolution // patch) ** 2 + 1, width)
    normal("visual.proj", width ** -0.5, width, embed)
    normal("token_embedding.weight", 0.02, vocabulary, text_width)
    normal("positional_embedding", 0.01, context, text_width)
    normal("text_projection", text_width ** -0.5, text_width, embed)
    t["logit_scale"] = ([], [math.log(100)])
    norm("visual.ln_pre", width)
    norm("visual.ln_post", width)
    norm("ln_final", text_width)
    blocks("visual.", width, layers)
    blocks("", text_width, text_layers)
    return t


def write_vocabulary(path):
    pathlib.Path(path).write_text('"bpe_simple_vocab_16e6.txt#version: 0.2\n' + "\n".join(MERGES) + "\n")


def write_png(path, width, height, pixel):
    """pixel(x, y) -> (r, g, b)"""
    rows = b"".join(b"\0" + bytes(c for x in range(width) for c in pixel(x, y)) for y in range(height))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    pathlib.Path(path).write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
                                   chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def texture(seed, defect=None):
    """A woven texture with noise; defect: (x, y, radius) of a bright blot."""
    rng = random.Random(seed)
    noise = [[rng.randrange(-8, 9) for _ in range(64)] for _ in range(64)]

    def pixel(x, y):
        value = 110 + 40 * math.sin(x / 3) * math.sin(y / 3) + noise[y % 64][x % 64]
        if defect and (x - defect[0]) ** 2 + (y - defect[1]) ** 2 < defect[2] ** 2:
            value = 250
        return tuple(max(0, min(255, int(value * f))) for f in (1.0, 0.9, 0.7))

    return pixel
