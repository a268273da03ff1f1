#!/usr/bin/env python3
"""Small checkpoints in every naming, and broken ones, for test_convert.py; with a reader of .clip files that is written
from weights/FORMAT.md alone. Needs numpy. `make_checkpoints.py FOLDER` writes them all, to look at."""
import json
import os
import struct
import sys
import zlib

import numpy as np

CODES = {"float32": "F32", "float16": "F16", "float64": "F64", "int64": "I64", "uint16": "BF16"}  # uint16: bits of bf16


def bf16(array):
    """Bits of the nearest bfloat16, ties to even."""
    bits = np.ascontiguousarray(array, np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)


def pack(tensors, header=None, pad=True):
    """The bytes of a safetensors file; `header` changes the header (a dict, in place) before it is written."""
    table, blobs, at = {"__metadata__": {"format": "pt"}}, [], 0
    for name, array in tensors.items():
        array = np.asarray(array)
        blobs.append(array.tobytes())
        table[name] = {"dtype": CODES[array.dtype.name], "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    if header is not None:
        header(table)
    text = json.dumps(table).encode()
    if pad:
        text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(blobs)


# ---- models ----

def openai(seed=0, width=128, layers=2, patch=8, grid=3, embed=48, text_width=64, text_layers=1, context=16, vocabulary=600):
    """A CLIP in OpenAI's naming, random weights."""
    rng = np.random.default_rng(seed)
    t = {}

    def n(name, *shape):
        t[name] = (rng.standard_normal(shape) * 0.1).astype(np.float32)

    def blocks(prefix, w, count):
        for i in range(count):
            b = f"{prefix}transformer.resblocks.{i}."
            for name, shape in (("ln_1.weight", (w,)), ("ln_1.bias", (w,)), ("attn.in_proj_weight", (3 * w, w)), ("attn.in_proj_bias", (3 * w,)),
                                ("attn.out_proj.weight", (w, w)), ("attn.out_proj.bias", (w,)), ("ln_2.weight", (w,)), ("ln_2.bias", (w,)),
                                ("mlp.c_fc.weight", (4 * w, w)), ("mlp.c_fc.bias", (4 * w,)), ("mlp.c_proj.weight", (w, 4 * w)), ("mlp.c_proj.bias", (w,))):
                n(b + name, *shape)
    n("visual.class_embedding", width), n("visual.positional_embedding", 1 + grid * grid, width), n("visual.proj", width, embed)
    n("visual.conv1.weight", width, 3, patch, patch)
    for name in ("visual.ln_pre", "visual.ln_post"):
        n(name + ".weight", width), n(name + ".bias", width)
    blocks("visual.", width, layers)
    n("token_embedding.weight", vocabulary, text_width), n("positional_embedding", context, text_width)
    blocks("", text_width, text_layers)
    n("ln_final.weight", text_width), n("ln_final.bias", text_width), n("text_projection", text_width, embed)
    t["logit_scale"] = np.float32(4.6052)
    return t


def example():
    """The model whose file FORMAT.md shows: one block a tower, widths 4 and 2; every number is a multiple of 1/64."""
    t = openai(width=4, layers=1, patch=2, grid=1, embed=3, text_width=2, text_layers=1, context=4, vocabulary=515)
    for k, name in enumerate(sorted(t)):
        size = t[name].size
        t[name] = (((np.arange(size) * 11 + k * 37) % 251 - 125) / 64).astype(np.float32).reshape(t[name].shape)
    t["logit_scale"] = np.float32(4.5)
    return t


EXAMPLE_OPTIONS = ("--dtype", "f16", "--heads", "2", "--text-heads", "1", "--activation", "quick_gelu", "--eps", "1e-5",
                   "--mean", "0.5,0.5,0.5", "--std", "0.5,0.5,0.5")


OURS = (("visual.conv1.weight", "vision.patch.weight"), ("visual.class_embedding", "vision.class"), ("visual.positional_embedding", "vision.positions"),
        ("visual.proj", "vision.projection.weight"), ("visual.ln_", "vision.ln_"), ("token_embedding.weight", "text.tokens.weight"),
        ("positional_embedding", "text.positions"), ("text_projection", "text.projection.weight"), ("ln_final", "text.ln_final"),
        ("visual.transformer.resblocks", "vision.blocks"), ("transformer.resblocks", "text.blocks"),
        ("attn.in_proj_", "qkv."), ("attn.out_proj", "attn_out"), ("mlp.c_fc", "mlp_in"), ("mlp.c_proj", "mlp_out"))
HF = (("visual.conv1.weight", "vision_model.embeddings.patch_embedding.weight"), ("visual.class_embedding", "vision_model.embeddings.class_embedding"),
      ("visual.positional_embedding", "vision_model.embeddings.position_embedding.weight"), ("visual.proj", "visual_projection.weight"),
      ("visual.ln_pre", "vision_model.pre_layrnorm"), ("visual.ln_post", "vision_model.post_layernorm"),
      ("token_embedding.weight", "text_model.embeddings.token_embedding.weight"), ("positional_embedding", "text_model.embeddings.position_embedding.weight"),
      ("text_projection", "text_projection.weight"), ("ln_final", "text_model.final_layer_norm"),
      ("visual.transformer.resblocks", "vision_model.encoder.layers"), ("transformer.resblocks", "text_model.encoder.layers"),
      ("attn.out_proj", "self_attn.out_proj"), ("mlp.c_fc", "mlp.fc1"), ("mlp.c_proj", "mlp.fc2"), (".ln_1.", ".layer_norm1."), (".ln_2.", ".layer_norm2."))


def rename(name, table):
    for old, new in table:
        if name.startswith(old) or ("resblocks" not in old and old.startswith(("attn", "mlp", ".ln"))):
            name = name.replace(old, new, 1)
    return name


def ours(tensors):
    """What a .clip file of this OpenAI checkpoint must hold: our names, projections transposed."""
    return {rename(k, OURS): v.T if k in ("visual.proj", "text_projection") else v for k, v in tensors.items() if k != "logit_scale"}


def hf(tensors):
    out = {}
    for k, v in tensors.items():
        name = rename(k, HF)
        if "attn.in_proj_" in name:
            for letter, rows in zip("qkv", np.split(v, 3)):
                out[name.replace("attn.in_proj_", f"self_attn.{letter}_proj.")] = rows
        else:
            out[name] = v.T if k in ("visual.proj", "text_projection") else v
    out["vision_model.embeddings.position_ids"] = np.arange(10, dtype=np.int64)[None]
    out["text_model.embeddings.position_ids"] = np.arange(16, dtype=np.int64)[None]
    return out


TIMM = (("visual.conv1.weight", "patch_embed.proj.weight"), ("visual.class_embedding", "cls_token"), ("visual.positional_embedding", "pos_embed"),
        ("visual.ln_post", "norm"), ("visual.ln_pre", "norm_pre"), ("visual.transformer.resblocks", "blocks"), ("attn.in_proj_", "attn.qkv."),
        ("attn.out_proj", "attn.proj"), ("mlp.c_fc", "mlp.fc1"), ("mlp.c_proj", "mlp.fc2"), (".ln_1.", ".norm1."), (".ln_2.", ".norm2."))


def timm(tensors):
    """The image tower alone, with a patch bias and a classifier, without ln_pre and projection."""
    out = {rename(k, TIMM): v for k, v in tensors.items() if k.startswith("visual.") and k != "visual.proj" and ".ln_pre." not in k}
    width = len(out["cls_token"])
    out["cls_token"], out["pos_embed"] = out["cls_token"].reshape(1, 1, width), out["pos_embed"][None]
    out["patch_embed.proj.bias"] = np.linspace(-1, 1, width, dtype=np.float32)
    out["head.weight"], out["head.bias"] = np.ones((10, width), np.float32), np.ones(10, np.float32)
    return out


# ---- vocabulary ----

def byte_characters():
    """Byte -> the character that stands for it, in the order of the ids: printable ones first (bytes_to_unicode)."""
    printable = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    rest = [b for b in range(256) if b not in printable]
    return [chr(b) for b in printable] + [chr(256 + i) for i in range(len(rest))]


def vocabulary(folder, size=600):
    """vocab.json and merges.txt of `size` ids: bytes, bytes ending a word, merges of pairs of letters, two special ids."""
    symbols = byte_characters()
    symbols += [s + "</w>" for s in symbols]
    letters = "etaoinshrdlu"
    merges = [(a, b) for a in letters for b in letters][: size - 514]
    ids = {s: i for i, s in enumerate(symbols + [a + b for a, b in merges] + ["<|startoftext|>", "<|endoftext|>"])}
    with open(os.path.join(folder, "vocab.json"), "w") as f:
        json.dump(ids, f)
    with open(os.path.join(folder, "merges.txt"), "w") as f:
        f.write("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    return os.path.join(folder, "vocab.json")


# ---- configuration files ----

def hf_config(**changes):
    vision = {"hidden_size": 128, "num_hidden_layers": 2, "intermediate_size": 512, "patch_size": 8, "image_size": 24,
              "num_attention_heads": 4, "hidden_act": "gelu", "layer_norm_eps": 1e-6}
    text = {"hidden_size": 64, "num_hidden_layers": 1, "intermediate_size": 256, "max_position_embeddings": 16, "vocab_size": 600,
            "num_attention_heads": 2, "eos_token_id": 599}  # hidden_act and eps by default
    for key, value in changes.items():
        tower, key = key.split("__")
        (vision if tower == "vision" else text)[key] = value
    return {"model_type": "clip", "projection_dim": 48, "vision_config": vision, "text_config": text}


OPEN_CLIP_CONFIG = {"model_cfg": {"embed_dim": 48, "vision_cfg": {"image_size": 24, "layers": 2, "width": 128, "patch_size": 8, "head_width": 32},
                                  "text_cfg": {"context_length": 16, "vocab_size": 600, "width": 64, "heads": 4, "layers": 1}},
                    "preprocess_cfg": {"mean": [0.5, 0.25, 0.125], "std": [0.5, 0.75, 1.0]}}


# ---- broken files: name -> (bytes, what the message must say) ----

def broken():
    good = openai()

    def without(name):
        return pack({k: v for k, v in good.items() if k != name})

    def with_(**changes):
        return pack({**good, **{k.replace("__", "."): v for k, v in changes.items()}})

    def header(change):
        return pack(good, header=change)

    def entry(name, key, value):
        return header(lambda table: table[name].__setitem__(key, value))

    def same_data(table):
        table["visual.ln_pre.bias"]["data_offsets"] = table["visual.ln_pre.weight"]["data_offsets"]

    data = pack(good)
    length = struct.unpack("<Q", data[:8])[0]
    text = data[8:8 + length]
    ends = good["visual.conv1.weight"].copy()
    ends.flat[77] = np.nan
    large = good["visual.proj"].copy()
    large[3, 4] = np.inf
    b = "visual.transformer.resblocks.1."
    wide = np.float64(1e300) * np.ones((128, 128))
    cases = {
        "empty": (b"", "is empty"),
        "short": (b"1234", "4 bytes, expected 8 at least"),
        "zip": (b"PK\x03\x04\x00\x00\x08\x08" + bytes(500), "a zip archive without its end"),
        "legacy": (bytes.fromhex("80028a0a6cfc9c46f9206aa85019") + bytes(500), "opcode 0x00 (unknown) at byte 14"),
        "pickle": (b"\x80\x02}q\x00X" + bytes(500), "a Python pickle"),
        "gguf": (b"GGUF\x03\x00\x00\x00" + bytes(500), "is a GGUF file"),
        "html": (b"\n<!DOCTYPE html><html><head>" + bytes(500), "HTML"),
        "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n", "git-lfs pointer"),
        "json": (b'{"weight_map": {}}' + b" " * 500, "is JSON text"),
        "clip": (b"\x89CLIP\r\n\x1a" + bytes(500), "format version 0"),
        "text": (b"hello, this is a text and nothing else", "is no safetensors file"),
        "header_too_long": (struct.pack("<Q", 1 << 62) + data[8:], "at most 100000000"),
        "header_beyond_end": (struct.pack("<Q", 99999999) + data[8:], "or cut off"),
        "header_not_json": (data[:8] + text[:-1].replace(b"}", b"]", 1) + b" " + data[8 + length:], "no valid JSON"),
        "header_list": (struct.pack("<Q", 8) + b"[]      ", "no JSON object"),
        "header_not_utf8": (data[:8] + text.replace(b"visual.proj", b"visual.pr\xffj") + data[8 + length:], "no valid UTF-8"),
        "duplicate_key": (data[:8] + text.replace(b'"visual.ln_post.bias"', b'"visual.ln_pre.bias" ') + data[8 + length:], "two members named"),
        "truncated": (data[:-4], "cut off"),
        "truncated_half": (data[:len(data) // 2], "cut off"),
        "trailing": (data + b"\0", "1 bytes behind the last tensor"),
        "overlap": (header(same_data), "they overlap another's"),
        "offset_huge": (entry("logit_scale", "data_offsets", [2 ** 53 - 4, 2 ** 53]), "there is a hole"),
        "offset_negative": (entry("logit_scale", "data_offsets", [-4, 0]), "no pair of offsets"),
        "offset_fraction": (entry("logit_scale", "data_offsets", [0.5, 4.5]), "no pair of offsets"),
        "offset_backwards": (entry("logit_scale", "data_offsets", [8, 4]), "no pair of offsets"),
        "offset_missing": (header(lambda t: t["visual.proj"].pop("data_offsets")), "no pair of offsets"),
        "shape_lies": (entry("visual.proj", "shape", [129, 48]), "do not make 6192 numbers"),
        "shape_overflows": (entry("visual.proj", "shape", [2 ** 40, 2 ** 40]), "overflows"),
        "shape_rank": (entry("visual.proj", "shape", [1] * 9 + [128, 48]), "no list of up to 8"),
        "shape_text": (entry("visual.proj", "shape", ["128", 48]), "no size"),
        "dtype_unknown": (entry("visual.proj", "dtype", "Q8"), 'unknown dtype "Q8"'),
        "dtype_missing": (header(lambda t: t["visual.proj"].pop("dtype")), 'no "dtype"'),
        "entry_is_text": (header(lambda t: t.__setitem__("visual.proj", "x")), 'tensor visual.proj: has no "dtype"'),
        "metadata_number": (header(lambda t: t["__metadata__"].__setitem__("a", 1)), "which is no string"),
        "no_tensors": (pack({}), "no image tower found among 0 tensors"),
        "other_model": (pack({"bert.embeddings": np.zeros(4, np.float32)}), "no image tower found among 1 tensors (the first: bert.embeddings)"),
        "resnet": (with_(visual__attnpool__c_proj__weight=np.zeros((4, 4), np.float32)), "ResNet"),
        "missing": (without(b + "mlp.c_fc.bias"), f"tensor {b}mlp.c_fc.bias is missing (for vision.blocks.1.mlp_in.bias)"),
        "missing_positions": (without("visual.positional_embedding"), "visual.positional_embedding is missing (OpenAI naming)"),
        "missing_blocks": (pack({k: v for k, v in good.items() if not k.startswith("visual.transformer")}), "resblocks.0.ln_1.weight is missing"),
        "missing_scale": (without("logit_scale"), "no tensor logit_scale"),
        "shape": (with_(visual__proj=np.zeros((127, 48), np.float32)), "tensor visual.proj has shape [127, 48], expected [128, 48]"),
        "shape_transposed": (pack({**good, b + "mlp.c_fc.weight": good[b + "mlp.c_fc.weight"].T}), f"tensor {b}mlp.c_fc.weight has shape [128, 512], expected [512, 128]"),
        "rank": (with_(visual__conv1__weight=np.zeros((128, 192), np.float32)), "has shape [128, 192], expected 4 sides"),
        "no_grid": (with_(visual__positional_embedding=np.zeros((12, 128), np.float32)), "12 position embeddings, expected a class token and a square grid"),
        "not_square": (with_(visual__conv1__weight=np.zeros((128, 3, 8, 4), np.float32)), "expected [width, 3, p, p]"),
        "empty_tensor": (with_(visual__conv1__weight=np.zeros((0, 3, 8, 8), np.float32)), "has shape [0, 3, 8, 8], expected 4 sides, none of them 0"),
        "integers": (with_(visual__proj=np.zeros((128, 48), np.int64)), "tensor visual.proj has type I64, expected F32, F16, BF16 or F64"),
        "layer_scale": (pack({**good, b + "ls_1.gamma": np.ones(128, np.float32)}), "LayerScale is part of some blocks of the vision tower"),
        "other_block": (pack({**good, b + "attn.q_norm.weight": np.ones(64, np.float32)}), f"tensor {b}attn.q_norm.weight is part of a block of another kind"),
        "nan": (with_(visual__conv1__weight=ends), "holds NaN: the weights are damaged (made of tensor visual.conv1.weight of"),
        "infinity": (with_(visual__proj=large), "holds an infinity: the weights are damaged (made of tensor visual.proj of"),
        "double_overflow": (pack({**good, b + "attn.out_proj.weight": wide}), f"holds an infinity: the weights are damaged (made of tensor {b}attn.out_proj.weight"),
        "scale_nan": (with_(logit_scale=np.float32("nan")), "logit_scale is nan"),
    }
    return cases


# ---- .clip files, by FORMAT.md ----

def read_clip(path):
    """(configuration, {name: array as float32}, {name: type}, tokenizer section); checks every checksum and offset."""
    with open(path, "rb") as f:
        data = f.read()
    magic, version, order, size, head_size, head_crc, count, tokenizer_size = struct.unpack_from("<8sIIQIIII", data)
    assert magic == b"\x89CLIP\r\n\x1a" and version == 1 and order == 0x01020304 and size == len(data) and head_size % 64 == 0
    assert zlib.crc32(data[:28] + bytes(4) + data[32:head_size]) == head_crc
    tower = ("width", "layers", "heads", "mlp", "activation", "eps")
    config = dict(zip(("vision." + k for k in tower), struct.unpack_from("<IIIIIf", data, 40)))
    config.update(zip(("resolution", "patch"), struct.unpack_from("<II", data, 64)))
    config["mean"], config["std"] = struct.unpack_from("<fff", data, 72), struct.unpack_from("<fff", data, 84)
    config.update(zip(("embed", "flags"), struct.unpack_from("<II", data, 96)))
    config.update(zip(("text." + k for k in tower), struct.unpack_from("<IIIIIf", data, 104)))
    config.update(zip(("context", "vocabulary", "logit_scale", "reserved"), struct.unpack_from("<IIfI", data, 128)))
    tensors, types, end = {}, {}, head_size
    for i in range(count):
        name, kind, rank, *rest = struct.unpack_from("<64sII4IQQII", data, 144 + 112 * i)
        shape, (offset, length, crc, layout) = rest[:rank], rest[4:]
        raw = data[offset:offset + length]
        assert offset == (end + 63) // 64 * 64 and data[end:offset] == bytes(offset - end) and zlib.crc32(raw) == crc and layout in (0, 1)
        if kind == 2:
            array = (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
        else:
            array = np.frombuffer(raw, {0: "<f4", 1: "<f2", 3: "i1"}[kind]).astype(np.float32)  # q8: the whole numbers
        if layout == 1:
            step = (1, 1, 2, 4)[kind]
            array = array.reshape(shape[0] // 32, -1, 32, step).transpose(0, 2, 1, 3)
        name = name.rstrip(b"\0").decode()
        tensors[name], types[name], end = array.reshape(shape), ("f32", "f16", "bf16", "q8")[kind], offset + length
    assert end == size
    return config, tensors, types, data[144 + 112 * count:144 + 112 * count + tokenizer_size]


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    good = openai()
    files = {"openai": pack(good), "hf": pack(hf(good)), "timm": pack(timm(good)), **{"bad_" + k: v[0] for k, v in broken().items()}}
    for name, data in files.items():
        with open(os.path.join(folder, name + ".safetensors"), "wb") as f:
            f.write(data)
    vocabulary(folder)


if __name__ == "__main__":
    main()
